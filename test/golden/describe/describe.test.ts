import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { parseUuid } from '../../../src/common/uuid.ts'
import type { QueryResult } from '../../../src/model/query-result.ts'
import type { Database } from '../../../src/node/database.ts'
import { boundValues, Client, openNode, refusal, valuesOf } from './client.ts'

/** What Apache Cassandra 5.0.6 answered (record.py). */
interface Recorded {
  readonly cql: string
  readonly error?: readonly [code: string, message: string]
  readonly columns?: readonly string[]
  readonly metadataId?: string
  readonly preparedColumns?: number
  readonly rows?: readonly (readonly unknown[])[]
}

interface Page {
  readonly rows: number
  readonly state: string | null
}

interface Pages {
  readonly pages: readonly {
    readonly version: number
    readonly cql: string
    readonly size: number
    readonly pages: readonly Page[]
  }[]
  readonly states: readonly (Partial<Page> & {
    readonly key: string
    readonly error?: readonly [code: string, message: string]
  })[]
  readonly changed: readonly [code: string, message: string]
}

function load<T>(name: string): T {
  const bytes = readFileSync(new URL(name, import.meta.url))
  return JSON.parse((name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString()) as T
}

let database: Database
beforeEach(async () => {
  database = await openNode({ clusterName: 'desc' })
})
afterEach(() => database.close())

/** Of a node's ranges the recording has how many endpoints they have. */
function recordedValue(value: unknown): unknown {
  if (!(value instanceof Map)) return value
  return [...new Set([...value.values()].map((endpoints: readonly string[]) => endpoints.length))].sort()
}

async function ask(client: Client, v5: Client, line: string): Promise<Partial<Recorded> & { result: QueryResult }> {
  const [, word = '', rest = line] = /^(PREPARE|KEYSPACE \w+|VALUES \d+|BATCH) (.*)$/.exec(line) ?? []
  const [kind, argument = ''] = word.split(' ')
  switch (kind) {
    case 'PREPARE': {
      const { result, preparedColumns } = await v5.prepared(rest)
      const metadataId =
        result.kind === 'rows' && result.metadataChanged === true
          ? { metadataId: Buffer.from(result.metadata.id).toString('hex') }
          : {}
      return { result, preparedColumns, ...metadataId }
    }
    case 'KEYSPACE':
      return { result: await v5.query(rest, { keyspace: argument }) }
    case 'VALUES':
      return { result: await client.query(rest, { values: boundValues(Number(argument)) }) }
    case 'BATCH':
      return { result: await client.batch(rest) }
    default:
      return { result: await client.query(rest) }
  }
}

/** As CQL's native protocol names types. */
function typeName(name: string): string {
  const thawed = name.replace(/frozen<(.*)>/, '$1')
  return thawed === name ? name.replaceAll('text', 'varchar') : typeName(thawed)
}

async function answer(client: Client, v5: Client, cql: string): Promise<Recorded> {
  try {
    const { result, ...told } = await ask(client, v5, cql)
    if (result.kind !== 'rows') return { cql }
    const { columns } = result.metadata
    for (const column of columns) expect(`${column.keyspace}.${column.table}`).toBe('system.describe')
    return {
      cql,
      columns: columns.map(({ name, type }) => `${name} ${typeName(type.cqlName)}`),
      ...told,
      rows: valuesOf(result).map((row) => row.map(recordedValue)),
    }
  } catch (error) {
    return { cql, error: refusal(error) }
  }
}

/** What Sibyl says where Cassandra says otherwise, by section and in each of its answers; docs/compatibility.md says why. */
const DIFFERENCES: Readonly<Record<string, readonly [cassandra: string, sibyl: string]>> = {
  'dropped between milliseconds': ['1600000000123456', '1600000000123000'],
  'dropped vectors of user types': ['vector<frozen<u>, 2>', 'vector<frozen<tuple<int, text>>, 2>'],
}

describe('DESCRIBE as Cassandra answers it', () => {
  const golden = load<Record<string, Recorded[]>>('describe.json.gz')

  test.each(Object.keys(DIFFERENCES))('what differs: %s', (section) => {
    expect(JSON.stringify(golden[section])).toContain(DIFFERENCES[section]![0])
  })

  test.each(Object.entries(golden))('%s', async (section, recorded) => {
    const [theirs, ours] = DIFFERENCES[section] ?? ['', '']
    const client = new Client(database)
    const v5 = new Client(database, 5)
    for (const expected of recorded) {
      const found = await answer(client, v5, expected.cql)
      const rows = expected.rows?.map((row) =>
        row.map((value) => (typeof value === 'string' && theirs !== '' ? value.replaceAll(theirs, ours) : value)),
      )
      // One statement at a time, so that a difference in a large schema is shown small.
      expect(found, expected.cql).toEqual(rows === undefined ? expected : { ...expected, rows })
    }
  })
})

test('the index of a built-in table stands in system_schema', async () => {
  const className = 'org.apache.cassandra.service.paxos.uncommitted.PaxosUncommittedIndex'
  expect(await new Client(database).rows('SELECT * FROM system_schema.indexes')).toEqual([
    [
      'system',
      'paxos',
      'PaxosUncommittedIndex',
      'CUSTOM',
      new Map([
        ['class_name', className],
        ['target', ''],
      ]),
    ],
  ])
})

describe('pages of DESCRIBE', () => {
  const golden = load<Pages>('pages.json')
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

  beforeEach(async () => {
    const client = new Client(database)
    await client.query("CREATE KEYSPACE dg WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
    for (let i = 0; i < 5; i++) await client.query(`CREATE TABLE dg.t${i} (k int PRIMARY KEY)`)
  })

  const version = (): string => hex(parseUuid(database.schema.current.version)!)

  async function page(client: Client, cql: string, size: number, state: Uint8Array | null): Promise<Page> {
    const result = await client.query(cql, { pageSize: size, pagingState: state })
    if (result.kind !== 'rows') throw new Error('no rows')
    const next = result.pagingState === null ? null : hex(result.pagingState).replace(version(), 'VERSION')
    return { rows: result.rowCount, state: next }
  }

  test.each(golden.pages)('v$version: $cql by $size', async ({ version: protocol, cql, size, pages }) => {
    const client = new Client(database, protocol)
    let state: Uint8Array | null = null
    for (const expected of pages) {
      const found: Page = await page(client, cql, size, state)
      expect(found).toEqual(expected)
      state = found.state === null ? null : Buffer.from(found.state.replace('VERSION', version()), 'hex')
    }
    expect(state).toBeNull()
  })

  test.each(golden.states)('a state with the key $key', async ({ key, error, ...expected }) => {
    const raw = Buffer.from(key.replace('VERSION', version()), 'hex')
    const state = Buffer.concat([Uint8Array.of(raw.length), raw, Uint8Array.of(0, 1, 1)])
    const found = page(new Client(database), 'DESCRIBE KEYSPACE dg', 2, state)
    if (error === undefined) expect(await found).toEqual(expected)
    else expect(await found.catch(refusal)).toEqual(error)
  })

  test('a schema that changed between two pages', async () => {
    const client = new Client(database)
    const first = await client.query('DESCRIBE KEYSPACE dg', { pageSize: 2 })
    if (first.kind !== 'rows') throw new Error('no rows')
    await client.query('CREATE TABLE dg.t9 (k int PRIMARY KEY)')
    const second = page(client, 'DESCRIBE KEYSPACE dg', 2, first.pagingState)
    expect(await second.catch(refusal)).toEqual(golden.changed)
  })
})
