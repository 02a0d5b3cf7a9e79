import { ConsistencyLevel, type CqlError, type WriteType } from '../../common/errors.ts'
import type { Clock } from '../../io/clock.ts'
import type { Timers } from '../../io/timers.ts'
import { CommitLogFailedError } from '../../storage/commitlog/errors.ts'
import type { Endpoint } from '../endpoint.ts'
import {
  type MessagingService,
  type RequestCallback,
  RequestFailureReason,
  type Verb,
} from '../messaging/index.ts'
import type { CommitWaiter } from '../replica/local-commits.ts'
import type { RingNode } from '../ring/ring.ts'
import { noteReceived, noteSending, type Trace } from '../traces.ts'
import type { HintSink } from './batchlog.ts'
import { type WriteOutcome, writeError } from './level-failure.ts'
import { sameNode, type WriteReplicaPlan } from './replica-plan.ts'
import type { WriteCallback } from './write-callback.ts'

/** Counts answers: a WriteCallback, or one that tells the batchlog too. */
export type WriteCounter = Pick<WriteCallback, 'onResponse' | 'onHint' | 'onFailure' | 'onTimeout'>

/** What writes are made with. */
export interface WriteSetting {
  readonly messaging: MessagingService
  readonly clock: Clock
  readonly timers: Timers
  readonly localNode: RingNode
  readonly hints: HintSink | null
  readonly trace: Trace | null
}

/** What a write is, beside who is written to. */
export interface WriteRequest {
  readonly writeType: WriteType
  readonly timeoutMs: number
  /** Whether replicas that fail to answer are hinted; those that are down always are. */
  readonly hintsFailures: boolean
}

/**
 * The write of one partition: sent to all replicas, and waited for until the level is reached or can't be
 * (`StorageProxy.sendToHintedReplicas`, `AbstractWriteResponseHandler`). The callback of all its requests, and of the commit at
 * this node.
 */
export class WriteOperation implements RequestCallback, CommitWaiter {
  readonly timeoutMs: number
  /** The tracing session. */
  readonly session: Uint8Array | null
  /** Resolves when enough have the write; rejects with a WriteTimeoutError or a WriteFailureError. */
  readonly done: Promise<void>
  readonly #setting: WriteSetting
  readonly #plan: WriteReplicaPlan
  readonly #counter: WriteCounter
  readonly #request: WriteRequest
  readonly #startedMs: number
  #verb: Verb | null = null
  /** Bytes of the mutation, kept for hints; null where there are none to be written. */
  #payload: Uint8Array | null = null
  /** Requests that are not answered yet, and the commit here. */
  #open = 0
  #isDecided = false
  #resolve!: () => void
  #reject!: (error: CqlError) => void

  constructor(setting: WriteSetting, plan: WriteReplicaPlan, counter: WriteCounter, request: WriteRequest) {
    this.#setting = setting
    this.#plan = plan
    this.#counter = counter
    this.#request = request
    this.timeoutMs = request.timeoutMs
    this.session = setting.trace?.id ?? null
    this.#startedMs = setting.clock.monotonicMs()
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  /**
   * Sends the bytes to the contacts that are alive, without this node, and hints those that are down.
   * `isWrittenHere` says that `committed` or a failure is going to be told for this node.
   */
  send(verb: Verb, payload: Uint8Array, isWrittenHere: boolean): void {
    const { contacts, live } = this.#plan
    const { messaging, localNode, hints, trace } = this.#setting
    this.#verb = verb
    let down: RingNode[] | null = null
    if (isWrittenHere) this.#open++
    for (const node of contacts) {
      if (sameNode(node, localNode)) continue
      if (live.includes(node)) {
        this.#open++
        if (hints !== null && this.#payload === null) this.#payload = payload.slice()
        if (trace !== null) noteSending(trace, verb, node.endpoint, payload.length)
        messaging.request(node.endpoint, verb, payload, this)
      } else (down ??= []).push(node)
    }
    if (down !== null && hints !== null) this.#hint(hints, down, payload)
    if (this.#open === 0) this.#exhausted()
  }

  #hint(hints: HintSink, nodes: readonly RingNode[], payload: Uint8Array): void {
    const hinted = nodes.filter((node) => hints.shouldHint(node))
    if (hinted.length === 0) return
    const stored = hints.store(hinted, payload)
    if (this.#plan.level !== ConsistencyLevel.ANY) {
      stored?.catch(() => undefined)
      return
    }
    this.#open++
    Promise.resolve(stored).then(
      () => this.#settled(this.#counter.onHint()),
      () => this.#settled(null),
    )
  }

  // --- answers

  onResponse(_payload: Uint8Array, from: Endpoint): void {
    const { trace } = this.#setting
    if (trace !== null) noteReceived(trace, this.#verb!.response!, from)
    this.#settled(this.#counter.onResponse(this.#nodeOf(from)))
  }

  onFailure(reason: RequestFailureReason, from: Endpoint): void {
    const node = this.#nodeOf(from)
    this.#settled(this.#counter.onFailure(node, reason))
    const { hints } = this.#setting
    if (!this.#request.hintsFailures || hints === null || this.#payload === null) return
    if (hints.shouldHint(node)) hints.store([node], this.#payload)?.catch(() => undefined)
  }

  committed(): void {
    this.#settled(this.#counter.onResponse(this.#setting.localNode))
  }

  commitFailed(error: unknown): void {
    // A log that has failed for good makes writes wait in vain, as in Cassandra.
    const reason =
      error instanceof CommitLogFailedError ? RequestFailureReason.TIMEOUT : RequestFailureReason.UNKNOWN
    this.#settled(this.#counter.onFailure(this.#setting.localNode, reason))
  }

  #nodeOf(from: Endpoint): RingNode {
    const { contacts } = this.#plan
    for (const node of contacts) if (node.endpoint === from) return node
    return contacts.find((node) => node.endpoint.text === from.text)!
  }

  #settled(outcome: WriteOutcome | null): void {
    this.#open--
    if (outcome !== null) this.#decide(outcome)
    else if (this.#open === 0 && !this.#isDecided) this.#exhausted()
  }

  /** Nobody is left who could answer, but what there is decides nothing: as in Cassandra the time has to be over. */
  #exhausted(): void {
    const { clock, timers } = this.#setting
    const leftMs = Math.max(0, this.#startedMs + this.timeoutMs - clock.monotonicMs())
    timers.setTimeout(() => {
      const outcome = this.#counter.onTimeout()
      if (outcome !== null) this.#decide(outcome)
    }, leftMs)
  }

  #decide(outcome: WriteOutcome): void {
    this.#isDecided = true
    if (outcome.kind === 'done') this.#resolve()
    else if (this.#plan.level === ConsistencyLevel.ANY) this.#hintAll()
    else this.#reject(writeError(outcome, this.#plan.level, this.#request.writeType))
  }

  /** A write at ANY that nobody took is hinted for all (`StorageProxy.hintMutations`). */
  #hintAll(): void {
    const { hints, localNode } = this.#setting
    const payload = this.#payload
    if (hints !== null && payload !== null) {
      const nodes = this.#plan.liveAndDown.filter(
        (node) => !sameNode(node, localNode) && hints.shouldHint(node),
      )
      if (nodes.length > 0) hints.store(nodes, payload)?.catch(() => undefined)
    }
    this.#resolve()
  }
}
