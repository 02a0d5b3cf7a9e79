import { expect, test } from 'vitest'
import { strategyOf } from '../../src/cluster/ring/strategy.ts'
import { ConsistencyLevel as Level } from '../../src/common/errors.ts'
import { murmur3Token } from '../../src/common/murmur3.ts'
import type { RowsResult } from '../../src/model/query-result.ts'
import { Client, openNode, valuesOf } from '../golden/describe/client.ts'
import { SimRandom } from '../sim/sim-random.ts'
import { type Place, SimRing } from './sim-ring.ts'

/** A ring of several nodes answers as one node that has everything, whoever is asked and whatever replicas have missed. */

const SEEDS = Number(process.env['SEEDS'] ?? 25)
const FIRST = Number(process.env['SEED'] ?? 1)
const ID = '11111111-1111-4111-8111-111111111111'
const TABLE = `CREATE TABLE ks.t (p int, c int, s int static, v text, m map<int, text>, PRIMARY KEY (p, c)) WITH id = ${ID}`
const KEYS = 12

function places(random: SimRandom, dataCenters: readonly string[], factor: number): Place[] {
  const count = Math.max(3, dataCenters.length * factor) + random.below(3)
  const token = () => (BigInt(random.uint32() | 0) << 32n) | BigInt(random.uint32())
  return Array.from({ length: count }, (_, i) => ({
    tokens: Array.from({ length: 1 + random.below(4) }, token),
    dataCenter: dataCenters[i % dataCenters.length]!,
    rack: `rack${random.below(2)}`,
  }))
}

/** What changes a table, at a timestamp of its own. */
function change(random: SimRandom, timestamp: number): { readonly p: number; readonly cql: string } {
  const [p, c] = [random.below(KEYS), random.below(8)]
  const using = `USING TIMESTAMP ${timestamp}`
  const from = random.below(8)
  const cql = random.pick([
    `INSERT INTO ks.t (p, c, v) VALUES (${p}, ${c}, 'v${timestamp}') ${using}`,
    `INSERT INTO ks.t (p, c, v) VALUES (${p}, ${c}, 'w${timestamp}') ${using}`,
    `INSERT INTO ks.t (p, s) VALUES (${p}, ${timestamp}) ${using}`,
    `UPDATE ks.t ${using} SET m[${random.below(3)}] = 'm${timestamp}', v = 'u' WHERE p = ${p} AND c = ${c}`,
    `UPDATE ks.t ${using} SET m = {1: 'o${timestamp}'} WHERE p = ${p} AND c = ${c}`,
    `DELETE v FROM ks.t ${using} WHERE p = ${p} AND c = ${c}`,
    `DELETE FROM ks.t ${using} WHERE p = ${p} AND c = ${c}`,
    `DELETE FROM ks.t ${using} WHERE p = ${p} AND c >= ${from} AND c < ${from + 1 + random.below(4)}`,
    random.chance(0.3)
      ? `DELETE FROM ks.t ${using} WHERE p = ${p}`
      : `INSERT INTO ks.t (p, c) VALUES (${p}, ${c}) ${using}`,
  ])
  return { p, cql }
}

function select(random: SimRandom): string {
  const [p, q, r] = [random.below(KEYS), random.below(KEYS), random.below(KEYS + 3)]
  const keys = [...new Set([p, q, r])].join(', ')
  const limit = random.pick(['', '', ` LIMIT ${1 + random.below(9)}`])
  const perPartition = random.pick(['', '', ` PER PARTITION LIMIT ${1 + random.below(3)}`])
  return random.pick([
    `SELECT * FROM ks.t${perPartition}${limit}`,
    `SELECT * FROM ks.t WHERE p = ${p}${perPartition}${limit}`,
    `SELECT * FROM ks.t WHERE p IN (${keys})${perPartition}${limit}`,
    `SELECT c, v FROM ks.t WHERE p = ${p} AND c > ${q % 8} ORDER BY c DESC${limit}`,
    `SELECT * FROM ks.t WHERE p = ${p} AND c = ${q % 8}`,
    `SELECT DISTINCT p, s FROM ks.t${limit}`,
    `SELECT p, count(*), max(v) FROM ks.t GROUP BY p${limit}`,
    'SELECT count(*), sum(c) FROM ks.t',
    `SELECT * FROM ks.t WHERE token(p) > ${random.uint32() | 0}00000000${limit}`,
    `SELECT * FROM ks.t WHERE v = 'u'${limit} ALLOW FILTERING`,
    `SELECT p, c, m FROM ks.t WHERE c = ${q % 8}${limit} ALLOW FILTERING`,
  ])
}

/** All pages of a SELECT. */
async function allRows(
  query: (pagingState: Uint8Array | null) => Promise<RowsResult>,
  pagesMax: number,
): Promise<unknown[][]> {
  const rows: unknown[][] = []
  let state: Uint8Array | null = null
  for (let page = 0; page < pagesMax; page++) {
    const result = await query(state)
    rows.push(...valuesOf(result))
    state = result.pagingState?.slice() ?? null
    if (state === null) return rows
  }
  throw new Error('the pages have no end')
}

/** How a ring is made and what is asked of it: writes are at levels of which any of the reads' sees all. */
interface Shape {
  readonly dataCenters: readonly string[]
  readonly writeLevels: readonly Level[]
  readonly readLevels: readonly Level[]
}

const SHAPES: Readonly<Record<string, Shape>> = {
  'one data centre': {
    dataCenters: ['dc1'],
    writeLevels: [Level.QUORUM, Level.ALL],
    readLevels: [Level.QUORUM, Level.QUORUM, Level.LOCAL_QUORUM, Level.ALL, Level.SERIAL],
  },
  'two data centres': {
    dataCenters: ['dc1', 'dc2'],
    writeLevels: [Level.EACH_QUORUM, Level.ALL],
    readLevels: [Level.LOCAL_QUORUM, Level.LOCAL_QUORUM, Level.EACH_QUORUM, Level.ALL, Level.LOCAL_SERIAL],
  },
}

test.each(Object.entries(SHAPES))(
  `rings of %s answer as one node does, in ${SEEDS} seeds`,
  async (_, shape) => {
    const { dataCenters, writeLevels, readLevels } = shape
    let compared = 0
    for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
      const random = new SimRandom(seed)
      const factor = 1 + random.below(3)
      const replication = Object.fromEntries(dataCenters.map((name) => [name, String(factor)]))
      const ring = await SimRing.start({
        seed,
        places: places(random, dataCenters, factor),
        replication: { class: 'NetworkTopologyStrategy', ...replication },
      })
      const keyspace = `CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`
      await ring.schema(keyspace, TABLE)
      const { clock, timers } = ring.sim
      const whole = new Client(await openNode({}, { clock, timers, random: new SimRandom(seed) }))
      for (const cql of [keyspace, TABLE]) await whole.query(cql)
      const { node, view } = ring.nodes[0]!
      const strategy = strategyOf(
        new Map(Object.entries({ class: 'NetworkTopologyStrategy', ...replication })),
        node,
      )
      const quorum = (factor >> 1) + 1
      const anyNode = () => random.below(ring.nodes.length)
      for (let i = 0; i < 40; i++) {
        const { p, cql } = change(random, 1000 + i)
        await whole.query(cql)
        if (random.chance(0.4)) {
          await ring.query(anyNode(), cql, random.pick(writeLevels))
          continue
        }
        // Some replicas miss it, fewer than a quorum has.
        const key = new Uint8Array(4)
        new DataView(key.buffer).setInt32(0, p)
        const token = new Int32Array(2)
        murmur3Token(key, 0, 4, token)
        const all = view.ring().replicas(strategy, token[0]!, token[1]!)
        const replicas = dataCenters.flatMap((name) => {
          const ofOne = all.filter(({ dataCenter }) => dataCenter === name)
          const missing = random.below(Math.max(0, ofOne.length - quorum) + 1)
          for (let n = 0; n < missing; n++) ofOne.splice(random.below(ofOne.length), 1)
          return ofOne
        })
        for (const { hostId } of replicas) {
          await ring.nodes.find((other) => other.node.hostId === hostId)!.alone.query(cql)
        }
      }
      for (let i = 0; i < 14; i++) {
        const cql = select(random)
        const pageSize = random.pick([-1, 1, 2, 3, 5, 100])
        const level = random.pick(readLevels)
        // Several keys can't be read serially but in pages.
        const isSerial = level === Level.SERIAL || level === Level.LOCAL_SERIAL
        const consistency = isSerial && !/p = \d+ AND c = /.test(cql) ? Level.ALL : level
        const isGrouped = cql.includes('count(')
        const options = { pageSize: isGrouped && pageSize === 1 ? 2 : pageSize }
        const expected = await allRows(
          async (pagingState) => (await whole.query(cql, { ...options, pagingState })) as RowsResult,
          200,
        )
        const found = await allRows(
          async (pagingState) =>
            (await ring.query(anyNode(), cql, consistency, { ...options, pagingState })) as RowsResult,
          200,
        )
        expect(found, `seed ${seed}, ${cql}, pages of ${pageSize}`).toEqual(expected)
        compared += expected.length
      }
      expect(ring.sim.log.filter((line) => line.includes('failed'))).toEqual([])
    }
    expect(compared).toBeGreaterThan(SEEDS * 30)
  },
  600_000,
)
