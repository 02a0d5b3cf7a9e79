import type { CqlType } from '../types/index.ts'

/** What a column is to its table (`ColumnMetadata.Kind`). */
export type ColumnKind = 'partition_key' | 'clustering' | 'static' | 'regular'

/** A column of a table. */
export interface ColumnMetadata {
  readonly name: string
  readonly kind: ColumnKind
  /** Place in the partition key or among the clustering columns; -1 for the others. */
  readonly position: number
  /** A clustering column in descending order has a reversed type. */
  readonly type: CqlType
  /**
   * Names the column in rows and mutations of this process. Never given to another column in the life of a table; one
   * that is dropped and added again is the same, and of its cells those are seen that are younger than the drop. Under
   * 65,536.
   */
  readonly id: number
}

/** A column that was dropped, kept so that its old cells are recognised (`DroppedColumn`). */
export interface DroppedColumn {
  readonly name: string
  readonly kind: 'static' | 'regular'
  readonly type: CqlType
  /** Microseconds since the epoch; cells written at or before it are gone. */
  readonly droppedTimeMicros: bigint
  /** The id that it had in this process, if it was there; it is not kept in system_schema. */
  readonly id?: number
}

/** Microseconds since the epoch as two halves. */
export interface DropTime {
  readonly hi: number
  readonly lo: number
}

/** Flags of system_schema.tables (`TableMetadata.Flag`). */
export type TableFlag = 'compound' | 'counter' | 'dense' | 'super'

/** Options of a table (`TableParams`), as system_schema.tables holds them. */
export interface TableParams {
  readonly additionalWritePolicy: string
  readonly allowAutoSnapshot: boolean
  readonly bloomFilterFpChance: number
  readonly caching: ReadonlyMap<string, string>
  readonly cdc: boolean
  readonly comment: string
  readonly compaction: ReadonlyMap<string, string>
  readonly compression: ReadonlyMap<string, string>
  readonly crcCheckChance: number
  readonly defaultTimeToLive: number
  readonly extensions: ReadonlyMap<string, Uint8Array>
  readonly gcGraceSeconds: number
  readonly incrementalBackups: boolean
  readonly maxIndexInterval: number
  readonly memtable: string | null
  readonly memtableFlushPeriodMs: number
  readonly minIndexInterval: number
  readonly readRepair: string
  readonly speculativeRetry: string
}

/** A table as one schema snapshot has it; immutable (`TableMetadata`). */
export interface TableMetadata {
  readonly keyspace: string
  readonly name: string
  /** UUID as text. */
  readonly id: string
  /** Names the table in mutations of this process; never given twice, kept by ALTER. */
  readonly handle: number
  readonly flags: ReadonlySet<TableFlag>
  readonly partitionKeys: readonly ColumnMetadata[]
  readonly clusterings: readonly ColumnMetadata[]
  readonly statics: readonly ColumnMetadata[]
  readonly regulars: readonly ColumnMetadata[]
  /** Every column by name. */
  readonly columns: ReadonlyMap<string, ColumnMetadata>
  /** Static and regular columns by id, with holes. */
  readonly columnsById: readonly (ColumnMetadata | undefined)[]
  readonly dropped: ReadonlyMap<string, DroppedColumn>
  /** When columns were dropped that are there again, by column id; null where there are none. */
  readonly dropTimes: readonly (DropTime | undefined)[] | null
  readonly params: TableParams
  readonly isCounter: boolean
  /** A virtual table holds no data: its rows are computed when it is read. */
  readonly isVirtual: boolean
  /** Made WITH COMPACT STORAGE: its rows have no liveness of their own (`!Flag.isCQLTable`). */
  readonly isCompactTable: boolean
  /**
   * Made WITH COMPACT STORAGE and without clustering columns: what CQL takes for the columns of its one row a partition
   * are static columns, beside a clustering and a regular column that CQL hides.
   */
  readonly isStaticCompactTable: boolean
  /** The one regular column of a compact table; null of others (`CompactTableMetadata.compactValueColumn`). */
  readonly compactValue: ColumnMetadata | null
  /** Columns that CQL does not know of (`CompactTableMetadata.hiddenColumns`). */
  readonly hidden: ReadonlySet<ColumnMetadata>
}
