import type { TableMetadata } from '../model/table.ts'
import { CLEAN, type ColumnFamilyStore, type StoragePorts } from './column-family-store.ts'
import type { ListedSSTable } from './lifecycle/directories.ts'
import { LogTransaction } from './lifecycle/log-transaction.ts'
import {
  checkSnapshotName,
  clearExpiredSnapshots,
  dropSnapshotName,
  listSnapshots,
  snapshotExists,
  type TableSnapshot,
  takeSnapshot,
  truncateSnapshotName,
} from './lifecycle/snapshots.ts'
import { type Descriptor, descriptorName, parseFileName } from './sstable/descriptor.ts'
import type { TableView } from './table-view.ts'
import type { LogPosition } from './tasks/storage-task.ts'

/** How the tables of one snapshot are kept. */
export interface TakeSnapshotOptions {
  readonly name: string
  /** After so many seconds it may be removed; null for never. */
  readonly ttlSeconds: number | null
}

const EXPIRY_CHECK_MS = 60_000
const NOWHERE: LogPosition = { segmentId: -1, offset: 0 }

/** Takes the snapshots of one node's tables: those that are asked for, and those of what is dropped or truncated. */
export class TableSnapshots {
  readonly #ports: StoragePorts
  readonly #schemaText: (table: TableMetadata) => string | null
  #isWatching = false
  #isClosed = false

  /** `schemaText` gives the statements that make a table again. */
  constructor(ports: StoragePorts, schemaText: (table: TableMetadata) => string | null) {
    this.#ports = ports
    this.#schemaText = schemaText
  }

  /**
   * Keeps what a table had in memory and on disk before it was dropped or truncated; the caller holds the view. Memtables are
   * written by a transaction that is aborted when the links are made, so that a crash leaves nothing in the table. Where
   * there was nothing, nothing is kept.
   */
  async ofRetired(store: ColumnFamilyStore, view: TableView, reason: 'dropped' | 'truncated'): Promise<void> {
    const memtables = view.memtables.filter(({ partitionCount }) => partitionCount > 0)
    if (memtables.length === 0 && view.sstables.length === 0) return
    const { disk, runner, clock, timeUuid } = this.#ports
    disk.mkdirpSync(store.directory)
    const transaction = LogTransaction.begin(disk, store.directory, 'flush', timeUuid())
    try {
      const kept: Descriptor[] = view.sstables.map(({ sstable }) => sstable.descriptor)
      for (const memtable of memtables) {
        const reservedBytes = memtable.slabs.reservedBytes
        const flushing = { memtable, dirtySince: CLEAN, start: NOWHERE, end: NOWHERE, reservedBytes }
        const written = await runner.run(store.flushJob(flushing, transaction.path))
        kept.push(...written.map(({ descriptor }) => descriptor))
      }
      const nameAt = reason === 'dropped' ? dropSnapshotName : truncateSnapshotName
      const nowMs = clock.nowMs()
      let at = nowMs
      while (snapshotExists(disk, store.directory, nameAt(at, store.table.name))) at++
      this.#link(store, kept, { name: nameAt(at, store.table.name), ttlSeconds: null }, nowMs)
    } finally {
      transaction.abort()
    }
  }

  /**
   * From now on snapshots go whose time to live is over, looked for once a minute as long as there are such
   * (`SnapshotManager.resumeSnapshotCleanup`).
   */
  watchExpiring(): void {
    if (this.#isWatching) return
    this.#isWatching = true
    this.#ports.timers.setTimeout(() => this.#clearExpired(), EXPIRY_CHECK_MS, { unref: true })
  }

  #clearExpired(): void {
    const { disk, dataDirectory, clock, logger } = this.#ports
    this.#isWatching = false
    if (this.#isClosed) return
    try {
      clearExpiredSnapshots(disk, dataDirectory, clock.nowMs())
      if (this.list().some(({ expiresAt }) => expiresAt !== null)) this.watchExpiring()
    } catch (error) {
      logger.warn(`Expired snapshots could not be removed: ${error instanceof Error ? error.message : error}`)
      this.watchExpiring()
    }
  }

  close(): void {
    this.#isClosed = true
  }

  /** All snapshots of the node, those of tables that were dropped among them. */
  list(): TableSnapshot[] {
    return listSnapshots(this.#ports.disk, this.#ports.dataDirectory)
  }

  /**
   * Takes a snapshot of what tables have on disk; their memtables have been flushed before, if they are to be in it. Throws an
   * Error where one of them has a snapshot of that name; then no snapshot is taken of any.
   */
  take(stores: readonly ColumnFamilyStore[], options: TakeSnapshotOptions): void {
    checkSnapshotName(options.name)
    if (options.ttlSeconds !== null) this.watchExpiring()
    for (const { directory } of stores) {
      if (snapshotExists(this.#ports.disk, directory, options.name)) {
        throw new Error(`Snapshot ${options.name} already exists.`)
      }
    }
    const nowMs = this.#ports.clock.nowMs()
    for (const store of stores) {
      const { view } = store.tracker
      // Their files stay as long as the view is held; nothing of this waits for anything.
      view.retain()
      try {
        this.#link(
          store,
          view.sstables.map(({ sstable }) => sstable.descriptor),
          options,
          nowMs,
        )
      } finally {
        view.release()
      }
    }
  }

  #link(
    store: ColumnFamilyStore,
    descriptors: readonly Descriptor[],
    { name, ttlSeconds }: TakeSnapshotOptions,
    nowMs: number,
  ): void {
    const { disk } = this.#ports
    const schema = this.#schemaText(store.table)
    takeSnapshot(disk, store.directory, this.#listed(store.directory, descriptors), {
      name,
      nowMs,
      schema,
      ttlSeconds,
    })
  }

  #listed(directory: string, descriptors: readonly Descriptor[]): readonly ListedSSTable[] {
    const { disk } = this.#ports
    const components = new Map<string, string[]>(descriptors.map((one) => [descriptorName(one), []]))
    if (descriptors.length > 0) {
      for (const name of disk.readdirSync(directory).sort()) {
        const file = parseFileName(directory, name)
        if (file !== null) components.get(descriptorName(file.descriptor))?.push(file.component)
      }
    }
    return descriptors.map((descriptor) => ({
      descriptor,
      components: components.get(descriptorName(descriptor))!,
    }))
  }
}
