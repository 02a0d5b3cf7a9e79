import { type Endpoint, endpoint as endpointAt } from '../../src/cluster/endpoint.ts'
import type { ClientEvent } from '../../src/cluster/gossip/client-events.ts'
import type { Gossiper } from '../../src/cluster/gossip/gossiper.ts'
import type { GossipMessage } from '../../src/cluster/gossip/message.ts'
import type { PeerRow } from '../../src/cluster/gossip/peers.ts'
import { GossipService } from '../../src/cluster/gossip/service.ts'
import { type GossipChoice, gossipSettings } from '../../src/cluster/gossip/settings.ts'
import { nextGeneration } from '../../src/cluster/gossip/shadow-round.ts'
import type { Clock } from '../../src/io/clock.ts'
import type { TimerHandle, Timers } from '../../src/io/timers.ts'
import { SimRandom } from './sim-random.ts'

interface Event {
  readonly atMs: number
  readonly sequence: number
  readonly run: () => void
}

/** Events by time, those of one moment in the order in which they came: a binary heap. */
class EventQueue {
  readonly #heap: Event[] = []
  #sequence = 0

  push(atMs: number, run: () => void): void {
    const heap = this.#heap
    heap.push({ atMs, sequence: this.#sequence++, run })
    for (let i = heap.length - 1; i > 0; ) {
      const parent = (i - 1) >> 1
      if (!before(heap[i]!, heap[parent]!)) break
      ;[heap[i], heap[parent]] = [heap[parent]!, heap[i]!]
      i = parent
    }
  }

  get nextMs(): number {
    return this.#heap[0]?.atMs ?? Number.POSITIVE_INFINITY
  }

  pop(): Event {
    const heap = this.#heap
    const top = heap[0]!
    const last = heap.pop()!
    if (heap.length > 0) heap[0] = last
    for (let i = 0; ; ) {
      let least = i
      for (const child of [2 * i + 1, 2 * i + 2]) {
        if (child < heap.length && before(heap[child]!, heap[least]!)) least = child
      }
      if (least === i) return top
      ;[heap[i], heap[least]] = [heap[least]!, heap[i]!]
      i = least
    }
  }
}

function before(a: Event, b: Event): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.sequence < b.sequence)
}

/** What the network does to messages. */
export interface NetworkFaults {
  loss: number
  duplication: number
  minDelayMs: number
  maxDelayMs: number
}

const QUIET: NetworkFaults = { loss: 0, duplication: 0, minDelayMs: 0.2, maxDelayMs: 2 }

/** What is on a node's disk. */
interface Disk {
  readonly hostId: string
  readonly tokens: readonly bigint[]
  readonly peers: Map<string, PeerRow>
  generation: number | null
  joined: boolean
}

/** Something that a node told its clients or its other rooms. */
export interface Told {
  readonly atMs: number
  readonly node: string
  readonly what: string
}

/** One node: its disk and clock live on when its process does not. */
export class SimNode implements Clock {
  readonly name: string
  readonly disk: Disk
  readonly dataCenter: string
  readonly rack: string
  address: Endpoint
  service: GossipService | null = null
  /** Grows with each start; messages and timers of an earlier process are for nobody. */
  process = 0
  schema = 'schema-0000'
  failure: Error | null = null
  /** What is configured at this node only. */
  choice: Partial<GossipChoice> = {}
  wallOffsetMs: number
  readonly #cluster: SimGossip

  constructor(cluster: SimGossip, index: number, address: Endpoint, wallOffsetMs: number) {
    this.#cluster = cluster
    this.name = `n${index}`
    this.address = address
    this.wallOffsetMs = wallOffsetMs
    this.dataCenter = `dc${(index % 2) + 1}`
    this.rack = `rack${(index % 3) + 1}`
    const hex = String(index).padStart(12, '0')
    const tokens = Array.from({ length: 4 }, () => cluster.token())
    this.disk = {
      hostId: `00000000-0000-4000-8000-${hex}`,
      tokens,
      peers: new Map(),
      generation: null,
      joined: false,
    }
  }

  get running(): boolean {
    return this.service !== null
  }

  nowMs(): number {
    return Math.floor(this.wallOffsetMs + this.#cluster.nowMs)
  }

  nowMicros(): number {
    return this.nowMs() * 1000
  }

  monotonicMs(): number {
    return this.#cluster.nowMs
  }
}

/** Gossip of several nodes on one simulated clock and network, all of it from one seed. */
export class SimGossip {
  readonly random: SimRandom
  readonly nodes: SimNode[] = []
  readonly told: Told[] = []
  faults: NetworkFaults = { ...QUIET }
  nowMs = 0
  messages = 0
  readonly #queue = new EventQueue()
  readonly #blocked = new Set<string>()
  readonly #choice: Partial<GossipChoice>
  readonly #seeds: Endpoint[] = []
  #addresses = 0
  #waiting = 0

  constructor(seed: number, nodes: number, seeds: number, choice: Partial<GossipChoice> = {}) {
    this.random = new SimRandom(seed)
    this.#choice = choice
    for (let i = 0; i < nodes; i++) {
      const skew = this.random.below(120_000) - 60_000
      this.nodes.push(new SimNode(this, i + 1, this.newAddress(), Date.UTC(2026, 0, 1) + skew))
    }
    this.#seeds = this.nodes.slice(0, seeds).map((node) => node.address)
  }

  newAddress(): Endpoint {
    return endpointAt(`127.0.30.${++this.#addresses}`)!
  }

  token(): bigint {
    return BigInt.asIntN(64, (BigInt(this.random.uint32()) << 32n) | BigInt(this.random.uint32()))
  }

  isSeed(node: SimNode): boolean {
    return this.#seeds.some((seed) => seed.text === node.address.text)
  }

  get running(): SimNode[] {
    return this.nodes.filter((node) => node.running)
  }

  // Time

  /** From now on promises are waited for, whoever made them. */
  stir(): void {
    this.#waiting++
  }

  at(delayMs: number, run: () => void): void {
    this.#queue.push(this.nowMs + delayMs, run)
  }

  async advance(ms: number): Promise<void> {
    const end = this.nowMs + ms
    while (this.#queue.nextMs <= end) {
      const event = this.#queue.pop()
      this.nowMs = Math.max(this.nowMs, event.atMs)
      event.run()
      // Promises are only waited for by nodes that start or stop.
      if (this.#waiting > 0) for (let i = 0; i < 12; i++) await null
    }
    this.nowMs = end
  }

  /** Lets time pass until it is true; how long it took, or null. */
  async until(is: () => boolean, limitMs: number, stepMs = 250): Promise<number | null> {
    const start = this.nowMs
    while (this.nowMs - start <= limitMs) {
      if (is()) return this.nowMs - start
      await this.advance(stepMs)
    }
    return null
  }

  #timers(node: SimNode, process: number): Timers {
    const set = (run: () => void, delayMs: number): TimerHandle => {
      const timer = { live: true }
      this.at(Math.max(0, delayMs), () => {
        if (timer.live && node.process === process) run()
      })
      return timer
    }
    return {
      setTimeout: set,
      clearTimeout: (handle) => {
        ;(handle as { live: boolean }).live = false
      },
      setImmediate: (run) => void set(run, 0),
    }
  }

  // Network

  /** Cuts what goes from one address to another, in this direction. */
  block(from: SimNode, to: SimNode): void {
    this.#blocked.add(`${from.name}>${to.name}`)
  }

  heal(): void {
    this.#blocked.clear()
    this.faults = { ...QUIET }
  }

  #deliver(from: SimNode, to: Endpoint, take: (node: SimNode) => void): void {
    this.messages++
    const { loss, duplication, minDelayMs, maxDelayMs } = this.faults
    const target = this.nodes.find((node) => node.running && node.address.text === to.text)
    if (target === undefined || this.#blocked.has(`${from.name}>${target.name}`) || this.random.chance(loss))
      return
    const copies = this.random.chance(duplication) ? 2 : 1
    for (let i = 0; i < copies; i++) {
      const delayMs = minDelayMs + (maxDelayMs - minDelayMs) * (this.random.uint32() / 2 ** 32)
      this.at(delayMs, () => {
        if (target.running && target.address.text === to.text) take(target)
      })
    }
  }

  #send(from: SimNode, to: Endpoint, verb: GossipMessage['verb'], payload: Uint8Array): void {
    const sender = from.address
    this.#deliver(from, to, (target) => target.service!.receive(sender, verb, payload))
  }

  #echo(from: SimNode, to: Endpoint, answered: () => void): void {
    const { process, address } = from
    let done = false
    this.#deliver(from, to, (target) => {
      if (!target.service!.answersEcho) return
      this.#deliver(target, address, () => {
        if (done || from.process !== process) return
        done = true
        answered()
      })
    })
  }

  // Processes

  /** Starts a process; it gives up as Cassandra does, which leaves `failure`. */
  start(node: SimNode): void {
    const process = ++node.process
    node.failure = null
    const { disk } = node
    disk.generation = nextGeneration(disk.generation, node.nowMs())
    const settings = gossipSettings({
      clusterName: 'sim',
      local: node.address,
      seeds: this.#seeds,
      ...this.#choice,
      ...node.choice,
    })
    const { hostId, tokens } = disk
    const local = {
      endpoint: node.address,
      hostId,
      dataCenter: node.dataCenter,
      rack: node.rack,
      native: endpointAt(node.address.host, 9042)!,
    }
    const service = new GossipService(settings, local, {
      clock: node,
      timers: this.#timers(node, process),
      random: this.random,
      transport: {
        send: (to, verb, payload) => this.#send(node, to, verb, payload),
        echo: (to, answered) => this.#echo(node, to, answered),
      },
      log: { info: (line) => this.log(node, line), warn: (line) => this.log(node, line) },
      persist: (changes) => {
        for (const change of changes) {
          if (change.kind === 'write') disk.peers.set(change.row.endpoint.text, change.row)
          else disk.peers.delete(change.endpoint.text)
        }
      },
      notify: (event) => this.#tell(node, clientText(event)),
    })
    node.service = service
    service.membership.subscribe((event) => {
      if (event.kind === 'alive' || event.kind === 'dead')
        this.#tell(node, `${event.kind} ${event.endpoint.text}`)
      // A pull: who hears of a newer schema has it from then on.
      if (event.kind === 'schema' && event.version > node.schema) this.setSchema(node, event.version)
    })
    const peers = [...disk.peers.values()]
    const states = {
      releaseVersion: '5.0.6',
      netVersion: 1,
      sstableVersions: ['big-nb'],
      schemaVersion: node.schema,
    }
    const saved = { generation: disk.generation, peers, tokens: disk.joined ? tokens : null }
    this.#waiting++
    service
      .start(saved, states, { bootstrapping: false, bootstrapComplete: disk.joined })
      .then(() => {
        if (node.process !== process) return
        service.join(tokens)
        disk.joined = true
        service.setRpcReady(true)
      })
      .catch((error: Error) => {
        if (node.process !== process) return
        node.failure = error
        node.service = null
      })
      .finally(() => this.#waiting--)
  }

  /** What nodes log; overridden by who looks for a reason. */
  log(_node: SimNode, _line: string): void {}

  #tell(node: SimNode, what: string): void {
    this.told.push({ atMs: this.nowMs, node: node.name, what })
  }

  setSchema(node: SimNode, version: string): void {
    node.schema = version
    node.service?.setSchemaVersion(version)
  }

  /** The process is gone from one moment to the next. */
  crash(node: SimNode): void {
    node.process++
    node.service = null
  }

  /** The process stops in order. */
  stop(node: SimNode): void {
    const service = node.service!
    const { process } = node
    this.#waiting++
    void service
      .stop()
      .then(() => {
        if (node.process === process) this.crash(node)
      })
      .finally(() => this.#waiting--)
  }

  // Checks

  /** Who the members are and what they own, as a node sees it. */
  ring(node: SimNode): string {
    return JSON.stringify(
      node
        .service!.membership.ringMembers()
        .map(({ node: { hostId, endpoint, dataCenter, rack }, tokens }) => [
          hostId,
          endpoint.text,
          dataCenter,
          rack,
          tokens.map(String),
        ]),
    )
  }

  /** What every node ought to see once all is well. */
  get expectedRing(): string {
    const members = this.nodes
      .filter((node) => node.disk.joined)
      .sort((a, b) => Number(a.address.address[3]) - Number(b.address.address[3]))
    return JSON.stringify(
      members.map(({ disk, address, dataCenter, rack }) => [
        disk.hostId,
        address.text,
        dataCenter,
        rack,
        [...disk.tokens].sort((a, b) => (a < b ? -1 : 1)).map(String),
      ]),
    )
  }

  /** What a node sees wrong; null where all agree. */
  disagreement(): string | null {
    const running = this.running
    const live = running.map((node) => node.address.text).sort()
    const expected = this.expectedRing
    const peers = (node: SimNode): string[] => [...node.disk.peers.keys()].sort()
    for (const node of running) {
      const { gossiper, membership } = node.service!
      if (!gossiper.enabled) return `${node.name} does not gossip`
      if (this.ring(node) !== expected)
        return `${node.name} sees the ring ${this.ring(node)} and not ${expected}`
      const sees = gossiper.liveMembers.map(({ text }) => text).sort()
      if (String(sees) !== String(live)) return `${node.name} sees ${sees} alive and not ${live}`
      const stale = running.find((other) => generation(other, gossiper) !== generation(other))
      if (stale !== undefined) return `${node.name} knows another life of ${stale.name}`
      if (!membership.schemaAgreed) return `${node.name} sees no schema agreement`
      const others = this.nodes
        .filter((other) => other.disk.joined && other !== node)
        .map((other) => other.address.text)
      if (String(peers(node)) !== String(others.sort()))
        return `${node.name} keeps ${peers(node)} and not ${others}`
    }
    return null
  }
}

/** The generation of a node, as it is or as a gossiper knows it. */
function generation(node: SimNode, gossiper: Gossiper = node.service!.gossiper): number | undefined {
  return gossiper.state(node.address)?.heartbeat.generation
}

function clientText({ kind, change, node }: ClientEvent): string {
  return `${kind} ${change} ${node.text}`
}
