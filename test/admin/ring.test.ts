import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Sibyl, type SibylNode } from '../../src/index.ts'
import { registerBody } from '../../src/protocol/client-request.ts'
import { Opcode } from '../../src/protocol/opcode.ts'
import { TestClient } from '../protocol/test-client.ts'
import { nodetool, type Said } from './nodetool.ts'

/** nodetool of the nodes of a ring; test/golden/ring and test/golden/gossip have what Cassandra's says. */

let db: Sibyl
beforeAll(async () => {
  db = await Sibyl.start({ nodes: { dc1: 2, dc2: 1 }, racks: 2, numTokens: 4, adminPort: 0 })
})
afterAll(() => db.stop())

const say = (node: SibylNode, ...args: readonly string[]): Promise<Said> =>
  nodetool({ adminPort: node.adminPort }, '-h', node.host, ...args)

async function until(is: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await is()); tries++) {
    if (tries === 500) throw new Error('it did not come to that')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

const ID = '[0-9a-f]{8}-[0-9a-f-]{27}'

describe('nodetool of a ring', () => {
  it('status lists the nodes of each data centre', async () => {
    for (const node of db.nodes) {
      const { out, code } = await say(node, 'status')
      expect(code).toBe(0)
      const row = (host: string, rack: string): string =>
        `UN  ${host}  0 bytes  4       \\d+\\.\\d%(?: {10}| {11}| {12}|\\s+)${ID}  ${rack}\n`
      expect(out).toMatch(
        new RegExp(
          `^Datacenter: dc1\n=+\nStatus=Up/Down\n\\|/ State=Normal/Leaving/Joining/Moving\n--  Address .*\n(${row('127.0.0.1', 'rack1')}|${row('127.0.0.2', 'rack2')}){2}\nDatacenter: dc2\n(.*\n){4}${row('127.0.0.3', 'rack1')}\n$`,
        ),
      )
    }
    const { out } = await say(db.nodes[1]!, '-pp', 'status')
    expect(out).toContain('127.0.0.3:7000')
    const local = await say(db.nodes[0]!, 'status', 'system')
    expect(local.out).toMatch(/ \? {2,}[0-9a-f]{8}-/)
    expect(local.out).toContain('\nNote: Ownership values for keyspaces with LocalStrategy are meaningless\n')
    expect(await say(db.nodes[0]!, 'status', 'nothing')).toMatchObject({
      code: 1,
      out: '\nError: The keyspace nothing, does not exist\n',
    })
  })

  it('ring, describering and getendpoints agree', async () => {
    const client = await TestClient.connect(db.port)
    await client.query(
      "CREATE KEYSPACE spread WITH replication = {'class': 'NetworkTopologyStrategy', 'dc1': 1, 'dc2': 1}",
    )
    await client.query('CREATE TABLE spread.pairs (a int, b text, c int, PRIMARY KEY ((a, b), c))')
    const [first, , third] = db.nodes as [SibylNode, SibylNode, SibylNode]
    const { out: ring } = await say(first, 'ring', 'spread')
    expect(ring.match(/^127\.0\.0\.\d +rack\d +Up +Normal +0 bytes +\d+\.\d\d% +-?\d+ +$/gm)).toHaveLength(12)
    expect(ring).toContain('  Warning: "nodetool ring" is used to output all the tokens of a node.\n')
    const { out: ranges } = await say(third, 'describering', 'spread')
    expect(
      ranges.match(
        /^\tTokenRange\(start_token:-?\d+, end_token:-?\d+, endpoints:\[127\.0\.0\.\d, 127\.0\.0\.\d\], /gm,
      ),
    ).toHaveLength(12)
    const found = await Promise.all(
      db.nodes.map((node) => say(node, 'getendpoints', 'spread', 'pairs', '1:x\\:y')),
    )
    expect(new Set(found.map(({ out }) => out)).size).toBe(1)
    expect(found[0]!.out).toMatch(/^(127\.0\.0\.[12]\n127\.0\.0\.3\n|127\.0\.0\.3\n127\.0\.0\.[12]\n)$/)
    expect(await say(first, 'describering', 'system')).toMatchObject({
      code: 2,
      err: 'error: There is no ring for the keyspace: system\n',
    })
    expect((await say(first, 'getendpoints', 'spread')).out).toContain(
      'nodetool: getendpoints requires keyspace, table and partition key arguments\n',
    )
    client.close()
  })

  it('describecluster and gossipinfo say what is known', async () => {
    const { out } = await say(db.nodes[1]!, 'describecluster')
    expect(out).toMatch(
      new RegExp(
        `\tSnitch: org.apache.cassandra.locator.GossipingPropertyFileSnitch\n[^]*\t\t${ID}: \\[127.0.0.1, 127.0.0.2, 127.0.0.3\\]\n`,
      ),
    )
    expect(out).toContain('\tdc1 #Nodes: 2 #Down: 0\n\tdc2 #Nodes: 1 #Down: 0\n')
    const { out: gossip } = await say(db.nodes[0]!, 'gossipinfo')
    expect(gossip.match(/^\/127\.0\.0\.\d$/gm)).toEqual(['/127.0.0.1', '/127.0.0.2', '/127.0.0.3'])
    expect(gossip.match(/^ {2}RPC_READY:\d+:true$/gm)).toHaveLength(3)
    expect((await say(db.nodes[2]!, 'info')).out).toContain('Gossip active          : true\n')
    expect((await say(db.nodes[2]!, 'version')).out).toBe('ReleaseVersion: 5.0.6\n')
  })

  it('disablebinary and enablebinary: others say that a node serves nobody, and that it does again', async () => {
    const client = await TestClient.connect(db.port)
    await client.request(Opcode.REGISTER, registerBody(['STATUS_CHANGE', 'TOPOLOGY_CHANGE']))
    const third = db.nodes[2]!
    expect((await say(third, 'disablebinary')).code).toBe(0)
    expect((await say(third, 'statusbinary')).out).toBe('not running\n')
    await until(async () => client.events.length === 1)
    expect((await say(third, 'enablebinary')).code).toBe(0)
    expect((await say(third, 'statusbinary')).out).toBe('running\n')
    await until(async () => client.events.length === 2)
    expect(client.events.map(({ change }) => change)).toEqual(['DOWN', 'UP'])
    client.close()
  })

  it('disablegossip and enablegossip: others take a node for dead, and then not', async () => {
    const [first, , third] = db.nodes as [SibylNode, SibylNode, SibylNode]
    const state = async (): Promise<string> =>
      /^(..) {2}127\.0\.0\.3 /m.exec((await say(first, 'status')).out)![1]!
    await say(third, 'disablegossip')
    expect((await say(third, 'statusgossip')).out).toBe('not running\n')
    await until(async () => (await state()) === 'DN')
    await say(third, 'enablegossip')
    expect((await say(third, 'statusgossip')).out).toBe('running\n')
    await until(async () => (await state()) === 'UN')
  })

  it('a node that is alone is a ring of one', async () => {
    const alone = await Sibyl.start({ adminPort: 0, numTokens: 2 })
    try {
      expect((await nodetool(alone, 'ring')).out).toContain('100.00%')
      expect((await nodetool(alone, 'gossipinfo')).out).toContain('\n  RPC_READY:')
      expect((await nodetool(alone, 'describecluster')).out).toContain('\tLive: 1\n')
      expect(
        (
          await nodetool(
            alone,
            'getendpoints',
            'system_traces',
            'sessions',
            '11111111-1111-1111-1111-111111111111',
          )
        ).out,
      ).toBe('127.0.0.1\n')
      expect((await nodetool(alone, 'disablegossip')).code).toBe(2)
      expect((await nodetool(alone, 'disablebinary')).code).toBe(0)
      expect((await nodetool(alone, 'enablebinary')).code).toBe(0)
      const client = await TestClient.connect(alone.port)
      client.close()
    } finally {
      await alone.stop()
    }
  })
})
