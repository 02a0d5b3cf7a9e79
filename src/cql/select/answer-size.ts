import type { BoundSelect } from './bind.ts'
import { tokensText } from './command-text.ts'
import { ReadAbortedError, type ReadSizes } from './read-metrics.ts'
import type { RowsWriter } from './rows-writer.ts'

/**
 * Measures the values of an answer (`SelectStatement.maybeWarn`, `maybeFail`). One that becomes too large is not kept:
 * what is left is read, as Cassandra has read it by then, and then there is an error.
 */
export class AnswerSize {
  readonly #bound: BoundSelect
  readonly #sizes: ReadSizes
  readonly #rows: RowsWriter
  /** Values of a row; those to order by are among them. */
  readonly #columns: number
  #isTooLarge = false

  constructor(bound: BoundSelect, sizes: ReadSizes, rows: RowsWriter) {
    const { json, outputs, orderingOutputs, groups } = bound.prepared.selection
    this.#bound = bound
    this.#sizes = sizes
    this.#rows = rows
    const shown =
      json !== null ? 1 : groups !== null ? bound.prepared.resultMetadata.columns.length : outputs.length
    this.#columns = shown + orderingOutputs.length
  }

  #bytes(rowCount: number): number {
    return this.#rows.length - 4 * this.#columns * rowCount
  }

  /** Another row comes after so many. */
  check(rowCount: number): void {
    this.#isTooLarge ||= this.#bytes(rowCount) > this.#sizes.coordinatorFail
    if (this.#isTooLarge) this.#rows.length = 0
  }

  /** What the answer warns of, with what reading has warned of. Throws a ReadAbortedError when it has become too large. */
  finish(rowCount: number, warnings: readonly string[] | null): readonly string[] | null {
    if (this.#isTooLarge) {
      const text = this.#text('failure', this.#sizes.coordinatorFail)
      throw new ReadAbortedError('READ_SIZE', text, true, [text, ...(warnings ?? [])])
    }
    const { coordinatorWarn } = this.#sizes
    if (this.#bytes(rowCount) <= coordinatorWarn) return warnings
    return [this.#text('warning', coordinatorWarn), ...(warnings ?? [])]
  }

  #text(what: 'failure' | 'warning', threshold: number): string {
    const { keyspace, name } = this.#bound.prepared.table
    return `Read on table ${keyspace}.${name} has exceeded the size ${what} threshold of ${threshold.toLocaleString('en-US')} bytes with ${tokensText(this.#bound)}`
  }
}
