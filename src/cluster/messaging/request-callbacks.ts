import type { Logger } from '../../common/logger.ts'
import type { Random } from '../../io/random.ts'
import type { Endpoint } from '../endpoint.ts'
import { RequestFailureReason } from './failure-reason.ts'
import type { MessageId } from './message-header.ts'
import type { RequestCallback } from './messaging-service.ts'
import { Expiring, type TimerWheel } from './timer-wheel.ts'
import { describe } from './turn.ts'

const LAST_NUMBER = 0xffffffff

/** A request that waits for its answer. */
class PendingRequest extends Expiring {
  readonly id: MessageId
  readonly to: Endpoint
  readonly callback: RequestCallback
  readonly #owner: RequestCallbacks

  constructor(
    owner: RequestCallbacks,
    id: MessageId,
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
  readonly #logger: Logger
  readonly #pending = new Map<number, PendingRequest>()
  readonly #random: Random
  #instance: number
  #lastNumber = 0

  constructor(wheel: TimerWheel, random: Random, logger: Logger) {
    this.#wheel = wheel
    this.#random = random
    this.#instance = random.uint32()
    this.#logger = logger
  }

  get size(): number {
    return this.#pending.size
  }

  /**
   * An id for a message. The instance is drawn anew with each start, so that answers to a process that has died are not
   * taken for answers to the one that came after it.
   */
  nextId(): MessageId {
    if (this.#lastNumber === LAST_NUMBER) {
      this.#lastNumber = 0
      this.#instance = this.#random.uint32()
    }
    do this.#lastNumber++
    while (this.#pending.has(this.#lastNumber))
    return { instance: this.#instance, number: this.#lastNumber }
  }

  add(id: MessageId, to: Endpoint, deadlineMs: number, callback: RequestCallback): void {
    const request = new PendingRequest(this, id, to, deadlineMs, callback)
    this.#pending.set(id.number, request)
    this.#wheel.add(request)
  }

  /** An answer came. One that nobody waits for any more is passed over, as is one of another node than was asked. */
  respond(id: MessageId, from: Endpoint, payload: Uint8Array): void {
    const request = this.#take(id, from)
    if (request === null) return
    try {
      request.callback.onResponse(payload, request.to)
    } catch (error) {
      this.#logger.error(`The callback of a response of ${from.text} failed: ${describe(error)}`)
    }
  }

  /** The peer said that it can't be done, or the request could not be sent. */
  fail(id: MessageId, from: Endpoint, reason: RequestFailureReason): void {
    const request = this.#take(id, from)
    if (request !== null) this.#failed(request, reason)
  }

  expired(request: Expiring): void {
    this.#pending.delete((request as PendingRequest).id.number)
    this.expiredCount++
    this.#failed(request as PendingRequest, RequestFailureReason.TIMEOUT)
  }

  /** The requests are nobody's any more: what a killed process leaves behind in a simulation. */
  forget(): void {
    for (const request of this.#pending.values()) this.#wheel.remove(request)
    this.#pending.clear()
  }

  #take(id: MessageId, from: Endpoint): PendingRequest | null {
    const request = this.#pending.get(id.number)
    if (request === undefined || request.id.instance !== id.instance) return null
    if (request.to !== from && request.to.text !== from.text) return null
    this.#pending.delete(id.number)
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
