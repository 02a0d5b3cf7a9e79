import type { LiveRow } from '../../model/live-row.ts'
import type { PartitionReader } from '../../model/read-command.ts'
import type { Aggregate } from '../functions/function.ts'
import type { GroupSelection } from './group-selection.ts'
import { type RowValues, UNSET, unsetArgument } from './row-values.ts'
import type { RowsWriter } from './rows-writer.ts'
import type { AggregateSource } from './source.ts'

/**
 * Makes one row of each group (`ResultSetBuilder` with its `Selectors`). Of a group that is open it holds the states
 * of its aggregates and the values of its first row, however many rows it has.
 */
export class GroupRows {
  readonly #selection: GroupSelection
  readonly #values: RowValues
  readonly #states: readonly Aggregate[]
  /** Of each aggregate, for one row after another. */
  readonly #arguments: readonly (Uint8Array | null)[][]
  readonly #kept: (Uint8Array | null)[] = []
  #isOpen = false

  constructor(selection: GroupSelection, values: RowValues) {
    this.#selection = selection
    this.#values = values
    this.#states = selection.aggregates.map((aggregate) => aggregate.function.newAggregate())
    this.#arguments = selection.aggregates.map(({ args }) => args.map(() => null))
  }

  /** A group has rows and is not written yet. */
  get isOpen(): boolean {
    return this.#isOpen
  }

  /** Takes a row into the group. */
  add(live: LiveRow, reader: PartitionReader): void {
    const { aggregates, kept } = this.#selection
    const values = this.#values
    if (!this.#isOpen) {
      this.#isOpen = true
      // Views of a row don't outlive it.
      for (let i = 0; i < kept.length; i++) {
        this.#kept[i] = values.ofRow(kept[i], live, reader)?.slice() ?? null
      }
    }
    for (let i = 0; i < aggregates.length; i++) {
      const given = this.#arguments[i]
      if (given.length > 0) this.#fill(given, aggregates[i], live, reader)
      this.#states[i].addInput(given)
    }
  }

  #fill(
    given: (Uint8Array | null)[],
    { function: called, args }: AggregateSource,
    live: LiveRow,
    reader: PartitionReader,
  ): void {
    for (let i = 0; i < args.length; i++) {
      const value = this.#values.ofRow(args[i], live, reader)
      if (value === UNSET) throw unsetArgument(called.fullName.slice(called.fullName.indexOf('.') + 1))
      given[i] = value
    }
  }

  /** Writes the group's values, and is ready for the next. */
  write(out: RowsWriter): void {
    const { outputs, kept } = this.#selection
    const values = this.#values
    if (!this.#isOpen) for (let i = 0; i < kept.length; i++) this.#kept[i] = values.ofNoRow(kept[i])
    const group = { kept: this.#kept, aggregates: this.#states.map((state) => state.compute()) }
    for (const output of outputs) out.optional(values.ofGroup(output, group))
    for (const state of this.#states) state.reset()
    this.#isOpen = false
  }
}
