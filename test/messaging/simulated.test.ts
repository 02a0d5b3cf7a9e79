import { expect, it } from 'vitest'
import { MessagingWorkload } from './workload.ts'

const SEEDS = Number(process.env['SEEDS'] ?? 300)
const FIRST = Number(process.env['SEED'] ?? 1)

it(`messages on a network that fails, ${SEEDS} seeds`, { timeout: 0 }, async () => {
  const seen: Record<string, number> = {}
  for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
    const workload = new MessagingWorkload(seed)
    await workload.run()
    for (const [what, count] of Object.entries(workload.seen)) seen[what] = (seen[what] ?? 0) + count
  }
  if (process.env['COVERAGE']) console.log(seen)
  if (SEEDS >= 100) {
    // Answers, each kind of failure and each fault have been there.
    for (const what of ['response', '0', '2', '4', 'oneWay', 'cut', 'cutBoth', 'break', 'flaky', 'crash']) {
      expect(seen[what], what).toBeGreaterThan(0)
    }
  }
})
