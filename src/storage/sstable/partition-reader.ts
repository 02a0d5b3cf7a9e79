import { compareBytes } from '../../common/bytes.ts'
import { type ClusteringBound, compareBounds, compareRowToBound, type Slice } from '../../model/clustering.ts'
import type { Words } from '../../model/row-format.ts'
import type { PartitionSource } from '../partition-source.ts'
import { MergeBuffer } from '../row-merge.ts'
import {
  compareDeletions,
  type DeletionTime,
  LIVE,
  NO_MARKER,
  type RangeTombstoneMarker,
  UNFILTERED_END,
  UNFILTERED_MARKER,
  UNFILTERED_ROW,
  type UnfilteredKind,
} from '../unfiltered.ts'
import { type ChunkSource, FileCursor } from './file-cursor.ts'
import type { IndexBlock, IndexReader } from './index-reader.ts'
import type { Prefix } from './metadata-collector.ts'
import type { SerializationHeader } from './serialization-header.ts'
import { UnfilteredDecoder } from './unfiltered-decoder.ts'
import { END_OF_PARTITION, IS_MARKER } from './unfiltered-flags.ts'
import type { FormatVersion } from './version.ts'

const NO_ROW = END_OF_PARTITION | IS_MARKER

/** A row or marker of a block that is read backwards, and the deletion that is open behind it. */
interface Item {
  readonly marker: RangeTombstoneMarker | null
  readonly rowAt: number
  readonly open: DeletionTime | null
}

/** Reads slices of one partition after another out of an SSTable (`SSTableIterator`, `SSTableReversedIterator`). */
export class SSTablePartitionReader implements PartitionSource {
  readonly #cursor: FileCursor
  readonly #decoder: UnfilteredDecoder
  readonly #header: SerializationHeader
  #index: IndexReader | null = null
  #start = 0
  /** Where the rows begin, behind the head of the partition; -1 as long as the static row has not been passed. */
  #rowsAt = -1
  #slices: readonly Slice[] = []
  #slice = 0
  #reversed = false
  partitionDeletion: DeletionTime = LIVE
  row: Words
  rowAt = 0
  marker: RangeTombstoneMarker = NO_MARKER
  /** Forward: what was read beyond a slice and waits for the next one; and the deletion that is open here. */
  #pending: UnfilteredKind = UNFILTERED_END
  #pendingFlags = 0
  #pendingMarker: RangeTombstoneMarker = NO_MARKER
  #hasPending = false
  #isInSlice = false
  #atEnd = false
  #open: DeletionTime | null = null
  /** Backwards: the rows of one block, and which of them come next. */
  readonly #rows = new MergeBuffer()
  readonly #items: Item[] = []
  #item = -1
  #block = 0
  #openBefore: DeletionTime | null = null

  constructor(source: ChunkSource, header: SerializationHeader, version: FormatVersion) {
    this.#cursor = new FileCursor(source)
    this.#decoder = new UnfilteredDecoder(this.#cursor, header, version)
    this.#header = header
    this.row = this.#decoder.row
  }

  /**
   * Goes to the partition at a position of Data.db. `index` has read the partition's entry last and stays there while the
   * partition is read; null reads it without.
   */
  open(position: number, index: IndexReader | null, slices: readonly Slice[], reversed: boolean): void {
    const cursor = this.#cursor
    this.#start = position
    this.#index = index !== null && index.blockCount > 1 ? index : null
    this.#slices = slices
    this.#reversed = reversed
    this.#slice = reversed ? slices.length - 1 : 0
    this.#rowsAt = -1
    this.#hasPending = this.#isInSlice = this.#atEnd = false
    this.#open = null
    this.#drop()
    this.#item = -1
    cursor.seek(position)
    const length = cursor.uint16()
    cursor.take(length)
    if (index !== null && !isKey(index, cursor.taken, cursor.takenAt, length)) {
      throw cursor.corrupt(`the partition at ${position} is not that of the index`)
    }
    this.partitionDeletion = this.#decoder.partitionDeletion()
  }

  /** Whether the partition at a position of Data.db is that of a key. */
  isAt(position: number, key: Uint8Array, keyLength: number): boolean {
    const cursor = this.#cursor
    if (position >= cursor.length) return false
    cursor.seek(position)
    const length = cursor.uint16()
    if (length !== keyLength) return false
    cursor.take(length)
    return compareBytes(cursor.taken, cursor.takenAt, length, key, 0, length) === 0
  }

  /** Reads the partition at a position as a whole; where it ends in Data.db. */
  endOf(position: number): number {
    const cursor = this.#cursor
    cursor.seek(position)
    cursor.take(cursor.uint16())
    this.#decoder.partitionDeletion()
    if (this.#header.statics.length > 0) this.#decoder.readStaticRow()
    for (;;) {
      const flags = cursor.byte()
      if (flags & END_OF_PARTITION) return cursor.position
      if (flags & IS_MARKER) this.#decoder.readMarker()
      else {
        this.#decoder.beginRow(flags)
        this.#decoder.skipRow()
      }
    }
  }

  /** Lets go of what is being read; `open` goes on. */
  release(): void {
    this.#cursor.release()
    this.#index = null
    this.#drop()
  }

  #drop(): void {
    if (this.#items.length > 0) this.#items.length = 0
  }

  staticRow(): boolean {
    if (this.#rowsAt >= 0) return false
    const hasRow = this.#header.statics.length > 0 && this.#decoder.readStaticRow()
    this.#rowsAt = this.#cursor.position
    this.row = this.#decoder.row
    this.rowAt = 0
    this.#block = (this.#index?.blockCount ?? 1) - 1
    return hasRow
  }

  next(): UnfilteredKind {
    if (this.#rowsAt < 0) this.staticRow()
    return this.#reversed ? this.#nextReversed() : this.#nextForward()
  }

  // --- forward

  #nextForward(): UnfilteredKind {
    for (;;) {
      const slice = this.#slices[this.#slice]
      if (slice === undefined) return UNFILTERED_END
      if (!this.#isInSlice) {
        this.#isInSlice = true
        this.#seekSlice(slice)
        if (this.#open !== null) return this.#emit({ bound: slice.start, closes: null, opens: this.#open })
      }
      if (!this.#hasPending) this.#readPending()
      if (this.#pending !== UNFILTERED_END && this.#comparePending(slice.end) <= 0) {
        this.#hasPending = false
        if (this.#pending === UNFILTERED_MARKER) {
          this.#open = this.#pendingMarker.opens
          return this.#emit(this.#pendingMarker)
        }
        if (this.#decoder.endRow(this.#pendingFlags)) return UNFILTERED_ROW
        continue
      }
      this.#isInSlice = false
      this.#slice++
      if (this.#open !== null) return this.#emit({ bound: slice.end, closes: this.#open, opens: null })
    }
  }

  #emit(marker: RangeTombstoneMarker): UnfilteredKind {
    this.marker = marker
    return UNFILTERED_MARKER
  }

  /** Reads as far as the first row or marker that is not before the slice. */
  #seekSlice(slice: Slice): void {
    const index = this.#index
    if (index !== null && !this.#atEnd) {
      let block = firstBlock(index, (candidate) => this.#comparePrefix(candidate.last, slice.start) >= 0)
      if (block < index.blockCount) {
        // Between two blocks nothing should be asked for: the end of the one before may have a flipped bit.
        while (block > 0 && this.#comparePrefix(index.block(block).first, slice.start) > 0) block--
        const { offset, first } = index.block(block)
        const at = this.#start + offset
        if (at > this.#cursor.position) {
          const open = openBefore(index, block, (one) => this.#openAtEnd(one))
          this.#cursor.seek(at)
          this.#open = open
          this.#readPending()
          if (!this.#isPendingAt(first)) throw this.#cursor.corrupt(`block ${block} does not begin here`)
        }
      }
    }
    for (;;) {
      if (!this.#hasPending) this.#readPending(slice.start)
      if (this.#pending === UNFILTERED_END || this.#comparePending(slice.start) >= 0) return
      this.#hasPending = false
      if (this.#pending === UNFILTERED_MARKER) this.#open = this.#pendingMarker.opens
      else this.#decoder.skipRow()
    }
  }

  /** Reads a marker, or the clustering of a row; with `start`, of one that is not before it. */
  #readPending(start: ClusteringBound | null = null): void {
    this.#hasPending = true
    const hasRowBefore = start !== null && start.components.length > 0
    let flags = this.#atEnd ? END_OF_PARTITION : this.#cursor.byte()
    while (hasRowBefore && (flags & NO_ROW) === 0 && this.#decoder.skipRowBefore(flags, start)) {
      flags = this.#cursor.byte()
    }
    if (flags & END_OF_PARTITION) {
      this.#atEnd = true
      this.#pending = UNFILTERED_END
    } else if (flags & IS_MARKER) {
      this.#pendingMarker = this.#decoder.readMarker()
      this.#pending = UNFILTERED_MARKER
    } else {
      this.#decoder.beginRow(flags)
      this.#pendingFlags = flags
      this.#pending = UNFILTERED_ROW
    }
  }

  #comparePending(bound: ClusteringBound): number {
    const types = this.#header.clusteringTypes
    return this.#pending === UNFILTERED_MARKER
      ? compareBounds(types, this.#pendingMarker.bound, bound)
      : compareRowToBound(types, this.#decoder.row, 0, bound)
  }

  /** Whether what was read is what a block begins with. */
  #isPendingAt({ components, side }: Prefix): boolean {
    const known = components as readonly Uint8Array[]
    if (this.#pending === UNFILTERED_END) return false
    if (this.#pending === UNFILTERED_MARKER) {
      return side !== null && this.#comparePending({ components: known, side }) === 0
    }
    if (side !== null) return false
    return (
      this.#comparePending({ components: known, side: 0 }) > 0 &&
      this.#comparePending({ components: known, side: 1 }) < 0
    )
  }

  /** The deletion that is open at the end of a block, as Data.db says; undefined where the block has no markers. */
  #openAtEnd(block: number): DeletionTime | null | undefined {
    const index = this.#index!
    const cursor = this.#cursor
    const decoder = this.#decoder
    cursor.seek(this.#start + index.block(block).offset)
    const end = this.#start + endOfBlock(index, block)
    let open: DeletionTime | null | undefined
    while (cursor.position < end) {
      const flags = cursor.byte()
      if (flags & END_OF_PARTITION) break
      if (flags & IS_MARKER) open = decoder.readMarker().opens
      else {
        decoder.beginRow(flags)
        decoder.skipRow()
      }
    }
    return open
  }

  #comparePrefix({ components, side }: Prefix, bound: ClusteringBound): number {
    const types = this.#header.clusteringTypes
    const known = components as readonly Uint8Array[]
    if (side !== null) return compareBounds(types, { components: known, side }, bound)
    // A clustering stands between its two bounds.
    return compareBounds(types, { components: known, side: 0 }, bound) >= 0 ? 1 : -1
  }

  // --- backwards

  #nextReversed(): UnfilteredKind {
    for (;;) {
      const slice = this.#slices[this.#slice]
      if (slice === undefined) return UNFILTERED_END
      if (!this.#isInSlice) {
        this.#isInSlice = true
        this.#seekSliceEnd(slice)
        const open = this.#openHere()
        if (open !== null) return this.#emit({ bound: slice.end, closes: open, opens: null })
      }
      // Of a block there may be nothing left: its rows had but columns that were dropped.
      while (this.#item < 0 && this.#block > 0 && this.#mayReachBelow(slice)) {
        this.#block--
        this.#loadBlock()
        this.#item = this.#items.length - 1
      }
      const item = this.#items[this.#item]
      if (item !== undefined && this.#compareItem(item, slice.start) >= 0) {
        this.#item--
        if (item.marker !== null) return this.#emit(item.marker)
        this.row = this.#rows
        this.rowAt = item.rowAt
        return UNFILTERED_ROW
      }
      const open = this.#openHere()
      this.#isInSlice = false
      this.#slice--
      if (open !== null) return this.#emit({ bound: slice.start, closes: null, opens: open })
    }
  }

  /** The deletion between the item that comes next and the one behind it. */
  #openHere(): DeletionTime | null {
    return this.#item >= 0 ? this.#items[this.#item]!.open : this.#openBefore
  }

  /** Whether a block before the one at hand may have rows of the slice. */
  #mayReachBelow(slice: Slice): boolean {
    const index = this.#index!
    if (this.#comparePrefix(index.block(this.#block - 1).last, slice.start) >= 0) return true
    // As in `#seekSlice`: the end of the block below may have a flipped bit, if there is room for the slice above it.
    return this.#comparePrefix(index.block(this.#block).first, slice.start) > 0
  }

  /** Goes to the last row or marker that is not behind the slice. */
  #seekSliceEnd(slice: Slice): void {
    const index = this.#index
    const isLoaded = this.#items.length > 0
    if (index !== null) {
      const behind = firstBlock(index, (candidate) => this.#comparePrefix(candidate.first, slice.end) > 0)
      let block = Math.max(0, behind - 1)
      const isBelow = (one: number): boolean => this.#comparePrefix(index.block(one).last, slice.end) < 0
      while (block + 1 < index.blockCount && isBelow(block)) block++
      if (!isLoaded || block < this.#block) {
        this.#block = block
        this.#loadBlock()
        this.#item = this.#items.length - 1
      }
    } else if (!isLoaded) {
      this.#loadBlock()
      this.#item = this.#items.length - 1
    }
    while (this.#item >= 0 && this.#compareItem(this.#items[this.#item]!, slice.end) > 0) this.#item--
  }

  #compareItem({ marker, rowAt }: Item, bound: ClusteringBound): number {
    const types = this.#header.clusteringTypes
    return marker === null
      ? compareRowToBound(types, this.#rows, rowAt, bound)
      : compareBounds(types, marker.bound, bound)
  }

  /** Reads a block into memory: its markers, and the rows of the slice and of those that come after it. */
  #loadBlock(): void {
    const types = this.#header.clusteringTypes
    const { start, end: sliceEnd } = this.#slices[this.#slice]!
    let mayBeBefore = this.#slice === 0 && start.components.length > 0
    const index = this.#index
    const cursor = this.#cursor
    const decoder = this.#decoder
    const block = index?.block(this.#block)
    cursor.seek(block === undefined ? this.#rowsAt : this.#start + block.offset)
    const end = block === undefined ? Number.POSITIVE_INFINITY : this.#start + block.offset + block.width
    this.#openBefore = index === null || this.#block === 0 ? null : index.block(this.#block - 1).openMarker
    this.#drop()
    let open = this.#openBefore
    let at = 0
    while (cursor.position < end) {
      const flags = cursor.byte()
      if (flags & END_OF_PARTITION) break
      if (flags & IS_MARKER) {
        const marker = decoder.readMarker()
        // What comes behind the slice matters to none of those that are still to be read.
        if (compareBounds(types, marker.bound, sliceEnd) > 0) break
        open = marker.opens
        this.#items.push({ marker, rowAt: 0, open })
        continue
      }
      if (mayBeBefore && decoder.skipRowBefore(flags, start)) continue
      mayBeBefore = false
      decoder.beginRow(flags)
      if (compareRowToBound(types, decoder.row, 0, sliceEnd) > 0) break
      if (decoder.endRow(flags)) at = this.#keepRow(at, open)
    }
  }

  #keepRow(at: number, open: DeletionTime | null): number {
    const { i32 } = this.#decoder.row
    const words = i32[0]! >>> 2
    this.#rows.ensure(at + words)
    this.#rows.i32.set(i32.subarray(0, words), at)
    this.#items.push({ marker: null, rowAt: at, open })
    return at + words
  }
}

/** Where a block ends, from the beginning of the partition; the last one ends with the partition. */
function endOfBlock(index: IndexReader, block: number): number {
  if (block + 1 === index.blockCount) return Number.POSITIVE_INFINITY
  const { offset, width } = index.block(block)
  const next = index.block(block + 1).offset
  if (next !== offset + width) throw index.corrupt(`block ${block} of ${width} bytes ends before ${next}`)
  return next
}

/**
 * The deletion that is open where a block begins. Index.db has no checksum: it has to be what `openAtEnd` of the block before
 * finds in Data.db or, where that has no markers, what was open there already.
 */
function openBefore(
  index: IndexReader,
  block: number,
  openAtEnd: (block: number) => DeletionTime | null | undefined,
): DeletionTime | null {
  const open = block === 0 ? null : index.block(block - 1).openMarker
  if (open === null) return null
  const found = openAtEnd(block - 1)
  const expected = found !== undefined ? found : block > 1 ? index.block(block - 2).openMarker : null
  if (expected === null || compareDeletions(expected, open) !== 0) {
    throw index.corrupt(`the deletion that is open behind block ${block - 1} is another one in Data.db`)
  }
  return open
}

/** Whether the bytes are the key of the entry that was read last. */
function isKey({ keyBytes, keyLength }: IndexReader, bytes: Uint8Array, at: number, length: number): boolean {
  return compareBytes(bytes, at, length, keyBytes, 0, keyLength) === 0
}

/** The first block for which `test` holds, where it holds for all behind; their number where it holds for none. */
function firstBlock(index: IndexReader, test: (block: IndexBlock) => boolean): number {
  let low = 0
  let high = index.blockCount
  while (low < high) {
    const middle = (low + high) >>> 1
    if (test(index.block(middle))) high = middle
    else low = middle + 1
  }
  return low
}
