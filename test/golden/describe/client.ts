import { CqlError } from '../../../src/common/errors.ts'
import { nodeClock } from '../../../src/io/node-clock.ts'
import { createNodeDisk } from '../../../src/io/node-disk.ts'
import { nodeRandom } from '../../../src/io/node-random.ts'
import { nodeTimers } from '../../../src/io/node-timers.ts'
import { DEFAULT_QUERY_OPTIONS, type BoundValues, NO_VALUES, type QueryOptions } from '../../../src/model/query-options.ts'
import type { QueryResult, RowsResult } from '../../../src/model/query-result.ts'
import { type Database, type DatabasePorts, openDatabase } from '../../../src/node/database.ts'
import { createLogger } from '../../../src/node/logger.ts'
import type { SibylOptions } from '../../../src/node/options.ts'
import { settingsOf } from '../../../src/node/settings.ts'
import type { ClientState, RequestFlags } from '../../../src/query/query-handler.ts'
import { decode } from '../../../src/types/index.ts'

const FLAGS: RequestFlags = { tracing: false, customPayload: null }

const OPTIONS: QueryOptions = { ...DEFAULT_QUERY_OPTIONS, protocolVersion: 4 }

/** A node without its sockets, in memory unless `options` give a directory. */
export function openNode(options: SibylOptions = {}, others: Partial<DatabasePorts> = {}): Promise<Database> {
  const ports = { disk: createNodeDisk(), clock: nodeClock, timers: nodeTimers, random: nodeRandom, ...others }
  return openDatabase(options, settingsOf(options), ports, createLogger('silent'), () => {})
}

/** One connection to a node. */
export class Client {
  readonly #database: Database
  readonly #protocolVersion: number
  readonly #state: ClientState

  constructor(database: Database, protocolVersion = 4) {
    this.#database = database
    this.#protocolVersion = protocolVersion
    this.#state = {
      keyspace: null,
      user: null,
      remoteAddress: '127.0.0.1',
      remotePort: 0,
      protocolVersion,
      startupOptions: new Map(),
    }
  }

  #options(options: Partial<QueryOptions>): QueryOptions {
    return { ...OPTIONS, protocolVersion: this.#protocolVersion, ...options }
  }

  query(cql: string, options: Partial<QueryOptions> = {}): QueryResult | Promise<QueryResult> {
    return this.#database.processor.query(cql, this.#options(options), this.#state, FLAGS)
  }

  /** Prepares and executes as a driver of v5 does; `preparedColumns` is what PREPARE told. */
  async prepared(cql: string): Promise<{ result: QueryResult; preparedColumns: number }> {
    const { processor } = this.#database
    const prepared = await processor.prepare(cql, null, this.#state, FLAGS)
    if (prepared.kind !== 'prepared') throw new Error('not prepared')
    const buffer = Buffer.concat([prepared.id, prepared.resultMetadataId])
    const ref = {
      buffer,
      idOffset: 0,
      idLength: prepared.id.length,
      resultIdOffset: prepared.id.length,
      resultIdLength: prepared.resultMetadataId.length,
    }
    const result = await processor.execute(ref, this.#options({ skipMetadata: true }), this.#state, FLAGS)
    return { result, preparedColumns: prepared.result?.columns.length ?? 0 }
  }

  batch(cql: string): QueryResult | Promise<QueryResult> {
    const entries = [{ query: cql, id: null, values: NO_VALUES, names: null }]
    return this.#database.processor.batch('logged', entries, this.#options({}), this.#state, FLAGS)
  }

  /** The rows as JavaScript values. */
  async rows(cql: string): Promise<unknown[][]> {
    const result = await this.query(cql)
    return result.kind === 'rows' ? valuesOf(result) : []
  }
}

/** So many values of one byte. */
export function boundValues(count: number): BoundValues {
  const offsets = Array.from({ length: count }, (_, i) => i)
  return { buffer: new Uint8Array(count).fill(0x78), count, offsets, lengths: offsets.map(() => 1) }
}

/** The error as recorded: code and text. Other errors are thrown on. */
export function refusal(error: unknown): [code: string, message: string] {
  if (!(error instanceof CqlError)) throw error
  return [`0x${error.code.toString(16).padStart(4, '0')}`, error.message]
}

export function valuesOf({ content, rowCount, metadata }: RowsResult): unknown[][] {
  const data = new DataView(content.buffer, content.byteOffset, content.byteLength)
  let at = 0
  return Array.from({ length: rowCount }, () =>
    metadata.columns.map(({ type }) => {
      const length = data.getInt32(at)
      at += 4
      if (length < 0) return null
      at += length
      return decode(type, content.slice(at - length, at))
    }),
  )
}
