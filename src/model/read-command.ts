import type { Slice } from './clustering.ts'
import type { Words } from './row-format.ts'
import type { TableMetadata } from './table.ts'

/** A partition key with its token: serialized as one value, or as a composite of several (`DecoratedKey`). */
export interface DecoratedKey {
  readonly key: Uint8Array
  readonly tokenHi: number
  readonly tokenLo: number
}

/**
 * A range of the ring, from a start token to an end token, without wrapping. `afterKey` leaves out the partitions of
 * the start token up to and including that key: where a page ended.
 */
export interface TokenRange {
  readonly startHi: number
  readonly startLo: number
  readonly startInclusive: boolean
  readonly endHi: number
  readonly endLo: number
  readonly endInclusive: boolean
  readonly afterKey: Uint8Array | null
}

export const FULL_RING: TokenRange = {
  startHi: -0x80000000,
  startLo: 0,
  startInclusive: true,
  endHi: 0x7fffffff,
  endLo: -1,
  endInclusive: true,
  afterKey: null,
}

/** What a SELECT, or a write that has to look first, reads (`ReadCommand`). */
export interface ReadCommand {
  readonly table: TableMetadata
  /** The partitions, in the order they are to be read; null reads `range`. */
  readonly keys: readonly DecoratedKey[] | null
  readonly range: TokenRange
  /** The rows of each, in clustering order whatever the direction. */
  readonly slices: readonly Slice[]
  readonly reversed: boolean
  /**
   * Ids of the static and regular columns whose cells are looked at; all where it is not said. Where one row is read, what
   * is older than all of these need not be found (`SinglePartitionReadCommand.isRowComplete`).
   */
  readonly queried?: ReadonlySet<number> | null
}

/** Counts markers of range tombstones, which are no rows but count as tombstones (`RangeTombstoneMarker`). */
export interface MarkerCounter {
  /** Those met so far: where a range tombstone begins or ends, and where one ends and the next begins. */
  readonly bounds: number
  readonly boundaries: number
  /** A range tombstone goes on where the counter is. */
  readonly isOpen: boolean
  /**
   * Goes on to those before the row at word `at`, or without a row to the end of the partition. Tombstones from before
   * the second `purgeBefore` are left out.
   */
  advance(purgeBefore: number, row: Words | null, at: number): void
}

/**
 * Thrown by `nextPartition` and `nextRow` of readers whose rows come from elsewhere, where the next ones have to be waited for.
 * Nothing has moved then: the call is made again when they are there.
 */
export const STARVED = new Error('The reader waits for its next rows')

/**
 * Partitions as a read pulls them, one after another, and of each its static row and its rows. The fields describe
 * the partition and the row last moved to; they and the memory they point to are valid until the next move.
 */
export interface PartitionReader {
  /** Moves to the next partition that has data; false at the end. */
  nextPartition(): boolean
  readonly keyBytes: Uint8Array
  readonly keyOffset: number
  readonly keyLength: number
  readonly tokenHi: number
  readonly tokenLo: number
  /** Moves to the static row of the partition; false when there is none. To be called before `nextRow`. */
  staticRow(): boolean
  /** Moves to the next row of the partition; false at its end. */
  nextRow(): boolean
  readonly row: Words
  readonly rowAt: number
  /** The newest deletion over the row, of its partition or of a range; LIVE where there is none. */
  readonly rowDeletionHi: number
  readonly rowDeletionLo: number
  /** The partition was deleted, whether rows are younger than that or not. Absent where nobody knows. */
  readonly isPartitionDeleted?: boolean
  /** SSTables that the partitions read so far by key were in; absent where there are none. */
  readonly sstablesRead?: number
  /** Of the partition, if it has range tombstones; null or absent where it has none. */
  readonly markers?: MarkerCounter | null
  /** Keeps what is being read as it is while the event loop goes on, until `close`. To be called before waiting. */
  suspend(): void
  /** Gets what STARVED was thrown for. Rejects with what the client is to be told. Absent where it is never thrown. */
  fill?(): Promise<void>
  close(): void
}

/** Deletion timestamp that covers nothing (`DeletionTime.LIVE`). */
export const LIVE_HI = -0x80000000
export const LIVE_LO = 0
