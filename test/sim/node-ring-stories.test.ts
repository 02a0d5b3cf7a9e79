import { expect, test } from 'vitest'
import { registerBody } from '../../src/protocol/client-request.ts'
import { Opcode } from '../../src/protocol/opcode.ts'
import type { SimClient } from './sim-client.ts'
import { type WholeNode, WholeNodes } from './whole-nodes.ts'

/** What befalls whole nodes of a ring, told one by one. */

async function started(seed: number, count = 3): Promise<WholeNodes> {
  const ring = new WholeNodes(seed, count)
  await ring.start()
  await allSee(ring, count)
  return ring
}

async function allSee(ring: WholeNodes, count: number): Promise<void> {
  const running = ring.nodes.filter(({ isRunning }) => isRunning)
  await ring.until('all see each other', () => running.every(({ node }) => node!.sees(count)), 60_000)
}

async function rows(ring: WholeNodes, node: WholeNode, query: string): Promise<unknown> {
  const client = await node.connect()
  return (await ring.timers.run(client.query(query)))?.['rows']
}

/** A client that hears of nodes. */
async function listener(ring: WholeNodes, node: WholeNode): Promise<SimClient> {
  const client = await node.connect()
  await ring.timers.run(client.ask(Opcode.REGISTER, registerBody(['TOPOLOGY_CHANGE', 'STATUS_CHANGE'])))
  return client
}

const IDENTITY = `SELECT host_id, tokens FROM system.local`

test('a node that is back at another address is the node that it was', async () => {
  const ring = await started(1)
  const [first, second, third] = ring.nodes as [WholeNode, WholeNode, WholeNode]
  const before = await rows(ring, third, IDENTITY)
  const heard = await listener(ring, first)
  await ring.timers.run(third.stop())
  third.move('10.0.0.9')
  await ring.start([third])
  await allSee(ring, 3)
  expect(await rows(ring, third, IDENTITY)).toEqual(before)
  for (const node of [first, second]) {
    const peers = JSON.stringify(await rows(ring, node, 'SELECT peer FROM system.peers_v2'))
    expect(peers).toContain(Buffer.from([10, 0, 0, 9]).toString('hex'))
    expect(peers).not.toContain(Buffer.from([10, 0, 0, 3]).toString('hex'))
  }
  const text = heard.events.map(({ event, change, address }) => [event, change, address])
  expect(text).toEqual([
    ['STATUS_CHANGE', 'DOWN', ['10.0.0.3', 9042]],
    ['TOPOLOGY_CHANGE', 'NEW_NODE', ['10.0.0.9', 9042]],
    ['STATUS_CHANGE', 'UP', ['10.0.0.9', 9042]],
  ])
})

test('a rolling restart is heard of once for each node', async () => {
  const ring = await started(2, 4)
  const [watched, ...others] = ring.nodes as [WholeNode, ...WholeNode[]]
  const heard = await listener(ring, watched)
  for (const node of others) {
    await ring.timers.run(node.stop())
    await ring.timers.advance(1000)
    await ring.start([node])
    await allSee(ring, 4)
  }
  const wanted = others.flatMap(({ host }) =>
    ['DOWN', 'UP'].map((change) => ({ event: 'STATUS_CHANGE', change, address: [host, 9042] })),
  )
  expect(heard.events).toEqual(wanted)
})

test('a node that was alone keeps its tokens and its data in a ring', async () => {
  const ring = new WholeNodes(3, 2)
  const [first, second] = ring.nodes as [WholeNode, WholeNode]
  await ring.timers.run(first.start({ seeds: undefined, quickGossip: undefined }))
  const before = await rows(ring, first, IDENTITY)
  const client = await first.connect()
  for (const statement of [
    "CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
    'CREATE TABLE ks.t (k int PRIMARY KEY)',
    'INSERT INTO ks.t (k) VALUES (1)',
  ])
    await ring.timers.run(client.query(statement))
  await ring.timers.run(first.stop())
  await ring.start()
  await allSee(ring, 2)
  expect(await rows(ring, first, IDENTITY)).toEqual(before)
  expect(
    await rows(ring, second, `SELECT table_name FROM system_schema.tables WHERE keyspace_name = 'ks'`),
  ).toHaveLength(1)
})

test('a node that comes empty into a ring of empty tables is a replica at once, and clients hear of it', async () => {
  const ring = new WholeNodes(8, 3)
  const [first, second, third] = ring.nodes as [WholeNode, WholeNode, WholeNode]
  await ring.start([first, second])
  await allSee(ring, 2)
  const client = await first.connect()
  const ask = (query: string) => ring.timers.run(client.query(query))
  await ask("CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 3}")
  await ask('CREATE TABLE ks.t (k int PRIMARY KEY, v int)')
  // Three replicas, two nodes.
  await expect(ask('SELECT * FROM ks.t WHERE k = 1')).resolves.toMatchObject({ rows: [] })
  const heard = await listener(ring, first)
  await ring.start([third])
  await allSee(ring, 3)
  const change = (kind: string, what: string) => ({ event: kind, change: what, address: [third.host, 9042] })
  expect(heard.events).toEqual([change('TOPOLOGY_CHANGE', 'NEW_NODE'), change('STATUS_CHANGE', 'UP')])
  expect(await rows(ring, third, 'SELECT schema_version FROM system.local')).toEqual(
    await rows(ring, first, 'SELECT schema_version FROM system.local'),
  )
  for (let k = 0; k < 20; k++) await ask(`INSERT INTO ks.t (k, v) VALUES (${k}, ${k})`)
  await ring.timers.advance(1_000)
  // What it has of them it says itself, with the others gone.
  first.crash('kill')
  second.crash('kill')
  await ring.timers.advance(30_000)
  expect(await rows(ring, third, 'SELECT k FROM ks.t')).toHaveLength(20)
})

test('tokens may be said, and not those of another node', async () => {
  const ring = new WholeNodes(4, 3)
  const [first, second, third] = ring.nodes as [WholeNode, WholeNode, WholeNode]
  await ring.timers.run(first.start({ initialToken: '100', numTokens: 1 }))
  await ring.timers.run(second.start({ initialToken: '200, 300', numTokens: 2 }))
  await allSee(ring, 2)
  expect(JSON.stringify(await rows(ring, first, `SELECT tokens FROM system.peers`))).toContain(
    Buffer.from('300').toString('hex'),
  )
  const failure = await ring.timers.run(
    third.start({ initialToken: '200', numTokens: 1 }).then(
      () => '',
      (error: Error) => error.message,
    ),
  )
  expect(failure).toBe(
    'Bootstrapping to existing token 200 is not allowed (decommission/removenode the old node first).',
  )
})

test('the address of another node is not taken over, and another cluster is no ring', async () => {
  const ring = await started(5)
  const third = ring.nodes[2]!
  await ring.timers.run(third.stop())
  third.wipe()
  const refused = (options: Readonly<Record<string, unknown>> = {}): Promise<string> =>
    ring.timers.run(
      third.start(options).then(
        () => '',
        (error: Error) => error.message,
      ),
    )
  expect(await refused()).toBe(
    'A node with address /10.0.0.3:7000 already exists, cancelling join. Use cassandra.replace_address if you want to replace this node.',
  )
  third.wipe()
  expect(await refused({ clusterName: 'Delphi' })).toBe('Unable to gossip with any peers')
})

test('of two tables of one name that nodes make at once, one is left whole', async () => {
  const ring = await started(6)
  const clients = await Promise.all(ring.nodes.map((node) => node.connect()))
  const create = "CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 3}"
  await ring.timers.run(clients[0]!.query(create))
  await ring.timers.advance(100)
  await ring.timers.run(
    Promise.all([
      clients[0]!.query('CREATE TABLE ks.t (a int PRIMARY KEY, x int)'),
      clients[1]!.query('CREATE TABLE ks.t (b text, c int, y int, PRIMARY KEY (b, c))'),
    ]),
  )
  await allSee(ring, 3)
  const columns = []
  for (const node of ring.nodes) {
    columns.push(
      await rows(ring, node, `SELECT column_name FROM system_schema.columns WHERE keyspace_name = 'ks'`),
    )
    const client = await node.connect()
    expect(await ring.timers.run(client.query('SELECT * FROM ks.t'))).toMatchObject({ kind: 'rows' })
  }
  const names = (...list: string[]) => list.map((name) => [Buffer.from(name).toString('hex')])
  expect([names('a', 'x'), names('b', 'c', 'y')]).toContainEqual(columns[0])
  expect(columns[1]).toEqual(columns[0])
  expect(columns[2]).toEqual(columns[0])
})

test('what a node alters or drops whose clock is behind is altered and dropped', async () => {
  const ring = await started(7)
  const [first, second] = ring.nodes as [WholeNode, WholeNode]
  const { network, timers, clock } = ring
  const maker = await first.connect()
  const create = "CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 3}"
  await timers.run(maker.query(create))
  await timers.advance(100)
  const others = ring.nodes.slice(1).map(({ host }) => host)
  for (const host of others) network.cut(first.host, host)
  clock.jump(60_000)
  for (const name of ['kept', 'dropped']) {
    await timers.run(maker.query(`CREATE TABLE ks.${name} (k int PRIMARY KEY, x int)`))
  }
  clock.jump(-60_000)
  for (const host of others) network.heal(first.host, host)
  const tables = `SELECT table_name FROM system_schema.tables WHERE keyspace_name = 'ks'`
  const areAll = async (count: number): Promise<boolean> => {
    const found = await Promise.all(ring.nodes.map((node) => rows(ring, node, tables)))
    return found.every((list) => (list as unknown[]).length === count)
  }
  await ring.until('all have the tables', () => areAll(2), 10_000)
  await timers.run((await second.connect()).query('ALTER TABLE ks.kept ADD y int'))
  // What it had heard of before it started again is no less behind.
  second.crash('kill')
  await ring.start([second])
  await allSee(ring, 3)
  await timers.run((await second.connect()).query('DROP TABLE ks.dropped'))
  await ring.until('all have dropped a table', () => areAll(1), 10_000)
  const columns = `SELECT column_name FROM system_schema.columns WHERE keyspace_name = 'ks'`
  for (const node of ring.nodes) {
    expect(await rows(ring, node, columns)).toEqual(
      ['k', 'x', 'y'].map((name) => [Buffer.from(name).toString('hex')]),
    )
  }
})

test('nodes count what they say to each other', async () => {
  const ring = await started(9)
  const [first, second] = ring.nodes as [WholeNode, WholeNode]
  const client = await first.connect()
  const ask = (query: string) => ring.timers.run(client.query(query))
  await ask("CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 3}")
  await ask('CREATE TABLE ks.t (k int PRIMARY KEY)')
  await ring.timers.advance(1_000)
  const counted = async (node: WholeNode, view: string, count: string, of: WholeNode): Promise<number> => {
    const found = await rows(
      ring,
      node,
      `SELECT ${count} FROM system_views.${view} WHERE address = '${of.host}' AND port = 7000`,
    )
    return Number(`0x${(found as string[][])[0]![0]}`)
  }
  const [into, out] = ['internode_inbound', 'internode_outbound'] as const
  const processed = await counted(second, into, 'processed_count', first)
  const sent = await counted(first, out, 'sent_count', second)
  for (let k = 0; k < 50; k++) await ask(`INSERT INTO ks.t (k) VALUES (${k})`)
  await ring.timers.advance(1_000)
  expect(await counted(second, into, 'processed_count', first)).toBeGreaterThanOrEqual(processed + 50)
  expect(await counted(first, out, 'sent_count', second)).toBeGreaterThanOrEqual(sent + 50)
  expect(await counted(first, out, 'sent_bytes', second)).toBeGreaterThan(50 * 20)
  expect(await counted(second, into, 'received_bytes', first)).toBeGreaterThan(50 * 20)
  expect(await counted(first, out, 'active_connections', second)).toBe(2)
  for (const column of ['scheduled_count', 'scheduled_bytes', 'using_bytes', 'error_count', 'expired_count'])
    expect(await counted(second, into, column, first), column).toBe(0)
  for (const view of [into, out])
    expect(await rows(ring, first, `SELECT dc, rack FROM system_views.${view}`)).toHaveLength(2)
})
