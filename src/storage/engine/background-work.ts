import type { TableMetadata } from '../../model/table.ts'
import type { ColumnFamilyStore, StoragePorts } from '../column-family-store.ts'
import { CompactionManager, type CompletedCompaction } from '../compaction/compaction-manager.ts'
import { componentPath } from '../sstable/descriptor.ts'
import { TableSnapshots } from '../table-snapshots.ts'
import type { EngineLog } from './engine-log.ts'
import { Flusher } from './flusher.ts'
import { LogRetention } from './log-retention.ts'
import type { MemtableSpace } from './memtable-space.ts'
import { PeriodicWork } from './periodic-work.ts'
import { Relogger } from './relogger.ts'
import { Retirement } from './retirement.ts'
import type { TableStores } from './table-stores.ts'

/** What the engine's statements and its background have in common. */
export interface SharedParts {
  readonly log: EngineLog
  readonly tables: TableStores
  readonly space: MemtableSpace
  /** Bytes of the commit log beyond which the tables that keep it so long are flushed. */
  readonly logLimitBytes: number
}

/** What is asked, and told, outside of storage. */
export interface BackgroundHooks {
  /** Whether what is dropped or truncated now is kept in a snapshot. */
  isKept(table: TableMetadata): boolean
  /** The statements that make a table again; null for none. */
  schemaText(table: TableMetadata): string | null
  onCompacted(compaction: CompletedCompaction): void
}

/**
 * What goes on behind the statements of an engine with files: flushes and compactions, snapshots, the removal of what is gone,
 * and the commit log's length. This is where each of them is told what the others have done.
 */
export class BackgroundWork {
  readonly #ports: StoragePorts
  readonly #shared: SharedParts
  readonly flusher: Flusher
  readonly relogger: Relogger
  readonly compactions: CompactionManager
  readonly snapshots: TableSnapshots
  readonly retirement: Retirement
  readonly retention: LogRetention
  readonly #periodic: PeriodicWork

  constructor(ports: StoragePorts, shared: SharedParts, hooks: BackgroundHooks) {
    this.#ports = ports
    this.#shared = shared
    this.flusher = this.#newFlusher()
    this.relogger = this.#newRelogger()
    this.compactions = this.#newCompactions(hooks)
    this.snapshots = new TableSnapshots(ports, (table) => hooks.schemaText(table))
    this.retirement = this.#newRetirement(hooks)
    const { flusher, relogger, retirement } = this
    this.retention = new LogRetention({ ...shared, flusher, relogger, retirement }, shared.logLimitBytes)
    this.#periodic = new PeriodicWork(ports.timers, {
      flush: (store) => this.flusher.begin(store),
      compact: () => this.#submitAll(),
    })
    ports.failures.onUnreadable = (path) => this.#withdraw(path)
  }

  #newFlusher(): Flusher {
    const { log, space } = this.#shared
    return new Flusher(this.#ports, {
      onBegin: ({ memtable }) => space.flushing(memtable),
      logged: () => log.loggedSynced(),
      onFlushed: (store, { end }) => {
        this.retention.flushedUntil(end)
        this.retention.free()
        this.compactions.submit(store)
      },
      onFailure: (error, { table }) => {
        this.#failed(error, `Flushing ${table.keyspace}.${table.name} failed`)
        space.failed()
      },
    })
  }

  #newRelogger(): Relogger {
    const { clock, timers } = this.#ports
    const { log } = this.#shared
    return new Relogger({
      clock,
      timers,
      segmentId: () => log.current!.segmentId,
      append: (mutation) => log.append(mutation, mutation.sizeBytes),
      synced: () => log.synced(),
      flush: (store) => this.flusher.begin(store),
      renewed: () => this.retention.free(),
    })
  }

  #newCompactions(hooks: BackgroundHooks): CompactionManager {
    return new CompactionManager(this.#ports, this.#ports.concurrentCompactors, {
      onCompleted: (compaction) => hooks.onCompacted(compaction),
      onFailure: (error, { table }) =>
        this.#failed(error, `Compacting ${table.keyspace}.${table.name} failed`),
      logged: () => this.#shared.log.loggedSynced(),
    })
  }

  #newRetirement(hooks: BackgroundHooks): Retirement {
    return new Retirement(this.#ports, this.#shared.log, this.flusher, {
      stopCompactions: (store) =>
        store.isDropped ? this.compactions.dropTable(store) : this.compactions.stop(store),
      isKept: ({ table }) => hooks.isKept(table),
      snapshot: (store, view, reason) => this.snapshots.ofRetired(store, view, reason),
      onRemoved: () => this.retention.free(),
    })
  }

  /** There is a log now: what was held back until then begins. */
  start(): void {
    this.#submitAll()
    this.#periodic.start()
  }

  #submitAll(): void {
    for (const store of this.#shared.tables.values()) this.compactions.submit(store)
  }

  /** Takes a table, or another version of its metadata. */
  setTable(store: ColumnFamilyStore): void {
    this.compactions.setTable(store)
    this.#periodic.setTable(store)
    if (this.#shared.log.current !== null) this.compactions.submit(store)
  }

  /** Lets go of a dropped table, and removes its files. */
  dropTable(store: ColumnFamilyStore): void {
    this.#periodic.dropTable(store)
    this.retirement.drop(store)
    this.retention.free()
  }

  /** A read has failed: does what disk_failure_policy says. True where the error is one of the disk, or of an SSTable. */
  readFailed(error: unknown, { keyspace, name }: TableMetadata): boolean {
    return this.#ports.failures.inspect(error, 'read', `Reading ${keyspace}.${name} failed`)
  }

  #failed(error: unknown, what: string): void {
    const { failures, logger } = this.#ports
    if (failures.inspect(error, 'write', what)) return
    logger.error(`${what}: ${error instanceof Error ? error.message : String(error)}`)
  }

  /** Leaves the SSTable that a file belongs to out of reads from now on; its files stay. */
  #withdraw(path: string): void {
    for (const store of this.#shared.tables.values()) {
      const broken = store.sstables.filter(({ sstable }) =>
        path.startsWith(componentPath(sstable.descriptor, 'Data.db').slice(0, -'Data.db'.length)),
      )
      if (broken.length === 0) continue
      store.tracker.replace(broken, [])
      this.#ports.logger.error(`Disallowing ${path} for reads: they do without its SSTable from now on`)
    }
  }

  /** Resolves when nothing is done any more. */
  async close(): Promise<void> {
    this.#periodic.stop()
    this.snapshots.close()
    await this.compactions.close()
    await this.relogger.close()
    await this.flusher.close()
    await this.retirement.settled()
  }
}
