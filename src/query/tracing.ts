import { CqlError } from '../common/errors.ts'
import { uuidText } from '../common/uuid.ts'
import type { Clock } from '../io/clock.ts'
import { MutationBuilder } from '../model/mutation.ts'
import type { QueryOptions } from '../model/query-options.ts'
import type { QueryResult } from '../model/query-result.ts'
import type { TableMetadata } from '../model/table.ts'
import type { StorageEngine } from '../storage/storage-engine.ts'
import { consistencyName } from './consistency.ts'
import { internalRow, writeInternalRow } from './internal-rows.ts'
import type { ClientState } from './query-handler.ts'
import type { SchemaService } from './schema-service.ts'
import type { TimeUuidSource } from './statement-context.ts'

/** How long traces are kept: trace_type_query_ttl, seconds. */
const TRACE_TTL = 86_400
const THREAD = 'Native-Transport-Requests'

export interface TracingOptions {
  readonly engine: StorageEngine
  readonly schema: SchemaService
  readonly clock: Clock
  readonly timeUuids: TimeUuidSource
}

interface Event {
  readonly id: Uint8Array
  readonly activity: string
  readonly elapsedMicros: number
}

/** Traced requests: their sessions and events go to system_traces (`Tracing`, `TraceKeyspace`). */
export class Tracing {
  readonly #engine: StorageEngine
  readonly #schema: SchemaService
  readonly #clock: Clock
  readonly #timeUuids: TimeUuidSource
  readonly #mutation = new MutationBuilder()

  constructor(options: TracingOptions) {
    this.#engine = options.engine
    this.#schema = options.schema
    this.#clock = options.clock
    this.#timeUuids = options.timeUuids
  }

  /**
   * Runs a request as a tracing session. Its id goes with the result, or with the error. `parameters` are those that
   * system_traces.sessions shows beside the consistency levels.
   */
  run(
    request: string,
    parameters: Readonly<Record<string, string>>,
    options: QueryOptions | null,
    state: ClientState,
    execute: () => QueryResult | Promise<QueryResult>,
  ): QueryResult | Promise<QueryResult> {
    const tracingId = this.#timeUuids.next()
    const startedAt = this.#clock.nowMs()
    const start = this.#clock.monotonicMs()
    const events: Event[] = []
    const note = (activity: string): void => {
      const elapsedMicros = Math.round((this.#clock.monotonicMs() - start) * 1000)
      events.push({ id: this.#timeUuids.next(), activity, elapsedMicros })
    }
    const finish = (): void => {
      note('Request complete')
      this.#store(tracingId, request, allParameters(parameters, options), state, startedAt, events)
    }
    const fail = (error: unknown): never => {
      note(`Request failed: ${error instanceof Error ? error.message : String(error)}`)
      finish()
      if (error instanceof CqlError) error.tracingId = tracingId
      throw error
    }
    const succeed = (result: QueryResult): QueryResult => {
      note(result.kind === 'rows' ? `Read ${result.rowCount} rows` : 'Executed')
      finish()
      return { ...result, tracingId }
    }
    note(parameters['query'] === undefined ? request : `Parsing ${parameters['query']}`)
    let result: QueryResult | Promise<QueryResult>
    try {
      result = execute()
    } catch (error) {
      return fail(error)
    }
    return result instanceof Promise ? result.then(succeed, fail) : succeed(result)
  }

  #store(
    id: Uint8Array,
    request: string,
    parameters: ReadonlyMap<string, string>,
    state: ClientState,
    startedAt: number,
    events: readonly Event[],
  ): void {
    const local = this.#schema.listenAddress
    const session = uuidText(id)
    const tables = this.#schema.current.keyspace('system_traces')!.tables
    this.#mutation.begin()
    const write = (table: TableMetadata, values: Readonly<Record<string, unknown>>): void =>
      writeInternalRow(this.#mutation, table, internalRow(table, values), {
        ...this.#schema.writeTime(),
        ttl: TRACE_TTL,
      })
    write(tables.get('sessions')!, {
      session_id: session,
      command: 'QUERY',
      client: state.remoteAddress,
      coordinator: local,
      coordinator_port: 7000,
      duration: events.at(-1)?.elapsedMicros ?? 0,
      parameters,
      request,
      started_at: startedAt,
    })
    for (const event of events) {
      write(tables.get('events')!, {
        session_id: session,
        event_id: uuidText(event.id),
        activity: event.activity,
        source: local,
        source_port: 7000,
        source_elapsed: event.elapsedMicros,
        thread: THREAD,
      })
    }
    this.#engine.apply(this.#mutation)
  }
}

function allParameters(
  parameters: Readonly<Record<string, string>>,
  options: QueryOptions | null,
): ReadonlyMap<string, string> {
  const all = new Map(Object.entries(parameters))
  if (options === null) return all
  if (options.pageSize > 0) all.set('page_size', String(options.pageSize))
  all.set('consistency_level', consistencyName(options.consistency))
  all.set('serial_consistency_level', consistencyName(options.serialConsistency))
  return all
}
