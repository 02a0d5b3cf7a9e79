import type { Clock } from '../../src/io/clock.ts'
import type { TimerHandle, TimerOptions, Timers } from '../../src/io/timers.ts'

/** Time that moves only when told to. Wall time can be set apart from monotonic time. */
export class SimClock implements Clock {
  #monotonicMs = 0
  #wallOffsetMs: number

  constructor(startMs: number = Date.UTC(2026, 0, 1)) {
    this.#wallOffsetMs = startMs
  }

  nowMs(): number {
    return Math.floor(this.#wallOffsetMs + this.#monotonicMs)
  }

  nowMicros(): number {
    return Math.floor((this.#wallOffsetMs + this.#monotonicMs) * 1000)
  }

  monotonicMs(): number {
    return this.#monotonicMs
  }

  advance(ms: number): void {
    this.#monotonicMs += ms
  }

  /** Sets the wall clock forward or back, as an operator or NTP does. */
  jump(ms: number): void {
    this.#wallOffsetMs += ms
  }
}

interface SimTimer {
  readonly dueMs: number
  readonly sequence: number
  readonly callback: () => void
}

/** Lets all that waits for promises go on, until nothing but timers is left to wait for. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** Timers of one process over a SimClock; those due at one moment run in the order in which they were set. */
export class SimTimers implements Timers {
  readonly #clock: SimClock
  readonly #timers = new Set<SimTimer>()
  #sequence = 0

  constructor(clock: SimClock) {
    this.#clock = clock
  }

  get pending(): number {
    return this.#timers.size
  }

  setTimeout(callback: () => void, delayMs: number, _options?: TimerOptions): TimerHandle {
    const dueMs = this.#clock.monotonicMs() + Math.max(0, delayMs)
    const timer = { dueMs, sequence: this.#sequence++, callback }
    this.#timers.add(timer)
    return timer
  }

  clearTimeout(handle: TimerHandle): void {
    this.#timers.delete(handle as SimTimer)
  }

  setImmediate(callback: () => void): void {
    this.setTimeout(callback, 0)
  }

  /** The process is gone. */
  clear(): void {
    this.#timers.clear()
  }

  #earliest(): SimTimer | undefined {
    let earliest: SimTimer | undefined
    for (const timer of this.#timers) {
      if (
        earliest === undefined ||
        timer.dueMs < earliest.dueMs ||
        (timer.dueMs === earliest.dueMs && timer.sequence < earliest.sequence)
      ) {
        earliest = timer
      }
    }
    return earliest
  }

  /** Moves the clock to the next timer and runs it; false without one. */
  async runNext(untilMs: number = Number.POSITIVE_INFINITY): Promise<boolean> {
    const timer = this.#earliest()
    if (timer === undefined || timer.dueMs > untilMs) return false
    this.#timers.delete(timer)
    if (timer.dueMs > this.#clock.monotonicMs()) this.#clock.advance(timer.dueMs - this.#clock.monotonicMs())
    timer.callback()
    await settle()
    return true
  }

  /** Lets so much time pass. */
  async advance(ms: number): Promise<void> {
    const end = this.#clock.monotonicMs() + ms
    await settle()
    while (await this.runNext(end));
    this.#clock.advance(end - this.#clock.monotonicMs())
  }

  /** Lets time pass until the promise is settled; throws if it waits for nothing. */
  async run<T>(promise: Promise<T>): Promise<T> {
    let settled = false
    const mark = (): void => {
      settled = true
    }
    promise.then(mark, mark)
    await settle()
    while (!settled) {
      if (!(await this.runNext())) throw new Error('deadlock: a promise is pending and there are no timers')
    }
    return promise
  }
}
