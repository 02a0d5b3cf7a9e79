/** One snapshot of the whole schema: immutable, so that whoever holds it sees one state (`DistributedSchema`). */

import type { TableMetadata } from '../model/table.ts'
import type { KeyspaceMetadata } from './keyspace.ts'
import { schemaVersion } from './version.ts'

export class Schema {
  readonly keyspaces: ReadonlyMap<string, KeyspaceMetadata>
  #version: string | null = null
  #byId: Map<string, TableMetadata> | null = null
  #byHandle: Map<number, TableMetadata> | null = null

  constructor(keyspaces: Iterable<KeyspaceMetadata> = []) {
    this.keyspaces = new Map([...keyspaces].map((keyspace) => [keyspace.name, keyspace]))
  }

  /** UUID that is equal where the schemas are, but for the keyspaces that each node has to itself. */
  get version(): string {
    this.#version ??= schemaVersion(this.keyspaces.values())
    return this.#version
  }

  keyspace(name: string): KeyspaceMetadata | null {
    return this.keyspaces.get(name) ?? null
  }

  table(keyspace: string, name: string): TableMetadata | null {
    return this.keyspaces.get(keyspace)?.tables.get(name) ?? null
  }

  /** By UUID as text. */
  tableById(id: string): TableMetadata | null {
    this.#byId ??= new Map([...this.tables()].map((table) => [table.id, table]))
    return this.#byId.get(id) ?? null
  }

  tableByHandle(handle: number): TableMetadata | null {
    this.#byHandle ??= new Map([...this.tables()].map((table) => [table.handle, table]))
    return this.#byHandle.get(handle) ?? null
  }

  *tables(): Generator<TableMetadata> {
    for (const keyspace of this.keyspaces.values()) yield* keyspace.tables.values()
  }

  /** With a keyspace added, or in the place of the one of its name. */
  withKeyspace(keyspace: KeyspaceMetadata): Schema {
    return new Schema(new Map(this.keyspaces).set(keyspace.name, keyspace).values())
  }

  withoutKeyspace(name: string): Schema {
    return new Schema([...this.keyspaces.values()].filter((keyspace) => keyspace.name !== name))
  }
}
