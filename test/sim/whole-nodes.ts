import type { TimerHandle, Timers } from '../../src/io/timers.ts'
import { type Node, startNode } from '../../src/node/node.ts'
import type { SibylOptions } from '../../src/node/options.ts'
import { startupBody } from '../../src/protocol/client-request.ts'
import { Opcode } from '../../src/protocol/opcode.ts'
// Loaded before time is simulated: loading takes time of its own.
import '../../src/node/ring-node.ts'
import '../../src/node/ring-options.ts'
import { SimClient } from './sim-client.ts'
import { SimClock, SimTimers } from './sim-clock.ts'
import { SimDisk } from './sim-disk.ts'
import { SimNetwork } from './sim-network.ts'
import { SimRandom } from './sim-random.ts'

/** Timers of one process: with it they are gone. */
class ProcessTimers implements Timers {
  readonly #timers: SimTimers
  #isDead = false

  constructor(timers: SimTimers) {
    this.#timers = timers
  }

  setTimeout(callback: () => void, delayMs: number): TimerHandle {
    return this.#timers.setTimeout(() => {
      if (!this.#isDead) callback()
    }, delayMs)
  }

  clearTimeout(handle: TimerHandle): void {
    this.#timers.clearTimeout(handle)
  }

  setImmediate(callback: () => void): void {
    this.setTimeout(callback, 0)
  }

  die(): void {
    this.#isDead = true
  }
}

function withoutUndefined(options: Readonly<Record<string, unknown>>): SibylOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}

/** A machine with a disk, on which a node runs from time to time. */
export class WholeNode {
  host: string
  readonly #ring: WholeNodes
  #disk: SimDisk
  #timers: ProcessTimers | null = null
  node: Node | null = null

  constructor(ring: WholeNodes, index: number, disk: SimDisk) {
    this.#ring = ring
    this.host = `10.0.0.${index + 1}`
    this.#disk = disk
  }

  get isRunning(): boolean {
    return this.node !== null
  }

  /** Puts the machine at another address; to be called while no node runs on it. */
  move(host: string): void {
    this.host = host
  }

  /** Another disk, with nothing on it. */
  wipe(): void {
    this.#disk = new SimDisk(this.#ring.random)
  }

  /** Rejects where the node refuses to start; never settles where the process dies on the way. */
  async start(options: Readonly<Record<string, unknown>> = {}): Promise<void> {
    const { clock, network, random, hosts } = this.#ring
    const timers = new ProcessTimers(this.#ring.timers)
    this.#timers = timers
    const disk = this.#disk.attach(timers)
    disk.mkdirpSync('/data')
    const node = await startNode(
      withoutUndefined({
        dir: '/data',
        host: this.host,
        port: 9042,
        numTokens: 4,
        seeds: hosts.slice(0, 2),
        commitlogSync: 'batch',
        quickGossip: true,
        ...options,
      }),
      { disk, network: network.host(this.host), clock, timers, random, exit: () => {} },
    )
    if (this.#timers === timers) this.node = node
  }

  async stop(): Promise<void> {
    const { node } = this
    this.node = null
    await node?.stop()
  }

  crash(how: 'power' | 'kill'): void {
    this.#timers?.die()
    this.#timers = null
    this.node = null
    this.#ring.network.crash(this.host)
    this.#disk.crash(how)
  }

  async connect(): Promise<SimClient> {
    const { network, timers } = this.#ring
    const client = new SimClient(await timers.run(network.connect(this.host, 9042)))
    await timers.run(client.ask(Opcode.STARTUP, startupBody({ CQL_VERSION: '3.4.7' })))
    return client
  }
}

/** Whole nodes, each with its disk, on one simulated clock and network: all that happens follows from the seed. */
export class WholeNodes {
  readonly clock = new SimClock()
  readonly timers = new SimTimers(this.clock)
  readonly random: SimRandom
  readonly network: SimNetwork
  readonly nodes: WholeNode[]

  constructor(seed: number, count: number) {
    this.random = new SimRandom(seed)
    this.network = new SimNetwork(this.timers, this.random)
    this.nodes = Array.from(
      { length: count },
      (_, i) => new WholeNode(this, i, new SimDisk(new SimRandom(seed * 100 + i))),
    )
  }

  get hosts(): string[] {
    return this.nodes.map(({ host }) => host)
  }

  /** Starts nodes and lets time pass until they serve clients. */
  async start(nodes: readonly WholeNode[] = this.nodes): Promise<void> {
    await this.timers.run(Promise.all(nodes.map((node) => node.start())))
  }

  /** Lets time pass until it is so; throws where it does not come to that. */
  async until(what: string, is: () => boolean | Promise<boolean>, limitMs: number): Promise<void> {
    const end = this.clock.monotonicMs() + limitMs
    while (!(await is())) {
      if (this.clock.monotonicMs() > end) throw new Error(`it did not come to that: ${what}`)
      await this.timers.advance(50)
    }
  }
}
