import { describe, expect, test } from 'vitest'
import type { CompactionCandidate } from './candidate.ts'
import { LeveledCompactionStrategy } from './leveled.ts'
import { candidate, type Given, NOW_SECONDS, numbers, viewOf } from './test-candidates.ts'

const MB = 1024 * 1024

/** SSTables of one megabyte at most, ten times as many in each level as in the one before. */
function strategy(options: Record<string, string> = {}): LeveledCompactionStrategy {
  return new LeveledCompactionStrategy(new Map(Object.entries({ sstable_size_in_mb: '1', ...options })))
}

/** So many SSTables side by side. */
function row(level: number, count: number, given: Given = {}): CompactionCandidate[] {
  return Array.from({ length: count }, (_, i) =>
    candidate({ level, first: i * 10, last: i * 10 + 9, onDiskLength: MB, ...given }),
  )
}

describe('L0', () => {
  test('stays there until there is more than one SSTable of it', () => {
    const own = [candidate({ onDiskLength: MB / 4 }), candidate({ onDiskLength: MB / 4 })]
    const plan = strategy().nextBackgroundTask(viewOf(own))
    expect(plan).toMatchObject({ kind: 'compaction', level: 0, maxSSTableBytes: MB })
    expect(numbers(plan?.inputs)).toEqual(numbers(own))
    expect(strategy().nextBackgroundTask(viewOf(own.slice(1)))).toBeNull()
  })

  test('goes to L1 with all it overlaps there, in the middle too', () => {
    const l0 = [
      candidate({ first: 0, last: 12, onDiskLength: MB }),
      candidate({ first: 48, last: 60, onDiskLength: MB }),
    ]
    const l1 = row(1, 10)
    const plan = strategy().nextBackgroundTask(viewOf([...l0, ...l1]))
    expect(plan?.level).toBe(1)
    expect(numbers(plan?.inputs)).toEqual(numbers([...l0, ...l1.slice(0, 7)]))
  })

  test('waits while what it overlaps in L1 is busy', () => {
    const l0 = [candidate({ onDiskLength: MB }), candidate({ onDiskLength: MB })]
    const l1 = row(1, 4)
    const compacting = new Set([l1[2]!.number])
    expect(strategy().nextBackgroundTask(viewOf([...l0, ...l1], { compacting }))).toBeNull()
  })

  test('compacts the oldest max_threshold of it', () => {
    const own = Array.from({ length: 6 }, (_, i) =>
      candidate({ onDiskLength: MB, maxTimestamp: BigInt(100 - i) }),
    )
    const plan = strategy({ max_threshold: '4' }).nextBackgroundTask(viewOf(own))
    expect(numbers(plan?.inputs)).toEqual(numbers(own.slice(2)))
  })

  test('with more than 32 is size-tiered before a higher level is compacted, and not before L0 can go up', () => {
    const l0 = Array.from({ length: 33 }, () => candidate({ onDiskLength: 1000 }))
    const tiered = strategy().nextBackgroundTask(viewOf([...l0, ...row(1, 12)]))
    expect(tiered).toMatchObject({ kind: 'compaction', level: 0, maxSSTableBytes: null })
    expect(tiered?.inputs).toHaveLength(32)
    const higher = strategy().nextBackgroundTask(viewOf([...l0.slice(1), ...row(1, 12)]))
    expect(higher?.level).toBe(2)
    // Nothing wrong above: the usual way, which writes SSTables of a size.
    expect(strategy().nextBackgroundTask(viewOf(l0))).toMatchObject({ level: 0, maxSSTableBytes: MB })
  })
})

describe('higher levels', () => {
  test('go up one by one with what they overlap, each where the last one ended', () => {
    const l1 = row(1, 11)
    const l2 = [candidate({ level: 2, first: 15, last: 25, onDiskLength: MB })]
    const lcs = strategy()
    const first = lcs.nextBackgroundTask(viewOf([...l1, ...l2]))
    // L2's newest ends at 25: the first one behind it in L1 begins at 30.
    expect(first).toMatchObject({ level: 2, inputs: [l1[3]!], isLevelChange: false })
    const moved = candidate({ level: 2, first: 30, last: 65, onDiskLength: MB })
    const grown = candidate({ level: 1, first: 200, last: 210, onDiskLength: MB })
    lcs.replaced([l1[3]!], [moved])
    const now = [...l1.filter((one) => one !== l1[3]), grown, ...l2, moved]
    expect(lcs.nextBackgroundTask(viewOf(now))?.inputs).toEqual([l1[7]!])
  })

  test('begin at the start again behind the last, and take what they overlap in the next', () => {
    const l1 = row(1, 11)
    const l2 = [candidate({ level: 2, first: 5, last: 1000, onDiskLength: MB })]
    const plan = strategy().nextBackgroundTask(viewOf([...l1, ...l2]))
    expect(numbers(plan?.inputs)).toEqual(numbers([l1[0]!, ...l2]))
  })

  test('are let be while they are as large as they should be', () => {
    expect(strategy().nextBackgroundTask(viewOf(row(1, 10)))).toBeNull()
    expect(strategy({ fanout_size: '9' }).nextBackgroundTask(viewOf(row(1, 10)))?.level).toBe(2)
  })

  test('leave out what is busy or suspect', () => {
    const l1 = row(1, 13)
    const own = [l1[0]!, { ...l1[1]!, isSuspect: true }, ...l1.slice(2)]
    expect(
      strategy().nextBackgroundTask(viewOf(own, { compacting: new Set([own[0]!.number]) }))?.inputs,
    ).toEqual([own[2]!])
  })

  test('need no compaction for a single one, with single_sstable_uplevel', () => {
    const plan = strategy({ single_sstable_uplevel: 'true' }).nextBackgroundTask(viewOf(row(1, 11)))
    expect(plan).toMatchObject({ level: 2, isLevelChange: true })
  })

  test('that nothing was compacted into for 25 times give one of theirs', () => {
    const lcs = strategy()
    const starved = candidate({ level: 4, first: 3, last: 6, onDiskLength: MB })
    const own = [...row(1, 11), candidate({ level: 2, first: 0, last: 5, onDiskLength: MB }), starved]
    const view = viewOf(own)
    const wide = [candidate({ level: 1, first: 0, last: 9, onDiskLength: 12 * MB }), ...own.slice(11)]
    for (let i = 0; i < 25; i++) expect(lcs.nextBackgroundTask(view)?.inputs).not.toContain(starved)
    expect(lcs.nextBackgroundTask(viewOf(wide))?.inputs).toContain(starved)
  })

  test('that were compacted into are not starved', () => {
    const lcs = strategy()
    const deep = candidate({ level: 2, first: 1, last: 4, onDiskLength: MB })
    const wide = candidate({ level: 1, first: 0, last: 9, onDiskLength: 12 * MB })
    for (let i = 0; i < 30; i++) {
      expect(lcs.nextBackgroundTask(viewOf([wide, deep]))?.level).toBe(2)
    }
    const deeper = candidate({ level: 3, first: 1, last: 4, onDiskLength: MB })
    // Into L3 nothing was compacted all the time, into L2 something was.
    expect(lcs.nextBackgroundTask(viewOf([wide, deep, deeper]))?.inputs).toContain(deeper)
    for (let i = 0; i < 3; i++) {
      const more = [candidate({ level: 2, first: 0, last: 9, onDiskLength: 200 * MB }), deeper]
      expect(lcs.nextBackgroundTask(viewOf(more))?.level).toBe(3)
    }
    const narrow = candidate({ level: 1, first: 0, last: 9, onDiskLength: 12 * MB })
    expect(lcs.nextBackgroundTask(viewOf([narrow, deeper]))?.inputs).toEqual([narrow])
  })
})

describe('overlaps in a level', () => {
  test('put the later one in L0', () => {
    const first = candidate({ level: 1, first: 0, last: 20, onDiskLength: MB })
    const second = candidate({ level: 1, first: 20, last: 30, onDiskLength: MB })
    const lcs = strategy()
    expect(lcs.levelSizes(viewOf([second, first])).slice(0, 2)).toEqual([1, 1])
    const before = candidate({ level: 1, first: -5, last: 0, onDiskLength: MB })
    expect(
      strategy()
        .levelSizes(viewOf([first, before]))
        .slice(0, 2),
    ).toEqual([1, 1])
    expect(lcs.userDefinedTask(viewOf([first, second]), [second])?.level).toBe(0)
    expect(lcs.userDefinedTask(viewOf([first, second]), [first])?.level).toBe(1)
  })

  test('are of keys, not of tokens', () => {
    const first = candidate({ level: 1, first: 0, last: 20, lastKey: Buffer.from('a') })
    const second = candidate({ level: 1, first: 20, last: 30, firstKey: Buffer.from('b') })
    expect(
      strategy()
        .levelSizes(viewOf([first, second]))
        .slice(0, 2),
    ).toEqual([0, 2])
  })

  test('what is known of an SSTable may change', () => {
    const lcs = strategy()
    const own = row(1, 11)
    expect(lcs.nextBackgroundTask(viewOf(own))?.inputs).toEqual([own[0]])
    const suspect = [{ ...own[0]!, isSuspect: true }, ...own.slice(1)]
    expect(lcs.nextBackgroundTask(viewOf(suspect))?.inputs).toEqual([own[1]])
  })

  test('an SSTable whose level was changed is placed anew', () => {
    const lcs = strategy()
    const [one] = row(1, 1)
    expect(lcs.levelSizes(viewOf([one!])).slice(0, 3)).toEqual([0, 1, 0])
    expect(lcs.levelSizes(viewOf([{ ...one!, level: 2 }])).slice(0, 3)).toEqual([0, 0, 1])
    expect(lcs.levelSizes(viewOf([])).slice(0, 3)).toEqual([0, 0, 0])
  })
})

test('estimated tasks are the SSTables that each level has too many, and L0 by max_threshold', () => {
  expect(strategy().estimatedRemainingTasks(viewOf(row(1, 10)))).toBe(0)
  expect(strategy().estimatedRemainingTasks(viewOf(row(1, 13)))).toBe(3)
  expect(strategy().estimatedRemainingTasks(viewOf(row(1, 10, { onDiskLength: MB + 1100 })))).toBe(1)
  const l0 = Array.from({ length: 65 }, () => candidate({ onDiskLength: 1 }))
  expect(strategy().estimatedRemainingTasks(viewOf(l0))).toBe(2)
})

test('tombstones are looked for from the highest level down', () => {
  const old = { createdAtMillis: (NOW_SECONDS - 86_400) * 1000 }
  const low = candidate({ ...old, level: 0, first: 0, last: 1, ratio: 0.9 })
  const high = candidate({ ...old, level: 3, first: 2, last: 3, ratio: 0.3 })
  const higher = candidate({ ...old, level: 3, first: 4, last: 5, ratio: 0.4 })
  const lcs = strategy()
  const plan = lcs.nextBackgroundTask(viewOf([low, high, higher]))
  expect(plan).toMatchObject({ kind: 'tombstone', level: 3, maxSSTableBytes: MB, inputs: [higher] })
  const compacting = new Set([high.number, higher.number])
  expect(lcs.nextBackgroundTask(viewOf([low, high, higher], { compacting }))?.inputs).toEqual([low])
})

test('all of a table is written to L1 and on', () => {
  const own = [...row(0, 2), ...row(2, 3)]
  expect(strategy({ fanout_size: '4' }).maximalTask(viewOf(own))).toMatchObject({
    kind: 'major',
    level: 1,
    maxSSTableBytes: MB,
    split: { kind: 'levels', fanout: 4 },
  })
  expect(strategy().userDefinedTask(viewOf(own), own.slice(0, 3))).toMatchObject({
    level: 0,
    maxSSTableBytes: null,
  })
  expect(strategy().userDefinedTask(viewOf(own), [own[4]!])).toMatchObject({ level: 2, maxSSTableBytes: MB })
})
