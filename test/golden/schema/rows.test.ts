import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import {
  type KeyspaceMetadata,
  type SchemaRow,
  type SchemaTable,
  schemaFromRows,
  schemaRows,
  systemKeyspaces,
} from '../../../src/schema/index.ts'

/** Rows of system_schema as Cassandra stores them: hex, the key first. */
interface Stored {
  readonly columns: readonly { readonly name: string }[]
  readonly rows: readonly (readonly (string | null)[])[]
}

const KEY_LENGTHS = { keyspaces: 1, tables: 2, columns: 3, types: 2, dropped_columns: 3 } as const

type Table = keyof typeof KEY_LENGTHS

function load(name: string): Stored {
  const bytes = readFileSync(new URL(name, import.meta.url))
  return JSON.parse((name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString()) as Stored
}

function hex(bytes: Uint8Array | null | undefined): string | null {
  return bytes === null || bytes === undefined ? null : Buffer.from(bytes).toString('hex')
}

function bytes(text: string | null): Uint8Array | null {
  return text === null ? null : new Uint8Array(Buffer.from(text, 'hex'))
}

/** Our rows of one table in the form of the stored ones. */
function rowsOf(keyspaces: readonly KeyspaceMetadata[], table: Table, stored: Stored): (string | null)[][] {
  const names = stored.columns.slice(KEY_LENGTHS[table]).map((column) => column.name)
  return keyspaces
    .flatMap(schemaRows)
    .filter((row) => row.table === table)
    .map((row) => [
      hex(row.key),
      ...row.clustering.map(hex),
      ...names.map((name) => hex(row.values.get(name))),
    ])
    .sort()
}

function sorted(stored: Stored): (string | null)[][] {
  return stored.rows.map((row) => [...row]).sort()
}

describe('built-in keyspaces', () => {
  const keyspaces = systemKeyspaces()
  const real = keyspaces.filter((keyspace) => !keyspace.isVirtual)
  const virtual = keyspaces.filter((keyspace) => keyspace.isVirtual)

  test.each([
    ['keyspaces', 'system/keyspaces.json'],
    ['tables', 'system/tables.json.gz'],
    ['columns', 'system/columns.json.gz'],
    ['dropped_columns', 'system/dropped_columns.json'],
  ] as const)('%s', (table, file) => {
    const stored = load(file)
    expect(rowsOf(real, table, stored)).toEqual(sorted(stored))
  })

  test('virtual columns', () => {
    const stored = load('system/virtual_columns.json.gz')
    expect(rowsOf(virtual, 'columns', stored)).toEqual(sorted(stored))
  })

  test('virtual tables', () => {
    const stored = load('system/virtual_tables.json')
    const tables = virtual.flatMap((keyspace) => [...keyspace.tables.values()])
    const found = tables.map(({ keyspace, name, params }) =>
      [keyspace, name, params.comment].map((part) => hex(Buffer.from(part))),
    )
    expect(found.sort()).toEqual(sorted(stored))
  })
})

describe('a keyspace read from system_schema', () => {
  const tables = Object.keys(KEY_LENGTHS) as Table[]
  const stored = new Map(tables.map((table) => [table, load(`user/${table}.json`)]))
  const rows: SchemaRow[] = tables.flatMap((table) => {
    const length = KEY_LENGTHS[table]
    const { columns, rows } = stored.get(table)!
    return rows.map((row) => ({
      table: table as SchemaTable,
      key: bytes(row[0])!,
      clustering: row.slice(1, length).map((part) => bytes(part)!),
      values: new Map(columns.slice(length).map(({ name }, i) => [name, bytes(row[i + length])])),
    }))
  })
  const keyspaces = schemaFromRows([...rows].reverse())

  test.each(tables)('%s', (table) => {
    const { columns, rows } = stored.get(table)!
    // Views come later: their columns stand there without a table.
    const own = rows.filter(
      (row) => table !== 'columns' || keyspaces[0].tables.has(Buffer.from(row[1]!, 'hex').toString()),
    )
    expect(rowsOf(keyspaces, table, { columns, rows })).toEqual(sorted({ columns, rows: own }))
  })
})
