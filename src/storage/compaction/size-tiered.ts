import { type CompactionCandidate, compareSizes, totalBytes } from './candidate.ts'
import {
  type CommonOptions,
  type CompactionOptions,
  commonOptions,
  type SizeTieredOptions,
} from './options.ts'
import { type CompactionPlan, compactionPlan } from './plan.ts'
import {
  type CompactionStrategy,
  type StrategyView,
  tryModify,
  uncompacting,
  worthDroppingTombstones,
} from './strategy.ts'

type Bucket = readonly CompactionCandidate[]

/** SSTables of similar size belong together (`SizeTieredCompactionStrategy.getBuckets`). */
export function sizeBuckets(
  candidates: readonly CompactionCandidate[],
  options: SizeTieredOptions,
): Bucket[] {
  const { bucketLow, bucketHigh, minSSTableSize } = options
  // By their average size. With a bucket_low of 1 or more two may have the same: then the later one stays.
  const buckets = new Map<number, CompactionCandidate[]>()
  const bucketOf = (size: number): number | null => {
    for (const average of buckets.keys()) {
      if (size > average * bucketLow && size < average * bucketHigh) return average
      if (size < minSSTableSize && average < minSSTableSize) return average
    }
    return null
  }
  for (const candidate of [...candidates].sort(compareSizes)) {
    const size = candidate.onDiskLength
    const average = bucketOf(size)
    if (average === null) {
      buckets.set(size, [candidate])
      continue
    }
    const bucket = buckets.get(average)!
    buckets.delete(average)
    const newAverage = Math.floor((bucket.length * average + size) / (bucket.length + 1))
    bucket.push(candidate)
    buckets.set(newAverage, bucket)
  }
  return [...buckets.values()]
}

/**
 * The bucket that is read most, of those that are large enough, without its coldest SSTables where there are too many
 * (`mostInterestingBucket`). Where none is read, it is that of the largest SSTables, and of them the smallest are kept.
 */
export function mostInterestingBucket(
  buckets: readonly Bucket[],
  minThreshold: number,
  maxThreshold: number,
): Bucket {
  let best: Bucket = []
  let bestHotness = 0
  for (const bucket of buckets) {
    const pruned = [...bucket].sort((a, b) => b.readHotness - a.readHotness).slice(0, maxThreshold)
    if (pruned.length < minThreshold) continue
    const hotness = pruned.reduce((sum, { readHotness }) => sum + readHotness, 0)
    const isBetter =
      best.length === 0 ||
      hotness > bestHotness ||
      (hotness === bestHotness && averageSize(pruned) > averageSize(best))
    if (!isBetter) continue
    best = pruned
    bestHotness = hotness
  }
  return best
}

function averageSize(bucket: Bucket): number {
  return Math.floor(totalBytes(bucket) / bucket.length)
}

/** `getEstimatedCompactionsByTasks`. */
function estimatedCompactions(
  buckets: readonly Bucket[],
  { minThreshold, maxThreshold }: CommonOptions,
): number {
  let tasks = 0
  for (const { length } of buckets) {
    if (length >= minThreshold) tasks += Math.ceil(length / maxThreshold)
  }
  return tasks
}

/** Compacts SSTables of similar size when there are enough of them. */
export class SizeTieredCompactionStrategy implements CompactionStrategy {
  readonly name = 'SizeTieredCompactionStrategy'
  readonly maxSSTableBytes = null
  readonly #options: CommonOptions

  constructor(options: CompactionOptions) {
    this.#options = commonOptions(options)
  }

  nextBackgroundTask(view: StrategyView): CompactionPlan | null {
    const options = this.#options
    const candidates = uncompacting(view)
    const buckets = sizeBuckets(candidates, options.sizeTiered)
    const bucket = mostInterestingBucket(buckets, options.minThreshold, options.maxThreshold)
    if (bucket.length > 0) return compactionPlan(view, options, { kind: 'compaction', inputs: bucket })
    const largest = candidates
      .filter((candidate) => worthDroppingTombstones(view, options, candidate))
      .sort(compareSizes)
      .at(-1)
    return largest === undefined
      ? null
      : compactionPlan(view, options, { kind: 'tombstone', inputs: [largest] })
  }

  maximalTask(view: StrategyView, splitOutput: boolean): CompactionPlan | null {
    const inputs = tryModify(
      view,
      view.own.filter(({ isSuspect }) => !isSuspect),
    )
    if (inputs === null) return null
    const plan = compactionPlan(view, this.#options, { kind: 'major', inputs })
    if (!splitOutput) return plan
    const totalSize = totalBytes(inputs) - totalBytes(plan.expired)
    return { ...plan, split: { kind: 'halves', totalBytes: totalSize } }
  }

  userDefinedTask(view: StrategyView, chosen: readonly CompactionCandidate[]): CompactionPlan | null {
    const inputs = tryModify(view, chosen)
    return inputs === null ? null : compactionPlan(view, this.#options, { kind: 'compaction', inputs })
  }

  estimatedRemainingTasks(view: StrategyView): number {
    return estimatedCompactions(sizeBuckets(uncompacting(view), this.#options.sizeTiered), this.#options)
  }

  replaced(): void {
    // It looks at all there is each time.
  }

  levelSizes(): null {
    return null
  }
}
