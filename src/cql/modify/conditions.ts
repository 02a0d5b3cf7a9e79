import { InvalidRequestError } from '../../common/errors.ts'
import type { ColumnSpecification } from '../../model/query-result.ts'
import type { ColumnMetadata, TableMetadata } from '../../model/table.ts'
import { referencesDuration } from '../../schema/index.ts'
import { type CqlType, listType, native, unwrapReversed } from '../../types/index.ts'
import type * as raw from '../raw/index.ts'
import { columnSpecification } from '../restrictions/index.ts'
import { elementSpecification, type PrepareContext, part, prepareTerm, type Term } from '../term.ts'
import { existingColumn } from './primary-key.ts'

/** The IF of a conditional modification (`Conditions`). */
export interface PreparedConditions {
  readonly kind: 'ifNotExists' | 'ifExists' | 'columns'
  readonly static: readonly PreparedCondition[]
  readonly regular: readonly PreparedCondition[]
}

export type ConditionOperator = raw.ComparisonOperator | 'CONTAINS' | 'CONTAINS KEY'

/** One condition on a column, on an element of it or on a field (`ColumnCondition`). */
export interface PreparedCondition {
  readonly column: ColumnMetadata
  readonly target: ConditionTarget
  /** That of IN is `=`: one of the values has to be met. */
  readonly operator: ConditionOperator
  readonly isIn: boolean
  /** Several for IN with a list; for `IN ?` one that evaluates to a list. */
  readonly values: readonly Term[]
  readonly isInMarker: boolean
}

export type ConditionTarget =
  | { readonly kind: 'column' }
  | { readonly kind: 'element'; readonly element: Term }
  | { readonly kind: 'field'; readonly field: number }

function invalid(message: string): InvalidRequestError {
  return new InvalidRequestError(message)
}

/** Prepares the IF of a modification; null where it has none. */
export function prepareConditions(
  statement: raw.ModificationStatement,
  table: TableMetadata,
  context: PrepareContext,
): PreparedConditions | null {
  if (statement.kind === 'insert' || statement.kind === 'insertJson') {
    return statement.ifNotExists ? { kind: 'ifNotExists', static: [], regular: [] } : null
  }
  if (statement.ifExists) return { kind: 'ifExists', static: [], regular: [] }
  if (statement.conditions.length === 0) return null
  if (statement.using.timestamp !== null)
    throw invalid('Cannot provide custom timestamp for conditional updates')
  const conditions = statement.conditions.map((condition) => prepareCondition(condition, table, context))
  return {
    kind: 'columns',
    static: conditions.filter(({ column }) => column.kind === 'static'),
    regular: conditions.filter(({ column }) => column.kind !== 'static'),
  }
}

function prepareCondition(
  condition: raw.Condition,
  table: TableMetadata,
  context: PrepareContext,
): PreparedCondition {
  const { target } = condition
  const column = existingColumn(table, target.column)
  const receiver = columnSpecification(table, column)
  const type = unwrapReversed(column.type)
  if (type.kind === 'counter') throw invalid('Conditions on counters are not supported')
  const prepared = prepareTarget(target, condition, receiver, type, context)
  const { name } = column
  if (column.kind === 'partition_key' || column.kind === 'clustering') {
    throw invalid(`PRIMARY KEY column '${name}' cannot have IF conditions`)
  }
  return { column, ...prepared }
}

function prepareTarget(
  target: raw.ConditionTarget,
  condition: raw.Condition,
  receiver: ColumnSpecification,
  type: CqlType,
  context: PrepareContext,
): Omit<PreparedCondition, 'column'> {
  const { name } = receiver
  switch (target.kind) {
    case 'column':
      checkDurations(type, condition)
      return { target: { kind: 'column' }, ...prepareValues(condition, receiver, context) }
    case 'element': {
      if (type.kind !== 'list' && type.kind !== 'map' && type.kind !== 'set') {
        throw invalid(`Invalid element access syntax for non-collection column ${name}`)
      }
      if (type.kind === 'set') throw invalid(`Invalid element access syntax for set column ${name}`)
      const elements = type.kind === 'list' ? type.elements : type.values
      checkDurations(elements, condition)
      const specification =
        type.kind === 'list'
          ? part(receiver, `idx(${name})`, native.int)
          : part(receiver, `key(${name})`, type.keys)
      const element = prepareTerm(target.element, specification, context)
      const values = prepareValues(condition, elementSpecification(receiver, elements), context)
      return { target: { kind: 'element', element }, ...values }
    }
    case 'field': {
      // Cassandra casts to UserType without looking, and answers with the ClassCastException.
      if (type.kind !== 'udt') throw invalid(`Invalid field access syntax for non-UDT column ${name}`)
      const field = type.fieldNames.indexOf(target.field.text)
      if (field < 0) throw invalid(`Unknown field ${target.field.text} for column ${name}`)
      const fieldType = type.fieldTypes[field]!
      checkDurations(fieldType, condition)
      const specification = part(receiver, `${name}.${target.field.text}`, fieldType)
      return { target: { kind: 'field', field }, ...prepareValues(condition, specification, context) }
    }
  }
}

/** `Raw.prepareTerms`. */
function prepareValues(
  condition: raw.Condition,
  receiver: ColumnSpecification,
  context: PrepareContext,
): Omit<PreparedCondition, 'column' | 'target'> {
  const type = unwrapReversed(receiver.type)
  if (condition.kind === 'in') {
    if (!isTerms(condition.values)) {
      const list = part(receiver, `in(${receiver.name})`, listType(type, false))
      const values = [prepareTerm(condition.values, list, context)]
      return { operator: '=', isIn: true, isInMarker: true, values }
    }
    const values = condition.values.map((value) => prepareTerm(value, receiver, context))
    return { operator: '=', isIn: true, isInMarker: false, values }
  }
  const { operator } = condition
  let of = receiver
  if (operator === 'CONTAINS KEY') {
    if (type.kind !== 'map') throw invalid(`Cannot use CONTAINS KEY on non-map column ${receiver.name}`)
    of = part(receiver, `key(${receiver.name})`, type.keys)
  } else if (operator === 'CONTAINS') {
    if (type.kind !== 'list' && type.kind !== 'set' && type.kind !== 'map') {
      throw invalid(`Cannot use CONTAINS on non-collection column ${receiver.name}`)
    }
    of = elementSpecification(receiver, type.kind === 'map' ? type.values : type.elements)
  }
  return { operator, isIn: false, isInMarker: false, values: [prepareTerm(condition.value, of, context)] }
}

function isTerms(values: readonly raw.Term[] | raw.BindMarker): values is readonly raw.Term[] {
  return Array.isArray(values)
}

/** Durations have no order (`validateOperationOnDurations`). */
function checkDurations(type: CqlType, condition: raw.Condition): void {
  if (condition.kind === 'in' || !['<', '<=', '>', '>='].includes(condition.operator)) return
  if (!referencesDuration(type)) return
  switch (unwrapReversed(type).kind) {
    case 'list':
    case 'set':
    case 'map':
      throw invalid('Slice conditions are not supported on collections containing durations')
    case 'tuple':
      throw invalid('Slice conditions are not supported on tuples containing durations')
    case 'udt':
      // A user type is a tuple to Cassandra, which asks for tuples first.
      throw invalid('Slice conditions are not supported on tuples containing durations')
    default:
      throw invalid(`Slice conditions ( ${condition.operator} ) are not supported on durations`)
  }
}
