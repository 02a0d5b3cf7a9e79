/** Who is asked for ranges of tokens (`ReplicaPlanIterator`, `ReplicaPlanMerger`, `ReplicaPlans.maybeMerge`). */

import type { ConsistencyLevel } from '../../common/errors.ts'
import type { TokenRange } from '../../model/read-command.ts'
import { RangeSplit } from '../ring/range-split.ts'
import { assureSufficientLiveReplicasForRead, blockFor, isSufficientLiveReplicasForRead } from './level.ts'
import { candidatesForRead, contactsForRead } from './read-plan.ts'
import { includesNode, type PlanView, type RangeReadPlan, type Replicas } from './replica-plan.ts'

/**
 * The plans of a range read in the order of the tokens, made one by one as they are asked for: each piece of the range is
 * merged with the next ones while the replicas that all of them have are enough for the level.
 */
export class RangeReadPlans {
  /** Of how many pieces the plans are made. */
  readonly pieceCount: number
  readonly #view: PlanView
  readonly #level: ConsistencyLevel
  readonly #range: TokenRange
  /** Null where nothing is split: a node has all that is local. */
  readonly #split: RangeSplit | null
  #next = 0
  #peeked: RangeReadPlan | null = null

  constructor(view: PlanView, level: ConsistencyLevel, range: TokenRange) {
    this.#view = view
    this.#level = level
    this.#range = range
    this.#split = view.strategy.kind === 'LocalStrategy' ? null : new RangeSplit(view.ring, range)
    this.pieceCount = this.#split?.count ?? 1
  }

  /**
   * The next plan, or null behind the last one. Throws an UnavailableError where too few replicas of the next piece, or of the one
   * behind it, are alive: whether that can be merged is looked at first.
   */
  next(): RangeReadPlan | null {
    let plan = this.#take()
    if (plan === null) return null
    for (;;) {
      const following = this.#take()
      if (following === null) return plan
      const merged = maybeMerge(this.#view, plan, following)
      if (merged === null) {
        this.#peeked = following
        return plan
      }
      plan = merged
    }
  }

  *[Symbol.iterator](): Iterator<RangeReadPlan> {
    for (let plan = this.next(); plan !== null; plan = this.next()) yield plan
  }

  #take(): RangeReadPlan | null {
    const peeked = this.#peeked
    if (peeked !== null) {
      this.#peeked = null
      return peeked
    }
    if (this.#next === this.pieceCount) return null
    const number = this.#next++
    const view = this.#view
    const placement = view.ring.placement(view.strategy)
    if (this.#split === null) {
      const { endHi, endLo } = this.#range
      return planRange(view, this.#level, this.#range, placement.replicas(endHi, endLo))
    }
    return planRange(view, this.#level, this.#split.piece(number), this.#split.replicas(placement, number))
  }
}

function planRange(
  view: PlanView,
  level: ConsistencyLevel,
  range: TokenRange,
  natural: Replicas,
): RangeReadPlan {
  const candidates = candidatesForRead(view, level, natural)
  const contacts = contactsForRead(view, level, candidates, false)
  assureSufficientLiveReplicasForRead(level, view, contacts)
  return Object.freeze({ level, blockFor: blockFor(level, view), range, candidates, contacts, vnodeCount: 1 })
}

/**
 * One plan for two ranges that follow each other, or null where their common replicas are too few, or where that would be
 * slower than two.
 */
export function maybeMerge(view: PlanView, left: RangeReadPlan, right: RangeReadPlan): RangeReadPlan | null {
  const { level } = left
  const candidates = left.candidates.filter((node) => includesNode(right.candidates, node))
  if (!isSufficientLiveReplicasForRead(level, view, candidates)) return null
  const contacts = contactsForRead(view, level, candidates, false)
  if (!view.isWorthMerging(contacts, left.contacts, right.contacts)) return null
  const { endHi, endLo, endInclusive } = right.range
  return Object.freeze({
    level,
    blockFor: left.blockFor,
    range: { ...left.range, endHi, endLo, endInclusive },
    candidates,
    contacts,
    vnodeCount: left.vnodeCount + right.vnodeCount,
  })
}
