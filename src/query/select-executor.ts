import type { ConsistencyLevel } from '../common/errors.ts'
import { shortCopy } from '../common/short-copy.ts'
import {
  type BoundSelect,
  bindSelect,
  type PreparedSelect,
  ReadAbortedError,
  type ReadObserver,
  RowsWriter,
  SelectExecution,
} from '../cql/select/index.ts'
import { nextTurn } from '../io/timers.ts'
import type { PreparedRef, QueryOptions } from '../model/query-options.ts'
import type { QueryResult } from '../model/query-result.ts'
import { STARVED } from '../model/read-command.ts'
import type { TableMetadata } from '../model/table.ts'
import { validateForRead } from './consistency.ts'
import type { ExecutionScope } from './execution-scope.ts'
import { SampledRead, type TableMetrics } from './metrics.ts'
import type { PreparedStatement } from './prepared-statements.ts'
import type { ClientState } from './query-handler.ts'
import {
  diskReadFailure,
  READ_SIZE,
  READ_TOO_MANY_TOMBSTONES,
  ReadDeadline,
  readFailure,
} from './read-deadline.ts'
import { KeyspaceThresholds } from './read-thresholds.ts'
import { RingReading, ringOf } from './ring-reads.ts'
import { RunningQueries, type RunningQuery } from './running-queries.ts'
import { TracedReads } from './tracing.ts'

/** When a SELECT began and when its reading did; for how many reads its times stand, if they are taken. */
interface ReadTimes {
  readonly startedMs: number
  readonly readingMs: number
  readonly timed: number
  readonly isScan: boolean
}

/** A SELECT gives way to other work after so many milliseconds. */
const SLICE_MS = 5

const NEVER = (): boolean => false

/** Executes SELECTs: at once as far as their time goes, then in later turns (`SelectStatement.execute`). */
export class SelectExecutor {
  readonly running = new RunningQueries()
  readonly #scope: ExecutionScope
  readonly #thresholds: KeyspaceThresholds
  #rows = new RowsWriter()
  /** When the slice of time began; 0 until the first look at the clock, which a SELECT of a few rows does without. */
  #sliceStart = 0
  readonly #shouldYield = (): boolean => {
    const now = this.#scope.clock.monotonicMs()
    if (this.#sliceStart === 0) this.#sliceStart = now
    return now - this.#sliceStart > SLICE_MS
  }

  constructor(scope: ExecutionScope) {
    this.#scope = scope
    this.#thresholds = new KeyspaceThresholds(scope.config)
  }

  /**
   * The rows; a promise of them where reading takes longer. `ref` is null for a statement that came as text. Throws
   * CqlErrors.
   */
  execute(
    prepared: PreparedSelect,
    options: QueryOptions,
    statement: PreparedStatement,
    ref: PreparedRef | null,
    state: ClientState,
  ): QueryResult | Promise<QueryResult> {
    validateForRead(options.consistency)
    const { table } = prepared
    if (table.isVirtual) return this.#executeVirtual(prepared, options, statement, ref, state)
    const scope = this.#scope
    const { clock, guard } = scope
    guard?.select(prepared, options.consistency)
    scope.checkReplicas(options.consistency, table.keyspace, false)
    const context = scope.begin(options)
    const metrics = scope.metrics.of(table)
    const isScan = prepared.restrictions.isKeyRange
    let startedMs = metrics.isNextTimed(isScan) ? clock.monotonicMs() : 0
    this.#sliceStart = startedMs
    guard?.read(prepared, context)
    const bound = bindSelect(prepared, context, options, context.nowSeconds)
    guard?.page(bound)
    const reads = isScan ? 1 : readsOf(bound)
    const reading = scope.cluster === null ? null : this.#ringReading(bound, options, metrics, reads)
    const timed =
      reading?.waits === true
        ? metrics.beginCoordinatedRead(isScan, reads, context.nowMillis)
        : metrics.beginRead(isScan, reads, context.nowMillis)
    const readingMs = timed === 0 ? 0 : clock.monotonicMs()
    if (startedMs === 0) startedMs = readingMs
    const trace = scope.tracing.session
    let observer: ReadObserver | null = timed === 0 ? null : new SampledRead(metrics, timed / reads)
    if (trace !== null && reads > 0) {
      const { range } = bound.commands.at(-1)!
      const { sstables } = scope.engine.storeOf(table)
      const inRange = isScan ? sstables.filter((sstable) => sstable.isInRange(range)).length : 0
      observer = new TracedReads(trace, observer, bound.commands, isScan, inRange)
    }
    let open = scope.readReplicas ?? scope.read
    if (reading !== null) {
      if (reading.waits) {
        const times = { startedMs: startedMs || clock.monotonicMs(), readingMs, timed, isScan }
        return this.#executeInRing(reading, bound, options, statement, ref, state, times)
      }
      open = reading.open
    }
    this.#rows.reset()
    const thresholds = this.#thresholds.of(table.keyspace)
    const execution = new SelectExecution(bound, open, this.#rows, thresholds, observer)
    let isStarved = false
    try {
      if (execution.run(this.#shouldYield)) {
        if (timed > 0) {
          const endedMs = clock.monotonicMs()
          metrics.endRead(isScan, endedMs - startedMs, endedMs - readingMs, context.nowMillis, timed)
        }
        return execution.result()
      }
    } catch (error) {
      if (error !== STARVED) {
        execution.close()
        throw this.#readFailure(error, options.consistency, table)
      }
      isStarved = true
    }
    if (startedMs === 0) startedMs = this.#sliceStart || clock.monotonicMs()
    const receivedMs = state.receivedMs ?? startedMs
    const running = this.running.suspend({ receivedMs, startedMs }, statement, options, ref)
    const times = { startedMs, readingMs, timed, isScan }
    const deadline = new ReadDeadline(bound, scope.config, receivedMs, startedMs)
    return this.#executeLater(
      execution,
      table,
      options.consistency,
      metrics,
      times,
      running,
      deadline,
      isStarved,
    )
  }

  /** How replicas are read, where there are any but this node. Throws an UnavailableError, which counts as a request. */
  #ringReading(
    bound: BoundSelect,
    options: QueryOptions,
    metrics: TableMetrics,
    reads: number,
  ): RingReading | null {
    const scope = this.#scope
    const ring = ringOf(scope, bound.prepared.table.keyspace)
    if (ring === null) return null
    try {
      return new RingReading(scope, ring, bound, options)
    } catch (error) {
      metrics.beginCoordinatedRead(bound.pager === 'range', reads, scope.context.nowMillis)
      throw error
    }
  }

  /**
   * Waits for the first rows of replicas, which mostly are all; then there is nothing left to wait for. Replicas look themselves
   * at how much of what is dead they read.
   */
  async #executeInRing(
    reading: RingReading,
    bound: BoundSelect,
    options: QueryOptions,
    statement: PreparedStatement,
    ref: PreparedRef | null,
    state: ClientState,
    times: ReadTimes,
  ): Promise<QueryResult> {
    const { table } = bound.prepared
    const { clock, metrics } = this.#scope
    const { startedMs, timed, isScan } = times
    const ofTable = metrics.of(table)
    const { consistency } = options
    try {
      await reading.fill()
    } catch (error) {
      reading.close()
      throw reading.report.failure(this.#readFailure(error, consistency, table), [], 0)
    }
    this.#rows.reset()
    this.#sliceStart = 0
    const thresholds = this.#thresholds.ofMerged(table.keyspace)
    const { open, report } = reading
    const execution = new SelectExecution(bound, open, this.#rows, thresholds, null, report)
    let isDone: boolean | typeof STARVED
    try {
      isDone = this.#goOn(execution)
    } catch (error) {
      execution.close()
      throw report.failure(
        this.#readFailure(error, consistency, table),
        execution.warnings,
        execution.rowCount,
      )
    }
    if (isDone === true) {
      if (timed > 0) {
        const endedMs = clock.monotonicMs()
        ofTable.endCoordinatedRead(isScan, endedMs - startedMs, clock.nowMs(), timed)
      }
      const result = execution.result()
      // Other statements may write theirs before this answer is sent.
      return { ...result, content: shortCopy(result.content) }
    }
    const receivedMs = state.receivedMs ?? startedMs
    const running = this.running.suspend({ receivedMs, startedMs }, statement, options, ref)
    const isStarved = isDone === STARVED
    return this.#executeLater(execution, table, consistency, ofTable, times, running, reading, isStarved)
  }

  /** Suspends a SELECT and goes on with it in later turns, on what the first one saw. */
  async #executeLater(
    execution: SelectExecution,
    table: TableMetadata,
    consistency: ConsistencyLevel,
    metrics: TableMetrics,
    { startedMs, readingMs, timed, isScan }: ReadTimes,
    running: RunningQuery,
    waiting: ReadDeadline | RingReading,
    isStarved: boolean,
  ): Promise<QueryResult> {
    const { clock, timers, schema } = this.#scope
    // Replicas look at the time themselves.
    const [deadline, reading] = waiting instanceof RingReading ? [null, waiting] : [waiting, null]
    // What was written so far stays this statement's; the next ones write elsewhere.
    this.#rows = new RowsWriter()
    execution.reader?.suspend()
    try {
      for (;;) {
        if (isStarved) await execution.reader!.fill!()
        else await nextTurn(timers)
        this.#sliceStart = clock.monotonicMs()
        deadline?.check(this.#sliceStart, consistency, schema.system.listenAddress)
        const isDone = this.#goOn(execution)
        isStarved = isDone === STARVED
        if (isDone === true) {
          if (timed > 0) {
            const endedMs = clock.monotonicMs()
            if (reading !== null)
              metrics.endCoordinatedRead(isScan, endedMs - startedMs, clock.nowMs(), timed)
            else metrics.endRead(isScan, endedMs - startedMs, endedMs - readingMs, clock.nowMs(), timed)
          }
          return execution.result()
        }
        execution.reader?.suspend()
      }
    } catch (error) {
      const failure = this.#readFailure(error, consistency, table)
      if (reading === null) throw failure
      throw reading.report.failure(failure, execution.warnings, execution.rowCount)
    } finally {
      this.running.end(running)
      execution.close()
    }
  }

  /** Whether it is done, or STARVED. */
  #goOn(execution: SelectExecution): boolean | typeof STARVED {
    try {
      return execution.run(this.#shouldYield)
    } catch (error) {
      if (error === STARVED) return STARVED
      throw error
    }
  }

  /** A virtual table is read in one turn: its rows are of one moment. It may show the statement that asks. */
  #executeVirtual(
    prepared: PreparedSelect,
    options: QueryOptions,
    statement: PreparedStatement,
    ref: PreparedRef | null,
    state: ClientState,
  ): QueryResult {
    const scope = this.#scope
    const context = scope.begin(options)
    const bound = bindSelect(prepared, context, options, context.nowSeconds)
    this.#rows.reset()
    const thresholds = this.#thresholds.of(prepared.table.keyspace)
    const execution = new SelectExecution(bound, scope.read, this.#rows, thresholds)
    const startedMs = scope.clock.monotonicMs()
    this.running.enter({ receivedMs: state.receivedMs ?? startedMs, startedMs }, statement, options, ref)
    try {
      execution.run(NEVER)
      return execution.result()
    } catch (error) {
      throw this.#readFailure(error, options.consistency, prepared.table)
    } finally {
      this.running.leave()
      execution.close()
    }
  }

  /** What a client is told when this node, the only replica, gave a read up. */
  #readFailure(error: unknown, consistency: ConsistencyLevel, table: TableMetadata): unknown {
    const { schema, engine } = this.#scope
    const node = schema.system.listenAddress
    if (!(error instanceof ReadAbortedError)) {
      return diskReadFailure(engine, error, table, consistency, node) ?? error
    }
    const { reason, message, dataPresent, warnings } = error
    const code = reason === 'READ_SIZE' ? READ_SIZE : READ_TOO_MANY_TOMBSTONES
    const failure = readFailure(`${message}: ${reason}`, code, consistency, node, dataPresent)
    failure.warnings = warnings
    return failure
  }
}

/** How many partitions a SELECT by key reads. */
function readsOf({ commands }: BoundSelect): number {
  if (commands.length === 1) return commands[0]!.keys?.length ?? 0
  let reads = 0
  for (const { keys } of commands) reads += keys?.length ?? 0
  return reads
}
