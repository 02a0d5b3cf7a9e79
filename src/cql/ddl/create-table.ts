/** CREATE TABLE and DROP TABLE. */

import {
  AlreadyExistsError,
  ConfigurationError,
  InvalidRequestError,
  ServerError,
} from '../../common/errors.ts'
import type { TableFlag, TableMetadata } from '../../model/table.ts'
import {
  type ColumnSpec,
  compareNames,
  createTableMetadata,
  isSystemKeyspace,
  isValidCharsName,
  type KeyspaceMetadata,
  referencesDuration,
  type Schema,
  TABLE_NAME_LENGTH,
  withoutTable,
  withTable,
} from '../../schema/index.ts'
import { type CqlType, native, reversed } from '../../types/index.ts'
import { ensureEnabled, guardMaximum } from '../guardrails/guardrails.ts'
import type { CreateTableStatement, DropTableStatement, PrimaryKey, RawType } from '../raw/index.ts'
import { keyspaceOf, resolvedTypeText, resolveType } from '../types.ts'
import type { Execution } from './context.ts'
import { guardColumnsPerTable, guardType } from './guardrails.ts'
import { identifierOrder, listText } from './java.ts'
import {
  type Applied,
  changed,
  existingKeyspace,
  refuseSystemKeyspace,
  tableChange,
  tableText,
  unchanged,
  validateKeyspaceName,
} from './outcome.ts'
import { TableAttributes, validateTableParams } from './table-attributes.ts'
import { notSupported } from './unsupported.ts'

export function createTable(schema: Schema, statement: CreateTableStatement, execution: Execution): Applied {
  const keyspaceName = keyspaceOf(statement.table, execution.keyspace)
  const { name } = statement.table
  const shown = statement.table.keyspace === null ? name : `${keyspaceName}.${name}`
  const primaryKey = onlyPrimaryKey(statement, shown)
  refuseSystemKeyspace(keyspaceName, 'CREATE', `<all tables in ${keyspaceName}>`)
  const attributes = new TableAttributes(statement.properties, execution)
  validateEarly(schema, statement, keyspaceName, attributes, execution)
  validateKeyspaceName(keyspaceName)
  const keyspace = existingKeyspace(schema, keyspaceName)
  if (keyspace.tables.has(name)) {
    if (statement.ifNotExists) return unchanged(schema)
    throw new AlreadyExistsError(
      `Cannot add already existing table "${name}" to keyspace "${keyspaceName}"`,
      keyspaceName,
      name,
    )
  }
  attributes.validate()
  const { columns, flags } = buildColumns(
    statement,
    primaryKey,
    keyspace,
    attributes.newParams().defaultTimeToLive,
  )
  const params = attributes.newParams()
  const id = attributes.id() ?? execution.newId()
  const other = schema.tableById(id)
  if (other !== null) {
    throw new ServerError(
      `java.lang.IllegalArgumentException: Multiple entries with same key: ${id}=${keyspaceName}.${name} and ${id}=${tableText(other)}`,
    )
  }
  const table = createTableMetadata({ keyspace: keyspaceName, name, id, columns, params, flags })
  validateTable(table)
  attributes.guardCompression(params)
  attributes.warnOfUnified(params)
  const change = tableChange('CREATED', keyspaceName, name)
  return changed(schema.withKeyspace(withTable(keyspace, table)), change)
}

function onlyPrimaryKey(statement: CreateTableStatement, shown: string): PrimaryKey {
  const seen = new Set<string>()
  for (const { name } of statement.columns) {
    if (seen.has(name.text)) {
      throw new InvalidRequestError(`Duplicate column '${name.text}' declaration for table '${shown}'`)
    }
    seen.add(name.text)
  }
  if (statement.primaryKeys.length > 1) {
    throw new InvalidRequestError(
      `Multiple PRIMARY KEY specified for table '${shown}' (exactly one required)`,
    )
  }
  const [primaryKey] = statement.primaryKeys
  if (primaryKey !== undefined) return primaryKey
  throw new InvalidRequestError(`No PRIMARY KEY specifed for table '${shown}' (exactly one required)`)
}

/** `CreateTableStatement.validate`. */
function validateEarly(
  schema: Schema,
  statement: CreateTableStatement,
  keyspace: string,
  attributes: TableAttributes,
  execution: Execution,
): void {
  const { name } = statement.table
  const { guardrails } = execution.config
  attributes.guardProperties()
  guardColumnsPerTable(execution, statement.columns.length, name)
  if (guardrails.tables.warn >= 0 || guardrails.tables.fail >= 0) guardTables(schema, name, execution)
  if (statement.compactStorage) {
    const feature = 'Creation of new COMPACT STORAGE tables'
    ensureEnabled(execution, 'compact_tables', guardrails.compactTablesEnabled, feature)
  }
  attributes.guardTtl(keyspace)
  const types = new Map(statement.columns.map((column) => [column.name.text, column.type]))
  for (const column of identifierOrder(types.keys()))
    guardType(execution, types.get(column)!, `Column ${column}`)
  if (statement.columns.some((column) => column.mask !== null)) notSupported('Column masking')
}

function guardTables(schema: Schema, name: string, execution: Execution): void {
  const { guardrails } = execution.config
  const tables = [...schema.tables()].filter((table) => !isSystemKeyspace(table.keyspace)).length + 1
  guardMaximum(execution, 'tables', tables, guardrails.tables, (isWarning, threshold) =>
    isWarning
      ? `Creating table ${name}, current number of tables ${tables} exceeds warning threshold of ${threshold}.`
      : `Cannot have more than ${threshold} tables, aborting the creation of table ${name}`,
  )
}

interface Column {
  readonly raw: RawType
  readonly type: CqlType
}

/** `CreateTableStatement.builder`. */
function buildColumns(
  statement: CreateTableStatement,
  primaryKey: PrimaryKey,
  keyspace: KeyspaceMetadata,
  defaultTimeToLive: number,
): { columns: ColumnSpec[]; flags: ReadonlySet<TableFlag> } {
  const table = statement.table.name
  const columns = new Map<string, Column>()
  const statics = new Set<string>()
  const given = new Map(statement.columns.map((column) => [column.name.text, column]))
  for (const name of identifierOrder(given.keys())) {
    const column = given.get(name)!
    columns.set(name, { raw: column.type, type: resolveType(column.type, keyspace) })
    if (column.static) statics.add(name)
  }
  const ordered = [...columns.keys()].sort(compareNames)
  for (const name of ordered) {
    if (hasNestedMultiCell(columns.get(name)!.type)) {
      throw new InvalidRequestError('Non-frozen UDTs with nested non-frozen collections are not supported')
    }
  }
  const partitionKey = primaryKey.partitionKey.map((column) => column.text)
  const clustering = primaryKey.clustering.map((column) => column.text)
  checkPrimaryKey([...partitionKey, ...clustering], columns, statics, table, keyspace.name)
  const descending = checkClusteringOrder(statement, clustering)
  const others = ordered.filter((name) => !partitionKey.includes(name) && !clustering.includes(name))
  const otherTypes = others.map((name) => columns.get(name)!.type)
  if (statement.compactStorage) checkCompactStorage(clustering, statics, others, otherTypes)
  else if (clustering.length === 0 && statics.size > 0) {
    throw new InvalidRequestError(
      'Static columns are only useful (and thus allowed) if the table has at least one clustering column',
    )
  }
  const isCounter = statement.columns.some(({ type }) => type.kind === 'native' && type.name === 'counter')
  if (isCounter) {
    if (otherTypes.some((type) => type.kind !== 'counter')) {
      throw new InvalidRequestError('Cannot mix counter and non counter columns in the same table')
    }
    if (defaultTimeToLive > 0) {
      throw new InvalidRequestError('Cannot set default_time_to_live on a table with counters')
    }
  }
  const specs: ColumnSpec[] = partitionKey.map((name) => ({
    name,
    kind: 'partition_key',
    type: columns.get(name)!.type,
  }))
  for (const name of clustering) {
    const { type } = columns.get(name)!
    if (type.kind === 'counter') {
      throw new ServerError(
        `java.lang.IllegalArgumentException: ${type.className} cannot be used in comparisons, so cannot be used as a clustering column`,
      )
    }
    specs.push({ name, kind: 'clustering', type: descending.has(name) ? reversed(type) : type })
  }
  const isStaticCompact = statement.compactStorage && clustering.length === 0
  for (const name of others) {
    const kind = statics.has(name) || isStaticCompact ? 'static' : 'regular'
    specs.push({ name, kind, type: columns.get(name)!.type })
  }
  if (!statement.compactStorage) {
    return { columns: specs, flags: new Set(isCounter ? ['compound', 'counter'] : ['compound']) }
  }
  return compactTable(specs, clustering.length, isCounter)
}

/** A user type that is not frozen may not hold what is not frozen either. */
export function hasNestedMultiCell(type: CqlType): boolean {
  return type.kind === 'udt' && type.multiCell && type.fieldTypes.some((field) => field.multiCell)
}

function checkPrimaryKey(
  names: readonly string[],
  columns: ReadonlyMap<string, Column>,
  statics: ReadonlySet<string>,
  table: string,
  keyspace: string,
): void {
  const seen = new Set<string>()
  for (const name of names) {
    const column = columns.get(name)
    if (column === undefined) {
      throw new InvalidRequestError(`Unknown column '${name}' referenced in PRIMARY KEY for table '${table}'`)
    }
    if (seen.has(name)) {
      throw new InvalidRequestError(`Duplicate column '${name}' in PRIMARY KEY clause for table '${table}'`)
    }
    seen.add(name)
    const { type } = column
    if (type.multiCell) {
      const kind = type.kind === 'udt' ? 'user-defined' : 'collection'
      const text = resolvedTypeText(column.raw, type, keyspace)
      throw new InvalidRequestError(
        `Invalid non-frozen ${kind} type ${text} for PRIMARY KEY column '${name}'`,
      )
    }
    if (type.kind === 'counter') {
      throw new InvalidRequestError(`counter type is not supported for PRIMARY KEY column '${name}'`)
    }
    if (referencesDuration(type)) {
      throw new InvalidRequestError(`duration type is not supported for PRIMARY KEY column '${name}'`)
    }
    if (statics.has(name)) {
      throw new InvalidRequestError(`Static column '${name}' cannot be part of the PRIMARY KEY`)
    }
  }
}

/** Returns the clustering columns in descending order. */
function checkClusteringOrder(statement: CreateTableStatement, clustering: readonly string[]): Set<string> {
  const given = statement.clusteringOrder.map(({ column }) => column.text)
  const others = given.filter((name) => !clustering.includes(name))
  if (others.length > 0) {
    throw new InvalidRequestError(
      `Only clustering key columns can be defined in CLUSTERING ORDER directive: ${listText(others)} are not clustering columns`,
    )
  }
  for (const [i, name] of given.entries()) {
    const expected = clustering[i]
    if (name === expected) continue
    if (given.includes(expected)) {
      throw new InvalidRequestError(
        `The order of columns in the CLUSTERING ORDER directive must match that of the clustering columns (${expected} must appear before ${name})`,
      )
    }
    throw new InvalidRequestError(`Missing CLUSTERING ORDER for column ${expected}`)
  }
  return new Set(
    statement.clusteringOrder
      .filter(({ direction }) => direction === 'DESC')
      .map(({ column }) => column.text),
  )
}

/** What tables of Thrift's time could not have. */
function checkCompactStorage(
  clustering: readonly string[],
  statics: ReadonlySet<string>,
  others: readonly string[],
  otherTypes: readonly CqlType[],
): void {
  if (otherTypes.some((type) => type.multiCell)) {
    throw new InvalidRequestError('Non-frozen collections and UDTs are not supported with COMPACT STORAGE')
  }
  if (statics.size > 0) {
    throw new InvalidRequestError('Static columns are not supported in COMPACT STORAGE tables')
  }
  if (clustering.length === 0) {
    if (others.length === 0)
      throw new InvalidRequestError('No definition found that is not part of the PRIMARY KEY')
  } else if (others.length > 1) {
    throw new InvalidRequestError(
      `COMPACT STORAGE with composite PRIMARY KEY allows no more than one column not part of the PRIMARY KEY (got: ${others.join(', ')})`,
    )
  }
}

/** Gives a compact table the clustering and value column that it has without naming them (`fixupCompactTable`). */
function compactTable(
  specs: ColumnSpec[],
  clusterings: number,
  isCounter: boolean,
): { columns: ColumnSpec[]; flags: ReadonlySet<TableFlag> } {
  const flags = new Set<TableFlag>()
  if (clusterings > 1) flags.add('compound')
  if (clusterings > 0) flags.add('dense')
  if (isCounter) flags.add('counter')
  const used = new Set(specs.map(({ name }) => name))
  if (clusterings === 0) {
    specs.push({ name: freeName(used, 'column', 1), kind: 'clustering', type: native.text })
    const value = isCounter ? native.counter : native.blob
    specs.push({ name: freeName(used, 'value', 0), kind: 'regular', type: value })
  } else if (!specs.some(({ kind }) => kind === 'regular')) {
    specs.push({ name: freeName(used, 'value', 0), kind: 'regular', type: native.empty })
  }
  return { columns: specs, flags }
}

/** `column1`, `column2`, ...; `value`, `value1`, ... */
function freeName(used: ReadonlySet<string>, base: string, first: number): string {
  for (let i = first; ; i++) {
    const name = i === 0 ? base : `${base}${i}`
    if (!used.has(name)) return name
  }
}

/** `TableMetadata.validate`. */
export function validateTable(table: TableMetadata): void {
  const refuse = (text: string): never => {
    throw new ConfigurationError(`${table.keyspace}.${table.name}: ${text}`)
  }
  if (!isValidCharsName(table.name)) {
    refuse(
      `Table name must not be empty or not contain non-alphanumeric-underscore characters (got "${table.name}")`,
    )
  }
  if (table.name.length > TABLE_NAME_LENGTH) {
    refuse(
      `Table name must not be more than ${TABLE_NAME_LENGTH} characters long (got ${table.name.length} characters for "${table.name}")`,
    )
  }
  validateTableParams(table.params)
  for (const column of [...table.statics, ...table.regulars]) {
    if (table.isCounter && column.type.kind !== 'counter' && column.name !== '') {
      refuse(`Cannot have a non counter column ("${column.name}") in a counter table`)
    }
    if (!table.isCounter && column.type.kind === 'counter') {
      refuse(`Cannot have a counter column ("${column.name}") in a non counter table`)
    }
  }
}

export function dropTable(schema: Schema, statement: DropTableStatement, execution: Execution): Applied {
  const keyspaceName = keyspaceOf(statement.table, execution.keyspace)
  const { name } = statement.table
  refuseSystemKeyspace(keyspaceName, 'DROP', `<table ${keyspaceName}.${name}>`)
  validateKeyspaceName(keyspaceName)
  const { dropTruncateTableEnabled } = execution.config.guardrails
  const feature = 'DROP and TRUNCATE TABLE functionality'
  ensureEnabled(execution, 'drop_truncate_table_enabled', dropTruncateTableEnabled, feature)
  const keyspace = schema.keyspace(keyspaceName)
  const table = keyspace?.tables.get(name)
  if (keyspace === null || table === undefined) {
    if (statement.ifExists) return unchanged(schema)
    throw new InvalidRequestError(`Table '${keyspaceName}.${name}' doesn't exist`)
  }
  const change = tableChange('DROPPED', keyspaceName, name)
  return changed(schema.withKeyspace(withoutTable(keyspace, name)), change, [change], [table])
}
