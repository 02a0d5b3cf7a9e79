import { types } from 'cassandra-driver'
import { beforeAll, describe, expect, test } from 'vitest'
import { useSession } from '../harness.ts'

const { Long } = types
const db = useSession('select', [
  'CREATE TABLE r (p int, a int, b text, c int, v int, s text static, PRIMARY KEY (p, a, b, c))',
  `CREATE TABLE mixed (p int, a int, b int, c int, v int, PRIMARY KEY (p, a, b, c))
     WITH CLUSTERING ORDER BY (a DESC, b ASC, c DESC)`,
  'CREATE TABLE pair (x int, y text, c int, v int, PRIMARY KEY ((x, y), c))',
  'CREATE TABLE plain (k int PRIMARY KEY, v int, t text, l list<int>, st set<text>, m map<text, int>, fl frozen<list<int>>)',
])

/** Every row of r and of mixed: p 1..2, and a, b, c each of three values. */
beforeAll(async () => {
  for (let p = 1; p <= 2; p++) {
    const writes: { query: string; params: unknown[] }[] = []
    for (let a = 0; a < 3; a++) {
      for (let b = 0; b < 3; b++) {
        for (let c = 0; c < 3; c++) {
          const v = a * 100 + b * 10 + c
          writes.push({
            query: 'INSERT INTO r (p, a, b, c, v) VALUES (?, ?, ?, ?, ?)',
            params: [p, a, 'xyz'[b], c, v],
          })
          writes.push({
            query: 'INSERT INTO mixed (p, a, b, c, v) VALUES (?, ?, ?, ?, ?)',
            params: [p, a, b, c, v],
          })
        }
      }
    }
    writes.push({ query: 'INSERT INTO r (p, s) VALUES (?, ?)', params: [p, `static ${p}`] })
    await db.client.batch(writes, { prepare: true, logged: false })
  }
  for (let x = 1; x <= 2; x++) {
    for (const y of ['m', 'n']) {
      for (let c = 0; c < 3; c++)
        await db.run('INSERT INTO pair (x, y, c, v) VALUES (?, ?, ?, ?)', [x, y, c, c * x])
    }
  }
  await db.run(
    "INSERT INTO plain (k, v, t, l, st, m, fl) VALUES (1, 10, 'ten', [1, 2], {'a', 'b'}, {'x': 1, 'y': 2}, [1, 2])",
  )
  await db.run(
    "INSERT INTO plain (k, v, t, l, st, m, fl) VALUES (2, 20, 'twenty', [2, 3], {'b'}, {'y': 3}, [2])",
  )
  await db.run("INSERT INTO plain (k, v, t) VALUES (3, 30, 'thirty')")
})

/** The v of each row, in the order they come. */
async function values(where: string, params?: unknown[], table = 'r'): Promise<unknown[]> {
  return (await db.rows(`SELECT v FROM ${table} WHERE ${where}`, params)).flat()
}

describe('restrictions on clustering columns', () => {
  const cases: readonly (readonly [string, readonly number[]])[] = [
    ["p = 1 AND a = 1 AND b = 'y'", [110, 111, 112]],
    ["p = 1 AND a = 1 AND b = 'y' AND c = 2", [112]],
    ["p = 1 AND a = 1 AND b = 'y' AND c > 0", [111, 112]],
    ["p = 1 AND a = 1 AND b > 'x' AND b <= 'z'", [110, 111, 112, 120, 121, 122]],
    ["p = 1 AND a = 1 AND b >= 'y' AND b < 'z'", [110, 111, 112]],
    ['p = 1 AND a > 1', [200, 201, 202, 210, 211, 212, 220, 221, 222]],
    ['p = 1 AND a > 2', []],
    ['p = 1 AND a > 1 AND a < 1', []],
    ["p = 1 AND a IN (2, 0) AND b = 'x' AND c IN (2, 1)", [1, 2, 201, 202]],
    ["p = 1 AND a IN (0, 2) AND b IN ('z', 'x') AND c = 0", [0, 20, 200, 220]],
    ["p = 1 AND a IN (0, 2) AND b = 'z' AND c > 1", [22, 222]],
    ['p = 1 AND a IN ()', []],
    ['p IN () AND a = 1', []],
    ["p = 1 AND a = 1 AND b = 'none'", []],
    ['p = 99', []],
    ["p = 1 AND (a, b, c) = (1, 'y', 2)", [112]],
    ["p = 1 AND (a, b) = (1, 'y')", [110, 111, 112]],
    ["p = 1 AND (a, b, c) > (2, 'y', 1)", [212, 220, 221, 222]],
    ["p = 1 AND (a, b) >= (2, 'z')", [220, 221, 222]],
    ["p = 1 AND (a, b) > (2, 'y')", [220, 221, 222]],
    ["p = 1 AND (a, b) < (0, 'y')", [0, 1, 2]],
    ["p = 1 AND (a, b, c) > (0, 'z', 1) AND (a, b) < (1, 'y')", [22, 100, 101, 102]],
    ["p = 1 AND (a) > (1) AND (a, b, c) <= (2, 'x', 1)", [200, 201]],
    ["p = 1 AND a = 1 AND (b, c) > ('y', 1)", [112, 120, 121, 122]],
    ["p = 1 AND (a, b, c) IN ((2, 'x', 1), (0, 'y', 2), (7, 'x', 1))", [12, 201]],
    ["p = 1 AND (a, b) IN ((1, 'z'), (0, 'x'))", [0, 1, 2, 120, 121, 122]],
  ]
  test.each(cases)('%s', async (where, expected) => {
    expect(await values(where)).toEqual(expected)
  })

  test('the same by bound values', async () => {
    expect(await values('p = ? AND a = ? AND b = ? AND c > ?', [1, 1, 'y', 0])).toEqual([111, 112])
    expect(await values('p = ? AND a IN ? AND b = ? AND c = ?', [1, [2, 0], 'x', 1])).toEqual([1, 201])
    expect(await values('p = ? AND a IN (?, ?) AND b = ? AND c = ?', [1, 2, 0, 'x', 1])).toEqual([1, 201])
    expect(await values('p = ? AND (a, b) > (?, ?)', [1, 2, 'y'])).toEqual([220, 221, 222])
    expect(await values('p = ? AND (a, b) > ?', [1, new types.Tuple(2, 'y')])).toEqual([220, 221, 222])
    expect(
      await values('p = ? AND (a, b) IN ?', [1, [new types.Tuple(1, 'z'), new types.Tuple(0, 'x')]]),
    ).toEqual([0, 1, 2, 120, 121, 122])
  })
})

describe('mixed clustering order', () => {
  const cases: readonly (readonly [string, readonly number[]])[] = [
    ['p = 1 AND a = 1', [102, 101, 100, 112, 111, 110, 122, 121, 120]],
    ['p = 1 AND a > 1 AND a <= 2', [202, 201, 200, 212, 211, 210, 222, 221, 220]],
    ['p = 1 AND a = 1 AND b = 1 AND c >= 1', [112, 111]],
    ['p = 1 AND a = 1 ORDER BY a ASC, b DESC, c ASC', [120, 121, 122, 110, 111, 112, 100, 101, 102]],
    ['p = 1 AND a IN (0, 2) AND b = 0 AND c = 0', [200, 0]],
    ['p = 1 AND a IN (0, 2) AND b = 0 AND c = 0 ORDER BY a ASC', [0, 200]],
    ['p = 1 AND (a, b) > (1, 1)', [202, 201, 200, 212, 211, 210, 222, 221, 220, 122, 121, 120]],
    ['p = 1 AND (a, b, c) >= (2, 1, 1)', [212, 211, 222, 221, 220]],
    ['p = 1 AND (a, b, c) < (0, 1, 1)', [2, 1, 0, 10]],
    ['p = 1 AND (a, b, c) > (0, 2, 0) AND (a, b) < (1, 1)', [102, 101, 100, 22, 21]],
  ]
  test.each(cases)('%s', async (where, expected) => {
    expect(await values(where, undefined, 'mixed')).toEqual(expected)
  })
})

describe('order and limits', () => {
  test('ORDER BY both ways, with a slice and a limit', async () => {
    expect(await values('p = 1 AND a = 1 ORDER BY a DESC, b DESC, c DESC LIMIT 2')).toEqual([122, 121])
    expect(await values('p = 1 ORDER BY a DESC LIMIT 1')).toEqual([222])
    expect(await values('p = 1 ORDER BY a ASC LIMIT ?', [2])).toEqual([0, 1])
    expect(await values("p = 1 AND a = 2 AND b = 'x' ORDER BY a DESC, b DESC, c DESC")).toEqual([
      202, 201, 200,
    ])
    expect(await values("p = 1 AND (a, b) > (1, 'y') AND (a, b) < (2, 'y') ORDER BY a DESC")).toEqual([
      202, 201, 200, 122, 121, 120,
    ])
  })

  test('PER PARTITION LIMIT, alone and with LIMIT', async () => {
    expect((await db.rows('SELECT p, v FROM r PER PARTITION LIMIT 2')).sort()).toEqual([
      [1, 0],
      [1, 1],
      [2, 0],
      [2, 1],
    ])
    expect(await db.rows('SELECT v FROM r WHERE p IN (1, 2) PER PARTITION LIMIT ? LIMIT ?', [2, 3])).toEqual([
      [0],
      [1],
      [0],
    ])
    expect(await db.rows('SELECT v FROM r WHERE p = 1 ORDER BY a DESC PER PARTITION LIMIT 2')).toEqual([
      [222],
      [221],
    ])
  })

  test('IN on the partition key gives partitions in order of their values, once each', async () => {
    expect(
      await db.rows("SELECT p, v FROM r WHERE p IN (2, 1, 2, 77) AND a = 0 AND b = 'x' AND c < 1"),
    ).toEqual([
      [1, 0],
      [2, 0],
    ])
    // With ORDER BY the rows of all partitions are merged; a page size would be refused.
    expect(
      await db.rows(
        "SELECT p, a, v FROM r WHERE p IN (2, 1) AND a IN (0, 1) AND b = 'x' AND c = 1 ORDER BY a DESC",
        undefined,
        { fetchSize: 0 },
      ),
    ).toEqual([
      [1, 1, 101],
      [2, 1, 101],
      [1, 0, 1],
      [2, 0, 1],
    ])
  })

  test('IN on both parts of a composite partition key', async () => {
    const rows = await db.rows("SELECT x, y, c FROM pair WHERE x IN (1, 2) AND y IN ('n', 'm') AND c = 1")
    expect(rows).toEqual([
      [1, 'm', 1],
      [1, 'n', 1],
      [2, 'm', 1],
      [2, 'n', 1],
    ])
  })
})

describe('DISTINCT, token() and aliases', () => {
  test('DISTINCT partition keys, with statics and limits', async () => {
    expect((await db.rows('SELECT DISTINCT p, s FROM r')).sort()).toEqual([
      [1, 'static 1'],
      [2, 'static 2'],
    ])
    expect(await db.rows('SELECT DISTINCT p FROM r LIMIT 1')).toHaveLength(1)
    expect(await db.rows('SELECT DISTINCT p FROM r WHERE p IN (1, 5)')).toEqual([[1]])
    expect(await db.rows('SELECT DISTINCT x, y FROM pair')).toHaveLength(4)
  })

  test('token() selects and restricts; a scan is in token order', async () => {
    const rows = await db.rows('SELECT k, token(k) FROM plain')
    const tokens = rows.map((row) => BigInt(row[1] as string))
    expect(tokens).toEqual([...tokens].sort((a, b) => (a < b ? -1 : 1)))
    // Murmur3 of the four bytes of an int
    expect(Object.fromEntries(rows)).toEqual({
      1: '-4069959284402364209',
      2: '-3248873570005575792',
      3: '9010454139840013625',
    })
    const middle = Long.fromString(String(tokens[1]))
    expect(await db.rows('SELECT k FROM plain WHERE token(k) > ?', [middle])).toEqual([[3]])
    expect(
      await db.rows('SELECT k FROM plain WHERE token(k) >= ? AND token(k) <= ?', [middle, middle]),
    ).toEqual([[2]])
    expect(await db.rows('SELECT k FROM plain WHERE token(k) = ?', [middle])).toEqual([[2]])
    expect(await db.rows('SELECT k FROM plain WHERE token(k) < token(2)')).toEqual([[1]])
    expect(
      await db.rows(
        'SELECT k FROM plain WHERE token(k) > -9223372036854775808 AND token(k) <= 9223372036854775807',
      ),
    ).toHaveLength(3)
    expect(await db.rows("SELECT token(x, y) FROM pair WHERE x = 1 AND y = 'm' LIMIT 1")).toEqual([
      ['-8099870081774285500'],
    ])
    expect(
      await db.rows('SELECT x FROM pair WHERE token(x, y) > ? AND token(x, y) < ?', [
        Long.MIN_VALUE,
        Long.MAX_VALUE,
      ]),
    ).toHaveLength(12)
  })

  test('aliases name the columns of the result', async () => {
    const result = await db.run(
      'SELECT k AS id, v AS "Value", token(k) AS tk, ttl(v), writetime(v) AS w FROM plain WHERE k = 1',
    )
    expect(result.columns.map((column) => column.name)).toEqual(['id', 'Value', 'tk', 'ttl(v)', 'w'])
    const bare = await db.run('SELECT token(k), k, k FROM plain WHERE k = 1')
    expect(bare.columns.map((column) => column.name)).toEqual(['system.token(k)', 'k', 'k'])
  })
})

describe('ALLOW FILTERING', () => {
  const cases: readonly (readonly [string, readonly number[]])[] = [
    ['v = 20', [2]],
    ['v > 10', [2, 3]],
    ['v >= 10 AND v < 30', [1, 2]],
    ["v > 10 AND t = 'thirty'", [3]],
    ['l CONTAINS 2', [1, 2]],
    ["st CONTAINS 'a'", [1]],
    ['m CONTAINS 3', [2]],
    ["m CONTAINS KEY 'x'", [1]],
    ["m['y'] = 3", [2]],
    ['fl = [1, 2]', [1]],
    ['fl CONTAINS 2', [1, 2]],
    ['v IN (10, 30)', [1, 3]],
    ['k = 1 AND v = 10', [1]],
    ['k = 1 AND v = 11', []],
    ['v = 77', []],
  ]
  test.each(cases)('%s', async (where, expected) => {
    const rows = await db.rows(`SELECT k FROM plain WHERE ${where} ALLOW FILTERING`)
    expect(rows.flat().sort()).toEqual(expected)
  })

  test('on clustering columns and statics', async () => {
    expect(await values("b = 'y' AND c = 1 AND p = 1 ALLOW FILTERING")).toEqual([11, 111, 211])
    expect(await values('a = 1 AND c > 1 AND p = 2 ALLOW FILTERING')).toEqual([102, 112, 122])
    expect((await db.rows("SELECT DISTINCT p FROM r WHERE s = 'static 2' ALLOW FILTERING")).flat()).toEqual([
      2,
    ])
    expect(await values("s = 'static 2' AND a = 0 AND b = 'x' LIMIT 2 ALLOW FILTERING")).toEqual([0, 1])
    expect((await db.rows('SELECT x, y FROM pair WHERE x = 2 AND c = 0 ALLOW FILTERING')).sort()).toEqual([
      [2, 'm'],
      [2, 'n'],
    ])
  })

  test('with LIMIT and PER PARTITION LIMIT, counted after the filter', async () => {
    expect(await db.rows('SELECT k FROM plain WHERE v > 10 LIMIT 1 ALLOW FILTERING')).toHaveLength(1)
    expect(await db.rows('SELECT v FROM r WHERE c = 2 PER PARTITION LIMIT 2 ALLOW FILTERING')).toEqual([
      [2],
      [12],
      [2],
      [12],
    ])
  })
})
