import { describe, expect, it } from 'vitest'
import { SimRandom } from '../sim-random.ts'
import { type PaxosFaults, PaxosWorld } from './paxos-world.ts'

/** Seeds of each run; `SEEDS=5000 npx vitest run test/sim/ring/paxos.test.ts` for more. */
const SEEDS = Number(process.env.SEEDS ?? 100)
const FIRST = Number(process.env.FIRST_SEED ?? 1)

function faultsOf(seed: number): { size: number; clients: number; keys: number; faults: PaxosFaults } {
  const random = new SimRandom(seed * 7919)
  return {
    size: random.pick([3, 3, 5]),
    clients: random.pick([2, 4, 6]),
    keys: random.pick([1, 2]),
    faults: {
      loss: random.pick([0, 0.02, 0.1]),
      proposeLoss: random.pick([0, 0, 0.3, 0.5]),
      commitLoss: random.pick([0, 0, 0.5, 0.9]),
      duplication: random.pick([0, 0.05, 0.2]),
      slowness: random.pick([0, 0.05, 0.2]),
      partitions: random.chance(0.5),
      crashes: random.chance(0.6),
      skewMs: random.pick([0, 5, 500, 60_000]),
    },
  }
}

describe('lightweight transactions', () => {
  it(
    'are linearizable, whatever is lost, comes twice, dies or is cut off',
    async () => {
      const sum = { applied: 0, refused: 0, read: 0, unknown: 0, failed: 0 }
      for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
        const { size, clients, keys, faults } = faultsOf(seed)
        const world = new PaxosWorld(seed, size, faults)
        const violation = await world.run(faults, clients, 12, keys)
        expect(violation, `seed ${seed}`).toBeNull()
        expect(world.log, `seed ${seed}`).toEqual([])
        for (const kind of Object.keys(sum) as (keyof typeof sum)[]) sum[kind] += world.outcomes[kind]
      }
      // Nothing is proved by histories in which all failed.
      expect(sum.applied + sum.read).toBeGreaterThan(SEEDS * 15)
      if (process.env.SEEDS !== undefined) console.log(sum)
    },
    Math.max(120_000, SEEDS * 4_000),
  )
})
