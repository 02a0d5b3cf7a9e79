import type { ConsistencyLevel, WriteType } from '../common/errors.ts'
import {
  bindTimestamp,
  bindTtl,
  type PreparedModification,
  writeModification,
} from '../cql/modify/modification.ts'
import type { RowSnapshot } from '../cql/modify/operations.ts'
import { MUTATION_HEADER_WORDS, MutationBuilder } from '../model/mutation.ts'
import type { QueryOptions } from '../model/query-options.ts'
import type { DecoratedKey } from '../model/read-command.ts'
import type { TableMetadata } from '../model/table.ts'
import type { Cluster } from './cluster.ts'
import type { ExecutionScope } from './execution-scope.ts'
import { FetchedRows, RowNeeded, withRows } from './fetched-rows.ts'
import { ringOf } from './ring-reads.ts'
import { RowLookup } from './row-lookup.ts'
import type { StatementContext } from './statement-context.ts'
import type { TraceSession } from './tracing.ts'
import { oversizedError, writeError } from './write-errors.ts'

/** The one mutation that statements write, one after another: how it is filled and how it is applied. */
export class MutationWriter {
  readonly mutation = new MutationBuilder()
  readonly #scope: ExecutionScope
  readonly #rows: RowLookup
  readonly #bound = new Int32Array(2)
  readonly #lookup = (
    table: TableMetadata,
    key: DecoratedKey,
    clustering: readonly Uint8Array[] | null,
  ): RowSnapshot | null => {
    const ring = ringOf(this.#scope, table.keyspace)
    if (ring === null) return this.#rows.find(table, key, clustering)
    // Whoever adds to a counter looks at it.
    if (table.isCounter) return null
    if (this.fetched === null) throw new RowNeeded(table, key, clustering)
    return this.fetched.find(table, key, clustering)
  }
  /** Rows of replicas that the statement at hand has asked for before. */
  fetched: FetchedRows | null = null

  constructor(scope: ExecutionScope) {
    this.#scope = scope
    this.#rows = new RowLookup(scope)
    scope.schema.system.onWrite = (mutation) => {
      const trace = scope.tracing.session
      if (trace === null) return
      if (scope.engine.isLogged) trace.note('Appending to commitlog')
      this.#traceUpdates(trace, mutation)
    }
  }

  /** Sets the statement's TTL and timestamp. Throws an InvalidRequestError where one of them is none. */
  bindAttributes(
    prepared: PreparedModification,
    context: StatementContext,
    options: QueryOptions,
    server: Int32Array,
  ): void {
    context.ttl = bindTtl(prepared, context, context.nowSeconds)
    this.bindTimestamp(prepared, context, options, server)
  }

  /** Sets the statement's timestamp: its own, the client's, or `server` [hi, lo]. */
  bindTimestamp(
    prepared: PreparedModification,
    context: StatementContext,
    options: QueryOptions,
    server: Int32Array,
  ): void {
    bindTimestamp(prepared, context, options, server, this.#bound)
    context.timestampHi = this.#bound[0]!
    context.timestampLo = this.#bound[1]!
  }

  /** Adds what the statement writes to the mutation. Throws an InvalidRequestError; the mutation is void then. */
  write(prepared: PreparedModification, context: StatementContext): void {
    writeModification(prepared, this.mutation, context, this.#lookup)
  }

  /** Executes a statement, a second time where rows that it has to see are at replicas. */
  withRows<T>(table: TableMetadata, level: ConsistencyLevel, execute: () => T | Promise<T>): T | Promise<T> {
    try {
      return execute()
    } catch (error) {
      const ring = ringOf(this.#scope, table.keyspace)
      if (!(error instanceof RowNeeded) || ring === null) throw error
      return withRows(new FetchedRows(this.#scope, ring, level), error, (rows) => {
        this.fetched = rows
        try {
          return execute()
        } finally {
          this.fetched = null
        }
      })
    }
  }

  /**
   * Applies the mutation, if it changes anything; null where that is done, a promise where replicas have to be waited for. Throws,
   * or rejects with, what the client is to be told.
   */
  apply(consistency: ConsistencyLevel, writeType: WriteType, isLogged = false): Promise<void> | null {
    const { mutation } = this
    if (mutation.updateCount === 0) return null
    const { engine, config, tracing } = this.#scope
    const limit = config.max_mutation_size_bytes
    if (mutation.sizeBytes > limit) throw oversizedError(mutation, limit, engine.tables, writeType)
    const trace = tracing.session
    const ring = this.#ring()
    if (ring !== null) {
      const written = this.#write(ring, consistency, writeType, isLogged)
      if (written !== null) return written
    }
    if (trace !== null && engine.isLogged) trace.note('Appending to commitlog')
    try {
      engine.apply(mutation)
    } catch (error) {
      throw writeError(error, mutation, limit, () => engine.tables, consistency, writeType)
    }
    if (trace !== null) this.#traceUpdates(trace, mutation)
    return null
  }

  /** The ring, if it writes the mutation. */
  #ring(): Cluster | null {
    const scope = this.#scope
    if (scope.cluster === null) return null
    const table = scope.schema.current.tableByHandle(this.mutation.i32[MUTATION_HEADER_WORDS + 1]!)!
    return ringOf(scope, table.keyspace)
  }

  #write(
    cluster: Cluster,
    consistency: ConsistencyLevel,
    writeType: WriteType,
    isLogged: boolean,
  ): Promise<void> | null {
    const { mutation } = this
    if (writeType === 'COUNTER') return cluster.addToCounters(mutation, consistency)
    return isLogged
      ? cluster.writeLogged(mutation, consistency)
      : cluster.write(mutation, consistency, writeType)
  }

  #traceUpdates(trace: TraceSession, mutation: MutationBuilder): void {
    const handles = new Set([...updatesOf(mutation)].map(({ handle }) => handle))
    for (const handle of handles) {
      trace.note(`Adding to ${this.#scope.schema.current.tableByHandle(handle)?.name} memtable`)
    }
  }
}

/** The partitions that a finished mutation changes. */
export function* updatesOf({
  i32,
}: MutationBuilder): Iterable<{ readonly handle: number; readonly token: string }> {
  let at = MUTATION_HEADER_WORDS
  for (let n = i32[1]!; n > 0; n--) {
    yield { handle: i32[at + 1]!, token: `${i32[at + 2]},${i32[at + 3]}` }
    at += i32[at]! >>> 2
  }
}
