import { readdirSync, readlinkSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { KEYSPACE, Workbench } from '../node/support.ts'
import { TestClient } from '../protocol/test-client.ts'

const bench = new Workbench()
afterEach(() => bench.release())

function openFilesIn(directory: string): string[] {
  return readdirSync('/proc/self/fd').flatMap((name) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${name}`)
      return path.startsWith(directory) ? [path] : []
    } catch {
      return []
    }
  })
}

function logBytes(directory: string): number {
  const log = join(directory, 'commitlog')
  return readdirSync(log).reduce(
    (sum, name) => sum + (statSync(join(log, name), { throwIfNoEntry: false })?.size ?? 0),
    0,
  )
}

const SMALL = { commitlog_segment_size: '1MiB', commitlog_total_space: '2MiB' }

test.each([
  'periodic',
  'batch',
  'group',
] as const)('stopped under load (%s), while its log is written anew too, a server keeps what it acknowledged and no file open', {
  timeout: 60_000,
}, async (commitlogSync) => {
  const dir = bench.folder()
  const settings = { ...SMALL, ...(commitlogSync === 'group' ? { commitlog_sync_group_window: 10 } : {}) }
  const acknowledged = new Set<number>()
  for (let round = 0; round < 3; round++) {
    const server = await bench.start({ dir, commitlogSync, settings })
    const clients = await Promise.all([1, 2, 3].map(() => TestClient.connect(server.port)))
    await clients[0]!.query(KEYSPACE.replace('KEYSPACE', 'KEYSPACE IF NOT EXISTS'))
    await clients[0]!.query('CREATE TABLE IF NOT EXISTS demo.t (p int PRIMARY KEY, v text)')
    await clients[0]!.query('CREATE TABLE IF NOT EXISTS demo.filler (p int PRIMARY KEY, v text)')
    const value = 'x'.repeat(1000)
    let isStopping = false
    let next = round * 1_000_000
    const load = clients.map(async (client) => {
      while (!isStopping && !client.isClosed) {
        const batch = Array.from({ length: 100 }, () => next++)
        for (const p of batch) {
          void client.query(`INSERT INTO demo.filler (p, v) VALUES (${p % 10}, '${value}')`)
          void client.query(`INSERT INTO demo.t (p, v) VALUES (${p}, 'v')`).then((answer) => {
            if (answer['kind'] === 'void') acknowledged.add(p)
          })
        }
        await Promise.race([client.query('SELECT p FROM demo.filler WHERE p = 1'), client.closed()])
      }
    })
    await new Promise((resolve) => setTimeout(resolve, 700))
    const stopping = server.stop()
    isStopping = true
    await stopping
    await Promise.all(load)
    expect(openFilesIn(dir)).toEqual([])
  }
  const server = await bench.start({ dir, commitlogSync, settings })
  const client = await TestClient.connect(server.port)
  const stored = new Set<number>()
  const answer = await client.query('SELECT p FROM demo.t')
  for (const [p] of answer['rows'] as string[][]) stored.add(Number.parseInt(p!, 16))
  expect(acknowledged.size).toBeGreaterThan(100)
  expect([...acknowledged].filter((p) => !stored.has(p))).toEqual([])
  client.close()
})

test('overwriting does not make the log grow for ever', { timeout: 60_000 }, async () => {
  const dir = bench.folder()
  const server = await bench.start({ dir, settings: SMALL })
  const client = await TestClient.connect(server.port)
  await client.query(KEYSPACE)
  await client.query('CREATE TABLE demo.t (p int PRIMARY KEY, v text)')
  let written = 0
  for (let round = 0; round < 120; round++) {
    const value = `${round}:`.padEnd(20_000, 'x')
    await Promise.all(
      Array.from({ length: 50 }, (_, p) =>
        client.query(`INSERT INTO demo.t (p, v) VALUES (${p}, '${value}')`),
      ),
    )
    written += 50 * 20_000
  }
  expect(written).toBeGreaterThan(100e6)
  // It grows while memtables are flushed, by what is written meanwhile, and comes back.
  for (let i = 0; i < 300 && logBytes(dir) > 6e6; i++) await new Promise((resolve) => setTimeout(resolve, 50))
  expect(logBytes(dir)).toBeLessThan(6e6)
  await server.stop()
  const again = await bench.start({ dir, settings: SMALL })
  const reader = await TestClient.connect(again.port)
  for (let p = 0; p < 50; p++) {
    const answer = await reader.query(`SELECT v FROM demo.t WHERE p = ${p}`)
    expect(Buffer.from((answer['rows'] as string[][])[0]![0]!, 'hex').toString()).toBe(
      '119:'.padEnd(20_000, 'x'),
    )
  }
  client.close()
  reader.close()
})
