import { murmur3Token } from '../../common/murmur3.ts'
import { ALL_ROWS } from '../../model/clustering.ts'
import { LiveRow } from '../../model/live-row.ts'
import { FULL_RING, type ReadCommand } from '../../model/read-command.ts'
import type { TableMetadata } from '../../model/table.ts'
import type { StorageEngine } from '../../storage/storage-engine.ts'

const HIGH = 0x1_0000_0000
const token = new Int32Array(2)

/** Microseconds as the halves that mutations have. */
export function microsHi(micros: number): number {
  return Math.floor(micros / HIGH)
}

export function microsLo(micros: number): number {
  return (micros - Math.floor(micros / HIGH) * HIGH) | 0
}

/** Reads a partition, or all of a table, with everything that is in it. */
export function readCommandOf(table: TableMetadata, key: Uint8Array | null): ReadCommand {
  if (key !== null) murmur3Token(key, 0, key.length, token)
  const keys = key === null ? null : [{ key, tokenHi: token[0]!, tokenLo: token[1]! }]
  return { table, keys, range: FULL_RING, slices: ALL_ROWS, reversed: false }
}

/** Calls back for each row of the partition that exists at a time; the row is good until the next one. */
export function eachLiveRow(
  engine: Pick<StorageEngine, 'read'>,
  table: TableMetadata,
  key: Uint8Array,
  nowSeconds: number,
  visit: (row: LiveRow) => void,
): void {
  const reader = engine.read(readCommandOf(table, key))
  const live = new LiveRow()
  try {
    if (!reader.nextPartition()) return
    while (reader.nextRow()) {
      live.load(reader.row, reader.rowAt, reader.rowDeletionHi, reader.rowDeletionLo, nowSeconds)
      if (live.exists) visit(live)
    }
  } finally {
    reader.close()
  }
}
