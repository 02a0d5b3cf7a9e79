/** Metadata as rows of system_schema, byte for byte as Cassandra stores them (`SchemaKeyspace`). */

import { bytesEqual, int32Bytes, int64Bytes, utf8Bytes } from '../common/bytes.ts'
import { parseUuid } from '../common/uuid.ts'
import type { ColumnMetadata, DroppedColumn, TableMetadata } from '../model/table.ts'
import { mapType, native, packList, packMapSorted, packSet, setType, type UserType } from '../types/index.ts'
import type { KeyspaceMetadata } from './keyspace.ts'
import { SCHEMA_TABLES, type SchemaRow, type SchemaRowKey } from './schema-row.ts'
import { type BuiltInIndex, builtInIndexes } from './system/indexes.ts'

const FLAGS = setType(native.text, false)
const OPTIONS = mapType(native.text, native.text, false)

const TRUE = new Uint8Array([1])
const FALSE = new Uint8Array([0])

function booleanBytes(value: boolean): Uint8Array {
  return value ? TRUE : FALSE
}

function doubleBytes(value: number): Uint8Array {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setFloat64(0, value)
  return bytes
}

function optionsBytes(options: ReadonlyMap<string, string>): Uint8Array {
  return packMapSorted(
    OPTIONS,
    [...options].map(([name, value]) => [utf8Bytes(name), utf8Bytes(value)]),
  )
}

function textList(texts: readonly string[]): Uint8Array {
  return packList(texts.map(utf8Bytes))
}

function keyspaceRow(keyspace: KeyspaceMetadata): SchemaRow {
  const { durableWrites, replication } = keyspace.params
  return {
    table: 'keyspaces',
    key: utf8Bytes(keyspace.name),
    clustering: [],
    values: new Map([
      ['durable_writes', booleanBytes(durableWrites)],
      ['replication', optionsBytes(replication)],
    ]),
  }
}

function typeRow(type: UserType): SchemaRow {
  return {
    table: 'types',
    key: utf8Bytes(type.keyspace),
    clustering: [utf8Bytes(type.name)],
    values: new Map([
      ['field_names', textList(type.fieldNames)],
      ['field_types', textList(type.fieldTypes.map((field) => field.cqlName))],
    ]),
  }
}

/** `cdc` stays null, as in a Cassandra whose CDC is off; so do these that Cassandra only writes when not default. */
function tableRow(table: TableMetadata): SchemaRow {
  const { params } = table
  return {
    table: 'tables',
    key: utf8Bytes(table.keyspace),
    clustering: [utf8Bytes(table.name)],
    values: new Map<string, Uint8Array | null>([
      ['additional_write_policy', utf8Bytes(params.additionalWritePolicy)],
      ['allow_auto_snapshot', params.allowAutoSnapshot ? null : FALSE],
      ['bloom_filter_fp_chance', doubleBytes(params.bloomFilterFpChance)],
      ['caching', optionsBytes(params.caching)],
      ['cdc', null],
      ['comment', utf8Bytes(params.comment)],
      ['compaction', optionsBytes(params.compaction)],
      ['compression', optionsBytes(params.compression)],
      ['crc_check_chance', doubleBytes(params.crcCheckChance)],
      ['dclocal_read_repair_chance', doubleBytes(0)],
      ['default_time_to_live', int32Bytes(params.defaultTimeToLive)],
      [
        'extensions',
        packMapSorted(
          OPTIONS,
          [...params.extensions].map(([name, value]) => [utf8Bytes(name), value]),
        ),
      ],
      ['flags', packSet(FLAGS, [...table.flags].map(utf8Bytes))],
      ['gc_grace_seconds', int32Bytes(params.gcGraceSeconds)],
      ['id', parseUuid(table.id)!],
      ['incremental_backups', params.incrementalBackups ? null : FALSE],
      ['max_index_interval', int32Bytes(params.maxIndexInterval)],
      ['memtable', params.memtable === null ? null : utf8Bytes(params.memtable)],
      ['memtable_flush_period_in_ms', int32Bytes(params.memtableFlushPeriodMs)],
      ['min_index_interval', int32Bytes(params.minIndexInterval)],
      ['read_repair', utf8Bytes(params.readRepair)],
      ['read_repair_chance', doubleBytes(0)],
      ['speculative_retry', utf8Bytes(params.speculativeRetry)],
    ]),
  }
}

function columnRow(table: TableMetadata, column: ColumnMetadata): SchemaRow {
  const order = column.kind !== 'clustering' ? 'none' : column.type.kind === 'reversed' ? 'desc' : 'asc'
  return {
    table: 'columns',
    key: utf8Bytes(table.keyspace),
    clustering: [utf8Bytes(table.name), utf8Bytes(column.name)],
    values: new Map([
      ['clustering_order', utf8Bytes(order)],
      ['column_name_bytes', utf8Bytes(column.name)],
      ['kind', utf8Bytes(column.kind)],
      ['position', int32Bytes(column.position)],
      ['type', utf8Bytes(column.type.cqlName)],
    ]),
  }
}

function droppedColumnRow(table: TableMetadata, column: DroppedColumn): SchemaRow {
  return {
    table: 'dropped_columns',
    key: utf8Bytes(table.keyspace),
    clustering: [utf8Bytes(table.name), utf8Bytes(column.name)],
    values: new Map([
      ['dropped_time', int64Bytes(floorToMs(column.droppedTimeMicros))],
      ['kind', utf8Bytes(column.kind)],
      ['type', utf8Bytes(column.type.cqlName)],
    ]),
  }
}

/** `TimeUnit.toMillis`, which rounds towards zero. */
function floorToMs(micros: bigint): bigint {
  return micros / 1000n
}

/** An index that can only be one of Cassandra's own. */
function indexRow(table: TableMetadata, { name, className, target }: BuiltInIndex): SchemaRow {
  return {
    table: 'indexes',
    key: utf8Bytes(table.keyspace),
    clustering: [utf8Bytes(table.name), utf8Bytes(name)],
    values: new Map([
      ['kind', utf8Bytes('CUSTOM')],
      [
        'options',
        optionsBytes(
          new Map([
            ['class_name', className],
            ['target', target],
          ]),
        ),
      ],
    ]),
  }
}

/** The rows of one table: its own, its columns', its dropped columns' and its indexes'. */
export function tableRows(table: TableMetadata): SchemaRow[] {
  const rows = [tableRow(table)]
  for (const column of table.columns.values()) rows.push(columnRow(table, column))
  for (const column of table.dropped.values()) rows.push(droppedColumnRow(table, column))
  for (const index of builtInIndexes(table)) rows.push(indexRow(table, index))
  return rows
}

/** All rows of one keyspace. */
export function schemaRows(keyspace: KeyspaceMetadata): SchemaRow[] {
  const rows = [keyspaceRow(keyspace)]
  for (const type of keyspace.types.values()) rows.push(typeRow(type))
  for (const table of keyspace.tables.values()) rows.push(...tableRows(table))
  return rows
}

export interface SchemaRowDiff {
  readonly upserts: readonly SchemaRow[]
  /** To be applied before the upserts. */
  readonly deletes: readonly SchemaRowKey[]
}

/** What to write to system_schema so that it says `after` where it said `before`; null is no keyspace. */
export function diffRows(before: KeyspaceMetadata | null, after: KeyspaceMetadata | null): SchemaRowDiff {
  if (before === after) return { upserts: [], deletes: [] }
  if (before === null) return { upserts: schemaRows(after!), deletes: [] }
  if (after === null) {
    const key = utf8Bytes(before.name)
    return { upserts: [], deletes: SCHEMA_TABLES.map((table) => ({ table, key, clustering: [] })) }
  }
  const upserts: SchemaRow[] = []
  const deletes: SchemaRowKey[] = []
  if (before.params !== after.params)
    changedRows([keyspaceRow(before)], [keyspaceRow(after)], upserts, deletes)
  if (before.types !== after.types) {
    changedRows(
      [...before.types.values()].map(typeRow),
      [...after.types.values()].map(typeRow),
      upserts,
      deletes,
    )
  }
  if (before.tables !== after.tables) {
    for (const table of before.tables.values()) {
      const now = after.tables.get(table.name)
      if (now !== table)
        changedRows(tableRows(table), now === undefined ? [] : tableRows(now), upserts, deletes)
    }
    for (const table of after.tables.values()) {
      if (!before.tables.has(table.name)) upserts.push(...tableRows(table))
    }
  }
  return { upserts, deletes }
}

function changedRows(
  before: readonly SchemaRow[],
  after: readonly SchemaRow[],
  upserts: SchemaRow[],
  deletes: SchemaRowKey[],
): void {
  const old = new Map(before.map((row) => [rowName(row), row]))
  for (const row of after) {
    const was = old.get(rowName(row))
    old.delete(rowName(row))
    if (was === undefined || !sameValues(was, row)) upserts.push(row)
  }
  for (const { table, key, clustering } of old.values()) deletes.push({ table, key, clustering })
}

function rowName(row: SchemaRowKey): string {
  return [row.table, ...row.clustering.map((part) => Buffer.from(part).toString('hex'))].join('/')
}

function sameValues(a: SchemaRow, b: SchemaRow): boolean {
  for (const [name, value] of a.values) {
    const other = b.values.get(name) ?? null
    if (value === null || other === null ? value !== other : !bytesEqual(value, other)) return false
  }
  return true
}

/** Whether two tables are the same to system_schema, so that a statement that made one of the other changed nothing. */
export function sameTable(a: TableMetadata, b: TableMetadata): boolean {
  if (a === b) return true
  const upserts: SchemaRow[] = []
  const deletes: SchemaRowKey[] = []
  changedRows(tableRows(a), tableRows(b), upserts, deletes)
  // CDC's flag is part of the table though it may not be written.
  return upserts.length === 0 && deletes.length === 0 && a.params.cdc === b.params.cdc
}
