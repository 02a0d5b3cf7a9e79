import { RequestFailureReason } from '../messaging/failure-reason.ts'

/** A replica gave a read up, for a reason that its coordinator is told. */
export class ReadGivenUpError extends Error {
  readonly kind: 'tombstones' | 'bytes'

  constructor(message: string, kind: ReadGivenUpError['kind']) {
    super(message)
    this.name = 'ReadGivenUpError'
    this.kind = kind
  }

  get reason(): RequestFailureReason {
    return this.kind === 'tombstones'
      ? RequestFailureReason.READ_TOO_MANY_TOMBSTONES
      : RequestFailureReason.READ_SIZE
  }
}
