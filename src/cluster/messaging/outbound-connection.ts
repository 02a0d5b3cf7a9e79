import type { NetworkConnection } from '../../io/network.ts'
import type { Endpoint } from '../endpoint.ts'
import { AckReader } from './acks.ts'
import type { MessagingContext } from './context.ts'
import { FrameWriter, WHOLE_MESSAGE_MAX } from './frame-writer.ts'
import { CONNECTION_TYPES, type ConnectionType } from './handshake.ts'
import { messageSize } from './message-header.ts'
import { outboundFigures } from './messaging-metrics.ts'
import { connectToPeer, type Established } from './outbound-handshake.ts'
import type { OutboundMessage } from './outbound-message.ts'
import type { QueueCapacity } from './resource-limit.ts'
import type { TurnTask } from './turn.ts'

/** Bytes that a connection has taken and not sent, beyond which messages wait in the queue. */
const UNSENT_MAX = 256 * 1024
const RETRY_MS = 100
const RETRY_MS_MAX = 1000
/** A connection that broke sooner than this is not replaced at once. */
const SHORT_LIVED_MS = 1000

type State = 'idle' | 'connecting' | 'waiting' | 'established' | 'closed'

/**
 * One of the three connections to a peer (`net/OutboundConnection.java`): it connects when there is something to send,
 * and again while there is. What has not been written waits, in order, until the connection stands or its time is over;
 * what was written and lost is missed by nobody but those who wait for an answer.
 */
export class OutboundConnection implements TurnTask {
  readonly figures = outboundFigures()
  /** The version agreed on with the peer; 0 before the first connection. */
  version = 0
  readonly #context: MessagingContext
  readonly #to: Endpoint
  readonly #type: ConnectionType
  readonly #capacity: QueueCapacity
  /** Told of messages that will not be sent. */
  readonly #onLost: (message: OutboundMessage) => void
  #state: State = 'idle'
  #network: NetworkConnection | null = null
  #writer = new FrameWriter()
  #acks: AckReader | null = null
  #queue: OutboundMessage[] = []
  /** Of `#queue`: those before have been sent. */
  #head = 0
  /** Bytes of the first message in the queue that have been written: it goes in parts. */
  #partDone = 0
  #isInTurn = false
  #isAwaitingDrain = false
  /** Connections that failed since the last one that stood. */
  #failures = 0
  #establishedMs = 0
  #isEnding = false
  #onClosed: (() => void) | null = null
  /** Raised when a connection is given up, so that what still comes of it is passed over. */
  #attempt = 0

  constructor(
    context: MessagingContext,
    to: Endpoint,
    type: ConnectionType,
    capacity: QueueCapacity,
    onLost: (message: OutboundMessage) => void,
  ) {
    this.#context = context
    this.#to = to
    this.#type = type
    this.#capacity = capacity
    this.#onLost = onLost
  }

  get isEstablished(): boolean {
    return this.#state === 'established'
  }

  get #isQueueEmpty(): boolean {
    return this.#head === this.#queue.length
  }

  get #name(): string {
    return `${this.#context.self.text}->${this.#to.text}-${CONNECTION_TYPES[this.#type]}`
  }

  /** Sends a message, now or when the connection takes it. `payload` is copied. */
  enqueue(message: OutboundMessage, payload: Uint8Array, nowMs: number): void {
    if (this.#canWrite && this.#isQueueEmpty && payload.length + 64 <= WHOLE_MESSAGE_MAX) {
      this.#writer.append(message, payload, nowMs)
      this.figures.sentCount++
      this.#askTurn()
      return
    }
    if (this.#state === 'closed') {
      this.#onLost(message)
      return
    }
    const size = messageSize(message.session, payload.length)
    if (!this.#acquire(size, nowMs)) {
      this.figures.overloadedCount++
      this.figures.overloadedBytes += size
      this.#context.noSpam.warn(`${this.#name} overloaded; dropping ${message.verb.name} message`)
      this.#onLost(message)
      return
    }
    message.payload = new Uint8Array(payload)
    this.#queue.push(message)
    this.figures.pendingCount++
    this.figures.pendingBytes += size
    if (this.#state === 'idle') this.#connect()
    else this.#askTurn()
  }

  /** Breaks the connection; what waits goes on a new one. */
  interrupt(): void {
    if (this.#state === 'closed') return
    this.#disconnect()
    this.#failures = 0
    if (!this.#isQueueEmpty) this.#connect()
  }

  /** Closes for good: with `flush`, after what waits has left, as long as the connection stands. */
  close(flush: boolean, onClosed: () => void): void {
    this.#onClosed = onClosed
    this.#isEnding = true
    if (flush && (this.#state === 'established' || this.#state === 'connecting')) this.#askTurn()
    else this.#finish()
  }

  /** Gives up what has not left yet. */
  closeNow(): void {
    if (this.#state !== 'closed') this.#finish()
  }

  endOfTurn(): void {
    this.#isInTurn = false
    this.#pump()
  }

  #askTurn(): void {
    if (this.#isInTurn) return
    this.#isInTurn = true
    this.#context.turn.add(this)
  }

  get #canWrite(): boolean {
    return (
      this.#state === 'established' &&
      !this.#isAwaitingDrain &&
      this.#writer.size + this.#network!.unsentBytes < UNSENT_MAX
    )
  }

  // ---- the queue

  #acquire(size: number, nowMs: number): boolean {
    // While the peer can't be reached, what waits for it must not take what is meant for others.
    const mayBorrow = this.#failures === 0
    if (this.#capacity.acquire(size, mayBorrow)) return true
    return this.#prune(nowMs) && this.#capacity.acquire(size, mayBorrow)
  }

  /** Drops what has expired; says whether anything had. */
  #prune(nowMs: number): boolean {
    const before = this.#queue.length
    const kept: OutboundMessage[] = []
    for (let i = this.#head; i < before; i++) {
      const message = this.#queue[i]!
      const isUnderWay = i === this.#head && this.#partDone > 0
      if (isUnderWay || message.deadlineMs > nowMs) kept.push(message)
      else this.#expire(message)
    }
    const isChanged = kept.length < before - this.#head
    this.#queue = kept
    this.#head = 0
    return isChanged
  }

  #expire(message: OutboundMessage): void {
    this.figures.expiredBytes += this.#leave(message)
    this.figures.expiredCount++
    this.#context.dropped.internal(message.verb)
    this.#onLost(message)
  }

  /** Takes a message out of the queue's figures; returns its size. */
  #leave(message: OutboundMessage): number {
    const size = messageSize(message.session, message.payload.length)
    this.figures.pendingCount--
    this.figures.pendingBytes -= size
    this.#capacity.release(size)
    return size
  }

  #shift(): void {
    this.#queue[this.#head++] = undefined as never
    this.#partDone = 0
    if (this.#isQueueEmpty || this.#head > 1024) {
      this.#queue = this.#queue.slice(this.#head)
      this.#head = 0
    }
  }

  // ---- writing

  /** Writes what waits until the connection has enough. */
  #pump(): void {
    if (this.#state !== 'established') {
      if (this.#state === 'idle' && !this.#isQueueEmpty) this.#connect()
      else if (this.#isEnding && this.#state !== 'closed' && this.#state !== 'connecting') this.#finish()
      return
    }
    const nowMs = this.#context.turn.nowMs()
    while (!this.#isQueueEmpty && this.#canWrite) this.#writeNext(nowMs)
    this.#flush()
    if (!this.#isEnding || this.#state !== 'established' || !this.#isQueueEmpty) {
      if (!this.#isQueueEmpty && this.#canWrite) this.#askTurn()
      return
    }
    this.#network!.end()
  }

  #writeNext(nowMs: number): void {
    const message = this.#queue[this.#head]!
    const { payload } = message
    if (this.#partDone === 0 && message.deadlineMs <= nowMs) {
      this.#shift()
      this.#expire(message)
      return
    }
    const size = messageSize(message.session, payload.length)
    if (size <= WHOLE_MESSAGE_MAX) this.#writer.append(message, payload, nowMs)
    else {
      this.#partDone = this.#writer.appendPart(message, payload, this.#partDone, nowMs)
      if (this.#partDone < size) return
    }
    this.#shift()
    this.#leave(message)
    this.figures.sentCount++
  }

  #flush(): void {
    const nowMs = this.#context.turn.nowMs()
    const bytes = this.#writer.take(nowMs)
    if (bytes === null) return
    this.figures.sentBytes += bytes.length
    this.#acks!.written(this.#writer.count, nowMs)
    if (!this.#network!.write(bytes)) this.#isAwaitingDrain = this.#network!.unsentBytes >= UNSENT_MAX
  }

  // ---- connecting

  #connect(): void {
    this.#state = 'connecting'
    this.figures.connectionAttempts++
    const attempt = ++this.#attempt
    connectToPeer(this.#context, this.#to, this.#type, this.#failures, {
      established: (connection) => {
        if (attempt === this.#attempt) this.#establish(connection)
        else connection.network.destroy()
      },
      failed: (reason) => {
        if (attempt === this.#attempt) this.#failed(reason)
      },
    })
  }

  #establish({ network, accept, rest }: Established): void {
    const context = this.#context
    const attempt = this.#attempt
    this.#state = 'established'
    this.#network = network
    this.#writer = new FrameWriter()
    this.#isAwaitingDrain = false
    this.#establishedMs = context.clock.monotonicMs()
    this.#failures = 0
    this.version = accept.version
    this.figures.successfulConnections++
    this.#acks = new AckReader(
      context.clock,
      context.timers,
      context.settings.internode_tcp_user_timeout,
      () =>
        this.#lose(attempt, `nothing was acknowledged for ${context.settings.internode_tcp_user_timeout} ms`),
    )
    context.logger.info(
      `${this.#name} successfully connected, version = ${this.version}, ` +
        `encryption = ${network.tls === null ? 'unencrypted' : `encrypted(${network.tls.protocol})`}`,
    )
    network.onClose((error) => this.#lose(attempt, error?.message ?? null))
    network.onDrain(() => {
      if (attempt !== this.#attempt) return
      this.#isAwaitingDrain = false
      this.#askTurn()
    })
    const received = (chunk: Buffer): void => {
      if (attempt !== this.#attempt) return
      const problem = this.#acks!.received(chunk, context.clock.monotonicMs())
      if (problem !== null) this.#lose(attempt, problem)
    }
    network.onData(received)
    if (rest.length > 0) received(rest)
    this.#pump()
  }

  /** The connection broke: what waits goes on the next one. */
  #lose(attempt: number, reason: string | null): void {
    if (attempt !== this.#attempt || this.#state !== 'established') return
    if (reason !== null && !this.#isEnding) this.#context.noSpam.warn(`${this.#name} broken: ${reason}`)
    const lasted = this.#context.clock.monotonicMs() - this.#establishedMs
    this.#disconnect()
    if (this.#isEnding) this.#finish()
    else if (this.#isQueueEmpty) return
    else if (lasted >= SHORT_LIVED_MS) this.#connect()
    else this.#retry()
  }

  #failed(reason: string): void {
    this.#state = 'idle'
    this.#context.noSpam.info(`${this.#name} failed to connect: ${reason}`)
    this.#failures++
    if (this.#isEnding) {
      this.#finish()
      return
    }
    this.#prune(this.#context.clock.monotonicMs())
    if (!this.#isQueueEmpty) this.#retry()
  }

  #retry(): void {
    const delayMs = Math.min(RETRY_MS_MAX, RETRY_MS * 2 ** Math.max(0, this.#failures - 1))
    const attempt = ++this.#attempt
    this.#state = 'waiting'
    const again = (): void => {
      if (attempt !== this.#attempt) return
      this.#state = 'idle'
      this.#prune(this.#context.clock.monotonicMs())
      if (!this.#isQueueEmpty) this.#connect()
    }
    this.#context.timers.setTimeout(again, delayMs, { unref: true })
  }

  #disconnect(): void {
    this.#attempt++
    this.#acks?.close()
    this.#acks = null
    this.#network?.destroy()
    this.#network = null
    this.#state = 'idle'
    // A message of which a part was sent is lost; whoever waits for its answer finds out in time.
    if (this.#partDone > 0) {
      const message = this.#queue[this.#head]!
      this.#shift()
      this.figures.errorBytes += this.#leave(message)
      this.figures.errorCount++
    }
  }

  #finish(): void {
    this.#disconnect()
    this.#state = 'closed'
    for (; !this.#isQueueEmpty; this.#shift()) {
      const message = this.#queue[this.#head]!
      this.#leave(message)
      this.figures.discardedCount++
      this.#onLost(message)
    }
    this.#onClosed?.()
    this.#onClosed = null
  }
}
