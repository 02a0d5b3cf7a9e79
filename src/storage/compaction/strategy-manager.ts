import { type CompactionCandidate, type CompactionView, sstablesInTokenRange } from './candidate.ts'
import { compactionStrategyFor, type MadeStrategy, type StrategySettings } from './factory.ts'
import { booleanOption, type CompactionOptions } from './options.ts'
import type { CompactionPlan } from './plan.ts'
import type { CompactionStrategy } from './strategy.ts'

/** Repaired SSTables and the others are never compacted together, so each kind has a strategy of its own. */
interface Holder {
  readonly strategy: CompactionStrategy
  readonly isRepaired: boolean
}

/**
 * Says what of one table to compact (`CompactionStrategyManager`). All of it is synchronous and pure but for what
 * strategies remember of where they stopped: it is asked with the table as it is, and the asker runs what it answers.
 */
export class CompactionStrategyManager {
  readonly #settings: StrategySettings
  #compaction: CompactionOptions
  #table: { readonly keyspace: string; readonly name: string }
  #holders: readonly Holder[] = []
  #isEnabled = true
  #warnings: readonly string[] = []

  /** `compaction` is the table's option as it is kept, and has been validated. */
  constructor(
    table: { readonly keyspace: string; readonly name: string },
    compaction: CompactionOptions,
    settings: StrategySettings = {},
  ) {
    this.#settings = settings
    this.#table = table
    this.#compaction = compaction
    this.#make(compaction)
    this.#isEnabled = isEnabledBy(compaction)
  }

  #make(compaction: CompactionOptions): void {
    const make = (): MadeStrategy => compactionStrategyFor(compaction, this.#table, this.#settings)
    const unrepaired = make()
    this.#warnings = unrepaired.warnings
    this.#holders = [
      { strategy: unrepaired.strategy, isRepaired: false },
      { strategy: make().strategy, isRepaired: true },
    ]
  }

  /** After ALTER: other options make other strategies, which begin anew. `enabled` counts where it was changed. */
  setOptions(compaction: CompactionOptions): void {
    const before = this.#compaction
    if (isSame(before, compaction)) return
    this.#compaction = compaction
    this.#make(compaction)
    if (isEnabledBy(compaction) !== isEnabledBy(before)) this.#isEnabled = isEnabledBy(compaction)
  }

  /** What the strategies have to say when they begin, to be logged once. */
  get warnings(): readonly string[] {
    return this.#warnings
  }

  /** Name of the strategy that runs. */
  get strategyName(): string {
    return this.#holders[0]!.strategy.name
  }

  /** Whether there are background compactions (`enabled`, nodetool enableautocompaction and disableautocompaction). */
  get isEnabled(): boolean {
    return this.#isEnabled
  }

  enable(): void {
    this.#isEnabled = true
  }

  disable(): void {
    this.#isEnabled = false
  }

  /** The next compaction to run in the background; null where there is nothing to do, or it is not enabled. */
  nextBackgroundTask(view: CompactionView): CompactionPlan | null {
    if (!this.#isEnabled) return null
    const holders = this.#holders.map((holder) => {
      const own = ownOf(holder, view.live)
      return { ...holder, own, tasks: holder.strategy.estimatedRemainingTasks({ ...view, own }) }
    })
    // The one with more to do comes first.
    holders.sort((a, b) => b.tasks - a.tasks)
    for (const { strategy, own } of holders) {
      const plan = own.length === 0 ? null : strategy.nextBackgroundTask({ ...view, own })
      if (plan !== null) return plan
    }
    return null
  }

  /** Compacts all there is (`nodetool compact`, with `splitOutput` `-s`). Nothing where any of it is being compacted. */
  maximalTasks(view: CompactionView, splitOutput: boolean): CompactionPlan[] {
    return this.#plans(view, view.live, (strategy, own) =>
      strategy.maximalTask({ ...view, own }, splitOutput),
    )
  }

  /** Compacts these SSTables (`nodetool compact --user-defined`). */
  userDefinedTasks(view: CompactionView, chosen: readonly CompactionCandidate[]): CompactionPlan[] {
    return this.#plans(view, chosen, (strategy, own, mine) =>
      strategy.userDefinedTask({ ...view, own }, mine),
    )
  }

  /** Compacts the SSTables that have tokens of a range (`nodetool compact -st -et`), with all that is in them. */
  tokenRangeTasks(view: CompactionView, start: bigint, end: bigint): CompactionPlan[] {
    const plans = this.userDefinedTasks(view, sstablesInTokenRange(view.live, start, end))
    return plans.map((plan) => (plan.kind === 'expired' ? plan : { ...plan, kind: 'major' }))
  }

  #plans(
    view: CompactionView,
    chosen: readonly CompactionCandidate[],
    planOf: (
      strategy: CompactionStrategy,
      own: readonly CompactionCandidate[],
      mine: readonly CompactionCandidate[],
    ) => CompactionPlan | null,
  ): CompactionPlan[] {
    return this.#holders.flatMap((holder) => {
      const mine = ownOf(holder, chosen)
      const plan = mine.length === 0 ? null : planOf(holder.strategy, ownOf(holder, view.live), mine)
      return plan === null ? [] : [plan]
    })
  }

  /** Has to be told when a compaction has ended: which SSTables have come for which. Of a flush it may be told. */
  replaced(removed: readonly CompactionCandidate[], added: readonly CompactionCandidate[]): void {
    for (const holder of this.#holders) holder.strategy.replaced(ownOf(holder, removed), ownOf(holder, added))
  }

  /** How many background tasks there are still to be, without those that run (nodetool compactionstats, tablestats). */
  estimatedRemainingTasks(view: CompactionView): number {
    return this.#holders.reduce(
      (sum, holder) =>
        sum + holder.strategy.estimatedRemainingTasks({ ...view, own: ownOf(holder, view.live) }),
      0,
    )
  }

  /** SSTables in each level, L0 first; null where the strategy has no levels (`getSSTableCountPerLevel`). */
  levelSizes(view: CompactionView): readonly number[] | null {
    const sizes = this.#holders.map((holder) =>
      holder.strategy.levelSizes({ ...view, own: ownOf(holder, view.live) }),
    )
    const [unrepaired, repaired] = sizes
    if (unrepaired == null || repaired == null) return null
    return unrepaired.map((size, level) => size + repaired[level]!)
  }
}

function ownOf(holder: Holder, candidates: readonly CompactionCandidate[]): CompactionCandidate[] {
  return candidates.filter(({ isRepaired }) => isRepaired === holder.isRepaired)
}

function isEnabledBy(compaction: CompactionOptions): boolean {
  return !compaction.has('enabled') || booleanOption(compaction, 'enabled')
}

function isSame(a: CompactionOptions, b: CompactionOptions): boolean {
  return a.size === b.size && [...a].every(([name, value]) => b.get(name) === value)
}
