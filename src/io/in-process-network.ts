import type { Listener, ListenOptions, Network, NetworkConnection } from './network.ts'
import type { Timers } from './timers.ts'

type OnConnection = (connection: NetworkConnection) => void

/** A writer is asked to wait while so much is on its way. */
const HIGH_WATER_BYTES = 1 << 20
const FIRST_FREE_PORT = 49_152

/**
 * A network within one process, for the nodes of a ring in it: whoever shares it reaches each other by addresses that need not
 * exist. Bytes arrive in a later turn of the event loop, in order, as they were written. There is no TLS.
 */
export class InProcessNetwork {
  readonly #timers: Timers
  readonly #listeners = new Map<string, OnConnection>()
  #nextPort = FIRST_FREE_PORT

  constructor(timers: Timers) {
    this.#timers = timers
  }

  /** The network as the host with that address sees it. */
  host(address: string): Network {
    return {
      listen: ({ host, port }, onConnection) => this.#listen(host, port, onConnection),
      connect: (host, port) => this.#connect(address, host, port),
    }
  }

  async #listen(host: string, wanted: ListenOptions['port'], onConnection: OnConnection): Promise<Listener> {
    const port = wanted === 0 ? this.#nextPort++ : wanted
    const key = `${host} ${port}`
    if (this.#listeners.has(key)) throw new Error(`listen EADDRINUSE: address already in use ${host}:${port}`)
    this.#listeners.set(key, onConnection)
    return {
      host,
      port,
      close: async () => {
        this.#listeners.delete(key)
      },
    }
  }

  async #connect(from: string, host: string, port: number): Promise<NetworkConnection> {
    const accept = this.#listeners.get(`${host} ${port}`)
    if (accept === undefined) throw new Error(`connect ECONNREFUSED ${host}:${port}`)
    const fromPort = this.#nextPort++
    const near = new InProcessConnection(this.#timers, { host: from, port: fromPort }, { host, port })
    const far = new InProcessConnection(this.#timers, { host, port }, { host: from, port: fromPort })
    near.pairWith(far)
    accept(far)
    return near
  }
}

interface Address {
  readonly host: string
  readonly port: number
}

class InProcessConnection implements NetworkConnection {
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localAddress: string
  readonly localPort: number
  readonly tls = null
  readonly #timers: Timers
  #other: InProcessConnection | null = null
  /** What has come and was not handed out yet. */
  readonly #arrived: Buffer[] = []
  #arrivedBytes = 0
  #isScheduled = false
  #isPaused = false
  #hasOtherEnded = false
  #isClosed = false
  #error: Error | null = null
  #onData: ((chunk: Buffer) => void) | null = null
  #onDrain: (() => void) | null = null
  #onClose: ((error: Error | null) => void) | null = null
  #isWaitedFor = false

  constructor(timers: Timers, local: Address, remote: Address) {
    this.#timers = timers
    this.localAddress = local.host
    this.localPort = local.port
    this.remoteAddress = remote.host
    this.remotePort = remote.port
  }

  pairWith(other: InProcessConnection): void {
    this.#other = other
    other.#other = this
  }

  get unsentBytes(): number {
    return this.#other === null ? 0 : this.#other.#arrivedBytes
  }

  write(bytes: Uint8Array): boolean {
    const other = this.#other
    if (this.#isClosed || other === null || bytes.length === 0) return true
    other.#arrived.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length))
    other.#arrivedBytes += bytes.length
    other.#schedule()
    if (other.#arrivedBytes < HIGH_WATER_BYTES) return true
    other.#isWaitedFor = true
    return false
  }

  #schedule(): void {
    if (this.#isScheduled || this.#isPaused || this.#isClosed) return
    this.#isScheduled = true
    this.#timers.setImmediate(() => {
      this.#isScheduled = false
      this.#deliver()
    })
  }

  #deliver(): void {
    while (this.#onData !== null && !this.#isPaused && !this.#isClosed && this.#arrived.length > 0) {
      const chunk = this.#arrived.shift()!
      this.#arrivedBytes -= chunk.length
      this.#onData(chunk)
    }
    if (this.#arrived.length > 0) return
    if (this.#isWaitedFor) {
      this.#isWaitedFor = false
      const other = this.#other
      if (other !== null) other.#onDrain?.()
    }
    if (this.#hasOtherEnded) this.#close(null)
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    this.#schedule()
  }

  end(): void {
    this.#closeBoth()
  }

  destroy(): void {
    this.#closeBoth()
  }

  #closeBoth(): void {
    const other = this.#other
    this.#close(null)
    if (other === null || other.#isClosed) return
    other.#hasOtherEnded = true
    other.#schedule()
  }

  #close(error: Error | null): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#error = error
    this.#arrived.length = 0
    this.#arrivedBytes = 0
    this.#other = null
    this.#tellOfClose()
  }

  #tellOfClose(): void {
    this.#timers.setImmediate(() => {
      const listener = this.#onClose
      this.#onClose = null
      listener?.(this.#error)
    })
  }

  onData(listener: (chunk: Buffer) => void): void {
    this.#onData = listener
    this.#schedule()
  }

  onDrain(listener: () => void): void {
    this.#onDrain = listener
  }

  onClose(listener: (error: Error | null) => void): void {
    this.#onClose = listener
    if (this.#isClosed) this.#tellOfClose()
  }
}
