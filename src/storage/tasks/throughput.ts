const BURST_MS = 1000

/**
 * Bytes per second, as Guava's `RateLimiter` has them for Cassandra: what was taken is paid afterwards, and up to a
 * second that was not used is saved up.
 */
export class Throughput {
  #bytesPerMs = 0
  /** Bytes taken and not yet paid; negative where there is something saved up. */
  #debt = 0
  #paidMs = 0

  /** 0 is without limit. What was taken under another limit is paid under this one. */
  setLimit(bytesPerSecond: number, nowMs: number): void {
    this.#pay(nowMs)
    this.#bytesPerMs = bytesPerSecond / 1000
    if (bytesPerSecond === 0) this.#debt = 0
  }

  /** Milliseconds until more may be taken; 0 is now. */
  waitMs(nowMs: number): number {
    if (this.#bytesPerMs === 0) return 0
    this.#pay(nowMs)
    return this.#debt <= 0 ? 0 : Math.ceil(this.#debt / this.#bytesPerMs)
  }

  take(bytes: number, nowMs: number): void {
    if (this.#bytesPerMs === 0) return
    this.#pay(nowMs)
    this.#debt += bytes
  }

  #pay(nowMs: number): void {
    this.#debt = Math.max(
      this.#debt - (nowMs - this.#paidMs) * this.#bytesPerMs,
      -BURST_MS * this.#bytesPerMs,
    )
    this.#paidMs = nowMs
  }
}
