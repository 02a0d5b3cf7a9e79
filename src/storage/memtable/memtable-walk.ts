import { compareBytes } from '../../common/bytes.ts'
import {
  type ClusteringBound,
  clusteringTypes,
  compareBounds,
  readClustering,
} from '../../model/clustering.ts'
import { type MutationBuilder, readRangeTombstone } from '../../model/mutation.ts'
import {
  CellReader,
  compare64,
  ROW_HAS_DELETION,
  ROW_HAS_LIVENESS,
  ROW_LIVENESS_EXPIRES,
  ROW_STATIC,
  RowHeader,
  type Words,
} from '../../model/row-format.ts'
import type { TableMetadata } from '../../model/table.ts'
import { compareCells } from '../row-merge.ts'
import { LIVE_HI, LIVE_LO, LIVE_TIME, type Memtable, PARTITION_HEADER_WORDS } from './memtable.ts'
import { RowTreeCursor } from './row-tree.ts'
import type { TokenCursor } from './token-index.ts'

const CELL_FLAGS_KEPT = (1 << 16) | (2 << 16) | (8 << 16)

class WordsAt implements Words {
  i32: Int32Array = new Int32Array(0)
  u8: Uint8Array = new Uint8Array(0)
  at = 0

  move(memtable: Memtable, pointer: number): this {
    this.i32 = memtable.slabs.words[pointer >>> 17]!
    this.u8 = memtable.slabs.bytes[pointer >>> 17]!
    this.at = (pointer & 0x1ffff) << 1
    return this
  }
}

/** The cell behind which a row goes on, out of the row, which may have changed since. */
class LastCell {
  readonly reader = new CellReader()
  readonly words: Words

  constructor(source: Words, cell: CellReader) {
    const i32 = source.i32.slice(cell.at, cell.next)
    this.words = { i32, u8: new Uint8Array(i32.buffer) }
    this.reader.read(i32, 0, 0, 0)
  }
}

type Phase = 'static' | 'rows' | 'rangeTombstones'

const token = new Int32Array(2)
const header = new RowHeader()
const cell = new CellReader()
const EMPTY = new Uint8Array(0)

/**
 * Writes out all that a memtable holds as mutations, a bit at a time. The memtable may change between two bits: what
 * is written is what it holds at that moment, and what is added behind the walk's back is not written. Nothing of
 * a TRUNCATE's past: the walk ends there.
 */
export class MemtableWalk {
  readonly #memtable: Memtable
  readonly #generation: number
  readonly #index: TokenCursor = { directory: 0, bucket: 0, entry: 0 }
  #indexVersion = -1
  /** The partition that the walk is in, or was in last. Partitions do not move. */
  #partition = 0
  #isInPartition = false
  #tokenHi = 0
  #tokenLo = 0
  #phase: Phase = 'static'
  #isDeletionWritten = false
  readonly #rows = new RowTreeCursor()
  /** Where the rows go on, and the cell behind which the first of them does. */
  #rowFrom: ClusteringBound | null = null
  #lastCell: LastCell | null = null
  #tombstonesFrom: ClusteringBound | null = null

  constructor(memtable: Memtable) {
    this.#memtable = memtable
    this.#generation = memtable.generation
  }

  /**
   * Adds to a mutation that was begun until it has `bytes` bytes, or a row has made it longer. A row that alone would
   * is cut into several mutations, of which only those with a single cell are longer. False when all is written.
   */
  fill(mutation: MutationBuilder, bytes: number): boolean {
    if (this.#memtable.generation !== this.#generation) return false
    while (mutation.sizeBytes < bytes) {
      if (!this.#isInPartition && !this.#nextPartition()) return false
      this.#isInPartition = !this.#writePartition(mutation, bytes)
    }
    return true
  }

  #nextPartition(): boolean {
    const { index } = this.#memtable
    if (this.#indexVersion !== index.version) {
      this.#indexVersion = index.version
      if (this.#partition === 0) index.seek(this.#index, -0x80000000, 0)
      else this.#seekBehind()
    }
    this.#partition = index.next(this.#index, token)
    if (this.#partition === 0) return false
    this.#tokenHi = token[0]!
    this.#tokenLo = token[1]!
    this.#phase = 'static'
    this.#isDeletionWritten = false
    this.#rowFrom = null
    this.#lastCell = null
    this.#tombstonesFrom = null
    return true
  }

  /** Partitions have come since: the cursor looks for its place anew. */
  #seekBehind(): void {
    const { index } = this.#memtable
    const cursor = this.#index
    const last = new WordsAt().move(this.#memtable, this.#partition)
    const lastLength = last.i32[last.at]!
    const next = new WordsAt()
    index.seek(cursor, this.#tokenHi, this.#tokenLo)
    for (;;) {
      const before = { ...cursor }
      const pointer = index.next(cursor, token)
      if (pointer === 0) return
      let order = compare64(token[0]!, token[1]!, this.#tokenHi, this.#tokenLo)
      if (order === 0) {
        next.move(this.#memtable, pointer)
        order = compareBytes(
          next.u8,
          (next.at + PARTITION_HEADER_WORDS) << 2,
          next.i32[next.at]!,
          last.u8,
          (last.at + PARTITION_HEADER_WORDS) << 2,
          lastLength,
        )
      }
      if (order > 0) {
        Object.assign(cursor, before)
        return
      }
    }
  }

  /** Writes an update of the partition from where the walk is; true when that is all of it. */
  #writePartition(mutation: MutationBuilder, bytes: number): boolean {
    const memtable = this.#memtable
    const partition = new WordsAt().move(memtable, this.#partition)
    const { i32: P, at: p } = partition
    const keyOffset = (p + PARTITION_HEADER_WORDS) << 2
    mutation.beginUpdate(
      memtable.table.handle,
      this.#tokenHi,
      this.#tokenLo,
      partition.u8,
      keyOffset,
      P[p]!,
    )
    if (!this.#isDeletionWritten) {
      if (P[p + 4] !== LIVE_HI || P[p + 5] !== LIVE_LO || P[p + 6] !== LIVE_TIME) {
        mutation.partitionDeletion(P[p + 4]!, P[p + 5]!, P[p + 6]!)
      }
      this.#isDeletionWritten = true
    }
    let isDone = true
    if (this.#phase === 'static') {
      isDone = P[p + 3] === 0 || this.#writeRow(mutation, P[p + 3]!, bytes)
      if (isDone) this.#phase = 'rows'
    }
    if (isDone && this.#phase === 'rows') {
      isDone = P[p + 1] === 0 || this.#writeRows(mutation, P[p + 1]!, bytes)
      if (isDone) this.#phase = 'rangeTombstones'
    }
    if (isDone) isDone = P[p + 7] === 0 || this.#writeRangeTombstones(mutation, P[p + 7]!, bytes)
    mutation.endUpdate()
    return isDone
  }

  #writeRows(mutation: MutationBuilder, root: number, bytes: number): boolean {
    const memtable = this.#memtable
    const types = memtable.clusteringTypes
    if (types.length === 0) return this.#writeRow(mutation, root, bytes)
    const rows = this.#rows
    rows.open(memtable.slabs, types, root, false)
    rows.seek(this.#rowFrom ?? { components: [], side: 0 })
    let last = 0
    while (mutation.sizeBytes < bytes) {
      const pointer = rows.next()
      if (pointer === 0) return true
      last = pointer
      if (!this.#writeRow(mutation, pointer, bytes)) {
        this.#rowFrom = this.#boundOf(pointer, 0)
        return false
      }
    }
    if (last !== 0) this.#rowFrom = this.#boundOf(last, 1)
    return false
  }

  #boundOf(pointer: number, side: 0 | 1): ClusteringBound {
    const row = new WordsAt().move(this.#memtable, pointer)
    header.read(row.i32, row.at)
    return { components: readClustering(row, header.clustering, this.#memtable.clusteringTypes.length), side }
  }

  /** Writes a row from behind `#lastCell`; true when that is all of it. */
  #writeRow(mutation: MutationBuilder, pointer: number, bytes: number): boolean {
    const row = new WordsAt().move(this.#memtable, pointer)
    const { table } = this.#memtable
    if (this.#lastCell === null && row.i32[row.at]! <= bytes && !hasDroppedCells(table, row)) {
      mutation.copyRow(row, row.at)
      return true
    }
    const last = this.#lastCell
    this.#lastCell = null
    header.read(row.i32, row.at)
    // Liveness and deletion stand in the first part; in the others each cell has its timestamp.
    const flags =
      last === null
        ? header.flags & (ROW_HAS_LIVENESS | ROW_LIVENESS_EXPIRES | ROW_HAS_DELETION | ROW_STATIC)
        : header.flags & ROW_STATIC
    mutation.beginRow(
      flags,
      header.livenessHi,
      header.livenessLo,
      header.ttl,
      header.localExpirationTime,
      header.deletionHi,
      header.deletionLo,
      header.deletionLocalTime,
    )
    for (let p = header.clustering; p < header.cells; ) {
      const length = row.i32[p++]!
      mutation.clustering(row.u8, p << 2, length)
      if (length > 0) p += (length + 3) >>> 2
    }
    mutation.endClustering()
    const { livenessHi, livenessLo, end } = header
    let isFirst = true
    let p = header.cells
    for (; p < end; p = cell.next) {
      cell.read(row.i32, p, livenessHi, livenessLo)
      if (table.columnsById[cell.columnId] === undefined) continue
      if (last !== null && compareCells(table, cell, row.u8, last.reader, last.words.u8) <= 0) continue
      const cellBytes = (cell.next - cell.at) << 2
      const isFull = mutation.sizeBytes + cellBytes > bytes
      // A cell that fills a mutation gets one to itself, without the row's liveness and deletion.
      if (isFull && !(isFirst && last !== null)) break
      isFirst = false
      mutation.cell(
        cell.columnId,
        cell.flags & CELL_FLAGS_KEPT,
        cell.timestampHi,
        cell.timestampLo,
        cell.ttl,
        cell.localDeletionTime,
        cell.pathLength < 0 ? EMPTY : row.u8,
        cell.pathOffset,
        cell.pathLength,
        row.u8,
        cell.valueOffset,
        cell.valueLength,
      )
      this.#lastCell = null
      lastWritten.copy(row, cell)
    }
    mutation.endRow()
    return p >= end
  }

  #writeRangeTombstones(mutation: MutationBuilder, list: number, bytes: number): boolean {
    return mutation.sizeBytes > bytes && list !== 0
  }
}
