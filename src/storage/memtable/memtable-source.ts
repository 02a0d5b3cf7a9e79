import { compareBytes } from '../../common/bytes.ts'
import { murmur3Token } from '../../common/murmur3.ts'
import {
  ALL_ROWS,
  type ClusteringBound,
  compareBounds,
  compareRowToBound,
  type Slice,
} from '../../model/clustering.ts'
import { FULL_RING, type TokenRange } from '../../model/read-command.ts'
import { compare64, type Words } from '../../model/row-format.ts'
import type { CqlType } from '../../types/index.ts'
import type { PartitionScan } from '../partition-merge.ts'
import type { PartitionSource } from '../partition-source.ts'
import {
  type DeletionTime,
  LIVE,
  NO_MARKER,
  type RangeTombstoneMarker,
  UNFILTERED_END,
  UNFILTERED_MARKER,
  UNFILTERED_ROW,
  type UnfilteredKind,
  type UnfilteredReader,
} from '../unfiltered.ts'
import {
  LIVE_HI,
  LIVE_LO,
  PARTITION_HEADER_WORDS,
  type RangeTombstone,
  readRangeTombstone,
  SlabWords,
} from './memtable.ts'
import { RowTreeCursor } from './row-tree.ts'
import type { Slabs } from './slab-allocator.ts'
import type { TokenCursor } from './token-index.ts'

/** What of a memtable its partitions are read from: the memtable itself, or a frozen one in another thread. */
export interface MemtableContent {
  readonly slabs: Slabs
  readonly clusteringTypes: readonly CqlType[]
  /** Changes when all is dropped. */
  readonly generation: number
  readonly index: {
    /** Changes with each partition that is added. */
    readonly version: number
    seek(cursor: TokenCursor, hi: number, lo: number): void
    next(cursor: TokenCursor, token: Int32Array): number
  }
}

/** An open deletion, and the tombstone that it is of. */
interface Open {
  readonly tombstone: RangeTombstone
  readonly deletion: DeletionTime
}

const NO_SLABS: Slabs = { words: [], bytes: [] }
const probe = new SlabWords()
const token = new Int32Array(2)

function deletionOf({ hi, lo, time }: RangeTombstone): DeletionTime {
  return { hi, lo, localDeletionTime: time >>> 0 }
}

/**
 * One partition of a memtable: its rows, and its range tombstones as markers between them
 * (`AbstractBTreePartition.unfilteredIterator`). What is open stays as it is while the memtable's view is frozen.
 */
export class MemtableSource implements PartitionSource {
  partitionDeletion: DeletionTime = LIVE
  marker: RangeTombstoneMarker = NO_MARKER
  readonly row = new SlabWords()
  rowAt = 0
  readonly key = new SlabWords()
  keyOffset = 0
  keyLength = 0
  #slabs: Slabs = NO_SLABS
  #types: readonly CqlType[] = []
  #rows = 0
  #static = 0
  #list = 0
  #slices: readonly Slice[] = []
  #slice = 0
  #isInSlice = false
  #reversed = false
  readonly #cursor = new RowTreeCursor()
  /** The row that comes next, 0 at the end of the slice; read only when asked for. */
  #next = 0
  #hasNext = false
  /** The tombstone that rows have come to, or will; null where the slice has no more. And its place in the list. */
  #tombstone: RangeTombstone | null = null
  #slot = 0
  #open: Open | null = null

  /** Looks at the partition at `pointer`. `slices` are in clustering order, whatever the direction. */
  open(content: MemtableContent, pointer: number, slices: readonly Slice[], reversed: boolean): void {
    const { slabs } = content
    this.#slabs = slabs
    this.#types = content.clusteringTypes
    const at = this.key.at(slabs, pointer)
    const { i32 } = this.key
    this.keyLength = i32[at]!
    this.keyOffset = (at + PARTITION_HEADER_WORDS) << 2
    this.#rows = i32[at + 1]!
    this.#static = i32[at + 3]!
    const hi = i32[at + 4]!
    const lo = i32[at + 5]!
    this.partitionDeletion =
      hi === LIVE_HI && lo === LIVE_LO ? LIVE : { hi, lo, localDeletionTime: i32[at + 6]! >>> 0 }
    this.#list = i32[at + 7]!
    this.#slices = slices
    this.#slice = reversed ? slices.length - 1 : 0
    this.#reversed = reversed
    this.#isInSlice = false
    this.#open = this.#tombstone = null
    if (this.#rows !== 0 && this.#types.length > 0) {
      this.#cursor.open(slabs, this.#types, this.#rows, reversed)
    }
  }

  staticRow(): boolean {
    if (this.#static === 0) return false
    this.rowAt = this.row.at(this.#slabs, this.#static)
    return true
  }

  next(): UnfilteredKind {
    for (;;) {
      if (!this.#isInSlice) {
        const slice = this.#slices[this.#slice]
        if (slice === undefined) return UNFILTERED_END
        this.#enter(this.#reversed ? slice.end : slice.start)
      }
      if (this.#open === null && this.#tombstone === null) {
        if (this.#peek() !== 0) return this.#emitRow()
        this.#isInSlice = false
        this.#slice += this.#reversed ? -1 : 1
        continue
      }
      const bound = this.#nextBound()
      if (this.#peek() !== 0 && this.#isRowBefore(bound)) return this.#emitRow()
      return this.#emitMarker(bound)
    }
  }

  #enter(from: ClusteringBound): void {
    this.#isInSlice = true
    this.#open = this.#tombstone = null
    this.#hasNext = false
    if (this.#list !== 0) this.#seekTombstone(from)
    if (this.#types.length > 0 && this.#rows !== 0) this.#cursor.seek(from)
  }

  /** The row that comes next in the slice, or 0. */
  #peek(): number {
    if (this.#hasNext) return this.#next
    this.#hasNext = true
    if (this.#types.length === 0 || this.#rows === 0) {
      this.#next = this.#rows
      this.#rows = 0
      return this.#next
    }
    this.#next = this.#cursor.next()
    const { start, end } = this.#slices[this.#slice]!
    const to = this.#reversed ? start : end
    if (this.#next !== 0 && to.components.length > 0 && !this.#isRowBefore(to)) this.#next = 0
    return this.#next
  }

  #isRowBefore(bound: ClusteringBound): boolean {
    const at = probe.at(this.#slabs, this.#next)
    const order = compareRowToBound(this.#types, probe, at, bound)
    return this.#reversed ? order > 0 : order < 0
  }

  #emitRow(): UnfilteredKind {
    this.rowAt = this.row.at(this.#slabs, this.#next)
    this.#hasNext = false
    return UNFILTERED_ROW
  }

  // --- range tombstones

  /** Whether `a` is met before `b`. */
  #isBefore(a: ClusteringBound, b: ClusteringBound): boolean {
    const order = compareBounds(this.#types, a, b)
    return this.#reversed ? order > 0 : order < 0
  }

  #tombstoneAt(slot: number): RangeTombstone | null {
    const words = this.#slabs.words[this.#list >>> 17]!
    const base = (this.#list & 0x1ffff) << 1
    if (slot < 0 || slot >= words[base]!) return null
    return readRangeTombstone(probe, probe.at(this.#slabs, words[base + 2 + slot]!))
  }

  /** Finds the first tombstone that goes on behind a place, by halving. */
  #seekTombstone(from: ClusteringBound): void {
    let low = 0
    let high = this.#slabs.words[this.#list >>> 17]![(this.#list & 0x1ffff) << 1]!
    while (low < high) {
      const middle = (low + high) >>> 1
      const { start, end } = this.#tombstoneAt(middle)!
      const isBefore = this.#reversed
        ? compareBounds(this.#types, start, from) < 0
        : compareBounds(this.#types, end, from) <= 0
      if (isBefore) low = middle + 1
      else high = middle
    }
    this.#slot = this.#reversed ? low - 1 : low
    this.#loadTombstone()
  }

  /** Reads the tombstone at the slot, if it begins within the slice. */
  #loadTombstone(): void {
    const tombstone = this.#tombstoneAt(this.#slot)
    const { start, end } = this.#slices[this.#slice]!
    const begins =
      tombstone !== null &&
      (this.#reversed ? this.#isBefore(tombstone.end, start) : this.#isBefore(tombstone.start, end))
    this.#tombstone = begins ? tombstone : null
  }

  /** Where the next marker is: tombstones are cut at the ends of the slice. */
  #nextBound(): ClusteringBound {
    const slice = this.#slices[this.#slice]!
    const { start, end } = (this.#open?.tombstone ?? this.#tombstone)!
    const isEnd = (this.#open !== null) !== this.#reversed
    if (isEnd) return compareBounds(this.#types, end, slice.end) < 0 ? end : slice.end
    return compareBounds(this.#types, start, slice.start) > 0 ? start : slice.start
  }

  #emitMarker(bound: ClusteringBound): UnfilteredKind {
    const before = this.#open
    let behind: Open | null = null
    if (before === null) {
      behind = { tombstone: this.#tombstone!, deletion: deletionOf(this.#tombstone!) }
      this.#tombstone = null
    } else {
      // Where the next one begins at the same place, one marker stands for both.
      this.#slot += this.#reversed ? -1 : 1
      this.#loadTombstone()
      const next = this.#tombstone
      if (next !== null) {
        const begins = this.#reversed ? next.end : next.start
        if (compareBounds(this.#types, begins, bound) === 0) {
          behind = { tombstone: next, deletion: deletionOf(next) }
          this.#tombstone = null
        }
      }
    }
    this.#open = behind
    const met = before?.deletion ?? null
    const follows = behind?.deletion ?? null
    this.marker = this.#reversed
      ? { bound, closes: follows, opens: met }
      : { bound, closes: met, opens: follows }
    return UNFILTERED_MARKER
  }
}

/**
 * The partitions of a memtable along the ring, each with the slices that are asked for; all of them is what a flush
 * writes. While the memtable is written to, `suspend` has to be called, and a view be open, before the event loop
 * goes on; a frozen one may be read in any number of turns.
 */
export class MemtableScan implements UnfilteredReader, PartitionScan {
  readonly source = new MemtableSource()
  tokenHi = 0
  tokenLo = 0
  #content: MemtableContent
  #range: TokenRange = FULL_RING
  #slices: readonly Slice[] = ALL_ROWS
  #reversed = false
  readonly #cursor: TokenCursor = { directory: 0, bucket: 0, entry: 0 }
  #generation = 0
  #version = -1
  /** Where the scan is: the key last read, kept so that it can be found again after the index has changed. */
  #lastKey: Uint8Array | null = null
  #lastHi = 0
  #lastLo = 0
  #hasPartition = false

  constructor(content: MemtableContent) {
    this.#content = content
  }

  /** Begins anew. */
  begin(content: MemtableContent, range: TokenRange, slices: readonly Slice[], reversed: boolean): void {
    this.#content = content
    this.#range = range
    this.#slices = slices
    this.#reversed = reversed
    this.#version = -1
    this.#lastKey = range.afterKey
    if (this.#lastKey !== null) {
      murmur3Token(this.#lastKey, 0, this.#lastKey.length, token)
      this.#lastHi = token[0]!
      this.#lastLo = token[1]!
    }
    this.#hasPartition = false
  }

  nextPartition(): boolean {
    const content = this.#content
    const { index } = content
    const range = this.#range
    if (this.#version !== index.version || this.#generation !== content.generation) this.#seek()
    for (;;) {
      const pointer = index.next(this.#cursor, token)
      if (pointer === 0) return false
      const hi = token[0]!
      const lo = token[1]!
      const toEnd = compare64(hi, lo, range.endHi, range.endLo)
      if (toEnd > 0 || (toEnd === 0 && !range.endInclusive)) return false
      const last = this.#lastKey
      if (last === null && !range.startInclusive && hi === range.startHi && lo === range.startLo) continue
      this.source.open(content, pointer, this.#slices, this.#reversed)
      if (last !== null && this.#isAtOrBefore(hi, lo, last)) continue
      this.tokenHi = hi
      this.tokenLo = lo
      this.#hasPartition = true
      return true
    }
  }

  /** Places the cursor at the start, or at the token of the partition last read. */
  #seek(): void {
    const { index, generation } = this.#content
    if (this.#hasPartition) this.#keepPlace()
    this.#version = index.version
    this.#generation = generation
    if (this.#lastKey === null) index.seek(this.#cursor, this.#range.startHi, this.#range.startLo)
    else index.seek(this.#cursor, this.#lastHi, this.#lastLo)
  }

  #isAtOrBefore(hi: number, lo: number, last: Uint8Array): boolean {
    const order = compare64(hi, lo, this.#lastHi, this.#lastLo)
    if (order !== 0) return order < 0
    const { key, keyOffset, keyLength } = this.source
    return compareBytes(key.u8, keyOffset, keyLength, last, 0, last.length) <= 0
  }

  #keepPlace(): void {
    const { key, keyOffset, keyLength } = this.source
    this.#lastKey = key.u8.slice(keyOffset, keyOffset + keyLength)
    this.#lastHi = this.tokenHi
    this.#lastLo = this.tokenLo
  }

  /** The memtable may change from now on: the place is looked for again. */
  suspend(): void {
    this.#version = -1
  }

  partition(): PartitionSource {
    return this.source
  }

  get keyBytes(): Uint8Array {
    return this.source.key.u8
  }
  get keyOffset(): number {
    return this.source.keyOffset
  }
  get keyLength(): number {
    return this.source.keyLength
  }
  get partitionDeletion(): DeletionTime {
    return this.source.partitionDeletion
  }
  get row(): Words {
    return this.source.row
  }
  get rowAt(): number {
    return this.source.rowAt
  }
  get marker(): RangeTombstoneMarker {
    return this.source.marker
  }
  staticRow(): boolean {
    return this.source.staticRow()
  }
  next(): UnfilteredKind {
    return this.source.next()
  }
  close(): void {
    this.#hasPartition = false
    this.#lastKey = null
  }
}
