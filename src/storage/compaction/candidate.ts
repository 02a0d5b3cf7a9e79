import { compareBytes } from '../../common/bytes.ts'

/** From a token, exclusive, to another, inclusive; the whole ring where both are the same (`Range<Token>`). */
export interface CompactionRange {
  readonly start: bigint
  readonly end: bigint
}

/**
 * What strategies know of an SSTable; it never changes. `candidateOf` makes one of an SSTable that is open.
 * Timestamps are microseconds as the SSTable's statistics have them.
 */
export interface CompactionCandidate {
  /** Names it among those of the table, is never given twice, and rises in the order in which they came. */
  readonly number: number
  /** Bytes of Data.db as it lies on disk. */
  readonly onDiskLength: number
  readonly firstToken: bigint
  readonly lastToken: bigint
  readonly firstKey: Uint8Array
  readonly lastKey: Uint8Array
  readonly minTimestamp: bigint
  readonly maxTimestamp: bigint
  /** Seconds since the epoch; NO_DELETION where something in it never expires. */
  readonly maxLocalDeletionTime: number
  /** As its Statistics.db says. */
  readonly level: number
  /** When its Data.db was written, milliseconds since the epoch. */
  readonly createdAtMillis: number
  readonly isRepaired: boolean
  /** Compacting it failed before; it is left alone. */
  readonly isSuspect: boolean
  /** Reads a second and a key; 0 where they are not counted. */
  readonly readHotness: number
  readonly estimatedKeys: number
  /** Whether there are samples enough for `estimatedKeysIn`. */
  readonly isEstimationInformative: boolean
  /** How many partitions it has (`getEstimatedCellPerPartitionCount().count()`). */
  readonly partitionCount: number
  estimatedKeysIn(ranges: readonly CompactionRange[]): number
  estimatedDroppableTombstoneRatio(gcBeforeSeconds: number): number
}

/** A table at the moment a strategy is asked. */
export interface CompactionView {
  /** All its SSTables that reads use. */
  readonly live: readonly CompactionCandidate[]
  /** Numbers of those that are being compacted. */
  readonly compacting: ReadonlySet<number>
  readonly nowMillis: number
  /** Tombstones from before that second are not needed any more (`CompactionManager.getDefaultGcBefore`). */
  readonly gcBeforeSeconds: number
  /** The least timestamp in a memtable; null where all are empty. */
  readonly memtableMinTimestamp: bigint | null
}

/** Order of keys on the ring (`DecoratedKey.compareTo`). */
export function comparePositions(
  token: bigint,
  key: Uint8Array,
  otherToken: bigint,
  otherKey: Uint8Array,
): number {
  if (token !== otherToken) return token < otherToken ? -1 : 1
  return compareBytes(key, 0, key.length, otherKey, 0, otherKey.length)
}

export function compareFirstKeys(a: CompactionCandidate, b: CompactionCandidate): number {
  return comparePositions(a.firstToken, a.firstKey, b.firstToken, b.firstKey)
}

export function compareLastKeys(a: CompactionCandidate, b: CompactionCandidate): number {
  return comparePositions(a.lastToken, a.lastKey, b.lastToken, b.lastKey)
}

/** Whether `a` ends before `b` begins. */
export function isBefore(a: CompactionCandidate, b: CompactionCandidate): boolean {
  return comparePositions(a.lastToken, a.lastKey, b.firstToken, b.firstKey) < 0
}

/** Smallest first; of the same size the older one (`SSTableReader.sizeComparator`). */
export function compareSizes(a: CompactionCandidate, b: CompactionCandidate): number {
  return a.onDiskLength - b.onDiskLength || a.number - b.number
}

/** Those with the oldest data first (`SSTableReader.maxTimestampAscending`). */
export function compareMaxTimestamps(a: CompactionCandidate, b: CompactionCandidate): number {
  if (a.maxTimestamp !== b.maxTimestamp) return a.maxTimestamp < b.maxTimestamp ? -1 : 1
  return a.number - b.number
}

export function totalBytes(candidates: Iterable<CompactionCandidate>): number {
  let sum = 0
  for (const { onDiskLength } of candidates) sum += onDiskLength
  return sum
}

/**
 * The other SSTables that have keys between the first and the last of any of these
 * (`ColumnFamilyStore.getOverlappingLiveSSTables`).
 */
export function overlappingLive(
  live: readonly CompactionCandidate[],
  chosen: readonly CompactionCandidate[],
): CompactionCandidate[] {
  const numbers = new Set(chosen.map(({ number }) => number))
  const spans: { first: CompactionCandidate; last: CompactionCandidate }[] = []
  for (const candidate of [...chosen].sort(compareFirstKeys)) {
    const span = spans.at(-1)
    if (span === undefined || isBefore(span.last, candidate))
      spans.push({ first: candidate, last: candidate })
    else if (compareLastKeys(candidate, span.last) > 0) span.last = candidate
  }
  return live.filter(
    (candidate) =>
      !numbers.has(candidate.number) &&
      spans.some(({ first, last }) => !isBefore(candidate, first) && !isBefore(last, candidate)),
  )
}

/** The least token, which no key has: as an end it means the end of the ring. */
export const MIN_TOKEN = -(2n ** 63n)

/**
 * The SSTables that have tokens of a range, both ends taken as inclusive, as those of an SSTable are; a range whose
 * end is before its start goes round the ring (`CompactionManager.sstablesInBounds`).
 */
export function sstablesInTokenRange<T extends Pick<CompactionCandidate, 'firstToken' | 'lastToken'>>(
  sstables: readonly T[],
  start: bigint,
  end: bigint,
): T[] {
  const isOpenEnded = end === MIN_TOKEN
  const isWrapping = start > end && !isOpenEnded
  return sstables.filter(({ firstToken, lastToken }) =>
    isWrapping
      ? lastToken >= start || firstToken <= end
      : lastToken >= start && (isOpenEnded || firstToken <= end),
  )
}
