import cassandra from 'cassandra-driver'
import { afterEach, describe, expect, it } from 'vitest'
import type { Sibyl, StartOptions } from '../../src/index.ts'
import { nodetool } from '../admin/nodetool.ts'
import { Workbench } from './support.ts'

/** What outlives nodes that go, and what all agree on, met by the stock driver in a ring in this process. */

const bench = new Workbench()
afterEach(() => bench.release())

const { consistencies } = cassandra.types
const QUORUM = { prepare: true, consistency: consistencies.quorum }

/** A ring with a table, and a client of each node. */
async function start(options: StartOptions = {}): Promise<{ db: Sibyl; clients: cassandra.Client[] }> {
  const db = await bench.start({ nodes: 3, numTokens: 8, ...options })
  const clients = await Promise.all([0, 1, 2].map((index) => connectTo(db, index)))
  const replication = `{'class': 'SimpleStrategy', 'replication_factor': 3}`
  await clients[0]!.execute(`CREATE KEYSPACE demo WITH replication = ${replication}`)
  await clients[0]!.execute('CREATE TABLE demo.t (id int PRIMARY KEY, v int)')
  return { db, clients }
}

async function connectTo(db: Sibyl, index: number): Promise<cassandra.Client> {
  const { host } = db.nodes[index]!
  const { loadBalancing } = cassandra.policies
  const own = new loadBalancing.AllowListPolicy(new loadBalancing.RoundRobinPolicy(), [`${host}:${db.port}`])
  return bench.connect(db, { contactPoints: [host], policies: { loadBalancing: own } })
}

/** What a node has by itself: the others are stopped. */
async function ownRows(db: Sibyl, index: number): Promise<number[]> {
  for (const [i, node] of db.nodes.entries()) if (i !== index) await node.stop()
  const client = await connectTo(db, index)
  const { rows } = await client.execute('SELECT id FROM demo.t', [], { consistency: consistencies.one })
  return rows.map((row) => row['id'] as number).sort((a, b) => a - b)
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i)
}

describe('conditional statements in a ring', () => {
  it('count to what was applied, whoever counts', async () => {
    const { clients } = await start()
    await clients[0]!.execute('INSERT INTO demo.t (id, v) VALUES (1, 0) IF NOT EXISTS', [], QUORUM)
    let applied = 0
    let unknown = 0
    const count = async (client: cassandra.Client): Promise<void> => {
      for (let i = 0; i < 10; i++) {
        const read = { ...QUORUM, consistency: consistencies.serial }
        const seen = (await client.execute('SELECT v FROM demo.t WHERE id = 1', [], read)).rows[0]!['v']
        const update = 'UPDATE demo.t SET v = ? WHERE id = 1 IF v = ?'
        try {
          const result = await client.execute(update, [seen + 1, seen], QUORUM)
          if (result.wasApplied()) applied++
          else expect(result.rows[0]!['v']).not.toBe(seen)
        } catch (error) {
          // Where nodes get in each other's way, a proposal that some took may be finished by another one, or not.
          expect((error as { readonly code: number }).code).toBeOneOf([0x1100, 0x1700])
          unknown++
        }
      }
    }
    await Promise.all(clients.map(count))
    const last = { ...QUORUM, consistency: consistencies.localSerial }
    const { rows } = await clients[2]!.execute('SELECT v FROM demo.t WHERE id = 1', [], last)
    expect(rows[0]!['v']).toBeGreaterThanOrEqual(applied)
    expect(rows[0]!['v']).toBeLessThanOrEqual(applied + unknown)
    expect(applied).toBeGreaterThan(4)
  })
})

describe('nodetool', () => {
  it('turns hints on and off, and lists and drops what there is', async () => {
    const { db, clients } = await start({ dir: bench.folder(), adminPort: 0 })
    const say = async (...args: readonly string[]): Promise<string> => {
      const { out, err, code } = await nodetool({ adminPort: db.nodes[0]!.adminPort }, ...args)
      return code === 0 ? out : `${code}: ${err}${out}`
    }
    const none = 'This node does not have any pending hints\n'
    expect(await say('statushandoff')).toBe('Hinted handoff is running\n')
    await db.nodes[2]!.stop()
    await say('disablehandoff')
    await say('disablehintsfordc', 'dc2')
    expect(await say('statushandoff')).toBe('Hinted handoff is not running\nData center dc2 is disabled\n')
    await clients[0]!.execute('INSERT INTO demo.t (id, v) VALUES (0, 1)', [], QUORUM)
    await say('enablehandoff')
    await say('enablehintsfordc', 'dc2')
    await clients[0]!.execute('INSERT INTO demo.t (id, v) VALUES (1, 1)', [], QUORUM)
    await db.nodes[0]!.stop()
    await db.nodes[0]!.start()
    const lines = (await say('listpendinghints')).split('\n').map((line) => line.trim())
    expect(lines[0]).toMatch(/^Host ID +Address +Rack +DC +Status Total files Newest +Oldest$/)
    expect(lines[1]).toMatch(
      /^[0-9a-f-]{36} 127\.0\.0\.3:7000 rack1 datacenter1 DOWN +1 +(\d{4}-\d\d-\d\d [\d:]{8},\d{3}) \1$/,
    )
    const again = await connectTo(db, 0)
    const { rows } = await again.execute('SELECT * FROM system_views.pending_hints')
    expect(rows).toHaveLength(1)
    expect(rows[0]).toMatchObject({ port: 7000, rack: 'rack1', dc: 'datacenter1', status: 'DOWN', files: 1 })
    expect(await say('getmaxhintwindow')).toBe('Current max hint window: 10800000 ms\n')
    await say('setmaxhintwindow', '1000')
    expect(await say('getmaxhintwindow')).toBe('Current max hint window: 1000 ms\n')
    await say('setbatchlogreplaythrottle', '77')
    expect(await say('getbatchlogreplaythrottle')).toBe('Batchlog replay throttle: 77 KB/s\n')
    expect(await say('replaybatchlog')).toBe('')
    expect(await say('truncatehints', '127.0.0.9')).toContain(
      "Can't delete hints for unknown address 127.0.0.9",
    )
    await say('pausehandoff')
    await db.nodes[2]!.start()
    await pause(300)
    expect(await say('listpendinghints')).not.toBe(none)
    await say('truncatehints', '127.0.0.3')
    expect(await say('listpendinghints')).toBe(none)
    await say('resumehandoff')
    expect(await ownRows(db, 2)).toEqual([])
  })
})

describe('hints', () => {
  it('bring a node that was away what it missed', async () => {
    const { db, clients } = await start({ dir: bench.folder() })
    await db.nodes[2]!.stop()
    for (const id of numbers(40)) {
      await clients[id % 2]!.execute('INSERT INTO demo.t (id, v) VALUES (?, 1)', [id], QUORUM)
    }
    await clients[0]!.execute('INSERT INTO demo.t (id, v) VALUES (40, 1) IF NOT EXISTS', [], QUORUM)
    await db.nodes[2]!.start()
    await pause(500)
    expect(await ownRows(db, 2)).toEqual(numbers(41))
  })

  it('are kept when the node that has them is stopped', async () => {
    const { db, clients } = await start({ dir: bench.folder() })
    await db.nodes[2]!.stop()
    for (const id of numbers(20)) {
      await clients[0]!.execute('INSERT INTO demo.t (id, v) VALUES (?, 1)', [id], QUORUM)
    }
    await db.nodes[0]!.stop()
    await db.nodes[0]!.start()
    await db.nodes[2]!.start()
    await pause(500)
    expect(await ownRows(db, 2)).toEqual(numbers(20))
  })

  it('are kept in memory where the data is', async () => {
    const { db, clients } = await start()
    const batch = numbers(10).map((id) => ({
      query: 'INSERT INTO demo.t (id, v) VALUES (?, 1)',
      params: [id],
    }))
    await clients[1]!.batch(batch, { ...QUORUM, logged: true })
    const { rows } = await clients[2]!.execute('SELECT id FROM demo.t', [], QUORUM)
    expect(rows).toHaveLength(10)
    const kept = await clients[0]!.execute('SELECT id FROM system.batches')
    expect(kept.rows).toEqual([])
    await db.nodes[1]!.stop()
    await clients[0]!.execute('INSERT INTO demo.t (id, v) VALUES (77, 1)', [], QUORUM)
  })
})
