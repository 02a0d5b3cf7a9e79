import { expect, test } from 'vitest'
import type { HintSink } from '../../src/cluster/coordinator/batchlog.ts'
import type { RingNode } from '../../src/cluster/ring/ring.ts'
import { ConsistencyLevel as Level } from '../../src/common/errors.ts'
import { SimRing } from './sim-ring.ts'

/** Statements at any node of a ring, over a simulated network. */

const ID = '11111111-1111-4111-8111-111111111111'
const OTHER_ID = '22222222-2222-4222-8222-222222222222'
const THREE = [{ tokens: [-6148914691236517206n] }, { tokens: [0n] }, { tokens: [6148914691236517206n] }]
const TABLE = `CREATE TABLE ks.t (p int, c int, v text, PRIMARY KEY (p, c)) WITH id = ${ID}`
const COUNTERS = `CREATE TABLE ks.n (p int, c int, s counter static, n counter, m counter, PRIMARY KEY (p, c)) WITH id = ${OTHER_ID}`

async function ringOf(factor: number, ...tables: string[]): Promise<SimRing> {
  const ring = await SimRing.start({ places: THREE })
  await ring.schema(
    `CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': ${factor}}`,
    ...tables,
  )
  return ring
}

test('what is written at one node is read at another, and is where it belongs', async () => {
  for (const factor of [1, 2, 3]) {
    const ring = await ringOf(factor, TABLE)
    for (let p = 0; p < 20; p++) {
      await ring.query(p % 3, `INSERT INTO ks.t (p, c, v) VALUES (${p}, 1, 'v${p}')`, Level.QUORUM)
    }
    for (let p = 0; p < 20; p++) {
      const select = `SELECT * FROM ks.t WHERE p = ${p}`
      expect(await ring.rows((p + 1) % 3, select, Level.QUORUM)).toEqual([[p, 1, `v${p}`]])
    }
    await ring.sim.run(100)
    let copies = 0
    for (let n = 0; n < 3; n++) copies += (await ring.ownRows(n, 'SELECT * FROM ks.t')).length
    expect(copies).toBe(20 * factor)
  }
})

test('a read repairs the replicas that it asked before it is answered', async () => {
  const ring = await ringOf(3, TABLE)
  await ring.nodes[1]!.alone.query("INSERT INTO ks.t (p, c, v) VALUES (1, 1, 'new') USING TIMESTAMP 5")
  await ring.nodes[0]!.alone.query("INSERT INTO ks.t (p, c, v) VALUES (1, 1, 'old') USING TIMESTAMP 4")
  const select = 'SELECT v FROM ks.t WHERE p = 1'
  expect(await ring.rows(0, select, Level.ALL)).toEqual([['new']])
  for (let n = 0; n < 3; n++) expect(await ring.ownRows(n, select)).toEqual([['new']])

  // With NONE they stay as they are.
  await ring.schema("ALTER TABLE ks.t WITH read_repair = 'NONE'")
  await ring.nodes[2]!.alone.query("INSERT INTO ks.t (p, c, v) VALUES (1, 1, 'last') USING TIMESTAMP 6")
  expect(await ring.rows(0, select, Level.ALL)).toEqual([['last']])
  await ring.sim.run(1000)
  expect(await ring.ownRows(0, select)).toEqual([['new']])
})

test('what a read at QUORUM has shown, all that follow show', async () => {
  const ring = await ringOf(3, TABLE)
  await ring.nodes[0]!.alone.query("INSERT INTO ks.t (p, c, v) VALUES (1, 1, 'seen')")
  const select = 'SELECT v FROM ks.t WHERE p = 1'
  expect(await ring.rows(0, select, Level.QUORUM)).toEqual([['seen']])
  ring.cut(0)
  ring.markDown(0)
  for (const at of [1, 2]) expect(await ring.rows(at, select, Level.QUORUM)).toEqual([['seen']])
})

test('a repair that is not acknowledged ends as a timeout of the read', async () => {
  const ring = await ringOf(3, TABLE)
  await ring.nodes[0]!.alone.query("INSERT INTO ks.t (p, c, v) VALUES (1, 1, 'v')")
  ring.cut(2)
  ring.markDown(2)
  // Node 2 can read, but not write what came of it.
  const { engine } = ring.nodes[1]!.database
  const apply = engine.apply.bind(engine)
  engine.apply = () => {
    throw new Error('the disk is full')
  }
  expect(await ring.error(0, 'SELECT * FROM ks.t WHERE p = 1', Level.QUORUM)).toMatchObject({
    code: 0x1200,
    received: 1,
    blockFor: 2,
    dataPresent: true,
    message: 'Operation timed out - received only 1 responses.',
  })
  engine.apply = apply
})

test('counters are added to by one replica and are the same at all', async () => {
  for (const factor of [1, 3]) {
    const ring = await ringOf(factor, COUNTERS)
    for (let i = 1; i <= 12; i++) {
      const change = i % 4 === 0 ? 'n = n - 2' : 'n = n + 1, m = m + 10'
      await ring.query(i % 3, `UPDATE ks.n SET ${change} WHERE p = 1 AND c = 1`, Level.QUORUM)
      await ring.query(i % 3, 'UPDATE ks.n SET s = s + 1 WHERE p = 1', Level.ONE)
    }
    await ring.query(
      2,
      'BEGIN COUNTER BATCH UPDATE ks.n SET n = n + 100 WHERE p = 1 AND c = 1; UPDATE ks.n SET n = n + 100 WHERE p = 1 AND c = 1; UPDATE ks.n SET n = n + 7 WHERE p = 2 AND c = 1; APPLY BATCH',
      Level.ALL,
    )
    await ring.sim.run(1000)
    const select = 'SELECT p, c, s, n, m FROM ks.n WHERE p IN (1, 2)'
    const expected = [
      [1, 1, 12n, 203n, 90n],
      [2, 1, null, 7n, null],
    ]
    for (let n = 0; n < 3; n++) expect(await ring.rows(n, select, Level.ALL)).toEqual(expected)
    if (factor === 3) for (let n = 0; n < 3; n++) expect(await ring.ownRows(n, select)).toEqual(expected)
    await ring.query(1, 'DELETE n FROM ks.n WHERE p = 1 AND c = 1', Level.ALL)
    expect(await ring.rows(0, 'SELECT n, m FROM ks.n WHERE p = 1', Level.ALL)).toEqual([[null, 90n]])
  }
})

test('an update of counters whose leader is silent times out at ONE', async () => {
  const ring = await ringOf(1, COUNTERS)
  const keys = [1, 2, 3, 4, 5, 6]
  for (const p of keys) await ring.query(0, `UPDATE ks.n SET n = n + 1 WHERE p = ${p} AND c = 1`, Level.ONE)
  let elsewhere = -1
  for (const p of keys) {
    if ((await ring.ownRows(1, `SELECT * FROM ks.n WHERE p = ${p}`)).length > 0) elsewhere = p
  }
  ring.cut(1)
  const update = `UPDATE ks.n SET n = n + 1 WHERE p = ${elsewhere} AND c = 1`
  expect(await ring.error(0, update, Level.QUORUM)).toMatchObject({
    code: 0x1100,
    consistency: Level.ONE,
    received: 0,
    blockFor: 1,
    writeType: 'COUNTER',
  })
  ring.markDown(1)
  expect(await ring.error(0, update, Level.QUORUM)).toMatchObject({ code: 0x1000, required: 1, alive: 0 })
})

test('lists are changed by index as all replicas have them', async () => {
  const ring = await ringOf(3, `CREATE TABLE ks.l (p int PRIMARY KEY, l list<int>) WITH id = ${ID}`)
  await ring.query(0, 'INSERT INTO ks.l (p, l) VALUES (1, [10, 20, 30])', Level.ALL)
  await ring.query(1, 'UPDATE ks.l SET l[1] = 21 WHERE p = 1', Level.QUORUM)
  await ring.query(2, 'DELETE l[0] FROM ks.l WHERE p = 1', Level.QUORUM)
  await ring.query(0, 'UPDATE ks.l SET l = l - [30] WHERE p = 1', Level.QUORUM)
  expect(await ring.rows(1, 'SELECT l FROM ks.l WHERE p = 1', Level.QUORUM)).toEqual([[[21]]])
  const batch =
    'BEGIN BATCH UPDATE ks.l SET l[0] = 22 WHERE p = 1; INSERT INTO ks.l (p, l) VALUES (2, [1]); APPLY BATCH'
  await ring.query(2, batch, Level.QUORUM)
  expect(await ring.rows(0, 'SELECT p, l FROM ks.l WHERE p IN (1, 2)', Level.QUORUM)).toEqual([
    [1, [22]],
    [2, [1]],
  ])
  const error = await ring.error(0, 'UPDATE ks.l SET l[9] = 1 WHERE p = 1', Level.QUORUM)
  expect(error.message).toBe('List index 9 out of bound, list has size 1')
  const any = await ring.error(0, 'UPDATE ks.l SET l[0] = 1 WHERE p = 1', Level.ANY)
  expect(any.message).toBe('Write operation require a read but consistency ANY is not supported on reads')
})

test('TRUNCATE empties a table at all nodes, which have to be alive', async () => {
  const ring = await ringOf(3, TABLE)
  await ring.query(0, "INSERT INTO ks.t (p, c, v) VALUES (1, 1, 'v')", Level.ALL)
  ring.markDown(2)
  const error = await ring.error(0, 'TRUNCATE ks.t', Level.ONE)
  expect(error).toMatchObject({
    code: 0x1003,
    message: 'Error during truncate: Cannot achieve consistency level ALL',
  })
  ring.markDown(2, false)
  await ring.query(0, 'TRUNCATE ks.t', Level.ONE)
  for (let n = 0; n < 3; n++) expect(await ring.ownRows(n, 'SELECT * FROM ks.t')).toEqual([])
  ring.cut(1)
  const late = await ring.error(0, 'TRUNCATE ks.t', Level.ONE)
  expect(late.message).toBe('Error during truncate: Truncate timed out - received only 2 responses')
})

/** Remembers who is to be hinted. */
class Hints implements HintSink {
  readonly isOverloaded = false
  readonly stored: string[] = []
  readonly #isWanted: boolean

  constructor(isWanted = true) {
    this.#isWanted = isWanted
  }

  checkOverload(): void {}

  shouldHint(): boolean {
    return this.#isWanted
  }

  store(nodes: readonly RingNode[], payload: Uint8Array): null {
    expect(payload.length).toBeGreaterThan(8)
    this.stored.push(...nodes.map(({ endpoint }) => endpoint.host))
    return null
  }
}

test('writes are hinted for replicas that are down, and for those that do not answer', async () => {
  const ring = await ringOf(3, TABLE)
  const hints = new Hints()
  ring.nodes[0]!.coordinator.useHints(hints)
  const insert = "INSERT INTO ks.t (p, c, v) VALUES (1, 1, 'v')"
  ring.markDown(1)
  await ring.query(0, insert, Level.QUORUM)
  expect(hints.stored.splice(0)).toEqual(['10.0.0.2'])
  ring.cut(2)
  await ring.query(0, insert, Level.ONE)
  expect(hints.stored.splice(0)).toEqual(['10.0.0.2'])
  await ring.sim.run(2100)
  expect(hints.stored.splice(0)).toEqual(['10.0.0.3'])
  ring.markDown(2)
  await ring.query(0, insert, Level.ANY)
  expect(hints.stored.splice(0).sort()).toEqual(['10.0.0.2', '10.0.0.3'])
})

test('a write at ANY is done when a hint is written', async () => {
  const ring = await ringOf(1, TABLE)
  const hints = new Hints()
  ring.nodes[0]!.coordinator.useHints(hints)
  ring.markDown(1)
  ring.markDown(2)
  const before = ring.sim.clock.monotonicMs()
  for (let p = 0; p < 9; p++) await ring.query(0, `INSERT INTO ks.t (p, c) VALUES (${p}, 1)`, Level.ANY)
  expect(ring.sim.clock.monotonicMs() - before).toBeLessThan(100)
  expect(hints.stored.length).toBeGreaterThan(2)
  const error = await Promise.all(
    [...Array(9).keys()].map((p) =>
      ring.error(0, `INSERT INTO ks.t (p, c) VALUES (${p}, 1)`, Level.ONE).catch(() => null),
    ),
  )
  expect(error.some((found) => found?.message === 'Cannot achieve consistency level ONE')).toBe(true)
})
