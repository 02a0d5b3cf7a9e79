import { expect, test } from 'vitest'
import { CasWriteUnknownError, ConsistencyLevel as Level } from '../../src/common/errors.ts'
import { SimRing } from './sim-ring.ts'

/** Conditional statements and serial reads in a ring. */

const ID = '11111111-1111-4111-8111-111111111111'
const THREE = [{ tokens: [-6148914691236517206n] }, { tokens: [0n] }, { tokens: [6148914691236517206n] }]

async function ringOf(factor: number): Promise<SimRing> {
  const ring = await SimRing.start({ places: THREE })
  await ring.schema(
    `CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': ${factor}}`,
    `CREATE TABLE ks.t (p int, c int, s int static, v int, PRIMARY KEY (p, c)) WITH id = ${ID}`,
  )
  return ring
}

test('one of several wins, and the others are shown what it wrote', async () => {
  for (const factor of [1, 3]) {
    const ring = await ringOf(factor)
    const { timers } = ring.sim
    const inserts = [0, 1, 2].map((n) =>
      Promise.resolve(
        ring.nodes[n]!.client.query(`INSERT INTO ks.t (p, c, v) VALUES (1, 1, ${n}) IF NOT EXISTS`, {
          consistency: Level.QUORUM,
        }),
      ),
    )
    const results = await timers.run(Promise.all(inserts))
    const shown = results.map((result) => (result.kind === 'rows' ? result.content : null))
    const applied = shown.map((content) => content![4])
    expect(applied.reduce((a, b) => a! + b!)).toBe(1)
    const winner = applied.indexOf(1)
    for (let n = 0; n < 3; n++) {
      expect(await ring.rows(n, 'SELECT v FROM ks.t WHERE p = 1', Level.SERIAL)).toEqual([[winner]])
    }
    const update = 'UPDATE ks.t SET v = v + 10 WHERE p = 1 AND c = 1 IF v = '
    expect(await ring.rows(1, `${update}${winner}`, Level.QUORUM)).toEqual([[true]])
    expect(await ring.rows(2, `${update}${winner}`, Level.QUORUM)).toEqual([[false, winner + 10]])
    const batch =
      'BEGIN BATCH UPDATE ks.t SET s = 1 WHERE p = 1 IF s = null; INSERT INTO ks.t (p, c, v) VALUES (1, 2, 5); APPLY BATCH'
    expect(await ring.rows(0, batch, Level.ONE)).toEqual([[true]])
    expect(await ring.rows(2, 'SELECT c, s, v FROM ks.t WHERE p = 1', Level.LOCAL_SERIAL)).toEqual([
      [1, 1, winner + 10],
      [2, 1, 5],
    ])
    expect(await ring.rows(1, 'SELECT v FROM ks.t', Level.SERIAL)).toEqual([[winner + 10], [5]])
    const paged = await ring.query(2, 'SELECT c, v FROM ks.t WHERE p IN (0, 1, 2)', Level.SERIAL, {
      pageSize: 1,
    })
    expect(paged).toMatchObject({ rowCount: 1, pagingState: expect.anything() })
    // What is committed is written at the time of its round: what clients write later is later.
    await ring.query(1, 'INSERT INTO ks.t (p, c, v) VALUES (1, 1, 99)', Level.QUORUM)
    expect(await ring.rows(0, 'SELECT v FROM ks.t WHERE p = 1 AND c = 1', Level.QUORUM)).toEqual([[99]])
  }
})

test('counting by conditions from all nodes loses nothing', async () => {
  const ring = await ringOf(3)
  await ring.query(0, 'INSERT INTO ks.t (p, c, v) VALUES (1, 1, 0)', Level.ALL)
  let [applied, unknown] = [0, 0]
  /** The content of the one row; null where nobody knows what became of the statement. */
  const tried = async (at: number, cql: string, consistency: Level): Promise<Uint8Array | null> => {
    try {
      const result = (await ring.nodes[at]!.client.query(cql, { consistency })) as { content: Uint8Array }
      return result.content.slice()
    } catch (error) {
      if (error instanceof CasWriteUnknownError) return null
      throw error
    }
  }
  const count = async (at: number): Promise<void> => {
    for (let round = 0; round < 12; round++) {
      const found = await tried(at, 'SELECT v FROM ks.t WHERE p = 1 AND c = 1', Level.SERIAL)
      if (found === null) continue
      const value = new DataView(found.buffer).getInt32(4)
      const update = `UPDATE ks.t SET v = ${value + 1} WHERE p = 1 AND c = 1 IF v = ${value}`
      const result = await tried(at, update, Level.QUORUM)
      if (result === null) unknown++
      else if (result[4] === 1) applied++
    }
  }
  await ring.sim.timers.run(Promise.all([count(0), count(1), count(2)]))
  const [[value]] = (await ring.rows(0, 'SELECT v FROM ks.t WHERE p = 1', Level.SERIAL)) as [[number]]
  expect(applied).toBeGreaterThan(3)
  expect(value).toBeGreaterThanOrEqual(applied)
  expect(value).toBeLessThanOrEqual(applied + unknown)
})

test('errors are those of Cassandra', async () => {
  const ring = await ringOf(3)
  ring.cut(1)
  ring.cut(2)
  const insert = 'INSERT INTO ks.t (p, c, v) VALUES (1, 1, 1) IF NOT EXISTS'
  expect(await ring.error(0, insert, Level.QUORUM)).toMatchObject({
    code: 0x1100,
    writeType: 'CAS',
    consistency: Level.SERIAL,
    received: 1,
    blockFor: 2,
    contentions: 0,
  })
  expect(await ring.error(0, 'SELECT * FROM ks.t WHERE p = 1', Level.SERIAL)).toMatchObject({
    code: 0x1200,
    consistency: Level.SERIAL,
    received: 0,
    blockFor: 2,
    dataPresent: false,
  })
  ring.markDown(1)
  ring.markDown(2)
  for (const cql of [insert, 'SELECT * FROM ks.t WHERE p = 1']) {
    expect(await ring.error(0, cql, cql === insert ? Level.ONE : Level.SERIAL)).toMatchObject({
      code: 0x1000,
      required: 2,
      alive: 1,
    })
  }
})
