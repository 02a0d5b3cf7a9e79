import type { TableMetadata } from '../../model/table.ts'
import { maybeQuote } from '../../types/index.ts'
import type { BuiltInIndex } from '../system/indexes.ts'
import { CqlBuilder } from './cql-builder.ts'

/** CREATE CUSTOM INDEX, which none of Cassandra's own can be made by (`IndexMetadata.toCqlString`). */
export function indexCql(table: TableMetadata, { name, target, className }: BuiltInIndex): string {
  return new CqlBuilder()
    .append(
      `CREATE CUSTOM INDEX ${maybeQuote(name)} ON ${maybeQuote(table.keyspace)}.${maybeQuote(table.name)}`,
    )
    .append(` (${target}) USING `)
    .appendWithSingleQuotes(className)
    .append(';')
    .toString()
}
