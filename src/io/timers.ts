/** What `Timers` hands out; opaque. */
export type TimerHandle = object

export interface TimerOptions {
  /** A timer that does not keep the process alive. */
  readonly unref?: boolean
}

/** The timers port. Callbacks run on the event loop, never inside the call that set them. */
export interface Timers {
  setTimeout(callback: () => void, delayMs: number, options?: TimerOptions): TimerHandle
  clearTimeout(handle: TimerHandle): void
  /** Runs `callback` on a later turn, after the I/O that is ready: how long work yields. */
  setImmediate(callback: () => void): void
}

/** Resolves on a later turn of the loop. */
export function nextTurn(timers: Timers): Promise<void> {
  return new Promise((resolve) => timers.setImmediate(resolve))
}

/** Resolves after `delayMs`. */
export function delay(timers: Timers, delayMs: number, options?: TimerOptions): Promise<void> {
  return new Promise((resolve) => timers.setTimeout(resolve, delayMs, options))
}
