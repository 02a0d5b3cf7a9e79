import { expect, test } from 'vitest'
import { ConsistencyLevel as Level } from '../../src/common/errors.ts'
import { SimRing } from './sim-ring.ts'

/** Statements at any node of a ring, over a simulated network. */

const ID = '11111111-1111-4111-8111-111111111111'
const THREE = [{ tokens: [-6148914691236517206n] }, { tokens: [0n] }, { tokens: [6148914691236517206n] }]

function keyspace(factor: number): string {
  return `CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': ${factor}}`
}

const TABLE = `CREATE TABLE ks.t (p int, c int, v text, PRIMARY KEY (p, c)) WITH id = ${ID}`

test('what is written at one node is read at another', async () => {
  const ring = await SimRing.start({ places: THREE })
  await ring.schema(keyspace(3), TABLE)
  for (let p = 0; p < 20; p++) {
    await ring.query(p % 3, `INSERT INTO ks.t (p, c, v) VALUES (${p}, 1, 'v${p}')`, Level.QUORUM)
  }
  for (let p = 0; p < 20; p++) {
    expect(await ring.rows((p + 1) % 3, `SELECT * FROM ks.t WHERE p = ${p}`, Level.QUORUM)).toEqual([
      [p, 1, `v${p}`],
    ])
  }
  await ring.sim.run(100)
  for (let n = 0; n < 3; n++) expect((await ring.ownRows(n, 'SELECT * FROM ks.t')).length).toBe(20)
})
