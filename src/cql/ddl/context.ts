/** What a DDL statement is told besides its text and the schema. */

import { DEFAULT_GUARDRAILS, type Guardrails } from '../guardrails/guardrails.ts'

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

/** As cassandra.yaml is shipped, on a single node. */
export const DEFAULT_DDL_CONFIG: DdlConfig = {
  datacenters: new Map([['datacenter1', 1]]),
  defaultKeyspaceRf: 1,
  memtables: new Set(['default']),
  strict: false,
  dropCompactStorageEnabled: false,
  guardrails: DEFAULT_GUARDRAILS,
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
