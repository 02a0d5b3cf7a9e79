import { timestampsOfRow, timestampsOfUpdate } from './least-timestamp.ts'
import {
  countsAt,
  MUTATION_HEADER_WORDS,
  rowsAt,
  UPDATE_HAS_DELETION,
  UPDATE_KEY_WORD,
  updatesAt,
} from './mutation-format.ts'
import { CELL_EXPIRES, CELL_HAS_PATH, CELL_ROW_TIMESTAMP, compare64, type Words } from './row-format.ts'

export { countsAt, MUTATION_HEADER_WORDS, rowsAt, UPDATE_HAS_DELETION, UPDATE_KEY_WORD, updatesAt }

/** Longer values are copied by one native call. */
const SHORT_VALUE = 64
const LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1
const INITIAL_BYTES = 1 << 16
/** A buffer that grew beyond this for one mutation is let go with the next. */
const KEPT_BYTES = 1 << 20

/** Local deletion time and the like that mean "never" (`Cell.NO_DELETION_TIME`). */
export const NO_DELETION_TIME = 0x7fffffff

/** Halves of the greatest timestamp. */
const MAX_HI = 0x7fffffff
const MAX_LO = -1

/**
 * Writes mutations, one after another, into one growing buffer. `words` and what `finish` says are valid until the
 * next `begin`.
 */
export class MutationBuilder implements Words {
  i32: Int32Array<ArrayBuffer>
  u8: Uint8Array<ArrayBuffer>
  #buffer: Buffer
  /** Next word to write. */
  #at = 0
  #updates = 0
  #updateAt = 0
  #countsAt = 0
  #rowAt = 0
  #rowCells = 0
  #rowHi = 0
  #rowLo = 0
  #rowHasLiveness = false
  /** The least timestamp in it. */
  minTimestampHi = MAX_HI
  minTimestampLo = MAX_LO

  readonly #note = (hi: number, lo: number): void => this.#noteTimestamp(hi, lo)

  constructor(sizeBytes: number = INITIAL_BYTES) {
    const memory = new ArrayBuffer(sizeBytes)
    this.i32 = new Int32Array(memory)
    this.u8 = new Uint8Array(memory)
    this.#buffer = Buffer.from(memory)
  }

  /** Starts a mutation, forgetting the last. */
  begin(): void {
    if (this.u8.length > KEPT_BYTES) this.#use(new ArrayBuffer(INITIAL_BYTES))
    this.#at = MUTATION_HEADER_WORDS
    this.#updates = 0
    this.minTimestampHi = MAX_HI
    this.minTimestampLo = MAX_LO
  }

  #noteTimestamp(hi: number, lo: number): void {
    if (compare64(hi, lo, this.minTimestampHi, this.minTimestampLo) >= 0) return
    this.minTimestampHi = hi
    this.minTimestampLo = lo
  }

  /** Number of partition updates so far. */
  get updateCount(): number {
    return this.#updates
  }

  /** Size so far in bytes. */
  get sizeBytes(): number {
    return this.#at << 2
  }

  /** Ends the mutation; its bytes are `u8[0 .. size)`. Returns the size in bytes. */
  finish(): number {
    this.i32[0] = this.#at << 2
    this.i32[1] = this.#updates
    return this.#at << 2
  }

  /** Copies the mutation that was finished, to keep it past the next `begin`. */
  copy(): Uint8Array {
    return this.u8.slice(0, this.#at << 2)
  }

  /** Starts the update of one partition. */
  beginUpdate(
    tableHandle: number,
    tokenHi: number,
    tokenLo: number,
    key: Uint8Array,
    keyOffset: number,
    keyLength: number,
  ): void {
    this.#reserve(keyLength + 64)
    const i32 = this.i32
    let p = this.#at
    this.#updateAt = p
    i32[p + 1] = tableHandle
    i32[p + 2] = tokenHi
    i32[p + 3] = tokenLo
    i32[p + 4] = keyLength
    p += UPDATE_KEY_WORD
    this.#at = p
    this.#bytes(key, keyOffset, keyLength)
    p = this.#at
    this.#countsAt = p
    i32[p] = 0
    i32[p + 1] = 0
    i32[p + 2] = 0
    this.#at = p + 3
    this.#updates++
  }

  /** Deletes the whole partition; to be called before any row. */
  partitionDeletion(timestampHi: number, timestampLo: number, localDeletionTime: number): void {
    this.#noteTimestamp(timestampHi, timestampLo)
    this.#reserve(16)
    this.i32[this.#countsAt]! |= UPDATE_HAS_DELETION
    this.i32[this.#at++] = timestampHi
    this.i32[this.#at++] = timestampLo
    this.i32[this.#at++] = localDeletionTime
  }

  endUpdate(): void {
    this.i32[this.#updateAt] = (this.#at - this.#updateAt) << 2
  }

  /** Number of rows and range tombstones in the update so far, and whether the partition is deleted. */
  get updateIsEmpty(): boolean {
    const c = this.#countsAt
    return this.i32[c] === 0 && this.i32[c + 1] === 0 && this.i32[c + 2] === 0
  }

  /**
   * Starts a row. `flags` says which of the optional parts follow; they are given here at once (`ttl` and
   * `expiration` in seconds). The clustering's components follow, by `clustering`, then `endClustering`.
   */
  beginRow(
    flags: number,
    livenessHi: number,
    livenessLo: number,
    ttl: number,
    expiration: number,
    deletionHi: number,
    deletionLo: number,
    deletionLocalTime: number,
  ): void {
    this.#reserve(64)
    const i32 = this.i32
    let p = this.#at
    this.#rowAt = p
    this.#rowCells = 0
    i32[p + 1] = flags
    p += 4
    this.#rowHasLiveness = (flags & 1) !== 0
    if (flags & 1) {
      this.#noteTimestamp(livenessHi, livenessLo)
      this.#rowHi = livenessHi
      this.#rowLo = livenessLo
      i32[p++] = livenessHi
      i32[p++] = livenessLo
      if (flags & 2) {
        i32[p++] = ttl
        i32[p++] = expiration
      }
    }
    if (flags & 4) {
      this.#noteTimestamp(deletionHi, deletionLo)
      i32[p++] = deletionHi
      i32[p++] = deletionLo
      i32[p++] = deletionLocalTime
    }
    this.#at = p
    this.#clusteringFrom = p
  }

  #clusteringFrom = 0

  /** Appends a clustering component; a negative length is null. */
  clustering(source: Uint8Array, offset: number, length: number): void {
    this.#reserve((length < 0 ? 0 : length) + 16)
    this.i32[this.#at++] = length < 0 ? -1 : length
    if (length > 0) this.#bytes(source, offset, length)
  }

  endClustering(): void {
    this.i32[this.#rowAt + 3] = (this.#at - this.#clusteringFrom) << 2
  }

  /**
   * Appends a cell. Cells come ordered by column id, a column's complex deletion first, then by cell path.
   * `flags` are CELL_* (CELL_ROW_TIMESTAMP and CELL_HAS_PATH are added here); a path length of -1 is no path.
   */
  cell(
    columnId: number,
    flags: number,
    timestampHi: number,
    timestampLo: number,
    ttl: number,
    localDeletionTime: number,
    path: Uint8Array,
    pathOffset: number,
    pathLength: number,
    value: Uint8Array,
    valueOffset: number,
    valueLength: number,
  ): void {
    this.#reserve(valueLength + (pathLength < 0 ? 0 : pathLength) + 64)
    const i32 = this.i32
    let p = this.#at
    const sameAsRow =
      this.#rowHasLiveness && timestampHi === this.#rowHi && timestampLo === this.#rowLo
        ? CELL_ROW_TIMESTAMP
        : 0
    const head = columnId | flags | sameAsRow | (pathLength >= 0 ? CELL_HAS_PATH : 0)
    i32[p] = head
    i32[p + 1] = valueLength
    p += 2
    if (!sameAsRow) {
      this.#noteTimestamp(timestampHi, timestampLo)
      i32[p++] = timestampHi
      i32[p++] = timestampLo
    }
    if (flags & CELL_EXPIRES) i32[p++] = ttl
    if (flags !== 0) i32[p++] = localDeletionTime
    this.#at = p
    if (pathLength >= 0) {
      i32[this.#at++] = pathLength
      this.#bytes(path, pathOffset, pathLength)
    }
    if (valueLength > 0) this.#bytes(value, valueOffset, valueLength)
    this.#rowCells++
  }

  endRow(): void {
    const i32 = this.i32
    i32[this.#rowAt] = (this.#at - this.#rowAt) << 2
    i32[this.#rowAt + 2] = this.#rowCells
    i32[this.#countsAt + 1]!++
  }

  /** Appends a row that is flat already. */
  copyRow(source: Words, at: number): void {
    timestampsOfRow(source.i32, at, this.#note)
    this.#copyWords(source, at)
    this.i32[this.#countsAt + 1]!++
  }

  /** What begins with its size in bytes. */
  #copyWords(source: Words, at: number): void {
    const words = source.i32[at]! >>> 2
    this.#reserve(words << 2)
    this.i32.set(source.i32.subarray(at, at + words), this.#at)
    this.#at += words
  }

  #tombstoneAt = 0

  /** Starts a range tombstone; two `bound`s follow, start and end. To be called after the rows. */
  beginRangeTombstone(timestampHi: number, timestampLo: number, localDeletionTime: number): void {
    this.#noteTimestamp(timestampHi, timestampLo)
    this.#reserve(32)
    this.#tombstoneAt = this.#at
    this.i32[this.#at + 1] = timestampHi
    this.i32[this.#at + 2] = timestampLo
    this.i32[this.#at + 3] = localDeletionTime
    this.#at += 4
  }

  /** Appends a bound: a prefix of clustering components, before or after the rows that begin with it. */
  bound(components: readonly Uint8Array[], side: 0 | 1): void {
    this.#reserve(16)
    this.i32[this.#at++] = components.length
    this.i32[this.#at++] = side
    for (const component of components) {
      this.#reserve(component.length + 16)
      this.i32[this.#at++] = component.length
      if (component.length > 0) this.#bytes(component, 0, component.length)
    }
  }

  endRangeTombstone(): void {
    this.i32[this.#tombstoneAt] = (this.#at - this.#tombstoneAt) << 2
    this.i32[this.#countsAt + 2]!++
  }

  /** Appends a range tombstone that is flat already. */
  copyRangeTombstone(source: Words, at: number): void {
    this.#noteTimestamp(source.i32[at + 1]!, source.i32[at + 2]!)
    this.#copyWords(source, at)
    this.i32[this.#countsAt + 2]!++
  }

  /** Appends an update that is flat already. */
  copyUpdate(source: Words, at: number): void {
    timestampsOfUpdate(source.i32, at, this.#note)
    this.#copyWords(source, at)
    this.#updates++
  }

  #bytes(source: Uint8Array, offset: number, length: number): void {
    const { i32 } = this
    const at = this.#at
    const words = (length + 3) >>> 2
    this.#at = at + words
    if (length <= SHORT_VALUE && LITTLE_ENDIAN) {
      // A word at a time: a third less than byte by byte.
      let word = at
      const end = offset + length
      for (; offset + 4 <= end; offset += 4) {
        i32[word++] =
          source[offset]! |
          (source[offset + 1]! << 8) |
          (source[offset + 2]! << 16) |
          (source[offset + 3]! << 24)
      }
      if (offset < end) {
        let last = source[offset]!
        if (offset + 1 < end) last |= source[offset + 1]! << 8
        if (offset + 2 < end) last |= source[offset + 2]! << 16
        i32[word] = last
      }
      return
    }
    // The last word's padding must not differ from run to run: rows are compared and checksummed as words.
    if (words > 0) i32[at + words - 1] = 0
    this.u8.set(source.subarray(offset, offset + length), at << 2)
  }

  #reserve(bytes: number): void {
    const needed = (this.#at << 2) + bytes + 64
    if (needed <= this.u8.length) return
    let size = this.u8.length
    while (size < needed) size *= 2
    const memory = new ArrayBuffer(size)
    new Int32Array(memory).set(this.i32.subarray(0, this.#at))
    this.#use(memory)
  }

  #use(memory: ArrayBuffer): void {
    this.i32 = new Int32Array(memory)
    this.u8 = new Uint8Array(memory)
    this.#buffer = Buffer.from(memory)
  }

  /** The finished mutation as a buffer over the same memory. */
  get buffer(): Buffer {
    return this.#buffer
  }
}
