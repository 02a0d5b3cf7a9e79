/** Why a replica did not answer as asked, by its code on the wire (`exceptions/RequestFailureReason.java`). */
export const RequestFailureReason = {
  UNKNOWN: 0,
  READ_TOO_MANY_TOMBSTONES: 1,
  /** No answer in time, or the request could not be sent: the queue was full, or the service closes. */
  TIMEOUT: 2,
  INCOMPATIBLE_SCHEMA: 3,
  READ_SIZE: 4,
  NODE_DOWN: 5,
  INDEX_NOT_AVAILABLE: 6,
  READ_TOO_MANY_INDEXES: 7,
} as const

export type RequestFailureReason = (typeof RequestFailureReason)[keyof typeof RequestFailureReason]

const LAST = RequestFailureReason.READ_TOO_MANY_INDEXES

/** A code that is not known here is UNKNOWN (`RequestFailureReason.fromCode`). */
export function failureReasonOf(code: number): RequestFailureReason {
  return code >= 0 && code <= LAST ? (code as RequestFailureReason) : RequestFailureReason.UNKNOWN
}
