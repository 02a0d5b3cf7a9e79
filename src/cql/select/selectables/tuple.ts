import type { ColumnSpecification } from '../../../model/query-result.ts'
import type { ColumnMetadata } from '../../../model/table.ts'
import { type CqlType, componentTypes, tupleType, unwrapReversed } from '../../../types/index.ts'
import type { Assignment } from '../../functions/function.ts'
import { part } from '../../term.ts'
import { cannotInfer, type Selectable, type SelectionScope, type SelectorFactory } from '../selectable.ts'

/**
 * A tuple, or one selector in parentheses: which of the two is known with the type that is wanted
 * (`Selectable.BetweenParenthesesOrWithTuple`).
 */
export class TupleSelectable implements Selectable {
  readonly elements: readonly Selectable[]

  constructor(elements: readonly Selectable[]) {
    this.elements = elements
  }

  get text(): string {
    return `(${this.elements.map((element) => element.text).join(', ')})`
  }

  get exactType(): CqlType | null {
    return this.#tupleOf((element) => element.exactType)
  }

  get knownType(): CqlType | null {
    return this.#tupleOf((element) => element.knownType)
  }

  #tupleOf(typeOf: (element: Selectable) => CqlType | null): CqlType | null {
    if (this.elements.length === 1) return null
    const types: CqlType[] = []
    for (const element of this.elements) {
      const type = typeOf(element)
      if (type === null) return null
      types.push(type)
    }
    return tupleType(types)
  }

  testAssignment(receiver: ColumnSpecification): Assignment {
    const type = unwrapReversed(receiver.type)
    if (this.elements.length === 1 && type.kind !== 'tuple') return this.elements[0].testAssignment(receiver)
    if (type.kind !== 'tuple' && type.kind !== 'udt') return 'NOT'
    const types = componentTypes(type)
    const fits = this.elements.every(
      (element, i) =>
        i < types.length &&
        element.testAssignment(part(receiver, `${receiver.name}[${i}]`, types[i])) !== 'NOT',
    )
    return fits ? 'WEAK' : 'NOT'
  }

  selects(predicate: (column: ColumnMetadata) => boolean): boolean {
    return this.elements.some((element) => element.selects(predicate))
  }

  select(scope: SelectionScope, expected: CqlType | null): SelectorFactory {
    const type = this.exactType ?? expected
    if (type === null) throw cannotInfer(this)
    const tuple = unwrapReversed(type)
    // A user type is a tuple in this, but parentheses around one are parentheses.
    if (this.elements.length === 1 && tuple.kind !== 'tuple') {
      const inner = this.elements[0].select(scope, expected)
      return { ...inner, name: `(${inner.name})` }
    }
    const types = tuple.kind === 'tuple' || tuple.kind === 'udt' ? componentTypes(tuple) : []
    const factories = this.elements.map((element, i) => element.select(scope, types[i] ?? null))
    return {
      source: { kind: 'tuple', elements: factories.map((factory) => factory.source) },
      type,
      name: `(${factories.map((factory) => factory.name).join(', ')})`,
    }
  }
}
