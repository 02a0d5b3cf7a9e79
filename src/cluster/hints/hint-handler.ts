import type { Clock } from '../../io/clock.ts'
import type { TableMetadata } from '../../model/table.ts'
import type { StorageEngine } from '../../storage/storage-engine.ts'
import {
  type InboundMessage,
  type MessagingService,
  RequestFailureReason,
  Verb,
  wordsOf,
} from '../messaging/index.ts'
import { type Commits, committed } from '../replica/commit-promise.ts'
import { failMessage } from '../replica/failed-message.ts'
import { MutationDecoder } from '../replica/mutation-message.ts'
import { MutationSummaries, smallestGcGrace } from '../replica/mutation-summary.ts'
import { applyHere, type ReplicaMetrics } from '../replica/replica-metrics.ts'
import type { RingView } from '../ring-view.ts'
import { decodeHintMessage, type Hint, isLiveHint } from './hint.ts'
import type { HintsService } from './hints-service.ts'

export interface HintHandlerParts {
  readonly messaging: Pick<MessagingService, 'handle'>
  readonly engine: StorageEngine
  readonly commits: Commits
  readonly hints: HintsService
  readonly ring: RingView
  readonly tableById: (id: string) => TableMetadata | null
  /** When a table was last truncated here, milliseconds since 1970; 0 where it never was (`SystemKeyspace.getTruncatedAt`). */
  readonly truncatedAtMs: (tableId: string) => number
  readonly clock: Clock
  readonly logger: { error(text: string): void }
  /** Without, nothing is counted. */
  readonly replicaMetrics?: ReplicaMetrics
}

const NO_BYTES = new Uint8Array(0)

/** Takes the hints that other nodes have for this one (`HintVerbHandler`). */
export class HintHandler {
  readonly #parts: HintHandlerParts
  readonly #decoder = new MutationDecoder()
  readonly #summaries = new MutationSummaries()

  constructor(parts: HintHandlerParts) {
    this.#parts = parts
  }

  /** Answers from now on. */
  listen(): void {
    this.#parts.messaging.handle(Verb.HINT_REQ, (message) => this.#take(message))
  }

  #take(message: InboundMessage): void {
    if (message.remainingMs <= 0) {
      message.drop()
      return
    }
    // Before it knows its own tokens this node is a replica of nothing, and would send everything away.
    if (!this.#parts.ring.isJoined) {
      message.fail(RequestFailureReason.UNKNOWN)
      return
    }
    let isApplied: boolean
    try {
      const { hostId, hint } = decodeHintMessage(message.payload)
      isApplied = this.#accept(hostId, hint)
    } catch (error) {
      this.#failed(message, error)
      return
    }
    if (!isApplied) message.respond(NO_BYTES)
    else
      committed(this.#parts.commits).then(
        () => message.respond(NO_BYTES),
        (error: unknown) => this.#failed(message, error),
      )
  }

  /** Does what is to be done with a hint; true where something was applied that is to be committed. */
  #accept(hostId: string, hint: Hint): boolean {
    const { hints, ring, tableById, truncatedAtMs, clock } = this.#parts
    // Of a node that left and had hints for a third one.
    if (hostId !== ring.local.hostId) {
      hints.write([hostId], hint.mutation, hint.creationMs, hint.gcGraceSeconds)
      return false
    }
    const words = wordsOf(hint.mutation).slice()
    const summary = this.#summaries.of(words)
    const { keyspace, tableIds, tokenHi, tokenLo } = summary
    const replicas = ring.replicas(keyspace, tokenHi, tokenLo)
    if (replicas.length > 0 && !replicas.some((node) => node.hostId === ring.local.hostId)) {
      hints.metrics.unowned++
      hints.writeForAllReplicas(hint)
      return false
    }
    // Where a table is not known, the sender is told: it knows the table, or would not have sent the hint.
    const gcGrace = smallestGcGrace(summary, tableById)
    if (gcGrace !== null) {
      if (!isLiveHint(hint.creationMs, Math.min(hint.gcGraceSeconds, gcGrace), clock.nowMs())) return false
      if (tableIds.some((id) => hint.creationMs <= truncatedAtMs(id))) return this.#applyPart(words, hint)
    }
    applyHere(this.#parts, this.#decoder.decode(words, tableById))
    return true
  }

  /** Applies what is for tables that were not truncated since. */
  #applyPart(words: Int32Array, hint: Hint): boolean {
    const { tableById, truncatedAtMs } = this.#parts
    const mutation = this.#decoder.decode(words, tableById, (id) => hint.creationMs > truncatedAtMs(id))
    if (mutation.updateCount === 0) return false
    applyHere(this.#parts, mutation)
    return true
  }

  #failed(message: InboundMessage, error: unknown): void {
    failMessage(message, error, this.#parts.logger, 'A hint')
  }
}
