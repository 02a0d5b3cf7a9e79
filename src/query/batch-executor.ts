import { InvalidRequestError } from '../common/errors.ts'
import { checkBatchSize, type PreparedBatch, validateBatch } from '../cql/modify/batch.ts'
import { measureBatch } from '../cql/modify/batch-size.ts'
import { type PreparedModification, readTimestamp } from '../cql/modify/modification.ts'
import { evaluate } from '../cql/term.ts'
import type { BatchType, BoundValues, QueryOptions } from '../model/query-options.ts'
import type { QueryResult } from '../model/query-result.ts'
import { VOID } from './answers.ts'
import type { ConditionalExecutor } from './conditional-executor.ts'
import { validateCounterForWrite, validateForWrite } from './consistency.ts'
import type { ExecutionScope } from './execution-scope.ts'
import type { ModificationExecutor } from './modification-executor.ts'
import { type MutationWriter, updatesOf } from './mutation-writer.ts'
import { ringOf } from './ring-reads.ts'
import type { StatementContext } from './statement-context.ts'

/** The modifications of a batch, each with its values. */
export interface BatchStatements {
  readonly type: BatchType
  readonly statements: readonly PreparedModification[]
  readonly values: readonly BoundValues[]
  /** The BATCH statement that they are of; null for those of a BATCH request. */
  readonly batch: PreparedBatch | null
}

/** Executes batches (`BatchStatement`). */
export class BatchExecutor {
  readonly #scope: ExecutionScope
  readonly #writer: MutationWriter
  readonly #modifications: ModificationExecutor
  readonly #conditional: ConditionalExecutor

  constructor(
    scope: ExecutionScope,
    writer: MutationWriter,
    modifications: ModificationExecutor,
    conditional: ConditionalExecutor,
  ) {
    this.#scope = scope
    this.#writer = writer
    this.#modifications = modifications
    this.#conditional = conditional
  }

  /** Writes all statements, or none of them. Throws CqlErrors. */
  execute(batch: BatchStatements, options: QueryOptions): QueryResult | Promise<QueryResult> {
    const { statements } = batch
    if (statements.length === 0) return VOID
    const reads = this.#scope.cluster !== null && statements.some((statement) => statement.requiresRead)
    if (!reads) return this.#execute(batch, options)
    const { table } = statements.find((statement) => statement.requiresRead)!
    return this.#writer.withRows(table, options.consistency, () => this.#execute(batch, options))
  }

  #execute(batch: BatchStatements, options: QueryOptions): QueryResult | Promise<QueryResult> {
    const { type, statements, values } = batch
    validateBatch(type, statements, batch.batch?.timestamp ?? null)
    const scope = this.#scope
    scope.guard?.request(statements, options)
    const first = statements[0]!.table
    if (first.isVirtual) return this.#modifications.executeVirtual(statements, values, options)
    if (statements.some((statement) => statement.conditions !== null)) {
      return this.#conditional.execute(statements, values, options, true)
    }
    if (type === 'counter' || first.isCounter) validateCounterForWrite(options.consistency, first.name)
    else validateForWrite(options.consistency)
    for (const { table } of statements) scope.checkReplicas(options.consistency, table.keyspace, true)
    const context = scope.begin(options)
    context.addsElsewhere = first.isCounter && ringOf(scope, first.keyspace) !== null
    const startedMs = scope.clock.monotonicMs()
    const { mutation } = this.#writer
    mutation.begin()
    const counters = this.#write(batch, context, options)
    mutation.finish()
    const { dataSize, partitions, partitionsByTable } = measureBatch(mutation)
    const warnings = checkBatchSize(type, statements, dataSize, partitions, scope.config)
    scope.tracing.session?.note(
      `Determining replicas for ${type === 'logged' && partitions > 1 ? 'atomic batch' : 'mutation'}`,
    )
    const applyingMs = scope.clock.monotonicMs()
    const writeType = context.addsElsewhere ? 'COUNTER' : type === 'unlogged' ? 'UNLOGGED_BATCH' : 'BATCH'
    const isLogged = type === 'logged' && partitions > 1
    const applied = this.#writer.apply(options.consistency, writeType, isLogged)
    const times = { startedMs, applyingMs, nowMs: context.nowMillis }
    const count = (): void => {
      const isHere = applied === null
      if (counters === 0) this.#count(partitions, partitionsByTable, type, times, isHere)
      else this.#count(counters, new Map([[first.handle, counters]]), type, times, isHere)
    }
    const end = (): QueryResult => {
      count()
      return warnings.length === 0 ? VOID : { kind: 'void', warnings }
    }
    if (applied === null) return end()
    return applied.then(end, (error: unknown) => {
      count()
      throw error
    })
  }

  /** Adds the statements to the mutation; those on counters are applied. Returns of how many partitions these are. */
  #write(batch: BatchStatements, context: StatementContext, options: QueryOptions): number {
    const { statements } = batch
    const { timestamp, timestamps } = this.#scope
    timestamps.next(timestamp)
    const server = this.#timestampOf(batch.batch, context, timestamp)
    if (server !== timestamp) options = { ...options, hasTimestamp: false }
    const counters = new Set<string>()
    try {
      // Nothing is counted where a later statement cannot be executed.
      const appliesEach = statements[0]!.table.isCounter && !context.addsElsewhere
      if (appliesEach && statements.length > 1) {
        this.#writeAll(batch, context, options, server, null)
      }
      this.#writeAll(batch, context, options, server, counters)
    } catch (error) {
      this.#checkKeys(batch, context)
      throw error
    }
    return counters.size
  }

  /** @param counters takes in the partitions of the counters that are changed; null tries only */
  #writeAll(
    { statements, values }: BatchStatements,
    context: StatementContext,
    options: QueryOptions,
    server: Int32Array,
    counters: Set<string> | null,
  ): void {
    const writer = this.#writer
    const { mutation } = writer
    statements.forEach((statement, index) => {
      context.values = values[index]!
      writer.bindAttributes(statement, context, options, server)
      if (counters !== null) this.#scope.guard?.writes(statement, context)
      if (!statement.table.isCounter || context.addsElsewhere) {
        writer.write(statement, context)
        return
      }
      // Each increment has to see the one before it.
      mutation.begin()
      writer.write(statement, context)
      if (counters !== null) {
        writer.apply(options.consistency, 'COUNTER')
        for (const update of updatesOf(mutation)) counters.add(`${update.handle}/${update.token}`)
      }
      mutation.begin()
    })
  }

  /** Throws what is wrong with the keys of a batch, which are looked at before anything else of its statements. */
  #checkKeys({ statements, values }: BatchStatements, context: StatementContext): void {
    statements.forEach(({ where }, index) => {
      context.values = values[index]!
      where.restrictions.bindPartitionKeys(context)
    })
  }

  /**
   * Counts a batch: its partitions, and for each table that it wrote to a request (`updateCoordinatorWriteLatencyTableMetric`).
   * `isHere` where this node has written it alone.
   */
  #count(
    partitions: number,
    byTable: ReadonlyMap<number, number>,
    type: BatchType,
    { startedMs, applyingMs, nowMs }: { startedMs: number; applyingMs: number; nowMs: number },
    isHere: boolean,
  ): void {
    const { metrics, clock } = this.#scope
    const endedMs = clock.monotonicMs()
    if (partitions > 0) metrics.partitionsPerBatch[type].update(partitions, nowMs)
    for (const [handle, updates] of byTable) {
      const ofTable = metrics.ofHandle(handle)
      if (!isHere) {
        const timed = ofTable.coordinatorWrite.mark(1, nowMs)
        if (timed > 0) ofTable.coordinatorWrite.update(endedMs - startedMs, nowMs, timed)
        continue
      }
      ofTable.localWrite.add(updates - 1, nowMs)
      const timed = ofTable.beginWrite(nowMs)
      if (timed > 0) ofTable.endWrite(endedMs - startedMs, endedMs - applyingMs, nowMs, timed)
    }
  }

  /** The timestamp that BATCH ... USING TIMESTAMP gives, or else `server`, [hi, lo]. */
  #timestampOf(batch: PreparedBatch | null, context: StatementContext, server: Int32Array): Int32Array {
    if (batch === null || batch.timestamp === null) return server
    const value = evaluate(batch.timestamp, context)
    if (value === null) throw new InvalidRequestError('Invalid null value of timestamp')
    if (value === undefined) return server
    const timestamp = new Int32Array(2)
    readTimestamp(value, timestamp)
    return timestamp
  }
}
