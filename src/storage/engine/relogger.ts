import type { Clock } from '../../io/clock.ts'
import { nextTurn, type Timers } from '../../io/timers.ts'
import { ALL_ROWS, type ClusteringBound } from '../../model/clustering.ts'
import { MutationBuilder } from '../../model/mutation.ts'
import { FULL_RING } from '../../model/read-command.ts'
import type { ColumnFamilyStore } from '../column-family-store.ts'
import type { Memtable } from '../memtable/memtable.ts'
import { MemtableScan } from '../memtable/memtable-source.ts'
import { type DeletionTime, LIVE, UNFILTERED_END, UNFILTERED_ROW } from '../unfiltered.ts'

/** The event loop is held so long at a time. */
const SLICE_MS = 2
/** A mutation is ended behind the row with which it has so many bytes. */
const MUTATION_BYTES = 64 * 1024

/** What the relogger has of the engine and its log. */
export interface RelogTarget {
  readonly clock: Clock
  readonly timers: Timers
  /** The segment that is being written. */
  segmentId(): number
  /** Appends a finished mutation to the log without applying it. Throws when the log failed. */
  append(mutation: MutationBuilder): void
  /** Resolves when what was appended is on stable storage. */
  synced(): Promise<void>
  flush(store: ColumnFamilyStore): void
  /** Segments may have become free. */
  renewed(): void
}

/** Rows from `start` on were deleted. */
interface OpenTombstone {
  readonly start: ClusteringBound
  readonly deletion: DeletionTime
}

/**
 * Writes what small memtables hold into the commit log once more, so that the segments that had it before may go. A table that
 * fits in memory stays there, however long the log of what was overwritten has become; Cassandra would flush it. Replay merges what
 * the log says twice, as it does whatever else is in two places.
 */
export class Relogger {
  readonly #target: RelogTarget
  readonly #running = new Map<ColumnFamilyStore, Promise<void>>()
  #isClosed = false
  /** Memtables that were written whole. */
  completed = 0

  constructor(target: RelogTarget) {
    this.#target = target
  }

  /** Memtables that are being written. */
  get pending(): number {
    return this.#running.size
  }

  /** Begins with a table, in later turns. One that cannot be logged, for a row is too large by now, is flushed. */
  begin(store: ColumnFamilyStore): void {
    if (this.#isClosed || this.#running.has(store)) return
    const { memtable } = store
    const done = this.#run(store, memtable)
      .catch(() => {
        if (this.#isCurrent(store, memtable)) this.#target.flush(store)
      })
      .finally(() => this.#running.delete(store))
    this.#running.set(store, done)
  }

  /** Resolves when nothing is written any more; what is not whole then counts for nothing. */
  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.all(this.#running.values())
  }

  async #run(store: ColumnFamilyStore, memtable: Memtable): Promise<void> {
    const { clock, timers } = this.#target
    await nextTurn(timers)
    const segmentId = this.#target.segmentId()
    // Also if the memtable is flushed meanwhile.
    const letGo = store.tracker.hold(memtable)
    const writing = new MemtableRecords(memtable, (mutation) => this.#target.append(mutation))
    try {
      for (;;) {
        if (!this.#isCurrent(store, memtable)) return
        const startedMs = clock.monotonicMs()
        if (writing.run(() => clock.monotonicMs() - startedMs >= SLICE_MS)) break
        await nextTurn(timers)
      }
    } finally {
      writing.close()
      letGo()
    }
    await this.#target.synced()
    if (!this.#isCurrent(store, memtable)) return
    store.dirtySince = segmentId
    this.completed++
    this.#target.renewed()
  }

  /** Nothing may be appended behind the record of a truncation, nor for a memtable that is being flushed. */
  #isCurrent(store: ColumnFamilyStore, memtable: Memtable): boolean {
    return !this.#isClosed && !store.isDropped && store.memtable === memtable
  }
}

/** The partitions of a memtable as mutations, while others write to it. */
class MemtableRecords {
  readonly #memtable: Memtable
  readonly #scan: MemtableScan
  readonly #mutation = new MutationBuilder()
  readonly #append: (mutation: MutationBuilder) => void
  #isInPartition = false
  #holdsView = false
  #open: OpenTombstone | null = null
  #tombstones: (OpenTombstone & { readonly end: ClusteringBound })[] = []

  constructor(memtable: Memtable, append: (mutation: MutationBuilder) => void) {
    this.#memtable = memtable
    this.#append = append
    this.#scan = new MemtableScan(memtable)
    this.#scan.begin(memtable, FULL_RING, ALL_ROWS, false)
  }

  /** Goes on until `shouldYield` says so; true at the end. */
  run(shouldYield: () => boolean): boolean {
    for (;;) {
      if (!this.#isInPartition) {
        if (!this.#scan.nextPartition()) return true
        this.#beginPartition()
      }
      while (this.#copyNext()) {
        if (this.#mutation.sizeBytes < MUTATION_BYTES) continue
        this.#endUpdate()
        this.#beginUpdate()
        if (!shouldYield()) continue
        this.#holdView()
        return false
      }
      this.#endUpdate()
      this.#isInPartition = false
      this.#letGo()
      if (!shouldYield()) continue
      this.#scan.suspend()
      return false
    }
  }

  /** What is being read of a partition stays as it is over turns. */
  #holdView(): void {
    if (this.#holdsView) return
    this.#memtable.openView()
    this.#holdsView = true
    this.#scan.suspend()
  }

  #letGo(): void {
    if (this.#holdsView) this.#memtable.closeView()
    this.#holdsView = false
  }

  close(): void {
    this.#letGo()
    this.#scan.close()
  }

  #beginPartition(): void {
    this.#isInPartition = true
    this.#open = null
    this.#beginUpdate()
    const { partitionDeletion } = this.#scan
    if (partitionDeletion !== LIVE) {
      const { hi, lo, localDeletionTime } = partitionDeletion
      this.#mutation.partitionDeletion(hi, lo, localDeletionTime)
    }
    if (this.#scan.staticRow()) this.#mutation.copyRow(this.#scan.row, this.#scan.rowAt)
  }

  #beginUpdate(): void {
    const { tokenHi, tokenLo, keyBytes, keyOffset, keyLength } = this.#scan
    this.#mutation.begin()
    this.#mutation.beginUpdate(this.#memtable.table.handle, tokenHi, tokenLo, keyBytes, keyOffset, keyLength)
  }

  /** Takes over a row or a marker; false at the end of the partition. */
  #copyNext(): boolean {
    const scan = this.#scan
    const kind = scan.next()
    if (kind === UNFILTERED_END) return false
    if (kind === UNFILTERED_ROW) {
      this.#mutation.copyRow(scan.row, scan.rowAt)
      return true
    }
    const { bound, opens } = scan.marker
    if (this.#open !== null) this.#tombstones.push({ ...this.#open, end: bound })
    this.#open = opens === null ? null : { start: bound, deletion: opens }
    return true
  }

  #endUpdate(): void {
    const mutation = this.#mutation
    for (const { start, end, deletion } of this.#tombstones) {
      mutation.beginRangeTombstone(deletion.hi, deletion.lo, deletion.localDeletionTime)
      mutation.bound(start.components, start.side)
      mutation.bound(end.components, end.side)
      mutation.endRangeTombstone()
    }
    this.#tombstones = []
    if (mutation.updateIsEmpty) return
    mutation.endUpdate()
    mutation.finish()
    this.#append(mutation)
  }
}
