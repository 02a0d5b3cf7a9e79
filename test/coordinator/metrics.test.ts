import { expect, test } from 'vitest'
import { ConsistencyLevel as Level } from '../../src/common/errors.ts'
import { SimRing } from './sim-ring.ts'

/** What a request counts as at its coordinator and at replicas, as `recorded` of a ring of Cassandra's. */

const ID = '11111111-1111-4111-8111-111111111111'
const THREE = [{ tokens: [-6148914691236517206n] }, { tokens: [0n] }, { tokens: [6148914691236517206n] }]

async function ringOf(): Promise<SimRing> {
  const ring = await SimRing.start({ places: THREE })
  await ring.schema(
    "CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 3}",
    `CREATE TABLE ks.t (p int, c int, v int, l list<int>, PRIMARY KEY (p, c)) WITH id = ${ID}`,
  )
  return ring
}

interface Counts {
  readonly coordinator: readonly [reads: number, scans: number, writes: number]
  readonly local: readonly [reads: number, scans: number, writes: number]
}

/** By nodes. */
function counts(ring: SimRing): Counts[] {
  return ring.nodes.map(({ database: { processor, schema } }) => {
    const of = processor.metrics.of(schema.current.keyspaces.get('ks')!.tables.get('t')!)
    const { coordinatorRead, coordinatorScan, coordinatorWrite, localRead, localScan, localWrite } = of
    return {
      coordinator: [coordinatorRead.count, coordinatorScan.count, coordinatorWrite.count],
      local: [localRead.count, localScan.count, localWrite.count],
    }
  })
}

/** What statements at the first node have added, by nodes. */
async function counted(ring: SimRing, level: Level, ...statements: readonly string[]): Promise<Counts[]> {
  const before = counts(ring)
  for (const cql of statements) await ring.query(0, cql, level).catch(() => undefined)
  // Late answers, and what is repaired.
  await ring.sim.timers.run(
    new Promise((resolve) => ring.sim.timers.setTimeout(() => resolve(undefined), 50)),
  )
  const minus = (after: Counts['local'], first: Counts['local']) =>
    after.map((count, i) => count - first[i]!) as unknown as Counts['local']
  return counts(ring).map(({ coordinator, local }, i) => ({
    coordinator: minus(coordinator, before[i]!.coordinator),
    local: minus(local, before[i]!.local),
  }))
}

const NOTHING = [0, 0, 0] as const

test('writes count once at their coordinator, and at each replica', async () => {
  const ring = await ringOf()
  const write = { coordinator: NOTHING, local: [0, 0, 1] }
  expect(await counted(ring, Level.ONE, 'INSERT INTO ks.t (p, c, v) VALUES (1, 1, 1)')).toEqual([
    { ...write, coordinator: [0, 0, 1] },
    write,
    write,
  ])
  const two = { coordinator: NOTHING, local: [0, 0, 2] }
  expect(await counted(ring, Level.QUORUM, 'UPDATE ks.t SET v = 2 WHERE p IN (1, 2) AND c = 1')).toEqual([
    { ...two, coordinator: [0, 0, 1] },
    two,
    two,
  ])
  const batch =
    'BEGIN UNLOGGED BATCH INSERT INTO ks.t (p, c) VALUES (1, 2); INSERT INTO ks.t (p, c) VALUES (2, 2); APPLY BATCH'
  expect(await counted(ring, Level.ALL, batch)).toEqual([{ ...two, coordinator: [0, 0, 1] }, two, two])
})

test('reads count once for each key at their coordinator, and at those that are asked', async () => {
  const ring = await ringOf()
  await ring.query(0, 'INSERT INTO ks.t (p, c, v) VALUES (1, 1, 1)', Level.ALL)
  const asked = { coordinator: NOTHING, local: [1, 0, 0] }
  expect(await counted(ring, Level.ALL, 'SELECT * FROM ks.t WHERE p = 1')).toEqual([
    { ...asked, coordinator: [1, 0, 0] },
    asked,
    asked,
  ])
  expect(await counted(ring, Level.ONE, 'SELECT * FROM ks.t WHERE p = 1')).toEqual([
    { ...asked, coordinator: [1, 0, 0] },
    { coordinator: NOTHING, local: NOTHING },
    { coordinator: NOTHING, local: NOTHING },
  ])
  const three = { coordinator: NOTHING, local: [3, 0, 0] }
  expect(await counted(ring, Level.ALL, 'SELECT * FROM ks.t WHERE p IN (1, 2, 3)')).toEqual([
    { ...three, coordinator: [3, 0, 0] },
    three,
    three,
  ])
  const scan = { coordinator: NOTHING, local: [0, 1, 0] }
  expect(await counted(ring, Level.ALL, 'SELECT * FROM ks.t')).toEqual([
    { ...scan, coordinator: [0, 1, 0] },
    scan,
    scan,
  ])
})

test('requests that are refused or in vain count too', async () => {
  const ring = await ringOf()
  ring.markDown(1)
  ring.markDown(2)
  const own = { coordinator: [1, 1, 1], local: NOTHING }
  const nobody = { coordinator: NOTHING, local: NOTHING }
  const statements = [
    'INSERT INTO ks.t (p, c) VALUES (1, 1)',
    'SELECT * FROM ks.t WHERE p = 1',
    'SELECT * FROM ks.t',
  ]
  expect(await counted(ring, Level.ALL, ...statements)).toEqual([own, nobody, nobody])
})

test('conditional statements count as a read at their coordinator, and what they write at replicas', async () => {
  const ring = await ringOf()
  const [first, ...others] = await counted(
    ring,
    Level.QUORUM,
    'INSERT INTO ks.t (p, c, v) VALUES (1, 1, 1) IF NOT EXISTS',
  )
  expect(first!.coordinator).toEqual([1, 0, 0])
  expect([first!, ...others].map(({ local }) => local[2])).toEqual([1, 1, 1])
  expect([first!, ...others].map(({ local }) => local[0]).reduce((a, b) => a + b)).toBe(2)
  const again = await counted(ring, Level.QUORUM, 'INSERT INTO ks.t (p, c, v) VALUES (1, 1, 1) IF NOT EXISTS')
  expect(again.map(({ local }) => local[2])).toEqual([0, 0, 0])
})

test('lists that are looked at before they are written to count as reads', async () => {
  const ring = await ringOf()
  await ring.query(0, 'INSERT INTO ks.t (p, c, l) VALUES (1, 1, [1, 2])', Level.ALL)
  const both = { coordinator: NOTHING, local: [1, 0, 1] }
  expect(await counted(ring, Level.ALL, 'UPDATE ks.t SET l[1] = 5 WHERE p = 1 AND c = 1')).toEqual([
    { ...both, coordinator: [1, 0, 1] },
    both,
    both,
  ])
})

test('rows and tombstones are those that replicas read', async () => {
  const ring = await ringOf()
  for (const c of [1, 2, 3]) await ring.query(0, `INSERT INTO ks.t (p, c, v) VALUES (1, ${c}, 1)`, Level.ALL)
  await ring.query(0, 'DELETE FROM ks.t WHERE p = 1 AND c = 2', Level.ALL)
  await ring.query(0, 'SELECT * FROM ks.t WHERE p = 1', Level.ALL)
  for (const { database } of ring.nodes) {
    const { processor, schema, clock } = { ...database, clock: ring.sim.clock }
    const of = processor.metrics.of(schema.current.keyspaces.get('ks')!.tables.get('t')!)
    expect(of.rowsPerRead.snapshot(clock.nowMs()).max).toBe(2)
    expect(of.tombstonesPerRead.snapshot(clock.nowMs()).max).toBe(1)
  }
})
