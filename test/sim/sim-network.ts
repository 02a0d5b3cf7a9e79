import type {
  ConnectOptions,
  Listener,
  ListenOptions,
  Network,
  NetworkConnection,
} from '../../src/io/network.ts'
import type { Timers } from '../../src/io/timers.ts'
import { SimConnection } from './sim-connection.ts'
import type { SimRandom } from './sim-random.ts'

/** Where connections of the network itself come from: clients, of whom a test has one kind. */
const CLIENT_HOST = '127.0.0.1'
/** How long a connection is tried for that nobody answers and that has no time of its own. */
const SYN_TIMEOUT_MS = 127_000

interface SimListener {
  readonly options: ListenOptions
  readonly accept: (connection: NetworkConnection) => void
}

/** One direction between two hosts. */
export interface SimLink {
  /** Of each piece: uniform between them. */
  minDelayMs: number
  maxDelayMs: number
  /** Nothing gets through; what was sent waits, as TCP sends it again. */
  isCut: boolean
  /** How likely a piece that arrives finds the connection broken instead. */
  breakChance: number
}

/**
 * The network of many hosts in one process: what is written arrives in order, cut anywhere and delayed as the seed says.
 * Each host listens and connects through `host(address)`; links between hosts have delays of their own and can be cut
 * one way or both. As these are streams, nothing is lost of a connection but all that has not arrived, when it breaks.
 * The network itself is the network of clients on 127.0.0.1: their connections stand at once.
 */
export class SimNetwork implements Network {
  readonly #timers: Timers
  readonly #random: SimRandom
  readonly #delayMsMax: number
  /** By `host:port`. */
  readonly #listeners = new Map<string, SimListener>()
  readonly #connections = new Set<SimConnection>()
  readonly #links = new Map<string, SimLink>()
  /** By links: what goes on when the link is whole again. */
  readonly #stalled = new Map<SimLink, Set<SimConnection>>()
  /** By hosts that do nothing for now: what they do afterwards. */
  readonly #asleep = new Map<string, (() => void)[]>()
  #nextPort = 40_000

  constructor(timers: Timers, random: SimRandom, delayMsMax: number = 3) {
    this.#timers = timers
    this.#random = random
    this.#delayMsMax = delayMsMax
  }

  /** The network as a host of that address has it. */
  host(address: string): Network {
    return {
      listen: (options, onConnection) => this.listen(options, onConnection),
      connect: (host, port, options) => this.#connectSlowly(address, host, port, options),
    }
  }

  listen(options: ListenOptions, accept: (connection: NetworkConnection) => void): Promise<Listener> {
    const port = options.port === 0 ? this.#nextPort++ : options.port
    const key = `${options.host}:${port}`
    if (this.#listeners.has(key)) return Promise.reject(new Error(`listen EADDRINUSE ${key}`))
    const listener = { options, accept }
    this.#listeners.set(key, listener)
    return Promise.resolve({
      host: options.host,
      port,
      close: async () => {
        if (this.#listeners.get(key) === listener) this.#listeners.delete(key)
      },
    })
  }

  connect(host: string, port: number, options: ConnectOptions = {}): Promise<NetworkConnection> {
    try {
      return Promise.resolve(this.#open(CLIENT_HOST, host, port, options))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  #connectSlowly(
    from: string,
    host: string,
    port: number,
    options: ConnectOptions = {},
  ): Promise<NetworkConnection> {
    return new Promise((resolve, reject) => {
      let isOver = false
      const timeoutMs = options.timeoutMs ?? SYN_TIMEOUT_MS
      const timer = this.#timers.setTimeout(() => {
        isOver = true
        reject(new Error(`connect ETIMEDOUT ${host}:${port}`))
      }, timeoutMs)
      const [there, back] = [this.link(from, host), this.link(host, from)]
      this.later(there, () => {
        if (isOver || there.isCut || back.isCut) return
        let settle: () => void
        try {
          const connection = this.#open(from, host, port, options)
          settle = () => (isOver ? connection.destroy() : resolve(connection))
        } catch (error) {
          settle = () => reject(error)
        }
        this.later(back, () => {
          this.whenAwake(from, settle)
          this.#timers.clearTimeout(timer)
        })
      })
    })
  }

  #open(from: string, host: string, port: number, { tls }: ConnectOptions): SimConnection {
    const listener = this.#listeners.get(`${host}:${port}`) ?? this.#listeners.get(`0.0.0.0:${port}`)
    if (listener === undefined) throw new Error(`connect ECONNREFUSED ${host}:${port}`)
    const encryption = listener.options.tls
    if (tls !== undefined && encryption === undefined) throw new Error('wrong version number')
    if (tls === undefined && encryption?.isOptional === false) throw new Error('read ECONNRESET')
    const info = tls === undefined ? null : { protocol: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384' }
    const own = this.#nextPort++
    const client = new SimConnection(this, { host: from, port: own }, { host, port }, info)
    const server = new SimConnection(this, { host, port }, { host: from, port: own }, info)
    client.peer = server
    server.peer = client
    this.#connections.add(client).add(server)
    this.whenAwake(host, () => listener.accept(server))
    return client
  }

  // ---- what a test does to it

  /** What holds of one direction between two hosts; changes count from now on, but see `cut` and `heal`. */
  link(from: string, to: string): SimLink {
    const key = `${from}>${to}`
    let link = this.#links.get(key)
    if (link === undefined) {
      link = { minDelayMs: 0, maxDelayMs: this.#delayMsMax, isCut: false, breakChance: 0 }
      this.#links.set(key, link)
    }
    return link
  }

  /** Nothing gets from `from` to `to` any more. */
  cut(from: string, to: string): void {
    this.link(from, to).isCut = true
  }

  cutBoth(a: string, b: string): void {
    this.cut(a, b)
    this.cut(b, a)
  }

  heal(from: string, to: string): void {
    const link = this.link(from, to)
    link.isCut = false
    const stalled = this.#stalled.get(link)
    this.#stalled.delete(link)
    for (const connection of stalled ?? []) connection.resumed()
  }

  healBoth(a: string, b: string): void {
    this.heal(a, b)
    this.heal(b, a)
  }

  /** All links are whole. */
  healAll(): void {
    for (const key of this.#links.keys()) {
      const [from, to] = key.split('>')
      this.heal(from!, to!)
    }
  }

  /** Every connection between two hosts breaks. */
  breakBetween(a: string, b: string): void {
    for (const connection of [...this.#connections]) {
      const { localAddress, remoteAddress } = connection
      if (localAddress === a && remoteAddress === b) connection.broken()
    }
  }

  /** A host's process is stopped (SIGSTOP): it hears nothing until it wakes up, and others can't tell. */
  sleep(host: string): void {
    if (!this.#asleep.has(host)) this.#asleep.set(host, [])
  }

  wake(host: string): void {
    const waiting = this.#asleep.get(host) ?? []
    this.#asleep.delete(host)
    for (const callback of waiting) this.#timers.setTimeout(() => this.whenAwake(host, callback), 0)
  }

  /** A host's process dies: nobody listens there, and its connections break on the other side. */
  crash(host: string): void {
    this.#asleep.delete(host)
    for (const key of [...this.#listeners.keys()]) {
      if (key.slice(0, key.lastIndexOf(':')) === host) this.#listeners.delete(key)
    }
    for (const connection of [...this.#connections]) if (connection.localAddress === host) connection.died()
  }

  /** Every connection breaks, as when a process dies; nobody listens any more. */
  cutAll(): void {
    this.#listeners.clear()
    for (const connection of [...this.#connections]) connection.close(new Error('read ECONNRESET'))
  }

  /** Connections that are open, each counted on both sides. */
  get connectionCount(): number {
    return this.#connections.size
  }

  // ---- what connections ask of it

  closed(connection: SimConnection): void {
    this.#connections.delete(connection)
  }

  /** Runs at once, or when the host does something again. */
  whenAwake(host: string, callback: () => void): void {
    const waiting = this.#asleep.get(host)
    if (waiting === undefined) callback()
    else waiting.push(callback)
  }

  /** Whether what comes to that host waits. */
  isAsleep(host: string): boolean {
    return this.#asleep.has(host)
  }

  /** Runs after the delay of a link. */
  later(link: SimLink, callback: () => void): void {
    const { minDelayMs, maxDelayMs } = link
    this.#timers.setTimeout(callback, minDelayMs + this.#random.below(maxDelayMs - minDelayMs + 1))
  }

  /** `connection` has something to send once `link` is whole. */
  stall(link: SimLink, connection: SimConnection): void {
    let stalled = this.#stalled.get(link)
    if (stalled === undefined) this.#stalled.set(link, (stalled = new Set()))
    stalled.add(connection)
  }

  /** How many of `available` bytes arrive together. */
  piece(available: number): number {
    return this.#random.chance(0.3) ? 1 + this.#random.below(available) : available
  }

  chance(probability: number): boolean {
    return probability > 0 && this.#random.chance(probability)
  }
}
