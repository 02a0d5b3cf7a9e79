import type { Clock } from '../../io/clock.ts'
import type { TimerHandle, Timers } from '../../io/timers.ts'

/** What expires: a request that waits for its answer, a message that waits for its handler. */
export abstract class Expiring {
  /** Monotonic milliseconds. */
  readonly deadlineMs: number
  next: Expiring | null = null
  previous: Expiring | null = null
  slot = -1

  constructor(deadlineMs: number) {
    this.deadlineMs = deadlineMs
  }

  /** Called once, when the deadline has passed. */
  abstract expire(): void
}

const TICK_MS = 8
const SLOTS = 1024

/**
 * One timer for all deadlines: a ring of slots of eight milliseconds, eight seconds around; what is due later stays for
 * another round. Adding and removing take constant time; the timer runs only for slots that hold something. Nothing
 * expires early, and nothing later than a slot. What is due in one slot expires in the order in which it was added.
 */
export class TimerWheel {
  readonly #clock: Clock
  readonly #timers: Timers
  readonly #heads: (Expiring | null)[] = new Array(SLOTS).fill(null)
  readonly #tails: (Expiring | null)[] = new Array(SLOTS).fill(null)
  /** The slot time up to which everything has been looked at. */
  #tick: number
  #timer: TimerHandle | null = null
  #timerTick = 0
  /** How much is held. */
  size = 0

  constructor(clock: Clock, timers: Timers) {
    this.#clock = clock
    this.#timers = timers
    this.#tick = Math.floor(clock.monotonicMs() / TICK_MS)
  }

  /** `entry` expires unless it is removed before. Its deadline must be finite. */
  add(entry: Expiring): void {
    if (this.size === 0 && this.#timer === null) this.#tick = Math.floor(this.#clock.monotonicMs() / TICK_MS)
    this.size++
    const tick = Math.max(this.#tick + 1, Math.ceil(entry.deadlineMs / TICK_MS))
    this.#link(entry, tick % SLOTS)
    if (this.#timer === null || tick < this.#timerTick) this.#arm(tick)
  }

  /** Takes out what has not expired; a second time does nothing. */
  remove(entry: Expiring): void {
    if (entry.slot < 0) return
    this.size--
    this.#unlink(entry)
  }

  /** Everything expires now. */
  expireAll(): void {
    for (let slot = 0; slot < SLOTS; slot++) {
      for (let entry = this.#heads[slot]; entry !== null; entry = this.#heads[slot]!) {
        this.remove(entry)
        entry.expire()
      }
    }
    if (this.#timer !== null) this.#timers.clearTimeout(this.#timer)
    this.#timer = null
  }

  #arm(tick: number): void {
    if (this.#timer !== null) this.#timers.clearTimeout(this.#timer)
    this.#timerTick = tick
    const delayMs = Math.max(0, tick * TICK_MS - this.#clock.monotonicMs())
    this.#timer = this.#timers.setTimeout(() => this.#advance(), Math.ceil(delayMs), { unref: true })
  }

  #advance(): void {
    this.#timer = null
    const nowMs = this.#clock.monotonicMs()
    const last = Math.floor(nowMs / TICK_MS)
    // A process that stood still for longer than a round has to look at each slot once.
    for (let tick = Math.max(this.#tick + 1, last - SLOTS + 1); tick <= last; tick++) {
      this.#tick = tick
      this.#expireSlot(tick % SLOTS, nowMs)
    }
    this.#tick = Math.max(this.#tick, last)
    if (this.size === 0 || this.#timer !== null) return
    let next = this.#tick + 1
    while (this.#heads[next % SLOTS] === null) next++
    this.#arm(next)
  }

  #expireSlot(slot: number, nowMs: number): void {
    // What an expiry adds goes to later slots, or behind the last one here and a round later.
    const last = this.#tails[slot]
    for (let entry = this.#heads[slot]; entry !== null && last !== null; ) {
      const following: Expiring | null = entry.next
      const isLast = entry === last
      if (entry.deadlineMs <= nowMs) {
        this.remove(entry)
        entry.expire()
      }
      if (isLast) return
      entry = following !== null && following.slot === slot ? following : this.#heads[slot]!
    }
  }

  #link(entry: Expiring, slot: number): void {
    const tail = this.#tails[slot]!
    entry.slot = slot
    entry.previous = tail
    entry.next = null
    if (tail === null) this.#heads[slot] = entry
    else tail.next = entry
    this.#tails[slot] = entry
  }

  #unlink(entry: Expiring): void {
    const { previous, next, slot } = entry
    if (previous === null) this.#heads[slot] = next
    else previous.next = next
    if (next === null) this.#tails[slot] = previous
    else next.previous = previous
    entry.next = entry.previous = null
    entry.slot = -1
  }
}
