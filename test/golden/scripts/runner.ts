import { readFileSync } from 'node:fs'
import { ConsistencyLevel, CqlError } from '../../../src/common/errors.ts'
import { createNodeDisk } from '../../../src/io/node-disk.ts'
import { nodeClock } from '../../../src/io/node-clock.ts'
import { nodeRandom } from '../../../src/io/node-random.ts'
import { nodeTimers } from '../../../src/io/node-timers.ts'
import { type BoundValues, NO_VALUES, type QueryOptions } from '../../../src/model/query-options.ts'
import type { QueryResult, SchemaChange } from '../../../src/model/query-result.ts'
import { type Database, openDatabase } from '../../../src/node/database.ts'
import { createLogger } from '../../../src/node/logger.ts'
import type { SibylOptions } from '../../../src/node/options.ts'
import { settingsOf } from '../../../src/node/settings.ts'
import type { ClientState, RequestFlags } from '../../../src/query/query-handler.ts'
import { type CqlType, unwrapReversed } from '../../../src/types/index.ts'

/** What a client is told of one statement, as record.py writes it. */
export interface Answer {
  readonly error?: readonly [code: string, message: string]
  readonly warnings?: readonly string[]
  readonly columns?: readonly string[]
  readonly rows?: readonly string[]
  readonly change?: string
}

export interface Step extends Answer {
  readonly cql: string
  readonly options?: {
    readonly cl?: keyof typeof ConsistencyLevel
    readonly serial?: keyof typeof ConsistencyLevel
    readonly page?: number
    readonly timestamp?: number
    readonly values?: readonly (string | null)[]
    readonly prepare?: boolean
  }
}

export interface Section {
  readonly section: string
  readonly steps: readonly Step[]
}

export function load(name: string): Section[] {
  return JSON.parse(readFileSync(new URL(`${name}.json`, import.meta.url), 'utf8')) as Section[]
}

/** What the script's first line sets in cassandra.yaml. */
export function settingsFor(name: string): Record<string, string> {
  const [first] = readFileSync(new URL(`${name}.cql`, import.meta.url), 'utf8').split('\n')
  if (!first!.startsWith('# settings: ')) return {}
  return Object.fromEntries(first!.slice(12).split(' ').map((item) => item.split(/=(.*)/s).slice(0, 2)))
}

/** Limits of timestamps are as far from now as they are set to. */
function timeless(text: string): string {
  return text.replace(/threshold -?\d{15,}/g, 'threshold *')
}

const KEYSPACE = 'ddl_gold'

const FLAGS: RequestFlags = { tracing: false, customPayload: null }

function open(options: SibylOptions): Promise<Database> {
  const ports = { disk: createNodeDisk(), clock: nodeClock, timers: nodeTimers, random: nodeRandom }
  return openDatabase(options, settingsOf(options), ports, createLogger('silent'), () => {})
}

/** A whole node but its sockets: it answers statements as a client of protocol v4 would see them. */
export class Runner {
  #database: Database
  readonly #options: SibylOptions
  readonly #state: ClientState

  private constructor(database: Database, options: SibylOptions, isOrdinaryUser: boolean) {
    this.#database = database
    this.#options = options
    this.#state = {
      keyspace: KEYSPACE,
      user: null,
      isOrdinaryUser,
      remoteAddress: '127.0.0.1',
      remotePort: 0,
      protocolVersion: 4,
      startupOptions: new Map(),
    }
  }

  /** A node with the keyspace that record.py makes for each section, and its connection; in memory without `dir`. */
  static async start(
    settings: SibylOptions['settings'] = {},
    isOrdinaryUser = false,
    dir?: string,
  ): Promise<Runner> {
    const options: SibylOptions = dir === undefined ? { settings } : { settings, dir }
    const database = await open(options)
    const runner = new Runner(database, options, isOrdinaryUser)
    const replication = "{'class': 'NetworkTopologyStrategy', 'datacenter1': 1}"
    const state = { ...runner.#state, keyspace: null, isOrdinaryUser: false }
    await database.processor.query(`CREATE KEYSPACE ${KEYSPACE} WITH replication = ${replication}`, optionsOf({ cql: '' }), state, FLAGS)
    return runner
  }

  stop(): Promise<void> {
    return this.#database.close()
  }

  /** Closes the node and opens it again over its directory; the connection stays what it was. */
  async restart(): Promise<void> {
    await this.#database.close()
    this.#database = await open(this.#options)
  }

  async run(step: Step): Promise<Answer> {
    try {
      return answerOf(await this.#ask(step))
    } catch (error) {
      if (!(error instanceof CqlError)) throw error
      const { warnings } = error
      return {
        error: [`0x${error.code.toString(16).padStart(4, '0')}`, timeless(error.message)],
        ...(warnings === undefined || warnings.length === 0 ? {} : { warnings: warnings.map(timeless) }),
      }
    }
  }

  async #ask(step: Step): Promise<QueryResult> {
    const { processor } = this.#database
    const options = optionsOf(step)
    if (step.options?.prepare !== true) return processor.query(step.cql, options, this.#state, FLAGS)
    const prepared = await processor.prepare(step.cql, null, this.#state, FLAGS)
    if (prepared.kind !== 'prepared') throw new Error('not prepared')
    const { id } = prepared
    const ref = { buffer: id, idOffset: 0, idLength: id.length, resultIdOffset: 0, resultIdLength: -1 }
    return processor.execute(ref, options, this.#state, FLAGS)
  }
}

function optionsOf({ options = {} }: Step): QueryOptions {
  const timestamp = BigInt(options.timestamp ?? 0)
  return {
    consistency: ConsistencyLevel[options.cl ?? 'ONE'],
    values: options.values === undefined ? NO_VALUES : boundValues(options.values),
    names: null,
    skipMetadata: false,
    pageSize: options.page ?? -1,
    pagingState: null,
    serialConsistency: ConsistencyLevel[options.serial ?? 'SERIAL'],
    hasTimestamp: options.timestamp !== undefined,
    timestampHi: Number(timestamp >> 32n),
    timestampLo: Number(BigInt.asIntN(32, timestamp)),
    nowInSeconds: null,
    keyspace: null,
    protocolVersion: 4,
  }
}

function boundValues(values: readonly (string | null)[]): BoundValues {
  const parts = values.map((value) => Buffer.from(value === null || value === 'unset' ? '' : value, 'hex'))
  let at = 0
  const offsets = parts.map((part) => {
    at += part.length
    return at - part.length
  })
  return {
    buffer: Buffer.concat(parts),
    count: values.length,
    offsets,
    lengths: values.map((value, i) => (value === null ? -1 : value === 'unset' ? -2 : parts[i]!.length)),
  }
}

function answerOf(result: QueryResult): Answer {
  const given = result.warnings ?? []
  const warnings = given.length === 0 ? {} : { warnings: given.map(timeless) }
  if (result.kind === 'schemaChange') {
    return result.change === null ? warnings : { ...warnings, change: changeText(result.change) }
  }
  if (result.kind !== 'rows') return warnings
  const { columns } = result.metadata
  const content = Buffer.from(result.content)
  let at = 0
  const value = (): string => {
    const length = content.readInt32BE(at)
    at += 4 + Math.max(0, length)
    return length < 0 ? 'null' : length === 0 ? "''" : content.toString('hex', at - length, at)
  }
  const rows = Array.from({ length: result.rowCount }, () => columns.map(value).join(' '))
  return { ...warnings, columns: columns.map(({ name, type }) => `${name}: ${typeText(type)}`), rows }
}

function changeText({ change, target, keyspace, name }: SchemaChange): string {
  return `${change} ${target} ${keyspace}${target === 'KEYSPACE' ? '' : `.${name}`}`
}

/** A type as protocol v4 has it. */
function typeText(declared: CqlType): string {
  const type = unwrapReversed(declared)
  switch (type.kind) {
    case 'text':
      return 'varchar'
    case 'list':
    case 'set':
      return `${type.kind}<${typeText(type.elements)}>`
    case 'map':
      return `map<${typeText(type.keys)}, ${typeText(type.values)}>`
    case 'tuple':
      return `tuple<${type.types.map(typeText).join(', ')}>`
    case 'udt': {
      const fields = type.fieldNames.map((name, i) => `${name} ${typeText(type.fieldTypes[i]!)}`)
      return `udt(${type.keyspace}.${type.name}: ${fields.join(', ')})`
    }
    case 'vector':
    case 'duration':
    case 'empty':
    case 'custom':
      return `custom(${type.className})`
    default:
      return type.kind
  }
}
