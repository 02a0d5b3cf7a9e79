import type { CoordinatorSchema } from './coordinator/cluster-view.ts'
import type { Endpoint } from './endpoint.ts'
import type { GossipService } from './gossip/index.ts'
import type { RingNode } from './ring/ring.ts'
import { strategyOf } from './ring/strategy.ts'
import type { RingView } from './ring-view.ts'

/** The ring as gossip has it, for hints, the batchlog and Paxos. */
export class MembershipView implements RingView {
  readonly local: RingNode
  readonly #gossip: GossipService
  readonly #schema: CoordinatorSchema

  constructor(gossip: GossipService, schema: CoordinatorSchema, local: RingNode) {
    this.local = local
    this.#gossip = gossip
    this.#schema = schema
  }

  get isJoined(): boolean {
    return this.#gossip.membership.isMember(this.local.endpoint)
  }

  get memberCount(): number {
    return this.#gossip.membership.ring.nodes.length
  }

  endpointOf(hostId: string): Endpoint | undefined {
    return this.#gossip.membership.endpointOf(hostId)
  }

  isAlive(endpoint: Endpoint): boolean {
    return this.#gossip.membership.isAlive(endpoint)
  }

  downtimeMs(endpoint: Endpoint): number {
    return this.#gossip.gossiper.downtimeMs(endpoint, this.#gossip.now())
  }

  replicas(keyspace: string, tokenHi: number, tokenLo: number): readonly RingNode[] {
    const replication = this.#schema.replicationOf(keyspace)
    if (replication === null) return []
    const { ring } = this.#gossip.membership
    const strategy = strategyOf(replication, this.local)
    const natural = ring.replicas(strategy, tokenHi, tokenLo)
    const pending = ring.pendingReplicas(strategy, tokenHi, tokenLo)
    return pending.length === 0 ? natural : [...natural, ...pending]
  }
}
