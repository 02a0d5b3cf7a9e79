/** What is told when too few replicas answered (`RequestTimeoutException`, `RequestFailureException`). */

import {
  type ConsistencyLevel,
  type FailureReasons,
  ReadFailureError,
  ReadTimeoutError,
  WriteFailureError,
  WriteTimeoutError,
  type WriteType,
} from '../../common/errors.ts'
import { type Endpoint, endpointLogText } from '../endpoint.ts'
import { RequestFailureReason } from '../messaging/failure-reason.ts'

/** Why replicas failed, in the order in which they said so. */
export type ReplicaFailures = ReadonlyMap<Endpoint, RequestFailureReason>

/** Too few answers when the time was over, or when too few replicas were left that could give one. */
export type TooFewAnswers =
  | { readonly kind: 'timeout'; readonly received: number; readonly blockFor: number }
  | {
      readonly kind: 'failure'
      readonly received: number
      readonly blockFor: number
      readonly failures: ReplicaFailures
    }

/** What became of a write. */
export type WriteOutcome = { readonly kind: 'done' } | TooFewAnswers

/** What became of a read: `dataPresent` says whether one of the answers was more than a digest. */
export type ReadOutcome = { readonly kind: 'done' } | (TooFewAnswers & { readonly dataPresent: boolean })

/** The error of a write that is not done, with Cassandra's text. */
export function writeError(
  outcome: TooFewAnswers,
  level: ConsistencyLevel,
  writeType: WriteType,
): WriteTimeoutError | WriteFailureError {
  const { received, blockFor } = outcome
  if (outcome.kind === 'timeout')
    return new WriteTimeoutError(timeoutText(received), level, received, blockFor, writeType)
  const { failures } = outcome
  const text = failureText(received, failures)
  return new WriteFailureError(text, level, received, blockFor, reasonsByHost(failures), writeType)
}

/** The error of a read that is not done, with Cassandra's text. */
export function readError(
  outcome: TooFewAnswers & { readonly dataPresent: boolean },
  level: ConsistencyLevel,
): ReadTimeoutError | ReadFailureError {
  const { received, blockFor, dataPresent } = outcome
  if (outcome.kind === 'timeout')
    return new ReadTimeoutError(timeoutText(received), level, received, blockFor, dataPresent)
  const { failures } = outcome
  const text = failureText(received, failures)
  return new ReadFailureError(text, level, received, blockFor, reasonsByHost(failures), dataPresent)
}

/** `Operation timed out - received only 1 responses.` */
export function timeoutText(received: number): string {
  return `Operation timed out - received only ${received} responses.`
}

/** `Operation failed - received 1 responses and 1 failures: UNKNOWN from /127.0.0.2:7000` */
export function failureText(received: number, failures: ReplicaFailures): string {
  return `Operation failed - received ${received} responses and ${failures.size} failures${reasonsText(failures)}`
}

function reasonsText(failures: ReplicaFailures): string {
  const each = [...failures].map(([from, reason]) => `${reasonName(reason)} from ${endpointLogText(from)}`)
  return each.length === 0 ? '' : `: ${each.join(', ')}`
}

/** Whether nobody said anything but that the time was over; of none, too (`RequestCallback.isTimeout`). */
export function isTimeout(reasons: Iterable<RequestFailureReason>): boolean {
  for (const reason of reasons) if (reason !== RequestFailureReason.TIMEOUT) return false
  return true
}

/** Clients are told addresses, without the port between nodes. */
function reasonsByHost(failures: ReplicaFailures): FailureReasons {
  return new Map([...failures].map(([from, reason]) => [from.host, reason]))
}

/** Names of reasons by their codes. */
const NAMES = new Map(Object.entries(RequestFailureReason).map(([name, code]) => [code, name]))

export function reasonName(reason: RequestFailureReason): string {
  return NAMES.get(reason) ?? 'UNKNOWN'
}

/** A read failed because replicas gave it up and said so: whoever knows what was asked makes the client's error of it (`ReadAbortException`). */
export class ReadGivenUp extends Error {
  readonly #outcome: TooFewAnswers & { readonly dataPresent: boolean }
  readonly #level: ConsistencyLevel

  constructor(
    table: string,
    outcome: TooFewAnswers & { readonly dataPresent: boolean },
    level: ConsistencyLevel,
  ) {
    super(`Replicas gave up a read of ${table}`)
    this.name = 'ReadGivenUp'
    this.#outcome = outcome
    this.#level = level
  }

  /** @param what is told of it: `2 nodes scanned over ...` */
  toError(what: string): ReadFailureError {
    const { received, blockFor, dataPresent } = this.#outcome
    const failures: ReplicaFailures = this.#outcome.kind === 'failure' ? this.#outcome.failures : new Map()
    const text = `Operation failed - ${what}${reasonsText(failures)}`
    const reasons = reasonsByHost(failures)
    return new ReadFailureError(text, this.#level, received, blockFor, reasons, dataPresent)
  }
}
