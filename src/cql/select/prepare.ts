import type { ColumnSpecification, ResultMetadata } from '../../model/query-result.ts'
import type { ColumnMetadata, TableMetadata } from '../../model/table.ts'
import { type CqlType, native } from '../../types/index.ts'
import type * as raw from '../raw/index.ts'
import {
  existingColumn,
  invalid,
  partitionKeyBindIndexes,
  prepareRestrictions,
  REQUIRES_ALLOW_FILTERING_MESSAGE,
  type StatementRestrictions,
} from '../restrictions/index.ts'
import type { TokenRestriction } from '../restrictions/restriction.ts'
import { type PrepareContext, prepareTerm, type Term } from '../term.ts'
import { type Aggregation, prepareAggregation } from './aggregation.ts'
import { splitLocalToken } from './local-token.ts'
import { SelectionScope } from './selectable.ts'
import {
  idsOfCells,
  keepSelection,
  knownSelection,
  prepareSelection,
  type Selection,
  selectsOnlyStatics,
} from './selection.ts'

/** How rows of several partitions are ordered after they were read: places among the outputs and their types. */
export interface PostOrdering {
  readonly indexes: readonly number[]
  readonly types: readonly CqlType[]
  readonly reversed: boolean
}

/** A SELECT that waits for values (`SelectStatement`). */
export interface PreparedSelect {
  readonly kind: 'select'
  readonly table: TableMetadata
  readonly resultMetadata: ResultMetadata
  /** Bind markers that give the partition key, or []. */
  readonly pkIndexes: readonly number[]
  readonly selection: Selection
  readonly restrictions: StatementRestrictions
  /** What WHERE says of a virtual table's token, which is not among the restrictions. */
  readonly localToken: TokenRestriction | null
  /** Whether it says ALLOW FILTERING. */
  readonly allowsFiltering: boolean
  readonly isDistinct: boolean
  /** GROUP BY; null without it, even where all rows are one group. */
  readonly aggregation: Aggregation | null
  readonly reversed: boolean
  /** Null where rows come in the order of clustering. */
  readonly postOrdering: PostOrdering | null
  readonly limit: Term | null
  readonly perPartitionLimit: Term | null
  /** Whether the static row of a partition is ever looked at. */
  readonly readsStatics: boolean
  /** Ids of the columns that are selected or restricted (`ColumnFilter.queriedColumns`); null for all. */
  readonly queried: ReadonlySet<number> | null
}

interface Ordered {
  readonly column: ColumnMetadata
  readonly descending: boolean
}

/** Prepares a SELECT. Throws Cassandra's InvalidRequestErrors, in its order. */
export function prepareSelect(
  statement: raw.SelectStatement,
  table: TableMetadata,
  context: PrepareContext,
): PreparedSelect {
  const selectors = statement.selection
  const orderings = prepareOrderings(statement.orderBy, table, context)
  const onlyStaticColumns = selectors !== '*' && selectsOnlyStatics(selectors, table, context)
  const { token: localToken, rest: where } = splitLocalToken(statement.where, table, context)
  const restrictions = prepareRestrictions(where, table, 'select', context, {
    onlyStaticColumns,
    allowFiltering: statement.allowFiltering,
  })
  refuseAnnOrdering(statement.orderBy, table)
  const orderingColumns = restrictions.keyHasIn ? orderings.map((ordering) => ordering.column) : []
  const scope = new SelectionScope(table, context)
  const isGrouped = statement.groupBy.length > 0
  const isKept = !statement.json && !isGrouped && orderingColumns.length === 0
  let selection = isKept ? knownSelection(selectors, table) : null
  if (selection === null) {
    selection = prepareSelection(selectors, scope, { orderingColumns, isJson: statement.json, isGrouped })
    if (isKept) keepSelection(selectors, table, selection)
  }
  if (statement.distinct) {
    if (statement.perPartitionLimit !== null) {
      throw invalid('PER PARTITION LIMIT is not allowed with SELECT DISTINCT queries')
    }
    checkDistinct(table, selection, restrictions)
  }
  const aggregation = isGrouped
    ? prepareAggregation(statement.groupBy, scope, restrictions, statement.distinct)
    : null
  if (aggregation === null && selection.isAggregate && statement.perPartitionLimit !== null) {
    throw invalid('PER PARTITION LIMIT is not allowed with aggregate queries.')
  }
  const reversed = orderings.length > 0 && checkOrderings(orderings, table, restrictions)
  const isVirtual = table.isVirtual
  if (!statement.allowFiltering && restrictions.isKeyRange && !isVirtual) {
    // Clustering columns behind no partition key are a scan of all partitions.
    if (restrictions.needsFiltering || restrictions.hasClusteringRestrictions) {
      throw invalid(REQUIRES_ALLOW_FILTERING_MESSAGE)
    }
  }
  const limit = prepareLimit(statement.limit, '[limit]', table, context)
  const perPartitionLimit = prepareLimit(statement.perPartitionLimit, '[per_partition_limit]', table, context)
  return {
    kind: 'select',
    table,
    resultMetadata: selection.metadata,
    pkIndexes: partitionKeyBindIndexes(table, context.markers),
    selection,
    restrictions,
    localToken,
    allowsFiltering: statement.allowFiltering,
    isDistinct: statement.distinct,
    aggregation,
    reversed,
    postOrdering:
      orderingColumns.length === 0
        ? null
        : {
            indexes: selection.orderingIndexes,
            types: orderingColumns.map((column) => column.type),
            reversed,
          },
    limit,
    perPartitionLimit,
    readsStatics:
      table.statics.length > 0 &&
      (selection.statics.length > 0 ||
        // Where nothing but the key is selected, Cassandra reads everything, and counts it among the rows read.
        [...selection.columns, ...restrictions.restrictedNonKeyColumns].every(
          ({ position }) => position >= 0,
        ) ||
        restrictions.staticContentAlone ||
        restrictions.restrictedNonKeyColumns.some((column) => column.kind === 'static')),
    queried: selection.isWildcard ? null : queriedColumns(selection, restrictions),
  }
}

/** Null where nothing but the key is asked for: then Cassandra reads all there is. */
function queriedColumns(
  { columns, cellIds }: Selection,
  { restrictedNonKeyColumns }: StatementRestrictions,
): ReadonlySet<number> | null {
  return restrictedNonKeyColumns.length === 0 ? cellIds : idsOfCells([...columns, ...restrictedNonKeyColumns])
}

function prepareOrderings(
  orderBy: readonly raw.Ordering[],
  table: TableMetadata,
  context: PrepareContext,
): readonly Ordered[] {
  const orderings = new Map<ColumnMetadata, Ordered>()
  for (const { column, ann, direction } of orderBy) {
    const found = existingColumn(table, column.text)
    if (ann !== null) {
      const { name, type } = found
      prepareTerm(ann, { keyspace: table.keyspace, table: table.name, name, type }, context)
    }
    orderings.set(found, { column: found, descending: direction === 'DESC' })
  }
  return [...orderings.values()]
}

/** What Cassandra has against ANN OF where there are no indexes (`StatementRestrictions`). */
function refuseAnnOrdering(orderBy: readonly raw.Ordering[], table: TableMetadata): void {
  const [ordering, another] = orderBy.filter(({ ann }) => ann !== null)
  if (ordering === undefined) return
  if (another !== undefined) throw invalid('Cannot specify more than one ANN ordering')
  if (orderBy.length > 1) throw invalid('ANN ordering does not support any other ordering')
  if (ordering.direction === 'DESC') throw invalid('Descending ANN ordering is not supported')
  const { type } = existingColumn(table, ordering.column.text)
  if (type.kind !== 'vector' || type.elements.kind !== 'float') {
    throw invalid('ANN ordering is only supported on float vector indexes')
  }
  throw invalid('ANN ordering by vector requires the column to be indexed')
}

function prepareLimit(
  term: raw.Term | null,
  name: string,
  table: TableMetadata,
  context: PrepareContext,
): Term | null {
  if (term === null) return null
  const receiver: ColumnSpecification = {
    keyspace: table.keyspace,
    table: table.name,
    name,
    type: native.int,
  }
  return prepareTerm(term, receiver, context)
}

/** `SelectStatement.validateDistinctSelection`. */
function checkDistinct(
  table: TableMetadata,
  selection: Selection,
  restrictions: StatementRestrictions,
): void {
  if (
    restrictions.hasClusteringRestrictions ||
    restrictions.restrictedNonKeyColumns.some((column) => column.kind !== 'static')
  ) {
    throw invalid(
      'SELECT DISTINCT with WHERE clause only supports restriction by partition key and/or static columns.',
    )
  }
  for (const column of selection.columns) {
    if (column.kind === 'clustering' || column.kind === 'regular') {
      throw invalid(
        `SELECT DISTINCT queries must only request partition key columns and/or static columns (not ${column.name})`,
      )
    }
  }
  if (!restrictions.isKeyRange) return
  for (const key of table.partitionKeys) {
    if (!selection.columns.includes(key)) {
      throw invalid(
        `SELECT DISTINCT queries must request all the partition key columns (missing ${key.name})`,
      )
    }
  }
}

/** Whether the ORDER BY reads partitions backwards; refuses one that they cannot be read in. */
function checkOrderings(
  orderings: readonly Ordered[],
  table: TableMetadata,
  restrictions: StatementRestrictions,
): boolean {
  if (restrictions.isKeyRange) {
    throw invalid('ORDER BY is only supported when the partition key is restricted by an EQ or an IN.')
  }
  let next = 0
  const reversed: boolean[] = []
  for (const { column, descending } of orderings) {
    if (column.kind !== 'clustering') {
      throw invalid(
        `Order by is currently only supported on the clustered columns of the PRIMARY KEY, got ${column.name}`,
      )
    }
    while (next !== column.position) {
      const skipped = table.clusterings[next++]
      if (skipped === undefined || !restrictions.isRestrictedByEq(skipped)) {
        throw invalid(
          'Order by currently only supports the ordering of columns following their declared order in the PRIMARY KEY',
        )
      }
    }
    next++
    reversed[column.position] = descending !== (column.type.kind === 'reversed')
  }
  const directions = reversed.filter((direction) => direction !== undefined)
  if (directions.some((direction) => direction !== directions[0]))
    throw invalid('Unsupported order by relation')
  return directions[0]
}
