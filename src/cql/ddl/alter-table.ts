/** ALTER TABLE. */

import { InvalidRequestError, ServerError } from '../../common/errors.ts'
import type { DroppedColumn, TableMetadata } from '../../model/table.ts'
import {
  type ColumnSpec,
  expandUserTypes,
  type KeyspaceMetadata,
  type Schema,
  sameTable,
  type TableChanges,
  alterTable as withChanges,
  withTable,
} from '../../schema/index.ts'
import { type CqlType, isSerializationCompatible, maybeQuote } from '../../types/index.ts'
import { ensureEnabled } from '../guardrails/guardrails.ts'
import type { AlterTableStatement, ColumnDefinition, TableAlteration } from '../raw/index.ts'
import { keyspaceOf, resolveType } from '../types.ts'
import type { Execution } from './context.ts'
import { hasNestedMultiCell, validateTable } from './create-table.ts'
import { guardColumnsPerTable, guardType } from './guardrails.ts'
import { identifierOrder } from './java.ts'
import {
  type Applied,
  changed,
  refuseSystemKeyspace,
  tableChange,
  tableText,
  unchanged,
  validateKeyspaceName,
} from './outcome.ts'
import { TableAttributes } from './table-attributes.ts'
import { notSupported } from './unsupported.ts'

type Alteration<K extends TableAlteration['kind']> = Extract<TableAlteration, { kind: K }>

export function alterTable(schema: Schema, statement: AlterTableStatement, execution: Execution): Applied {
  const keyspaceName = keyspaceOf(statement.table, execution.keyspace)
  const { name } = statement.table
  const { alteration } = statement
  refuseSystemKeyspace(keyspaceName, 'ALTER', `<table ${keyspaceName}.${name}>`)
  const attributes =
    alteration.kind === 'properties' ? new TableAttributes(alteration.properties, execution) : null
  attributes?.guardProperties()
  attributes?.guardTtl(keyspaceName)
  if (alteration.kind === 'add') {
    for (const column of alteration.columns) guardType(execution, column.type, `Column ${column.name.text}`)
  }
  if (alteration.kind === 'mask') notSupported('Column masking')
  validateKeyspaceName(keyspaceName)
  const keyspace = schema.keyspace(keyspaceName)
  const table = keyspace?.tables.get(name)
  if (keyspace === null || table === undefined) {
    if (statement.ifExists) return unchanged(schema)
    throw new InvalidRequestError(`Table '${keyspaceName}.${name}' doesn't exist`)
  }
  const altered = apply(alteration, table, keyspace, attributes, execution)
  if (sameTable(altered, table)) return unchanged(schema)
  return changed(
    schema.withKeyspace(withTable(keyspace, altered)),
    tableChange('UPDATED', keyspaceName, name),
  )
}

function apply(
  alteration: TableAlteration,
  table: TableMetadata,
  keyspace: KeyspaceMetadata,
  attributes: TableAttributes | null,
  execution: Execution,
): TableMetadata {
  switch (alteration.kind) {
    case 'alterType':
      throw new InvalidRequestError('Altering column types is no longer supported')
    case 'mask':
      return notSupported('Column masking')
    case 'add':
      return addColumns(alteration, table, keyspace, execution)
    case 'drop':
      return dropColumns(alteration, table, execution)
    case 'rename':
      return renameColumns(alteration, table, execution)
    case 'dropCompactStorage':
      return dropCompactStorage(table, execution)
    case 'properties':
      return alterOptions(table, attributes!)
  }
}

function guardAlterTable(execution: Execution): void {
  const { alterTableEnabled } = execution.config.guardrails
  ensureEnabled(execution, 'alter_table', alterTableEnabled, 'ALTER TABLE changing columns')
}

function addColumns(
  { columns, ifColumnNotExists }: Alteration<'add'>,
  table: TableMetadata,
  keyspace: KeyspaceMetadata,
  execution: Execution,
): TableMetadata {
  guardAlterTable(execution)
  const added = new Map<string, ColumnSpec>()
  for (const column of columns) {
    const name = column.name.text
    const type = resolveType(column.type, keyspace)
    if (column.mask !== null) notSupported('Column masking')
    if (table.columns.has(name) || added.has(name)) {
      if (ifColumnNotExists) continue
      throw new InvalidRequestError(`Column with name '${name}' already exists`)
    }
    checkAddedColumn(column, type, table)
    added.set(name, { name, kind: column.static ? 'static' : 'regular', type })
  }
  guardColumnsPerTable(execution, table.columns.size + added.size, table.name)
  if (added.size === 0) return table
  const altered = withChanges(table, { add: [...added.values()] })
  validateTable(altered)
  return altered
}

function checkAddedColumn(column: ColumnDefinition, type: CqlType, table: TableMetadata): void {
  const name = column.name.text
  if (table.isCompactTable) throw new InvalidRequestError('Cannot add new column to a COMPACT STORAGE table')
  if (column.static && table.clusterings.length === 0) {
    throw new InvalidRequestError(
      'Static columns are only useful (and thus allowed) if the table has at least one clustering column',
    )
  }
  if (hasNestedMultiCell(type)) {
    throw new InvalidRequestError(
      `Non-frozen UDTs with nested non-frozen collections are not supported for column ${name}`,
    )
  }
  const dropped = table.dropped.get(name)
  if (dropped === undefined) return
  if (!isSerializationCompatible(type, dropped.type)) {
    throw new InvalidRequestError(
      `Cannot re-add previously dropped column '${name}' of type ${type.cqlName}, incompatible with previous type ${dropped.type.cqlName}`,
    )
  }
  const kind = column.static ? 'static' : 'regular'
  if (dropped.kind !== kind) {
    throw new InvalidRequestError(
      `Cannot re-add previously dropped column '${name}' of kind ${kind.toUpperCase()}, incompatible with previous kind ${dropped.kind.toUpperCase()}`,
    )
  }
  if (table.isCounter)
    throw new InvalidRequestError(`Cannot re-add previously dropped counter column ${name}`)
}

function dropColumns(
  { columns, ifColumnExists, timestamp }: Alteration<'drop'>,
  table: TableMetadata,
  execution: Execution,
): TableMetadata {
  guardAlterTable(execution)
  // system_schema keeps milliseconds, and what it keeps must hold before a restart as after it. All that was written
  // until now is to be gone: whoever executes this gives no timestamps after it that are not greater.
  const micros = timestamp === null ? execution.nowMicros + 999n : BigInt(timestamp)
  const drop: DroppedColumn[] = []
  for (const name of identifierOrder(columns.map((column) => column.text))) {
    const column = table.columns.get(name)
    if (column === undefined) {
      if (ifColumnExists) continue
      throw new InvalidRequestError(`Column ${name} was not found in table '${tableText(table)}'`)
    }
    const { kind, type } = column
    // Cassandra's own schema checks fail on a compact table without its value.
    if (column === table.compactValue) throw new ServerError('java.lang.AssertionError')
    if (kind !== 'static' && kind !== 'regular') {
      throw new InvalidRequestError(`Cannot drop PRIMARY KEY column ${name}`)
    }
    if (type.kind === 'udt' && type.multiCell) {
      throw new InvalidRequestError(`Cannot drop non-frozen column ${name} of user type ${type.cqlName}`)
    }
    const droppedTimeMicros = (micros / 1000n) * 1000n
    drop.push({ name, kind, type: expandUserTypes(type), droppedTimeMicros })
  }
  return drop.length === 0 ? table : withChanges(table, { drop })
}

function renameColumns(
  { renames }: Alteration<'rename'>,
  table: TableMetadata,
  execution: Execution,
): TableMetadata {
  guardAlterTable(execution)
  const rename = new Map<string, string>()
  const taken = new Set<string>()
  for (const [from, to] of renames) rename.set(from.text, to.text)
  for (const from of identifierOrder(rename.keys())) {
    const to = rename.get(from)!
    const column = table.columns.get(from)
    // IF EXISTS makes no difference: Cassandra's quirk.
    if (column === undefined || table.hidden.has(column)) {
      throw new InvalidRequestError(`Undefined column name ${maybeQuote(from)} in table ${tableText(table)}`)
    }
    if (column.kind !== 'partition_key' && column.kind !== 'clustering') {
      throw new InvalidRequestError(`Cannot rename non PRIMARY KEY column ${from}`)
    }
    if (table.columns.has(to)) {
      throw new InvalidRequestError(
        `Cannot rename column ${from} to ${to} in table '${tableText(table)}'; another column with that name already exists`,
      )
    }
    if (taken.has(to)) throw new ServerError('java.lang.IllegalArgumentException')
    taken.add(to)
  }
  return withChanges(table, { rename })
}

function dropCompactStorage(table: TableMetadata, execution: Execution): TableMetadata {
  if (!execution.config.dropCompactStorageEnabled) {
    throw new InvalidRequestError('DROP COMPACT STORAGE is disabled. Enable in cassandra.yaml to use.')
  }
  if (!table.isCompactTable) {
    throw new InvalidRequestError('Cannot DROP COMPACT STORAGE on table without COMPACT STORAGE')
  }
  const flags: TableChanges['flags'] = new Set(table.isCounter ? ['compound', 'counter'] : ['compound'])
  return withChanges(table, { flags })
}

function alterOptions(table: TableMetadata, attributes: TableAttributes): TableMetadata {
  attributes.validate()
  const params = attributes.alteredParams(table.params)
  if (table.isCounter && params.defaultTimeToLive > 0) {
    throw new InvalidRequestError('Cannot set default_time_to_live on a table with counters')
  }
  attributes.guardCompression(params)
  attributes.warnOfUnified(params)
  return withChanges(table, { params })
}
