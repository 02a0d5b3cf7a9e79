import type { Authenticator, SaslNegotiator } from '../auth/index.ts'
import {
  CqlError,
  InvalidRequestError,
  MarshalError,
  OverloadedError,
  ProtocolError,
  ServerError,
} from '../common/errors.ts'
import type { NetworkConnection } from '../io/network.ts'
import type { Timers } from '../io/timers.ts'
import type { QueryResult } from '../model/query-result.ts'
import type { Request, ServerEvent } from '../protocol/index.ts'
import {
  answerVersion,
  FrameFlag,
  frameCompressor,
  InboundDecoder,
  legacyError,
  Opcode,
  OutboundEncoder,
  opcodeName,
  RequestDecoder,
  versionName,
  writeAuthChallenge,
  writeAuthenticate,
  writeAuthSuccess,
  writeError,
  writeEvent,
  writeReady,
  writeResult,
  writeSupported,
} from '../protocol/index.ts'
import type { ClientState, QueryHandler, RequestFlags } from '../query/query-handler.ts'
import { doubleText } from '../types/floating.ts'
import type { NativeTransportConfig } from './config.ts'
import type { Endpoint, QueueBackpressure, RateLimiter, ServerLimits } from './limits.ts'
import type { TransportLogger } from './logger.ts'
import { checkCqlVersion, startupCompression } from './startup.ts'
import type { HeldOutput, Share, Turn, TurnConnection } from './turn.ts'
import { describe } from './turn.ts'

/** What the connections of one server share. */
export interface ConnectionContext {
  readonly handler: QueryHandler
  readonly authenticator: Authenticator
  readonly config: NativeTransportConfig
  readonly limits: ServerLimits
  /** Null when the rate is not limited. */
  readonly rateLimiter: RateLimiter | null
  /** How long the oldest request may wait, in milliseconds, and what becomes of those that come when it has. */
  readonly queueAgeMaxMs: number
  readonly queueBackpressure: QueueBackpressure
  readonly turn: Turn
  readonly timers: Timers
  readonly logger: TransportLogger
  /** Counted over all connections, those that are gone among them. */
  readonly handled: HandledRequests
  onClosed(connection: ClientConnection): void
}

/** Requests since the start; those of authentication are among them. */
export interface HandledRequests {
  requests: number
  authRequests: number
}

export type ConnectionStage = 'ESTABLISHED' | 'AUTHENTICATING' | 'READY'

/** Why a request is not welcome. */
type Overload = 'none' | 'requests' | 'bytesInFlight' | 'queueTime'

/** Frames handled between two looks at the clock. */
const FRAMES_A_LOOK = 16
/** Frames a connection handles before others get their share. */
const FRAMES_A_SHARE = 512
/** Promises a connection may cause in one turn. */
const DEFERRED_A_SHARE = 64
/** Output that has not left, beyond which no more requests are handled. */
const UNSENT_MAX = 1024 * 1024
/** About how much the answers still outstanding may come to, judged by those before them. */
const PENDING_BYTES_MAX = 64 * 1024 * 1024
const PENDING_MIN = 64

/** How long a connection that has said its last waits for the other side to close. */
const LINGER_MS = 5_000

const NO_FLAGS: RequestFlags = { tracing: false, customPayload: null }

class ConnectedClient implements ClientState {
  keyspace: string | null = null
  user: string | null = null
  readonly remoteAddress: string
  readonly remotePort: number
  protocolVersion = 0
  receivedMs = 0
  startupOptions: ReadonlyMap<string, string> = new Map()

  constructor(remoteAddress: string, remotePort: number) {
    this.remoteAddress = remoteAddress
    this.remotePort = remotePort
  }
}

/** Names a connection in the texts of protocol errors, as Netty's channel ids do. */
let nextChannelId = 1

/**
 * One client (`ServerConnection` and the handlers of its Netty pipeline): reads requests, hands them to the query
 * room and writes the answers in whatever order they are ready.
 */
export class ClientConnection implements TurnConnection {
  readonly state: ConnectedClient
  readonly network: NetworkConnection
  stage: ConnectionStage = 'ESTABLISHED'
  requestCount = 0
  /** Time of the last byte either way. */
  lastActiveMs: number
  private readonly context: ConnectionContext
  readonly endpoint: Endpoint
  private readonly inbound: InboundDecoder
  private readonly decoder = new RequestDecoder()
  private readonly out = new OutboundEncoder()
  private readonly registered = new Set<ServerEvent['kind']>()
  private negotiator: SaslNegotiator | null = null
  private isThrowOnOverload = false
  private isClosed = false
  /** No more requests are taken; the connection closes when all answers have left. */
  private isEnding = false
  private isDirty = false
  /** Whether this connection stands in the turn's waiting list. */
  private isWaiting = false
  private isPaused = false
  private isAwaitingDrain = false
  /** Paused by a limit: until a time, or until requests have been answered. */
  private overload: Overload = 'none'
  /** What was received came while requests had been waiting for too long. */
  private isQueueTooOld = false
  /** What was received has waited too long, as of the last look at the clock: up to sixteen requests ago. */
  private isTooLate = false
  /** Requests whose answer is a promise. */
  private pending = 0
  private readonly held: HeldOutput[] = []
  private heldBytes = 0
  /** Bytes of requests in flight, and those that count against the shared limits. */
  private bytesInFlight = 0
  private bytesAllocated = 0
  /** A running mean of the size of answers. */
  private answerBytes = 0

  constructor(network: NetworkConnection, endpoint: Endpoint, context: ConnectionContext) {
    this.network = network
    this.endpoint = endpoint
    this.context = context
    this.state = new ConnectedClient(network.remoteAddress, network.remotePort)
    this.lastActiveMs = context.turn.nowMs()
    const { config } = context
    const channelId = (nextChannelId++ >>> 0).toString(16).padStart(8, '0')
    this.inbound = new InboundDecoder(
      {
        frameSizeMax: config.native_transport_max_frame_size,
        messageSizeMax: config.native_transport_max_message_size,
        allowOlderProtocols: config.native_transport_allow_older_protocols,
        consecutiveErrorsMax: config.consecutive_message_errors_threshold,
      },
      channelId,
    )
    network.onClose(() => this.closed())
    network.onDrain(() => this.drained())
    network.onData((chunk) => this.received(chunk))
  }

  // ---- input

  private received(chunk: Buffer): void {
    if (this.isClosed || this.isEnding) return
    this.inbound.push(chunk)
    const deadline = this.context.turn.begin()
    this.lastActiveMs = deadline
    if (this.isWaiting) return
    this.queued(this.context.turn.startedMs)
    if (this.processShare(deadline) !== 'done') this.wait()
  }

  /** What has been received waits from now on; until then it was held back, and nobody's turn. */
  private queued(nowMs: number): void {
    const { queueAgeMaxMs, turn } = this.context
    this.state.receivedMs = nowMs
    this.isQueueTooOld = queueAgeMaxMs !== Number.POSITIVE_INFINITY && turn.oldestWaitMs() >= queueAgeMaxMs
  }

  private hasWaitedTooLong(): boolean {
    const { config, turn } = this.context
    return turn.lookedMs - this.state.receivedMs > config.native_transport_timeout
  }

  get receivedMs(): number {
    return this.state.receivedMs
  }

  /** Goes on in the next turn, and reads nothing until then. */
  private wait(): void {
    this.isWaiting = true
    this.pause()
    this.context.turn.addWaiting(this)
  }

  private pause(): void {
    if (this.isPaused || this.isClosed) return
    this.isPaused = true
    this.network.pause()
  }

  /** Reads on unless something still forbids it; what has been received already goes first. */
  private proceed(): void {
    if (this.isClosed || this.isEnding || this.isWaiting || this.isBlocked()) return
    this.queued(this.context.turn.nowMs())
    this.wait()
  }

  private isBlocked(): boolean {
    return (
      this.isAwaitingDrain ||
      this.overload !== 'none' ||
      this.heldBytes > UNSENT_MAX ||
      this.out.position > UNSENT_MAX ||
      (this.pending > PENDING_MIN && this.pending * this.answerBytes > PENDING_BYTES_MAX)
    )
  }

  processShare(deadlineMs: number): Share {
    const { turn } = this.context
    this.isWaiting = false
    this.isTooLate = this.hasWaitedTooLong()
    const pendingMax = this.pending + DEFERRED_A_SHARE
    for (let frames = 1; ; frames++) {
      if (this.isClosed || this.isEnding) return 'done'
      if (this.isBlocked()) {
        this.pause()
        return 'done'
      }
      const found = this.inbound.next()
      if (found === 'nothing') return this.usedUp()
      if (found === 'envelope') this.handleEnvelope()
      else this.answerInboundError()
      // Answers that are promises come between the turns; how big they are shows only then.
      if (this.pending >= pendingMax) return this.goOn('nextTurn')
      if (frames === FRAMES_A_SHARE) return this.goOn('more')
      if (frames % FRAMES_A_LOOK === 0) {
        if (turn.nowMs() >= deadlineMs) return this.goOn('more')
        this.isTooLate = this.hasWaitedTooLong()
      }
    }
  }

  private goOn(share: Share): Share {
    this.isWaiting = true
    this.pause()
    return share
  }

  /** All that has been received is handled: reads on. */
  private usedUp(): Share {
    this.inbound.release()
    this.decoder.release()
    if (this.isPaused) {
      this.isPaused = false
      this.network.resume()
    }
    return 'done'
  }

  private answerInboundError(): void {
    const { inbound, out } = this
    const { error, forcedVersion, stream, isFatal } = inbound
    // Before a version is agreed on this is a driver that tries its newest first: nothing to log.
    if (inbound.connectionVersion !== 0) {
      this.context.logger.warn(`Protocol exception with client networking: ${error.message}`)
    }
    if (forcedVersion === 1 || forcedVersion === 2) {
      if (this.state.protocolVersion < 5) out.raw(legacyError(forcedVersion, error.message))
      else writeError(out, this.answerVersion(), stream, error)
    } else {
      writeError(out, forcedVersion === 0 ? this.answerVersion() : forcedVersion, stream, error)
    }
    this.touched()
    if (isFatal) this.end()
  }

  private answerVersion(): number {
    return answerVersion(this.inbound.connectionVersion)
  }

  private handleEnvelope(): void {
    const { inbound } = this
    if (inbound.connectionVersion === 0) {
      this.handleInitial()
      return
    }
    const { stream, bodySize } = inbound
    if (inbound.connectionVersion >= 5) {
      const overload = this.admit(bodySize, true, stream)
      if (overload === null) return
      const request = this.decodeRequest()
      if (request === null) this.releaseBytes(bodySize)
      else this.dispatch(request, overload)
      return
    }
    const request = this.decodeRequest()
    if (request === null) return
    const overload = this.admit(bodySize, false, stream)
    if (overload !== null) this.dispatch(request, overload)
  }

  /** Null when the body made no request, which has been answered. */
  private decodeRequest(): Request | null {
    const { inbound } = this
    const { version, flags, opcode, stream } = inbound
    try {
      const request = this.decoder.decode(
        version,
        flags,
        opcode,
        inbound.body,
        inbound.bodyStart,
        inbound.bodyEnd,
      )
      inbound.countMessage()
      return request
    } catch (error) {
      this.answerError(stream, error)
      if (inbound.countMessageError()) this.end()
      return null
    }
  }

  // ---- before STARTUP

  /** OPTIONS and STARTUP (`InitialConnectionHandler`); anything else is answered on stream 0. */
  private handleInitial(): void {
    const { inbound, out } = this
    const { version, flags, opcode, stream } = inbound
    if (opcode === Opcode.OPTIONS) {
      writeSupported(out, version, stream)
      this.touched()
      return
    }
    if (opcode !== Opcode.STARTUP) {
      const text = `Unexpected message ${opcodeName(opcode)}, expecting STARTUP or OPTIONS`
      writeError(out, version, 0, new ProtocolError(text))
      this.touched()
      return
    }
    // From here on the connection has this version, whatever becomes of the STARTUP.
    inbound.connectionVersion = version
    this.state.protocolVersion = version
    let request: Request
    try {
      request = this.decoder.decode(version, flags, opcode, inbound.body, inbound.bodyStart, inbound.bodyEnd)
    } catch (error) {
      inbound.connectionVersion = 0
      this.state.protocolVersion = 0
      this.answerError(0, error)
      return
    }
    this.requestCount++
    this.context.handled.requests++
    if (request.kind === 'startup') this.startup(stream, request.options)
    if (version >= 5) {
      const isLz4 = request.kind === 'startup' && request.options.get('COMPRESSION')?.toLowerCase() === 'lz4'
      inbound.useSegments(isLz4)
      out.useSegments(isLz4)
    }
  }

  private startup(stream: number, options: ReadonlyMap<string, string>): void {
    const { context, out, state } = this
    const version = this.inbound.connectionVersion
    try {
      checkCqlVersion(options.get('CQL_VERSION'))
      const compression = startupCompression(options.get('COMPRESSION'), version)
      if (compression !== null && version < 5) {
        out.useCompression(frameCompressor(compression))
        this.inbound.useCompression(frameCompressor(compression))
      }
    } catch (error) {
      this.answerError(stream, error)
      return
    }
    const throwOnOverload = options.get('THROW_ON_OVERLOAD')
    this.isThrowOnOverload =
      throwOnOverload === undefined
        ? version >= 5 && context.config.native_transport_throw_on_overload
        : throwOnOverload === '1'
    state.startupOptions = options
    if (context.authenticator.requiresAuthentication) {
      this.stage = 'AUTHENTICATING'
      writeAuthenticate(out, version, stream, context.authenticator.className)
    } else {
      this.becomeReady()
      writeReady(out, version, stream)
    }
    this.touched()
  }

  private becomeReady(): void {
    this.stage = 'READY'
    this.inbound.isReady = true
    this.negotiator = null
  }

  // ---- limits

  /**
   * Counts a request in. Null when it was refused with OVERLOADED (THROW_ON_OVERLOAD); otherwise it is handled, and
   * the connection reads no more for a while if there is an overload.
   */
  private admit(bytes: number, isModern: boolean, stream: number): Overload | null {
    const { context, endpoint } = this
    const { limits, rateLimiter } = context
    const counted = this.countedBytes(bytes, isModern)
    const fits = counted === 0 || limits.fits(endpoint, counted)
    if (this.isThrowOnOverload) {
      if (!fits) return this.refuse(stream, this.bytesText(isModern))
      if (rateLimiter !== null && !rateLimiter.tryReserve(context.turn.nowMs())) {
        return this.refuse(
          stream,
          `Request breached global limit of ${rateLimiter.permitsPerSecond} requests/second. Server is currently in an overloaded state and cannot accept more requests.`,
        )
      }
      if (this.isQueueTooOld) return this.refuse(stream, this.queueTimeText())
    }
    this.bytesInFlight += bytes
    if (counted > 0) {
      this.bytesAllocated += counted
      limits.allocate(endpoint, counted)
    }
    if (this.isThrowOnOverload) return 'none'
    const delayMs = rateLimiter === null ? 0 : rateLimiter.reserve(context.turn.nowMs())
    if (!fits) return (this.overload = 'bytesInFlight')
    if (delayMs > 0) return this.holdFor(delayMs, 'requests')
    if (!this.isQueueTooOld) return 'none'
    return this.holdFor(context.queueBackpressure.mark(context.turn.nowMs()), 'queueTime')
  }

  /** Handles nothing more of this connection for so long. */
  private holdFor(delayMs: number, overload: Overload): Overload {
    this.overload = overload
    this.context.timers.setTimeout(() => this.endOverload(overload), delayMs, { unref: true })
    return overload
  }

  private queueTimeText(): string {
    const { config } = this.context
    const threshold = doubleText(config.native_transport_queue_max_item_age_threshold)
    return `Request has spent over ${threshold} time of the maximum timeout ${config.native_transport_timeout}ms in the queue`
  }

  /** In v5 a connection's first bytes in flight are free (`native_transport_receive_queue_capacity`). */
  private countedBytes(bytes: number, isModern: boolean): number {
    if (!isModern) return bytes
    const capacity = this.context.config.native_transport_receive_queue_capacity
    return Math.min(bytes, Math.max(0, this.bytesInFlight + bytes - capacity))
  }

  private refuse(stream: number, text: string): null {
    this.answerError(stream, new OverloadedError(text))
    return null
  }

  private bytesText(isModern: boolean): string {
    const { bytes } = this.endpoint
    const { global } = this.context.limits
    const use = isModern
      ? `Endpoint: ${bytes.using}/${bytes.limit} bytes, Global: ${global.using}/${global.limit} bytes.`
      : `Using ${bytes.using}/${bytes.limit} bytes of endpoint limit and ${global.using}/${global.limit} bytes of global limit.`
    return `Request breached limit on bytes in flight. (${use})Server is currently in an overloaded state and cannot accept more requests.`
  }

  private releaseBytes(bytes: number): void {
    this.bytesInFlight -= bytes
    // What counts against the shared limits is given back last in, first out.
    const kept =
      this.inbound.connectionVersion >= 5
        ? Math.max(0, this.bytesInFlight - this.context.config.native_transport_receive_queue_capacity)
        : this.bytesInFlight
    const released = Math.max(0, this.bytesAllocated - kept)
    if (released > 0) {
      this.bytesAllocated -= released
      this.context.limits.release(this.endpoint, released)
    }
    if (this.overload === 'bytesInFlight' && this.mayResume()) this.endOverload('bytesInFlight')
  }

  private mayResume(): boolean {
    return this.bytesInFlight === 0 || this.context.limits.fits(this.endpoint, 0)
  }

  private endOverload(overload: Overload): void {
    if (this.overload !== overload) return
    this.overload = 'none'
    this.proceed()
  }

  private overloadWarning(overload: Overload): string | null {
    const { config } = this.context
    if (overload === 'none' || this.inbound.connectionVersion < 4) return null
    if (overload === 'requests') {
      return `Request breached global limit of ${config.native_transport_max_requests_per_second} requests/second and triggered backpressure.`
    }
    if (overload === 'queueTime') return this.queueTimeText()
    return `Request breached limit(s) on bytes in flight (Endpoint: ${config.native_transport_max_request_data_in_flight_per_ip}, Global: ${config.native_transport_max_request_data_in_flight}) and triggered backpressure.`
  }

  // ---- requests

  private dispatch(request: Request, overload: Overload): void {
    const { inbound } = this
    const { stream, bodySize } = inbound
    if (this.isTooLate) {
      this.answerError(stream, new OverloadedError('Query timed out before it could start'))
      this.releaseBytes(bodySize)
      return
    }
    this.requestCount++
    this.context.handled.requests++
    const wrongState = this.wrongState(inbound.opcode)
    if (wrongState !== null) {
      this.answerError(stream, new ProtocolError(wrongState))
      this.releaseBytes(bodySize)
      return
    }
    const warning = this.overloadWarning(overload)
    let skipMetadata = false
    let result: QueryResult | Promise<QueryResult>
    try {
      switch (request.kind) {
        case 'execute':
          skipMetadata = request.options.skipMetadata
          checkPageSize(request.options.pageSize)
          result = this.context.handler.execute(
            request.statement,
            request.options,
            this.state,
            this.flagsOf(inbound.flags),
          )
          break
        case 'query':
          skipMetadata = request.options.skipMetadata
          checkPageSize(request.options.pageSize)
          result = this.context.handler.query(
            request.text,
            request.options,
            this.state,
            this.flagsOf(inbound.flags),
          )
          break
        case 'prepare':
          result = this.context.handler.prepare(
            request.text,
            request.keyspace,
            this.state,
            this.flagsOf(inbound.flags),
          )
          break
        case 'batch':
          result = this.context.handler.batch(
            request.type,
            request.entries,
            request.options,
            this.state,
            this.flagsOf(inbound.flags),
          )
          break
        default:
          this.control(request, stream)
          this.releaseBytes(bodySize)
          return
      }
    } catch (error) {
      this.answerError(stream, error, warning)
      this.releaseBytes(bodySize)
      return
    }
    if (result instanceof Promise) this.defer(result, stream, skipMetadata, warning, bodySize)
    else {
      this.answer(stream, result, skipMetadata, warning)
      this.releaseBytes(bodySize)
    }
  }

  /** What is wrong with a message of this kind now (`ServerConnection.validateNewMessage`), or null. */
  private wrongState(opcode: number): string | null {
    switch (this.stage) {
      case 'READY':
        if (opcode !== Opcode.STARTUP) return null
        return 'Unexpected message STARTUP, the connection is already initialized'
      case 'AUTHENTICATING':
        if (opcode === Opcode.AUTH_RESPONSE) return null
        return `Unexpected message ${opcodeName(opcode)}, expecting SASL_RESPONSE`
      case 'ESTABLISHED':
        if (opcode === Opcode.STARTUP || opcode === Opcode.OPTIONS) return null
        return `Unexpected message ${opcodeName(opcode)}, expecting STARTUP or OPTIONS`
    }
  }

  private flagsOf(flags: number): RequestFlags {
    const { customPayload } = this.decoder
    const tracing = (flags & FrameFlag.TRACING) !== 0
    return tracing || customPayload !== null ? { tracing, customPayload } : NO_FLAGS
  }

  /** The requests that the transport answers itself. */
  private control(request: Request, stream: number): void {
    const { out } = this
    const version = this.inbound.connectionVersion
    switch (request.kind) {
      case 'options':
        writeSupported(out, version, stream)
        this.touched()
        break
      case 'startup':
        this.startup(stream, request.options)
        break
      case 'register':
        this.register(request.events, version)
        writeReady(out, version, stream)
        this.touched()
        break
      case 'authResponse':
        this.authenticate(request.token, stream)
        break
    }
  }

  private register(events: readonly (ServerEvent['kind'] | 'TRACE_COMPLETE')[], version: number): void {
    for (const event of events) {
      if (event !== 'TRACE_COMPLETE') this.registered.add(event)
      else if (version < 4) {
        throw new ProtocolError(`Event ${event} not valid for protocol version ${versionName(version)}`)
      }
    }
  }

  private authenticate(token: Uint8Array, stream: number): void {
    const { out, context } = this
    const version = this.inbound.connectionVersion
    context.handled.authRequests++
    this.negotiator ??= context.authenticator.newNegotiator(this.state.remoteAddress)
    const { negotiator } = this
    const challenge = negotiator.evaluateResponse(token)
    if (!negotiator.isComplete) {
      writeAuthChallenge(out, version, stream, challenge)
      this.touched()
      return
    }
    const user = negotiator.authenticatedUser()
    if (!(user instanceof Promise)) {
      this.loggedIn(user, challenge, stream)
      return
    }
    this.pending++
    user.then(
      (name) => this.settle(0, () => this.loggedIn(name, challenge, stream)),
      (error: unknown) => this.settle(0, () => this.answerError(stream, error)),
    )
  }

  private loggedIn(user: string | null, challenge: Uint8Array | null, stream: number): void {
    this.state.user = user
    this.becomeReady()
    writeAuthSuccess(this.out, this.inbound.connectionVersion, stream, challenge)
    this.touched()
  }

  // ---- answers

  /** The answer comes later: what the request looked at must not be used for the next one. */
  private defer(
    result: Promise<QueryResult>,
    stream: number,
    skipMetadata: boolean,
    warning: string | null,
    bodySize: number,
  ): void {
    this.decoder.keep()
    this.pending++
    result.then(
      (value) => this.settle(bodySize, () => this.answer(stream, value, skipMetadata, warning)),
      (error: unknown) => this.settle(bodySize, () => this.answerError(stream, error, warning)),
    )
  }

  private settle(bodySize: number, answer: () => void): void {
    this.pending--
    if (this.isClosed) return
    answer()
    this.releaseBytes(bodySize)
    if (this.isEnding) this.endIfIdle()
    else if (this.isPaused) this.proceed()
  }

  private answer(stream: number, result: QueryResult, skipMetadata: boolean, warning: string | null): void {
    const { out } = this
    const before = out.position
    const warned = warning === null ? result : { ...result, warnings: [warning, ...(result.warnings ?? [])] }
    if (result.kind === 'setKeyspace') this.state.keyspace = result.keyspace
    try {
      writeResult(out, this.inbound.connectionVersion, stream, warned, skipMetadata)
    } catch (error) {
      out.abandon()
      this.answerError(stream, error)
      return
    }
    this.answerBytes += (out.position - before - this.answerBytes) / 8
    this.touched()
  }

  private answerError(stream: number, error: unknown, warning: string | null = null): void {
    const known = this.asCqlError(error)
    if (warning !== null) known.warnings = [warning, ...(known.warnings ?? [])]
    writeError(this.out, this.answerVersion(), stream, known)
    this.touched()
  }

  private asCqlError(error: unknown): CqlError {
    if (error instanceof CqlError) return error
    if (error instanceof MarshalError) return new InvalidRequestError(error.message)
    this.context.logger.error(`Unexpected exception during request: ${describe(error)}`)
    return new ServerError(error instanceof Error ? `${error.name}: ${error.message}` : String(error))
  }

  /** Pushes an event if this client asked for its kind. */
  pushEvent(event: ServerEvent): void {
    if (this.isClosed || this.isEnding || !this.registered.has(event.kind)) return
    // A client that does not read learns of nothing any more; it will have to reconnect.
    if (this.heldBytes + this.network.unsentBytes > 8 * UNSENT_MAX) {
      this.network.destroy()
      return
    }
    writeEvent(this.out, this.inbound.connectionVersion, event)
    this.touched()
  }

  // ---- output

  private touched(): void {
    if (this.isDirty) return
    this.isDirty = true
    this.context.turn.addOutput(this)
  }

  takeOutput(): Buffer | null {
    this.isDirty = false
    if (this.isClosed || this.out.isEmpty) return null
    return this.out.take()
  }

  holdOutput(bytes: Buffer): HeldOutput {
    const output: HeldOutput = { bytes, isReleased: false }
    this.held.push(output)
    this.heldBytes += bytes.length
    return output
  }

  sendHeld(): void {
    if (this.isClosed) return
    const { held } = this
    while (held.length > 0 && held[0].isReleased) {
      const { bytes } = held[0]
      held.shift()
      this.heldBytes -= bytes.length
      if (!this.network.write(bytes)) this.isAwaitingDrain = true
    }
    this.lastActiveMs = this.context.turn.nowMs()
    if (this.isEnding) this.endIfIdle()
    else if (this.isAwaitingDrain) this.pause()
    else if (this.isPaused) this.proceed()
  }

  private drained(): void {
    this.isAwaitingDrain = false
    this.lastActiveMs = this.context.turn.nowMs()
    if (this.isEnding) this.endIfIdle()
    else this.proceed()
  }

  // ---- the end

  /** Takes no more requests, answers those that are being handled, and closes. */
  end(): void {
    if (this.isClosed || this.isEnding) return
    this.isEnding = true
    this.pause()
    this.inbound.stop()
    this.endIfIdle()
  }

  private endIfIdle(): void {
    if (this.isClosed || this.pending > 0 || this.held.length > 0 || this.isDirty) return
    this.network.end()
    // Reading is needed to see that the other side closes; one that doesn't is cut off.
    this.network.resume()
    this.context.timers.setTimeout(() => this.network.destroy(), LINGER_MS, { unref: true })
  }

  abort(): void {
    this.network.destroy()
    this.closed()
  }

  private closed(): void {
    if (this.isClosed) return
    this.isClosed = true
    this.inbound.stop()
    this.held.length = 0
    this.context.limits.release(this.endpoint, this.bytesAllocated)
    this.bytesAllocated = 0
    this.registered.clear()
    this.context.onClosed(this)
  }
}

function checkPageSize(pageSize: number): void {
  if (pageSize === 0) throw new ProtocolError('The page size cannot be 0')
}
