import type { ColumnSpecification } from '../../model/query-result.ts'
import type { ColumnMetadata, TableMetadata } from '../../model/table.ts'
import { type CqlType, listType, maybeQuote, tupleType, unwrapReversed } from '../../types/index.ts'
import { tokenFunction } from '../functions/token.ts'
import type * as raw from '../raw/index.ts'
import { type PrepareContext, part, prepareTerm, type Term, termText, typeName } from '../term.ts'
import { columnSpecification, existingColumn } from './column-specification.ts'
import {
  type InMarker,
  invalid,
  type Restriction,
  type TokenRestriction,
  type TupleTerm,
} from './restriction.ts'

/** A relation as messages show it (`Relation.toCQLString`). */
export function relationText(relation: raw.Relation): string {
  switch (relation.kind) {
    case 'column':
      return `${maybeQuote(relation.column.text)} ${relation.operator} ${termText(relation.value)}`
    case 'columnIn':
      return `${maybeQuote(relation.column.text)} IN ${
        'kind' in relation.values
          ? termText(relation.values)
          : `(${relation.values.map(termText).join(', ')})`
      }`
    case 'isNotNull':
      return `${maybeQuote(relation.column.text)} IS NOT NULL`
    case 'element':
      return `${maybeQuote(relation.column.text)}[${termText(relation.key)}] ${relation.operator} ${termText(relation.value)}`
    case 'token':
      return `token${columnsText(relation.columns)} ${relation.operator} ${termText(relation.value)}`
    case 'multiColumn':
      return `${columnsText(relation.columns)} ${relation.operator} ${termText(relation.value)}`
    case 'multiColumnIn':
      return `${columnsText(relation.columns)} IN ${
        'kind' in relation.values ? '?' : `(${relation.values.map(termText).join(', ')})`
      }`
  }
}

function columnsText(columns: readonly raw.Identifier[]): string {
  return `(${columns.map((column) => maybeQuote(column.text)).join(', ')})`
}

/** Whether values of the type hold durations, which have no order (`AbstractType.referencesDuration`). */
function referencesDuration(type: CqlType): boolean {
  switch (type.kind) {
    case 'duration':
      return true
    case 'list':
    case 'set':
    case 'vector':
      return referencesDuration(type.elements)
    case 'map':
      return referencesDuration(type.keys) || referencesDuration(type.values)
    case 'tuple':
      return type.types.some(referencesDuration)
    case 'udt':
      return type.fieldTypes.some(referencesDuration)
    case 'reversed':
      return referencesDuration(type.base)
    default:
      return false
  }
}

function unsupportedNotEqual(relation: raw.Relation): Error {
  return invalid(`Unsupported "!=" relation: ${relationText(relation)}`)
}

type SingleRelation = Extract<raw.Relation, { readonly kind: 'column' | 'columnIn' | 'element' }>

/** What the values of a relation on one column are for: the column, or an element of its collection. */
function receiverOf(
  relation: SingleRelation,
  table: TableMetadata,
  column: ColumnMetadata,
): ColumnSpecification {
  const type = column.type
  const operator = relation.kind === 'columnIn' ? 'IN' : relation.operator
  const isCollection = type.kind === 'list' || type.kind === 'set' || type.kind === 'map'
  if (operator === 'CONTAINS KEY' && type.kind !== 'map') {
    throw invalid(`Cannot use CONTAINS KEY on non-map column ${column.name}`)
  }
  if (operator === 'CONTAINS' && !isCollection) {
    throw invalid(`Cannot use CONTAINS on non-collection column ${column.name}`)
  }
  if (relation.kind === 'element') {
    if (type.kind === 'list') {
      throw invalid(`Indexes on list entries (${column.name}[index] = value) are not currently supported.`)
    }
    if (type.kind !== 'map') throw invalid(`Column ${column.name} cannot be used as a map`)
    if (!type.multiCell) {
      throw invalid(`Map-entry equality predicates on frozen map column ${column.name} are not supported`)
    }
    if (operator !== '=') throw invalid('Only EQ relations are supported on map entries')
  }
  if (type.kind === 'udt' && type.multiCell) {
    throw invalid(
      `Non-frozen UDT column '${column.name}' (${typeName(type)}) cannot be restricted by any relation`,
    )
  }
  const specification = columnSpecification(table, column)
  if (!isCollection) return specification
  const contains = operator === 'CONTAINS' || operator === 'CONTAINS KEY'
  if (type.multiCell && !contains && relation.kind !== 'element') {
    throw invalid(
      `Collection column '${column.name}' (${typeName(type)}) cannot be restricted by a '${operator}' relation`,
    )
  }
  if (operator === 'CONTAINS KEY' && type.kind === 'map') return keyReceiver(specification, type.keys)
  if (operator === 'CONTAINS' || relation.kind === 'element') {
    return part(specification, `value(${column.name})`, type.kind === 'map' ? type.values : type.elements)
  }
  return specification
}

function keyReceiver(specification: ColumnSpecification, keys: CqlType): ColumnSpecification {
  return part(specification, `key(${specification.name})`, keys)
}

function single(term: Term): TupleTerm {
  return { kind: 'terms', terms: [term] }
}

function prepareMarker(
  marker: raw.BindMarker,
  receiver: ColumnSpecification,
  context: PrepareContext,
): { readonly index: number; readonly receiver: ColumnSpecification } {
  context.markers[marker.index] = receiver
  return { index: marker.index, receiver }
}

/** The restriction that a relation states (`Relation.toRestriction`); token() has a function of its own. */
export function toRestriction(
  relation: Exclude<raw.Relation, { readonly kind: 'token' | 'isNotNull' }>,
  table: TableMetadata,
  context: PrepareContext,
): Restriction {
  switch (relation.kind) {
    case 'column':
      return columnRestriction(relation, table, context)
    case 'columnIn':
      return inRestriction(relation, table, context)
    case 'element': {
      if (relation.operator === '!=') throw unsupportedNotEqual(relation)
      const column = existingColumn(table, relation.column.text)
      const receiver = receiverOf(relation, table, column)
      if (column.type.kind !== 'map') throw invalid(`Column ${column.name} cannot be used as a map`)
      const key = prepareTerm(
        relation.key,
        keyReceiver(columnSpecification(table, column), column.type.keys),
        context,
      )
      const value = prepareTerm(relation.value, receiver, context)
      return {
        kind: 'contains',
        columns: [column],
        multi: false,
        values: [],
        keys: [],
        entries: [[key, value]],
      }
    }
    case 'multiColumn':
    case 'multiColumnIn':
      return multiColumnRestriction(relation, table, context)
  }
}

function columnRestriction(
  relation: Extract<raw.Relation, { readonly kind: 'column' }>,
  table: TableMetadata,
  context: PrepareContext,
): Restriction {
  if (relation.operator === '!=') throw unsupportedNotEqual(relation)
  const column = existingColumn(table, relation.column.text)
  const columns = [column]
  const isSlice = relation.operator !== '=' && ['<', '<=', '>', '>='].includes(relation.operator)
  if (isSlice && referencesDuration(column.type)) {
    switch (unwrapReversed(column.type).kind) {
      case 'list':
      case 'set':
      case 'map':
        throw invalid('Slice restrictions are not supported on collections containing durations')
      case 'tuple':
        throw invalid('Slice restrictions are not supported on tuples containing durations')
      case 'udt':
        // A user type is a tuple to Cassandra's check, which comes first.
        throw invalid('Slice restrictions are not supported on UDTs containing durations')
      default:
        throw invalid('Slice restrictions are not supported on duration columns')
    }
  }
  const term = prepareTerm(relation.value, receiverOf(relation, table, column), context)
  const value = single(term)
  switch (relation.operator) {
    case '=':
    case 'LIKE':
      return { kind: 'eq', columns, multi: false, value }
    case 'CONTAINS':
      return { kind: 'contains', columns, multi: false, values: [term], keys: [], entries: [] }
    case 'CONTAINS KEY':
      return { kind: 'contains', columns, multi: false, values: [], keys: [term], entries: [] }
    default:
      return sliceOf(columns, false, relation.operator, value)
  }
}

function sliceOf(
  columns: readonly ColumnMetadata[],
  multi: boolean,
  operator: '<' | '<=' | '>' | '>=',
  value: TupleTerm,
): Restriction {
  const bound = { value, inclusive: operator === '<=' || operator === '>=' }
  const isStart = operator === '>' || operator === '>='
  return { kind: 'slice', columns, multi, start: isStart ? bound : null, end: isStart ? null : bound }
}

function inRestriction(
  relation: Extract<raw.Relation, { readonly kind: 'columnIn' }>,
  table: TableMetadata,
  context: PrepareContext,
): Restriction {
  const column = existingColumn(table, relation.column.text)
  const receiver = receiverOf(relation, table, column)
  const columns = [column]
  if ('kind' in relation.values) {
    const list = part(receiver, `in(${receiver.name})`, listType(unwrapReversed(receiver.type), false))
    const values: InMarker = { kind: 'inMarker', ...prepareMarker(relation.values, list, context) }
    return { kind: 'in', columns, multi: false, values }
  }
  const terms = relation.values.map((value) => single(prepareTerm(value, receiver, context)))
  // An IN of one value is an equality.
  if (terms.length === 1) return { kind: 'eq', columns, multi: false, value: terms[0] }
  return { kind: 'in', columns, multi: false, values: terms }
}

type MultiRelation = Extract<raw.Relation, { readonly kind: 'multiColumn' | 'multiColumnIn' }>

function multiColumns(relation: MultiRelation, table: TableMetadata): readonly ColumnMetadata[] {
  const columns: ColumnMetadata[] = []
  for (const identifier of relation.columns) {
    const column = existingColumn(table, identifier.text)
    if (column.kind !== 'clustering') {
      throw invalid(
        `Multi-column relations can only be applied to clustering columns but was applied to: ${column.name}`,
      )
    }
    if (columns.includes(column)) {
      throw invalid(`Column "${column.name}" appeared twice in a relation: ${relationText(relation)}`)
    }
    const previous = columns.at(-1)
    if (previous !== undefined && column.position !== previous.position + 1) {
      throw invalid(
        `Clustering columns must appear in the PRIMARY KEY order in multi-column relations: ${relationText(relation)}`,
      )
    }
    columns.push(column)
  }
  return columns
}

function prepareTuple(
  value: raw.TupleLiteral | raw.BindMarker,
  receivers: readonly ColumnSpecification[],
  context: PrepareContext,
): TupleTerm {
  if (value.kind === 'bindMarker') {
    const name = `(${receivers.map((receiver) => receiver.name).join(',')})`
    return { kind: 'marker', ...prepareMarker(value, part(receivers[0], name, tupleOf(receivers)), context) }
  }
  if (value.elements.length !== receivers.length) {
    throw invalid(
      `Expected ${receivers.length} elements in value tuple, but got ${value.elements.length}: ${termText(value)}`,
    )
  }
  return {
    kind: 'terms',
    terms: value.elements.map((element, i) => prepareTerm(element, receivers[i], context)),
  }
}

function tupleOf(receivers: readonly ColumnSpecification[]): CqlType {
  return tupleType(receivers.map((receiver) => unwrapReversed(receiver.type)))
}

function multiColumnRestriction(
  relation: MultiRelation,
  table: TableMetadata,
  context: PrepareContext,
): Restriction {
  if (relation.kind === 'multiColumn' && relation.operator === '!=') throw unsupportedNotEqual(relation)
  const columns = multiColumns(relation, table)
  const receivers = columns.map((column) => columnSpecification(table, column))
  if (relation.kind === 'multiColumn') {
    const value = prepareTuple(relation.value, receivers, context)
    if (relation.operator === '=') return { kind: 'eq', columns, multi: true, value }
    if (relation.operator === '!=') throw unsupportedNotEqual(relation)
    return sliceOf(columns, true, relation.operator, value)
  }
  if ('kind' in relation.values) {
    const name = `in(${receivers.map((receiver) => receiver.name).join(',')})`
    const list = part(receivers[0], name, listType(tupleOf(receivers), false))
    return {
      kind: 'in',
      columns,
      multi: true,
      values: { kind: 'inMarker', ...prepareMarker(relation.values, list, context) },
    }
  }
  const values = relation.values.map((value) => prepareTuple(value, receivers, context))
  if (values.length === 1) return { kind: 'eq', columns, multi: true, value: values[0] }
  return { kind: 'in', columns, multi: true, values }
}

/** The restriction of the partition key's token (`TokenRelation`). */
export function toTokenRestriction(
  relation: Extract<raw.Relation, { readonly kind: 'token' }>,
  table: TableMetadata,
  context: PrepareContext,
): TokenRestriction {
  if (relation.operator === '!=') throw unsupportedNotEqual(relation)
  const columns = relation.columns.map((column) => existingColumn(table, column.text))
  const keys = table.partitionKeys
  if (columns.length !== keys.length || columns.some((column, i) => column !== keys[i])) {
    if (!keys.every((key) => columns.includes(key))) {
      throw invalid('The token() function must be applied to all partition key components or none of them')
    }
    const duplicate = new Set(columns).size !== columns.length
    if (duplicate) throw invalid('The token() function contains duplicate partition key components')
    if (!columns.every((column) => keys.includes(column))) {
      throw invalid('The token() function must contains only partition key components')
    }
    throw invalid(
      `The token function arguments must be in the partition key order: ${keys.map((key) => key.name).join(', ')}`,
    )
  }
  const receiver: ColumnSpecification = {
    keyspace: table.keyspace,
    table: table.name,
    name: 'partition key token',
    type: tokenFunction(table).returnType,
  }
  const value = prepareTerm(relation.value, receiver, context)
  if (relation.operator === '=') return { columns, equal: value, start: null, end: null }
  const bound = { value, inclusive: relation.operator === '<=' || relation.operator === '>=' }
  return relation.operator === '>' || relation.operator === '>='
    ? { columns, equal: null, start: bound, end: null }
    : { columns, equal: null, start: null, end: bound }
}
