import cassandra, { type types } from 'cassandra-driver'
import { beforeAll, describe, expect, test } from 'vitest'
import { useSession } from '../harness.ts'

const db = useSession('paging', [
  'CREATE TABLE events (p int, c int, s text static, v text, PRIMARY KEY (p, c))',
  'CREATE TABLE singles (k int PRIMARY KEY, v int)',
])

const partitions = 7
const rowsEach = 43

beforeAll(async () => {
  const inserts: { query: string; params: unknown[] }[] = []
  for (let p = 0; p < partitions; p++) {
    for (let c = 0; c < rowsEach; c++) {
      inserts.push({
        query: 'INSERT INTO events (p, c, s, v) VALUES (?, ?, ?, ?)',
        params: [p, c, `s${p}`, `v${p}.${c}`],
      })
    }
  }
  // Partitions that have nothing but a static row are a page's row too.
  inserts.push({ query: 'INSERT INTO events (p, s) VALUES (?, ?)', params: [100, 'alone'] })
  for (let k = 0; k < 250; k++)
    inserts.push({ query: 'INSERT INTO singles (k, v) VALUES (?, ?)', params: [k, k] })
  await cassandra.concurrent.executeConcurrent(db.client, inserts)
})

async function pages(query: string, params: unknown[], fetchSize: number): Promise<types.Row[][]> {
  const all: types.Row[][] = []
  let pageState: string | undefined
  do {
    const result = await db.run(query, params, { fetchSize, prepare: true, ...(pageState && { pageState }) })
    all.push(result.rows)
    pageState = result.pageState
  } while (pageState)
  return all
}

describe('pages', () => {
  test.each([1, 2, 7, 43, 44, 300, 301, 302, 303, 5000])('a full scan by %i', async (fetchSize) => {
    const found = await pages('SELECT p, c, s, v FROM events', [], fetchSize)
    const rows = found.flat()
    expect(rows).toHaveLength(partitions * rowsEach + 1)
    expect(new Set(rows.map((row) => `${row.p}.${row.c}`)).size).toBe(rows.length)
    for (const page of found) expect(page.length).toBeLessThanOrEqual(fetchSize)
    for (const page of found.slice(0, -1)) expect(page.length).toBe(fetchSize)
    const orders = new Map<number, number[]>()
    for (const row of rows) orders.set(row.p, [...(orders.get(row.p) ?? []), row.c])
    for (const [p, order] of orders) {
      if (p === 100) expect(order).toEqual([null])
      else expect(order).toEqual(Array.from({ length: rowsEach }, (_, c) => c))
    }
  })

  test.each([1, 10, 42, 43, 44])('one partition by %i, both ways', async (fetchSize) => {
    const up = await pages('SELECT c FROM events WHERE p = ?', [3], fetchSize)
    expect(up.flat().map((row) => row.c)).toEqual(Array.from({ length: rowsEach }, (_, c) => c))
    const down = await pages('SELECT c FROM events WHERE p = ? ORDER BY c DESC', [3], fetchSize)
    expect(down.flat().map((row) => row.c)).toEqual(
      Array.from({ length: rowsEach }, (_, c) => rowsEach - 1 - c),
    )
  })

  test('a slice, LIMIT and PER PARTITION LIMIT across pages', async () => {
    const slice = await pages('SELECT c FROM events WHERE p = ? AND c >= ? AND c < ?', [3, 5, 30], 4)
    expect(slice.flat().map((row) => row.c)).toEqual(Array.from({ length: 25 }, (_, c) => c + 5))
    const limited = await pages('SELECT c FROM events WHERE p = ? LIMIT 11', [3], 4)
    expect(limited.map((page) => page.length)).toEqual([4, 4, 3])
    const each = await pages('SELECT p, c FROM events PER PARTITION LIMIT 3', [], 2)
    expect(each.flat()).toHaveLength(partitions * 3 + 1)
    const both = await pages('SELECT p, c FROM events PER PARTITION LIMIT 3 LIMIT 8', [], 3)
    expect(both.map((page) => page.length)).toEqual([3, 3, 2])
  })

  test('DISTINCT, IN and single-row partitions across pages', async () => {
    expect((await pages('SELECT DISTINCT p, s FROM events', [], 3)).flat()).toHaveLength(partitions + 1)
    const many = await pages('SELECT p, c FROM events WHERE p IN (1, 4, 2)', [], 20)
    expect(many.flat()).toHaveLength(3 * rowsEach)
    expect([...new Set(many.flat().map((row) => row.p))]).toEqual([1, 2, 4])
    const singles = await pages('SELECT k FROM singles', [], 33)
    expect(new Set(singles.flat().map((row) => row.k)).size).toBe(250)
  })

  test('rows that filtering leaves out do not count', async () => {
    const found = await pages('SELECT p, c FROM events WHERE c = ? ALLOW FILTERING', [5], 2)
    expect(found.flat()).toHaveLength(partitions)
  })

  test('rows deleted between two pages', async () => {
    await db.run('CREATE TABLE vanishing (p int, c int, PRIMARY KEY (p, c))')
    for (let c = 0; c < 20; c++) await db.run('INSERT INTO vanishing (p, c) VALUES (?, ?)', [1, c])
    const first = await db.run('SELECT c FROM vanishing WHERE p = 1', [], { fetchSize: 5, prepare: true })
    await db.run('DELETE FROM vanishing WHERE p = 1 AND c >= 3 AND c < 9')
    const rest = await db.run('SELECT c FROM vanishing WHERE p = 1', [], {
      fetchSize: 5,
      prepare: true,
      pageState: first.pageState,
    })
    expect(rest.rows.map((row) => row.c)).toEqual([9, 10, 11, 12, 13])
  })

  test('a statement that is not prepared pages too, and a page size of zero asks for everything', async () => {
    const first = await db.run('SELECT c FROM events WHERE p = 3', [], { prepare: false, fetchSize: 40 })
    expect(first.rows).toHaveLength(40)
    const second = await db.run('SELECT c FROM events WHERE p = 3', [], {
      prepare: false,
      fetchSize: 40,
      pageState: first.pageState,
    })
    expect(second.rows).toHaveLength(3)
    expect(second.pageState).toBeFalsy()
  })

  test('a page state that is no page state', async () => {
    expect(await db.error('SELECT p FROM events', [], { pageState: '00ff17', fetchSize: 10 })).toBe(
      '0x000a Invalid value for the paging state',
    )
  })
})

describe('the ways of the driver', () => {
  test('eachRow with autoPage', async () => {
    const seen: number[] = []
    const end = await new Promise<types.ResultSet>((fulfil, reject) => {
      db.client.eachRow(
        'SELECT c FROM events WHERE p = ?',
        [2],
        { prepare: true, fetchSize: 10, autoPage: true },
        (_n, row) => seen.push(row.c),
        (error, result) => (error ? reject(error) : fulfil(result)),
      )
    })
    expect(seen).toEqual(Array.from({ length: rowsEach }, (_, c) => c))
    expect(end.rowLength).toBe(rowsEach)
  })

  test('eachRow with nextPage by hand', async () => {
    const seen: number[] = []
    let calls = 0
    await new Promise<void>((fulfil, reject) => {
      db.client.eachRow(
        'SELECT c FROM events WHERE p = ?',
        [2],
        { prepare: true, fetchSize: 10 },
        (_n, row) => seen.push(row.c),
        (error, result) => {
          if (error) return reject(error)
          calls++
          if (result.nextPage) result.nextPage()
          else fulfil()
        },
      )
    })
    expect(seen).toHaveLength(rowsEach)
    expect(calls).toBe(5)
  })

  test('stream', async () => {
    const seen: number[] = []
    const stream = db.client.stream('SELECT c FROM events WHERE p = ?', [2], {
      prepare: true,
      fetchSize: 9,
      autoPage: true,
    })
    await new Promise((fulfil, reject) => {
      stream.on('readable', function (this: { read(): types.Row | null }) {
        let row: types.Row | null
        while ((row = this.read()) !== null) seen.push(row.c)
      })
      stream.on('end', fulfil)
      stream.on('error', reject)
    })
    expect(seen).toEqual(Array.from({ length: rowsEach }, (_, c) => c))
  })

  test('for await over a result', async () => {
    const seen: number[] = []
    const result = await db.run('SELECT c FROM events WHERE p = ?', [2], { fetchSize: 5 })
    for await (const row of result) seen.push(row.c)
    expect(seen).toHaveLength(rowsEach)
  })
})

describe('a page state survives', () => {
  test('a new client', async () => {
    const first = await db.run('SELECT p, c FROM events', [], { fetchSize: 10, prepare: true })
    const other = new cassandra.Client(db.options())
    const second = await other.execute('SELECT p, c FROM events', [], {
      fetchSize: 1000,
      prepare: true,
      pageState: first.pageState,
    })
    await other.shutdown()
    const all = [...first.rows, ...second.rows].map((row) => `${row.p}.${row.c}`)
    expect(new Set(all).size).toBe(partitions * rowsEach + 1)
    expect(all).toHaveLength(partitions * rowsEach + 1)
  })

  test('a column that is added or dropped between two pages', async () => {
    await db.run('CREATE TABLE changing (p int, c int, v text, w text, PRIMARY KEY (p, c))')
    for (let c = 0; c < 12; c++)
      await db.run('INSERT INTO changing (p, c, v, w) VALUES (?, ?, ?, ?)', [1, c, `v${c}`, `w${c}`])
    const first = await db.run('SELECT * FROM changing', [], { fetchSize: 5, prepare: true })
    expect(first.rows.map((row) => row.c)).toEqual([0, 1, 2, 3, 4])
    await db.run('ALTER TABLE changing ADD x int')
    const second = await db.run('SELECT * FROM changing', [], {
      fetchSize: 5,
      prepare: true,
      pageState: first.pageState,
    })
    expect(second.rows.map((row) => [row.c, row.v, row.x])).toEqual(
      [5, 6, 7, 8, 9].map((c) => [c, `v${c}`, null]),
    )
    await db.run('ALTER TABLE changing DROP w')
    const third = await db.run('SELECT * FROM changing', [], {
      fetchSize: 5,
      prepare: true,
      pageState: second.pageState,
    })
    expect(third.rows.map((row) => row.keys().join())).toEqual(['p,c,v,x', 'p,c,v,x'])
    expect(third.pageState).toBeFalsy()
  })
})
