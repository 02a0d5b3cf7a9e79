import { ConfigurationError } from '../common/errors.ts'
import type { Logger } from '../common/logger.ts'
import type { Clock } from '../io/clock.ts'
import type { Random } from '../io/random.ts'
import type { TimerHandle, Timers } from '../io/timers.ts'
import type { ClusterView } from './coordinator/cluster-view.ts'
import type { Replicas } from './coordinator/replica-plan.ts'
import type { Membership } from './gossip/index.ts'
import { DynamicSnitch, type DynamicSnitchConfig } from './ring/dynamic-snitch.ts'
import type { Ring, RingNode } from './ring/ring.ts'
import { isWorthMerging, type Snitch, sortedByProximity } from './ring/snitch.ts'

interface MemberViewPorts {
  readonly clock: Clock
  readonly timers: Timers
  readonly random: Random
  readonly logger: Logger
}

/** How often files of the snitch are looked at, milliseconds (`DEFAULT_REFRESH_PERIOD_IN_SECONDS`). */
const REFRESH_MS = 5_000

/** The ring as gossip has it and nodes as the snitch has them, for this node's coordinator. */
export class MemberView implements ClusterView {
  readonly localNode: RingNode
  epoch = 0
  readonly #membership: Membership
  readonly #snitch: Snitch
  readonly #dynamic: DynamicSnitch | null
  readonly #clock: Clock
  readonly #timers: Timers
  readonly #logger: Logger
  /** Of what is done from time to time. */
  readonly #timerOf = new Map<() => void, TimerHandle>()
  #resetAtMs = 0
  /** In which order nodes were asked when the scores were last computed. */
  #order = ''

  /** @param dynamic how nearness is measured; null where the snitch alone says it (`dynamic_snitch: false`) */
  constructor(
    membership: Membership,
    snitch: Snitch,
    dynamic: DynamicSnitchConfig | null,
    { clock, timers, random, logger }: MemberViewPorts,
  ) {
    const { endpoint, hostId, dataCenter, rack } = membership.local
    this.localNode = Object.freeze({ endpoint, hostId, dataCenter, rack })
    this.#membership = membership
    this.#snitch = snitch
    this.#dynamic = dynamic === null ? null : new DynamicSnitch(snitch, random, dynamic)
    this.#clock = clock
    this.#timers = timers
    this.#logger = logger
    membership.subscribe(({ kind }) => {
      if (kind === 'alive' || kind === 'dead' || kind === 'ring') this.epoch++
    })
  }

  ring(): Ring {
    return this.#membership.ring
  }

  isAlive({ endpoint }: RingNode): boolean {
    return this.#membership.isAlive(endpoint)
  }

  isRpcReady({ endpoint }: RingNode): boolean {
    return this.#membership.isRpcReady(endpoint)
  }

  sortedByProximity(nodes: Replicas): Replicas {
    const { endpoint } = this.localNode
    return this.#dynamic === null
      ? sortedByProximity(this.#snitch, endpoint, nodes)
      : this.#dynamic.sortedByProximity(endpoint, nodes)
  }

  isWorthMerging(merged: Replicas, first: Replicas, second: Replicas): boolean {
    const { dataCenter } = this.localNode
    return this.#dynamic === null
      ? isWorthMerging(this.#snitch, dataCenter, merged, first, second)
      : this.#dynamic.isWorthMerging(dataCenter, merged, first, second)
  }

  /** Scores of the last update by the texts of endpoints; null without a dynamic snitch. */
  get scores(): ReadonlyMap<string, number> | null {
    return this.#dynamic?.scores ?? null
  }

  /** A node took so long to answer a read. */
  onLatency({ endpoint }: RingNode, latencyMs: number): void {
    this.#dynamic?.receiveTiming(endpoint, latencyMs, this.#clock.monotonicMs())
  }

  /** Computes the scores and looks at the snitch's files from time to time, until `stop`. */
  start(): void {
    if (this.#snitch.refresh !== undefined) this.#every(REFRESH_MS, () => this.#refresh())
    const dynamic = this.#dynamic
    if (dynamic === null) return
    this.#resetAtMs = this.#clock.monotonicMs() + dynamic.config.resetInterval
    this.#every(dynamic.config.updateInterval, () => this.#update(dynamic))
  }

  stop(): void {
    for (const timer of this.#timerOf.values()) this.#timers.clearTimeout(timer)
    this.#timerOf.clear()
  }

  #every(intervalMs: number, work: () => void): void {
    const again = (): void => {
      work()
      this.#every(intervalMs, work)
    }
    this.#timerOf.set(work, this.#timers.setTimeout(again, intervalMs, { unref: true }))
  }

  #refresh(): void {
    try {
      const live = [this.localNode.endpoint, ...this.#membership.liveTokenOwners]
      if (this.#snitch.refresh!(live)) this.epoch++
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error
      this.#logger.error(error.message)
    }
  }

  #update(dynamic: DynamicSnitch): void {
    if (this.#clock.monotonicMs() >= this.#resetAtMs) {
      dynamic.reset()
      this.#resetAtMs += dynamic.config.resetInterval
    }
    dynamic.updateScores()
    const order = this.#orderNow()
    if (order === this.#order) return
    this.#order = order
    this.epoch++
  }

  /** The order of all nodes, and of each two, from which that of a few follows. */
  #orderNow(): string {
    const { nodes } = this.ring()
    const parts = [this.sortedByProximity(nodes).map((node) => nodes.indexOf(node))]
    for (let i = 0; i < nodes.length; i++) {
      for (let k = i + 1; k < nodes.length; k++) {
        if (this.sortedByProximity([nodes[i]!, nodes[k]!])[0] === nodes[k]) parts.push([i, k])
      }
    }
    return JSON.stringify(parts)
  }
}
