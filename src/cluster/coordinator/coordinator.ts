import type { ConsistencyLevel, WriteType } from '../../common/errors.ts'
import type { TimestampSource } from '../../io/clock.ts'
import { type MutationBuilder, updatesAt } from '../../model/mutation.ts'
import type { PartitionReader, ReadCommand } from '../../model/read-command.ts'
import type { TableMetadata } from '../../model/table.ts'
import { Verb } from '../messaging/index.ts'
import { Paxos, type PaxosOperation } from '../paxos/index.ts'
import { SerialReader } from '../paxos/serial-reader.ts'
import { LocalReads } from '../replica/local-reads.ts'
import { MutationEncoder } from '../replica/mutation-message.ts'
import type { ResponseLimits } from '../replica/read-response.ts'
import type { ReplicaMetrics } from '../replica/replica-metrics.ts'
import { ResponseHeaders } from '../replica/response-header.ts'
import type { RingNode } from '../ring/ring.ts'
import { totalFactor } from '../ring/strategy.ts'
import { currentTrace, type Traces } from '../traces.ts'
import { BatchWrites } from './batch-writes.ts'
import type { Batchlog, HintSink } from './batchlog.ts'
import type { CoordinatorParts } from './cluster-view.ts'
import { CounterWrites } from './counter-writes.ts'
import { isSerial } from './level.ts'
import { PartitionReads } from './partition-reads.ts'
import { PiecedReader } from './pieced-reader.ts'
import { type KeyspacePlans, PlanCache } from './plan-cache.ts'
import type { ReadSetting, ReadTask } from './read-attempt.ts'
import { RangeReadPlans } from './read-plan-range.ts'
import { ReadRepairs } from './read-repairs.ts'
import type { ReadListener } from './read-warnings.ts'
import { type Replicas, sameNode } from './replica-plan.ts'
import { KeySource, RangeSource } from './ring-sources.ts'
import { type LatencyQuantile, SpeculationThresholds } from './speculation.ts'
import { Truncations } from './truncation.ts'
import { Writes } from './writes.ts'

/** How a command is read of replicas: what expires does so by this coordinator's now at all of them. */
export interface CoordinatedRead {
  readonly level: ConsistencyLevel
  /** Seconds since the epoch: this coordinator's now. */
  readonly nowSeconds: number
  readonly limits: ResponseLimits
  /** On the monotonic clock. */
  readonly deadlineMs: number
  /** Hears what replicas warn of; nobody where it is not given. */
  readonly heard?: ReadListener
}

/** A conditional statement, or batch, on one partition. */
export interface CoordinatedCas<T>
  extends Pick<PaxosOperation<T>, 'table' | 'key' | 'startedMs' | 'propose'> {
  readonly levels: { readonly serial: ConsistencyLevel; readonly commit: ConsistencyLevel }
}

/** Hears how long a node took to answer a read, milliseconds: what the dynamic snitch judges by. */
export type LatencyListener = (node: RingNode, latencyMs: number) => void

/**
 * Executes the requests of this node's clients at the replicas that they concern (`StorageProxy`), and leads updates of
 * counters for other coordinators. It has no state but requests that are open and what was measured.
 */
export class Coordinator {
  /** Where it learns how long requests take. */
  latencies: LatencyQuantile = () => 0
  onLatency: LatencyListener = () => {}
  readonly #parts: CoordinatorParts
  readonly #plans: PlanCache
  readonly #writes: Writes
  readonly #counters: CounterWrites
  readonly #truncations: Truncations
  readonly #reads: PartitionReads
  #batches: BatchWrites | null = null
  #paxos: Paxos | null = null
  readonly #setting: ReadSetting
  readonly #encoder = new MutationEncoder()

  constructor(parts: CoordinatorParts) {
    this.#parts = parts
    this.#plans = new PlanCache(parts.view, parts.schema)
    this.#writes = new Writes(parts, this.#plans)
    this.#counters = new CounterWrites(parts, this.#plans, this.#writes)
    this.#truncations = new Truncations(parts)
    const { messaging, clock, timers, view, logger } = parts
    this.#setting = {
      messaging,
      clock,
      timers,
      get localNode() {
        return view.localNode
      },
      local: new LocalReads(parts),
      headers: new ResponseHeaders(),
      logger,
      onLatency: (node, latencyMs) => this.onLatency(node, latencyMs),
    }
    const { read_request_timeout_ms: readMs, write_request_timeout_ms: writeMs } = parts.timeouts
    const quantile = (): LatencyQuantile => this.latencies
    const ofReads = new SpeculationThresholds('read', readMs, readMs, quantile)
    const ofWrites = new SpeculationThresholds('write', writeMs, readMs, quantile)
    const repairs = new ReadRepairs(parts, (table) => ofWrites.delayMs(table, clock.monotonicMs()))
    this.#reads = new PartitionReads(parts, this.#setting, repairs, ofReads)
  }

  /** How this node takes part in tracing; null where it does not. */
  get traces(): Traces | null {
    return this.#parts.traces ?? null
  }

  /** Says something in the log. */
  warn(text: string): void {
    this.#parts.logger.warn(text)
  }

  /** What this node's replica counts; null where nothing is counted. */
  get replicaMetrics(): ReplicaMetrics | null {
    return this.#parts.replicaMetrics ?? null
  }

  /** Leads for other coordinators, and truncates for them, from now on. */
  listen(): void {
    const { messaging } = this.#parts
    messaging.handle(Verb.COUNTER_MUTATION_REQ, (message) => this.#counters.handle(message))
    messaging.handle(Verb.TRUNCATE_REQ, (message) => this.#truncations.handle(message))
  }

  /** Writes that do not reach a replica are kept by `hints`; without, they are lost to it until a read or a repair finds out. */
  useHints(hints: HintSink): void {
    this.#writes.hints = hints
  }

  /** Logged batches are kept in `batchlog` until they are written. `newId` gives time-based UUIDs. */
  useBatchlog(batchlog: Batchlog, newId: () => Uint8Array): void {
    this.#batches = new BatchWrites(this.#parts, this.#plans, this.#writes, batchlog, newId)
  }

  /** Conditional statements are executed from now on, and reads at SERIAL. `timestamps` are the node's. */
  usePaxos(timestamps: Pick<TimestampSource, 'nextMicros'>, contentionTimeoutMs: number): Paxos {
    const { messaging, clock, timers, random, timeouts } = this.#parts
    const paxos = new Paxos({
      messaging,
      clock,
      timers,
      random,
      timestamps,
      viewOf: (keyspace) => this.#plans.of(keyspace).view,
      hints: () => this.#writes.hints,
      timeouts: () => ({
        cas_contention_timeout_ms: contentionTimeoutMs,
        write_request_timeout_ms: timeouts.write_request_timeout_ms,
      }),
    })
    this.#paxos = paxos
    return paxos
  }

  /** See `Cluster.isLocal`. */
  isLocal(keyspace: string): boolean {
    return this.#plans.of(keyspace).isLocal
  }

  /** See `Cluster.commit`. */
  commit(): Promise<void> | null {
    return this.#parts.commits.commit()
  }

  // --- writes

  /** See `Cluster.write`. Throws an UnavailableError. */
  write(mutation: MutationBuilder, level: ConsistencyLevel, writeType: WriteType): Promise<void> | null {
    return this.#writes.write(mutation, level, writeType)
  }

  /** See `Cluster.writeLogged`. Throws an UnavailableError. */
  writeLogged(mutation: MutationBuilder, level: ConsistencyLevel): Promise<void> | null {
    return this.#batches === null
      ? this.#writes.write(mutation, level, 'BATCH')
      : this.#batches.write(mutation, level)
  }

  /** See `Cluster.addToCounters`. Throws an UnavailableError. */
  addToCounters(mutation: MutationBuilder, level: ConsistencyLevel): Promise<void> {
    return this.#counters.add(mutation, level)
  }

  /** See `Cluster.cas`. */
  cas<T>({ table, key, levels, startedMs, propose }: CoordinatedCas<T>): Promise<T> {
    return this.#needPaxos().execute({
      table,
      key,
      trace: currentTrace(this.#parts.traces),
      startedMs,
      propose,
      consistencyForPaxos: levels.serial,
      consistencyForReplayCommits: levels.commit,
      consistencyForCommit: levels.commit,
    })
  }

  #needPaxos(): Paxos {
    if (this.#paxos === null) throw new Error('Paxos is not there yet')
    return this.#paxos
  }

  /** See `Cluster.encode`. */
  encode(mutation: MutationBuilder): Uint8Array {
    mutation.finish()
    const { schema } = this.#parts
    return this.#encoder
      .encode(mutation, updatesAt(mutation), (handle) => schema.tableByHandle(handle))
      .slice()
  }

  /** See `Cluster.truncate`. */
  truncate(table: TableMetadata): Promise<void> {
    return this.#truncations.truncate(table)
  }

  // --- reads

  /** See `Cluster.read`. Throws an UnavailableError, here or where the reader comes to ranges without enough replicas. */
  read(command: ReadCommand, read: CoordinatedRead): PartitionReader {
    const plans = this.#plans.ofTable(command.table)
    if (plans.isLocal) return this.#parts.engine.read(command)
    // Ranges are read at SERIAL as at QUORUM, as in Cassandra.
    const isRound = isSerial(read.level) && command.keys !== null
    if (isRound)
      return new SerialReader(this.#needPaxos(), this, command, read, currentTrace(this.#parts.traces))
    const task: ReadTask = { ...read, command, trace: currentTrace(this.#parts.traces) }
    return command.keys === null ? this.#readRange(plans, task) : this.#readKeys(plans, task)
  }

  #readKeys(plans: KeyspacePlans, task: ReadTask): PartitionReader {
    const { command } = task
    const keys = command.keys!
    if (keys.length === 1) {
      const plan = this.#reads.plan(plans, task)
      if (this.#isHereAlone(plan.contacts)) return this.#parts.engine.read(command)
      return new PiecedReader(new KeySource(this.#reads, plans, task, [command], [plan]))
    }
    const commands = keys.map((key): ReadCommand => ({ ...command, keys: [key] }))
    const tokenPlans = commands.map((one) => this.#reads.plan(plans, { ...task, command: one }))
    if (tokenPlans.every(({ contacts }) => this.#isHereAlone(contacts))) {
      return this.#parts.engine.read(command)
    }
    return new PiecedReader(new KeySource(this.#reads, plans, task, commands, tokenPlans))
  }

  #readRange(plans: KeyspacePlans, task: ReadTask): PartitionReader {
    const { command, level } = task
    const ranges = new RangeReadPlans(plans.view, level, command.range)
    const first = ranges.next()
    const isAll = first !== null && first.vnodeCount === ranges.pieceCount
    if (isAll && this.#isHereAlone(first.contacts)) return this.#parts.engine.read(command)
    const rowsPerRange = this.#rowsPerRange(plans, command.table)
    const source = new RangeSource(this.#reads, plans, task, this.#setting, ranges, first, rowsPerRange)
    return new PiecedReader(source)
  }

  /** By what this node has, as if all had as much (`RangeCommands.estimateResultsPerRange`). */
  #rowsPerRange({ view }: KeyspacePlans, table: TableMetadata): number {
    const { engine, view: cluster } = this.#parts
    const tokens = view.ring.tokensOf(cluster.localNode.hostId).length
    const factor = totalFactor(view.strategy, view.ring)
    return engine.statistics(table).partitions / Math.max(1, tokens) / Math.max(1, factor)
  }

  #isHereAlone(contacts: Replicas): boolean {
    return contacts.length === 1 && sameNode(contacts[0]!, this.#parts.view.localNode)
  }
}
