import type { Client } from 'cassandra-driver'
import { afterEach, describe, expect, it } from 'vitest'
import { KEYSPACE, Workbench } from './support.ts'

/** system_views counts what is asked, as Cassandra counts the same statements. */

const bench = new Workbench()
afterEach(() => bench.release())

async function start(): Promise<Client> {
  const client = await bench.connect(await bench.start({ dir: ':memory:' }))
  await client.execute(KEYSPACE)
  await client.execute('CREATE TABLE demo.t (k int, c int, v text, PRIMARY KEY (k, c))')
  await client.execute('CREATE TABLE demo.n (k int PRIMARY KEY, n counter)')
  return client
}

async function figures(client: Client, view: string, table: string) {
  const query = `SELECT * FROM system_views.${view} WHERE keyspace_name = 'demo' AND table_name = '${table}'`
  return (await client.execute(query)).rows[0]!
}

async function count(client: Client, view: string, table = 't'): Promise<number> {
  return Number((await figures(client, view, table)).get('count'))
}

async function metric(client: Client, name: string): Promise<number> {
  const { rows } = await client.execute(`SELECT value FROM system_views.cql_metrics WHERE name = '${name}'`)
  return rows[0]!.get('value')
}

describe('system_views', () => {
  // The counts were compared with those of Cassandra after the same statements.
  it('counts reads and writes of a table', async () => {
    const client = await start()
    for (const statement of [
      "INSERT INTO demo.t (k, c, v) VALUES (1, 1, 'a')",
      "INSERT INTO demo.t (k, c, v) VALUES (1, 2, 'a')",
      "INSERT INTO demo.t (k, c, v) VALUES (1, 3, 'a')",
      "INSERT INTO demo.t (k, c, v) VALUES (2, 3, 'a')",
      'DELETE FROM demo.t WHERE k = 1 AND c = 2',
      'SELECT * FROM demo.t WHERE k = 1',
      'SELECT * FROM demo.t WHERE k = 1',
      'SELECT * FROM demo.t WHERE k = 7',
      'SELECT * FROM demo.t WHERE k IN (1, 2, 3)',
      'SELECT * FROM demo.t',
      'INSERT INTO demo.t (k, c) VALUES (1, 1) IF NOT EXISTS',
      'BEGIN BATCH INSERT INTO demo.t (k, c) VALUES (5, 5); INSERT INTO demo.t (k, c) VALUES (5, 6); INSERT INTO demo.t (k, c) VALUES (6, 6); APPLY BATCH',
      'BEGIN COUNTER BATCH UPDATE demo.n SET n = n + 1 WHERE k = 1; UPDATE demo.n SET n = n + 1 WHERE k = 2; APPLY BATCH',
      'UPDATE demo.n SET n = n + 1 WHERE k = 1',
    ]) {
      await client.execute(statement)
    }
    expect(await count(client, 'local_read_latency')).toBe(7)
    expect(await count(client, 'local_scan_latency')).toBe(1)
    expect(await count(client, 'local_write_latency')).toBe(7)
    expect(await count(client, 'coordinator_read_latency')).toBe(7)
    expect(await count(client, 'coordinator_scan_latency')).toBe(1)
    expect(await count(client, 'coordinator_write_latency')).toBe(6)
    expect(await count(client, 'local_read_latency', 'n')).toBe(0)
    expect(await count(client, 'local_write_latency', 'n')).toBe(3)
    expect(await count(client, 'coordinator_write_latency', 'n')).toBe(2)
    const rows = await figures(client, 'rows_per_read', 't')
    expect([rows.get('count').toString(), rows.get('max'), rows.get('p50th')]).toEqual(['8', 3, 1])
    const tombstones = await figures(client, 'tombstones_per_read', 't')
    expect([tombstones.get('count').toString(), tombstones.get('max')]).toEqual(['8', 1])
    const latency = await figures(client, 'coordinator_write_latency', 't')
    expect(latency.get('max_ms')).toBeGreaterThan(0)
    expect(latency.get('p99th_ms')).toBeGreaterThanOrEqual(latency.get('p50th_ms'))
    const batches = await client.execute('SELECT name, max FROM system_views.batch_metrics')
    expect(batches.rows.map((row) => [row.get('name'), Number(row.get('max'))])).toEqual([
      ['partitions_per_counter_batch', 2],
      ['partitions_per_logged_batch', 2],
      ['partitions_per_unlogged_batch', 0],
    ])
  })

  it('counts statements, prepared or not', async () => {
    const client = await start()
    const before = await metric(client, 'regular_statements_executed')
    for (let i = 0; i < 5; i++) await client.execute('SELECT * FROM demo.t WHERE k = 1')
    for (let i = 0; i < 3; i++)
      await client.execute('SELECT * FROM demo.t WHERE k = ?', [1], { prepare: true })
    await client.execute('SELECT nothing FROM demo.t').catch(() => {})
    expect(await metric(client, 'regular_statements_executed')).toBe(before + 6)
    expect(await metric(client, 'prepared_statements_executed')).toBe(3)
    expect(await metric(client, 'prepared_statements_ratio')).toBeCloseTo(3 / (before + 3 + 8), 10)
  })

  it('forgets a table that was dropped', async () => {
    const client = await start()
    await client.execute('SELECT * FROM demo.t WHERE k = 1')
    await client.execute('DROP TABLE demo.t')
    await client.execute('CREATE TABLE demo.t (k int, c int, v text, PRIMARY KEY (k, c))')
    expect(await count(client, 'local_read_latency')).toBe(0)
  })

  it('lists a SELECT that has given way', async () => {
    const client = await start()
    const insert = 'INSERT INTO demo.t (k, c, v) VALUES (?, ?, ?)'
    for (let first = 0; first < 20_000; first += 1000) {
      const rows = Array.from({ length: 1000 }, (_, i) => first + i)
      await Promise.all(rows.map((c) => client.execute(insert, [c % 7, c, 'v'], { prepare: true })))
    }
    const long = "SELECT v FROM demo.t WHERE v = 'x' ALLOW FILTERING"
    let seen: string[] = []
    for (let tries = 0; tries < 50 && seen.length < 2; tries++) {
      const slow = client.execute(long, [], { fetchSize: 5000 })
      const { rows } = await client.execute('SELECT thread_id, task FROM system_views.queries')
      seen = rows.map((row) => row.get('task') as string)
      await slow
    }
    expect(seen[0]).toMatch(/^QUERY SELECT thread_id, task FROM system_views.queries \[pageSize = 5000\] at/)
    expect(seen[1]).toBe(`QUERY ${long} [pageSize = 5000] at consistency LOCAL_ONE`)
    const { rows } = await client.execute('SELECT * FROM system_views.queries')
    expect(rows).toHaveLength(1)
  })

  it('says what this node would say in gossip', async () => {
    const client = await start()
    const gossip = (await client.execute('SELECT * FROM system_views.gossip_info')).rows
    const local = (await client.execute('SELECT * FROM system.local')).rows[0]!
    expect(gossip).toHaveLength(1)
    expect(gossip[0]!.get('host_id')).toBe(local.get('host_id').toString())
    expect(gossip[0]!.get('schema')).toBe(local.get('schema_version').toString())
    const tokens = (local.get('tokens') as string[]).map(BigInt).sort((a, b) => (a < b ? -1 : 1))
    expect(gossip[0]!.get('status')).toBe(`NORMAL,${tokens[0]}`)
  })
})
