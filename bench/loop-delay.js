/**
 * The event loop's delay at half of the peak load, beside the same server idle.
 *
 *   node bench/loop-delay.js [writes reads slices series] [--seconds 10]
 *
 * The server measures itself (perf_hooks.monitorEventLoopDelay, on with SIBYL_LOOP_DELAY=1) and prints
 * the figures since the last time on SIGUSR2.
 */

import { parseArgs } from 'node:util'
import { load, loopDelay, sibylIsBuilt, sleep, startSibyl, table } from './servers.js'
import { measured } from './workloads.js'

const { values: args, positionals } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: 'string', default: '10' } },
})
if (!sibylIsBuilt()) {
  console.log('bin/sibyl.js is not there: nothing to measure')
  process.exit(0)
}

const server = await startSibyl({ env: { SIBYL_LOOP_DELAY: '1' } })
const rows = [['', 'ops/s', 'p99.9 ms', 'max ms', 'over idle, p99.9 ms', 'client p99.9 us']]
try {
  await load(server, ['--setup'])
  for (const workload of positionals.length > 0 ? positionals : measured) {
    for (let run = 0; run < 3; run++) await load(server, ['--workload', workload, '--seconds', '3'])
    const { opsPerSecond: peak } = await load(server, ['--workload', workload, '--seconds', '5'])
    await sleep(1000)
    await loopDelay(server)
    await sleep(Number(args.seconds) * 1000)
    const idle = await loopDelay(server)
    const half = await load(server, [
      '--workload',
      workload,
      '--seconds',
      args.seconds,
      '--rate',
      String(Math.round(peak / 2)),
    ])
    const busy = await loopDelay(server)
    rows.push([`${workload}, idle`, '0', idle.p999Ms.toFixed(2), idle.maxMs.toFixed(2), '', ''])
    rows.push([
      `${workload}, half of ${peak}`,
      String(half.opsPerSecond),
      busy.p999Ms.toFixed(2),
      busy.maxMs.toFixed(2),
      (busy.p999Ms - idle.p999Ms).toFixed(2),
      String(half.p999Us),
    ])
  }
} finally {
  await server.stop()
}
console.log(table(rows))
