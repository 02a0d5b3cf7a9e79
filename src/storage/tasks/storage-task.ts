import type { OutputSplit } from '../compaction/plan.ts'
import type { FrozenMemtableParts } from '../memtable/frozen-memtable.ts'
import type { Descriptor } from '../sstable/descriptor.ts'
import type { SSTableComponents } from '../sstable/sstable.ts'
import type { TableParts } from './table-parts.ts'

/**
 * Long work of the storage engine, done in steps, so that it can go on in a worker thread or, in slices, on the event
 * loop. It reaches files through the disk port only.
 */
export interface StorageTask {
  /**
   * Does some more, a few milliseconds' work; false when all is done. Throws a DiskError or a CorruptSSTableError; then,
   * and when it is given up, `abort` has to be called.
   */
  step(): boolean
  /** Bytes of rows read so far, and those there are, both before compression; for flushes bytes of the memtable. */
  readonly completedBytes: number
  readonly totalBytes: number
  /** Bytes on disk for each of those bytes, of compactions: their throughput is limited by what they read there. Default 1. */
  readonly compressionRatio?: number
  /** The SSTables that were written and synced, none where nothing was left; once `step` has returned false. */
  readonly written: readonly WrittenSSTable[]
  /** Closes files. What was written stays, for the transaction log to remove. */
  abort(): void
}

/** An SSTable that a job has written, synced, read back and checked; what it read is there for who opens it (`SSTable.adopt`). */
export interface WrittenSSTable {
  readonly descriptor: Descriptor
  readonly components: SSTableComponents
}

/** How the SSTables of a job are to be written. All of a job can be given to another thread (structured clone). */
export interface JobTarget {
  readonly table: TableParts
  /** The table's directory. */
  readonly directory: string
  /** Generations of the table's SSTables: one Int32 of the last one given; taken by `Atomics.add`. */
  readonly generations: SharedArrayBuffer
  /** Path of the transaction log, which hears of each SSTable before its files are created. */
  readonly transaction: string
  /** column_index_size, in bytes. */
  readonly columnIndexSizeBytes: number
  /** This node's host id, as text. */
  readonly hostId: string
}

/** A place in the commit log as SSTables keep it. */
export interface LogPosition {
  readonly segmentId: number
  readonly offset: number
}

/** Writes a memtable that is no longer written to. */
export interface FlushJob extends JobTarget {
  readonly kind: 'flush'
  readonly memtable: FrozenMemtableParts
  /** Bytes in use of the memtable. */
  readonly memtableBytes: number
  /** Where the memtable's mutations are in the commit log. */
  readonly commitLogIntervals: readonly { readonly start: LogPosition; readonly end: LogPosition }[]
}

/** Writes what several SSTables have together anew, and leaves out what nobody needs. */
export interface CompactionJob extends JobTarget {
  readonly kind: 'compaction'
  readonly inputs: readonly Descriptor[]
  /** SSTables of the table that are not compacted: what they have may be covered by tombstones of the inputs. */
  readonly others: readonly Descriptor[]
  /** Least timestamp in any memtable of the table, microseconds; null where they are empty. */
  readonly memtableMinTimestamp: bigint | null
  /** Tombstones from before that second may be purged (`CompactionManager.getDefaultGcBefore`). */
  readonly gcBeforeSeconds: number
  /** Now, in seconds since the epoch: what has expired by then becomes a tombstone. */
  readonly nowSeconds: number
  /**
   * One double for each of the inputs, for the figures: of how many partitions so many of them had something
   * (`CompactionIterator.getMergedRowCounts`).
   */
  readonly mergedCounts?: SharedArrayBuffer
  /** Of the SSTables written. */
  readonly level: number
  /** An SSTable that has more bytes on disk is finished and the next one begun; null writes one. */
  readonly maxSSTableBytes: number | null
  /** How the levels or the sizes of what is written change from one SSTable to the next; by default they don't. */
  readonly split?: OutputSplit | null
  /**
   * Inputs that nobody needs anything of, which are not read; by default the task finds out
   * (`CompactionController.getFullyExpiredSSTables`).
   */
  readonly expired?: readonly Descriptor[]
}

/** Reads SSTables from elsewhere whole, to see whether they can be trusted. */
export interface VerifyJob {
  readonly kind: 'verify'
  readonly descriptors: readonly Descriptor[]
  /** All rows are read, not only digests and indexes. */
  readonly extended: boolean
}

export type StorageJob = FlushJob | CompactionJob | VerifyJob
