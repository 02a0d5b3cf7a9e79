import { nodeClock } from '../io/node-clock.ts'
import { createNodeDisk } from '../io/node-disk.ts'
import { NodeNetwork } from '../io/node-network.ts'
import { nodeRandom } from '../io/node-random.ts'
import { nodeTimers } from '../io/node-timers.ts'
import { createNodeWorkers } from '../io/node-workers.ts'
import { IN_MEMORY } from './database.ts'
import { type Node, startNode } from './node.ts'
import type { SibylOptions } from './options.ts'

export type { SibylOptions } from './options.ts'

/** What the stock Node driver's Client takes to connect to a server. */
export interface DriverOptions {
  readonly contactPoints: string[]
  readonly localDataCenter: string
  readonly protocolOptions: { readonly port: number }
}

/** A running server: one node, listening for CQL clients. */
export class Sibyl {
  readonly host: string
  readonly port: number
  readonly localDataCenter: string
  /** Directory of the data, or ':memory:'. */
  readonly dir: string
  readonly #node: Node

  private constructor(node: Node, dir: string) {
    this.#node = node
    this.host = node.address.host
    this.port = node.address.port
    this.dir = dir
    this.localDataCenter = node.dataCenter
  }

  /** Port of nodetool and its HTTP; null where there is none. */
  get adminPort(): number | null {
    return this.#node.adminAddress?.port ?? null
  }

  /** `host:port`, as drivers name a node. */
  get contactPoints(): string[] {
    return [`${this.host}:${this.port}`]
  }

  /** Options for the stock Node driver: `new Client(db.driverOptions)`. */
  get driverOptions(): DriverOptions {
    return {
      contactPoints: [this.host],
      localDataCenter: this.localDataCenter,
      protocolOptions: { port: this.port },
    }
  }

  /**
   * Starts a server; resolves when a query would succeed. Rejects when the directory is another process's, its commit
   * log is corrupt (CorruptionError), the port is taken, or an init statement fails.
   */
  static async start(options: SibylOptions = {}): Promise<Sibyl> {
    const node = await startNode(options, {
      disk: createNodeDisk(),
      network: new NodeNetwork(),
      clock: nodeClock,
      timers: nodeTimers,
      random: nodeRandom,
      workers: createNodeWorkers(),
      loadHttp: async () => (await import('../io/node-http.ts')).nodeHttp,
      exit: (code) => process.exit(code),
    })
    return new Sibyl(node, options.dir ?? IN_MEMORY)
  }

  /** Answers what is being asked, closes every connection and file. Idempotent. */
  stop(): Promise<void> {
    return this.#node.stop()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }
}
