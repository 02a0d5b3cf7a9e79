import type { ColumnMetadata, TableMetadata } from '../../model/table.ts'
import { type CqlType, maybeQuote, unwrapReversed } from '../../types/index.ts'
import type { ScalarFunction } from '../functions/function.ts'
import type * as raw from '../raw/index.ts'
import { invalid, type StatementRestrictions } from '../restrictions/index.ts'
import { prepareSelectable } from './prepare-selectable.ts'
import { SelectionScope } from './selectable.ts'
import { CallSelectable } from './selectables/call.ts'
import { ColumnSelectable } from './selectables/column.ts'
import { isConstant, type Source } from './source.ts'

/** How rows are grouped (`AggregationSpecification`). */
export interface Aggregation {
  /** Rows of one partition are of one group when so many of their clustering values are equal. */
  readonly prefixSize: number
  /** The last of these is not compared itself but by what a function makes of it; null without one. */
  readonly selector: { readonly source: Source; readonly type: CqlType } | null
  /** What is wrong with the function, which Cassandra says when the statement is executed. */
  readonly refusal: string | null
}

const OUT_OF_ORDER =
  'Group by currently only support groups of columns following their declared order in the PRIMARY KEY'

/** Goes along the primary key as GROUP BY names its columns. */
class PrimaryKeyWalk {
  readonly #columns: readonly ColumnMetadata[]
  readonly #restrictions: StatementRestrictions
  #next = 0
  clusterings = 0

  constructor(table: TableMetadata, restrictions: StatementRestrictions) {
    this.#columns = [...table.partitionKeys, ...table.clusterings]
    this.#restrictions = restrictions
  }

  /** Goes on to a column; those on the way must be restricted by an equality. */
  to(wanted: ColumnMetadata): void {
    for (;;) {
      const column = this.#columns[this.#next++]
      if (column === undefined) throw invalid(OUT_OF_ORDER)
      if (column.kind === 'clustering') this.clusterings++
      if (column === wanted) return
      if (!this.#restrictions.isRestrictedByEq(column)) throw invalid(OUT_OF_ORDER)
    }
  }

  get isWithinPartitionKey(): boolean {
    return this.#columns[this.#next]?.kind === 'partition_key'
  }
}

/** Checks GROUP BY (`SelectStatement.getAggregationSpecFactory`). Throws Cassandra's InvalidRequestErrors. */
export function prepareAggregation(
  groupBy: readonly raw.Selectable[],
  scope: SelectionScope,
  restrictions: StatementRestrictions,
  isDistinct: boolean,
): Aggregation {
  const walk = new PrimaryKeyWalk(scope.table, restrictions)
  let selector: Aggregation['selector'] = null
  let refusal: string | null = null
  for (const group of groupBy) {
    const selectable = prepareSelectable(group, scope.table, scope.context)
    if (selectable instanceof CallSelectable) {
      const { column, source } = groupFunction(selectable, scope)
      selector = { source, type: unwrapReversed(selectable.function.returnType) }
      refusal = refusalOf(source, scope)
      walk.to(column)
      continue
    }
    if (!(selectable instanceof ColumnSelectable)) {
      throw invalid('Only column names and monotonic scalar functions are supported in the GROUP BY clause.')
    }
    const { column } = selectable
    if (column.kind !== 'partition_key' && column.kind !== 'clustering') {
      throw invalid(
        `Group by is currently only supported on the columns of the PRIMARY KEY, got ${column.name}`,
      )
    }
    if (selector !== null)
      throw invalid('Functions are only supported on the last element of the GROUP BY clause')
    walk.to(column)
  }
  if (walk.isWithinPartitionKey)
    throw invalid('Group by is not supported on only a part of the partition key')
  if (walk.clusterings > 0 && isDistinct)
    throw invalid('Grouping on clustering columns is not allowed for SELECT DISTINCT queries')
  return { prefixSize: walk.clusterings, selector, refusal }
}

function groupFunction(
  call: CallSelectable,
  scope: SelectionScope,
): { readonly column: ColumnMetadata; readonly source: Source } {
  if (call.function.kind === 'aggregate') {
    throw invalid(
      `Aggregate functions are not supported within the GROUP BY clause, got: ${call.function.fullName}`,
    )
  }
  const own = new SelectionScope(scope.table, scope.context, scope.constants)
  const { source } = call.select(own)
  scope.hasFunctions = true
  const [column] = own.columns
  if (column === undefined) {
    throw invalid('GROUP BY functions must have one clustering column name as parameter')
  }
  if (own.columns.length > 1) {
    const names = own.columns.map(({ name }) => maybeQuote(name)).join(',')
    throw invalid(`GROUP BY functions accept only one clustering column as parameter, got: ${names}`)
  }
  if (column.kind !== 'clustering') {
    throw invalid(`Group by functions are only supported on clustering columns, got ${column.name}`)
  }
  return { column, source }
}

/** Functions whose results never go down where their first argument goes up (`ScalarFunction.isMonotonic`). */
const MONOTONIC = new Set([
  'system.todate',
  'system.to_date',
  'system.totimestamp',
  'system.to_timestamp',
  'system.tounixtimestamp',
  'system.to_unix_timestamp',
])

/** Why a source cannot make groups, or null (`Selector.validateForGroupBy`). */
function refusalOf(source: Source, scope: SelectionScope): string | null {
  if (source.kind === 'clustering') return null
  if (source.kind !== 'function') {
    return 'Only column names and monotonic scalar functions are supported in the GROUP BY clause.'
  }
  const { function: called, args } = source
  const areConstant = args.map(isConstant)
  if (!isMonotonic(called, areConstant)) {
    return `Only monotonic functions are supported in the GROUP BY clause. Got: ${signature(called, areConstant)} `
  }
  for (const [i, arg] of args.entries()) {
    const refusal = areConstant[i] ? null : refusalOf(arg, scope)
    if (refusal !== null) return refusal
  }
  return null
}

function isMonotonic({ fullName }: ScalarFunction, areConstant: readonly boolean[]): boolean {
  if (fullName !== 'system.floor') return MONOTONIC.has(fullName)
  return !areConstant[0] && areConstant.slice(1).every((isConstant) => isConstant)
}

/** A function of which some arguments are known (`PartiallyAppliedScalarFunction.toString`). */
function signature(
  { fullName, argTypes, returnType }: ScalarFunction,
  areConstant: readonly boolean[],
): string {
  const args = argTypes.map((type, i) => `${type.cqlName}${areConstant[i] ? '(constant)' : ''}`).join(', ')
  const name = maybeQuote(fullName.slice(fullName.indexOf('.') + 1))
  return `system.${name} : (${args}) -> ${returnType.cqlName}`
}
