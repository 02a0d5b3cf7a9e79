import type { ClusteringBound } from '../../model/clustering.ts'
import {
  CELL_COMPLEX_DELETION,
  CELL_EXPIRES,
  CELL_HAS_PATH,
  CELL_ROW_TIMESTAMP,
  CELL_TOMBSTONE,
  compare64,
  ROW_HAS_DELETION,
  ROW_HAS_LIVENESS,
  ROW_HEADER_WORDS,
  ROW_LIVENESS_EXPIRES,
  ROW_STATIC,
} from '../../model/row-format.ts'
import { MergeBuffer } from '../row-merge.ts'
import type { DeletionTime, RangeTombstoneMarker } from '../unfiltered.ts'
import { LIVE } from '../unfiltered.ts'
import {
  compareClusteringToBound,
  copyBytes,
  KIND_CLUSTERING,
  KIND_EXCL_END,
  KIND_EXCL_END_INCL_START,
  KIND_EXCL_START,
  KIND_INCL_END,
  KIND_INCL_END_EXCL_START,
  KIND_INCL_START,
  readBound,
  readBytes,
  readClusteringWords,
} from './clustering-codec.ts'
import type { FileCursor } from './file-cursor.ts'
import type { SerializationHeader, StoredColumn } from './serialization-header.ts'
import {
  BITMAP_COLUMNS_MAX,
  CELL_IS_DELETED,
  CELL_IS_EMPTY,
  CELL_IS_EXPIRING,
  CELL_USES_ROW_TIMESTAMP,
  CELL_USES_ROW_TTL,
  END_OF_PARTITION,
  EXTENSION,
  HAS_ALL_COLUMNS,
  HAS_COMPLEX_DELETION,
  HAS_DELETION,
  HAS_TIMESTAMP,
  HAS_TTL,
  IS_MARKER,
  IS_STATIC,
} from './unfiltered-flags.ts'
import type { FormatVersion } from './version.ts'

const NO_COLUMNS: readonly StoredColumn[] = []

/**
 * Reads rows and range tombstone markers out of Data.db into the flat form that rows have in this program. What was
 * dropped from the table is left out.
 */
export class UnfilteredDecoder {
  readonly #cursor: FileCursor
  readonly #header: SerializationHeader
  readonly #version: FormatVersion
  /** The row last read stands here from word 0. */
  readonly row = new MergeBuffer()
  readonly #ordered = new MergeBuffer()
  /** Of each column with cells: where these begin; columns of an SSTable do not always come in the order of their ids. */
  readonly #spanColumns: number[] = []
  readonly #spanStarts: number[] = []
  #spans = 0
  /** The subset of columns read last: rows often have the same as the row before. */
  #subsetOf: readonly StoredColumn[] = NO_COLUMNS
  #subsetHi = 0
  #subsetLo = 0
  #subset: readonly StoredColumn[] = NO_COLUMNS
  #cells = 0
  #rowHi = 0
  #rowLo = 0
  #rowTtl = 0
  #rowExpiration = 0
  #hasLiveness = false
  #timestampHi = 0
  #timestampLo = 0

  constructor(cursor: FileCursor, header: SerializationHeader, version: FormatVersion) {
    this.#cursor = cursor
    this.#header = header
    this.#version = version
  }

  /** The deletion at the head of a partition. */
  partitionDeletion(): DeletionTime {
    return readDeletionTime(this.#cursor, this.#version)
  }

  /** Reads the row behind `flags`; false when nothing is left of it. */
  readRow(flags: number): boolean {
    this.beginRow(flags)
    return this.#endRow(flags, false)
  }

  /**
   * Reads the clustering of the row behind `flags`, so that it may be compared; `endRow` or `skipRow` is to follow.
   */
  beginRow(flags: number): void {
    this.#readExtension(flags)
    this.#beginRow(flags, false)
  }

  #readExtension(flags: number): void {
    const cursor = this.#cursor
    const extended = flags & EXTENSION ? cursor.byte() : 0
    if (extended & IS_STATIC) throw cursor.corrupt('a static row among the others')
  }

  /**
   * Leaves out the row behind `flags` if it stands before a bound, without copying anything of it; else `beginRow` is to
   * follow, as if nothing had been read. Returns whether it was left out.
   */
  skipRowBefore(flags: number, bound: ClusteringBound): boolean {
    const cursor = this.#cursor
    const at = cursor.position
    this.#readExtension(flags)
    if (compareClusteringToBound(cursor, this.#header.clusteringTypes, bound) < 0) {
      this.skipRow()
      return true
    }
    cursor.seek(at)
    return false
  }

  /** Reads the rest of the row that was begun; false when nothing is left of it. */
  endRow(flags: number): boolean {
    return this.#endRow(flags, false)
  }

  /** Leaves out the rest of the row that was begun. */
  skipRow(): void {
    const cursor = this.#cursor
    const size = cursor.vint()
    cursor.skip(size)
  }

  /** Reads the static row that a partition begins with where the SSTable has static columns; false when it is empty. */
  readStaticRow(): boolean {
    const cursor = this.#cursor
    const flags = cursor.byte()
    if (
      (flags & (EXTENSION | IS_MARKER | END_OF_PARTITION)) !== EXTENSION ||
      (cursor.byte() & IS_STATIC) === 0
    ) {
      throw cursor.corrupt('no static row')
    }
    this.#beginRow(flags, true)
    return this.#endRow(flags, true)
  }

  #prefix = 0
  #clusteringEnd = 0

  #beginRow(flags: number, isStatic: boolean): void {
    const out = this.row
    let prefix = ROW_HEADER_WORDS
    let rowFlags = isStatic ? ROW_STATIC : 0
    if (flags & HAS_TIMESTAMP) {
      rowFlags |= flags & HAS_TTL ? ROW_HAS_LIVENESS | ROW_LIVENESS_EXPIRES : ROW_HAS_LIVENESS
      prefix += flags & HAS_TTL ? 4 : 2
    }
    if (flags & HAS_DELETION) {
      rowFlags |= ROW_HAS_DELETION
      prefix += 3
    }
    out.ensure(64)
    out.i32[1] = rowFlags
    this.#prefix = prefix
    this.#clusteringEnd = isStatic
      ? prefix
      : readClusteringWords(this.#cursor, this.#header.clusteringTypes, out, prefix)
  }

  #endRow(flags: number, isStatic: boolean): boolean {
    const cursor = this.#cursor
    const header = this.#header
    const out = this.row
    const clusteringEnd = this.#clusteringEnd
    const size = cursor.vint()
    const end = cursor.position + size
    cursor.vint()
    this.#readPrefix(flags)
    out.i32[3] = (clusteringEnd - this.#prefix) << 2
    const columns = isStatic ? header.statics : header.regulars
    const given = flags & HAS_ALL_COLUMNS ? columns : this.#readSubset(columns)
    this.#cells = 0
    this.#spans = 0
    let at = clusteringEnd
    let isOrdered = true
    let before = -1
    for (const column of given) {
      const start = at
      at = column.isComplex
        ? this.#readComplex(column, (flags & HAS_COMPLEX_DELETION) !== 0, at)
        : this.#readCell(column, at)
      if (at === start) continue
      if (column.columnId < before) isOrdered = false
      before = column.columnId
      this.#spanColumns[this.#spans] = column.columnId
      this.#spanStarts[this.#spans++] = start
    }
    if (cursor.position !== end) throw cursor.corrupt(`a row ends at ${cursor.position} instead of ${end}`)
    if (!isOrdered) this.#order(clusteringEnd, at)
    out.i32[0] = at << 2
    out.i32[2] = this.#cells
    return this.#cells > 0 || (out.i32[1]! & (ROW_HAS_LIVENESS | ROW_HAS_DELETION)) !== 0
  }

  /** Liveness and deletion. */
  #readPrefix(flags: number): void {
    const cursor = this.#cursor
    const header = this.#header
    const { i32 } = this.row
    let at = ROW_HEADER_WORDS
    this.#hasLiveness = (flags & HAS_TIMESTAMP) !== 0
    this.#rowTtl = this.#rowExpiration = 0
    if (flags & HAS_TIMESTAMP) {
      this.#readTimestamp()
      this.#rowHi = i32[at++] = this.#timestampHi
      this.#rowLo = i32[at++] = this.#timestampLo
      if (flags & HAS_TTL) {
        this.#rowTtl = i32[at++] = cursor.vint() + header.minTtl
        this.#rowExpiration = i32[at++] = this.#readLocalDeletionTime()
      }
    }
    if (flags & HAS_DELETION) {
      this.#readTimestamp()
      i32[at++] = this.#timestampHi
      i32[at++] = this.#timestampLo
      i32[at++] = this.#readLocalDeletionTime()
    }
  }

  #readTimestamp(): void {
    const cursor = this.#cursor
    const header = this.#header
    cursor.vint64()
    const lo = (cursor.lo >>> 0) + (header.minTimestampLo >>> 0)
    this.#timestampLo = lo | 0
    this.#timestampHi = (cursor.hi + header.minTimestampHi + (lo > 0xffffffff ? 1 : 0)) | 0
  }

  #readLocalDeletionTime(): number {
    this.#cursor.vint64()
    return (this.#cursor.lo + this.#header.minLocalDeletionTime) | 0
  }

  /** The columns that a row has (`Columns.Serializer.deserializeSubset`). */
  #readSubset(columns: readonly StoredColumn[]): readonly StoredColumn[] {
    const cursor = this.#cursor
    if (columns.length > BITMAP_COLUMNS_MAX) return this.#readLargeSubset(columns)
    cursor.vint64()
    const { hi, lo } = cursor
    if (hi === 0 && lo === 0) return columns
    if (this.#subsetOf !== columns || this.#subsetHi !== hi || this.#subsetLo !== lo) {
      const isMissing = (i: number): boolean => ((i < 32 ? lo >>> i : hi >>> (i - 32)) & 1) !== 0
      this.#subset = columns.filter((_, i) => !isMissing(i))
      this.#subsetOf = columns
      this.#subsetHi = hi
      this.#subsetLo = lo
    }
    return this.#subset
  }

  #readLargeSubset(columns: readonly StoredColumn[]): readonly StoredColumn[] {
    const cursor = this.#cursor
    const missing = cursor.vint()
    if (missing > columns.length) throw cursor.corrupt(`${missing} of ${columns.length} columns missing`)
    const count = columns.length - missing
    const readIndex = (): number => {
      const index = cursor.vint()
      if (index >= columns.length) throw cursor.corrupt(`column ${index} of ${columns.length}`)
      return index
    }
    if (count < Math.floor(columns.length / 2)) {
      return count === 0 ? NO_COLUMNS : Array.from({ length: count }, () => columns[readIndex()]!)
    }
    const gone = new Set(Array.from({ length: missing }, readIndex))
    return columns.filter((_, i) => !gone.has(i))
  }

  #readComplex(column: StoredColumn, hasDeletion: boolean, at: number): number {
    const cursor = this.#cursor
    if (hasDeletion) {
      this.#readTimestamp()
      const time = this.#readLocalDeletionTime()
      const isLive = this.#timestampHi === LIVE.hi && this.#timestampLo === LIVE.lo
      if (!isLive && column.columnId >= 0 && !this.#isDropped(column)) {
        this.row.ensure(at + 8)
        const { i32 } = this.row
        i32[at++] = column.columnId | CELL_COMPLEX_DELETION
        i32[at++] = 0
        i32[at++] = this.#timestampHi
        i32[at++] = this.#timestampLo
        i32[at++] = time
        this.#cells++
      }
    }
    for (let count = cursor.vint(); count > 0; count--) at = this.#readCell(column, at)
    return at
  }

  /** Whether what has the timestamp last read was dropped with the column. */
  #isDropped({ droppedHi, droppedLo }: StoredColumn): boolean {
    return compare64(this.#timestampHi, this.#timestampLo, droppedHi, droppedLo) <= 0
  }

  /** Reads a cell to word `at`; returns the word behind it, `at` itself for a cell that is left out. */
  #readCell(column: StoredColumn, at: number): number {
    const cursor = this.#cursor
    const out = this.row
    const start = at
    const flags = cursor.byte()
    if (flags & CELL_USES_ROW_TIMESTAMP) {
      if (!this.#hasLiveness) throw cursor.corrupt('a cell with the timestamp of a row that has none')
      this.#timestampHi = this.#rowHi
      this.#timestampLo = this.#rowLo
    } else this.#readTimestamp()
    const usesRowTtl = (flags & CELL_USES_ROW_TTL) !== 0
    const isExpiring = (flags & CELL_IS_EXPIRING) !== 0
    const isDeleted = (flags & CELL_IS_DELETED) !== 0
    let time = this.#rowExpiration
    let ttl = this.#rowTtl
    if (!usesRowTtl) {
      if (isExpiring || isDeleted) time = this.#readLocalDeletionTime()
      if (isExpiring) ttl = cursor.vint() + this.#header.minTtl
    }
    out.ensure(at + 16)
    let { i32 } = out
    let head = column.columnId
    at += 2
    if (flags & CELL_USES_ROW_TIMESTAMP) head |= CELL_ROW_TIMESTAMP
    else {
      i32[at++] = this.#timestampHi
      i32[at++] = this.#timestampLo
    }
    if (isDeleted) head |= CELL_TOMBSTONE
    else if (isExpiring) {
      head |= CELL_EXPIRES
      i32[at++] = ttl
    }
    if (isDeleted || isExpiring) i32[at++] = time
    if (column.isComplex) {
      head |= CELL_HAS_PATH
      at = readBytes(cursor, cursor.valueLength(), out, at)
    }
    let length = 0
    if ((flags & CELL_IS_EMPTY) === 0) {
      length = column.fixedLength >= 0 ? column.fixedLength : cursor.valueLength()
      at = copyBytes(cursor, length, out, at)
    }
    if (column.columnId < 0 || this.#isDropped(column)) return start
    i32 = out.i32
    i32[start] = head
    i32[start + 1] = length
    this.#cells++
    return at
  }

  /** Brings the cells between two words into the order of their columns' ids. */
  #order(from: number, to: number): void {
    const out = this.row
    const copy = this.#ordered
    const starts = this.#spanStarts
    const columns = this.#spanColumns
    const spans = this.#spans
    copy.ensure(to)
    copy.i32.set(out.i32.subarray(from, to), from)
    const order = Array.from({ length: spans }, (_, i) => i).sort((a, b) => columns[a]! - columns[b]!)
    let at = from
    for (const i of order) {
      const start = starts[i]!
      const end = i + 1 < spans ? starts[i + 1]! : to
      out.i32.set(copy.i32.subarray(start, end), at)
      at += end - start
    }
  }

  /** Reads the marker behind its flags. */
  readMarker(): RangeTombstoneMarker {
    const cursor = this.#cursor
    const kind = cursor.byte()
    if (kind > KIND_EXCL_START || kind === KIND_CLUSTERING) throw cursor.corrupt(`a bound of kind ${kind}`)
    const bound = readBound(cursor, this.#header.clusteringTypes, kind)
    const size = cursor.vint()
    const end = cursor.position + size
    cursor.vint()
    const first = this.#readDeletion()
    let marker: RangeTombstoneMarker
    switch (kind) {
      case KIND_EXCL_END_INCL_START:
      case KIND_INCL_END_EXCL_START:
        marker = { bound, closes: first, opens: this.#readDeletion() }
        break
      case KIND_INCL_START:
      case KIND_EXCL_START:
        marker = { bound, closes: null, opens: first }
        break
      case KIND_EXCL_END:
      case KIND_INCL_END:
        marker = { bound, closes: first, opens: null }
        break
      default:
        throw cursor.corrupt(`a bound of kind ${kind}`)
    }
    if (cursor.position !== end) throw cursor.corrupt(`a marker ends at ${cursor.position} instead of ${end}`)
    return marker
  }

  #readDeletion(): DeletionTime {
    this.#readTimestamp()
    const hi = this.#timestampHi
    const lo = this.#timestampLo
    return { hi, lo, localDeletionTime: this.#readLocalDeletionTime() }
  }
}

const IS_LIVE_DELETION = 0x80

/** A deletion as the heads of partitions and index entries have it (`DeletionTime.Serializer`). */
export function readDeletionTime(cursor: FileCursor, version: FormatVersion): DeletionTime {
  if (!version.hasUnsignedDeletionTime) {
    const localDeletionTime = cursor.int32()
    cursor.int64()
    if (cursor.hi === LIVE.hi && cursor.lo === LIVE.lo) return LIVE
    return { hi: cursor.hi, lo: cursor.lo, localDeletionTime }
  }
  const first = cursor.byte()
  if (first & IS_LIVE_DELETION) {
    if (first !== IS_LIVE_DELETION) throw cursor.corrupt(`flags ${first} of a deletion`)
    return LIVE
  }
  cursor.take(7)
  const { taken, takenAt } = cursor
  const hi = (first << 24) | (taken[takenAt]! << 16) | (taken[takenAt + 1]! << 8) | taken[takenAt + 2]!
  const lo =
    (taken[takenAt + 3]! << 24) |
    (taken[takenAt + 4]! << 16) |
    (taken[takenAt + 5]! << 8) |
    taken[takenAt + 6]!
  return { hi, lo, localDeletionTime: cursor.int32() }
}
