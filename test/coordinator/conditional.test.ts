import { expect, test } from 'vitest'
import {
  type ConsistencyLevel,
  ConsistencyLevel as Level,
  UnavailableError,
  WriteTimeoutError,
} from '../../src/common/errors.ts'
import { startKeptRing } from './kept-ring.ts'
import type { SimRing } from './sim-ring.ts'

/** Conditional statements and reads at SERIAL, at any node of a ring. */

const ID = '11111111-1111-4111-8111-111111111111'
const THREE = [{ tokens: [-6148914691236517206n] }, { tokens: [0n] }, { tokens: [6148914691236517206n] }]
const KEYSPACE = "CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 3}"
const TABLE = `CREATE TABLE ks.t (p int, c int, s text static, v int, l list<int>, PRIMARY KEY (p, c)) WITH id = ${ID}`

async function lwt(
  ring: SimRing,
  at: number,
  cql: string,
  level: ConsistencyLevel = Level.QUORUM,
): Promise<unknown[][]> {
  return ring.rows(at, cql, level)
}

test('a conditional statement applies where its conditions are met, and shows what is there where not', async () => {
  const { ring } = await startKeptRing({ places: THREE })
  await ring.schema(KEYSPACE, TABLE)
  expect(await lwt(ring, 0, 'INSERT INTO ks.t (p, c, v) VALUES (1, 1, 1) IF NOT EXISTS')).toEqual([[true]])
  expect(await lwt(ring, 1, 'INSERT INTO ks.t (p, c, v) VALUES (1, 1, 2) IF NOT EXISTS')).toEqual([
    [false, 1, 1, null, null, 1],
  ])
  expect(await lwt(ring, 2, 'UPDATE ks.t SET v = 5 WHERE p = 1 AND c = 1 IF v = 1')).toEqual([[true]])
  expect(await lwt(ring, 0, 'UPDATE ks.t SET v = 6 WHERE p = 1 AND c = 1 IF v = 1')).toEqual([[false, 5]])
  expect(await lwt(ring, 1, 'UPDATE ks.t SET v = 6 WHERE p = 1 AND c = 2 IF EXISTS')).toEqual([[false]])
  expect(await lwt(ring, 1, 'SELECT v FROM ks.t WHERE p = 1 AND c = 1', Level.SERIAL)).toEqual([[5]])
  expect(await lwt(ring, 2, 'SELECT v FROM ks.t WHERE p = 1', Level.LOCAL_SERIAL)).toEqual([[5]])
  expect(await lwt(ring, 2, 'DELETE FROM ks.t WHERE p = 1 AND c = 1 IF v = 5')).toEqual([[true]])
  expect(await lwt(ring, 0, 'SELECT v FROM ks.t WHERE p = 1', Level.SERIAL)).toEqual([])
  await ring.sim.run(100)
  for (let n = 0; n < 3; n++) expect(await ring.ownRows(n, 'SELECT v FROM ks.t')).toEqual([])
  expect(ring.sim.log.filter((line) => !line.includes('connect'))).toEqual([])
})

test('batches with conditions write all or nothing of a partition', async () => {
  const { ring } = await startKeptRing({ places: THREE })
  await ring.schema(KEYSPACE, TABLE)
  const batch = (guard: string, v: number) =>
    `BEGIN BATCH UPDATE ks.t SET s = '${guard}+' WHERE p = 1 IF s = ${guard === '' ? 'null' : `'${guard}'`};
     INSERT INTO ks.t (p, c, v) VALUES (1, ${v}, ${v}); UPDATE ks.t SET l = l + [${v}] WHERE p = 1 AND c = 0;
     APPLY BATCH`
  expect(await lwt(ring, 0, batch('', 1))).toEqual([[true]])
  expect(await lwt(ring, 1, batch('+', 2))).toEqual([[true]])
  expect(await lwt(ring, 2, batch('+', 3))).toEqual([[false, 1, 0, '++']])
  expect(await lwt(ring, 2, 'SELECT c, v, l FROM ks.t WHERE p = 1', Level.SERIAL)).toEqual([
    [0, null, [1, 2]],
    [1, 1, null],
    [2, 2, null],
  ])
})

test('what was only accepted is finished by the next one, be it a read', async () => {
  const { ring, kept } = await startKeptRing({ places: THREE })
  await ring.schema(KEYSPACE, TABLE)
  // Nobody waits for the commit, and it gets nowhere.
  const written = ring.query(0, 'INSERT INTO ks.t (p, c, v) VALUES (1, 1, 1) IF NOT EXISTS', Level.ANY)
  await written
  for (let n = 0; n < 3; n++) expect((await ring.ownRows(n, 'SELECT v FROM ks.t')).length).toBe(0)
  ring.cut(0)
  ring.markDown(0)
  expect(await lwt(ring, 1, 'SELECT v FROM ks.t WHERE p = 1', Level.SERIAL)).toEqual([[1]])
  expect(kept[1]!.paxos.metrics.unfinishedCommits).toBe(1)
  expect(await ring.ownRows(2, 'SELECT v FROM ks.t')).toEqual([[1]])
})

test('without a quorum nothing is agreed on', async () => {
  const { ring } = await startKeptRing({ places: THREE })
  await ring.schema(KEYSPACE, TABLE)
  const cql = 'INSERT INTO ks.t (p, c, v) VALUES (1, 1, 1) IF NOT EXISTS'
  ring.cut(1)
  ring.cut(2)
  expect(await ring.error(0, cql, Level.QUORUM)).toMatchObject({
    constructor: WriteTimeoutError,
    message: 'CAS operation timed out: received 1 of 2 required responses after 0 contention retries',
    consistency: Level.SERIAL,
    received: 1,
    blockFor: 2,
    writeType: 'CAS',
    contentions: 0,
  })
  expect(await ring.error(0, 'SELECT * FROM ks.t WHERE p = 1', Level.SERIAL)).toMatchObject({
    message: 'Operation timed out - received only 0 responses.',
    consistency: Level.SERIAL,
    received: 0,
    blockFor: 2,
    dataPresent: false,
  })
  ring.markDown(1)
  ring.markDown(2)
  expect(await ring.error(0, cql, Level.QUORUM)).toMatchObject({
    constructor: UnavailableError,
    message: 'Cannot achieve consistency level SERIAL',
    consistency: Level.SERIAL,
    required: 2,
    alive: 1,
  })
})

test('a replica that was down gets what was decided by a hint', async () => {
  const { ring } = await startKeptRing({ places: THREE })
  await ring.schema(KEYSPACE, TABLE)
  ring.cut(2)
  ring.markDown(2)
  expect(await lwt(ring, 0, 'INSERT INTO ks.t (p, c, v) VALUES (1, 1, 1) IF NOT EXISTS')).toEqual([[true]])
  await ring.query(1, 'INSERT INTO ks.t (p, c, v) VALUES (2, 1, 2)', Level.QUORUM)
  await ring.sim.run(1_000)
  expect(await ring.ownRows(2, 'SELECT v FROM ks.t')).toEqual([])
  ring.heal(2)
  ring.markDown(2, false)
  await ring.sim.run(25_000)
  expect((await ring.ownRows(2, 'SELECT v FROM ks.t')).sort()).toEqual([[1], [2]])
})

test('a hint is enough for a write at ANY', async () => {
  const { ring } = await startKeptRing({ places: THREE })
  const one = KEYSPACE.replace('3}', '1}')
  await ring.schema(one, TABLE)
  for (const n of [1, 2]) {
    ring.cut(n)
    ring.markDown(n)
  }
  for (let p = 0; p < 6; p++) {
    await ring.query(0, `INSERT INTO ks.t (p, c, v) VALUES (${p}, 1, ${p})`, Level.ANY)
  }
  for (const n of [1, 2]) {
    ring.heal(n)
    ring.markDown(n, false)
  }
  await ring.sim.run(25_000)
  const rows = await ring.rows(1, 'SELECT p FROM ks.t', Level.ONE)
  expect(rows.flat().sort()).toEqual([0, 1, 2, 3, 4, 5])
})

test('a logged batch is finished by its keepers when its coordinator dies', async () => {
  const { ring, kept } = await startKeptRing({ places: THREE })
  await ring.schema(KEYSPACE, TABLE)
  const writes = [1, 2, 3].map((p) => `INSERT INTO ks.t (p, c, v) VALUES (${p}, 1, ${p})`).join('; ')
  const start = async () =>
    ring.nodes[0]!.client.query(`BEGIN BATCH ${writes}; APPLY BATCH`, { consistency: Level.ALL })
  let isOver = false
  start().then(
    () => (isOver = true),
    () => (isOver = true),
  )
  // It dies as soon as somebody else has the batch.
  while (kept[1]!.batchlog.batchCount + kept[2]!.batchlog.batchCount === 0) await ring.sim.timers.runNext()
  ring.cut(0)
  ring.markDown(0)
  expect(isOver).toBe(false)
  for (let i = 0; i < 6; i++) await ring.sim.run(10_000)
  for (const n of [1, 2]) {
    expect((await ring.ownRows(n, 'SELECT p FROM ks.t')).flat().sort()).toEqual([1, 2, 3])
    expect(kept[n]!.batchlog.batchCount).toBe(0)
  }
})
