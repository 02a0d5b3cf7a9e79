import { expect, test } from 'vitest'
import { Trace } from './cluster.ts'
import { type ClusterCoverage, ClusterRun } from './cluster-run.ts'

/** `SEEDS=300` for more, `SEED=n` for one, `PRINT=1` to see what happens in it; cluster-new-seeds.test.ts runs many. */
const SEEDS = Number(process.env['SEEDS'] ?? 4)
const FIRST_SEED = Number(process.env['SEED'] ?? 1)
const PRINT = process.env['PRINT'] !== undefined

/** Seeds that found something, and what. */
const FOUND: Readonly<Record<number, string>> = {
  7688: 'half a state of a node was taken for all of it, and it could not come back',
}

async function run(seed: number, coverage: ClusterCoverage = {}): Promise<Trace> {
  const trace = new Trace(false, PRINT)
  try {
    await new ClusterRun(seed, coverage, trace).run()
  } catch (error) {
    throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : error}`, { cause: error })
  }
  return trace
}

test('a seed is the same run each time', { timeout: 60_000 }, async () => {
  const digests: string[] = []
  for (const seed of [7, 8, 7, 8]) digests.push((await run(seed)).digest())
  // Whatever ran before it in the process.
  expect(digests.slice(2)).toEqual(digests.slice(0, 2))
})

test(`clusters do what they promise, in ${SEEDS} seeds`, { timeout: 36_000_000 }, async () => {
  const coverage: ClusterCoverage = {}
  const count = process.env['SEED'] === undefined ? SEEDS : 1
  for (let seed = FIRST_SEED; seed < FIRST_SEED + count; seed++) await run(seed, coverage)
  expect(coverage['requests']).toBeGreaterThan(count)
})

test.each(Object.entries(FOUND))('seed %s: %s', { timeout: 60_000 }, async (seed) => {
  await run(Number(seed))
})
