import { createHash } from 'node:crypto'
import type { SibylOptions } from '../../src/node/options.ts'
import { SimHost } from './cluster-host.ts'
import { WorldTime } from './cluster-time.ts'
import { SimNetwork } from './sim-network.ts'
import { SimRandom } from './sim-random.ts'

/** Data centre and rack of a node. */
export interface Place {
  readonly dataCenter: string
  readonly rack: string
}

export interface SimClusterOptions {
  readonly places: readonly Place[]
  /** Of all nodes, beside where they are. */
  readonly node: SibylOptions
  /** How far clocks may be from the world's, and how much faster or slower they may go: shares of 1. */
  readonly skewMs: number
  readonly drift: number
  /** How likely a message comes twice. */
  readonly repeatChance?: number
}

/** What is known of a run: kept whole only where it is asked for, and as a digest always. */
export class Trace {
  readonly lines: string[] = []
  readonly #hash = createHash('md5')
  readonly #isKept: boolean
  readonly #print: boolean

  constructor(isKept: boolean, print = false) {
    this.#isKept = isKept
    this.#print = print
  }

  add(line: string): void {
    this.#hash.update(line).update('\n')
    if (this.#isKept) this.lines.push(line)
    if (this.#print) console.log(line)
  }

  digest(): string {
    return this.#hash.copy().digest('hex')
  }
}

/** How long a ring may take to be whole when nothing is wrong with it. */
const WHOLE_WITHIN_MS = 180_000
const POLL_MS = 500

/** A whole cluster on simulated clocks, disks and network, from one seed. */
export class SimCluster {
  readonly time = new WorldTime()
  readonly random: SimRandom
  readonly network: SimNetwork
  readonly trace: Trace
  readonly hosts: SimHost[]
  /** What nodes logged as errors and warnings. */
  readonly errors: string[] = []
  readonly warnings = new Map<string, number>()

  constructor(
    seed: number,
    options: SimClusterOptions,
    trace: Trace,
    count: (what: string, times?: number) => void = () => {},
  ) {
    this.random = new SimRandom(seed)
    this.trace = trace
    this.network = new SimNetwork(this.time, new SimRandom(seed ^ 0x2545f491), 3)
    const addresses = options.places.map((_, i) => `10.0.0.${i + 1}`)
    const world = {
      time: this.time,
      network: this.network,
      repeatChance: options.repeatChance ?? 0,
      count,
      trace: (text: string): void => this.say(text),
      onError: (host: SimHost, text: string): void => {
        this.say(`${host.name} ERROR ${text}`)
        this.errors.push(`${host.name}: ${text}`)
      },
      onWarning: (host: SimHost, text: string): void => {
        this.say(`${host.name} warns ${text}`)
        const kind = text.replaceAll(/[0-9a-f-]{8,}|\d+/g, '#').slice(0, 60)
        this.warnings.set(kind, (this.warnings.get(kind) ?? 0) + 1)
      },
    }
    this.hosts = options.places.map(({ dataCenter, rack }, i) => {
      const own: SibylOptions = {
        dir: '/data',
        host: addresses[i]!,
        port: 9042,
        seeds: addresses.slice(0, 2),
        dataCenter,
        rack,
        ...options.node,
      }
      const clock = {
        skewMs: Math.round((this.random.below(2001) / 1000 - 1) * options.skewMs),
        rate: 1 + (this.random.below(2001) / 1000 - 1) * options.drift,
      }
      return new SimHost(world, addresses[i]!, this.random.uint32(), own, clock)
    })
  }

  say(text: string): void {
    this.trace.add(`${this.time.nowMs.toFixed(3)} ${text}`)
  }

  get serving(): SimHost[] {
    return this.hosts.filter(({ isServing }) => isServing)
  }

  /** Starts all nodes, and waits until each sees all others with the same schema. */
  async start(): Promise<void> {
    const starting = this.hosts.map((host) => host.start())
    await this.time.run(Promise.all(starting))
    await this.whole()
  }

  /** Whether each node is there, sees all others alive, and has their schema. */
  get isWhole(): boolean {
    return this.hosts.every((host) => {
      if (!host.isServing) return false
      const { membership } = host.node
      const { nodes } = membership.ring
      const isUp = nodes.every(
        ({ endpoint }) => membership.isAlive(endpoint) && membership.isRpcReady(endpoint),
      )
      return nodes.length === this.hosts.length && isUp && membership.schemaAgreed
    })
  }

  /** Lets time pass until the ring is whole; throws where it is not after a long time. */
  async whole(): Promise<void> {
    const end = this.time.nowMs + WHOLE_WITHIN_MS
    while (!this.isWhole) {
      if (this.time.nowMs > end) throw new Error(`the ring is not whole:\n${this.describe()}`)
      await this.time.advance(POLL_MS)
    }
  }

  /** What each node thinks of the others. */
  describe(): string {
    return this.hosts
      .map((host) => {
        if (!host.isServing) return `${host.name}: down`
        const { membership } = host.node
        const nodes = membership.ring.nodes.map(({ endpoint }) => {
          const words = [
            membership.isAlive(endpoint) ? 'up' : 'down',
            membership.isRpcReady(endpoint) ? 'ready' : 'not ready',
          ]
          return `${endpoint.host} ${words.join(', ')}`
        })
        const { version } = host.database.schema.current
        return `${host.name}: ${nodes.join('; ')}; schema ${version}, ${membership.schemaAgreed ? '' : 'not '}agreed`
      })
      .join('\n')
  }

  /** All processes are gone: nothing of them is left to run. */
  end(): void {
    for (const host of this.hosts) host.crash('kill')
  }
}
