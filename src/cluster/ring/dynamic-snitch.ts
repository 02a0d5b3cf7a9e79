/** Nearness by measured latencies (`DynamicEndpointSnitch`). */

import type { Random } from '../../io/random.ts'
import type { Endpoint } from '../endpoint.ts'
import { DecayingReservoir } from './decaying-reservoir.ts'
import type { RingNode } from './ring.ts'
import { isWorthMerging, type Snitch, sortedByProximity } from './snitch.ts'

const WINDOW_SIZE = 100
const ALPHA = 0.75
const RANGE_MERGING_PREFERENCE = 1.5

/** Settings of cassandra.yaml, times in milliseconds. */
export interface DynamicSnitchConfig {
  /** `dynamic_snitch_update_interval`: how often the owner is to call `updateScores`. */
  readonly updateInterval: number
  /** `dynamic_snitch_reset_interval`: how often the owner is to call `reset`. */
  readonly resetInterval: number
  /** `dynamic_snitch_badness_threshold`: how much worse a node must be before the static order is left. */
  readonly badnessThreshold: number
}

export const DEFAULT_DYNAMIC_SNITCH_CONFIG: DynamicSnitchConfig = Object.freeze({
  updateInterval: 100,
  resetInterval: 600_000,
  badnessThreshold: 1.0,
})

/**
 * Orders nodes by scores of their latencies where the order of another snitch is too bad. It has no timers: its owner
 * reports latencies and calls `updateScores` and `reset` at their intervals.
 */
export class DynamicSnitch {
  readonly snitch: Snitch
  readonly config: DynamicSnitchConfig
  readonly #random: Random
  readonly #samples = new Map<string, DecayingReservoir>()
  #scores: ReadonlyMap<string, number> = new Map()
  #severityOf: (endpointText: string) => number = () => 0

  constructor(snitch: Snitch, random: Random, config: DynamicSnitchConfig = DEFAULT_DYNAMIC_SNITCH_CONFIG) {
    this.snitch = snitch
    this.config = config
    this.#random = random
  }

  /** Takes a latency in milliseconds, of which only whole ones count, as in Cassandra; a timeout counts as its time. */
  receiveTiming(endpoint: Endpoint, latencyMs: number, now: number): void {
    let sample = this.#samples.get(endpoint.text)
    if (sample === undefined) {
      sample = new DecayingReservoir(WINDOW_SIZE, ALPHA, this.#random, now)
      this.#samples.set(endpoint.text, sample)
    }
    sample.add(Math.trunc(latencyMs), now)
  }

  /**
   * Computes the scores: the median latency of each node by that of the slowest (and by 1 ms at least), and its
   * severity, which operators can give a node in gossip.
   */
  updateScores(severityOf: (endpointText: string) => number = () => 0): void {
    const medians = new Map([...this.#samples].map(([text, sample]) => [text, sample.median()]))
    const slowest = Math.max(1, ...medians.values())
    this.#scores = new Map([...medians].map(([text, median]) => [text, median / slowest + severityOf(text)]))
    this.#severityOf = severityOf
  }

  /** Forgets the latencies, so that a node that was bad gets another chance; the scores stay until the next update. */
  reset(): void {
    this.#samples.clear()
  }

  /** The scores of the last update by the texts of endpoints; the least is the best. */
  get scores(): ReadonlyMap<string, number> {
    return this.#scores
  }

  #score(node: RingNode): number {
    const { text } = node.endpoint
    return this.#scores.get(text) ?? this.#severityOf(text)
  }

  /**
   * Nodes, the one to ask first at the front. With a threshold it is the order of the other snitch unless the score at some
   * place of it is worse, by more than the threshold's part, than the score that would be there in the order of scores.
   */
  sortedByProximity(from: Endpoint, nodes: readonly RingNode[]): readonly RingNode[] {
    const threshold = this.config.badnessThreshold
    if (threshold === 0) return this.#sortedByScore(from, nodes)
    if (nodes.length < 2) return nodes
    const near = sortedByProximity(this.snitch, from, nodes)
    const scores = near.map((node) => this.#score(node))
    const sorted = scores.toSorted((a, b) => a - b)
    const isBad = scores.some((score, i) => score > sorted[i]! * (1 + threshold))
    return isBad ? this.#sortedByScore(from, near) : near
  }

  #sortedByScore(from: Endpoint, nodes: readonly RingNode[]): readonly RingNode[] {
    return nodes.toSorted(
      (a, b) => this.#score(a) - this.#score(b) || this.snitch.compare(from, a.endpoint, b.endpoint),
    )
  }

  /** Whether two range reads are better made as one (`isWorthMergingForRangeQuery`). */
  isWorthMerging(
    localDataCenter: string,
    merged: readonly RingNode[],
    first: readonly RingNode[],
    second: readonly RingNode[],
  ): boolean {
    if (!isWorthMerging(this.snitch, localDataCenter, merged, first, second)) return false
    if (first.length === 1 && second.length === 1 && first[0]!.hostId === second[0]!.hostId) return true
    const [all, one, other] = [this.#worst(merged), this.#worst(first), this.#worst(second)]
    if (all < 0 || one < 0 || other < 0) return true
    return all <= (one + other) * RANGE_MERGING_PREFERENCE
  }

  /** The greatest score of some nodes; -1 where none has one. */
  #worst(nodes: readonly RingNode[]): number {
    return Math.max(-1, ...nodes.map((node) => this.#scores.get(node.endpoint.text) ?? -1))
  }
}
