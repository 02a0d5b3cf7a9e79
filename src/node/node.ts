import type { AdminServer } from '../admin/admin-server.ts'
import { AllowAllAuthenticator, type Authenticator, PasswordAuthenticator } from '../auth/index.ts'
import type { ClusterNode } from '../cluster/cluster-node.ts'
import { splitScript } from '../cql/script.ts'
import type { Http } from '../io/http.ts'
import type { Listener, Network, TlsSettings } from '../io/network.ts'
import type { TimerHandle, Timers } from '../io/timers.ts'
import { DEFAULT_QUERY_OPTIONS } from '../model/query-options.ts'
import type { ServerEvent } from '../protocol/index.ts'
import type { ClientState } from '../query/query-handler.ts'
import type { QueryProcessor } from '../query/query-processor.ts'
import { NativeTransport } from '../server/index.ts'
import { startAdminPort } from './admin-port.ts'
import { type Database, type DatabasePorts, openDatabase } from './database.ts'
import type { NodeAddresses } from './identity.ts'
import { createLogger, type Logger } from './logger.ts'
import type { SibylOptions } from './options.ts'
import { isRingNode, ringNodeName } from './ring-mode.ts'
import type { RingPlan } from './ring-node.ts'
import type { Lookup } from './ring-options.ts'
import { type Settings, settingsOf } from './settings.ts'
import { registerSystemViews } from './system-views/index.ts'

/** All that a node reaches the machine by. */
export interface NodePorts extends DatabasePorts {
  readonly network: Network
  /** What nodes of a ring talk over; the same without it. */
  readonly internode?: Network
  /** Finds addresses of names of nodes; without it there are none but localhost. */
  readonly lookup?: Lookup
  /** HTTP for the admin port; without it there is none. */
  readonly loadHttp?: () => Promise<Http>
  /** Ends the process: commit_failure_policy die. */
  exit(code: number): void
}

/** Exit code of commit_failure_policy die, as of Cassandra. */
const FAILED_EXIT_CODE = 100
/** A timer that is due in an hour keeps a process that has no socket. */
const ALIVE_MS = 3_600_000
const NO_FLAGS = { tracing: false, customPayload: null }

/** A node that listens for CQL clients. */
export class Node {
  readonly #transport: NativeTransport
  readonly #database: Database
  readonly #timers: Timers
  readonly #ring: ClusterNode | null
  #admin: AdminServer | null = null
  #adminOpened: Promise<AdminServer | null> | null = null
  #draining: Promise<void> | null = null
  #stopping: Promise<void> | null = null
  #alive: TimerHandle | null = null

  constructor(transport: NativeTransport, database: Database, timers: Timers, ring: ClusterNode | null) {
    this.#transport = transport
    this.#database = database
    this.#timers = timers
    this.#ring = ring
  }

  get address(): { readonly host: string; readonly port: number } {
    return this.#transport.address
  }

  get dataCenter(): string {
    return this.#database.name.dataCenter
  }

  /** Where nodetool finds the node; null where it does not. */
  get adminAddress(): { readonly host: string; readonly port: number } | null {
    return this.#admin === null ? null : { host: this.#admin.host, port: this.#admin.port }
  }

  /** Takes over the admin port when it is open; it closes with the node. */
  async useAdmin(opening: Promise<AdminServer | null>): Promise<void> {
    this.#adminOpened = opening.catch(() => null)
    this.#admin = await opening
  }

  /** Executes the statements of CQL files, or of directories of them. */
  async runInit(init: SibylOptions['init']): Promise<void> {
    await runInit(init, this.#database.processor)
  }

  /** What it is in its ring; null where it is alone. */
  get ring(): ClusterNode | null {
    return this.#ring
  }

  /** Whether it sees a ring of so many nodes, all alive, serving clients and of one schema. */
  sees(count: number): boolean {
    const membership = this.#ring?.membership
    if (membership === undefined) return count === 1
    const { nodes } = membership.ring
    const isUp = nodes.every(
      ({ endpoint }) => membership.isAlive(endpoint) && membership.isRpcReady(endpoint),
    )
    return nodes.length === count && isUp && membership.schemaAgreed
  }

  /** CQL clients are taken. */
  get isTransportRunning(): boolean {
    return this.#alive === null && this.#stopping === null
  }

  /** Takes no clients any more, writes everything into SSTables and empties the commit log (`StorageService.drain`). Once. */
  drain(): Promise<void> {
    this.#draining ??= this.#drain()
    return this.#draining
  }

  async #drain(): Promise<void> {
    const { engine } = this.#database
    await this.stopTransport()
    await this.#ring?.stop()
    await engine.compactions?.close()
    await engine.drain()
    engine.refuseWrites()
  }

  /** Answers what is being asked, closes every connection and file. Idempotent. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  /** Closes every connection and takes none any more (`StorageService.stopTransports`). The process lives until `stop`. */
  async stopTransport(): Promise<void> {
    if (this.#stopping !== null || this.#alive !== null) return
    this.#stayAlive()
    this.#ring?.setRpcReady(false)
    await this.#transport.stop()
  }

  /** Serves nobody any more, and says so by its silence: disk_failure_policy stop (`StorageService.stopTransports`). */
  async stopServing(): Promise<void> {
    await this.stopTransport()
    this.#ring?.gossip.disable()
  }

  /** Takes CQL clients again (`nodetool enablebinary`). Throws after a drain. */
  async startTransport(): Promise<void> {
    if (this.#alive === null || this.#stopping !== null) return
    if (this.#draining !== null) throw new Error('The node is drained: it has to be started again')
    await this.#transport.restart()
    this.#timers.clearTimeout(this.#alive)
    this.#alive = null
    this.#ring?.setRpcReady(true)
  }

  #stayAlive(): void {
    this.#alive = this.#timers.setTimeout(() => this.#stayAlive(), ALIVE_MS)
  }

  async #stop(): Promise<void> {
    if (this.#alive !== null) this.#timers.clearTimeout(this.#alive)
    try {
      await (await this.#adminOpened)?.close()
      await this.#draining?.catch(() => {})
      this.#ring?.setRpcReady(false)
      await this.#transport.stop()
      await this.#ring?.stop()
    } finally {
      await this.#database.close()
    }
  }
}

/** Starts a node; resolves when a query would succeed. Rejects as `Sibyl.start` does. */
export async function startNode(given: SibylOptions, ports: NodePorts): Promise<Node> {
  const logger = createLogger(given.logLevel ?? 'silent', ringNodeName(given))
  const joining = isRingNode(given) ? await planRing(given, ports, logger) : null
  const options = joining?.options ?? given
  const settings = settingsOf(options)
  for (const warning of settings.warnings) logger.warn(warning)
  const policy = settings.commitLog.failurePolicy
  let node: Node | null = null
  let failure: Error | null = null
  const onFailure = (error: Error): void => {
    failure = error
    if (policy === 'die') {
      logger.error(`The commit log failed, the process ends: ${error.message}`)
      ports.exit(FAILED_EXIT_CODE)
    } else if (policy === 'stop') {
      logger.error(`The commit log failed, the server stops: ${error.message}`)
      // A log that has failed has nothing to say that was not said.
      void node?.stop().catch(() => {})
    } else logger.error(`The commit log failed, from now on the server reads only: ${error.message}`)
  }
  const database = await openDatabase(options, settings, ports, logger, onFailure, joining?.addresses ?? null)
  let ring: ClusterNode | null = null
  try {
    const { engine, schema, virtual, processor, failures, name } = database
    let transport: NativeTransport | null = null
    if (joining !== null) {
      ring = await joining.join(database, settings, (event) => transport?.push(event))
    }
    await runInit(options.init, processor)
    transport = await NativeTransport.start({
      network: ports.network,
      clock: ports.clock,
      timers: ports.timers,
      host: options.host ?? '127.0.0.1',
      port: options.port ?? 0,
      handler: processor,
      authenticator: authenticatorOf(options),
      config: settings.transport,
      logger,
      ...(await encryption(options)),
    })
    node = new Node(transport, database, ports.timers, ring)
    try {
      const { host, port } = transport.address
      if (ring === null) schema.system.writeLocal({ rpc_address: host, rpc_port: port })
      ring?.setRpcReady(true)
      await processor.commit()
      const admin = node.useAdmin(startAdminPort(options, ports, database, settings, node, logger))
      // The default port only warns where it cannot be had; clients need not wait for it.
      if (options.adminPort === 'auto') admin.catch(() => undefined)
      else await admin
      if (failure !== null && policy !== 'stop_commit') throw failure
      const serving = node
      failures.started({
        stopTransport: () => void serving.stopServing().catch(() => {}),
        die: () => ports.exit(FAILED_EXIT_CODE),
      })
    } catch (error) {
      await node.stop().catch(() => {})
      throw error
    }
    registerSystemViews(virtual, {
      schema,
      transport,
      processor,
      engine,
      caches: database.caches,
      options: { ...options, ...name },
      settings,
      clock: ports.clock,
      ring,
    })
    return node
  } catch (error) {
    await ring?.stop().catch(() => {})
    await database.close().catch(() => {})
    throw error
  }
}

/** A node of a ring that is to be: its options with all that follows from them, and how it is made. */
interface Joining {
  readonly options: SibylOptions
  readonly addresses: NodeAddresses
  /** Makes it one, once its database is open. */
  join(database: Database, settings: Settings, push: (event: ServerEvent) => void): Promise<ClusterNode>
}

/** Loads what nodes of a ring need, which a server that is alone never does. */
async function planRing(options: SibylOptions, ports: NodePorts, logger: Logger): Promise<Joining> {
  const [{ ringAddressesOf }, { ringPlanOf, createRingNode, startRingNode, waitForNodes }, { readFileSync }] =
    await Promise.all([import('./ring-options.ts'), import('./ring-node.ts'), import('node:fs')])
  const found = await ringAddressesOf(options, ports.lookup ?? (async () => null), logger)
  const plan: RingPlan = ringPlanOf(options, found, readFileSync, logger)
  const { listen, broadcast, rpcHost, nativeHost } = found
  // Other nodes are told the port before clients are served.
  const nativePort = options.port || (await freePort(ports.network, rpcHost))
  return {
    options: {
      ...options,
      ...plan.location,
      host: rpcHost,
      port: nativePort,
      endpointSnitch: plan.snitch.name,
    },
    addresses: { listen, broadcast, native: { host: nativeHost, port: nativePort } },
    async join(database, settings, push) {
      const readFile = readFileSync
      const parts = { options, settings, plan, database, ports, logger, nativePort, readFile, push }
      const ring = createRingNode(parts)
      try {
        const isNew = await startRingNode(ring, database)
        if (isNew) await waitForNodes(ring, options.expectNodes ?? 1, parts)
      } catch (error) {
        await ring.stop().catch(() => {})
        throw error
      }
      return ring
    },
  }
}

async function freePort(network: Network, host: string): Promise<number> {
  const listener: Listener = await network.listen({ host, port: 0 }, (connection) => connection.destroy())
  await listener.close()
  return listener.port
}

function authenticatorOf(options: SibylOptions): Authenticator {
  if (options.authenticator !== 'PasswordAuthenticator') return new AllowAllAuthenticator()
  return new PasswordAuthenticator((user, password) => user === 'cassandra' && password === 'cassandra')
}

/** TLS, if it was asked for; only then its code is loaded. */
async function encryption({ clientEncryption }: SibylOptions): Promise<{ readonly tls?: TlsSettings }> {
  if (clientEncryption?.enabled !== true) return {}
  const [{ tlsSettings }, { readFileSync }] = await Promise.all([
    import('../server/client-encryption.ts'),
    import('node:fs'),
  ])
  const tls = tlsSettings(clientEncryption, readFileSync)
  return tls === null ? {} : { tls }
}

/** Executes the statements of the init files, one after another. */
async function runInit(init: SibylOptions['init'], processor: QueryProcessor): Promise<void> {
  if (init === undefined || init.length === 0) return
  const { readInitFiles } = await import('./init-files.ts')
  const state: ClientState = {
    keyspace: null,
    user: null,
    remoteAddress: '127.0.0.1',
    remotePort: 0,
    protocolVersion: 5,
    startupOptions: new Map(),
  }
  for (const { path, text } of readInitFiles(typeof init === 'string' ? [init] : init)) {
    for (const statement of splitScript(text)) {
      try {
        await processor.query(statement.text, DEFAULT_QUERY_OPTIONS, state, NO_FLAGS)
        await processor.commit()
      } catch (error) {
        throw new Error(
          `${path}:${statement.line}: ${error instanceof Error ? error.message : String(error)}`,
          {
            cause: error,
          },
        )
      }
    }
  }
}
