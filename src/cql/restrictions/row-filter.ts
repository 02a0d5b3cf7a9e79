import { bytesEqual, EMPTY_BYTES, readInt32, writeInt64 } from '../../common/bytes.ts'
import { counterTotal } from '../../model/counter-context.ts'
import type { LiveRow } from '../../model/live-row.ts'
import type { ColumnMetadata } from '../../model/table.ts'
import { type CqlType, native, unwrapReversed } from '../../types/index.ts'
import type { ExecutionContext, Term, Value } from '../term.ts'
import { inTuples, ownedValue, tupleValues } from './bound-values.ts'
import { invalid, type Restriction, type SliceBound } from './restriction.ts'

export type FilterOperator = '=' | '<' | '<=' | '>' | '>=' | 'IN' | 'CONTAINS' | 'CONTAINS KEY' | 'ENTRY'

/** One test of a row (`RowFilter.Expression`): all of a query's must hold. */
export interface FilterExpression {
  readonly column: ColumnMetadata
  /** Of the column's values: never reversed, and bigint for a counter. */
  readonly type: CqlType
  readonly operator: FilterOperator
  /** Several for IN, one otherwise. */
  readonly values: readonly Uint8Array[]
  /** The key of c[key] = value. */
  readonly key: Uint8Array | null
}

function present(value: Value, what: string, column: ColumnMetadata): Uint8Array {
  if (value === null) throw invalid(`Unsupported null ${what} for column ${column.name}`)
  if (value === undefined) throw invalid(`Unsupported unset ${what} for column ${column.name}`)
  return value
}

function expression(
  column: ColumnMetadata,
  operator: FilterOperator,
  values: readonly Uint8Array[],
  key: Uint8Array | null = null,
): FilterExpression {
  const type = unwrapReversed(column.type)
  return { column, type: type.kind === 'counter' ? native.bigint : type, operator, values, key }
}

/** The tests that a restriction stands for where slices do not express it (`Restriction.addToRowFilter`). */
export function filterExpressions(
  restriction: Restriction,
  context: ExecutionContext,
): readonly FilterExpression[] {
  const { columns } = restriction
  switch (restriction.kind) {
    case 'eq': {
      const values = tupleValues(restriction.value, context, restriction.multi) ?? [null]
      return columns.map((column, i) =>
        expression(column, '=', [present(i < values.length ? values[i] : null, 'value', column)]),
      )
    }
    case 'in': {
      if (columns.length > 1) throw invalid('Multicolumn IN filters are not supported')
      const values = inTuples(restriction, context).map((tuple) => tuple[0])
      // A null among the values equals nothing; what is unset is a value without bytes.
      const given = values.map((value) => (value === undefined ? EMPTY_BYTES : value))
      return [
        expression(
          columns[0],
          'IN',
          given.filter((value) => value !== null),
        ),
      ]
    }
    case 'slice': {
      if (restriction.multi) throw invalid('Multi-column slice restrictions cannot be used for filtering.')
      const tests: FilterExpression[] = []
      const add = (bound: SliceBound | null, sign: '<' | '>') => {
        if (bound === null) return
        const value = (tupleValues(bound.value, context, false) ?? [null])[0]
        tests.push(
          expression(columns[0], bound.inclusive ? `${sign}=` : sign, [present(value, 'value', columns[0])]),
        )
      }
      add(restriction.start, '>')
      add(restriction.end, '<')
      return tests
    }
    case 'contains': {
      const column = columns[0]
      const test = (operator: FilterOperator, term: Term) =>
        expression(column, operator, [present(ownedValue(term, context), 'value', column)])
      return [
        ...restriction.values.map((term) => test('CONTAINS', term)),
        ...restriction.keys.map((term) => test('CONTAINS KEY', term)),
        ...restriction.entries.map(([key, value]) => {
          const keyBytes = present(ownedValue(key, context), 'map key', column)
          return expression(
            column,
            'ENTRY',
            [present(ownedValue(value, context), 'map value', column)],
            keyBytes,
          )
        }),
      ]
    }
  }
}

const counterBytes = new Uint8Array(8)

/** Whether bytes pass a test that looks at one value: all but those that look into a multi-cell collection. */
export function valueSatisfies(
  test: FilterExpression,
  bytes: Uint8Array,
  offset: number,
  length: number,
): boolean {
  const { type, values } = test
  switch (test.operator) {
    case 'IN':
      return values.some((value) => type.compare(bytes, offset, length, value, 0, value.length) === 0)
    case 'CONTAINS':
      return frozenContains(type, bytes, offset, values[0])
    case 'CONTAINS KEY':
      return frozenEntry(type, bytes, offset, values[0], null)
    case 'ENTRY':
      return test.key !== null && frozenEntry(type, bytes, offset, test.key, values[0])
    default:
      return ordered(test.operator, type.compare(bytes, offset, length, values[0], 0, values[0].length))
  }
}

function ordered(operator: '=' | '<' | '<=' | '>' | '>=', order: number): boolean {
  switch (operator) {
    case '=':
      return order === 0
    case '<':
      return order < 0
    case '<=':
      return order <= 0
    case '>':
      return order > 0
    case '>=':
      return order >= 0
  }
}

/** Whether a frozen list or set has the element, or a frozen map the value. */
function frozenContains(type: CqlType, bytes: Uint8Array, offset: number, wanted: Uint8Array): boolean {
  if (type.kind !== 'list' && type.kind !== 'set' && type.kind !== 'map') return false
  const elements = type.kind === 'map' ? type.values : type.elements
  const count = readInt32(bytes, offset)
  let at = offset + 4
  for (let i = 0; i < count; i++) {
    if (type.kind === 'map') at += 4 + Math.max(0, readInt32(bytes, at))
    const length = readInt32(bytes, at)
    at += 4
    if (length >= 0 && elements.compare(bytes, at, length, wanted, 0, wanted.length) === 0) return true
    at += Math.max(0, length)
  }
  return false
}

/** Whether a frozen map has the key, and under it the value unless that is null. */
function frozenEntry(
  type: CqlType,
  bytes: Uint8Array,
  offset: number,
  key: Uint8Array,
  value: Uint8Array | null,
): boolean {
  if (type.kind !== 'map') return false
  const count = readInt32(bytes, offset)
  let at = offset + 4
  for (let i = 0; i < count; i++) {
    const keyLength = Math.max(0, readInt32(bytes, at))
    const keyAt = at + 4
    const valueAt = keyAt + keyLength + 4
    const valueLength = Math.max(0, readInt32(bytes, valueAt - 4))
    at = valueAt + valueLength
    if (type.keys.compare(bytes, keyAt, keyLength, key, 0, key.length) !== 0) continue
    return value === null || type.values.compare(bytes, valueAt, valueLength, value, 0, value.length) === 0
  }
  return false
}

/** Whether a row passes a test of one of its static or regular columns. */
export function rowSatisfies(test: FilterExpression, row: LiveRow): boolean {
  const { column } = test
  if (column.type.multiCell) return multiCellSatisfies(test, row)
  if (!row.simple(column.id)) return false
  const { cell } = row
  if (column.type.kind === 'counter') {
    const context = row.u8.subarray(cell.valueOffset, cell.valueOffset + cell.valueLength)
    writeInt64(counterBytes, 0, counterTotal(context))
    return valueSatisfies(test, counterBytes, 0, 8)
  }
  return valueSatisfies(test, row.u8, cell.valueOffset, cell.valueLength)
}

function multiCellSatisfies(test: FilterExpression, row: LiveRow): boolean {
  const { type } = test
  if (type.kind !== 'list' && type.kind !== 'set' && type.kind !== 'map') return false
  const wanted = test.values[0]
  const { cell } = row
  row.complex(test.column.id)
  while (row.nextCell()) {
    const path = test.operator === 'CONTAINS KEY' || (test.operator === 'CONTAINS' && type.kind === 'set')
    if (test.operator === 'ENTRY') {
      const key = test.key
      if (
        key === null ||
        !bytesEqual(row.u8.subarray(cell.pathOffset, cell.pathOffset + cell.pathLength), key)
      )
        continue
      return (
        type.cellValueType.compare(row.u8, cell.valueOffset, cell.valueLength, wanted, 0, wanted.length) === 0
      )
    }
    const order = path
      ? type.nameComparator.compare(row.u8, cell.pathOffset, cell.pathLength, wanted, 0, wanted.length)
      : type.cellValueType.compare(row.u8, cell.valueOffset, cell.valueLength, wanted, 0, wanted.length)
    if (order === 0) return true
  }
  return false
}
