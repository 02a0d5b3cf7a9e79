import { OverloadedError } from '../common/errors.ts'
import { doubleText } from '../types/floating.ts'
import type { ConnectedClient } from './connected-client.ts'
import type { ConnectionContext } from './connection-context.ts'
import type { Endpoint } from './limits.ts'
import type { Responses } from './responses.ts'

/** Why a request is not welcome (`CQLMessageHandler.Overload`). */
export type Overload = 'none' | 'requests' | 'bytesInFlight' | 'queueTime'

/**
 * Whether a connection's requests are let in: their bytes in flight, their rate, and how long they and others have
 * waited (`CQLMessageHandler.processOneContainedMessage`; for v3 and v4 `PreV5Handlers.LegacyDispatchHandler`). Under an
 * overload a client either gets OVERLOADED (THROW_ON_OVERLOAD), or is heard, warned, and not read from for a while.
 */
export class Admission {
  /** What was received has waited too long, as of the last `look`. */
  isTooLate = false
  private readonly context: ConnectionContext
  private readonly endpoint: Endpoint
  private readonly client: ConnectedClient
  private readonly responses: Responses
  private readonly onOverloadEnded: () => void
  /** What the connection is held up by: until a time, or until requests have been answered. */
  private overload: Overload = 'none'
  /** What was received came while requests had been waiting for too long. */
  private isQueueTooOld = false
  /** Bytes of requests in flight, and those that count against the shared limits. */
  private bytesInFlight = 0
  private bytesAllocated = 0

  /** `onOverloadEnded` is called when `isHeldUp` is no longer true. */
  constructor(
    context: ConnectionContext,
    endpoint: Endpoint,
    client: ConnectedClient,
    responses: Responses,
    onOverloadEnded: () => void,
  ) {
    this.context = context
    this.endpoint = endpoint
    this.client = client
    this.responses = responses
    this.onOverloadEnded = onOverloadEnded
  }

  /** Nothing more of this connection is to be handled for now. */
  get isHeldUp(): boolean {
    return this.overload !== 'none'
  }

  // ---- waiting

  /** What has been received waits from now on; until then it was held back, and nobody's turn. */
  queued(nowMs: number): void {
    const { queueAgeMaxMs, turn } = this.context
    this.client.receivedMs = nowMs
    this.isQueueTooOld = queueAgeMaxMs !== Number.POSITIVE_INFINITY && turn.oldestWaitMs() >= queueAgeMaxMs
  }

  /** Sees whether what was received has waited too long, by the clock as the turn looked at it last. */
  look(): void {
    const { config, turn } = this.context
    this.isTooLate = turn.lookedMs - this.client.receivedMs > config.native_transport_timeout
  }

  // ---- requests come and go

  /**
   * Counts a request of so many bytes in. Null when it was refused with OVERLOADED; otherwise it is to be handled, and
   * if there is an overload the connection is held up after it. `isModern` for v5.
   */
  admit(bytes: number, isModern: boolean, stream: number): Overload | null {
    const { context, endpoint } = this
    const { limits, rateLimiter } = context
    const { isThrowOnOverload } = this.client
    const counted = this.countedBytes(bytes, isModern)
    const fits = counted === 0 || limits.fits(endpoint, counted)
    if (isThrowOnOverload) {
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
    if (isThrowOnOverload) return 'none'
    const delayMs = rateLimiter === null ? 0 : rateLimiter.reserve(context.turn.nowMs())
    if (!fits) return (this.overload = 'bytesInFlight')
    if (delayMs > 0) return this.holdFor(delayMs, 'requests')
    if (!this.isQueueTooOld) return 'none'
    return this.holdFor(context.queueBackpressure.mark(context.turn.nowMs()), 'queueTime')
  }

  /** A request that was admitted has been answered. */
  release(bytes: number): void {
    this.bytesInFlight -= bytes
    // What counts against the shared limits is given back last in, first out.
    const kept =
      this.client.protocolVersion >= 5
        ? Math.max(0, this.bytesInFlight - this.context.config.native_transport_receive_queue_capacity)
        : this.bytesInFlight
    const released = Math.max(0, this.bytesAllocated - kept)
    if (released > 0) {
      this.bytesAllocated -= released
      this.context.limits.release(this.endpoint, released)
    }
    if (this.overload === 'bytesInFlight' && this.mayResume()) this.endOverload('bytesInFlight')
  }

  /** The connection is gone, and its requests count no more. */
  close(): void {
    this.context.limits.release(this.endpoint, this.bytesAllocated)
    this.bytesAllocated = 0
  }

  /** In v5 a connection's first bytes in flight are free (`native_transport_receive_queue_capacity`). */
  private countedBytes(bytes: number, isModern: boolean): number {
    if (!isModern) return bytes
    const capacity = this.context.config.native_transport_receive_queue_capacity
    return Math.min(bytes, Math.max(0, this.bytesInFlight + bytes - capacity))
  }

  private mayResume(): boolean {
    return this.bytesInFlight === 0 || this.context.limits.fits(this.endpoint, 0)
  }

  /** Holds the connection up for so long. */
  private holdFor(delayMs: number, overload: Overload): Overload {
    this.overload = overload
    this.context.timers.setTimeout(() => this.endOverload(overload), delayMs, { unref: true })
    return overload
  }

  private endOverload(overload: Overload): void {
    if (this.overload !== overload) return
    this.overload = 'none'
    this.onOverloadEnded()
  }

  // ---- what clients are told

  /** The warning that goes with the answer to a request that was admitted under an overload; v3 has none. */
  warning(overload: Overload): string | null {
    const { config } = this.context
    if (overload === 'none' || this.client.protocolVersion < 4) return null
    if (overload === 'requests') {
      return `Request breached global limit of ${config.native_transport_max_requests_per_second} requests/second and triggered backpressure.`
    }
    if (overload === 'queueTime') return this.queueTimeText()
    return `Request breached limit(s) on bytes in flight (Endpoint: ${config.native_transport_max_request_data_in_flight_per_ip}, Global: ${config.native_transport_max_request_data_in_flight}) and triggered backpressure.`
  }

  private refuse(stream: number, text: string): null {
    this.responses.error(stream, new OverloadedError(text))
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

  private queueTimeText(): string {
    const { config } = this.context
    const threshold = doubleText(config.native_transport_queue_max_item_age_threshold)
    return `Request has spent over ${threshold} time of the maximum timeout ${config.native_transport_timeout}ms in the queue`
  }
}
