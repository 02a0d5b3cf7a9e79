import { createHash } from 'node:crypto'
import { toHex, utf8Bytes } from '../common/bytes.ts'
import { CqlError, InvalidRequestError, UnpreparedError } from '../common/errors.ts'
import type { PreparedRef } from '../model/query-options.ts'
import type { QueryResult } from '../model/query-result.ts'
import { CommitLogFailedError } from '../storage/commitlog/errors.ts'
import type { ExecutionScope } from './execution-scope.ts'
import { prepareStatement } from './preparation.ts'
import { type PreparedStatement, PreparedStatements } from './prepared-statements.ts'
import type { ClientState } from './query-handler.ts'
import { StatementCache } from './statement-cache.ts'

/** Hears of prepared statements that come and go. */
interface PreparedChange {
  added(id: Uint8Array, statement: PreparedStatement): void
  evicted(id: Uint8Array): void
}

const EMPTY_METADATA_ID = new Uint8Array(createHash('md5').digest())

/**
 * Finds statements, and prepares them where they are not found: those of PREPARE by their ids, kept over restarts, and
 * those that come as text (`QueryProcessor.prepareInternal`, `getPrepared`).
 */
export class StatementStore {
  readonly prepared: PreparedStatements
  /** Statements that came as text. */
  readonly texts: StatementCache
  readonly #scope: ExecutionScope
  readonly #onChange: PreparedChange

  constructor(scope: ExecutionScope) {
    this.#scope = scope
    const { schema, config } = scope
    const sizeBytes = config.prepared_statements_cache_size_bytes
    this.#onChange = whereWritable(schema.system.preparedStatements())
    this.prepared = new PreparedStatements(sizeBytes, (id) => this.#onChange.evicted(id))
    this.texts = new StatementCache(sizeBytes)
    schema.onChange((_changes, affected) => {
      this.prepared.evict((statement) => statement.tables.some((table) => affected(table)))
      this.texts.clear()
    })
  }

  /** The prepared statement whose id lies in the frame. Throws an UnpreparedError. */
  ofRef(ref: PreparedRef): PreparedStatement {
    const statement = this.prepared.find(ref)
    if (statement === null) throw unprepared(ref.buffer.slice(ref.idOffset, ref.idOffset + ref.idLength))
    return statement
  }

  /** The prepared statement with that id. Throws an UnpreparedError. */
  ofId(id: Uint8Array): PreparedStatement {
    const statement = this.prepared.get(id)
    if (statement === null) throw unprepared(id)
    return statement
  }

  /** The statement that a text is, prepared anew where it is not kept. */
  ofText(text: string, keyspace: string | null): PreparedStatement {
    const kept = this.texts.get(text, keyspace)
    if (kept !== null) return kept
    const statement = this.#make(text, keyspace)
    this.texts.offer(text, keyspace, statement)
    return statement
  }

  /** The statement that a text is, prepared as a trace shows it where the request is traced. */
  ofTracedText(text: string, keyspace: string | null): PreparedStatement {
    return this.#scope.tracing.session === null ? this.ofText(text, keyspace) : this.#trace(text, keyspace)
  }

  /**
   * PREPARE of a text in a keyspace, which the request gave or else the connection uses. Throws what is wrong with the
   * statement.
   */
  prepare(text: string, given: string | null, used: string | null, state: ClientState): QueryResult {
    const withKeyspace = preparedId(text, used)
    const withoutKeyspace = preparedId(text, null)
    // Only where both are known is it certain which of the two this client has to be given.
    const qualified = this.prepared.get(withoutKeyspace)
    const unqualified = this.prepared.get(withKeyspace)
    if (qualified !== null && unqualified !== null) {
      if (qualified.fullyQualified) return preparedResult(withoutKeyspace, qualified)
      if (used !== null && !unqualified.fullyQualified) return preparedResult(withKeyspace, unqualified)
    }
    const { tracing, guard } = this.#scope
    const statement = tracing.session === null ? this.#make(text, used) : this.#trace(text, used)
    if (statement.bind.columns.length > 0xffff) {
      throw new InvalidRequestError(
        `Too many markers(?). ${statement.bind.columns.length} markers exceed the allowed maximum of 65535`,
      )
    }
    guard?.prepared(statement)
    this.#keep(withoutKeyspace, statement)
    if (used !== null) this.#keep(withKeyspace, statement)
    const result = preparedResult(statement.fullyQualified ? withoutKeyspace : withKeyspace, statement)
    const warnings = statement.fullyQualified ? undefined : warnAboutUse(state, given, used, withKeyspace)
    return warnings === undefined ? result : { ...result, warnings }
  }

  /** Prepares again what was prepared before a restart; statements whose tables are gone are left out. */
  restore(): void {
    for (const { id, query, keyspace } of this.#scope.schema.system.preparedStatements().all()) {
      try {
        this.prepared.set(id, this.#make(query, keyspace))
      } catch (error) {
        if (!(error instanceof CqlError)) throw error
        this.#onChange.evicted(id)
      }
    }
  }

  #keep(id: Uint8Array, statement: PreparedStatement): void {
    this.prepared.set(id, statement)
    this.#onChange.added(id, statement)
  }

  #make(text: string, keyspace: string | null, onParsed: (() => void) | null = null): PreparedStatement {
    const { schema, clock } = this.#scope
    return prepareStatement(text, keyspace, schema.current, clock.nowMs(), onParsed)
  }

  #trace(text: string, keyspace: string | null): PreparedStatement {
    const trace = this.#scope.tracing.session
    trace?.note(`Parsing ${text}`)
    return this.#make(text, keyspace, () => trace?.note('Preparing statement'))
  }
}

function unprepared(id: Uint8Array): UnpreparedError {
  return new UnpreparedError(
    `Prepared query with ID ${toHex(id)} not found (either the query was not prepared on this host (maybe the host has been restarted?) or you have prepared too many queries and it has been evicted from the internal cache)`,
    id,
  )
}

/** MD5 of keyspace and query (`QueryProcessor.computeId`). */
function preparedId(query: string, keyspace: string | null): Uint8Array {
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
