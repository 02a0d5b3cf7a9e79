import { copyFileSync, cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { failure, KEYSPACE, Workbench } from '../node/support.ts'
import { nodetool } from './nodetool.ts'

/** The verbs of nodetool on real servers with files. */

const bench = new Workbench()
afterEach(() => bench.release())

const TABLE = `CREATE TABLE demo.t (k int PRIMARY KEY, v text)`

async function open(dir = bench.folder()) {
  const server = await bench.start({ dir, adminPort: 0 })
  const client = await bench.connect(server)
  return { dir, server, client }
}

async function openWithTable() {
  const opened = await open()
  await opened.client.execute(KEYSPACE)
  await opened.client.execute(TABLE)
  return opened
}

function directoryOf(dir: string, table: string): string {
  const name = readdirSync(`${dir}/data/demo`).find((one) => one.startsWith(`${table}-`))
  return `${dir}/data/demo/${name}`
}

const dataFiles = (directory: string): string[] =>
  readdirSync(directory).filter((name) => name.endsWith('-Data.db'))

describe('nodetool', () => {
  it('flushes, compacts and says so in its history', async () => {
    const { dir, server, client } = await openWithTable()
    for (let flush = 0; flush < 2; flush++) {
      for (let k = 0; k < 10; k++)
        await client.execute(`INSERT INTO demo.t (k, v) VALUES (${k + 5 * flush}, 'v')`)
      expect(await nodetool(server, 'flush', 'demo', 't')).toEqual({ out: '', err: '', code: 0 })
    }
    expect(dataFiles(directoryOf(dir, 't')).sort()).toEqual(['nb-1-big-Data.db', 'nb-2-big-Data.db'])
    expect(await nodetool(server, 'compact', 'demo')).toEqual({ out: '', err: '', code: 0 })
    await expect.poll(() => dataFiles(directoryOf(dir, 't'))).toEqual(['nb-3-big-Data.db'])
    expect((await client.execute('SELECT count(*) FROM demo.t')).rows[0]!['count'].toNumber()).toBe(15)
    const { out } = await nodetool(server, 'compactionhistory')
    expect(out).toMatch(
      /^Compaction History: \nid {35}keyspace_name columnfamily_name compacted_at {12}bytes_in bytes_out rows_merged compaction_properties/,
    )
    expect(out).toMatch(
      /\n[0-9a-f-]{36} demo {10}t {17}\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+ +\d+ +\d+ +\{1:10, 2:5\} +\{compaction_type:Major compaction\} *\n/,
    )
    const { rows } = await client.execute('SELECT ttl(bytes_in) FROM system.compaction_history')
    expect(rows[0]!['ttl(bytes_in)']).toBeGreaterThan(604_000)
    const stats = await nodetool(server, 'compactionstats')
    expect(stats.out).toMatch(
      /^concurrent compactors {12}1 +\npending tasks {20}0 +\ncompactions completed {12}1 +\n/,
    )
  })

  it('drains: clients go, nothing is left in the log, and a dropped table may be deleted', async () => {
    const { dir, server, client } = await openWithTable()
    await client.execute(`INSERT INTO demo.t (k, v) VALUES (1, 'v')`)
    await client.execute(TABLE.replace('demo.t', 'demo.u'))
    await client.execute(`INSERT INTO demo.u (k, v) VALUES (1, 'u')`)
    await client.execute('DROP TABLE demo.u')
    expect((await nodetool(server, 'statusbinary')).out).toBe('running\n')
    expect(await nodetool(server, 'drain')).toEqual({ out: '', err: '', code: 0 })
    expect((await nodetool(server, 'statusbinary')).out).toBe('not running\n')
    await failure(bench.connect(server))
    // A second one has nothing to do.
    expect((await nodetool(server, 'drain')).code).toBe(0)
    await client.shutdown()
    await server.stop()
    const removed = directoryOf(dir, 'u')
    expect(existsSync(`${removed}/snapshots`)).toBe(true)
    rmSync(removed, { recursive: true })
    rmSync(`${dir}/commitlog`, { recursive: true })
    const again = await open(dir)
    expect((await again.client.execute('SELECT k, v FROM demo.t')).rows).toMatchObject([{ k: 1, v: 'v' }])
    expect(existsSync(removed)).toBe(false)
  })

  it('takes, lists and clears snapshots', async () => {
    const { dir, server, client } = await openWithTable()
    await client.execute(`INSERT INTO demo.t (k, v) VALUES (1, 'v')`)
    expect(await nodetool(server, 'snapshot', '-t', 's1', 'demo')).toEqual({
      out: 'Requested creating snapshot(s) for [demo] with snapshot name [s1] and options {skipFlush=false}\nSnapshot directory: s1\n',
      err: '',
      code: 0,
    })
    expect(await nodetool(server, 'snapshot', '-t', 's1', 'demo')).toMatchObject({
      err: 'error: Snapshot s1 already exists.\n',
      code: 2,
    })
    const listed = await nodetool(server, 'listsnapshots')
    expect(listed.out).toMatch(
      /^Snapshot Details: \nSnapshot name Keyspace name Column family name True size Size on disk Creation time {12}Expiration time\ns1 {12}demo {10}t {18}\d/,
    )
    expect(listed.out).toMatch(/\n\nTotal TrueDiskSpaceUsed: 0 bytes\n\n$/)
    const { rows } = await client.execute('SELECT * FROM system_views.snapshots')
    expect(rows).toMatchObject([{ name: 's1', keyspace_name: 'demo', table_name: 't', expires_at: null }])
    expect((await nodetool(server, 'clearsnapshot')).code).toBe(1)
    expect((await nodetool(server, 'clearsnapshot', '-t', 's1')).out).toBe(
      'Requested clearing snapshot(s) for [all keyspaces] with snapshot name [s1]\n',
    )
    expect((await nodetool(server, 'listsnapshots')).out).toBe('Snapshot Details: \nThere are no snapshots\n')
    expect(readdirSync(directoryOf(dir, 't'))).not.toContain('s1')
  })

  it('brings back what was truncated by refresh, and what was dropped by import, also over a kill', async () => {
    const { dir, server, client } = await openWithTable()
    await client.execute(`INSERT INTO demo.t (k, v) VALUES (1, 'a')`)
    await nodetool(server, 'flush')
    await client.execute(`INSERT INTO demo.t (k, v) VALUES (2, 'b')`)
    await client.execute('TRUNCATE demo.t')
    expect((await client.execute('SELECT * FROM demo.t')).rows).toEqual([])
    const directory = directoryOf(dir, 't')
    const [snapshot] = readdirSync(`${directory}/snapshots`)
    for (const name of readdirSync(`${directory}/snapshots/${snapshot}`)) {
      if (name.startsWith('nb-'))
        copyFileSync(`${directory}/snapshots/${snapshot}/${name}`, `${directory}/${name}`)
    }
    expect(await nodetool(server, 'refresh', 'demo', 't')).toEqual({
      out: 'nodetool refresh is deprecated, use nodetool import instead\n',
      err: '',
      code: 0,
    })
    const all = 'SELECT k, v FROM demo.t'
    const expected = [
      { k: 1, v: 'a' },
      { k: 2, v: 'b' },
    ]
    expect((await client.execute(all)).rows.map(({ k, v }) => ({ k, v }))).toEqual(expected)
    await client.execute('DROP TABLE demo.t')
    await client.execute(TABLE.replace('demo.t', 'demo.n'))
    const dropped = readdirSync(`${directory}/snapshots`).find((name) => name.startsWith('dropped-'))
    expect(await nodetool(server, 'import', '-p', 'demo', 'n', `${directory}/snapshots/${dropped}`)).toEqual({
      out: '',
      err: '',
      code: 0,
    })
    expect((await client.execute('SELECT k, v FROM demo.n')).rows.map(({ k, v }) => ({ k, v }))).toEqual(
      expected,
    )
    await client.shutdown()
    await server.stop()
    // The log, with its truncation, is replayed as a whole.
    const again = await open(dir)
    expect(
      (await again.client.execute('SELECT k, v FROM demo.n')).rows.map(({ k, v }) => ({ k, v })),
    ).toEqual(expected)
  })

  it('keeps what was restored after a truncation when the log with it is replayed', async () => {
    const { dir, server, client } = await openWithTable()
    await client.execute(`INSERT INTO demo.t (k, v) VALUES (1, 'a')`)
    await nodetool(server, 'flush')
    await client.execute('TRUNCATE demo.t')
    const directory = directoryOf(dir, 't')
    const [snapshot] = readdirSync(`${directory}/snapshots`)
    expect(
      (await nodetool(server, 'import', '-p', 'demo', 't', `${directory}/snapshots/${snapshot}`)).err,
    ).toBe('')
    expect((await client.execute('SELECT * FROM demo.t')).rows).toHaveLength(1)
    await client.shutdown()
    await server.stop()
    const again = await open(dir)
    expect((await again.client.execute('SELECT * FROM demo.t')).rows).toHaveLength(1)
  })

  it('takes nothing of a directory with an SSTable that is broken', async () => {
    const { dir, server, client } = await openWithTable()
    await client.execute(`INSERT INTO demo.t (k, v) VALUES (1, 'a')`)
    await nodetool(server, 'snapshot', '-t', 's', 'demo')
    const snapshot = `${directoryOf(dir, 't')}/snapshots/s`
    const broken = bench.folder()
    cpSync(snapshot, broken, { recursive: true })
    const data = readFileSync(`${broken}/nb-1-big-Data.db`)
    data[data.length >> 1]! ^= 1
    writeFileSync(`${broken}/nb-1-big-Data.db`, data)
    await client.execute('TRUNCATE demo.t')
    const said = await nodetool(server, 'import', '-p', 'demo', 't', broken, snapshot)
    expect(said).toMatchObject({ out: '', code: 1 })
    expect(said.err).toMatch(
      new RegExp(
        `^Some directories failed to import, check server logs for details:\n${broken}\n  Can't import .*nb-1-big-D`,
      ),
    )
    // The other one is taken.
    expect((await client.execute('SELECT k FROM demo.t')).rows).toHaveLength(1)
    expect(readdirSync(broken)).toContain('nb-1-big-Data.db')
  })
})
