import type { Client } from 'cassandra-driver'
import { afterEach, describe, expect, it } from 'vitest'
import { failure, KEYSPACE, Workbench } from './support.ts'

/** Texts that come again are not prepared again; nothing but the time it takes tells. */

const bench = new Workbench()
afterEach(() => bench.release())

async function start(): Promise<Client> {
  const client = await bench.connect(await bench.start({ dir: ':memory:' }))
  await client.execute(KEYSPACE)
  await client.execute('CREATE TABLE demo.t (k int PRIMARY KEY, v text, at timestamp)')
  return client
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Executes a text so often that it is kept. */
async function warm(client: Client, text: string): Promise<void> {
  for (let i = 0; i < 4; i++) await client.execute(text)
}

describe('a text that comes again', () => {
  it('sees the columns that a table has now', async () => {
    const client = await start()
    const select = 'SELECT * FROM demo.t WHERE k = 1'
    await client.execute("INSERT INTO demo.t (k, v) VALUES (1, 'a')")
    await warm(client, select)
    await client.execute('ALTER TABLE demo.t ADD more int')
    const names = (await client.execute(select)).columns.map(({ name }) => name)
    expect(names).toEqual(['k', 'at', 'more', 'v'])
    await client.execute('ALTER TABLE demo.t DROP v')
    expect((await client.execute(select)).columns.map(({ name }) => name)).toEqual(['k', 'at', 'more'])
  })

  it('fails when its table is gone, and reads another of its name', async () => {
    const client = await start()
    const select = 'SELECT * FROM demo.t WHERE k = 1'
    await client.execute("INSERT INTO demo.t (k, v) VALUES (1, 'a')")
    await warm(client, select)
    await client.execute('DROP TABLE demo.t')
    expect((await failure(client.execute(select))).message).toBe('table t does not exist')
    await client.execute('CREATE TABLE demo.t (k int PRIMARY KEY, w text)')
    expect((await client.execute(select)).rows).toHaveLength(0)
  })

  it('means the table of the keyspace in use', async () => {
    const client = await start()
    await client.execute(KEYSPACE.replace('demo', 'other'))
    await client.execute('CREATE TABLE other.t (k int PRIMARY KEY, v text)')
    await client.execute("INSERT INTO demo.t (k, v) VALUES (1, 'demo')")
    await client.execute("INSERT INTO other.t (k, v) VALUES (1, 'other')")
    const select = 'SELECT v FROM t WHERE k = 1'
    for (const keyspace of ['demo', 'other', 'demo', 'other']) {
      await client.execute(`USE ${keyspace}`)
      await warm(client, select)
      expect((await client.execute(select)).rows[0]!.get('v')).toBe(keyspace)
    }
  })

  it("has another 'now' each time, in the functions and in the literal", async () => {
    const client = await start()
    for (const value of ["'now'", 'toTimestamp(now())']) {
      const insert = `INSERT INTO demo.t (k, at) VALUES (1, ${value})`
      await warm(client, insert)
      const first = (await client.execute('SELECT at FROM demo.t WHERE k = 1')).rows[0]!.get('at') as Date
      await pause(20)
      await client.execute(insert)
      const second = (await client.execute('SELECT at FROM demo.t WHERE k = 1')).rows[0]!.get('at') as Date
      expect(second.getTime()).toBeGreaterThan(first.getTime())
    }
  })

  it('takes the values of each request', async () => {
    const client = await start()
    for (let k = 0; k < 10; k++) {
      await client.execute('INSERT INTO demo.t (k, v) VALUES (?, ?)', [k, `v${k}`], {
        hints: ['int', 'text'],
      })
    }
    for (let k = 0; k < 10; k++) {
      const { rows } = await client.execute('SELECT v FROM demo.t WHERE k = ?', [k], { hints: ['int'] })
      expect(rows[0]!.get('v')).toBe(`v${k}`)
    }
    const error = await failure(client.execute('SELECT v FROM demo.t WHERE k = ?', [], { hints: [] }))
    expect(error.message).toBe('Invalid amount of bind variables')
  })

  it('pages, fails and applies conditions as the first time', async () => {
    const client = await start()
    for (let k = 0; k < 20; k++) await client.execute(`INSERT INTO demo.t (k, v) VALUES (${k}, 'a')`)
    for (let i = 0; i < 4; i++) {
      const page = await client.execute('SELECT k FROM demo.t', [], { fetchSize: 7 })
      expect([page.rows.length, page.pageState === null]).toEqual([7, false])
      expect((await failure(client.execute('SELECT nope FROM demo.t'))).message).toMatch(
        /^Undefined column name/,
      )
      const { rows } = await client.execute("INSERT INTO demo.t (k, v) VALUES (100, 'a') IF NOT EXISTS")
      expect(rows[0]!.get('[applied]')).toBe(i === 0)
    }
  })
})

describe('texts that differ in their values alone', () => {
  it('see the columns and types that a table has now', async () => {
    const client = await start()
    await client.execute('CREATE TYPE demo.pair (a int)')
    await client.execute('CREATE TABLE demo.p (k int PRIMARY KEY, u frozen<pair>, v text)')
    await client.execute("INSERT INTO demo.p (k, u, v) VALUES (1, {a: 1}, 'x')")
    const select = async (what: string, k: number) =>
      (await client.execute(`SELECT ${what} FROM demo.p WHERE k = ${k}`)).columns.map(({ name, type }) => {
        const { fields = [] } = (type.info ?? {}) as { fields?: readonly { name: string }[] }
        return fields.length === 0 ? name : `${name}(${fields.map((field) => field.name).join()})`
      })
    for (let k = 0; k < 3; k++) {
      expect(await select('v, u', k)).toEqual(['v', 'u(a)'])
      expect(await select('u, v', k)).toEqual(['u(a)', 'v'])
      expect(await select('u, v AS w', k)).toEqual(['u(a)', 'w'])
      expect(await select('*', k)).toEqual(['k', 'u(a)', 'v'])
    }
    await client.execute('ALTER TYPE demo.pair ADD b text')
    expect(await select('v, u', 4)).toEqual(['v', 'u(a,b)'])
    await client.execute('ALTER TABLE demo.p DROP v')
    expect(await select('*', 5)).toEqual(['k', 'u(a,b)'])
    expect((await failure(select('v, u', 6))).message).toMatch(/^Undefined column name v /)
  })
})
