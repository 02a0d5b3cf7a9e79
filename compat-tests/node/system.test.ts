/**
 * What clients ask of the system tables when they connect, read the schema or show it: the Node driver's statements word
 * for word, of the others the tables, columns and forms that they use. Names and types of the columns of each answer, or
 * the error, are recorded from Cassandra.
 */

import { resolve } from 'node:path'
import { types } from 'cassandra-driver'
import { describe, expect, test } from 'vitest'
import { useGolden } from '../golden.ts'
import { useSession } from '../harness.ts'

const golden = useGolden(resolve(import.meta.dirname, 'system.golden.json'))
const db = useSession('system', [
  "CREATE TABLE tweets (user text, id timeuuid, body text, tags set<text>, PRIMARY KEY (user, id)) WITH CLUSTERING ORDER BY (id DESC) AND comment = 'what people say'",
  'CREATE TYPE address (street text, number int)',
])

interface Question {
  readonly query: string
  readonly params?: readonly unknown[]
}

const ask = (query: string, ...params: readonly unknown[]): Question =>
  params.length === 0 ? { query } : { query, params }

/** `name type` of each column; a custom type with its class. */
function columnsOf(result: types.ResultSet): string[] {
  return result.columns.map(({ name, type }) => `${name} ${typeText(type)}`)
}

interface DriverType {
  readonly code: number
  readonly info?: unknown
}

const TYPE_NAMES = new Map(Object.entries(types.dataTypes).map(([name, code]) => [code as unknown, name]))

function typeText({ code, info }: DriverType): string {
  const name = TYPE_NAMES.get(code) ?? String(code)
  if (info === null || info === undefined) return name
  const inner = Array.isArray(info) ? info : [info]
  return `${name}<${inner.map((type) => (typeof type === 'string' ? type : typeText(type as DriverType))).join(', ')}>`
}

const KEYSPACE = 'compat_system'
const LOCAL_COLUMNS = 'key, cluster_name, data_center, rack, tokens, host_id, schema_version, rpc_address'

const CLIENTS: Readonly<Record<string, readonly Question[]>> = {
  'nodejs-driver': [
    ask("SELECT * FROM system.local WHERE key='local'"),
    ask('SELECT * FROM system.peers'),
    ask('SELECT schema_version FROM system.local'),
    ask('SELECT schema_version FROM system.peers'),
    ask('SELECT * FROM system_schema.keyspaces'),
    ask("SELECT * FROM system_schema.keyspaces where keyspace_name = 'compat_system'"),
    ask("SELECT * FROM system_schema.tables WHERE keyspace_name='compat_system' AND table_name='tweets'"),
    ask("SELECT * FROM system_schema.columns WHERE keyspace_name='compat_system' AND table_name='tweets'"),
    ask("SELECT * FROM system_schema.indexes WHERE keyspace_name='compat_system' AND table_name='tweets'"),
    ask("SELECT * FROM system_schema.types WHERE keyspace_name='compat_system' AND type_name='address'"),
    ask("SELECT * FROM system_schema.views WHERE keyspace_name='compat_system' AND view_name='tweets'"),
    ask(
      "SELECT keyspace_name, function_name, argument_names, argument_types, body, called_on_null_input, language, return_type FROM system_schema.functions WHERE keyspace_name = 'compat_system' AND function_name = 'f'",
    ),
    ask(
      "SELECT * FROM system_schema.functions WHERE keyspace_name = 'compat_system' AND function_name = 'f'",
    ),
    ask(
      "SELECT * FROM system_schema.aggregates WHERE keyspace_name = 'compat_system' AND aggregate_name = 'a'",
    ),
    ask("SELECT * FROM system_virtual_schema.keyspaces where keyspace_name = 'system_views'"),
    ask('SELECT * FROM system_virtual_schema.keyspaces'),
    ask(
      "SELECT * FROM system_virtual_schema.tables where keyspace_name = 'system_views' and table_name='clients'",
    ),
    ask(
      "SELECT * FROM system_virtual_schema.columns where keyspace_name = 'system_views' and table_name='clients'",
    ),
    ask('SELECT * FROM system_traces.sessions WHERE session_id=?', types.Uuid.random()),
    ask('SELECT * FROM system_traces.events WHERE session_id=?', types.Uuid.random()),
  ],
  'java-driver': [
    ask('SELECT cluster_name FROM system.local'),
    ask('SELECT * FROM system.local'),
    ask('SELECT * FROM system.peers_v2'),
    ask('SELECT host_id, schema_version FROM system.peers'),
    ask("SELECT schema_version FROM system.local WHERE key='local'"),
    ask('SELECT * FROM system_schema.tables'),
    ask('SELECT * FROM system_schema.columns'),
    ask('SELECT * FROM system_schema.types'),
    ask('SELECT * FROM system_schema.functions'),
    ask('SELECT * FROM system_schema.aggregates'),
    ask('SELECT * FROM system_schema.views'),
    ask('SELECT * FROM system_schema.indexes'),
    ask('SELECT * FROM system_schema.dropped_columns'),
    ask('SELECT * FROM system_schema.edges_is_not_there'),
    ask("SELECT * FROM system_schema.tables WHERE keyspace_name IN ('compat_system')"),
    ask('SELECT * FROM system_virtual_schema.tables'),
    ask('SELECT * FROM system_virtual_schema.columns'),
    ask('SELECT prepared_id, query_string FROM system.prepared_statements'),
  ],
  'python-driver': [
    ask('SELECT * FROM system.peers_v2'),
    ask("SELECT * FROM system.local WHERE key='local'"),
    ask(`SELECT ${LOCAL_COLUMNS} FROM system.local WHERE key='local'`),
    ask(
      'SELECT peer, data_center, host_id, rack, release_version, rpc_address, schema_version, tokens FROM system.peers',
    ),
    ask('SELECT host_id, peer, peer_port, rpc_address_is_not_there FROM system.peers_v2'),
    ask(
      'SELECT peer, peer_port, native_address, native_port, host_id, release_version, schema_version FROM system.peers_v2',
    ),
    ask("SELECT schema_version FROM system.local WHERE key='local'"),
    ask('SELECT * FROM system_schema.triggers'),
    ask('SELECT * FROM system_schema.column_masks'),
    ask(
      "SELECT * FROM system_schema.triggers WHERE keyspace_name = 'compat_system' AND table_name = 'tweets'",
    ),
    ask(
      'SELECT request, duration, started_at, coordinator, parameters, client FROM system_traces.sessions WHERE session_id = ?',
      types.Uuid.random(),
    ),
    ask(
      'SELECT activity, event_id, source, source_elapsed, thread FROM system_traces.events WHERE session_id = ?',
      types.Uuid.random(),
    ),
  ],
  gocql: [
    ask("SELECT * FROM system.local WHERE key='local'"),
    ask('SELECT * FROM system.peers_v2'),
    ask('SELECT durable_writes, replication FROM system_schema.keyspaces WHERE keyspace_name = ?', KEYSPACE),
    ask('SELECT table_name FROM system_schema.tables WHERE keyspace_name = ?', KEYSPACE),
    ask(
      'SELECT table_name, column_name, clustering_order, type, kind, position FROM system_schema.columns WHERE keyspace_name = ?',
      KEYSPACE,
    ),
    ask(
      'SELECT type_name, field_names, field_types FROM system_schema.types WHERE keyspace_name = ?',
      KEYSPACE,
    ),
    ask(
      'SELECT function_name, argument_types, argument_names, body, called_on_null_input, language, return_type FROM system_schema.functions WHERE keyspace_name = ?',
      KEYSPACE,
    ),
    ask(
      'SELECT aggregate_name, argument_types, state_func, state_type, final_func, initcond, return_type FROM system_schema.aggregates WHERE keyspace_name = ?',
      KEYSPACE,
    ),
    ask('SELECT view_name FROM system_schema.views WHERE keyspace_name = ?', KEYSPACE),
    ask(
      'SELECT table_name, index_name, kind, options FROM system_schema.indexes WHERE keyspace_name = ?',
      KEYSPACE,
    ),
    ask('SELECT coordinator, duration FROM system_traces.sessions WHERE session_id = ?', types.Uuid.random()),
    ask(
      'SELECT event_id, activity, source, source_elapsed FROM system_traces.events WHERE session_id = ?',
      types.Uuid.random(),
    ),
  ],
  'spark connector': [
    ask(
      'SELECT range_start, range_end, partitions_count, mean_partition_size FROM system.size_estimates WHERE keyspace_name = ? AND table_name = ?',
      KEYSPACE,
      'tweets',
    ),
  ],
  DataGrip: [
    ask(
      `SELECT table_name AS name, comment, bloom_filter_fp_chance, toJson(caching) AS caching, /* cdc, */
  toJson(compaction) AS compaction, toJson(compression) AS compression, crc_check_chance,
  default_time_to_live, toJson(extensions) AS extensions, gc_grace_seconds, id, max_index_interval,
  memtable_flush_period_in_ms, min_index_interval, speculative_retry
FROM system_schema.tables WHERE keyspace_name = ?`,
      KEYSPACE,
    ),
    ask(
      'SELECT toJson(caching), toJson(table_name), toJson(id), toJson(gc_grace_seconds), toJson(flags), toJson(cdc) FROM system_schema.tables WHERE keyspace_name = ?',
      KEYSPACE,
    ),
    ask(
      'SELECT keyspace_name AS name, durable_writes, toJson(replication) AS replication FROM system_schema.keyspaces',
    ),
    ask(
      'SELECT type_name AS name, toJson(field_names) AS names, toJson(field_types) AS types FROM system_schema.types WHERE keyspace_name = ?',
      KEYSPACE,
    ),
  ],
  TablePlus: [
    ask(
      "SELECT keyspace_name as table_schema, table_name as table_name FROM system_schema.tables where keyspace_name='compat_system'",
    ),
  ],
  DbGate: [
    ask('SELECT release_version from system.local'),
    ask('SELECT keyspace_name FROM system_schema.keyspaces'),
    ask(`SELECT table_name as "pureName" FROM system_schema.tables WHERE keyspace_name = 'compat_system'`),
    ask(
      `SELECT table_name as "tableName", column_name as "columnName", type as "dataType", kind, position FROM system_schema.columns WHERE keyspace_name = 'compat_system'`,
    ),
  ],
  Beekeeper: [
    ask(
      "SELECT column_name FROM system_schema.columns WHERE table_name = ? AND kind='partition_key' ALLOW FILTERING",
      'tweets',
    ),
    ask(
      'SELECT keyspace_name, table_name, column_name, type FROM system_schema.columns WHERE keyspace_name = ? AND table_name = ?',
      KEYSPACE,
      'tweets',
    ),
  ],
  'LibreDB Studio': [
    ask(
      'SELECT cluster_name, release_version, gossip_generation, toTimestamp(now()) AS now FROM system.local',
    ),
    ask('SELECT toTimestamp(now()) FROM system.local'),
    ask('SELECT * FROM system_views.clients'),
    ask('SELECT * FROM system_views.caches'),
    ask('SELECT * FROM system_views.queries'),
    ask('SELECT COUNT(*) FROM system_schema.tables'),
    ask("SELECT COUNT(*) FROM system_schema.tables WHERE keyspace_name = 'compat_system'"),
  ],
  'cassandra-web': [
    ask(
      'SELECT keyspace_name, view_name as table_name, id FROM system_schema.views WHERE keyspace_name = ?',
      KEYSPACE,
    ),
    ask(
      'SELECT * FROM tweets WHERE token(user) = token(?) AND (id) > (?) LIMIT 10',
      'ann',
      types.TimeUuid.now(),
    ),
    ask('SELECT COUNT(*) FROM tweets'),
  ],
  tools: [
    ...[
      'batch_metrics',
      'cql_metrics',
      'disk_usage',
      'gossip_info',
      'internode_inbound',
      'internode_outbound',
      'local_read_latency',
      'max_partition_size',
      'pending_hints',
      'settings',
      'snapshots',
      'sstable_tasks',
      'streaming',
      'system_logs',
      'system_properties',
      'thread_pools',
    ].map((table) => ask(`SELECT * FROM system_views.${table}`)),
    ask('SELECT token(name), name FROM system_views.settings'),
    ask('SELECT token(keyspace_name, table_name) FROM system_views.disk_usage'),
    ask('SELECT token(address) FROM system_views.clients'),
    ask('SELECT writetime(value), ttl(value) FROM system_views.settings'),
    ask('SELECT COUNT(*) FROM system_views.settings WHERE token(name) > ?', 'c'),
    ask('SELECT * FROM system_views.settings WHERE token(name) > 5'),
    ask('SELECT token(1) FROM system_views.settings'),
    ask('SELECT toJson() FROM system.local'),
    ask('SELECT toJson(key, rack) FROM system.local'),
    ask('SELECT toJson(?) FROM system.local'),
    ask('SELECT toJson(NULL) FROM system.local'),
    ask('SELECT JSON toJson(key), toJson(rack) AS rack FROM system.local'),
  ],
}

describe.each(Object.entries(CLIENTS))('%s', (client, questions) => {
  test.each(questions)('$query', async ({ query, params }) => {
    let answer: unknown
    const error = await db.error(query, params === undefined ? undefined : [...params])
    if (error !== 'no error') answer = error
    else answer = columnsOf(await db.run(query, params === undefined ? undefined : [...params]))
    golden.check(`${client}: ${query}`, answer)
  })
})

describe('what there is', () => {
  test('one row of the node itself', async () => {
    expect(
      await db.rows('SELECT key, bootstrapped, cql_version, data_center, rack FROM system.local'),
    ).toEqual([['local', 'COMPLETED', '3.4.7', 'datacenter1', 'rack1']])
    expect(await db.rows('SELECT * FROM system.peers')).toEqual([])
    expect(await db.rows('SELECT * FROM system.peers_v2')).toEqual([])
  })

  test('schema tables as JSON', async () => {
    expect(
      await db.rows(
        'SELECT toJson(caching), toJson(comment), toJson(compression), toJson(default_time_to_live), toJson(flags), toJson(cdc) FROM system_schema.tables WHERE keyspace_name = ? AND table_name = ?',
        [KEYSPACE, 'tweets'],
      ),
    ).toEqual([
      [
        '{"keys": "ALL", "rows_per_partition": "NONE"}',
        '"what people say"',
        '{"chunk_length_in_kb": "16", "class": "org.apache.cassandra.io.compress.LZ4Compressor"}',
        '0',
        '["compound"]',
        'null',
      ],
    ])
  })

  test('this client among the clients', async () => {
    const rows = await db.rows(
      'SELECT connection_stage, driver_name, protocol_version, ssl_enabled, username FROM system_views.clients',
    )
    expect(rows).toContainEqual(['ready', 'Apache Cassandra Node.js Driver', 4, false, 'anonymous'])
  })

  test('the built-in keyspaces, in one order', async () => {
    const names = async (table: string, columns: string) =>
      (await db.rows(`SELECT ${columns} FROM system_schema.${table}`)).filter(([keyspace]) =>
        /^system(_schema|_auth|_distributed|_traces)?$/.test(String(keyspace)),
      )
    golden.check('order of keyspaces', await names('keyspaces', 'keyspace_name'))
    golden.check('order of tables', await names('tables', 'keyspace_name, table_name'))
    golden.check('order of columns', await names('columns', 'keyspace_name, table_name, column_name, type'))
  })

  test('the virtual schema, row for row', async () => {
    for (const table of ['keyspaces', 'tables', 'columns']) {
      const query = `SELECT * FROM system_virtual_schema.${table}`
      golden.check(`rows of ${query}`, await db.rows(query))
    }
  })
})

/** All rows of a query, page by page. */
async function paged(query: string, fetchSize: number): Promise<unknown[][]> {
  const rows: unknown[][] = []
  let pageState: string | undefined
  do {
    const page = await db.run(query, undefined, {
      fetchSize,
      ...(pageState === undefined ? {} : { pageState }),
    })
    rows.push(...page.rows.map((row) => row.values()))
    pageState = page.pageState ?? undefined
  } while (pageState !== undefined)
  return rows
}

describe('virtual tables', () => {
  const queries = [
    'SELECT keyspace_name, table_name, column_name FROM system_virtual_schema.columns',
    "SELECT table_name, column_name FROM system_virtual_schema.columns WHERE keyspace_name = 'system_views'",
    "SELECT table_name, column_name FROM system_virtual_schema.columns WHERE kind = 'clustering'",
    'SELECT keyspace_name, table_name FROM system_virtual_schema.columns PER PARTITION LIMIT 15',
    'SELECT DISTINCT keyspace_name FROM system_virtual_schema.columns',
    'SELECT name FROM system_views.settings',
    "SELECT name FROM system_views.settings WHERE token(name) > 'c' AND token(name) <= token('partitioner')",
    "SELECT name FROM system_views.settings WHERE name IN ('partitioner', 'cluster_name', 'no such', 'rpc_address')",
  ]
  test.each(queries)('each row once, whatever the pages: %s', async (query) => {
    const whole = await paged(query, 5000)
    expect(whole.length).toBeGreaterThan(1)
    for (const fetchSize of [1, 3, 10, 100]) expect(await paged(query, fetchSize)).toEqual(whole)
  })

  test('are in the order of their keys', async () => {
    const names = (await paged('SELECT name FROM system_views.settings', 7)).map(([name]) => String(name))
    expect(names).toEqual([...names].sort())
    expect(new Set(names).size).toBe(names.length)
  })

  test('have their keys for tokens', async () => {
    const named = async (where: string) =>
      (await db.rows(`SELECT name, token(name) FROM system_views.settings WHERE ${where}`)).map(
        ([name, token]) => {
          expect(token).toBe(name)
          return String(name)
        },
      )
    const all = await named("token(name) > ''")
    const between = (from: string, to: string) => all.filter((name) => name > from && name < to)
    expect(await named("token(name) <= ''")).toEqual(all)
    expect(await named("token(name) = 'cluster_name'")).toEqual(['cluster_name'])
    expect(
      await named("token(name) >= token('cluster_name') AND token(name) <= token('cluster_name')"),
    ).toEqual(['cluster_name'])
    expect(await named("token(name) > 'cluster_name' AND token(name) <= 'cluster_name'")).toEqual([])
    expect(await named("token(name) > 'p' AND token(name) < 'c'")).toEqual([])
    expect(await named("token(name) > 'c' AND token(name) < 'partitioner'")).toEqual(
      between('c', 'partitioner'),
    )
    expect(await named("token(name) > 'c' AND name = 'partitioner'")).toEqual(['partitioner'])
    expect(await named("token(name) < 'c' AND name = 'partitioner'")).toEqual([])
    expect(
      await db.rows('SELECT name FROM system_views.settings WHERE token(name) >= ? LIMIT 1', ['partitioner']),
    ).toEqual([['partitioner']])
    expect(
      await db.rows(
        'SELECT keyspace_name FROM system_virtual_schema.tables WHERE token(keyspace_name) > token(?)',
        ['system_views'],
      ),
    ).toEqual(new Array(3).fill(['system_virtual_schema']))
  })

  test('were written now, in milliseconds', async () => {
    const before = Date.now()
    const [[written, ttl]] = await db.rows(
      "SELECT writetime(value), ttl(value) FROM system_views.settings WHERE name = 'partitioner'",
    )
    expect(Math.abs(Number(written) - before)).toBeLessThan(60_000)
    expect(ttl).toBeNull()
  })
})
