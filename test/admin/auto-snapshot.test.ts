import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { KEYSPACE, Workbench } from '../node/support.ts'

/** Snapshots of what is truncated and dropped, in the files of real servers. */

const bench = new Workbench()
afterEach(() => bench.release())

const TABLE = `CREATE TABLE demo.t (k int PRIMARY KEY, v text)`

function directoriesOf(dir: string, table: string): string[] {
  const parent = `${dir}/data/demo`
  if (!existsSync(parent)) return []
  return readdirSync(parent)
    .filter((name) => name.startsWith(`${table}-`))
    .map((name) => `${parent}/${name}`)
}

function snapshotsOf(dir: string, table: string): string[] {
  return directoriesOf(dir, table).flatMap((directory) =>
    existsSync(`${directory}/snapshots`)
      ? readdirSync(`${directory}/snapshots`).map((name) => `${directory}/snapshots/${name}`)
      : [],
  )
}

async function open(settings = {}) {
  const dir = bench.folder()
  const server = await bench.start({ dir, settings })
  const client = await bench.connect(server)
  await client.execute(KEYSPACE)
  return { dir, server, client }
}

describe('auto_snapshot', () => {
  it('keeps what TRUNCATE removes, what was in memory too', async () => {
    const { dir, client } = await open()
    await client.execute(TABLE)
    for (let k = 0; k < 10; k++) await client.execute(`INSERT INTO demo.t (k, v) VALUES (${k}, 'v')`)
    await client.execute('TRUNCATE demo.t')
    expect((await client.execute('SELECT * FROM demo.t')).rows).toEqual([])
    const [snapshot, ...others] = snapshotsOf(dir, 't')
    expect(others).toEqual([])
    expect(snapshot).toMatch(/\/truncated-\d{13}-t$/)
    const files = readdirSync(snapshot!).sort()
    expect(files).toContain('nb-1-big-Data.db')
    expect(JSON.parse(readFileSync(`${snapshot}/manifest.json`, 'utf8'))).toMatchObject({
      files: ['nb-1-big-Data.db'],
      expires_at: null,
      ephemeral: false,
    })
    const schema = readFileSync(`${snapshot}/schema.cql`, 'utf8')
    expect(schema).toMatch(
      /^CREATE TABLE IF NOT EXISTS demo\.t \(\n {4}k int PRIMARY KEY,\n {4}v text\n\) WITH ID = /,
    )
    const [directory] = directoriesOf(dir, 't')
    expect(readdirSync(directory!)).toEqual(['snapshots'])
  })

  it('keeps nothing of an empty table, nor where it was told not to', async () => {
    const { dir, client } = await open()
    await client.execute(TABLE)
    await client.execute('TRUNCATE demo.t')
    await client.execute(`${TABLE.replace('demo.t', 'demo.u')} WITH allow_auto_snapshot = false`)
    await client.execute(`INSERT INTO demo.u (k) VALUES (1)`)
    await client.execute('TRUNCATE demo.u')
    expect([...snapshotsOf(dir, 't'), ...snapshotsOf(dir, 'u')]).toEqual([])
    const other = await open({ auto_snapshot: 'false' })
    await other.client.execute(TABLE)
    await other.client.execute(`INSERT INTO demo.t (k) VALUES (1)`)
    await other.client.execute('DROP TABLE demo.t')
    expect(directoriesOf(other.dir, 't')).toEqual([])
  })

  it('keeps what DROP TABLE and DROP KEYSPACE remove before they are acknowledged, once', async () => {
    const { dir, server, client } = await open()
    for (const table of ['t', 'u', 'e']) await client.execute(TABLE.replace('demo.t', `demo.${table}`))
    await client.execute(`INSERT INTO demo.t (k) VALUES (1)`)
    await client.execute(`INSERT INTO demo.u (k) VALUES (1)`)
    await client.execute('DROP TABLE demo.t')
    expect(snapshotsOf(dir, 't').map((path) => path.replace(/.*\//, ''))).toEqual([
      expect.stringMatching(/^dropped-\d{13}-t$/),
    ])
    await client.execute('DROP KEYSPACE demo')
    expect(snapshotsOf(dir, 'u')).toHaveLength(1)
    await client.shutdown()
    await server.stop()
    expect(directoriesOf(dir, 'e')).toEqual([])
    // The log has all of it still.
    const again = await bench.start({ dir })
    await again.stop()
    expect(snapshotsOf(dir, 't')).toHaveLength(1)
    expect(snapshotsOf(dir, 'u')).toHaveLength(1)
  })
})
