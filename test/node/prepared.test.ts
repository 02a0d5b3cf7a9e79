import { createHash } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import type { Sibyl } from '../../src/index.ts'
import { executeBody, prepareBody, type QueryParameters } from '../../src/protocol/client-request.ts'
import { type Decoded, decodeResponse } from '../../src/protocol/client-response.ts'
import { Opcode } from '../../src/protocol/opcode.ts'
import { TestClient } from '../protocol/test-client.ts'
import { failure, KEYSPACE, Workbench } from './support.ts'

/** Prepared statements: kept over restarts, bounded, evicted when their table changes. */

const bench = new Workbench()
const raw: TestClient[] = []

afterEach(async () => {
  for (const client of raw.splice(0)) client.close()
  await bench.release()
})

const TABLE = 'CREATE TABLE demo.notes (id int PRIMARY KEY, body text)'
const INSERT = 'INSERT INTO demo.notes (id, body) VALUES (?, ?)'
const SELECT = 'SELECT body FROM demo.notes WHERE id = ?'
const UNPREPARED = '0x2500'

function int(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

async function open(server: Sibyl, version = 5): Promise<TestClient> {
  const client = await TestClient.connect(server.port, { version })
  raw.push(client)
  return client
}

async function ask(client: TestClient, opcode: number, body: Buffer): Promise<Decoded> {
  const frame = await client.request(opcode, body)
  return decodeResponse(frame.version, frame.opcode, frame.flags, frame.body)
}

function prepare(client: TestClient, text: string, keyspace?: string): Promise<Decoded> {
  return ask(client, Opcode.PREPARE, prepareBody(client.version, text, keyspace))
}

/** Executes an id without having prepared it on this connection. */
function execute(client: TestClient, prepared: Decoded, values: QueryParameters['values']): Promise<Decoded> {
  const id = Buffer.from(String(prepared['id']), 'hex')
  const resultId = Buffer.from(String(prepared['result_metadata_id'] ?? ''), 'hex')
  return ask(client, Opcode.EXECUTE, executeBody(client.version, id, resultId, { values }))
}

async function storedQueries(client: TestClient): Promise<string[]> {
  const answer = await client.query('SELECT query_string FROM system.prepared_statements')
  return (answer['rows'] as string[][]).map(([hex]) => Buffer.from(hex!, 'hex').toString()).sort()
}

async function withTable(dir = ':memory:', settings = {}): Promise<{ server: Sibyl; client: TestClient }> {
  const server = await bench.start({ dir, settings })
  const client = await open(server)
  for (const text of [KEYSPACE, TABLE]) expect((await client.query(text))['kind']).toBe('schema_change')
  return { server, client }
}

describe('prepared statements', () => {
  it('survive a restart with the same ids', async () => {
    const dir = bench.folder()
    const { server, client } = await withTable(dir)
    const insert = await prepare(client, INSERT)
    const select = await prepare(client, SELECT)
    const inKeyspace = await prepare(client, 'SELECT id FROM notes WHERE id = ?', 'demo')
    expect(insert['id']).toBe(createHash('md5').update(INSERT).digest('hex'))
    expect(inKeyspace['id']).toBe(
      createHash('md5').update('demoSELECT id FROM notes WHERE id = ?').digest('hex'),
    )
    const stored = await storedQueries(client)
    expect(stored).toContain(INSERT)
    expect(stored).toContain(SELECT)
    await server.stop()

    const again = await open(await bench.start({ dir }))
    expect(await storedQueries(again)).toEqual(stored)
    expect((await execute(again, insert, [int(1), Buffer.from('kept')]))['kind']).toBe('void')
    const read = await execute(again, select, [int(1)])
    expect(read['rows']).toEqual([[Buffer.from('kept').toString('hex')]])
    expect((await execute(again, inKeyspace, [int(1)]))['rows']).toEqual([[int(1).toString('hex')]])
    // Preparing it again changes nothing.
    expect(await prepare(again, INSERT)).toEqual(insert)
    expect(await prepare(again, SELECT)).toEqual(select)
  })

  it('survive the restart of a server that a driver stays connected to', async () => {
    const dir = bench.folder()
    const { server } = await withTable(dir)
    const { port } = server
    const driver = await bench.connect(server, { policies: {} })
    await driver.execute(INSERT, [1, 'one'], { prepare: true })
    await server.stop()
    await bench.start({ dir, port })
    const deadline = Date.now() + 15_000
    for (;;) {
      try {
        await driver.execute(INSERT, [2, 'two'], { prepare: true })
        break
      } catch (error) {
        if (Date.now() > deadline) throw error
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
    }
    const { rows } = await driver.execute('SELECT id FROM demo.notes')
    expect(rows.map((row) => row['id']).sort()).toEqual([1, 2])
  })

  it('are forgotten with their table, on disk too', async () => {
    const dir = bench.folder()
    const { server, client } = await withTable(dir)
    const insert = await prepare(client, INSERT)
    await client.query('DROP TABLE demo.notes')
    expect(await execute(client, insert, [int(1), null])).toMatchObject({
      code: UNPREPARED,
      unknown_id: insert['id'],
    })
    await server.stop()
    const again = await open(await bench.start({ dir }))
    expect(await storedQueries(again)).toEqual([])
    expect(await execute(again, insert, [int(1), null])).toMatchObject({ code: UNPREPARED })
  })

  it.each([3, 4, 5])('are evicted by ALTER (v%i), and drivers prepare them again', async (version) => {
    const { server, client } = await withTable()
    const other = await open(server, version)
    const text = 'SELECT * FROM demo.notes WHERE id = ?'
    const select = await prepare(other, text)
    const driver = await bench.connect(server)
    await driver.execute(INSERT, [1, 'one'], { prepare: true })
    expect((await driver.execute(text, [1], { prepare: true })).rows[0]!.keys()).toEqual(['id', 'body'])
    await client.query('ALTER TABLE demo.notes ADD more int')
    expect(await execute(other, select, [int(1)])).toMatchObject({
      code: UNPREPARED,
      unknown_id: select['id'],
    })
    expect((await prepare(other, text))['id']).toBe(select['id'])
    await driver.execute(INSERT, [1, 'two'], { prepare: true })
    expect((await driver.execute(text, [1], { prepare: true })).rows[0]!['body']).toBe('two')
  })

  it('are not evicted by a change of another table', async () => {
    const { client } = await withTable()
    const insert = await prepare(client, INSERT)
    await client.query('CREATE TABLE demo.others (id int PRIMARY KEY)')
    await client.query('ALTER TABLE demo.others ADD a int')
    await client.query('DROP TABLE demo.others')
    expect((await execute(client, insert, [int(1), null]))['kind']).toBe('void')
  })

  it('are bounded: the least recently used give way', async () => {
    const dir = bench.folder()
    const { server, client } = await withTable(dir, { prepared_statements_cache_size: '256KiB' })
    const used = await prepare(client, SELECT)
    const first = await prepare(client, 'SELECT body FROM demo.notes WHERE id = -1')
    for (let i = 0; i < 1_000; i++) {
      const prepared = await prepare(client, `SELECT body FROM demo.notes WHERE id = ${i}`)
      expect(prepared['kind']).toBe('prepared')
      if (i % 20 === 0) expect((await execute(client, used, [int(1)]))['kind']).toBe('rows')
    }
    expect(await execute(client, first, [])).toMatchObject({ code: UNPREPARED })
    const count = (await storedQueries(client)).length
    expect(count).toBeGreaterThan(20)
    expect(count).toBeLessThan(200)
    await server.stop()
    const again = await open(
      await bench.start({ dir, settings: { prepared_statements_cache_size: '256KiB' } }),
    )
    expect((await storedQueries(again)).length).toBe(count)
    expect((await execute(again, used, [int(1)]))['kind']).toBe('rows')
  })

  it('with no room for more than one, work one at a time', async () => {
    const { server } = await withTable(':memory:', { prepared_statements_cache_size: 0 })
    const driver = await bench.connect(server)
    await driver.execute(INSERT, [1, 'one'], { prepare: true })
    expect((await driver.execute(SELECT, [1], { prepare: true })).rows[0]!['body']).toBe('one')
    await driver.execute(INSERT, [1, 'two'], { prepare: true })
    expect((await driver.execute(SELECT, [1], { prepare: true })).rows[0]!['body']).toBe('two')
  })

  it('fail in words', async () => {
    const { server } = await withTable()
    const driver = await bench.connect(server)
    const error = await failure(driver.execute('SELECT nothing FROM demo.notes', [], { prepare: true }))
    expect(error.message).toBe('Undefined column name nothing in table demo.notes')
  })
})
