import type { NetworkConnection } from '../io/network.ts'
import type { Request, ServerEvent } from '../protocol/index.ts'
import { InboundDecoder, RequestDecoder } from '../protocol/index.ts'
import { Admission } from './admission.ts'
import { ConnectedClient } from './connected-client.ts'
import type { ConnectionContext } from './connection-context.ts'
import { ConnectionSetup } from './connection-setup.ts'
import { Dispatcher } from './dispatcher.ts'
import type { Endpoint } from './limits.ts'
import { Responses } from './responses.ts'
import type { HeldOutput, Share, TurnConnection } from './turn.ts'

/** Frames handled between two looks at the clock. */
const FRAMES_A_LOOK = 16
/** Frames a connection handles before others get their share. */
const FRAMES_A_SHARE = 512
/** Promises a connection may cause in one turn. */
const DEFERRED_A_SHARE = 64

/** How long a connection that has said its last waits for the other side to close. */
const LINGER_MS = 5_000

/** Names a connection in the texts of protocol errors, as Netty's channel ids do. */
let nextChannelId = 1

/**
 * One client (`ServerConnection` and the handlers of its Netty pipeline): reads requests, a share of them a turn, and
 * closes when all have been answered or the other side has. What becomes of them its parts know: whether they are let in
 * (`Admission`), who handles them (`Dispatcher`, `ConnectionSetup`), and how answers leave (`Responses`).
 */
export class ClientConnection implements TurnConnection {
  readonly client: ConnectedClient
  readonly network: NetworkConnection
  readonly endpoint: Endpoint
  /** Time of the last byte either way. */
  lastActiveMs: number
  private readonly context: ConnectionContext
  private readonly onClosed: (connection: ClientConnection) => void
  private readonly inbound: InboundDecoder
  private readonly decoder = new RequestDecoder()
  private readonly admission: Admission
  private readonly setup: ConnectionSetup
  private readonly dispatcher: Dispatcher
  private readonly responses: Responses
  private isClosed = false
  /** No more requests are taken; the connection closes when all answers have left. */
  private isEnding = false
  /** Whether this connection stands in the turn's waiting list. */
  private isWaiting = false
  private isPaused = false

  constructor(
    network: NetworkConnection,
    endpoint: Endpoint,
    context: ConnectionContext,
    onClosed: (connection: ClientConnection) => void,
  ) {
    this.network = network
    this.endpoint = endpoint
    this.context = context
    this.onClosed = onClosed
    this.lastActiveMs = context.turn.nowMs()
    const { handler, handled, logger, turn } = context
    const { decoder } = this
    const client = new ConnectedClient(network.remoteAddress, network.remotePort)
    const inbound = inboundDecoder(context)
    const responses = new Responses(network, client, logger, () => turn.addOutput(this))
    const admission = new Admission(context, endpoint, client, responses, () => this.proceed())
    const setup = new ConnectionSetup(context, client, inbound, decoder, responses)
    this.client = client
    this.inbound = inbound
    this.responses = responses
    this.admission = admission
    this.setup = setup
    this.dispatcher = new Dispatcher({
      handler,
      handled,
      client,
      inbound,
      decoder,
      admission,
      setup,
      responses,
      onSettled: () => this.goOn(),
    })
    network.onClose(() => this.closed())
    network.onDrain(() => this.drained())
    network.onData((chunk) => this.received(chunk))
  }

  // ---- input

  private received(chunk: Buffer): void {
    if (this.isClosed || this.isEnding) return
    this.inbound.push(chunk)
    const { turn } = this.context
    const deadline = turn.begin()
    this.lastActiveMs = deadline
    if (this.isWaiting) return
    this.admission.queued(turn.startedMs)
    if (this.processShare(deadline) !== 'done') this.wait()
  }

  get receivedMs(): number {
    return this.client.receivedMs
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
    this.admission.queued(this.context.turn.nowMs())
    this.wait()
  }

  private isBlocked(): boolean {
    return this.admission.isHeldUp || this.responses.isBackedUp(this.dispatcher.pending)
  }

  processShare(deadlineMs: number): Share {
    const { admission, dispatcher, inbound } = this
    const { turn } = this.context
    this.isWaiting = false
    admission.look()
    const pendingMax = dispatcher.pending + DEFERRED_A_SHARE
    for (let frames = 1; ; frames++) {
      if (this.isClosed || this.isEnding) return 'done'
      if (this.isBlocked()) {
        this.pause()
        return 'done'
      }
      const found = inbound.next()
      if (found === 'nothing') return this.usedUp()
      if (found === 'envelope') this.handleEnvelope()
      else this.answerInboundError()
      // Answers that are promises come between the turns; how big they are shows only then.
      if (dispatcher.pending >= pendingMax) return this.yieldShare('nextTurn')
      if (frames === FRAMES_A_SHARE) return this.yieldShare('more')
      if (frames % FRAMES_A_LOOK === 0) {
        if (turn.nowMs() >= deadlineMs) return this.yieldShare('more')
        admission.look()
      }
    }
  }

  private yieldShare(share: Share): Share {
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
    const { error, forcedVersion, stream, isFatal, connectionVersion } = this.inbound
    // Before a version is agreed on this is a driver that tries its newest first: nothing to log.
    if (connectionVersion !== 0) {
      this.context.logger.warn(`Protocol exception with client networking: ${error.message}`)
    }
    this.responses.protocolError(stream, error, forcedVersion)
    if (isFatal) this.end()
  }

  /** Admitted before it is decoded in v5 (`CQLMessageHandler`), afterwards in v3 and v4 (`PreV5Handlers`). */
  private handleEnvelope(): void {
    const { admission, inbound } = this
    const { bodySize, connectionVersion, stream } = inbound
    if (connectionVersion === 0) {
      this.setup.initial()
      return
    }
    if (connectionVersion >= 5) {
      const overload = admission.admit(bodySize, true, stream)
      if (overload === null) return
      const request = this.decodeRequest()
      if (request === null) admission.release(bodySize)
      else this.dispatcher.dispatch(request, overload)
      return
    }
    const request = this.decodeRequest()
    if (request === null) return
    const overload = admission.admit(bodySize, false, stream)
    if (overload !== null) this.dispatcher.dispatch(request, overload)
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
      this.responses.error(stream, error)
      if (inbound.countMessageError()) this.end()
      return null
    }
  }

  // ---- output

  /** Pushes an event if this client asked for its kind. */
  pushEvent(event: ServerEvent): void {
    if (this.isClosed || this.isEnding || !this.setup.isRegistered(event.kind)) return
    this.responses.event(event)
  }

  takeOutput(): Buffer | null {
    return this.responses.take()
  }

  holdOutput(bytes: Buffer): HeldOutput {
    return this.responses.hold(bytes)
  }

  sendHeld(): void {
    if (this.isClosed) return
    this.responses.send()
    this.lastActiveMs = this.context.turn.nowMs()
    if (this.responses.isAwaitingDrain && !this.isEnding) this.pause()
    else this.goOn()
  }

  private drained(): void {
    this.responses.drained()
    this.lastActiveMs = this.context.turn.nowMs()
    if (this.isEnding) this.endIfIdle()
    else this.proceed()
  }

  /** Something that had been waited for is over: reads on, or ends. */
  private goOn(): void {
    if (this.isEnding) this.endIfIdle()
    else if (this.isPaused) this.proceed()
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
    if (this.isClosed || this.dispatcher.pending > 0 || !this.responses.isAllSent) return
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
    this.dispatcher.close()
    this.responses.close()
    this.admission.close()
    this.setup.close()
    this.onClosed(this)
  }
}

function inboundDecoder({ config }: ConnectionContext): InboundDecoder {
  const channelId = (nextChannelId++ >>> 0).toString(16).padStart(8, '0')
  return new InboundDecoder(
    {
      frameSizeMax: config.native_transport_max_frame_size,
      messageSizeMax: config.native_transport_max_message_size,
      allowOlderProtocols: config.native_transport_allow_older_protocols,
      consecutiveErrorsMax: config.consecutive_message_errors_threshold,
    },
    channelId,
  )
}
