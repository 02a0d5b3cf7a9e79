import { MUTATION_HEADER_WORDS, UPDATE_HAS_DELETION, UPDATE_KEY_WORD } from '../../model/mutation.ts'
import {
  CELL_COMPLEX_DELETION,
  CellReader,
  ROW_LIVENESS_EXPIRES,
  ROW_STATIC,
  RowHeader,
  type Words,
} from '../../model/row-format.ts'

/** What the limits of a batch are about. */
export interface BatchMeasure {
  /** Partitions by key, of whatever tables: what Cassandra calls mutations. */
  readonly partitions: number
  /** `IMutation.dataSize`: values, paths and clusterings with the sizes of their times; no keys. */
  readonly dataSize: number
  /** Partitions of each table, by its handle. */
  readonly partitionsByTable: ReadonlyMap<number, number>
}

const header = new RowHeader()
const cell = new CellReader()

/** Measures a finished mutation as Cassandra does. */
export function measureBatch(mutation: Words): BatchMeasure {
  const { i32, u8 } = mutation
  const keys = new Set<string>()
  const updates = new Set<string>()
  const partitionsByTable = new Map<number, number>()
  let dataSize = 0
  let at = MUTATION_HEADER_WORDS
  for (let n = i32[1]!; n > 0; n--) {
    const next = at + (i32[at]! >>> 2)
    const keyLength = i32[at + 4]!
    const keyAt = (at + UPDATE_KEY_WORD) << 2
    const key = `${keyLength}:${Buffer.from(u8.buffer, u8.byteOffset + keyAt, keyLength).toString('latin1')}`
    const table = `${i32[at + 1]}/${key}`
    // An update of a partition that the batch has seen is part of the same one.
    if (!updates.has(table)) {
      dataSize += PARTITION_SIZE
      partitionsByTable.set(i32[at + 1]!, (partitionsByTable.get(i32[at + 1]!) ?? 0) + 1)
    }
    updates.add(table)
    keys.add(key)
    at += UPDATE_KEY_WORD + ((keyLength + 3) >>> 2)
    const flags = i32[at]!
    const rows = i32[at + 1]!
    const ranges = i32[at + 2]!
    at += 3 + (flags & UPDATE_HAS_DELETION ? 3 : 0)
    for (let i = 0; i < rows; i++) {
      dataSize += rowSize(mutation, at)
      at += i32[at]! >>> 2
    }
    if (ranges > 0) dataSize += 4
    for (let i = 0; i < ranges; i++) {
      dataSize += rangeSize(mutation, at)
      at += i32[at]! >>> 2
    }
    at = next
  }
  return { partitions: keys.size, dataSize, partitionsByTable }
}

/** The deletion of the partition, and an empty static row: liveness, and deletion with its kind. */
const PARTITION_SIZE = 8 + 8 + 13
const ROW_SIZE = 8 + 13
const EXPIRING_SIZE = 4 + 8
const CELL_SIZE = 8 + 4 + 8
const DELETION_TIME_SIZE = 12

function rowSize(row: Words, at: number): number {
  const { i32 } = row
  header.read(i32, at)
  let size = header.flags & ROW_STATIC ? 0 : ROW_SIZE
  if (header.flags & ROW_LIVENESS_EXPIRES) size += EXPIRING_SIZE
  for (let p = header.clustering; p < header.cells; ) {
    const length = Math.max(0, i32[p]!)
    size += length
    p += 1 + ((length + 3) >>> 2)
  }
  let complexColumn = -1
  for (let p = header.cells; p < header.end; p = cell.next) {
    cell.read(i32, p, 0, 0)
    const isDeletion = (cell.flags & CELL_COMPLEX_DELETION) !== 0
    if ((isDeletion || cell.pathLength >= 0) && cell.columnId !== complexColumn) {
      complexColumn = cell.columnId
      size += DELETION_TIME_SIZE
    }
    if (!isDeletion) size += CELL_SIZE + cell.valueLength + Math.max(0, cell.pathLength)
  }
  return size
}

/** Start, end and time of a range tombstone. */
function rangeSize(words: Words, at: number): number {
  const { i32 } = words
  let size = 8 + 4
  let p = at + 4
  for (let bound = 0; bound < 2; bound++) {
    const count = i32[p]!
    p += 2
    for (let i = 0; i < count; i++) {
      const length = i32[p]!
      size += length
      p += 1 + ((length + 3) >>> 2)
    }
  }
  return size
}
