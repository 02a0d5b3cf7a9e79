/**
 * Three nodes on this machine, replication factor 3, at QUORUM: how many requests a second all of them answer together, with a
 * load generator for each node.
 *
 *   node bench/ring.js [--rounds 3] [--seconds 10] [--workloads writes,reads]
 *
 * With CASSANDRA_RING=127.0.8.1,127.0.8.2,127.0.8.3 the nodes of Apache Cassandra there are given the same, in turns, and it
 * prints ratios.
 */

import { parseArgs } from 'node:util'
import { load, median, sibylIsBuilt, startSibyl, table } from './servers.js'

const { values: args } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '10' },
    workloads: { type: 'string', default: 'writes,reads' },
  },
})
if (!sibylIsBuilt()) {
  console.log('bin/sibyl.js is not there: nothing to measure')
  process.exit(0)
}

const HOSTS = ['127.0.71.1', '127.0.71.2', '127.0.71.3']
const sibyl = await Promise.all(
  HOSTS.map((host) =>
    startSibyl({
      name: `sibyl ${host}`,
      port: 9042,
      args: [
        '--host',
        host,
        '--seeds',
        HOSTS[0],
        '--quick-gossip',
        '--admin-port',
        'off',
        '--log-level',
        'warn',
      ],
    }),
  ),
)
sibyl.forEach((node, i) => {
  node.host = HOSTS[i]
})
const cassandra = (process.env['CASSANDRA_RING'] ?? '')
  .split(',')
  .filter((host) => host !== '')
  .map((host) => ({ name: `cassandra ${host}`, host, port: 9042, stop: async () => {} }))
const rings = { sibyl, ...(cassandra.length > 0 && { cassandra }) }

/** @param {readonly import('./servers.js').Server[]} nodes @param {string} workload @param {string} seconds */
async function loadRing(nodes, workload, seconds) {
  const more = ['--workload', workload, '--seconds', seconds, '--level', 'QUORUM', '--connections', '2']
  const runs = await Promise.all(nodes.map((node) => load(node, more)))
  return {
    opsPerSecond: runs.reduce((sum, run) => sum + run.opsPerSecond, 0),
    p99Us: Math.max(...runs.map((run) => run.p99Us)),
  }
}

/** @type {Record<string, { ops: number[], p99: number[] }>} */
const results = {}
try {
  for (const nodes of Object.values(rings)) {
    await load(nodes[0], ['--setup', '--level', 'QUORUM', '--replication-factor', '3'])
    for (const workload of args.workloads.split(',')) await loadRing(nodes, workload, args.seconds)
  }
  for (let round = 0; round < Number(args.rounds); round++) {
    for (const workload of args.workloads.split(',')) {
      for (const [name, nodes] of Object.entries(rings)) {
        const { opsPerSecond, p99Us } = await loadRing(nodes, workload, args.seconds)
        const result = (results[`${workload} ${name}`] ??= { ops: [], p99: [] })
        result.ops.push(opsPerSecond)
        result.p99.push(p99Us)
        console.log(`${workload} ${name}: ${opsPerSecond} a second, p99 ${p99Us} us`)
      }
    }
  }
} finally {
  await Promise.all(sibyl.map((node) => node.stop()))
}
const rows = args.workloads.split(',').map((workload) => {
  const [ours, theirs] = ['sibyl', 'cassandra'].map((name) => results[`${workload} ${name}`])
  const ratio = theirs === undefined ? '' : (median(ours.ops) / median(theirs.ops)).toFixed(2)
  const numbers = [ours, theirs].flatMap((each) =>
    each === undefined ? ['', ''] : [median(each.ops), median(each.p99)],
  )
  return [workload, ...numbers.map(String), ratio]
})
console.log(table([['QUORUM', 'Sibyl/s', 'p99 us', 'Cassandra/s', 'p99 us', 'ratio'], ...rows]))
