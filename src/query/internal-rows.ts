import { murmur3Token } from '../common/murmur3.ts'
import { serializePartitionKey } from '../cql/modify/primary-key.ts'
import { ALL_ROWS, readClustering, type Slice } from '../model/clustering.ts'
import { LiveRow } from '../model/live-row.ts'
import type { MutationBuilder } from '../model/mutation.ts'
import { FULL_RING, type PartitionReader, type ReadCommand } from '../model/read-command.ts'
import {
  CELL_COMPLEX_DELETION,
  CELL_EXPIRES,
  CELL_TOMBSTONE,
  ROW_HAS_DELETION,
  ROW_HAS_LIVENESS,
  ROW_LIVENESS_EXPIRES,
  RowHeader,
} from '../model/row-format.ts'
import type { ColumnMetadata, TableMetadata } from '../model/table.ts'
import { decode, encode, packCells, packUserTypeCells, unpackMap, unpackSet } from '../types/index.ts'

/**
 * The server's own rows, read and written without CQL: its schema, its system tables, its virtual tables. Values are
 * serialized; columns that are not frozen are not written here.
 */
export interface InternalRow {
  readonly key: Uint8Array
  readonly clustering: readonly Uint8Array[]
  /** By column name; absent where there is no value. */
  readonly values: ReadonlyMap<string, Uint8Array>
  /** When it was inserted last, microseconds since 1970; null of a row that was only updated. */
  readonly writtenMicros: number | null
}

const token = new Int32Array(2)
const EMPTY = new Uint8Array(0)

/** When the server writes: microseconds in two halves, and seconds. */
export interface WriteTime {
  readonly timestampHi: number
  readonly timestampLo: number
  readonly nowSeconds: number
  /** Seconds that the row lives; for ever when absent. */
  readonly ttl?: number
}

/** Adds a row to a mutation, in place of whatever it was before when `replace` is set. */
export function writeInternalRow(
  out: MutationBuilder,
  table: TableMetadata,
  row: {
    readonly key: Uint8Array
    readonly clustering: readonly Uint8Array[]
    readonly values: ReadonlyMap<string, Uint8Array | null>
  },
  time: WriteTime,
): void {
  beginUpdate(out, table, row.key)
  const { timestampHi, timestampLo, nowSeconds } = time
  const ttl = time.ttl ?? 0
  const expiration = nowSeconds + ttl
  const flags = ttl > 0 ? ROW_HAS_LIVENESS | ROW_LIVENESS_EXPIRES : ROW_HAS_LIVENESS
  out.beginRow(flags, timestampHi, timestampLo, ttl, expiration, 0, 0, 0)
  for (const component of row.clustering) out.clustering(component, 0, component.length)
  out.endClustering()
  const columns = [...row.values]
    .map(([name, value]) => ({ column: table.columns.get(name), value }))
    .filter(({ column }) => column !== undefined && column.kind === 'regular')
    .sort((a, b) => a.column!.id - b.column!.id)
  for (const { column, value } of columns) {
    if (column!.type.multiCell) {
      writeCollection(out, column!, value, time)
      continue
    }
    out.cell(
      column!.id,
      value === null ? CELL_TOMBSTONE : ttl > 0 ? CELL_EXPIRES : 0,
      timestampHi,
      timestampLo,
      ttl,
      value === null ? nowSeconds : ttl > 0 ? expiration : 0,
      EMPTY,
      0,
      -1,
      value ?? EMPTY,
      0,
      value?.length ?? 0,
    )
  }
  out.endRow()
  out.endUpdate()
}

/** Writes a set or map that is not frozen, in place of what was there. */
function writeCollection(
  out: MutationBuilder,
  column: ColumnMetadata,
  value: Uint8Array | null,
  time: WriteTime,
): void {
  const { timestampHi, timestampLo, nowSeconds } = time
  const ttl = time.ttl ?? 0
  const hi = timestampLo === 0 ? (timestampHi - 1) | 0 : timestampHi
  const lo = (timestampLo - 1) | 0
  out.cell(column.id, CELL_COMPLEX_DELETION, hi, lo, 0, nowSeconds, EMPTY, 0, -1, EMPTY, 0, 0)
  if (value === null) return
  const entries: (readonly [Uint8Array, Uint8Array])[] =
    column.type.kind === 'map'
      ? unpackMap(value)
      : unpackSet(value).map((element) => [element, EMPTY] as const)
  for (const [path, element] of entries) {
    out.cell(
      column.id,
      ttl > 0 ? CELL_EXPIRES : 0,
      timestampHi,
      timestampLo,
      ttl,
      nowSeconds + ttl,
      path,
      0,
      path.length,
      element,
      0,
      element.length,
    )
  }
}

/** Adds the deletion of a row. */
export function deleteInternalRow(
  out: MutationBuilder,
  table: TableMetadata,
  row: { readonly key: Uint8Array; readonly clustering: readonly Uint8Array[] },
  time: WriteTime,
): void {
  beginUpdate(out, table, row.key)
  const { timestampHi, timestampLo, nowSeconds } = time
  out.beginRow(ROW_HAS_DELETION, 0, 0, 0, 0, timestampHi, timestampLo, nowSeconds)
  for (const component of row.clustering) out.clustering(component, 0, component.length)
  out.endClustering()
  out.endRow()
  out.endUpdate()
}

/** Begins the update of the partition with that key. */
export function beginUpdate(out: MutationBuilder, table: TableMetadata, key: Uint8Array): void {
  murmur3Token(key, 0, key.length, token)
  out.beginUpdate(table.handle, token[0]!, token[1]!, key, 0, key.length)
}

/** All live rows of a table, or of one partition of it, or some of these. */
export function readInternalRows(
  read: (command: ReadCommand) => PartitionReader,
  table: TableMetadata,
  key: Uint8Array | null,
  nowSeconds: number,
  slices: readonly Slice[] = ALL_ROWS,
): InternalRow[] {
  if (key !== null) murmur3Token(key, 0, key.length, token)
  const reader = read({
    table,
    keys: key === null ? null : [{ key, tokenHi: token[0]!, tokenLo: token[1]! }],
    range: FULL_RING,
    slices,
    reversed: false,
  })
  const rows: InternalRow[] = []
  const live = new LiveRow()
  try {
    while (reader.nextPartition()) {
      const partition = reader.keyBytes.slice(reader.keyOffset, reader.keyOffset + reader.keyLength)
      while (reader.nextRow()) {
        live.load(reader.row, reader.rowAt, reader.rowDeletionHi, reader.rowDeletionLo, nowSeconds)
        if (!live.exists) continue
        const values = new Map<string, Uint8Array>()
        for (const column of table.regulars) {
          if (column.type.multiCell) {
            const cells = live.copyComplex(column.id)
            if (cells.length > 0) {
              const type = column.type
              if (type.kind === 'udt') values.set(column.name, packUserTypeCells(type, cells))
              else if (type.kind === 'list' || type.kind === 'set' || type.kind === 'map') {
                values.set(column.name, packCells(type, cells))
              }
            }
          } else {
            const value = live.copySimple(column.id)
            if (value !== null) values.set(column.name, value)
          }
        }
        rows.push({
          key: partition,
          clustering: readClustering(live, live.clusteringAt, table.clusterings.length),
          values,
          writtenMicros: writtenMicros(reader.row.i32, reader.rowAt),
        })
      }
    }
  } finally {
    reader.close()
  }
  return rows
}

function writtenMicros(i32: Int32Array, at: number): number | null {
  const header = new RowHeader()
  header.read(i32, at)
  if ((header.flags & ROW_HAS_LIVENESS) === 0) return null
  return header.livenessHi * 0x1_0000_0000 + (header.livenessLo >>> 0)
}

/** A row from JavaScript values by column name, keys among them (`decode` of types says which value for which type). */
export function internalRow(
  table: TableMetadata,
  values: Readonly<Record<string, unknown>>,
): { key: Uint8Array; clustering: Uint8Array[]; values: Map<string, Uint8Array | null> } {
  const bytes = (name: string): Uint8Array => encode(table.columns.get(name)!.type, values[name]) ?? EMPTY
  const row = new Map<string, Uint8Array | null>()
  for (const column of table.regulars) {
    if (column.name in values) {
      const value = values[column.name]
      row.set(column.name, value === null || value === undefined ? null : encode(column.type, value))
    }
  }
  return {
    key: serializePartitionKey(table.partitionKeys.map((column) => bytes(column.name))),
    clustering: table.clusterings.map((column) => bytes(column.name)),
    values: row,
  }
}

/** The JavaScript value of a column of an internal row, or null. */
export function internalValue(table: TableMetadata, row: InternalRow, name: string): unknown {
  const value = row.values.get(name)
  return value === undefined ? null : decode(table.columns.get(name)!.type, value)
}
