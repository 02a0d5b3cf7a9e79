import { timeUuidUnixMs } from '../../common/uuid.ts'
import { Verb, wordsOf } from '../messaging/index.ts'
import { IncompatibleSchemaError, MutationDecoder, MutationFormatError } from '../replica/mutation-message.ts'
import { MutationSummaries, type MutationSummary, smallestGcGrace } from '../replica/mutation-summary.ts'
import { applyHere } from '../replica/replica-metrics.ts'
import type { RingNode } from '../ring/ring.ts'
import type { BatchlogParts } from './batchlog-manager.ts'

/** A mutation of a batch, and who does not have it. */
interface Delivery {
  readonly bytes: Uint8Array
  readonly summary: MutationSummary
  /** Live replicas that did not answer, by their host ids. */
  readonly undelivered: Set<string>
}

const decoder = new MutationDecoder()
const summaries = new MutationSummaries()

/**
 * Sends a batch to the replicas of its mutations again (`BatchlogManager.ReplayingBatch`): those that are down, and those that
 * don't answer in time, get hints with the time of the batch.
 */
export class BatchReplay {
  readonly id: Uint8Array
  readonly sizeBytes: number
  /** Host ids of those that hints were written for. */
  readonly hinted = new Set<string>()
  readonly #parts: BatchlogParts
  readonly #writtenAtMs: number
  readonly #deliveries: Delivery[] = []
  readonly #answers: Promise<void>[] = []
  #isApplied = true

  constructor(id: Uint8Array, mutations: readonly Uint8Array[], parts: BatchlogParts) {
    this.id = id
    this.#parts = parts
    this.#writtenAtMs = timeUuidUnixMs(id)
    let sizeBytes = 0
    for (const bytes of mutations) {
      sizeBytes += bytes.length
      this.#add(bytes)
    }
    this.sizeBytes = sizeBytes
  }

  #add(bytes: Uint8Array): void {
    const { tableById, truncatedAtMs, logger } = this.#parts
    let summary: MutationSummary
    try {
      summary = summaries.of(wordsOf(bytes))
    } catch (error) {
      if (!(error instanceof MutationFormatError)) throw error
      logger.warn(`Skipped batch replay of a mutation due to ${error.message}`)
      return
    }
    // Of tables that are gone nothing is left to be written. Truncated is as good as delivered and then truncated.
    const isGone = summary.tableIds.every(
      (id) => tableById(id) === null || this.#writtenAtMs <= truncatedAtMs(id),
    )
    if (!isGone) this.#deliveries.push({ bytes, summary, undelivered: new Set() })
  }

  /** Whether there is nothing to write (any more): a deletion may have been forgotten that would have to be newer. */
  get isExpired(): boolean {
    const { tableById, clock } = this.#parts
    let least = Number.POSITIVE_INFINITY
    for (const { summary } of this.#deliveries) {
      least = Math.min(least, smallestGcGrace(summary, tableById) ?? Number.POSITIVE_INFINITY)
    }
    if (this.#deliveries.length === 0) return true
    return Math.floor(this.#writtenAtMs / 1000) + least <= Math.floor(clock.nowMs() / 1000)
  }

  /** Applies here what is for this node, sends to the others that are alive, and hints the rest. */
  send(): void {
    const { ring } = this.#parts
    for (const delivery of this.#deliveries) {
      const { keyspace, tokenHi, tokenLo } = delivery.summary
      for (const node of ring.replicas(keyspace, tokenHi, tokenLo)) {
        if (node.hostId === ring.local.hostId) this.#apply(delivery.bytes)
        else if (ring.isAlive(node.endpoint)) this.#send(delivery, node)
        else this.#hint(delivery, node.hostId)
      }
    }
  }

  #apply(bytes: Uint8Array): void {
    const { tableById, truncatedAtMs, logger } = this.#parts
    try {
      const isKept = (id: string): boolean => this.#writtenAtMs > truncatedAtMs(id)
      const mutation = decoder.decode(wordsOf(bytes).slice(), tableById, isKept)
      if (mutation.updateCount > 0) applyHere(this.#parts, mutation)
    } catch (error) {
      if (error instanceof IncompatibleSchemaError) return
      // The batch is kept, and tried again.
      this.#isApplied = false
      logger.error(`Replaying a batch failed: ${error instanceof Error ? error.message : String(error)}`)
    }
  }

  #send({ bytes, undelivered }: Delivery, { hostId, endpoint }: RingNode): void {
    undelivered.add(hostId)
    const answer = new Promise<void>((resolve) => {
      this.#parts.messaging.request(endpoint, Verb.MUTATION_REQ, bytes, {
        onResponse: () => {
          undelivered.delete(hostId)
          resolve()
        },
        onFailure: () => resolve(),
      })
    })
    this.#answers.push(answer)
  }

  #hint({ bytes }: Delivery, hostId: string): void {
    this.#parts.hints.write([hostId], bytes, this.#writtenAtMs)
    this.hinted.add(hostId)
  }

  /** Resolves when all have answered, or have had the time to, and hints are written for those that did not. */
  async finish(): Promise<void> {
    await Promise.all(this.#answers)
    if (this.isExpired) return
    for (const delivery of this.#deliveries) {
      for (const hostId of delivery.undelivered) this.#hint(delivery, hostId)
    }
  }

  /** Whether the batch may be forgotten once its hints are on the disk. */
  get isDone(): boolean {
    return this.#isApplied
  }
}
