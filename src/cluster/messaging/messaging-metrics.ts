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
  /** Refused, for there was no room. */
  overloadedCount: number
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
    overloadedCount: 0,
    discardedCount: 0,
    connectionAttempts: 0,
    successfulConnections: 0,
  }
}
