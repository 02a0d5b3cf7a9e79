import type { Clock } from '../../io/clock.ts'
import type { Timers } from '../../io/timers.ts'
import type { TableMetadata } from '../../model/table.ts'
import type { StorageEngine } from '../../storage/storage-engine.ts'
import { endpointLogText } from '../endpoint.ts'
import { type InboundMessage, type MessagingService, Verb, wordsOf } from '../messaging/index.ts'
import { noteApplying, type RemoteTrace, respondTraced, type Traces, tracedPart } from '../traces.ts'
import { failMessage } from './failed-message.ts'
import type { CommitWaiter, LocalCommits } from './local-commits.ts'
import { LocalReads } from './local-reads.ts'
import { MutationDecoder } from './mutation-message.ts'
import { ReadGivenUpError } from './read-given-up.ts'
import { decodeRead, type ReadRequest } from './read-message.ts'
import type { ReadThresholdsAtReplica } from './read-thresholds.ts'
import { applyHere, type ReplicaMetrics } from './replica-metrics.ts'

/** What a replica works on. */
export interface ReplicaParts {
  readonly messaging: MessagingService
  readonly engine: StorageEngine
  /** The table of that UUID as the schema is now, or null. */
  readonly tableById: (id: string) => TableMetadata | null
  readonly clock: Clock
  readonly timers: Timers
  readonly logger: { warn(text: string): void; error(text: string): void }
  /** The coordinator's, too. */
  readonly commits: LocalCommits
  readonly thresholds: ReadThresholdsAtReplica
  readonly traces?: Traces
  /** Without, nothing is counted. */
  readonly replicaMetrics?: ReplicaMetrics
}

const NO_BYTES = new Uint8Array(0)

/**
 * What this node does for others: it applies their mutations and reads for them (`MutationVerbHandler`,
 * `ReadCommandVerbHandler`). Writes of one turn of the event loop are committed together before any is acknowledged.
 */
export class Replica {
  readonly #parts: ReplicaParts
  readonly #decoder = new MutationDecoder()
  readonly #reads: LocalReads

  constructor(parts: ReplicaParts) {
    this.#parts = parts
    this.#reads = new LocalReads(parts)
  }

  /** Answers from now on. */
  listen(): void {
    const { messaging } = this.#parts
    for (const verb of [Verb.MUTATION_REQ, Verb.READ_REPAIR_REQ]) {
      messaging.handle(verb, (message) => this.#mutate(message))
    }
    for (const verb of [Verb.READ_REQ, Verb.RANGE_REQ]) {
      messaging.handle(verb, (message) => this.#read(message))
    }
  }

  // --- writes

  #mutate(message: InboundMessage): void {
    const { engine, tableById, commits } = this.#parts
    if (message.remainingMs <= 0) {
      message.drop()
      return
    }
    const trace = tracedPart(message, this.#parts.traces)
    try {
      const mutation = this.#decoder.decode(wordsOf(message.payload).slice(), tableById)
      if (trace !== null) noteApplying(trace, engine, mutation)
      applyHere(this.#parts, mutation)
    } catch (error) {
      this.failed(message, error)
      trace?.end()
      return
    }
    commits.add(new Acknowledgement(message, this, trace), true)
  }

  /** Tells the coordinator that it can't be done, and the log why. */
  failed(message: InboundMessage, error: unknown): void {
    const { logger } = this.#parts
    if (error instanceof ReadGivenUpError) {
      logger.error(error.message)
      message.fail(error.reason)
    } else failMessage(message, error, logger)
  }

  // --- reads

  #read(message: InboundMessage): void {
    if (message.remainingMs <= 0) {
      message.drop()
      return
    }
    let request: ReadRequest
    try {
      request = decodeRead(message.payload, this.#parts.tableById)
    } catch (error) {
      this.failed(message, error)
      return
    }
    const trace = tracedPart(message, this.#parts.traces)
    const failed = (error: unknown): void => {
      this.failed(message, error)
      trace?.end()
    }
    try {
      const asked = trace === null ? request : { ...request, trace }
      const answer = this.#reads.answer(asked, () => message.remainingMs <= 0)
      if (answer instanceof Promise) answer.then((bytes) => respond(message, bytes, trace), failed)
      else respond(message, answer, trace)
    } catch (error) {
      failed(error)
    }
  }
}

/** Null is what nobody waits for any more. */
function respond(message: InboundMessage, answer: Uint8Array | null, trace: RemoteTrace | null): void {
  if (answer !== null) {
    // Handlers of Cassandra's say so themselves, and this one does not.
    if (message.verb !== Verb.READ_REPAIR_REQ)
      trace?.note(`Enqueuing response to ${endpointLogText(message.from)}`)
    respondTraced(message, answer, trace)
    return
  }
  message.drop()
  trace?.end()
}

/** A message whose mutation was applied waits for the commit. */
class Acknowledgement implements CommitWaiter {
  readonly #message: InboundMessage
  readonly #replica: Replica
  readonly #trace: RemoteTrace | null

  constructor(message: InboundMessage, replica: Replica, trace: RemoteTrace | null) {
    this.#message = message
    this.#replica = replica
    this.#trace = trace
  }

  committed(): void {
    respond(this.#message, NO_BYTES, this.#trace)
  }

  commitFailed(error: unknown): void {
    this.#replica.failed(this.#message, error)
    this.#trace?.end()
  }
}
