/** The tables of the documents behind the project: employees, state_city, and three shapes of tweets. */

import { types } from 'cassandra-driver'
import { describe, expect, test } from 'vitest'
import { useSession } from '../harness.ts'

const { Uuid, TimeUuid, Long } = types
const db = useSession('tables', [
  'CREATE TABLE employees (id int PRIMARY KEY, name text, age int, role varchar, salary decimal)',
  'CREATE TABLE state_city (state text, city text, population bigint, mayor text, PRIMARY KEY (state, city))',
  `CREATE TABLE employees_by_company (company text, department text, id int, name text, hired timestamp,
     PRIMARY KEY ((company, department), id))`,
  'CREATE TABLE tweets (id uuid PRIMARY KEY, usuario text, texto text, timestamp timestamp)',
  `CREATE TABLE tweets_by_user (usuario text, timestamp timestamp, id uuid, texto text,
     PRIMARY KEY (usuario, timestamp)) WITH CLUSTERING ORDER BY (timestamp DESC)`,
  `CREATE TABLE tweets_by_month (usuario text, year int, month int, timestamp timestamp, id timeuuid, texto text,
     PRIMARY KEY ((usuario, year, month), timestamp)) WITH CLUSTERING ORDER BY (timestamp DESC)`,
])

describe('employees: a simple primary key', () => {
  test('rows are written and read by key, by literal and prepared', async () => {
    await db.run(
      "INSERT INTO employees (id, name, age, role, salary) VALUES (1, 'Ana', 34, 'engineer', 5100.50)",
    )
    await db.run('INSERT INTO employees (id, name, age, role) VALUES (?, ?, ?, ?)', [
      2,
      'Bruno',
      41,
      'manager',
    ])
    expect(await db.rows('SELECT id, name, age, role, salary FROM employees WHERE id = ?', [1])).toEqual([
      [1, 'Ana', 34, 'engineer', '5100.50'],
    ])
    expect(await db.rows('SELECT * FROM employees WHERE id = 2')).toEqual([[2, 41, 'Bruno', 'manager', null]])
    expect(await db.rows('SELECT name FROM employees WHERE id = 3')).toEqual([])
  })

  test('INSERT and UPDATE are both upserts', async () => {
    await db.run("INSERT INTO employees (id, name) VALUES (10, 'first')")
    await db.run("INSERT INTO employees (id, name) VALUES (10, 'second')")
    await db.run("UPDATE employees SET role = 'clerk' WHERE id = 10")
    await db.run("UPDATE employees SET name = 'from nothing' WHERE id = 11")
    expect(await db.rows('SELECT name, role FROM employees WHERE id IN (10, 11)')).toEqual([
      ['second', 'clerk'],
      ['from nothing', null],
    ])
  })

  test('rows of one table may have different columns set, and columns may be added later', async () => {
    await db.run('ALTER TABLE employees ADD email text')
    await db.run("INSERT INTO employees (id, email) VALUES (20, 'x@example.com')")
    expect(await db.rows('SELECT id, name, email FROM employees WHERE id = 20')).toEqual([
      [20, null, 'x@example.com'],
    ])
    expect(await db.rows('SELECT id, name, email FROM employees WHERE id = 1')).toEqual([[1, 'Ana', null]])
  })
})

describe('state_city: a partition key and a clustering column', () => {
  test('the rows of a partition are sorted by city', async () => {
    const cities: [string, string, number][] = [
      ['SP', 'Santos', 433_656],
      ['SP', 'Campinas', 1_139_047],
      ['SP', 'Bauru', 379_146],
      ['RJ', 'Niteroi', 481_749],
    ]
    for (const [state, city, population] of cities) {
      await db.run('INSERT INTO state_city (state, city, population) VALUES (?, ?, ?)', [
        state,
        city,
        Long.fromNumber(population),
      ])
    }
    expect(await db.rows("SELECT city, population FROM state_city WHERE state = 'SP'")).toEqual([
      ['Bauru', '379146'],
      ['Campinas', '1139047'],
      ['Santos', '433656'],
    ])
    expect(await db.rows("SELECT city FROM state_city WHERE state = 'SP' ORDER BY city DESC")).toEqual([
      ['Santos'],
      ['Campinas'],
      ['Bauru'],
    ])
    expect(
      await db.rows("SELECT city FROM state_city WHERE state = 'SP' AND city >= 'C' AND city < 'S'"),
    ).toEqual([['Campinas']])
    const states = await db.rows('SELECT DISTINCT state FROM state_city')
    expect(states.flat().sort()).toEqual(['RJ', 'SP'])
  })
})

describe('employees_by_company: a composite partition key', () => {
  test('both parts are needed, and partitions are apart', async () => {
    for (let id = 5; id > 0; id--) {
      await db.run(
        'INSERT INTO employees_by_company (company, department, id, name, hired) VALUES (?, ?, ?, ?, ?)',
        ['acme', id % 2 === 0 ? 'even' : 'odd', id, `name ${id}`, new Date(Date.UTC(2020, 0, id))],
      )
    }
    expect(
      await db.rows(
        "SELECT id, name, hired FROM employees_by_company WHERE company = 'acme' AND department = 'even'",
      ),
    ).toEqual([
      [2, 'name 2', '2020-01-02T00:00:00.000Z'],
      [4, 'name 4', '2020-01-04T00:00:00.000Z'],
    ])
    expect(await db.error("SELECT * FROM employees_by_company WHERE company = 'acme'")).toBe(
      '0x2200 Cannot execute this query as it might involve data filtering and thus may have unpredictable performance. If you want to execute this query despite the performance unpredictability, use ALLOW FILTERING',
    )
    expect(await db.error("INSERT INTO employees_by_company (company, id) VALUES ('acme', 1)")).toBe(
      '0x2200 Some partition key parts are missing: department',
    )
    const pairs = await db.rows('SELECT DISTINCT company, department FROM employees_by_company')
    expect(pairs.map((pair) => pair.join(' ')).sort()).toEqual(['acme even', 'acme odd'])
  })
})

describe('tweets, three ways', () => {
  const id = Uuid.fromString('0b9e2ee5-8f45-4a3f-9d3d-3f5c2c3c7a11')

  test('by id', async () => {
    await db.run('INSERT INTO tweets (id, usuario, texto, timestamp) VALUES (?, ?, ?, ?)', [
      id,
      'ana',
      'olá, mundo ✓ 🙂',
      new Date('2024-05-06T07:08:09.123Z'),
    ])
    expect(await db.rows('SELECT usuario, texto, timestamp FROM tweets WHERE id = ?', [id])).toEqual([
      ['ana', 'olá, mundo ✓ 🙂', '2024-05-06T07:08:09.123Z'],
    ])
  })

  test('by user, the newest first', async () => {
    for (let day = 1; day <= 5; day++) {
      await db.run('INSERT INTO tweets_by_user (usuario, timestamp, id, texto) VALUES (?, ?, ?, ?)', [
        'ana',
        new Date(Date.UTC(2024, 4, day)),
        Uuid.random(),
        `tweet ${day}`,
      ])
    }
    expect((await db.rows("SELECT texto FROM tweets_by_user WHERE usuario = 'ana'")).flat()).toEqual([
      'tweet 5',
      'tweet 4',
      'tweet 3',
      'tweet 2',
      'tweet 1',
    ])
    expect((await db.rows("SELECT texto FROM tweets_by_user WHERE usuario = 'ana' LIMIT 2")).flat()).toEqual([
      'tweet 5',
      'tweet 4',
    ])
    expect(
      (
        await db.rows(
          "SELECT texto FROM tweets_by_user WHERE usuario = 'ana' AND timestamp > '2024-05-02' AND timestamp <= '2024-05-04T00:00:00Z' ORDER BY timestamp ASC",
        )
      ).flat(),
    ).toEqual(['tweet 3', 'tweet 4'])
  })

  test('by user, year and month, the newest first', async () => {
    for (let month = 1; month <= 2; month++) {
      for (let day = 1; day <= 3; day++) {
        const at = new Date(Date.UTC(2024, month - 1, day))
        await db.run(
          'INSERT INTO tweets_by_month (usuario, year, month, timestamp, id, texto) VALUES (?, ?, ?, ?, ?, ?)',
          ['ana', 2024, month, at, TimeUuid.fromDate(at), `${month}/${day}`],
        )
      }
    }
    const month = "usuario = 'ana' AND year = 2024 AND month = 2"
    expect((await db.rows(`SELECT texto FROM tweets_by_month WHERE ${month}`)).flat()).toEqual([
      '2/3',
      '2/2',
      '2/1',
    ])
    expect(
      (
        await db.rows(`SELECT texto FROM tweets_by_month WHERE ${month} AND timestamp >= ?`, [
          new Date('2024-02-02T00:00:00Z'),
        ])
      ).flat(),
    ).toEqual(['2/3', '2/2'])
    expect(
      (
        await db.rows(
          "SELECT texto FROM tweets_by_month WHERE usuario = 'ana' AND year = 2024 AND month IN (2, 1) PER PARTITION LIMIT 1",
        )
      )
        .flat()
        .sort(),
    ).toEqual(['1/3', '2/3'])
    expect(await db.error("SELECT texto FROM tweets_by_month WHERE usuario = 'ana' AND year = 2024")).toMatch(
      /^0x2200 Cannot execute this query as it might involve data filtering/,
    )
    expect(
      await db.error(
        "SELECT texto FROM tweets_by_month WHERE usuario = 'ana' AND year = 2024 AND timestamp > 0",
      ),
    ).toMatch(/^0x2200 /)
    const [row] = (await db.run(`SELECT id, timestamp FROM tweets_by_month WHERE ${month} LIMIT 1`)).rows
    expect(row.id.getDate().toISOString()).toBe(row.timestamp.toISOString())
  })

  test('now() and uuid() make identifiers of their versions', async () => {
    await db.run("INSERT INTO tweets (id, usuario) VALUES (uuid(), 'gerado')")
    await db.run(
      "INSERT INTO tweets_by_month (usuario, year, month, timestamp, id) VALUES ('gerado', 2024, 1, '2024-01-01', now())",
    )
    const [[made]] = await db.rows("SELECT id FROM tweets WHERE usuario = 'gerado' ALLOW FILTERING")
    expect(made).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    const [row] = (
      await db.run("SELECT id FROM tweets_by_month WHERE usuario = 'gerado' AND year = 2024 AND month = 1")
    ).rows
    expect(Math.abs(row.id.getDate().getTime() - Date.now())).toBeLessThan(60_000)
  })
})
