import { ConsistencyLevel, InvalidRequestError } from '../common/errors.ts'
import type { PreparedModification } from '../cql/modify/modification.ts'
import type * as raw from '../cql/raw/index.ts'
import type { BatchEntry, BatchType, BoundValues, PreparedRef, QueryOptions } from '../model/query-options.ts'
import type { QueryResult, SchemaChange } from '../model/query-result.ts'
import type { PartitionReader, ReadCommand } from '../model/read-command.ts'
import { VOID, withColumns, withKnownColumns } from './answers.ts'
import { BatchExecutor } from './batch-executor.ts'
import { positionalValues } from './bound-values.ts'
import type { Cluster } from './cluster.ts'
import { ConditionalExecutor } from './conditional-executor.ts'
import { DescribeExecutor } from './describe.ts'
import { type ExecutionParts, ExecutionScope } from './execution-scope.ts'
import { StatementGuard } from './guardrails.ts'
import type { QueryMetrics } from './metrics.ts'
import { ModificationExecutor } from './modification-executor.ts'
import { MutationWriter } from './mutation-writer.ts'
import { tableOf } from './preparation.ts'
import type { PreparedStatement, PreparedStatements } from './prepared-statements.ts'
import { DEFAULT_QUERY_CONFIG, type QueryConfig } from './query-config.ts'
import type { ClientState, QueryHandler, RequestFlags } from './query-handler.ts'
import { ringOf } from './ring-reads.ts'
import type { RunningQueries } from './running-queries.ts'
import { SelectExecutor } from './select-executor.ts'
import type { StatementCache } from './statement-cache.ts'
import { StatementStore } from './statement-store.ts'
import { executeParameters, queryParameters } from './tracing.ts'
import { unloggedError } from './write-errors.ts'

export { DEFAULT_QUERY_CONFIG, type QueryConfig } from './query-config.ts'

export interface QueryProcessorOptions extends ExecutionParts {
  readonly config?: Partial<QueryConfig>
}

type Answer = QueryResult | Promise<QueryResult>

/** Finds out what statement a request asks for and hands it to its executor on this node (`QueryProcessor`). */
export class QueryProcessor implements QueryHandler {
  readonly prepared: PreparedStatements
  readonly statements: StatementCache
  readonly metrics: QueryMetrics
  readonly running: RunningQueries
  readonly #scope: ExecutionScope
  readonly #store: StatementStore
  readonly #selects: SelectExecutor
  readonly #modifications: ModificationExecutor
  readonly #conditional: ConditionalExecutor
  readonly #batches: BatchExecutor
  readonly #describe: DescribeExecutor

  constructor(options: QueryProcessorOptions) {
    const scope = new ExecutionScope(options, { ...DEFAULT_QUERY_CONFIG, ...options.config })
    const writer = new MutationWriter(scope)
    this.#scope = scope
    this.#store = new StatementStore(scope)
    this.#selects = new SelectExecutor(scope)
    this.#modifications = new ModificationExecutor(scope, writer)
    this.#conditional = new ConditionalExecutor(scope, writer)
    this.#batches = new BatchExecutor(scope, writer, this.#modifications, this.#conditional)
    this.#describe = new DescribeExecutor(options)
    this.prepared = this.#store.prepared
    this.statements = this.#store.texts
    this.metrics = scope.metrics
    this.running = this.#selects.running
    scope.schema.onChange(() => this.metrics.retain(scope.engine.tables))
  }

  onSchemaChange(listener: (change: SchemaChange) => void): () => void {
    return this.#scope.schema.onChange((changes) => {
      for (const change of changes) listener(change)
    })
  }

  commit(): Promise<void> | null {
    const { cluster, engine } = this.#scope
    return cluster === null ? engine.commit() : cluster.commit()
  }

  /** Statements are executed in the ring from now on. */
  useCluster(cluster: Cluster): void {
    const { metrics, clock } = this.#scope
    this.#scope.cluster = cluster
    const { traces, replicaMetrics } = cluster
    if (replicaMetrics !== null) replicaMetrics.of = (handle) => metrics.ofHandle(handle)
    if (traces !== null) {
      const { tracing } = this.#scope
      traces.current = () => tracing.session
      traces.remote = (session) => tracing.remote(session)
    }
    cluster.latencies = (table, kind, share) => {
      const { coordinatorRead, coordinatorWrite } = metrics.of(table)
      const timer = kind === 'read' ? coordinatorRead : coordinatorWrite
      return timer.snapshot(clock.nowMs()).quantile(share)
    }
  }

  /** SELECTs of tables that are not virtual read by `open` from now on; its readers may throw STARVED. */
  readReplicas(open: (command: ReadCommand) => PartitionReader): void {
    this.#scope.readReplicas = open
  }

  /** Prepares again what was prepared before a restart. */
  restorePrepared(): void {
    this.#store.restore()
  }

  // --- requests

  query(text: string, options: QueryOptions, state: ClientState, flags: RequestFlags): Answer {
    if (this.#isToBeGuarded(state)) return this.#guarded(() => this.query(text, options, state, flags))
    if (!flags.tracing) return this.#query(text, options, state)
    const parameters = queryParameters(text, options)
    return this.#scope.tracing.run('Execute CQL3 query', parameters, state, () =>
      this.#query(text, options, state),
    )
  }

  #query(text: string, options: QueryOptions, state: ClientState): Answer {
    const statement = this.#store.ofTracedText(text, this.#keyspaceOf(options.keyspace, state))
    const positional = positionalValues(statement, options)
    if (positional.values.count !== statement.bind.columns.length) {
      throw new InvalidRequestError('Invalid amount of bind variables')
    }
    this.metrics.regularStatementsExecuted++
    return this.#execute(statement, positional, state, null)
  }

  execute(ref: PreparedRef, options: QueryOptions, state: ClientState, flags: RequestFlags): Answer {
    if (this.#isToBeGuarded(state)) return this.#guarded(() => this.execute(ref, options, state, flags))
    if (!flags.tracing) return this.#executePrepared(ref, options, state)
    const statement = this.prepared.find(ref)
    const parameters =
      statement === null ? new Map() : executeParameters(statement, positionalValues(statement, options))
    return this.#scope.tracing.run('Execute CQL3 prepared query', parameters, state, () =>
      this.#executePrepared(ref, options, state),
    )
  }

  #executePrepared(ref: PreparedRef, options: QueryOptions, state: ClientState): Answer {
    const statement = this.#store.ofRef(ref)
    const result = this.#execute(statement, positionalValues(statement, options), state, ref)
    if (statement.result !== null) return withKnownColumns(result, ref)
    return statement.executable.kind === 'describe' ? withColumns(result, ref) : result
  }

  prepare(text: string, keyspace: string | null, state: ClientState, flags: RequestFlags): Answer {
    if (this.#isToBeGuarded(state)) return this.#guarded(() => this.prepare(text, keyspace, state, flags))
    if (!flags.tracing) return this.#prepare(text, keyspace, state)
    return this.#scope.tracing.run('Preparing CQL3 query', new Map([['query', text]]), state, () =>
      this.#prepare(text, keyspace, state),
    )
  }

  #prepare(text: string, keyspace: string | null, state: ClientState): QueryResult {
    return this.#store.prepare(text, keyspace, this.#keyspaceOf(keyspace, state), state)
  }

  batch(
    type: BatchType,
    entries: readonly BatchEntry[],
    options: QueryOptions,
    state: ClientState,
    flags: RequestFlags,
  ): Answer {
    if (this.#isToBeGuarded(state)) {
      return this.#guarded(() => this.batch(type, entries, options, state, flags))
    }
    if (!flags.tracing) return this.#batch(type, entries, options, state)
    const parameters = queryParameters(null, options)
    return this.#scope.tracing.run('Execute batch of CQL3 queries', parameters, state, () =>
      this.#batch(type, entries, options, state),
    )
  }

  #batch(type: BatchType, entries: readonly BatchEntry[], options: QueryOptions, state: ClientState): Answer {
    const statements: PreparedModification[] = []
    const values: BoundValues[] = []
    const keyspace = this.#keyspaceOf(options.keyspace, state)
    for (const { query, id, values: given } of entries) {
      const { bind, executable } =
        query !== null ? this.#store.ofText(query, keyspace) : this.#store.ofId(id!)
      if (given.count !== bind.columns.length) {
        throw new InvalidRequestError(
          `There were ${bind.columns.length} markers(?) in CQL but ${given.count} bound variables`,
        )
      }
      if (executable.kind !== 'modification') {
        throw new InvalidRequestError(
          'Invalid statement in batch: only UPDATE, INSERT and DELETE statements are allowed.',
        )
      }
      statements.push(executable)
      values.push(given)
    }
    return this.#batches.execute({ type, statements, values, batch: null }, options)
  }

  // --- what holds for all of them

  /** The keyspace of a statement: the request's, or the connection's. Throws where the request's is none. */
  #keyspaceOf(given: string | null, state: ClientState): string | null {
    if (given === null) return state.keyspace
    if (!this.#scope.schema.current.keyspaces.has(given)) {
      throw new InvalidRequestError(`Keyspace '${given}' does not exist`)
    }
    return given
  }

  /** Guardrails hold for ordinary users (`ClientState.isOrdinaryUser`). */
  #isToBeGuarded(state: ClientState): boolean {
    return state.isOrdinaryUser === true && this.#scope.guard === null
  }

  /** Executes what an ordinary user asked for. */
  #guarded(execute: () => Answer): Answer {
    const scope = this.#scope
    const guard = new StatementGuard(scope.config.guardrails)
    scope.guard = guard
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
      scope.guard = null
    }
  }

  // --- execution

  #execute(
    statement: PreparedStatement,
    options: QueryOptions,
    state: ClientState,
    ref: PreparedRef | null,
  ): Answer {
    const { executable } = statement
    if (options.values.count !== statement.bind.columns.length) {
      throw new InvalidRequestError(
        `there were ${statement.bind.columns.length} markers(?) in CQL but ${options.values.count} bound variables`,
      )
    }
    if (options.consistency === ConsistencyLevel.NODE_LOCAL) {
      throw new InvalidRequestError(
        'NODE_LOCAL consistency level is highly dangerous and should be used only for debugging purposes',
      )
    }
    if (ref !== null) this.metrics.preparedStatementsExecuted++
    switch (executable.kind) {
      case 'modification':
        return this.#modify(executable, options)
      case 'select':
        return this.#selects.execute(executable, options, statement, ref, state)
      case 'batch': {
        const { statements, type } = executable
        const values = statements.map(() => options.values)
        return this.#batches.execute({ type, statements, values, batch: executable }, options)
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

  #modify(prepared: PreparedModification, options: QueryOptions): Answer {
    this.#scope.guard?.request([prepared], options)
    if (prepared.table.isVirtual) {
      return this.#modifications.executeVirtual([prepared], [options.values], options)
    }
    if (prepared.conditions === null) return this.#modifications.execute(prepared, options)
    return this.#conditional.execute([prepared], [options.values], options, false)
  }

  /** USE, TRUNCATE and all that changes the schema. */
  #executeOther(statement: raw.RawStatement, options: QueryOptions, state: ClientState): Answer {
    const { schema, engine, virtual, guard, config } = this.#scope
    const keyspace = options.keyspace ?? state.keyspace
    switch (statement.kind) {
      case 'use': {
        if (!config.use_statements_enabled) {
          throw new InvalidRequestError(
            'USE statements prohibited. (see use_statements_enabled in cassandra.yaml)',
          )
        }
        if (!schema.current.keyspaces.has(statement.keyspace)) {
          throw new InvalidRequestError(`Keyspace '${statement.keyspace}' does not exist`)
        }
        state.keyspace = statement.keyspace
        return { kind: 'setKeyspace', keyspace: statement.keyspace }
      }
      case 'truncate': {
        const table = tableOf(schema.current, statement.table, keyspace)
        guard?.truncate()
        if (table.isVirtual) virtual.truncate(table)
        else {
          const trace = this.#scope.tracing.session
          const ring = ringOf(this.#scope, table.keyspace)
          if (ring !== null) return ring.truncate(table).then(() => VOID)
          trace?.note(`Applying truncation of ${table.keyspace}.${table.name}`)
          if (engine.isLogged) trace?.note('Appending to commitlog')
          const gone = engine.truncate(table)
          if (gone !== null) return gone.then(() => VOID)
        }
        return VOID
      }
      default:
        return schema.execute(statement, keyspace, guard !== null)
    }
  }
}
