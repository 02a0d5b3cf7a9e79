import type { Endpoint } from '../endpoint.ts'
import type { RequestFailureReason } from './failure-reason.ts'
import type { Verb } from './verb.ts'

/**
 * How nodes talk (`net/MessagingService.java`). Everything is called back on the event loop and never inside of the call
 * that caused it: neither `send` and `request` nor what they fail with.
 *
 * Payloads are copied before `send`, `request` and `respond` return: the caller may use its buffer again. Payloads that
 * are handed out lie in what a socket has received and are good until the callback returns; `aligned` (aligned.ts)
 * gives them at an address that a multiple of four divides.
 */
export interface MessagingService {
  /** This node, as others know it (broadcast_address and storage_port). */
  readonly self: Endpoint
  /** Sends what nobody answers. It may be lost without a word; it waits while the peer can't be reached. */
  send(to: Endpoint, verb: Verb, payload: Uint8Array, options?: SendOptions): void
  /** Sends what is answered: exactly one of the callback's functions is called, once. `verb` must have a response. */
  request(to: Endpoint, verb: Verb, payload: Uint8Array, callback: RequestCallback): void
  /** Sets who handles messages of a verb; the last one set counts. */
  handle(verb: Verb, handler: MessageHandler): void
  /** Breaks the connections to a peer that was found dead or has restarted; what is not sent yet goes on new ones. */
  interrupt(to: Endpoint): void
  /** Closes the connections to a peer that has left; what waits for it is given up. */
  closeOutbound(to: Endpoint): void
}

export type MessageHandler = (message: InboundMessage) => void

export interface SendOptions {
  /** Milliseconds after which the message is of no use; by default what its verb says. */
  readonly timeoutMs?: number
  /** The tracing session that the message belongs to: 16 bytes. */
  readonly session?: Uint8Array | null
}

/** One object may serve the requests of one statement to several replicas. */
export interface RequestCallback extends SendOptions {
  onResponse(payload: Uint8Array, from: Endpoint): void
  /** `TIMEOUT` also where the request could not be sent, or where the peer had no room for it. */
  onFailure(reason: RequestFailureReason, from: Endpoint): void
}

/** A message as its handler sees it. */
export interface InboundMessage {
  readonly from: Endpoint
  readonly verb: Verb
  /** Good until the handler returns, and empty afterwards: who answers later copies what is needed. */
  readonly payload: Uint8Array
  /** The tracing session, 16 bytes of its own; null without one. */
  readonly session: Uint8Array | null
  /** Milliseconds left before the sender stops waiting; may be negative, infinite where it waits for ever. */
  readonly remainingMs: number
  /** Whether the sender waits for an answer. A request that is not answered holds its place in the queue until it expires. */
  readonly isRequest: boolean
  /** Answers; what is too late is not sent, a second answer neither. */
  respond(payload: Uint8Array): void
  /** Answers that it can't be done. */
  fail(reason: RequestFailureReason): void
  /** Gives up the request's place in the queue without an answer: its time is over. Counted as dropped. */
  drop(): void
}
