import { ConsistencyLevel, consistencyName, TruncateError, UnavailableError } from '../../common/errors.ts'
import type { TableMetadata } from '../../model/table.ts'
import { type Endpoint, endpointLogText } from '../endpoint.ts'
import { type InboundMessage, type RequestCallback, RequestFailureReason, Verb } from '../messaging/index.ts'
import { currentTrace, noteReceived, noteSending, respondTraced, type Trace, tracedPart } from '../traces.ts'
import type { CoordinatorParts } from './cluster-view.ts'
import { reasonName } from './level-failure.ts'
import { sameNode } from './replica-plan.ts'

const NO_BYTES = new Uint8Array(0)

/** Truncates tables at all nodes of the ring (`StorageProxy.truncateBlocking`, `TruncateVerbHandler`). */
export class Truncations {
  readonly #parts: CoordinatorParts

  constructor(parts: CoordinatorParts) {
    this.#parts = parts
  }

  /** All nodes have to be alive. Rejects with a TruncateError, whatever the reason. */
  truncate(table: TableMetadata): Promise<void> {
    const { view, messaging, timeouts } = this.#parts
    const { localNode } = view
    const nodes = view.ring().nodes
    const live = nodes.filter((node) => view.isAlive(node))
    if (live.length < nodes.length) {
      const level = ConsistencyLevel.ALL
      const text = `Cannot achieve consistency level ${consistencyName(level)}`
      const cause = new UnavailableError(text, level, nodes.length, live.length)
      return Promise.reject(new TruncateError(errorText(cause)))
    }
    const trace = currentTrace(this.#parts.traces)
    return new Promise((resolve, reject) => {
      const callback = new TruncateCallback(
        Math.max(1, live.length),
        timeouts.truncate_request_timeout_ms,
        trace,
        resolve,
        reject,
      )
      const payload = new TextEncoder().encode(table.id)
      for (const node of live) {
        if (sameNode(node, localNode)) continue
        if (trace !== null) noteSending(trace, Verb.TRUNCATE_REQ, node.endpoint, payload.length)
        messaging.request(node.endpoint, Verb.TRUNCATE_REQ, payload, callback)
      }
      this.#truncateHere(table).then(
        () => callback.done(),
        (error: unknown) => {
          this.#log(table, error)
          callback.onFailure(RequestFailureReason.UNKNOWN, localNode.endpoint)
        },
      )
    })
  }

  async #truncateHere(table: TableMetadata): Promise<void> {
    const { engine, commits } = this.#parts
    await engine.truncate(table)
    await commits.commit()
  }

  #log({ keyspace, name }: TableMetadata, error: unknown): void {
    const text = error instanceof Error ? error.message : String(error)
    this.#parts.logger.error(`Truncating ${keyspace}.${name} failed: ${text}`)
  }

  /** Another node's. */
  handle(message: InboundMessage): void {
    const id = Buffer.from(message.payload).toString('latin1')
    const table = this.#parts.schema.tableById(id)
    const trace = tracedPart(message, this.#parts.traces)
    if (table === null) {
      message.fail(RequestFailureReason.INCOMPATIBLE_SCHEMA)
      trace?.end()
      return
    }
    trace?.note(`Applying truncation of ${table.keyspace}.${table.name}`)
    this.#truncateHere(table).then(
      () => {
        trace?.note(`Enqueuing response to truncate operation to ${endpointLogText(message.from)}`)
        respondTraced(message, NO_BYTES, trace)
      },
      (error: unknown) => {
        this.#log(table, error)
        message.fail(RequestFailureReason.UNKNOWN)
        trace?.end()
      },
    )
  }
}

/** Waits for all (`TruncateResponseHandler`). */
class TruncateCallback implements RequestCallback {
  readonly timeoutMs: number
  /** The tracing session. */
  readonly session: Uint8Array | null
  readonly #count: number
  readonly #trace: Trace | null
  readonly #resolve: () => void
  readonly #reject: (error: TruncateError) => void
  #received = 0

  constructor(
    count: number,
    timeoutMs: number,
    trace: Trace | null,
    resolve: () => void,
    reject: (error: TruncateError) => void,
  ) {
    this.#count = count
    this.#trace = trace
    this.session = trace?.id ?? null
    this.timeoutMs = timeoutMs
    this.#resolve = resolve
    this.#reject = reject
  }

  onResponse(_payload: Uint8Array, from: Endpoint): void {
    if (this.#trace !== null) noteReceived(this.#trace, Verb.TRUNCATE_RSP, from)
    this.done()
  }

  /** One of them, perhaps this node, has truncated it. */
  done(): void {
    if (++this.#received === this.#count) this.#resolve()
  }

  onFailure(reason: RequestFailureReason, from: Endpoint): void {
    if (reason === RequestFailureReason.TIMEOUT) {
      const text = `Truncate timed out - received only ${this.#received} responses`
      this.#reject(new TruncateError(`Error during truncate: ${text}`))
      return
    }
    const replica = `replica ${endpointLogText(from)} -> ${reasonName(reason)}`
    this.#reject(new TruncateError(`Truncate failed on ${replica}`))
  }
}

/** `TruncateException(Throwable)`. */
function errorText({ message }: Error): string {
  return `Error during truncate: ${message}`
}
