import { murmur3Token } from '../../common/murmur3.ts'
import type { LiveSSTable } from '../live-sstable.ts'
import type { IndexSummary } from '../sstable/index-summary.ts'
import type { Histogram, StatsMetadata } from '../sstable/statistics.ts'
import type { CompactionCandidate, CompactionRange } from './candidate.ts'

const BASE_SAMPLING_LEVEL = 128
const token = new Int32Array(2)

/** What strategies know of an SSTable, with what it doesn't know itself. */
export interface CandidateState {
  /** When its Data.db was written, milliseconds since the epoch; of one that was there at start, its file's time. */
  readonly createdAtMillis: number
  /** Compacting it failed (`markSuspect`). */
  readonly isSuspect?: boolean
  /** Reads a second and a key in the last two hours; 0, as of one that is never read, where they are not counted. */
  readonly readHotness?: number
}

/** Describes an open SSTable to a strategy. It stays true as long as its Statistics.db does. */
export function candidateOf(live: LiveSSTable, state: CandidateState): CompactionCandidate {
  const { sstable, number } = live
  const { summary } = sstable
  const { stats } = sstable.statistics
  const cells = cellCount(stats.cellsPerPartition)
  return {
    number,
    onDiskLength: sstable.onDiskLength,
    firstToken: int64(live.firstHi, live.firstLo),
    lastToken: int64(live.lastHi, live.lastLo),
    firstKey: summary.firstKey,
    lastKey: summary.lastKey,
    minTimestamp: stats.minTimestamp,
    maxTimestamp: stats.maxTimestamp,
    maxLocalDeletionTime: stats.maxLocalDeletionTime,
    level: stats.level,
    createdAtMillis: state.createdAtMillis,
    isRepaired: stats.repairedAt > 0n,
    isSuspect: state.isSuspect ?? false,
    readHotness: state.readHotness ?? 0,
    estimatedKeys: (summary.sizeAtFullSampling + 1) * summary.minIndexInterval,
    isEstimationInformative: summary.count > 2,
    partitionCount: cells.partitions,
    estimatedKeysIn: (ranges) => estimatedKeysIn(summary, ranges),
    estimatedDroppableTombstoneRatio: (gcBeforeSeconds) =>
      cells.cells === 0 ? 0 : droppedBefore(stats.tombstoneDropTimes, gcBeforeSeconds) / cells.cells,
  }
}

function int64(hi: number, lo: number): bigint {
  return (BigInt(hi) << 32n) | BigInt(lo >>> 0)
}

/**
 * Partitions, and cells by their mean number, rounded up (`EstimatedHistogram.mean`). Of counts past the greatest bound
 * Cassandra makes an error; here they count as that bound.
 */
function cellCount({ offsets, counts }: Histogram): { partitions: number; cells: number } {
  let partitions = 0
  let sum = 0
  counts.forEach((count, i) => {
    partitions += Number(count)
    sum += Number(count) * Number(offsets[i] ?? offsets.at(-1) ?? 0n)
  })
  return { partitions, cells: partitions === 0 ? 0 : Math.ceil(sum / partitions) * partitions }
}

/** How many tombstones fall due up to that second, between two bins by the area between them (`DataHolder.sum`). */
export function droppedBefore(bins: StatsMetadata['tombstoneDropTimes'], seconds: number): number {
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

/** By the samples of Summary.db, each of which stands for so many keys (`BigTableReader.estimatedKeysForRanges`). */
function estimatedKeysIn(summary: IndexSummary, ranges: readonly CompactionRange[]): number {
  let samples = 0
  for (const { after, upTo } of normalized(ranges)) {
    samples += Math.max(0, samplesUpTo(summary, upTo) - samplesUpTo(summary, after))
  }
  const keysPerSample = (BASE_SAMPLING_LEVEL * summary.minIndexInterval) / summary.samplingLevel
  return Math.max(1, Math.floor(samples * keysPerSample))
}

/** How many samples have tokens up to that one; of all there are where it is null. */
function samplesUpTo(summary: IndexSummary, upTo: bigint | null): number {
  if (upTo === null) return summary.count
  let low = 0
  let high = summary.count
  while (low < high) {
    const middle = (low + high) >>> 1
    const key = summary.keyAt(middle)
    murmur3Token(key, 0, key.length, token)
    if (int64(token[0]!, token[1]!) <= upTo) low = middle + 1
    else high = middle
  }
  return low
}

/** From a token, exclusive, to one, inclusive; null is the end of the ring. */
interface Piece {
  readonly after: bigint
  readonly upTo: bigint | null
}

const RING_START = -(2n ** 63n)

/** Ranges without overlaps, none of them over the end of the ring (`Range.normalize`). */
function normalized(ranges: readonly CompactionRange[]): Piece[] {
  const pieces = ranges.flatMap(({ start, end }): Piece[] => {
    if (start < end) return [{ after: start, upTo: end }]
    const tail: Piece = { after: start, upTo: null }
    return end === RING_START ? [tail] : [{ after: RING_START, upTo: end }, tail]
  })
  pieces.sort((a, b) => (a.after < b.after ? -1 : a.after > b.after ? 1 : 0))
  const merged: Piece[] = []
  for (const piece of pieces) {
    const last = merged.at(-1)
    if (last === undefined || (last.upTo !== null && piece.after > last.upTo)) merged.push(piece)
    else if (last.upTo !== null && (piece.upTo === null || piece.upTo > last.upTo)) {
      merged[merged.length - 1] = { after: last.after, upTo: piece.upTo }
    }
  }
  return merged
}
