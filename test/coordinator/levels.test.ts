import { describe, expect, test } from 'vitest'
import { NO_READ_THRESHOLDS } from '../../src/cluster/replica/read-thresholds.ts'
import { ConsistencyLevel as Level } from '../../src/common/errors.ts'
import { type Place, SimRing } from './sim-ring.ts'

/** What clients are told at each level when nodes are down, silent or failing. */

const ID = '11111111-1111-4111-8111-111111111111'
const TABLE = `CREATE TABLE ks.t (p int PRIMARY KEY, v int) WITH id = ${ID}`
const THREE = [{ tokens: [-6148914691236517206n] }, { tokens: [0n] }, { tokens: [6148914691236517206n] }]
const TWO_DATA_CENTERS = [1n, 2n, 3n, 4n, 5n, 6n].map((n) => ({
  tokens: [n * 1000n],
  dataCenter: n % 2n === 1n ? 'dc1' : 'dc2',
}))
const SIMPLE = "{'class': 'SimpleStrategy', 'replication_factor': 3}"
const NETWORK = { class: 'NetworkTopologyStrategy', dc1: '3', dc2: '3' }
const INSERT = 'INSERT INTO ks.t (p, v) VALUES (1, 1)'
const SELECT = 'SELECT * FROM ks.t WHERE p = 1'
const RANGE = 'SELECT * FROM ks.t'

async function ringOf(
  places: readonly Place[] = THREE,
  options: Partial<Parameters<typeof SimRing.start>[0]> = {},
): Promise<SimRing> {
  const ring = await SimRing.start({ places, ...options })
  await ring.schema(`CREATE KEYSPACE ks WITH replication = ${SIMPLE}`, TABLE)
  return ring
}

/** What a statement comes to: 'done', or the error's fields. */
async function outcome(ring: SimRing, cql: string, level: Level, at = 0): Promise<unknown> {
  try {
    await ring.query(at, cql, level)
    return 'done'
  } catch (error) {
    const { stack, ...fields } = { ...(error as Error & Record<string, unknown>) }
    return { ...fields, message: (error as Error).message }
  }
}

const unavailable = (consistency: Level, required: number, alive: number, name: string) => ({
  code: 0x1000,
  message: `Cannot achieve consistency level ${name}`,
  consistency,
  required,
  alive,
})

describe('nodes that are known to be down', () => {
  test('one of three', async () => {
    const ring = await ringOf()
    ring.markDown(2)
    for (const cql of [INSERT, SELECT, RANGE]) {
      for (const level of [Level.ONE, Level.TWO, Level.QUORUM, Level.LOCAL_QUORUM, Level.LOCAL_ONE]) {
        expect(await outcome(ring, cql, level), `${cql} ${level}`).toBe('done')
      }
      expect(await outcome(ring, cql, Level.ALL)).toEqual(unavailable(Level.ALL, 3, 2, 'ALL'))
      expect(await outcome(ring, cql, Level.THREE)).toEqual(unavailable(Level.THREE, 3, 2, 'THREE'))
    }
    expect(await outcome(ring, INSERT, Level.ANY)).toBe('done')
  })

  test('two of three', async () => {
    const ring = await ringOf()
    ring.markDown(1)
    ring.markDown(2)
    for (const cql of [INSERT, SELECT, RANGE]) {
      expect(await outcome(ring, cql, Level.ONE)).toBe('done')
      expect(await outcome(ring, cql, Level.QUORUM)).toEqual(unavailable(Level.QUORUM, 2, 1, 'QUORUM'))
      expect(await outcome(ring, cql, Level.LOCAL_QUORUM)).toEqual(
        unavailable(Level.LOCAL_QUORUM, 2, 1, 'LOCAL_QUORUM'),
      )
    }
  })

  test('a data centre', async () => {
    const ring = await ringOf(TWO_DATA_CENTERS, { replication: NETWORK })
    for (const n of [1, 3, 5]) ring.markDown(n)
    for (const cql of [INSERT, SELECT, RANGE]) {
      expect(await outcome(ring, cql, Level.LOCAL_QUORUM)).toBe('done')
      expect(await outcome(ring, cql, Level.QUORUM)).toEqual(unavailable(Level.QUORUM, 4, 3, 'QUORUM'))
      const error = await outcome(ring, cql, Level.EACH_QUORUM)
      expect(error).toEqual(unavailable(Level.EACH_QUORUM, 2, 0, 'EACH_QUORUM in DC dc2'))
    }
  })
})

describe('nodes that are silent', () => {
  test('writes time out, and say how many answered', async () => {
    const ring = await ringOf()
    ring.cut(1)
    ring.cut(2)
    const before = ring.sim.clock.monotonicMs()
    const timeout = { code: 0x1100, writeType: 'SIMPLE', contentions: 0 }
    expect(await outcome(ring, INSERT, Level.ONE)).toBe('done')
    expect(await outcome(ring, INSERT, Level.QUORUM)).toEqual({
      ...timeout,
      consistency: Level.QUORUM,
      received: 1,
      blockFor: 2,
      message: 'Operation timed out - received only 1 responses.',
    })
    expect(ring.sim.clock.monotonicMs() - before).toBeGreaterThanOrEqual(2000)
    expect(ring.sim.clock.monotonicMs() - before).toBeLessThan(2100)
    const batch =
      'BEGIN UNLOGGED BATCH INSERT INTO ks.t (p, v) VALUES (1, 1); INSERT INTO ks.t (p, v) VALUES (2, 1); APPLY BATCH'
    expect(await outcome(ring, batch, Level.QUORUM)).toMatchObject({
      code: 0x1100,
      writeType: 'UNLOGGED_BATCH',
    })
  })

  test('reads time out, and say whether data came', async () => {
    const ring = await ringOf()
    await ring.query(0, INSERT, Level.ALL)
    ring.cut(1)
    ring.cut(2)
    const before = ring.sim.clock.monotonicMs()
    expect(await outcome(ring, SELECT, Level.ONE)).toBe('done')
    expect(await outcome(ring, SELECT, Level.QUORUM)).toEqual({
      code: 0x1200,
      consistency: Level.QUORUM,
      received: 1,
      blockFor: 2,
      dataPresent: true,
      message: 'Operation timed out - received only 1 responses.',
    })
    expect(ring.sim.clock.monotonicMs() - before).toBeGreaterThanOrEqual(5000)
    expect(ring.sim.clock.monotonicMs() - before).toBeLessThan(5100)
    expect(await outcome(ring, RANGE, Level.QUORUM)).toMatchObject({ code: 0x1200, received: 1, blockFor: 2 })
    expect(ring.sim.clock.monotonicMs() - before).toBeGreaterThanOrEqual(15000)
  })

  test('a read that is late at one asks another', async () => {
    const ring = await ringOf()
    await ring.query(0, INSERT, Level.ALL)
    ring.cut(1)
    const before = ring.sim.clock.monotonicMs()
    // Nothing has been measured: half of the timeout.
    expect(await ring.rows(0, SELECT, Level.QUORUM)).toEqual([[1, 1]])
    const took = ring.sim.clock.monotonicMs() - before
    expect(took).toBeGreaterThanOrEqual(2500)
    expect(took).toBeLessThan(2600)
    for (const [retry, least, most] of [
      ['50ms', 50, 80],
      ['ALWAYS', 0, 20],
      ['NEVER', 5000, 5100],
    ] as const) {
      await ring.schema(`ALTER TABLE ks.t WITH speculative_retry = '${retry}'`)
      const start = ring.sim.clock.monotonicMs()
      expect(await outcome(ring, SELECT, Level.QUORUM)).toEqual(
        retry === 'NEVER' ? expect.objectContaining({ code: 0x1200 }) : 'done',
      )
      const ms = ring.sim.clock.monotonicMs() - start
      expect(ms, retry).toBeGreaterThanOrEqual(least)
      expect(ms, retry).toBeLessThan(most)
    }
  })
})

describe('nodes that fail', () => {
  test('writes fail with the reasons of replicas', async () => {
    const ring = await ringOf()
    for (const n of [1, 2]) await ring.nodes[n]!.client.query('DROP TABLE ks.t')
    expect(await outcome(ring, INSERT, Level.ONE)).toBe('done')
    expect(await outcome(ring, INSERT, Level.QUORUM)).toEqual({
      code: 0x1500,
      consistency: Level.QUORUM,
      received: 1,
      blockFor: 2,
      writeType: 'SIMPLE',
      failures: new Map([
        ['10.0.0.2', 3],
        ['10.0.0.3', 3],
      ]),
      message: expect.stringMatching(
        /^Operation failed - received 1 responses and 2 failures: INCOMPATIBLE_SCHEMA from \/10\.0\.0\.[23]:7000, INCOMPATIBLE_SCHEMA from \/10\.0\.0\.[23]:7000$/,
      ),
    })
  })

  test('reads fail with the reasons of replicas', async () => {
    const thresholds = { ...NO_READ_THRESHOLDS, tombstone_failure_threshold: 3 }
    const ring = await SimRing.start({ places: THREE, thresholds })
    await ring.schema(
      `CREATE KEYSPACE ks WITH replication = ${SIMPLE}`,
      `CREATE TABLE ks.t (p int, c int, PRIMARY KEY (p, c)) WITH id = ${ID}`,
    )
    for (let c = 0; c < 5; c++) await ring.query(0, `DELETE FROM ks.t WHERE p = 1 AND c = ${c}`, Level.ALL)
    for (const cql of [SELECT, RANGE]) {
      expect(await outcome(ring, cql, Level.QUORUM)).toEqual({
        code: 0x1300,
        consistency: Level.QUORUM,
        received: 0,
        blockFor: 2,
        dataPresent: false,
        failures: new Map([['10.0.0.1', 1]]),
        message:
          'Operation failed - received 0 responses and 1 failures: READ_TOO_MANY_TOMBSTONES from /10.0.0.1:7000',
      })
    }
  })
})

describe('NODE_LOCAL', () => {
  test('is refused, as where Cassandra was not told that somebody debugs', async () => {
    const ring = await ringOf()
    for (const cql of [INSERT, SELECT, RANGE, 'TRUNCATE ks.t']) {
      expect(await outcome(ring, cql, Level.NODE_LOCAL), cql).toEqual({
        code: 0x2200,
        message:
          'NODE_LOCAL consistency level is highly dangerous and should be used only for debugging purposes',
      })
    }
  })
})
