/**
 * Figures of what a server does: counts, rates, and distributions that forget the past. All of it is plain arithmetic
 * over typed arrays: whoever counts says what time it is.
 */

/** Seconds after which a value weighs half of a new one (`DecayingEstimatedHistogramReservoir.HALF_TIME_IN_S`). */
const HALF_TIME_S = 60
const MEAN_LIFETIME_S = HALF_TIME_S / Math.log(2)
/** Weights grow with time; after so long they start at one again. */
const LANDMARK_RESET_MS = 30 * 60 * 1000

/** Buckets of a histogram of any value, and of one whose values are microseconds. */
export const DEFAULT_BUCKET_COUNT = 164
export const LOW_BUCKET_COUNT = 127

/** Values up to here find their bucket in a table. */
const SMALL = 1024

/** Upper ends of the buckets: from 1 on, each a fifth larger than the one before (`EstimatedHistogram.newOffsets`). */
export function bucketOffsets(count: number): Float64Array {
  const offsets = new Float64Array(count)
  let last = 1
  offsets[0] = last
  for (let i = 1; i < count; i++) {
    const next = Math.round(last * 1.2)
    last = next === last ? next + 1 : next
    offsets[i] = last
  }
  return offsets
}

const OFFSETS = bucketOffsets(DEFAULT_BUCKET_COUNT)
const SMALL_INDEX = Uint8Array.from({ length: SMALL }, (_, value) => bucketOf(OFFSETS, value))

/** The first bucket that takes `value`. */
export function bucketOf(offsets: Float64Array, value: number): number {
  let low = 0
  let high = offsets.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (offsets[middle]! < value) low = middle + 1
    else high = middle
  }
  return low
}

/** What a histogram held at one moment. */
export interface HistogramSnapshot {
  /** The upper end of the bucket in which the value of that rank lies; 0 when there are no values. */
  quantile(share: number): number
  /** The upper end of the last bucket that is not empty; 0 when there are no values. */
  readonly max: number
  /** One more than the upper end of the bucket before the first that is not empty; 0 when there are no values. */
  readonly min: number
  /** By the upper ends of the buckets; NaN when there are no values. */
  readonly mean: number
}

/**
 * A histogram in which old values lose weight, half of it every minute (`DecayingEstimatedHistogramReservoir`, which
 * has no bucket of its own for zero either: a zero counts as a one).
 */
export class DecayingHistogram {
  /** Values since the start; these don't decay. */
  count = 0
  readonly #bucketCount: number
  /** One more than there are offsets, for what is larger; made with the first value. */
  #buckets: Float64Array | null = null
  #landmarkMs = 0
  #weight = 1
  /** The weight is that of the second that begins here. */
  #weightMs = 0

  constructor(bucketCount: number = DEFAULT_BUCKET_COUNT) {
    this.#bucketCount = bucketCount
  }

  /** Takes in a value that came `times` times. `nowMs` is any clock's, as long as it is always the same one's. */
  update(value: number, nowMs: number, times: number = 1): void {
    this.count += times
    if (this.#buckets === null) {
      this.#buckets = new Float64Array(this.#bucketCount + 1)
      this.#landmarkMs = this.#weightMs = nowMs
    }
    if (nowMs - this.#weightMs >= 1000) this.#weigh(nowMs)
    let index = value < SMALL ? SMALL_INDEX[value < 0 ? 0 : value | 0]! : bucketOf(OFFSETS, value)
    if (index > this.#bucketCount) index = this.#bucketCount
    this.#buckets[index]! += this.#weight * times
  }

  #weigh(nowMs: number): void {
    if (nowMs - this.#landmarkMs > LANDMARK_RESET_MS) {
      const factor = this.#weightAt(nowMs)
      const buckets = this.#buckets!
      for (let i = 0; i < buckets.length; i++) buckets[i] = Math.round(buckets[i]! / factor)
      this.#landmarkMs = nowMs
    }
    this.#weight = this.#weightAt(nowMs)
    this.#weightMs = nowMs - ((nowMs - this.#landmarkMs) % 1000)
  }

  #weightAt(nowMs: number): number {
    return Math.max(1, Math.round(Math.exp(Math.floor((nowMs - this.#landmarkMs) / 1000) / MEAN_LIFETIME_S)))
  }

  /** What has not decayed yet. */
  snapshot(nowMs: number): HistogramSnapshot {
    if (this.#buckets === null) return EMPTY_SNAPSHOT
    this.#weigh(nowMs)
    const weight = this.#weight
    const bucketCount = this.#bucketCount
    const counts = this.#buckets.map((count) => Math.round(count / weight))
    let total = 0
    for (const count of counts) total += count
    let max = 0
    for (let i = 0; i < bucketCount; i++) if (counts[i]! > 0) max = OFFSETS[i]!
    const first = counts.findIndex((count) => count > 0)
    return {
      max: counts[bucketCount]! > 0 ? Number.MAX_SAFE_INTEGER : max,
      min: first <= 0 ? 0 : 1 + OFFSETS[first - 1]!,
      mean: counts.subarray(0, bucketCount).reduce((sum, count, i) => sum + count * OFFSETS[i]!, 0) / total,
      quantile(share) {
        const rank = Math.ceil(total * share)
        if (rank === 0) return 0
        let elements = 0
        for (let i = 0; i < bucketCount; i++) {
          elements += counts[i]!
          if (elements >= rank) return OFFSETS[i]!
        }
        return 0
      },
    }
  }
}

const EMPTY_SNAPSHOT: HistogramSnapshot = { quantile: () => 0, max: 0, min: 0, mean: Number.NaN }

const TICK_MS = 5000
/** Of the moving average over five minutes. */
const ALPHA = 1 - Math.exp(-(TICK_MS / 1000) / (5 * 60))

/** Requests of one kind that are timed one by one until the next tick of the rate; beyond them one in so many is. */
const TIMED_A_TICK = 100
/** A prime, so that statements that take turns are all seen. */
const STRIDE = 61

/**
 * How often something happens and how long it takes (`Timer`). Every request is counted; its time is taken where
 * `mark` says so: up to twenty a second of each, and of more one in sixty-one, which then stands for as many. A look
 * at the clock costs about as much as a fiftieth of a point read.
 */
export class LatencyTimer {
  /** Requests that were counted here. */
  #own = 0
  readonly #histogram = new DecayingHistogram(LOW_BUCKET_COUNT)
  /** Whose requests are requests of this timer, too, without being counted twice. */
  readonly #base: LatencyTimer | null
  /** Microseconds that all requests took, those that were not timed as much as those that stand for them. */
  totalMicros = 0
  #exactLeft = TIMED_A_TICK
  #skip = STRIDE
  #lastTickMs = 0
  #countAtTick = 0
  /** A second, on average over five minutes; negative before the first tick. */
  #rate = -1

  constructor(base: LatencyTimer | null = null) {
    this.#base = base
  }

  /** Requests since the start. */
  get count(): number {
    return this.#base === null ? this.#own : this.#own + this.#base.count
  }

  /** Counts `requests` that happen at `nowMs`. Returns for how many the one to be timed stands; 0 when none is. */
  mark(requests: number, nowMs: number): number {
    if (nowMs - this.#lastTickMs > TICK_MS) this.#tick(nowMs)
    this.#own += requests
    if (this.#exactLeft > 0) {
      this.#exactLeft--
      return requests
    }
    if (--this.#skip > 0) return 0
    this.#skip = STRIDE
    return STRIDE * requests
  }

  /** Whether `mark` will most likely ask for the time of the next request: a new tick can say so by itself. */
  get isNextTimed(): boolean {
    return this.#exactLeft > 0 || this.#skip === 1
  }

  /** Counts `requests` of which something else says whether they are timed. */
  add(requests: number, nowMs: number): void {
    if (nowMs - this.#lastTickMs > TICK_MS) this.#tick(nowMs)
    this.#own += requests
  }

  /** Takes in the time of `requests` that were marked. */
  update(milliseconds: number, nowMs: number, requests: number): void {
    const micros = Math.floor(milliseconds * 1000)
    this.totalMicros += micros * requests
    this.#histogram.update(micros, nowMs, requests)
  }

  /** Microseconds. */
  snapshot(nowMs: number): HistogramSnapshot {
    return this.#histogram.snapshot(nowMs)
  }

  /** Requests a second: the average over five minutes, older ones counting less (`getFiveMinuteRate`). */
  fiveMinuteRate(nowMs: number): number {
    if (this.#own > 0 && nowMs - this.#lastTickMs > TICK_MS) this.#tick(nowMs)
    const own = this.#rate < 0 ? 0 : this.#rate
    return this.#base === null ? own : own + this.#base.fiveMinuteRate(nowMs)
  }

  /** Ticks once for each interval that has passed (`ExponentialMovingAverages.tickIfNecessary`). */
  #tick(nowMs: number): void {
    this.#exactLeft = TIMED_A_TICK
    if (this.#lastTickMs === 0) {
      this.#lastTickMs = nowMs
      return
    }
    const age = nowMs - this.#lastTickMs
    const ticks = Math.floor(age / TICK_MS)
    this.#lastTickMs = nowMs - (age % TICK_MS)
    const instant = ((this.#own - this.#countAtTick) / TICK_MS) * 1000
    this.#countAtTick = this.#own
    this.#rate = this.#rate < 0 ? instant : this.#rate + ALPHA * (instant - this.#rate)
    this.#rate *= (1 - ALPHA) ** (ticks - 1)
  }
}

const FIFTEEN_MINUTES_ALPHA = 1 - Math.exp(-(TICK_MS / 1000) / (15 * 60))

/** How often something happens: events a second on average over fifteen minutes, older ones counting less (`Meter`). */
export class FifteenMinuteRate {
  #startMs = 0
  #ticks = 0
  #uncounted = 0
  #perSecond = -1

  mark(nowMs: number): void {
    this.#tick(nowMs)
    this.#uncounted++
  }

  get(nowMs: number): number {
    this.#tick(nowMs)
    return Math.max(0, this.#perSecond)
  }

  #tick(nowMs: number): void {
    if (this.#startMs === 0) this.#startMs = nowMs
    for (const ticks = Math.floor((nowMs - this.#startMs) / TICK_MS); this.#ticks < ticks; this.#ticks++) {
      const now = this.#uncounted / (TICK_MS / 1000)
      this.#uncounted = 0
      this.#perSecond =
        this.#perSecond < 0 ? now : this.#perSecond + FIFTEEN_MINUTES_ALPHA * (now - this.#perSecond)
      // What has long been forgotten need not be counted down.
      if (this.#perSecond < 1e-12) {
        this.#perSecond = 0
        this.#ticks = ticks - 1
      }
    }
  }
}
