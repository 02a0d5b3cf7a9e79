import {
  CasWriteUnknownError,
  ConsistencyLevel,
  WriteTimeoutError,
  type WriteType,
} from '../../common/errors.ts'
import { parseUuid } from '../../common/uuid.ts'
import type { Clock, TimestampSource } from '../../io/clock.ts'
import type { Random } from '../../io/random.ts'
import { delay, type Timers } from '../../io/timers.ts'
import type { HintSink } from '../coordinator/batchlog.ts'
import { blockFor } from '../coordinator/level.ts'
import type { PaxosPlan, PlanView } from '../coordinator/replica-plan.ts'
import { planWrite } from '../coordinator/write-plan.ts'
import { planPaxos } from '../coordinator/write-plan-paxos.ts'
import type { Endpoint } from '../endpoint.ts'
import { type MessagingService, type RequestCallback, Verb } from '../messaging/index.ts'
import { below } from '../random-choice.ts'
import { noteSending, type Trace } from '../traces.ts'
import { type Ballot, BallotFlag, ballotAt, ballotMicros, ballotText, isAfter } from './ballot.ts'
import { type Commit, commitText, encodePaxosMessage, NO_UPDATE } from './commit.ts'
import { CommitOperation } from './commit-operation.ts'
import { PrepareCallback, ProposeCallback } from './paxos-callbacks.ts'
import { PaxosMetrics } from './paxos-metrics.ts'
import { type PaxosPartition, paxosTtlSeconds } from './paxos-table.ts'
import type { PaxosTimeouts } from './settings.ts'

export interface PaxosParts {
  readonly messaging: Pick<MessagingService, 'request' | 'self'>
  readonly clock: Clock
  readonly timers: Timers
  readonly random: Random
  /** The node's source of timestamps, so that a ballot is after all that the node has written before. */
  readonly timestamps: Pick<TimestampSource, 'nextMicros'>
  /** How a keyspace is replicated, and who is alive, now. */
  readonly viewOf: (keyspace: string) => PlanView
  /** Keeps what replicas missed of what was decided; null where nobody does. */
  readonly hints: () => HintSink | null
  readonly timeouts: () => PaxosTimeouts
}

/** What is proposed in a round that was promised. */
export interface PaxosProposal<T> {
  /** An encoded mutation of the partition; empty where nothing is to change, which is agreed on all the same. */
  readonly update: Uint8Array
  /** What is returned if the proposal is accepted. */
  readonly result: T
}

/** What a request is about, and since when. */
interface PaxosRequest extends PaxosPartition {
  /** When the request came, on the monotonic clock: all of its time begins then. */
  readonly startedMs: number
  /** Of a request that is traced. */
  readonly trace?: Trace | null
}

/** One linearizable operation on a partition. */
export interface PaxosOperation<T> extends PaxosRequest {
  /** SERIAL or LOCAL_SERIAL: among whom it is agreed. */
  readonly consistencyForPaxos: ConsistencyLevel
  /** At what level the rounds of others are committed that are found unfinished. */
  readonly consistencyForReplayCommits: ConsistencyLevel
  readonly consistencyForCommit: ConsistencyLevel
  /**
   * Says what to propose, when all earlier rounds are finished and a quorum has them. What it writes gets the timestamp of the
   * ballot, microseconds. Called again where another round came before.
   */
  propose(ballotMicros: number): Promise<PaxosProposal<T>>
}

/** A round that was promised, with nothing of others left to be done. */
interface PromisedRound {
  readonly ballot: Ballot
  readonly contentions: number
}

const PREEMPTED = 'Some replicas have already promised a higher ballot than ours; aborting'

/** How long a round that came second waits at most before it tries again. */
const BACKOFF_MS_MAX = 100

/**
 * Proposes: agrees on one operation after the other among the replicas of a partition (`StorageProxy.doPaxos`, Paxos of
 * variant v1). The operation itself says what is read and what is written.
 */
export class Paxos {
  readonly metrics = new PaxosMetrics()
  readonly #parts: PaxosParts

  constructor(parts: PaxosParts) {
    this.#parts = parts
  }

  /** Now, as `startedMs` of operations has it. */
  monotonicMs(): number {
    return this.#parts.clock.monotonicMs()
  }

  /** How many replicas a serial level asks for. */
  blockFor(keyspace: string, level: ConsistencyLevel): number {
    return blockFor(level, this.#parts.viewOf(keyspace))
  }

  /**
   * Executes an operation, and finishes what others left unfinished before. Rejects with an UnavailableError, with a
   * WriteTimeoutError (CAS before it was proposed, SIMPLE when it was decided but too few acknowledged it), a WriteFailureError,
   * a CasWriteUnknownError where some accepted, and with what `propose` throws.
   */
  async execute<T>(operation: PaxosOperation<T>): Promise<T> {
    const { clock } = this.#parts
    const { keyspace } = operation.table
    const { consistencyForPaxos: level, startedMs } = operation
    const deadlineMs = startedMs + this.#parts.timeouts().cas_contention_timeout_ms
    let contentions = 0
    try {
      while (clock.monotonicMs() < deadlineMs) {
        const { tokenHi, tokenLo } = operation.key
        const plan = planPaxos(this.#parts.viewOf(keyspace), level, tokenHi, tokenLo)
        const round = await this.#begin(operation, plan, deadlineMs, contentions)
        contentions = round.contentions
        const { update, result } = await operation.propose(ballotMicros(round.ballot))
        const proposal = { ballot: round.ballot, update }
        const isWrite = update.length > 0
        const name = ballotText(round.ballot)
        operation.trace?.note(`CAS precondition is met; proposing client-requested updates for ${name}`)
        // What changes nothing may be proposed again though some accepted it; Cassandra gives a read up then.
        if (await this.#propose(operation, proposal, plan, isWrite, contentions)) {
          // Nor need it be committed, as it is not finished by others either: see #begin.
          if (isWrite) {
            await this.#commit(operation, proposal, operation.consistencyForCommit, true, contentions)
          }
          return result
        }
        operation.trace?.note('Paxos proposal not accepted (pre-empted by a higher ballot)')
        contentions++
        await this.#backOff()
      }
    } finally {
      this.metrics.contended(contentions)
    }
    throw casTimeout('CAS', level, 0, this.blockFor(keyspace, level), contentions)
  }

  /** Gets a promise, and finishes the rounds of others that it shows (`beginAndRepairPaxos`). */
  async #begin<T>(
    operation: PaxosOperation<T>,
    plan: PaxosPlan,
    deadlineMs: number,
    contentionsBefore: number,
  ): Promise<PromisedRound> {
    const { clock } = this.#parts
    const { consistencyForPaxos: level, trace = null } = operation
    let contentions = contentionsBefore
    let leastMicros = Number.NEGATIVE_INFINITY
    while (clock.monotonicMs() < deadlineMs) {
      const ballot = this.#nextBallot(leastMicros, level)
      trace?.note(`Preparing ${ballotText(ballot)}`)
      const summary = await this.#prepare(operation, ballot, plan, contentions)
      const { mostRecentInProgress: inProgress, mostRecentCommit } = summary
      leastMicros = ballotMicros(inProgress.ballot) + 1
      if (!summary.promised) {
        trace?.note(PREEMPTED)
        contentions++
        await this.#backOff()
        continue
      }
      // An empty update that was accepted has nothing to commit, and whoever proposed it knows that no earlier round can be
      // finished any more, or else has failed.
      if (inProgress.update.length > 0 && isAfter(inProgress.ballot, mostRecentCommit.ballot)) {
        this.metrics.unfinishedCommits++
        trace?.note(`Finishing incomplete paxos round ${commitText(inProgress)}`)
        const again = { ballot, update: inProgress.update }
        if (await this.#propose(operation, again, plan, false, contentions)) {
          await this.#commit(operation, again, operation.consistencyForReplayCommits, false, contentions)
        } else {
          trace?.note(PREEMPTED)
          contentions++
          await this.#backOff()
        }
        continue
      }
      // A quorum has to have learned of the last round before there is another one: CASSANDRA-5062.
      const missing = this.#isForgotten(operation, mostRecentCommit) ? [] : summary.missingMostRecentCommit()
      if (missing.length === 0) return { ballot, contentions }
      trace?.note('Repairing replicas that missed the most recent commit')
      this.#sendCommit(operation, mostRecentCommit, missing)
    }
    throw casTimeout('CAS', level, 0, this.blockFor(operation.table.keyspace, level), contentions)
  }

  /** Replicas may have forgotten what was committed so long ago (CASSANDRA-12043). */
  #isForgotten({ table }: PaxosPartition, { ballot }: Commit): boolean {
    const nowSeconds = Math.floor(this.#parts.clock.nowMs() / 1000)
    return Math.floor(ballotMicros(ballot) / 1_000_000) + paxosTtlSeconds(table) < nowSeconds
  }

  /** A ballot after all of this node, and of `leastMicros` at least (`ClientState.getTimestampForPaxos`). */
  #nextBallot(leastMicros: number, level: ConsistencyLevel): Ballot {
    const { random, timestamps } = this.#parts
    const micros = Math.max(timestamps.nextMicros(), leastMicros)
    const low = (BigInt(random.uint32()) << 32n) | BigInt(random.uint32())
    return ballotAt(micros, low, level === ConsistencyLevel.SERIAL ? BallotFlag.GLOBAL : BallotFlag.LOCAL)
  }

  async #prepare(
    request: PaxosRequest,
    ballot: Ballot,
    plan: PaxosPlan,
    contentions: number,
  ): Promise<PrepareCallback> {
    const { contacts, required, level } = plan
    const payload = payloadOf(request, { ballot, update: NO_UPDATE })
    const callback = new PrepareCallback(contacts.length, required, this.#leftMs(request), request.trace)
    for (const { endpoint } of contacts) {
      this.#send(request, endpoint, Verb.PAXOS_PREPARE_REQ, payload, callback)
    }
    if ((await callback.ended) === 'timeout') {
      throw casTimeout('CAS', level, callback.responses, required, contentions)
    }
    return callback
  }

  /**
   * True where a quorum accepted. With `backsOff` a proposal that only some accepted is an error, since others may finish it;
   * without, it is as good as refused: it is another's.
   */
  async #propose(
    request: PaxosRequest,
    proposal: Commit,
    { contacts, required, level }: PaxosPlan,
    backsOff: boolean,
    contentions: number,
  ): Promise<boolean> {
    const payload = payloadOf(request, proposal)
    const leftMs = this.#leftMs(request)
    const callback = new ProposeCallback(contacts.length, required, !backsOff, leftMs, request.trace)
    for (const { endpoint } of contacts) {
      this.#send(request, endpoint, Verb.PAXOS_PROPOSE_REQ, payload, callback)
    }
    const outcome = await callback.ended
    const { accepts, responses } = callback
    if (callback.isSuccessful) return true
    if (outcome === 'timeout') throw casTimeout('CAS', level, responses, contacts.length, contentions)
    if (backsOff && !callback.isFullyRefused) {
      const text = `CAS operation result is unknown - proposal accepted by ${accepts} but not a quorum.`
      throw new CasWriteUnknownError(text, level, accepts, required)
    }
    return false
  }

  async #commit(
    request: PaxosRequest,
    commit: Commit,
    level: ConsistencyLevel,
    hintsDown: boolean,
    contentions: number,
  ): Promise<void> {
    const { viewOf, messaging, hints } = this.#parts
    const { tokenHi, tokenLo } = request.key
    const plan = planWrite(viewOf(request.table.keyspace), level, tokenHi, tokenLo)
    const payload = payloadOf(request, commit)
    const timeoutMs = this.#leftMs(request)
    const { trace = null } = request
    const told = { plan, payload, update: commit.update, timeoutMs, hintsDown, trace }
    try {
      await new CommitOperation(told, hints()).run(messaging)
    } catch (error) {
      if (!(error instanceof WriteTimeoutError)) throw error
      // Of what another began the client knows nothing: its own statement was not proposed.
      const writeType = hintsDown ? error.writeType : 'CAS'
      throw casTimeout(writeType, error.consistency, error.received, error.blockFor, contentions)
    }
  }

  /** A request to a replica, perhaps this node itself. */
  #send(
    { trace = null }: PaxosRequest,
    to: Endpoint,
    verb: Verb,
    payload: Uint8Array,
    callback: RequestCallback,
  ) {
    const { messaging } = this.#parts
    if (trace !== null && to.text !== messaging.self.text) noteSending(trace, verb, to, payload.length)
    messaging.request(to, verb, payload, callback)
  }

  /** Tells some replicas what was decided, and does not wait. */
  #sendCommit(request: PaxosRequest, commit: Commit, replicas: readonly Endpoint[]): void {
    const payload = payloadOf(request, commit)
    const session = request.trace?.id ?? null
    const callback = { session, onResponse: () => undefined, onFailure: () => undefined }
    for (const endpoint of replicas) {
      this.#send(request, endpoint, Verb.PAXOS_COMMIT_REQ, payload, callback)
    }
  }

  /** Milliseconds that are left of the request's time. */
  #leftMs({ startedMs }: PaxosRequest): number {
    const { clock, timeouts } = this.#parts
    return Math.max(1, startedMs + timeouts().write_request_timeout_ms - clock.monotonicMs())
  }

  /** Gives another proposer the chance to finish. */
  #backOff(): Promise<void> {
    const { random, timers } = this.#parts
    return delay(timers, below(random, BACKOFF_MS_MAX))
  }
}

function payloadOf({ table, key }: PaxosPartition, { ballot, update }: Commit): Uint8Array {
  return encodePaxosMessage({ ballot, update, tableId: parseUuid(table.id)!, key: key.key })
}

/** `CasWriteTimeoutException`. */
function casTimeout(
  writeType: WriteType,
  level: ConsistencyLevel,
  received: number,
  required: number,
  contentions: number,
): WriteTimeoutError {
  const text =
    `CAS operation timed out: received ${received} of ${required} required responses ` +
    `after ${contentions} contention retries`
  return new WriteTimeoutError(text, level, received, required, writeType, contentions)
}
