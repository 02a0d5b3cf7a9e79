import { createHash } from 'node:crypto'
import { toHex, utf8Bytes } from '../common/bytes.ts'
import {
  ConsistencyLevel,
  CqlError,
  InvalidRequestError,
  ReadFailureError,
  UnpreparedError,
  type WriteType,
} from '../common/errors.ts'
import { DEFAULT_GUARDRAILS, type Guardrails } from '../cql/guardrails/guardrails.ts'
import { checkBatchSize, type PreparedBatch, validateBatch } from '../cql/modify/batch.ts'
import { measureBatch } from '../cql/modify/batch-size.ts'
import { executeCas } from '../cql/modify/cas.ts'
import {
  bindTimestamp,
  bindTtl,
  namesAnyRow,
  type PreparedModification,
  readTimestamp,
  writeModification,
} from '../cql/modify/modification.ts'
import type { ComplexCell, RowSnapshot } from '../cql/modify/operations.ts'
import type * as raw from '../cql/raw/index.ts'
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
import { evaluate } from '../cql/term.ts'
import type { Clock, TimestampSource } from '../io/clock.ts'
import type { Random } from '../io/random.ts'
import type { Timers } from '../io/timers.ts'
import { nextTurn } from '../io/timers.ts'
import { ALL_ROWS } from '../model/clustering.ts'
import { LiveRow } from '../model/live-row.ts'
import { MUTATION_HEADER_WORDS, MutationBuilder } from '../model/mutation.ts'
import type { BatchEntry, BatchType, BoundValues, PreparedRef, QueryOptions } from '../model/query-options.ts'
import type { QueryResult, RowsResult, SchemaChange } from '../model/query-result.ts'
import {
  type DecoratedKey,
  FULL_RING,
  type PartitionReader,
  type ReadCommand,
} from '../model/read-command.ts'
import type { ColumnMetadata, TableMetadata } from '../model/table.ts'
import { isLocalSystemKeyspace } from '../schema/names.ts'
import { CommitLogFailedError } from '../storage/commitlog/errors.ts'
import type { StorageEngine } from '../storage/storage-engine.ts'
import {
  assureSufficientReplicas,
  validateCounterForWrite,
  validateForCas,
  validateForCasCommit,
  validateForRead,
  validateForWrite,
} from './consistency.ts'
import { DescribeExecutor } from './describe.ts'
import { StatementGuard } from './guardrails.ts'
import { QueryMetrics, SampledRead, type TableMetrics } from './metrics.ts'
import { prepareStatement, tableOf } from './preparation.ts'
import { type PreparedStatement, PreparedStatements } from './prepared-statements.ts'
import type { ClientState, QueryHandler, RequestFlags } from './query-handler.ts'
import { RunningQueries, type RunningQuery } from './running-queries.ts'
import type { SchemaService } from './schema-service.ts'
import { StatementCache } from './statement-cache.ts'
import { StatementContext, TimeUuidSource } from './statement-context.ts'
import { executeParameters, queryParameters, TracedReads, type TraceSession, Tracing } from './tracing.ts'
import { type VirtualTables, validateVirtual } from './virtual-tables.ts'
import { oversizedError, unloggedError, writeError } from './write-errors.ts'

/** Hears of prepared statements that come and go. */
interface PreparedChange {
  added(id: Uint8Array, statement: PreparedStatement): void
  evicted(id: Uint8Array): void
}

/** Settings of query processing, by cassandra.yaml's names. */
export interface QueryConfig {
  readonly prepared_statements_cache_size_bytes: number
  readonly max_mutation_size_bytes: number
  readonly batch_size_warn_threshold_bytes: number
  readonly batch_size_fail_threshold_bytes: number
  readonly unlogged_batch_across_partitions_warn_threshold: number
  readonly tombstone_warn_threshold: number
  readonly tombstone_failure_threshold: number
  readonly use_statements_enabled: boolean
  /** They hold for ordinary users alone. */
  readonly guardrails: Guardrails
}

export const DEFAULT_QUERY_CONFIG: QueryConfig = {
  prepared_statements_cache_size_bytes: 10 * 1024 * 1024,
  max_mutation_size_bytes: 16 * 1024 * 1024,
  batch_size_warn_threshold_bytes: 5 * 1024,
  batch_size_fail_threshold_bytes: 50 * 1024,
  unlogged_batch_across_partitions_warn_threshold: 10,
  tombstone_warn_threshold: 1000,
  tombstone_failure_threshold: 100_000,
  use_statements_enabled: true,
  guardrails: DEFAULT_GUARDRAILS,
}

export interface QueryProcessorOptions {
  readonly engine: StorageEngine
  readonly schema: SchemaService
  readonly virtual: VirtualTables
  readonly clock: Clock
  readonly timers: Timers
  readonly random: Random
  readonly timestamps: TimestampSource
  readonly counterId: Uint8Array
  readonly config?: Partial<QueryConfig>
}

/** When a SELECT began and when its reading did; for how many reads its times stand, if they are taken. */
interface ReadTimes {
  readonly startedMs: number
  readonly readingMs: number
  readonly timed: number
  readonly isScan: boolean
}

const VOID: QueryResult = { kind: 'void' }
const NEVER = (): boolean => false
const EMPTY = new Uint8Array(0)

/** `RequestFailureReason.READ_TOO_MANY_TOMBSTONES`. */
const READ_TOO_MANY_TOMBSTONES = 1

/** A SELECT gives way to other work after so many milliseconds. */
const SLICE_MS = 5

/** Turns statements into reads and mutations and executes them on this node (`QueryProcessor`). */
export class QueryProcessor implements QueryHandler {
  readonly prepared: PreparedStatements
  readonly statements: StatementCache
  readonly metrics = new QueryMetrics()
  readonly running = new RunningQueries()
  readonly #engine: StorageEngine
  readonly #schema: SchemaService
  readonly #virtual: VirtualTables
  readonly #clock: Clock
  readonly #timers: Timers
  readonly #timestamps: TimestampSource
  readonly #config: QueryConfig
  readonly #tombstones: TombstoneThresholds
  readonly #context: StatementContext
  readonly #tracing: Tracing
  readonly #describe: DescribeExecutor
  /** Of the statement of an ordinary user that is being executed now. */
  #guard: StatementGuard | null = null
  readonly #mutation = new MutationBuilder()
  readonly #timestamp = new Int32Array(2)
  readonly #bound = new Int32Array(2)
  #rows = new RowsWriter()
  #sliceStart = 0
  readonly #shouldYield = (): boolean => this.#clock.monotonicMs() - this.#sliceStart > SLICE_MS
  readonly #read = (command: ReadCommand): PartitionReader => this.#open(command)
  readonly #lookup = (
    table: TableMetadata,
    key: DecoratedKey,
    clustering: readonly Uint8Array[] | null,
  ): RowSnapshot | null => this.#lookUp(table, key, clustering)
  readonly #onPreparedChange: PreparedChange

  constructor(options: QueryProcessorOptions) {
    this.#engine = options.engine
    this.#schema = options.schema
    this.#virtual = options.virtual
    this.#clock = options.clock
    this.#timers = options.timers
    this.#timestamps = options.timestamps
    this.#config = { ...DEFAULT_QUERY_CONFIG, ...options.config }
    this.#tombstones = {
      warn: this.#config.tombstone_warn_threshold,
      fail: this.#config.tombstone_failure_threshold,
    }
    const sources = {
      timeUuids: new TimeUuidSource(options.timestamps, options.random),
      random: options.random,
      counterId: options.counterId,
    }
    this.#context = new StatementContext(sources)
    this.#tracing = new Tracing({
      engine: options.engine,
      schema: options.schema,
      clock: options.clock,
      timeUuids: sources.timeUuids,
    })
    this.#describe = new DescribeExecutor(options)
    this.#onPreparedChange = whereWritable(options.schema.preparedStatementsTable())
    this.prepared = new PreparedStatements(this.#config.prepared_statements_cache_size_bytes, (id) =>
      this.#onPreparedChange.evicted(id),
    )
    this.statements = new StatementCache(this.#config.prepared_statements_cache_size_bytes)
    options.schema.onChange((_changes, affected) => {
      this.prepared.evict((statement) => statement.tables.some((table) => affected(table)))
      this.statements.clear()
      this.metrics.retain(this.#engine.tables)
    })
  }

  onSchemaChange(listener: (change: SchemaChange) => void): () => void {
    return this.#schema.onChange((changes) => {
      for (const change of changes) listener(change)
    })
  }

  commit(): Promise<void> | null {
    return this.#engine.flush()
  }

  query(
    text: string,
    options: QueryOptions,
    state: ClientState,
    flags: RequestFlags,
  ): QueryResult | Promise<QueryResult> {
    if (state.isOrdinaryUser === true && this.#guard === null) {
      return this.#guarded(() => this.query(text, options, state, flags))
    }
    if (!flags.tracing) return this.#query(text, options, state)
    return this.#tracing.run('Execute CQL3 query', queryParameters(text, options), state, () =>
      this.#query(text, options, state),
    )
  }

  #query(text: string, options: QueryOptions, state: ClientState): QueryResult | Promise<QueryResult> {
    const trace = this.#tracing.session
    const keyspace = this.#keyspaceOf(options.keyspace, state)
    const statement =
      trace === null ? this.#statementOf(text, keyspace) : this.#traceStatement(trace, text, keyspace)
    const positional = positionalValues(statement, options)
    if (positional.values.count !== statement.bind.columns.length) {
      throw new InvalidRequestError('Invalid amount of bind variables')
    }
    this.metrics.regularStatementsExecuted++
    return this.#execute(statement, positional, state, null)
  }

  execute(
    ref: PreparedRef,
    options: QueryOptions,
    state: ClientState,
    flags: RequestFlags,
  ): QueryResult | Promise<QueryResult> {
    if (state.isOrdinaryUser === true && this.#guard === null) {
      return this.#guarded(() => this.execute(ref, options, state, flags))
    }
    if (!flags.tracing) return this.#executePrepared(ref, options, state)
    const statement = this.prepared.find(ref)
    const parameters =
      statement === null ? new Map() : executeParameters(statement, positionalValues(statement, options))
    return this.#tracing.run('Execute CQL3 prepared query', parameters, state, () =>
      this.#executePrepared(ref, options, state),
    )
  }

  #executePrepared(
    ref: PreparedRef,
    options: QueryOptions,
    state: ClientState,
  ): QueryResult | Promise<QueryResult> {
    const statement = this.prepared.find(ref)
    if (statement === null) {
      const id = ref.buffer.slice(ref.idOffset, ref.idOffset + ref.idLength)
      throw unprepared(id)
    }
    const result = this.#execute(statement, positionalValues(statement, options), state, ref)
    if (statement.result === null) {
      return statement.executable.kind === 'describe' ? withColumns(result, ref) : result
    }
    if (ref.resultIdLength < 0) return result
    if (result instanceof Promise) {
      const given = ref.buffer.slice(ref.resultIdOffset, ref.resultIdOffset + ref.resultIdLength)
      return result.then((rows) => markChanged(rows, given, 0, given.length))
    }
    return markChanged(result, ref.buffer, ref.resultIdOffset, ref.resultIdLength)
  }

  prepare(
    text: string,
    keyspace: string | null,
    state: ClientState,
    flags: RequestFlags,
  ): QueryResult | Promise<QueryResult> {
    if (state.isOrdinaryUser === true && this.#guard === null) {
      return this.#guarded(() => this.prepare(text, keyspace, state, flags))
    }
    if (!flags.tracing) return this.#prepareAndStore(text, keyspace, state)
    return this.#tracing.run('Preparing CQL3 query', new Map([['query', text]]), state, () =>
      this.#prepareAndStore(text, keyspace, state),
    )
  }

  #prepareAndStore(text: string, keyspace: string | null, state: ClientState): QueryResult {
    const used = this.#keyspaceOf(keyspace, state)
    const withKeyspace = preparedId(text, used)
    const withoutKeyspace = preparedId(text, null)
    // Only where both are known is it certain which of the two this client has to be given.
    const qualified = this.prepared.get(withoutKeyspace)
    const unqualified = this.prepared.get(withKeyspace)
    if (qualified !== null && unqualified !== null) {
      if (qualified.fullyQualified) return preparedResult(withoutKeyspace, qualified)
      if (used !== null && !unqualified.fullyQualified) return preparedResult(withKeyspace, unqualified)
    }
    const trace = this.#tracing.session
    const statement =
      trace === null ? this.#prepareStatement(text, used) : this.#traceStatement(trace, text, used)
    if (statement.bind.columns.length > 0xffff) {
      throw new InvalidRequestError(
        `Too many markers(?). ${statement.bind.columns.length} markers exceed the allowed maximum of 65535`,
      )
    }
    this.#guard?.prepared(statement)
    this.#store(withoutKeyspace, statement)
    if (used !== null) this.#store(withKeyspace, statement)
    const result = preparedResult(statement.fullyQualified ? withoutKeyspace : withKeyspace, statement)
    const warnings = statement.fullyQualified ? undefined : warnAboutUse(state, keyspace, used, withKeyspace)
    return warnings === undefined ? result : { ...result, warnings }
  }

  #store(id: Uint8Array, statement: PreparedStatement): void {
    this.prepared.set(id, statement)
    this.#onPreparedChange.added(id, statement)
  }

  /** Prepares again what was prepared before a restart; statements whose tables are gone are left out. */
  restorePrepared(): void {
    for (const { id, query, keyspace } of this.#schema.preparedStatements()) {
      try {
        this.prepared.set(id, this.#prepareStatement(query, keyspace))
      } catch (error) {
        if (!(error instanceof CqlError)) throw error
        this.#onPreparedChange.evicted(id)
      }
    }
  }

  batch(
    type: BatchType,
    entries: readonly BatchEntry[],
    options: QueryOptions,
    state: ClientState,
    flags: RequestFlags,
  ): QueryResult | Promise<QueryResult> {
    if (state.isOrdinaryUser === true && this.#guard === null) {
      return this.#guarded(() => this.batch(type, entries, options, state, flags))
    }
    if (!flags.tracing) return this.#batch(type, entries, options, state)
    return this.#tracing.run('Execute batch of CQL3 queries', queryParameters(null, options), state, () =>
      this.#batch(type, entries, options, state),
    )
  }

  #batch(
    type: BatchType,
    entries: readonly BatchEntry[],
    options: QueryOptions,
    state: ClientState,
  ): QueryResult {
    const statements: PreparedModification[] = []
    const values: BoundValues[] = []
    const keyspace = this.#keyspaceOf(options.keyspace, state)
    for (const entry of entries) {
      let statement: PreparedStatement | null
      if (entry.query !== null) statement = this.#statementOf(entry.query, keyspace)
      else {
        statement = this.prepared.get(entry.id!)
        if (statement === null) {
          throw unprepared(entry.id!)
        }
      }
      if (entry.values.count !== statement.bind.columns.length) {
        throw new InvalidRequestError(
          `There were ${statement.bind.columns.length} markers(?) in CQL but ${entry.values.count} bound variables`,
        )
      }
      if (statement.executable.kind !== 'modification') {
        throw new InvalidRequestError(
          'Invalid statement in batch: only UPDATE, INSERT and DELETE statements are allowed.',
        )
      }
      statements.push(statement.executable)
      values.push(entry.values)
    }
    return this.#executeBatch(type, statements, values, null, options)
  }

  /** The statement that a text is, prepared anew where it is not kept. */
  #statementOf(text: string, keyspace: string | null): PreparedStatement {
    const kept = this.statements.get(text, keyspace)
    if (kept !== null) return kept
    const statement = this.#prepareStatement(text, keyspace)
    this.statements.offer(text, keyspace, statement)
    return statement
  }

  #traceStatement(trace: TraceSession, text: string, keyspace: string | null): PreparedStatement {
    trace.note(`Parsing ${text}`)
    return this.#prepareStatement(text, keyspace, () => trace.note('Preparing statement'))
  }

  #prepareStatement(
    text: string,
    keyspace: string | null,
    onParsed: (() => void) | null = null,
  ): PreparedStatement {
    return prepareStatement(text, keyspace, this.#schema.current, this.#clock.nowMs(), onParsed)
  }

  /** The keyspace of a statement: the request's, or the connection's. Throws where the request's is none. */
  #keyspaceOf(given: string | null, state: ClientState): string | null {
    if (given === null) return state.keyspace
    if (!this.#schema.current.keyspaces.has(given)) {
      throw new InvalidRequestError(`Keyspace '${given}' does not exist`)
    }
    return given
  }

  // --- execution

  #execute(
    statement: PreparedStatement,
    options: QueryOptions,
    state: ClientState,
    ref: PreparedRef | null,
  ): QueryResult | Promise<QueryResult> {
    const { executable } = statement
    if (options.values.count !== statement.bind.columns.length) {
      throw new InvalidRequestError(
        `there were ${statement.bind.columns.length} markers(?) in CQL but ${options.values.count} bound variables`,
      )
    }
    if (ref !== null) this.metrics.preparedStatementsExecuted++
    switch (executable.kind) {
      case 'modification':
        this.#guard?.request([executable], options)
        if (executable.table.isVirtual) return this.#modifyVirtual([executable], [options.values], options)
        return executable.conditions === null
          ? this.#modify(executable, options)
          : this.#executeConditional([executable], [options.values], options, false)
      case 'select':
        return this.#select(executable, options, statement, ref)
      case 'batch': {
        const { statements, type } = executable
        return this.#executeBatch(
          type,
          statements,
          statements.map(() => options.values),
          executable,
          options,
        )
      }
      case 'describe':
        return this.#describe.execute(executable.raw, options, state)
      case 'other':
        try {
          return this.#executeOther(executable.raw, options, state)
        } catch (error) {
          throw unloggedError(error, executable.raw.kind === 'truncate', options.consistency)
        }
    }
  }

  /** Executes what an ordinary user asked for: guardrails hold for it (`ClientState.isOrdinaryUser`). */
  #guarded(execute: () => QueryResult | Promise<QueryResult>): QueryResult | Promise<QueryResult> {
    const guard = new StatementGuard(this.#config.guardrails)
    this.#guard = guard
    try {
      const result = execute()
      if (!(result instanceof Promise)) return guard.answer(result)
      return result.then(
        (rows) => guard.answer(rows),
        (error: unknown) => {
          throw guard.error(error)
        },
      )
    } catch (error) {
      throw guard.error(error)
    } finally {
      this.#guard = null
    }
  }

  #begin(options: QueryOptions): StatementContext {
    const context = this.#context
    context.values = options.values
    context.nowMillis = this.#clock.nowMs()
    context.nowSeconds = options.nowInSeconds ?? Math.floor(context.nowMillis / 1000)
    context.row = null
    return context
  }

  /** `#begin` for a write: one look at the clock gives the time and the server's timestamp. */
  #beginWrite(options: QueryOptions): StatementContext {
    const context = this.#context
    const micros = this.#timestamps.nextMicros()
    const high = Math.floor(micros / 0x1_0000_0000)
    this.#timestamp[0] = high
    this.#timestamp[1] = micros - high * 0x1_0000_0000
    context.values = options.values
    context.nowMillis = Math.floor(micros / 1000)
    context.nowSeconds = options.nowInSeconds ?? Math.floor(micros / 1_000_000)
    context.row = null
    return context
  }

  #bindAttributes(
    prepared: PreparedModification,
    context: StatementContext,
    options: QueryOptions,
    server: Int32Array,
  ): void {
    context.ttl = bindTtl(prepared, context, context.nowSeconds)
    this.#bindTimestamp(prepared, context, options, server)
  }

  #bindTimestamp(
    prepared: PreparedModification,
    context: StatementContext,
    options: QueryOptions,
    server: Int32Array,
  ): void {
    bindTimestamp(prepared, context, options, server, this.#bound)
    context.timestampHi = this.#bound[0]!
    context.timestampLo = this.#bound[1]!
  }

  #modify(prepared: PreparedModification, options: QueryOptions): QueryResult {
    const { table } = prepared
    if (table.isCounter) validateCounterForWrite(options.consistency, table.name)
    else validateForWrite(options.consistency)
    this.#checkReplicas(options.consistency, table.keyspace, true)
    const context = this.#beginWrite(options)
    const metrics = this.metrics.of(table)
    const timed = metrics.coordinatorWrite.mark(1, context.nowMillis)
    const startedMs = timed === 0 ? 0 : this.#clock.monotonicMs()
    const mutation = this.#mutation
    mutation.begin()
    try {
      this.#bindAttributes(prepared, context, options, this.#timestamp)
    } catch (error) {
      if (!namesAnyRow(prepared, context)) return VOID
      throw error
    }
    if (this.#guard !== null) {
      this.#guard.timestamp(prepared, context, context.nowMillis * 1000)
      this.#guard.writes(prepared, context)
    }
    const trace = this.#tracing.session
    // Only counters are read where they are.
    if (table.isCounter) trace?.note('Determining replicas for mutation')
    writeModification(prepared, mutation, context, this.#lookup)
    if (!table.isCounter) trace?.note('Determining replicas for mutation')
    // Of a statement with IN, more than one partition.
    if (mutation.updateCount !== 1) metrics.localWrite.add(mutation.updateCount - 1, context.nowMillis)
    const applyingMs = timed === 0 ? 0 : this.#clock.monotonicMs()
    this.#apply(mutation, options.consistency, table.isCounter ? 'COUNTER' : 'SIMPLE')
    if (timed > 0) {
      const endedMs = this.#clock.monotonicMs()
      metrics.endWrite(endedMs - startedMs, endedMs - applyingMs, context.nowMillis, timed)
    }
    return VOID
  }

  /** Executes statements on virtual tables alone: these say for each what it means (`executeInternalWithoutCondition`). */
  #modifyVirtual(
    statements: readonly PreparedModification[],
    values: readonly BoundValues[],
    options: QueryOptions,
  ): QueryResult {
    for (const statement of statements) validateVirtual(statement)
    const context = this.#beginWrite(options)
    const mutation = this.#mutation
    mutation.begin()
    statements.forEach((statement, index) => {
      context.values = values[index]!
      this.#bindAttributes(statement, context, options, this.#timestamp)
      writeModification(statement, mutation, context, this.#lookup)
    })
    mutation.finish()
    this.#virtual.apply(mutation, (handle) => this.#schema.current.tableByHandle(handle)!)
    return VOID
  }

  #apply(mutation: MutationBuilder, consistency: ConsistencyLevel, writeType: WriteType): void {
    if (mutation.updateCount === 0) return
    const limit = this.#config.max_mutation_size_bytes
    if (mutation.sizeBytes > limit) {
      throw oversizedError(mutation, limit, this.#engine.tables, writeType)
    }
    const trace = this.#tracing.session
    if (trace !== null && this.#engine.isLogged) trace.note('Appending to commitlog')
    try {
      this.#engine.apply(mutation)
    } catch (error) {
      throw writeError(error, mutation, limit, () => this.#engine.tables, consistency, writeType)
    }
    if (trace !== null) this.#traceUpdates(trace, mutation)
  }

  #traceUpdates(trace: TraceSession, mutation: MutationBuilder): void {
    const handles = new Set([...updatesOf(mutation)].map(({ handle }) => handle))
    for (const handle of handles) {
      trace.note(`Adding to ${this.#schema.current.tableByHandle(handle)?.name} memtable`)
    }
  }

  #executeBatch(
    type: BatchType,
    statements: readonly PreparedModification[],
    values: readonly BoundValues[],
    batch: PreparedBatch | null,
    options: QueryOptions,
  ): QueryResult {
    if (statements.length === 0) return VOID
    validateBatch(type, statements, batch?.timestamp ?? null)
    this.#guard?.request(statements, options)
    if (statements[0]!.table.isVirtual) return this.#modifyVirtual(statements, values, options)
    if (statements.some((statement) => statement.conditions !== null)) {
      return this.#executeConditional(statements, values, options, true)
    }
    const first = statements[0]!.table
    if (type === 'counter' || first.isCounter) validateCounterForWrite(options.consistency, first.name)
    else validateForWrite(options.consistency)
    for (const { table } of statements) this.#checkReplicas(options.consistency, table.keyspace, true)
    const context = this.#begin(options)
    const startedMs = this.#clock.monotonicMs()
    const mutation = this.#mutation
    mutation.begin()
    this.#timestamps.next(this.#timestamp)
    const server = this.#batchTimestamp(batch, context, this.#timestamp)
    if (server !== this.#timestamp) options = { ...options, hasTimestamp: false }
    const counters = new Set<string>()
    const write = (appliesCounters: boolean): void => {
      statements.forEach((statement, index) => {
        context.values = values[index]!
        this.#bindAttributes(statement, context, options, server)
        if (appliesCounters) this.#guard?.writes(statement, context)
        if (!statement.table.isCounter) {
          writeModification(statement, mutation, context, this.#lookup)
          return
        }
        // Each increment has to see the one before it.
        mutation.begin()
        writeModification(statement, mutation, context, this.#lookup)
        if (appliesCounters) {
          this.#apply(mutation, options.consistency, 'COUNTER')
          for (const update of updatesOf(mutation)) counters.add(`${update.handle}/${update.token}`)
        }
        mutation.begin()
      })
    }
    try {
      // Nothing is counted where a later statement cannot be executed.
      if (first.isCounter && statements.length > 1) write(false)
      write(true)
    } catch (error) {
      this.#checkKeys(statements, values, context)
      throw error
    }
    mutation.finish()
    const { dataSize, partitions, partitionsByTable } = measureBatch(mutation)
    const warnings = checkBatchSize(type, statements, dataSize, partitions, this.#config)
    this.#tracing.session?.note(
      `Determining replicas for ${type === 'logged' && partitions > 1 ? 'atomic batch' : 'mutation'}`,
    )
    const applyingMs = this.#clock.monotonicMs()
    this.#apply(mutation, options.consistency, type === 'unlogged' ? 'UNLOGGED_BATCH' : 'BATCH')
    const times = { startedMs, applyingMs, nowMs: context.nowMillis }
    if (counters.size === 0) this.#countBatch(partitions, partitionsByTable, type, times)
    else this.#countBatch(counters.size, new Map([[first.handle, counters.size]]), type, times)
    return warnings.length === 0 ? VOID : { kind: 'void', warnings }
  }

  /** Throws what is wrong with the keys of a batch, which are looked at before anything else of its statements. */
  #checkKeys(
    statements: readonly PreparedModification[],
    values: readonly BoundValues[],
    context: StatementContext,
  ): void {
    statements.forEach(({ where }, index) => {
      context.values = values[index]!
      where.restrictions.bindPartitionKeys(context)
    })
  }

  /** Counts a batch: its partitions, and for each table that it wrote to a request (`updateCoordinatorWriteLatencyTableMetric`). */
  #countBatch(
    partitions: number,
    byTable: ReadonlyMap<number, number>,
    type: BatchType,
    { startedMs, applyingMs, nowMs }: { startedMs: number; applyingMs: number; nowMs: number },
  ): void {
    const endedMs = this.#clock.monotonicMs()
    if (partitions > 0) this.metrics.partitionsPerBatch[type].update(partitions, nowMs)
    for (const [handle, updates] of byTable) {
      const metrics = this.metrics.ofHandle(handle)
      metrics.localWrite.add(updates - 1, nowMs)
      const timed = metrics.coordinatorWrite.mark(1, nowMs)
      if (timed > 0) metrics.endWrite(endedMs - startedMs, endedMs - applyingMs, nowMs, timed)
    }
  }

  #batchTimestamp(batch: PreparedBatch | null, context: StatementContext, server: Int32Array): Int32Array {
    if (batch === null || batch.timestamp === null) return server
    const value = evaluate(batch.timestamp, context)
    if (value === null) throw new InvalidRequestError('Invalid null value of timestamp')
    if (value === undefined) return server
    const timestamp = new Int32Array(2)
    readTimestamp(value, timestamp)
    return timestamp
  }

  #executeConditional(
    statements: readonly PreparedModification[],
    values: readonly BoundValues[],
    options: QueryOptions,
    isBatch: boolean,
  ): QueryResult {
    validateForCas(options.serialConsistency)
    const { keyspace } = statements[0]!.table
    const strategy = this.#schema.current.keyspaces.get(keyspace)?.params.replication.get('class')
    validateForCasCommit(options.consistency, strategy ?? '')
    const serial =
      options.serialConsistency === ConsistencyLevel.LOCAL_SERIAL
        ? ConsistencyLevel.LOCAL_QUORUM
        : ConsistencyLevel.QUORUM
    this.#checkReplicas(serial, keyspace, true)
    const context = this.#begin(options)
    this.#timestamps.next(this.#timestamp)
    const items = statements.map((prepared, index) => {
      const parameters = context.fork()
      parameters.values = values[index]!
      // The TTL is looked at when the conditions are met.
      this.#bindTimestamp(prepared, parameters, { ...options, hasTimestamp: false }, this.#timestamp)
      return { prepared, parameters }
    })
    const mutation = this.#mutation
    mutation.begin()
    const trace = this.#tracing.session
    const { table } = statements[0]!
    const metrics = this.metrics.of(table)
    trace?.note('Reading existing values for CAS precondition')
    trace?.note(`Executing single-partition query on ${table.name}`)
    const timed = metrics.beginRead(false, 1, context.nowMillis)
    const startedMs = timed === 0 ? 0 : this.#clock.monotonicMs()
    const { applied, result, liveRows } = executeCas(items, this.#read, mutation, isBatch)
    if (timed > 0) {
      const readMs = this.#clock.monotonicMs() - startedMs
      metrics.endRead(false, readMs, readMs, context.nowMillis, timed)
      metrics.rowsPerRead.update(liveRows, context.nowMillis, timed)
    }
    trace?.note(`CAS precondition ${applied ? 'is met' : 'does not match current values'}`)
    if (applied) {
      this.#checkReplicas(options.consistency, keyspace, true)
      for (const { prepared, parameters } of items) this.#guard?.writes(prepared, parameters)
      metrics.localWrite.add(1, context.nowMillis)
      this.#apply(mutation, options.serialConsistency, 'CAS')
    }
    trace?.note(applied ? 'CAS applied successfully' : 'CAS did not apply')
    return result
  }

  #select(
    prepared: PreparedSelect,
    options: QueryOptions,
    statement: PreparedStatement,
    ref: PreparedRef | null,
  ): QueryResult | Promise<QueryResult> {
    validateForRead(options.consistency)
    const { table } = prepared
    if (table.isVirtual) return this.#selectVirtual(prepared, options, statement, ref)
    this.#guard?.select(prepared, options.consistency)
    this.#checkReplicas(options.consistency, table.keyspace, false)
    const context = this.#begin(options)
    const startedMs = this.#clock.monotonicMs()
    this.#sliceStart = startedMs
    this.#guard?.read(prepared, context)
    const bound = bindSelect(prepared, context, options, context.nowSeconds)
    this.#guard?.page(bound)
    const metrics = this.metrics.of(table)
    const isScan = bound.pager === 'range'
    const reads = isScan ? 1 : readsOf(bound)
    const timed = metrics.beginRead(isScan, reads, context.nowMillis)
    const readingMs = timed === 0 ? 0 : this.#clock.monotonicMs()
    const trace = this.#tracing.session
    let observer: ReadObserver | null = timed === 0 ? null : new SampledRead(metrics, timed / reads)
    if (trace !== null && reads > 0) observer = new TracedReads(trace, observer, bound.commands, isScan)
    this.#rows.reset()
    const execution = isLocalSystemKeyspace(table.keyspace)
      ? new SelectExecution(bound, this.#read, this.#rows, undefined, observer)
      : new SelectExecution(bound, this.#read, this.#rows, this.#tombstones, observer)
    let done = false
    try {
      done = execution.run(this.#shouldYield)
      if (done) {
        if (timed > 0) {
          const endedMs = this.#clock.monotonicMs()
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
    return this.#selectLater(execution, options.consistency, metrics, times, running)
  }

  /** Suspends a SELECT and goes on with it in later turns, on what the first one saw. */
  async #selectLater(
    execution: SelectExecution,
    consistency: ConsistencyLevel,
    metrics: TableMetrics,
    { startedMs, readingMs, timed, isScan }: ReadTimes,
    running: RunningQuery,
  ): Promise<QueryResult> {
    // What was written so far stays this statement's; the next ones write elsewhere.
    this.#rows = new RowsWriter()
    execution.reader?.suspend()
    try {
      for (;;) {
        await nextTurn(this.#timers)
        this.#sliceStart = this.#clock.monotonicMs()
        if (execution.run(this.#shouldYield)) {
          if (timed > 0) {
            const endedMs = this.#clock.monotonicMs()
            const nowMs = this.#clock.nowMs()
            metrics.endRead(isScan, endedMs - startedMs, endedMs - readingMs, nowMs, timed)
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
  #selectVirtual(
    prepared: PreparedSelect,
    options: QueryOptions,
    statement: PreparedStatement,
    ref: PreparedRef | null,
  ): QueryResult {
    const context = this.#begin(options)
    const bound = bindSelect(prepared, context, options, context.nowSeconds)
    this.#rows.reset()
    const execution = new SelectExecution(bound, this.#read, this.#rows)
    this.running.enter(this.#clock.monotonicMs(), statement, options, ref)
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
    const node = this.#schema.listenAddress
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

  #open(command: ReadCommand): PartitionReader {
    return command.table.isVirtual ? this.#virtual.read(command) : this.#engine.read(command)
  }

  #checkReplicas(level: ConsistencyLevel, keyspace: string, isWrite: boolean): void {
    const factors = this.#schema.replicationFactors(keyspace)
    if (factors !== null) assureSufficientReplicas(level, factors, isWrite)
  }

  readonly #live = new LiveRow()

  #lookUp(
    table: TableMetadata,
    key: DecoratedKey,
    clustering: readonly Uint8Array[] | null,
  ): RowSnapshot | null {
    const trace = this.#tracing.session
    if (table.isCounter) trace?.note('Reading 1 counter values from the CF')
    trace?.note(`Executing single-partition query on ${table.name}`)
    // Cassandra does not count how counters are read to be written.
    if (!table.isCounter) this.metrics.of(table).beginRead(false, 1, this.#context.nowMillis)
    const reader = this.#engine.read({
      table,
      keys: [key],
      range: FULL_RING,
      slices:
        clustering === null
          ? []
          : clustering.length === 0
            ? ALL_ROWS
            : [{ start: { components: clustering, side: 0 }, end: { components: clustering, side: 1 } }],
      reversed: false,
    })
    try {
      if (!reader.nextPartition()) return null
      const found = clustering === null ? reader.staticRow() : reader.nextRow()
      if (!found) return null
      const live = this.#live
      live.dropTimes = table.dropTimes
      live.load(
        reader.row,
        reader.rowAt,
        reader.rowDeletionHi,
        reader.rowDeletionLo,
        this.#context.nowSeconds,
      )
      const simple = new Map<number, Uint8Array>()
      const complex = new Map<number, ComplexCell[]>()
      for (const column of clustering === null ? table.statics : table.regulars) {
        if (column.type.multiCell) complex.set(column.id, live.copyComplex(column.id))
        else {
          const value = live.copySimple(column.id)
          if (value !== null) simple.set(column.id, value)
        }
      }
      return {
        complex: (column: ColumnMetadata) => complex.get(column.id) ?? [],
        simple: (column: ColumnMetadata) => simple.get(column.id) ?? null,
      }
    } finally {
      reader.close()
    }
  }

  // --- statements other than reads and writes

  #executeOther(statement: raw.RawStatement, options: QueryOptions, state: ClientState): QueryResult {
    switch (statement.kind) {
      case 'use': {
        if (!this.#config.use_statements_enabled) {
          throw new InvalidRequestError(
            'USE statements prohibited. (see use_statements_enabled in cassandra.yaml)',
          )
        }
        if (!this.#schema.current.keyspaces.has(statement.keyspace)) {
          throw new InvalidRequestError(`Keyspace '${statement.keyspace}' does not exist`)
        }
        state.keyspace = statement.keyspace
        return { kind: 'setKeyspace', keyspace: statement.keyspace }
      }
      case 'truncate': {
        const table = tableOf(this.#schema.current, statement.table, options.keyspace ?? state.keyspace)
        this.#guard?.truncate()
        if (table.isVirtual) this.#virtual.truncate(table)
        else this.#engine.truncate(table)
        return VOID
      }
      default:
        return this.#schema.execute(statement, options.keyspace ?? state.keyspace, this.#guard !== null)
    }
  }
}

/** The partitions that a finished mutation changes. */
function* updatesOf({ i32 }: MutationBuilder): Iterable<{ readonly handle: number; readonly token: string }> {
  let at = MUTATION_HEADER_WORDS
  for (let n = i32[1]!; n > 0; n--) {
    yield { handle: i32[at + 1]!, token: `${i32[at + 2]},${i32[at + 3]}` }
    at += i32[at]! >>> 2
  }
}

/** How many partitions a SELECT by key reads. */
function readsOf({ commands }: BoundSelect): number {
  if (commands.length === 1) return commands[0]!.keys?.length ?? 0
  let reads = 0
  for (const { keys } of commands) reads += keys?.length ?? 0
  return reads
}

const EMPTY_METADATA_ID = new Uint8Array(createHash('md5').update(EMPTY).digest())

function unprepared(id: Uint8Array): UnpreparedError {
  return new UnpreparedError(
    `Prepared query with ID ${toHex(id)} not found (either the query was not prepared on this host (maybe the host has been restarted?) or you have prepared too many queries and it has been evicted from the internal cache)`,
    id,
  )
}

/** MD5 of keyspace and query (`QueryProcessor.computeId`). */
export function preparedId(query: string, keyspace: string | null): Uint8Array {
  return new Uint8Array(
    createHash('md5')
      .update(utf8Bytes((keyspace ?? '') + query))
      .digest(),
  )
}

function preparedResult(id: Uint8Array, statement: PreparedStatement): QueryResult {
  return {
    kind: 'prepared',
    id,
    bind: statement.bind,
    result: statement.result,
    resultMetadataId: statement.result?.id ?? EMPTY_METADATA_ID,
  }
}

/** Prepared statements are kept over restarts as long as the commit log can be written. */
function whereWritable(table: PreparedChange): PreparedChange {
  const attempt = (write: () => void): void => {
    try {
      write()
    } catch (error) {
      if (!(error instanceof CommitLogFailedError)) throw error
    }
  }
  return {
    added: (id, statement) => attempt(() => table.added(id, statement)),
    evicted: (id) => attempt(() => table.evicted(id)),
  }
}

const warned = new WeakSet<ClientState>()

/** Once a connection, or always where the request names the keyspace (`ClientState.warnAboutUseWithPreparedStatements`). */
function warnAboutUse(
  state: ClientState,
  given: string | null,
  used: string | null,
  id: Uint8Array,
): string[] | undefined {
  if (given === null) {
    if (warned.has(state)) return undefined
    warned.add(state)
  }
  return [
    `\`USE <keyspace>\` with prepared statements is considered to be an anti-pattern due to ambiguity in non-qualified table names. Please consider removing instances of \`Session#setKeyspace(<keyspace>)\`, \`Session#execute("USE <keyspace>")\` and \`cluster.newSession(<keyspace>)\` from your code, and always use fully qualified table names (e.g. <keyspace>.<table>). Keyspace used: ${used}, statement keyspace: ${used}, statement id: ${toHex(id)}`,
  ]
}

/** Markers that give the partition key whole, in its order; empty when some part is not a marker. */
/**
 * The columns of a prepared DESCRIBE: PREPARE told none, so that v3 and v4 are always given them, and v5 unless the
 * client has their id from an answer before.
 */
function withColumns(
  result: QueryResult | Promise<QueryResult>,
  ref: PreparedRef,
): QueryResult | Promise<QueryResult> {
  const id =
    ref.resultIdLength < 0
      ? null
      : ref.buffer.slice(ref.resultIdOffset, ref.resultIdOffset + ref.resultIdLength)
  const told = (rows: QueryResult): QueryResult =>
    id === null ? { ...(rows as RowsResult), noMetadata: false } : markChanged(rows, id, 0, id.length)
  return result instanceof Promise ? result.then(told) : told(result)
}

/** v5: says so when the client's result metadata id is not that of the rows. */
function markChanged(result: QueryResult, buffer: Uint8Array, offset: number, length: number): QueryResult {
  if (result.kind !== 'rows') return result
  const { id } = (result as RowsResult).metadata
  if (id.length === length) {
    let i = 0
    while (i < length && id[i] === buffer[offset + i]) i++
    if (i === length) return result
  }
  return { ...result, metadataChanged: true }
}

/**
 * Options whose values stand in the order of the markers; they are fewer where a marker's name was not among the given
 * ones (`QueryOptions.OptionsWithNames`).
 */
function positionalValues(statement: PreparedStatement, options: QueryOptions): QueryOptions {
  const { values, names } = options
  if (names === null) return options
  const offsets: number[] = []
  const lengths: number[] = []
  for (const name of statement.markerNames) {
    const index = names.indexOf(name)
    if (index < 0) continue
    offsets.push(values.offsets[index]!)
    lengths.push(values.lengths[index]!)
  }
  return {
    ...options,
    names: null,
    values: { buffer: values.buffer, count: offsets.length, offsets, lengths },
  }
}
