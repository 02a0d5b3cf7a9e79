// Runs seeds of simulated clusters in processes of their own: what the proofs of clusters and of breaks share.
import { spawn } from 'node:child_process'
import { join } from 'node:path'

/** Much of what a seed makes is garbage soon: a larger young generation makes a run a quarter shorter. */
const NODE_OPTIONS = ['--max-semi-space-size=64']

/**
 * Runs `count` seeds from `first` on, one after another, with the program `cluster-main.js` of `folder`.
 *
 * @param {string} folder
 * @param {number} first
 * @param {number} count
 * @param {NodeJS.ProcessEnv} [env] beside this process's own
 * @returns {Promise<{ failures: { seed: number, error: string }[], coverage: Record<string, number> | null, ended: string }>} `coverage` is
 *   null where the process ended before its seeds did; `ended` says how
 */
export function runSeeds(folder, first, count, env = {}) {
  return new Promise((resolve) => {
    const program = join(folder, 'cluster-main.js')
    const child = spawn(process.execPath, [...NODE_OPTIONS, program, String(first), String(count)], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const failures = []
    let coverage = null
    let out = ''
    let errors = ''
    child.stdout.on('data', (chunk) => {
      out += chunk
      const lines = out.split('\n')
      out = lines.pop()
      for (const text of lines.filter((line) => line.startsWith('{'))) {
        const found = JSON.parse(text)
        if (found.coverage === undefined) failures.push(found)
        else coverage = found.coverage
      }
    })
    child.stderr.on('data', (chunk) => {
      errors += chunk
    })
    child.on('close', (code, signal) => {
      const ended = `the process ended with ${signal ?? code}\n${errors.slice(-2000)}`
      resolve({ failures, coverage, ended })
    })
  })
}

/**
 * Does `work` for each of the items, so many at once.
 *
 * @template T
 * @param {readonly T[]} items
 * @param {number} jobs
 * @param {(item: T) => Promise<void>} work
 */
export async function eachOf(items, jobs, work) {
  const waiting = [...items]
  const one = async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item)
  }
  await Promise.all(Array.from({ length: Math.min(jobs, items.length) }, one))
}

/**
 * Runs `count` seeds from `first` on in portions, so many at once. What they have covered is summed.
 *
 * @param {string} folder
 * @param {number} first
 * @param {number} count
 * @param {{ jobs: number, portion: number, onFailure: (text: string) => void }} how
 * @returns {Promise<{ failures: number, coverage: Record<string, number> }>}
 */
export async function runPortions(folder, first, count, { jobs, portion, onFailure }) {
  const size = Math.min(portion, Math.ceil(count / jobs))
  const starts = Array.from({ length: Math.ceil(count / size) }, (_, i) => first + i * size)
  const coverage = {}
  let failures = 0
  await eachOf(starts, jobs, async (from) => {
    const of = Math.min(size, first + count - from)
    const done = await runSeeds(folder, from, of)
    for (const { seed, error } of done.failures) {
      failures++
      onFailure(`seed ${seed}: ${error}`)
    }
    if (done.coverage === null) {
      failures++
      onFailure(`seeds ${from} to ${from + of - 1}: ${done.ended}`)
    }
    for (const [what, times] of Object.entries(done.coverage ?? {})) {
      coverage[what] = (coverage[what] ?? 0) + times
    }
  })
  return { failures, coverage }
}
