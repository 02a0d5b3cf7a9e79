import type { BatchEntry, BatchType, PreparedRef, QueryOptions } from '../model/query-options.ts'
import type { QueryResult, SchemaChange } from '../model/query-result.ts'

/** What the server knows of one client connection (`ClientState`). Changed by USE and by a successful login. */
export interface ClientState {
  keyspace: string | null
  user: string | null
  /** Logged in and no superuser: guardrails hold for nobody else. Absent is false (`ClientState.isOrdinaryUser`). */
  isOrdinaryUser?: boolean
  readonly remoteAddress: string
  readonly remotePort: number
  /**
   * When the request at hand was received, on the monotonic clock: what came at once waits until it is its turn. Absent
   * where requests do not wait.
   */
  receivedMs?: number
  protocolVersion: number
  /** DRIVER_NAME, DRIVER_VERSION, CQL_VERSION, COMPRESSION... as STARTUP gave them. */
  startupOptions: ReadonlyMap<string, string>
}

/** Beside the statement itself: what the frame header asked for. */
export interface RequestFlags {
  readonly tracing: boolean
  readonly customPayload: ReadonlyMap<string, Uint8Array | null> | null
}

/**
 * The seam between the native transport and the query room. Every method answers at once when it can and returns a
 * promise only where it must wait. A request fails by throwing (or rejecting with) a CqlError; `warnings` and
 * `tracingId` go with the result.
 */
export interface QueryHandler {
  query(
    text: string,
    options: QueryOptions,
    state: ClientState,
    flags: RequestFlags,
  ): QueryResult | Promise<QueryResult>
  prepare(
    text: string,
    keyspace: string | null,
    state: ClientState,
    flags: RequestFlags,
  ): QueryResult | Promise<QueryResult>
  /** Throws UnpreparedError for an unknown id. `statement` and `options` are reused unless a promise is returned. */
  execute(
    statement: PreparedRef,
    options: QueryOptions,
    state: ClientState,
    flags: RequestFlags,
  ): QueryResult | Promise<QueryResult>
  /** `options.values` is empty: each entry has its own. */
  batch(
    type: BatchType,
    entries: readonly BatchEntry[],
    options: QueryOptions,
    state: ClientState,
    flags: RequestFlags,
  ): QueryResult | Promise<QueryResult>
  /**
   * Makes durable what this turn of the event loop has written: called once a turn, after its requests and before
   * their responses leave. Null when that is already so; a promise where the responses have to wait for an fsync.
   * Throws (or rejects) when the commit log failed: then nothing of the turn may be acknowledged.
   */
  commit(): Promise<void> | null
  /** Schema changes, for EVENT. Returns a function that ends the subscription. */
  onSchemaChange(listener: (change: SchemaChange) => void): () => void
}
