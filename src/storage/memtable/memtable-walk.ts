import { compareBytes } from '../../common/bytes.ts'
import { type ClusteringBound, compareBounds, readClustering } from '../../model/clustering.ts'
import type { MutationBuilder } from '../../model/mutation.ts'
import {
  CELL_COMPLEX_DELETION,
  CELL_EXPIRES,
  CELL_TOMBSTONE,
  CellReader,
  compare64,
  ROW_HAS_DELETION,
  ROW_HAS_LIVENESS,
  ROW_STATIC,
  RowHeader,
  type Words,
} from '../../model/row-format.ts'
import type { TableMetadata } from '../../model/table.ts'
import { compareCells } from '../row-merge.ts'
import {
  LIVE_HI,
  LIVE_LO,
  LIVE_TIME,
  type Memtable,
  PARTITION_HEADER_WORDS,
  readRangeTombstone,
} from './memtable.ts'
import { RowTreeCursor } from './row-tree.ts'
import type { TokenCursor } from './token-index.ts'

/** How much is written at a time. */
export interface WalkLimits {
  /** Mutations are about this long, if no row is longer. */
  readonly mutationBytes: number
  /** A row that is longer is cut into several mutations; only one with a single cell may be longer than this. */
  readonly rowBytes: number
}

/** A block of a memtable. */
class Block implements Words {
  readonly i32: Int32Array
  readonly u8: Uint8Array
  /** First word. */
  readonly at: number

  constructor(memtable: Memtable, pointer: number) {
    this.i32 = memtable.slabs.words[pointer >>> 17]!
    this.u8 = memtable.slabs.bytes[pointer >>> 17]!
    this.at = (pointer & 0x1ffff) << 1
  }
}

/** A cell out of its row, which may change. */
class CellCopy {
  readonly cell = new CellReader()
  readonly bytes: Uint8Array

  constructor(source: Words, cell: CellReader) {
    const words = source.i32.slice(cell.at, cell.next)
    this.bytes = new Uint8Array(words.buffer)
    this.cell.read(words, 0, 0, 0)
  }
}

type Phase = 'static' | 'rows' | 'rangeTombstones'

const FIRST: ClusteringBound = { components: [], side: 0 }
const NO_BYTES = new Uint8Array(0)
const token = new Int32Array(2)
const header = new RowHeader()
const cell = new CellReader()

/**
 * Writes out all that a memtable holds as mutations, a bit at a time. The memtable may change between two bits: what is
 * written is what it holds at that moment, and what comes up behind the walk is left out. After a TRUNCATE
 * the walk is at its end.
 */
export class MemtableWalk {
  readonly #memtable: Memtable
  readonly #generation: number
  readonly #cursor: TokenCursor = { directory: 0, bucket: 0, entry: 0 }
  #indexVersion = -1
  /** The partition that the walk is in, or was in last; a partition never moves. */
  #partition = 0
  #tokenHi = 0
  #tokenLo = 0
  #isInPartition = false
  #isDeletionWritten = false
  #phase: Phase = 'static'
  readonly #rows = new RowTreeCursor()
  #rowsFrom: ClusteringBound = FIRST
  /** In the middle of a row that is cut; and the cell of it that was written last. */
  #isInRow = false
  #lastCell: CellCopy | null = null
  #tombstonesFrom: ClusteringBound | null = null

  constructor(memtable: Memtable) {
    this.#memtable = memtable
    this.#generation = memtable.generation
  }

  /** Adds to a mutation that was begun, and is empty. False when all has been written. */
  fill(mutation: MutationBuilder, limits: WalkLimits): boolean {
    if (this.#memtable.generation !== this.#generation) return false
    while (mutation.sizeBytes < limits.mutationBytes) {
      if (!this.#isInPartition && !this.#nextPartition()) return false
      this.#isInPartition = !this.#writePartition(mutation, limits)
      if (this.#isInPartition) return true
    }
    return true
  }

  #nextPartition(): boolean {
    const { index } = this.#memtable
    if (this.#indexVersion !== index.version) {
      this.#indexVersion = index.version
      if (this.#partition === 0) index.seek(this.#cursor, -0x80000000, 0)
      else this.#seekBehindPartition()
    }
    const pointer = index.next(this.#cursor, token)
    if (pointer === 0) return false
    this.#partition = pointer
    this.#tokenHi = token[0]!
    this.#tokenLo = token[1]!
    this.#isDeletionWritten = false
    this.#phase = 'static'
    this.#rowsFrom = FIRST
    this.#tombstonesFrom = null
    return true
  }

  /** Partitions have been added: looks for the place anew. */
  #seekBehindPartition(): void {
    const { index } = this.#memtable
    index.seek(this.#cursor, this.#tokenHi, this.#tokenLo)
    for (;;) {
      const { directory, bucket, entry } = this.#cursor
      const pointer = index.next(this.#cursor, token)
      if (pointer === 0) return
      const order = compare64(token[0]!, token[1]!, this.#tokenHi, this.#tokenLo)
      if (order > 0 || (order === 0 && this.#compareKeys(pointer, this.#partition) > 0)) {
        Object.assign(this.#cursor, { directory, bucket, entry })
        return
      }
    }
  }

  #compareKeys(a: number, b: number): number {
    const x = new Block(this.#memtable, a)
    const y = new Block(this.#memtable, b)
    return compareBytes(
      x.u8,
      (x.at + PARTITION_HEADER_WORDS) << 2,
      x.i32[x.at]!,
      y.u8,
      (y.at + PARTITION_HEADER_WORDS) << 2,
      y.i32[y.at]!,
    )
  }

  /** Writes the partition from where the walk is; true when that is all of it. */
  #writePartition(mutation: MutationBuilder, limits: WalkLimits): boolean {
    const { i32, u8, at } = new Block(this.#memtable, this.#partition)
    const { handle } = this.#memtable.table
    const keyOffset = (at + PARTITION_HEADER_WORDS) << 2
    mutation.beginUpdate(handle, this.#tokenHi, this.#tokenLo, u8, keyOffset, i32[at]!)
    if (!this.#isDeletionWritten) {
      this.#isDeletionWritten = true
      const isDeleted = i32[at + 4] !== LIVE_HI || i32[at + 5] !== LIVE_LO || i32[at + 6] !== LIVE_TIME
      if (isDeleted) mutation.partitionDeletion(i32[at + 4]!, i32[at + 5]!, i32[at + 6]!)
    }
    const isDone = this.#writeContent(mutation, i32[at + 3]!, i32[at + 1]!, i32[at + 7]!, limits)
    mutation.endUpdate()
    return isDone
  }

  #writeContent(
    mutation: MutationBuilder,
    staticRow: number,
    rows: number,
    tombstones: number,
    limits: WalkLimits,
  ): boolean {
    if (this.#phase === 'static') {
      if (staticRow !== 0 && !this.#writeRow(mutation, staticRow, limits)) return false
      this.#leave('rows')
    }
    if (this.#phase === 'rows') {
      if (rows !== 0 && !this.#writeRows(mutation, rows, limits)) return false
      this.#leave('rangeTombstones')
    }
    return tombstones === 0 || this.#writeRangeTombstones(mutation, tombstones, limits)
  }

  /** Goes on to the next phase, also out of a row that a deletion of the partition has taken away meanwhile. */
  #leave(next: Phase): void {
    this.#phase = next
    this.#isInRow = false
    this.#lastCell = null
  }

  #writeRows(mutation: MutationBuilder, rows: number, limits: WalkLimits): boolean {
    const memtable = this.#memtable
    const types = memtable.clusteringTypes
    if (types.length === 0) return this.#writeRow(mutation, rows, limits)
    this.#rows.open(memtable.slabs, types, rows, false)
    this.#rows.seek(this.#rowsFrom)
    for (;;) {
      const pointer = this.#rows.next()
      if (pointer === 0) return true
      const isWhole = this.#writeRow(mutation, pointer, limits)
      if (isWhole && mutation.sizeBytes < limits.mutationBytes) continue
      const row = new Block(memtable, pointer)
      header.read(row.i32, row.at)
      const components = readClustering(row, header.clustering, types.length)
      this.#rowsFrom = { components, side: isWhole ? 1 : 0 }
      return false
    }
  }

  /** Writes a row, or, of one that is cut, its next part; true when that is all of it. */
  #writeRow(mutation: MutationBuilder, pointer: number, limits: WalkLimits): boolean {
    const { table } = this.#memtable
    const row = new Block(this.#memtable, pointer)
    header.read(row.i32, row.at)
    if (!this.#isInRow) {
      if (row.i32[row.at]! <= limits.rowBytes) {
        if (hasOnlyColumnsOf(table, row)) mutation.copyRow(row, row.at)
        else this.#writePart(mutation, row, header.flags, Number.POSITIVE_INFINITY)
        return true
      }
      this.#isInRow = true
      // Liveness and deletion come first; then each part has a mutation to itself.
      if (header.flags & (ROW_HAS_LIVENESS | ROW_HAS_DELETION)) {
        this.#writePart(mutation, row, header.flags, 0)
      }
      return false
    }
    if (!this.#writePart(mutation, row, header.flags & ROW_STATIC, limits.rowBytes)) return false
    this.#isInRow = false
    this.#lastCell = null
    return true
  }

  /** Writes a row with cells behind `#lastCell`, about `bytes` of them; true when those are all. */
  #writePart(mutation: MutationBuilder, row: Block, flags: number, bytes: number): boolean {
    const { table } = this.#memtable
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
    const last = this.#lastCell
    let written = 0
    let lastWritten = -1
    let isDone = true
    for (let p = header.cells; p < header.end; p = cell.next) {
      cell.read(row.i32, p, header.livenessHi, header.livenessLo)
      if (table.columnsById[cell.columnId] === undefined) continue
      if (last !== null && compareCells(table, cell, row.u8, last.cell, last.bytes) <= 0) continue
      const cellBytes = (cell.next - cell.at) << 2
      if (bytes === 0 || (written > 0 && written + cellBytes > bytes)) {
        isDone = false
        break
      }
      mutation.cell(
        cell.columnId,
        cell.flags & (CELL_TOMBSTONE | CELL_EXPIRES | CELL_COMPLEX_DELETION),
        cell.timestampHi,
        cell.timestampLo,
        cell.ttl,
        cell.localDeletionTime,
        cell.pathLength < 0 ? NO_BYTES : row.u8,
        cell.pathOffset,
        cell.pathLength,
        row.u8,
        cell.valueOffset,
        cell.valueLength,
      )
      written += cellBytes
      lastWritten = p
    }
    mutation.endRow()
    if (!isDone && lastWritten >= 0) {
      cell.read(row.i32, lastWritten, 0, 0)
      this.#lastCell = new CellCopy(row, cell)
    }
    return isDone
  }

  #writeRangeTombstones(mutation: MutationBuilder, list: number, limits: WalkLimits): boolean {
    const types = this.#memtable.clusteringTypes
    const { i32, at } = new Block(this.#memtable, list)
    const count = i32[at]!
    const read = (index: number) => {
      const block = new Block(this.#memtable, i32[at + 2 + index]!)
      return readRangeTombstone(block, block.at)
    }
    let low = 0
    const from = this.#tombstonesFrom
    for (let high = count; from !== null && low < high; ) {
      const middle = (low + high) >>> 1
      if (compareBounds(types, read(middle).end, from) <= 0) low = middle + 1
      else high = middle
    }
    for (; low < count; low++) {
      const { start, end, hi, lo, time } = read(low)
      mutation.beginRangeTombstone(hi, lo, time)
      mutation.bound(start.components, start.side)
      mutation.bound(end.components, end.side)
      mutation.endRangeTombstone()
      if (mutation.sizeBytes < limits.mutationBytes || low === count - 1) continue
      this.#tombstonesFrom = end
      return false
    }
    return true
  }
}

/** Whether no cell of a row belongs to a column that was dropped. */
function hasOnlyColumnsOf(table: TableMetadata, row: Block): boolean {
  for (let p = header.cells; p < header.end; p = cell.next) {
    cell.read(row.i32, p, 0, 0)
    if (table.columnsById[cell.columnId] === undefined) return false
  }
  return true
}
