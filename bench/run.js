/**
 * Throughput and latency beside Apache Cassandra and beside the floor.
 *
 *   CASSANDRA_CONTACT_POINTS=HOST[:PORT] node bench/run.js [writes reads slices series] [--seconds 3] [--rounds 5] [--json FILE]
 *     [--beside TREE] [--in-memtable]
 *
 * Each server is warmed on a workload until two runs agree within 5 %; then all take turns, and the
 * median of the rounds counts. Sibyl writes to a durable directory of its own. TREE is a clone of another commit that was
 * built, whose server runs beside. With --in-memtable nothing is flushed, so that reads find their rows in the memtable.
 */

import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { findCassandra, load, median, sibylIsBuilt, startFloor, startSibyl, table } from './servers.js'
import { measured, workloads } from './workloads.js'

const { values: args, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '5' },
    json: { type: 'string' },
    beside: { type: 'string' },
    'in-memtable': { type: 'boolean', default: false },
  },
})
const names = positionals.length > 0 ? positionals : measured
const warmRunsMax = 15

/** @param {import('./servers.js').Server} server @param {string} workload */
async function warm(server, workload) {
  let last = 0
  for (let runs = 1; runs <= warmRunsMax; runs++) {
    const { opsPerSecond } = await load(server, ['--workload', workload, '--seconds', args.seconds])
    console.log(`  ${server.name} warms: ${opsPerSecond} ops/s`)
    if (Math.abs(opsPerSecond - last) <= 0.05 * Math.max(opsPerSecond, last)) return
    last = opsPerSecond
  }
  console.log(`  ${server.name} did not settle within ${warmRunsMax} runs`)
}

console.log(`${cpus().length} x ${cpus()[0].model}, Node ${process.version}`)
const standing = []
const serverArgs = args['in-memtable'] ? ['--memtable-space', '4096'] : []
if (args.beside !== undefined)
  standing.push(await startSibyl({ name: 'before', tree: args.beside, args: serverArgs }))
if (args['in-memtable'])
  serverArgs.push('--set', 'memtable_cleanup_threshold=0.99', '--set', 'commitlog_total_space=64GiB')
if (sibylIsBuilt()) standing.push(await startSibyl({ args: serverArgs }))
else console.log('Sibyl is skipped: bin/sibyl.js is not there')
const cassandra = await findCassandra()
if (typeof cassandra === 'string') console.log(`Cassandra is skipped: ${cassandra}`)
else standing.push(cassandra)

const rows = [
  [
    'workload',
    'server',
    'ops/s',
    'p50 us',
    'p99 us',
    'p99.9 us',
    'client cpu',
    'of Cassandra',
    'of the floor',
  ],
]
/** @type {Record<string, Record<string, object>>} */
const report = {}
try {
  for (const server of standing) {
    console.log(`setting up ${server.name}`)
    await load(server, ['--setup'])
  }
  for (const workload of names) {
    console.log(workload)
    const floor = await startFloor(workloads[workload].answerBytes)
    const servers = [...standing, floor]
    /** @type {Map<string, import('./servers.js').Run[]>} */
    const runs = new Map(servers.map((server) => [server.name, []]))
    for (const server of servers) await warm(server, workload)
    for (let round = 0; round < Number(args.rounds); round++) {
      for (const server of servers) {
        const result = await load(server, ['--workload', workload, '--seconds', args.seconds])
        runs.get(server.name)?.push(result)
        console.log(`  round ${round + 1}, ${server.name}: ${result.opsPerSecond} ops/s`)
      }
    }
    await floor.stop()
    const medians = new Map(
      [...runs].map(([name, results]) => [
        name,
        Object.fromEntries(
          /** @type {const} */ (['opsPerSecond', 'p50Us', 'p99Us', 'p999Us', 'clientCpu']).map((key) => [
            key,
            median(results.map((result) => result[key])),
          ]),
        ),
      ]),
    )
    report[workload] = Object.fromEntries(medians)
    for (const [name, figures] of medians) {
      const ratio = (/** @type {string} */ other) => {
        const base = medians.get(other)?.['opsPerSecond']
        return base === undefined || name === other ? '' : `${(figures['opsPerSecond'] / base).toFixed(2)}x`
      }
      rows.push([
        workload,
        name,
        ...['opsPerSecond', 'p50Us', 'p99Us', 'p999Us'].map((key) => String(Math.round(figures[key]))),
        figures['clientCpu'].toFixed(2),
        ratio('cassandra'),
        ratio('floor'),
      ])
    }
  }
} finally {
  for (const server of standing) await server.stop()
}
console.log(`\n${table(rows)}`)
if (args.json !== undefined) writeFileSync(args.json, `${JSON.stringify(report, null, 2)}\n`)
