import { ConsistencyLevel } from '../common/errors.ts'

/** Length that stands for a null value in `BoundValues.lengths`. */
export const NULL_LENGTH = -1
/** Length that stands for a value that was not set (protocol v4 and later). */
export const UNSET_LENGTH = -2

/**
 * The values bound to a statement, as places in the buffer they arrived in: nothing is copied until a value is
 * written somewhere. Valid during the turn in which the request is processed; `copy()` what must live longer.
 */
export interface BoundValues {
  readonly buffer: Uint8Array
  readonly count: number
  /** Offset of value i in `buffer`; meaningless where the length is negative. */
  readonly offsets: Int32Array | readonly number[]
  /** Length of value i in bytes, or NULL_LENGTH, or UNSET_LENGTH. */
  readonly lengths: Int32Array | readonly number[]
}

export const NO_VALUES: BoundValues = { buffer: new Uint8Array(0), count: 0, offsets: [], lengths: [] }

/**
 * Where the ids of an EXECUTE lie in the frame they arrived in: no view is made of them. Valid during the turn, as
 * bound values are.
 */
export interface PreparedRef {
  readonly buffer: Uint8Array
  readonly idOffset: number
  readonly idLength: number
  /** The result metadata id of v5; `resultIdLength` is -1 in older versions. */
  readonly resultIdOffset: number
  readonly resultIdLength: number
}

/** What a QUERY, EXECUTE or BATCH says beside the statement (native protocol v5, section 4.1.4). */
export interface QueryOptions {
  readonly consistency: ConsistencyLevel
  readonly values: BoundValues
  /** Names of the values, or null when they are positional. */
  readonly names: readonly string[] | null
  readonly skipMetadata: boolean
  /** Rows a page, or -1 for no paging. */
  readonly pageSize: number
  readonly pagingState: Uint8Array | null
  /** SERIAL unless the request says LOCAL_SERIAL. */
  readonly serialConsistency: ConsistencyLevel
  /** Microseconds since the epoch as two 32-bit halves, when the client gave a default timestamp. */
  readonly hasTimestamp: boolean
  readonly timestampHi: number
  readonly timestampLo: number
  /** Seconds since the epoch that replace the server's clock, or null (v5). */
  readonly nowInSeconds: number | null
  /** Keyspace of this one query, or null (v5). */
  readonly keyspace: string | null
  readonly protocolVersion: number
}

/** What a request of v5 says that says nothing: ONE, without values or pages. */
export const DEFAULT_QUERY_OPTIONS: QueryOptions = Object.freeze({
  consistency: ConsistencyLevel.ONE,
  values: NO_VALUES,
  names: null,
  skipMetadata: false,
  pageSize: -1,
  pagingState: null,
  serialConsistency: ConsistencyLevel.SERIAL,
  hasTimestamp: false,
  timestampHi: 0,
  timestampLo: 0,
  nowInSeconds: null,
  keyspace: null,
  protocolVersion: 5,
})

/** The kinds of a BATCH. */
export type BatchType = 'logged' | 'unlogged' | 'counter'

/** One statement of a BATCH message: a text or a prepared id, with its values. */
export interface BatchEntry {
  readonly query: string | null
  readonly id: Uint8Array | null
  readonly values: BoundValues
}
