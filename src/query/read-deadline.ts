import { type ConsistencyLevel, CqlError, ReadFailureError, ReadTimeoutError } from '../common/errors.ts'
import type { BoundSelect } from '../cql/select/index.ts'
import type { TableMetadata } from '../model/table.ts'
import type { StorageEngine } from '../storage/storage-engine.ts'

/** From when on the time of a request counts: from when its execution began, or from when it was received. */
export type CqlStartTime = 'REQUEST' | 'QUEUE'

/** How long reads may take, in milliseconds, by cassandra.yaml's names. */
export interface ReadTimeouts {
  readonly native_transport_timeout_ms: number
  readonly read_request_timeout_ms: number
  readonly range_request_timeout_ms: number
  readonly cql_start_time: CqlStartTime
}

/** When a read is given up (`Dispatcher.RequestTime.computeDeadline`), and what its client is told then. */
export class ReadDeadline {
  readonly #deadlineMs: number
  /** A range is given up by whoever reads it before whoever asked for it does. */
  readonly #isFailure: boolean

  /** @param receivedMs and startedMs when the request was received, and when its execution began */
  constructor(bound: BoundSelect, timeouts: ReadTimeouts, receivedMs: number, startedMs: number) {
    const { read_request_timeout_ms: read, range_request_timeout_ms: range } = timeouts
    const isRange = bound.pager === 'range'
    const baseMs = timeouts.cql_start_time === 'QUEUE' ? receivedMs : startedMs
    const ofClientMs = receivedMs + timeouts.native_transport_timeout_ms
    const ofReadMs = baseMs + (isRange ? Math.min(read, range) : read)
    this.#deadlineMs = Math.min(ofReadMs, ofClientMs)
    this.#isFailure =
      isRange && read < range && ofReadMs < ofClientMs && bound.prepared.selection.groups === null
  }

  /** Throws when the time is over: what was read is of no use to anybody any more. */
  check(nowMs: number, consistency: ConsistencyLevel, node: string): void {
    if (nowMs > this.#deadlineMs) throw this.#error(consistency, node)
  }

  #error(consistency: ConsistencyLevel, node: string): CqlError {
    if (!this.#isFailure) {
      const text = 'Operation timed out - received only 0 responses.'
      return new ReadTimeoutError(text, consistency, 0, 1, false)
    }
    return readFailure('received 0 responses and 1 failures: UNKNOWN', UNKNOWN, consistency, node)
  }
}

/**
 * What a client is told of a read that met a broken SSTable or an error of the disk; null for other errors. Does what
 * disk_failure_policy says.
 */
export function diskReadFailure(
  engine: StorageEngine,
  error: unknown,
  table: TableMetadata,
  consistency: ConsistencyLevel,
  node: string,
): ReadFailureError | null {
  if (error instanceof CqlError || !engine.readFailed(error, table)) return null
  return readFailure('received 0 responses and 1 failures: UNKNOWN', UNKNOWN, consistency, node)
}

/** `RequestFailureReason`. */
const UNKNOWN = 0
export const READ_TOO_MANY_TOMBSTONES = 1
export const READ_SIZE = 4

/** A read that this node, the only replica, has given up; `what` ends with the name of the reason. */
export function readFailure(
  what: string,
  reason: number,
  consistency: ConsistencyLevel,
  node: string,
  dataPresent = false,
): ReadFailureError {
  return new ReadFailureError(
    `Operation failed - ${what} from /${node}:7000`,
    consistency,
    0,
    1,
    new Map([[node, reason]]),
    dataPresent,
  )
}
