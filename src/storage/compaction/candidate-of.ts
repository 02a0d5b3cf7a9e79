import { murmur3Token } from '../../common/murmur3.ts'
import type { LiveSSTable } from '../live-sstable.ts'
import type { IndexSummary } from '../sstable/index-summary.ts'
import type { SSTable } from '../sstable/sstable.ts'
import { NO_DELETION } from '../sstable/statistics.ts'
import type { CompactionCandidate, CompactionRange } from './candidate.ts'
import { droppableTombstones } from './droppable-tombstones.ts'

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
  return {
    number,
    onDiskLength: sstable.onDiskLength,
    firstToken: int64(live.firstHi, live.firstLo),
    lastToken: int64(live.lastHi, live.lastLo),
    firstKey: summary.firstKey,
    lastKey: summary.lastKey,
    minTimestamp: stats.minTimestamp,
    maxTimestamp: stats.maxTimestamp,
    maxLocalDeletionTime: maxLocalDeletionTimeOf(sstable),
    level: stats.level,
    createdAtMillis: state.createdAtMillis,
    isRepaired: stats.repairedAt > 0n,
    isSuspect: state.isSuspect ?? false,
    readHotness: state.readHotness ?? 0,
    estimatedKeys: (summary.sizeAtFullSampling + 1) * summary.minIndexInterval,
    isEstimationInformative: summary.count > 2,
    partitionCount: stats.cellsPerPartition.counts.reduce((sum, count) => sum + Number(count), 0),
    estimatedKeysIn: (ranges) => estimatedKeysIn(summary, ranges),
    estimatedDroppableTombstoneRatio: droppableTombstones(stats),
  }
}

/** Version `nb` has no later time than this, which may stand for any that is. */
const LAST_DELETION_TIME_NB = 0x7ffffffe

/** When the last of what is in it is deleted or has expired, in seconds; NO_DELETION where it may never. */
export function maxLocalDeletionTimeOf({ statistics, version }: SSTable): number {
  const { maxLocalDeletionTime } = statistics.stats
  const isLast = maxLocalDeletionTime >= LAST_DELETION_TIME_NB && !version.hasUnsignedDeletionTime
  return isLast ? NO_DELETION : maxLocalDeletionTime
}

function int64(hi: number, lo: number): bigint {
  return (BigInt(hi) << 32n) | BigInt(lo >>> 0)
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
