import { ConfigurationError } from '../common/errors.ts'
import { InProcessNetwork } from '../io/in-process-network.ts'
import type { Network } from '../io/network.ts'
import { delay } from '../io/timers.ts'
import { type Node, type NodePorts, startNode } from './node.ts'
import type { SibylOptions } from './options.ts'

/** Where the nodes of a ring on one machine are. */
export interface RingLayout {
  /** Where clients are served, a node each: addresses of their own on one port, or ports of their own on one address. */
  readonly natives: readonly { readonly host: string; readonly port: number }[]
  readonly places: readonly { readonly dataCenter: string; readonly rack: string }[]
}

/** `{ dc1: 3, dc2: 3 }`, or a number of nodes of one data centre. */
export type NodesOption = number | Readonly<Record<string, number>>

const DEFAULT_DC = 'datacenter1'
const FIRST_STORAGE_PORT = 7000
const POLL_MS = 5
/** A port that is free at one address may be taken at the next. */
const PORT_TRIES = 20

/**
 * Data centres and racks of so many nodes: the racks of a data centre in turns. Throws a RangeError for what is no number of
 * nodes.
 */
export function placesOf(nodes: NodesOption, racks = 1): RingLayout['places'] {
  const counts = typeof nodes === 'number' ? [[DEFAULT_DC, nodes] as const] : Object.entries(nodes)
  for (const [name, count] of counts) {
    if (!Number.isInteger(count) || count < 1) throw new RangeError(`${name} is to have at least one node`)
  }
  if (!Number.isInteger(racks) || racks < 1) throw new RangeError('There is to be at least one rack')
  return counts.flatMap(([dataCenter, count]) =>
    Array.from({ length: count }, (_, i) => ({ dataCenter, rack: `rack${(i % racks) + 1}` })),
  )
}

/** The addresses 127.0.0.1 and on, of a port that is free at all of them; where there is 127.0.0.1 only, a port each of it. */
export async function nativesOf(
  network: Network,
  count: number,
  port: number,
): Promise<RingLayout['natives']> {
  const hosts = Array.from({ length: count }, (_, i) => `127.0.0.${i + 1}`)
  for (let tries = 0; ; tries++) {
    const listeners = []
    try {
      let at = port
      for (const host of hosts) {
        const listener = await network.listen({ host, port: at }, (connection) => connection.destroy())
        listeners.push(listener)
        at = listener.port
      }
      return hosts.map((host) => ({ host, port: at }))
    } catch (error) {
      if (isNoAddress(error)) break
      if (port !== 0 || tries === PORT_TRIES) throw error
    } finally {
      await Promise.all(listeners.map((listener) => listener.close()))
    }
  }
  return portsOf(network, count, port)
}

/** macOS has 127.0.0.1 alone, unless it is told of others. */
function isNoAddress(error: unknown): boolean {
  return (error as { readonly code?: unknown }).code === 'EADDRNOTAVAIL'
}

async function portsOf(network: Network, count: number, first: number): Promise<RingLayout['natives']> {
  const listeners = []
  try {
    for (let i = 0; i < count; i++) {
      const port = first === 0 ? 0 : first + i
      listeners.push(await network.listen({ host: '127.0.0.1', port }, (connection) => connection.destroy()))
    }
    return listeners.map(({ port }) => ({ host: '127.0.0.1', port }))
  } finally {
    await Promise.all(listeners.map((listener) => listener.close()))
  }
}

/** A node of a ring in this process, which may be stopped and started again. */
export class EmbeddedNode {
  readonly host: string
  readonly port: number
  readonly dataCenter: string
  readonly rack: string
  readonly #options: SibylOptions
  readonly #ports: NodePorts
  #node: Node | null = null
  #wasStarted = false

  constructor(options: SibylOptions, ports: NodePorts) {
    this.host = options.host!
    this.port = options.port!
    this.dataCenter = options.dataCenter!
    this.rack = options.rack!
    this.#options = options
    this.#ports = ports
  }

  get isRunning(): boolean {
    return this.#node !== null
  }

  /** Port of nodetool at this node's address; null where there is none. */
  get adminPort(): number | null {
    return this.#node?.adminAddress?.port ?? null
  }

  /** Starts it, again with the data it had. Rejects where data was in memory alone and is gone. */
  async start(): Promise<void> {
    if (this.#node !== null) return
    if (this.#wasStarted && this.#options.dir === ':memory:') {
      throw new Error('A node whose data was in memory cannot be started again: give the ring a directory')
    }
    this.#wasStarted = true
    this.#node = await startNode(this.#options, this.#ports)
  }

  /** Executes the statements of CQL files on it. */
  async runInit(init: SibylOptions['init']): Promise<void> {
    await this.#node?.runInit(init)
  }

  /** Whether it sees so many nodes, all of them alive and serving clients, with the same schema. */
  sees(count: number): boolean {
    return this.#node?.sees(count) === true
  }

  /** Stops it as a process is stopped; the others go on. */
  async stop(): Promise<void> {
    const node = this.#node
    this.#node = null
    await node?.stop()
  }
}

/** Starts the nodes of a ring in this process; resolves when each serves clients and sees all others. */
export async function startEmbeddedRing(
  options: SibylOptions & { readonly nodes: NodesOption; readonly racks?: number },
  ports: NodePorts,
): Promise<EmbeddedNode[]> {
  const { nodes: wanted, racks, init, ...common } = options
  if (common.serverEncryption !== undefined) {
    throw new ConfigurationError(
      'Nodes of one process talk to each other without sockets: nothing is encrypted',
    )
  }
  const places = placesOf(wanted, racks)
  const natives = await nativesOf(ports.network, places.length, options.port ?? 0)
  const hasHosts = new Set(natives.map(({ host }) => host)).size === natives.length
  const storage = natives.map(({ host }, i) => ({ host, port: FIRST_STORAGE_PORT + (hasHosts ? 0 : i) }))
  const internode = new InProcessNetwork(ports.timers)
  const { dir = ':memory:' } = common
  const nodes = places.map((place, i) => {
    const { host, port } = natives[i]!
    const node: SibylOptions = {
      ...common,
      ...place,
      host,
      port,
      adminHost: host,
      dir: dir === ':memory:' ? dir : `${dir}/node${i + 1}`,
      storagePort: storage[i]!.port,
      seeds: storage.slice(0, 2).map((at) => `${at.host}:${at.port}`),
      quickGossip: true,
      endpointSnitch: options.endpointSnitch ?? 'GossipingPropertyFileSnitch',
    }
    return new EmbeddedNode(node, { ...ports, internode: internode.host(host) })
  })
  try {
    await Promise.all(nodes.map((node) => node.start()))
    while (!nodes.every((node) => node.sees(nodes.length))) await delay(ports.timers, POLL_MS)
    await nodes[0]!.runInit(init)
    return nodes
  } catch (error) {
    await Promise.all(nodes.map((node) => node.stop().catch(() => {})))
    throw error
  }
}
