import type { Clock } from '../../src/io/clock.ts'
import type { TimerHandle, TimerOptions, Timers } from '../../src/io/timers.ts'
import { settle } from './sim-clock.ts'

interface Event {
  readonly dueMs: number
  readonly sequence: number
  callback: (() => void) | null
}

const isBefore = (a: Event, b: Event): boolean =>
  a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.sequence < b.sequence)

/** The time of a whole simulated world: what is due is done in order, one after another, in a heap of many timers. */
export class WorldTime implements Timers {
  #heap: Event[] = []
  #sequence = 0
  #nowMs = 0
  /** How much was done: for traces. */
  events = 0

  /** Milliseconds since the world began. */
  get nowMs(): number {
    return this.#nowMs
  }

  setTimeout(callback: () => void, delayMs: number, _options?: TimerOptions): TimerHandle {
    const event: Event = {
      dueMs: this.#nowMs + Math.max(0, delayMs),
      sequence: this.#sequence++,
      callback,
    }
    this.#push(event)
    return event
  }

  clearTimeout(handle: TimerHandle): void {
    ;(handle as Event).callback = null
  }

  setImmediate(callback: () => void): void {
    this.setTimeout(callback, 0)
  }

  #push(event: Event): void {
    const heap = this.#heap
    let at = heap.push(event) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!isBefore(event, heap[parent]!)) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = event
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()!
    if (heap.length === 0) return
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++
      if (!isBefore(heap[child]!, last)) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = last
  }

  /** Does what is due next, and all that follows without waiting; false where nothing is due until then. */
  async runNext(untilMs: number = Number.POSITIVE_INFINITY): Promise<boolean> {
    for (;;) {
      const event = this.#heap[0]
      if (event === undefined || event.dueMs > untilMs) return false
      this.#pop()
      const { callback } = event
      if (callback === null) continue
      this.#nowMs = Math.max(this.#nowMs, event.dueMs)
      this.events++
      event.callback = null
      callback()
      await settle()
      return true
    }
  }

  /** Lets so much time pass. */
  async advance(ms: number): Promise<void> {
    const end = this.#nowMs + ms
    await settle()
    while (await this.runNext(end));
    this.#nowMs = end
  }

  /** Lets time pass until the promise is settled; throws where that takes longer than anything may. */
  async run<T>(promise: Promise<T>, withinMs: number = 600_000): Promise<T> {
    let isSettled = false
    const mark = (): void => {
      isSettled = true
    }
    promise.then(mark, mark)
    const end = this.#nowMs + withinMs
    await settle()
    while (!isSettled) {
      if (!(await this.runNext(end))) throw new Error(`a promise is pending after ${withinMs} ms`)
    }
    return promise
  }
}

/** How a machine's clock goes: what it shows beside the world's, and how much faster or slower it is. */
export interface ClockFault {
  skewMs: number
  /** 1 is right. */
  readonly rate: number
}

/** Clocks and timers of one process; a process that is paused does nothing, and one that is dead never does again. */
export class ProcessTime implements Clock, Timers {
  readonly #world: WorldTime
  readonly #fault: ClockFault
  readonly #epochMs: number
  readonly #bornMs: number
  #isDead = false
  #waiting: Event[] | null = null

  constructor(world: WorldTime, fault: ClockFault, epochMs: number) {
    this.#world = world
    this.#fault = fault
    this.#epochMs = epochMs
    this.#bornMs = world.nowMs
  }

  get isDead(): boolean {
    return this.#isDead
  }

  get isPaused(): boolean {
    return this.#waiting !== null
  }

  nowMs(): number {
    return Math.floor(this.#wallMs())
  }

  nowMicros(): number {
    return Math.floor(this.#wallMs() * 1000)
  }

  #wallMs(): number {
    return this.#epochMs + this.#fault.skewMs + this.#world.nowMs * this.#fault.rate
  }

  monotonicMs(): number {
    return (this.#world.nowMs - this.#bornMs) * this.#fault.rate
  }

  setTimeout(callback: () => void, delayMs: number): TimerHandle {
    const event: Event = { dueMs: 0, sequence: 0, callback }
    if (this.#isDead) return event
    const due = (): void => {
      if (this.#isDead || event.callback === null) return
      if (this.#waiting !== null) {
        this.#waiting.push(event)
        return
      }
      event.callback = null
      callback()
    }
    this.#world.setTimeout(due, Math.max(0, delayMs) / this.#fault.rate)
    return event
  }

  clearTimeout(handle: TimerHandle): void {
    ;(handle as Event).callback = null
  }

  setImmediate(callback: () => void): void {
    this.setTimeout(callback, 0)
  }

  /** SIGSTOP. */
  pause(): void {
    this.#waiting ??= []
  }

  /** SIGCONT: what became due in between is done now, one after another. */
  resume(): void {
    const waiting = this.#waiting ?? []
    this.#waiting = null
    for (const event of waiting) {
      const { callback } = event
      if (callback === null) continue
      this.#world.setTimeout(() => {
        if (this.#isDead || event.callback === null) return
        event.callback = null
        callback()
      }, 0)
    }
  }

  /** The process is gone. */
  die(): void {
    this.#isDead = true
    this.#waiting = null
  }
}
