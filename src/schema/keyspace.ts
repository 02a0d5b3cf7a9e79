/** A keyspace as one schema snapshot has it; immutable (`KeyspaceMetadata`). */

import type { TableMetadata } from '../model/table.ts'
import type { UserType } from '../types/index.ts'
import { compareNames, isVirtualKeyspace } from './names.ts'

/** `replication` holds `class` with its full Java name, as system_schema.keyspaces does. */
export interface KeyspaceParams {
  readonly durableWrites: boolean
  readonly replication: ReadonlyMap<string, string>
}

export interface KeyspaceMetadata {
  readonly name: string
  readonly params: KeyspaceParams
  readonly tables: ReadonlyMap<string, TableMetadata>
  /** User types by name, none of them frozen. */
  readonly types: ReadonlyMap<string, UserType>
  readonly isVirtual: boolean
}

export function createKeyspaceMetadata(
  name: string,
  params: KeyspaceParams,
  tables: Iterable<TableMetadata> = [],
  types: Iterable<UserType> = [],
): KeyspaceMetadata {
  return {
    name,
    params,
    tables: byName(tables),
    types: byName(types),
    isVirtual: isVirtualKeyspace(name),
  }
}

/** In the order of their names, as they come out of system_schema. */
function byName<T extends { readonly name: string }>(values: Iterable<T>): ReadonlyMap<string, T> {
  const sorted = [...values].sort((a, b) => compareNames(a.name, b.name))
  return new Map(sorted.map((value) => [value.name, value]))
}

/** With a value added in its place, or in the place of the one of its name. */
function put<T extends { readonly name: string }>(
  values: ReadonlyMap<string, T>,
  value: T,
): ReadonlyMap<string, T> {
  return values.has(value.name) ? new Map(values).set(value.name, value) : byName([...values.values(), value])
}

export function withParams(keyspace: KeyspaceMetadata, params: KeyspaceParams): KeyspaceMetadata {
  return { ...keyspace, params }
}

/** With a table added, or in the place of the one of its name. */
export function withTable(keyspace: KeyspaceMetadata, table: TableMetadata): KeyspaceMetadata {
  return { ...keyspace, tables: put(keyspace.tables, table) }
}

export function withoutTable(keyspace: KeyspaceMetadata, name: string): KeyspaceMetadata {
  const tables = new Map(keyspace.tables)
  tables.delete(name)
  return { ...keyspace, tables }
}

export function withType(keyspace: KeyspaceMetadata, type: UserType): KeyspaceMetadata {
  return { ...keyspace, types: put(keyspace.types, type) }
}

export function withoutType(keyspace: KeyspaceMetadata, name: string): KeyspaceMetadata {
  const types = new Map(keyspace.types)
  types.delete(name)
  return { ...keyspace, types }
}
