import { InvalidRequestError } from '../../common/errors.ts'
import type { ColumnSpecification } from '../../model/query-result.ts'
import type { ColumnMetadata, TableMetadata } from '../../model/table.ts'
import { maybeQuote } from '../../types/index.ts'

const specifications = new WeakMap<ColumnMetadata, ColumnSpecification>()

/** The column as a receiver of values; always the same object, so that `partitionKeyBindIndexes` recognises it. */
export function columnSpecification(table: TableMetadata, column: ColumnMetadata): ColumnSpecification {
  let found = specifications.get(column)
  if (found === undefined || found.table !== table.name || found.keyspace !== table.keyspace) {
    found = { keyspace: table.keyspace, table: table.name, name: column.name, type: column.type }
    specifications.set(column, found)
  }
  return found
}

/** The column of that name; an InvalidRequestError where there is none (`TableMetadata.getExistingColumn`). */
export function existingColumn(table: TableMetadata, name: string): ColumnMetadata {
  const column = table.columns.get(name)
  if (column === undefined || table.hidden.has(column)) {
    throw new InvalidRequestError(
      `Undefined column name ${maybeQuote(name)} in table ${maybeQuote(table.keyspace)}.${maybeQuote(table.name)}`,
    )
  }
  return column
}

/**
 * Places of the bind markers that give the partition key's columns, or [] where not all of them are markers
 * (`VariableSpecifications.getPartitionKeyBindVariableIndexes`).
 */
export function partitionKeyBindIndexes(
  table: TableMetadata,
  markers: readonly (ColumnSpecification | undefined)[],
): readonly number[] {
  const indexes: number[] = []
  for (const column of table.partitionKeys) {
    const index = markers.lastIndexOf(columnSpecification(table, column))
    if (index < 0) return []
    indexes.push(index)
  }
  return indexes
}
