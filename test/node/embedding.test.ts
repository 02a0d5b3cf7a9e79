import { once } from 'node:events'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import cassandra from 'cassandra-driver'
import { afterEach, describe, expect, it } from 'vitest'
import { Sibyl } from '../../src/index.ts'
import { failure, KEYSPACE, Workbench } from './support.ts'

/** Servers inside a program, met by the stock driver through real sockets. */

const bench = new Workbench()
afterEach(() => bench.release())

const SCHEMA = `${KEYSPACE};
CREATE TABLE demo.notes (id int PRIMARY KEY, body text);
`

function script(folder: string, name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, name.endsWith('.gz') ? gzipSync(text) : text)
  return path
}

describe('Sibyl.start', () => {
  it('takes a free port, keeps everything in memory and says how a driver gets there', async () => {
    const before = readdirSync('.')
    const server = await bench.start()
    expect(server.port).toBeGreaterThan(0)
    expect(server.port).not.toBe(9042)
    expect(server.host).toBe('127.0.0.1')
    expect(server.dir).toBe(':memory:')
    expect(server.contactPoints).toEqual([`127.0.0.1:${server.port}`])
    expect(server.driverOptions).toEqual({
      contactPoints: ['127.0.0.1'],
      localDataCenter: 'datacenter1',
      protocolOptions: { port: server.port },
    })
    const client = await bench.connect(server)
    expect(client.hosts.length).toBe(1)
    expect(client.hosts.values()[0]!.address).toBe(`127.0.0.1:${server.port}`)
    expect(client.hosts.values()[0]!.datacenter).toBe('datacenter1')
    expect(readdirSync('.')).toEqual(before)
  })

  it('says who it is as it was told', async () => {
    const server = await bench.start({
      clusterName: 'Delphi',
      dataCenter: 'dc9',
      rack: 'r7',
      numTokens: 3,
      host: 'localhost',
    })
    const client = await bench.connect(server)
    const { rows } = await client.execute(`SELECT * FROM system.local WHERE key = 'local'`)
    expect(rows[0]).toMatchObject({ cluster_name: 'Delphi', data_center: 'dc9', rack: 'r7' })
    expect(rows[0]!['tokens']).toHaveLength(3)
    expect(rows[0]!['rpc_address'].toString()).toBe('127.0.0.1')
  })

  it('lets several servers run that do not meet', async () => {
    const servers = await Promise.all([0, 1, 2, 3].map(() => bench.start()))
    expect(new Set(servers.map(({ port }) => port)).size).toBe(4)
    const clients = await Promise.all(servers.map((server) => bench.connect(server)))
    await clients[0]!.execute(KEYSPACE)
    await clients[1]!.execute(KEYSPACE)
    await clients[0]!.execute('CREATE TABLE demo.a (k int PRIMARY KEY, v text)')
    await clients[1]!.execute('CREATE TABLE demo.a (k int PRIMARY KEY, v int)')
    const insert = 'INSERT INTO demo.a (k, v) VALUES (?, ?)'
    await Promise.all([
      ...Array.from({ length: 50 }, (_, k) => clients[0]!.execute(insert, [k, `t${k}`], { prepare: true })),
      ...Array.from({ length: 30 }, (_, k) => clients[1]!.execute(insert, [k, 7 * k], { prepare: true })),
    ])
    const read = async (client: cassandra.Client) => (await client.execute('SELECT * FROM demo.a')).rows
    const [texts, numbers] = await Promise.all([read(clients[0]!), read(clients[1]!)])
    expect(texts).toHaveLength(50)
    expect(texts.every((row) => row['v'] === `t${row['k']}`)).toBe(true)
    expect(numbers).toHaveLength(30)
    expect(numbers.every((row) => row['v'] === 7 * row['k'])).toBe(true)
    expect((await failure(read(clients[2]!))).message).toBe('keyspace demo does not exist')
    const ids = await Promise.all(
      clients.map(async (client) =>
        String((await client.execute('SELECT host_id FROM system.local')).rows[0]!['host_id']),
      ),
    )
    expect(new Set(ids).size).toBe(4)
    await servers[0]!.stop()
    expect(await read(clients[1]!)).toHaveLength(30)
  })

  it('is disposed of by await using', async () => {
    let port: number
    {
      await using server = await Sibyl.start()
      port = server.port
      const client = new cassandra.Client(server.driverOptions)
      await client.connect()
      await client.shutdown()
    }
    const socket = connect(port, '127.0.0.1')
    const [error] = await once(socket, 'error').catch((reason: unknown) => [reason])
    expect((error as NodeJS.ErrnoException).code).toBe('ECONNREFUSED')
  })

  it('stops once, however often it is asked to', async () => {
    const server = await bench.start({ dir: bench.folder() })
    await Promise.all([server.stop(), server.stop()])
    await server.stop()
  })

  it('rejects when the port is taken, and lets go of its directory', async () => {
    const { port } = await bench.start()
    const dir = bench.folder()
    expect((await failure(Sibyl.start({ port, dir }))).code).toBe('EADDRINUSE')
    await bench.start({ dir })
  })

  it('refuses a directory that another server has', async () => {
    const dir = bench.folder()
    const first = await bench.start({ dir })
    expect((await failure(Sibyl.start({ dir }))).message).toContain(dir)
    await first.stop()
    await bench.start({ dir })
  })

  it('keeps data, schema, host id and tokens in a directory', async () => {
    const dir = bench.folder()
    const identity = `SELECT host_id, tokens FROM system.local`
    const first = await bench.start({ dir })
    const client = await bench.connect(first)
    await client.execute(KEYSPACE)
    await client.execute('CREATE TABLE demo.notes (id int PRIMARY KEY, body text)')
    await client.execute(`INSERT INTO demo.notes (id, body) VALUES (1, 'kept')`)
    const before = (await client.execute(identity)).rows[0]!
    await client.shutdown()
    await first.stop()
    const again = await bench.connect(await bench.start({ dir }))
    expect((await again.execute('SELECT body FROM demo.notes')).rows[0]!['body']).toBe('kept')
    const after = (await again.execute(identity)).rows[0]!
    expect(String(after['host_id'])).toBe(String(before['host_id']))
    expect([...after['tokens']].sort()).toEqual([...before['tokens']].sort())
  })
})

describe('init', () => {
  it('executes a file', async () => {
    const path = script(
      bench.folder(),
      'schema.cql',
      `-- a comment; with a semicolon
${SCHEMA}
USE demo;
/* batches hold semicolons */ BEGIN BATCH
  INSERT INTO notes (id, body) VALUES (1, 'one; two');
  INSERT INTO notes (id, body) VALUES (2, $$it's$$);
APPLY BATCH;
UPDATE notes SET body = 'three' WHERE id = 3`,
    )
    const client = await bench.connect(await bench.start({ init: path }), { keyspace: 'demo' })
    const { rows } = await client.execute('SELECT id, body FROM notes')
    expect(Object.fromEntries(rows.map((row) => [row['id'], row['body']]))).toEqual({
      1: 'one; two',
      2: "it's",
      3: 'three',
    })
  })

  it('executes directories by the order of names, packed files too, and nothing else', async () => {
    const folder = bench.folder()
    script(folder, '20-rows.cql', `INSERT INTO demo.notes (id, body) VALUES (1, 'first');`)
    script(folder, '30-rows.cql.gz', `INSERT INTO demo.notes (id, body) VALUES (1, 'second');`)
    script(folder, '10-schema.cql', SCHEMA)
    script(folder, '40-notes.txt', 'this is no CQL')
    mkdirSync(join(folder, 'more'))
    const last = script(bench.folder(), 'a.cql', `INSERT INTO demo.notes (id, body) VALUES (2, 'after');`)
    const client = await bench.connect(await bench.start({ init: [folder, last] }))
    const { rows } = await client.execute('SELECT id, body FROM demo.notes')
    expect(Object.fromEntries(rows.map((row) => [row['id'], row['body']]))).toEqual({
      1: 'second',
      2: 'after',
    })
  })

  it.each([
    ['INSERT INTO demo.notes (id, wrong) VALUES (1, 2);', 5, 'Undefined column name wrong'],
    ['INSRT INTO demo.notes (id) VALUES (1);', 5, `line 1:0 no viable alternative at input 'INSRT'`],
    ["INSERT INTO demo.notes (id) VALUES ('x');", 5, 'Invalid STRING constant (x)'],
  ])('names file and line of what failed: %s', async (statement, line, message) => {
    const dir = bench.folder()
    const path = script(bench.folder(), 'broken.cql', `${SCHEMA}\n\n${statement}\n`)
    const error = await failure(Sibyl.start({ dir, init: path }))
    expect(error.message.startsWith(`${path}:${line}: ${message}`), error.message).toBe(true)
    // The directory is free again, and what was executed before is there.
    const client = await bench.connect(await bench.start({ dir }))
    expect((await client.execute('SELECT * FROM demo.notes')).rows).toEqual([])
  })

  it('rejects a file that is not there', async () => {
    expect((await failure(Sibyl.start({ init: '/nowhere/schema.cql' }))).message).toContain(
      '/nowhere/schema.cql',
    )
  })
})

describe('settings', () => {
  it('reach the server and are shown in system_views', async () => {
    const server = await bench.start({
      settings: { batch_size_fail_threshold: '1KiB', tombstone_warn_threshold: 5 },
    })
    const client = await bench.connect(server)
    const { rows } = await client.execute('SELECT name, value FROM system_views.settings')
    const shown = Object.fromEntries(rows.map((row) => [row['name'], row['value']]))
    expect(shown).toMatchObject({
      batch_size_fail_threshold: '1KiB',
      batch_size_warn_threshold: '5KiB',
      tombstone_warn_threshold: '5',
      commitlog_sync: 'periodic',
      commitlog_sync_period: '10000ms',
      native_transport_max_frame_size: '16MiB',
      native_transport_port: String(server.port),
      prepared_statements_cache_size: '10MiB',
    })
    await client.execute(KEYSPACE)
    await client.execute('CREATE TABLE demo.notes (id int PRIMARY KEY, body text)')
    const insert = { query: 'INSERT INTO demo.notes (id, body) VALUES (?, ?)' }
    const batch = [1, 2].map((id) => ({ ...insert, params: [id, 'x'.repeat(3_000)] }))
    expect((await failure(client.batch(batch, { prepare: true }))).message).toBe('Batch too large')
  })

  it('limit connections', async () => {
    const server = await bench.start({ settings: { native_transport_max_concurrent_connections: 1 } })
    const first = connect(server.port, '127.0.0.1')
    await once(first, 'connect')
    const second = connect(server.port, '127.0.0.1')
    await once(second, 'close')
    first.destroy()
  })

  it('limit a mutation', async () => {
    const server = await bench.start({ settings: { max_mutation_size: '10KiB' } })
    const client = await bench.connect(server)
    await client.execute(KEYSPACE)
    await client.execute('CREATE TABLE demo.notes (id int PRIMARY KEY, body text)')
    const insert = 'INSERT INTO demo.notes (id, body) VALUES (?, ?)'
    await client.execute(insert, [1, 'x'.repeat(9_000)], { prepare: true })
    const tooBig = client.execute(insert, [1, 'x'.repeat(11_000)], { prepare: true })
    expect((await failure(tooBig)).message).toMatch(/oversized mutation \(11\d\d\d\/10240\)/)
  })

  it('close a connection that is idle', async () => {
    const server = await bench.start({ settings: { native_transport_idle_timeout: '50ms' } })
    const socket = connect(server.port, '127.0.0.1')
    await once(socket, 'close')
  })

  it('are refused when they mean nothing here', async () => {
    const dir = bench.folder()
    const error = await failure(Sibyl.start({ dir, settings: { trickle_fsync: true } }))
    expect(error.message).toMatch(/^Unknown setting trickle_fsync\. There are: /)
    expect(readdirSync(dir)).toEqual([])
  })
})
