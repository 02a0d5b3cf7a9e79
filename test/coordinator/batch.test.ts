import { expect, test } from 'vitest'
import type { Batch, Batchlog } from '../../src/cluster/coordinator/batchlog.ts'
import { Verb } from '../../src/cluster/messaging/index.ts'
import { ConsistencyLevel as Level } from '../../src/common/errors.ts'
import { SimRing } from './sim-ring.ts'

/** Logged batches are kept by two nodes until what they write is where it belongs. */

const ID = '11111111-1111-4111-8111-111111111111'
const PLACES = [-6n, -3n, 0n, 3n, 6n].map((n) => ({ tokens: [n << 60n] }))
const BATCH =
  'BEGIN BATCH INSERT INTO ks.t (p, v) VALUES (1, 1); INSERT INTO ks.t (p, v) VALUES (2, 2); UPDATE ks.t SET v = 3 WHERE p = 1; APPLY BATCH'

/** A batchlog that only remembers. */
class Kept implements Batchlog {
  readonly prefersLocalRack = false
  readonly batches = new Map<string, Batch>()

  encode({ id, mutations }: Batch): Uint8Array {
    return Buffer.concat([id, Buffer.from([mutations.length])])
  }

  store(batch: Batch): void {
    this.batches.set(Buffer.from(batch.id).toString('hex'), batch)
  }

  remove(id: Uint8Array): void {
    this.batches.delete(Buffer.from(id).toString('hex'))
  }
}

async function ringWithBatchlogs(factor: number): Promise<{ ring: SimRing; logs: Kept[] }> {
  const ring = await SimRing.start({ places: PLACES })
  await ring.schema(
    `CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': ${factor}}`,
    `CREATE TABLE ks.t (p int PRIMARY KEY, v int) WITH id = ${ID}`,
  )
  let count = 0
  const logs = ring.nodes.map(({ coordinator, messaging }) => {
    const log = new Kept()
    coordinator.useBatchlog(log, () => new Uint8Array(16).fill(++count))
    messaging.handle(Verb.BATCH_STORE_REQ, (message) => {
      const id = message.payload.slice(0, 16)
      log.store({ id, createdMicros: 0, mutations: Array(message.payload[16]).fill(id) })
      message.respond(new Uint8Array(0))
    })
    messaging.handle(Verb.BATCH_REMOVE_REQ, (message) => log.remove(message.payload.slice()))
    return log
  })
  return { ring, logs }
}

const keepers = (logs: readonly Kept[]) => logs.map(({ batches }) => batches.size)

test('a batch is kept by two others, written, and forgotten', async () => {
  for (const factor of [1, 3]) {
    const { ring, logs } = await ringWithBatchlogs(factor)
    const kept = logs.map((log) => {
      const store = log.store.bind(log)
      const seen: number[] = []
      log.store = (batch) => {
        seen.push(batch.mutations.length)
        store(batch)
      }
      return seen
    })
    await ring.query(0, BATCH, Level.QUORUM)
    expect(kept[0]).toEqual([])
    expect(kept.flat()).toEqual([2, 2])
    await ring.sim.run(50)
    expect(keepers(logs)).toEqual([0, 0, 0, 0, 0])
    expect(await ring.rows(3, 'SELECT p, v FROM ks.t WHERE p IN (1, 2)', Level.ALL)).toEqual([
      [1, 3],
      [2, 2],
    ])
  }
})

test('a batch that is not where it belongs stays in the batchlog, each partition a mutation', async () => {
  const { ring, logs } = await ringWithBatchlogs(1)
  const owners: number[] = []
  await ring.query(0, BATCH, Level.ALL)
  await ring.sim.run(50)
  for (let n = 0; n < 5; n++) if ((await ring.ownRows(n, 'SELECT * FROM ks.t')).length > 0) owners.push(n)
  const at = [0, 1, 2, 3, 4].find((n) => !owners.includes(n))!
  // Nobody writes there any more, but the batchlog is taken.
  const { engine } = ring.nodes[owners[0]!]!.database
  engine.apply = () => {
    throw new Error('the disk is full')
  }
  expect(await ring.error(at, BATCH, Level.ONE)).toMatchObject({
    code: 0x1500,
    writeType: 'BATCH',
    blockFor: 1,
  })
  await ring.sim.run(50)
  expect(keepers(logs).reduce((a, b) => a + b)).toBe(2)
  expect(logs[at]!.batches.size).toBe(0)
  for (const { batches } of logs)
    for (const { mutations } of batches.values()) expect(mutations.length).toBe(2)
})

test('a batch that nobody keeps is not written', async () => {
  const { ring, logs } = await ringWithBatchlogs(3)
  for (const n of [1, 2, 3, 4]) ring.cut(n)
  expect(await ring.error(0, BATCH, Level.ONE)).toMatchObject({
    code: 0x1100,
    writeType: 'BATCH_LOG',
    consistency: Level.TWO,
    received: 0,
    blockFor: 2,
  })
  for (let n = 0; n < 5; n++) expect(await ring.ownRows(n, 'SELECT * FROM ks.t')).toEqual([])
  expect(keepers(logs)).toEqual([0, 0, 0, 0, 0])
})
