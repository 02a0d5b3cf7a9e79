import type { NetworkConnection } from '../../io/network.ts'
import type { Endpoint } from '../endpoint.ts'
import { AckWriter } from './acks.ts'
import type { MessagingContext } from './context.ts'
import { CorruptFrameError, FrameDecoder } from './frame.ts'
import { CONNECTION_TYPES, ConnectionType } from './handshake.ts'
import { Lateness } from './lateness.ts'
import { MessageAssembler } from './message-assembler.ts'
import { InboundHeader } from './message-header.ts'
import { addTo, type InboundFigures } from './messaging-metrics.ts'
import type { QueueCapacity } from './resource-limit.ts'
import type { TurnTask } from './turn.ts'

/** How long messages of one connection are handled before others get their turn. */
const SHARE_MS = 5
/** Messages handled between two looks at the clock. */
const MESSAGES_A_LOOK = 16
/** Bytes received and not handled, beyond which the socket is not read. */
const UNREAD_MAX = 1024 * 1024

/** Handles a message that lies at `at` of `bytes` and ends at `end`; `sentMs` is our time at which it should have come. */
export type Dispatch = (
  connection: InboundConnection,
  header: InboundHeader,
  bytes: Buffer,
  at: number,
  end: number,
  sentMs: number,
) => void

/**
 * What comes of one connection of a peer, behind the handshake (`net/InboundMessageHandler.java`). Reading stops while the
 * requests that it brought and that are not answered yet take more room than there is.
 */
export class InboundConnection implements TurnTask {
  readonly from: Endpoint
  readonly type: ConnectionType
  readonly network: NetworkConnection
  readonly version: number
  /** Of all connections of the peer, of those before this one too. */
  readonly figures: InboundFigures
  readonly #context: MessagingContext
  readonly #capacity: QueueCapacity
  readonly #dispatch: Dispatch
  readonly #onClosed: (connection: InboundConnection) => void
  readonly #decoder = new FrameDecoder()
  readonly #assembler = new MessageAssembler()
  readonly #header = new InboundHeader()
  readonly #acks: AckWriter
  readonly #lateness = new Lateness()
  /** When the decoder's frame should have come. */
  #frameMs = 0
  /** Where the next message begins in the decoder's frame, and where that ends. */
  #position = 0
  #end = 0
  /** Bytes taken for the message that is being put together. */
  #held = 0
  #isPaused = false
  #isInTurn = false
  #isClosed = false
  /** There is no room for the next message. */
  isStarved = false
  #pausedAtMs = 0
  readonly release: (size: number) => void

  constructor(
    context: MessagingContext,
    peer: { from: Endpoint; type: ConnectionType; version: number; network: NetworkConnection },
    capacity: QueueCapacity,
    figures: InboundFigures,
    dispatch: Dispatch,
    onClosed: (connection: InboundConnection) => void,
  ) {
    this.#context = context
    this.from = peer.from
    this.type = peer.type
    this.version = peer.version
    this.network = peer.network
    this.#capacity = capacity
    this.figures = figures
    this.#dispatch = dispatch
    this.#onClosed = onClosed

    this.#acks = new AckWriter(context.timers, peer.network)
    this.release = (size) => {
      this.#capacity.release(size)
      addTo(figures.released, size)
    }
    peer.network.onClose(() => this.close())
    peer.network.onData((chunk) => {
      if (this.#isClosed) return
      this.#decoder.push(chunk)
      if (!this.#isInTurn && !this.isStarved) this.#process(context.turn.look())
      else this.#balance()
    })
  }

  /** Handles what came behind the handshake. */
  start(rest: Buffer): void {
    this.#decoder.push(rest)
    if (rest.length > 0) this.#process(this.#context.turn.look())
  }

  /** Bytes of requests that are not answered yet. */
  get pendingBytes(): number {
    return this.#capacity.using
  }

  /** Bytes received that have not been looked at. */
  get unreadBytes(): number {
    return this.#decoder.size
  }

  /** There may be room again. */
  retry(): void {
    if (!this.isStarved || this.#isClosed) return
    this.isStarved = false
    this.#askTurn()
  }

  endOfTurn(): void {
    this.#isInTurn = false
    if (!this.#isClosed && !this.isStarved) this.#process(this.#context.turn.look())
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#acks.close()
    if (this.#held > 0) this.#capacity.release(this.#held)
    this.#held = 0
    this.network.destroy()
    this.#onClosed(this)
  }

  #askTurn(): void {
    if (this.#isInTurn) return
    this.#isInTurn = true
    // Not at the end of this turn: others may have something to read before.
    this.#context.timers.setImmediate(() => this.endOfTurn())
  }

  /** Handles what has come until a share of the turn is over or there is no room. */
  #process(startMs: number): void {
    try {
      let nowMs = startMs
      for (let left = MESSAGES_A_LOOK; this.#next(nowMs); ) {
        if (this.#isClosed) return
        if (--left > 0) continue
        left = MESSAGES_A_LOOK
        nowMs = this.#context.turn.look()
        if (nowMs - startMs < SHARE_MS || this.type === ConnectionType.URGENT) continue
        this.#askTurn()
        break
      }
    } catch (error) {
      if (!(error instanceof CorruptFrameError)) throw error
      const name = `${this.from.text}->${this.#context.self.text}-${CONNECTION_TYPES[this.type]}`
      this.figures.corruptFrames++
      this.#context.noSpam.error(`${name} closed, for what it brought is corrupt: ${error.message}`)
      this.close()
      return
    }
    if (this.#decoder.count > 0) this.#acks.received(this.#decoder.count)
    this.#balance()
  }

  /** Stops reading the socket while what has come can't be handled, and goes on afterwards. */
  #balance(): void {
    const isFull = this.isStarved || (this.#isInTurn && this.#decoder.size > UNREAD_MAX)
    if (isFull === this.#isPaused || this.#isClosed) return
    this.#isPaused = isFull
    const nowMs = this.#context.turn.nowMs()
    if (isFull) {
      this.#pausedAtMs = nowMs
      this.figures.throttledCount++
      this.network.pause()
    } else {
      this.figures.throttledMs += nowMs - this.#pausedAtMs
      this.network.resume()
    }
  }

  /** Handles the next message; false when none is whole, or there is no room for it. */
  #next(nowMs: number): boolean {
    const decoder = this.#decoder
    while (this.#position === this.#end) {
      if (!decoder.next()) return false
      this.#position = decoder.start
      this.#end = decoder.end
      if (decoder.isSelfContained || !this.#assembler.isOpen) {
        this.#frameMs = nowMs - this.#lateness.of(decoder.sentAt, nowMs)
      }
      if (decoder.isSelfContained) {
        if (this.#assembler.isOpen)
          throw new CorruptFrameError('a message ends before all of its parts have come')
      } else if (this.#assembler.isOpen) {
        if (this.#addPart()) return true
      }
    }
    const header = this.#header
    header.read(decoder.buffer, this.#position, this.#end)
    if (!decoder.isSelfContained) return this.#beginParts()
    const next = this.#position + ((header.size + 3) & ~3)
    if (next > this.#end) throw new CorruptFrameError('a message is longer than its frame')
    if (!this.#acquire(header.size)) return false
    const at = this.#position
    this.#position = next
    this.#deliver(decoder.buffer, at, header.size)
    return true
  }

  /** A message comes in parts; this frame has the first. */
  #beginParts(): boolean {
    const { size } = this.#header
    if (size > this.#context.settings.internode_max_message_size) {
      throw new CorruptFrameError(`a message of ${size} bytes is larger than internode_max_message_size`)
    }
    if (!this.#acquire(size)) return false
    this.#held = size
    this.#assembler.begin(size)
    if (this.#assembler.add(this.#decoder.buffer, this.#position, this.#end) !== null) {
      throw new CorruptFrameError('a message in parts has one only')
    }
    this.#position = this.#end
    return true
  }

  /** Adds a frame to the message in parts; true when it was the last and the message has been handled. */
  #addPart(): boolean {
    const whole = this.#assembler.add(this.#decoder.buffer, this.#position, this.#end)
    this.#position = this.#end
    if (whole === null) return false
    this.#held = 0
    this.#header.read(whole, 0, whole.length)
    this.#deliver(whole, 0, whole.length)
    return true
  }

  #acquire(size: number): boolean {
    if (this.#capacity.acquire(size)) return true
    if (this.#capacity.using === 0) {
      // A message that finds the queue empty is always taken, or it could wait for ever.
      this.#capacity.take(size)
      return true
    }
    this.isStarved = true
    return false
  }

  #deliver(bytes: Buffer, at: number, size: number): void {
    addTo(this.figures.received, size)
    this.#dispatch(this, this.#header, bytes, at, at + size, this.#frameMs)
  }
}
