import type { CompactionCandidate } from './candidate.ts'
import { MAX_LEVEL_COUNT } from './leveled-generations.ts'
import { LeveledManifest } from './leveled-manifest.ts'
import {
  booleanOption,
  type CommonOptions,
  type CompactionOptions,
  commonOptions,
  numberOption,
} from './options.ts'
import { type CompactionPlan, compactionPlan } from './plan.ts'
import { type CompactionStrategy, type StrategyView, tryModify, worthDroppingTombstones } from './strategy.ts'

export const DEFAULT_SSTABLE_SIZE_MB = 160
export const DEFAULT_FANOUT = 10

/** Keeps SSTables of one size in levels, each so much larger than the one before, without overlaps from L1 on. */
export class LeveledCompactionStrategy implements CompactionStrategy {
  readonly name = 'LeveledCompactionStrategy'
  readonly maxSSTableBytes: number
  readonly #options: CommonOptions
  readonly #fanout: number
  readonly #isSingleSSTableUplevel: boolean
  readonly #manifest: LeveledManifest

  constructor(options: CompactionOptions) {
    this.#options = commonOptions(options)
    this.maxSSTableBytes = numberOption(options, 'sstable_size_in_mb', DEFAULT_SSTABLE_SIZE_MB) * 1024 * 1024
    this.#fanout = numberOption(options, 'fanout_size', DEFAULT_FANOUT)
    this.#isSingleSSTableUplevel = booleanOption(options, 'single_sstable_uplevel')
    this.#manifest = new LeveledManifest(this.#options, this.maxSSTableBytes, this.#fanout)
  }

  nextBackgroundTask(view: StrategyView): CompactionPlan | null {
    this.#manifest.sync(view.own)
    const candidates = this.#manifest.candidates(view.compacting)
    if (candidates !== null) {
      const { sstables: inputs, level, maxSSTableBytes } = candidates
      const isLevelChange = this.#isSingleSSTableUplevel && inputs.length === 1
      const chosen = { kind: 'compaction', inputs, level, maxSSTableBytes, isLevelChange } as const
      return compactionPlan(view, this.#options, chosen)
    }
    const droppable = this.#findDroppable(view)
    if (droppable === null) return null
    return compactionPlan(view, this.#options, {
      kind: 'tombstone',
      inputs: [droppable],
      level: this.#manifest.generations.levelOf(droppable),
      maxSSTableBytes: this.maxSSTableBytes,
    })
  }

  /** The one with the largest share of tombstones, from the highest level down (`findDroppableSSTable`). */
  #findDroppable(view: StrategyView): CompactionCandidate | null {
    const ratioOf = (candidate: CompactionCandidate) =>
      candidate.estimatedDroppableTombstoneRatio(view.gcBeforeSeconds)
    for (let level = this.#manifest.generations.highestLevel; level >= 0; level--) {
      const ratios = this.#manifest.generations
        .get(level)
        .map((candidate) => ({ candidate, ratio: ratioOf(candidate) }))
        .filter(({ ratio }) => ratio > this.#options.tombstoneThreshold)
        .sort((a, b) => b.ratio - a.ratio)
      for (const { candidate } of ratios) {
        if (view.compacting.has(candidate.number) || candidate.isSuspect) continue
        if (worthDroppingTombstones(view, this.#options, candidate)) return candidate
      }
    }
    return null
  }

  maximalTask(view: StrategyView): CompactionPlan | null {
    this.#manifest.sync(view.own)
    const inputs = tryModify(
      view,
      view.own.filter(({ isSuspect }) => !isSuspect),
    )
    if (inputs === null) return null
    return compactionPlan(view, this.#options, {
      kind: 'major',
      inputs,
      level: 1,
      maxSSTableBytes: this.maxSSTableBytes,
      split: { kind: 'levels', fanout: this.#fanout },
    })
  }

  userDefinedTask(view: StrategyView, chosen: readonly CompactionCandidate[]): CompactionPlan | null {
    this.#manifest.sync(view.own)
    const inputs = tryModify(view, chosen)
    if (inputs === null) return null
    const level = inputs.length > 1 ? 0 : this.#manifest.generations.levelOf(inputs[0]!)
    const maxSSTableBytes = level === 0 ? null : this.maxSSTableBytes
    return compactionPlan(view, this.#options, { kind: 'compaction', inputs, level, maxSSTableBytes })
  }

  estimatedRemainingTasks(view: StrategyView): number {
    this.#manifest.sync(view.own)
    return this.#manifest.estimatedTasks()
  }

  replaced(removed: readonly CompactionCandidate[], added: readonly CompactionCandidate[]): void {
    this.#manifest.replaced(removed, added)
  }

  levelSizes(view: StrategyView): readonly number[] {
    this.#manifest.sync(view.own)
    return Array.from({ length: MAX_LEVEL_COUNT }, (_, level) => this.#manifest.generations.get(level).length)
  }
}
