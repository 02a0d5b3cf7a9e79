import type { Endpoint } from '../endpoint.ts'
import type { RequestFailureReason } from './failure-reason.ts'
import type { MessageId } from './message-header.ts'
import type { InboundMessage } from './messaging-service.ts'
import { Expiring } from './timer-wheel.ts'
import type { Verb } from './verb.ts'

/** What a message that is handled needs of its service. */
export interface InboundHost {
  /** Monotonic milliseconds. */
  nowMs(): number
  answer(message: ReceivedMessage, payload: Uint8Array): void
  answerFailure(message: ReceivedMessage, reason: RequestFailureReason): void
  /** The message gave up, or its time was over before it was answered. */
  dropped(message: ReceivedMessage): void
  /** The message is done with: its bytes no longer count. */
  released(message: ReceivedMessage): void
}

/** A message that has come, from another node or from this one, until it is answered. */
export class ReceivedMessage extends Expiring implements InboundMessage {
  readonly from: Endpoint
  readonly verb: Verb
  payload: Uint8Array
  readonly session: Uint8Array | null
  readonly isRequest: boolean
  readonly id: MessageId
  /** Bytes that it counts for in its connection's queue. */
  readonly size: number
  /** Gives the bytes back; null for what this node sent to itself. */
  readonly release: ((size: number) => void) | null
  readonly #host: InboundHost
  #isDone = false

  constructor(
    host: InboundHost,
    from: Endpoint,
    verb: Verb,
    payload: Uint8Array,
    session: Uint8Array | null,
    isRequest: boolean,
    id: MessageId,
    deadlineMs: number,
    size: number,
    release: ((size: number) => void) | null,
  ) {
    super(deadlineMs)
    this.#host = host
    this.from = from
    this.verb = verb
    this.payload = payload
    this.session = session
    this.isRequest = isRequest
    this.id = id
    this.size = size
    this.release = release
  }

  get isDone(): boolean {
    return this.#isDone
  }

  get remainingMs(): number {
    return this.deadlineMs - this.#host.nowMs()
  }

  respond(payload: Uint8Array): void {
    if (this.#isDone) return
    this.#finish()
    if (this.isRequest) this.#host.answer(this, payload)
  }

  fail(reason: RequestFailureReason): void {
    if (this.#isDone) return
    this.#finish()
    if (this.isRequest) this.#host.answerFailure(this, reason)
  }

  drop(): void {
    if (this.#isDone) return
    this.#finish()
    this.#host.dropped(this)
  }

  expire(): void {
    this.drop()
  }

  /** What needs no answer is done when its handler has returned. */
  handled(): void {
    if (!this.isRequest && !this.#isDone) this.#finish()
  }

  #finish(): void {
    this.#isDone = true
    this.#host.released(this)
  }
}
