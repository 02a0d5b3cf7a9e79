/** How fast two clocks may drift apart, and how fast a route that has become longer is taken for granted: 1 in 1000. */
const DRIFT = 1 / 1000

/**
 * How much longer than usual a frame was under way: in the sender's buffers, on the network, in buffers here. Clocks of
 * two machines are not compared; the least difference between the sender's at writing and ours at reading is what the way
 * takes at best, and what goes beyond it is time that the message has waited.
 */
export class Lateness {
  #baseMs = Number.NaN
  #baseAtMs = 0

  /** Milliseconds that a frame of `sentAt` (32 bits of the sender's monotonic milliseconds), read at `nowMs`, is late. */
  of(sentAt: number, nowMs: number): number {
    const now = Math.floor(nowMs)
    // The difference of two counters that go round, near to the base that is known.
    const raw = (now - sentAt) | 0
    if (Number.isNaN(this.#baseMs)) {
      this.#baseMs = raw
      this.#baseAtMs = nowMs
      return 0
    }
    const late = (raw - Math.floor(this.#baseMs)) | 0
    if (late <= 0) {
      this.#baseMs = raw
      this.#baseAtMs = nowMs
      return 0
    }
    this.#baseMs += Math.min(late, (nowMs - this.#baseAtMs) * DRIFT)
    this.#baseAtMs = nowMs
    return late
  }
}
