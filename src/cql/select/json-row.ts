import { readInt32, utf8Bytes } from '../../common/bytes.ts'
import type { ColumnSpecification } from '../../model/query-result.ts'
import { quoteAsJsonString, toJson } from '../../types/index.ts'
import type { RowsWriter } from './rows-writer.ts'

const names = new WeakMap<readonly ColumnSpecification[], readonly string[]>()

/** The columns' names as a JSON object has them: those that are not in lower case keep their quotes. */
function jsonNames(columns: readonly ColumnSpecification[]): readonly string[] {
  let known = names.get(columns)
  if (known === undefined) {
    known = columns.map(({ name }) => quoteAsJsonString(name === name.toLowerCase() ? name : `"${name}"`))
    names.set(columns, known)
  }
  return known
}

/**
 * Writes one value: the JSON object of a row (`Selection.rowToJson`) whose values stand at the beginning of `values`.
 * Returns where they end.
 */
export function writeJsonRow(
  out: RowsWriter,
  columns: readonly ColumnSpecification[],
  values: RowsWriter,
): number {
  let at = 0
  const members = jsonNames(columns).map((name, i) => {
    const length = readInt32(values.u8, at)
    const value = length < 0 ? null : values.u8.subarray(at + 4, at + 4 + length)
    at += 4 + Math.max(0, length)
    return `"${name}": ${toJson(columns[i].type, value)}`
  })
  out.optional(utf8Bytes(`{${members.join(', ')}}`))
  return at
}
