import type { RequestFailureReason } from '../messaging/failure-reason.ts'

/** A replica gave a read up, for a reason that its coordinator is told. */
export class ReadGivenUpError extends Error {
  readonly reason: RequestFailureReason

  constructor(message: string, reason: RequestFailureReason) {
    super(message)
    this.name = 'ReadGivenUpError'
    this.reason = reason
  }
}
