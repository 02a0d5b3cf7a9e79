/** Conditional writes, in all forms, on one node. */

import { types } from 'cassandra-driver'
import { describe, expect, test } from 'vitest'
import { plain, useSession } from '../harness.ts'

const db = useSession('lwt', [
  'CREATE TYPE address (street text, zip int)',
  `CREATE TABLE t (k int PRIMARY KEY, v int, w text, l list<int>, s set<text>, m map<text, int>, fl frozen<list<int>>,
     a address, fa frozen<address>)`,
  'CREATE TABLE r (p int, c int, v int, s text static, PRIMARY KEY (p, c))',
])

/** The answer of a conditional write: whether it was applied, and what was found instead. */
async function cas(query: string, params?: unknown[]): Promise<unknown> {
  const result = await db.run(query, params)
  const rows = result.rows.map((row) =>
    Object.fromEntries(row.keys().map((name) => [name, plain(row.get(name))])),
  )
  expect(rows[0]['[applied]']).toBe(result.wasApplied())
  return rows.length === 1 ? rows[0] : rows
}

const applied = { '[applied]': true }

describe('INSERT IF NOT EXISTS', () => {
  test('is applied once, and then answers with the whole row', async () => {
    expect(await cas("INSERT INTO t (k, v, w) VALUES (1, 10, 'x') IF NOT EXISTS")).toEqual(applied)
    expect(await cas("INSERT INTO t (k, v, w) VALUES (1, 11, 'y') IF NOT EXISTS")).toEqual({
      '[applied]': false,
      k: 1,
      v: 10,
      w: 'x',
      a: null,
      fa: null,
      fl: null,
      l: null,
      m: null,
      s: null,
    })
    expect(await db.rows('SELECT v, w FROM t WHERE k = 1')).toEqual([[10, 'x']])
  })

  test('prepared, and with a TTL', async () => {
    expect(await cas('INSERT INTO t (k, v) VALUES (?, ?) IF NOT EXISTS USING TTL ?', [2, 5, 1000])).toEqual(
      applied,
    )
    expect(await cas('INSERT INTO t (k, v) VALUES (?, ?) IF NOT EXISTS', [2, 6])).toMatchObject({
      '[applied]': false,
      k: 2,
      v: 5,
    })
    const [[ttl]] = await db.rows('SELECT ttl(v) FROM t WHERE k = 2')
    expect(ttl).toBeGreaterThan(990)
  })

  test('after a deletion it is applied again', async () => {
    expect(await cas('INSERT INTO t (k, v) VALUES (3, 1) IF NOT EXISTS')).toEqual(applied)
    expect(await cas('DELETE FROM t WHERE k = 3 IF EXISTS')).toEqual(applied)
    expect(await cas('INSERT INTO t (k, v) VALUES (3, 2) IF NOT EXISTS')).toEqual(applied)
  })
})

describe('UPDATE and DELETE, IF EXISTS and IF column', () => {
  test('IF EXISTS', async () => {
    expect(await cas('UPDATE t SET v = 1 WHERE k = 10 IF EXISTS')).toEqual({ '[applied]': false })
    expect(await cas('DELETE FROM t WHERE k = 10 IF EXISTS')).toEqual({ '[applied]': false })
    await db.run('INSERT INTO t (k, v) VALUES (10, 1)')
    expect(await cas('UPDATE t SET v = 2 WHERE k = 10 IF EXISTS')).toEqual(applied)
    expect(await cas('DELETE v FROM t WHERE k = 10 IF EXISTS')).toEqual(applied)
    expect(await cas('DELETE FROM t WHERE k = 10 IF EXISTS')).toEqual(applied)
    expect(await db.rows('SELECT * FROM t WHERE k = 10')).toEqual([])
  })

  test('equality, with what was found', async () => {
    await db.run("INSERT INTO t (k, v, w) VALUES (11, 1, 'x')")
    expect(await cas('UPDATE t SET v = 2 WHERE k = 11 IF v = 7')).toEqual({ '[applied]': false, v: 1 })
    expect(await cas("UPDATE t SET v = 2 WHERE k = 11 IF v = 1 AND w = 'y'")).toEqual({
      '[applied]': false,
      v: 1,
      w: 'x',
    })
    expect(await cas("UPDATE t SET v = 2 WHERE k = 11 IF v = 1 AND w = 'x'")).toEqual(applied)
    expect(await cas('DELETE w FROM t WHERE k = 11 IF v = ?', [2])).toEqual(applied)
    expect(await cas('DELETE FROM t WHERE k = 11 IF v = 1')).toEqual({ '[applied]': false, v: 2 })
    expect(await db.rows('SELECT v, w FROM t WHERE k = 11')).toEqual([[2, null]])
  })

  const comparisons: readonly (readonly [string, boolean])[] = [
    ['v = 5', true],
    ['v != 5', false],
    ['v != 6', true],
    ['v > 4', true],
    ['v > 5', false],
    ['v >= 5', true],
    ['v < 6', true],
    ['v <= 4', false],
    ['v IN (1, 5, 9)', true],
    ['v IN (1, 9)', false],
    ['v IN ()', false],
    ['v = null', false],
    ['v != null', true],
    ['w = null', true],
    ['w != null', false],
    ["w = 'x'", false],
    ["w != 'x'", true],
    ["w > 'a'", false],
    ['w IN (null)', true],
    ['l = [1, 2]', true],
    ['l != [1, 2]', false],
    ['l > [1]', true],
    ['l[0] = 1', true],
    ['l[1] > 2', false],
    ['l[9] = null', true],
    ["s = {'a', 'b'}", true],
    ["s = {'a'}", false],
    ["m = {'x': 1}", true],
    ["m['x'] = 1", true],
    ["m['x'] IN (2, 3)", false],
    ["m['none'] = null", true],
    ['fl = [3, 4]', true],
    ["a = {street: 'S', zip: 1}", true],
    ['a.zip = 1', true],
    ['a.zip > 1', false],
    ["fa = {street: 'S', zip: 1}", true],
    ["fa.street = 'S'", true],
    ['l CONTAINS 2', true],
    ["s CONTAINS 'c'", false],
    ["m CONTAINS KEY 'x'", true],
    ['m CONTAINS 9', false],
  ]
  test.each(comparisons)('IF %s', async (condition, expected) => {
    await db.run(`INSERT INTO t (k, v, l, s, m, fl, a, fa) VALUES (12, 5, [1, 2], {'a', 'b'}, {'x': 1}, [3, 4],
      {street: 'S', zip: 1}, {street: 'S', zip: 1})`)
    const result = await db.run(`UPDATE t SET v = 5 WHERE k = 12 IF ${condition}`)
    expect(result.wasApplied()).toBe(expected)
  })

  test('conditions with bound values', async () => {
    await db.run("INSERT INTO t (k, v, l, m) VALUES (13, 5, [1, 2], {'x': 1})")
    expect(await cas('UPDATE t SET v = ? WHERE k = ? IF v IN ?', [6, 13, [4, 5]])).toEqual(applied)
    expect(await cas('UPDATE t SET v = ? WHERE k = ? IF v IN (?, ?)', [7, 13, 6, 5])).toEqual(applied)
    expect(
      await cas('UPDATE t SET v = ? WHERE k = ? IF m[?] = ? AND l[?] = ?', [8, 13, 'x', 1, 1, 2]),
    ).toEqual(applied)
    expect(await cas('UPDATE t SET v = ? WHERE k = ? IF w = ?', [9, 13, null])).toEqual(applied)
    expect(await db.rows('SELECT v FROM t WHERE k = 13')).toEqual([[9]])
  })

  test('on a row that is not there, null is what is found', async () => {
    expect(await cas('UPDATE t SET v = 1 WHERE k = 14 IF v = 1')).toEqual({ '[applied]': false })
    expect(await cas('UPDATE t SET v = 1 WHERE k = 14 IF v = null')).toEqual(applied)
    expect(await cas('UPDATE t SET v = 2 WHERE k = 15 IF v != 3')).toEqual(applied)
  })
})

describe('rows of a partition', () => {
  test('statics as conditions, and changes of both', async () => {
    await db.run("INSERT INTO r (p, c, v, s) VALUES (1, 1, 1, 'open')")
    expect(await cas("UPDATE r SET v = 2 WHERE p = 1 AND c = 1 IF s = 'closed'")).toEqual({
      '[applied]': false,
      s: 'open',
    })
    expect(
      await cas("UPDATE r SET v = 2, s = 'closed' WHERE p = 1 AND c = 1 IF s = 'open' AND v = 1"),
    ).toEqual(applied)
    expect(await cas("UPDATE r SET s = 'again' WHERE p = 1 IF s = 'closed'")).toEqual(applied)
    expect(await cas("INSERT INTO r (p, s) VALUES (1, 'no') IF NOT EXISTS")).toMatchObject({
      '[applied]': false,
      p: 1,
      s: 'again',
    })
    expect(await db.rows('SELECT c, v, s FROM r WHERE p = 1')).toEqual([[1, 2, 'again']])
  })

  test('DELETE with a condition on the row', async () => {
    await db.run('INSERT INTO r (p, c, v) VALUES (2, 1, 1)')
    expect(await cas('DELETE FROM r WHERE p = 2 AND c = 1 IF v = 9')).toEqual({ '[applied]': false, v: 1 })
    expect(await cas('DELETE v FROM r WHERE p = 2 AND c = 1 IF v = 1')).toEqual(applied)
    expect(await cas('DELETE FROM r WHERE p = 2 AND c = 1 IF EXISTS')).toEqual(applied)
    expect(await cas('DELETE FROM r WHERE p = 2 AND c = 1 IF EXISTS')).toEqual({ '[applied]': false })
  })

  test('a batch sees the state before itself, and is applied as one', async () => {
    await db.run('INSERT INTO r (p, c, v) VALUES (3, 1, 1)')
    const batch = `BEGIN BATCH
      UPDATE r SET v = 2 WHERE p = 3 AND c = 1 IF v = 1;
      INSERT INTO r (p, c, v) VALUES (3, 2, 1) IF NOT EXISTS;
      INSERT INTO r (p, c, v, s) VALUES (3, 3, 3, 'from the batch');
      APPLY BATCH`
    expect(await cas(batch)).toEqual(applied)
    // Only the columns of the conditions were read: the static is shown as null.
    expect(await cas(batch)).toEqual([
      { '[applied]': false, p: 3, c: 1, s: null, v: 2 },
      { '[applied]': false, p: 3, c: 2, s: null, v: 1 },
    ])
    expect(await db.rows('SELECT c, v FROM r WHERE p = 3')).toEqual([
      [1, 2],
      [2, 1],
      [3, 3],
    ])
  })
})

describe('many at once', () => {
  test('of a hundred that insert the same row, one is applied', async () => {
    const results = await Promise.all(
      Array.from({ length: 100 }, (_, n) =>
        db.run('INSERT INTO t (k, v) VALUES (?, ?) IF NOT EXISTS', [50, n]),
      ),
    )
    const winners = results.flatMap((result, n) => (result.wasApplied() ? [n] : []))
    expect(winners).toHaveLength(1)
    expect(await db.rows('SELECT v FROM t WHERE k = 50')).toEqual([winners])
  }, 60_000)

  test('a counter made of compare and set loses nothing', async () => {
    await db.run('INSERT INTO t (k, v) VALUES (51, 0) IF NOT EXISTS')
    const increments = 10
    const workers = 4
    const add = async () => {
      for (let done = 0; done < increments; ) {
        const [[now]] = await db.rows('SELECT v FROM t WHERE k = 51', [], {
          consistency: types.consistencies.serial,
        })
        const result = await db.run('UPDATE t SET v = ? WHERE k = 51 IF v = ?', [(now as number) + 1, now])
        if (result.wasApplied()) done++
      }
    }
    await Promise.all(Array.from({ length: workers }, add))
    expect(await db.rows('SELECT v FROM t WHERE k = 51')).toEqual([[increments * workers]])
  }, 60_000)

  test('serial levels are taken, others are refused', async () => {
    const { localSerial, serial, quorum } = types.consistencies
    expect(
      (
        await db.run('UPDATE t SET v = 1 WHERE k = 52 IF v = null', [], { serialConsistency: localSerial })
      ).wasApplied(),
    ).toBe(true)
    expect(
      (
        await db.run('UPDATE t SET v = 2 WHERE k = 52 IF v = 1', [], { serialConsistency: serial })
      ).wasApplied(),
    ).toBe(true)
    expect(
      await db.error('UPDATE t SET v = 3 WHERE k = 52 IF v = 2', [], { serialConsistency: quorum }),
    ).toBe('0x2200 Invalid consistency for conditional update. Must be one of SERIAL or LOCAL_SERIAL')
  })
})
