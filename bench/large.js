/**
 * SSTables that are much larger than memory: a scan in pages and COUNT(*) over 10 GB; one partition of 2 GB sliced, counted
 * and compacted. Figures are seconds, rows, and the most memory that the server had.
 *
 *   node bench/large.js [--gigabytes 10] [--dir PATH] [--keep]
 */

import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import cassandra from 'cassandra-driver'
import { rolldown } from 'rolldown'
import { loopDelay, rssMegabytes, startSibyl, table, temporaryDirectory } from './servers.js'

const bigId = '5f0b6f10-0000-1000-8000-000000000001'
const hugeId = '5f0b6f10-0000-1000-8000-000000000002'
const rowBytes = 1000
/** In each SSTable; `huge` is one partition in two of them. */
const rowsPerPartition = { big: 100, huge: 1_000_000 }

const { values: args } = parseArgs({
  options: {
    gigabytes: { type: 'string', default: '10' },
    dir: { type: 'string' },
    keep: { type: 'boolean', default: false },
  },
})
const own = args.dir === undefined ? temporaryDirectory() : undefined
const dir = args.dir ?? own?.path ?? ''
const serverArgs = ['--set', 'range_request_timeout=1h', '--set', 'read_request_timeout=1h']
serverArgs.push('--set', 'native_transport_timeout=1h', '--set', 'compaction_throughput=0')

/** @param {(client: cassandra.Client, server: import('./servers.js').Server) => Promise<void>} work */
async function withServer(work) {
  const server = await startSibyl({ dir, args: serverArgs, env: { SIBYL_LOOP_DELAY: '1' } })
  const client = new cassandra.Client({
    contactPoints: [`${server.host}:${server.port}`],
    localDataCenter: 'datacenter1',
    socketOptions: { readTimeout: 0 },
  })
  try {
    await work(client, server)
  } finally {
    await client.shutdown()
    await server.stop()
  }
}

const isThere = existsSync(`${dir}/data/bench`)
if (!isThere) {
  const columns = '(p bigint, c bigint, v blob, PRIMARY KEY (p, c))'
  await withServer(async (client) => {
    await client.execute(
      "CREATE KEYSPACE bench WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
    )
    await client.execute(
      `CREATE TABLE bench.big ${columns} WITH ID = ${bigId} AND compaction = {'class': 'SizeTieredCompactionStrategy', 'enabled': 'false'}`,
    )
    await client.execute(
      `CREATE TABLE bench.huge ${columns} WITH ID = ${hugeId} AND compaction = {'class': 'SizeTieredCompactionStrategy', 'enabled': 'false'}`,
    )
  })
  const build = await rolldown({ input: join(import.meta.dirname, 'large-files.ts'), platform: 'node' })
  const program = `${dir}/large-files.mjs`
  await build.write({ file: program, format: 'esm' })
  const made = spawnSync(
    process.execPath,
    [program, `${dir}/data`, args.gigabytes, JSON.stringify({ bigId, hugeId, rowBytes, rowsPerPartition })],
    {
      cwd: import.meta.dirname,
      stdio: ['ignore', 'inherit', 'inherit'],
    },
  )
  if (made.status !== 0) throw new Error('the files could not be written')
}

const out = [['', 'seconds', 'rows', 'most VmRSS MB', 'longest loop delay ms']]
await withServer(async (client, server) => {
  /** @param {string} what @param {() => Promise<number>} work */
  const measure = async (what, work) => {
    let most = 0
    const watch = setInterval(() => {
      most = Math.max(most, rssMegabytes(server.child?.pid))
    }, 50)
    await loopDelay(server)
    const began = performance.now()
    const rows = await work()
    const seconds = (performance.now() - began) / 1000
    clearInterval(watch)
    const delay = await loopDelay(server)
    out.push([what, seconds.toFixed(1), String(rows), most.toFixed(0), delay.maxMs.toFixed(0)])
    console.log(out.at(-1)?.join('  '))
  }
  /** @param {string} query */
  const count = async (query) => Number((await client.execute(query)).rows[0]?.['count'])
  /** @param {string} query @param {number} fetchSize */
  const pages = (query, fetchSize) =>
    new Promise((resolve, reject) => {
      let rows = 0
      client.eachRow(
        query,
        [],
        { autoPage: true, fetchSize, prepare: true },
        () => rows++,
        (error) => (error ? reject(error) : resolve(rows)),
      )
    })
  await measure('COUNT(*) of all', () => count('SELECT count(*) FROM bench.big'))
  await measure('all in pages of 1000', () => pages('SELECT * FROM bench.big', 1000))
  await measure('COUNT(*) of the large partition', () => count('SELECT count(*) FROM bench.huge WHERE p = 1'))
  await measure('the large partition in pages', () => pages('SELECT * FROM bench.huge WHERE p = 1', 1000))
  await measure('the large partition backwards', () =>
    pages('SELECT * FROM bench.huge WHERE p = 1 ORDER BY c DESC LIMIT 500000', 1000),
  )
  await measure('1,000 slices of 20 rows of it', async () => {
    let rows = 0
    for (let i = 0; i < 1000; i++) {
      const from = Math.floor((i * 7919 * 2003) % (2 * rowsPerPartition['huge']))
      const result = await client.execute(
        'SELECT c FROM bench.huge WHERE p = 1 AND c >= ? LIMIT 20',
        [cassandra.types.Long.fromNumber(from)],
        { prepare: true },
      )
      rows += result.rowLength
    }
    return rows
  })
  await measure('the large partition compacted', async () => {
    await client.execute(
      "ALTER TABLE bench.huge WITH compaction = {'class': 'SizeTieredCompactionStrategy', 'min_threshold': 2}",
    )
    const folder = `${dir}/data/bench/huge-${hugeId.replaceAll('-', '')}`
    const busy = () => {
      const files = readdirSync(folder)
      return (
        files.some((name) => name.includes('_txn_')) ||
        files.filter((name) => name.endsWith('Data.db')).length > 1
      )
    }
    await new Promise((resolve) => setTimeout(resolve, 200))
    while (busy()) await new Promise((resolve) => setTimeout(resolve, 100))
    return 2 * rowsPerPartition['huge']
  })
  await measure('COUNT(*) of it, compacted', () => count('SELECT count(*) FROM bench.huge WHERE p = 1'))
})
console.log(`rows of ${rowBytes} bytes`)
console.log(table(out))
if (!args.keep) own?.remove()
