/** How the built-in tables are written down. */

export interface TableDefinition {
  readonly name: string
  readonly comment?: string
  /** Columns as `name type; name type`; a clustering column in descending order ends in ` DESC`. */
  readonly key: string
  readonly clustering?: string
  readonly statics?: string
  readonly columns?: string
  readonly gcGraceSeconds?: number
  readonly defaultTimeToLive?: number
  readonly memtableFlushPeriodMs?: number
  /** `class` within `org.apache.cassandra.db.compaction`. */
  readonly compaction?: Readonly<Record<string, string>>
}

export interface KeyspaceDefinition {
  readonly name: string
  /** `class` within `org.apache.cassandra.locator`. */
  readonly replication: Readonly<Record<string, string>>
  readonly gcGraceSeconds: number
  readonly memtableFlushPeriodMs: number
  readonly tables: readonly TableDefinition[]
}
