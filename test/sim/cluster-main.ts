/**
 * Runs seeds of simulated clusters one after another: `FIRST COUNT`. Prints a line of JSON for each failure, and at the end
 * what was covered. It is a program of its own, so that a proof runs as fast as the server does.
 */
import { Trace } from './cluster.ts'
import { type ClusterCoverage, ClusterRun } from './cluster-run.ts'

const [first = 1, count = 1] = process.argv.slice(2).map(Number)
const print = process.env['PRINT'] !== undefined
const showsProgress = process.env['PROGRESS'] !== undefined
const stopAtFirst = process.env['STOP'] !== undefined
const coverage: ClusterCoverage = {}
let rejected: unknown = null
process.on('unhandledRejection', (error) => {
  rejected ??= error
})
let failures = 0
const started = performance.now()
for (let seed = first; seed < first + count; seed++) {
  const trace = new Trace(false, print)
  try {
    rejected = null
    await new ClusterRun(seed, coverage, trace).run()
    if (rejected !== null) throw new Error(`unhandled rejection: ${(rejected as Error).stack ?? rejected}`)
  } catch (error) {
    failures++
    const text = print && error instanceof Error ? error.stack : String(error)
    console.log(JSON.stringify({ seed, error: text }))
    if (stopAtFirst) break
  }
  if (showsProgress) console.log(`${seed} done, ${Math.round(process.cpuUsage().user / 1000)} ms of CPU`)
}
const seconds = (performance.now() - started) / 1000
console.log(JSON.stringify({ first, count, failures, seconds: Math.round(seconds * 10) / 10, coverage }))
