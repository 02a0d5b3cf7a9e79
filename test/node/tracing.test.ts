import type { Client, QueryOptions, types } from 'cassandra-driver'
import { afterEach, describe, expect, it } from 'vitest'
import { KEYSPACE, Workbench } from './support.ts'

/** Traces: sessions and events in system_traces, with the words that Cassandra has for the same steps. */

const bench = new Workbench()
afterEach(() => bench.release())

async function traced(client: Client, query: string, parameters: unknown[] = [], options: QueryOptions = {}) {
  const id = await client
    .execute(query, parameters, { ...options, traceQuery: true })
    .then((result: types.ResultSet) => result.info.traceId!)
  const session = (
    await client.execute('SELECT * FROM system_traces.sessions WHERE session_id = ?', [id], { prepare: true })
  ).rows[0]!
  const events = await client.execute('SELECT * FROM system_traces.events WHERE session_id = ?', [id], {
    prepare: true,
  })
  return { session, events: events.rows, activities: events.rows.map((row) => row.get('activity') as string) }
}

async function start(dir?: string): Promise<Client> {
  const client = await bench.connect(await bench.start({ dir: dir ?? bench.folder() }))
  await client.execute(KEYSPACE)
  await client.execute('CREATE TABLE demo.t (k int, c int, v text, PRIMARY KEY (k, c))')
  await client.execute('CREATE TABLE demo.n (k int PRIMARY KEY, n counter)')
  return client
}

const READ = 'Executing single-partition query on t'
const MERGED = 'Merged data from memtables and 0 sstables'
const WRITTEN = ['Appending to commitlog', 'Adding to t memtable']

describe('a traced request', () => {
  it('shows the steps of a write and of a read', async () => {
    const client = await start()
    const insert = "INSERT INTO demo.t (k, c, v) VALUES (1, 1, 'a')"
    expect((await traced(client, insert)).activities).toEqual([
      `Parsing ${insert}`,
      'Preparing statement',
      'Determining replicas for mutation',
      ...WRITTEN,
    ])
    const { session, events, activities } = await traced(client, 'SELECT * FROM demo.t WHERE k IN (1, 2)')
    expect(activities.slice(2)).toEqual([
      READ,
      MERGED,
      'Read 1 live rows and 0 tombstone cells',
      READ,
      'Read 0 live rows and 0 tombstone cells',
    ])
    expect(session.get('request')).toBe('Execute CQL3 query')
    expect(session.get('command')).toBe('QUERY')
    expect(session.get('coordinator_port')).toBe(7000)
    expect(session.get('parameters')).toEqual({
      query: 'SELECT * FROM demo.t WHERE k IN (1, 2)',
      page_size: '5000',
      consistency_level: 'LOCAL_ONE',
      serial_consistency_level: 'SERIAL',
    })
    const elapsed = events.map((row) => row.get('source_elapsed') as number)
    expect(elapsed).toEqual([...elapsed].sort((a, b) => a - b))
    expect(session.get('duration')).toBeGreaterThanOrEqual(elapsed.at(-1)!)
  })

  it('is parsed each time, though its text is kept', async () => {
    const client = await start()
    const select = 'SELECT * FROM demo.t WHERE k = 1'
    for (let i = 0; i < 4; i++) await client.execute(select)
    expect((await traced(client, select)).activities.slice(0, 2)).toEqual([
      `Parsing ${select}`,
      'Preparing statement',
    ])
  })

  it('shows the values of a prepared statement, cut', async () => {
    const client = await start()
    const insert = 'INSERT INTO demo.t (k, c, v) VALUES (?, ?, ?)'
    const long = await traced(client, insert, [1, 2, 'x'.repeat(2000)], { prepare: true })
    expect(long.activities).toEqual(['Determining replicas for mutation', ...WRITTEN])
    expect(long.session.get('request')).toBe('Execute CQL3 prepared query')
    expect(long.session.get('parameters')).toMatchObject({
      bound_var_0_k: '1',
      bound_var_1_c: '2',
      bound_var_2_v: `'${'x'.repeat(999)}...'`,
    })
    const none = await traced(client, insert, [1, 2, null], { prepare: true })
    expect(none.session.get('parameters').bound_var_2_v).toBe('null')
  })

  it('shows scans, conditions, counters and batches', async () => {
    const client = await start()
    const scan = await traced(client, 'SELECT * FROM demo.t WHERE token(k) > 5')
    expect(scan.activities.slice(2)).toEqual([
      'Executing seq scan across 0 sstables for (max(5), min(-9223372036854775808)]',
      'Read 0 live rows and 0 tombstone cells',
    ])
    const insert = "INSERT INTO demo.t (k, c, v) VALUES (1, 1, 'a') IF NOT EXISTS"
    const tail = async () => (await traced(client, insert)).activities.slice(2)
    expect(await tail()).toEqual([
      'Reading existing values for CAS precondition',
      READ,
      'Merging memtable contents',
      'Read 0 live rows and 0 tombstone cells',
      'CAS precondition is met',
      ...WRITTEN,
      'CAS applied successfully',
    ])
    expect((await tail()).slice(3)).toEqual([
      'Read 1 live rows and 0 tombstone cells',
      'CAS precondition does not match current values',
      'CAS did not apply',
    ])
    const counter = await traced(client, 'UPDATE demo.n SET n = n + 1 WHERE k = 1')
    expect(counter.activities.slice(2)).toEqual([
      'Determining replicas for mutation',
      'Reading 1 counter values from the CF',
      'Executing single-partition query on n',
      'Appending to commitlog',
      'Adding to n memtable',
    ])
    const batch = await traced(
      client,
      'BEGIN BATCH INSERT INTO demo.t (k, c) VALUES (1, 1); INSERT INTO demo.t (k, c) VALUES (2, 1); APPLY BATCH',
    )
    expect(batch.activities.slice(2)).toEqual(['Determining replicas for atomic batch', ...WRITTEN])
  })

  it('shows what a change of the schema and TRUNCATE write', async () => {
    const client = await start()
    const table = await traced(client, 'CREATE TABLE demo.later (k int PRIMARY KEY, v int)')
    expect(table.activities).toEqual(
      expect.arrayContaining([
        'Appending to commitlog',
        'Adding to tables memtable',
        'Adding to columns memtable',
      ]),
    )
    expect((await traced(client, 'TRUNCATE demo.later')).activities.slice(2)).toEqual([
      'Applying truncation of demo.later',
      'Appending to commitlog',
    ])
  })

  it('appends to no log where there is none', async () => {
    const client = await start(':memory:')
    const { activities } = await traced(client, 'DELETE FROM demo.t WHERE k = 1')
    expect(activities.slice(2)).toEqual(['Determining replicas for mutation', 'Adding to t memtable'])
  })

  it('is traced when it fails, and for a day', async () => {
    const client = await start()
    const error = await client
      .execute('SELECT nope FROM demo.t', [], { traceQuery: true })
      .catch((e: Error) => e)
    expect((error as Error).message).toBe('Undefined column name nope in table demo.t')
    const sessions = await client.execute('SELECT parameters, ttl(duration) FROM system_traces.sessions')
    const ttl = sessions.rows[0]!.get('ttl(duration)') as number
    expect(sessions.rows[0]!.get('parameters').query).toBe('SELECT nope FROM demo.t')
    expect(ttl).toBeGreaterThan(86_300)
    expect(ttl).toBeLessThanOrEqual(86_400)
  })
})
