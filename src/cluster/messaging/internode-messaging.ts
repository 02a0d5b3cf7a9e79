import { type Logger, SILENT, withoutSpam } from '../../common/logger.ts'
import type { Clock } from '../../io/clock.ts'
import type { Listener, Network } from '../../io/network.ts'
import type { Random } from '../../io/random.ts'
import type { Timers } from '../../io/timers.ts'
import type { Endpoint } from '../endpoint.ts'
import type { MessagingContext } from './context.ts'
import { failureReasonOf, RequestFailureReason } from './failure-reason.ts'
import { SPOKEN_VERSIONS, type VersionRange } from './handshake.ts'
import type { InboundConnection } from './inbound-connection.ts'
import type { InboundPeer } from './inbound-peers.ts'
import { InboundPeers } from './inbound-peers.ts'
import { type InboundHost, ReceivedMessage } from './inbound-request.ts'
import { type InternodeEncryption, NO_ENCRYPTION } from './internode-encryption.ts'
import { LocalDelivery } from './local-delivery.ts'
import {
  type InboundHeader,
  MESSAGE_REQUEST,
  MESSAGE_RESPONSE,
  type MessageId,
  messageSize,
} from './message-header.ts'
import { addTo, DroppedCounters } from './messaging-metrics.ts'
import type { MessageHandler, MessagingService, RequestCallback, SendOptions } from './messaging-service.ts'
import { OutboundMessage } from './outbound-message.ts'
import { OutboundPeer } from './outbound-peer.ts'
import { RequestCallbacks } from './request-callbacks.ts'
import { ResourceLimit } from './resource-limit.ts'
import { DEFAULT_MESSAGING_SETTINGS, type MessagingSettings } from './settings.ts'
import { TimerWheel } from './timer-wheel.ts'
import { describe, Turn } from './turn.ts'
import { VERB_IDS, Verb, verbOf } from './verb.ts'

const NO_BYTES = new Uint8Array(0)
/** Nobody waits longer for an answer. */
const FOREVER_MS = 24 * 60 * 60 * 1000

export interface MessagingOptions {
  readonly self: Endpoint
  readonly network: Network
  readonly clock: Clock
  readonly timers: Timers
  readonly random: Random
  readonly logger?: Logger
  readonly settings?: Partial<MessagingSettings>
  readonly encryption?: InternodeEncryption
  /** Versions of the protocol that this node claims to speak; all by default. */
  readonly versions?: VersionRange
}

/** Where a service listens. */
export interface ListenAddresses {
  /** listen_address; the host of `self` by default. */
  readonly host?: string
  /** storage_port; the port of `self` by default. */
  readonly port?: number
  /** ssl_storage_port, used with `legacy_ssl_storage_port_enabled`. */
  readonly sslPort?: number
}

/** Messaging over sockets: `MessagingService` with its connections, its listeners and its end. */
export class InternodeMessaging implements MessagingService {
  readonly self: Endpoint
  readonly dropped = new DroppedCounters()
  readonly callbacks: RequestCallbacks
  readonly #context: MessagingContext
  readonly #wheel: TimerWheel
  readonly #handlers: (MessageHandler | undefined)[] = new Array(VERB_IDS).fill(undefined)
  readonly #peers = new Map<string, OutboundPeer>()
  readonly #inbound: InboundPeers
  readonly #sendReserve: ResourceLimit
  readonly #local: LocalDelivery
  readonly #host: InboundHost = {
    nowMs: () => this.#context.turn.nowMs(),
    answer: (message, payload) => this.#answer(message, payload),
    answerFailure: (message, reason) => this.#sendFailure(message.from, message, reason),
    dropped: (message) => this.#dropped(message),
    released: (message) => this.#released(message),
  }
  #listeners: Listener[] = []
  #isClosed = false

  constructor(options: MessagingOptions) {
    const { self, network, clock, timers, logger = SILENT, encryption = NO_ENCRYPTION } = options
    const settings = { ...DEFAULT_MESSAGING_SETTINGS, ...options.settings }
    const { versions = SPOKEN_VERSIONS } = options
    const noSpam = withoutSpam(logger, () => clock.monotonicMs())
    const turn = new Turn(clock, timers, noSpam)
    const { dropped } = this
    this.self = self
    this.#context = {
      self,
      settings,
      versions,
      encryption,
      network,
      clock,
      timers,
      logger,
      noSpam,
      turn,
      dropped,
    }
    this.#wheel = new TimerWheel(clock, timers)
    this.callbacks = new RequestCallbacks(this.#wheel, options.random, noSpam)
    this.#sendReserve = new ResourceLimit(settings.internode_application_send_queue_reserve_global_capacity)
    this.#inbound = new InboundPeers(this.#context, (connection, header, bytes, at, end, sentMs) =>
      this.#received(connection, header, bytes, at, end, sentMs),
    )
    this.#local = new LocalDelivery(turn, (message) => this.#handleLocal(message))
  }

  /** Takes connections from now on. Rejects when the address can't be had. */
  async listen({
    host = this.self.host,
    port = this.self.port,
    sslPort,
  }: ListenAddresses = {}): Promise<void> {
    const { encryption, network } = this.#context
    const { listen, legacyListen } = encryption
    const accept = this.#inbound.accept.bind(this.#inbound)
    if (legacyListen !== null && sslPort !== undefined) {
      this.#listeners.push(await network.listen({ host, port: sslPort, tls: legacyListen }, accept))
      if (sslPort === port) return
    }
    const tls = listen === null ? {} : { tls: listen }
    this.#listeners.push(await network.listen({ host, port, ...tls }, accept))
  }

  /** Ports that are listened on. */
  get ports(): readonly number[] {
    return this.#listeners.map(({ port }) => port)
  }

  handle(verb: Verb, handler: MessageHandler): void {
    this.#handlers[verb.id] = handler
  }

  send(to: Endpoint, verb: Verb, payload: Uint8Array, options?: SendOptions): void {
    const deadlineMs = this.#deadline(verb, options)
    const message = new OutboundMessage(
      verb,
      0,
      this.callbacks.nextId(),
      deadlineMs,
      options?.session ?? null,
    )
    this.#send(to, message, payload)
  }

  request(to: Endpoint, verb: Verb, payload: Uint8Array, callback: RequestCallback): void {
    if (verb.response === null) throw new Error(`${verb.name} has no response`)
    const id = this.callbacks.nextId()
    const deadlineMs = this.#deadline(verb, callback)
    this.callbacks.add(id, to, deadlineMs, callback)
    this.#send(
      to,
      new OutboundMessage(verb, MESSAGE_REQUEST, id, deadlineMs, callback.session ?? null),
      payload,
    )
  }

  interrupt(to: Endpoint): void {
    for (const connection of this.#peers.get(to.text)?.connections ?? []) connection.interrupt()
  }

  closeOutbound(to: Endpoint): void {
    for (const connection of this.#peers.get(to.text)?.connections ?? []) connection.closeNow()
    this.#peers.delete(to.text)
  }

  /** What each peer's connections have done. */
  get peers(): readonly OutboundPeer[] {
    return [...this.#peers.values()]
  }

  /** What each peer's messages have come to. */
  get inboundPeers(): Iterable<InboundPeer> {
    return this.#inbound.peers
  }

  get inboundConnections(): ReadonlySet<InboundConnection> {
    return this.#inbound.connections
  }

  /** Bytes that queues have borrowed from what all peers share, of messages to send and of requests received. */
  get borrowedBytes(): { readonly send: number; readonly receive: number } {
    return { send: this.#sendReserve.using, receive: this.#inbound.borrowedBytes }
  }

  /** Bytes that wait to be sent, to all peers. */
  get heldBytes(): number {
    return this.peers.reduce(
      (sum, peer) => sum + peer.connections.reduce((bytes, { figures }) => bytes + figures.pendingBytes, 0),
      0,
    )
  }

  /**
   * Stops listening, sends what waits as far as peers take it within `timeoutMs`, and closes all connections. Requests
   * that are open fail with TIMEOUT before this resolves.
   */
  async close(timeoutMs: number = 1000): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await Promise.all(this.#listeners.splice(0).map((listener) => listener.close()))
    const connections = this.peers.flatMap((peer) => peer.connections)
    await new Promise<void>((resolve) => {
      let left = connections.length
      const { timers } = this.#context
      const giveUp = (): void => {
        for (const connection of connections) connection.closeNow()
      }
      const timer = timers.setTimeout(giveUp, timeoutMs)
      const closed = (): void => {
        if (--left > 0) return
        timers.clearTimeout(timer)
        resolve()
      }
      for (const connection of connections) connection.close(true, closed)
      if (connections.length === 0) {
        left = 1
        closed()
      }
    })
    this.#inbound.close()
    this.#wheel.expireAll()
  }

  // ---- sending

  #deadline(verb: Verb, options: SendOptions | undefined): number {
    const timeoutMs = options?.timeoutMs ?? this.#context.settings.timeoutsMs[verb.timeout]
    return this.#context.turn.nowMs() + Math.min(timeoutMs, FOREVER_MS)
  }

  #send(to: Endpoint, message: OutboundMessage, payload: Uint8Array): void {
    const { settings, turn, noSpam } = this.#context
    const size = messageSize(message.session, payload.length)
    if (this.#isClosed || size > settings.internode_max_message_size) {
      if (!this.#isClosed) {
        noSpam.error(
          `${message.verb.name} of ${size} bytes to ${to.text} is larger than internode_max_message_size`,
        )
      }
      this.#lost(message, to)
    } else if (to === this.self || to.text === this.self.text) this.#local.add(message, payload)
    else this.#peer(to).connectionFor(message, payload.length).enqueue(message, payload, turn.nowMs())
  }

  #peer(to: Endpoint): OutboundPeer {
    let peer = this.#peers.get(to.text)
    if (peer === undefined) {
      peer = new OutboundPeer(this.#context, to, this.#sendReserve, (message) => this.#lost(message, to))
      this.#peers.set(to.text, peer)
    }
    return peer
  }

  /** A message will not be sent: whoever waits for its answer is told at the end of the turn. */
  #lost(message: OutboundMessage, to: Endpoint): void {
    if ((message.flags & MESSAGE_REQUEST) === 0) return
    const fail = (): void => this.callbacks.fail(message.id, to, RequestFailureReason.TIMEOUT)
    this.#context.turn.add({ endOfTurn: fail })
  }

  // ---- receiving

  #received(
    connection: InboundConnection,
    header: InboundHeader,
    bytes: Buffer,
    at: number,
    end: number,
    sentMs: number,
  ): void {
    const { from, release, figures } = connection
    const verb = verbOf(header.verbId)
    // No Buffer: its `slice` would not copy.
    const start = at + header.headerBytes
    const payload = new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start)
    if ((header.flags & MESSAGE_RESPONSE) !== 0) {
      release(header.size)
      this.#responded(header.id, from, verb, payload)
      addTo(figures.processed, header.size)
      return
    }
    if (verb === undefined) {
      release(header.size)
      addTo(figures.error, header.size)
      this.#context.noSpam.error(`${from.text} sent a message of a verb that is not known: ${header.verbId}`)
      if ((header.flags & MESSAGE_REQUEST) === 0) return
      const request = { id: header.id, deadlineMs: sentMs + header.remainingMs, session: null }
      this.#sendFailure(from, request, RequestFailureReason.UNKNOWN)
      return
    }
    const isRequest = (header.flags & MESSAGE_REQUEST) !== 0
    const deadlineMs = sentMs + Math.min(FOREVER_MS, header.remainingMs)
    const session = header.session(bytes, at)
    const { id, size } = header
    const outcome = this.#handle(
      new ReceivedMessage(this.#host, from, verb, payload, session, isRequest, id, deadlineMs, size, release),
    )
    addTo(figures[outcome], size)
  }

  #responded(id: MessageId, from: Endpoint, verb: Verb | undefined, payload: Uint8Array): void {
    if (verb !== Verb.FAILURE_RSP) this.callbacks.respond(id, from, payload)
    else this.callbacks.fail(id, from, failureReasonOf(payload.length === 0 ? 0 : payload[0]!))
  }

  #handleLocal(message: OutboundMessage): void {
    const { verb, payload, session, id, deadlineMs, flags } = message
    if ((flags & MESSAGE_RESPONSE) !== 0) {
      this.#responded(id, this.self, verb, payload)
      return
    }
    const isRequest = (flags & MESSAGE_REQUEST) !== 0
    this.#handle(
      new ReceivedMessage(this.#host, this.self, verb, payload, session, isRequest, id, deadlineMs, 0, null),
    )
  }

  #handle(message: ReceivedMessage): 'processed' | 'expired' | 'error' {
    if (message.deadlineMs <= this.#context.turn.nowMs()) {
      message.drop()
      return 'expired'
    }
    const handler = this.#handlers[message.verb.id]
    const { noSpam: logger } = this.#context
    if (handler === undefined) {
      logger.error(`Nothing handles ${message.verb.name}, which ${message.from.text} sent`)
      message.fail(RequestFailureReason.UNKNOWN)
      return 'error'
    }
    try {
      handler(message)
    } catch (error) {
      logger.error(`${message.verb.name} of ${message.from.text} failed: ${describe(error)}`)
      message.fail(RequestFailureReason.UNKNOWN)
      return 'error'
    }
    message.handled()
    if (!message.isDone) {
      // It is answered later: its payload is not its own any more, its place in the queue is until its time is over.
      message.payload = NO_BYTES
      this.#wheel.add(message)
    }
    return 'processed'
  }

  // ---- what messages ask of their service

  #answer(message: ReceivedMessage, payload: Uint8Array): void {
    const { verb, id, deadlineMs, session, from } = message
    if (deadlineMs <= this.#context.turn.nowMs()) this.#dropped(message)
    else
      this.#send(
        from,
        new OutboundMessage(verb.response!, MESSAGE_RESPONSE, id, deadlineMs, session),
        payload,
      )
  }

  #dropped({ verb, from }: ReceivedMessage): void {
    if (from.text === this.self.text) this.dropped.internal(verb)
    else this.dropped.crossNode(verb)
  }

  #released(message: ReceivedMessage): void {
    this.#wheel.remove(message)
    if (message.release === null) return
    message.release(message.size)
    this.#inbound.released()
  }

  #sendFailure(
    to: Endpoint,
    request: { readonly id: MessageId; readonly deadlineMs: number; readonly session: Uint8Array | null },
    reason: RequestFailureReason,
  ): void {
    const { id, deadlineMs, session } = request
    const message = new OutboundMessage(Verb.FAILURE_RSP, MESSAGE_RESPONSE, id, deadlineMs, session)
    this.#send(to, message, Uint8Array.of(reason))
  }
}
