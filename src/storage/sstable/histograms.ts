import { bucketOf, bucketOffsets } from '../../common/metrics.ts'

/** The histograms of Statistics.db. */

/** Counts of values between bounds, the last count being that of all greater ones (`EstimatedHistogram`). */
export class EstimatedHistogram {
  readonly offsets: Float64Array
  readonly counts: Float64Array

  constructor(bounds: number) {
    this.offsets = bucketOffsets(bounds)
    this.counts = new Float64Array(bounds + 1)
  }

  add(value: number, count: number = 1): void {
    this.counts[bucketOf(this.offsets, value)]! += count
  }
}

const BINS = 100
const ROUND_SECONDS = 60
const SPOOL = 100_000

/**
 * How many tombstones fall due when, in 100 bins at most; bins that are nearest to each other become one
 * (`StreamingTombstoneHistogramBuilder`). Seconds are rounded up to minutes.
 */
export class TombstoneHistogram {
  readonly #spool = new Map<number, number>()
  #bins: [point: number, count: number][] = []
  #lastPoint = -1
  #lastCount = 0

  add(seconds: number): void {
    const point = ceil(seconds)
    // One after another, tombstones mostly have the same time.
    if (point === this.#lastPoint) {
      this.#lastCount++
      return
    }
    this.#keepLast()
    this.#lastPoint = point
    this.#lastCount = 1
  }

  #keepLast(): void {
    if (this.#lastCount === 0) return
    this.#spool.set(this.#lastPoint, (this.#spool.get(this.#lastPoint) ?? 0) + this.#lastCount)
    this.#lastCount = 0
    this.#lastPoint = -1
    if (this.#spool.size >= SPOOL) this.#flush()
  }

  #flush(): void {
    for (const [point, count] of this.#spool) this.#addBin(point, count)
    this.#spool.clear()
  }

  #addBin(point: number, count: number): void {
    const bins = this.#bins
    let low = 0
    let high = bins.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (bins[middle]![0] < point) low = middle + 1
      else high = middle
    }
    if (bins[low]?.[0] === point) bins[low]![1] += count
    else bins.splice(low, 0, [point, count])
    if (bins.length > BINS) this.#mergeNearest()
  }

  #mergeNearest(): void {
    const bins = this.#bins
    let nearest = 0
    for (let i = 1; i < bins.length - 1; i++) {
      if (bins[i + 1]![0] - bins[i]![0] < bins[nearest + 1]![0] - bins[nearest]![0]) nearest = i
    }
    const [point1, count1] = bins[nearest]!
    const [point2, count2] = bins[nearest + 1]!
    const sum = count1 + count2
    const middle = Math.floor((point1 * count1 + point2 * count2) / sum)
    const point = ceil(Math.min(Math.max(middle, point1 + 1), point2))
    bins.splice(nearest, 2, [point, sum])
  }

  /** The bins in the order of their seconds. */
  bins(): readonly (readonly [seconds: number, count: number])[] {
    this.#keepLast()
    this.#flush()
    return this.#bins
  }
}

function ceil(seconds: number): number {
  const rest = seconds % ROUND_SECONDS
  return rest === 0 ? seconds : seconds + ROUND_SECONDS - rest
}
