import { expect, test } from 'vitest'
import { PiecedReader, piecesOf } from '../../src/cluster/coordinator/pieced-reader.ts'
import { ResponseMerge } from '../../src/cluster/coordinator/response-merge.ts'
import { readResponse } from '../../src/cluster/replica/read-response.ts'
import { ResponseHeaders } from '../../src/cluster/replica/response-header.ts'
import { Client, openNode } from '../golden/describe/client.ts'
import { SimRandom } from '../sim/sim-random.ts'
import { ALL, answerOf } from './replicas.ts'

/** SELECTs answer the same, whether rows come from this node's tables or in pieces, as from replicas. */

const SELECTS = [
  'SELECT * FROM ks.t',
  'SELECT * FROM ks.t WHERE p = 3',
  'SELECT * FROM ks.t WHERE p IN (5, 2, 90, 0)',
  'SELECT c, v FROM ks.t WHERE p = 2 AND c > 3 AND c <= 11 ORDER BY c DESC',
  'SELECT * FROM ks.t LIMIT 7',
  'SELECT * FROM ks.t PER PARTITION LIMIT 2',
  'SELECT * FROM ks.t PER PARTITION LIMIT 2 LIMIT 5',
  'SELECT DISTINCT p, s FROM ks.t',
  'SELECT count(*), min(c), max(v) FROM ks.t',
  'SELECT p, count(*), sum(c) FROM ks.t GROUP BY p',
  'SELECT p, c, count(v) FROM ks.t WHERE p = 4 GROUP BY p, c LIMIT 3',
  "SELECT * FROM ks.t WHERE v = 'v7' ALLOW FILTERING",
  'SELECT * FROM ks.t WHERE s = 3 ALLOW FILTERING',
  'SELECT p, token(p) FROM ks.t WHERE token(p) > 0',
  'SELECT * FROM ks.t WHERE p = 1 AND c IN (1, 5, 4)',
  'SELECT p, c, m FROM ks.t WHERE p IN (1, 2) ORDER BY c DESC LIMIT 6',
  'SELECT JSON * FROM ks.t WHERE p = 2',
  'SELECT * FROM ks.t WHERE p = 77',
]

test('rows in pieces make the same answers', async () => {
  const database = await openNode()
  const client = new Client(database)
  await client.query(
    "CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
  )
  await client.query(
    'CREATE TABLE ks.t (p int, c int, s int static, v text, m map<int, text>, PRIMARY KEY (p, c))',
  )
  for (let p = 0; p < 8; p++) {
    await client.query(`INSERT INTO ks.t (p, s) VALUES (${p}, ${p % 4})`)
    for (let c = 0; c < 2 * p; c++) {
      await client.query(`INSERT INTO ks.t (p, c, v, m) VALUES (${p}, ${c}, 'v${c}', {1: 'a', ${c}: 'b'})`)
    }
  }
  await client.query('DELETE FROM ks.t WHERE p = 5 AND c > 2 AND c < 6')
  await client.query('DELETE FROM ks.t WHERE p = 6')
  await client.query('DELETE v, m FROM ks.t WHERE p = 7 AND c = 7')
  const expected: unknown[] = []
  for (const select of SELECTS) expected.push(await client.rows(select))
  expect(expected.flat().length).toBeGreaterThan(150)

  const random = new SimRandom(3)
  const headers = new ResponseHeaders()
  let pieces = 0
  database.processor.readReplicas(
    (command) =>
      new PiecedReader(
        piecesOf(command, async (asked) => {
          pieces++
          const limits = { ...ALL, rows: random.pick([1, 2, 5, 100]) }
          const now = Math.floor(Date.now() / 1000)
          const answers = [1, 2].map(() => answerOf(database.engine, asked, limits, now))
          return new ResponseMerge(
            asked,
            answers.map((answer) => readResponse(answer, asked.table, headers)),
          )
        }),
      ),
  )
  for (let round = 0; round < 20; round++) {
    for (const [i, select] of SELECTS.entries())
      expect(await client.rows(select), select).toEqual(expected[i])
  }
  expect(pieces).toBeGreaterThan(20 * SELECTS.length)
  await database.close()
})
