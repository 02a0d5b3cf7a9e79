import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { overlappingLive, sstablesInTokenRange } from './candidate.ts'
import { compactionStrategyFor } from './factory.ts'
import { OutputSequence } from './plan.ts'
import { CompactionStrategyManager } from './strategy-manager.ts'
import { candidate, NOW_SECONDS, numbers, sizes, viewOf } from './test-candidates.ts'

const TABLE = { keyspace: 'ks', name: 't' }

function manager(options: Record<string, string> = {}): CompactionStrategyManager {
  const all = { class: 'SizeTieredCompactionStrategy', ...options }
  return new CompactionStrategyManager(TABLE, new Map(Object.entries(all)))
}

describe('the strategy of a table', () => {
  const made = (compaction: Record<string, string>) => {
    const { strategy, warnings } = compactionStrategyFor(new Map(Object.entries(compaction)), TABLE)
    return [strategy.name, ...warnings]
  }
  const unified = (scaling: string, more: Record<string, string> = {}) =>
    made({ class: 'UnifiedCompactionStrategy', scaling_parameters: scaling, ...more })

  test('has its class with or without package', () => {
    for (const name of ['SizeTiered', 'Leveled', 'TimeWindow']) {
      expect(made({ class: `${name}CompactionStrategy` })).toEqual([`${name}CompactionStrategy`])
      const full = `org.apache.cassandra.db.compaction.${name}CompactionStrategy`
      expect(made({ class: full })).toEqual([`${name}CompactionStrategy`])
    }
  })

  test('of another class is size-tiered, with a warning', () => {
    expect(made({ class: 'com.example.Mine' })).toEqual([
      'SizeTieredCompactionStrategy',
      'ks.t: there is no compaction strategy com.example.Mine here: SizeTieredCompactionStrategy runs instead',
    ])
  })

  test.each([
    ['T4', "SizeTieredCompactionStrategy with {'min_threshold': '4', 'max_threshold': '32'}"],
    ['N', "SizeTieredCompactionStrategy with {'min_threshold': '2', 'max_threshold': '32'}"],
    ['40', "SizeTieredCompactionStrategy with {'min_threshold': '42', 'max_threshold': '42'}"],
    ['L4, T8', "SizeTieredCompactionStrategy with {'min_threshold': '8', 'max_threshold': '32'}"],
    ['T8, L10', "LeveledCompactionStrategy with {'fanout_size': '10'}"],
    ['-8', "LeveledCompactionStrategy with {'fanout_size': '10'}"],
    [',', "SizeTieredCompactionStrategy with {'min_threshold': '4', 'max_threshold': '32'}"],
  ])('Unified with %s runs as %s', (scaling, expected) => {
    expect(unified(scaling)[1]).toBe(
      `ks.t: UnifiedCompactionStrategy is not available here: ${expected} runs instead. The table's options are kept as given.`,
    )
    expect(unified(scaling)[0]).toBe(expected.split(' ')[0])
  })

  test('Unified keeps what every strategy has, and its size', () => {
    expect(
      unified('L4', { target_sstable_size: '256MiB', tombstone_threshold: '0.5', enabled: 'false' })[1],
    ).toContain(
      "{'enabled': 'false', 'tombstone_threshold': '0.5', 'fanout_size': '4', 'sstable_size_in_mb': '256'}",
    )
    expect(unified('T4', { max_sstables_to_compact: '-1' })[1]).toContain("'max_threshold': '2147483647'")
  })

  test("has Cassandra's warnings", () => {
    const lcs = (size: string) => made({ class: 'LeveledCompactionStrategy', sstable_size_in_mb: size })
    expect(lcs('1000')[1]).toMatch(/^Max sstable size of 1000MB is configured for ks\.t; having a unit/)
    expect(lcs('49')[1]).toMatch(/^Max sstable size of 49MB is configured for ks\.t\. {2}Testing done/)
    expect(lcs('50')).toHaveLength(1)
    const seconds = { class: 'TimeWindowCompactionStrategy', timestamp_resolution: 'SECONDS' }
    expect(made(seconds)[1]).toMatch(/^Using a non-default timestamp_resolution SECONDS/)
  })
})

describe('repaired SSTables', () => {
  const repaired = sizes(1, 1, 1, 1, 1).map((one) => ({ ...one, isRepaired: true }))
  const unrepaired = sizes(1, 1, 1, 1)

  test('are never compacted with others', () => {
    const tested = manager({ max_threshold: '4' })
    const view = viewOf([...unrepaired, ...repaired])
    // Two tasks against one: the repaired ones come first.
    expect(numbers(tested.nextBackgroundTask(view)?.inputs)).toEqual(numbers(repaired.slice(0, 4)))
    expect(tested.estimatedRemainingTasks(view)).toBe(3)
    const plans = tested.maximalTasks(view, false)
    expect(plans.map((plan) => numbers(plan.inputs))).toEqual([numbers(unrepaired), numbers(repaired)])
    expect(tested.userDefinedTasks(view, [unrepaired[0]!, repaired[0]!])).toHaveLength(2)
  })

  test('alone lose tombstones with only_purge_repaired_tombstones', () => {
    const tested = manager({ only_purge_repaired_tombstones: 'true' })
    const view = viewOf([...unrepaired, ...repaired])
    const [plain, ofRepaired] = tested.maximalTasks(view, false)
    expect(plain?.gcBeforeSeconds).toBe(0)
    expect(ofRepaired?.gcBeforeSeconds).toBe(view.gcBeforeSeconds)
    expect(manager().maximalTasks(view, false)[0]?.gcBeforeSeconds).toBe(view.gcBeforeSeconds)
  })
})

describe('enabled', () => {
  const view = viewOf(sizes(1, 1, 1, 1))

  test('is about the background only', () => {
    const tested = manager({ enabled: 'false' })
    expect(tested.nextBackgroundTask(view)).toBeNull()
    expect(tested.maximalTasks(view, false)).toHaveLength(1)
    tested.enable()
    expect(tested.nextBackgroundTask(view)).not.toBeNull()
  })

  test('ALTER changes it only where it changes the option', () => {
    const tested = manager()
    tested.disable()
    tested.setOptions(
      new Map([
        ['class', 'SizeTieredCompactionStrategy'],
        ['min_threshold', '3'],
      ]),
    )
    expect(tested.isEnabled).toBe(false)
    tested.setOptions(
      new Map([
        ['class', 'LeveledCompactionStrategy'],
        ['enabled', 'false'],
      ]),
    )
    tested.setOptions(new Map([['class', 'LeveledCompactionStrategy']]))
    expect(tested.isEnabled).toBe(true)
    expect(tested.strategyName).toBe('LeveledCompactionStrategy')
    expect(tested.levelSizes(view)?.[0]).toBe(4)
  })
})

test('what has expired is dropped whole by any compaction it comes into', () => {
  const expired = candidate({
    maxLocalDeletionTime: NOW_SECONDS - 1_000_000,
    maxTimestamp: 5n,
    minTimestamp: 1n,
  })
  const own = [expired, ...sizes(1, 1, 1)]
  for (const name of ['SizeTiered', 'Leveled', 'TimeWindow']) {
    const tested = manager({ class: `${name}CompactionStrategy` })
    expect(tested.maximalTasks(viewOf(own), false)[0]).toMatchObject({ kind: 'major', expired: [expired] })
    expect(tested.userDefinedTasks(viewOf(own), [expired])[0]?.kind).toBe('expired')
    const old = candidate({ minTimestamp: 5n, first: 500, last: 2000 })
    expect(tested.maximalTasks(viewOf([expired, old]), false)[0]?.expired).toEqual([])
  }
})

test('overlapping SSTables are those that share a token with one of the chosen', () => {
  const spans = fc.array(fc.tuple(fc.nat(50), fc.nat(12), fc.boolean()), { maxLength: 12 })
  fc.assert(
    fc.property(spans, (given) => {
      const all = given.map(([first, length]) => candidate({ first, last: first + length }))
      const chosen = all.filter((_, i) => given[i]![2])
      const shares = (a: (typeof all)[0], b: (typeof all)[0]) =>
        a.firstToken <= b.lastToken && b.firstToken <= a.lastToken
      const expected = all.filter(
        (one) => !chosen.includes(one) && chosen.some((other) => shares(one, other)),
      )
      expect(numbers(overlappingLive(all, chosen))).toEqual(numbers(expected))
    }),
  )
})

test('token ranges take what they touch', () => {
  const own = [0, 10, 20].map((first) => candidate({ first, last: first + 5 }))
  const found = (start: bigint, end: bigint) => numbers(sstablesInTokenRange(own, start, end))
  expect(found(5n, 10n)).toEqual(numbers(own.slice(0, 2)))
  expect(found(6n, 9n)).toEqual([])
  expect(found(11n, 11n)).toEqual([own[1]!.number])
  expect(found(20n, -(2n ** 63n))).toEqual([own[2]!.number])
  expect(found(-(2n ** 63n), -(2n ** 63n))).toEqual(numbers(own))
  expect(found(21n, 0n)).toEqual(numbers([own[0]!, own[2]!]))
  const plans = manager().tokenRangeTasks(viewOf(own), 5n, 10n)
  expect(plans.map((plan) => [plan.kind, numbers(plan.inputs)])).toEqual([
    ['major', numbers(own.slice(0, 2))],
  ])
})

describe('what is written', () => {
  test('is one SSTable, or SSTables of a size', () => {
    expect(new OutputSequence({ level: 0, maxSSTableBytes: null, split: null }).maxBytes).toBe(Infinity)
    const sized = new OutputSequence({ level: 3, maxSSTableBytes: 100, split: null })
    sized.next(101)
    expect([sized.level, sized.maxBytes]).toEqual([3, 100])
  })

  test('fills a level before the next', () => {
    const split = { kind: 'levels', fanout: 4 } as const
    const outputs = new OutputSequence({ level: 1, maxSSTableBytes: 100, split })
    const levels = Array.from({ length: 25 }, () => {
      const { level } = outputs
      outputs.next(100)
      return level
    })
    expect([1, 2, 3].map((level) => levels.filter((one) => one === level).length)).toEqual([5, 17, 3])
  })

  test('halves while there are 50 MB', () => {
    const split = { kind: 'halves', totalBytes: 400_000_000 } as const
    const outputs = new OutputSequence({ level: 0, maxSSTableBytes: null, split })
    const most = Array.from({ length: 5 }, () => {
      const { maxBytes } = outputs
      outputs.next(0)
      return maxBytes
    })
    expect(most).toEqual([200_000_000, 100_000_000, 50_000_000, Infinity, Infinity])
  })
})
