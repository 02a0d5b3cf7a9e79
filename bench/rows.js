/**
 * Millions of small rows: memory, and the longest pause while they come in.
 *
 *   node bench/rows.js [--rows 5000000] [--dir :memory: | PATH]     without --dir: a durable directory of its own
 */

import { parseArgs } from 'node:util'
import { load, loopDelay, rssMegabytes, sibylIsBuilt, startSibyl, table } from './servers.js'

const { values: args } = parseArgs({
  options: { rows: { type: 'string', default: '5000000' }, dir: { type: 'string' } },
})
if (!sibylIsBuilt()) {
  console.log('bin/sibyl.js is not there: nothing to measure')
  process.exit(0)
}

const server = await startSibyl({
  env: { SIBYL_LOOP_DELAY: '1' },
  ...(args.dir !== undefined && { dir: args.dir }),
})
const out = [['rows', 'VmRSS MB', 'ops/s', 'loop delay p99.9 ms', 'max ms']]
try {
  await load(server, ['--setup'])
  out.push(['0', rssMegabytes(server.child?.pid).toFixed(0), '', '', ''])
  await loopDelay(server)
  const total = Number(args.rows)
  const step = Math.ceil(total / 5)
  for (let done = 0; done < total; done += step) {
    const count = Math.min(step, total - done)
    const result = await load(server, [
      '--workload',
      'smallRows',
      '--ops',
      String(count),
      '--first',
      String(done),
    ])
    const delay = await loopDelay(server)
    out.push([
      String(done + count),
      rssMegabytes(server.child?.pid).toFixed(0),
      String(result.opsPerSecond),
      delay.p999Ms.toFixed(2),
      delay.maxMs.toFixed(2),
    ])
  }
} finally {
  await server.stop()
}
console.log(table(out))
