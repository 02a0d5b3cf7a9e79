/** Metadata from rows of system_schema: the inverse of schema-rows.ts (`SchemaKeyspace.fetchKeyspaces`). */

import { bytesEqual, readInt32, readInt64, utf8Text } from '../common/bytes.ts'
import { ConfigurationError } from '../common/errors.ts'
import { timeUuidUnixMicros, uuidText, uuidVersion } from '../common/uuid.ts'
import type { ColumnKind, DroppedColumn, TableFlag, TableMetadata, TableParams } from '../model/table.ts'
import {
  type CqlType,
  parseCqlTypeName,
  reversed,
  type UserType,
  unpackList,
  unpackMap,
  unpackSet,
  userType,
} from '../types/index.ts'
import { createKeyspaceMetadata, type KeyspaceMetadata } from './keyspace.ts'
import type { Schema } from './schema.ts'
import type { SchemaRow, SchemaTable } from './schema-row.ts'
import { type ColumnSpec, createTableMetadata, reassemble, type TableSpec } from './table-builder.ts'
import { DEFAULT_TABLE_PARAMS } from './table-params.ts'

type UserTypes = ReadonlyMap<string, UserType>

/** The rows of one keyspace by table. */
type Partition = Map<SchemaTable, SchemaRow[]>

/** Hears of a table or type whose rows make none. */
export type OnBroken = (keyspace: string, name: string, error: unknown) => void

/**
 * The keyspaces that the rows describe. A table that `known` has by the same id keeps its handle and the ids of its
 * columns; give it whenever the rows come to a running process. Rows that make no table or type throw, or are passed over where
 * `onBroken` hears of them: a table is such that one node has dropped while another altered it.
 */
export function schemaFromRows(
  rows: Iterable<SchemaRow>,
  known: Schema | null = null,
  onBroken: OnBroken | null = null,
): KeyspaceMetadata[] {
  const partitions = new Map<string, Partition>()
  for (const row of rows) {
    const name = utf8Text(row.key)
    let partition = partitions.get(name)
    if (partition === undefined) partitions.set(name, (partition = new Map()))
    const list = partition.get(row.table)
    if (list === undefined) partition.set(row.table, [row])
    else list.push(row)
  }
  const keyspaces: KeyspaceMetadata[] = []
  for (const [name, partition] of partitions) {
    const [row] = partition.get('keyspaces') ?? []
    if (row !== undefined) keyspaces.push(keyspaceFromRows(name, row, partition, known, onBroken))
  }
  return keyspaces
}

function keyspaceFromRows(
  name: string,
  row: SchemaRow,
  partition: Partition,
  known: Schema | null,
  onBroken: OnBroken | null,
): KeyspaceMetadata {
  const types = typesFromRows(name, partition.get('types') ?? [], onBroken)
  const parseType = typeParser(name, types)
  const columns = byTable(partition.get('columns') ?? [])
  const dropped = byTable(partition.get('dropped_columns') ?? [])
  const tableOf = (tableRow: SchemaRow, tableName: string): TableMetadata => {
    const spec: TableSpec = {
      keyspace: name,
      name: tableName,
      id: uuidText(required(tableRow, 'id')),
      columns: columnsFromRows(ofTable(tableRow, columns.get(tableName) ?? []), parseType),
      dropped: (dropped.get(tableName) ?? []).map((column) => droppedColumnFromRow(name, column)),
      params: paramsFromRow(tableRow),
      flags: new Set(unpackSet(required(tableRow, 'flags')).map((flag) => utf8Text(flag) as TableFlag)),
    }
    const isKeyed = spec.columns.some(({ kind }) => kind === 'partition_key')
    if (!isKeyed) throw new ConfigurationError(`No partition columns found in schema table for ${tableName}`)
    const before = known?.tableById(spec.id) ?? null
    return before === null ? createTableMetadata(spec) : reassemble(spec, before)
  }
  const tables = (partition.get('tables') ?? []).flatMap((tableRow): TableMetadata[] => {
    const tableName = utf8Text(tableRow.clustering[0])
    try {
      return [tableOf(tableRow, tableName)]
    } catch (error) {
      if (onBroken === null) throw error
      onBroken(name, tableName, error)
      return []
    }
  })
  const params = {
    durableWrites: required(row, 'durable_writes')[0] !== 0,
    replication: options(required(row, 'replication')),
  }
  return createKeyspaceMetadata(name, params, tables, types.values())
}

/**
 * Of two tables of one name that were made at once on different nodes the later row is left, and the columns of both: those from before
 * its id was made are the other one's. Where no key is younger than that, they are all its own: its id is from elsewhere.
 */
function ofTable(tableRow: SchemaRow, columns: readonly SchemaRow[]): readonly SchemaRow[] {
  const id = required(tableRow, 'id')
  if (uuidVersion(id) !== 1) return columns
  const madeMicros = Number(timeUuidUnixMicros(id))
  const own = columns.filter(({ writtenMicros }) => (writtenMicros ?? madeMicros) >= madeMicros)
  const isKeyed = own.some((row) => text(row, 'kind') === 'partition_key')
  return isKeyed ? own : columns
}

function byTable(rows: readonly SchemaRow[]): Map<string, SchemaRow[]> {
  const result = new Map<string, SchemaRow[]>()
  for (const row of rows) {
    const name = utf8Text(row.clustering[0])
    const list = result.get(name)
    if (list === undefined) result.set(name, [row])
    else list.push(row)
  }
  return result
}

/** A type can only be built behind those that it is made of, which the rows' order doesn't promise. */
function typesFromRows(keyspace: string, rows: readonly SchemaRow[], onBroken: OnBroken | null): UserTypes {
  const types = new Map<string, UserType>()
  let waiting = rows
  while (waiting.length > 0) {
    const blocked: SchemaRow[] = []
    for (const row of waiting) {
      const name = utf8Text(row.clustering[0])
      const fieldTypes = unpackList(required(row, 'field_types')).map((text) =>
        resolvable(utf8Text(text!), types, keyspace),
      )
      if (fieldTypes.includes(null)) blocked.push(row)
      else {
        const fieldNames = unpackList(required(row, 'field_names')).map((text) => utf8Text(text!))
        types.set(name, userType(keyspace, name, fieldNames, fieldTypes as CqlType[], true))
      }
    }
    if (blocked.length === waiting.length) {
      const error = new ConfigurationError(
        `Cannot resolve UDTs for keyspace ${keyspace}: some types are missing`,
      )
      if (onBroken === null) throw error
      for (const row of blocked) onBroken(keyspace, utf8Text(row.clustering[0]), error)
      break
    }
    waiting = blocked
  }
  return new Map([...types].sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** The type, or null while a user type in it is not known yet. */
function resolvable(text: string, types: UserTypes, keyspace: string): CqlType | null {
  try {
    return parseCqlTypeName(text, types, keyspace)
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('Unknown type ')) return null
    throw error
  }
}

/** Parses types of one keyspace, each text once. */
function typeParser(keyspace: string, types: UserTypes): (text: string) => CqlType {
  const parsed = new Map<string, CqlType>()
  return (name) => {
    let type = parsed.get(name)
    if (type === undefined) parsed.set(name, (type = parseCqlTypeName(name, types, keyspace)))
    return type
  }
}

function columnsFromRows(rows: readonly SchemaRow[], parseType: (text: string) => CqlType): ColumnSpec[] {
  const columns = rows.map((row) => {
    const type = parseType(text(row, 'type'))
    return {
      name: utf8Text(row.clustering[1]),
      kind: text(row, 'kind') as ColumnKind,
      type: text(row, 'clustering_order') === 'desc' ? reversed(type) : type,
      position: readInt32(required(row, 'position'), 0),
    }
  })
  return columns.sort((a, b) => a.position - b.position)
}

const NO_TYPES: UserTypes = new Map()

function droppedColumnFromRow(keyspace: string, row: SchemaRow): DroppedColumn {
  const kind = row.values.get('kind') ?? null
  return {
    name: utf8Text(row.clustering[1]),
    kind: kind !== null && utf8Text(kind) === 'static' ? 'static' : 'regular',
    // User types were replaced by tuples when the column was dropped.
    type: parseCqlTypeName(text(row, 'type'), NO_TYPES, keyspace),
    droppedTimeMicros: toMicros(readInt64(required(row, 'dropped_time'), 0)),
  }
}

const MAX_LONG = 0x7fffffffffffffffn

/** `TimeUnit.toMicros`: stops at the greatest long. */
function toMicros(ms: bigint): bigint {
  const micros = ms * 1000n
  return micros > MAX_LONG ? MAX_LONG : micros < -MAX_LONG - 1n ? -MAX_LONG - 1n : micros
}

function paramsFromRow(row: SchemaRow): TableParams {
  const optional = (name: string): Uint8Array | null => row.values.get(name) ?? null
  const integer = (name: string, otherwise: number): number => {
    const bytes = optional(name)
    return bytes === null ? otherwise : readInt32(bytes, 0)
  }
  const double = (name: string, otherwise: number): number => {
    const bytes = optional(name)
    return bytes === null ? otherwise : new DataView(bytes.buffer, bytes.byteOffset).getFloat64(0)
  }
  const flag = (name: string, otherwise: boolean): boolean => {
    const bytes = optional(name)
    return bytes === null ? otherwise : bytes[0] !== 0
  }
  const string = (name: string, otherwise: string): string => {
    const bytes = optional(name)
    return bytes === null ? otherwise : utf8Text(bytes)
  }
  const map = (name: string, otherwise: ReadonlyMap<string, string>): ReadonlyMap<string, string> => {
    const bytes = optional(name)
    return bytes === null ? otherwise : options(bytes)
  }
  const defaults = DEFAULT_TABLE_PARAMS
  const memtable = optional('memtable')
  const extensions = optional('extensions')
  return {
    additionalWritePolicy: string('additional_write_policy', defaults.additionalWritePolicy),
    allowAutoSnapshot: flag('allow_auto_snapshot', defaults.allowAutoSnapshot),
    bloomFilterFpChance: double('bloom_filter_fp_chance', defaults.bloomFilterFpChance),
    caching: map('caching', defaults.caching),
    cdc: flag('cdc', defaults.cdc),
    comment: string('comment', defaults.comment),
    compaction: map('compaction', defaults.compaction),
    compression: map('compression', defaults.compression),
    crcCheckChance: double('crc_check_chance', defaults.crcCheckChance),
    defaultTimeToLive: integer('default_time_to_live', defaults.defaultTimeToLive),
    extensions:
      extensions === null
        ? defaults.extensions
        : new Map(unpackMap(extensions).map(([name, value]) => [utf8Text(name), new Uint8Array(value)])),
    gcGraceSeconds: integer('gc_grace_seconds', defaults.gcGraceSeconds),
    incrementalBackups: flag('incremental_backups', defaults.incrementalBackups),
    maxIndexInterval: integer('max_index_interval', defaults.maxIndexInterval),
    memtable: memtable === null ? null : utf8Text(memtable),
    memtableFlushPeriodMs: integer('memtable_flush_period_in_ms', defaults.memtableFlushPeriodMs),
    minIndexInterval: integer('min_index_interval', defaults.minIndexInterval),
    readRepair: string('read_repair', defaults.readRepair),
    speculativeRetry: string('speculative_retry', defaults.speculativeRetry),
  }
}

const knownOptions: { bytes: Uint8Array; map: ReadonlyMap<string, string> }[] = []

/** A map of texts; nearly all tables have the same few, which are then one object. */
function options(bytes: Uint8Array): ReadonlyMap<string, string> {
  const seen = knownOptions.find((known) => bytesEqual(known.bytes, bytes))
  if (seen !== undefined) return seen.map
  const map = new Map(unpackMap(bytes).map(([name, value]) => [utf8Text(name), utf8Text(value)]))
  if (knownOptions.length < 16) knownOptions.push({ bytes: new Uint8Array(bytes), map })
  return map
}

function required(row: SchemaRow, name: string): Uint8Array {
  const value = row.values.get(name) ?? null
  if (value === null) {
    const key = [row.key, ...row.clustering].map(utf8Text).join('.')
    throw new ConfigurationError(`system_schema.${row.table} has no ${name} for ${key}`)
  }
  return value
}

function text(row: SchemaRow, name: string): string {
  return utf8Text(required(row, name))
}
