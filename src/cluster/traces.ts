/** How nodes take part in the tracing of a request (`Tracing`, `TraceState`); who keeps what is noted is not their matter. */

import { type MutationBuilder, updatesAt } from '../model/mutation.ts'
import type { StorageEngine } from '../storage/storage-engine.ts'
import { type Endpoint, endpointLogText } from './endpoint.ts'
import type { InboundMessage } from './messaging/messaging-service.ts'
import type { Verb } from './messaging/verb.ts'

/** A request that is traced. */
export interface Trace {
  /** The session: 16 bytes. */
  readonly id: Uint8Array
  /** `activity` in the words that Cassandra has for it. */
  note(activity: string): void
}

/** What one node does for a request of another. */
export interface RemoteTrace extends Trace {
  /** All has been noted. */
  end(): void
}

/** Set by whoever keeps traces; without, nothing is traced. */
export class Traces {
  /** The trace of the request that is being executed in this turn. */
  current: () => Trace | null = () => null
  /** Begins the part of this node in another one's session. */
  remote: (session: Uint8Array) => RemoteTrace | null = () => null
}

/** The trace of the request that is being executed in this turn; null for most. */
export function currentTrace(traces: Traces | undefined): Trace | null {
  return traces?.current() ?? null
}

/** `Tracing.traceOutgoingMessage`. */
export function noteSending(trace: Trace, verb: Verb, to: Endpoint, bytes: number): void {
  trace.note(`Sending ${verb.name} message to ${endpointLogText(to)} message size ${bytes} bytes`)
}

export function noteReceived(trace: Trace, verb: Verb, from: Endpoint): void {
  trace.note(`${verb.name} message received from ${endpointLogText(from)}`)
}

/**
 * The part of this node in the session that a message of another one belongs to; null for most messages
 * (`Tracing.initializeFromMessage`).
 */
export function tracedPart(
  { session, verb, from }: InboundMessage,
  traces: Traces | undefined,
): RemoteTrace | null {
  if (session === null || traces === undefined) return null
  const trace = traces.remote(session)
  if (trace !== null) noteReceived(trace, verb, from)
  return trace
}

/** Answers a message, and ends the part of this node in its session. */
export function respondTraced(message: InboundMessage, answer: Uint8Array, trace: RemoteTrace | null): void {
  if (trace !== null) noteSending(trace, message.verb.response!, message.from, answer.length)
  message.respond(answer)
  trace?.end()
}

/** What a mutation that is finished is going to be applied to. */
export function noteApplying(trace: Trace, engine: StorageEngine, mutation: MutationBuilder): void {
  if (engine.isLogged) trace.note('Appending to commitlog')
  const handles = new Set(updatesAt(mutation).map((at) => mutation.i32[at + 1]!))
  for (const { handle, name } of engine.tables) {
    if (handles.has(handle)) trace.note(`Adding to ${name} memtable`)
  }
}
