import type { ColumnSpecification } from '../../../model/query-result.ts'
import type { ColumnMetadata } from '../../../model/table.ts'
import type { CqlType, MapType, UserType } from '../../../types/index.ts'
import type { Assignment } from '../../functions/function.ts'
import type * as raw from '../../raw/index.ts'
import { invalid } from '../../restrictions/index.ts'
import { elementSpecification, part, typeName } from '../../term.ts'
import { cannotInfer, type Selectable, type SelectionScope, type SelectorFactory } from '../selectable.ts'

type Prepare = (selectable: raw.Selectable) => Selectable

/**
 * `{a: b}`: a map, or a user type where one is wanted, whose fields look like columns (`Selectable.WithMapOrUdt`).
 * What is in it gets prepared when it is known which of the two it is.
 */
export class MapSelectable implements Selectable {
  readonly #entries: readonly (readonly [raw.Selectable, raw.Selectable])[]
  readonly #prepare: Prepare

  constructor(entries: readonly (readonly [raw.Selectable, raw.Selectable])[], prepare: Prepare) {
    this.#entries = entries
    this.#prepare = prepare
  }

  get text(): string {
    const entries = this.#entries.map(([key, value]) => {
      const keyText = key.kind === 'column' ? key.name.text : this.#prepare(key).text
      return `${keyText}: ${this.#prepare(value).text}`
    })
    return `{${entries.join(', ')}}`
  }

  /** A type has to be asked for. */
  get exactType(): null {
    return null
  }

  get knownType(): null {
    return null
  }

  testAssignment(receiver: ColumnSpecification): Assignment {
    const { type } = receiver
    if (type.kind === 'udt') return this.#testFields(receiver, type)
    if (type.kind !== 'map') return 'NOT'
    const keys = part(receiver, `key(${receiver.name})`, type.keys)
    const values = elementSpecification(receiver, type.values)
    let result: Assignment = 'EXACT'
    for (const [rawKey, rawValue] of this.#entries) {
      const key = this.#prepare(rawKey)
      const value = this.#prepare(rawValue)
      const tested = [key.testAssignment(keys), value.testAssignment(values)]
      if (tested.includes('NOT')) return 'NOT'
      if (tested.includes('WEAK')) result = 'WEAK'
    }
    return result
  }

  #testFields(receiver: ColumnSpecification, type: UserType): Assignment {
    for (const [index, value] of this.#fieldsOf(type)) {
      const field = part(receiver, `${receiver.name}.${type.fieldNames[index]}`, type.fieldTypes[index])
      if (this.#prepare(value).testAssignment(field) === 'NOT') return 'NOT'
    }
    return 'WEAK'
  }

  /** The values by the fields' positions, in the order in which they are given, the last of each. */
  #fieldsOf(type: UserType): ReadonlyMap<number, raw.Selectable> {
    const fields = new Map<number, raw.Selectable>()
    for (const [key, value] of this.#entries) {
      if (key.kind !== 'column') {
        throw invalid(`${this.#prepare(key).text} is not a valid field identifier of type ${type.name} `)
      }
      const index = type.fieldNames.indexOf(key.name.text)
      if (index < 0) {
        throw invalid(`Unknown field '${key.name.text}' in value of user defined type ${type.name}`)
      }
      fields.set(index, value)
    }
    return fields
  }

  selects(predicate: (column: ColumnMetadata) => boolean): boolean {
    for (const [key, value] of this.#entries) {
      if (key.kind !== 'column' && this.#prepare(key).selects(predicate)) return true
      // So it is in Cassandra: a value that looks at none such column counts.
      if (!this.#prepare(value).selects(predicate)) return true
    }
    return false
  }

  select(scope: SelectionScope, expected: CqlType | null): SelectorFactory {
    if (expected?.kind === 'udt') return this.#selectUserType(scope, expected)
    if (expected?.kind !== 'map') throw cannotInfer(this)
    return this.#selectMap(scope, expected)
  }

  #selectMap(scope: SelectionScope, type: MapType): SelectorFactory {
    if (type.keys.kind === 'duration') {
      throw invalid(`Durations are not allowed as map keys: ${typeName(type)}`)
    }
    const prepared = this.#entries.map(([key, value]) => [this.#prepare(key), this.#prepare(value)] as const)
    const factories = prepared.map(
      ([key, value]) => [key.select(scope, type.keys), value.select(scope, type.values)] as const,
    )
    return {
      source: {
        kind: 'map',
        type,
        entries: factories.map(([key, value]) => [key.source, value.source]),
      },
      type,
      name: `{${factories.map(([key, value]) => `${key.name}: ${value.name}`).join(', ')}}`,
    }
  }

  #selectUserType(scope: SelectionScope, type: UserType): SelectorFactory {
    const factories = new Map<number, SelectorFactory>()
    for (const [index, value] of this.#fieldsOf(type)) {
      factories.set(index, this.#prepare(value).select(scope, type.fieldTypes[index]))
    }
    const names = [...factories].map(([index, factory]) => `${type.fieldNames[index]}: ${factory.name}`)
    return {
      source: {
        kind: 'tuple',
        elements: type.fieldNames.map((_, index) => factories.get(index)?.source ?? null),
      },
      type,
      name: `{${names.join(', ')}}`,
    }
  }
}
