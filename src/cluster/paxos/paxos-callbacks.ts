import type { Endpoint } from '../endpoint.ts'
import type { RequestCallback } from '../messaging/index.ts'
import type { Trace } from '../traces.ts'
import { type Ballot, isAfter, sameBallot } from './ballot.ts'
import { type Commit, decodePrepareResponse, NO_COMMIT } from './commit.ts'

/** What becomes of a phase: `timeout` where too few answered. */
export type PhaseOutcome = 'done' | 'timeout'

/** Counts the answers to the requests of a phase; `ended` resolves once, whatever comes later (`AbstractPaxosCallback`). */
abstract class PhaseCallback implements RequestCallback {
  readonly timeoutMs: number
  /** The tracing session. */
  readonly session: Uint8Array | null
  readonly ended: Promise<PhaseOutcome>
  /** Answers, be they yes or no. */
  responses = 0
  #open: number
  #resolve!: (outcome: PhaseOutcome) => void

  constructor(contacts: number, timeoutMs: number, trace: Trace | null) {
    this.#open = contacts
    this.session = trace?.id ?? null
    this.timeoutMs = timeoutMs
    this.ended = new Promise((resolve) => {
      this.#resolve = resolve
    })
    if (contacts === 0) this.#resolve('timeout')
  }

  onResponse(payload: Uint8Array, from: Endpoint): void {
    this.responses++
    if (this.take(payload, from)) this.#resolve('done')
    this.#settle()
  }

  onFailure(): void {
    this.#settle()
  }

  /** Nobody is left to answer: in time or not, it will not be done. */
  #settle(): void {
    this.#open--
    if (this.#open === 0) this.#resolve(this.isOver() ? 'done' : 'timeout')
  }

  /** Takes an answer in; true where no more are needed. */
  protected abstract take(payload: Uint8Array, from: Endpoint): boolean

  /** Whether what came is all that is waited for. */
  protected abstract isOver(): boolean
}

/** The answers to a prepare: who promised, and what there is to be finished first (`PrepareCallback`). */
export class PrepareCallback extends PhaseCallback {
  promised = true
  mostRecentCommit: Commit = NO_COMMIT
  /** Without a promise, the round that is in the way. */
  mostRecentInProgress: Commit = NO_COMMIT
  readonly #required: number
  readonly #commits: { readonly from: Endpoint; readonly ballot: Ballot }[] = []
  #isEnded = false

  constructor(contacts: number, required: number, timeoutMs: number, trace: Trace | null = null) {
    super(contacts, timeoutMs, trace)
    this.#required = required
  }

  protected take(payload: Uint8Array, from: Endpoint): boolean {
    // What comes later must not change what has been decided on.
    if (this.#isEnded) return true
    const { promised, inProgress, committed } = decodePrepareResponse(payload)
    if (isAfter(inProgress.ballot, this.mostRecentInProgress.ballot)) this.mostRecentInProgress = inProgress
    if (promised) {
      this.#commits.push({ from, ballot: committed.ballot })
      if (isAfter(committed.ballot, this.mostRecentCommit.ballot)) this.mostRecentCommit = committed
    } else this.promised = false
    return (this.#isEnded = !promised || this.#commits.length >= this.#required)
  }

  protected isOver(): boolean {
    return this.#isEnded
  }

  /** Those that promised and lack what was committed last. */
  missingMostRecentCommit(): Endpoint[] {
    const { ballot } = this.mostRecentCommit
    return this.#commits.filter((commit) => !sameBallot(commit.ballot, ballot)).map(({ from }) => from)
  }
}

/** The answers to a proposal (`ProposeCallback`). */
export class ProposeCallback extends PhaseCallback {
  accepts = 0
  readonly #contacts: number
  readonly #required: number
  readonly #failsFast: boolean

  /** @param failsFast whether it is over as soon as too few are left that could accept; otherwise all are waited for */
  constructor(
    contacts: number,
    required: number,
    failsFast: boolean,
    timeoutMs: number,
    trace: Trace | null = null,
  ) {
    super(contacts, timeoutMs, trace)
    this.#contacts = contacts
    this.#required = required
    this.#failsFast = failsFast
  }

  protected take(payload: Uint8Array): boolean {
    if (payload[0] === 1) this.accepts++
    return this.isOver()
  }

  protected isOver(): boolean {
    const left = this.#contacts - this.responses
    return this.isSuccessful || left === 0 || (this.#failsFast && left + this.accepts < this.#required)
  }

  get isSuccessful(): boolean {
    return this.accepts >= this.#required
  }

  /** All have answered, and nobody accepted: nothing of the proposal is left anywhere. */
  get isFullyRefused(): boolean {
    return this.responses === this.#contacts && this.accepts === 0
  }
}
