import type { ColumnSpecification } from '../../../model/query-result.ts'
import type { ColumnMetadata } from '../../../model/table.ts'
import { type CqlType, listType, setType, type VectorType, vectorType } from '../../../types/index.ts'
import type { Assignment } from '../../functions/function.ts'
import { invalid } from '../../restrictions/index.ts'
import { elementSpecification, typeName } from '../../term.ts'
import {
  cannotInfer,
  compatibleType,
  type Selectable,
  type SelectionScope,
  type SelectorFactory,
  testAll,
} from '../selectable.ts'

/** The first type that is certain, of which all are then to be. */
function firstExactType(selectables: readonly Selectable[]): CqlType | null {
  for (const selectable of selectables) {
    const type = selectable.exactType
    if (type !== null) return type
  }
  return null
}

function compatibleTypeOf(selectables: readonly Selectable[]): CqlType | null {
  return compatibleType(selectables.map((selectable) => selectable.knownType).filter((type) => type !== null))
}

function selectAll(
  selectables: readonly Selectable[],
  scope: SelectionScope,
  elementType: CqlType,
): readonly SelectorFactory[] {
  return selectables.map((selectable) => selectable.select(scope, elementType))
}

/** `[a, b]`: a vector where one is wanted, otherwise a list (`Selectable.WithArrayLiteral`). */
export class ArraySelectable implements Selectable {
  readonly #elements: readonly Selectable[]

  constructor(elements: readonly Selectable[]) {
    this.#elements = elements
  }

  get text(): string {
    return `[${this.#elements.map((element) => element.text).join(', ')}]`
  }

  get arraySize(): number {
    return this.#elements.length
  }

  get exactType(): CqlType | null {
    const type = firstExactType(this.#elements)
    return type === null ? null : listType(type, false)
  }

  get knownType(): CqlType | null {
    const type = compatibleTypeOf(this.#elements)
    return type === null ? null : listType(type, false)
  }

  testAssignment(receiver: ColumnSpecification): Assignment {
    const { type } = receiver
    if (type.kind !== 'vector' && type.kind !== 'list') return 'NOT'
    if (this.#elements.length === 0) return 'WEAK'
    return testAll(elementSpecification(receiver, type.elements), this.#elements)
  }

  selects(predicate: (column: ColumnMetadata) => boolean): boolean {
    return this.#elements.some((element) => element.selects(predicate))
  }

  select(scope: SelectionScope, expected: CqlType | null): SelectorFactory {
    if (expected?.kind === 'vector') return this.#selectVector(scope, expected)
    const type = this.exactType ?? expected
    if (type === null) throw cannotInfer(this)
    if (type.kind !== 'list') throw invalid(`Unsupported target type: ${typeName(type)}`)
    const factories = selectAll(this.#elements, scope, type.elements)
    return {
      source: { kind: 'list', elements: factories.map((factory) => factory.source) },
      type,
      name: arrayName(factories),
    }
  }

  #selectVector(scope: SelectionScope, expected: VectorType): SelectorFactory {
    // The elements decide of the type where they are certain of theirs, even if another is wanted.
    const exact = firstExactType(this.#elements)
    const type = exact === null ? expected : vectorType(exact, this.#elements.length)
    if (type.dimension !== this.#elements.length) {
      throw invalid(
        `Unable to create a vector selector of type ${typeName(type)} from ${this.#elements.length} elements`,
      )
    }
    const factories = selectAll(this.#elements, scope, type.elements)
    return {
      source: { kind: 'vector', type, elements: factories.map((factory) => factory.source) },
      type,
      name: arrayName(factories),
    }
  }
}

function arrayName(factories: readonly SelectorFactory[]): string {
  return `[${factories.map((factory) => factory.name).join(', ')}]`
}

/** `{a, b}`; `{}` may be an empty map (`Selectable.WithSet`). */
export class SetSelectable implements Selectable {
  readonly #elements: readonly Selectable[]

  constructor(elements: readonly Selectable[]) {
    this.#elements = elements
  }

  get text(): string {
    return `{${this.#elements.map((element) => element.text).join(', ')}}`
  }

  get exactType(): CqlType | null {
    const type = firstExactType(this.#elements)
    return type === null ? null : setType(type, false)
  }

  get knownType(): CqlType | null {
    const type = compatibleTypeOf(this.#elements)
    return type === null ? null : setType(type, false)
  }

  testAssignment(receiver: ColumnSpecification): Assignment {
    const { type } = receiver
    if (type.kind === 'map' && this.#elements.length === 0) return 'WEAK'
    if (type.kind !== 'set') return 'NOT'
    if (this.#elements.length === 0) return 'WEAK'
    return testAll(elementSpecification(receiver, type.elements), this.#elements)
  }

  selects(predicate: (column: ColumnMetadata) => boolean): boolean {
    return this.#elements.some((element) => element.selects(predicate))
  }

  select(scope: SelectionScope, expected: CqlType | null): SelectorFactory {
    const type = this.exactType ?? expected
    if (type === null) throw cannotInfer(this)
    if (type.kind === 'map') return { source: { kind: 'map', type, entries: [] }, type, name: '{}' }
    if (type.kind !== 'set') throw cannotInfer(this)
    if (type.elements.kind === 'duration') {
      throw invalid(`Durations are not allowed inside sets: ${typeName(type)}`)
    }
    const factories = selectAll(this.#elements, scope, type.elements)
    return {
      source: { kind: 'set', type, elements: factories.map((factory) => factory.source) },
      type,
      name: `{${factories.map((factory) => factory.name).join(', ')}}`,
    }
  }
}
