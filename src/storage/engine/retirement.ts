import type { ColumnFamilyStore, StoragePorts } from '../column-family-store.ts'
import { listSSTables, removeTableDirectory, tableDirectory } from '../lifecycle/directories.ts'
import { LogTransaction } from '../lifecycle/log-transaction.ts'
import { recoverTransactions } from '../lifecycle/recovery.ts'
import type { LiveSSTable } from '../live-sstable.ts'
import { encodeJsonRecord, RECORD_TRUNCATE, type Truncation } from '../records.ts'
import type { TableView } from '../table-view.ts'
import type { LogPosition } from '../tasks/storage-task.ts'
import type { EngineLog } from './engine-log.ts'
import type { Flusher } from './flusher.ts'

/** What else has to let go of a table's SSTables before they are removed. */
export interface RetirementHooks {
  /** Stops the compactions of a table; resolves when they have ended. */
  stopCompactions(store: ColumnFamilyStore): Promise<void>
  /** Whether what is dropped or truncated now is kept in a snapshot. */
  isKept(store: ColumnFamilyStore): boolean
  /** Keeps the data of a view in a snapshot. */
  snapshot(store: ColumnFamilyStore, view: TableView, reason: 'dropped' | 'truncated'): Promise<void>
  /** Files that were to go are gone, so that the commit log need not say so any more. */
  onRemoved(): void
}

/**
 * Removes what was truncated or dropped (`ColumnFamilyStore.truncateBlocking`, `dropTable`): reads see it gone at once; the
 * files go when the commit log says so durably, and when the last read of them ends. Replay does the same again.
 */
export class Retirement {
  readonly #ports: StoragePorts
  readonly #log: EngineLog
  readonly #flusher: Flusher
  readonly #hooks: RetirementHooks
  readonly #running = new Set<Promise<void>>()
  /** Segments of the commit log that say that something is gone whose files are not yet, or could not be removed. */
  readonly #segments = new Map<symbol, number>()
  /** Resolves when what was dropped since it was last taken is kept in snapshots. */
  #kept: Promise<unknown> | null = null

  constructor(ports: StoragePorts, log: EngineLog, flusher: Flusher, hooks: RetirementHooks) {
    this.#ports = ports
    this.#log = log
    this.#flusher = flusher
    this.#hooks = hooks
  }

  /**
   * Empties the table, durably with the next commit. Resolves when its files are gone; before that there is a snapshot of them, if
   * they are kept. Throws why the commit log cannot say so, or an UnknownTransactionError.
   */
  truncate(store: ColumnFamilyStore): Promise<void> {
    store.checkKnown()
    const { segment } = this.#log
    if (this.#log.current !== null) this.#log.appendRecord(truncationRecord(store))
    const logged = this.#log.synced()
    const reason = this.#hooks.isKept(store) ? 'truncated' : null
    const { view } = store.tracker
    view.retain()
    store.truncate()
    return this.#run(store.table, logged, segment, this.#retire(store, view, logged, reason))
  }

  /** Lets go of a dropped table; `takeKept` says when its data is in a snapshot. */
  drop(store: ColumnFamilyStore): void {
    const { segment } = this.#log
    const logged = this.#log.synced()
    const reason = this.#hooks.isKept(store) ? 'dropped' : null
    const { view } = store.tracker
    view.retain()
    store.drop()
    const kept = new Promise<void>((resolve) => {
      const dropped = this.#retire(store, view, logged, reason, resolve).then(() => store.removeDirectory())
      this.#run(store.table, logged, segment, dropped).catch(() => resolve())
    })
    this.#kept = this.#kept === null ? kept : Promise.all([this.#kept, kept])
  }

  /**
   * Resolves when what was dropped since the last call is in snapshots, as far as it is kept at all, or could not be; null where
   * nothing was.
   */
  takeKept(): Promise<unknown> | null {
    const kept = this.#kept
    this.#kept = null
    return kept
  }

  /**
   * Replays a truncation that stands in the log at `position`: what was in memory then is gone; so are the SSTables that there
   * were, if the server died before, and those that have been flushed since from what stands in the log before it.
   */
  truncateAgain(store: ColumnFamilyStore, { sstables }: Truncation, position: LogPosition): void {
    const logged = this.#log.synced()
    const named = new Set(sstables)
    const isBefore = (sstable: LiveSSTable): boolean => {
      if (named.has(sstable.sstable.descriptor.id)) return true
      const ends = store.ownIntervals(sstable).map(([, end]) => end)
      return (
        ends.length > 0 &&
        ends.every(
          ({ segmentId, position: offset }) =>
            Number(segmentId) < position.segmentId ||
            (Number(segmentId) === position.segmentId && offset <= position.offset),
        )
      )
    }
    const { sstables: all } = store
    const gone = held(all.filter(isBefore))
    store.truncate(all.filter((sstable) => !gone.includes(sstable)))
    void this.#run(store.table, logged, position.segmentId, this.#remove(store, gone, logged))
  }

  /** Removes what was left of a table that is not in the schema any more, if the server died before that was done. */
  dropAgain(table: { readonly keyspace: string; readonly name: string; readonly id: string }): void {
    const { disk, dataDirectory } = this.#ports
    const { segment } = this.#log
    const logged = this.#log.synced()
    const directory = tableDirectory(dataDirectory, table.keyspace, table.name, table.id)
    // Where there is nothing to do nobody waits for it.
    logged.catch(() => undefined)
    if (disk.isDirectorySync(directory))
      void this.#run(table, logged, segment, this.#removeLeft(directory, logged))
  }

  async #removeLeft(directory: string, logged: Promise<void>): Promise<void> {
    const { disk, timeUuid } = this.#ports
    await logged
    recoverTransactions(disk, directory)
    const left = listSSTables(disk, directory).sstables.map(({ descriptor }) => descriptor)
    const transaction = LogTransaction.begin(disk, directory, 'unknowncompactiontype', timeUuid())
    await transaction.commitReplacing(left)
    for (const descriptor of left) await transaction.releaseLater(descriptor)
    removeTableDirectory(disk, directory)
  }

  /** Resolves when nothing is being removed any more. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#running)
  }

  /** The oldest segment of the commit log that has to stay, or else what is being removed could come back. */
  get oldestSegment(): number {
    return Math.min(...this.#segments.values())
  }

  #run(
    table: { readonly keyspace: string; readonly name: string },
    logged: Promise<void>,
    segment: number,
    work: Promise<void>,
  ): Promise<void> {
    // It may fail before anybody waits for it.
    logged.catch(() => undefined)
    const id = Symbol()
    this.#segments.set(id, segment)
    const running = work
      .then(() => {
        this.#segments.delete(id)
        this.#hooks.onRemoved()
      })
      .catch((error: unknown) => {
        const { keyspace, name } = table
        const text = error instanceof Error ? error.message : String(error)
        this.#ports.logger.error(`Files of ${keyspace}.${name} could not be removed: ${text}`)
        throw error
      })
      .finally(() => this.#running.delete(running))
    this.#running.add(running)
    running.catch(() => undefined)
    return running
  }

  async #retire(
    store: ColumnFamilyStore,
    view: TableView,
    logged: Promise<void>,
    reason: 'dropped' | 'truncated' | null,
    onKept: () => void = () => undefined,
  ): Promise<void> {
    const sstables = held(view.sstables)
    try {
      // Whoever writes to its directory ends first, and finds that the table holds it no longer.
      await Promise.all([this.#flusher.settled(view.memtables), this.#hooks.stopCompactions(store)])
      if (reason !== null) await this.#hooks.snapshot(store, view, reason)
      onKept()
    } catch (error) {
      for (const sstable of sstables) sstable.release()
      throw error
    } finally {
      // The memory of its memtables is needed before the log may be ready.
      view.release()
    }
    await this.#remove(store, sstables, logged)
  }

  /** Removes SSTables that the caller holds, and lets go of them. */
  async #remove(
    store: ColumnFamilyStore,
    sstables: readonly LiveSSTable[],
    logged: Promise<void>,
  ): Promise<void> {
    try {
      await logged
    } catch (error) {
      for (const sstable of sstables) sstable.release()
      throw error
    }
    if (sstables.length > 0) await store.remove(sstables)
  }
}

/** What the commit log says of a truncation. */
function truncationRecord({ table, sstables }: ColumnFamilyStore): Uint8Array {
  const truncation: Truncation = {
    table: table.id,
    sstables: sstables.map(({ sstable }) => sstable.descriptor.id),
  }
  return encodeJsonRecord(RECORD_TRUNCATE, truncation)
}

function held(sstables: readonly LiveSSTable[]): readonly LiveSSTable[] {
  for (const sstable of sstables) sstable.retain()
  return sstables
}
