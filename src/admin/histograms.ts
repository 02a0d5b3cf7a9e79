import type { Histogram } from '../storage/sstable/statistics.ts'

/** What `EstimatedHistogram` says of counts by ranges of values. */

export function histogramCount({ counts }: Histogram): number {
  return counts.reduce((sum, count) => sum + Number(count), 0)
}

/** The least value that may be in it: one more than the bound before; 0 where there is none. */
export function histogramMin({ offsets, counts }: Histogram): number {
  const first = counts.findIndex((count) => count > 0n)
  return first <= 0 ? 0 : 1 + Number(offsets[first - 1])
}

/** The bound of the last range that has values; 0 where there is none. */
export function histogramMax({ offsets, counts }: Histogram): number {
  const last = counts.findLastIndex((count) => count > 0n)
  return last < 0 ? 0 : last >= offsets.length ? Number.MAX_SAFE_INTEGER : Number(offsets[last])
}

/** By the bounds, rounded up; 0 where there are no values. */
export function histogramMean({ offsets, counts }: Histogram): number {
  let values = 0
  let sum = 0
  offsets.forEach((offset, i) => {
    const count = Number(counts[i] ?? 0n)
    values += count
    sum += count * Number(offset)
  })
  return values === 0 ? 0 : Math.ceil(sum / values)
}

/** Whether there are values beyond the last bound. */
export function isOverflowed({ offsets, counts }: Histogram): boolean {
  return (counts[offsets.length] ?? 0n) > 0n
}

/** The bound up to which that share of the values lies; 0 where there are none. */
export function histogramPercentile(histogram: Histogram, share: number): number {
  const wanted = Math.ceil(histogramCount(histogram) * share)
  if (wanted === 0) return 0
  let seen = 0
  for (const [i, offset] of histogram.offsets.entries()) {
    seen += Number(histogram.counts[i] ?? 0n)
    if (seen >= wanted) return Number(offset)
  }
  return 0
}

/** All of them as one, with the bounds of the one that has most; null where there is none (`combineHistograms`). */
export function combinedHistogram(histograms: readonly Histogram[]): Histogram | null {
  let longest: Histogram | null = null
  for (const one of histograms) {
    if (longest === null || one.counts.length > longest.counts.length) longest = one
  }
  if (longest === null) return null
  const counts = new Array<bigint>(longest.counts.length).fill(0n)
  for (const one of histograms) {
    one.counts.forEach((count, i) => {
      // What is beyond the bounds of a shorter one stands behind its own.
      counts[i]! += count
    })
  }
  return { offsets: longest.offsets, counts }
}
