/** What a write leaves behind: timestamps, TTLs, deletions of every reach, statics, TRUNCATE and DROP. */

import { types } from 'cassandra-driver'
import { describe, expect, test } from 'vitest'
import { sleep, useSession } from '../harness.ts'

const { Long } = types
const db = useSession('writes', [
  'CREATE TABLE simple (k int PRIMARY KEY, v text, w text, l list<int>, st set<int>, m map<text, int>)',
  'CREATE TABLE r (p int, a int, b int, v text, w text, PRIMARY KEY (p, a, b))',
  'CREATE TABLE down (p int, c int, v text, PRIMARY KEY (p, c)) WITH CLUSTERING ORDER BY (c DESC)',
  'CREATE TABLE statics (p int, c int, s text static, t int static, sl list<int> static, v text, PRIMARY KEY (p, c))',
  'CREATE TABLE lived (k int PRIMARY KEY, v text) WITH default_time_to_live = 1000',
])

describe('timestamps', () => {
  test('the greater timestamp wins, whatever the order of the writes', async () => {
    await db.run("INSERT INTO simple (k, v, w) VALUES (1, 'new', 'new') USING TIMESTAMP 200")
    await db.run("INSERT INTO simple (k, v) VALUES (1, 'old') USING TIMESTAMP 100")
    await db.run("UPDATE simple USING TIMESTAMP 300 SET w = 'newest' WHERE k = 1")
    expect(await db.rows('SELECT v, writetime(v), w, writetime(w) FROM simple WHERE k = 1')).toEqual([
      ['new', '200', 'newest', '300'],
    ])
  })

  test('a tie goes to the deletion, then to the greater value', async () => {
    await db.run("INSERT INTO simple (k, v) VALUES (2, 'a') USING TIMESTAMP 5")
    await db.run("INSERT INTO simple (k, v) VALUES (2, 'b') USING TIMESTAMP 5")
    await db.run("INSERT INTO simple (k, v) VALUES (2, 'aa') USING TIMESTAMP 5")
    expect(await db.rows('SELECT v FROM simple WHERE k = 2')).toEqual([['b']])
    await db.run('DELETE v FROM simple USING TIMESTAMP 5 WHERE k = 2')
    expect(await db.rows('SELECT v FROM simple WHERE k = 2')).toEqual([[null]])
    await db.run("INSERT INTO simple (k, v) VALUES (2, 'z') USING TIMESTAMP 5")
    expect(await db.rows('SELECT v FROM simple WHERE k = 2')).toEqual([[null]])
  })

  test('a deletion covers what is as old as itself and no more', async () => {
    await db.run("INSERT INTO simple (k, v, w) VALUES (3, 'x', 'x') USING TIMESTAMP 10")
    await db.run("UPDATE simple USING TIMESTAMP 11 SET w = 'kept' WHERE k = 3")
    await db.run('DELETE FROM simple USING TIMESTAMP 10 WHERE k = 3')
    expect(await db.rows('SELECT v, w FROM simple WHERE k = 3')).toEqual([[null, 'kept']])
    await db.run("INSERT INTO simple (k, v) VALUES (3, 'late') USING TIMESTAMP 9")
    expect(await db.rows('SELECT v, w FROM simple WHERE k = 3')).toEqual([[null, 'kept']])
  })

  test('the timestamp of the client, bound, and of the server', async () => {
    const timestamp = Long.fromString('1700000000123456')
    await db.run('INSERT INTO simple (k, v) VALUES (?, ?)', [4, 'x'], { timestamp })
    await db.run('UPDATE simple USING TIMESTAMP ? SET w = ? WHERE k = ?', [Long.fromInt(77), 'y', 4])
    expect(await db.rows('SELECT writetime(v), writetime(w) FROM simple WHERE k = 4')).toEqual([
      ['1700000000123456', '77'],
    ])
    await db.run("INSERT INTO simple (k, v) VALUES (5, 'x')", [], {
      prepare: false,
      timestamp: null as never,
    })
    const [[written]] = await db.rows('SELECT writetime(v) FROM simple WHERE k = 5')
    expect(Math.abs(Number(written) / 1000 - Date.now())).toBeLessThan(60_000)
    await db.run("INSERT INTO simple (k, v) VALUES (6, 'past') USING TIMESTAMP -5")
    expect(await db.rows('SELECT v, writetime(v) FROM simple WHERE k = 6')).toEqual([['past', '-5']])
  })

  test('writes one after the other on the server never go back', async () => {
    let last = 0n
    for (let n = 0; n < 50; n++) {
      await db.run(`INSERT INTO simple (k, v) VALUES (7, '${n}')`, [], {
        prepare: false,
        timestamp: null as never,
      })
      const [[v, written]] = await db.rows('SELECT v, writetime(v) FROM simple WHERE k = 7')
      expect(v).toBe(String(n))
      expect(BigInt(written as string)).toBeGreaterThan(last)
      last = BigInt(written as string)
    }
  })
})

describe('rows and their marker', () => {
  test('a row of INSERT stays when its columns go, a row of UPDATE does not', async () => {
    await db.run("INSERT INTO simple (k, v) VALUES (20, 'x')")
    await db.run("UPDATE simple SET v = 'x' WHERE k = 21")
    await db.run('DELETE v FROM simple WHERE k IN (20, 21)')
    expect(await db.rows('SELECT k, v FROM simple WHERE k IN (20, 21)')).toEqual([[20, null]])
    await db.run('UPDATE simple SET v = null WHERE k = 22')
    expect(await db.rows('SELECT k FROM simple WHERE k = 22')).toEqual([])
    await db.run('INSERT INTO simple (k) VALUES (23)')
    expect(await db.rows('SELECT k, v FROM simple WHERE k = 23')).toEqual([[23, null]])
  })
})

describe('TTL', () => {
  test('counts down, is seen by ttl(), and ends', async () => {
    await db.run("INSERT INTO simple (k, v, w) VALUES (30, 'brief', 'brief') USING TTL 2")
    await db.run("UPDATE simple USING TTL 1000 SET w = 'long' WHERE k = 30")
    await db.run("INSERT INTO simple (k, v) VALUES (31, 'brief') USING TTL 2")
    const [[v, w]] = await db.rows('SELECT ttl(v), ttl(w) FROM simple WHERE k = 30')
    expect(v).toBeGreaterThanOrEqual(1)
    expect(v).toBeLessThanOrEqual(2)
    expect(w).toBeGreaterThan(990)
    await sleep(3100)
    expect(await db.rows('SELECT k, v, w FROM simple WHERE k IN (30, 31)')).toEqual([[30, null, 'long']])
  })

  test('with a bound TTL and timestamp; TTL 0 is none', async () => {
    await db.run('INSERT INTO simple (k, v) VALUES (?, ?) USING TTL ? AND TIMESTAMP ?', [
      32,
      'x',
      500,
      Long.fromString('1900000000000000'),
    ])
    const [[ttl, written]] = await db.rows('SELECT ttl(v), writetime(v) FROM simple WHERE k = 32')
    expect(ttl).toBeGreaterThan(490)
    expect(written).toBe('1900000000000000')
    await db.run("UPDATE simple USING TTL 0 SET v = 'y' WHERE k = 33")
    expect(await db.rows('SELECT ttl(v), v FROM simple WHERE k = 33')).toEqual([[null, 'y']])
  })

  test("a table's default, and a write that says otherwise", async () => {
    await db.run("INSERT INTO lived (k, v) VALUES (1, 'default')")
    await db.run("INSERT INTO lived (k, v) VALUES (2, 'own') USING TTL 5000")
    await db.run("INSERT INTO lived (k, v) VALUES (3, 'none') USING TTL 0")
    const rows = await db.rows('SELECT k, ttl(v) FROM lived WHERE k IN (1, 2, 3)')
    expect(rows[0][1]).toBeGreaterThan(990)
    expect(rows[0][1]).toBeLessThanOrEqual(1000)
    expect(rows[1][1]).toBeGreaterThan(4990)
    expect(rows[2][1]).toBe(null)
  })

  test('of the elements of a collection, one by one', async () => {
    await db.run("UPDATE simple SET m = {'stays': 1} WHERE k = 34")
    await db.run("UPDATE simple USING TTL 1 SET m['goes'] = 2, st = st + {9} WHERE k = 34")
    expect(await db.rows('SELECT m, st FROM simple WHERE k = 34')).toEqual([[{ goes: 2, stays: 1 }, [9]]])
    await sleep(2100)
    expect(await db.rows('SELECT m, st FROM simple WHERE k = 34')).toEqual([[{ stays: 1 }, null]])
  })
})

describe('deletions', () => {
  /** Partition p with a and b of 0..3 each. */
  async function fill(p: number): Promise<void> {
    const writes: { query: string; params: unknown[] }[] = []
    for (let a = 0; a < 4; a++) {
      for (let b = 0; b < 4; b++)
        writes.push({
          query: 'INSERT INTO r (p, a, b, v, w) VALUES (?, ?, ?, ?, ?)',
          params: [p, a, b, `${a}${b}`, 'w'],
        })
    }
    await db.client.batch(writes, { prepare: true, logged: false })
  }

  const all = Array.from({ length: 16 }, (_, n) => `${n >> 2}${n & 3}`)
  const cases: readonly (readonly [string, (key: string) => boolean])[] = [
    ['a = 1 AND b = 2', (key) => key === '12'],
    ['a = 1', (key) => key[0] === '1'],
    ['a = 1 AND b >= 2', (key) => key === '12' || key === '13'],
    ['a = 1 AND b > 1 AND b < 3', (key) => key === '12'],
    ['a > 1', (key) => key[0] > '1'],
    ['a >= 1 AND a < 3', (key) => key[0] === '1' || key[0] === '2'],
    ['a <= 0', (key) => key[0] === '0'],
    ['a IN (0, 3)', (key) => key[0] === '0' || key[0] === '3'],
    ['a IN (0, 3) AND b = 1', (key) => key === '01' || key === '31'],
    ['(a, b) > (1, 2)', (key) => key > '12'],
    ['(a, b) >= (1, 2) AND (a) < (3)', (key) => key >= '12' && key < '30'],
    ['(a, b) IN ((0, 0), (3, 3))', (key) => key === '00' || key === '33'],
    ['a > 3', () => false],
  ]
  test.each(cases)('DELETE ... WHERE p = .. AND %s', async (where, gone) => {
    const p = 100 + cases.findIndex(([text]) => text === where)
    await fill(p)
    await db.run(`DELETE FROM r WHERE p = ${p} AND ${where}`)
    const left = all.filter((key) => !gone(key))
    expect((await db.rows(`SELECT v FROM r WHERE p = ${p}`)).flat()).toEqual(left)
    expect((await db.rows(`SELECT v FROM r WHERE p = ${p} ORDER BY a DESC`)).flat()).toEqual(
      [...left].reverse(),
    )
    expect((await db.rows(`SELECT v FROM r WHERE p = ${p} AND a = 1`)).flat()).toEqual(
      left.filter((key) => key[0] === '1'),
    )
    // What is written after the deletion is there.
    await db.run('INSERT INTO r (p, a, b, v) VALUES (?, 1, 2, ?)', [p, 'again'])
    expect((await db.rows(`SELECT v FROM r WHERE p = ${p} AND a = 1 AND b = 2`)).flat()).toEqual(['again'])
  })

  test('overlapping range deletions of different ages', async () => {
    const p = 200
    for (let a = 0; a < 10; a++)
      await db.run('INSERT INTO r (p, a, b, v) VALUES (?, ?, 0, ?) USING TIMESTAMP ?', [
        p,
        a,
        'v',
        Long.fromInt(10 + a),
      ])
    await db.run(`DELETE FROM r USING TIMESTAMP 14 WHERE p = ${p} AND a >= 2 AND a <= 7`)
    await db.run(`DELETE FROM r USING TIMESTAMP 12 WHERE p = ${p} AND a >= 0 AND a < 4`)
    await db.run(`DELETE FROM r USING TIMESTAMP 17 WHERE p = ${p} AND a > 6 AND a < 9`)
    // a is written at 10 + a; 0..2 go by 12, 2..4 by 14, 7 by 17
    expect((await db.rows(`SELECT a FROM r WHERE p = ${p}`)).flat()).toEqual([5, 6, 8, 9])
    expect((await db.rows(`SELECT a FROM r WHERE p = ${p} ORDER BY a DESC`)).flat()).toEqual([9, 8, 6, 5])
    expect((await db.rows(`SELECT a FROM r WHERE p = ${p} AND a > 4 AND a < 9`)).flat()).toEqual([5, 6, 8])
  })

  test('a column, a partition, several partitions', async () => {
    await fill(210)
    await fill(211)
    await fill(212)
    await db.run('DELETE v FROM r WHERE p = 210 AND a = 0 AND b = 0')
    expect(await db.rows('SELECT v, w FROM r WHERE p = 210 AND a = 0 AND b = 0')).toEqual([[null, 'w']])
    await db.run('DELETE v, w FROM r WHERE p = 210 AND a = 0 AND b = 0')
    expect(await db.rows('SELECT a, b, v, w FROM r WHERE p = 210 AND a = 0 AND b = 0')).toEqual([
      [0, 0, null, null],
    ])
    await db.run('DELETE FROM r WHERE p = 210')
    expect(await db.rows('SELECT v FROM r WHERE p = 210')).toEqual([])
    await db.run('DELETE FROM r WHERE p IN (211, 212) AND a >= 1')
    expect(await db.rows('SELECT v FROM r WHERE p IN (211, 212) AND b = 3 ALLOW FILTERING')).toEqual([
      ['03'],
      ['03'],
    ])
    await db.run('DELETE v FROM r WHERE p IN (211, 212) AND a = 0 AND b IN (2, 3)')
    expect((await db.rows('SELECT v FROM r WHERE p = 212')).flat()).toEqual(['00', '01', null, null])
  })

  test('in a partition that is sorted downwards', async () => {
    for (let c = 0; c < 10; c++) await db.run('INSERT INTO down (p, c, v) VALUES (1, ?, ?)', [c, `${c}`])
    await db.run('DELETE FROM down WHERE p = 1 AND c > 2 AND c <= 5')
    await db.run('DELETE FROM down WHERE p = 1 AND c >= 9')
    expect((await db.rows('SELECT c FROM down WHERE p = 1')).flat()).toEqual([8, 7, 6, 2, 1, 0])
    expect((await db.rows('SELECT c FROM down WHERE p = 1 ORDER BY c ASC')).flat()).toEqual([
      0, 1, 2, 6, 7, 8,
    ])
    expect((await db.rows('SELECT c FROM down WHERE p = 1 AND c >= 2 AND c < 7')).flat()).toEqual([6, 2])
  })

  test('ten thousand range deletions in one partition', async () => {
    for (let start = 0; start < 10_000; start += 500) {
      await db.client.batch(
        Array.from({ length: 500 }, (_, n) => ({
          query: 'DELETE FROM down WHERE p = 2 AND c >= ? AND c < ?',
          params: [(start + n) * 10, (start + n) * 10 + 5],
        })),
        { prepare: true, logged: false },
      )
    }
    await db.run("INSERT INTO down (p, c, v) VALUES (2, 7, 'x')")
    expect(await db.rows('SELECT c FROM down WHERE p = 2')).toEqual([[7]])
  })

  test('overwriting a collection hides the elements before it', async () => {
    await db.run("UPDATE simple SET m = m + {'a': 1} WHERE k = 60")
    await db.run("UPDATE simple SET m = {'b': 2} WHERE k = 60")
    await db.run("UPDATE simple SET m = m + {'c': 3} WHERE k = 60")
    expect(await db.rows('SELECT m FROM simple WHERE k = 60')).toEqual([[{ b: 2, c: 3 }]])
    await db.run('DELETE m FROM simple WHERE k = 60')
    expect(await db.rows('SELECT m FROM simple WHERE k = 60')).toEqual([])
    // Setting it and adding to it at the same time keeps both.
    await db.run("UPDATE simple USING TIMESTAMP 50 SET m = m + {'x': 1} WHERE k = 61")
    await db.run("UPDATE simple USING TIMESTAMP 50 SET m = {'y': 2} WHERE k = 61")
    expect(await db.rows('SELECT m FROM simple WHERE k = 61')).toEqual([[{ x: 1, y: 2 }]])
  })
})

describe('static columns', () => {
  test('are one value for the partition', async () => {
    await db.run("INSERT INTO statics (p, c, s, v) VALUES (1, 1, 'first', 'a')")
    await db.run("INSERT INTO statics (p, c, v) VALUES (1, 2, 'b')")
    await db.run("UPDATE statics SET s = 'second', t = 5 WHERE p = 1")
    expect(await db.rows('SELECT c, s, t, v FROM statics WHERE p = 1')).toEqual([
      [1, 'second', 5, 'a'],
      [2, 'second', 5, 'b'],
    ])
    expect(await db.rows('SELECT DISTINCT p, s FROM statics WHERE p = 1')).toEqual([[1, 'second']])
    expect(await db.rows('SELECT s, c FROM statics WHERE p = 1 AND c = 2')).toEqual([['second', 2]])
    expect(await db.rows('SELECT s, c FROM statics WHERE p = 1 AND c = 3')).toEqual([])
    expect(await db.error('SELECT s FROM statics WHERE p = 1 AND c = 2')).toBe(
      '0x2200 Cannot restrict clustering columns when selecting only static columns',
    )
    expect(await db.rows('SELECT s FROM statics WHERE p = 1')).toEqual([['second'], ['second']])
    expect(await db.rows('SELECT s, c FROM statics WHERE p = 1 ORDER BY c DESC LIMIT 1')).toEqual([
      ['second', 2],
    ])
  })

  test('a partition of nothing but statics is one row', async () => {
    await db.run("INSERT INTO statics (p, s) VALUES (2, 'alone')")
    expect(await db.rows('SELECT p, c, s, v FROM statics WHERE p = 2')).toEqual([[2, null, 'alone', null]])
    expect(await db.rows('SELECT c, s FROM statics WHERE p = 2 AND c > 0')).toEqual([])
    await db.run('DELETE s FROM statics WHERE p = 2')
    expect(await db.rows('SELECT p FROM statics WHERE p = 2')).toEqual([])
  })

  test('are deleted alone, with the partition, and not with a row', async () => {
    await db.run("INSERT INTO statics (p, c, s, t, v) VALUES (3, 1, 's', 1, 'v')")
    await db.run('DELETE FROM statics WHERE p = 3 AND c = 1')
    expect(await db.rows('SELECT c, s, t FROM statics WHERE p = 3')).toEqual([[null, 's', 1]])
    await db.run('DELETE t FROM statics WHERE p = 3')
    expect(await db.rows('SELECT s, t FROM statics WHERE p = 3')).toEqual([['s', null]])
    await db.run('DELETE FROM statics WHERE p = 3')
    expect(await db.rows('SELECT s FROM statics WHERE p = 3')).toEqual([])
  })

  test('static collections take elements', async () => {
    await db.run('UPDATE statics SET sl = [1, 2] WHERE p = 4')
    await db.run('UPDATE statics SET sl = sl + [3] WHERE p = 4')
    await db.run('UPDATE statics SET sl[0] = 10 WHERE p = 4')
    expect(await db.rows('SELECT sl FROM statics WHERE p = 4')).toEqual([[[10, 2, 3]]])
  })
})

describe('TRUNCATE and DROP', () => {
  test('TRUNCATE empties a table, and what is written after it stays', async () => {
    await db.run('CREATE TABLE emptied (k int PRIMARY KEY, v text)')
    for (let k = 0; k < 20; k++) await db.run('INSERT INTO emptied (k, v) VALUES (?, ?)', [k, 'x'])
    await db.run('TRUNCATE emptied')
    expect(await db.rows('SELECT * FROM emptied')).toEqual([])
    await db.run("INSERT INTO emptied (k, v) VALUES (1, 'after')")
    expect(await db.rows('SELECT * FROM emptied')).toEqual([[1, 'after']])
    await db.run('TRUNCATE TABLE emptied')
    expect(await db.rows('SELECT * FROM emptied')).toEqual([])
  })

  test('a table dropped and created again is empty', async () => {
    await db.run('CREATE TABLE again (k int PRIMARY KEY, v text)')
    await db.run("INSERT INTO again (k, v) VALUES (1, 'x')")
    await db.run('DROP TABLE again')
    expect(await db.error('SELECT * FROM again')).toBe('0x2200 table again does not exist')
    await db.run('CREATE TABLE again (k int PRIMARY KEY, v int)')
    expect(await db.rows('SELECT * FROM again')).toEqual([])
  })

  test('a column dropped and added again has lost its values', async () => {
    await db.run('CREATE TABLE columns (k int PRIMARY KEY, v text, w text)')
    await db.run("INSERT INTO columns (k, v, w) VALUES (1, 'x', 'y')")
    await db.run('ALTER TABLE columns DROP v')
    expect(await db.rows('SELECT * FROM columns')).toEqual([[1, 'y']])
    await db.run('ALTER TABLE columns ADD v text')
    expect(await db.rows('SELECT k, v, w FROM columns')).toEqual([[1, null, 'y']])
    await db.run("UPDATE columns SET v = 'new' WHERE k = 1")
    expect(await db.rows('SELECT v FROM columns')).toEqual([['new']])
  })

  test('a clustering column is renamed', async () => {
    await db.run('CREATE TABLE renamed (a int, b int, v int, PRIMARY KEY (a, b))')
    await db.run('INSERT INTO renamed (a, b, v) VALUES (1, 2, 3)')
    await db.run('ALTER TABLE renamed RENAME a TO x AND b TO y')
    expect(await db.rows('SELECT x, y, v FROM renamed WHERE x = 1 AND y = 2')).toEqual([[1, 2, 3]])
  })
})
