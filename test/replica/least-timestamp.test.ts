import { expect, test } from 'vitest'
import { MutationBuilder, updatesAt } from '../../src/model/mutation.ts'
import { RandomWrites, randomTable } from '../merge/random-writes.ts'
import { SimRandom } from '../sim/sim-random.ts'

/** Compaction keeps tombstones as long as memory may have something older: that a mutation was copied must not make it so. */

test('a mutation that was copied is as old as it was', () => {
  const kinds = new Set<number>()
  for (let seed = 1; seed <= 300; seed++) {
    const random = new SimRandom(seed)
    const writes = new RandomWrites(random, randomTable(random))
    for (let i = 0; i < 10; i++) {
      const mutation = writes.next()
      mutation.finish()
      const copy = new MutationBuilder(64)
      copy.begin()
      for (const at of updatesAt(mutation)) copy.copyUpdate(mutation, at)
      const { minTimestampHi, minTimestampLo } = mutation
      expect([copy.minTimestampHi, copy.minTimestampLo], `seed ${seed}`).toEqual([
        minTimestampHi,
        minTimestampLo,
      ])
      kinds.add(minTimestampLo)
    }
  }
  expect(kinds.size).toBeGreaterThan(5)
})
