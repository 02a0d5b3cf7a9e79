import { ConsistencyLevel } from '../common/errors.ts'
import { type CasItem, CasRequest, executeCas, executeCasLater } from '../cql/modify/cas.ts'
import type { PreparedModification } from '../cql/modify/modification.ts'
import type { WriteParameters } from '../cql/modify/operations.ts'
import type { MutationBuilder } from '../model/mutation.ts'
import type { BoundValues, QueryOptions } from '../model/query-options.ts'
import type { QueryResult } from '../model/query-result.ts'
import type { Cluster } from './cluster.ts'
import { validateForCas, validateForCasCommit } from './consistency.ts'
import type { ExecutionScope } from './execution-scope.ts'
import type { StatementGuard } from './guardrails.ts'
import type { MutationWriter } from './mutation-writer.ts'
import { ringOf } from './ring-reads.ts'
import { noteConditionRead } from './tracing.ts'
import { oversizedError } from './write-errors.ts'

/** Bytes of rows that a replica answers at once, about. */
const PIECE_BYTES = 1 << 20
const NO_UPDATE = new Uint8Array(0)

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
  ): QueryResult | Promise<QueryResult> {
    const scope = this.#scope
    const { table } = statements[0]!
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
    const ring = ringOf(scope, table.keyspace)
    if (ring !== null) return this.#executeInRing(ring, items, options, isBatch)
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

  /** Agrees with the other replicas (`StorageProxy.cas`). Rejects with CqlErrors. */
  #executeInRing(
    ring: Cluster,
    items: readonly CasItem[],
    { consistency, serialConsistency }: QueryOptions,
    isBatch: boolean,
  ): Promise<QueryResult> {
    const scope = this.#scope
    const { guard, clock, config } = scope
    const trace = scope.tracing.session
    const request = new CasRequest(items, isBatch)
    const { table, key, nowSeconds, rowLimit } = request
    const isLocal = serialConsistency === ConsistencyLevel.LOCAL_SERIAL
    const startedMs = clock.monotonicMs()
    const deadlineMs = startedMs + config.read_request_timeout_ms
    const limits = { rows: rowLimit, rowsPerPartition: rowLimit, bytes: PIECE_BYTES }
    const level = isLocal ? ConsistencyLevel.LOCAL_QUORUM : ConsistencyLevel.QUORUM
    const propose = (micros: number) => {
      // What is written is as old as the round that it is proposed in.
      for (const { parameters } of items) setTimestamp(parameters, micros)
      trace?.note('Reading existing values for CAS precondition')
      const reader = ring.read(request.command, { level, nowSeconds, limits, deadlineMs })
      const metrics = scope.metrics.of(table)
      const isAlone = reader.fill === undefined
      const nowMs = clock.nowMs()
      const timed = isAlone
        ? metrics.beginRead(false, 1, nowMs)
        : metrics.beginCoordinatedRead(false, 1, nowMs)
      const readingMs = timed === 0 ? 0 : clock.monotonicMs()
      const { mutation } = this.#writer
      return executeCasLater(request, reader, mutation, ({ applied, result }) => {
        if (timed > 0) {
          const readMs = clock.monotonicMs() - readingMs
          if (isAlone) metrics.endRead(false, readMs, readMs, nowMs, timed)
          else metrics.endCoordinatedRead(false, readMs, nowMs, timed)
        }
        if (!applied) trace?.note('CAS precondition does not match current values')
        if (applied) this.#guard(items, guard, mutation)
        // The result is to outlive the statements that are executed in between.
        const answer: QueryResult = { ...result, content: result.content.slice() }
        return { update: applied ? ring.encode(mutation) : NO_UPDATE, result: { applied, answer } }
      })
    }
    const levels = { serial: serialConsistency, commit: consistency }
    return ring.cas({ table, key, levels, startedMs, propose }).then(({ applied, answer }) => {
      trace?.note(applied ? 'CAS applied successfully' : 'CAS did not apply')
      return answer
    })
  }

  /** Throws where a user may not write that, or nobody so much. */
  #guard(items: readonly CasItem[], guard: StatementGuard | null, mutation: MutationBuilder): void {
    const { config, engine } = this.#scope
    for (const { prepared, parameters } of items) guard?.writes(prepared, parameters)
    const limit = config.max_mutation_size_bytes
    if (mutation.sizeBytes > limit) throw oversizedError(mutation, limit, engine.tables, 'CAS')
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

function setTimestamp(
  parameters: WriteParameters & { timestampHi: number; timestampLo: number },
  micros: number,
): void {
  const high = Math.floor(micros / 0x1_0000_0000)
  parameters.timestampHi = high
  parameters.timestampLo = (micros - high * 0x1_0000_0000) | 0
}
