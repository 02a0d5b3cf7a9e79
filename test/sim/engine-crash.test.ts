import { expect, test } from 'vitest'
import { newEngineCoverage } from './engine-coverage.ts'
import { EngineWorkload } from './engine-workload.ts'

/** `SEEDS=2000` for the proof (`npm run proof:engine`), `SEED=n` for one. */
const SEEDS = Number(process.env.SEEDS ?? 30)
const FIRST_SEED = Number(process.env.SEED ?? 1)

/** Seeds that found something, and what. */
const FOUND: Readonly<Record<number, string>> = {
  39: 'a compaction left out a column whose drop was lost with the tail of the log',
  43: 'a table was opened by the one half of its schema that had been flushed',
  75: 'of a log that was left empty the files that a loss of power kept did not belong together',
  77: 'of the records of a transaction that were written at once the last ones only were kept',
  85: 'a flush in replay wanted to sync a segment that was gone when replay had ended',
  98: 'a major compaction began while the node stopped, and took its own output away',
  92: 'a start that died left a rejection that nobody heard of',
}

async function run(seed: number, coverage = newEngineCoverage()): Promise<void> {
  try {
    await new EngineWorkload(seed, coverage).run()
  } catch (error) {
    throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : error}`, { cause: error })
  }
}

test(`databases are after crashes as a model says, in ${SEEDS} seeds`, { timeout: 36_000_000 }, async () => {
  const coverage = newEngineCoverage()
  const count = process.env.SEED === undefined ? SEEDS : 1
  for (let seed = FIRST_SEED; seed < FIRST_SEED + count; seed++) await run(seed, coverage)
  if (process.env.COVERAGE !== undefined) console.log(coverage)
  if (count < 100) return
  for (const [what, times] of Object.entries(coverage)) expect(times, what).toBeGreaterThan(0)
})

test.each(Object.entries(FOUND).filter(([seed]) => Number(seed) > SEEDS))(
  'seed %s: %s',
  { timeout: 60_000 },
  (seed) => run(Number(seed)),
)
