import { afterEach, expect, it } from 'vitest'
import { KEYSPACE, Workbench } from '../node/support.ts'
import { nodetool } from './nodetool.ts'

/** system_views and traces where there are SSTables. */

const bench = new Workbench()
afterEach(() => bench.release())

async function open() {
  const server = await bench.start({ dir: bench.folder(), adminPort: 0 })
  const client = await bench.connect(server)
  await client.execute(KEYSPACE)
  await client.execute('CREATE TABLE demo.t (k int, c int, v text, PRIMARY KEY (k, c))')
  await nodetool(server, 'disableautocompaction', 'demo')
  for (let flush = 0; flush < 3; flush++) {
    for (let k = 0; k < 3; k++) {
      await client.execute(`INSERT INTO demo.t (k, c, v) VALUES (${k}, ${flush}, '${'v'.repeat(1000)}')`)
    }
    await nodetool(server, 'flush', 'demo')
  }
  return { server, client }
}

it('system_views has true figures of SSTables, caches and long work', async () => {
  const { server, client } = await open()
  for (let i = 0; i < 5; i++) await client.execute('SELECT v FROM demo.t WHERE k = 1 AND c = 1')
  const { rows: sizes } = await client.execute(
    "SELECT mebibytes FROM system_views.disk_usage WHERE keyspace_name = 'demo' AND table_name = 't'",
  )
  expect(sizes[0]!['mebibytes'].toNumber()).toBe(1)
  const { rows: caches } = await client.execute('SELECT * FROM system_views.caches')
  expect(caches.map((row) => row['name'])).toEqual(['chunks', 'counters', 'keys', 'rows'])
  const keys = caches.find((row) => row['name'] === 'keys')!
  expect(keys['hit_count'].toNumber()).toBeGreaterThanOrEqual(4)
  expect(keys['hit_ratio']).toBeCloseTo(keys['hit_count'].toNumber() / keys['request_count'].toNumber())
  expect(keys['entry_count']).toBeGreaterThan(0)
  const pool = async (name: string) =>
    (await client.execute(`SELECT * FROM system_views.thread_pools WHERE name = '${name}'`)).rows[0]!
  expect((await pool('MemtableFlushWriter'))['completed_tasks'].toNumber()).toBeGreaterThanOrEqual(3)
  const before = (await pool('CompactionExecutor'))['completed_tasks'].toNumber()
  await nodetool(server, 'compact', 'demo')
  expect((await pool('CompactionExecutor'))['completed_tasks'].toNumber()).toBe(before + 1)
  const { out } = await nodetool(server, 'tablestats', 'demo.t')
  expect(out).toContain('\t\tSSTable count: 1\n')
  expect(out).toContain('\t\tLocal read count: 5\n')
  expect(out).toMatch(/Local read latency: \d+\.\d{3} ms/)
  const histograms = (await nodetool(server, 'tablehistograms', 'demo', 't')).out
  expect(histograms).toMatch(/\n50% +\d+\.\d\d +\d+\.\d\d +1\.00 /)
})

it('traces say how many SSTables were read', async () => {
  const { client } = await open()
  const activities = async (query: string): Promise<string[]> => {
    const { info } = await client.execute(query, [], { traceQuery: true })
    const { events } = await new Promise<{ events: { activity: string }[] }>((resolve, reject) =>
      client.metadata.getTrace(info.traceId!, (error, trace) => (error ? reject(error) : resolve(trace))),
    )
    return events.map(({ activity }) => activity)
  }
  expect(await activities('SELECT * FROM demo.t WHERE k = 1')).toContain(
    'Merged data from memtables and 3 sstables',
  )
  expect(await activities('SELECT * FROM demo.t WHERE k = 1 AND c > 1')).toContain(
    'Merged data from memtables and 1 sstables',
  )
  const scan = (await activities('SELECT * FROM demo.t')).find((text) =>
    text.startsWith('Executing seq scan'),
  )
  expect(scan).toMatch(/^Executing seq scan across 3 sstables for /)
})
