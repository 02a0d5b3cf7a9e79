/** The built-in keyspaces. They are hardcoded, as in Cassandra: no node reads them from its own system_schema. */

import type { TableMetadata, TableParams } from '../../model/table.ts'
import { type CqlType, native, nativeByName, parseCqlTypeName, reversed } from '../../types/index.ts'
import { systemTableId } from '../digest.ts'
import { createKeyspaceMetadata, type KeyspaceMetadata } from '../keyspace.ts'
import { type ColumnSpec, createTableMetadata } from '../table-builder.ts'
import { COMPACTION_PACKAGE, LOCATOR_PACKAGE } from '../table-params.ts'
import type { KeyspaceDefinition, TableDefinition } from './definition.ts'
import { SYSTEM_KEYSPACES } from './system-tables.ts'
import { SYSTEM_VIEWS_TABLES, SYSTEM_VIRTUAL_SCHEMA_TABLES } from './virtual-tables.ts'

const NO_TYPES = new Map()

/** Few types make all the columns: each is parsed once. */
const parsed = new Map<string, CqlType>()

function parseType(name: string): CqlType {
  let type = nativeByName(name) ?? parsed.get(name)
  if (type === undefined) parsed.set(name, (type = parseCqlTypeName(name, NO_TYPES)))
  return type
}

const DESCENDING = ' DESC'

function parseColumns(kind: ColumnSpec['kind'], text: string | undefined, into: ColumnSpec[]): void {
  if (text === undefined) return
  for (const part of text.split(';')) {
    const column = part.trim()
    const space = column.indexOf(' ')
    const descending = column.endsWith(DESCENDING)
    const typeName = column.slice(space + 1, descending ? -DESCENDING.length : undefined)
    const type = parseType(typeName)
    into.push({ name: column.slice(0, space), kind, type: descending ? reversed(type) : type })
  }
}

/** What definitions say of columns, which is the same for each server of a process. */
const columnsOfDefinitions = new WeakMap<TableDefinition, readonly ColumnSpec[]>()

function columnsOf(table: TableDefinition): readonly ColumnSpec[] {
  let columns = columnsOfDefinitions.get(table)
  if (columns !== undefined) return columns
  const parsed: ColumnSpec[] = []
  parseColumns('partition_key', table.key, parsed)
  parseColumns('clustering', table.clustering, parsed)
  parseColumns('static', table.statics, parsed)
  parseColumns('regular', table.columns, parsed)
  columnsOfDefinitions.set(table, (columns = parsed))
  return columns
}

function buildTable(keyspace: string, table: TableDefinition, defaults: Partial<TableParams>): TableMetadata {
  const params: { -readonly [K in keyof TableParams]?: TableParams[K] } = { ...defaults }
  if (table.comment !== undefined) params.comment = table.comment
  if (table.gcGraceSeconds !== undefined) params.gcGraceSeconds = table.gcGraceSeconds
  if (table.defaultTimeToLive !== undefined) params.defaultTimeToLive = table.defaultTimeToLive
  if (table.memtableFlushPeriodMs !== undefined) params.memtableFlushPeriodMs = table.memtableFlushPeriodMs
  if (table.compaction !== undefined) {
    const { class: simpleName, ...options } = table.compaction
    params.compaction = new Map([['class', COMPACTION_PACKAGE + simpleName], ...Object.entries(options)])
  }
  return createTableMetadata({
    keyspace,
    name: table.name,
    id: systemTableId(keyspace, table.name),
    columns: columnsOf(table),
    params,
    dropped: keyspace === 'system' && table.name === 'local' ? [THRIFT_VERSION] : [],
  })
}

/** A column of system.local before 4.0 (`recordDeprecatedSystemColumn`): whatever its cells' time, they are gone. */
const THRIFT_VERSION = {
  name: 'thrift_version',
  kind: 'regular',
  type: native.text,
  droppedTimeMicros: 0x7fffffffffffffffn,
} as const

function buildKeyspace(definition: KeyspaceDefinition): KeyspaceMetadata {
  const { name, replication, gcGraceSeconds, memtableFlushPeriodMs } = definition
  const { class: simpleName, ...options } = replication
  return createKeyspaceMetadata(
    name,
    {
      durableWrites: true,
      replication: new Map([['class', LOCATOR_PACKAGE + simpleName], ...Object.entries(options)]),
    },
    definition.tables.map((table) => buildTable(name, table, { gcGraceSeconds, memtableFlushPeriodMs })),
  )
}

function buildVirtualKeyspace(name: string, tables: readonly TableDefinition[]): KeyspaceMetadata {
  const params = { durableWrites: true, replication: new Map([['class', `${LOCATOR_PACKAGE}LocalStrategy`]]) }
  return createKeyspaceMetadata(
    name,
    params,
    tables.map((table) => buildTable(name, table, {})),
  )
}

/**
 * All built-in keyspaces, built anew for each server so that two in one process have different handles. `replicated`
 * ones may stand in system_schema as altered by users: those rows count then.
 */
export function systemKeyspaces(): KeyspaceMetadata[] {
  return [
    ...SYSTEM_KEYSPACES.map(buildKeyspace),
    buildVirtualKeyspace('system_views', SYSTEM_VIEWS_TABLES),
    buildVirtualKeyspace('system_virtual_schema', SYSTEM_VIRTUAL_SCHEMA_TABLES),
  ]
}
