import type { ConsistencyLevel } from '../common/errors.ts'
import type { Clock, TimestampSource } from '../io/clock.ts'
import type { Random } from '../io/random.ts'
import type { Timers } from '../io/timers.ts'
import type { QueryOptions } from '../model/query-options.ts'
import type { PartitionReader, ReadCommand } from '../model/read-command.ts'
import type { StorageEngine } from '../storage/storage-engine.ts'
import type { Cluster } from './cluster.ts'
import { assureSufficientReplicas } from './consistency.ts'
import type { StatementGuard } from './guardrails.ts'
import { QueryMetrics } from './metrics.ts'
import type { QueryConfig } from './query-config.ts'
import { ringOf } from './ring-reads.ts'
import type { SchemaService } from './schema-service.ts'
import { StatementContext, TimeUuidSource } from './statement-context.ts'
import { Tracing } from './tracing.ts'
import type { VirtualTables } from './virtual-tables.ts'

/** The parts of a node that statements are executed on. */
export interface ExecutionParts {
  readonly engine: StorageEngine
  readonly schema: SchemaService
  readonly virtual: VirtualTables
  readonly clock: Clock
  readonly timers: Timers
  readonly random: Random
  readonly timestamps: TimestampSource
  readonly counterId: Uint8Array
}

/**
 * What the executors of statements share: the node's parts, the one context that serves statement after statement, and
 * what holds for the statement that is being executed now.
 */
export class ExecutionScope {
  readonly engine: StorageEngine
  readonly schema: SchemaService
  readonly virtual: VirtualTables
  readonly clock: Clock
  readonly timers: Timers
  readonly timestamps: TimestampSource
  readonly config: QueryConfig
  readonly metrics: QueryMetrics
  readonly tracing: Tracing
  /** Of the statement of an ordinary user that is being executed now. */
  guard: StatementGuard | null = null
  /** Parameters of the statement that is being executed; `begin` and `beginWrite` set them. */
  readonly context: StatementContext
  /** The server's timestamp of the write that is being executed, [hi, lo]. */
  readonly timestamp = new Int32Array(2)
  /** Opens what a command reads. */
  readonly read = (command: ReadCommand): PartitionReader =>
    command.table.isVirtual ? this.virtual.read(command) : this.engine.read(command)
  /** The ring; null where there is one node, and all is done here at once. */
  cluster: Cluster | null = null
  /** Opens what a SELECT reads of replicas; null where this node has all. Its readers may throw STARVED. */
  readReplicas: ((command: ReadCommand) => PartitionReader) | null = null

  constructor(parts: ExecutionParts, config: QueryConfig) {
    const { engine, schema, virtual, clock, timers, random, timestamps, counterId } = parts
    this.engine = engine
    this.schema = schema
    this.virtual = virtual
    this.clock = clock
    this.timers = timers
    this.timestamps = timestamps
    this.config = config
    this.metrics = new QueryMetrics([...schema.current.tables()])
    const timeUuids = new TimeUuidSource(timestamps, random)
    this.context = new StatementContext({ timeUuids, random, counterId })
    this.tracing = new Tracing({
      engine,
      schema,
      clock,
      timeUuids,
      ring: () => ringOf(this, 'system_traces'),
    })
  }

  /** Begins a statement: its values and its time. */
  begin(options: QueryOptions): StatementContext {
    const { context } = this
    context.values = options.values
    context.nowMillis = this.clock.nowMs()
    context.nowSeconds = options.nowInSeconds ?? Math.floor(context.nowMillis / 1000)
    context.row = null
    return context
  }

  /** `begin` for a write: one look at the clock gives the time and the server's timestamp. */
  beginWrite(options: QueryOptions): StatementContext {
    const { context, timestamp } = this
    const micros = this.timestamps.nextMicros()
    const high = Math.floor(micros / 0x1_0000_0000)
    timestamp[0] = high
    timestamp[1] = micros - high * 0x1_0000_0000
    context.values = options.values
    context.nowMillis = Math.floor(micros / 1000)
    context.nowSeconds = options.nowInSeconds ?? Math.floor(micros / 1_000_000)
    context.row = null
    return context
  }

  /** Throws an UnavailableError when this one node is not enough for the level. */
  checkReplicas(level: ConsistencyLevel, keyspace: string, isWrite: boolean): void {
    // The ring knows how many there are.
    if (this.cluster !== null && !this.cluster.isLocal(keyspace)) return
    const factors = this.schema.replicationFactors(keyspace)
    if (factors !== null) assureSufficientReplicas(level, factors, isWrite)
  }
}
