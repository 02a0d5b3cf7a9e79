/** What is written, told in CQL; the tables that the referee judges are made so. */

/** Flushes the table's memtable into an SSTable. */
export const FLUSH = '-- flush'

/** One table and what is written to it. `$t` stands for the table's name with its keyspace, `$ks` for the keyspace. */
export interface Shape {
  /** The table's name. */
  readonly name: string
  /** CREATE TYPE statements, and the table's CREATE TABLE last. */
  readonly schema: readonly string[]
  /**
   * Modifications, ALTER statements and FLUSH. Where a statement does not say USING TIMESTAMP, its timestamp is greater
   * than those of all before it. A flush comes after the last.
   */
  readonly writes: readonly string[]
  /** Partition keys that nothing was written to, as a WHERE clause. */
  readonly absent?: readonly string[]
  /** Why Cassandra's sstabledump ends with an error for its SSTables, if it does. */
  readonly undumpable?: string
  /** Why what Cassandra flushes for the same statements is not the same bytes; null or left out where it is. */
  readonly unequal?: string
}

/** A keyspace name put in the place of `$ks` and `$t`. */
export function inKeyspace(cql: string, keyspace: string, shape: Shape): string {
  return cql.replaceAll('$ks', keyspace).replaceAll('$t', `${keyspace}.${shape.name}`)
}

/** The statements that make the table as it is after all writes, ALTER included. */
export function schemaOf(shape: Shape): readonly string[] {
  return [...shape.schema, ...shape.writes.filter((cql) => cql.startsWith('ALTER '))]
}
