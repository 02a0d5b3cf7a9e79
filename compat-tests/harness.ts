/**
 * What every black-box test stands on: a server to talk to, and a session with a keyspace of its own.
 *
 * CASSANDRA_CONTACT_POINTS=host[:port] names the server, which may be Apache Cassandra; without it
 * each test file starts a Sibyl of its own, as a child process with a directory of its own.
 */

import cassandra, { type ClientOptions, type QueryOptions, types } from 'cassandra-driver'
import { afterAll, beforeAll } from 'vitest'
import { spawnSibyl, temporaryDirectory } from './sibyl-process.ts'

export * from './sibyl-process.ts'

export interface Target {
  readonly kind: 'sibyl' | 'named'
  readonly host: string
  readonly port: number
  stop(): Promise<void>
}

/** The server that CASSANDRA_CONTACT_POINTS names, if it does. */
export function namedTarget(): { host: string; port: number } | undefined {
  const first = process.env['CASSANDRA_CONTACT_POINTS']?.split(',')[0]?.trim()
  if (first === undefined || first === '') return undefined
  const [host, port] = first.split(':')
  return { host, port: port === undefined ? 9042 : Number(port) }
}

export async function startTarget(): Promise<Target> {
  const named = namedTarget()
  if (named !== undefined) return { kind: 'named', ...named, stop: async () => {} }
  const directory = temporaryDirectory('compat')
  const server = await spawnSibyl({ dir: directory.path })
  return {
    kind: 'sibyl',
    host: server.host,
    port: server.port,
    stop: async () => {
      await server.kill('SIGTERM')
      directory.remove()
    },
  }
}

export function driverOptions(target: { host: string; port: number }): ClientOptions {
  return {
    contactPoints: [target.host],
    localDataCenter: 'datacenter1',
    protocolOptions: { port: target.port },
    // Schema changes on a real server that is busy may take seconds.
    socketOptions: { readTimeout: 30_000 },
    refreshSchemaDelay: 50,
  }
}

export interface Session {
  readonly target: Target
  readonly client: cassandra.Client
  readonly keyspace: string
  /** Options for one more client of the same server and keyspace. */
  options(): ClientOptions
  run(query: string, params?: unknown[], options?: QueryOptions): Promise<types.ResultSet>
  /** The rows as arrays of plain values (see `plain`), through a prepared statement if there are params. */
  rows(query: string, params?: unknown[], options?: QueryOptions): Promise<unknown[][]>
  /** What the server refuses it with: `0x2200 message`. */
  error(query: string, params?: unknown[], options?: QueryOptions): Promise<string>
}

/** A server and a fresh keyspace for the tests of one file. */
export function useSession(keyspace: string, schema: readonly string[] = []): Session {
  let target: Target
  let client: cassandra.Client
  const name = `compat_${keyspace}`

  beforeAll(async () => {
    target = await startTarget()
    const setup = new cassandra.Client(driverOptions(target))
    await setup.execute(`DROP KEYSPACE IF EXISTS ${name}`)
    await setup.execute(
      `CREATE KEYSPACE ${name} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`,
    )
    await setup.shutdown()
    client = new cassandra.Client({ ...driverOptions(target), keyspace: name })
    await client.connect()
    for (const statement of schema) await client.execute(statement)
  }, 120_000)

  afterAll(async () => {
    await client?.execute(`DROP KEYSPACE IF EXISTS ${name}`)
    await client?.shutdown()
    await target?.stop()
  }, 120_000)

  const run: Session['run'] = (query, params, options) =>
    client.execute(query, params ?? [], { prepare: params !== undefined, ...options })
  return {
    get target() {
      return target
    },
    get client() {
      return client
    },
    keyspace: name,
    options: () => ({ ...driverOptions(target), keyspace: name }),
    run,
    rows: async (query, params, options) =>
      (await run(query, params, options)).rows.map((row) => row.values().map(plain)),
    error: async (query, params, options) => refusal(run(query, params, options)),
  }
}

/** `0x2200 message` of a server's error; anything else is thrown on. */
export async function refusal(answer: Promise<unknown>): Promise<string> {
  try {
    await answer
  } catch (reason) {
    // With one host, what the driver could not retry is inside a list of hosts.
    const error =
      reason instanceof cassandra.errors.NoHostAvailableError ? Object.values(reason.innerErrors)[0] : reason
    if (error instanceof cassandra.errors.ResponseError) {
      return `0x${error.code.toString(16).padStart(4, '0')} ${error.message}`
    }
    throw reason
  }
  return 'no error'
}

/**
 * A value of the driver as plain data that compares and prints well: 64-bit and arbitrary numbers,
 * dates, UUIDs and addresses as text, bytes as 0x.., maps as pairs.
 */
export function plain(value: unknown): unknown {
  if (value === null || value === undefined) return null
  if (typeof value === 'bigint') return String(value)
  if (typeof value !== 'object') return value
  if (Buffer.isBuffer(value)) return `0x${value.toString('hex')}`
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString()
  if (Array.isArray(value)) return value.map(plain)
  if (value instanceof Map) return [...value].map(([key, item]) => [plain(key), plain(item)])
  if (value instanceof types.Tuple) return value.values().map(plain)
  if (value instanceof types.Vector) return [...value].map(plain)
  if (Object.getPrototypeOf(value) === Object.prototype) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]))
  }
  return String(value)
}

export function sleep(ms: number): Promise<void> {
  return new Promise((fulfil) => setTimeout(fulfil, ms))
}
