import {
  CELL_COMPLEX_DELETION,
  CELL_EXPIRES,
  CELL_HAS_PATH,
  CELL_MAY_BE_DEAD,
  CELL_TOMBSTONE,
  CellReader,
  compare64,
  endOfPlainCell,
  ROW_HAS_DELETION,
  ROW_HAS_LIVENESS,
  ROW_HEADER_WORDS,
  ROW_LIVENESS_EXPIRES,
  ROW_STATIC,
  RowHeader,
  type Words,
} from '../../model/row-format.ts'
import type { TableMetadata } from '../../model/table.ts'
import { copyCell, MergeBuffer } from '../row-merge.ts'
import {
  compareDeletions,
  type DeletionTime,
  LIVE,
  type RangeTombstoneMarker,
  type UnfilteredReader,
} from '../unfiltered.ts'
import type { Purge, PurgedPartition } from './purge.ts'

const header = new RowHeader()
const cell = new CellReader()

/** A partition's content, and how many sources it was merged of. */
export interface MergedPartition extends UnfilteredReader {
  readonly sourceCount: number
}

/** What a filter has to know of a partition before its rows. */
export type FilteredPartition = PurgedPartition & Pick<MergedPartition, 'partitionDeletion' | 'sourceCount'>

/**
 * Leaves out what nobody needs of rows and markers that are written to an SSTable: what a deletion of the partition, a
 * range, the row or a column covers (`Row.filter`, `Row.Merger`), cells that were dropped with their columns, and with a
 * `Purge` tombstones that have done their work; what has expired becomes a tombstone (`PurgeFunction`, `Row.purge`).
 */
export class UnfilteredFilter {
  /** What is left of the row that was given last: that row itself, or a copy that is valid until the next one. */
  row: Words
  rowAt = 0
  readonly #table: TableMetadata
  readonly #purge: Purge | null
  /** Cells may be of columns that are no more, or older than their columns. */
  readonly #hasDropped: boolean
  readonly #out = new MergeBuffer()
  /** The deletion over the rows that come next; LIVE where there is none. */
  #active: DeletionTime = LIVE
  #partitionDeletion: DeletionTime = LIVE
  /** Whether a deletion stays that is equal to the one over it, as Cassandra leaves it where nothing is merged. */
  #keepsEqual = false

  /** Without `purge` all tombstones stay. */
  constructor(table: TableMetadata, purge: Purge | null) {
    this.#table = table
    this.#purge = purge
    this.#hasDropped = table.dropped.size > 0 || table.dropTimes !== null
    this.row = this.#out
  }

  /** Begins with the partition that the reader has moved to; returns the deletion that is to be written for it. */
  beginPartition(reader: FilteredPartition): DeletionTime {
    const { partitionDeletion } = reader
    this.#purge?.beginPartition(reader)
    this.#active = this.#partitionDeletion = partitionDeletion
    this.#keepsEqual = reader.sourceCount === 1
    return this.#isPurged(partitionDeletion) ? LIVE : partitionDeletion
  }

  #isPurged(deletion: DeletionTime): boolean {
    const purge = this.#purge
    if (purge === null || deletion === LIVE) return false
    return purge.isPurged(deletion.hi, deletion.lo, deletion.localDeletionTime >>> 0)
  }

  /** What is left of a marker, which may open for the rows behind it; null for nothing. */
  marker(marker: RangeTombstoneMarker): RangeTombstoneMarker | null {
    const { bound, closes, opens } = marker
    this.#active = opens ?? this.#partitionDeletion
    if (this.#purge === null) return marker
    const stillCloses = closes === null || this.#isPurged(closes) ? null : closes
    const stillOpens = opens === null || this.#isPurged(opens) ? null : opens
    if (stillCloses === closes && stillOpens === opens) return marker
    if (stillCloses === null && stillOpens === null) return null
    return { bound, closes: stillCloses, opens: stillOpens }
  }

  /** Takes a row, a static one too; false where nothing is left of it. */
  keepRow(words: Words, at: number): boolean {
    const { i32 } = words
    if (this.#active === LIVE && !this.#hasDropped && (i32[at + 1]! & ROW_HAS_DELETION) === 0) {
      const purge = this.#purge
      if (purge === null || !mayHaveDied(i32, at, purge.nowSeconds)) {
        this.row = words
        this.rowAt = at
        // Of a row that a memtable has there may be nothing but its clustering.
        return (i32[at + 1]! & ROW_HAS_LIVENESS) !== 0 || i32[at + 2]! > 0
      }
    }
    return this.#clean(words, at)
  }

  /** Writes into `#out` what is left of a row. */
  #clean(words: Words, at: number): boolean {
    const { i32 } = words
    header.read(i32, at)
    const out = this.#out
    // A cell may lose its "timestamp of the row" mark and grow by two words.
    out.ensure((i32[at]! >>> 2) + 2 * header.cellCount + 16)
    const covering = this.#covering()
    const O = out.i32
    let flags = header.flags & ROW_STATIC
    let p = ROW_HEADER_WORDS
    const hasLiveness = this.#keepsLiveness(covering)
    if (hasLiveness) {
      flags |= header.flags & (ROW_HAS_LIVENESS | ROW_LIVENESS_EXPIRES)
      O[p++] = header.livenessHi
      O[p++] = header.livenessLo
      if (header.flags & ROW_LIVENESS_EXPIRES) {
        O[p++] = header.ttl
        O[p++] = header.localExpirationTime
      }
    }
    if (this.#keepsRowDeletion(covering)) {
      flags |= ROW_HAS_DELETION
      O[p++] = header.deletionHi
      O[p++] = header.deletionLo
      O[p++] = header.deletionLocalTime
    }
    O[1] = flags
    O[3] = (header.cells - header.clustering) << 2
    for (let i = header.clustering; i < header.cells; i++) O[p++] = i32[i]!
    const end = this.#cleanCells(words, covering, hasLiveness, p)
    out.i32[0] = end << 2
    this.row = out
    this.rowAt = 0
    return this.#cells > 0 || (flags & (ROW_HAS_LIVENESS | ROW_HAS_DELETION)) !== 0
  }

  /** The deletion over the cells of the row: its own, unless that over it is newer. */
  #covering(): DeletionTime {
    const active = this.#active
    if ((header.flags & ROW_HAS_DELETION) === 0) return active
    const own = {
      hi: header.deletionHi,
      lo: header.deletionLo,
      localDeletionTime: header.deletionLocalTime,
    }
    const order = active === LIVE ? 1 : compareDeletions(own, active)
    return order > 0 || (order === 0 && this.#keepsEqual) ? own : active
  }

  #keepsLiveness({ hi, lo }: DeletionTime): boolean {
    const { flags, livenessHi, livenessLo, localExpirationTime } = header
    if ((flags & ROW_HAS_LIVENESS) === 0 || compare64(livenessHi, livenessLo, hi, lo) <= 0) return false
    const purge = this.#purge
    if (purge === null || (flags & ROW_LIVENESS_EXPIRES) === 0) return true
    if (localExpirationTime > purge.nowSeconds) return true
    return !purge.isPurged(livenessHi, livenessLo, localExpirationTime)
  }

  #keepsRowDeletion(covering: DeletionTime): boolean {
    return (header.flags & ROW_HAS_DELETION) !== 0 && covering !== this.#active && !this.#isPurged(covering)
  }

  #cells = 0

  /** Writes what is left of the cells from word `p` on; returns the word behind them, and counts them. */
  #cleanCells(words: Words, covering: DeletionTime, hasLiveness: boolean, p: number): number {
    const { i32 } = words
    const out = this.#out
    const { livenessHi, livenessLo } = header
    let count = 0
    let complexColumn = -1
    let complexHi = 0
    let complexLo = 0
    for (let at = header.cells; at < header.end; at = cell.next) {
      cell.read(i32, at, livenessHi, livenessLo)
      const { timestampHi: hi, timestampLo: lo } = cell
      if (this.#hasDropped && this.#isDropped(hi, lo)) continue
      if (cell.flags & CELL_COMPLEX_DELETION) {
        if (!this.#supersedes(covering)) continue
        complexColumn = cell.columnId
        complexHi = hi
        complexLo = lo
        if (this.#purge?.isPurged(hi, lo, cell.localDeletionTime)) continue
      } else {
        if (covering !== LIVE && compare64(hi, lo, covering.hi, covering.lo) <= 0) continue
        if (cell.columnId === complexColumn && compare64(hi, lo, complexHi, complexLo) <= 0) continue
        if (cell.flags & (CELL_TOMBSTONE | CELL_EXPIRES)) {
          const left = this.#purgeCell()
          if (left === GONE) continue
          if (left === TOMBSTONE) {
            p = this.#tombstone(words, p)
            count++
            continue
          }
        }
      }
      p = copyCell(out, p, cell, words, livenessHi, livenessLo, hasLiveness)
      count++
    }
    this.#cells = out.i32[2] = count
    return p
  }

  /** Whether the cell at hand was dropped with its column. */
  #isDropped(hi: number, lo: number): boolean {
    const { columnsById, dropTimes } = this.#table
    if (columnsById[cell.columnId] === undefined) return true
    const dropped = dropTimes?.[cell.columnId]
    return dropped !== undefined && compare64(hi, lo, dropped.hi, dropped.lo) <= 0
  }

  /** Whether the deletion of a column that is at hand deletes more than the one over it. */
  #supersedes(covering: DeletionTime): boolean {
    if (covering === LIVE) return true
    const order = compare64(cell.timestampHi, cell.timestampLo, covering.hi, covering.lo)
    if (order !== 0) return order > 0
    const times = cell.localDeletionTime - (covering.localDeletionTime >>> 0)
    return times > 0 || (times === 0 && this.#keepsEqual)
  }

  /** What becomes of the tombstone or expiring cell at hand (`AbstractCell.purge`). */
  #purgeCell(): typeof GONE | typeof TOMBSTONE | typeof KEPT {
    const purge = this.#purge
    if (purge === null || cell.isLive(purge.nowSeconds)) return KEPT
    const { timestampHi, timestampLo, localDeletionTime } = cell
    if (purge.isPurged(timestampHi, timestampLo, localDeletionTime)) return GONE
    if ((cell.flags & CELL_EXPIRES) === 0) return KEPT
    return purge.isPurged(timestampHi, timestampLo, Math.max(0, localDeletionTime - cell.ttl))
      ? GONE
      : TOMBSTONE
  }

  /** Writes a tombstone in the place of the expired cell at hand: it was deleted when it was written. */
  #tombstone(words: Words, p: number): number {
    const out = this.#out
    const { i32 } = out
    i32[p++] = cell.columnId | CELL_TOMBSTONE | (cell.flags & CELL_HAS_PATH)
    i32[p++] = 0
    i32[p++] = cell.timestampHi
    i32[p++] = cell.timestampLo
    i32[p++] = Math.max(0, cell.localDeletionTime - cell.ttl)
    if (cell.flags & CELL_HAS_PATH) {
      const from = (cell.pathOffset >>> 2) - 1
      const size = 1 + ((cell.pathLength + 3) >>> 2)
      for (let i = 0; i < size; i++) i32[p++] = words.i32[from + i]!
    }
    return p
  }
}

const GONE = 0
const TOMBSTONE = 1
const KEPT = 2

/** Whether a row without a deletion of its own has anything that is deleted, or has expired by then. */
function mayHaveDied(i32: Int32Array, at: number, nowSeconds: number): boolean {
  header.read(i32, at)
  if (header.flags & ROW_LIVENESS_EXPIRES && header.localExpirationTime <= nowSeconds) return true
  for (let p = header.cells; p < header.end; ) {
    if ((i32[p]! & CELL_MAY_BE_DEAD) === 0) {
      p = endOfPlainCell(i32, p)
      continue
    }
    cell.read(i32, p, 0, 0)
    if (!cell.isLive(nowSeconds)) return true
    p = cell.next
  }
  return false
}
