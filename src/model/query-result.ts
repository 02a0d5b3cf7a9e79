import type { CqlType } from '../types/index.ts'

/** A column of a result or a bind variable of a statement. */
export interface ColumnSpecification {
  readonly keyspace: string
  readonly table: string
  readonly name: string
  readonly type: CqlType
}

/** The columns of a result; `id` is the MD5 that v5 calls result metadata id (`ResultSet.ResultMetadata`). */
export interface ResultMetadata {
  readonly columns: readonly ColumnSpecification[]
  readonly id: Uint8Array
}

/** The bind variables of a prepared statement; `pkIndexes` places the partition key's columns, or is empty. */
export interface PreparedMetadata {
  readonly columns: readonly ColumnSpecification[]
  readonly pkIndexes: readonly number[]
}

/** What a DDL statement changed, as RESULT schema_change and EVENT SCHEMA_CHANGE carry it. */
export interface SchemaChange {
  readonly change: 'CREATED' | 'UPDATED' | 'DROPPED'
  readonly target: 'KEYSPACE' | 'TABLE' | 'TYPE' | 'FUNCTION' | 'AGGREGATE'
  readonly keyspace: string
  /** Table, type, function or aggregate; empty for a keyspace. */
  readonly name: string
  /** CQL names of the argument types of a function or aggregate. */
  readonly argTypes?: readonly string[]
}

interface Outcome {
  /** Client warnings (v4 and later). */
  readonly warnings?: readonly string[]
  /** Id of the tracing session, when tracing was asked for. */
  readonly tracingId?: Uint8Array
}

export interface VoidResult extends Outcome {
  readonly kind: 'void'
}

/**
 * Rows, already in the wire's form: `content` is, row after row, one `[bytes]` a column (int32 length, big-endian,
 * -1 for null, then the value), the same in every protocol version. The view may be reused by the next
 * statement: copy it to keep it past the turn.
 */
export interface RowsResult extends Outcome {
  readonly kind: 'rows'
  readonly metadata: ResultMetadata
  readonly rowCount: number
  readonly content: Uint8Array
  readonly pagingState: Uint8Array | null
  /** v5: the client's result metadata id is out of date; the new metadata and id are sent. */
  readonly metadataChanged?: boolean
  /**
   * Whether the columns stay out of the response. Absent: as the request's skip_metadata says, unless the metadata
   * changed. A conditional statement says false: its columns differ from answer to answer (CASSANDRA-13992).
   */
  readonly noMetadata?: boolean
}

export interface SetKeyspaceResult extends Outcome {
  readonly kind: 'setKeyspace'
  readonly keyspace: string
}

export interface PreparedResult extends Outcome {
  readonly kind: 'prepared'
  readonly id: Uint8Array
  readonly bind: PreparedMetadata
  /** Null when the statement returns no rows. */
  readonly result: ResultMetadata | null
  /** Sent in v5 even when `result` is null (MD5 of nothing then). */
  readonly resultMetadataId: Uint8Array
}

export interface SchemaChangeResult extends Outcome {
  readonly kind: 'schemaChange'
  readonly change: SchemaChange
}

/** What a statement answers; one RESULT kind each. */
export type QueryResult = VoidResult | RowsResult | SetKeyspaceResult | PreparedResult | SchemaChangeResult
