/** What a row of system_schema is before it becomes a mutation, and after it was read. */

export type SchemaTable =
  | 'keyspaces'
  | 'tables'
  | 'columns'
  | 'types'
  | 'dropped_columns'
  | 'indexes'
  | 'triggers'
  | 'views'
  | 'functions'
  | 'aggregates'
  | 'column_masks'

/** All tables of system_schema, in the order that Cassandra reads them (`SchemaKeyspaceTables.ALL`). */
export const SCHEMA_TABLES: readonly SchemaTable[] = [
  'keyspaces',
  'tables',
  'columns',
  'column_masks',
  'dropped_columns',
  'triggers',
  'views',
  'types',
  'functions',
  'aggregates',
  'indexes',
]

/** Names one row; an empty `clustering` in a table that has clustering columns names the whole partition. */
export interface SchemaRowKey {
  readonly table: SchemaTable
  /** Serialized partition key: the keyspace's name. */
  readonly key: Uint8Array
  readonly clustering: readonly Uint8Array[]
}

/** Every column that this program knows stands in `values`; null where the row has none. */
export interface SchemaRow extends SchemaRowKey {
  readonly values: ReadonlyMap<string, Uint8Array | null>
  /** When it was written, microseconds since 1970; null or absent where that is not known. */
  readonly writtenMicros?: number | null
}
