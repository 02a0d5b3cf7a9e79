import { type ConsistencyLevel, ReadTimeoutError } from '../../common/errors.ts'
import type { Timers } from '../../io/timers.ts'
import type { Endpoint } from '../endpoint.ts'
import { type MessagingService, type RequestCallback, Verb } from '../messaging/index.ts'
import type { CommitWaiter } from '../replica/local-commits.ts'
import type { RingNode } from '../ring/ring.ts'
import { noteReceived, noteSending, type Trace } from '../traces.ts'
import { timeoutText } from './level-failure.ts'
import { sameNode, type WriteReplicaPlan } from './replica-plan.ts'

/** What repairs are sent with. */
export interface RepairSetting {
  readonly messaging: MessagingService
  readonly timers: Timers
  readonly localNode: RingNode
  readonly trace: Trace | null
  /** Applies the bytes of a mutation to this node. */
  readonly applyHere: (payload: Uint8Array, waiter: CommitWaiter) => void
}

/**
 * The repair of one partition, waited for before the client has its rows, so that no read after it shows less
 * (`BlockingPartitionRepair`).
 */
export class RepairOperation implements RequestCallback, CommitWaiter {
  readonly timeoutMs: number
  /** The tracing session. */
  readonly session: Uint8Array | null
  /** Resolves when as many replicas as the level needs have the rows; rejects with a ReadTimeoutError. */
  readonly done: Promise<void>
  readonly #setting: RepairSetting
  readonly #plan: WriteReplicaPlan
  readonly #level: ConsistencyLevel
  /** How many acknowledgements are still needed. */
  #left: number
  #timer: object | null = null
  #resolve!: () => void
  #reject!: (error: ReadTimeoutError) => void

  /** @param timeoutMs what is left of the read's time */
  constructor(setting: RepairSetting, plan: WriteReplicaPlan, level: ConsistencyLevel, timeoutMs: number) {
    this.#setting = setting
    this.#plan = plan
    this.#level = level
    this.#left = plan.blockFor
    this.session = setting.trace?.id ?? null
    this.timeoutMs = Math.max(1, timeoutMs)
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  /** Sends to each contact what it lacks; those that lack nothing need not answer. */
  send(repairs: ReadonlyMap<RingNode, Uint8Array>): void {
    for (const node of this.#plan.contacts) if (!repairs.has(node)) this.#left--
    for (const [node, payload] of repairs) this.#sendTo(node, payload)
    if (this.#left <= 0) this.#resolve()
    else this.#timer = this.#setting.timers.setTimeout(() => this.#timedOut(), this.timeoutMs)
  }

  /** Sends what is not acknowledged yet to nodes that had no part in it, any of which may answer in its place. */
  sendAlso(nodes: readonly RingNode[], payload: Uint8Array): void {
    for (const node of nodes) this.#sendTo(node, payload)
  }

  #sendTo(node: RingNode, payload: Uint8Array): void {
    const { messaging, localNode, applyHere, trace } = this.#setting
    if (sameNode(node, localNode)) {
      applyHere(payload, this)
      return
    }
    if (trace !== null) noteSending(trace, Verb.READ_REPAIR_REQ, node.endpoint, payload.length)
    messaging.request(node.endpoint, Verb.READ_REPAIR_REQ, payload, this)
  }

  get isDone(): boolean {
    return this.#left <= 0
  }

  onResponse(_payload: Uint8Array, from: Endpoint): void {
    const { trace } = this.#setting
    if (trace !== null) noteReceived(trace, Verb.READ_REPAIR_RSP, from)
    this.committed()
  }

  /** The others may be enough; if not, the time has to be over. */
  onFailure(): void {}

  committed(): void {
    if (--this.#left !== 0) return
    if (this.#timer !== null) this.#setting.timers.clearTimeout(this.#timer)
    this.#resolve()
  }

  commitFailed(): void {}

  #timedOut(): void {
    if (this.#left <= 0) return
    const { blockFor } = this.#plan
    const received = Math.min(blockFor - this.#left, blockFor - 1)
    this.#reject(new ReadTimeoutError(timeoutText(received), this.#level, received, blockFor, true))
  }
}
