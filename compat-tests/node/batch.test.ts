import { types } from 'cassandra-driver'
import { beforeEach, describe, expect, test } from 'vitest'
import { refusal, useSession } from '../harness.ts'

const { Long } = types
const db = useSession('batch', [
  'CREATE TABLE a (k int, c int, v text, s text static, PRIMARY KEY (k, c))',
  'CREATE TABLE b (k int PRIMARY KEY, v text)',
  'CREATE TABLE counts (k text PRIMARY KEY, n counter, m counter)',
])

beforeEach(async () => {
  await db.run('TRUNCATE a')
  await db.run('TRUNCATE b')
})

describe('batches of the driver', () => {
  test.each([true, false])('of several tables, prepared, logged: %s', async (logged) => {
    await db.client.batch(
      [
        { query: 'INSERT INTO a (k, c, v, s) VALUES (?, ?, ?, ?)', params: [1, 1, 'a1', 'static'] },
        { query: 'INSERT INTO a (k, c, v) VALUES (?, ?, ?)', params: [1, 2, 'a2'] },
        { query: 'INSERT INTO b (k, v) VALUES (?, ?)', params: [1, 'b1'] },
        { query: 'UPDATE b SET v = ? WHERE k = ?', params: ['b2', 2] },
        { query: 'DELETE FROM b WHERE k = ?', params: [3] },
      ],
      { prepare: true, logged },
    )
    expect(await db.rows('SELECT k, c, v, s FROM a')).toEqual([
      [1, 1, 'a1', 'static'],
      [1, 2, 'a2', 'static'],
    ])
    expect(await db.rows('SELECT k, v FROM b WHERE k IN (1, 2, 3)')).toEqual([
      [1, 'b1'],
      [2, 'b2'],
    ])
  })

  test('of plain strings, and of strings mixed with parameters', async () => {
    await db.client.batch(
      [
        "INSERT INTO b (k, v) VALUES (1, 'x')",
        { query: 'INSERT INTO b (k, v) VALUES (?, ?)', params: [2, 'y'] },
      ],
      {
        hints: [[], ['int', 'text']],
      } as never,
    )
    expect(await db.rows('SELECT k, v FROM b WHERE k IN (1, 2)')).toEqual([
      [1, 'x'],
      [2, 'y'],
    ])
  })

  test('statements of one batch have one timestamp: a deletion wins over an insert, the greater value over the lesser', async () => {
    await db.client.batch(["INSERT INTO b (k, v) VALUES (1, 'x')", 'DELETE FROM b WHERE k = 1'])
    await db.client.batch(['DELETE FROM b WHERE k = 2', "INSERT INTO b (k, v) VALUES (2, 'x')"])
    await db.client.batch(["INSERT INTO b (k, v) VALUES (3, 'y')", "INSERT INTO b (k, v) VALUES (3, 'x')"])
    expect(await db.rows('SELECT k, v FROM b WHERE k IN (1, 2, 3)')).toEqual([[3, 'y']])
  })

  test('with a timestamp of the client', async () => {
    const timestamp = Long.fromString('1700000000000001')
    await db.client.batch(
      ["INSERT INTO b (k, v) VALUES (1, 'x')", "INSERT INTO a (k, c, v) VALUES (1, 1, 'x')"],
      { timestamp },
    )
    expect(await db.rows('SELECT writetime(v) FROM b WHERE k = 1')).toEqual([['1700000000000001']])
    expect(await db.rows('SELECT writetime(v) FROM a WHERE k = 1')).toEqual([['1700000000000001']])
  })

  test('of counters', async () => {
    for (let round = 0; round < 2; round++) {
      await db.client.batch(
        [
          { query: 'UPDATE counts SET n = n + ? WHERE k = ?', params: [Long.fromInt(5), 'x'] },
          {
            query: 'UPDATE counts SET n = n - ?, m = m + ? WHERE k = ?',
            params: [Long.fromInt(1), Long.fromInt(2), 'x'],
          },
          { query: 'UPDATE counts SET n = n + ? WHERE k = ?', params: [Long.fromInt(7), 'y'] },
        ],
        { prepare: true, counter: true },
      )
    }
    expect(await db.rows("SELECT k, n, m FROM counts WHERE k IN ('x', 'y')")).toEqual([
      ['x', '8', '4'],
      ['y', '14', null],
    ])
  })

  test('of one thousand statements', async () => {
    const queries = Array.from({ length: 1000 }, (_, c) => ({
      query: 'INSERT INTO a (k, c, v) VALUES (?, ?, ?)',
      params: [9, c, String(c)],
    }))
    await db.client.batch(queries, { prepare: true, logged: false })
    expect(await db.rows('SELECT c FROM a WHERE k = 9')).toHaveLength(1000)
  })
})

describe('batches in CQL', () => {
  test('BEGIN BATCH, UNLOGGED, COUNTER', async () => {
    await db.run(
      "BEGIN BATCH INSERT INTO b (k, v) VALUES (1, 'x'); UPDATE b SET v = 'y' WHERE k = 2 APPLY BATCH",
    )
    await db.run(
      "BEGIN UNLOGGED BATCH INSERT INTO b (k, v) VALUES (3, 'z'); DELETE FROM b WHERE k = 1; APPLY BATCH;",
    )
    await db.run(
      "BEGIN COUNTER BATCH UPDATE counts SET n = n + 1 WHERE k = 'cql'; UPDATE counts SET n = n + 2 WHERE k = 'cql'; APPLY BATCH",
    )
    expect(await db.rows('SELECT k, v FROM b WHERE k IN (1, 2, 3)')).toEqual([
      [2, 'y'],
      [3, 'z'],
    ])
    expect(await db.rows("SELECT n FROM counts WHERE k = 'cql'")).toEqual([['3']])
  })

  test('USING TIMESTAMP for all, or one by one', async () => {
    await db.run(
      "BEGIN BATCH USING TIMESTAMP 1234 INSERT INTO b (k, v) VALUES (1, 'x'); UPDATE b SET v = 'y' WHERE k = 2 APPLY BATCH",
    )
    await db.run(
      "BEGIN BATCH INSERT INTO b (k, v) VALUES (3, 'x') USING TIMESTAMP 10; UPDATE b USING TIMESTAMP 20 SET v = 'y' WHERE k = 3; UPDATE b USING TIMESTAMP 15 SET v = 'z' WHERE k = 3 APPLY BATCH",
    )
    expect(await db.rows('SELECT v, writetime(v) FROM b WHERE k IN (1, 2, 3)')).toEqual([
      ['x', '1234'],
      ['y', '1234'],
      ['y', '20'],
    ])
  })

  test('prepared as a whole', async () => {
    await db.run(
      'BEGIN BATCH INSERT INTO b (k, v) VALUES (?, ?); UPDATE b SET v = ? WHERE k = ? APPLY BATCH',
      [1, 'x', 'y', 2],
    )
    expect(await db.rows('SELECT k, v FROM b WHERE k IN (1, 2)')).toEqual([
      [1, 'x'],
      [2, 'y'],
    ])
  })

  test('conditional batches, applied and not', async () => {
    const batch =
      "BEGIN BATCH INSERT INTO a (k, c, v) VALUES (1, 1, 'x') IF NOT EXISTS; INSERT INTO a (k, c, v) VALUES (1, 2, 'y'); APPLY BATCH"
    expect(await db.rows(batch)).toEqual([[true]])
    const result = await db.run(batch)
    expect(result.wasApplied()).toBe(false)
    expect(result.rows.map((row) => [row['[applied]'], row.k, row.c, row.v])).toEqual([[false, 1, 1, 'x']])
    const update = await db.run(
      "BEGIN BATCH UPDATE a SET v = 'n' WHERE k = 1 AND c = 1 IF v = 'x'; UPDATE a SET v = 'm' WHERE k = 1 AND c = 2 IF v = 'y' APPLY BATCH",
    )
    expect(update.wasApplied()).toBe(true)
    const refused = await db.run(
      "BEGIN BATCH UPDATE a SET v = '1' WHERE k = 1 AND c = 1 IF v = 'n'; UPDATE a SET v = '2' WHERE k = 1 AND c = 2 IF v = 'wrong' APPLY BATCH",
    )
    expect(refused.wasApplied()).toBe(false)
    expect(await db.rows('SELECT c, v FROM a WHERE k = 1')).toEqual([
      [1, 'n'],
      [2, 'm'],
    ])
  })
})

describe('batches that are refused', () => {
  const cases: readonly (readonly [string, string])[] = [
    [
      "BEGIN BATCH UPDATE counts SET n = n + 1 WHERE k = 'x'; INSERT INTO b (k, v) VALUES (1, 'x') APPLY BATCH",
      '0x2200 Counter and non-counter mutations cannot exist in the same batch',
    ],
    [
      "BEGIN COUNTER BATCH INSERT INTO b (k, v) VALUES (1, 'x') APPLY BATCH",
      '0x2200 Cannot include non-counter statement in a counter batch',
    ],
    [
      "BEGIN BATCH UPDATE counts SET n = n + 1 WHERE k = 'x' APPLY BATCH",
      '0x2200 Cannot include a counter statement in a logged batch',
    ],
    [
      "BEGIN COUNTER BATCH USING TIMESTAMP 1 UPDATE counts SET n = n + 1 WHERE k = 'x' APPLY BATCH",
      '0x2200 Cannot provide custom timestamp for counter BATCH',
    ],
    [
      "BEGIN BATCH USING TIMESTAMP 1 INSERT INTO b (k, v) VALUES (1, 'x') USING TIMESTAMP 2 APPLY BATCH",
      '0x2200 Timestamp must be set either on BATCH or individual statements',
    ],
    [
      "BEGIN BATCH INSERT INTO b (k, v) VALUES (1, 'x') IF NOT EXISTS; INSERT INTO a (k, c) VALUES (1, 1) APPLY BATCH",
      '0x2200 Batch with conditions cannot span multiple tables',
    ],
    [
      "BEGIN BATCH INSERT INTO b (k, v) VALUES (1, 'x') IF NOT EXISTS; INSERT INTO b (k, v) VALUES (2, 'x') APPLY BATCH",
      '0x2200 Batch with conditions cannot span multiple partitions',
    ],
    [
      "BEGIN BATCH USING TTL 5 INSERT INTO b (k, v) VALUES (1, 'x') APPLY BATCH",
      '0x2200 Global TTL on the BATCH statement is not supported.',
    ],
    [
      'BEGIN BATCH SELECT * FROM b APPLY BATCH',
      "0x2000 line 1:12 mismatched input 'SELECT' expecting K_APPLY (BEGIN BATCH [SELECT]...)",
    ],
  ]
  test.each(cases)('%s', async (query, expected) => {
    expect(await db.error(query)).toBe(expected)
  })

  test('a SELECT among the statements of the driver', async () => {
    expect(await refusal(db.client.batch(['SELECT * FROM b']))).toBe(
      '0x2200 Invalid statement in batch: only UPDATE, INSERT and DELETE statements are allowed.',
    )
  })

  test('nothing of a refused batch is written', async () => {
    expect(
      await refusal(
        db.client.batch(["INSERT INTO b (k, v) VALUES (1, 'x')", 'INSERT INTO b (k, nope) VALUES (1, 1)']),
      ),
    ).toBe('0x2200 Undefined column name nope in table compat_batch.b')
    expect(await db.rows('SELECT * FROM b')).toEqual([])
  })
})
