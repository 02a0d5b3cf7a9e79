import {
  CELL_COMPLEX_DELETION,
  CellReader,
  ROW_HAS_DELETION,
  ROW_HAS_LIVENESS,
  ROW_LIVENESS_EXPIRES,
  ROW_STATIC,
  RowHeader,
  type Words,
} from './row-format.ts'

/**
 * What Cassandra counts against local_read_size_warn_threshold and local_read_size_fail_threshold: the bytes that a
 * row takes in Java's memory as its memtable has it (`BTreeRow.unsharedHeapSize`). The sizes of its objects are those of
 * a 64-bit JVM with compressed pointers, which is what any Cassandra of less than 32 GiB runs on.
 */

/** A ByteBuffer on a slab, without its bytes; and an empty one, which has an array of its own. */
const BUFFER = 56
const EMPTY_BUFFER = 72
const ROW = 40
const CLUSTERING = 24
const LIVENESS = 24
const EXPIRING_LIVENESS = 32
const ROW_DELETION = 48
const COMPLEX_COLUMN = 24
const CELL = 40
const CELL_PATH = 16
/** A deletion of a partition or a complex column; a bound of a range tombstone; the end of one and the start of another. */
export const DELETION_HEAP_BYTES = 24
export const BOUND_HEAP_BYTES = 48
export const BOUNDARY_HEAP_BYTES = 72

const ARRAY_HEADER = 16
/** Most elements of a leaf of a tree, and children of a branch (`BTree.MAX_KEYS`). */
const LEAF_MAX = 31

const header = new RowHeader()
const cell = new CellReader()

/** Of a partition's key, which is `length` bytes. */
export function keyHeapBytes(length: number): number {
  return BUFFER + length
}

/** Of the row at word `at`, whose table has so many clustering columns; a static row has none of them. */
export function rowHeapBytes({ i32 }: Words, at: number, clusteringsOfTable: number): number {
  header.read(i32, at)
  const clusterings = (header.flags & ROW_STATIC) !== 0 ? 0 : clusteringsOfTable
  let bytes = ROW
  if (clusterings > 0) {
    bytes += CLUSTERING + arrayBytes(clusterings, 4)
    for (let i = 0, p = header.clustering; i < clusterings; i++) {
      const length = i32[p]
      if (length >= 0) bytes += valueBytes(length)
      p += 1 + ((Math.max(0, length) + 3) >>> 2)
    }
  }
  const { flags } = header
  if (flags & ROW_LIVENESS_EXPIRES) bytes += EXPIRING_LIVENESS
  else if (flags & ROW_HAS_LIVENESS) bytes += LIVENESS
  if (flags & ROW_HAS_DELETION) bytes += ROW_DELETION
  return bytes + columnsBytes(i32)
}

/** Of the columns of the row that `header` stands at. */
function columnsBytes(i32: Int32Array): number {
  let bytes = 0
  let columns = 0
  let column = -1
  let cells = 0
  for (let p = header.cells; p < header.end; p = cell.next) {
    cell.read(i32, p, header.livenessHi, header.livenessLo)
    const isComplex = cell.pathLength >= 0 || (cell.flags & CELL_COMPLEX_DELETION) !== 0
    if (cell.columnId !== column) {
      column = cell.columnId
      columns++
      bytes += treeBytes(cells)
      cells = 0
      if (isComplex) bytes += COMPLEX_COLUMN
    }
    if (cell.flags & CELL_COMPLEX_DELETION) {
      bytes += DELETION_HEAP_BYTES
      continue
    }
    bytes += CELL + valueBytes(cell.valueLength)
    if (cell.pathLength >= 0) bytes += CELL_PATH + valueBytes(cell.pathLength)
    if (isComplex) cells++
  }
  return bytes + treeBytes(cells) + treeBytes(columns)
}

function valueBytes(length: number): number {
  return length === 0 ? EMPTY_BUFFER : BUFFER + length
}

function arrayBytes(length: number, elementBytes: number): number {
  return (ARRAY_HEADER + length * elementBytes + 7) & ~7
}

/** Of a tree of so many elements, built of them in order: leaves are full but for the last two, which share the rest. */
function treeBytes(count: number): number {
  if (count === 0) return 0
  if (count <= LEAF_MAX) return arrayBytes(count | 1, 4)
  const leaves = Math.ceil((count + 1) / (LEAF_MAX + 1))
  const full = leaves - 2
  const rest = count - (leaves - 1) - full * LEAF_MAX
  const first = Math.ceil(rest / 2)
  return (
    branchBytes(leaves) +
    full * arrayBytes(LEAF_MAX, 4) +
    arrayBytes(first | 1, 4) +
    arrayBytes((rest - first) | 1, 4)
  )
}

/** Of the branches over so many nodes: each has its keys, its children and their sizes. */
function branchBytes(nodes: number): number {
  const branches = Math.ceil(nodes / (LEAF_MAX + 1))
  const least = Math.floor(nodes / branches)
  const larger = nodes - least * branches
  const bytes = (children: number): number => arrayBytes(2 * children, 4) + arrayBytes(children, 4)
  const own = larger * bytes(least + 1) + (branches - larger) * bytes(least)
  return branches === 1 ? own : own + branchBytes(branches)
}
