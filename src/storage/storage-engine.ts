import { OverloadedError } from '../common/errors.ts'
import type { TimerHandle } from '../io/timers.ts'
import type { MutationBuilder } from '../model/mutation.ts'
import { MUTATION_HEADER_WORDS } from '../model/mutation.ts'
import type { PartitionReader, ReadCommand } from '../model/read-command.ts'
import type { Words } from '../model/row-format.ts'
import type { TableMetadata } from '../model/table.ts'
import {
  CLEAN,
  ColumnFamilyStore,
  type Flushing,
  type StoragePorts,
  type StoreListener,
} from './column-family-store.ts'
import { CommitLogFailedError, MutationTooLargeError } from './commitlog/errors.ts'
import { CompactionManager, type CompletedCompaction } from './compaction/compaction-manager.ts'
import { Flusher } from './flusher.ts'
import { listSSTables } from './lifecycle/directories.ts'
import {
  checkSources,
  type ImportOptions,
  type ImportResult,
  importSSTables,
  refreshSSTables,
} from './lifecycle/sstable-importer.ts'
import { MemtableReader } from './memtable/memtable-reader.ts'
import { SlabPool } from './memtable/slab-allocator.ts'
import { MemtableSpace } from './memtable-space.ts'
import { MergedReader } from './merged-reader.ts'
import { PeriodicWork } from './periodic-work.ts'
import { RecordReplay, type ReplaySchema } from './record-replay.ts'
import {
  describeTable,
  encodeJsonRecord,
  onlyDeletes,
  RECORD_DESCRIPTOR,
  RECORD_TRUNCATE,
  type Truncation,
} from './records.ts'
import { Relogger } from './relogger.ts'
import { Retirement } from './retirement.ts'
import { componentPath, type Descriptor } from './sstable/descriptor.ts'
import { TableSnapshots } from './table-snapshots.ts'
import type { LogPosition } from './tasks/storage-task.ts'

export type { ReplaySchema } from './record-replay.ts'

/** What the engine needs of the commit log. */
export interface MutationLog {
  /** Segment that the next record will go to; moves on with `reserve`. */
  readonly segmentId: number
  /** Makes sure that a record of this payload will go to the segment that `segmentId` then names. */
  reserve(payloadLength: number): void
  append(buffer: Uint8Array, offset: number, length: number): void
  /** The same for a record that is `length` bytes of words. */
  appendWords(words: Int32Array, length: number): void
  /** Hands what was appended to the operating system; a promise where an fsync has to be waited for. */
  flush(): Promise<void> | null
  /** Why nothing can be appended any more. */
  readonly failure: Error | undefined
  /** Bytes of all segments. */
  readonly sizeBytes: number
  /** Where the next record will stand. */
  readonly position: LogPosition
  /** Nothing in the segments before that place is needed any more. */
  discardBefore(position: LogPosition): void
  /** Removes such segments now; resolves when their files are gone. */
  removeDropped(): Promise<void>
  /** Resolves when all that was flushed is on stable storage. */
  sync(): Promise<void>
  /** Leaves the log without a record; nothing in it is needed any more. */
  empty(): Promise<void>
}

/** Settings of the engine, by cassandra.yaml's names where it has them. */
export interface StorageConfig {
  /** Bytes that all memtables may take together: memtable_offheap_space. */
  readonly memtableSpaceBytes: number
  /** Bytes of one mutation: max_mutation_size. */
  readonly maxMutationSizeBytes: number
  /** Part of the memory at which the largest memtable is flushed: memtable_cleanup_threshold. Default 1/3. */
  readonly memtableCleanupThreshold?: number
  /** Bytes of the commit log beyond which the tables that keep it so long are flushed: commitlog_total_space. */
  readonly commitLogTotalSpaceBytes?: number
  /** Whether what is dropped or truncated is kept in a snapshot: auto_snapshot. Default true. */
  readonly autoSnapshot?: boolean
}

export const DEFAULT_COMMIT_LOG_TOTAL_SPACE = 1024 * 1024 * 1024
export const DEFAULT_MEMTABLE_CLEANUP_THRESHOLD = 1 / 3

/** A table, and the record that describes it. */
interface Described {
  readonly table: TableMetadata
  readonly record: Uint8Array
}

/** A log of that size is replayed in no time. */
const LOG_SIZE_MIN_BYTES = 64 * 1024 * 1024

/** Memtables with so many bytes of rows are written into the log again rather than flushed, where it is long. */
const RELOGGED_BYTES_MAX = 64 * 1024 * 1024
/** Less is not worth an SSTable. */
const RELOGGED_BYTES_MIN = 8 * 1024

const POOL_KEPT_MS = 15_000

const NONE: readonly Described[] = []
/** More than an entry's header in the log. */
const ENTRY_OVERHEAD_BYTES = 64

/** Figures of one table's memtable. */
export interface TableStatistics {
  readonly partitions: number
  readonly reservedBytes: number
  readonly usedBytes: number
}

/**
 * The storage engine of one node: it applies mutations to commit log and memtables, reads memtables and SSTables, and
 * sees to it that the one become the other (`Keyspace.apply`, `ReadCommand.executeLocally`, `ColumnFamilyStore`). What a
 * statement does is synchronous but the wait for an fsync; the rest goes on in the background.
 */
export class StorageEngine {
  readonly #stores = new Map<number, ColumnFamilyStore>()
  readonly #config: StorageConfig
  readonly #ports: StoragePorts | null
  readonly #space: MemtableSpace
  readonly #flusher: Flusher | null
  readonly #relogger: Relogger | null
  readonly #pool: SlabPool | null
  #poolTimer: TimerHandle | null = null
  /** Null without files. */
  readonly compactions: CompactionManager | null
  /** Null without files. */
  readonly snapshots: TableSnapshots | null
  readonly #periodic: PeriodicWork | null
  readonly #retirement: Retirement | null
  readonly #replay: RecordReplay
  /** This node's host id, as text; empty while it has none. */
  hostId: () => string = () => ''
  /** The statements that make a table again, for schema.cql of snapshots; null writes none. */
  schemaText: (table: TableMetadata) => string | null = () => null
  /** Hears of each compaction that has ended. */
  onCompacted: (compaction: CompletedCompaction) => void = () => undefined
  /** Resolves when what was dropped since the last commit is kept in snapshots. */
  #kept: Promise<unknown> | null = null
  #log: MutationLog | null = null
  /** Resolves when there is a log. */
  #logged: Promise<void> | null = null
  #onLog: ((error: Error | null) => void) | null = null
  #isOwnReplayed = false
  /** Where replay is. */
  #replayed: LogPosition | null = null
  /** The log is looked at when it comes to a new segment. */
  #checkedSegment = -1
  /** Something was appended since the last flush; and why some of that is lost. */
  #hasUnflushed = false
  #appendFailure: CommitLogFailedError | null = null
  /** Table version described in the current segment, by table handle. */
  readonly #described = new Map<number, TableMetadata>()
  #describedSegment = -1
  readonly #freeReaders: MemtableReader[] = []
  readonly #freeMergedReaders: MergedReader[] = []
  readonly #listener: StoreListener

  /** Without ports, data lives in memory only. */
  constructor(config: StorageConfig, ports: StoragePorts | null = null) {
    this.#config = config
    this.#ports = ports
    const threshold = config.memtableCleanupThreshold ?? DEFAULT_MEMTABLE_CLEANUP_THRESHOLD
    this.#space = new MemtableSpace(config.memtableSpaceBytes, ports === null ? 1 : threshold)
    // What is flushed at once comes again at once, as long as there is a load.
    const pool = ports === null ? null : new SlabPool(config.memtableSpaceBytes * threshold)
    this.#pool = pool
    this.#listener = {
      pool,
      onReserve: (bytes) => this.#space.add(bytes),
      onMemtableFree: (memtable) => {
        this.#space.freed(memtable)
        memtable.slabs.clear()
        this.#keepPool()
      },
      logPosition: () => this.#log?.position ?? this.#replayed,
      hostId: () => this.hostId(),
    }
    if (ports !== null) ports.failures.onUnreadable = (path) => this.#withdraw(ports, path)
    this.#replay = new RecordReplay({
      store: (handle) => this.#stores.get(handle),
      truncated: (store, truncation, position) => this.#replayTruncation(store, truncation, position),
    })
    this.#flusher = ports === null ? null : this.#newFlusher(ports)
    this.#relogger = ports === null ? null : this.#newRelogger(ports)
    this.compactions = ports === null ? null : this.#newCompactions(ports)
    this.#periodic =
      ports === null
        ? null
        : new PeriodicWork(ports.timers, {
            flush: (store) => this.#flusher?.begin(store),
            compact: () => this.#submitAll(),
          })
    this.snapshots = ports === null ? null : new TableSnapshots(ports, (table) => this.schemaText(table))
    this.#retirement =
      ports === null || this.#flusher === null ? null : this.#newRetirement(ports, this.#flusher)
  }

  /** Memory for memtables is given back some time after the last of them was flushed. */
  #keepPool(): void {
    const pool = this.#pool
    const timers = this.#ports?.timers
    if (pool === null || pool.bytes === 0 || timers === undefined) return
    if (this.#poolTimer !== null) timers.clearTimeout(this.#poolTimer)
    this.#poolTimer = timers.setTimeout(() => pool.clear(), POOL_KEPT_MS, { unref: true })
  }

  #newFlusher(ports: StoragePorts): Flusher {
    return new Flusher(ports, {
      onBegin: ({ memtable }) => this.#space.flushing(memtable),
      logged: () => this.#logSynced(),
      onFlushed: (store, flushing) => {
        this.#flushOlder(flushing)
        this.#freeLog()
        this.compactions?.submit(store)
      },
      onFailure: (error, { table }) => {
        const what = `Flushing ${table.keyspace}.${table.name} failed`
        this.#failed(ports, error, 'write', what)
        this.#space.failed()
      },
    })
  }

  #newRelogger({ clock, timers }: StoragePorts): Relogger {
    return new Relogger({
      clock,
      timers,
      segmentId: () => this.#log!.segmentId,
      append: (mutation) => this.#append(this.#log!, mutation, mutation.sizeBytes),
      synced: () => this.#synced(),
      flush: (store) => this.#flusher?.begin(store),
      renewed: () => this.#freeLog(),
    })
  }

  #newCompactions(ports: StoragePorts): CompactionManager {
    return new CompactionManager(ports, ports.concurrentCompactors, {
      onCompleted: (compaction) => this.onCompacted(compaction),
      onFailure: (error, { table }) => {
        const what = `Compacting ${table.keyspace}.${table.name} failed`
        this.#failed(ports, error, 'write', what)
      },
      logged: () => this.#logSynced(),
    })
  }

  #newRetirement(ports: StoragePorts, flusher: Flusher): Retirement {
    return new Retirement(ports, flusher, {
      stopCompactions: async (store) => {
        if (store.isDropped) await this.compactions?.dropTable(store)
        else await this.compactions?.stop(store)
      },
      snapshot: async (store, view, reason) => this.snapshots?.ofRetired(store, view, reason),
      onRemoved: () => this.#freeLog(),
    })
  }

  /** The schema is what it was when the node stopped: what is dropped or truncated from now on is kept. */
  isReplayed = false

  /** Whether what is dropped or truncated now is kept in a snapshot. What is replayed was kept when it happened first. */
  #isKept({ table }: ColumnFamilyStore): boolean {
    return this.isReplayed && (this.#config.autoSnapshot ?? true) && table.params.allowAutoSnapshot
  }

  /** The log that is going to be replayed, and used after that. */
  #replayedLog: Pick<MutationLog, 'sync'> | null = null

  /** Before replay: how what is replayed is made durable. */
  beginReplay(log: Pick<MutationLog, 'sync'>): void {
    this.#replayedLog = log
  }

  /** From now on mutations are logged before they are applied. */
  useLog(log: MutationLog): void {
    this.#log = log
    this.#replayedLog = null
    this.#replayed = null
    this.#onLog?.(null)
    this.#onLog = null
    this.#submitAll()
    this.#periodic?.start()
  }

  #submitAll(): void {
    for (const store of this.#stores.values()) this.compactions?.submit(store)
  }

  /** Ends what the engine does in the background, and lets go of files. To be called before the log is closed. */
  async close(): Promise<void> {
    if (this.#poolTimer !== null) this.#ports?.timers.clearTimeout(this.#poolTimer)
    this.#onLog?.(new Error('The commit log was not replayed'))
    this.#periodic?.stop()
    this.snapshots?.close()
    await this.compactions?.close()
    await this.#relogger?.close()
    await this.#flusher?.close()
    await this.#retirement?.settled()
    for (const store of this.#stores.values()) store.tracker.close()
    for (const store of this.#stores.values()) await store.removed()
    await this.#ports?.runner.close()
  }

  /** Whether mutations are logged before they are applied. */
  get isLogged(): boolean {
    return this.#log !== null
  }

  /** Bytes that the memtables have taken from the system. */
  get reservedBytes(): number {
    return this.#space.reservedBytes
  }

  /** Makes a table known, with what its directory has of it, or a new version of its metadata. */
  setTable(table: TableMetadata): void {
    let store = this.#stores.get(table.handle)
    if (store !== undefined) store.setTable(table)
    else {
      store = new ColumnFamilyStore(table, this.#listener, this.#ports)
      this.#stores.set(table.handle, store)
    }
    this.compactions?.setTable(store)
    this.#periodic?.setTable(store)
    if (this.#log !== null) this.compactions?.submit(store)
  }

  /** Forgets a dropped table and its data. */
  dropTable(handle: number): void {
    const store = this.#stores.get(handle)
    if (store === undefined) return
    this.#stores.delete(handle)
    this.#periodic?.dropTable(store)
    this.#described.delete(handle)
    const kept = this.#retirement?.drop(store, this.#synced(), this.#segment, this.#isKept(store))
    if (kept !== undefined) this.#kept = this.#kept === null ? kept : Promise.all([this.#kept, kept])
    if (this.#retirement === null) store.tracker.close()
    this.#freeLog()
  }

  /** Tables that the engine holds. */
  get tables(): readonly TableMetadata[] {
    return [...this.#stores.values()].map(({ table }) => table)
  }

  /** The tables' data. */
  get stores(): readonly ColumnFamilyStore[] {
    return [...this.#stores.values()]
  }

  /** A table's data. */
  storeOf(table: TableMetadata): ColumnFamilyStore {
    return this.#store(table.handle)
  }

  statistics(table: TableMetadata): TableStatistics {
    const { memtable } = this.#store(table.handle)
    return {
      partitions: memtable.partitionCount,
      reservedBytes: memtable.slabs.reservedBytes,
      usedBytes: memtable.slabs.usedBytes,
    }
  }

  // --- writes

  /**
   * Logs and applies a finished mutation. It is durable once `commit` says so. Throws an OverloadedError over the
   * memory limit; nothing is applied then. The caller has checked the size against max_mutation_size.
   */
  apply(mutation: MutationBuilder): void {
    const size = mutation.finish()
    if (this.#space.reservedBytes + size > this.#space.checkAtBytes) this.#checkSpace(mutation, size)
    if (this.#log !== null) this.#append(this.#log, mutation, size)
    this.#applyUpdates(mutation)
  }

  /**
   * Where memory runs short the largest memtable is flushed. Without a disk, or where flushing fails, memory near the
   * limit is counted in slabs: what fits into blocks that are free already is let in. So are deletions, and what the
   * server writes for itself, or a full table could not be emptied; for them, and for blocks that are free but of the
   * wrong size, there is some room above the limit.
   */
  #checkSpace(mutation: Words, size: number): void {
    const space = this.#space
    if (this.#flusher !== null && space.wantsFlush(size)) this.#flushLargest(this.#flusher)
    if (!space.isOver(size)) return
    const { table, memtable } = this.#store(mutation.i32[MUTATION_HEADER_WORDS + 1]!)
    if (table.keyspace === 'system' || table.keyspace === 'system_schema') return
    const { slabs } = memtable
    if (space.hasReserve(size) && onlyDeletes(mutation)) return
    // Deletions need what is left then.
    if (space.hasReserve(size, 4) && slabs.reservedBytes - slabs.usedBytes > size * 4 + 4096) return
    const advice =
      this.#flusher === null
        ? 'Rows have to be deleted, or tables truncated, before more is written'
        : 'They are not flushed fast enough, or cannot be: see the log'
    throw new OverloadedError(
      `Too much data in memtables: ${space.reservedBytes} of ${space.limitBytes} bytes are in use (memtable_offheap_space). ${advice}`,
    )
  }

  #flushLargest(flusher: Flusher): void {
    let largest: ColumnFamilyStore | null = null
    for (const store of this.#stores.values()) {
      if (store.memtable.partitionCount === 0) continue
      if (largest === null || store.memtable.slabs.reservedBytes > largest.memtable.slabs.reservedBytes)
        largest = store
    }
    if (largest !== null) flusher.begin(largest)
  }

  /** Appends a finished mutation, and in front of it what says which tables and columns it means. */
  #append(log: MutationLog, mutation: MutationBuilder, size: number): void {
    if (size > this.#config.maxMutationSizeBytes) {
      throw new MutationTooLargeError(size, this.#config.maxMutationSizeBytes)
    }
    if (log.failure !== undefined) throw log.failure
    this.#hasUnflushed = true
    try {
      const descriptors = this.#reserve(log, mutation, size)
      for (const { table, record } of descriptors) {
        log.append(record, 0, record.length)
        this.#described.set(table.handle, table)
      }
      log.appendWords(mutation.i32, size)
    } catch (error) {
      // With commit_failure_policy ignore the log goes on, but what this turn has appended before may be lost.
      if (error instanceof CommitLogFailedError) this.#appendFailure ??= error
      throw error
    }
  }

  /** Makes room in one segment for a mutation and the descriptors that it needs there; returns those. */
  #reserve(log: MutationLog, mutation: Words, size: number): readonly Described[] {
    for (;;) {
      const segment = log.segmentId
      if (segment !== this.#describedSegment) {
        this.#described.clear()
        this.#describedSegment = segment
      }
      const missing = this.#undescribed(mutation)
      let bytes = size
      for (const { record } of missing) bytes += record.length + ENTRY_OVERHEAD_BYTES
      const limit = 2 * this.#config.maxMutationSizeBytes
      if (bytes > limit) throw new MutationTooLargeError(bytes, limit)
      log.reserve(bytes)
      if (log.segmentId === segment) return missing
    }
  }

  #undescribed(mutation: Words): readonly Described[] {
    let missing: Described[] | null = null
    let at = MUTATION_HEADER_WORDS
    for (let i = 0; i < mutation.i32[1]!; i++) {
      const { table } = this.#store(mutation.i32[at + 1]!)
      at += mutation.i32[at]! >>> 2
      if (this.#described.get(table.handle) === table) continue
      if (missing?.some((described) => described.table === table)) continue
      missing ??= []
      missing.push({ table, record: encodeJsonRecord(RECORD_DESCRIPTOR, describeTable(table)) })
    }
    return missing ?? NONE
  }

  #applyUpdates(mutation: MutationBuilder): void {
    const count = mutation.i32[1]!
    let at = MUTATION_HEADER_WORDS
    for (let i = 0; i < count; i++) {
      const store = this.#store(mutation.i32[at + 1]!)
      const { memtable } = store
      memtable.apply(mutation, at)
      memtable.noteTimestamp(mutation.minTimestampHi, mutation.minTimestampLo)
      // The segment that was described last is the one that the mutation is in.
      if (store.dirtySince === CLEAN) store.dirtySince = this.#describedSegment
      at += mutation.i32[at]! >>> 2
    }
  }

  #store(handle: number): ColumnFamilyStore {
    const store = this.#stores.get(handle)
    if (store === undefined) throw new Error(`no table with handle ${handle}`)
    return store
  }

  /**
   * Makes what was applied durable: at once (null), or when the promise resolves. Throws, or rejects, when the commit
   * log failed: none of what was applied since the last call may be acknowledged then. Where nothing was, nothing is
   * lost, and reads go on with a failed log. Where memory has run out, it waits for a flush, and after a drop for the
   * snapshot of what was dropped.
   */
  commit(): Promise<void> | null {
    const log = this.#log
    if (log === null) return null
    const hasUnflushed = this.#hasUnflushed
    const appendFailure = this.#appendFailure
    this.#hasUnflushed = false
    this.#appendFailure = null
    if (!hasUnflushed && log.failure !== undefined) return null
    const flushed = log.flush()
    if (appendFailure !== null) {
      flushed?.catch(() => undefined)
      throw appendFailure
    }
    if (log.segmentId !== this.#checkedSegment) this.#checkLog(log)
    const pressure = hasUnflushed ? this.#space.pressure : null
    const kept = this.#kept
    if (pressure === null && kept === null) return flushed
    this.#kept = null
    return Promise.all([flushed, pressure, kept]).then(() => undefined)
  }

  /** While memory is short: what to wait for before more is applied. */
  get pressure(): Promise<void> | null {
    return this.#space.pressure
  }

  // --- the commit log's size

  /** Flushes the tables that keep the log longer than it may be (`CommitLog.maybeFlushDirtyCFs`). */
  #checkLog(log: MutationLog): void {
    this.#checkedSegment = log.segmentId
    const limit = this.#config.commitLogTotalSpaceBytes ?? DEFAULT_COMMIT_LOG_TOTAL_SPACE
    const flusher = this.#flusher
    if (flusher === null || log.failure !== undefined || log.sizeBytes <= limit) return
    let oldest = CLEAN
    for (const { dirtySince } of this.#stores.values()) oldest = Math.min(oldest, dirtySince)
    // All that are as old, and some that follow, or the next segment would ask again.
    const until = oldest + (log.segmentId - oldest) / 8
    const share = limit / 8
    for (const store of this.#stores.values())
      if (store.dirtySince <= until) this.#renew(store, flusher, share)
  }

  /**
   * The log's older segments need not be kept for the table any more, soon. What is small, or little of what the log has because it
   * was overwritten again and again, stays in memory and is logged again; the rest is flushed.
   */
  #renew(store: ColumnFamilyStore, flusher: Flusher, bytesMax: number): void {
    const { slabs } = store.memtable
    const { keyspace, dropped } = store.table
    // The schema must not stand in the log behind what is read by it. Cells of columns that are gone have no name there.
    const isRelogged =
      keyspace !== 'system_schema' &&
      dropped.size === 0 &&
      slabs.usedBytes <= Math.max(RELOGGED_BYTES_MIN, Math.min(bytesMax, RELOGGED_BYTES_MAX))
    if (isRelogged) this.#relogger?.begin(store)
    else flusher.begin(store)
  }

  /**
   * Tables that are hardly written to would keep the log of those that are: with what was before a memtable that has been
   * flushed, they are flushed or logged again too, unless it is little.
   */
  #flushOlder({ end }: Flushing): void {
    const log = this.#log
    const flusher = this.#flusher
    if (log === null || flusher === null) return
    const length = log.sizeBytes
    if (length < Math.max(LOG_SIZE_MIN_BYTES, 2 * this.#space.reservedBytes)) return
    for (const store of this.#stores.values())
      if (store.dirtySince < end.segmentId) this.#renew(store, flusher, length / 4)
  }

  /** The log's segments that no memtable needs may go. */
  #freeLog(): void {
    const log = this.#log
    if (log === null || log.failure !== undefined) return
    let oldest = Math.min(log.position.segmentId, this.#retirement?.oldestSegment ?? CLEAN)
    for (const { dirtySince, flushing } of this.#stores.values()) {
      oldest = Math.min(oldest, dirtySince)
      for (const memtable of flushing) oldest = Math.min(oldest, memtable.dirtySince)
    }
    log.discardBefore({ segmentId: oldest, offset: 0 })
    // The log says itself what fails.
    log.removeDropped().catch(() => undefined)
  }

  /** Resolves when what was logged until now, or is being replayed, is on stable storage. */
  async #logSynced(): Promise<void> {
    if (this.#replayedLog !== null) await this.#replayedLog.sync()
    else await this.#synced()
  }

  /** Resolves when what was logged until now is on stable storage; in replay, when the log is in use. */
  async #synced(): Promise<void> {
    if (this.#log === null && this.#ports !== null) {
      this.#logged ??= new Promise((resolve, reject) => {
        this.#onLog = (error) => (error === null ? resolve() : reject(error))
      })
      await this.#logged
    }
    const log = this.#log
    if (log === null) return
    // What it may wait for, `sync` waits for too.
    log.flush()?.catch(() => undefined)
    await log.sync()
  }

  // --- flush

  /** Memtables that wait to be written, or are being written. */
  get pendingFlushes(): number {
    return this.#flusher?.pending ?? 0
  }

  /** What writes memtables into the log again; null without files. */
  get relogger(): Pick<Relogger, 'pending' | 'completed'> | null {
    return this.#relogger
  }

  get completedFlushes(): number {
    return this.#flusher?.completed ?? 0
  }

  /** Flushes tables; rejects when one of them cannot be. Without a disk there is nothing to do. */
  async flushTables(stores: readonly ColumnFamilyStore[] = this.stores): Promise<void> {
    const flusher = this.#flusher
    if (flusher === null) return
    const results = await Promise.allSettled(stores.map((store) => flusher.flush(store)))
    for (const result of results) if (result.status === 'rejected') throw result.reason
  }

  /** Flushes all tables and leaves the commit log without a record. Nothing may be written meanwhile. */
  async drain(): Promise<void> {
    await this.flushTables()
    await this.#retirement?.settled()
    const log = this.#log
    if (log === null || log.failure !== undefined) return
    // Files that could not be removed would come back without it.
    if (Number.isFinite(this.#retirement?.oldestSegment)) return
    log.flush()?.catch(() => undefined)
    await log.empty()
  }

  /** Writes are refused from now on, as by a node that is drained. */
  refuseWrites(): void {
    const log = this.#log
    if (log === null || log.failure !== undefined) return
    const failure = new Error('Unable to write: the node was drained.')
    this.#log = new Proxy(log, {
      get: (target, name) => (name === 'failure' ? failure : Reflect.get(target, name, target)),
    })
  }

  // --- foreign SSTables

  /**
   * Takes the SSTables of directories into a table (`nodetool import`), after a worker has verified them. Rejects with what
   * `importSSTables` throws.
   */
  async importInto(
    store: ColumnFamilyStore,
    directories: readonly string[],
    options: ImportOptions,
  ): Promise<ImportResult> {
    const target = store.importTarget()
    checkSources(target, directories)
    const failed: { directory: string; reason: string }[] = []
    if (options.verify) {
      for (const directory of directories) {
        const reason = await this.#verify(directory, options.extendedVerify)
        if (reason !== null) failed.push({ directory, reason })
      }
    }
    const passed = directories.filter((one) => !failed.some(({ directory }) => directory === one))
    const result = importSSTables(target, passed, { ...options, verify: false })
    this.#adopt(store, result.imported)
    return { ...result, failed: [...failed, ...result.failed] }
  }

  /** Why the SSTables of a directory cannot be trusted; null where they can. */
  async #verify(directory: string, extended: boolean): Promise<string | null> {
    const { disk, runner } = this.#ports!
    const descriptors = listSSTables(disk, directory).sstables.map(({ descriptor }) => descriptor)
    try {
      if (descriptors.length > 0) await runner.run({ kind: 'verify', descriptors, extended })
      return null
    } catch (error) {
      return `Can't import sstables of ${directory}: ${error instanceof Error ? error.message : error}`
    }
  }

  /** Takes what was put into a table's own directory (`nodetool refresh`). Throws as `refreshSSTables` does. */
  refresh(store: ColumnFamilyStore): number {
    const held = [...store.sstables, ...store.obsoleteSSTables]
    const found = refreshSSTables(
      store.importTarget(),
      held.map(({ sstable }) => sstable.descriptor),
    )
    this.#adopt(store, found)
    return found.length
  }

  #adopt(store: ColumnFamilyStore, descriptors: readonly Descriptor[]): void {
    if (descriptors.length === 0) return
    store.tracker.replace(
      [],
      descriptors.map((descriptor) => store.open(descriptor)),
    )
    this.compactions?.submit(store)
  }

  // --- truncate

  /** The segment of the commit log that the next record stands in, or a later one. */
  get #segment(): number {
    return (this.#log?.position ?? this.#replayed)?.segmentId ?? 0
  }

  /**
   * Removes all rows of a table, durably with the next `commit`. Where it has files, they are gone when the promise
   * resolves.
   */
  truncate(table: TableMetadata): Promise<void> | null {
    const gone = this.#truncate(table)
    this.onTruncate?.(table)
    return gone
  }

  /** Hears of tables that were truncated, before that is durable. */
  onTruncate: ((table: TableMetadata) => void) | null = null

  #truncate(table: TableMetadata): Promise<void> | null {
    const store = this.#store(table.handle)
    store.checkKnown()
    const log = this.#log
    const segment = this.#segment
    if (log !== null) {
      const truncation: Truncation = {
        table: table.id,
        sstables: store.sstables.map(({ sstable }) => sstable.descriptor.id),
      }
      const record = encodeJsonRecord(RECORD_TRUNCATE, truncation)
      if (log.failure !== undefined) throw log.failure
      this.#hasUnflushed = true
      try {
        log.append(record, 0, record.length)
      } catch (error) {
        if (error instanceof CommitLogFailedError) this.#appendFailure ??= error
        throw error
      }
    }
    if (this.#retirement === null) {
      store.truncate()
      return null
    }
    return this.#retirement.truncate(store, this.#synced(), segment, this.#isKept(store))
  }

  /** SSTables that were there when the table was truncated go again, if the server died before they were gone. */
  #replayTruncation(store: ColumnFamilyStore, truncation: Truncation, position: LogPosition): void {
    if (this.#retirement === null) store.truncate()
    else this.#retirement.truncateAgain(store, truncation, position, this.#synced())
  }

  // --- reads

  /** A reader over what the command asks for. To be closed when done with. */
  read(command: ReadCommand): PartitionReader {
    const { tracker, memtable } = this.#store(command.table.handle)
    const { view } = tracker
    if (view.isMemtableOnly) {
      const reader = this.#freeReaders.pop() ?? new MemtableReader((done) => this.#freeReaders.push(done))
      reader.open(memtable, command, view)
      return reader
    }
    const reader =
      this.#freeMergedReaders.pop() ?? new MergedReader((done) => this.#freeMergedReaders.push(done))
    reader.open(view, command)
    return reader
  }

  /** What the command asks for as it is stored, with all that is deleted: for other replicas. To be closed when done with. */
  readUnfiltered(command: ReadCommand): MergedReader {
    const { view } = this.#store(command.table.handle).tracker
    const reader =
      this.#freeMergedReaders.pop() ?? new MergedReader((done) => this.#freeMergedReaders.push(done))
    reader.openUnfiltered(view, command)
    return reader
  }

  /** A read has failed: does what disk_failure_policy says. True where the error is one of the disk, or of an SSTable. */
  readFailed(error: unknown, { keyspace, name }: TableMetadata): boolean {
    return this.#ports?.failures.inspect(error, 'read', `Reading ${keyspace}.${name} failed`) ?? false
  }

  #failed({ failures, logger }: StoragePorts, error: unknown, during: 'read' | 'write', what: string): void {
    if (failures.inspect(error, during, what)) return
    logger.error(`${what}: ${error instanceof Error ? error.message : String(error)}`)
  }

  /** Leaves the SSTable that a file belongs to out of reads from now on; its files stay. */
  #withdraw({ logger }: StoragePorts, path: string): void {
    for (const store of this.#stores.values()) {
      const broken = store.sstables.filter(({ sstable }) =>
        path.startsWith(componentPath(sstable.descriptor, 'Data.db').slice(0, -'Data.db'.length)),
      )
      if (broken.length === 0) continue
      store.tracker.replace(broken, [])
      logger.error(`Disallowing ${path} for reads: they do without its SSTable from now on`)
    }
  }

  // --- replay

  /** Applies a record of the commit log that was written before. Records come in the order of the log. */
  replay(record: Words, position: LogPosition, schema: ReplaySchema): void {
    this.#replayed = position
    if (this.#flusher !== null && this.#space.wantsFlush(0)) this.#flushLargest(this.#flusher)
    this.#replay.apply(record, position, schema, this.#isOwnReplayed ? 'others' : 'all')
  }

  /** Applies what a record has of the tables `system` and `system_schema`; `replay` passes that over then. */
  replayOwn(record: Words, position: LogPosition, schema: ReplaySchema): void {
    this.#isOwnReplayed = true
    this.#replay.apply(record, position, schema, 'own')
  }

  /** Removes the files of tables that were dropped, if the server died before that was done. */
  removeDropped(tables: readonly { keyspace: string; name: string; id: string }[]): void {
    for (const table of tables) this.#retirement?.dropAgain(table, this.#synced(), this.#segment)
  }
}
