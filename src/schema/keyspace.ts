/** A keyspace as one schema snapshot has it; immutable (`KeyspaceMetadata`). */

import type { TableMetadata } from '../model/table.ts'
import type { UserType } from '../types/index.ts'
import { isVirtualKeyspace } from './names.ts'

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
    tables: new Map([...tables].map((table) => [table.name, table])),
    types: new Map([...types].map((type) => [type.name, type])),
    isVirtual: isVirtualKeyspace(name),
  }
}

export function withParams(keyspace: KeyspaceMetadata, params: KeyspaceParams): KeyspaceMetadata {
  return { ...keyspace, params }
}

/** With a table added, or in the place of the one of its name. */
export function withTable(keyspace: KeyspaceMetadata, table: TableMetadata): KeyspaceMetadata {
  return { ...keyspace, tables: new Map(keyspace.tables).set(table.name, table) }
}

export function withoutTable(keyspace: KeyspaceMetadata, name: string): KeyspaceMetadata {
  const tables = new Map(keyspace.tables)
  tables.delete(name)
  return { ...keyspace, tables }
}

export function withType(keyspace: KeyspaceMetadata, type: UserType): KeyspaceMetadata {
  return { ...keyspace, types: new Map(keyspace.types).set(type.name, type) }
}

export function withoutType(keyspace: KeyspaceMetadata, name: string): KeyspaceMetadata {
  const types = new Map(keyspace.types)
  types.delete(name)
  return { ...keyspace, types }
}
