import {
  type CompactionCandidate,
  type CompactionRange,
  type CompactionView,
  overlappingLive,
} from './candidate.ts'
import { fullyExpiredSSTables } from './fully-expired.ts'
import type { CommonOptions } from './options.ts'
import type { CompactionPlan } from './plan.ts'

/** A table as one strategy sees it: of the SSTables there are, which are its own (repaired ones have another). */
export interface StrategyView extends CompactionView {
  readonly own: readonly CompactionCandidate[]
}

/**
 * Says what to compact (`AbstractCompactionStrategy`). It reads no clock and touches no file. What it remembers from one
 * call to the next steers where it goes on, and is nothing that a restart must not forget.
 */
export interface CompactionStrategy {
  /** As in the class name. */
  readonly name: string
  /** `getMaxSSTableBytes`; null where there is no limit. */
  readonly maxSSTableBytes: number | null
  /** The next compaction that should run; null where there is nothing to do. */
  nextBackgroundTask(view: StrategyView): CompactionPlan | null
  /** Compacts all it has; null where that is nothing, or some of it is being compacted. */
  maximalTask(view: StrategyView, splitOutput: boolean): CompactionPlan | null
  /** Compacts these, as they are its own; null where some of them are being compacted. */
  userDefinedTask(view: StrategyView, chosen: readonly CompactionCandidate[]): CompactionPlan | null
  /** How many background tasks there still are to be, roughly. */
  estimatedRemainingTasks(view: StrategyView): number
  /** Hears that a compaction, or a flush (`removed` is empty), has put SSTables in the place of others. */
  replaced(removed: readonly CompactionCandidate[], added: readonly CompactionCandidate[]): void
  /** How many SSTables each level has, from L0 on; null where there are no levels. */
  levelSizes(view: StrategyView): readonly number[] | null
}

/** Those of its own that are neither being compacted nor suspect. */
export function uncompacting({ own, compacting }: StrategyView): CompactionCandidate[] {
  return own.filter(({ number, isSuspect }) => !isSuspect && !compacting.has(number))
}

/** The SSTables, where all of them can be compacted now (`Tracker.tryModify`), else null. */
export function tryModify(
  { compacting }: CompactionView,
  chosen: readonly CompactionCandidate[],
): readonly CompactionCandidate[] | null {
  if (chosen.length === 0 || chosen.some(({ number }) => compacting.has(number))) return null
  return chosen
}

/**
 * Whether compacting this one alone would rid it of tombstones, as far as can be told
 * (`AbstractCompactionStrategy.worthDroppingTombstones`).
 */
export function worthDroppingTombstones(
  view: CompactionView,
  options: CommonOptions,
  candidate: CompactionCandidate,
): boolean {
  // An estimate may err for ever: so that it is not tried for ever, the SSTable has to have some age.
  if (view.nowMillis < candidate.createdAtMillis + options.tombstoneCompactionIntervalMillis) return false
  const droppable = candidate.estimatedDroppableTombstoneRatio(view.gcBeforeSeconds)
  if (droppable <= options.tombstoneThreshold) return false
  if (options.uncheckedTombstoneCompaction) return true
  const overlaps = overlappingLive(view.live, [candidate])
  if (overlaps.length === 0) return true
  const mayPurge = !options.onlyPurgeRepairedTombstones || candidate.isRepaired
  if (mayPurge && fullyExpiredSSTables(view, [candidate], overlaps, false).length > 0) return true
  if (!candidate.isEstimationInformative) return false
  const ranges: CompactionRange[] = overlaps.map(({ firstToken, lastToken }) => ({
    start: firstToken,
    end: lastToken,
  }))
  const remainingKeys = candidate.estimatedKeys - candidate.estimatedKeysIn(ranges)
  // What share of the cells is in the partitions that nothing overlaps.
  return (remainingKeys / candidate.partitionCount) * droppable > options.tombstoneThreshold
}
