/**
 * What flushes and compactions cost those who wait for an answer: p99 at half of the peak, with them and without.
 *
 *   node bench/latency.js [--seconds 15] [--rounds 3] [--memtable-space MIB]
 *
 * Both servers are given the same requests at the same rate, and have what is read in SSTables. One has memory for all that is written;
 * the other flushes every few seconds and compacts. Rounds are taken in turns.
 */

import { parseArgs } from 'node:util'
import { load, median, sibylIsBuilt, startSibyl, table, temporaryDirectory } from './servers.js'

const { values: args } = parseArgs({
  options: {
    seconds: { type: 'string', default: '15' },
    rounds: { type: 'string', default: '3' },
    'memtable-space': { type: 'string' },
  },
})
if (!sibylIsBuilt()) {
  console.log('bin/sibyl.js is not there: nothing to measure')
  process.exit(0)
}

const kinds = {
  'no flush': ['--memtable-space', '4096', '--set', 'memtable_cleanup_threshold=0.99'],
  'flushing and compacting':
    args['memtable-space'] === undefined ? [] : ['--memtable-space', args['memtable-space']],
}

/** What runs, at the same time: clients of one process, so that it is the server that is measured. */
const loads = ['manyWrites', 'manyWrites,reads']

/** A server that has what is read, flushed when it was stopped. @param {readonly string[]} serverArgs */
async function startFilled(serverArgs) {
  const directory = temporaryDirectory()
  const filling = await startSibyl({ dir: directory.path, args: serverArgs })
  await load(filling, ['--setup'])
  await filling.stop()
  const server = await startSibyl({ dir: directory.path, args: serverArgs })
  const stop = async () => {
    await server.stop()
    directory.remove()
  }
  return { ...server, stop }
}

/** @type {Record<string, number>} requests a second, half of what there are at most */
const rates = {}
const first = await startFilled(kinds['no flush'])
try {
  for (const workload of loads) {
    for (let i = 0; i < 3; i++) {
      const { opsPerSecond } = await load(first, ['--workload', workload, '--seconds', '2'])
      rates[workload] = Math.max(rates[workload] ?? 0, Math.floor(opsPerSecond / 2))
    }
  }
} finally {
  await first.stop()
}

/** @type {Record<string, { p50: number[], p99: number[], p999: number[], wrong: number }>} */
const results = {}
for (let round = 0; round < Number(args.rounds); round++) {
  for (const [kind, serverArgs] of Object.entries(kinds)) {
    const server = await startFilled(serverArgs)
    try {
      await load(server, ['--workload', 'manyWrites', '--seconds', '3'])
      for (const workload of loads) {
        const options = ['--seconds', args.seconds, '--rate', String(rates[workload])]
        const run = await load(server, ['--workload', workload, ...options])
        for (const part of run.parts ?? [run]) {
          const name = run.parts === undefined ? part.workload : `${part.workload} of both`
          const result = (results[`${name}, ${kind}`] ??= { p50: [], p99: [], p999: [], wrong: 0 })
          result.p50.push(part.p50Us)
          result.p99.push(part.p99Us)
          result.p999.push(part.p999Us)
          result.wrong += run.wrong
        }
      }
    } finally {
      await server.stop()
    }
  }
}
for (const [name, rate] of Object.entries(rates)) console.log(`${name}: at ${rate}/s, half of the peak`)
console.log(
  table([
    ['', 'p50 us', 'p99 us', 'p99.9 us', 'wrong'],
    ...Object.entries(results).map(([name, { p50, p99, p999, wrong }]) => [
      name,
      ...[p50, p99, p999].map((values) => String(median(values))),
      String(wrong),
    ]),
  ]),
)
