import { CLEAN, type ColumnFamilyStore } from '../column-family-store.ts'
import type { LogPosition } from '../tasks/storage-task.ts'
import type { EngineLog, MutationLog } from './engine-log.ts'
import type { Flusher } from './flusher.ts'
import type { MemtableSpace } from './memtable-space.ts'
import type { Relogger } from './relogger.ts'
import type { Retirement } from './retirement.ts'
import type { TableStores } from './table-stores.ts'

/** What keeps segments of the commit log, and what makes it let go of them. */
export interface LogKeepers {
  readonly log: EngineLog
  readonly tables: TableStores
  readonly space: MemtableSpace
  readonly flusher: Flusher
  readonly relogger: Relogger
  readonly retirement: Retirement
}

/** A log of that size is replayed in no time. */
const LOG_SIZE_MIN_BYTES = 64 * 1024 * 1024

/** Memtables with so many bytes of rows are written into the log again rather than flushed, where it is long. */
const RELOGGED_BYTES_MAX = 64 * 1024 * 1024
/** Less is not worth an SSTable. */
const RELOGGED_BYTES_MIN = 8 * 1024

/**
 * Keeps the commit log short: sees to it that tables need its oldest segments no longer, and frees those that nothing needs
 * (`AbstractCommitLogSegmentManager.maybeFlushToReclaim`, `CommitLog.discardCompletedSegments`).
 */
export class LogRetention {
  readonly #keepers: LogKeepers
  readonly #log: EngineLog
  readonly #limitBytes: number
  /** The log is looked at when it comes to a new segment. */
  #checkedSegment = -1

  /** `limitBytes` of log are what tables are flushed beyond (commitlog_total_space). */
  constructor(keepers: LogKeepers, limitBytes: number) {
    this.#keepers = keepers
    this.#log = keepers.log
    this.#limitBytes = limitBytes
  }

  /** To be called after each flush of the log. */
  check(): void {
    const log = this.#log.current
    if (log !== null && log.segmentId !== this.#checkedSegment) this.#checkSize(log)
  }

  /** Flushes the tables that keep the log longer than it may be. */
  #checkSize(log: MutationLog): void {
    this.#checkedSegment = log.segmentId
    const limit = this.#limitBytes
    if (log.failure !== undefined || log.sizeBytes <= limit) return
    const { tables } = this.#keepers
    let oldest = CLEAN
    for (const { dirtySince } of tables.values()) oldest = Math.min(oldest, dirtySince)
    // All that are as old, and some that follow, or the next segment would ask again.
    const until = oldest + (log.segmentId - oldest) / 8
    const share = limit / 8
    for (const store of tables.values()) if (store.dirtySince <= until) this.#renew(store, share)
  }

  /**
   * The log's older segments need not be kept for the table any more, soon. What is small, or little of what the log has because it
   * was overwritten again and again, stays in memory and is logged again; the rest is flushed.
   */
  #renew(store: ColumnFamilyStore, bytesMax: number): void {
    const { slabs } = store.memtable
    const { keyspace, dropped } = store.table
    // The schema must not stand in the log behind what is read by it. Cells of columns that are gone have no name there.
    const isRelogged =
      keyspace !== 'system_schema' &&
      dropped.size === 0 &&
      slabs.usedBytes <= Math.max(RELOGGED_BYTES_MIN, Math.min(bytesMax, RELOGGED_BYTES_MAX))
    if (isRelogged) this.#keepers.relogger.begin(store)
    else this.#keepers.flusher.begin(store)
  }

  /**
   * A memtable has been flushed that ended there. Tables that are hardly written to would keep the log of those that are: with
   * what was before that place, they are flushed or logged again too, unless it is little.
   */
  flushedUntil(end: LogPosition): void {
    const log = this.#log.current
    if (log === null) return
    const { tables, space } = this.#keepers
    const length = log.sizeBytes
    if (length < Math.max(LOG_SIZE_MIN_BYTES, 2 * space.reservedBytes)) return
    for (const store of tables.values()) if (store.dirtySince < end.segmentId) this.#renew(store, length / 4)
  }

  /** The segments may go that no memtable needs, and nothing that is still to be removed. */
  free(): void {
    const log = this.#log.usable
    if (log === null) return
    const { tables, retirement } = this.#keepers
    let oldest = Math.min(log.position.segmentId, retirement.oldestSegment)
    for (const { dirtySince, flushing } of tables.values()) {
      oldest = Math.min(oldest, dirtySince)
      for (const memtable of flushing) oldest = Math.min(oldest, memtable.dirtySince)
    }
    log.discardBefore({ segmentId: oldest, offset: 0 })
    // The log says itself what fails.
    log.removeDropped().catch(() => undefined)
  }
}
