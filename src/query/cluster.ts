import type { CoordinatedRead } from '../cluster/coordinator/coordinator.ts'
import type { LatencyQuantile } from '../cluster/coordinator/speculation.ts'
import type { ReplicaMetrics } from '../cluster/replica/replica-metrics.ts'
import type { Traces } from '../cluster/traces.ts'
import type { ConsistencyLevel, WriteType } from '../common/errors.ts'
import type { MutationBuilder } from '../model/mutation.ts'
import type { DecoratedKey, PartitionReader, ReadCommand } from '../model/read-command.ts'
import type { TableMetadata } from '../model/table.ts'

/** A conditional statement, or batch, on one partition. */
export interface RingCas<T> {
  readonly table: TableMetadata
  readonly key: DecoratedKey
  /** Among whom it is agreed, and how many have to have it in the end. */
  readonly levels: { readonly serial: ConsistencyLevel; readonly commit: ConsistencyLevel }
  /** When the request came, on the monotonic clock. */
  readonly startedMs: number
  /**
   * Reads and says what to write: `Cluster.encode`d, with that timestamp in microseconds; of no bytes where conditions are not met.
   * Called again where others came before.
   */
  propose(micros: number): Promise<{ readonly update: Uint8Array; readonly result: T }>
}

/**
 * The ring as the executors of statements know it (`StorageProxy`); the coordinator of src/cluster is one. Where there is one
 * node there is none of it, and nothing is a promise.
 *
 * What throws an UnavailableError does so before anything is sent. Promises are rejected with CqlErrors.
 */
export interface Cluster {
  /**
   * Whether this node has a keyspace alone, as its own (LocalStrategy) or because there are no others: its tables are read and
   * written as where there is no ring.
   */
  isLocal(keyspace: string): boolean
  /**
   * Writes a mutation to the replicas of its partitions, each partition for itself. Null where this node is the only replica
   * and nothing has been done: it is to be applied here, and is committed with the turn. The mutation is encoded before this
   * returns, so that its builder can be used again.
   */
  write(mutation: MutationBuilder, level: ConsistencyLevel, writeType: WriteType): Promise<void> | null
  /** The same for the mutation of a logged batch of several partitions, which is kept in the batchlog until it is written. */
  writeLogged(mutation: MutationBuilder, level: ConsistencyLevel): Promise<void> | null
  /**
   * Adds to counters: the cells of the mutation are what is to be added, in 8 bytes, and a replica of each partition makes
   * shards of them.
   */
  addToCounters(mutation: MutationBuilder, level: ConsistencyLevel): Promise<void>
  /**
   * What the replicas have of a command. Where the reader has no `fill`, this node alone is asked; else rows have to be waited
   * for before the first one.
   */
  read(command: ReadCommand, read: CoordinatedRead): PartitionReader
  /**
   * Agrees with the replicas on what a conditional statement does, and gives the result of what was agreed on. Rejects with an
   * UnavailableError, a WriteTimeoutError or a CasWriteUnknownError, and with what `propose` rejects with.
   */
  cas<T>(operation: RingCas<T>): Promise<T>
  /** The bytes of a finished mutation of one partition, which are the caller's. */
  encode(mutation: MutationBuilder): Uint8Array
  /** Truncates a table at all nodes. Rejects with a TruncateError. */
  truncate(table: TableMetadata): Promise<void>
  /** As `StorageEngine.commit`, at the end of a turn: whoever waits for what this node applied is told too. */
  commit(): Promise<void> | null
  /** Where the coordinator learns how long requests take, which tells when to ask another replica. */
  latencies: LatencyQuantile
  /** How this node takes part in tracing. */
  readonly traces: Traces | null
  /** Says something in the log. */
  warn(text: string): void
  /** What this node's replica counts. */
  readonly replicaMetrics: ReplicaMetrics | null
}
