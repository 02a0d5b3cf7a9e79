import type { BoundValues } from '../model/query-options.ts'

/** What evaluating terms needs from outside: bound values, and where now(), uuid() and the like come from. */
export interface ExecutionContext {
  readonly values: BoundValues
  /** Milliseconds since the epoch, the same for all of a statement. */
  readonly nowMillis: number
  timeUuid(): Uint8Array
  randomUuid(): Uint8Array
}
