import type { ColumnSpecification } from '../../../model/query-result.ts'
import type { ColumnMetadata } from '../../../model/table.ts'
import { type CqlType, type MapType, type SetType, unwrapReversed } from '../../../types/index.ts'
import type { Assignment } from '../../functions/function.ts'
import type * as raw from '../../raw/index.ts'
import { invalid } from '../../restrictions/index.ts'
import { part, prepareTerm, termText, typeName } from '../../term.ts'
import { type Selectable, type SelectionScope, type SelectorFactory, testExactType } from '../selectable.ts'
import { TupleSelectable } from './tuple.ts'

/** The field of a user type (`Selectable.WithFieldSelection`). */
export class FieldSelectable implements Selectable {
  readonly #of: Selectable
  readonly #field: string

  constructor(of: Selectable, field: string) {
    this.#of = of
    this.#field = field
  }

  get text(): string {
    return `${this.#of.text}.${this.#field}`
  }

  get exactType(): CqlType | null {
    const type = this.#of.exactType
    if (type === null || type.kind !== 'udt') return null
    const index = type.fieldNames.indexOf(this.#field)
    return index < 0 ? null : type.fieldTypes[index]
  }

  get knownType(): CqlType | null {
    return this.exactType
  }

  testAssignment(receiver: ColumnSpecification): Assignment {
    return testExactType(this.exactType, receiver)
  }

  selects(predicate: (column: ColumnMetadata) => boolean): boolean {
    return this.#of.selects(predicate)
  }

  select(scope: SelectionScope): SelectorFactory {
    // What stands in parentheses before a field is no tuple.
    const expected = this.#of instanceof TupleSelectable ? this.#of.elements[0].exactType : null
    const of = this.#of.select(scope, expected)
    const type = unwrapReversed(of.type)
    if (type.kind !== 'udt') {
      throw invalid(`Invalid field selection: ${this.#of.text} of type ${typeName(type)} is not a user type`)
    }
    const index = type.fieldNames.indexOf(this.#field)
    if (index < 0) throw invalid(`${this.#of.text} of type ${typeName(type)} has no field ${this.#field}`)
    return {
      source: { kind: 'field', of: of.source, index },
      type: type.fieldTypes[index],
      name: `${of.name}.${this.#field}`,
    }
  }
}

/** A set or map before brackets, and how the terms between them are prepared (`specForElementOrSlice`). */
interface Collection {
  readonly of: SelectorFactory
  readonly type: SetType | MapType
  readonly constant: (term: raw.Term) => number
}

function collectionOf(
  selected: Selectable,
  scope: SelectionScope,
  expected: CqlType | null,
  kind: 'element' | 'slice',
): Collection {
  const of = selected.select(scope, expected)
  const type = unwrapReversed(of.type)
  const { text } = selected
  if (type.kind === 'list') {
    const selection = kind === 'element' ? 'Element' : 'Slice'
    throw invalid(`${selection} selection is only allowed on sets and maps, but ${text} is a list`)
  }
  if (type.kind !== 'set' && type.kind !== 'map') {
    throw invalid(
      kind === 'element'
        ? `Invalid element selection: ${text} is of type ${typeName(type)} is not a collection`
        : `Invalid slice selection: ${text} of type ${typeName(type)} is not a collection`,
    )
  }
  const receiver = scope.specification(of.name, type)
  const bound =
    type.kind === 'map'
      ? part(receiver, `key(${of.name})`, type.keys)
      : part(receiver, `value(${of.name})`, type.elements)
  const constant = (term: raw.Term) =>
    scope.constant({ kind, term: prepareTerm(term, bound, scope.context), subject: of.name })
  return { of, type, constant }
}

function isCollection(type: CqlType | null): type is Extract<CqlType, { kind: 'list' | 'set' | 'map' }> {
  return type !== null && (type.kind === 'list' || type.kind === 'set' || type.kind === 'map')
}

/** `c[key]` (`Selectable.WithElementSelection`). */
export class ElementSelectable implements Selectable {
  readonly #of: Selectable
  readonly #key: raw.Term

  constructor(of: Selectable, key: raw.Term) {
    this.#of = of
    this.#key = key
  }

  get text(): string {
    return `${this.#of.text}[${termText(this.#key)}]`
  }

  get exactType(): CqlType | null {
    const type = this.#of.exactType
    if (!isCollection(type)) return null
    return type.kind === 'map' ? type.values : type.nameComparator
  }

  get knownType(): CqlType | null {
    return this.exactType
  }

  testAssignment(receiver: ColumnSpecification): Assignment {
    return testExactType(this.exactType, receiver)
  }

  selects(predicate: (column: ColumnMetadata) => boolean): boolean {
    return this.#of.selects(predicate)
  }

  select(scope: SelectionScope): SelectorFactory {
    const { of, type, constant } = collectionOf(this.#of, scope, null, 'element')
    return {
      source: { kind: 'element', of: of.source, type, key: constant(this.#key) },
      type: type.kind === 'map' ? type.values : type.elements,
      name: this.text,
    }
  }
}

/** `c[from..to]` (`Selectable.WithSliceSelection`). */
export class SliceSelectable implements Selectable {
  readonly #of: Selectable
  readonly #from: raw.Term | null
  readonly #to: raw.Term | null

  constructor(of: Selectable, from: raw.Term | null, to: raw.Term | null) {
    this.#of = of
    this.#from = from
    this.#to = to
  }

  get text(): string {
    const bound = (term: raw.Term | null) => (term === null ? '' : termText(term))
    return `${this.#of.text}[${bound(this.#from)}..${bound(this.#to)}]`
  }

  get exactType(): CqlType | null {
    const type = this.#of.exactType
    return isCollection(type) ? type : null
  }

  get knownType(): CqlType | null {
    return this.exactType
  }

  testAssignment(receiver: ColumnSpecification): Assignment {
    return testExactType(this.exactType, receiver)
  }

  selects(predicate: (column: ColumnMetadata) => boolean): boolean {
    return this.#of.selects(predicate)
  }

  select(scope: SelectionScope, expected: CqlType | null): SelectorFactory {
    const { of, type, constant } = collectionOf(this.#of, scope, expected, 'slice')
    const from = this.#from === null ? -1 : constant(this.#from)
    const to = this.#to === null ? -1 : constant(this.#to)
    return { source: { kind: 'slice', of: of.source, type, from, to }, type, name: this.text }
  }
}
