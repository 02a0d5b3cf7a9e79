import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { Client, openNode } from '../golden/describe/client.ts'

/** A table that fits in memory stays there, however often it is overwritten; the commit log does not grow for it. */

const MIB = 1024 * 1024
const dir = mkdtempSync(join(tmpdir(), 'sibyl-relog-'))
const options = {
  dir,
  settings: { commitlog_segment_size: '1MiB', commitlog_total_space: '4MiB' },
}
afterAll(() => rmSync(dir, { recursive: true }))

function logBytes(): number {
  return readdirSync(`${dir}/commitlog`).reduce(
    (sum, name) => sum + statSync(`${dir}/commitlog/${name}`).size,
    0,
  )
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('it is logged again instead of being flushed, with all that it holds', async () => {
  const database = await openNode(options)
  const client = new Client(database)
  await client.query(
    "CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
  )
  await client.query(
    'CREATE TABLE ks.cold (p int, c int, s int static, m map<int, int>, v text, PRIMARY KEY (p, c))',
  )
  await client.query('CREATE TABLE ks.hot (p int PRIMARY KEY, v text)')
  for (let c = 0; c < 20; c++) {
    await client.query(
      `INSERT INTO ks.cold (p, c, s, m, v) VALUES (${c % 3}, ${c}, ${c}, {1: ${c}}, 'v${c}')`,
    )
  }
  await client.query('DELETE FROM ks.cold WHERE p = 1 AND c > 3 AND c <= 10')
  await client.query('DELETE FROM ks.cold WHERE p = 2')
  await client.query('DELETE m[1] FROM ks.cold WHERE p = 0 AND c = 6')
  await client.query("UPDATE ks.cold USING TTL 100000 SET v = 'later' WHERE p = 2 AND c = 5")
  const before = await client.rows('SELECT * FROM ks.cold')
  const text = 'x'.repeat(10_000)
  for (let i = 0; i < 2000; i++) {
    await client.query(`INSERT INTO ks.hot (p, v) VALUES (${i % 10}, '${i} ${text}')`)
    await database.engine.commit()
    await turn()
  }
  const { engine, schema } = database
  while (engine.relogger!.pending > 0) await turn()
  expect(engine.relogger!.completed).toBeGreaterThan(3)
  for (const name of ['cold', 'hot'])
    expect(engine.storeOf(schema.current.table('ks', name)!).sstables).toEqual([])
  expect(logBytes()).toBeLessThan(8 * MIB)
  const count = await client.rows('SELECT count(*) FROM ks.hot')
  await engine.commit()
  await database.close()

  const again = await openNode(options)
  const other = new Client(again)
  expect(await other.rows('SELECT * FROM ks.cold')).toEqual(before)
  expect(await other.rows('SELECT count(*) FROM ks.hot')).toEqual(count)
  await again.close()
})
