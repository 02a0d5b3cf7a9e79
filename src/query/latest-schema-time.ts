import { timestampsOfUpdate } from '../model/least-timestamp.ts'
import { type MutationBuilder, updatesAt } from '../model/mutation.ts'
import type { Words } from '../model/row-format.ts'

/**
 * The latest time at which any node has written to the schema that this node knows. What a statement writes here has to be later, or it
 * would be lost beside what a node with a faster clock has written before: the statement has been executed on a schema with that.
 */
export class LatestSchemaTime {
  #micros = 0
  /** The schema that was there when the process started is looked through once, if ever. */
  #isWhole = false

  readonly #note = (hi: number, lo: number): void => {
    const micros = hi * 0x1_0000_0000 + (lo >>> 0)
    // What no clock can ever show is nobody's time.
    if (micros > this.#micros && Number.isSafeInteger(micros)) this.#micros = micros
  }

  /** Hears of what another node wrote: a finished mutation. */
  merged(mutation: Words): void {
    for (const at of updatesAt(mutation)) timestampsOfUpdate(mutation.i32, at, this.#note)
  }

  /**
   * The time of a change that is made now, where this node's clock says `nowMicros` (microseconds since 1970): that, or just behind the latest
   * one. The node's other writes have their times from its own clock still. `whole` gives all of the schema, with what was
   * deleted.
   */
  next(nowMicros: number, whole: () => MutationBuilder): number {
    if (!this.#isWhole) this.merged(whole())
    this.#isWhole = true
    this.#micros = Math.max(nowMicros, this.#micros + 1)
    return this.#micros
  }
}
