import { ConsistencyLevel, InvalidRequestError } from '../common/errors.ts'
import { executeCas } from '../cql/modify/cas.ts'
import type { PreparedModification } from '../cql/modify/modification.ts'
import type { BoundValues, QueryOptions } from '../model/query-options.ts'
import type { QueryResult } from '../model/query-result.ts'
import { validateForCas, validateForCasCommit } from './consistency.ts'
import type { ExecutionScope } from './execution-scope.ts'
import type { MutationWriter } from './mutation-writer.ts'
import { ringOf } from './ring-reads.ts'
import { noteConditionRead } from './tracing.ts'

/** Executes modifications with conditions, alone or in a batch (`CQL3CasRequest`, `StorageProxy.cas`). */
export class ConditionalExecutor {
  readonly #scope: ExecutionScope
  readonly #writer: MutationWriter

  constructor(scope: ExecutionScope, writer: MutationWriter) {
    this.#scope = scope
    this.#writer = writer
  }

  /** Writes all statements if all their conditions are met. Returns the row that says so. Throws CqlErrors. */
  execute(
    statements: readonly PreparedModification[],
    values: readonly BoundValues[],
    options: QueryOptions,
    isBatch: boolean,
  ): QueryResult {
    const scope = this.#scope
    const { table } = statements[0]!
    if (ringOf(scope, table.keyspace) !== null) {
      throw new InvalidRequestError('Conditional statements are not executed in a ring yet')
    }
    this.#checkLevels(table.keyspace, options)
    const context = scope.begin(options)
    scope.timestamps.next(scope.timestamp)
    const items = statements.map((prepared, index) => {
      const parameters = context.fork()
      parameters.values = values[index]!
      // The TTL is looked at when the conditions are met.
      this.#writer.bindTimestamp(prepared, parameters, { ...options, hasTimestamp: false }, scope.timestamp)
      return { prepared, parameters }
    })
    const { mutation } = this.#writer
    mutation.begin()
    const trace = scope.tracing.session
    const metrics = scope.metrics.of(table)
    trace?.note('Reading existing values for CAS precondition')
    const timed = metrics.beginRead(false, 1, context.nowMillis)
    const startedMs = timed === 0 ? 0 : scope.clock.monotonicMs()
    const { applied, result, command, ...counts } = executeCas(items, scope.read, mutation, isBatch)
    if (trace !== null) noteConditionRead(trace, command, counts)
    if (timed > 0) {
      const readMs = scope.clock.monotonicMs() - startedMs
      metrics.endRead(false, readMs, readMs, context.nowMillis, timed)
      metrics.rowsPerRead.update(counts.liveRows, context.nowMillis, timed)
      metrics.tombstonesPerRead.update(counts.tombstones, context.nowMillis, timed)
    }
    trace?.note(`CAS precondition ${applied ? 'is met' : 'does not match current values'}`)
    if (applied) {
      scope.checkReplicas(options.consistency, table.keyspace, true)
      for (const { prepared, parameters } of items) scope.guard?.writes(prepared, parameters)
      metrics.localWrite.add(1, context.nowMillis)
      this.#writer.apply(options.serialConsistency, 'CAS')
    }
    trace?.note(applied ? 'CAS applied successfully' : 'CAS did not apply')
    return result
  }

  /** Throws where the levels are none for a conditional statement, or this node is not enough for the serial one. */
  #checkLevels(keyspace: string, { consistency, serialConsistency }: QueryOptions): void {
    const scope = this.#scope
    validateForCas(serialConsistency)
    const strategy = scope.schema.current.keyspaces.get(keyspace)?.params.replication.get('class')
    validateForCasCommit(consistency, strategy ?? '')
    const isLocal = serialConsistency === ConsistencyLevel.LOCAL_SERIAL
    scope.checkReplicas(isLocal ? ConsistencyLevel.LOCAL_QUORUM : ConsistencyLevel.QUORUM, keyspace, true)
  }
}
