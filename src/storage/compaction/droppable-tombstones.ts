import type { Histogram, StatsMetadata } from '../sstable/statistics.ts'

/**
 * Of all cells, the share that are tombstones that fall due up to that second, as far as the histograms tell
 * (`StatsMetadata.getEstimatedDroppableTombstoneRatio`).
 */
export function droppableTombstoneRatio(
  { cellsPerPartition, tombstoneDropTimes }: Pick<StatsMetadata, 'cellsPerPartition' | 'tombstoneDropTimes'>,
  gcBeforeSeconds: number,
): number {
  return ratioOf(cellCount(cellsPerPartition), tombstoneDropTimes, gcBeforeSeconds)
}

/** The same for one SSTable and any time: what does not depend on the time is worked out once. */
export function droppableTombstones({
  cellsPerPartition,
  tombstoneDropTimes,
}: Pick<StatsMetadata, 'cellsPerPartition' | 'tombstoneDropTimes'>): (gcBeforeSeconds: number) => number {
  const cells = cellCount(cellsPerPartition)
  return (gcBeforeSeconds) => ratioOf(cells, tombstoneDropTimes, gcBeforeSeconds)
}

function ratioOf(cells: number, dropTimes: StatsMetadata['tombstoneDropTimes'], seconds: number): number {
  return cells === 0 ? 0 : droppedBefore(dropTimes, seconds) / cells
}

/**
 * By the mean number of a partition, rounded up. Of partitions with more cells than the greatest bound, which Cassandra
 * makes an error, nothing is counted.
 */
function cellCount({ offsets, counts }: Histogram): number {
  let partitions = 0
  let sum = 0
  for (const [i, offset] of offsets.entries()) {
    partitions += Number(counts[i] ?? 0n)
    sum += Number(counts[i] ?? 0n) * Number(offset)
  }
  return partitions === 0 ? 0 : Math.ceil(sum / partitions) * partitions
}

/** `TombstoneHistogram.sum`: bins are taken for the middles of what lies between them. */
function droppedBefore(bins: StatsMetadata['tombstoneDropTimes'], seconds: number): number {
  let sum = 0
  for (const [i, [point, count]] of bins.entries()) {
    if (point <= seconds) {
      sum += count
      continue
    }
    if (i === 0) return 0
    const [previousPoint, previousCount] = bins[i - 1]!
    const weight = (seconds - previousPoint) / (point - previousPoint)
    const height = previousCount + (count - previousCount) * weight
    return sum - previousCount / 2 + ((previousCount + height) * weight) / 2
  }
  return sum
}
