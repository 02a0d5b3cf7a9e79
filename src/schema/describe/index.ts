/**
 * The schema as CQL: what makes each keyspace, type and table again, character by character as Cassandra's DESCRIBE
 * gives it. Knows nothing of the statement, its pages or the wire.
 */

export * from './element.ts'
export { snapshotSchemaCql } from './snapshot-schema.ts'
