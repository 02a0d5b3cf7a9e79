import { describe, expect, test } from 'vitest'
import { mostInterestingBucket, SizeTieredCompactionStrategy, sizeBuckets } from './size-tiered.ts'
import { candidate, NOW_SECONDS, numbers, sizes, viewOf } from './test-candidates.ts'

const MB = 1024 * 1024

function strategy(options: Record<string, string> = {}): SizeTieredCompactionStrategy {
  return new SizeTieredCompactionStrategy(new Map(Object.entries(options)))
}

describe('buckets', () => {
  const bucketsOf = (bytes: number[], low = 0.5, high = 1.5, minSSTableSize = 2) =>
    sizeBuckets(sizes(...bytes), { bucketLow: low, bucketHigh: high, minSSTableSize })
      .map((bucket) => bucket.map(({ onDiskLength }) => onDiskLength))
      .sort((a, b) => a[0]! - b[0]!)

  test.each([
    {
      bytes: [1, 4, 8, 8, 4, 1],
      expected: [
        [1, 1],
        [4, 4],
        [8, 8],
      ],
    },
    { bytes: [1, 1, 1, 1, 4, 8, 4], expected: [[1, 1, 1, 1], [4, 4], [8]] },
    // The average moves as a bucket grows: 15 is too much for 10, and not for 12.
    { bytes: [10, 14, 15, 18], expected: [[10, 14, 15, 18]] },
    { bytes: [10, 15], expected: [[10], [15]] },
    { bytes: [100, 200, 300, 400], expected: [[100], [200], [300, 400]] },
    { bytes: [], expected: [] },
  ])('$bytes', ({ bytes, expected }) => {
    expect(bucketsOf(bytes)).toEqual(expected)
  })

  test('small ones are together whatever their size', () => {
    expect(bucketsOf([1, 10, 40, 49, 50, 500], 0.5, 1.5, 50)).toEqual([[1, 10, 40, 49], [50], [500]])
  })

  test('bounds are exclusive, and of other options', () => {
    expect(bucketsOf([100, 119, 120], 0.9, 1.2)).toEqual([[100, 119, 120]])
    expect(bucketsOf([100, 120], 0.9, 1.2)).toEqual([[100], [120]])
  })

  test('where a bucket takes nothing of its own size, one of the same average takes its place', () => {
    expect(bucketsOf([100, 100, 100], 1, 2)).toEqual([[100]])
  })
})

describe('the bucket to compact', () => {
  const hot = (onDiskLength: number, readHotness: number) => candidate({ onDiskLength, readHotness })

  test('has min_threshold SSTables', () => {
    expect(mostInterestingBucket([sizes(1, 1, 1)], 4, 32)).toEqual([])
    expect(mostInterestingBucket([sizes(1, 1, 1, 1)], 4, 32)).toHaveLength(4)
  })

  test('is the hottest', () => {
    const cold = [hot(9, 1), hot(9, 1)]
    const warm = [hot(1, 0.5), hot(1, 2)]
    expect(numbers(mostInterestingBucket([cold, warm], 2, 32))).toEqual(numbers(warm))
  })

  test('is that of the largest where all are as hot', () => {
    const [small, large] = [sizes(1, 1), sizes(9, 9)]
    expect(numbers(mostInterestingBucket([large, small], 2, 32))).toEqual(numbers(large))
    expect(numbers(mostInterestingBucket([small, large], 2, 32))).toEqual(numbers(large))
  })

  test('loses its coldest to max_threshold', () => {
    const bucket = [hot(1, 3), hot(1, 1), hot(1, 2)]
    expect(numbers(mostInterestingBucket([bucket], 2, 2))).toEqual(numbers([bucket[0]!, bucket[2]!]))
  })
})

describe('background tasks', () => {
  test('compact four of a size, and leave alone what is busy or suspect', () => {
    const own = sizes(60 * MB, 61 * MB, 62 * MB, 63 * MB)
    const plan = strategy().nextBackgroundTask(viewOf(own))
    expect(plan).toMatchObject({
      kind: 'compaction',
      level: 0,
      maxSSTableBytes: null,
      split: null,
      expired: [],
    })
    expect(numbers(plan?.inputs)).toEqual(numbers(own))
    expect(strategy().nextBackgroundTask(viewOf(own, { compacting: new Set([own[0]!.number]) }))).toBeNull()
    expect(
      strategy().nextBackgroundTask(viewOf([{ ...own[0]!, isSuspect: true }, ...own.slice(1)])),
    ).toBeNull()
  })

  test('are estimated by max_threshold', () => {
    const small = sizes(...Array.from({ length: 33 }, () => 1))
    const large = sizes(...Array.from({ length: 4 }, () => 100 * MB))
    const three = sizes(...Array.from({ length: 3 }, () => 1000 * MB))
    expect(strategy().estimatedRemainingTasks(viewOf([...small, ...large, ...three]))).toBe(3)
    expect(strategy().estimatedRemainingTasks(viewOf(three))).toBe(0)
  })
})

describe('tombstone compactions', () => {
  const old = { createdAtMillis: (NOW_SECONDS - 86_400) * 1000 }
  const pick = (options: Record<string, string>, ...own: ReturnType<typeof candidate>[]) =>
    numbers(strategy(options).nextBackgroundTask(viewOf(own))?.inputs)

  test('take the largest one with more than tombstone_threshold', () => {
    const own = [
      candidate({ ...old, first: 0, last: 9, ratio: 0.3, onDiskLength: 5 }),
      candidate({ ...old, first: 10, last: 19, ratio: 0.25, onDiskLength: 9 }),
      candidate({ ...old, first: 20, last: 29, ratio: 0.2, onDiskLength: 99 }),
    ]
    expect(pick({}, ...own)).toEqual([own[1]!.number])
    expect(pick({ tombstone_threshold: '0.26' }, ...own)).toEqual([own[0]!.number])
    expect(strategy().nextBackgroundTask(viewOf(own))?.kind).toBe('tombstone')
  })

  test('wait for tombstone_compaction_interval', () => {
    const young = candidate({ ratio: 1, createdAtMillis: (NOW_SECONDS - 86_399) * 1000 })
    expect(pick({}, young)).toEqual([])
    expect(pick({ tombstone_compaction_interval: '86399' }, young)).toEqual([young.number])
  })

  test('need enough keys that nothing overlaps', () => {
    const other = candidate({ onDiskLength: 1 })
    const few = candidate({ ...old, ratio: 0.5, keysIn: 601 })
    expect(pick({}, few, other)).toEqual([])
    expect(pick({ unchecked_tombstone_compaction: 'true' }, few, other)).toEqual([few.number])
    const enough = candidate({ ...old, ratio: 0.5, keysIn: 599 })
    expect(pick({}, enough, other)).toEqual([enough.number])
    expect(pick({}, { ...enough, isEstimationInformative: false }, other)).toEqual([])
  })

  test('drop one that has expired whole, whatever the estimates say', () => {
    const expired = candidate({
      ...old,
      ratio: 0.5,
      isEstimationInformative: false,
      maxTimestamp: 1n,
      maxLocalDeletionTime: NOW_SECONDS - 900_000,
    })
    const plan = strategy().nextBackgroundTask(viewOf([expired, candidate()]))
    expect(plan).toMatchObject({ kind: 'expired', inputs: [expired], expired: [expired] })
    const repairedOnly = strategy({ only_purge_repaired_tombstones: 'true' })
    expect(repairedOnly.nextBackgroundTask(viewOf([expired, candidate()]))).toBeNull()
  })
})

describe('all of a table', () => {
  test('becomes one SSTable, or ever smaller ones', () => {
    const own = sizes(100 * MB, 300 * MB)
    expect(strategy().maximalTask(viewOf(own), false)).toMatchObject({
      kind: 'major',
      inputs: own,
      split: null,
    })
    expect(strategy().maximalTask(viewOf(own), true)).toMatchObject({
      split: { kind: 'halves', totalBytes: 400 * MB },
    })
    expect(strategy().maximalTask(viewOf([]), false)).toBeNull()
    expect(strategy().maximalTask(viewOf(own, { compacting: new Set([own[1]!.number]) }), false)).toBeNull()
    expect(strategy().userDefinedTask(viewOf(own), [own[1]!])?.inputs).toEqual([own[1]])
  })
})
