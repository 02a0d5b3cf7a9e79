import type { ColumnMetadata } from '../../model/table.ts'
import {
  type CqlType,
  isNullWhenEmpty,
  unpackElements,
  unpackTuple,
  unwrapReversed,
} from '../../types/index.ts'
import {
  canonical,
  type ExecutionContext,
  evaluate,
  marshal,
  type Term,
  type Value,
  validateValue,
} from '../term.ts'
import {
  type EqRestriction,
  type InMarker,
  type InRestriction,
  invalid,
  type TupleTerm,
} from './restriction.ts'

/** A copy of bound bytes: the values of a request are gone after its turn. */
export function copyOf(source: Uint8Array, offset: number, length: number): Uint8Array {
  const copy = new Uint8Array(length)
  if (length > 64) copy.set(source.subarray(offset, offset + length))
  else for (let i = 0; i < length; i++) copy[i] = source[offset + i]
  return copy
}

function isCollection(type: CqlType): boolean {
  return type.kind === 'list' || type.kind === 'set' || type.kind === 'map'
}

/** The value of a term, to keep. */
export function ownedValue(term: Term, context: ExecutionContext): Value {
  if (term.kind === 'constant') return term.value
  if (term.kind !== 'marker') {
    const value = evaluate(term, context)
    return value instanceof Uint8Array ? copyOf(value, 0, value.length) : value
  }
  const { values } = context
  const length = values.lengths[term.index]
  if (length < 0) return length === -1 ? null : undefined
  const offset = values.offsets[term.index]
  const type = unwrapReversed(term.receiver.type)
  validateValue(type, values.buffer, offset, length)
  if (isCollection(term.receiver.type)) {
    // Sets and maps may come in any order, and are kept in theirs; but those of a DESC column stay as they came.
    return Uint8Array.from(canonical(type, values.buffer.subarray(offset, offset + length)))
  }
  return copyOf(values.buffer, offset, length)
}

/** The elements of a list that was bound to `IN ?`; nulls pass here. */
function inElements(
  marker: InMarker,
  context: ExecutionContext,
): readonly (Uint8Array | null)[] | null | undefined {
  const { values } = context
  const length = values.lengths[marker.index]
  if (length < 0) return length === -1 ? null : undefined
  const type = marker.receiver.type
  if (type.kind !== 'list') throw invalid(`Invalid list for ${marker.receiver.name}`)
  try {
    const elements = unpackElements(copyOf(values.buffer, values.offsets[marker.index], length))
    for (const element of elements) {
      if (element !== null) validateValue(type.elements, element, 0, element.length)
    }
    if (!isCollection(type.elements)) return elements
    return elements.map((element) => (element === null ? null : canonical(type.elements, element)))
  } catch (error) {
    throw marshal(error)
  }
}

function split(type: CqlType, bytes: Uint8Array): readonly (Uint8Array | null)[] {
  if (type.kind !== 'tuple') throw invalid('Invalid tuple')
  try {
    return unpackTuple(type, bytes)
  } catch (error) {
    throw marshal(error)
  }
}

/** The values of a tuple, possibly fewer than the columns when a shorter tuple was bound; null where nothing was. */
export function tupleValues(
  value: TupleTerm,
  context: ExecutionContext,
  multi: boolean,
): readonly Value[] | null {
  if (value.kind === 'terms') {
    return value.terms.map((term, index) => {
      const bytes = ownedValue(term, context)
      if (multi && bytes === undefined) throw invalid(`Invalid unset value for tuple field number ${index}`)
      return bytes
    })
  }
  const { values } = context
  const length = values.lengths[value.index]
  if (length < -1) throw invalid(`Invalid unset value for tuple ${value.receiver.name}`)
  if (length < 0) return null
  const bytes = copyOf(values.buffer, values.offsets[value.index], length)
  return split(value.receiver.type, bytes)
}

/** The values of an equality, none of them null. */
export function equalValues(restriction: EqRestriction, context: ExecutionContext): readonly Uint8Array[] {
  const values = tupleValues(restriction.value, context, restriction.multi)
  if (values === null) throw invalid(`Invalid null value for column ${restriction.columns[0].name}`)
  return values.map((value, i) => {
    const { name } = restriction.columns[i]
    if (value === null)
      throw invalid(`Invalid null value ${restriction.multi ? '' : 'in condition '}for column ${name}`)
    if (value === undefined) throw invalid(`Invalid unset value for column ${name}`)
    return value
  })
}

/** The value tuples of an IN as they were given, nulls included. */
export function inTuples(
  restriction: InRestriction,
  context: ExecutionContext,
): readonly (readonly Value[])[] {
  const { columns, multi, values } = restriction
  if (!('kind' in values)) return values.map((value) => tupleValues(value, context, multi) ?? [null])
  const elements = inElements(values, context)
  if (elements === null) {
    throw invalid(
      multi ? 'Invalid null value for IN restriction' : `Invalid null value for column ${columns[0].name}`,
    )
  }
  if (elements === undefined) {
    throw invalid(`Invalid unset value for ${multi ? values.receiver.name : `column ${columns[0].name}`}`)
  }
  const { type } = values.receiver
  if (!multi) {
    // An empty value is null to most types when a list is taken apart (`Lists.Value.fromSerialized`).
    const isNull = type.kind === 'list' && isNullWhenEmpty(unwrapReversed(type.elements))
    return elements.map((element) => [isNull && element?.length === 0 ? null : element])
  }
  return elements.map((element) =>
    element === null || type.kind !== 'list' ? [null] : split(type.elements, element),
  )
}

/** The value tuples of an IN, none of them null. */
export function inValues(
  restriction: InRestriction,
  context: ExecutionContext,
): readonly (readonly Uint8Array[])[] {
  const { columns, multi } = restriction
  return inTuples(restriction, context).map((tuple) =>
    tuple.map((value) => {
      if (value === null) {
        throw invalid(
          multi
            ? `Invalid null value in condition for columns: ${namesOf(columns)}`
            : `Invalid null value in condition for column ${columns[0].name}`,
        )
      }
      if (value === undefined) throw invalid(`Invalid unset value for column ${columns[0].name}`)
      return value
    }),
  )
}

function namesOf(columns: readonly ColumnMetadata[]): string {
  return `[${columns.map((column) => column.name).join(', ')}]`
}
