/** What the driver learns of the schema: metadata, events, and statements prepared before a change. */

import cassandra from 'cassandra-driver'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { plain, refusal, sleep, useSession } from '../harness.ts'

const db = useSession('schema', [
  'CREATE TYPE address (street text, zip int, phones frozen<list<text>>)',
  `CREATE TABLE everything (p1 int, p2 text, c1 timestamp, c2 uuid, s int static, l list<text>, f frozen<map<text, int>>,
     a frozen<address>, t tuple<int, text>, PRIMARY KEY ((p1, p2), c1, c2))
     WITH CLUSTERING ORDER BY (c1 DESC, c2 ASC) AND comment = 'all of it' AND gc_grace_seconds = 1234
     AND default_time_to_live = 99 AND bloom_filter_fp_chance = 0.1
     AND caching = {'keys': 'NONE', 'rows_per_partition': '10'}
     AND compaction = {'class': 'LeveledCompactionStrategy', 'sstable_size_in_mb': '100'}
     AND compression = {'class': 'SnappyCompressor', 'chunk_length_in_kb': '64'}`,
  'CREATE TABLE "QuotedName" ("Key" int PRIMARY KEY, "a ""b""" text)',
  'CREATE TABLE counted (k int PRIMARY KEY, n counter)',
])

interface Column {
  readonly name: string
  readonly type: { readonly code: number; readonly info: unknown }
}

/** The driver's declarations leave out some of what its metadata holds. */
interface Table {
  readonly name: string
  readonly columns: readonly Column[]
  readonly partitionKeys: readonly Column[]
  readonly clusteringKeys: readonly Column[]
  readonly clusteringOrder: readonly string[]
  readonly comment: string
  readonly gcGraceSeconds: number
  readonly defaultTtl: number
  readonly bloomFilterFalsePositiveChance: number
  readonly caching: unknown
  readonly compactionClass: string
  readonly compactionOptions: unknown
  readonly compression: unknown
  readonly isCompact: boolean
  readonly virtual: boolean
}

async function table(name: string, client = db.client): Promise<Table> {
  return (await client.metadata.getTable(db.keyspace, name)) as unknown as Table
}

const names = (columns: readonly Column[]) => columns.map((column) => column.name)

/** Waits until it is true: events take their time. */
async function until(what: () => boolean | Promise<boolean>): Promise<void> {
  for (let waited = 0; waited < 10_000; waited += 50) {
    if (await what()) return
    await sleep(50)
  }
  throw new Error('waited in vain')
}

describe('metadata', () => {
  test('a table with everything', async () => {
    const found = await table('everything')
    expect(names(found.partitionKeys)).toEqual(['p1', 'p2'])
    expect(names(found.clusteringKeys)).toEqual(['c1', 'c2'])
    expect(found.clusteringOrder).toEqual(['DESC', 'ASC'])
    expect(names(found.columns).sort()).toEqual(['a', 'c1', 'c2', 'f', 'l', 'p1', 'p2', 's', 't'])
    expect(found.comment).toBe('all of it')
    expect(found.gcGraceSeconds).toBe(1234)
    expect(found.defaultTtl).toBe(99)
    expect(found.bloomFilterFalsePositiveChance).toBe(0.1)
    expect(found.caching).toBe('{"keys":"NONE","rows_per_partition":"10"}')
    expect(found.compactionClass).toBe('org.apache.cassandra.db.compaction.LeveledCompactionStrategy')
    expect(plain(found.compactionOptions)).toEqual({
      max_threshold: '32',
      min_threshold: '4',
      sstable_size_in_mb: '100',
    })
    expect(plain(found.compression)).toEqual({
      class: 'org.apache.cassandra.io.compress.SnappyCompressor',
      chunk_length_in_kb: '64',
    })
    expect(found.virtual).toBe(false)
  })

  test('the types of its columns', async () => {
    const { dataTypes } = cassandra.types
    const byName = Object.fromEntries(
      (await table('everything')).columns.map((column) => [column.name, column.type]),
    )
    expect(byName['p1'].code).toBe(dataTypes.int)
    expect(byName['p2'].code).toBe(dataTypes.text)
    expect(byName['c1'].code).toBe(dataTypes.timestamp)
    expect(byName['l'].code).toBe(dataTypes.list)
    expect(byName['f'].code).toBe(dataTypes.map)
    expect(byName['a'].code).toBe(dataTypes.udt)
    expect(byName['t'].code).toBe(dataTypes.tuple)
  })

  test('names that need quotes', async () => {
    const found = await table('QuotedName')
    expect(names(found.partitionKeys)).toEqual(['Key'])
    expect(names(found.columns).sort()).toEqual(['Key', 'a "b"'])
  })

  test('a user-defined type', async () => {
    const type = (await db.client.metadata.getUdt(db.keyspace, 'address')) as unknown as {
      name: string
      fields: Column[]
    }
    expect(type.name).toBe('address')
    expect(type.fields.map((field) => field.name)).toEqual(['street', 'zip', 'phones'])
  })

  test('the keyspace, its strategy and the token map', async () => {
    await db.client.metadata.refreshKeyspace(db.keyspace)
    const keyspace = db.client.metadata.keyspaces[db.keyspace] as unknown as {
      strategy: string
      strategyOptions: Record<string, string>
      durableWrites: boolean
    }
    expect(keyspace.strategy).toBe('org.apache.cassandra.locator.SimpleStrategy')
    expect(keyspace.strategyOptions['replication_factor']).toBe('1')
    expect(keyspace.durableWrites).toBe(true)
    expect(db.client.metadata.getReplicas(db.keyspace, Buffer.from([0, 0, 0, 1])).length).toBe(1)
    expect(db.client.metadata.getTokenRanges().size).toBeGreaterThan(0)
  })

  test('what is not there is null', async () => {
    expect(await table('no_such_table')).toBeNull()
    expect(await db.client.metadata.getUdt(db.keyspace, 'no_such_type')).toBeNull()
  })

  test('the tables of the system keyspaces are described too', async () => {
    const local = (await db.client.metadata.getTable('system', 'local')) as unknown as Table
    expect(names(local.partitionKeys)).toEqual(['key'])
    expect(names(local.columns)).toContain('schema_version')
    const columns = (await db.client.metadata.getTable('system_schema', 'columns')) as unknown as Table
    expect(names(columns.clusteringKeys)).toEqual(['table_name', 'column_name'])
  })

  test('system_schema has the rows of a table, default options and all', async () => {
    const result = await db.run(
      'SELECT * FROM system_schema.tables WHERE keyspace_name = ? AND table_name = ?',
      [db.keyspace, 'QuotedName'],
    )
    const row = Object.fromEntries(
      result
        .first()
        .keys()
        .map((name) => [name, plain(result.first().get(name))]),
    )
    const { id, ...rest } = row
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-1/)
    expect(rest).toEqual({
      keyspace_name: db.keyspace,
      table_name: 'QuotedName',
      additional_write_policy: '99p',
      allow_auto_snapshot: null,
      bloom_filter_fp_chance: 0.01,
      caching: { keys: 'ALL', rows_per_partition: 'NONE' },
      cdc: null,
      comment: '',
      compaction: {
        class: 'org.apache.cassandra.db.compaction.SizeTieredCompactionStrategy',
        max_threshold: '32',
        min_threshold: '4',
      },
      compression: { chunk_length_in_kb: '16', class: 'org.apache.cassandra.io.compress.LZ4Compressor' },
      crc_check_chance: 1,
      dclocal_read_repair_chance: 0,
      default_time_to_live: 0,
      extensions: {},
      flags: ['compound'],
      gc_grace_seconds: 864000,
      incremental_backups: null,
      max_index_interval: 2048,
      memtable: null,
      memtable_flush_period_in_ms: 0,
      min_index_interval: 128,
      read_repair: 'BLOCKING',
      read_repair_chance: 0,
      speculative_retry: '99p',
    })
    const columns = await db.rows(
      'SELECT column_name, clustering_order, kind, position, type FROM system_schema.columns WHERE keyspace_name = ? AND table_name = ?',
      [db.keyspace, 'everything'],
    )
    expect(columns).toEqual([
      ['a', 'none', 'regular', -1, 'frozen<address>'],
      ['c1', 'desc', 'clustering', 0, 'timestamp'],
      ['c2', 'asc', 'clustering', 1, 'uuid'],
      ['f', 'none', 'regular', -1, 'frozen<map<text, int>>'],
      ['l', 'none', 'regular', -1, 'list<text>'],
      ['p1', 'none', 'partition_key', 0, 'int'],
      ['p2', 'none', 'partition_key', 1, 'text'],
      ['s', 'none', 'static', -1, 'int'],
      ['t', 'none', 'regular', -1, 'frozen<tuple<int, text>>'],
    ])
    expect(
      await db.rows(
        'SELECT type_name, field_names, field_types FROM system_schema.types WHERE keyspace_name = ?',
        [db.keyspace],
      ),
    ).toEqual([['address', ['street', 'zip', 'phones'], ['text', 'int', 'frozen<list<text>>']]])
    const [[flags]] = await db.rows(
      "SELECT flags FROM system_schema.tables WHERE keyspace_name = ? AND table_name = 'counted'",
      [db.keyspace],
    )
    expect(flags).toEqual(['compound', 'counter'])
  })
})

describe('events: one client changes the schema, another hears of it', () => {
  let other: cassandra.Client

  beforeAll(async () => {
    other = new cassandra.Client(db.options())
    await other.connect()
  })
  afterAll(() => other.shutdown())

  test('a table is created, altered and dropped', async () => {
    expect(await table('heard', other)).toBeNull()
    await db.run('CREATE TABLE heard (k int PRIMARY KEY, v int)')
    await until(async () => (await table('heard', other)) !== null)
    await db.run('ALTER TABLE heard ADD w text')
    await until(async () => names((await table('heard', other)).columns).includes('w'))
    await db.run('DROP TABLE heard')
    await until(async () => (await table('heard', other)) === null)
  })

  test('a type is created, altered and dropped', async () => {
    const fields = async () =>
      (
        (await other.metadata.getUdt(db.keyspace, 'heard_type')) as unknown as { fields: Column[] } | null
      )?.fields.map((field) => field.name)
    expect(await fields()).toBeUndefined()
    await db.run('CREATE TYPE heard_type (a int)')
    await until(async () => (await fields()) !== undefined)
    await db.run('ALTER TYPE heard_type ADD b int')
    await until(async () => (await fields())?.join() === 'a,b')
    await db.run('DROP TYPE heard_type')
    await until(async () => (await fields()) === undefined)
  })

  test('a keyspace is created, altered and dropped', async () => {
    const name = 'compat_schema_heard'
    await db.run(`DROP KEYSPACE IF EXISTS ${name}`)
    await db.run(
      `CREATE KEYSPACE ${name} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`,
    )
    await until(() => name in other.metadata.keyspaces)
    await db.run(`ALTER KEYSPACE ${name} WITH durable_writes = false`)
    await until(
      () => (other.metadata.keyspaces[name] as unknown as { durableWrites: boolean }).durableWrites === false,
    )
    await db.run(`DROP KEYSPACE ${name}`)
    await until(() => !(name in other.metadata.keyspaces))
  })
})

describe('prepared statements over a change of the schema', () => {
  test('a column is added: the driver prepares anew by itself, and SELECT * shows it', async () => {
    await db.run('CREATE TABLE altered (k int PRIMARY KEY, v int)')
    const select = 'SELECT * FROM altered WHERE k = ?'
    const insert = 'INSERT INTO altered (k, v) VALUES (?, ?)'
    await db.run(insert, [1, 10])
    expect(await db.rows(select, [1])).toEqual([[1, 10]])
    await db.run('ALTER TABLE altered ADD w text')
    await db.run(insert, [2, 20])
    expect(await db.rows('SELECT k, v, w FROM altered WHERE k = ?', [2])).toEqual([[2, 20, null]])
    const row = (await db.run(select, [1])).first()
    expect([row.k, row.v]).toEqual([1, 10])
  })

  // The driver can't prepare these again, and then shows the first error: the id, an MD5 of keyspace and text.
  test('a column is dropped: what names it is refused, what does not goes on', async () => {
    await db.run('CREATE TABLE shrunk (k int PRIMARY KEY, v int, w int)')
    await db.run('INSERT INTO shrunk (k, v, w) VALUES (?, ?, ?)', [1, 10, 100])
    expect(await db.rows('SELECT v FROM shrunk WHERE k = ?', [1])).toEqual([[10]])
    await db.run('ALTER TABLE shrunk DROP w')
    expect(await db.rows('SELECT v FROM shrunk WHERE k = ?', [1])).toEqual([[10]])
    expect(await refusal(db.run('INSERT INTO shrunk (k, v, w) VALUES (?, ?, ?)', [2, 20, 200]))).toMatch(
      /^0x2500 Prepared query with ID f683b5fb32a9a1f8036f498236db9960 not found \(either the query was not prepared/,
    )
  })

  test('a table is dropped and created again under prepared statements', async () => {
    await db.run('CREATE TABLE replaced (k int PRIMARY KEY, v int)')
    await db.run('INSERT INTO replaced (k, v) VALUES (?, ?)', [1, 1])
    await db.run('DROP TABLE replaced')
    expect(await refusal(db.run('INSERT INTO replaced (k, v) VALUES (?, ?)', [1, 1]))).toMatch(
      /^0x2500 Prepared query with ID 1cccc6e64922413ee79535744e313e36 not found/,
    )
    await db.run('CREATE TABLE replaced (k int PRIMARY KEY, v int)')
    await db.run('INSERT INTO replaced (k, v) VALUES (?, ?)', [2, 2])
    expect(await db.rows('SELECT k, v FROM replaced')).toEqual([[2, 2]])
  })

  test('another client changes it in the meantime', async () => {
    await db.run('CREATE TABLE elsewhere (k int PRIMARY KEY, v int)')
    const other = new cassandra.Client(db.options())
    const insert = 'INSERT INTO elsewhere (k, v) VALUES (?, ?)'
    await other.execute(insert, [1, 1], { prepare: true })
    for (let n = 2; n < 6; n++) {
      await db.run(`ALTER TABLE elsewhere ADD v${n} int`)
      await other.execute(insert, [n, n], { prepare: true })
    }
    await other.shutdown()
    expect((await db.rows('SELECT k FROM elsewhere')).flat().sort()).toEqual([1, 2, 3, 4, 5])
  })
})
