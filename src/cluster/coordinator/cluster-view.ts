/** What a coordinator knows and works with. */

import type { Clock } from '../../io/clock.ts'
import type { Random } from '../../io/random.ts'
import type { Timers } from '../../io/timers.ts'
import type { TableMetadata } from '../../model/table.ts'
import type { StorageEngine } from '../../storage/storage-engine.ts'
import type { MessagingService } from '../messaging/index.ts'
import type { LocalCommits } from '../replica/local-commits.ts'
import type { ReadThresholdsAtReplica } from '../replica/read-thresholds.ts'
import type { ReplicaMetrics } from '../replica/replica-metrics.ts'
import type { Ring, RingNode } from '../ring/ring.ts'
import type { Traces } from '../traces.ts'
import type { Replicas } from './replica-plan.ts'

/** The ring and its members as this node sees them now. */
export interface ClusterView {
  /** This node. */
  readonly localNode: RingNode
  /**
   * Another number whenever `ring`, `isAlive` or `sortedByProximity` answer otherwise than before: plans are kept as long as it
   * is the same.
   */
  readonly epoch: number
  ring(): Ring
  /** This node itself is always alive. */
  isAlive(node: RingNode): boolean
  /** Whether a node serves clients: one that does not leads no counters. */
  isRpcReady(node: RingNode): boolean
  /** Nodes, the one to ask first at the front; seen from this node. */
  sortedByProximity(nodes: Replicas): Replicas
  /** Whether two range reads that follow each other are better made as one, given who would be asked. */
  isWorthMerging(merged: Replicas, first: Replicas, second: Replicas): boolean
}

/** How long requests may take, in milliseconds, by cassandra.yaml's names. */
export interface RequestTimeouts {
  readonly read_request_timeout_ms: number
  readonly range_request_timeout_ms: number
  readonly write_request_timeout_ms: number
  readonly counter_write_request_timeout_ms: number
  readonly truncate_request_timeout_ms: number
}

/** Cassandra's defaults. */
export const DEFAULT_REQUEST_TIMEOUTS: RequestTimeouts = {
  read_request_timeout_ms: 5_000,
  range_request_timeout_ms: 10_000,
  write_request_timeout_ms: 2_000,
  counter_write_request_timeout_ms: 5_000,
  truncate_request_timeout_ms: 60_000,
}

/** The schema as far as a coordinator needs it, as it is at the moment of the call. */
export interface CoordinatorSchema {
  /** The `replication` of a keyspace, the same object as long as it is not altered; null where there is no such keyspace. */
  replicationOf(keyspace: string): ReadonlyMap<string, string> | null
  tableById(id: string): TableMetadata | null
  /** Throws where there is none. */
  tableByHandle(handle: number): TableMetadata
}

/** What a coordinator is made of. */
export interface CoordinatorParts {
  readonly messaging: MessagingService
  readonly engine: StorageEngine
  readonly commits: LocalCommits
  readonly view: ClusterView
  readonly schema: CoordinatorSchema
  readonly clock: Clock
  readonly timers: Timers
  readonly random: Random
  readonly timeouts: RequestTimeouts
  readonly thresholds: ReadThresholdsAtReplica
  /** 16 bytes that name this node's shards of counters. */
  readonly counterId: Uint8Array
  readonly logger: { warn(text: string): void; error(text: string): void }
  /** The replica's, too; without, requests are not traced beyond this node. */
  readonly traces?: Traces
  /** Without, nothing is counted. */
  readonly replicaMetrics?: ReplicaMetrics
}
