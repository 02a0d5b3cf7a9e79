// Shows that the simulator of clusters finds each of the deliberate breaks of test/sim/breaks: `proof-breaks.js [NAME...]`, `SEEDS=n` for how
// many seeds it has for each, `SEED=n` for the first one, `JOBS=n` for how many breaks are tried at once. Sources stay as they are: a break is put in
// while they are bundled. A seed counts where it fails with the break and passes without.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { BREAKS } from '../test/sim/breaks/breaks.js'
import { breaking } from '../test/sim/breaks/plugin.js'
import { bundle } from './bundle.js'
import { eachOf, runSeeds } from './cluster-seeds.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const seeds = Number(process.env['SEEDS'] ?? 1_000)
const first = Number(process.env['SEED'] ?? 1)
const jobs = Number(process.env['JOBS'] ?? availableParallelism())
const wanted = process.argv.slice(2)

/** Whether tests pass, with a break or without. */
function passes(tests, name) {
  const env = { ...process.env, ...(name !== null && { BREAK: name }) }
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(root, 'node_modules/vitest/vitest.mjs'), 'run', tests], {
      cwd: root,
      env,
      stdio: 'ignore',
    })
    child.on('error', reject)
    child.on('close', (code) => resolve(code === 0))
  })
}

/** What other tests than the simulator of clusters say of a break; null where they find it. */
async function askTests({ name, by }) {
  if (!(await passes(by, null))) return `${by} fails WITHOUT IT`
  return (await passes(by, name)) ? `NOT FOUND by ${by}` : null
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
    async (one) => {
      const started = Date.now()
      const say = (text) =>
        console.log(`${one.name}: ${text}, ${Math.round((Date.now() - started) / 1000)} s`)
      if (one.by !== undefined) {
        const wrong = await askTests(one)
        if (wrong !== null) missed++
        say(wrong ?? one.by)
        return
      }
      const env = one.parts === undefined ? {} : { PARTS: one.parts }
      await withBundle([breaking(one.name)], async (folder) => {
        const { failures, coverage, ended } = await runSeeds(folder, first, seeds, { ...env, STOP: '1' })
        const [found] = failures
        if (found === undefined) {
          missed++
          say(`NOT FOUND in ${seeds} seeds (${one.rule})${coverage === null ? `: ${ended}` : ''}`)
          return
        }
        const unbroken = await runSeeds(healthy, found.seed, 1, env)
        if (unbroken.failures.length > 0 || unbroken.coverage === null) {
          missed++
          say(`seed ${found.seed} fails WITHOUT IT: ${unbroken.failures[0]?.error ?? unbroken.ended}`)
        } else
          say(
            `seed ${found.seed}${one.parts === undefined ? '' : ` of ${one.parts}`}: ${found.error.split('\n')[0].slice(0, 160)}`,
          )
      })
    },
  ),
)
console.log(missed === 0 ? 'Each break was found.' : `${missed} breaks were not found.`)
process.exit(missed === 0 ? 0 : 1)
