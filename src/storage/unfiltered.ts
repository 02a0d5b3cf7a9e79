import type { ClusteringBound } from '../model/clustering.ts'
import { compare64, type Words } from '../model/row-format.ts'

/**
 * The stream that partitions are between memtables, SSTables, compaction and reads (`UnfilteredPartitionIterator`):
 * of each partition its deletion, its static row, then rows and range tombstone markers in clustering order.
 */

/** When something was deleted: microseconds as two halves, and seconds since the epoch (`DeletionTime`). */
export interface DeletionTime {
  readonly hi: number
  readonly lo: number
  readonly localDeletionTime: number
}

/** Deletes nothing (`DeletionTime.LIVE`). */
export const LIVE: DeletionTime = { hi: -0x80000000, lo: 0, localDeletionTime: 0x7fffffff }

/** Positive where `a` deletes more than `b` (`DeletionTime.supersedes`). */
export function compareDeletions(a: DeletionTime, b: DeletionTime): number {
  return compare64(a.hi, a.lo, b.hi, b.lo) || (a.localDeletionTime >>> 0) - (b.localDeletionTime >>> 0)
}

/**
 * A place between rows at which a range tombstone ends, begins, or one ends and another begins
 * (`RangeTombstoneMarker`). Read backwards, what closes comes after the rows that it covers all the same: `closes` is the
 * deletion over the rows before the place in clustering order, `opens` that over the rows behind it.
 */
export interface RangeTombstoneMarker {
  readonly bound: ClusteringBound
  readonly closes: DeletionTime | null
  readonly opens: DeletionTime | null
}

/** What a reader's `marker` is before the first one. */
export const NO_MARKER: RangeTombstoneMarker = {
  bound: { components: [], side: 0 },
  closes: null,
  opens: null,
}

export const UNFILTERED_END = 0
export const UNFILTERED_ROW = 1
export const UNFILTERED_MARKER = 2
export type UnfilteredKind = typeof UNFILTERED_END | typeof UNFILTERED_ROW | typeof UNFILTERED_MARKER

/**
 * Partitions in the order of their tokens (and of their keys where tokens are equal), pulled one after another. The
 * fields describe what was moved to last; they and the memory that they point to are valid until the next move.
 * Rows are flat (row-format.ts), columns by the ids of the table that the reader was opened for. Throws a
 * CorruptSSTableError where a file is broken.
 */
export interface UnfilteredReader {
  /** Moves to the next partition; false at the end. */
  nextPartition(): boolean
  readonly keyBytes: Uint8Array
  readonly keyOffset: number
  readonly keyLength: number
  readonly tokenHi: number
  readonly tokenLo: number
  readonly partitionDeletion: DeletionTime
  /** Moves to the static row; false when there is none. To be called before `next`. */
  staticRow(): boolean
  /** Moves to the next row or marker of the partition. */
  next(): UnfilteredKind
  readonly row: Words
  /** Word at which the row begins. */
  readonly rowAt: number
  /** The marker that `next` moved to. */
  readonly marker: RangeTombstoneMarker
  close(): void
}
