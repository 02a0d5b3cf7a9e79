// Simulates clusters of many seeds, in a process for each core: `proof-cluster.js [COUNT] [FIRST]`. Fails where a seed does, or where
// something that can go wrong never did.
import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { MUST_HAPPEN } from '../test/sim/breaks/coverage.js'
import { bundle } from './bundle.js'
import { runPortions } from './cluster-seeds.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const count = Number(process.argv[2] ?? process.env['SEEDS'] ?? 10_000)
const first = Number(process.argv[3] ?? process.env['SEED'] ?? 1)
const jobs = Math.min(Number(process.env['JOBS'] ?? availableParallelism()), count)
/** Seeds of one process; what they have compiled and collected is not kept for ever. */
const PORTION = 250

// Beside node_modules, where what is not bundled is found.
const folder = mkdtempSync(join(process.env['PROOF_FOLDER'] ?? root, '.proof-'))
const started = Date.now()
let run
try {
  await bundle({ 'cluster-main': 'test/sim/cluster-main.ts' }, folder, 'esm', 'js')
  run = await runPortions(folder, first, count, { jobs, portion: PORTION, onFailure: console.log })
} finally {
  rmSync(folder, { recursive: true, force: true })
}
const { failures, coverage } = run
for (const [what, times] of Object.entries(coverage).sort(([a], [b]) => (a < b ? -1 : 1))) {
  console.log(`${what}: ${times}`)
}
const missed = count < 300 ? [] : MUST_HAPPEN.filter((what) => !(coverage[what] > 0))
for (const what of missed) console.log(`never happened: ${what}`)
const seconds = Math.round((Date.now() - started) / 1000)
console.log(`seeds ${first} to ${first + count - 1}: ${failures} failed, ${seconds} s, ${jobs} at once`)
process.exit(failures + missed.length === 0 ? 0 : 1)
