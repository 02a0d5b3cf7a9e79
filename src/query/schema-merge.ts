/** What came of rows of system_schema that another node wrote. */

import type { SchemaChange } from '../model/query-result.ts'
import type { TableMetadata } from '../model/table.ts'
import {
  createKeyspaceMetadata,
  type KeyspaceMetadata,
  type Schema,
  sameTable,
  withoutTable,
  withTable,
} from '../schema/index.ts'
import type { UserType } from '../types/index.ts'

/**
 * `fresh`, which was read from rows again, with what has not changed since `before` as it was: statements that were prepared
 * against it stay good. `before` itself where nothing has changed.
 */
export function withUnchanged(before: KeyspaceMetadata | null, fresh: KeyspaceMetadata): KeyspaceMetadata {
  if (before === null) return fresh
  const hasOldTypes = sameTypes(before.types, fresh.types)
  const tables = [...fresh.tables.values()].map((table) => unchangedTable(before, table))
  const params = sameParams(before.params, fresh.params) ? before.params : fresh.params
  const types = hasOldTypes ? before.types : fresh.types
  const isWhole = tables.length === before.tables.size && tables.every((table) => isIn(before, table))
  if (isWhole && params === before.params && types === before.types) return before
  const keyspace = createKeyspaceMetadata(fresh.name, params, tables, types.values())
  return {
    ...keyspace,
    types: hasOldTypes ? before.types : keyspace.types,
    tables: isWhole ? before.tables : keyspace.tables,
  }
}

/** The table as it was, where it is no other. */
function unchangedTable(before: KeyspaceMetadata, table: TableMetadata): TableMetadata {
  const old = before.tables.get(table.name)
  const isKept = old?.id === table.id && sameTable(old, table) && sameColumnTypes(old, table)
  return isKept ? old : table
}

/** `before` with those tables as `fresh` has them, which need have no others. `before` itself where nothing has changed. */
export function withFreshTables(
  before: KeyspaceMetadata,
  fresh: KeyspaceMetadata,
  names: Iterable<string>,
): KeyspaceMetadata {
  let after = before
  for (const name of names) {
    const read = fresh.tables.get(name)
    if (read === undefined) {
      if (after.tables.has(name)) after = withoutTable(after, name)
      continue
    }
    const table = unchangedTable(before, read)
    if (after.tables.get(name) !== table) after = withTable(after, table)
  }
  return after
}

function isIn(keyspace: KeyspaceMetadata, table: TableMetadata): boolean {
  return keyspace.tables.get(table.name) === table
}

function sameParams(a: KeyspaceMetadata['params'], b: KeyspaceMetadata['params']): boolean {
  if (a.durableWrites !== b.durableWrites || a.replication.size !== b.replication.size) return false
  for (const [name, value] of a.replication) if (b.replication.get(name) !== value) return false
  return true
}

function sameTypes(a: ReadonlyMap<string, UserType>, b: ReadonlyMap<string, UserType>): boolean {
  return a.size === b.size && [...a].every(([name, type]) => sameType(type, b.get(name)))
}

/** The class names of user types have all of their fields in them, and of user types in these. */
function sameType(a: UserType, b: UserType | undefined): boolean {
  return a.className === b?.className
}

function sameColumnTypes(a: TableMetadata, b: TableMetadata): boolean {
  return [...b.columns.values()].every(
    ({ name, type }) => type.className === a.columns.get(name)?.type.className,
  )
}

/**
 * What clients are told of the difference, in Cassandra's order (`SchemaChangeNotifier`): of a keyspace what was dropped,
 * created and altered.
 */
export function changesBetween(before: Schema, after: Schema): SchemaChange[] {
  const names = new Set([...before.keyspaces.keys(), ...after.keyspaces.keys()])
  return [...names].flatMap((name) => keyspaceChanges(name, before.keyspace(name), after.keyspace(name)))
}

function keyspaceChanges(
  keyspace: string,
  before: KeyspaceMetadata | null,
  after: KeyspaceMetadata | null,
): SchemaChange[] {
  if (before === after) return []
  const change = (
    kind: SchemaChange['change'],
    target: SchemaChange['target'],
    name: string,
  ): SchemaChange => ({ change: kind, target, keyspace, name })
  if (before === null) {
    return [
      change('CREATED', 'KEYSPACE', ''),
      ...[...after!.types.keys()].map((name) => change('CREATED', 'TYPE', name)),
      ...[...after!.tables.keys()].map((name) => change('CREATED', 'TABLE', name)),
    ]
  }
  if (after === null) {
    return [
      ...[...before.tables.keys()].map((name) => change('DROPPED', 'TABLE', name)),
      ...[...before.types.keys()].map((name) => change('DROPPED', 'TYPE', name)),
      change('DROPPED', 'KEYSPACE', ''),
    ]
  }
  const tables = [...after.tables.values()]
  const idBefore = (name: string): string | undefined => before.tables.get(name)?.id
  return [
    ...[...before.tables.values()]
      .filter(({ name, id }) => after.tables.get(name)?.id !== id)
      .map(({ name }) => change('DROPPED', 'TABLE', name)),
    ...[...before.types.keys()]
      .filter((name) => !after.types.has(name))
      .map((name) => change('DROPPED', 'TYPE', name)),
    ...[...after.types.keys()]
      .filter((name) => !before.types.has(name))
      .map((name) => change('CREATED', 'TYPE', name)),
    ...tables
      .filter(({ name, id }) => idBefore(name) !== id)
      .map(({ name }) => change('CREATED', 'TABLE', name)),
    ...(before.params === after.params ? [] : [change('UPDATED', 'KEYSPACE', '')]),
    ...[...after.types]
      .filter(([name, type]) => before.types.has(name) && !sameType(type, before.types.get(name)))
      .map(([name]) => change('UPDATED', 'TYPE', name)),
    ...tables
      .filter((table) => idBefore(table.name) === table.id && !isIn(before, table))
      .map(({ name }) => change('UPDATED', 'TABLE', name)),
  ]
}
