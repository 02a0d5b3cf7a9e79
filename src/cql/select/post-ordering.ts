import { readInt32 } from '../../common/bytes.ts'
import type { PostOrdering } from './prepare.ts'
import type { RowsWriter } from './rows-writer.ts'

/**
 * Orders rows that were written with the columns to order by at their ends, cuts those columns off and all rows
 * beyond `rowCount`: for IN on the partition key with ORDER BY, where partitions are read one after another.
 */
export function orderRows(
  out: RowsWriter,
  starts: readonly number[],
  ordering: PostOrdering,
  columnCount: number,
  shownCount: number,
  rowCount: number,
): void {
  const source = out.u8.slice(0, out.length)
  const rows = starts.map((start) => {
    const columns: number[] = []
    let at = start
    for (let i = 0; i < columnCount; i++) {
      columns.push(at)
      at += 4 + Math.max(0, readInt32(source, at))
    }
    return { start, columns, end: shownCount < columnCount ? columns[shownCount] : at }
  })
  const compare = (a: readonly number[], b: readonly number[]): number => {
    for (let i = 0; i < ordering.indexes.length; i++) {
      const x = a[ordering.indexes[i]]
      const y = b[ordering.indexes[i]]
      const xLength = readInt32(source, x)
      const yLength = readInt32(source, y)
      if (xLength < 0 || yLength < 0) {
        if (xLength < 0 && yLength < 0) continue
        return xLength < 0 ? -1 : 1
      }
      const order = ordering.types[i].compare(source, x + 4, xLength, source, y + 4, yLength)
      if (order !== 0) return order
    }
    return 0
  }
  rows.sort((a, b) => (ordering.reversed ? compare(b.columns, a.columns) : compare(a.columns, b.columns)))
  out.length = 0
  for (const row of rows.slice(0, rowCount)) out.bytes(source, row.start, row.end - row.start)
}
