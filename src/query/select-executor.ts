import { type ConsistencyLevel, ReadFailureError } from '../common/errors.ts'
import {
  type BoundSelect,
  bindSelect,
  type PreparedSelect,
  type ReadObserver,
  RowsWriter,
  SelectExecution,
  TombstoneOverwhelmingError,
  type TombstoneThresholds,
} from '../cql/select/index.ts'
import { nextTurn } from '../io/timers.ts'
import type { PreparedRef, QueryOptions } from '../model/query-options.ts'
import type { QueryResult } from '../model/query-result.ts'
import { isLocalSystemKeyspace } from '../schema/names.ts'
import { validateForRead } from './consistency.ts'
import type { ExecutionScope } from './execution-scope.ts'
import { SampledRead, type TableMetrics } from './metrics.ts'
import type { PreparedStatement } from './prepared-statements.ts'
import { RunningQueries, type RunningQuery } from './running-queries.ts'
import { TracedReads } from './tracing.ts'

/** When a SELECT began and when its reading did; for how many reads its times stand, if they are taken. */
interface ReadTimes {
  readonly startedMs: number
  readonly readingMs: number
  readonly timed: number
  readonly isScan: boolean
}

/** `RequestFailureReason.READ_TOO_MANY_TOMBSTONES`. */
const READ_TOO_MANY_TOMBSTONES = 1

/** A SELECT gives way to other work after so many milliseconds. */
const SLICE_MS = 5

const NEVER = (): boolean => false

/** Executes SELECTs: at once as far as their time goes, then in later turns (`SelectStatement.execute`). */
export class SelectExecutor {
  readonly running = new RunningQueries()
  readonly #scope: ExecutionScope
  readonly #tombstones: TombstoneThresholds
  #rows = new RowsWriter()
  #sliceStart = 0
  readonly #shouldYield = (): boolean => this.#scope.clock.monotonicMs() - this.#sliceStart > SLICE_MS

  constructor(scope: ExecutionScope) {
    this.#scope = scope
    this.#tombstones = {
      warn: scope.config.tombstone_warn_threshold,
      fail: scope.config.tombstone_failure_threshold,
    }
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
  ): QueryResult | Promise<QueryResult> {
    validateForRead(options.consistency)
    const { table } = prepared
    if (table.isVirtual) return this.#executeVirtual(prepared, options, statement, ref)
    const scope = this.#scope
    const { clock, guard } = scope
    guard?.select(prepared, options.consistency)
    scope.checkReplicas(options.consistency, table.keyspace, false)
    const context = scope.begin(options)
    const startedMs = clock.monotonicMs()
    this.#sliceStart = startedMs
    guard?.read(prepared, context)
    const bound = bindSelect(prepared, context, options, context.nowSeconds)
    guard?.page(bound)
    const metrics = scope.metrics.of(table)
    const isScan = bound.pager === 'range'
    const reads = isScan ? 1 : readsOf(bound)
    const timed = metrics.beginRead(isScan, reads, context.nowMillis)
    const readingMs = timed === 0 ? 0 : clock.monotonicMs()
    const trace = scope.tracing.session
    let observer: ReadObserver | null = timed === 0 ? null : new SampledRead(metrics, timed / reads)
    if (trace !== null && reads > 0) observer = new TracedReads(trace, observer, bound.commands, isScan)
    this.#rows.reset()
    const thresholds = isLocalSystemKeyspace(table.keyspace) ? undefined : this.#tombstones
    const execution = new SelectExecution(bound, scope.read, this.#rows, thresholds, observer)
    try {
      if (execution.run(this.#shouldYield)) {
        if (timed > 0) {
          const endedMs = clock.monotonicMs()
          metrics.endRead(isScan, endedMs - startedMs, endedMs - readingMs, context.nowMillis, timed)
        }
        return execution.result()
      }
    } catch (error) {
      execution.close()
      throw this.#readFailure(error, options.consistency)
    }
    const running = this.running.suspend(startedMs, statement, options, ref)
    const times = { startedMs, readingMs, timed, isScan }
    return this.#executeLater(execution, options.consistency, metrics, times, running)
  }

  /** Suspends a SELECT and goes on with it in later turns, on what the first one saw. */
  async #executeLater(
    execution: SelectExecution,
    consistency: ConsistencyLevel,
    metrics: TableMetrics,
    { startedMs, readingMs, timed, isScan }: ReadTimes,
    running: RunningQuery,
  ): Promise<QueryResult> {
    const { clock, timers } = this.#scope
    // What was written so far stays this statement's; the next ones write elsewhere.
    this.#rows = new RowsWriter()
    execution.reader?.suspend()
    try {
      for (;;) {
        await nextTurn(timers)
        this.#sliceStart = clock.monotonicMs()
        if (execution.run(this.#shouldYield)) {
          if (timed > 0) {
            const endedMs = clock.monotonicMs()
            metrics.endRead(isScan, endedMs - startedMs, endedMs - readingMs, clock.nowMs(), timed)
          }
          return execution.result()
        }
        execution.reader?.suspend()
      }
    } catch (error) {
      throw this.#readFailure(error, consistency)
    } finally {
      this.running.end(running)
      execution.close()
    }
  }

  /** A virtual table is read in one turn: its rows are of one moment. It may show the statement that asks. */
  #executeVirtual(
    prepared: PreparedSelect,
    options: QueryOptions,
    statement: PreparedStatement,
    ref: PreparedRef | null,
  ): QueryResult {
    const scope = this.#scope
    const context = scope.begin(options)
    const bound = bindSelect(prepared, context, options, context.nowSeconds)
    this.#rows.reset()
    const execution = new SelectExecution(bound, scope.read, this.#rows)
    this.running.enter(scope.clock.monotonicMs(), statement, options, ref)
    try {
      execution.run(NEVER)
      return execution.result()
    } finally {
      this.running.leave()
      execution.close()
    }
  }

  /** What a client is told when this node, the only replica, gave a read up. */
  #readFailure(error: unknown, consistency: ConsistencyLevel): unknown {
    if (!(error instanceof TombstoneOverwhelmingError)) return error
    const node = this.#scope.schema.listenAddress
    const failure = new ReadFailureError(
      `Operation failed - received 0 responses and 1 failures: READ_TOO_MANY_TOMBSTONES from /${node}:7000`,
      consistency,
      0,
      1,
      new Map([[node, READ_TOO_MANY_TOMBSTONES]]),
      false,
    )
    failure.warnings = error.warnings
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
