/** What a DDL statement is told besides its text and the schema. */

/** Settings of cassandra.yaml that DDL looks at; thresholds of -1 are off. */
export interface DdlConfig {
  /** Nodes of each data centre that the cluster has. */
  readonly datacenters: ReadonlyMap<string, number>
  readonly defaultKeyspaceRf: number
  /** Names under `memtable.configurations`, with `default`. */
  readonly memtables: ReadonlySet<string>
  /** Refuses what Cassandra 5.0 has taken out and Sibyl still takes. */
  readonly strict: boolean
  readonly dropCompactStorageEnabled: boolean
  readonly guardrails: Guardrails
}

export interface Guardrails {
  readonly keyspaces: Threshold
  readonly tables: Threshold
  readonly columnsPerTable: Threshold
  readonly fieldsPerUdt: Threshold
  readonly vectorDimensions: Threshold
  readonly minimumReplicationFactor: Threshold
  readonly maximumReplicationFactor: Threshold
  readonly vectorTypeEnabled: boolean
  readonly simpleStrategyEnabled: boolean
  readonly compactTablesEnabled: boolean
  readonly uncompressedTablesEnabled: boolean
  readonly alterTableEnabled: boolean
  readonly dropKeyspaceEnabled: boolean
  readonly dropTruncateTableEnabled: boolean
  readonly zeroTtlOnTwcsEnabled: boolean
  readonly zeroTtlOnTwcsWarned: boolean
  readonly tablePropertiesWarned: ReadonlySet<string>
  readonly tablePropertiesIgnored: ReadonlySet<string>
  readonly tablePropertiesDisallowed: ReadonlySet<string>
}

export interface Threshold {
  readonly warn: number
  readonly fail: number
}

const OFF: Threshold = { warn: -1, fail: -1 }

/** What holds for superusers, and for everybody while nobody has to log in. */
export const NO_GUARDRAILS: Guardrails = {
  keyspaces: OFF,
  tables: OFF,
  columnsPerTable: OFF,
  fieldsPerUdt: OFF,
  vectorDimensions: OFF,
  minimumReplicationFactor: OFF,
  maximumReplicationFactor: OFF,
  vectorTypeEnabled: true,
  simpleStrategyEnabled: true,
  compactTablesEnabled: true,
  uncompressedTablesEnabled: true,
  alterTableEnabled: true,
  dropKeyspaceEnabled: true,
  dropTruncateTableEnabled: true,
  zeroTtlOnTwcsEnabled: true,
  zeroTtlOnTwcsWarned: false,
  tablePropertiesWarned: new Set(),
  tablePropertiesIgnored: new Set(),
  tablePropertiesDisallowed: new Set(),
}

/** As cassandra.yaml is shipped, on a single node. */
export const DEFAULT_DDL_CONFIG: DdlConfig = {
  datacenters: new Map([['datacenter1', 1]]),
  defaultKeyspaceRf: 1,
  memtables: new Set(['default']),
  strict: false,
  dropCompactStorageEnabled: false,
  guardrails: { ...NO_GUARDRAILS, zeroTtlOnTwcsWarned: true },
}

export interface DdlContext {
  /** Logged in and no superuser: guardrails hold for nobody else. Absent is false. */
  readonly isOrdinaryUser?: boolean
  /** The session's keyspace. */
  readonly keyspace: string | null
  readonly nowMicros: bigint
  /** A new timeuuid as text, for a table's id. */
  newId(): string
  readonly config: DdlConfig
}

/** A context and the warnings that the statement has earned so far. */
export interface Execution extends DdlContext {
  readonly warnings: string[]
}
