import { type CompactionCandidate, compareSizes, overlappingLive } from './candidate.ts'
import { fullyExpiredSSTables } from './fully-expired.ts'
import {
  booleanOption,
  type CommonOptions,
  type CompactionOptions,
  commonOptions,
  numberOption,
} from './options.ts'
import { type CompactionPlan, compactionPlan } from './plan.ts'
import { mostInterestingBucket, sizeBuckets } from './size-tiered.ts'
import {
  type CompactionStrategy,
  type StrategyView,
  tryModify,
  uncompacting,
  worthDroppingTombstones,
} from './strategy.ts'

const WINDOW_UNIT_SECONDS: Readonly<Record<string, bigint>> = { MINUTES: 60n, HOURS: 3600n, DAYS: 86_400n }

/** Units of timestamps: how many milliseconds one is, and how many of them are a millisecond. */
const TIMESTAMP_UNITS: Readonly<Record<string, readonly [times: bigint, by: bigint]>> = {
  SECONDS: [1000n, 1n],
  MILLISECONDS: [1n, 1n],
  MICROSECONDS: [1n, 1000n],
  NANOSECONDS: [1n, 1_000_000n],
}

/** `TimeWindowCompactionStrategyOptions`. */
interface TimeWindowOptions extends CommonOptions {
  readonly windowSeconds: bigint
  readonly timestampResolution: readonly [times: bigint, by: bigint]
  readonly expiredCheckMillis: number
  readonly ignoreOverlaps: boolean
  /** Only where one of their options was given. */
  readonly hasTombstoneCompactions: boolean
}

function timeWindowOptions(options: CompactionOptions, allowUnsafeExpiration: boolean): TimeWindowOptions {
  const tombstoneOptions = [
    'unchecked_tombstone_compaction',
    'tombstone_compaction_interval',
    'tombstone_threshold',
  ]
  const unit = WINDOW_UNIT_SECONDS[options.get('compaction_window_unit') ?? 'DAYS']!
  return {
    ...commonOptions(options),
    windowSeconds: unit * BigInt(numberOption(options, 'compaction_window_size', 1)),
    timestampResolution: TIMESTAMP_UNITS[options.get('timestamp_resolution') ?? 'MICROSECONDS']!,
    expiredCheckMillis: numberOption(options, 'expired_sstable_check_frequency_seconds', 600) * 1000,
    ignoreOverlaps: allowUnsafeExpiration && booleanOption(options, 'unsafe_aggressive_sstable_expiration'),
    hasTombstoneCompactions: tombstoneOptions.some((name) => (options.get(name) ?? 'false') !== 'false'),
  }
}

const LONG_MAX = 2n ** 63n - 1n
const LONG_MIN = -(2n ** 63n)

/** Where the window of a timestamp begins, in milliseconds (`getWindowBoundsInMillis`). */
function windowOf(
  timestamp: bigint,
  { timestampResolution: [times, by], windowSeconds }: TimeWindowOptions,
): bigint {
  const millis = (timestamp * times) / by
  const clamped = millis > LONG_MAX ? LONG_MAX : millis < LONG_MIN ? LONG_MIN : millis
  const seconds = clamped / 1000n
  return (seconds - (seconds % windowSeconds)) * 1000n
}

interface NewestBucket {
  readonly sstables: readonly CompactionCandidate[]
  readonly tasks: number
}

/** Compacts what was written in the same window of time, and nothing across windows. */
export class TimeWindowCompactionStrategy implements CompactionStrategy {
  readonly name = 'TimeWindowCompactionStrategy'
  readonly maxSSTableBytes = null
  readonly #options: TimeWindowOptions
  #lastExpiredCheck = 0
  #highestWindow = 0n

  /** With `allowUnsafeExpiration`, `unsafe_aggressive_sstable_expiration` of the options counts. */
  constructor(options: CompactionOptions, allowUnsafeExpiration: boolean) {
    this.#options = timeWindowOptions(options, allowUnsafeExpiration)
  }

  nextBackgroundTask(view: StrategyView): CompactionPlan | null {
    const options = this.#options
    const expired = new Set(this.#checkExpired(view))
    const others = uncompacting(view).filter((candidate) => !expired.has(candidate))
    const { sstables } = this.#newestBucket(others)
    if (sstables.length > 0) return this.#plan(view, 'compaction', [...sstables, ...expired])
    const inputs = [...(options.hasTombstoneCompactions ? this.#droppable(view, others) : []), ...expired]
    return inputs.length === 0 ? null : this.#plan(view, 'tombstone', inputs)
  }

  /** The smallest of those that would lose tombstones. */
  #droppable(view: StrategyView, candidates: readonly CompactionCandidate[]): CompactionCandidate[] {
    return candidates
      .filter((candidate) => worthDroppingTombstones(view, this.#options, candidate))
      .sort(compareSizes)
      .slice(0, 1)
  }

  #plan(
    view: StrategyView,
    kind: CompactionPlan['kind'],
    inputs: readonly CompactionCandidate[],
  ): CompactionPlan {
    return compactionPlan(view, this.#options, { kind, inputs, ignoreOverlaps: this.#options.ignoreOverlaps })
  }

  /** From time to time looks for SSTables that have expired, those among them that are suspect too. */
  #checkExpired(view: StrategyView): CompactionCandidate[] {
    const { expiredCheckMillis, ignoreOverlaps, onlyPurgeRepairedTombstones } = this.#options
    if (view.own.length === 0 || view.nowMillis - this.#lastExpiredCheck <= expiredCheckMillis) return []
    this.#lastExpiredCheck = view.nowMillis
    const candidates = view.own.filter(({ number }) => !view.compacting.has(number))
    if (onlyPurgeRepairedTombstones && !candidates.every(({ isRepaired }) => isRepaired)) return []
    const overlapping = ignoreOverlaps ? [] : overlappingLive(view.live, candidates)
    return fullyExpiredSSTables(view, candidates, overlapping, ignoreOverlaps)
  }

  /** Windows by their beginnings, newest first. */
  #windows(candidates: readonly CompactionCandidate[]): [bigint, CompactionCandidate[]][] {
    const windows = new Map<bigint, CompactionCandidate[]>()
    for (const candidate of candidates) {
      const window = windowOf(candidate.maxTimestamp, this.#options)
      const bucket = windows.get(window)
      if (bucket === undefined) windows.set(window, [candidate])
      else bucket.push(candidate)
    }
    return [...windows].sort(([a], [b]) => (a < b ? 1 : a > b ? -1 : 0))
  }

  /**
   * What to compact of the newest window where there is something: in the one that is being written to, what
   * size-tiering picks; in older ones whatever there is, if there is more than one (`newestBucket`).
   */
  #newestBucket(candidates: readonly CompactionCandidate[]): NewestBucket {
    const { minThreshold, maxThreshold, sizeTiered } = this.#options
    const windows = this.#windows(candidates)
    const newest = windows[0]?.[0] ?? 0n
    if (newest > this.#highestWindow) this.#highestWindow = newest
    let sstables: readonly CompactionCandidate[] = []
    let tasks = 0
    for (const [window, bucket] of windows) {
      let picked: readonly CompactionCandidate[] = []
      if (window >= this.#highestWindow) {
        if (bucket.length >= minThreshold) {
          picked = mostInterestingBucket(sizeBuckets(bucket, sizeTiered), minThreshold, maxThreshold)
        }
      } else if (bucket.length >= 2) picked = [...bucket].sort(compareSizes).slice(0, maxThreshold)
      if (picked.length === 0) continue
      const remaining = bucket.length - maxThreshold
      tasks += 1 + (remaining > minThreshold ? Math.ceil(remaining / maxThreshold) : 0)
      if (sstables.length === 0) sstables = picked
    }
    return { sstables, tasks }
  }

  maximalTask(view: StrategyView): CompactionPlan | null {
    const inputs = tryModify(
      view,
      view.own.filter(({ isSuspect }) => !isSuspect),
    )
    return inputs === null ? null : this.#plan(view, 'major', inputs)
  }

  userDefinedTask(view: StrategyView, chosen: readonly CompactionCandidate[]): CompactionPlan | null {
    const inputs = tryModify(view, chosen)
    return inputs === null ? null : this.#plan(view, 'compaction', inputs)
  }

  estimatedRemainingTasks(view: StrategyView): number {
    return this.#newestBucket(uncompacting(view)).tasks
  }

  replaced(): void {
    // It looks at all there is each time.
  }

  levelSizes(): null {
    return null
  }
}
