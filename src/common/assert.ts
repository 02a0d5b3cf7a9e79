/** A violated assertion is a bug in this program; it is never thrown for bad input. */
export class AssertionError extends Error {}

/** Throws an AssertionError unless `condition` holds. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionError(message)
}

/** The default branch of an exhaustive switch: a missing case becomes a type error. */
export function unreachable(value: never): never {
  throw new AssertionError(`unexpected value: ${JSON.stringify(value)}`)
}
