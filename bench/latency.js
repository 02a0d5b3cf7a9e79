/**
 * What flushes and compactions cost those who wait for an answer: p99 at half of the peak, with them and without.
 *
 *   node bench/latency.js [--seconds 15] [--rounds 3]
 *
 * Both servers are given the same writes at the same rate. One has memory for all of them; the other has little, so that it
 * flushes and compacts all the time. Rounds are taken in turns.
 */

import { parseArgs } from 'node:util'
import { load, median, sibylIsBuilt, startSibyl, table } from './servers.js'

const { values: args } = parseArgs({
  options: { seconds: { type: 'string', default: '15' }, rounds: { type: 'string', default: '3' } },
})
if (!sibylIsBuilt()) {
  console.log('bin/sibyl.js is not there: nothing to measure')
  process.exit(0)
}

const kinds = {
  'all in memory': ['--memtable-space', '4096', '--set', 'memtable_cleanup_threshold=0.99'],
  'flushing and compacting': ['--memtable-space', '48'],
}

const first = await startSibyl({ args: kinds['all in memory'] })
let peak = 0
try {
  await load(first, ['--setup'])
  for (let i = 0; i < 3; i++) {
    const { opsPerSecond } = await load(first, ['--workload', 'manyWrites', '--seconds', '2'])
    peak = Math.max(peak, opsPerSecond)
  }
} finally {
  await first.stop()
}
const rate = Math.floor(peak / 2)

/** @type {Record<string, { p50: number[], p99: number[], p999: number[], wrong: number }>} */
const results = {}
for (let round = 0; round < Number(args.rounds); round++) {
  for (const [name, serverArgs] of Object.entries(kinds)) {
    const server = await startSibyl({ args: serverArgs })
    try {
      await load(server, ['--setup'])
      await load(server, ['--workload', 'manyWrites', '--seconds', '3'])
      for (const workload of ['manyWrites', 'reads']) {
        const key = `${workload}, ${name}`
        const writes =
          workload === 'reads'
            ? load(server, [
                '--workload',
                'manyWrites',
                '--seconds',
                args.seconds,
                '--rate',
                String(rate / 2),
              ])
            : null
        const share = workload === 'reads' ? rate / 2 : rate
        const run = await load(server, [
          '--workload',
          workload,
          '--seconds',
          args.seconds,
          '--rate',
          String(share),
        ])
        await writes
        results[key] ??= { p50: [], p99: [], p999: [], wrong: 0 }
        results[key].p50.push(run.p50Us)
        results[key].p99.push(run.p99Us)
        results[key].p999.push(run.p999Us)
        results[key].wrong += run.wrong
      }
    } finally {
      await server.stop()
    }
  }
}
console.log(`peak ${peak} writes/s, measured at ${rate}/s (reads: half of it, beside as many writes)`)
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
