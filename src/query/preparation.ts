import { InvalidRequestError } from '../common/errors.ts'
import { prepareBatch } from '../cql/modify/batch.ts'
import { prepareModification } from '../cql/modify/modification.ts'
import { parse } from '../cql/parser.ts'
import type * as raw from '../cql/raw/index.ts'
import { partitionKeyBindIndexes } from '../cql/restrictions/index.ts'
import { prepareSelect } from '../cql/select/index.ts'
import type { PrepareContext } from '../cql/term.ts'
import { resolveType } from '../cql/types.ts'
import type { ColumnSpecification } from '../model/query-result.ts'
import type { TableMetadata } from '../model/table.ts'
import type { Schema } from '../schema/index.ts'
import type { PreparedStatement } from './prepared-statements.ts'

/**
 * Parses a statement and prepares it against a schema, unqualified names in `keyspace`. Throws Cassandra's SyntaxErrors and
 * InvalidRequestErrors (`QueryProcessor.getStatement`).
 */
export function prepareStatement(
  text: string,
  keyspace: string | null,
  schema: Schema,
  nowMillis: number,
  onParsed: (() => void) | null = null,
): PreparedStatement {
  const { statement, bindMarkers } = parse(text)
  onParsed?.()
  const markers: (ColumnSpecification | undefined)[] = new Array(bindMarkers.length).fill(undefined)
  const tables: TableMetadata[] = []
  let fullyQualified = true
  const qualified = (name: raw.QualifiedName): TableMetadata => {
    if (name.keyspace === null) fullyQualified = false
    const table = tableOf(schema, name, keyspace)
    if (!tables.includes(table)) tables.push(table)
    return table
  }
  const contextFor = (table: TableMetadata): PrepareContext => ({
    keyspace: table.keyspace,
    table,
    markers,
    nowMillis,
    resolveType: (type) => resolveType(type, schema.keyspace(table.keyspace)!),
  })
  let executable: PreparedStatement['executable']
  let result: PreparedStatement['result'] = null
  let pkIndexes: readonly number[] = []
  switch (statement.kind) {
    case 'select': {
      const table = qualified(statement.table)
      const select = prepareSelect(statement, table, contextFor(table))
      executable = select
      result = select.resultMetadata
      pkIndexes = select.pkIndexes
      break
    }
    case 'insert':
    case 'insertJson':
    case 'update':
    case 'delete': {
      const table = qualified(statement.table)
      executable = prepareModification(statement, table, contextFor(table))
      pkIndexes = partitionKeyBindIndexes(table, markers)
      break
    }
    case 'batch':
      executable = prepareBatch(statement, qualified, contextFor)
      // Places in several tables would route a batch nowhere.
      if (tables.length === 1) pkIndexes = partitionKeyBindIndexes(tables[0], markers)
      break
    case 'describe':
      // Its columns come with its rows alone, and it counts as unqualified even where it names a keyspace.
      fullyQualified = false
      executable = { kind: 'describe', raw: statement }
      break
    case 'truncate':
      if (statement.table.keyspace === null) fullyQualified = false
      executable = { kind: 'other', raw: statement }
      break
    default:
      // Neither USE nor DDL counts as qualified (`QualifiedStatement`).
      fullyQualified = false
      executable = { kind: 'other', raw: statement }
  }
  const columns = markers.map((marker, index) => {
    if (marker === undefined) throw new InvalidRequestError(`Invalid bind marker ${index}`)
    const name = bindMarkers[index]
    return name == null ? marker : { ...marker, name }
  })
  return {
    executable,
    bind: { columns, pkIndexes },
    markerNames: columns.map((column) => column.name),
    result,
    fullyQualified,
    tables,
    query: text,
    keyspace,
  }
}

/** The table of that name. Throws an InvalidRequestError where there is none. */
export function tableOf(schema: Schema, name: raw.QualifiedName, keyspace: string | null): TableMetadata {
  const keyspaceName = name.keyspace ?? keyspace
  if (keyspaceName === null) {
    throw new InvalidRequestError(
      'No keyspace has been specified. USE a keyspace, or explicitly specify keyspace.tablename',
    )
  }
  const found = schema.keyspaces.get(keyspaceName)
  if (found === undefined) throw new InvalidRequestError(`keyspace ${keyspaceName} does not exist`)
  if (name.name === '') throw new InvalidRequestError('non-empty table is required')
  const table = found.tables.get(name.name)
  if (table === undefined) throw new InvalidRequestError(`table ${name.name} does not exist`)
  return table
}
