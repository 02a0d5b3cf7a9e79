import { utf8Bytes } from '../../common/bytes.ts'
import type { ColumnMetadata, TableMetadata } from '../../model/table.ts'
import { compareColumnNames } from '../../schema/index.ts'

/** `ByteBuffer.compareTo`: bytes have a sign in Java. */
function compareSignedBytes(a: ColumnMetadata, b: ColumnMetadata): number {
  const x = utf8Bytes(a.name)
  const y = utf8Bytes(b.name)
  for (let i = 0; i < Math.min(x.length, y.length); i++) {
    if (x[i] !== y[i]) return ((x[i] << 24) >> 24) - ((y[i] << 24) >> 24)
  }
  return x.length - y.length
}

/**
 * Columns of one kind in the order of `*`: not quite by name. Cassandra merges its simple columns with its complex ones,
 * each in their own order, and takes complex columns whose names begin outside of ASCII for the last of the simple ones
 * (`Columns.selectOrderIterator`, `findFirstComplexIdx`).
 */
function inSelectOrder(columns: readonly ColumnMetadata[]): readonly ColumnMetadata[] {
  const inOrder = columns.toSorted((a, b) => compareColumnNames(a.name, b.name))
  const complex = inOrder.filter((column) => column.type.multiCell)
  const isAscii = ({ name }: ColumnMetadata): boolean => name.charCodeAt(0) < 0x80
  const simple = [
    ...inOrder.filter((column) => !column.type.multiCell),
    ...complex.filter((column) => !isAscii(column)),
  ]
  const merged: ColumnMetadata[] = []
  for (const column of complex.filter(isAscii)) {
    while (simple.length > 0 && compareSignedBytes(simple[0], column) < 0) merged.push(simple.shift()!)
    merged.push(column)
  }
  return [...merged, ...simple]
}

/** The columns of `*`: key, clustering, then static and regular ones. */
export function columnsInSelectOrder(table: TableMetadata): readonly ColumnMetadata[] {
  return [
    ...table.partitionKeys,
    ...table.clusterings,
    ...inSelectOrder(table.statics),
    ...inSelectOrder(table.regulars),
  ].filter((column) => !table.hidden.has(column))
}
