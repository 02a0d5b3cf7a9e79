import { expect, test } from 'vitest'
import { type MergeCoverage, runMergeWorkload } from './workload.ts'

const SEEDS = Number(process.env['SEEDS'] ?? 150)
const FIRST = Number(process.env['FIRST_SEED'] ?? 1)

test('memtables and SSTables together hold what one memtable would', () => {
  const coverage: MergeCoverage = {
    reads: 0,
    rows: 0,
    sstables: 0,
    suspends: 0,
    flushes: 0,
    compactions: 0,
    skipped: 0,
    keyHits: 0,
    chunkHits: 0,
  }
  for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
    try {
      runMergeWorkload(seed, coverage)
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error })
    }
  }
  console.log(coverage)
  if (SEEDS >= 100)
    for (const [what, count] of Object.entries(coverage)) expect(count, what).toBeGreaterThan(20)
}, 3_600_000)
