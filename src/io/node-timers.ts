import type { TimerHandle, TimerOptions, Timers } from './timers.ts'

/** Node's timers. */
export const nodeTimers: Timers = {
  setTimeout(callback: () => void, delayMs: number, options?: TimerOptions): TimerHandle {
    const timer = setTimeout(callback, delayMs)
    if (options?.unref) timer.unref()
    return timer
  },
  clearTimeout(handle: TimerHandle): void {
    clearTimeout(handle as NodeJS.Timeout)
  },
  setImmediate(callback: () => void): void {
    setImmediate(callback)
  },
}
