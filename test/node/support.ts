import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import cassandra, { type ClientOptions } from 'cassandra-driver'
import { Sibyl, type StartOptions } from '../../src/index.ts'

/** Servers, drivers and folders of one test, all closed by `release`. */
export class Workbench {
  readonly #servers: Sibyl[] = []
  readonly #clients: cassandra.Client[] = []
  readonly #folders: string[] = []

  async start(options: StartOptions = {}): Promise<Sibyl> {
    const server = await Sibyl.start(options)
    this.#servers.push(server)
    return server
  }

  /** A connected stock driver. */
  async connect(server: Sibyl, options: Partial<ClientOptions> = {}): Promise<cassandra.Client> {
    const client = this.client(server, options)
    await client.connect()
    return client
  }

  client(server: Sibyl, options: Partial<ClientOptions> = {}): cassandra.Client {
    const client = new cassandra.Client({ ...server.driverOptions, ...options })
    this.#clients.push(client)
    return client
  }

  folder(): string {
    const folder = mkdtempSync(join(tmpdir(), 'sibyl-node-'))
    this.#folders.push(folder)
    return folder
  }

  async release(): Promise<void> {
    await Promise.all(this.#clients.splice(0).map((client) => client.shutdown()))
    await Promise.all(this.#servers.splice(0).map((server) => server.stop()))
    for (const folder of this.#folders.splice(0)) rmSync(folder, { recursive: true, force: true })
  }
}

/** The error that a promise rejects with. */
export async function failure(promise: Promise<unknown>): Promise<Error & { readonly code?: unknown }> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  )
  if (error instanceof Error) return error
  throw new Error(error === null ? 'it did not fail' : `it failed with ${String(error)}`)
}

export const KEYSPACE = `CREATE KEYSPACE demo WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`
