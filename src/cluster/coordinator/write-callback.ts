/** Counts the answers to a write (`AbstractWriteResponseHandler` and its subclasses). */

import { ConsistencyLevel } from '../../common/errors.ts'
import type { Endpoint } from '../endpoint.ts'
import { RequestFailureReason } from '../messaging/failure-reason.ts'
import type { RingNode } from '../ring/ring.ts'
import type { WriteOutcome } from './level-failure.ts'
import type { WriteReplicaPlan } from './replica-plan.ts'

const DONE: WriteOutcome = Object.freeze({ kind: 'done' })

/**
 * Says what becomes of a write, once: the call that decides it returns the outcome, all others return null. Each contact is to
 * answer once or to fail once; what comes later changes nothing.
 *
 * With EACH_QUORUM a data centre may have lost its quorum while the failures are not more than are allowed in all: then, as
 * in Cassandra, it is the timeout that ends the write, and says one less than is needed where as many did acknowledge.
 */
export class WriteCallback {
  readonly plan: WriteReplicaPlan
  #acks = 0
  /** Failures that count. */
  #failures = 0
  #outcome: WriteOutcome | null = null
  /** What is left to be acknowledged in each data centre, where that is asked for. */
  readonly #left: Map<string, number> | null
  /** Made with the first failure. */
  #reasons: Map<Endpoint, RequestFailureReason> | null = null
  /** Whether one of the failures that count was something else than a timeout. */
  #hasOther = false

  constructor(plan: WriteReplicaPlan) {
    this.plan = plan
    this.#left = plan.blockForByDataCenter === null ? null : new Map(plan.blockForByDataCenter)
  }

  /** What became of the write; null while that is open. */
  get outcome(): WriteOutcome | null {
    return this.#outcome
  }

  /** How many acknowledgements came that count, of all data centres. */
  get acks(): number {
    return this.#acks
  }

  onResponse(from: RingNode): WriteOutcome | null {
    return this.#counts(from) ? this.#acknowledge(from.dataCenter) : null
  }

  /** A hint was written for a replica that is down: as good as an acknowledgement at ANY, and nothing elsewhere. */
  onHint(): WriteOutcome | null {
    return this.plan.level === ConsistencyLevel.ANY ? this.#acknowledge(null) : null
  }

  onFailure(from: RingNode, reason: RequestFailureReason): WriteOutcome | null {
    if (this.#outcome !== null) return null
    const reasons = (this.#reasons ??= new Map())
    reasons.set(from.endpoint, reason)
    if (this.#counts(from)) {
      this.#failures++
      if (reason !== RequestFailureReason.TIMEOUT) this.#hasOther = true
    }
    const { blockFor, candidateCount } = this.plan
    if (blockFor + this.#failures <= candidateCount) return null
    if (!this.#hasOther) return this.#timeout()
    return this.#decide({ kind: 'failure', received: this.#acks, blockFor, failures: reasons })
  }

  /** The time of the write is over: whatever failed until now, too few answered. */
  onTimeout(): WriteOutcome | null {
    return this.#outcome === null ? this.#timeout() : null
  }

  #counts(from: RingNode): boolean {
    const { countedDataCenter } = this.plan
    return countedDataCenter === null || from.dataCenter === countedDataCenter
  }

  #acknowledge(dataCenter: string | null): WriteOutcome | null {
    if (this.#outcome !== null) return null
    this.#acks++
    if (this.#left === null) return this.#acks === this.plan.blockFor ? this.#decide(DONE) : null
    if (dataCenter !== null) this.#left.set(dataCenter, (this.#left.get(dataCenter) ?? 0) - 1)
    for (const left of this.#left.values()) if (left > 0) return null
    return this.#decide(DONE)
  }

  #timeout(): WriteOutcome {
    const { blockFor } = this.plan
    return this.#decide({ kind: 'timeout', received: Math.min(this.#acks, blockFor - 1), blockFor })
  }

  #decide(outcome: WriteOutcome): WriteOutcome {
    this.#outcome = outcome
    return outcome
  }
}

/** Tells when the batchlog of a batch may be removed: when each of its mutations is held by enough replicas. */
export class BatchlogCleanup {
  #left: number

  constructor(mutationCount: number) {
    this.#left = mutationCount
  }

  /** One mutation more needs no batchlog; true when it was the last one. */
  ackMutation(): boolean {
    return --this.#left === 0
  }
}

/**
 * Counts the answers to a mutation of a logged batch (`BatchlogResponseHandler`): beside the outcome of the write, answers
 * of all data centres are counted, also those that come when the outcome is known.
 */
export class BatchlogCallback {
  readonly write: WriteCallback
  readonly #cleanup: BatchlogCleanup
  #requiredBeforeFinish: number
  #mayRemove = false

  /** `requiredBeforeFinish` is the `blockFor` of `batchRemovalLevel`, in which pending replicas are not counted. */
  constructor(write: WriteCallback, requiredBeforeFinish: number, cleanup: BatchlogCleanup) {
    this.write = write
    this.#requiredBeforeFinish = requiredBeforeFinish
    this.#cleanup = cleanup
  }

  /** Whether it was this mutation's last needed answer that let the batchlog be removed. */
  get mayRemove(): boolean {
    return this.#mayRemove
  }

  /** As `WriteCallback.onResponse`; look at `mayRemove` afterwards. */
  onResponse(from: RingNode): WriteOutcome | null {
    const outcome = this.write.onResponse(from)
    this.#answered()
    return outcome
  }

  onHint(): WriteOutcome | null {
    const outcome = this.write.onHint()
    if (this.write.plan.level === ConsistencyLevel.ANY) this.#answered()
    return outcome
  }

  onFailure(from: RingNode, reason: RequestFailureReason): WriteOutcome | null {
    return this.write.onFailure(from, reason)
  }

  onTimeout(): WriteOutcome | null {
    return this.write.onTimeout()
  }

  #answered(): void {
    this.#mayRemove = --this.#requiredBeforeFinish === 0 && this.#cleanup.ackMutation()
  }
}
