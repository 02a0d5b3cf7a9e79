import { compareBytes } from '../common/bytes.ts'
import { mergeCounterContexts } from '../model/counter-context.ts'
import {
  CELL_COMPLEX_DELETION,
  CELL_EXPIRES,
  CELL_ROW_TIMESTAMP,
  CELL_TOMBSTONE,
  CellReader,
  compare64,
  ROW_HAS_DELETION,
  ROW_HAS_LIVENESS,
  ROW_LIVENESS_EXPIRES,
  ROW_STATIC,
  RowHeader,
  type Words,
} from '../model/row-format.ts'
import type { TableMetadata } from '../model/table.ts'

/**
 * Merging of two rows of one clustering, as `Rows.merge` and `Cells.reconcile` do it: of each cell the one with the
 * greater timestamp; then a tombstone or expiring cell over a plain one; then a tombstone over an expiring one; then
 * the greater local deletion time; then the lower TTL; then the greater value. A deletion covers the timestamps up to
 * its own. Counters merge by shard.
 */

/** Where merged rows are written; the last one stays until the next merge. */
export class MergeBuffer implements Words {
  i32 = new Int32Array(1024)
  u8 = new Uint8Array(this.i32.buffer)

  /** Makes room for `words` words; what was there before is kept. */
  ensure(words: number): void {
    if (words <= this.i32.length) return
    const grown = new Int32Array(Math.max(words, this.i32.length * 2))
    grown.set(this.i32)
    this.i32 = grown
    this.u8 = new Uint8Array(grown.buffer)
  }
}

const headerA = new RowHeader()
const headerB = new RowHeader()
const cellA = new CellReader()
const cellB = new CellReader()

/** Positive when the liveness of `a` supersedes that of `b` (`LivenessInfo.supersedes`). */
function livenessSupersedes(a: RowHeader, b: RowHeader): boolean {
  const order = compare64(a.livenessHi, a.livenessLo, b.livenessHi, b.livenessLo)
  if (order !== 0) return order > 0
  const aExpires = (a.flags & ROW_LIVENESS_EXPIRES) !== 0
  const bExpires = (b.flags & ROW_LIVENESS_EXPIRES) !== 0
  if (aExpires === bExpires) return a.localExpirationTime > b.localExpirationTime
  return aExpires
}

/** Whether cell `a` wins over cell `b` of the same column and path (`Cells.resolveRegular`). */
function cellWins(a: CellReader, aBytes: Uint8Array, b: CellReader, bBytes: Uint8Array): boolean {
  const order = compare64(a.timestampHi, a.timestampLo, b.timestampHi, b.timestampLo)
  if (order !== 0) return order > 0
  // Two deletions of one column (`DeletionTime.supersedes`).
  if (a.flags & CELL_COMPLEX_DELETION) return a.localDeletionTime >= b.localDeletionTime
  const aMark = a.flags & (CELL_TOMBSTONE | CELL_EXPIRES)
  const bMark = b.flags & (CELL_TOMBSTONE | CELL_EXPIRES)
  if (aMark !== 0 || bMark !== 0) {
    if ((aMark !== 0) !== (bMark !== 0)) return aMark !== 0
    if (aMark !== bMark) return (aMark & CELL_TOMBSTONE) !== 0
    if (a.localDeletionTime !== b.localDeletionTime) return a.localDeletionTime > b.localDeletionTime
    if (aMark & CELL_EXPIRES && a.ttl !== b.ttl) return a.ttl < b.ttl
  }
  return compareBytes(aBytes, a.valueOffset, a.valueLength, bBytes, b.valueOffset, b.valueLength) >= 0
}

/**
 * Merges the row at word `aAt` of `a` with the one at `bAt` of `b` into `out` from word 0.
 * Returns the size of the merged row in bytes.
 */
export function mergeRows(
  table: TableMetadata,
  a: Words,
  aAt: number,
  b: Words,
  bAt: number,
  out: MergeBuffer,
): number {
  // A cell may lose its "timestamp of the row" mark and grow by two words.
  out.ensure(((a.i32[aAt]! + b.i32[bAt]!) >>> 2) + 2 * (a.i32[aAt + 2]! + b.i32[bAt + 2]!) + 16)
  const A = a.i32
  const B = b.i32
  headerA.read(A, aAt)
  headerB.read(B, bAt)

  let flags = headerA.flags & ROW_STATIC
  let delHi = 0
  let delLo = 0
  let delTime = 0
  const aDeleted = (headerA.flags & ROW_HAS_DELETION) !== 0
  const bDeleted = (headerB.flags & ROW_HAS_DELETION) !== 0
  if (aDeleted || bDeleted) {
    let from = headerA
    if (aDeleted && bDeleted) {
      const order = compare64(headerB.deletionHi, headerB.deletionLo, headerA.deletionHi, headerA.deletionLo)
      if (order > 0 || (order === 0 && headerB.deletionLocalTime > headerA.deletionLocalTime)) from = headerB
    } else if (bDeleted) from = headerB
    delHi = from.deletionHi
    delLo = from.deletionLo
    delTime = from.deletionLocalTime
    flags |= ROW_HAS_DELETION
  }
  const deleted = (flags & ROW_HAS_DELETION) !== 0

  let liveness: RowHeader | null = null
  if (headerA.flags & ROW_HAS_LIVENESS) {
    liveness = headerB.flags & ROW_HAS_LIVENESS && livenessSupersedes(headerB, headerA) ? headerB : headerA
  } else if (headerB.flags & ROW_HAS_LIVENESS) liveness = headerB
  if (
    liveness !== null &&
    deleted &&
    compare64(liveness.livenessHi, liveness.livenessLo, delHi, delLo) <= 0
  ) {
    liveness = null
  }

  const O = out.i32
  let p = 4
  let rowHi = 0
  let rowLo = 0
  if (liveness !== null) {
    flags |= ROW_HAS_LIVENESS | (liveness.flags & ROW_LIVENESS_EXPIRES)
    rowHi = liveness.livenessHi
    rowLo = liveness.livenessLo
    O[p++] = rowHi
    O[p++] = rowLo
    if (liveness.flags & ROW_LIVENESS_EXPIRES) {
      O[p++] = liveness.ttl
      O[p++] = liveness.localExpirationTime
    }
  }
  if (deleted) {
    O[p++] = delHi
    O[p++] = delLo
    O[p++] = delTime
  }
  O[1] = flags
  O[3] = A[aAt + 3]!
  for (let i = headerA.clustering; i < headerA.cells; i++) O[p++] = A[i]!

  let cells = 0
  let aPos = headerA.cells
  let bPos = headerB.cells
  const aEnd = headerA.end
  const bEnd = headerB.end
  const aRowHi = headerA.livenessHi
  const aRowLo = headerA.livenessLo
  const bRowHi = headerB.livenessHi
  const bRowLo = headerB.livenessLo
  if (aPos < aEnd) cellA.read(A, aPos, aRowHi, aRowLo)
  if (bPos < bEnd) cellB.read(B, bPos, bRowHi, bRowLo)
  // The complex deletion in force for the column that is being merged.
  let complexColumn = -1
  let complexHi = 0
  let complexLo = 0

  while (aPos < aEnd || bPos < bEnd) {
    let order: number
    if (aPos >= aEnd) order = 1
    else if (bPos >= bEnd) order = -1
    else order = compareCells(table, cellA, a.u8, cellB, b.u8)

    let winner: CellReader
    let source: Words
    let counterMerged: Uint8Array | null = null
    if (order < 0) {
      winner = cellA
      source = a
    } else if (order > 0) {
      winner = cellB
      source = b
    } else if (table.isCounter && ((cellA.flags | cellB.flags) & CELL_TOMBSTONE) === 0) {
      const later =
        compare64(cellA.timestampHi, cellA.timestampLo, cellB.timestampHi, cellB.timestampLo) >= 0
          ? cellA
          : cellB
      winner = later
      source = later === cellA ? a : b
      counterMerged = mergeCounterContexts(
        a.u8.subarray(cellA.valueOffset, cellA.valueOffset + cellA.valueLength),
        b.u8.subarray(cellB.valueOffset, cellB.valueOffset + cellB.valueLength),
      )
    } else if (table.isCounter && (cellA.flags & CELL_TOMBSTONE) !== (cellB.flags & CELL_TOMBSTONE)) {
      // A counter that was deleted stays deleted, whatever the timestamps (`Cells.resolveCounter`).
      winner = cellA.flags & CELL_TOMBSTONE ? cellA : cellB
      source = winner === cellA ? a : b
    } else {
      const aWins = cellWins(cellA, a.u8, cellB, b.u8)
      winner = aWins ? cellA : cellB
      source = aWins ? a : b
    }

    let keep = !deleted || compare64(winner.timestampHi, winner.timestampLo, delHi, delLo) > 0
    if (winner.flags & CELL_COMPLEX_DELETION) {
      if (keep) {
        complexColumn = winner.columnId
        complexHi = winner.timestampHi
        complexLo = winner.timestampLo
      }
    } else if (keep && winner.columnId === complexColumn) {
      keep = compare64(winner.timestampHi, winner.timestampLo, complexHi, complexLo) > 0
    }
    if (keep) {
      out.ensure(p + (winner.next - winner.at) + 8 + (counterMerged ? counterMerged.length : 0) + 2)
      p = writeCell(out, p, winner, source, rowHi, rowLo, liveness !== null, counterMerged)
      cells++
    }
    if (order <= 0) {
      aPos = cellA.next
      if (aPos < aEnd) cellA.read(A, aPos, aRowHi, aRowLo)
    }
    if (order >= 0) {
      bPos = cellB.next
      if (bPos < bEnd) cellB.read(B, bPos, bRowHi, bRowLo)
    }
  }
  out.i32[0] = p << 2
  out.i32[2] = cells
  return p << 2
}

/** Order of cells in a row: by column, complex deletion first, then by path. */
export function compareCells(
  table: TableMetadata,
  a: CellReader,
  aBytes: Uint8Array,
  b: CellReader,
  bBytes: Uint8Array,
): number {
  if (a.columnId !== b.columnId) return a.columnId - b.columnId
  const aDeletion = a.flags & CELL_COMPLEX_DELETION
  const bDeletion = b.flags & CELL_COMPLEX_DELETION
  if (aDeletion !== 0 || bDeletion !== 0) {
    return aDeletion !== 0 && bDeletion !== 0 ? 0 : aDeletion !== 0 ? -1 : 1
  }
  if (a.pathLength < 0) return 0
  const type = table.columnsById[a.columnId]?.type
  const compare = type !== undefined && 'nameComparator' in type ? type.nameComparator.compare : compareBytes
  return compare(aBytes, a.pathOffset, a.pathLength, bBytes, b.pathOffset, b.pathLength)
}

/**
 * Copies a cell to word `at`; returns the word behind it. The row there has the liveness timestamp given if
 * `hasLiveness`.
 */
export function copyCell(
  out: MergeBuffer,
  at: number,
  cell: CellReader,
  source: Words,
  rowHi: number,
  rowLo: number,
  hasLiveness: boolean,
): number {
  return writeCell(out, at, cell, source, rowHi, rowLo, hasLiveness, null)
}

function writeCell(
  out: MergeBuffer,
  at: number,
  cell: CellReader,
  source: Words,
  rowHi: number,
  rowLo: number,
  hasLiveness: boolean,
  value: Uint8Array | null,
): number {
  const O = out.i32
  const S = source.i32
  const sameAsRow = hasLiveness && cell.timestampHi === rowHi && cell.timestampLo === rowLo
  const wasSame = (cell.flags & CELL_ROW_TIMESTAMP) !== 0
  let from = cell.at
  O[at] = cell.columnId | (cell.flags & ~CELL_ROW_TIMESTAMP) | (sameAsRow ? CELL_ROW_TIMESTAMP : 0)
  O[at + 1] = value === null ? cell.valueLength : value.length
  at += 2
  from += wasSame ? 2 : 4
  if (!sameAsRow) {
    O[at++] = cell.timestampHi
    O[at++] = cell.timestampLo
  }
  const end = value === null ? cell.next : cell.valueOffset >>> 2
  while (from < end) O[at++] = S[from++]!
  if (value !== null) {
    O[at + ((value.length - 1) >>> 2)] = 0
    out.u8.set(value, at << 2)
    at += (value.length + 3) >>> 2
  }
  return at
}
