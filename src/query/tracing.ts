import type { RemoteTrace } from '../cluster/traces.ts'
import { ConsistencyLevel, CqlError } from '../common/errors.ts'
import { uuidText } from '../common/uuid.ts'
import type { ReadObserver } from '../cql/select/index.ts'
import type { Clock } from '../io/clock.ts'
import type { Slice } from '../model/clustering.ts'
import { MutationBuilder } from '../model/mutation.ts'
import type { QueryOptions } from '../model/query-options.ts'
import type { QueryResult } from '../model/query-result.ts'
import { FULL_RING, type ReadCommand, type TokenRange } from '../model/read-command.ts'
import type { TableMetadata } from '../model/table.ts'
import type { StorageEngine } from '../storage/storage-engine.ts'
import { toCqlLiteral, toText } from '../types/index.ts'
import type { Cluster } from './cluster.ts'
import { consistencyName } from './consistency.ts'
import { internalRow, writeInternalRow } from './internal-rows.ts'
import type { PreparedStatement } from './prepared-statements.ts'
import type { ClientState } from './query-handler.ts'
import type { SchemaService } from './schema-service.ts'
import type { TimeUuidSource } from './statement-context.ts'

/** How long traces are kept: trace_type_query_ttl, seconds. */
const TRACE_TTL = 86_400
/** All that a request does is done on the one loop, which is one stage. */
const THREAD = 'Native-Transport-Requests-1'
/** Of what is done for other nodes. */
const REMOTE_THREAD = 'Messaging-EventLoop-3-1'
/** Longer values of bind markers are cut. */
const VALUE_MAX = 1000

export interface TracingOptions {
  readonly engine: StorageEngine
  readonly schema: SchemaService
  readonly clock: Clock
  readonly timeUuids: TimeUuidSource
  /** The ring, where system_traces is replicated. */
  readonly ring: () => Cluster | null
}

interface Event {
  readonly id: Uint8Array
  readonly activity: string
  readonly elapsedMicros: number
}

/** One request that is traced: what it does, noted at the moment it does it (`TraceState`). */
export class TraceSession {
  readonly id: Uint8Array
  readonly startedAtMs: number
  readonly events: Event[] = []
  readonly #clock: Clock
  readonly #timeUuids: TimeUuidSource
  readonly #start: number

  /** @param id of a session of another node, of which this one does a part */
  constructor(clock: Clock, timeUuids: TimeUuidSource, id: Uint8Array = timeUuids.next()) {
    this.#clock = clock
    this.#timeUuids = timeUuids
    this.id = id
    this.startedAtMs = clock.nowMs()
    this.#start = clock.monotonicMs()
  }

  /** Microseconds since the session began. */
  elapsed(): number {
    return Math.round((this.#clock.monotonicMs() - this.#start) * 1000)
  }

  /** `activity` in the words that Cassandra has for it. */
  note(activity: string): void {
    this.events.push({ id: this.#timeUuids.next(), activity, elapsedMicros: this.elapsed() })
  }
}

const MERGING = 'Merging memtable contents'

function mergedText(sstables: number): string {
  return `Merged data from memtables and ${sstables} sstables`
}

/**
 * Whether rows are read by their whole clusterings, and have neither collections nor counters: then Cassandra reads what
 * is newest first (`SinglePartitionReadCommand.queryMemtableAndSSTablesInTimestampOrder`).
 */
function namesRows(table: TableMetadata, slices: readonly Slice[]): boolean {
  const count = table.clusterings.length
  const isOneRow = ({ start, end }: Slice): boolean =>
    start.components.length === count && end.components.length === count && start.side < end.side
  return (
    !table.isCounter &&
    (count === 0 || (slices.length > 0 && slices.every(isOneRow))) &&
    [...table.statics, ...table.regulars].every((column) => !column.type.multiCell)
  )
}

/** Notes how the rows of one partition are read that conditions are on. */
export function noteConditionRead(
  session: TraceSession,
  { table, slices }: ReadCommand,
  {
    liveRows,
    tombstones,
    sstables,
  }: { readonly liveRows: number; readonly tombstones: number; readonly sstables: number },
): void {
  session.note(`Executing single-partition query on ${table.name}`)
  session.note(namesRows(table, slices) ? MERGING : mergedText(sstables))
  session.note(`Read ${liveRows} live rows and ${tombstones} tombstone cells`)
}

/** Notes the reads of one SELECT, and passes on what it hears. */
export class TracedReads implements ReadObserver {
  readonly #session: TraceSession
  readonly #next: ReadObserver | null
  readonly #table: TableMetadata
  readonly #isRange: boolean
  readonly #isOfRows: boolean
  /** Partitions that are still to be read. */
  #left = 0

  constructor(
    session: TraceSession,
    next: ReadObserver | null,
    commands: readonly ReadCommand[],
    isRange: boolean,
    /** How many SSTables have tokens of the range. */
    sstables: number,
  ) {
    this.#session = session
    this.#next = next
    this.#table = commands[0]!.table
    this.#isRange = isRange
    this.#isOfRows = !isRange && namesRows(commands[0]!.table, commands[0]!.slices)
    if (isRange)
      session.note(`Executing seq scan across ${sstables} sstables for ${rangeText(commands.at(-1)!)}`)
    else {
      for (const { keys } of commands) this.#left += keys?.length ?? 0
      this.#begin()
    }
  }

  #begin(): void {
    if (this.#left-- <= 0) return
    this.#session.note(`Executing single-partition query on ${this.#table.name}`)
    if (this.#isOfRows) this.#session.note(MERGING)
  }

  read(
    liveRows: number,
    tombstones: number,
    nowMs: number,
    isMissing: boolean,
    sstables: number | null,
  ): void {
    if (!isMissing && !this.#isRange && !this.#isOfRows) {
      this.#session.note(mergedText(sstables ?? 0))
    }
    this.#session.note(`Read ${liveRows} live rows and ${tombstones} tombstone cells`)
    this.#begin()
    this.#next?.read(liveRows, tombstones, nowMs, isMissing, sstables)
  }
}

/** Traced requests: their sessions and events go to system_traces (`Tracing`, `TraceKeyspace`). */
export class Tracing {
  /** The session of the request that is being executed in this turn, if it is traced. */
  session: TraceSession | null = null
  readonly #engine: StorageEngine
  readonly #schema: SchemaService
  readonly #clock: Clock
  readonly #timeUuids: TimeUuidSource
  readonly #mutation = new MutationBuilder()
  readonly #ring: () => Cluster | null

  constructor(options: TracingOptions) {
    this.#engine = options.engine
    this.#ring = options.ring
    this.#schema = options.schema
    this.#clock = options.clock
    this.#timeUuids = options.timeUuids
  }

  /**
   * Runs a request as a tracing session. Its id goes with the result, or with the error. `parameters` are what
   * system_traces.sessions shows of the request.
   */
  run(
    request: string,
    parameters: ReadonlyMap<string, string>,
    state: ClientState,
    execute: () => QueryResult | Promise<QueryResult>,
  ): QueryResult | Promise<QueryResult> {
    const session = new TraceSession(this.#clock, this.#timeUuids)
    const fail = (error: unknown): never => {
      this.#store(session, request, parameters, state)
      if (error instanceof CqlError) error.tracingId = session.id
      throw error
    }
    const succeed = (result: QueryResult): QueryResult => {
      this.#store(session, request, parameters, state)
      return { ...result, tracingId: session.id }
    }
    let result: QueryResult | Promise<QueryResult>
    this.session = session
    try {
      result = execute()
    } catch (error) {
      this.session = null
      return fail(error)
    }
    this.session = null
    return result instanceof Promise ? result.then(succeed, fail) : succeed(result)
  }

  /** A trace that can't be written is lost; the request is answered all the same. */
  #store(
    session: TraceSession,
    request: string,
    parameters: ReadonlyMap<string, string>,
    state: ClientState,
  ): void {
    const duration = session.elapsed()
    this.#mutation.begin()
    this.#write('sessions', {
      session_id: uuidText(session.id),
      command: 'QUERY',
      client: state.remoteAddress,
      coordinator: this.#schema.system.listenAddress,
      coordinator_port: 7000,
      duration,
      parameters,
      request,
      started_at: session.startedAtMs,
    })
    this.#writeEvents(session, THREAD)
    this.#apply()
  }

  /** The part of this node in a session of another. */
  remote(id: Uint8Array): RemoteTrace {
    const session = new TraceSession(this.#clock, this.#timeUuids, id)
    return {
      id,
      note: (activity) => session.note(activity),
      end: () => {
        this.#mutation.begin()
        this.#writeEvents(session, REMOTE_THREAD)
        this.#apply()
      },
    }
  }

  #writeEvents({ id, events }: TraceSession, thread: string): void {
    for (const event of events) {
      this.#write('events', {
        session_id: uuidText(id),
        event_id: uuidText(event.id),
        activity: event.activity,
        source: this.#schema.system.listenAddress,
        source_port: 7000,
        source_elapsed: event.elapsedMicros,
        thread,
      })
    }
  }

  #write(name: string, values: Readonly<Record<string, unknown>>): void {
    const table = this.#schema.current.keyspace('system_traces')!.tables.get(name)!
    const time = { ...this.#schema.system.writeTime(), ttl: TRACE_TTL }
    writeInternalRow(this.#mutation, table, internalRow(table, values), time)
  }

  /** A trace that can't be written is lost. */
  #apply(): void {
    try {
      const written = this.#ring()?.write(this.#mutation, ConsistencyLevel.ANY, 'SIMPLE') ?? null
      if (written === null) this.#engine.apply(this.#mutation)
      else written.catch(() => undefined)
    } catch (error) {
      if (!(error instanceof Error)) throw error
    }
  }
}

/** What a session shows of a QUERY, and without a text of a BATCH. */
export function queryParameters(query: string | null, options: QueryOptions): Map<string, string> {
  const all = new Map<string, string>()
  if (query !== null) {
    all.set('query', query)
    if (options.pageSize > 0) all.set('page_size', String(options.pageSize))
  }
  all.set('consistency_level', consistencyName(options.consistency))
  all.set('serial_consistency_level', consistencyName(options.serialConsistency))
  return all
}

/** What a session shows of an EXECUTE: its values, too, as literals. `options` has the values in the markers' order. */
export function executeParameters(statement: PreparedStatement, options: QueryOptions): Map<string, string> {
  const all = queryParameters(statement.query, options)
  const { buffer, count, offsets, lengths } = options.values
  statement.bind.columns.slice(0, count).forEach(({ name, type }, i) => {
    const length = lengths[i]!
    let text: string
    if (length === -2) text = '<unset>'
    else {
      const value = length < 0 ? null : buffer.subarray(offsets[i]!, offsets[i]! + length)
      text = toCqlLiteral(type, value)
    }
    if (text.length > VALUE_MAX) text = `${text.slice(0, VALUE_MAX)}...'`
    all.set(`bound_var_${i}_${name}`, text)
  })
  return all
}

const MINIMUM = 'min(-9223372036854775808)'

/** The range of a scan (`AbstractBounds.getString`). */
function rangeText({ table, range }: ReadCommand): string {
  const start =
    range.afterKey !== null
      ? keyText(table, range.afterKey)
      : isRingStart(range)
        ? MINIMUM
        : `${range.startInclusive ? 'min' : 'max'}(${token(range.startHi, range.startLo)})`
  const end = isRingEnd(range)
    ? MINIMUM
    : `${range.endInclusive ? 'max' : 'min'}(${token(range.endHi, range.endLo)})`
  return `(${start}, ${end}]`
}

function isRingStart({ startHi, startLo }: TokenRange): boolean {
  return startHi === FULL_RING.startHi && startLo === FULL_RING.startLo
}

function isRingEnd({ endHi, endLo }: TokenRange): boolean {
  return endHi === FULL_RING.endHi && endLo === FULL_RING.endLo
}

function token(hi: number, lo: number): bigint {
  return (BigInt(hi) << 32n) | BigInt(lo >>> 0)
}

function keyText(table: TableMetadata, key: Uint8Array): string {
  if (table.partitionKeys.length === 1) return toText(table.partitionKeys[0]!.type, key)
  const parts: string[] = []
  const data = new DataView(key.buffer, key.byteOffset, key.length)
  let at = 0
  for (const { type } of table.partitionKeys) {
    const length = data.getUint16(at)
    parts.push(toText(type, key.subarray(at + 2, at + 2 + length)))
    at += 3 + length
  }
  return parts.join(':')
}
