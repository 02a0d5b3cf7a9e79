import { namesAnyRow, type PreparedModification } from '../cql/modify/modification.ts'
import type { BoundValues, QueryOptions } from '../model/query-options.ts'
import type { QueryResult } from '../model/query-result.ts'
import type { TableMetadata } from '../model/table.ts'
import { VOID } from './answers.ts'
import { validateCounterForWrite, validateForWrite } from './consistency.ts'
import type { ExecutionScope } from './execution-scope.ts'
import type { MutationWriter } from './mutation-writer.ts'
import { ringOf } from './ring-reads.ts'
import { validateVirtual } from './virtual-tables.ts'

/** Executes INSERT, UPDATE and DELETE without conditions (`ModificationStatement.executeWithoutCondition`). */
export class ModificationExecutor {
  readonly #scope: ExecutionScope
  readonly #writer: MutationWriter

  constructor(scope: ExecutionScope, writer: MutationWriter) {
    this.#scope = scope
    this.#writer = writer
  }

  /** Writes one statement. Throws CqlErrors. */
  execute(prepared: PreparedModification, options: QueryOptions): QueryResult | Promise<QueryResult> {
    if (!prepared.requiresRead || this.#scope.cluster === null) return this.#execute(prepared, options)
    return this.#writer.withRows(prepared.table, options.consistency, () => this.#execute(prepared, options))
  }

  #execute(prepared: PreparedModification, options: QueryOptions): QueryResult | Promise<QueryResult> {
    const { table } = prepared
    const scope = this.#scope
    const writer = this.#writer
    if (table.isCounter) validateCounterForWrite(options.consistency, table.name)
    else validateForWrite(options.consistency)
    scope.checkReplicas(options.consistency, table.keyspace, true)
    const context = scope.beginWrite(options)
    const metrics = scope.metrics.of(table)
    // In a ring a statement counts when it is sent: it may be executed again before, when rows that it has to see are there.
    const isAlone = scope.cluster === null
    let timed = isAlone ? metrics.beginWrite(context.nowMillis) : 0
    const startedMs = isAlone && timed === 0 ? 0 : scope.clock.monotonicMs()
    context.addsElsewhere = table.isCounter && ringOf(scope, table.keyspace) !== null
    const { mutation } = writer
    mutation.begin()
    try {
      writer.bindAttributes(prepared, context, options, scope.timestamp)
    } catch (error) {
      if (!namesAnyRow(prepared, context)) return VOID
      throw error
    }
    const { guard } = scope
    if (guard !== null) {
      guard.timestamp(prepared, context, context.nowMillis * 1000)
      guard.writes(prepared, context)
    }
    const trace = scope.tracing.session
    // Only counters are read where they are.
    if (table.isCounter) trace?.note('Determining replicas for mutation')
    writer.write(prepared, context)
    if (!table.isCounter) trace?.note('Determining replicas for mutation')
    if (!isAlone) timed = metrics.coordinatorWrite.mark(1, context.nowMillis)
    const applyingMs = timed === 0 ? 0 : scope.clock.monotonicMs()
    const applied = writer.apply(options.consistency, table.isCounter ? 'COUNTER' : 'SIMPLE')
    if (applied !== null) return this.#whenApplied(applied, table, startedMs, context.nowMillis, timed)
    // Of a statement with IN, more than one partition; in a ring none of them was counted yet.
    const uncounted = isAlone ? mutation.updateCount - 1 : mutation.updateCount
    if (uncounted !== 0) metrics.localWrite.add(uncounted, context.nowMillis)
    if (timed > 0) {
      const endedMs = scope.clock.monotonicMs()
      metrics.endWrite(endedMs - startedMs, endedMs - applyingMs, context.nowMillis, timed)
    }
    return VOID
  }

  async #whenApplied(
    applied: Promise<void>,
    table: TableMetadata,
    startedMs: number,
    nowMs: number,
    timed: number,
  ): Promise<QueryResult> {
    const { clock, metrics } = this.#scope
    try {
      await applied
    } finally {
      if (timed > 0) metrics.of(table).coordinatorWrite.update(clock.monotonicMs() - startedMs, nowMs, timed)
    }
    return VOID
  }

  /**
   * Executes statements on virtual tables alone, each with its values: the tables say what they mean
   * (`executeInternalWithoutCondition`).
   */
  executeVirtual(
    statements: readonly PreparedModification[],
    values: readonly BoundValues[],
    options: QueryOptions,
  ): QueryResult {
    for (const statement of statements) validateVirtual(statement)
    const { virtual, schema, timestamp } = this.#scope
    const context = this.#scope.beginWrite(options)
    const writer = this.#writer
    const { mutation } = writer
    mutation.begin()
    statements.forEach((statement, index) => {
      context.values = values[index]!
      writer.bindAttributes(statement, context, options, timestamp)
      writer.write(statement, context)
    })
    mutation.finish()
    virtual.apply(mutation, (handle) => schema.current.tableByHandle(handle)!)
    return VOID
  }
}
