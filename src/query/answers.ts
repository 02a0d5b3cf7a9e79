import type { PreparedRef } from '../model/query-options.ts'
import type { QueryResult, RowsResult } from '../model/query-result.ts'

/** The answer of what answers nothing. */
export const VOID: QueryResult = { kind: 'void' }

/**
 * The answer to a prepared statement whose columns PREPARE has told (v5): says so when the client's result metadata id,
 * which lies in the frame, is not that of the rows.
 */
export function withKnownColumns(
  result: QueryResult | Promise<QueryResult>,
  ref: PreparedRef,
): QueryResult | Promise<QueryResult> {
  if (ref.resultIdLength < 0) return result
  if (result instanceof Promise) {
    const given = givenId(ref)
    return result.then((rows) => markChanged(rows, given, 0, given.length))
  }
  return markChanged(result, ref.buffer, ref.resultIdOffset, ref.resultIdLength)
}

/**
 * The columns of a prepared DESCRIBE: PREPARE told none, so that v3 and v4 are always given them, and v5 unless the
 * client has their id from an answer before.
 */
export function withColumns(
  result: QueryResult | Promise<QueryResult>,
  ref: PreparedRef,
): QueryResult | Promise<QueryResult> {
  const id = ref.resultIdLength < 0 ? null : givenId(ref)
  const told = (rows: QueryResult): QueryResult =>
    id === null ? { ...(rows as RowsResult), noMetadata: false } : markChanged(rows, id, 0, id.length)
  return result instanceof Promise ? result.then(told) : told(result)
}

function givenId({ buffer, resultIdOffset, resultIdLength }: PreparedRef): Uint8Array {
  return buffer.slice(resultIdOffset, resultIdOffset + resultIdLength)
}

function markChanged(result: QueryResult, buffer: Uint8Array, offset: number, length: number): QueryResult {
  if (result.kind !== 'rows') return result
  const { id } = (result as RowsResult).metadata
  if (id.length === length) {
    let i = 0
    while (i < length && id[i] === buffer[offset + i]) i++
    if (i === length) return result
  }
  return { ...result, metadataChanged: true }
}
