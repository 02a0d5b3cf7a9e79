/** The commit log of a whole server fails: what was not made durable is never acknowledged, and the policy holds. */
import { afterEach, describe, expect, test } from 'vitest'
import { nodeClock } from '../../src/io/node-clock.ts'
import { NodeNetwork } from '../../src/io/node-network.ts'
import { nodeRandom } from '../../src/io/node-random.ts'
import { nodeTimers } from '../../src/io/node-timers.ts'
import { type Node, startNode } from '../../src/node/node.ts'
import type { SibylOptions } from '../../src/node/options.ts'
import { TestClient } from '../protocol/test-client.ts'
import { type Fault, SimDisk } from '../sim/sim-disk.ts'
import { SimRandom } from '../sim/sim-random.ts'

const SYNC = ['periodic', 'batch', 'group'] as const

/** A machine with a disk that can fail, on which nodes are started one after another. */
class Machine {
  readonly disk = new SimDisk(new SimRandom(5))
  readonly exits: number[] = []
  node: Node | null = null

  async start(options: SibylOptions): Promise<number> {
    const disk = this.disk.attach(nodeTimers)
    disk.mkdirpSync('/data')
    this.node = await startNode(
      {
        dir: '/data',
        numTokens: 1,
        ...options,
        settings: { commitlog_sync_group_window: 20, ...options.settings },
      },
      {
        disk,
        network: new NodeNetwork(),
        clock: nodeClock,
        timers: nodeTimers,
        random: nodeRandom,
        exit: (code) => this.exits.push(code),
      },
    )
    return this.node.address.port
  }

  fail(operation: Fault['operation'], code: Fault['code'], times = Number.POSITIVE_INFINITY): void {
    this.disk.faults.push({ operation, code, after: 0, times })
  }
}

const machines: Machine[] = []
afterEach(async () => {
  for (const { node } of machines.splice(0)) await node?.stop().catch(() => undefined)
})

async function prepared(
  options: SibylOptions,
): Promise<{ machine: Machine; port: number; client: TestClient }> {
  const machine = new Machine()
  machines.push(machine)
  const port = await machine.start(options)
  const client = await TestClient.connect(port)
  await client.query(
    "CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
  )
  await client.query('CREATE TABLE ks.t (p int PRIMARY KEY, v int)')
  expect(await client.query('INSERT INTO ks.t (p, v) VALUES (1, 1)')).toMatchObject({ kind: 'void' })
  return { machine, port, client }
}

/** The answer, or 'closed' where the connection ended without one. */
async function ask(client: TestClient, text: string): Promise<unknown> {
  return Promise.race([client.query(text), client.closed().then(() => 'closed')])
}

/** What the table holds after the machine was started again, its disk sound. */
async function rowsAfter(machine: Machine, options: SibylOptions, crash: 'kill' | 'power'): Promise<number> {
  await machine.node?.stop().catch(() => undefined)
  machine.disk.crash(crash)
  const client = await TestClient.connect(await machine.start(options))
  const answer = await client.query('SELECT p FROM ks.t')
  client.close()
  return (answer['rows'] as unknown[]).length
}

async function refused(port: number): Promise<boolean> {
  for (let i = 0; i < 100; i++) {
    try {
      const client = await TestClient.open(port)
      client.close()
    } catch {
      return true
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return false
}

const FAULTS = [
  ['write', 'ENOSPC'],
  ['write', 'EIO'],
  ['fsync', 'EIO'],
] as const

describe.each(SYNC)('commitlog_sync %s', (commitlogSync) => {
  for (const [operation, code] of FAULTS) {
    // A periodic fsync fails behind an acknowledgement that did not wait for it.
    if (commitlogSync === 'periodic' && operation === 'fsync') continue

    test(`stop: after ${code} of ${operation} nothing is acknowledged and the server is gone`, async () => {
      const options = { commitlogSync, commitFailurePolicy: 'stop' } as const
      const { machine, port, client } = await prepared(options)
      const other = await TestClient.connect(port)
      machine.fail(operation, code)
      const answers = await Promise.all([
        ask(client, 'INSERT INTO ks.t (p, v) VALUES (2, 2)'),
        ask(client, 'INSERT INTO ks.t (p, v) VALUES (3, 3)'),
        ask(other, 'INSERT INTO ks.t (p, v) VALUES (4, 4)'),
      ])
      expect(
        answers.filter((answer) => answer !== 'closed' && (answer as { code?: string }).code === undefined),
      ).toEqual([])
      expect(await refused(port)).toBe(true)
      expect(machine.exits).toEqual([])
      const rows = await rowsAfter(machine, options, operation === 'fsync' ? 'power' : 'kill')
      expect(rows).toBeGreaterThanOrEqual(1)
      expect(rows).toBeLessThanOrEqual(4)
    })

    test(`stop_commit: after ${code} of ${operation} reads go on, writes time out`, async () => {
      const options = { commitlogSync, commitFailurePolicy: 'stop_commit' } as const
      const { machine, port, client } = await prepared(options)
      machine.fail(operation, code)
      expect(await ask(client, 'INSERT INTO ks.t (p, v) VALUES (2, 2)')).toBe('closed')
      const next = await TestClient.connect(port)
      for (let i = 0; i < 3; i++) {
        expect(await ask(next, 'SELECT v FROM ks.t WHERE p = 1')).toMatchObject({
          kind: 'rows',
          rows: [['00000001']],
        })
        const text = expect.stringMatching(
          /^Operation timed out - received only 0 responses\. Failed to (write|sync)/,
        )
        expect(await ask(next, 'INSERT INTO ks.t (p, v) VALUES (5, 5)')).toMatchObject({
          code: '0x1100',
          message: text,
          write_type: 'SIMPLE',
        })
        expect(
          await ask(next, 'BEGIN BATCH INSERT INTO ks.t (p, v) VALUES (5, 5); APPLY BATCH'),
        ).toMatchObject({ code: '0x1100', write_type: 'BATCH' })
        expect(await ask(next, 'INSERT INTO ks.t (p, v) VALUES (5, 5) IF NOT EXISTS')).toMatchObject({
          code: '0x1100',
          write_type: 'CAS',
        })
        expect(await ask(next, 'ALTER TABLE ks.t ADD w int')).toMatchObject({ code: '0x1100' })
        expect(await ask(next, 'TRUNCATE ks.t')).toMatchObject({ code: '0x1003' })
      }
      expect(await ask(next, 'SELECT * FROM ks.t WHERE p = 5')).toMatchObject({ kind: 'rows', rows: [] })
      expect(
        await ask(next, "SELECT column_name FROM system_schema.columns WHERE keyspace_name = 'ks'"),
      ).toMatchObject({ kind: 'rows', rows: [['70'], ['76']] })
      next.close()
      expect(machine.exits).toEqual([])
      expect(
        await rowsAfter(machine, options, operation === 'fsync' ? 'power' : 'kill'),
      ).toBeGreaterThanOrEqual(1)
    })

    test(`die: ${code} of ${operation} ends the process with 100`, async () => {
      const { machine, client } = await prepared({ commitlogSync, commitFailurePolicy: 'die' })
      machine.fail(operation, code)
      expect(await ask(client, 'INSERT INTO ks.t (p, v) VALUES (2, 2)')).toBe('closed')
      expect(machine.exits).toEqual([100])
    })

    test(`ignore: the turn of one ${code} of ${operation} fails, the next one is written`, async () => {
      const options = { commitlogSync, commitFailurePolicy: 'ignore' } as const
      const { machine, port, client } = await prepared(options)
      machine.fail(operation, code, 1)
      expect(await ask(client, 'INSERT INTO ks.t (p, v) VALUES (2, 2)')).toBe('closed')
      const next = await TestClient.connect(port)
      for (let p = 10; p < 20; p++) {
        expect(await ask(next, `INSERT INTO ks.t (p, v) VALUES (${p}, 1)`)).toMatchObject({ kind: 'void' })
      }
      next.close()
      expect(machine.exits).toEqual([])
      expect(await rowsAfter(machine, options, 'kill')).toBeGreaterThanOrEqual(11)
    })
  }
})

test('stop: a periodic fsync that fails stops the server; it starts again', async () => {
  const options = { commitFailurePolicy: 'stop', settings: { commitlog_sync_period: 20 } } as const
  const { machine, port, client } = await prepared(options)
  await new Promise((resolve) => setTimeout(resolve, 300))
  machine.fail('fsync', 'EIO')
  await ask(client, 'INSERT INTO ks.t (p, v) VALUES (2, 2)')
  expect(await refused(port)).toBe(true)
  await client.closed()
  expect(await rowsAfter(machine, options, 'power')).toBeGreaterThanOrEqual(1)
})

test('a disk that fails during start stops the start', async () => {
  for (const operation of ['write', 'fsync', 'create', 'fsyncDirectory'] as const) {
    const machine = new Machine()
    machines.push(machine)
    machine.fail(operation, 'EIO')
    await expect(machine.start({})).rejects.toThrow('EIO')
    machine.disk.crash('kill')
    await machine.start({})
  }
})
