import type { MessageId, OutboundHeader } from './message-header.ts'
import type { Verb } from './verb.ts'

const NO_BYTES = new Uint8Array(0)

/** A message on its way to a peer. Its payload is set when it has to wait: then it is a copy. */
export class OutboundMessage implements OutboundHeader {
  readonly verb: Verb
  readonly flags: number
  readonly id: MessageId
  readonly deadlineMs: number
  readonly session: Uint8Array | null
  payload: Uint8Array = NO_BYTES

  constructor(verb: Verb, flags: number, id: MessageId, deadlineMs: number, session: Uint8Array | null) {
    this.verb = verb
    this.flags = flags
    this.id = id
    this.deadlineMs = deadlineMs
    this.session = session
  }

  get verbId(): number {
    return this.verb.id
  }
}
