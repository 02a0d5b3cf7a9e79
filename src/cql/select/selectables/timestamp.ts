import type { ColumnSpecification } from '../../../model/query-result.ts'
import type { ColumnMetadata } from '../../../model/table.ts'
import { type CqlType, listType, native } from '../../../types/index.ts'
import type { Assignment } from '../../functions/function.ts'
import { invalid } from '../../restrictions/index.ts'
import { type Selectable, type SelectionScope, type SelectorFactory, testExactType } from '../selectable.ts'
import type { Source } from '../source.ts'

export type TimestampFunction = 'writetime' | 'maxwritetime' | 'ttl'

/** When a column or a part of it was written, or how long it lives (`Selectable.WritetimeOrTTL`). */
export class TimestampSelectable implements Selectable {
  readonly #function: TimestampFunction
  readonly #column: ColumnMetadata
  readonly #of: Selectable

  constructor(called: TimestampFunction, column: ColumnMetadata, of: Selectable) {
    this.#function = called
    this.#column = column
    this.#of = of
  }

  get text(): string {
    return `${this.#function}(${this.#of.text})`
  }

  get exactType(): CqlType {
    return this.#typeOf(this.#column.type)
  }

  get knownType(): CqlType {
    return this.exactType
  }

  /** Every cell has its own. */
  #typeOf(selected: CqlType): CqlType {
    const one = this.#function === 'ttl' ? native.int : native.bigint
    return selected.multiCell && this.#function !== 'maxwritetime' ? listType(one, false) : one
  }

  testAssignment(receiver: ColumnSpecification): Assignment {
    return testExactType(this.exactType, receiver)
  }

  selects(predicate: (column: ColumnMetadata) => boolean): boolean {
    return this.#of.selects(predicate)
  }

  select(scope: SelectionScope, expected: CqlType | null): SelectorFactory {
    const column = this.#column
    if (column.kind === 'partition_key' || column.kind === 'clustering') {
      throw invalid(`Cannot use selection function ${this.#function} on PRIMARY KEY part ${column.name}`)
    }
    const of = scope.withinRow(() => this.#of.select(scope, expected))
    const source: Source = { kind: this.#function, of: of.source }
    return {
      source: column.kind === 'static' ? scope.keepStatic(source) : source,
      type: this.#typeOf(of.type),
      name: `${this.#function}(${of.name})`,
    }
  }
}
