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
import type { ExecutionScope } from './execution-scope.ts'
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
  ): RowSnapshot | null => this.#rows.find(table, key, clustering)

  constructor(scope: ExecutionScope) {
    this.#scope = scope
    this.#rows = new RowLookup(scope)
    scope.schema.onWrite = (mutation) => {
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

  /** Applies the mutation, if it changes anything. Throws what the client is to be told. */
  apply(consistency: ConsistencyLevel, writeType: WriteType): void {
    const { mutation } = this
    if (mutation.updateCount === 0) return
    const { engine, config, tracing } = this.#scope
    const limit = config.max_mutation_size_bytes
    if (mutation.sizeBytes > limit) throw oversizedError(mutation, limit, engine.tables, writeType)
    const trace = tracing.session
    if (trace !== null && engine.isLogged) trace.note('Appending to commitlog')
    try {
      engine.apply(mutation)
    } catch (error) {
      throw writeError(error, mutation, limit, () => engine.tables, consistency, writeType)
    }
    if (trace !== null) this.#traceUpdates(trace, mutation)
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
