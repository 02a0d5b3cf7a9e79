import { expect, test } from 'vitest'
import { type RewriteCoverage, runRewriteWorkload } from './workload.ts'

const SEEDS = Number(process.env['SEEDS'] ?? 200)
const FIRST = Number(process.env['FIRST_SEED'] ?? 1)

test('what flushes and compactions write reads as what was written', () => {
  const coverage: RewriteCoverage = {
    flushes: 0,
    empty: 0,
    compactions: 0,
    vanished: 0,
    split: 0,
    reads: 0,
    rows: 0,
    bytesBefore: 0,
    bytesAfter: 0,
    tombstonesBefore: 0,
    tombstonesAfter: 0,
    dropped: 0,
  }
  for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
    try {
      runRewriteWorkload(seed, coverage)
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error })
    }
  }
  console.log(coverage)
  if (SEEDS < 200 || FIRST !== 1) return
  for (const [what, count] of Object.entries(coverage)) expect(count, what).toBeGreaterThan(1)
  expect(coverage.tombstonesAfter).toBeLessThan(coverage.tombstonesBefore)
}, 3_600_000)
