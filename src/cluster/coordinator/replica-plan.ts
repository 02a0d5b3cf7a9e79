/** Who is asked, and how many have to answer: plans as immutable values (`ReplicaPlan`). */

import type { ConsistencyLevel } from '../../common/errors.ts'
import type { TokenRange } from '../../model/read-command.ts'
import type { RingNode } from '../ring/ring.ts'
import type { Replication } from './level.ts'

/** Nodes in an order that matters; nobody writes to it. */
export type Replicas = readonly RingNode[]

/**
 * What plans are made from: how a keyspace is replicated, and what this node knows of the others. The functions are to
 * answer alike while a plan is made.
 */
export interface PlanView extends Replication {
  /** This node itself is always alive. */
  readonly isAlive: (node: RingNode) => boolean
  /** Nodes, the one to ask first at the front; seen from this node. */
  readonly sortedByProximity: (nodes: Replicas) => Replicas
  /** Whether two range reads that follow each other are better made as one, given who would be asked. */
  readonly isWorthMerging: (merged: Replicas, first: Replicas, second: Replicas) => boolean
}

/** Who is written to (`ReplicaPlan.ForWrite`). */
export interface WriteReplicaPlan {
  readonly level: ConsistencyLevel
  /** Will be replicas when what is under way is done; those that are down too. */
  readonly pending: Replicas
  /** Natural replicas in the order of the ring, then pending ones. */
  readonly liveAndDown: Replicas
  readonly live: Replicas
  /** Who gets the write, or a hint where it is down. */
  readonly contacts: Replicas
  /** How many acknowledgements are waited for (`writeQuorum`). */
  readonly blockFor: number
  /** How many of these in each data centre, where that is asked for: EACH_QUORUM with NetworkTopologyStrategy. */
  readonly blockForByDataCenter: ReadonlyMap<string, number> | null
  /** The only data centre whose answers count: that of the coordinator for LOCAL_ levels. */
  readonly countedDataCenter: string | null
  /** How many could give an answer that counts, down ones among them (`candidateReplicaCount`). */
  readonly candidateCount: number
}

/** When another replica is asked for the sake of speed. */
export type Speculation =
  /** `speculative_retry` of NEVER. */
  | 'NEVER'
  /** One more than needed, from the start. */
  | 'ALWAYS'
  /** When an answer takes longer than a percentile or a time. */
  | 'LATE'

interface ReadPlan {
  readonly level: ConsistencyLevel
  /** How many have to answer (`readQuorum`). */
  readonly blockFor: number
  /** Live replicas that may be asked, the nearest first. */
  readonly candidates: Replicas
  readonly contacts: Replicas
}

/** Who is asked for partitions (`ReplicaPlan.ForTokenRead`, and who is asked what of `AbstractReadExecutor`). */
export interface TokenReadPlan extends ReadPlan {
  /** The first ones of `contacts`: these are asked for data. */
  readonly dataContacts: Replicas
  /** The rest of `contacts`: these are asked for digests. */
  readonly digestContacts: Replicas
  /** Whether to ask `firstUncontacted` too when an answer is late. */
  readonly speculates: boolean
}

/** Who is asked for a range of tokens (`ReplicaPlan.ForRangeRead`); all of `contacts` are asked for data. */
export interface RangeReadPlan extends ReadPlan {
  readonly range: TokenRange
  /** Of how many pieces it was made. */
  readonly vnodeCount: number
}

/** Who agrees on a Paxos round (`ReplicaPlan.ForPaxosWrite`). */
export interface PaxosPlan {
  /** SERIAL or LOCAL_SERIAL. */
  readonly level: ConsistencyLevel
  readonly pending: Replicas
  /** All replicas that count, pending ones among them, down ones too. */
  readonly liveAndDown: Replicas
  /** Those that are alive: all of them take part (`contacts`). */
  readonly contacts: Replicas
  /** How many have to promise and to accept (`requiredParticipants`). */
  readonly required: number
}

/** Whether two are the same node: an endpoint has one node at a time. */
export function sameNode(a: RingNode, b: RingNode): boolean {
  return a === b || a.endpoint.text === b.endpoint.text
}

export function includesNode(nodes: Replicas, wanted: RingNode): boolean {
  for (const node of nodes) if (sameNode(node, wanted)) return true
  return false
}
