/** The schema's version: an MD5 over the rows of system_schema, whose parts are kept so that DDL stays cheap. */

import { int32Bytes, utf8Bytes } from '../common/bytes.ts'
import { parseUuid } from '../common/uuid.ts'
import type { TableMetadata } from '../model/table.ts'
import { md5, nameUuid } from './digest.ts'
import type { KeyspaceMetadata } from './keyspace.ts'
import { compareNames, isLocalSystemKeyspace, isSystemKeyspace } from './names.ts'
import type { SchemaRow } from './schema-row.ts'
import { schemaRows, tableRows } from './schema-rows.ts'

const tableDigests = new WeakMap<TableMetadata, Uint8Array>()
const keyspaceDigests = new WeakMap<KeyspaceMetadata, Uint8Array>()

const NULL = new Uint8Array([0xff])

/** The digest of rows, whatever their order: each as its parts with their lengths. */
function digestRows(rows: readonly SchemaRow[]): Uint8Array {
  return md5(Buffer.concat(rows.map(rowBytes).sort(Buffer.compare)))
}

function rowBytes(row: SchemaRow): Buffer {
  const parts: Uint8Array[] = [utf8Bytes(row.table), row.key, ...row.clustering]
  for (const [name, value] of row.values) parts.push(utf8Bytes(name), value ?? NULL)
  return Buffer.concat(parts.flatMap((part) => [int32Bytes(part.length), part]))
}

/** Nobody can alter a built-in table: its id stands for it, which keeps the start of a server short. */
function tableDigest(table: TableMetadata): Uint8Array {
  if (isSystemKeyspace(table.keyspace)) return parseUuid(table.id)!
  let digest = tableDigests.get(table)
  if (digest === undefined) {
    digest = digestRows(tableRows(table))
    tableDigests.set(table, digest)
  }
  return digest
}

function keyspaceDigest(keyspace: KeyspaceMetadata): Uint8Array {
  let digest = keyspaceDigests.get(keyspace)
  if (digest === undefined) {
    const own = digestRows(schemaRows({ ...keyspace, tables: new Map() }))
    const names = [...keyspace.tables.keys()].sort(compareNames)
    digest = md5(own, ...names.map((name) => tableDigest(keyspace.tables.get(name)!)))
    keyspaceDigests.set(keyspace, digest)
  }
  return digest
}

/** Local and virtual keyspaces don't count: they are every node's own. */
export function schemaVersion(keyspaces: Iterable<KeyspaceMetadata>): string {
  const shared = [...keyspaces].filter(({ name }) => !isLocalSystemKeyspace(name))
  shared.sort((a, b) => compareNames(a.name, b.name))
  return nameUuid(Buffer.concat(shared.map(keyspaceDigest)))
}
