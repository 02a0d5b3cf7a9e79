/**
 * The flat form of a row, the one form that rows have in mutations, in the memtable and in reads. It is a run of
 * 32-bit words (in the machine's order) so that a row is copied without looking inside and read without an object
 * a cell. It holds what `Row` holds in Cassandra: clustering, primary key liveness, row deletion, cells, and
 * complex columns with their own deletion and cell paths.
 *
 * ```
 * word 0   size in bytes, a multiple of 4
 *      1   flags (ROW_*)
 *      2   number of cells, complex deletions among them
 *      3   size of the clustering in bytes, a multiple of 4
 *      [timestamp hi, lo]            ROW_HAS_LIVENESS
 *      [ttl, local expiration]       ROW_LIVENESS_EXPIRES (seconds)
 *      [marked for delete hi, lo, local deletion time]   ROW_HAS_DELETION
 *      clustering: a component each: length (-1: null), bytes, padding to 4
 *      cells, ordered by column id, a column's complex deletion first, then by cell path:
 *        column id | CELL_* << 16
 *        value length
 *        [timestamp hi, lo]          unless CELL_ROW_TIMESTAMP
 *        [ttl]                       CELL_EXPIRES
 *        [local deletion time]       CELL_EXPIRES, CELL_TOMBSTONE or CELL_COMPLEX_DELETION
 *        [path length, path, padding to 4]   CELL_HAS_PATH
 *        value, padding to 4
 * ```
 * Timestamps are signed 64-bit microseconds as two words; times are seconds since the epoch, unsigned: up to 2106.
 */

export const ROW_HAS_LIVENESS = 1
export const ROW_LIVENESS_EXPIRES = 2
export const ROW_HAS_DELETION = 4
export const ROW_STATIC = 8

export const CELL_TOMBSTONE = 1 << 16
export const CELL_EXPIRES = 2 << 16
export const CELL_HAS_PATH = 4 << 16
export const CELL_COMPLEX_DELETION = 8 << 16
export const CELL_ROW_TIMESTAMP = 16 << 16

/** What a cell has that is a deletion, of itself or of its column, or will be one. */
export const CELL_MAY_BE_DEAD = CELL_TOMBSTONE | CELL_EXPIRES | CELL_COMPLEX_DELETION

export const ROW_HEADER_WORDS = 4

/** Bytes rounded up to whole words, counted in words. */
export function wordsOf(bytes: number): number {
  return (bytes + 3) >>> 2
}

/** Order of two signed 64-bit numbers given as halves. */
export function compare64(aHi: number, aLo: number, bHi: number, bLo: number): number {
  if (aHi !== bHi) return aHi < bHi ? -1 : 1
  if (aLo === bLo) return 0
  return aLo >>> 0 < bLo >>> 0 ? -1 : 1
}

/** A run of words with a byte view over the same memory. */
export interface Words {
  readonly i32: Int32Array
  readonly u8: Uint8Array
}

/** Words before the clustering of the row at word `at`. */
export function rowPrefixWords(flags: number): number {
  let words = ROW_HEADER_WORDS
  if (flags & ROW_HAS_LIVENESS) words += flags & ROW_LIVENESS_EXPIRES ? 4 : 2
  if (flags & ROW_HAS_DELETION) words += 3
  return words
}

/** Word at which the clustering of the row at word `at` begins. */
export function clusteringAt(i32: Int32Array, at: number): number {
  return at + rowPrefixWords(i32[at + 1]!)
}

/** Word at which the cells of the row at word `at` begin. */
export function cellsAt(i32: Int32Array, at: number): number {
  return clusteringAt(i32, at) + (i32[at + 3]! >>> 2)
}

/** Word behind the cell at word `at`. */
export function endOfCell(i32: Int32Array, at: number): number {
  const head = i32[at]!
  let p = head & CELL_ROW_TIMESTAMP ? at + 2 : at + 4
  if (head & CELL_EXPIRES) p++
  if (head & (CELL_EXPIRES | CELL_TOMBSTONE | CELL_COMPLEX_DELETION)) p++
  if (head & CELL_HAS_PATH) p += 1 + ((i32[p]! + 3) >>> 2)
  return p + ((i32[at + 1]! + 3) >>> 2)
}

/** Word behind the cell at word `at`, which has none of CELL_MAY_BE_DEAD. */
export function endOfPlainCell(i32: Int32Array, at: number): number {
  const head = i32[at]!
  let p = head & CELL_ROW_TIMESTAMP ? at + 2 : at + 4
  if (head & CELL_HAS_PATH) p += 1 + ((i32[p]! + 3) >>> 2)
  return p + ((i32[at + 1]! + 3) >>> 2)
}

/**
 * A reader over one cell after another; the fields are those of the cell last read. One of these serves a whole
 * read, so that no object is made a cell.
 */
export class CellReader {
  columnId = 0
  flags = 0
  timestampHi = 0
  timestampLo = 0
  ttl = 0
  localDeletionTime = 0
  /** Byte offsets and lengths in the row's memory; `pathLength` is -1 without a path. */
  pathOffset = 0
  pathLength = -1
  valueOffset = 0
  valueLength = 0
  /** Word of this cell and of the next one. */
  at = 0
  next = 0

  /** Reads the cell at word `at` of a row whose liveness timestamp is given (for CELL_ROW_TIMESTAMP). */
  read(i32: Int32Array, at: number, rowHi: number, rowLo: number): void {
    this.at = at
    const head = i32[at]!
    this.columnId = head & 0xffff
    this.flags = head & ~0xffff
    this.valueLength = i32[at + 1]!
    let p = at + 2
    if (head & CELL_ROW_TIMESTAMP) {
      this.timestampHi = rowHi
      this.timestampLo = rowLo
    } else {
      this.timestampHi = i32[p]!
      this.timestampLo = i32[p + 1]!
      p += 2
    }
    this.ttl = head & CELL_EXPIRES ? i32[p++]! : 0
    this.localDeletionTime =
      head & (CELL_EXPIRES | CELL_TOMBSTONE | CELL_COMPLEX_DELETION) ? i32[p++]! >>> 0 : 0x7fffffff
    if (head & CELL_HAS_PATH) {
      this.pathLength = i32[p++]!
      this.pathOffset = p << 2
      p += (this.pathLength + 3) >>> 2
    } else {
      this.pathLength = -1
    }
    this.valueOffset = p << 2
    this.next = p + ((this.valueLength + 3) >>> 2)
  }

  /** Whether the cell has a value at `nowSeconds`: neither a deletion nor expired. */
  isLive(nowSeconds: number): boolean {
    if ((this.flags & CELL_MAY_BE_DEAD) === 0) return true
    return (this.flags & CELL_EXPIRES) !== 0 && this.localDeletionTime > nowSeconds
  }
}

/** Bytes of a row's prefix that only the reader of a whole row needs: liveness and deletion. */
export class RowHeader {
  flags = 0
  cellCount = 0
  livenessHi = 0
  livenessLo = 0
  ttl = 0
  localExpirationTime = 0x7fffffff
  deletionHi = 0
  deletionLo = 0
  deletionLocalTime = 0
  /** Words at which clustering and cells begin, and the row ends. */
  clustering = 0
  cells = 0
  end = 0

  read(i32: Int32Array, at: number): void {
    const flags = i32[at + 1]!
    this.flags = flags
    this.cellCount = i32[at + 2]!
    let p = at + ROW_HEADER_WORDS
    if (flags & ROW_HAS_LIVENESS) {
      this.livenessHi = i32[p]!
      this.livenessLo = i32[p + 1]!
      p += 2
      if (flags & ROW_LIVENESS_EXPIRES) {
        this.ttl = i32[p]!
        this.localExpirationTime = i32[p + 1]! >>> 0
        p += 2
      } else {
        this.ttl = 0
        this.localExpirationTime = 0x7fffffff
      }
    }
    if (flags & ROW_HAS_DELETION) {
      this.deletionHi = i32[p]!
      this.deletionLo = i32[p + 1]!
      this.deletionLocalTime = i32[p + 2]! >>> 0
      p += 3
    }
    this.clustering = p
    this.cells = p + (i32[at + 3]! >>> 2)
    this.end = at + (i32[at]! >>> 2)
  }
}
