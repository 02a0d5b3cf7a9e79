import { VERB_IDS, VERBS, type Verb } from './verb.ts'

/** Messages of one verb whose time was over before they were handled (`DroppedMessageMetrics`). */
export interface DroppedMessages {
  /** Of this node's own: before they left, or before this node handled what it sent to itself. */
  readonly internal: number
  /** That came from other nodes. */
  readonly crossNode: number
}

/** What `MessagingMetrics` counts of dropped messages, by verb. */
export class DroppedCounters {
  readonly #internal = new Float64Array(VERB_IDS)
  readonly #crossNode = new Float64Array(VERB_IDS)

  internal(verb: Verb): void {
    this.#internal[verb.id]!++
  }

  crossNode(verb: Verb): void {
    this.#crossNode[verb.id]!++
  }

  of(verb: Verb): DroppedMessages {
    return { internal: this.#internal[verb.id]!, crossNode: this.#crossNode[verb.id]! }
  }

  /** By names of verbs, those of which some were dropped (`getDroppedMessages` has the sums). */
  all(): Map<string, DroppedMessages> {
    const dropped = new Map<string, DroppedMessages>()
    for (const verb of VERBS) {
      const counts = this.of(verb)
      if (counts.internal + counts.crossNode > 0) dropped.set(verb.name, counts)
    }
    return dropped
  }
}

/** What happened to the messages of one outbound connection (`OutboundConnection`'s counters). */
export interface OutboundFigures {
  /** Messages and bytes that wait to be sent. */
  pendingCount: number
  pendingBytes: number
  sentCount: number
  sentBytes: number
  /** Dropped, for their time was over. */
  expiredCount: number
  expiredBytes: number
  /** Refused, for there was no room. */
  overloadedCount: number
  overloadedBytes: number
  /** Lost with a connection that had sent a part of them. */
  errorCount: number
  errorBytes: number
  /** Taken from the queue when the connection was closed for good. */
  discardedCount: number
  connectionAttempts: number
  successfulConnections: number
}

export function outboundFigures(): OutboundFigures {
  return {
    pendingCount: 0,
    pendingBytes: 0,
    sentCount: 0,
    sentBytes: 0,
    expiredCount: 0,
    expiredBytes: 0,
    overloadedCount: 0,
    overloadedBytes: 0,
    errorCount: 0,
    errorBytes: 0,
    discardedCount: 0,
    connectionAttempts: 0,
    successfulConnections: 0,
  }
}

/** Messages and bytes of them. */
export interface MessageTally {
  count: number
  bytes: number
}

const tally = (): MessageTally => ({ count: 0, bytes: 0 })

/** Counts a message of so many bytes. */
export function addTo(sum: MessageTally, bytes: number): void {
  sum.count++
  sum.bytes += bytes
}

/** What happened to the messages that one peer has sent to this node (`InboundMessageHandlers`' counters); nothing is ever set back. */
export class InboundFigures {
  readonly received = tally()
  /** Handled, whether they are answered yet or not. */
  readonly processed = tally()
  /** Whose time was over before they were handled. */
  readonly expired = tally()
  /** That nothing handles, or that their handler has failed with. */
  readonly error = tally()
  /** That are done with: answered, given up, or in need of no answer. */
  readonly released = tally()
  /** Frames that ended their connection. */
  corruptFrames = 0
  /** How often a connection was not read for want of room, and for how long. */
  throttledCount = 0
  throttledMs = 0
}
