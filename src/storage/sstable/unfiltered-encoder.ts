import { unsignedVintSize } from '../../common/varint.ts'
import {
  CELL_COMPLEX_DELETION,
  CELL_EXPIRES,
  CELL_TOMBSTONE,
  CellReader,
  ROW_HAS_DELETION,
  ROW_HAS_LIVENESS,
  ROW_LIVENESS_EXPIRES,
  RowHeader,
  type Words,
} from '../../model/row-format.ts'
import type { CqlType } from '../../types/index.ts'
import { type DeletionTime, LIVE, type RangeTombstoneMarker } from '../unfiltered.ts'
import { ByteSink } from './byte-sink.ts'
import {
  KIND_EXCL_END,
  KIND_EXCL_END_INCL_START,
  KIND_EXCL_START,
  KIND_INCL_END,
  KIND_INCL_END_EXCL_START,
  KIND_INCL_START,
  writeClusteringWords,
  writeComponents,
} from './clustering-codec.ts'
import type { SerializationHeader, StoredColumn } from './serialization-header.ts'
import { NO_DELETION } from './statistics.ts'
import {
  BITMAP_COLUMNS_MAX,
  CELL_IS_DELETED,
  CELL_IS_EMPTY,
  CELL_IS_EXPIRING,
  CELL_USES_ROW_TIMESTAMP,
  CELL_USES_ROW_TTL,
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

const row = new RowHeader()
const cell = new CellReader()

/** The kind of clustering prefix that a marker is (`ClusteringPrefix.Kind`). */
export function markerKind({ bound, closes, opens }: RangeTombstoneMarker): number {
  const isBefore = bound.side === 0
  if (closes !== null && opens !== null) return isBefore ? KIND_EXCL_END_INCL_START : KIND_INCL_END_EXCL_START
  if (opens !== null) return isBefore ? KIND_INCL_START : KIND_EXCL_START
  return isBefore ? KIND_EXCL_END : KIND_INCL_END
}

/** Places of columns in a header by their ids. */
function placesById(columns: readonly StoredColumn[]): Int32Array {
  const places = new Int32Array(Math.max(0, ...columns.map((column) => column.columnId + 1))).fill(-1)
  columns.forEach(({ columnId }, i) => {
    // Of columns that were dropped nothing is written.
    if (columnId >= 0) places[columnId] = i
  })
  return places
}

/** Hears of all that is written, for the statistics of an SSTable (`PartitionStatisticsCollector`). */
export interface EncodingListener {
  /** Liveness of a row: NO_DELETION where it does not expire. */
  liveness(hi: number, lo: number, ttl: number, expiration: number): void
  cell(hi: number, lo: number, ttl: number, localDeletionTime: number): void
  deletion(hi: number, lo: number, localDeletionTime: number): void
  /** A row with so many columns that have cells. */
  row(columns: number): void
}

/** Writes flat rows and markers as Data.db has them (`UnfilteredSerializer.serialize`). */
export class UnfilteredEncoder {
  readonly #header: SerializationHeader
  readonly #listener: EncodingListener
  /** Where the clustering or the bound of what was written last stands in the sink. */
  prefixAt = 0
  prefixEnd = 0
  readonly #staticPlaces: Int32Array
  readonly #regularPlaces: Int32Array
  readonly #body = new ByteSink()
  /** Of each column that the row has: its place in the header, and the words at which its cells begin and end. */
  readonly #places: number[] = []
  readonly #starts: number[] = []
  readonly #ends: number[] = []
  readonly #order: number[] = []

  constructor(header: SerializationHeader, listener: EncodingListener) {
    this.#header = header
    this.#listener = listener
    this.#staticPlaces = placesById(header.statics)
    this.#regularPlaces = placesById(header.regulars)
  }

  /** Writes a row; `previousSize` is the distance to the beginning of the row or marker before it. */
  row(out: ByteSink, words: Words, at: number, previousSize: number): void {
    row.read(words.i32, at)
    const { clusteringTypes } = this.#header
    const flags = this.#writeBody(words, this.#header.regulars, this.#regularPlaces)
    out.byte(flags)
    this.prefixAt = out.length
    writeClusteringWords(out, clusteringTypes, words, row.clustering)
    this.prefixEnd = out.length
    this.#writeSized(out, previousSize)
  }

  /** Writes the static row of a partition; null where it has none. */
  staticRow(out: ByteSink, words: Words | null, at: number): void {
    if (words !== null) row.read(words.i32, at)
    const { statics } = this.#header
    const flags =
      words === null ? this.#writeEmpty(statics) : this.#writeBody(words, statics, this.#staticPlaces)
    out.byte(flags | EXTENSION)
    out.byte(IS_STATIC)
    this.#writeSized(out, 0)
  }

  #writeSized(out: ByteSink, previousSize: number): void {
    const body = this.#body
    out.vint(body.length + unsignedVintSize(previousSize))
    out.vint(previousSize)
    out.bytes(body.u8, 0, body.length)
  }

  #writeEmpty(columns: readonly StoredColumn[]): number {
    this.#body.reset()
    this.#places.length = this.#order.length = 0
    this.#writeSubset(columns)
    return 0
  }

  /** Writes all behind the clustering into `#body`, and returns the flags. */
  #writeBody(words: Words, columns: readonly StoredColumn[], places: Int32Array): number {
    const body = this.#body
    body.reset()
    const hasComplexDeletion = this.#collect(words, places)
    const listener = this.#listener
    let flags = 0
    if (row.flags & ROW_HAS_LIVENESS) {
      flags |= HAS_TIMESTAMP
      const expires = (row.flags & ROW_LIVENESS_EXPIRES) !== 0
      listener.liveness(
        row.livenessHi,
        row.livenessLo,
        expires ? row.ttl : 0,
        expires ? row.localExpirationTime : NO_DELETION,
      )
      this.#timestamp(row.livenessHi, row.livenessLo)
      if (row.flags & ROW_LIVENESS_EXPIRES) {
        flags |= HAS_TTL
        body.vint(row.ttl - this.#header.minTtl)
        this.#localDeletionTime(row.localExpirationTime)
      }
    }
    if (row.flags & ROW_HAS_DELETION) {
      flags |= HAS_DELETION
      listener.deletion(row.deletionHi, row.deletionLo, row.deletionLocalTime)
      this.#timestamp(row.deletionHi, row.deletionLo)
      this.#localDeletionTime(row.deletionLocalTime)
    }
    if (this.#places.length === columns.length) flags |= HAS_ALL_COLUMNS
    else this.#writeSubset(columns)
    if (hasComplexDeletion) flags |= HAS_COMPLEX_DELETION
    let withCells = 0
    for (const i of this.#order) {
      const column = columns[this.#places[i]!]!
      if (column.isComplex) {
        if (this.#writeComplex(words, column, hasComplexDeletion, i) > 0) withCells++
      } else {
        cell.read(words.i32, this.#starts[i]!, row.livenessHi, row.livenessLo)
        this.#writeCell(words, column)
        withCells++
      }
    }
    listener.row(withCells)
    return flags
  }

  /** Finds the columns of the row, in the order of the header; true when one of them has been deleted whole. */
  #collect({ i32 }: Words, places: Int32Array): boolean {
    this.#places.length = this.#starts.length = this.#ends.length = this.#order.length = 0
    let hasComplexDeletion = false
    let isOrdered = true
    let before = -1
    let count = 0
    for (let at = row.cells; at < row.end; at = cell.next) {
      cell.read(i32, at, row.livenessHi, row.livenessLo)
      const place = places[cell.columnId] ?? -1
      // What a memtable still has of a column that was dropped.
      if (place < 0) continue
      if (count === 0 || this.#places[count - 1] !== place) {
        if (place < before) isOrdered = false
        before = place
        this.#places.push(place)
        this.#starts.push(at)
        this.#order.push(count++)
        this.#ends.push(cell.next)
      } else this.#ends[count - 1] = cell.next
      if (cell.flags & CELL_COMPLEX_DELETION) hasComplexDeletion = true
    }
    if (!isOrdered) this.#order.sort((a, b) => this.#places[a]! - this.#places[b]!)
    return hasComplexDeletion
  }

  #timestamp(hi: number, lo: number): void {
    const { minTimestampHi, minTimestampLo } = this.#header
    const difference = (lo >>> 0) - (minTimestampLo >>> 0)
    this.#body.vint64((hi - minTimestampHi - (difference < 0 ? 1 : 0)) | 0, difference | 0)
  }

  /** The difference is an int whose sign goes on through 64 bits. */
  #localDeletionTime(time: number): void {
    const difference = (time - this.#header.minLocalDeletionTime) | 0
    this.#body.vint64(difference >> 31, difference)
  }

  #deletion({ hi, lo, localDeletionTime }: DeletionTime): void {
    this.#timestamp(hi, lo)
    this.#localDeletionTime(hi === LIVE.hi && lo === LIVE.lo ? -1 : localDeletionTime)
  }

  /** Which columns a row has (`Columns.Serializer.serializeSubset`). */
  #writeSubset(columns: readonly StoredColumn[]): void {
    const present = this.#order.map((i) => this.#places[i]!)
    if (columns.length <= BITMAP_COLUMNS_MAX) {
      let lo = columns.length >= 32 ? -1 : (1 << columns.length) - 1
      let hi = columns.length > 32 ? (columns.length >= 64 ? -1 : (2 ** (columns.length - 32) - 1) | 0) : 0
      for (const place of present) {
        if (place < 32) lo &= ~(1 << place)
        else hi &= ~(1 << (place - 32))
      }
      this.#body.vint64(hi, lo)
      return
    }
    this.#body.vint(columns.length - present.length)
    if (present.length < Math.floor(columns.length / 2)) {
      for (const place of present) this.#body.vint(place)
      return
    }
    const has = new Set(present)
    for (let place = 0; place < columns.length; place++) if (!has.has(place)) this.#body.vint(place)
  }

  /** Returns the number of cells. */
  #writeComplex(words: Words, column: StoredColumn, hasComplexDeletion: boolean, i: number): number {
    const { i32 } = words
    let at = this.#starts[i]!
    const end = this.#ends[i]!
    cell.read(i32, at, row.livenessHi, row.livenessLo)
    const isDeleted = (cell.flags & CELL_COMPLEX_DELETION) !== 0
    if (isDeleted) {
      this.#timestamp(cell.timestampHi, cell.timestampLo)
      this.#localDeletionTime(cell.localDeletionTime)
      this.#listener.deletion(cell.timestampHi, cell.timestampLo, cell.localDeletionTime)
      at = cell.next
    } else if (hasComplexDeletion) this.#deletion(LIVE)
    let count = 0
    for (let p = at; p < end; p = cell.next, count++) cell.read(i32, p, 0, 0)
    this.#body.vint(count)
    for (let p = at; p < end; p = cell.next) {
      cell.read(i32, p, row.livenessHi, row.livenessLo)
      this.#writeCell(words, column)
    }
    return count
  }

  /** Writes the cell last read. */
  #writeCell({ u8 }: Words, column: StoredColumn): void {
    const body = this.#body
    const isDeleted = (cell.flags & CELL_TOMBSTONE) !== 0
    const isExpiring = (cell.flags & CELL_EXPIRES) !== 0
    const usesTimestamp =
      (row.flags & ROW_HAS_LIVENESS) !== 0 &&
      cell.timestampHi === row.livenessHi &&
      cell.timestampLo === row.livenessLo
    const usesTtl =
      isExpiring &&
      (row.flags & ROW_LIVENESS_EXPIRES) !== 0 &&
      cell.ttl === row.ttl &&
      cell.localDeletionTime === row.localExpirationTime
    this.#listener.cell(
      cell.timestampHi,
      cell.timestampLo,
      cell.ttl,
      isDeleted || isExpiring ? cell.localDeletionTime : NO_DELETION,
    )
    body.byte(
      (cell.valueLength === 0 ? CELL_IS_EMPTY : 0) |
        (isDeleted ? CELL_IS_DELETED : isExpiring ? CELL_IS_EXPIRING : 0) |
        (usesTimestamp ? CELL_USES_ROW_TIMESTAMP : 0) |
        (usesTtl ? CELL_USES_ROW_TTL : 0),
    )
    if (!usesTimestamp) this.#timestamp(cell.timestampHi, cell.timestampLo)
    if ((isDeleted || isExpiring) && !usesTtl) this.#localDeletionTime(cell.localDeletionTime)
    if (isExpiring && !usesTtl) body.vint(cell.ttl - this.#header.minTtl)
    if (column.isComplex) {
      body.vint(cell.pathLength)
      body.bytes(u8, cell.pathOffset, cell.pathLength)
    }
    if (cell.valueLength > 0) {
      if (column.fixedLength < 0) body.vint(cell.valueLength)
      body.bytes(u8, cell.valueOffset, cell.valueLength)
    }
  }

  marker(out: ByteSink, marker: RangeTombstoneMarker, previousSize: number): void {
    const body = this.#body
    body.reset()
    for (const deletion of [marker.closes, marker.opens]) {
      if (deletion === null) continue
      this.#deletion(deletion)
      this.#listener.deletion(deletion.hi, deletion.lo, deletion.localDeletionTime)
    }
    out.byte(IS_MARKER)
    this.prefixAt = out.length
    writeBound(out, this.#header.clusteringTypes, markerKind(marker), marker.bound.components)
    this.prefixEnd = out.length
    this.#writeSized(out, previousSize)
  }
}

/** A bound: its kind, how many components, and these (`ClusteringBoundOrBoundary.Serializer`). */
export function writeBound(
  out: ByteSink,
  types: readonly CqlType[],
  kind: number,
  components: readonly Uint8Array[],
): void {
  out.byte(kind)
  out.uint16(components.length)
  writeComponents(out, types, components)
}

/** A deletion as the heads of partitions and index entries have it (`DeletionTime.Serializer`). */
export function writeDeletionTime(out: ByteSink, deletion: DeletionTime, version: FormatVersion): void {
  const isLive = deletion.hi === LIVE.hi && deletion.lo === LIVE.lo
  if (!version.hasUnsignedDeletionTime) {
    out.int32(isLive ? LIVE.localDeletionTime : deletion.localDeletionTime)
    out.int64(deletion.hi, deletion.lo)
  } else if (isLive) out.byte(0x80)
  else {
    out.int64(deletion.hi, deletion.lo)
    out.int32(deletion.localDeletionTime)
  }
}
