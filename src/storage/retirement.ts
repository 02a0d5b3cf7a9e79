import type { ColumnFamilyStore, StoragePorts } from './column-family-store.ts'
import type { Flusher } from './flusher.ts'
import { listSSTables, removeTableDirectory, tableDirectory } from './lifecycle/directories.ts'
import { LogTransaction } from './lifecycle/log-transaction.ts'
import { recoverTransactions } from './lifecycle/recovery.ts'
import type { LiveSSTable } from './live-sstable.ts'
import type { Truncation } from './records.ts'
import type { TableView } from './table-view.ts'
import type { LogPosition } from './tasks/storage-task.ts'

/** What else has to let go of a table's SSTables before they are removed. */
export interface RetirementHooks {
  /** Stops the compactions of a table; resolves when they have ended. */
  stopCompactions(store: ColumnFamilyStore): Promise<void>
  /** Keeps the data of a view in a snapshot. */
  snapshot(store: ColumnFamilyStore, view: TableView, reason: 'dropped' | 'truncated'): Promise<void>
  /** Files that were to go are gone, so that the commit log need not say so any more. */
  onRemoved(): void
}

/**
 * Removes the files of what was truncated or dropped (`ColumnFamilyStore.truncateBlocking`, `dropTable`): reads see it gone
 * at once; the files go when the commit log says so durably, and when the last read of them ends.
 */
export class Retirement {
  readonly #ports: StoragePorts
  readonly #flusher: Flusher
  readonly #hooks: RetirementHooks
  readonly #running = new Set<Promise<void>>()
  /** Segments of the commit log that say that something is gone whose files are not yet, or could not be removed. */
  readonly #segments = new Map<symbol, number>()

  constructor(ports: StoragePorts, flusher: Flusher, hooks: RetirementHooks) {
    this.#ports = ports
    this.#flusher = flusher
    this.#hooks = hooks
  }

  /**
   * Empties the table; `logged` resolves when the commit log has that durably, in `segment` or later. Where `isKept` says so
   * there is a snapshot of it first.
   */
  truncate(store: ColumnFamilyStore, logged: Promise<void>, segment: number, isKept: boolean): Promise<void> {
    const { view } = store.tracker
    view.retain()
    store.truncate()
    return this.#run(
      store.table,
      logged,
      segment,
      this.#retire(store, view, logged, isKept ? 'truncated' : null),
    )
  }

  /** Lets go of a dropped table. Resolves when its data is in a snapshot, if it is kept at all, or could not be. */
  drop(store: ColumnFamilyStore, logged: Promise<void>, segment: number, isKept: boolean): Promise<void> {
    const { view } = store.tracker
    view.retain()
    store.drop()
    return new Promise((resolve) => {
      const dropped = this.#retire(store, view, logged, isKept ? 'dropped' : null, resolve).then(() =>
        store.removeDirectory(),
      )
      this.#run(store.table, logged, segment, dropped).catch(() => resolve())
    })
  }

  /**
   * Replays a truncation: what was in memory then is gone; so are the SSTables that there were, and those that have been
   * flushed since from what stands in the log before it.
   */
  truncateAgain(
    store: ColumnFamilyStore,
    { sstables }: Truncation,
    position: LogPosition,
    logged: Promise<void>,
  ): void {
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

  /** Removes what was left of a table that is not in the schema any more, as the log says that `logged` makes durable. */
  dropAgain(
    table: { readonly keyspace: string; readonly name: string; readonly id: string },
    logged: Promise<void>,
    segment: number,
  ): void {
    const { disk, dataDirectory } = this.#ports
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

function held(sstables: readonly LiveSSTable[]): readonly LiveSSTable[] {
  for (const sstable of sstables) sstable.retain()
  return sstables
}
