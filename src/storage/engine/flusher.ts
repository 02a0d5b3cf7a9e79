import type { ColumnFamilyStore, Flushing, StoragePorts } from '../column-family-store.ts'
import { LogTransaction } from '../lifecycle/log-transaction.ts'
import type { LiveSSTable } from '../live-sstable.ts'
import type { Memtable } from '../memtable/memtable.ts'

/** Hears of flushes. */
export interface FlushListener {
  onBegin(flushing: Flushing): void
  /** An SSTable has taken a memtable's place. */
  onFlushed(store: ColumnFamilyStore, flushing: Flushing): void
  onFailure(error: unknown, store: ColumnFamilyStore): void
  /** Resolves when all that the commit log has is on stable storage. */
  logged(): Promise<void>
}

/** After a flush has failed the next one of that memtable is tried so much later. */
const RETRY_MS = 10_000

/**
 * Writes memtables as SSTables, one after another (`ColumnFamilyStore.Flush`). A memtable stays readable until its SSTable
 * takes its place. One whose flush fails stays where it is, and so does what the commit log has of it; it is tried
 * again.
 */
export class Flusher {
  readonly #ports: StoragePorts
  readonly #listener: FlushListener
  /** The flush of each memtable that is under way. */
  readonly #running = new Map<Memtable, Promise<void>>()
  readonly #failed = new Set<Flushing>()
  #isClosed = false
  /** Flushes that were completed (`MemtableFlushCount` of all tables). */
  completed = 0

  constructor(ports: StoragePorts, listener: FlushListener) {
    this.#ports = ports
    this.#listener = listener
  }

  /** Memtables that wait to be written, or are being written. */
  get pending(): number {
    return this.#running.size + this.#failed.size
  }

  /**
   * Flushes what a table has in memory. Resolves when all of it, including what was being flushed before, is in SSTables;
   * rejects with the error of the disk.
   */
  async flush(store: ColumnFamilyStore): Promise<void> {
    const fresh = store.switchMemtable()
    if (fresh !== null) this.#listener.onBegin(fresh)
    await Promise.all(store.flushing.map((flushing) => this.#start(store, flushing)))
  }

  /** The same without waiting; a failure is logged. */
  begin(store: ColumnFamilyStore): void {
    this.flush(store).catch(() => undefined)
  }

  /** Resolves when nothing is being written any more. Nothing new is tried. */
  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.allSettled(this.#running.values())
  }

  /** Resolves when no memtable of the table is being written. */
  async settled(memtables: readonly Memtable[]): Promise<void> {
    await Promise.allSettled(memtables.map((memtable) => this.#running.get(memtable)))
  }

  #start(store: ColumnFamilyStore, flushing: Flushing): Promise<void> {
    const { memtable } = flushing
    let running = this.#running.get(memtable)
    if (running === undefined) {
      this.#failed.delete(flushing)
      running = this.#write(store, flushing)
        .catch((error: unknown) => {
          this.#keep(store, flushing, error)
          throw error
        })
        .finally(() => this.#running.delete(memtable))
      this.#running.set(memtable, running)
    }
    return running
  }

  #keep(store: ColumnFamilyStore, flushing: Flushing, error: unknown): void {
    if (!store.holds(flushing)) return
    this.#failed.add(flushing)
    this.#listener.onFailure(error, store)
    this.#ports.timers.setTimeout(
      () => {
        if (this.#isClosed || !this.#failed.has(flushing) || !store.holds(flushing)) return
        this.#start(store, flushing).catch(() => undefined)
      },
      RETRY_MS,
      { unref: true },
    )
  }

  async #write(store: ColumnFamilyStore, flushing: Flushing): Promise<void> {
    const { disk, runner, timeUuid } = this.#ports
    store.checkKnown()
    disk.mkdirpSync(store.directory)
    const transaction = LogTransaction.begin(disk, store.directory, 'flush', timeUuid())
    const opened: LiveSSTable[] = []
    // Also if the table is truncated meanwhile.
    const letGo = store.tracker.hold(flushing.memtable)
    try {
      const written = await runner.run(store.flushJob(flushing, transaction.path))
      // So that after a loss of power no table is further on than what was written to the others before.
      await this.#listener.logged()
      if (!store.holds(flushing)) {
        await transaction.abortLater()
        return
      }
      for (const sstable of written) opened.push(store.openWritten(sstable))
      await transaction.commitReplacing([])
    } catch (error) {
      if (transaction.state === 'unknown') store.becomeUnknown(transaction)
      for (const sstable of opened) sstable.release()
      await transaction.abortLater()
      throw error
    } finally {
      letGo()
    }
    if (!store.holds(flushing)) {
      await store.remove(opened)
      return
    }
    store.flushing.splice(store.flushing.indexOf(flushing), 1)
    store.tracker.flushed(flushing.memtable, opened)
    this.completed++
    this.#listener.onFlushed(store, flushing)
  }
}
