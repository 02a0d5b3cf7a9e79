import {
  AlreadyExistsError,
  ConsistencyLevel,
  CqlError,
  consistencyName,
  InvalidRequestError,
  IsBootstrappingError,
  OverloadedError,
  UnavailableError,
} from '../../src/common/errors.ts'
import {
  type BatchEntry,
  type BoundValues,
  DEFAULT_QUERY_OPTIONS,
  type QueryOptions,
} from '../../src/model/query-options.ts'
import type { QueryResult } from '../../src/model/query-result.ts'
import type { Database } from '../../src/node/database.ts'
import type { ClientState, RequestFlags } from '../../src/query/query-handler.ts'
import { valuesOf } from '../golden/describe/client.ts'
import type { SimCluster } from './cluster.ts'
import type { SimHost } from './cluster-host.ts'
import type { SimRandom } from './sim-random.ts'

/** A statement with a `?` for each value; whether it is prepared, or its values are written into it, is the client's choice. */
export interface Statement {
  readonly cql: string
  readonly values: readonly (number | string)[]
}

export interface Asked {
  readonly level: ConsistencyLevel
  readonly serial?: ConsistencyLevel
  readonly pageSize?: number
  readonly pagingState?: Uint8Array | null
}

interface Span {
  /** World milliseconds. */
  readonly calledAt: number
  readonly returnedAt: number
  readonly host: SimHost
}

export type Answer = Span &
  (
    | { readonly kind: 'rows'; readonly rows: readonly Row[]; readonly pagingState: Uint8Array | null }
    | { readonly kind: 'done' }
    /** `isNothingDone`: by the error it is certain that nothing was or will be written. */
    | { readonly kind: 'failed'; readonly error: CqlError; readonly isNothingDone: boolean }
    /** The node died. */
    | { readonly kind: 'lost' }
  )

export type Row = Readonly<Record<string, unknown>>

const FLAGS: RequestFlags = { tracing: false, customPayload: null }
const PROTOCOL_VERSION = 5

const OPTIONS: QueryOptions = { ...DEFAULT_QUERY_OPTIONS, protocolVersion: PROTOCOL_VERSION }

function stateOf(): ClientState {
  return {
    keyspace: null,
    user: null,
    remoteAddress: '127.0.0.1',
    remotePort: 0,
    protocolVersion: PROTOCOL_VERSION,
    startupOptions: new Map(),
  }
}

/** Ints and texts as they are bound. */
function bound(values: Statement['values']): BoundValues {
  const parts = values.map((value) => {
    if (typeof value === 'string') return Buffer.from(value)
    const bytes = Buffer.alloc(4)
    bytes.writeInt32BE(value)
    return bytes
  })
  const lengths = parts.map(({ length }) => length)
  let at = 0
  const offsets = lengths.map((length) => (at += length) - length)
  return { buffer: Buffer.concat(parts), count: parts.length, offsets, lengths }
}

function written({ cql, values }: Statement): string {
  let i = 0
  return cql.replaceAll('?', () => {
    const value = values[i++]!
    return typeof value === 'string' ? `'${value}'` : String(value)
  })
}

function outcome(
  result: QueryResult,
): { kind: 'done' } | { kind: 'rows'; rows: Row[]; pagingState: Uint8Array | null } {
  if (result.kind !== 'rows') return { kind: 'done' }
  const names = result.metadata.columns.map(({ name }) => name)
  const rows = valuesOf(result).map((values) => Object.fromEntries(names.map((name, i) => [name, values[i]])))
  return { kind: 'rows', rows, pagingState: result.pagingState?.slice() ?? null }
}

/** Requests that take longer than any time-out have not been given up in time. Milliseconds. */
const PATIENCE_MS = 13_000
const TRUNCATE_PATIENCE_MS = 63_000

/** As JSON, which has no bigints. */
export function textOf(value: unknown): string {
  return JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? String(part) : part))
}

function isNothingDone(error: CqlError): boolean {
  return (
    error instanceof UnavailableError ||
    error instanceof InvalidRequestError ||
    error instanceof AlreadyExistsError ||
    error instanceof IsBootstrappingError ||
    error instanceof OverloadedError
  )
}

/** Clients of a cluster: they ask any node that serves clients, and tell what came of it. */
export class ClusterClient {
  readonly cluster: SimCluster
  readonly random: SimRandom
  /** The node that is never asked; it is the one that dies, where one alone does. */
  readonly spared: SimHost | null
  readonly #state = stateOf()
  /** By the names of errors: how often they were answered. */
  readonly errors = new Map<string, number>()
  /** What clients have to say of answers that came too late or can't be. */
  readonly complaints: string[] = []
  requests = 0
  /** Hears of each request, when it is asked. */
  onAsk: (host: SimHost) => void = () => {}

  constructor(cluster: SimCluster, random: SimRandom, spared: SimHost | null) {
    this.cluster = cluster
    this.random = random
    this.spared = spared
  }

  /** One of those that serve clients; null where there is none. */
  pick(dataCenter?: string): SimHost | null {
    const hosts = this.cluster.serving.filter(
      (host) => host !== this.spared && (dataCenter === undefined || host.options.dataCenter === dataCenter),
    )
    return hosts.length === 0 ? null : this.random.pick(hosts)
  }

  ask(host: SimHost, statement: Statement, asked: Asked): Promise<Answer> {
    const options: QueryOptions = {
      ...OPTIONS,
      consistency: asked.level,
      serialConsistency: asked.serial ?? ConsistencyLevel.SERIAL,
      pageSize: asked.pageSize ?? -1,
      pagingState: asked.pagingState ?? null,
    }
    const isPrepared = this.random.chance(0.5)
    const run = async ({ processor }: Database): Promise<QueryResult> => {
      if (!isPrepared) return processor.query(written(statement), options, this.#state, FLAGS)
      const prepared = await processor.prepare(statement.cql, null, this.#state, FLAGS)
      if (prepared.kind !== 'prepared') throw new Error(`not prepared: ${statement.cql}`)
      const ref = {
        buffer: Buffer.concat([prepared.id, prepared.resultMetadataId]),
        idOffset: 0,
        idLength: prepared.id.length,
        resultIdOffset: prepared.id.length,
        resultIdLength: prepared.resultMetadataId.length,
      }
      return processor.execute(ref, { ...options, values: bound(statement.values) }, this.#state, FLAGS)
    }
    const levels = asked.serial === undefined ? '' : `/${consistencyName(asked.serial)}`
    return this.#answered(host, `${consistencyName(asked.level)}${levels} ${written(statement)}`, run)
  }

  /** A logged batch, as text of a BATCH statement or as a BATCH message. */
  batch(host: SimHost, statements: readonly Statement[], level: ConsistencyLevel): Promise<Answer> {
    const options = { ...OPTIONS, consistency: level }
    const isMessage = this.random.chance(0.5)
    const text = `BEGIN BATCH ${statements.map(written).join('; ')}; APPLY BATCH`
    return this.#answered(host, `${consistencyName(level)} ${text}`, ({ processor }) => {
      if (!isMessage) return processor.query(text, options, this.#state, FLAGS)
      const entries = statements.map(
        ({ cql, values }): BatchEntry => ({ query: cql, id: null, values: bound(values) }),
      )
      return processor.batch('logged', entries, options, this.#state, FLAGS)
    })
  }

  async #answered(
    host: SimHost,
    text: string,
    run: (database: Database) => QueryResult | Promise<QueryResult>,
  ): Promise<Answer> {
    const { cluster } = this
    const { time } = cluster
    const id = ++this.requests
    cluster.say(`${host.name} <- #${id} ${text}`)
    const calledAt = time.nowMs
    const pausedMs = host.pausedMs
    this.onAsk(host)
    try {
      // What a result lends is taken before anything else is executed.
      const result = await host.serve(async (database) => outcome(await run(database)))
      const span = { calledAt, returnedAt: time.nowMs, host }
      cluster.say(`${host.name} -> #${id} ${textOf(result)}`)
      this.#judge(host, id, text, span.returnedAt - calledAt - (host.pausedMs - pausedMs))
      return result === null ? { kind: 'lost', ...span } : { ...result, ...span }
    } catch (error) {
      const span = { calledAt, returnedAt: time.nowMs, host }
      cluster.say(`${host.name} -> #${id} ${error}`)
      if (!(error instanceof CqlError)) throw error
      this.#judge(host, id, text, span.returnedAt - calledAt - (host.pausedMs - pausedMs))
      this.errors.set(error.constructor.name, (this.errors.get(error.constructor.name) ?? 0) + 1)
      return { kind: 'failed', error, isNothingDone: isNothingDone(error), ...span }
    }
  }

  #judge(host: SimHost, id: number, text: string, tookMs: number): void {
    if (tookMs > (text.includes('TRUNCATE') ? TRUNCATE_PATIENCE_MS : PATIENCE_MS)) {
      this.complaints.push(`request ${id} to ${host.name} took ${Math.round(tookMs)} ms: ${text}`)
    }
  }
}
