import type { MutationBuilder } from '../model/mutation.ts'
import { MUTATION_HEADER_WORDS } from '../model/mutation.ts'
import type { PartitionReader, ReadCommand } from '../model/read-command.ts'
import type { Words } from '../model/row-format.ts'
import type { TableMetadata } from '../model/table.ts'
import { CLEAN, ColumnFamilyStore, type StoragePorts, type StoreListener } from './column-family-store.ts'
import type { CompactionManager, CompletedCompaction } from './compaction/compaction-manager.ts'
import { BackgroundWork } from './engine/background-work.ts'
import { EngineLog, type MutationLog } from './engine/engine-log.ts'
import { MemtableCleaner } from './engine/memtable-cleaner.ts'
import { MemtableSpace } from './engine/memtable-space.ts'
import { ReaderPool } from './engine/reader-pool.ts'
import { RecordReplay, type ReplaySchema } from './engine/record-replay.ts'
import type { Relogger } from './engine/relogger.ts'
import { SSTableImports } from './engine/sstable-imports.ts'
import { TableStores } from './engine/table-stores.ts'
import { SlabPool } from './memtable/slab-allocator.ts'
import type { MergedReader } from './merged-reader.ts'
import type { TableSnapshots } from './table-snapshots.ts'
import type { LogPosition } from './tasks/storage-task.ts'

export type { ReplaySchema } from './engine/record-replay.ts'

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

/** Figures of one table's memtable. */
export interface TableStatistics {
  readonly partitions: number
  readonly reservedBytes: number
  readonly usedBytes: number
}

/**
 * The storage engine of one node: it applies mutations to commit log and memtables, reads memtables and SSTables, and
 * sees to it that the one become the other (`Keyspace.apply`, `ReadCommand.executeLocally`, `ColumnFamilyStore`). What a
 * statement does is synchronous but the wait for an fsync, and is here; the rest goes on in the background. Its parts are in
 * `engine/`.
 */
export class StorageEngine {
  readonly #ports: StoragePorts | null
  readonly #tables = new TableStores()
  readonly #readers = new ReaderPool()
  readonly #space: MemtableSpace
  readonly #log: EngineLog
  readonly #replay: RecordReplay
  /** Null without files. */
  readonly #work: BackgroundWork | null
  readonly #cleaner: MemtableCleaner
  readonly #listener: StoreListener
  /** SSTables from elsewhere. */
  readonly imports: SSTableImports
  /** This node's host id, as text; empty while it has none. */
  hostId: () => string = () => ''
  /** The statements that make a table again, for schema.cql of snapshots; null writes none. */
  schemaText: (table: TableMetadata) => string | null = () => null
  /** Hears of each compaction that has ended. */
  onCompacted: (compaction: CompletedCompaction) => void = () => undefined
  /** Hears of tables that were truncated, before that is durable. */
  onTruncate: ((table: TableMetadata) => void) | null = null
  /** The schema is what it was when the node stopped: what is dropped or truncated from now on is kept. */
  isReplayed = false

  /** Without ports, data lives in memory only, and there is no log. */
  constructor(config: StorageConfig, ports: StoragePorts | null = null) {
    this.#ports = ports
    const threshold = config.memtableCleanupThreshold ?? DEFAULT_MEMTABLE_CLEANUP_THRESHOLD
    this.#space = new MemtableSpace(config.memtableSpaceBytes, ports === null ? 1 : threshold)
    this.#log = new EngineLog(this.#tables, config.maxMutationSizeBytes, ports !== null)
    const work = ports === null ? null : this.#newWork(ports, config)
    this.#work = work
    // What is flushed at once comes again at once, as long as there is a load.
    const pool = ports === null ? null : new SlabPool(config.memtableSpaceBytes * threshold)
    this.#cleaner = new MemtableCleaner(
      this.#tables,
      this.#space,
      pool,
      work?.flusher ?? null,
      ports?.timers ?? null,
    )
    this.#listener = {
      pool,
      onReserve: (bytes) => this.#space.add(bytes),
      onMemtableFree: (memtable) => this.#cleaner.freed(memtable),
      logPosition: () => this.#log.position,
      hostId: () => this.hostId(),
    }
    this.#replay = new RecordReplay({
      store: (handle) => this.#tables.find(handle),
      truncated: (store, truncation, position) => {
        if (work === null) store.truncate()
        else work.retirement.truncateAgain(store, truncation, position)
      },
    })
    this.imports = new SSTableImports(ports, work?.compactions ?? null)
  }

  #newWork(ports: StoragePorts, config: StorageConfig): BackgroundWork {
    const shared = {
      log: this.#log,
      tables: this.#tables,
      space: this.#space,
      logLimitBytes: config.commitLogTotalSpaceBytes ?? DEFAULT_COMMIT_LOG_TOTAL_SPACE,
    }
    const autoSnapshot = config.autoSnapshot ?? true
    return new BackgroundWork(ports, shared, {
      // What is replayed was kept when it happened first.
      isKept: ({ params }) => this.isReplayed && autoSnapshot && params.allowAutoSnapshot,
      schemaText: (table) => this.schemaText(table),
      onCompacted: (compaction) => this.onCompacted(compaction),
    })
  }

  // --- start and stop

  /** Before replay: how what is replayed is made durable. */
  beginReplay(log: Pick<MutationLog, 'sync'>): void {
    this.#log.beginReplay(log)
  }

  /** Applies a record of the commit log that was written before. Records come in the order of the log. */
  replay(record: Words, position: LogPosition, schema: ReplaySchema): void {
    this.#log.replayedTo(position)
    this.#cleaner.makeRoom(0)
    this.#replay.apply(record, position, schema)
  }

  /** Applies what a record has of the tables `system` and `system_schema`; `replay` passes that over then. */
  replayOwn(record: Words, position: LogPosition, schema: ReplaySchema): void {
    this.#replay.applyOwn(record, position, schema)
  }

  /** From now on mutations are logged before they are applied. */
  useLog(log: MutationLog): void {
    this.#log.open(log)
    this.#work?.start()
  }

  /** Removes the files of tables that were dropped, if the server died before that was done. */
  removeDropped(tables: readonly { keyspace: string; name: string; id: string }[]): void {
    for (const table of tables) this.#work?.retirement.dropAgain(table)
  }

  /** Whether mutations are logged before they are applied. */
  get isLogged(): boolean {
    return this.#log.current !== null
  }

  /** Flushes all tables and leaves the commit log without a record. Nothing may be written meanwhile. */
  async drain(): Promise<void> {
    await this.flushTables()
    const retirement = this.#work?.retirement
    await retirement?.settled()
    const log = this.#log.usable
    // Files that could not be removed would come back without it.
    if (log === null || Number.isFinite(retirement?.oldestSegment)) return
    log.flush()?.catch(() => undefined)
    await log.empty()
  }

  /** Writes are refused from now on, as by a node that is drained. */
  refuseWrites(): void {
    this.#log.refuse(new Error('Unable to write: the node was drained.'))
  }

  /** Ends what the engine does in the background, and lets go of files. To be called before the log is closed. */
  async close(): Promise<void> {
    this.#cleaner.close()
    this.#log.close()
    await this.#work?.close()
    for (const store of this.#tables.values()) store.tracker.close()
    for (const store of this.#tables.values()) await store.removed()
    await this.#ports?.runner.close()
  }

  // --- tables

  /** Makes a table known, with what its directory has of it, or a new version of its metadata. */
  setTable(table: TableMetadata): void {
    let store = this.#tables.find(table.handle)
    if (store !== undefined) store.setTable(table)
    else {
      store = new ColumnFamilyStore(table, this.#listener, this.#ports)
      this.#tables.set(table.handle, store)
    }
    this.#work?.setTable(store)
  }

  /** Forgets a dropped table and its data. */
  dropTable(handle: number): void {
    const store = this.#tables.find(handle)
    if (store === undefined) return
    this.#tables.delete(handle)
    this.#log.forget(handle)
    if (this.#work === null) store.tracker.close()
    else this.#work.dropTable(store)
  }

  /**
   * Removes all rows of a table, durably with the next `commit`. Where it has files, they are gone when the promise
   * resolves.
   */
  truncate(table: TableMetadata): Promise<void> | null {
    const store = this.#tables.of(table.handle)
    const gone = this.#work?.retirement.truncate(store) ?? null
    if (this.#work === null) store.truncate()
    this.onTruncate?.(table)
    return gone
  }

  /** Tables that the engine holds. */
  get tables(): readonly TableMetadata[] {
    return this.stores.map(({ table }) => table)
  }

  /** The tables' data. */
  get stores(): readonly ColumnFamilyStore[] {
    return [...this.#tables.values()]
  }

  /** A table's data. */
  storeOf(table: TableMetadata): ColumnFamilyStore {
    return this.#tables.of(table.handle)
  }

  statistics(table: TableMetadata): TableStatistics {
    const { memtable } = this.#tables.of(table.handle)
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
    const space = this.#space
    if (space.reservedBytes + size > space.checkAtBytes) this.#cleaner.admit(mutation, size)
    this.#log.append(mutation, size)
    this.#applyUpdates(mutation)
  }

  #applyUpdates(mutation: MutationBuilder): void {
    const count = mutation.i32[1]!
    let at = MUTATION_HEADER_WORDS
    for (let i = 0; i < count; i++) {
      const store = this.#tables.of(mutation.i32[at + 1]!)
      const { memtable } = store
      memtable.apply(mutation, at)
      memtable.noteTimestamp(mutation.minTimestampHi, mutation.minTimestampLo)
      if (store.dirtySince === CLEAN) store.dirtySince = this.#log.describedSegment
      at += mutation.i32[at]! >>> 2
    }
  }

  /**
   * Makes what was applied durable: at once (null), or when the promise resolves. Throws, or rejects, when the commit
   * log failed: none of what was applied since the last call may be acknowledged then. Where nothing was, nothing is
   * lost, and reads go on with a failed log. Where memory has run out, it waits for a flush, and after a drop for the
   * snapshot of what was dropped.
   */
  commit(): Promise<void> | null {
    const log = this.#log
    const work = this.#work
    if (work === null || log.isIdle) return null
    const { hasUnflushed } = log
    const flushed = log.flush()
    work.retention.check()
    const pressure = hasUnflushed ? this.#space.pressure : null
    const kept = work.retirement.takeKept()
    if (pressure === null && kept === null) return flushed
    return Promise.all([flushed, pressure, kept]).then(() => undefined)
  }

  /** While memory is short: what to wait for before more is applied. */
  get pressure(): Promise<void> | null {
    return this.#space.pressure
  }

  /** Bytes that the memtables have taken from the system. */
  get reservedBytes(): number {
    return this.#space.reservedBytes
  }

  // --- reads

  /** A reader over what the command asks for. To be closed when done with. */
  read(command: ReadCommand): PartitionReader {
    const { tracker, memtable } = this.#tables.of(command.table.handle)
    const { view } = tracker
    if (view.isMemtableOnly) {
      const reader = this.#readers.memtableReader()
      reader.open(memtable, command, view)
      return reader
    }
    const reader = this.#readers.mergedReader()
    reader.open(view, command)
    return reader
  }

  /** What the command asks for as it is stored, with all that is deleted: for other replicas. To be closed when done with. */
  readUnfiltered(command: ReadCommand): MergedReader {
    const { view } = this.#tables.of(command.table.handle).tracker
    const reader = this.#readers.mergedReader()
    reader.openUnfiltered(view, command)
    return reader
  }

  /** A read has failed: does what disk_failure_policy says. True where the error is one of the disk, or of an SSTable. */
  readFailed(error: unknown, table: TableMetadata): boolean {
    return this.#work?.readFailed(error, table) ?? false
  }

  // --- the background

  /** Null without files. */
  get compactions(): CompactionManager | null {
    return this.#work?.compactions ?? null
  }

  /** Null without files. */
  get snapshots(): TableSnapshots | null {
    return this.#work?.snapshots ?? null
  }

  /** What writes memtables into the log again; null without files. */
  get relogger(): Pick<Relogger, 'pending' | 'completed'> | null {
    return this.#work?.relogger ?? null
  }

  /** Memtables that wait to be written, or are being written. */
  get pendingFlushes(): number {
    return this.#work?.flusher.pending ?? 0
  }

  get completedFlushes(): number {
    return this.#work?.flusher.completed ?? 0
  }

  /** Flushes tables; rejects when one of them cannot be. Without a disk there is nothing to do. */
  async flushTables(stores: readonly ColumnFamilyStore[] = this.stores): Promise<void> {
    const flusher = this.#work?.flusher
    if (flusher === undefined) return
    const results = await Promise.allSettled(stores.map((store) => flusher.flush(store)))
    for (const result of results) if (result.status === 'rejected') throw result.reason
  }
}
