/**
 * Data larger than memory: partitions of about 200 bytes written with flushes and compactions on, read again uniformly,
 * and the server started on them.
 *
 *   node bench/partitions.js [--partitions 5000000] [--dir PATH] [--keep] [--seconds 10]
 *
 * For each tenth: writes a second, memory, the longest pause of the event loop, SSTables. Then how long it takes until
 * nothing is compacted any more; reads a second with the chunk cache; starts after a clean stop and after kill -9.
 */

import { existsSync, readdirSync, statSync } from 'node:fs'
import { parseArgs } from 'node:util'
import {
  load,
  loopDelay,
  rssMegabytes,
  sibylIsBuilt,
  startSibyl,
  table,
  temporaryDirectory,
} from './servers.js'

const { values: args } = parseArgs({
  options: {
    partitions: { type: 'string', default: '5000000' },
    dir: { type: 'string' },
    keep: { type: 'boolean', default: false },
    seconds: { type: 'string', default: '10' },
  },
})
if (!sibylIsBuilt()) {
  console.log('bin/sibyl.js is not there: nothing to measure')
  process.exit(0)
}
const partitions = Number(args.partitions)
process.env['BENCH_PARTITIONS'] = String(partitions)
const own = args.dir === undefined ? temporaryDirectory() : undefined
const dir = args.dir ?? own?.path ?? ''

/** SSTables of the benchmark's table, their bytes, and whether something is being written. */
function files() {
  const keyspace = `${dir}/data/bench`
  const found = { sstables: 0, bytes: 0, isBusy: false }
  if (!existsSync(keyspace)) return found
  for (const name of readdirSync(keyspace).filter((each) => each.startsWith('kv-'))) {
    for (const file of readdirSync(`${keyspace}/${name}`)) {
      if (file.includes('_txn_')) found.isBusy = true
      if (!file.endsWith('-Data.db')) continue
      found.sstables++
      try {
        found.bytes += statSync(`${keyspace}/${name}/${file}`).size
      } catch {
        // It has just been compacted away.
      }
    }
  }
  return found
}

/** @param {number} ms */
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

async function settled() {
  const began = performance.now()
  let calm = performance.now()
  let last = -1
  while (performance.now() - calm < 1500) {
    await pause(50)
    const { sstables, isBusy } = files()
    if (isBusy || sstables !== last) calm = performance.now()
    last = sstables
  }
  return (calm - began) / 1000
}

let server = await startSibyl({ dir, env: { SIBYL_LOOP_DELAY: '1' } })
const out = [['partitions', 'writes/s', 'VmRSS MB', 'loop delay p99.9 ms', 'max ms', 'SSTables', 'MB']]
const row = async (/** @type {string} */ label, /** @type {string} */ rate) => {
  const delay = await loopDelay(server)
  const { sstables, bytes } = files()
  const rss = rssMegabytes(server.child?.pid).toFixed(0)
  const line = [label, rate, rss, delay.p999Ms.toFixed(1), delay.maxMs.toFixed(1)]
  out.push([...line, String(sstables), (bytes / 1e6).toFixed(0)])
}
try {
  await load(server, ['--setup'])
  await loopDelay(server)
  const step = Math.ceil(partitions / 10)
  for (let done = 0; done < partitions; done += step) {
    const count = Math.min(step, partitions - done)
    const result = await load(server, [
      '--workload',
      'manyWrites',
      '--ops',
      String(count),
      '--first',
      String(done),
    ])
    await row(String(done + count), String(result.opsPerSecond))
  }
  const seconds = await settled()
  await row(`compacted after ${seconds.toFixed(1)} s`, '')
  for (let i = 0; i < 2; i++) {
    const read = await load(server, ['--workload', 'manyReads', '--seconds', args.seconds])
    await row(`uniform reads: ${read.opsPerSecond}/s, wrong ${read.wrong}, p99 ${read.p99Us} us`, '')
  }
  for (const signal of /** @type {const} */ (['SIGTERM', 'SIGKILL'])) {
    const stopped = performance.now()
    server.child?.kill(signal)
    await new Promise((resolve) => server.child?.once('exit', resolve))
    const began = performance.now()
    server = await startSibyl({ dir, env: { SIBYL_LOOP_DELAY: '1' } })
    const ready = performance.now()
    await row(
      `${signal}: stopped in ${(began - stopped).toFixed(0)} ms, started in ${(ready - began).toFixed(0)} ms`,
      '',
    )
    if (signal === 'SIGTERM') {
      // So that there is something to replay.
      await load(server, ['--workload', 'manyWrites', '--ops', String(Math.ceil(partitions / 50))])
    }
  }
} finally {
  await server.stop()
  if (!args.keep) own?.remove()
}
console.log(table(out))
