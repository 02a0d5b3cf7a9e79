/** Counts the answers to a read (`ReadCallback`). */

import type { Endpoint } from '../endpoint.ts'
import type { RequestFailureReason } from '../messaging/failure-reason.ts'
import type { RingNode } from '../ring/ring.ts'
import { isTimeout, type ReadOutcome } from './level-failure.ts'

const DONE: ReadOutcome = Object.freeze({ kind: 'done' })

/**
 * Says what becomes of a read, once: the call that decides it returns the outcome, all others return null. A read is done
 * when enough replicas answered and one of them with data. Each contact is to answer once or to fail once; answers that
 * come later are counted no more.
 */
export class ReadCallback {
  readonly blockFor: number
  #contactCount: number
  #received = 0
  #dataPresent = false
  #outcome: ReadOutcome | null = null
  /** Made with the first one. */
  #failures: Map<Endpoint, RequestFailureReason> | null = null

  /** `blockFor` and how many are asked, both of the plan. */
  constructor(blockFor: number, contactCount: number) {
    this.blockFor = blockFor
    this.#contactCount = contactCount
  }

  /** What became of the read; null while that is open. */
  get outcome(): ReadOutcome | null {
    return this.#outcome
  }

  get received(): number {
    return this.#received
  }

  /** Whether data came: then one who is asked late is asked for a digest. */
  get dataPresent(): boolean {
    return this.#dataPresent
  }

  /** One more is asked, because an answer is late. */
  addContact(): void {
    this.#contactCount++
  }

  onResponse(_from: RingNode, isDigest: boolean): ReadOutcome | null {
    if (this.#outcome !== null) return null
    this.#received++
    if (!isDigest) this.#dataPresent = true
    if (this.#dataPresent && this.#received >= this.blockFor) return this.#decide(DONE)
    return this.#decideIfAllAnswered()
  }

  onFailure(from: RingNode, reason: RequestFailureReason): ReadOutcome | null {
    if (this.#outcome !== null) return null
    const failures = (this.#failures ??= new Map())
    failures.set(from.endpoint, reason)
    if (this.blockFor + failures.size > this.#contactCount) return this.#decide(this.#tooFew())
    return this.#decideIfAllAnswered()
  }

  /** The time of the read is over. */
  onTimeout(): ReadOutcome | null {
    return this.#outcome === null ? this.#decide(this.#tooFew()) : null
  }

  /**
   * Enough digests and no data, and nobody left who could send some: Cassandra says the same, but waits for the time to be over
   * until it does.
   */
  #decideIfAllAnswered(): ReadOutcome | null {
    if (this.#failures === null || this.#received + this.#failures.size < this.#contactCount) return null
    return this.#decide(this.#tooFew())
  }

  #tooFew(): ReadOutcome {
    const numbers = { received: this.#received, blockFor: this.blockFor, dataPresent: this.#dataPresent }
    const failures = this.#failures
    if (failures === null || isTimeout(failures.values())) return { kind: 'timeout', ...numbers }
    return { kind: 'failure', ...numbers, failures }
  }

  #decide(outcome: ReadOutcome): ReadOutcome {
    this.#outcome = outcome
    return outcome
  }
}
