import { int32Bytes, int64Bytes, readUint16 } from '../../common/bytes.ts'
import type { LiveRow } from '../../model/live-row.ts'
import type { ColumnMetadata } from '../../model/table.ts'
import { packList } from '../../types/index.ts'

/**
 * What writetime() and ttl() say of a column (`ColumnTimestamps`): one value, or one for each cell of a collection or
 * field of a user type. Null stands for no time to live, and for a field without a cell.
 */
export interface Timestamps {
  readonly many: boolean
  readonly values: readonly (bigint | null)[]
}

/** Microseconds of the cell that `live` stands at, or the seconds that are left to it. */
function cellTimestamp(isTtl: boolean, live: LiveRow, nowSeconds: number): bigint | null {
  const { cell } = live
  if (!isTtl) return (BigInt(cell.timestampHi) << 32n) | BigInt(cell.timestampLo >>> 0)
  return cell.ttl === 0 ? null : BigInt(cell.localDeletionTime - nowSeconds)
}

/** Those of a column's cells; null when it has none. */
export function cellTimestamps(
  column: ColumnMetadata,
  isTtl: boolean,
  live: LiveRow,
  nowSeconds: number,
): Timestamps | null {
  if (!column.type.multiCell) {
    return live.simple(column.id) ? { many: false, values: [cellTimestamp(isTtl, live, nowSeconds)] } : null
  }
  const fields = column.type.kind === 'udt' ? column.type.fieldTypes.length : 0
  const values: (bigint | null)[] = new Array(fields).fill(null)
  let count = 0
  live.complex(column.id)
  while (live.nextCell()) {
    const at = fields > 0 ? readUint16(live.u8, live.cell.pathOffset) : count
    values[at] = cellTimestamp(isTtl, live, nowSeconds)
    count++
  }
  return count === 0 ? null : { many: true, values }
}

/** That of one element or field; what is frozen has one for all. */
export function timestampAt(timestamps: Timestamps | null, index: number): Timestamps | null {
  if (timestamps === null || !timestamps.many) return timestamps
  return { many: false, values: [timestamps.values[index] ?? null] }
}

/** The result of the function as bytes. */
export function timestampValue(
  called: 'writetime' | 'maxwritetime' | 'ttl',
  timestamps: Timestamps | null,
): Uint8Array | null {
  if (timestamps === null) return null
  const bytes = (value: bigint | null): Uint8Array | null =>
    value === null ? null : called === 'ttl' ? int32Bytes(Number(value)) : int64Bytes(value)
  const { many, values } = timestamps
  if (called === 'maxwritetime') {
    return bytes(
      values.reduce((max, value) => (max === null || (value !== null && value > max) ? value : max), null),
    )
  }
  return many ? packList(values.map(bytes)) : bytes(values[0])
}
