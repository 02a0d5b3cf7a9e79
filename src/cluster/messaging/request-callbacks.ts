import type { Endpoint } from '../endpoint.ts'
import type { MessagingLogger } from './context.ts'
import { RequestFailureReason } from './failure-reason.ts'
import type { RequestCallback } from './messaging-service.ts'
import { Expiring, type TimerWheel } from './timer-wheel.ts'
import { describe } from './turn.ts'

/** A request that waits for its answer. */
class PendingRequest extends Expiring {
  readonly id: number
  readonly to: Endpoint
  readonly callback: RequestCallback
  readonly #owner: RequestCallbacks

  constructor(
    owner: RequestCallbacks,
    id: number,
    to: Endpoint,
    deadlineMs: number,
    callback: RequestCallback,
  ) {
    super(deadlineMs)
    this.#owner = owner
    this.id = id
    this.to = to
    this.callback = callback
  }

  expire(): void {
    this.#owner.expired(this)
  }
}

/** Requests that wait for their answers, by their ids (`net/RequestCallbacks.java`). Each gets one, or a failure. */
export class RequestCallbacks {
  /** Requests whose time was over before an answer came. */
  expiredCount = 0
  readonly #wheel: TimerWheel
  readonly #logger: MessagingLogger
  readonly #pending = new Map<number, PendingRequest>()
  #lastId = 0

  constructor(wheel: TimerWheel, logger: MessagingLogger) {
    this.#wheel = wheel
    this.#logger = logger
  }

  get size(): number {
    return this.#pending.size
  }

  /** An id for a message; none is given out twice. */
  nextId(): number {
    return ++this.#lastId
  }

  add(id: number, to: Endpoint, deadlineMs: number, callback: RequestCallback): void {
    const request = new PendingRequest(this, id, to, deadlineMs, callback)
    this.#pending.set(id, request)
    this.#wheel.add(request)
  }

  /** An answer came. One that nobody waits for any more is passed over, as is one of another node than was asked. */
  respond(id: number, from: Endpoint, payload: Uint8Array): void {
    const request = this.#take(id, from)
    if (request === null) return
    try {
      request.callback.onResponse(payload, request.to)
    } catch (error) {
      this.#logger.error(`The callback of a response of ${from.text} failed: ${describe(error)}`)
    }
  }

  /** The peer said that it can't be done, or the request could not be sent. */
  fail(id: number, from: Endpoint, reason: RequestFailureReason): void {
    const request = this.#take(id, from)
    if (request !== null) this.#failed(request, reason)
  }

  expired(request: Expiring): void {
    const { id } = request as PendingRequest
    this.#pending.delete(id)
    this.expiredCount++
    this.#failed(request as PendingRequest, RequestFailureReason.TIMEOUT)
  }

  /** No answer will come any more. */
  failAll(): void {
    for (const request of [...this.#pending.values()]) {
      this.#wheel.remove(request)
      this.expired(request)
    }
  }

  #take(id: number, from: Endpoint): PendingRequest | null {
    const request = this.#pending.get(id)
    if (request === undefined || (request.to !== from && request.to.text !== from.text)) return null
    this.#pending.delete(id)
    this.#wheel.remove(request)
    return request
  }

  #failed(request: PendingRequest, reason: RequestFailureReason): void {
    try {
      request.callback.onFailure(reason, request.to)
    } catch (error) {
      this.#logger.error(`The callback of a failure of ${request.to.text} failed: ${describe(error)}`)
    }
  }
}
