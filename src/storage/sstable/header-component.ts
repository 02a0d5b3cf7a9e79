import {
  CELL_COMPLEX_DELETION,
  CELL_EXPIRES,
  CELL_TOMBSTONE,
  CellReader,
  compare64,
  ROW_HAS_DELETION,
  ROW_HAS_LIVENESS,
  ROW_LIVENESS_EXPIRES,
  RowHeader,
  type Words,
} from '../../model/row-format.ts'
import type { ColumnMetadata, DroppedColumn, TableMetadata } from '../../model/table.ts'
import { MARSHAL_PACKAGE } from '../../types/index.ts'
import {
  type DeletionTime,
  LIVE,
  type RangeTombstoneMarker,
  UNFILTERED_END,
  UNFILTERED_ROW,
  type UnfilteredReader,
} from '../unfiltered.ts'
import {
  DELETION_TIME_EPOCH,
  type HeaderColumn,
  type HeaderComponent,
  TIMESTAMP_EPOCH,
} from './statistics.ts'

const header = new RowHeader()
const cell = new CellReader()

/**
 * Finds what an SSTable's bytes are to be encoded against, and which columns it has, by reading once all that it will hold
 * (`EncodingStats.Collector`, `SerializationHeader.make`): least timestamp, time of deletion and TTL.
 */
export class HeaderCollector {
  #hasTimestamp = false
  #minHi = 0
  #minLo = 0
  #minTime = Number.POSITIVE_INFINITY
  #minTtl = Number.POSITIVE_INFINITY
  readonly #columns = new Set<number>()
  /** Partitions that were read. */
  partitions = 0

  /** Reads the partition that the reader has moved to. */
  partition(reader: UnfilteredReader): void {
    this.beginPartition(reader.partitionDeletion)
    if (reader.staticRow()) this.row(reader.row, reader.rowAt)
    for (let kind = reader.next(); kind !== UNFILTERED_END; kind = reader.next()) {
      if (kind === UNFILTERED_ROW) this.row(reader.row, reader.rowAt)
      else this.marker(reader.marker)
    }
  }

  /** Hears of a partition; its rows and markers follow. */
  beginPartition(partitionDeletion: DeletionTime): void {
    this.partitions++
    if (partitionDeletion !== LIVE) this.#deletion(partitionDeletion)
  }

  marker({ closes, opens }: RangeTombstoneMarker): void {
    if (closes !== null) this.#deletion(closes)
    if (opens !== null) this.#deletion(opens)
  }

  #deletion({ hi, lo, localDeletionTime }: DeletionTime): void {
    this.#timestamp(hi, lo)
    this.#time(localDeletionTime)
  }

  #timestamp(hi: number, lo: number): void {
    if (this.#hasTimestamp && compare64(hi, lo, this.#minHi, this.#minLo) >= 0) return
    this.#hasTimestamp = true
    this.#minHi = hi
    this.#minLo = lo
  }

  #time(seconds: number): void {
    if (seconds >>> 0 < this.#minTime) this.#minTime = seconds >>> 0
  }

  /** Hears of a row, a static one too. */
  row({ i32 }: Words, at: number): void {
    header.read(i32, at)
    if (header.flags & ROW_HAS_LIVENESS) {
      this.#timestamp(header.livenessHi, header.livenessLo)
      if (header.flags & ROW_LIVENESS_EXPIRES) {
        this.#time(header.localExpirationTime)
        this.#minTtl = Math.min(this.#minTtl, header.ttl)
      }
    }
    if (header.flags & ROW_HAS_DELETION) {
      this.#timestamp(header.deletionHi, header.deletionLo)
      this.#time(header.deletionLocalTime)
    }
    let column = -1
    for (let p = header.cells; p < header.end; p = cell.next) {
      cell.read(i32, p, header.livenessHi, header.livenessLo)
      if (cell.columnId !== column) {
        column = cell.columnId
        this.#columns.add(column)
      }
      this.#timestamp(cell.timestampHi, cell.timestampLo)
      if (cell.flags & (CELL_TOMBSTONE | CELL_EXPIRES | CELL_COMPLEX_DELETION))
        this.#time(cell.localDeletionTime)
      if (cell.flags & CELL_EXPIRES) this.#minTtl = Math.min(this.#minTtl, cell.ttl)
    }
  }

  /** What was found, for an SSTable of that table; columns that it has not any more are left out. */
  component(table: TableMetadata): HeaderComponent {
    const minTimestamp = (BigInt(this.#minHi) << 32n) | BigInt(this.#minLo >>> 0)
    return headerComponent(
      table,
      {
        minTimestamp: this.#hasTimestamp ? minTimestamp : TIMESTAMP_EPOCH,
        minLocalDeletionTime: Number.isFinite(this.#minTime) ? this.#minTime : DELETION_TIME_EPOCH,
        minTtl: Number.isFinite(this.#minTtl) ? this.#minTtl : 0,
      },
      ({ id }) => this.#columns.has(id),
    )
  }
}

/** The least of what an SSTable has: timestamp in microseconds, time of deletion and TTL in seconds (`EncodingStats`). */
export type EncodingStats = Pick<HeaderComponent, 'minTimestamp' | 'minLocalDeletionTime' | 'minTtl'>

type Named = Pick<ColumnMetadata, 'name' | 'type'>

/**
 * The header of an SSTable of that table, with those of its columns for which `isThere`. Those that were dropped do no
 * harm in it.
 */
export function headerComponent(
  table: TableMetadata,
  stats: EncodingStats,
  isThere: (column: ColumnMetadata) => boolean,
  dropped: readonly DroppedColumn[] = [],
): HeaderComponent {
  const of = (kind: DroppedColumn['kind']) => dropped.filter((column) => column.kind === kind)
  return {
    ...stats,
    keyType: keyTypeName(table),
    clusteringTypes: table.clusterings.map(({ type }) => type.className),
    statics: headerColumns([...table.statics.filter(isThere), ...of('static')]),
    regulars: headerColumns([...table.regulars.filter(isThere), ...of('regular')]),
  }
}

/** The type of a whole partition key: that of its one column, or a composite. */
export function keyTypeName({ partitionKeys }: TableMetadata): string {
  const names = partitionKeys.map(({ type }) => type.className)
  return names.length === 1 ? names[0]! : `${MARSHAL_PACKAGE}CompositeType(${names.join(',')})`
}

/** In Cassandra's order: simple columns before those of several cells, then by the bytes of their names. */
function headerColumns(columns: readonly Named[]): HeaderColumn[] {
  return columns
    .toSorted(
      (a, b) =>
        Number(a.type.multiCell) - Number(b.type.multiCell) ||
        Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)),
    )
    .map(({ name, type }) => ({ name, type: type.className }))
}
