import { ConsistencyLevel, type CqlError } from '../../common/errors.ts'
import type { HintSink } from '../coordinator/batchlog.ts'
import { writeError } from '../coordinator/level-failure.ts'
import { includesNode, type WriteReplicaPlan } from '../coordinator/replica-plan.ts'
import { WriteCallback } from '../coordinator/write-callback.ts'
import type { Endpoint } from '../endpoint.ts'
import {
  type MessagingService,
  type RequestCallback,
  type RequestFailureReason,
  Verb,
} from '../messaging/index.ts'
import type { RingNode } from '../ring/ring.ts'
import { noteSending, type Trace } from '../traces.ts'

/** What is committed, and how. */
export interface CommitRequest {
  readonly plan: WriteReplicaPlan
  /** The payload of PAXOS_COMMIT_REQ. */
  readonly payload: Uint8Array
  /** The mutation alone, for those that miss it. */
  readonly update: Uint8Array
  readonly timeoutMs: number
  /** Whether those that are down are hinted; those that fail are in any case. */
  readonly hintsDown: boolean
  readonly trace: Trace | null
}

/** Tells the replicas what was decided, and waits for as many as the level asks for (`StorageProxy.commitPaxos`). */
export class CommitOperation implements RequestCallback {
  readonly timeoutMs: number
  /** The tracing session. */
  readonly session: Uint8Array | null
  readonly #request: CommitRequest
  readonly #hints: HintSink | null
  readonly #callback: WriteCallback
  #open = 0
  #resolve!: () => void
  #reject!: (error: CqlError) => void

  constructor(request: CommitRequest, hints: HintSink | null) {
    this.#request = request
    this.#hints = hints
    this.#callback = new WriteCallback(request.plan)
    this.timeoutMs = request.timeoutMs
    this.session = request.trace?.id ?? null
  }

  /** Rejects with a WriteTimeoutError or a WriteFailureError, of type SIMPLE as in Cassandra. */
  run(messaging: Pick<MessagingService, 'request' | 'self'>): Promise<void> {
    const { plan, payload, update, hintsDown, trace } = this.#request
    const done = new Promise<void>((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    const down: RingNode[] = []
    for (const node of plan.liveAndDown) {
      if (includesNode(plan.live, node)) {
        this.#open++
        if (trace !== null && node.endpoint.text !== messaging.self.text) {
          noteSending(trace, Verb.PAXOS_COMMIT_REQ, node.endpoint, payload.length)
        }
        messaging.request(node.endpoint, Verb.PAXOS_COMMIT_REQ, payload, this)
      } else down.push(node)
    }
    if (hintsDown) this.#hint(down, update)
    // Nobody waits for a commit at ANY.
    if (plan.level === ConsistencyLevel.ANY) this.#resolve()
    else if (this.#open === 0) this.#end()
    return done
  }

  #hint(nodes: readonly RingNode[], update: Uint8Array): void {
    const hints = this.#hints
    if (hints === null || update.length === 0) return
    const hinted = nodes.filter((node) => hints.shouldHint(node))
    if (hinted.length > 0) hints.store(hinted, update)?.catch(() => undefined)
  }

  onResponse(_payload: Uint8Array, from: Endpoint): void {
    this.#settle(this.#callback.onResponse(this.#nodeOf(from)))
  }

  onFailure(reason: RequestFailureReason, from: Endpoint): void {
    const node = this.#nodeOf(from)
    this.#settle(this.#callback.onFailure(node, reason))
    this.#hint([node], this.#request.update)
  }

  #nodeOf(from: Endpoint): RingNode {
    return this.#request.plan.liveAndDown.find(({ endpoint }) => endpoint.text === from.text)!
  }

  #settle(outcome: ReturnType<WriteCallback['onTimeout']>): void {
    this.#open--
    if (outcome === null) {
      if (this.#open === 0) this.#end()
    } else if (outcome.kind === 'done') this.#resolve()
    else this.#reject(writeError(outcome, this.#request.plan.level, 'SIMPLE'))
  }

  /** Nobody is left who could answer. */
  #end(): void {
    const outcome = this.#callback.onTimeout()
    if (outcome !== null && outcome.kind !== 'done') {
      this.#reject(writeError(outcome, this.#request.plan.level, 'SIMPLE'))
    }
  }
}
