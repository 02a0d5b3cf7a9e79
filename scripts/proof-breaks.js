// Shows that the simulator of clusters finds each of the deliberate breaks of test/sim/breaks: `proof-breaks.js [NAME...]`, `SEEDS=n` for how
// many seeds it has for each, `SEED=n` for the first one, `JOBS=n` for how many breaks are tried at once. Sources stay as they are: a break is put in
// while they are bundled. A seed counts where it fails with the break and passes without.
import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { BREAKS } from '../test/sim/breaks/breaks.js'
import { bundle } from './bundle.js'
import { eachOf, runSeeds } from './cluster-seeds.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const seeds = Number(process.env['SEEDS'] ?? 300)
const first = Number(process.env['SEED'] ?? 1)
const jobs = Number(process.env['JOBS'] ?? availableParallelism())
const wanted = process.argv.slice(2)

/** Puts a break into its file. */
function breaking({ file, search, replace }) {
  return {
    name: 'break',
    transform(code, id) {
      if (id !== join(root, file)) return null
      if (code.split(search).length !== 2) throw new Error(`${file} has not once: ${search}`)
      return { code: code.replace(search, () => replace), map: null }
    },
  }
}

/** Does something with the simulator, which is bundled with a break where there is one. */
async function withBundle(plugins, use) {
  const folder = mkdtempSync(join(process.env['PROOF_FOLDER'] ?? root, '.proof-'))
  try {
    await bundle({ 'cluster-main': 'test/sim/cluster-main.ts' }, folder, 'esm', 'js', plugins)
    return await use(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

let missed = 0
await withBundle([], (healthy) =>
  eachOf(
    BREAKS.filter(({ name }) => wanted.length === 0 || wanted.includes(name)),
    jobs,
    (one) =>
      withBundle([breaking(one)], async (folder) => {
        const started = Date.now()
        const { failures, coverage, ended } = await runSeeds(folder, first, seeds, { STOP: '1' })
        const seconds = Math.round((Date.now() - started) / 1000)
        const [found] = failures
        const is = (text) => console.log(`${one.name}: ${text}, ${seconds} s`)
        if (found === undefined) {
          missed++
          is(`NOT FOUND in ${seeds} seeds (${one.rule})${coverage === null ? `: ${ended}` : ''}`)
          return
        }
        const unbroken = await runSeeds(healthy, found.seed, 1)
        if (unbroken.failures.length > 0 || unbroken.coverage === null) {
          missed++
          is(`seed ${found.seed} fails WITHOUT IT: ${unbroken.failures[0]?.error ?? unbroken.ended}`)
        } else is(`seed ${found.seed}: ${found.error.split('\n')[0].slice(0, 160)}`)
      }),
  ),
)
console.log(missed === 0 ? 'Each break was found.' : `${missed} breaks were not found.`)
process.exit(missed === 0 ? 0 : 1)
