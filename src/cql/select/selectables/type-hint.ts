import type { ColumnSpecification } from '../../../model/query-result.ts'
import type { ColumnMetadata } from '../../../model/table.ts'
import { type CqlType, isValueCompatible, sameType } from '../../../types/index.ts'
import type { Assignment } from '../../functions/function.ts'
import { invalid } from '../../restrictions/index.ts'
import { typeName } from '../../term.ts'
import type { Selectable, SelectionScope, SelectorFactory } from '../selectable.ts'

/** `(type)s`, which says of what type something is but converts nothing (`Selectable.WithTypeHint`). */
export class TypeHintSelectable implements Selectable {
  readonly #typeText: string
  readonly #type: CqlType
  readonly #of: Selectable

  constructor(typeText: string, type: CqlType, of: Selectable) {
    this.#typeText = typeText
    this.#type = type
    this.#of = of
  }

  get text(): string {
    return `(${this.#typeText})${this.#of.text}`
  }

  get exactType(): CqlType {
    return this.#type
  }

  get knownType(): CqlType {
    return this.#type
  }

  testAssignment(receiver: ColumnSpecification): Assignment {
    if (sameType(receiver.type, this.#type)) return 'EXACT'
    return isValueCompatible(receiver.type, this.#type) ? 'WEAK' : 'NOT'
  }

  selects(predicate: (column: ColumnMetadata) => boolean): boolean {
    return this.#of.selects(predicate)
  }

  select(scope: SelectionScope): SelectorFactory {
    const { text } = this
    if (this.#of.testAssignment(scope.specification(text, this.#type)) === 'NOT') {
      throw invalid(`Cannot assign value ${text} to ${text} of type ${typeName(this.#type)}`)
    }
    const { source, name } = this.#of.select(scope, this.#type)
    return { source, type: this.#type, name: `(${this.#typeText})${name}` }
  }
}
