import { describe, expect, test } from 'vitest'
import { candidate, type Given, NOW_SECONDS, numbers, viewOf } from './test-candidates.ts'
import { TimeWindowCompactionStrategy } from './time-window.ts'

const HOUR = 3600

function strategy(options: Record<string, string> = {}, allowUnsafe = false): TimeWindowCompactionStrategy {
  const all = { compaction_window_unit: 'HOURS', ...options }
  return new TimeWindowCompactionStrategy(new Map(Object.entries(all)), allowUnsafe)
}

/** Written so many hours ago, in the middle of a window. */
function ago(hours: number, given: Given = {}) {
  const seconds = NOW_SECONDS - (NOW_SECONDS % HOUR) + HOUR / 2 - hours * HOUR
  const micros = BigInt(seconds) * 1_000_000n
  return candidate({ minTimestamp: micros, maxTimestamp: micros, ...given })
}

const inputs = (tested: TimeWindowCompactionStrategy, ...own: ReturnType<typeof candidate>[]) =>
  numbers(tested.nextBackgroundTask(viewOf(own))?.inputs)

describe('windows', () => {
  test('old ones become one SSTable, the newest first; in the newest min_threshold are needed', () => {
    const own = [ago(0), ago(0), ago(0), ago(1), ago(1), ago(2), ago(2)]
    expect(inputs(strategy(), ...own)).toEqual(numbers(own.slice(3, 5)))
    const four = [...own, ago(0)]
    expect(inputs(strategy(), ...four)).toEqual(numbers([...own.slice(0, 3), four[7]!]))
    expect(strategy().estimatedRemainingTasks(viewOf(four))).toBe(3)
    expect(strategy().nextBackgroundTask(viewOf([ago(0), ago(1), ago(2)]))).toBeNull()
  })

  test('the newest is size-tiered', () => {
    const own = [1, 1, 1, 1000].map((mb) => ago(0, { onDiskLength: mb * 1024 * 1024 }))
    expect(strategy().nextBackgroundTask(viewOf(own))).toBeNull()
    expect(inputs(strategy(), ...own, ago(0))).toHaveLength(4)
  })

  test('one that was the newest stays so until a newer one is seen', () => {
    const tested = strategy()
    const [newest, old, old2] = [ago(0), ago(1), ago(1)]
    expect(inputs(tested, newest, old)).toEqual([])
    // Without the newest one, the older ones are not the newest window to a strategy that has seen it.
    expect(inputs(tested, old, old2)).toEqual(numbers([old, old2]))
    expect(inputs(strategy(), old, old2)).toEqual([])
  })

  test('no more than max_threshold at once, the smallest', () => {
    const own = [5, 3, 4, 1, 2].map((onDiskLength) => ago(1, { onDiskLength }))
    const plan = strategy({ max_threshold: '4' }).nextBackgroundTask(viewOf([...own, ago(0)]))
    expect(plan?.inputs.map(({ onDiskLength }) => onDiskLength)).toEqual([1, 2, 3, 4])
  })

  test.each([
    { unit: 'MINUTES', size: '30', hours: [0.2, 0.3], together: true },
    { unit: 'MINUTES', size: '1', hours: [0.2, 0.3], together: false },
    { unit: 'DAYS', size: '1', hours: [30, 31], together: true },
    { unit: 'DAYS', size: '1', hours: [30, 60], together: false },
    { unit: 'DAYS', size: '30', hours: [40 * 24, 41 * 24], together: true },
  ])('of $size $unit: $hours together $together', ({ unit, size, hours, together }) => {
    const tested = strategy({ compaction_window_unit: unit, compaction_window_size: size })
    const newest = ago(-24 * 60)
    const micros = (hour: number) =>
      BigInt((NOW_SECONDS - (NOW_SECONDS % (86_400 * 30)) - hour * HOUR) * 1000) * 1000n
    const own = hours.map((hour) => candidate({ maxTimestamp: micros(hour) }))
    expect(inputs(tested, newest, ...own)).toHaveLength(together ? 2 : 0)
  })

  test('timestamps of another resolution', () => {
    const seconds = BigInt(NOW_SECONDS)
    const own = [seconds, seconds - 1n, seconds + 86_400n].map((maxTimestamp) => candidate({ maxTimestamp }))
    expect(inputs(strategy({ timestamp_resolution: 'SECONDS' }), ...own)).toEqual(numbers(own.slice(0, 2)))
    // As microseconds all three are of January 1970.
    expect(inputs(strategy(), ...own)).toEqual([])
    // Microseconds taken for seconds are past the last millisecond there is.
    expect(() => inputs(strategy({ timestamp_resolution: 'SECONDS' }), ago(0), ago(1))).not.toThrow()
  })
})

describe('expired SSTables', () => {
  const gone = { maxLocalDeletionTime: NOW_SECONDS - 1_000_000, maxTimestamp: 5n, minTimestamp: 1n }
  const minutesLater = (minutes: number) => ({ nowMillis: (NOW_SECONDS + minutes * 60) * 1000 })

  test('are looked for every ten minutes and dropped', () => {
    const tested = strategy()
    const own = [candidate(gone), ago(0)]
    expect(tested.nextBackgroundTask(viewOf(own))).toMatchObject({ kind: 'expired', inputs: [own[0]!] })
    expect(tested.nextBackgroundTask(viewOf(own, minutesLater(10)))).toBeNull()
    expect(tested.nextBackgroundTask(viewOf(own, minutesLater(10.01)))?.kind).toBe('expired')
  })

  test('come with what is to be compacted', () => {
    const own = [candidate(gone), ago(0), ago(1), ago(1)]
    const plan = strategy().nextBackgroundTask(viewOf(own))
    expect(plan?.kind).toBe('compaction')
    expect(numbers(plan?.inputs)).toEqual(numbers([own[0]!, ...own.slice(2)]))
    expect(plan?.expired).toEqual([own[0]!])
  })

  test('stay while something older may be alive', () => {
    const expired = candidate(gone)
    const older = ago(0, { minTimestamp: 5n })
    expect(strategy().nextBackgroundTask(viewOf([expired, older]))).toBeNull()
    expect(strategy().nextBackgroundTask(viewOf([expired], { memtableMinTimestamp: 5n }))).toBeNull()
    expect(strategy().nextBackgroundTask(viewOf([expired], { memtableMinTimestamp: 6n }))?.kind).toBe(
      'expired',
    )
    const unsafe = strategy({ unsafe_aggressive_sstable_expiration: 'true' }, true)
    expect(unsafe.nextBackgroundTask(viewOf([expired, older]))).toMatchObject({ ignoreOverlaps: true })
    const notAllowed = strategy({ unsafe_aggressive_sstable_expiration: 'true' })
    expect(notAllowed.nextBackgroundTask(viewOf([expired, older]))).toBeNull()
  })
})

test('tombstone compactions are asked for by an option', () => {
  const own = [ago(0, { ratio: 0.5, createdAtMillis: 0, onDiskLength: 9 })]
  expect(inputs(strategy(), ...own)).toEqual([])
  expect(inputs(strategy({ unchecked_tombstone_compaction: 'false' }), ...own)).toEqual([])
  expect(inputs(strategy({ tombstone_threshold: '0.2' }), ...own)).toEqual(numbers(own))
  const smaller = ago(0, { ratio: 0.5, createdAtMillis: 0, onDiskLength: 8 })
  const unchecked = strategy({ unchecked_tombstone_compaction: 'true' })
  expect(inputs(unchecked, ...own, smaller)).toEqual([smaller.number])
})

test('all of a table becomes one SSTable, across windows', () => {
  const own = [ago(0), ago(5)]
  expect(strategy().maximalTask(viewOf(own))).toMatchObject({
    kind: 'major',
    inputs: own,
    maxSSTableBytes: null,
  })
})
