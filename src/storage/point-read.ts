import { clusteringTypes } from '../model/clustering.ts'
import type { ReadCommand } from '../model/read-command.ts'
import {
  CellReader,
  compare64,
  ROW_HAS_DELETION,
  ROW_HAS_LIVENESS,
  RowHeader,
  type Words,
} from '../model/row-format.ts'
import type { ColumnMetadata, TableMetadata } from '../model/table.ts'
import type { PartitionSource } from './partition-source.ts'
import { MergeBuffer, mergeRows } from './row-merge.ts'
import { compareDeletions, type DeletionTime, LIVE, UNFILTERED_END, UNFILTERED_ROW } from './unfiltered.ts'

const header = new RowHeader()
const cell = new CellReader()

/** Whether a command reads one row of each partition at most: its slice is between the two bounds of a clustering. */
export function readsOneRow({ table, slices }: ReadCommand): boolean {
  if (slices.length !== 1) return false
  const count = table.clusterings.length
  const { start, end } = slices[0]!
  if (count === 0) return true
  if (start.components.length !== count || end.components.length !== count) return false
  if (start.side !== 0 || end.side !== 1) return false
  for (let i = 0; i < count; i++) {
    const x = start.components[i]!
    const y = end.components[i]!
    if (x !== y && table.clusterings[i]!.type.compare(x, 0, x.length, y, 0, y.length) !== 0) return false
  }
  return true
}

/**
 * One row of a partition, put together out of one source after another, newest first
 * (`SinglePartitionReadCommand.queryMemtableAndSSTablesInTimestampOrder`): where the row is known to hold nothing of what
 * is older, the older ones need not be looked at.
 */
export class PointRead {
  partitionDeletion: DeletionTime = LIVE
  /** The newest range tombstone over the row. */
  #cover: DeletionTime = LIVE
  row: Words
  rowAt = 0
  hasRow = false
  readonly staticRow: Words
  hasStatic = false
  #table: TableMetadata | null = null
  #queried: ReadonlySet<number> | null | undefined = undefined
  /** The columns that have to be there for the row to be complete. */
  #statics: readonly ColumnMetadata[] = []
  #regulars: readonly ColumnMetadata[] = []
  #canBeComplete = false
  #clusterings = 0
  #merged = new MergeBuffer()
  #mergedBefore = new MergeBuffer()
  #static = new MergeBuffer()
  #staticBefore = new MergeBuffer()
  readonly #staticWords: { i32: Int32Array; u8: Uint8Array }

  constructor() {
    this.row = this.#merged
    this.#staticWords = { i32: this.#static.i32, u8: this.#static.u8 }
    this.staticRow = this.#staticWords
  }

  /** Begins with another partition of a command that reads one row. */
  begin({ table, queried = null }: ReadCommand): void {
    if (table !== this.#table || queried !== this.#queried) this.#prepare(table, queried)
    this.partitionDeletion = this.#cover = LIVE
    this.hasRow = this.hasStatic = false
  }

  #prepare(table: TableMetadata, queried: ReadonlySet<number> | null): void {
    this.#table = table
    this.#queried = queried
    this.#clusterings = clusteringTypes(table).length
    // Rows of compact tables have no liveness that would prove anything: all that could has to be there.
    const isQueried = ({ id }: ColumnMetadata): boolean =>
      queried === null || table.isCompactTable || queried.has(id)
    this.#statics = table.statics.filter(isQueried)
    this.#regulars = table.regulars.filter(isQueried)
    // Of collections and counters an older SSTable may always have another part.
    this.#canBeComplete =
      !table.isCounter && [...this.#statics, ...this.#regulars].every(({ type }) => !type.multiCell)
  }

  /** Adds what a source has, which stays where it is as long as the row is looked at. */
  add(source: PartitionSource): void {
    const { partitionDeletion } = source
    if (partitionDeletion !== LIVE && compareDeletions(partitionDeletion, this.partitionDeletion) > 0) {
      this.partitionDeletion = partitionDeletion
    }
    if (this.#table!.statics.length > 0 && source.staticRow()) this.#addStatic(source)
    let open: DeletionTime | null = null
    for (;;) {
      const kind = source.next()
      if (kind === UNFILTERED_END) break
      if (kind === UNFILTERED_ROW) {
        this.#addRow(source)
        break
      }
      const { bound, opens } = source.marker
      // What begins at the end of the slice does not cover the row.
      if (bound.side === 1 && bound.components.length === this.#clusterings) break
      open = opens
    }
    if (open !== null && compareDeletions(open, this.#cover) > 0) this.#cover = open
  }

  #addStatic({ row, rowAt }: PartitionSource): void {
    const out = this.#staticBefore
    if (this.hasStatic) mergeRows(this.#table!, this.#static, 0, row, rowAt, out)
    else {
      // The source goes on to its rows, where this one stands.
      const words = row.i32[rowAt]! >>> 2
      out.ensure(words)
      for (let i = 0; i < words; i++) out.i32[i] = row.i32[rowAt + i]!
    }
    this.#staticBefore = this.#static
    this.#static = out
    this.#staticWords.i32 = out.i32
    this.#staticWords.u8 = out.u8
    this.hasStatic = true
  }

  #addRow({ row, rowAt }: PartitionSource): void {
    if (!this.hasRow) {
      this.hasRow = true
      this.row = row
      this.rowAt = rowAt
      return
    }
    const out = this.#mergedBefore
    mergeRows(this.#table!, this.row, this.rowAt, row, rowAt, out)
    this.#mergedBefore = this.#merged
    this.#merged = out
    this.row = out
    this.rowAt = 0
  }

  /** The range tombstone that is in force over the row, or null. */
  get cover(): DeletionTime | null {
    return compareDeletions(this.#cover, this.partitionDeletion) > 0 ? this.#cover : null
  }

  /** The newest deletion over the row, of the partition or a range. */
  get deletion(): DeletionTime {
    return this.cover ?? this.partitionDeletion
  }

  /** Whether sources without anything newer than a timestamp can add nothing that is looked at. */
  isComplete(hi: number, lo: number): boolean {
    if (compare64(hi, lo, this.partitionDeletion.hi, this.partitionDeletion.lo) < 0) return true
    if (!this.#canBeComplete) return false
    if (this.#statics.length > 0) {
      if (!this.hasStatic) return false
      header.read(this.staticRow.i32, 0)
      if (!this.#hasCells(this.staticRow.i32, this.#statics, hi, lo)) return false
    }
    if (this.#cover !== LIVE && compare64(this.#cover.hi, this.#cover.lo, hi, lo) >= 0) return true
    return this.hasRow && this.#isRowComplete(hi, lo)
  }

  #isRowComplete(hi: number, lo: number): boolean {
    const { i32 } = this.row
    header.read(i32, this.rowAt)
    const { flags } = header
    if (flags & ROW_HAS_DELETION && compare64(header.deletionHi, header.deletionLo, hi, lo) >= 0) return true
    const hasLiveness =
      flags & ROW_HAS_LIVENESS && compare64(header.livenessHi, header.livenessLo, hi, lo) > 0
    if (!hasLiveness && !this.#table!.isCompactTable) return false
    return this.#hasCells(i32, this.#regulars, hi, lo)
  }

  /** Whether the row whose header was read has a cell, newer than that, of each column; none has more than one. */
  #hasCells(i32: Int32Array, columns: readonly ColumnMetadata[], hi: number, lo: number): boolean {
    let found = 0
    for (let p = header.cells; p < header.end; p = cell.next) {
      cell.read(i32, p, header.livenessHi, header.livenessLo)
      if (compare64(cell.timestampHi, cell.timestampLo, hi, lo) <= 0) continue
      for (let i = 0; i < columns.length; i++) if (columns[i]!.id === cell.columnId) found++
    }
    return found === columns.length
  }
}
