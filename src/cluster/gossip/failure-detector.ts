/**
 * The phi accrual failure detector (`FailureDetector`, after Hayashibara and others): how unlikely is a silence, given
 * how often a node was heard before? Pure: times are milliseconds of a monotonic clock and are passed in.
 */

/** Turns a phi of natural logarithms into the decimal one that `phi_convict_threshold` speaks of. */
const PHI_FACTOR = 1 / Math.log(10)

export interface FailureDetectorSettings {
  /** `phi_convict_threshold`. */
  readonly phiConvictThreshold: number
  /** The first interval that is assumed of a node, milliseconds: rather too long than too short. */
  readonly initialIntervalMs: number
  /** Silences are compared with no shorter a mean, so that rounds can be quick where processes stall for a second now and then. */
  readonly leastMeanMs: number
  /** Longer intervals are not learned: who is often cut off for so long is better marked down early. */
  readonly maxIntervalMs: number
  /** Who did not look for so long was paused itself, and judges nobody until as long again has passed. */
  readonly maxLocalPauseMs: number
  /** Intervals that are remembered of a node. */
  readonly sampleSize: number
}

/** Cassandra's, for rounds of `intervalMs`. */
export function failureDetectorSettings(
  intervalMs: number,
  phiConvictThreshold = 8,
): FailureDetectorSettings {
  return {
    phiConvictThreshold,
    initialIntervalMs: 2 * intervalMs,
    leastMeanMs: 0,
    maxIntervalMs: 2 * intervalMs,
    maxLocalPauseMs: 5 * intervalMs,
    sampleSize: 1000,
  }
}

/** The intervals between reports of one node (`ArrivalWindow` over `ArrayBackedBoundedStats`). */
export class ArrivalWindow {
  readonly #intervals: Float64Array
  readonly #settings: FailureDetectorSettings
  #sum = 0
  #index = 0
  #filled = false
  #lastMs: number | undefined

  constructor(settings: FailureDetectorSettings) {
    this.#settings = settings
    this.#intervals = new Float64Array(settings.sampleSize)
  }

  #record(interval: number): void {
    if (this.#index === this.#intervals.length) {
      this.#filled = true
      this.#index = 0
    }
    if (this.#filled) this.#sum -= this.#intervals[this.#index]!
    this.#intervals[this.#index++] = interval
    this.#sum += interval
  }

  /** It was heard at `nowMs`. */
  add(nowMs: number): void {
    if (this.#lastMs === undefined) {
      this.#record(this.#settings.initialIntervalMs)
    } else {
      const interval = nowMs - this.#lastMs
      if (interval <= this.#settings.maxIntervalMs) this.#record(interval)
    }
    this.#lastMs = nowMs
  }

  /** The mean interval, milliseconds. */
  get mean(): number {
    return this.#sum / (this.#filled ? this.#intervals.length : this.#index)
  }

  /** How many mean intervals the silence has lasted; to be asked after the first report only. */
  phi(nowMs: number): number {
    return (nowMs - this.#lastMs!) / Math.max(this.mean, this.#settings.leastMeanMs)
  }
}

/** What a look at a node led to; `paused now` is said of the first node that is looked at after a pause. */
export type Verdict = 'unknown' | 'fine' | 'convicted' | 'paused' | 'paused now'

export class FailureDetector {
  readonly #settings: FailureDetectorSettings
  readonly #windows = new Map<string, ArrivalWindow>()
  #lastInterpretMs: number
  #lastPauseMs = Number.NEGATIVE_INFINITY
  /** How long the pause was that was noticed last, milliseconds; for the log. */
  lastPauseLengthMs = 0

  constructor(settings: FailureDetectorSettings, nowMs: number) {
    this.#settings = settings
    this.#lastInterpretMs = nowMs
  }

  /** The node was heard. */
  report(endpoint: string, nowMs: number): void {
    let window = this.#windows.get(endpoint)
    if (window === undefined) this.#windows.set(endpoint, (window = new ArrivalWindow(this.#settings)))
    window.add(nowMs)
  }

  /** Is it to be convicted? Nobody is while this node itself may have been paused. */
  interpret(endpoint: string, nowMs: number): Verdict {
    const window = this.#windows.get(endpoint)
    if (window === undefined) return 'unknown'
    const sinceLast = nowMs - this.#lastInterpretMs
    this.#lastInterpretMs = nowMs
    if (sinceLast > this.#settings.maxLocalPauseMs) {
      this.#lastPauseMs = nowMs
      this.lastPauseLengthMs = sinceLast
      return 'paused now'
    }
    if (nowMs - this.#lastPauseMs < this.#settings.maxLocalPauseMs) return 'paused'
    return PHI_FACTOR * window.phi(nowMs) > this.#settings.phiConvictThreshold ? 'convicted' : 'fine'
  }

  /** Phi on the scale of the threshold (`nodetool failuredetector`), or undefined of a node that was never heard. */
  phi(endpoint: string, nowMs: number): number | undefined {
    const window = this.#windows.get(endpoint)
    return window === undefined ? undefined : PHI_FACTOR * window.phi(nowMs)
  }

  /** Forgets a node's intervals: it restarted, or is gone. */
  remove(endpoint: string): void {
    this.#windows.delete(endpoint)
  }
}
