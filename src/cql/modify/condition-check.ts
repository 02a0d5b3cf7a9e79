import { readInt32 } from '../../common/bytes.ts'
import { InvalidRequestError } from '../../common/errors.ts'
import { NULL_LENGTH, UNSET_LENGTH } from '../../model/query-options.ts'
import {
  type CollectionType,
  type CqlType,
  compareValues,
  packUserTypeCells,
  sortMapEntries,
  sortSetElements,
  unpackElements,
  unpackList,
  unpackMap,
  unpackSet,
  unpackTuple,
  unwrapReversed,
} from '../../types/index.ts'
import { type ExecutionContext, evaluate, marshal, type Value, validateValue } from '../term.ts'
import type { ConditionOperator, PreparedCondition } from './conditions.ts'
import type { RowSnapshot } from './operations.ts'

/** A condition with its values (`ColumnCondition.Bound`). */
export interface BoundCondition {
  readonly condition: PreparedCondition
  readonly values: readonly Value[]
  /** Key or index of the element that is looked at. */
  readonly element: Value
}

function invalid(message: string): InvalidRequestError {
  return new InvalidRequestError(message)
}

const EMPTY = new Uint8Array(0)

const UNSET = "Invalid 'unset' value in condition"

/** Binds the values of a condition. */
export function bindCondition(condition: PreparedCondition, context: ExecutionContext): BoundCondition {
  const { target } = condition
  const element = target.kind === 'element' ? evaluate(target.element, context) : null
  return { condition, values: bindValues(condition, context), element }
}

function bindValues(condition: PreparedCondition, context: ExecutionContext): readonly Value[] {
  if (!condition.isIn) {
    const value = evaluate(condition.values[0]!, context)
    const contains = condition.operator === 'CONTAINS' || condition.operator === 'CONTAINS KEY'
    // Cassandra looks for an unset value as for an empty one.
    return [value === undefined && contains ? EMPTY : value]
  }
  // An unset element is as if it were not in the list.
  if (!condition.isInMarker) {
    return condition.values.map((value) => evaluate(value, context)).filter((value) => value !== undefined)
  }
  const list = condition.values[0]!
  if (list.kind !== 'marker') return []
  const { buffer, offsets, lengths } = context.values
  const length = lengths[list.index]!
  if (length === NULL_LENGTH) throw invalid('Invalid null list in IN condition')
  if (length === UNSET_LENGTH) throw invalid(UNSET)
  const { type } = list.receiver
  if (type.kind !== 'list') throw invalid(`Invalid list for ${list.receiver.name}`)
  const offset = offsets[list.index]!
  try {
    // Other than in a list that is stored, elements may be null here.
    const elements = unpackElements(buffer.slice(offset, offset + length))
    for (const element of elements)
      if (element !== null) validateValue(type.elements, element, 0, element.length)
    return elements
  } catch (error) {
    throw marshal(error)
  }
}

/** Whether a row, null where there is none, meets a condition. */
export function meetsCondition(bound: BoundCondition, row: RowSnapshot | null): boolean {
  const { condition, values } = bound
  const { column, operator, target } = condition
  const type = unwrapReversed(column.type)
  switch (target.kind) {
    case 'element': {
      const [elementType, current] = elementOf(bound, type, row)
      return values.some((value) => compares(operator, elementType, value, current))
    }
    case 'field': {
      if (type.kind !== 'udt') return false
      const current = fieldOf(condition, target.field, row)
      return values.some((value) => compares(operator, type.fieldTypes[target.field]!, value, current))
    }
    case 'column': {
      if (type.multiCell && (type.kind === 'list' || type.kind === 'set' || type.kind === 'map')) {
        return values.some((value) => collectionCompares(type, bound, value, row))
      }
      let current = row === null ? null : row.simple(column)
      if (type.multiCell && type.kind === 'udt') {
        const cells = row?.complex(column) ?? []
        current = cells.length === 0 ? null : packUserTypeCells(type, cells)
      }
      return values.some((value) => compares(operator, type, value, current))
    }
  }
}

/** `Bound.compareWithOperator`. */
function compares(
  operator: ConditionOperator,
  type: CqlType,
  value: Value,
  current: Uint8Array | null,
): boolean {
  if (value === undefined) throw invalid(UNSET)
  if (value === null) {
    if (operator === '=') return current === null
    if (operator === '!=') return current !== null
    throw invalid(`Invalid comparison with null for operator "${operator}"`)
  }
  if (current === null) return operator === '!='
  if (operator === 'CONTAINS' || operator === 'CONTAINS KEY')
    return frozenContains(operator, type, value, current)
  return holds(operator, compareValues(type, current, value))
}

function holds(operator: ConditionOperator, order: number): boolean {
  switch (operator) {
    case '=':
      return order === 0
    case '!=':
      return order !== 0
    case '<':
      return order < 0
    case '<=':
      return order <= 0
    case '>':
      return order > 0
    case '>=':
      return order >= 0
    default:
      return false
  }
}

function frozenContains(
  operator: ConditionOperator,
  type: CqlType,
  value: Uint8Array,
  current: Uint8Array,
): boolean {
  const isIn = (elements: readonly (Uint8Array | null)[], elementType: CqlType) =>
    elements.some((element) => element !== null && compareValues(elementType, element, value) === 0)
  switch (type.kind) {
    case 'list':
      return isIn(unpackList(current), type.elements)
    case 'set':
      return isIn(unpackSet(current), type.elements)
    case 'map': {
      const entries = unpackMap(current)
      return operator === 'CONTAINS KEY'
        ? isIn(
            entries.map(([key]) => key),
            type.keys,
          )
        : isIn(
            entries.map(([, element]) => element),
            type.values,
          )
    }
    default:
      return false
  }
}

/** Type and value of the element that a condition looks at. */
function elementOf(
  { condition, element }: BoundCondition,
  type: CqlType,
  row: RowSnapshot | null,
): readonly [CqlType, Uint8Array | null] {
  const { column } = condition
  const what = type.kind === 'map' ? 'map' : 'list'
  if (element === null) throw invalid(`Invalid null value for ${what} element access`)
  if (type.kind === 'map') {
    // As in Cassandra an unset key is an empty one.
    const wanted = element ?? EMPTY
    const entries: readonly (readonly [Uint8Array, Uint8Array])[] = type.multiCell
      ? (row?.complex(column) ?? []).map(({ path, value }) => [path, value] as const)
      : unpackMap(row?.simple(column) ?? new Uint8Array(4))
    const found = entries.find(([key]) => compareValues(type.keys, key, wanted) === 0)
    return [type.values, found === undefined ? null : found[1]]
  }
  if (type.kind !== 'list')
    throw invalid(`Invalid element access syntax for non-collection column ${column.name}`)
  if (element === undefined) throw invalid('Invalid unset value for list element access')
  const index = readInt32(element, 0)
  const elements: readonly (Uint8Array | null)[] = type.multiCell
    ? (row?.complex(column) ?? []).map(({ value }) => value)
    : unpackList(row?.simple(column) ?? new Uint8Array(4))
  if (index < 0 && (type.multiCell || row?.simple(column) != null))
    throw invalid(`Invalid negative list index ${index}`)
  return [type.elements, elements[index] ?? null]
}

function fieldOf(condition: PreparedCondition, field: number, row: RowSnapshot | null): Uint8Array | null {
  const { column } = condition
  const type = unwrapReversed(column.type)
  if (row === null || type.kind !== 'udt') return null
  if (type.multiCell) {
    const cell = row.complex(column).find(({ path }) => ((path[0]! << 8) | path[1]!) === field)
    return cell === undefined ? null : cell.value
  }
  const value = row.simple(column)
  return value === null ? null : (unpackTuple(type, value)[field] ?? null)
}

/** `MultiCellCollectionBound`: against the cells, where an empty collection and null are the same. */
function collectionCompares(
  type: CollectionType,
  { condition }: BoundCondition,
  value: Value,
  row: RowSnapshot | null,
): boolean {
  const { column, operator } = condition
  const cells = row?.complex(column) ?? []
  if (value === undefined) throw invalid(UNSET)
  const contains = operator === 'CONTAINS' || operator === 'CONTAINS KEY'
  if (value === null || (!contains && unpackElementsCount(value) === 0)) {
    if (operator === '=') return cells.length === 0
    if (operator === '!=') return cells.length > 0
    throw invalid(
      value === null
        ? `Invalid comparison with null for operator "${operator}"`
        : `Invalid comparison with an empty ${type.kind} for operator "${operator}"`,
    )
  }
  if (contains) {
    const byPath = type.kind === 'set' || operator === 'CONTAINS KEY'
    const of = type.kind === 'map' ? (byPath ? type.keys : type.values) : type.elements
    return cells.some((cell) => compareValues(of, byPath ? cell.path : cell.value, value) === 0)
  }
  if (cells.length === 0) return operator === '!='
  return holds(operator, orderOfCells(type, cells, value))
}

function unpackElementsCount(value: Uint8Array): number {
  return value.length < 4 ? 0 : readInt32(value, 0)
}

/** Order of the cells against a value, element by element. */
function orderOfCells(
  type: CollectionType,
  cells: readonly { readonly path: Uint8Array; readonly value: Uint8Array }[],
  value: Uint8Array,
): number {
  let wanted: readonly (readonly (Uint8Array | null)[])[]
  let types: readonly CqlType[]
  let parts: (cell: { readonly path: Uint8Array; readonly value: Uint8Array }) => readonly Uint8Array[]
  switch (type.kind) {
    case 'list':
      wanted = unpackList(value).map((element) => [element])
      types = [type.elements]
      parts = (cell) => [cell.value]
      break
    case 'set':
      wanted = sortSetElements(type, unpackSet(value)).map((element) => [element])
      types = [type.elements]
      parts = (cell) => [cell.path]
      break
    case 'map':
      wanted = sortMapEntries(type, unpackMap(value))
      types = [type.keys, type.values]
      parts = (cell) => [cell.path, cell.value]
      break
  }
  for (const [index, cell] of cells.entries()) {
    const other = wanted[index]
    if (other === undefined) return 1
    for (const [which, current] of parts(cell).entries()) {
      const order = compareValues(types[which]!, current, other[which] ?? new Uint8Array(0))
      if (order !== 0) return order
    }
  }
  return cells.length < wanted.length ? -1 : 0
}
