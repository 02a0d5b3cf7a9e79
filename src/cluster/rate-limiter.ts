/** What was not taken is kept for so long, to be taken at once (`RateLimiter.create`: bursty, one second). */
const BURST_SECONDS = 1

/**
 * So many units a second (Guava's `RateLimiter`, which Cassandra throttles hints and the batchlog with). Whoever takes more
 * than there is gets it at once, and the next one waits for it.
 */
export class RateLimiter {
  #perSecond: number
  #available: number
  #atMs: number

  /** Infinity does not limit. */
  constructor(perSecond: number, nowMs: number) {
    this.#perSecond = perSecond
    this.#available = 0
    this.#atMs = nowMs
  }

  setRate(perSecond: number, nowMs: number): void {
    if (perSecond === this.#perSecond) return
    this.#refill(nowMs)
    this.#perSecond = perSecond
    if (this.#available > perSecond * BURST_SECONDS) this.#available = perSecond * BURST_SECONDS
  }

  /** Takes so many units, and says how many milliseconds are to pass before they are used. */
  acquire(units: number, nowMs: number): number {
    if (this.#perSecond === Number.POSITIVE_INFINITY) return 0
    this.#refill(nowMs)
    const waitMs = this.#available >= 0 ? 0 : (-this.#available / this.#perSecond) * 1000
    this.#available -= units
    return waitMs
  }

  #refill(nowMs: number): void {
    const perSecond = this.#perSecond
    const passed = Math.max(0, nowMs - this.#atMs)
    this.#atMs = nowMs
    if (perSecond === Number.POSITIVE_INFINITY) this.#available = 0
    else this.#available = Math.min(perSecond * BURST_SECONDS, this.#available + (passed / 1000) * perSecond)
  }
}
