import { compareBytes } from '../../common/bytes.ts'
import {
  type ClusteringBound,
  clusteringTypes,
  compareBounds,
  compareRowToBound,
  type Slice,
} from '../../model/clustering.ts'
import { UPDATE_HAS_DELETION, UPDATE_KEY_WORD } from '../../model/mutation.ts'
import {
  CellReader,
  compare64,
  ROW_HAS_DELETION,
  ROW_HAS_LIVENESS,
  ROW_STATIC,
  RowHeader,
  type Words,
} from '../../model/row-format.ts'
import type { TableMetadata } from '../../model/table.ts'
import type { CqlType } from '../../types/index.ts'
import { MergeBuffer, mergeRows } from '../row-merge.ts'
import { MemtableMarkerCounter } from './marker-counter.ts'
import { RowTree, RowTreeCursor } from './row-tree.ts'
import { SlabAllocator, type SlabPool, type Slabs } from './slab-allocator.ts'
import { TokenIndex } from './token-index.ts'

/**
 * The newest data of one table, in slabs (`Memtable`). A partition is a block:
 *
 * ```
 * word 0  key length
 *      1  rows: root of a RowTree; in a table without clustering columns the row itself; 0 for none
 *      2  number of rows
 *      3  static row, or 0
 *      4  partition deletion: marked for delete hi, lo, local deletion time (LIVE_* when there is none)
 *      7  range tombstones: block of pointers, or 0
 *      8  key
 * ```
 * Range tombstones are kept sorted and do not overlap; the block is count, capacity, pointers. One is a block:
 *
 * ```
 * word 0  size in bytes;  1  marked for delete hi, lo, local deletion time;  4  start bound, end bound (see mutation)
 * ```
 */
export const LIVE_HI = -0x80000000
export const LIVE_LO = 0
export const LIVE_TIME = 0x7fffffff

export const PARTITION_HEADER_WORDS = 8

/** A range tombstone, out of its block. */
export interface RangeTombstone {
  readonly start: ClusteringBound
  readonly end: ClusteringBound
  readonly hi: number
  readonly lo: number
  readonly time: number
}

/** A block of a memtable: `at` points it to one, and says at which word of the slab that begins. */
export class SlabWords implements Words {
  i32: Int32Array = new Int32Array(0)
  u8: Uint8Array = new Uint8Array(0)

  at(slabs: Slabs, pointer: number): number {
    this.i32 = slabs.words[pointer >>> 17]!
    this.u8 = slabs.bytes[pointer >>> 17]!
    return (pointer & 0x1ffff) << 1
  }
}

/** Rows that one deletion of a partition frees at once, some milliseconds' work. */
const PURGED_ROWS_MAX = 10_000

const header = new RowHeader()
const cell = new CellReader()

/** Whether a deletion covers all that a row says. */
function isCovered(i32: Int32Array, at: number, hi: number, lo: number): boolean {
  header.read(i32, at)
  if (header.flags & ROW_HAS_LIVENESS && compare64(header.livenessHi, header.livenessLo, hi, lo) > 0)
    return false
  if (header.flags & ROW_HAS_DELETION && compare64(header.deletionHi, header.deletionLo, hi, lo) > 0)
    return false
  for (let p = header.cells; p < header.end; p = cell.next) {
    cell.read(i32, p, header.livenessHi, header.livenessLo)
    if (compare64(cell.timestampHi, cell.timestampLo, hi, lo) > 0) return false
  }
  return true
}

const stored = new SlabWords()
const mergeBuffer = new MergeBuffer()

export class Memtable {
  slabs: SlabAllocator
  table: TableMetadata
  /** Epochs of the row trees: see RowTree. */
  epoch = 1
  frozenEpoch = 0
  clusteringTypes: readonly CqlType[]
  #index: TokenIndex
  readonly #tree: RowTree
  #openViews = 0
  readonly #deferred: number[] = []
  readonly #onReserve: (bytes: number) => void
  /** Grows when all is dropped, so that an open scan notices. */
  generation = 0
  /** Nothing in it has a lesser timestamp. */
  minTimestampHi = 0x7fffffff
  minTimestampLo = -1

  constructor(table: TableMetadata, onReserve: (bytes: number) => void, pool: SlabPool | null = null) {
    this.table = table
    this.#onReserve = onReserve
    this.slabs = new SlabAllocator(onReserve, pool)
    this.clusteringTypes = clusteringTypes(table)
    this.#index = this.#newIndex()
    this.#tree = new RowTree(this)
  }

  #newIndex(): TokenIndex {
    const slabs = this.slabs
    return new TokenIndex(slabs, (pointer, key, offset, length) => {
      const words = slabs.words[pointer >>> 17]!
      const base = (pointer & 0x1ffff) << 1
      return compareBytes(
        slabs.bytes[pointer >>> 17]!,
        (base + PARTITION_HEADER_WORDS) << 2,
        words[base]!,
        key,
        offset,
        length,
      )
    })
  }

  /** To be told of the least timestamp of what is applied. */
  noteTimestamp(hi: number, lo: number): void {
    if (compare64(hi, lo, this.minTimestampHi, this.minTimestampLo) >= 0) return
    this.minTimestampHi = hi
    this.minTimestampLo = lo
  }

  /** Number of partitions. */
  /** Rows, range tombstones and partition deletions that were applied (`PartitionUpdate.operationCount`). */
  operations = 0

  get partitionCount(): number {
    return this.#index.size
  }

  get index(): TokenIndex {
    return this.#index
  }

  /** Takes another version of the table's metadata (after ALTER). */
  setTable(table: TableMetadata): void {
    this.table = table
    this.clusteringTypes = clusteringTypes(table)
  }

  /** Drops everything (TRUNCATE). Views that are open keep what they see. */
  clear(): void {
    this.#onReserve(-this.slabs.reservedBytes)
    this.slabs = new SlabAllocator(this.#onReserve)
    this.#index = this.#newIndex()
    this.#deferred.length = 0
    this.generation++
  }

  /** Freezes what the trees hold now for a read that goes on in later turns. To be paired with `closeView`. */
  openView(): void {
    this.#openViews++
    this.freeze()
  }

  /** Freezes what the trees hold now for a view that is open already and has moved on to another partition. */
  freeze(): void {
    this.frozenEpoch = this.epoch++
  }

  closeView(): void {
    this.#openViews--
    if (this.#openViews > 0) return
    this.frozenEpoch = 0
    for (let i = 0; i < this.#deferred.length; i += 2)
      this.slabs.free(this.#deferred[i]!, this.#deferred[i + 1]!)
    this.#deferred.length = 0
  }

  /** Frees a block, or does so when the last open view is closed. */
  release(pointer: number, bytes: number): void {
    if (this.#openViews === 0) this.slabs.free(pointer, bytes)
    else this.#deferred.push(pointer, bytes)
  }

  /** Pointer to a partition, or 0. */
  find(tokenHi: number, tokenLo: number, key: Uint8Array, offset: number, length: number): number {
    return this.#index.find(tokenHi, tokenLo, key, offset, length)
  }

  /** Applies the partition update at word `at`. */
  apply(update: Words, at: number): void {
    const U = update.i32
    const keyLength = U[at + 4]!
    const keyOffset = (at + UPDATE_KEY_WORD) << 2
    const partition = this.#findOrCreate(U[at + 2]!, U[at + 3]!, update.u8, keyOffset, keyLength)
    const P = this.slabs.words[partition >>> 17]!
    const p = (partition & 0x1ffff) << 1
    let from = at + UPDATE_KEY_WORD + ((keyLength + 3) >>> 2)
    const flags = U[from]!
    const rows = U[from + 1]!
    const tombstones = U[from + 2]!
    from += 3
    this.operations += rows + tombstones + (flags & UPDATE_HAS_DELETION ? 1 : 0)
    if (flags & UPDATE_HAS_DELETION) {
      const order = compare64(U[from]!, U[from + 1]!, P[p + 4]!, P[p + 5]!)
      if (order > 0 || (order === 0 && U[from + 2]! >>> 0 > P[p + 6]! >>> 0)) {
        P[p + 4] = U[from]!
        P[p + 5] = U[from + 1]!
        P[p + 6] = U[from + 2]!
        this.#purge(P, p)
      }
      from += 3
    }
    for (let i = 0; i < rows; i++) {
      this.#applyRow(P, p, update, from)
      from += U[from]! >>> 2
    }
    for (let i = 0; i < tombstones; i++) {
      this.#applyRangeTombstone(P, p, readRangeTombstone(update, from))
      from += U[from]! >>> 2
    }
  }

  #findOrCreate(hi: number, lo: number, key: Uint8Array, offset: number, length: number): number {
    const found = this.#index.find(hi, lo, key, offset, length)
    if (found !== 0) return found
    const pointer = this.slabs.allocate(PARTITION_HEADER_WORDS * 4 + length)
    const slab = pointer >>> 17
    const words = this.slabs.words[slab]!
    const base = (pointer & 0x1ffff) << 1
    words[base] = length
    words[base + 1] = 0
    words[base + 2] = 0
    words[base + 3] = 0
    words[base + 4] = LIVE_HI
    words[base + 5] = LIVE_LO
    words[base + 6] = LIVE_TIME
    words[base + 7] = 0
    this.slabs.bytes[slab]!.set(key.subarray(offset, offset + length), (base + PARTITION_HEADER_WORDS) << 2)
    this.#index.insert(hi, lo, pointer, key, offset, length)
    return pointer
  }

  /**
   * Frees what a partition's deletion covers: its static row, and its rows if it covers all of them. Without that a
   * full memory could not be emptied by DELETE. Not for so many rows that it would hold up the loop.
   */
  #purge(P: Int32Array, p: number): void {
    const covers = (pointer: number): boolean => {
      const at = stored.at(this.slabs, pointer)
      return isCovered(stored.i32, at, P[p + 4]!, P[p + 5]!)
    }
    const free = (pointer: number): void => {
      const at = stored.at(this.slabs, pointer)
      this.release(pointer, stored.i32[at]!)
    }
    if (P[p + 3] !== 0 && covers(P[p + 3]!)) {
      free(P[p + 3]!)
      P[p + 3] = 0
    }
    if (P[p + 1] === 0 || P[p + 2]! > PURGED_ROWS_MAX) return
    if (this.clusteringTypes.length === 0) {
      if (!covers(P[p + 1]!)) return
      free(P[p + 1]!)
    } else {
      if (!this.#tree.every(P[p + 1]!, covers)) return
      this.#tree.free(P[p + 1]!, free)
    }
    P[p + 1] = 0
    P[p + 2] = 0
  }

  #row: Words = stored
  #rowAt = 0
  #added = false
  readonly #place = (existing: number): number => {
    this.#added = existing === 0
    return this.#placeRow(existing, this.#row, this.#rowAt)
  }

  #applyRow(P: Int32Array, p: number, row: Words, at: number): void {
    if (row.i32[at + 1]! & ROW_STATIC) {
      P[p + 3] = this.#placeRow(P[p + 3]!, row, at)
      return
    }
    if (this.clusteringTypes.length === 0) {
      if (P[p + 1] === 0) P[p + 2] = 1
      P[p + 1] = this.#placeRow(P[p + 1]!, row, at)
      return
    }
    this.#row = row
    this.#rowAt = at
    P[p + 1] = this.#tree.upsert(P[p + 1]!, row, at, this.#place)
    if (this.#added) P[p + 2]!++
  }

  /** Stores a row, merged with the one that stands there already (0: none). Returns its pointer. */
  #placeRow(existing: number, row: Words, at: number): number {
    if (existing === 0) {
      const bytes = row.i32[at]!
      const pointer = this.slabs.allocate(bytes)
      copyWords(row.i32, at, this.slabs.words[pointer >>> 17]!, (pointer & 0x1ffff) << 1, bytes >>> 2)
      return pointer
    }
    const existingAt = stored.at(this.slabs, existing)
    const oldBytes = stored.i32[existingAt]!
    const bytes = mergeRows(this.table, stored, existingAt, row, at, mergeBuffer)
    if (this.#openViews === 0 && SlabAllocator.sameClass(oldBytes, bytes)) {
      copyWords(mergeBuffer.i32, 0, stored.i32, existingAt, bytes >>> 2)
      return existing
    }
    const pointer = this.slabs.allocate(bytes)
    copyWords(mergeBuffer.i32, 0, this.slabs.words[pointer >>> 17]!, (pointer & 0x1ffff) << 1, bytes >>> 2)
    this.release(existing, oldBytes)
    return pointer
  }

  /** Adds a range tombstone, cutting it and those it meets so that none overlap (`RangeTombstoneList.add`). */
  #applyRangeTombstone(P: Int32Array, p: number, added: RangeTombstone): void {
    const types = this.clusteringTypes
    const list = P[p + 7]!
    let count = 0
    let base = 0
    let L: Int32Array = P
    if (list !== 0) {
      L = this.slabs.words[list >>> 17]!
      base = (list & 0x1ffff) << 1
      count = L[base]!
    }
    if (compareBounds(types, added.start, added.end) >= 0) return
    // First of those that end after the new one starts.
    let low = 0
    let high = count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (compareBounds(types, this.#tombstone(L[base + 2 + middle]!).end, added.start) <= 0) low = middle + 1
      else high = middle
    }
    const result: RangeTombstone[] = []
    let rest: RangeTombstone | null = added
    let last = low
    while (last < count && rest !== null) {
      const old = this.#tombstone(L[base + 2 + last]!)
      if (compareBounds(types, old.start, rest.end) >= 0) break
      last++
      const oldWins = compareDeletion(old, rest) >= 0
      if (oldWins) {
        if (compareBounds(types, rest.start, old.start) < 0) result.push({ ...rest, end: old.start })
        result.push(old)
        rest = compareBounds(types, old.end, rest.end) < 0 ? { ...rest, start: old.end } : null
      } else {
        if (compareBounds(types, old.start, rest.start) < 0) result.push({ ...old, end: rest.start })
        if (compareBounds(types, rest.end, old.end) < 0) {
          result.push(rest, { ...old, start: rest.end })
          rest = null
        }
      }
    }
    if (rest !== null) result.push(rest)
    const removed: number[] = []
    for (let i = low; i < last; i++) removed.push(L[base + 2 + i]!)
    const pointers = result.map((tombstone) => this.#storeTombstone(tombstone))
    this.#spliceTombstones(P, p, low, last, pointers)
    for (const pointer of removed) {
      const at = stored.at(this.slabs, pointer)
      this.release(pointer, stored.i32[at]!)
    }
  }

  #spliceTombstones(P: Int32Array, p: number, low: number, last: number, pointers: readonly number[]): void {
    const list = P[p + 7]!
    const old = list === 0 ? null : this.slabs.words[list >>> 17]!
    const oldBase = (list & 0x1ffff) << 1
    const oldCount = old === null ? 0 : old[oldBase]!
    const count = oldCount - (last - low) + pointers.length
    let target = old
    let base = oldBase
    if (old === null || count > old[oldBase + 1]! || this.#openViews > 0) {
      const capacity = Math.max(4, count > (old?.[oldBase + 1] ?? 0) ? count * 2 : old![oldBase + 1]!)
      const pointer = this.slabs.allocate(8 + capacity * 4)
      target = this.slabs.words[pointer >>> 17]!
      base = (pointer & 0x1ffff) << 1
      target[base + 1] = capacity
      if (old !== null) {
        target.set(old.subarray(oldBase + 2, oldBase + 2 + low), base + 2)
        target.set(old.subarray(oldBase + 2 + last, oldBase + 2 + oldCount), base + 2 + low + pointers.length)
        this.release(list, 8 + old[oldBase + 1]! * 4)
      }
      P[p + 7] = pointer
    } else {
      old.copyWithin(oldBase + 2 + low + pointers.length, oldBase + 2 + last, oldBase + 2 + oldCount)
    }
    for (let i = 0; i < pointers.length; i++) target![base + 2 + low + i] = pointers[i]!
    target![base] = count
  }

  #tombstone(pointer: number): RangeTombstone {
    return readRangeTombstone(stored, stored.at(this.slabs, pointer))
  }

  #storeTombstone(tombstone: RangeTombstone): number {
    let words = 4
    for (const bound of [tombstone.start, tombstone.end]) {
      words += 2
      for (const component of bound.components) words += 1 + ((component.length + 3) >>> 2)
    }
    const pointer = this.slabs.allocate(words * 4)
    const at = stored.at(this.slabs, pointer)
    stored.i32[at] = words * 4
    stored.i32[at + 1] = tombstone.hi
    stored.i32[at + 2] = tombstone.lo
    stored.i32[at + 3] = tombstone.time
    let p = at + 4
    for (const bound of [tombstone.start, tombstone.end]) {
      stored.i32[p++] = bound.components.length
      stored.i32[p++] = bound.side
      for (const component of bound.components) {
        stored.i32[p++] = component.length
        stored.u8.set(component, p << 2)
        p += (component.length + 3) >>> 2
      }
    }
    return pointer
  }
}

function compareDeletion(a: RangeTombstone, b: RangeTombstone): number {
  return compare64(a.hi, a.lo, b.hi, b.lo) || (a.time >>> 0) - (b.time >>> 0)
}

function readBound(words: Words, at: number): { bound: ClusteringBound; next: number } {
  const count = words.i32[at]!
  const side = words.i32[at + 1] === 0 ? 0 : 1
  at += 2
  const components: Uint8Array[] = []
  for (let i = 0; i < count; i++) {
    const length = words.i32[at++]!
    components.push(words.u8.slice(at << 2, (at << 2) + length))
    at += (length + 3) >>> 2
  }
  return { bound: { components, side }, next: at }
}

/** The range tombstone in the block at word `at`. */
export function readRangeTombstone(words: Words, at: number): RangeTombstone {
  const start = readBound(words, at + 4)
  const end = readBound(words, start.next)
  return {
    start: start.bound,
    end: end.bound,
    hi: words.i32[at + 1]!,
    lo: words.i32[at + 2]!,
    time: words.i32[at + 3]!,
  }
}

/** Copies words from one array into another; short runs without a native call. */
function copyWords(source: Int32Array, from: number, target: Int32Array, to: number, count: number): void {
  if (count > 128) {
    target.set(source.subarray(from, from + count), to)
    return
  }
  for (let i = 0; i < count; i++) target[to + i] = source[from + i]!
}

/**
 * One partition as a read sees it: its deletion, its static row, and its rows within slices, forward or reversed, each
 * with the deletion that covers it. The fields are those of the row last read; nothing is copied.
 */
export class MemtablePartition {
  readonly key = new SlabWords()
  keyOffset = 0
  keyLength = 0
  tokenHi = 0
  tokenLo = 0
  /** The partition deletion; LIVE_* when there is none. */
  deletionHi = LIVE_HI
  deletionLo = LIVE_LO
  /** Memory of the row last read, and its first word; `rowDeletion*` is the newest deletion of partition or range. */
  readonly row = new SlabWords()
  rowAt = 0
  rowDeletionHi = LIVE_HI
  rowDeletionLo = LIVE_LO
  #slabs: SlabAllocator | null = null
  #types: readonly CqlType[] = []
  #rows = 0
  #static = 0
  #slices: readonly Slice[] = []
  #slice = 0
  #reversed = false
  #single = false
  readonly #cursor = new RowTreeCursor()
  #tombstoneList = 0
  /** Place in the list of the tombstone that the rows have come to, -1 before the first row; and that one, if read. */
  #tombstoneSlot = -1
  #tombstone: RangeTombstone | null = null

  /** Looks at the partition at `pointer`. `slices` are in clustering order, whatever the direction. */
  open(
    memtable: Memtable,
    pointer: number,
    tokenHi: number,
    tokenLo: number,
    slices: readonly Slice[],
    reversed: boolean,
  ): void {
    const slabs = memtable.slabs
    this.#slabs = slabs
    this.#types = memtable.clusteringTypes
    const base = this.key.at(slabs, pointer)
    const words = this.key.i32
    this.keyLength = words[base]!
    this.keyOffset = (base + PARTITION_HEADER_WORDS) << 2
    this.tokenHi = tokenHi
    this.tokenLo = tokenLo
    this.#rows = words[base + 1]!
    this.#static = words[base + 3]!
    this.deletionHi = words[base + 4]!
    this.deletionLo = words[base + 5]!
    this.#tombstoneList = words[base + 7]!
    this.#tombstoneSlot = -1
    this.#tombstone = null
    this.#slices = slices
    this.#reversed = reversed
    this.#single = this.#types.length === 0
    this.#slice = reversed ? slices.length : -1
    if (!this.#single && this.#rows !== 0) {
      this.#cursor.open(slabs, this.#types, this.#rows, reversed)
      this.#nextSlice()
    }
  }

  /** Moves to the static row; false when there is none. */
  staticRow(): boolean {
    if (this.#static === 0) return false
    this.rowAt = this.row.at(this.#slabs!, this.#static)
    this.rowDeletionHi = this.deletionHi
    this.rowDeletionLo = this.deletionLo
    return true
  }

  /** Moves to the next row in the slices; false at the end. */
  nextRow(): boolean {
    if (this.#rows === 0) return false
    if (this.#single) {
      this.rowAt = this.row.at(this.#slabs!, this.#rows)
      this.#rows = 0
      this.rowDeletionHi = this.deletionHi
      this.rowDeletionLo = this.deletionLo
      return true
    }
    for (;;) {
      const slice = this.#slices[this.#slice]
      if (slice === undefined) return false
      const pointer = this.#cursor.next()
      if (pointer !== 0) {
        this.rowAt = this.row.at(this.#slabs!, pointer)
        const end = this.#reversed ? slice.start : slice.end
        const order =
          end.components.length === 0 ? 0 : compareRowToBound(this.#types, this.row, this.rowAt, end)
        if (this.#reversed ? order >= 0 : order <= 0) {
          this.rowDeletionHi = this.deletionHi
          this.rowDeletionLo = this.deletionLo
          if (this.#tombstoneList !== 0) this.#cover()
          return true
        }
      }
      this.#nextSlice()
    }
  }

  /** Counts the markers of the range tombstones in the slices; null where there are no tombstones. */
  markers(): MemtableMarkerCounter | null {
    const list = this.#tombstoneList
    if (list === 0 || this.#single) return null
    const slabs = this.#slabs!
    const words = slabs.words[list >>> 17]!
    const base = ((list & 0x1ffff) << 1) + 2
    const tombstones = {
      count: words[base - 2]!,
      at: (slot: number) => readRangeTombstone(stored, stored.at(slabs, words[base + slot]!)),
    }
    const deletion = [this.deletionHi, this.deletionLo] as const
    return new MemtableMarkerCounter(this.#types, tombstones, deletion, this.#slices, this.#reversed)
  }

  #nextSlice(): void {
    this.#slice += this.#reversed ? -1 : 1
    const slice = this.#slices[this.#slice]
    if (slice !== undefined) this.#cursor.seek(this.#reversed ? slice.end : slice.start)
  }

  /**
   * Raises the row's deletion to that of the range tombstone over it, if any. Both are walked in one order; the first
   * row finds its place in the list by halving, so that a point read among ten thousand range deletions is no scan.
   */
  #cover(): void {
    const slabs = this.#slabs!
    const words = slabs.words[this.#tombstoneList >>> 17]!
    const base = ((this.#tombstoneList & 0x1ffff) << 1) + 2
    const count = words[base - 2]!
    if (this.#tombstoneSlot < 0) {
      let low = 0
      let high = count
      while (low < high) {
        const middle = (low + high) >>> 1
        const { end } = readRangeTombstone(stored, stored.at(slabs, words[base + middle]!))
        if (compareRowToBound(this.#types, this.row, this.rowAt, end) > 0) low = middle + 1
        else high = middle
      }
      // Reversed, a row between two tombstones is looked for in the one before it.
      this.#tombstoneSlot = this.#reversed ? Math.min(low, count - 1) : low
      this.#tombstone = null
    }
    for (;;) {
      if (this.#tombstoneSlot < 0 || this.#tombstoneSlot >= count) return
      this.#tombstone ??= readRangeTombstone(stored, stored.at(slabs, words[base + this.#tombstoneSlot]!))
      const { start, end, hi, lo } = this.#tombstone
      const isAfterStart = compareRowToBound(this.#types, this.row, this.rowAt, start) > 0
      const isBeforeEnd = compareRowToBound(this.#types, this.row, this.rowAt, end) < 0
      if (isAfterStart && isBeforeEnd) {
        if (compare64(hi, lo, this.rowDeletionHi, this.rowDeletionLo) > 0) {
          this.rowDeletionHi = hi
          this.rowDeletionLo = lo
        }
        return
      }
      if (this.#reversed) {
        if (isAfterStart || this.#tombstoneSlot === 0) return
        this.#tombstoneSlot--
      } else {
        if (isBeforeEnd) return
        this.#tombstoneSlot++
      }
      this.#tombstone = null
    }
  }
}
