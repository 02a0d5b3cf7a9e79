import cassandra from 'cassandra-driver'
import { afterEach, expect, test } from 'vitest'
import { queryBody } from '../../src/protocol/client-request.ts'
import { decodeResponse } from '../../src/protocol/client-response.ts'
import { Opcode } from '../../src/protocol/opcode.ts'
import { failure, KEYSPACE, Workbench } from '../node/support.ts'
import { TestClient } from '../protocol/test-client.ts'

const bench = new Workbench()
afterEach(() => bench.release())

const MIB = 1024 * 1024
const { responseErrorCodes } = cassandra.types

test('a mutation over max_mutation_size is refused with the text of Apache Cassandra 5.0.6', {
  timeout: 60_000,
}, async () => {
  const server = await bench.start()
  for (const version of [3, 4, 5]) {
    const client = await TestClient.connect(server.port, { version })
    const query = async (text: string, value?: Uint8Array): Promise<unknown> => {
      const parameters = value === undefined ? {} : { values: [value], names: ['x'] }
      const frame = await client.request(Opcode.QUERY, queryBody(version, text, parameters))
      return decodeResponse(frame.version, frame.opcode, frame.flags, frame.body)
    }
    await query(
      "CREATE KEYSPACE IF NOT EXISTS bigm WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
    )
    await query('CREATE TABLE IF NOT EXISTS bigm.t (k int PRIMARY KEY, a blob, b blob)')
    await query('CREATE TABLE IF NOT EXISTS bigm.u (k int, l text, a blob, b blob, PRIMARY KEY ((k, l)))')
    const value = new Uint8Array(9 * MIB).fill(1)
    const refused = (table: string) => ({
      code: '0x2200',
      message: expect.stringMatching(
        new RegExp(
          `^Rejected an oversized mutation \\(18874\\d{3}/16777216\\) for keyspace: bigm\\. Top keys are: ${table}$`,
        ),
      ),
    })
    for (const [statement, key] of [
      ['INSERT INTO bigm.t (k, a, b) VALUES (1, :x, :x)', 't.1'],
      ['UPDATE bigm.t SET a = :x, b = :x WHERE k = 1', 't.1'],
      ["INSERT INTO bigm.u (k, l, a, b) VALUES (1, 'c:d', :x, :x)", 'u.1:c\\\\:d'],
      [
        'BEGIN UNLOGGED BATCH INSERT INTO bigm.t (k, a) VALUES (1, :x); INSERT INTO bigm.t (k, b) VALUES (1, :x); APPLY BATCH',
        't.1',
      ],
    ] as const) {
      expect(await query(statement, value), statement).toMatchObject(refused(key))
    }
    expect(await query('INSERT INTO bigm.t (k, a, b) VALUES (1, :x, :x) IF NOT EXISTS', value)).toMatchObject(
      {
        code: '0x1100',
        message: 'Operation timed out - received only 0 responses.',
      },
    )
    expect(await query('SELECT k FROM bigm.t')).toMatchObject({ kind: 'rows', rows: [] })
    client.close()
  }
})

test('a server without files whose memory is full refuses what adds, and can be emptied', {
  timeout: 120_000,
}, async () => {
  const server = await bench.start({ dir: ':memory:', memtableSpaceMiB: 4 })
  const client = await bench.connect(server)
  await client.execute(KEYSPACE)
  await client.execute('CREATE TABLE demo.t (p int PRIMARY KEY, v blob)')
  const insert = (p: number, bytes: number): Promise<unknown> =>
    client.execute('INSERT INTO demo.t (p, v) VALUES (?, ?)', [p, Buffer.alloc(bytes, 1)], {
      prepare: true,
    })
  const full = async (bytes: number, from: number): Promise<number> => {
    for (let p = from; ; p++) {
      const error = await insert(p, bytes).then(
        () => null,
        (reason: unknown) =>
          reason as cassandra.errors.ResponseError & {
            innerErrors?: Record<string, cassandra.errors.ResponseError>
          },
      )
      if (error === null) continue
      const inner = Object.values(error.innerErrors ?? {})[0] ?? error
      expect(inner.code).toBe(responseErrorCodes.overloaded)
      expect(inner.message).toMatch(/^Too much data in memtables: \d+ of 4194304 bytes/)
      return p - from
    }
  }
  const first = await full(2000, 0)
  expect(first).toBeGreaterThan(1000)
  expect(first).toBeLessThan(2100)
  // Reads go on, deletions are taken and make room.
  expect((await client.execute('SELECT count(*) FROM demo.t')).first()['count'].toNumber()).toBe(first)
  for (let p = 0; p < first; p += 2)
    await client.execute('DELETE FROM demo.t WHERE p = ?', [p], { prepare: true })
  let again = 0
  for (let p = 0; p < first; p += 2) {
    if (
      await insert(p, 2000).then(
        () => true,
        () => false,
      )
    )
      again++
  }
  expect(again).toBeGreaterThan(first / 4)
  // Deletions of what is not there cannot go on for ever.
  let deletions = 0
  for (let p = 1_000_000; p < 1_200_000; p += 500) {
    const done = await Promise.allSettled(
      Array.from({ length: 500 }, (_, i) =>
        client.execute('DELETE FROM demo.t WHERE p = ?', [p + i], { prepare: true }),
      ),
    )
    const taken = done.filter(({ status }) => status === 'fulfilled').length
    deletions += taken
    if (taken === 0) break
  }
  expect(deletions).toBeLessThan(100_000)
  expect(process.memoryUsage.rss()).toBeLessThan(1500 * MIB)
  // The schema can be changed, and TRUNCATE and DROP give all back.
  await client.execute('CREATE TABLE demo.other (p int PRIMARY KEY)')
  await client.execute('TRUNCATE demo.t')
  expect(await full(2000, 0)).toBeGreaterThan(1000)
  await client.execute('DROP TABLE demo.t')
  await client.execute('CREATE TABLE demo.t (p int PRIMARY KEY, v blob)')
  expect(await full(100_000, 0)).toBeGreaterThan(20)
  // Large values go with their memory: others of another size take their place.
  for (let p = 0; p < 40; p++) await client.execute('DELETE FROM demo.t WHERE p = ?', [p], { prepare: true })
  await client.execute('TRUNCATE demo.t')
  for (let size = 300_000; size < 3_000_000; size += 300_000) {
    await insert(1, size)
    await client.execute('DELETE FROM demo.t WHERE p = 1')
  }
  expect(await failure(insert(1, 6_000_000))).toBeInstanceOf(Error)
  expect((await client.execute('SELECT p FROM demo.t')).rowLength).toBe(0)
})
test('a server with files takes many times what its memory holds', { timeout: 60_000 }, async () => {
  const dir = bench.folder()
  const server = await bench.start({ dir, memtableSpaceMiB: 4 })
  const client = await bench.connect(server)
  await client.execute(KEYSPACE)
  await client.execute('CREATE TABLE demo.t (p int PRIMARY KEY, v blob)')
  const rows = 3000
  for (let p = 0; p < rows; p += 100) {
    await Promise.all(
      Array.from({ length: 100 }, (_, i) =>
        client.execute('INSERT INTO demo.t (p, v) VALUES (?, ?)', [p + i, Buffer.alloc(10_000, 1)], {
          prepare: true,
        }),
      ),
    )
  }
  expect((await client.execute('SELECT count(*) FROM demo.t')).first()['count'].toNumber()).toBe(rows)
})
