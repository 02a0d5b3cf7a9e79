import { InvalidRequestError } from '../../common/errors.ts'
import { murmur3Token } from '../../common/murmur3.ts'
import type { ClusteringBound, Slice } from '../../model/clustering.ts'
import type { ColumnSpecification } from '../../model/query-result.ts'
import type { DecoratedKey } from '../../model/read-command.ts'
import type { ColumnMetadata, TableMetadata } from '../../model/table.ts'
import type * as raw from '../raw/index.ts'
import { evaluate, type ExecutionContext, part, type PrepareContext, prepareTerm, type Term } from '../term.ts'
import { listType, tupleType, unpackList, unpackTuple, unwrapReversed } from '../../types/index.ts'
import { specificationOf } from './operations.ts'

/**
 * The WHERE clause of INSERT, UPDATE and DELETE: which partitions and which rows, or ranges of rows, a modification
 * writes (`StatementRestrictions` for statements other than SELECT).
 */
export interface PrimaryKeyRestrictions {
  readonly table: TableMetadata
  /** One a partition key column. */
  readonly partition: readonly ColumnRestriction[]
  /** Equalities on a prefix of the clustering columns. */
  readonly clustering: readonly ColumnRestriction[]
  /** `(c1, c2) = ...` or `IN`, in place of `clustering`. */
  readonly tuples: TupleRestriction | null
  /** Of a DELETE: a range of rows behind the prefix. */
  readonly start: BoundRestriction | null
  readonly end: BoundRestriction | null
  /** Whether any clustering column is named. */
  readonly restrictsClustering: boolean
  /** Every key column has an equality with one bind marker or constant: the hot path. */
  readonly simple: boolean
  readonly hasPartitionIn: boolean
  readonly hasClusteringIn: boolean
}

export type ColumnRestriction =
  | { readonly kind: 'eq'; readonly column: ColumnMetadata; readonly value: Term }
  | { readonly kind: 'in'; readonly column: ColumnMetadata; readonly values: readonly Term[] }
  | { readonly kind: 'inMarker'; readonly column: ColumnMetadata; readonly values: Term }

export interface TupleRestriction {
  readonly columns: readonly ColumnMetadata[]
  /** A row of terms each, or terms that evaluate to tuples, or one that evaluates to a list of tuples. */
  readonly rows: readonly (readonly Term[] | Term)[] | null
  readonly marker: Term | null
}

export interface BoundRestriction {
  readonly columns: readonly ColumnMetadata[]
  readonly values: readonly Term[] | Term
  readonly inclusive: boolean
}

function invalid(message: string): InvalidRequestError {
  return new InvalidRequestError(message)
}

type Statement = 'INSERT' | 'UPDATE' | 'DELETE'

/** The column, or Cassandra's complaint that there is none. */
export function existingColumn(table: TableMetadata, name: raw.Identifier): ColumnMetadata {
  const column = table.columns.get(name.text)
  if (column === undefined) {
    throw invalid(`Undefined column name ${identifierText(name)} in table ${table.keyspace}.${table.name}`)
  }
  return column
}

/** An identifier as messages show it: in quotes only when it needs them. */
export function identifierText(name: raw.Identifier): string {
  return /^[a-z][a-z0-9_]*$/.test(name.text) ? name.text : `"${name.text.replaceAll('"', '""')}"`
}

/** Prepares the relations of a WHERE clause, or those an INSERT implies. */
export function preparePrimaryKey(
  table: TableMetadata,
  relations: readonly raw.Relation[],
  statement: Statement,
  onlyStatics: boolean,
  context: PrepareContext,
): PrimaryKeyRestrictions {
  const single = new Map<string, ColumnRestriction>()
  const bounds = { start: null as BoundRestriction | null, end: null as BoundRestriction | null }
  let tuples: TupleRestriction | null = null
  const others: string[] = []

  const addBound = (columns: readonly ColumnMetadata[], operator: string, values: readonly Term[] | Term): void => {
    const isStart = operator === '>' || operator === '>='
    const side = isStart ? 'start' : 'end'
    if (bounds[side] !== null) {
      throw invalid(
        `More than one restriction was found for the ${side} bound on ${columns.map((c) => c.name).join(', ')}`,
      )
    }
    bounds[side] = { columns, values, inclusive: operator.endsWith('=') }
  }
  const put = (restriction: ColumnRestriction): void => {
    const name = restriction.column.name
    if (single.has(name)) {
      throw invalid(
        `${name} cannot be restricted by more than one relation if it includes ${restriction.kind === 'eq' ? 'an Equal' : 'a IN'}`,
      )
    }
    single.set(name, restriction)
  }

  for (const relation of relations) {
    switch (relation.kind) {
      case 'column': {
        const column = existingColumn(table, relation.column)
        const receiver = specificationOf(table, column)
        if (column.kind === 'static' || column.kind === 'regular') {
          prepareTerm(relation.value, receiver, context)
          others.push(column.name)
          break
        }
        if (relation.operator === '=') {
          put({ kind: 'eq', column, value: prepareTerm(relation.value, receiver, context) })
        } else if (['<', '<=', '>', '>='].includes(relation.operator)) {
          const value = prepareTerm(relation.value, receiver, context)
          if (column.kind === 'partition_key') {
            throw invalid(
              `Only EQ and IN relation are supported on the partition key (unless you use the token() function) for ${statement} statements`,
            )
          }
          if (statement !== 'DELETE') {
            throw invalid(`Slice restrictions are not supported on the clustering columns in ${statement} statements`)
          }
          const reversedType = column.type.kind === 'reversed'
          addBound([column], reversedType ? flip(relation.operator) : relation.operator, [value])
        } else if (relation.operator === '!=') {
          throw invalid(`Unsupported "!=" relation: ${relation.column.text} != ${textOf(relation.value)}`)
        } else {
          throw invalid(
            `${column.kind === 'partition_key' ? 'Partition key' : 'Clustering'} column "${column.name}" cannot be restricted by a ${relation.operator} relation`,
          )
        }
        break
      }
      case 'columnIn': {
        const column = existingColumn(table, relation.column)
        const receiver = specificationOf(table, column)
        if (column.kind === 'static' || column.kind === 'regular') {
          others.push(column.name)
        }
        if (Array.isArray(relation.values)) {
          const values = (relation.values as readonly raw.Term[]).map((value) => prepareTerm(value, receiver, context))
          if (others.length === 0) put(values.length === 1 ? { kind: 'eq', column, value: values[0]! } : { kind: 'in', column, values })
        } else {
          const list = part(receiver, `in(${column.name})`, listType(unwrapReversed(column.type), false))
          const values = prepareTerm(relation.values as raw.BindMarker, list, context)
          if (others.length === 0) put({ kind: 'inMarker', column, values })
        }
        break
      }
      case 'multiColumn':
      case 'multiColumnIn': {
        const columns = relation.columns.map((name) => existingColumn(table, name))
        for (const [index, column] of columns.entries()) {
          if (column.kind !== 'clustering') {
            throw invalid(
              `Multi-column relations can only be applied to clustering columns but was applied to: ${column.name}`,
            )
          }
          if (index > 0 && column.position !== columns[index - 1]!.position + 1) {
            throw invalid(
              `Clustering columns must appear in the PRIMARY KEY order in multi-column relations: ${tupleText(relation.columns)}`,
            )
          }
        }
        const receivers = columns.map((column) => specificationOf(table, column))
        if (relation.kind === 'multiColumn') {
          const values = prepareTuple(relation.value, receivers, context, '')
          if (relation.operator === '=') tuples = { columns, rows: [values], marker: null }
          else if (relation.operator === '!=') throw invalid(`Unsupported "!=" relation: ${tupleText(relation.columns)}`)
          else {
            if (statement !== 'DELETE') {
              throw invalid(`Slice restrictions are not supported on the clustering columns in ${statement} statements`)
            }
            const isReversed = columns[0]!.type.kind === 'reversed'
            addBound(columns, isReversed ? flip(relation.operator) : relation.operator, values)
          }
        } else if (Array.isArray(relation.values)) {
          const rows = (relation.values as readonly (raw.TupleLiteral | raw.BindMarker)[]).map((value) =>
            prepareTuple(value, receivers, context, ''),
          )
          tuples = { columns, rows, marker: null }
        } else {
          const type = tupleType(receivers.map((r) => unwrapReversed(r.type)))
          const name = `in(${columns.map((c) => c.name).join(',')})`
          const marker = prepareTerm(relation.values as raw.BindMarker, part(receivers[0]!, name, listType(type, false)), context)
          tuples = { columns, rows: null, marker }
        }
        break
      }
      case 'token':
        throw invalid(`The token function cannot be used in WHERE clauses for ${statement} statements`)
      case 'isNotNull':
        throw invalid(`Unsupported restriction: ${relation.column.text} IS NOT NULL`)
      case 'element': {
        others.push(existingColumn(table, relation.column).name)
        break
      }
    }
  }

  const missing = table.partitionKeys.filter((column) => !single.has(column.name))
  if (missing.length > 0) {
    throw invalid(`Some partition key parts are missing: ${missing.map((column) => column.name).join(', ')}`)
  }
  const clusteringNames = table.clusterings.filter((column) => single.has(column.name))
  const restrictsClustering =
    clusteringNames.length > 0 || tuples !== null || bounds.start !== null || bounds.end !== null
  if (restrictsClustering && onlyStatics) {
    throw invalid(
      `Invalid restrictions on clustering columns since the ${statement} statement modifies only static columns`,
    )
  }
  if (others.length > 0) {
    throw invalid(`Non PRIMARY KEY columns found in where clause: ${others.join(', ')} `)
  }
  const prefix = contiguous(table, single)
  const boundColumns = bounds.start?.columns ?? bounds.end?.columns ?? []
  if (tuples !== null && (prefix.length > 0 && tuples.columns[0]!.position !== prefix.length)) {
    throw invalid(
      `PRIMARY KEY column "${tuples.columns[0]!.name}" cannot be restricted (preceding column "${table.clusterings[prefix.length]?.name}" is restricted by a non-EQ relation)`,
    )
  }
  const covered = prefix.length + (tuples?.columns.length ?? 0)
  if (boundColumns.length > 0 && boundColumns[0]!.position > covered) {
    throw gap(boundColumns[0]!, table.clusterings[covered]!)
  }
  if (statement !== 'DELETE' && !onlyStatics && covered < table.clusterings.length) {
    const named = new Set([...prefix.map((r) => r.column.name), ...(tuples?.columns.map((c) => c.name) ?? [])])
    const absent = table.clusterings.filter((column) => !named.has(column.name))
    throw invalid(`Some clustering keys are missing: ${absent.map((column) => column.name).join(', ')}`)
  }
  const partition = table.partitionKeys.map((column) => single.get(column.name)!)
  const all = [...partition, ...prefix]
  return {
    table,
    partition,
    clustering: prefix,
    tuples,
    start: bounds.start,
    end: bounds.end,
    restrictsClustering,
    simple: tuples === null && bounds.start === null && bounds.end === null && all.every((r) => r.kind === 'eq'),
    hasPartitionIn: partition.some((r) => r.kind !== 'eq'),
    hasClusteringIn: prefix.some((r) => r.kind !== 'eq') || (tuples !== null && (tuples.rows?.length !== 1)),
  }
}

function textOf(term: raw.Term): string {
  return term.kind === 'literal' ? term.text : '?'
}

function tupleText(columns: readonly raw.Identifier[]): string {
  return `(${columns.map((c) => c.text).join(', ')})`
}

function flip(operator: string): string {
  return operator.startsWith('<') ? operator.replace('<', '>') : operator.replace('>', '<')
}

function gap(column: ColumnMetadata, preceding: ColumnMetadata): InvalidRequestError {
  return invalid(
    `PRIMARY KEY column "${column.name}" cannot be restricted as preceding column "${preceding.name}" is not restricted`,
  )
}

/** The restrictions on clustering columns, which have to be a prefix. */
function contiguous(table: TableMetadata, single: ReadonlyMap<string, ColumnRestriction>): ColumnRestriction[] {
  const prefix: ColumnRestriction[] = []
  let absent: ColumnMetadata | null = null
  for (const column of table.clusterings) {
    const restriction = single.get(column.name)
    if (restriction === undefined) absent ??= column
    else if (absent !== null) throw gap(column, absent)
    else prefix.push(restriction)
  }
  return prefix
}

function prepareTuple(
  value: raw.TupleLiteral | raw.BindMarker,
  receivers: readonly ColumnSpecification[],
  context: PrepareContext,
  _name: string,
): readonly Term[] | Term {
  if (value.kind === 'bindMarker') {
    const name = `(${receivers.map((r) => r.name).join(',')})`
    const type = tupleType(receivers.map((r) => unwrapReversed(r.type)))
    return prepareTerm(value, part(receivers[0]!, name, type), context)
  }
  if (value.elements.length !== receivers.length) {
    throw invalid(
      `Expected ${receivers.length} elements in value tuple, but got ${value.elements.length}: (${value.elements.map(textOf).join(', ')})`,
    )
  }
  return value.elements.map((element, index) => prepareTerm(element, receivers[index]!, context))
}

function bound(term: Term, column: ColumnMetadata, context: ExecutionContext): Uint8Array {
  const value = evaluate(term, context)
  if (value === undefined) throw invalid(`Invalid unset value for column ${column.name}`)
  if (value === null) throw invalid(`Invalid null value in condition for column ${column.name}`)
  return value
}

function values(restriction: ColumnRestriction, context: ExecutionContext): Uint8Array[] {
  switch (restriction.kind) {
    case 'eq':
      return [bound(restriction.value, restriction.column, context)]
    case 'in':
      return restriction.values.map((value) => bound(value, restriction.column, context))
    case 'inMarker': {
      const list = bound(restriction.values, restriction.column, context)
      return unpackList(list).map((value) => {
        if (value === null) throw invalid(`Invalid null value in condition for column ${restriction.column.name}`)
        return value
      })
    }
  }
}

function product(lists: readonly Uint8Array[][]): Uint8Array[][] {
  let rows: Uint8Array[][] = [[]]
  for (const list of lists) rows = rows.flatMap((row) => list.map((value) => [...row, value]))
  return rows
}

const token = new Int32Array(2)

/** Serializes the components of a partition key (`CompositeType.build` when there are several). */
export function serializePartitionKey(components: readonly Uint8Array[]): Uint8Array {
  if (components.length === 1) return components[0]!
  let size = 0
  for (const component of components) size += component.length + 3
  const key = new Uint8Array(size)
  let at = 0
  for (const component of components) {
    key[at] = component.length >> 8
    key[at + 1] = component.length
    key.set(component, at + 2)
    at += component.length + 3
  }
  return key
}

/** Throws an InvalidRequestError for a key that can't be stored (`QueryProcessor.validateKey`). */
export function validateKey(length: number): void {
  if (length === 0) throw invalid('Key may not be empty')
  if (length > 0xffff) throw invalid(`Key length of ${length} is longer than maximum of 65535`)
}

/** A key with its token. Throws for an empty or oversized one. */
export function decorate(key: Uint8Array): DecoratedKey {
  validateKey(key.length)
  murmur3Token(key, 0, key.length, token)
  return { key, tokenHi: token[0]!, tokenLo: token[1]! }
}

/** The partitions that the statement names. */
export function bindPartitionKeys(restrictions: PrimaryKeyRestrictions, context: ExecutionContext): DecoratedKey[] {
  const lists = restrictions.partition.map((restriction) => values(restriction, context))
  return product(lists).map((components) => {
    for (const component of components) {
      if (components.length > 1 && component.length > 0xffff) {
        throw invalid(`Key length of ${component.length + 3 * components.length} is longer than maximum of 65535`)
      }
    }
    return decorate(serializePartitionKey(components))
  })
}

/** The clusterings, or prefixes of them, that the statement names: one empty one where it names none. */
export function bindClusterings(restrictions: PrimaryKeyRestrictions, context: ExecutionContext): Uint8Array[][] {
  const prefix = product(restrictions.clustering.map((restriction) => values(restriction, context)))
  const { tuples } = restrictions
  if (tuples === null) return prefix
  const rows: Uint8Array[][] = []
  if (tuples.marker !== null) {
    const type = tupleType(tuples.columns.map((c) => unwrapReversed(c.type)))
    for (const value of unpackList(bound(tuples.marker, tuples.columns[0]!, context))) {
      rows.push(components(unpackTuple(type, value ?? new Uint8Array(0)), tuples.columns))
    }
  } else {
    for (const row of tuples.rows!) rows.push(tupleValues(row, tuples.columns, context))
  }
  return prefix.flatMap((start) => rows.map((row) => [...start, ...row]))
}

function components(tuple: readonly (Uint8Array | null)[], columns: readonly ColumnMetadata[]): Uint8Array[] {
  return columns.map((column, index) => {
    const value = tuple[index]
    if (value == null) throw invalid(`Invalid null value in condition for column ${column.name}`)
    return value
  })
}

function tupleValues(
  row: readonly Term[] | Term,
  columns: readonly ColumnMetadata[],
  context: ExecutionContext,
): Uint8Array[] {
  if ('length' in row) return row.map((term, index) => bound(term, columns[index]!, context))
  const type = tupleType(columns.map((c) => unwrapReversed(c.type)))
  return components(unpackTuple(type, bound(row, columns[0]!, context)), columns)
}

/** The ranges of rows that a DELETE names behind each of its prefixes. */
export function bindSlices(restrictions: PrimaryKeyRestrictions, context: ExecutionContext): Slice[] {
  return bindClusterings(restrictions, context).map((prefix) => {
    const start = bindBound(restrictions.start, prefix, 'start', context)
    const end = bindBound(restrictions.end, prefix, 'end', context)
    return { start, end }
  })
}

function bindBound(
  restriction: BoundRestriction | null,
  prefix: readonly Uint8Array[],
  which: 'start' | 'end',
  context: ExecutionContext,
): ClusteringBound {
  if (restriction === null) return { components: prefix, side: which === 'start' ? 0 : 1 }
  const behind = [...prefix, ...tupleValues(restriction.values, restriction.columns, context)]
  const inclusive = restriction.inclusive
  return { components: behind, side: which === 'start' ? (inclusive ? 0 : 1) : inclusive ? 1 : 0 }
}
