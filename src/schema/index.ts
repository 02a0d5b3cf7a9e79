/**
 * The schema: an immutable snapshot of keyspaces, tables and user types, the built-in keyspaces, and how both become
 * rows of system_schema and come back. This room knows neither statements (cql/ddl changes a snapshot into the next)
 * nor where the rows are stored.
 */

export * from './keyspace.ts'
export * from './names.ts'
export * from './replication.ts'
export { Schema } from './schema.ts'
export { type OnBroken, schemaFromRows } from './schema-from-rows.ts'
export * from './schema-row.ts'
export { diffRows, type SchemaRowDiff, sameTable, schemaRows, tableRows } from './schema-rows.ts'
export { systemKeyspaces } from './system/index.ts'
export {
  alterTable,
  COMPOUND,
  type ColumnSpec,
  createTableMetadata,
  handleMark,
  resetHandles,
  type TableChanges,
  type TableSpec,
} from './table-builder.ts'
export { DEFAULT_TABLE_PARAMS } from './table-params.ts'
export * from './user-types.ts'
