import { murmur3Token } from '../../common/murmur3.ts'
import { uuidText } from '../../common/uuid.ts'
import type { Clock } from '../../io/clock.ts'
import type { TableMetadata } from '../../model/table.ts'
import type { StorageEngine } from '../../storage/storage-engine.ts'
import type { Endpoint } from '../endpoint.ts'
import { type InboundMessage, type MessagingService, Verb, wordsOf } from '../messaging/index.ts'
import { type Commits, committed } from '../replica/commit-promise.ts'
import { failMessage } from '../replica/failed-message.ts'
import { IncompatibleSchemaError, MutationDecoder } from '../replica/mutation-message.ts'
import { applyHere, type ReplicaMetrics } from '../replica/replica-metrics.ts'
import { noteSending, type RemoteTrace, type Traces, tracedPart } from '../traces.ts'
import { ballotMicros, ballotText } from './ballot.ts'
import { commitText, decodePaxosMessage, encodePrepareResponse, type PaxosMessage } from './commit.ts'
import { latestWitnessed, mayAccept, prepare } from './paxos-state.ts'
import { type PaxosPartition, PaxosTable } from './paxos-table.ts'

export interface AcceptorParts {
  readonly messaging: Pick<MessagingService, 'handle' | 'self'>
  readonly engine: StorageEngine
  readonly commits: Commits
  /** system.paxos. */
  readonly paxos: TableMetadata
  readonly tableById: (id: string) => TableMetadata | null
  /** When a table was last truncated here, milliseconds since 1970; 0 where it never was. */
  readonly truncatedAtMs: (tableId: string) => number
  readonly clock: Clock
  readonly traces?: Traces
  /** Without, nothing is counted. */
  readonly replicaMetrics?: ReplicaMetrics
  readonly logger: { error(text: string): void }
}

const NO_BYTES = new Uint8Array(0)
const ACCEPTED = Uint8Array.of(1)
const REFUSED = Uint8Array.of(0)

/**
 * What this node promises, accepts and commits as a replica (`PaxosState`, `PrepareVerbHandler`, `ProposeVerbHandler`,
 * `PaxosCommit`). Each request is looked at and written in one go, and answered when that is as durable as any write that is
 * acknowledged.
 */
export class PaxosAcceptor {
  readonly #parts: AcceptorParts
  readonly #table: PaxosTable
  readonly #decoder = new MutationDecoder()

  constructor(parts: AcceptorParts) {
    this.#parts = parts
    this.#table = new PaxosTable(parts.engine, parts.paxos)
  }

  /** Answers from now on. */
  listen(): void {
    const { messaging } = this.#parts
    messaging.handle(Verb.PAXOS_PREPARE_REQ, (message) =>
      this.#answer(message, (request, partition, trace) => this.#prepare(request, partition, trace)),
    )
    messaging.handle(Verb.PAXOS_PROPOSE_REQ, (message) =>
      this.#answer(message, (request, partition, trace) => this.#propose(request, partition, trace)),
    )
    messaging.handle(Verb.PAXOS_COMMIT_REQ, (message) =>
      this.#answer(message, (request, partition, trace) => this.#commit(request, partition, trace)),
    )
  }

  #answer(
    message: InboundMessage,
    work: (request: PaxosMessage, partition: PaxosPartition, trace: RemoteTrace | null) => Uint8Array,
  ): void {
    if (message.remainingMs <= 0) {
      message.drop()
      return
    }
    const trace = this.#traceOf(message)
    const failed = (error: unknown): void => {
      this.#failed(message, error)
      trace?.end()
    }
    let answer: Uint8Array
    try {
      const request = decodePaxosMessage(message.payload)
      answer = work(request, this.#partitionOf(request), trace)
    } catch (error) {
      failed(error)
      return
    }
    committed(this.#parts.commits).then(() => {
      const { verb, from } = message
      if (trace !== null && !this.#isOwn(from)) noteSending(trace, verb.response!, from, answer.length)
      message.respond(answer)
      trace?.end()
    }, failed)
  }

  #isOwn(from: Endpoint): boolean {
    return from.text === this.#parts.messaging.self.text
  }

  /** This node's part of the session; the coordinator tells nothing of messages to itself. */
  #traceOf(message: InboundMessage): RemoteTrace | null {
    const { traces } = this.#parts
    if (!this.#isOwn(message.from)) return tracedPart(message, traces)
    return message.session === null ? null : (traces?.remote(message.session) ?? null)
  }

  #partitionOf({ tableId, key }: PaxosMessage): PaxosPartition {
    const id = uuidText(tableId)
    const table = this.#parts.tableById(id)
    if (table === null) throw new IncompatibleSchemaError(`Couldn't find table with id ${id}`)
    const token = new Int32Array(2)
    murmur3Token(key, 0, key.length, token)
    return { table, key: { key, tokenHi: token[0]!, tokenLo: token[1]! } }
  }

  get #nowSeconds(): number {
    return Math.floor(this.#parts.clock.nowMs() / 1000)
  }

  #prepare({ ballot }: PaxosMessage, partition: PaxosPartition, trace: RemoteTrace | null): Uint8Array {
    const state = this.#table.load(partition, Math.floor(ballotMicros(ballot) / 1_000_000))
    const answer = prepare(state, ballot)
    const name = ballotText(ballot)
    if (answer.promised) {
      trace?.note(`Promising ballot ${name}`)
      this.#table.savePromise(partition, ballot, this.#nowSeconds)
    } else {
      const last = ballotText(answer.inProgress.ballot)
      trace?.note(`Promise rejected; ${name} is not sufficiently newer than ${last}`)
    }
    return encodePrepareResponse(answer)
  }

  #propose(proposal: PaxosMessage, partition: PaxosPartition, trace: RemoteTrace | null): Uint8Array {
    const { ballot } = proposal
    const state = this.#table.load(partition, Math.floor(ballotMicros(ballot) / 1_000_000))
    if (!mayAccept(state, ballot)) {
      const last = ballotText(latestWitnessed(state))
      trace?.note(`Rejecting proposal for ${commitText(proposal)} because inProgress is now ${last}`)
      return REFUSED
    }
    trace?.note(`Accepting proposal ${commitText(proposal)}`)
    this.#table.saveProposal(partition, proposal, this.#nowSeconds)
    return ACCEPTED
  }

  #commit(commit: PaxosMessage, partition: PaxosPartition, trace: RemoteTrace | null): Uint8Array {
    const { tableById, truncatedAtMs } = this.#parts
    const { ballot, update } = commit
    trace?.note(`Committing proposal ${commitText(commit)}`)
    // What was decided before the table was truncated is gone with the rest.
    if (update.length > 0 && ballotMicros(ballot) > truncatedAtMs(partition.table.id) * 1000) {
      applyHere(this.#parts, this.#decoder.decode(wordsOf(update).slice(), tableById))
    }
    // After the rows: should the log end between the two, somebody commits once more.
    this.#table.saveCommit(partition, commit, this.#nowSeconds)
    return NO_BYTES
  }

  #failed(message: InboundMessage, error: unknown): void {
    failMessage(message, error, this.#parts.logger)
  }
}
