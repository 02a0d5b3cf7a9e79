import { expect, test } from 'vitest'
import { newEngineCoverage } from './engine-coverage.ts'
import { EngineWorkload } from './engine-workload.ts'

/** `SEEDS=10000` for the proof, `SEED=n` for one. */
const SEEDS = Number(process.env.SEEDS ?? 100)
const FIRST_SEED = Number(process.env.SEED ?? 1)

test(`databases are after crashes as a model says, in ${SEEDS} seeds`, { timeout: 3_600_000 }, async () => {
  const coverage = newEngineCoverage()
  const count = process.env.SEED === undefined ? SEEDS : 1
  for (let seed = FIRST_SEED; seed < FIRST_SEED + count; seed++) {
    try {
      await new EngineWorkload(seed, coverage).run()
    } catch (error) {
      throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : error}`, { cause: error })
    }
  }
  if (process.env.COVERAGE !== undefined) console.log(coverage)
  if (count < 100) return
  for (const [what, times] of Object.entries(coverage)) expect(times, what).toBeGreaterThan(0)
})
