import type { Listener, ListenOptions, Network, NetworkConnection } from '../../src/io/network.ts'
import type { Timers } from '../../src/io/timers.ts'
import type { SimRandom } from './sim-random.ts'

/** Bytes that may be under way before a writer is told to wait. */
const WINDOW_BYTES = 64 * 1024
const NO_LISTENER = (): void => {}

/**
 * A network in one process: what is written arrives in order, cut anywhere and delayed as the seed says. Connections
 * can be cut by a test (`cutAll`), and an address that nobody listens on refuses.
 */
export class SimNetwork implements Network {
  readonly #timers: Timers
  readonly #random: SimRandom
  readonly #delayMsMax: number
  readonly #listeners = new Map<number, (connection: NetworkConnection) => void>()
  readonly #connections = new Set<SimConnection>()
  #nextPort = 40_000

  constructor(timers: Timers, random: SimRandom, delayMsMax: number = 3) {
    this.#timers = timers
    this.#random = random
    this.#delayMsMax = delayMsMax
  }

  listen(options: ListenOptions, onConnection: (connection: NetworkConnection) => void): Promise<Listener> {
    const port = options.port === 0 ? this.#nextPort++ : options.port
    if (this.#listeners.has(port))
      return Promise.reject(new Error(`listen EADDRINUSE ${options.host}:${port}`))
    this.#listeners.set(port, onConnection)
    return Promise.resolve({
      host: options.host,
      port,
      close: async () => {
        this.#listeners.delete(port)
      },
    })
  }

  connect(host: string, port: number): Promise<NetworkConnection> {
    const accept = this.#listeners.get(port)
    if (accept === undefined) return Promise.reject(new Error(`connect ECONNREFUSED ${host}:${port}`))
    const own = this.#nextPort++
    const client = new SimConnection(this, host, own, port)
    const server = new SimConnection(this, host, port, own)
    client.peer = server
    server.peer = client
    this.#connections.add(client).add(server)
    accept(server)
    return Promise.resolve(client)
  }

  /** Every connection breaks, as when a process dies; nobody listens any more. */
  cutAll(): void {
    this.#listeners.clear()
    for (const connection of [...this.#connections]) connection.close(new Error('read ECONNRESET'))
  }

  closed(connection: SimConnection): void {
    this.#connections.delete(connection)
  }

  later(callback: () => void): void {
    this.#timers.setTimeout(callback, this.#random.below(this.#delayMsMax + 1))
  }

  /** How many of `available` bytes arrive together. */
  piece(available: number): number {
    return this.#random.chance(0.3) ? 1 + this.#random.below(available) : available
  }
}

class SimConnection implements NetworkConnection {
  readonly remoteAddress: string
  readonly localAddress: string
  readonly localPort: number
  readonly remotePort: number
  readonly tls = null
  peer!: SimConnection
  readonly #network: SimNetwork
  #underWay = Buffer.alloc(0)
  #isDelivering = false
  #isPaused = false
  #isEnding = false
  #isClosed = false
  #wantsDrain = false
  #onData: ((chunk: Buffer) => void) | null = null
  #onDrain: () => void = NO_LISTENER
  #onClose: (error: Error | null) => void = NO_LISTENER

  constructor(network: SimNetwork, host: string, localPort: number, remotePort: number) {
    this.#network = network
    this.remoteAddress = host
    this.localAddress = host
    this.localPort = localPort
    this.remotePort = remotePort
  }

  get unsentBytes(): number {
    return this.#underWay.length
  }

  write(bytes: Uint8Array): boolean {
    if (this.#isClosed || this.#isEnding) return false
    this.#underWay = Buffer.concat([this.#underWay, bytes])
    this.#deliver()
    this.#wantsDrain ||= this.#underWay.length > WINDOW_BYTES
    return !this.#wantsDrain
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    if (!this.#isClosed) this.peer.#deliver()
  }

  end(): void {
    this.#isEnding = true
    this.#deliver()
  }

  destroy(): void {
    this.close(null)
  }

  onData(listener: (chunk: Buffer) => void): void {
    this.#onData = listener
    this.peer.#deliver()
  }

  onDrain(listener: () => void): void {
    this.#onDrain = listener
  }

  onClose(listener: (error: Error | null) => void): void {
    this.#onClose = listener
  }

  close(error: Error | null): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#underWay = Buffer.alloc(0)
    this.#network.closed(this)
    this.#onClose(error)
    this.#network.later(() => this.peer.close(error))
  }

  /** Brings what was written to the peer, a piece at a time, while the peer reads. */
  #deliver(): void {
    if (this.#isDelivering || this.#isClosed) return
    if (this.#underWay.length === 0 && !this.#isEnding) return
    this.#isDelivering = true
    this.#network.later(() => {
      this.#isDelivering = false
      const { peer } = this
      if (this.#isClosed || peer.#isClosed || peer.#isPaused || peer.#onData === null) return
      if (this.#underWay.length > 0) {
        const length = this.#network.piece(this.#underWay.length)
        const chunk = Buffer.from(this.#underWay.subarray(0, length))
        this.#underWay = this.#underWay.subarray(length)
        peer.#onData(chunk)
        if (this.#wantsDrain && this.#underWay.length === 0) {
          this.#wantsDrain = false
          this.#onDrain()
        }
        this.#deliver()
      } else if (this.#isEnding) this.close(null)
    })
  }
}
