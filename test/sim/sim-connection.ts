import type { NetworkConnection, TlsInfo } from '../../src/io/network.ts'
import type { SimLink, SimNetwork } from './sim-network.ts'

/** Bytes that may be under way before a writer is told to wait. */
const WINDOW_BYTES = 64 * 1024
const NO_LISTENER = (): void => {}

export interface SimAddress {
  readonly host: string
  readonly port: number
}

/** One side of a connection of a SimNetwork: it holds what it has written and the other side has not received. */
export class SimConnection implements NetworkConnection {
  readonly localAddress: string
  readonly localPort: number
  readonly remoteAddress: string
  readonly remotePort: number
  readonly tls: TlsInfo | null
  peer!: SimConnection
  readonly #network: SimNetwork
  readonly #link: SimLink
  #underWay: Uint8Array[] = []
  #bytesUnderWay = 0
  /** Of `#underWay`: those whose delay is over. */
  #arrivedCount = 0
  #isArriving = false
  #isPaused = false
  #isEnding = false
  /** The process is gone: nothing is told to its listeners any more. */
  #isDead = false
  #isClosed = false
  /** What the other side is to learn of the end; null while there is none. */
  #fate: { readonly error: Error | null } | null = null
  #wantsDrain = false
  #onData: ((chunk: Buffer) => void) | null = null
  #onDrain: () => void = NO_LISTENER
  #onClose: (error: Error | null) => void = NO_LISTENER

  constructor(network: SimNetwork, local: SimAddress, remote: SimAddress, tls: TlsInfo | null) {
    this.#network = network
    this.localAddress = local.host
    this.localPort = local.port
    this.remoteAddress = remote.host
    this.remotePort = remote.port
    this.tls = tls
    this.#link = network.link(local.host, remote.host)
  }

  get unsentBytes(): number {
    return this.#bytesUnderWay
  }

  write(bytes: Uint8Array): boolean {
    if (this.#isClosed || this.#isEnding) return false
    if (bytes.length > 0) {
      // What is written must not change afterwards, so no copy is taken: whoever breaks that is found out.
      this.#underWay.push(bytes)
      this.#bytesUnderWay += bytes.length
      this.#network.later(this.#link, () => {
        this.#arrivedCount++
        this.#arrive()
      })
    }
    this.#wantsDrain ||= this.#bytesUnderWay > WINDOW_BYTES
    return !this.#wantsDrain
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    if (!this.#isClosed) this.peer.resumed()
  }

  end(): void {
    if (this.#isEnding || this.#isClosed) return
    this.#isEnding = true
    this.resumed()
  }

  destroy(): void {
    this.close(null)
  }

  onData(listener: (chunk: Buffer) => void): void {
    this.#onData = listener
    this.peer.resumed()
  }

  onDrain(listener: () => void): void {
    this.#onDrain = listener
  }

  onClose(listener: (error: Error | null) => void): void {
    this.#onClose = listener
  }

  /** Closes this side now and the other when it learns of it; what has not arrived is lost. */
  close(error: Error | null): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#network.closed(this)
    if (!this.#isDead) this.#onClose(error)
    this.#underWay = []
    this.#bytesUnderWay = this.#arrivedCount = 0
    this.#fate = { error }
    this.resumed()
  }

  /** The connection breaks on the way. */
  broken(): void {
    this.close(new Error('read ECONNRESET'))
  }

  /** This side's process is gone. */
  died(): void {
    this.#isDead = true
    this.broken()
  }

  /** What waits for the other side, or for the link, is tried again. */
  resumed(): void {
    this.#network.later(this.#link, () => this.#arrive())
  }

  /** Brings what has arrived to the peer, a piece at a time, while the peer reads. */
  #arrive(): void {
    const { peer } = this
    if (peer.#isClosed || this.#isArriving) return
    if (this.#link.isCut) {
      this.#network.stall(this.#link, this)
      return
    }
    if (this.#network.isAsleep(peer.localAddress)) {
      this.#network.whenAwake(peer.localAddress, () => this.#arrive())
      return
    }
    if (this.#fate !== null) {
      peer.close(this.#fate.error)
      return
    }
    if (peer.#isPaused || peer.#onData === null) return
    if (this.#arrivedCount > 0) this.#deliver()
    else if (this.#isEnding && this.#underWay.length === 0) this.close(null)
  }

  #deliver(): void {
    const network = this.#network
    if (network.chance(this.#link.breakChance)) {
      this.broken()
      return
    }
    const arrived = Buffer.concat(this.#underWay.splice(0, this.#arrivedCount))
    const length = network.piece(arrived.length)
    // A copy: what is received and what was sent are different memory.
    const chunk = Buffer.from(arrived.subarray(0, length))
    this.#arrivedCount = 0
    if (length < arrived.length) {
      this.#underWay.unshift(arrived.subarray(length))
      this.#arrivedCount = 1
    }
    this.#bytesUnderWay -= length
    this.#isArriving = true
    this.peer.#onData?.(chunk)
    this.#isArriving = false
    if (this.#isClosed) return
    if (this.#wantsDrain && this.#bytesUnderWay === 0) {
      this.#wantsDrain = false
      this.#onDrain()
    }
    if (this.#arrivedCount > 0 || this.#isEnding) this.resumed()
  }
}
