/** A write or an fsync of the commit log failed: nothing more can be made durable. Never retried. */
export class CommitLogFailedError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause })
  }
}

/** The record is bigger than max_mutation_size; nothing was written. */
export class MutationTooLargeError extends Error {
  readonly length: number
  readonly limit: number

  constructor(length: number, limit: number) {
    super(`Mutation of ${length} bytes is too large for the maximum size of ${limit}`)
    this.length = length
    this.limit = limit
  }
}
