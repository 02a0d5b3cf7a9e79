import cassandra from 'cassandra-driver'
import { afterEach, describe, expect, it } from 'vitest'
import type { Sibyl, StartOptions } from '../../src/index.ts'
import { registerBody } from '../../src/protocol/client-request.ts'
import { Opcode } from '../../src/protocol/opcode.ts'
import { TestClient } from '../protocol/test-client.ts'
import { failure, Workbench } from './support.ts'

/** A ring in this process, met by the stock driver through real sockets. */

const bench = new Workbench()
afterEach(() => bench.release())

const ALL = `{'class': 'SimpleStrategy', 'replication_factor': 3}`

async function ring(options: StartOptions = {}): Promise<Sibyl> {
  return bench.start({ nodes: 3, numTokens: 8, ...options })
}

/** A driver that is connected to one node alone, whatever it knows of others. */
async function connectTo(db: Sibyl, index: number): Promise<cassandra.Client> {
  const { host } = db.nodes[index]!
  const { loadBalancing } = cassandra.policies
  return bench.connect(db, {
    contactPoints: [host],
    policies: {
      loadBalancing: new loadBalancing.AllowListPolicy(new loadBalancing.RoundRobinPolicy(), [
        `${host}:${db.port}`,
      ]),
    },
  })
}

async function rowsOf(client: cassandra.Client, query: string): Promise<cassandra.types.Row[]> {
  return (await client.execute(query)).rows
}

async function until(is: () => boolean | Promise<boolean>, limitMs = 5000): Promise<void> {
  const end = Date.now() + limitMs
  while (!(await is())) {
    if (Date.now() > end) throw new Error('it did not come to that')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

describe('a ring of three nodes in one process', () => {
  it('starts with less than a second of work', async () => {
    // Its code is loaded with the first. What others do on the machine does not count, but for the waiting that is its own.
    let db = await ring()
    let bestMs = Number.POSITIVE_INFINITY
    for (let i = 0; i < 3; i++) {
      await db.stop()
      const start = process.cpuUsage()
      db = await ring({ numTokens: 256 })
      const { user, system } = process.cpuUsage(start)
      bestMs = Math.min(bestMs, (user + system) / 1000)
    }
    expect(bestMs).toBeLessThan(800)
    expect(db.nodes.map(({ host }) => host)).toEqual(['127.0.0.1', '127.0.0.2', '127.0.0.3'])
    expect(db.contactPoints).toEqual(db.nodes.map(({ host }) => `${host}:${db.port}`))
  })

  it('is what the driver finds: hosts, tokens, data centres and racks', async () => {
    const db = await ring({ nodes: { dc1: 2, dc2: 1 }, racks: 2 })
    const client = await bench.connect(db)
    const hosts = client.hosts.values().map(({ address, datacenter, rack, tokens }) => ({
      address,
      datacenter,
      rack,
      tokens: (tokens as readonly string[]).length,
    }))
    expect(hosts.sort((a, b) => (a.address < b.address ? -1 : 1))).toEqual([
      { address: `127.0.0.1:${db.port}`, datacenter: 'dc1', rack: 'rack1', tokens: 8 },
      { address: `127.0.0.2:${db.port}`, datacenter: 'dc1', rack: 'rack2', tokens: 8 },
      { address: `127.0.0.3:${db.port}`, datacenter: 'dc2', rack: 'rack1', tokens: 8 },
    ])
    const local = (await rowsOf(await connectTo(db, 1), 'SELECT * FROM system.local'))[0]!
    expect(local['bootstrapped']).toBe('COMPLETED')
    expect(local['broadcast_address'].toString()).toBe('127.0.0.2')
    expect(local['rpc_address'].toString()).toBe('127.0.0.2')
    expect(local['rpc_port']).toBe(db.port)
    for (const index of [0, 1, 2]) {
      const one = await connectTo(db, index)
      const peers = await rowsOf(one, 'SELECT * FROM system.peers_v2')
      expect(peers.map((row) => row['peer'].toString()).sort()).toEqual(
        db.nodes.map(({ host }) => host).filter((_, i) => i !== index),
      )
      for (const peer of peers) {
        expect(peer['tokens']).toHaveLength(8)
        expect(peer['native_port']).toBe(db.port)
        expect(peer['schema_version'].toString()).toBe(local['schema_version'].toString())
      }
      expect(await rowsOf(one, 'SELECT * FROM system.peers')).toHaveLength(2)
    }
  })

  it('has one schema: what one node is told all know, and their clients hear of it', async () => {
    const db = await ring()
    const clients = await Promise.all([0, 1, 2].map((index) => connectTo(db, index)))
    await clients[0]!.execute(`CREATE KEYSPACE demo WITH replication = ${ALL}`)
    await clients[0]!.execute('CREATE TYPE demo.place (x int, y int)')
    await clients[0]!.execute('CREATE TABLE demo.notes (id int PRIMARY KEY, at frozen<place>)')
    await clients[1]!.execute('ALTER TABLE demo.notes ADD body text')
    await clients[2]!.execute('ALTER TYPE demo.place ADD z int')
    for (const client of clients) {
      const { columns } = (await client.metadata.getTable('demo', 'notes'))!
      expect(columns.map(({ name }) => name).sort()).toEqual(['at', 'body', 'id'])
      const type = (await client.metadata.getUdt('demo', 'place')) as unknown as {
        fields: readonly unknown[]
      }
      expect(type.fields).toHaveLength(3)
    }
    const versions = await Promise.all(
      clients.map(async (client) =>
        String((await rowsOf(client, 'SELECT schema_version FROM system.local'))[0]!['schema_version']),
      ),
    )
    expect(new Set(versions).size).toBe(1)
    await clients[1]!.execute('DROP TABLE demo.notes')
    for (const client of clients) {
      expect((await failure(client.execute('SELECT * FROM demo.notes'))).message).toMatch(/does not exist/)
    }
  })

  it('comes to one schema when nodes are told at once', async () => {
    const db = await ring()
    const clients = await Promise.all([0, 1, 2].map((index) => connectTo(db, index)))
    const tell = (query: (i: number) => string): Promise<unknown> =>
      Promise.allSettled(clients.map((client, i) => client.execute(query(i))))
    const versions = async (): Promise<Set<string>> => {
      const all = await Promise.all(
        clients.map(async (client) =>
          String((await rowsOf(client, 'SELECT schema_version FROM system.local'))[0]!['schema_version']),
        ),
      )
      return new Set(all)
    }
    const agree = (): Promise<void> => until(async () => (await versions()).size === 1)
    await tell(() => `CREATE KEYSPACE IF NOT EXISTS demo WITH replication = ${ALL}`)
    await agree()
    await tell((i) => `CREATE TABLE IF NOT EXISTS demo.same (id int PRIMARY KEY, c${i} int)`)
    await agree()
    const ids = await Promise.all(
      clients.map(async (client) =>
        String(
          (await rowsOf(client, `SELECT id FROM system_schema.tables WHERE keyspace_name = 'demo'`))[0]![
            'id'
          ],
        ),
      ),
    )
    expect(new Set(ids).size).toBe(1)
    await tell((i) => `ALTER TABLE demo.same ADD d${i} int`)
    await agree()
    for (const client of clients) await client.execute('SELECT id, d0, d1, d2 FROM demo.same')
    await tell((i) => (i === 0 ? 'DROP TABLE demo.same' : `ALTER TABLE demo.same WITH comment = 'c${i}'`))
    await agree()
  })

  it('tells clients of nodes that go and come back, once each', async () => {
    const db = await ring({ dir: bench.folder() })
    const client = await TestClient.connect(db.port)
    await client.request(Opcode.REGISTER, registerBody(['TOPOLOGY_CHANGE', 'STATUS_CHANGE', 'SCHEMA_CHANGE']))
    const third = db.nodes[2]!
    const idOf = async (): Promise<unknown> => {
      const query = `SELECT host_id, tokens FROM system.peers_v2 WHERE peer = '${third.host}'`
      return (await client.query(query))['rows']
    }
    const before = await idOf()
    for (let round = 0; round < 2; round++) {
      await third.stop()
      await until(() => client.events.length === 2 * round + 1)
      await third.start()
      await until(() => client.events.length === 2 * round + 2)
    }
    await pause(200)
    const address = [third.host, db.port]
    const [down, up] = ['DOWN', 'UP'].map((change) => ({ event: 'STATUS_CHANGE', change, address }))
    expect(client.events).toEqual([down, up, down, up])
    expect(await idOf()).toEqual(before)
    client.close()
  })

  it('gives the schema to a node that was away', async () => {
    const db = await ring({ dir: bench.folder() })
    const client = await TestClient.connect(db.port)
    await db.nodes[2]!.stop()
    await client.query(`CREATE KEYSPACE demo WITH replication = ${ALL}`)
    await client.query('CREATE TABLE demo.notes (id int PRIMARY KEY)')
    await db.nodes[2]!.start()
    const back = await connectTo(db, 2)
    await back.execute('SELECT * FROM demo.notes')
    client.close()
  })

  it('reads at one node what was written at another', async () => {
    const db = await ring()
    const clients = await Promise.all([0, 1, 2].map((index) => connectTo(db, index)))
    const one = `{'class': 'SimpleStrategy', 'replication_factor': 1}`
    for (const [name, replication] of [
      ['thrice', ALL],
      ['once', one],
    ]) {
      await clients[0]!.execute(`CREATE KEYSPACE ${name} WITH replication = ${replication}`)
      await clients[0]!.execute(`CREATE TABLE ${name}.notes (id int PRIMARY KEY, body text)`)
      const insert = `INSERT INTO ${name}.notes (id, body) VALUES (?, ?)`
      const options = { prepare: true, consistency: cassandra.types.consistencies.quorum }
      for (let id = 0; id < 60; id++) await clients[id % 3]!.execute(insert, [id, `note ${id}`], options)
      for (let id = 0; id < 60; id++) {
        const query = `SELECT body FROM ${name}.notes WHERE id = ?`
        const { rows } = await clients[(id + 1) % 3]!.execute(query, [id], options)
        expect(rows.map((row) => row['body'])).toEqual([`note ${id}`])
      }
      for (const client of clients) {
        expect(
          (await client.execute(`SELECT count(*) FROM ${name}.notes`, [], options)).rows[0]![
            'count'
          ].toString(),
        ).toBe('60')
      }
    }
  })

  it('goes on without a node that is stopped, and warns as Cassandra of factors that are too great', async () => {
    const db = await ring({ dir: bench.folder() })
    const client = await TestClient.connect(db.port)
    const four = `{'class': 'SimpleStrategy', 'replication_factor': 4}`
    const created = await client.query(`CREATE KEYSPACE four WITH replication = ${four}`)
    expect(JSON.stringify(created)).toContain(
      'Your replication factor 4 for keyspace four is higher than the number of nodes 3',
    )
    await client.query(`CREATE KEYSPACE demo WITH replication = ${ALL}`)
    await client.query('CREATE TABLE demo.notes (id int PRIMARY KEY)')
    client.close()
    await db.nodes[2]!.stop()
    const driver = await connectTo(db, 1)
    const options = { prepare: true, consistency: cassandra.types.consistencies.quorum }
    for (let id = 0; id < 20; id++)
      await driver.execute('INSERT INTO demo.notes (id) VALUES (?)', [id], options)
    expect((await driver.execute('SELECT * FROM demo.notes', [], options)).rows).toHaveLength(20)
    const all = { ...options, consistency: cassandra.types.consistencies.all }
    const error = await failure(driver.execute('INSERT INTO demo.notes (id) VALUES (1)', [], all))
    const { innerErrors } = error as unknown as { innerErrors: Readonly<Record<string, Error>> }
    expect(Object.values(innerErrors).map(String).join()).toContain(
      'consistency ALL (3 required but only 2 alive)',
    )
  })

  it('decides conditions and adds to counters once, whichever node is asked', async () => {
    const db = await ring()
    const clients = await Promise.all([0, 1, 2].map((index) => connectTo(db, index)))
    await clients[0]!.execute(`CREATE KEYSPACE demo WITH replication = ${ALL}`)
    await clients[0]!.execute('CREATE TABLE demo.locks (id int PRIMARY KEY, owner int)')
    await clients[0]!.execute('CREATE TABLE demo.hits (id int PRIMARY KEY, n counter)')
    const options = { prepare: true, consistency: cassandra.types.consistencies.quorum }
    for (let id = 0; id < 5; id++) {
      const insert = 'INSERT INTO demo.locks (id, owner) VALUES (?, ?) IF NOT EXISTS'
      const applied: boolean[] = []
      for (const [i, client] of clients.entries()) {
        applied.push((await client.execute(insert, [id, i], options)).wasApplied())
      }
      expect(applied).toEqual([true, false, false])
      for (const client of clients)
        await client.execute('UPDATE demo.hits SET n = n + 2 WHERE id = ?', [id], options)
      const { rows } = await clients[id % 3]!.execute('SELECT n FROM demo.hits WHERE id = ?', [id], options)
      expect(rows[0]!['n'].toString()).toBe('6')
    }
  })

  it('gives a node that was away what it has missed, but not what was truncated', async () => {
    const db = await ring({ dir: bench.folder() })
    const client = await connectTo(db, 0)
    await client.execute(`CREATE KEYSPACE demo WITH replication = ${ALL}`)
    await client.execute('CREATE TABLE demo.notes (id int PRIMARY KEY)')
    await client.execute('CREATE TABLE demo.gone (id int PRIMARY KEY)')
    const { quorum, one } = cassandra.types.consistencies
    const fill = async (table: string): Promise<void> => {
      const insert = `INSERT INTO demo.${table} (id) VALUES (?)`
      for (let id = 0; id < 20; id++)
        await client.execute(insert, [id], { prepare: true, consistency: quorum })
    }
    await fill('gone')
    await client.execute('TRUNCATE demo.gone')
    expect((await client.execute('SELECT * FROM demo.gone', [], { consistency: quorum })).rows).toEqual([])
    await db.nodes[2]!.stop()
    await fill('notes')
    await db.nodes[2]!.start()
    const back = await connectTo(db, 2)
    const own = async (): Promise<number> =>
      (await back.execute('SELECT * FROM demo.notes', [], { consistency: one })).rows.length
    await until(async () => (await own()) === 20, 15_000)
    const { rows } = await back.execute('SELECT truncated_at FROM system.local')
    expect(Object.keys(rows[0]!['truncated_at'])).toHaveLength(1)
  })
})
