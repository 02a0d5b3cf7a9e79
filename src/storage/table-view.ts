import { compare64 } from '../model/row-format.ts'
import type { TableMetadata } from '../model/table.ts'
import type { LiveSSTable } from './live-sstable.ts'
import type { Memtable } from './memtable/memtable.ts'

/**
 * What a table's data is made of at one moment (`View`): immutable, and held by each read that goes on in it, so that
 * what a flush or a compaction replaces stays readable until the last read of it ends.
 */
export class TableView {
  /** The one that is written to first, then those that are being flushed, newest first. */
  readonly memtables: readonly Memtable[]
  /** Those with the greatest timestamps first. */
  readonly sstables: readonly LiveSSTable[]
  /** Of each SSTable the first and the last token: hi, lo, hi, lo. */
  readonly #tokens: Int32Array
  readonly #onRelease: (view: TableView) => void
  #references = 1

  constructor(
    memtables: readonly Memtable[],
    sstables: readonly LiveSSTable[],
    onRelease: (view: TableView) => void,
  ) {
    this.memtables = memtables
    this.sstables = sstables.toSorted((a, b) =>
      compare64(b.maxTimestampHi, b.maxTimestampLo, a.maxTimestampHi, a.maxTimestampLo),
    )
    this.#onRelease = onRelease
    this.isMemtableOnly = memtables.length === 1 && sstables.length === 0
    this.#tokens = new Int32Array(sstables.length * 4)
    this.sstables.forEach((sstable, i) => {
      this.#tokens.set([sstable.firstHi, sstable.firstLo, sstable.lastHi, sstable.lastLo], i * 4)
    })
  }

  /** There is nothing but the memtable that is written to. */
  readonly isMemtableOnly: boolean

  /** The next SSTable from `from` on whose tokens go around one; -1 where there is none. */
  nextAround(from: number, tokenHi: number, tokenLo: number): number {
    const tokens = this.#tokens
    for (let i = from; i * 4 < tokens.length; i++) {
      const at = i * 4
      const firstHi = tokens[at]!
      const lastHi = tokens[at + 2]!
      if (tokenHi < firstHi || tokenHi > lastHi) continue
      if (tokenHi === firstHi && tokenLo >>> 0 < tokens[at + 1]! >>> 0) continue
      if (tokenHi === lastHi && tokenLo >>> 0 > tokens[at + 3]! >>> 0) continue
      return i
    }
    return -1
  }

  /** Holds the view for a read. */
  retain(): void {
    this.#references++
  }

  release(): void {
    if (--this.#references === 0) this.#onRelease(this)
  }
}

/**
 * Keeps a table's view through writes, flushes and compactions (`Tracker`). All of it is synchronous; what it is told to
 * forget it closes when the last view that has it is released.
 */
export class TableTracker {
  #view: TableView
  readonly #onMemtableFree: (memtable: Memtable) => void
  /** In how many views a memtable or an SSTable is. */
  readonly #uses = new Map<Memtable | LiveSSTable, number>()

  /**
   * Takes over the caller's hold on the SSTables. `onMemtableFree` hears of each memtable that was flushed and that nobody
   * reads any more.
   */
  constructor(
    memtable: Memtable,
    sstables: readonly LiveSSTable[],
    onMemtableFree: (memtable: Memtable) => void,
  ) {
    this.#onMemtableFree = onMemtableFree
    this.#view = this.#newView([memtable], sstables)
  }

  get view(): TableView {
    return this.#view
  }

  /** Writes go to `fresh` from now on. Returns the memtable that they went to, now frozen: it is to be flushed. */
  switchMemtable(fresh: Memtable): Memtable {
    const { memtables, sstables } = this.#view
    this.#replace([fresh, ...memtables], sstables)
    return memtables[0]!
  }

  /** A memtable has been flushed: its data is in these now, if there is any of it. */
  flushed(memtable: Memtable, sstables: readonly LiveSSTable[]): void {
    const { view } = this
    const memtables = view.memtables.filter((other) => other !== memtable)
    this.#replace(memtables, [...view.sstables, ...sstables])
  }

  /** SSTables have been compacted into others, or have come from elsewhere, or are gone. */
  replace(removed: readonly LiveSSTable[], added: readonly LiveSSTable[]): void {
    const { view } = this
    const gone = new Set(removed)
    this.#replace(view.memtables, [...view.sstables.filter((other) => !gone.has(other)), ...added])
  }

  /** Nothing of what was there is there any more but `kept`: writes go to `fresh`. */
  truncate(fresh: Memtable, kept: readonly LiveSSTable[]): void {
    this.#replace([fresh], kept)
  }

  /** Another version of the table's metadata (after ALTER). */
  setTable(table: TableMetadata): void {
    for (const memtable of this.#view.memtables) memtable.setTable(table)
    for (const sstable of this.#view.sstables) sstable.setTable(table)
  }

  /** Keeps a memtable's memory beyond its views, as while it is being written; returns what lets go of it. */
  hold(memtable: Memtable): () => void {
    this.#uses.set(memtable, (this.#uses.get(memtable) ?? 0) + 1)
    return () => {
      if (this.#isUnused(memtable)) this.#onMemtableFree(memtable)
    }
  }

  /** Lets go of everything: the table is dropped, or the node stops. */
  close(): void {
    this.#replace([], [])
    this.#view.release()
  }

  #replace(memtables: readonly Memtable[], sstables: readonly LiveSSTable[]): void {
    const before = this.#view
    this.#view = this.#newView(memtables, sstables)
    before.release()
  }

  #newView(memtables: readonly Memtable[], sstables: readonly LiveSSTable[]): TableView {
    for (const used of [...memtables, ...sstables]) this.#uses.set(used, (this.#uses.get(used) ?? 0) + 1)
    return new TableView(memtables, sstables, ({ memtables, sstables }) => {
      for (const memtable of memtables) if (this.#isUnused(memtable)) this.#onMemtableFree(memtable)
      for (const sstable of sstables) if (this.#isUnused(sstable)) sstable.release()
    })
  }

  #isUnused(used: Memtable | LiveSSTable): boolean {
    const uses = this.#uses.get(used)! - 1
    if (uses > 0) this.#uses.set(used, uses)
    else this.#uses.delete(used)
    return uses === 0
  }
}
