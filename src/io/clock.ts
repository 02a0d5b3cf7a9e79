/**
 * The clock port: the only place where this program learns the time. Wall time for timestamps and expiry, monotonic
 * time for durations and deadlines; the two are never compared.
 */
export interface Clock {
  /** Wall time, milliseconds since 1970; may stand still or go back. */
  nowMs(): number
  /** Wall time, microseconds since 1970, as an integer that a double holds exactly; may stand still or go back. */
  nowMicros(): number
  /** Milliseconds since some fixed moment, with fractions; never goes back. */
  monotonicMs(): number
}

const TWO_TO_32 = 0x1_0000_0000

/**
 * Strictly increasing microseconds, one source a node (`ClientState.getTimestamp`): the clock's, or the last one
 * plus one when the clock stands still or went back.
 */
export class TimestampSource {
  readonly #clock: Clock
  #last = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The next timestamp as a number; exact until the year 2255. */
  nextMicros(): number {
    const now = this.#clock.nowMicros()
    return (this.#last = now > this.#last ? now : this.#last + 1)
  }

  /** The next timestamp as two halves, high half at `at`, low half at `at + 1`: no BigInt on the hot path. */
  next(out: Int32Array, at: number = 0): void {
    const micros = this.nextMicros()
    const high = Math.floor(micros / TWO_TO_32)
    out[at] = high
    out[at + 1] = micros - high * TWO_TO_32
  }

  /** Makes later timestamps greater than `micros`: what replay has seen, or a peer's ballot. */
  advanceTo(micros: number): void {
    if (micros > this.#last) this.#last = micros
  }
}
