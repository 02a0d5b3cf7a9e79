import { expect, test } from 'vitest'
import { NO_READ_THRESHOLDS } from '../../src/cluster/replica/read-thresholds.ts'
import { type CqlError, ConsistencyLevel as Level } from '../../src/common/errors.ts'
import { SimRing } from './sim-ring.ts'

/** What clients are warned of when replicas meet many tombstones, or much: texts and numbers are those of a ring of Cassandra's. */

const ID = '11111111-1111-4111-8111-111111111111'
const THREE = [{ tokens: [-6148914691236517206n] }, { tokens: [0n] }, { tokens: [6148914691236517206n] }]
const TOKENS: Readonly<Record<number, string>> = {
  1: '-4069959284402364209',
  2: '-3248873570005575792',
  4: '-2729420104000364805',
}

/** Of partition 1 five rows are deleted, of 2 ten, of 3 one and of 4 six; each has one that is left. */
async function ringOf(tracks: boolean, factor = 3): Promise<SimRing> {
  const tombstones = { tombstone_warn_threshold: 3, tombstone_failure_threshold: 8 }
  const sizes = { local_read_size_warn_threshold: '900B', local_read_size_fail_threshold: '1400B' }
  const bytes = { local_read_size_warn_threshold_bytes: 900, local_read_size_fail_threshold_bytes: 1400 }
  const ring = await SimRing.start({
    places: THREE,
    thresholds: { ...NO_READ_THRESHOLDS, ...tombstones, ...(tracks ? bytes : {}) },
    settings: { read_thresholds_enabled: tracks, ...tombstones, ...(tracks ? sizes : {}) },
  })
  await ring.schema(
    `CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': ${factor}}`,
    `CREATE TABLE ks.t (p int, c int, v int, PRIMARY KEY (p, c)) WITH id = ${ID} AND speculative_retry = 'NONE'`,
  )
  for (const [p, dead] of [5, 10, 1, 6].entries()) {
    for (let c = 0; c < dead; c++) {
      await ring.query(0, `DELETE FROM ks.t WHERE p = ${p + 1} AND c = ${c}`, Level.ALL)
    }
    await ring.query(0, `INSERT INTO ks.t (p, c, v) VALUES (${p + 1}, 100, 1)`, Level.ALL)
  }
  return ring
}

interface Told {
  readonly warnings: readonly string[]
  readonly message: string | null
}

async function told(ring: SimRing, cql: string, level: Level, at = 0): Promise<Told> {
  try {
    const { warnings = [] } = await ring.query(at, cql, level, { pageSize: 5000 })
    return { warnings, message: null }
  } catch (error) {
    const { warnings = [], message } = error as CqlError
    return { warnings, message }
  }
}

const query = (p: number, limit = 5000) => `SELECT * FROM ks.t WHERE p = ${p} LIMIT ${limit} ALLOW FILTERING`
const SELECT = 'SELECT * FROM ks.t WHERE p ='

const own = (rows: number, tombstones: number, p: number, limit?: number) =>
  `Read ${rows} live rows and ${tombstones} tombstone cells for query ${query(p, limit)}; token ${TOKENS[p]} (see tombstone_warn_threshold)`

test('where thresholds of reads are off, a client is warned of what the coordinator itself has read', async () => {
  const ring = await ringOf(false)
  for (const level of [Level.ONE, Level.QUORUM, Level.ALL]) {
    expect(await told(ring, `${SELECT} 1`, level)).toEqual({ warnings: [own(1, 5, 1)], message: null })
  }
  expect(await told(ring, 'SELECT v FROM ks.t WHERE p = 1 AND c > 2', Level.ALL)).toEqual({
    warnings: [],
    message: null,
  })
  expect(await told(ring, 'SELECT * FROM ks.t WHERE p IN (1, 3, 4)', Level.ALL)).toEqual({
    warnings: [own(1, 5, 1), own(1, 6, 4, 4998)],
    message: null,
  })
  expect(await told(ring, `${SELECT} 2`, Level.QUORUM)).toEqual({
    warnings: [own(0, 9, 2)],
    message:
      'Operation failed - received 0 responses and 1 failures: READ_TOO_MANY_TOMBSTONES from /10.0.0.1:7000',
  })
  expect(await told(ring, 'SELECT * FROM ks.t WHERE p IN (1, 2)', Level.QUORUM)).toMatchObject({
    warnings: [own(1, 5, 1), own(0, 9, 2, 4999)],
  })
  const others = ring.sim.log.filter((line) => line.startsWith('2: Read '))
  expect(others[0]).toBe(
    `2: Read 1 live rows and 5 tombstone cells of ks.t; token ${TOKENS[1]} (see tombstone_warn_threshold)`,
  )
})

test('and of nothing that others have read', async () => {
  const ring = await ringOf(false, 1)
  const warned: number[] = []
  for (const at of [0, 1, 2]) warned.push((await told(ring, `${SELECT} 1`, Level.ONE, at)).warnings.length)
  // Of three nodes one has the partition.
  expect(warned.sort()).toEqual([0, 0, 1])
})

const tombstonesOf = (nodes: number, tombstones: number, p: number, limit?: number) =>
  `${nodes} nodes scanned up to ${tombstones} tombstones and issued tombstone warnings for query ${query(p, limit)} (see tombstone_warn_threshold)`
const bytesOf = (nodes: number, bytes: number, p: number, limit?: number) =>
  `${nodes} nodes loaded over ${bytes} bytes and issued local read size warnings for query ${query(p, limit)} (see local_read_size_warn_threshold)`
const givenUp = (nodes: number, bytes: number, p: number, limit?: number) =>
  `${nodes} nodes loaded over ${bytes} bytes and aborted the query ${query(p, limit)} (see local_read_size_fail_threshold)`
const withToken = (text: string, p: number) => `${text} with token=${TOKENS[p]}`

test('where they are on, replicas tell the coordinator, and it the client and its log', async () => {
  const ring = await ringOf(true)
  for (const [level, nodes] of [
    [Level.ONE, 1],
    [Level.QUORUM, 2],
    [Level.ALL, 3],
  ] as const) {
    ring.sim.log.length = 0
    expect(await told(ring, `${SELECT} 1`, level), String(level)).toEqual({
      warnings: [withToken(tombstonesOf(nodes, 5, 1), 1), withToken(bytesOf(nodes, 1336, 1), 1)],
      message: null,
    })
    // What this node has alone is no business of the coordinator.
    if (level === Level.ONE) continue
    expect(ring.sim.log).toContain(`1: ${tombstonesOf(nodes, 5, 1)}`)
    expect(ring.sim.log).toContain(`1: ${bytesOf(nodes, 1336, 1)}`)
  }
  expect(await told(ring, 'SELECT v FROM ks.t WHERE p = 1 AND c > 2', Level.ALL)).toEqual({
    warnings: [],
    message: null,
  })
})

test('and so are reads that they give up', async () => {
  const ring = await ringOf(true)
  expect((await told(ring, `${SELECT} 2`, Level.ONE)).warnings).toEqual([
    withToken(tombstonesOf(1, 6, 2), 2),
    withToken(givenUp(1, 1432, 2), 2),
  ])
  expect(await told(ring, `${SELECT} 2`, Level.QUORUM)).toEqual({
    warnings: [withToken(tombstonesOf(1, 6, 2), 2), withToken(givenUp(1, 1432, 2), 2)],
    message: `Operation failed - ${givenUp(1, 1432, 2)}: READ_SIZE from /10.0.0.1:7000`,
  })
  const { message, warnings } = await told(ring, 'SELECT * FROM ks.t WHERE p IN (1, 3, 4)', Level.ALL)
  expect(message).toMatch(
    `Operation failed - 1 nodes loaded over 1532 bytes and aborted the query ${query(4, 4998)}`,
  )
  expect(warnings).toContain(withToken(tombstonesOf(3, 5, 1), 1))
  expect(warnings).toContain(withToken(bytesOf(3, 1336, 1), 1))
  expect(warnings).toContain(withToken(givenUp(1, 1532, 4, 4998), 4))
})

test('ranges, too', async () => {
  const ring = await ringOf(true)
  const range = 'SELECT * FROM ks.t LIMIT 1 ALLOW FILTERING'
  const tokens = 'token range: (-9223372036854775808, -9223372036854775808]'
  expect(await told(ring, 'SELECT * FROM ks.t LIMIT 1', Level.ALL)).toEqual({
    warnings: [
      `3 nodes scanned up to 5 tombstones and issued tombstone warnings for query ${range} (see tombstone_warn_threshold) with ${tokens}`,
      `3 nodes loaded over 1336 bytes and issued local read size warnings for query ${range} (see local_read_size_warn_threshold) with ${tokens}`,
    ],
    message: null,
  })
  const whole = await told(ring, 'SELECT * FROM ks.t', Level.QUORUM)
  expect(whole.message).toMatch(
    'Operation failed - 1 nodes loaded over 1592 bytes and aborted the query SELECT * FROM ks.t LIMIT 5000 ALLOW FILTERING (see local_read_size_fail_threshold): READ_SIZE from /10.0.0.1:7000',
  )
})
