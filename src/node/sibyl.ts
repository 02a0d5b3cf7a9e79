import { nodeClock } from '../io/node-clock.ts'
import { createNodeDisk } from '../io/node-disk.ts'
import { NodeNetwork } from '../io/node-network.ts'
import { nodeRandom } from '../io/node-random.ts'
import { nodeTimers } from '../io/node-timers.ts'
import { createNodeWorkers } from '../io/node-workers.ts'
import { IN_MEMORY } from './database.ts'
import type { EmbeddedNode, NodesOption } from './embedded-ring.ts'
import { type Node, type NodePorts, startNode } from './node.ts'
import type { SibylOptions } from './options.ts'

export type { SibylOptions } from './options.ts'

/** What the stock Node driver's Client takes to connect to a server. */
export interface DriverOptions {
  readonly contactPoints: string[]
  readonly localDataCenter: string
  readonly protocolOptions: { readonly port: number }
}

/** What `Sibyl.start` takes: a node's options, and how many nodes there are to be. */
export interface StartOptions extends SibylOptions {
  /**
   * A ring in this process: so many nodes, or so many in each data centre (`{ dc1: 3, dc2: 3 }`). They serve clients at 127.0.0.1,
   * 127.0.0.2 and so on, on one port, and talk to each other without sockets. In a directory each has one of its own. Default: one
   * node that is alone.
   */
  readonly nodes?: NodesOption
  /** Racks of each data centre of such a ring. Default 1. */
  readonly racks?: number
}

/** A node of a ring that runs in this process. */
export type SibylNode = Pick<
  EmbeddedNode,
  'host' | 'port' | 'dataCenter' | 'rack' | 'adminPort' | 'isRunning' | 'start' | 'stop'
>

/** A running server: one node, or a ring of several in this process, listening for CQL clients. */
export class Sibyl {
  readonly host: string
  readonly port: number
  readonly localDataCenter: string
  /** Directory of the data, or ':memory:'. */
  readonly dir: string
  /** The nodes of a ring; empty of a node that is alone. */
  readonly nodes: readonly SibylNode[]
  readonly #node: Node | null

  private constructor(node: Node | null, nodes: readonly SibylNode[], dir: string) {
    this.#node = node
    this.nodes = nodes
    const { host, port } = node === null ? nodes[0]! : node.address
    this.host = host
    this.port = port
    this.dir = dir
    this.localDataCenter = node === null ? nodes[0]!.dataCenter : node.dataCenter
  }

  /** Port of nodetool and its HTTP, of the first node of a ring; null where there is none. */
  get adminPort(): number | null {
    return this.#node === null ? this.nodes[0]!.adminPort : (this.#node.adminAddress?.port ?? null)
  }

  /** `host:port` of each node, as drivers name them. */
  get contactPoints(): string[] {
    if (this.#node !== null) return [`${this.host}:${this.port}`]
    return this.nodes.map(({ host, port }) => `${host}:${port}`)
  }

  /** Options for the stock Node driver: `new Client(db.driverOptions)`. */
  get driverOptions(): DriverOptions {
    return {
      contactPoints: this.#node === null ? [...new Set(this.nodes.map(({ host }) => host))] : [this.host],
      localDataCenter: this.localDataCenter,
      protocolOptions: { port: this.port },
    }
  }

  /**
   * Starts a server; resolves when a query would succeed, and in a ring when all nodes see each other. Rejects when the directory is
   * another process's, its commit log is corrupt (CorruptionError), the port is taken, or an init statement fails.
   */
  static async start(options: StartOptions = {}): Promise<Sibyl> {
    const { nodes, racks, ...common } = options
    const dir = options.dir ?? IN_MEMORY
    if (nodes === undefined) return new Sibyl(await startNode(common, machine()), [], dir)
    const { startEmbeddedRing } = await import('./embedded-ring.ts')
    const ring = { ...common, nodes, ...(racks === undefined ? {} : { racks }) }
    return new Sibyl(null, await startEmbeddedRing(ring, machine()), dir)
  }

  /** Answers what is being asked, closes every connection and file. Idempotent. */
  async stop(): Promise<void> {
    await Promise.all(this.#node === null ? this.nodes.map((node) => node.stop()) : [this.#node.stop()])
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }
}

/** What nodes reach this machine by. */
function machine(): NodePorts {
  return {
    disk: createNodeDisk(),
    network: new NodeNetwork(),
    clock: nodeClock,
    timers: nodeTimers,
    random: nodeRandom,
    workers: createNodeWorkers(),
    loadHttp: async () => (await import('../io/node-http.ts')).nodeHttp,
    lookup: async (name) => (await import('../io/node-lookup.ts')).lookupAddress(name),
    exit: (code) => process.exit(code),
  }
}
