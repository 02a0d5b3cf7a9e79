import { compareBytes } from '../../common/bytes.ts'
import { murmur3Token } from '../../common/murmur3.ts'
import { compare64 } from '../../model/row-format.ts'
import type { CqlType } from '../../types/index.ts'
import { type DeletionTime, LIVE } from '../unfiltered.ts'
import { KIND_CLUSTERING, readComponents, sideOf } from './clustering-codec.ts'
import { CorruptSSTableError } from './corruption.ts'
import { type ChunkSource, FileCursor, vintLength } from './file-cursor.ts'
import type { IndexSummary } from './index-summary.ts'
import type { Prefix } from './metadata-collector.ts'
import { readDeletionTime } from './unfiltered-decoder.ts'
import type { FormatVersion } from './version.ts'

/** A stretch of a partition's rows (`IndexInfo`). */
export interface IndexBlock {
  readonly first: Prefix
  readonly last: Prefix
  /** Bytes from the beginning of the partition, and how long it is. */
  readonly offset: number
  readonly width: number
  /** The deletion that is open behind the block, or null. */
  readonly openMarker: DeletionTime | null
}

const token = new Int32Array(2)
const WIDTH_BASE = 64 * 1024
/** A vint has at most so many bytes. */
const POSITION_BYTES_MAX = 9

/**
 * Entries of Index.db, pulled one after another from where the summary says (`RowIndexEntry`):
 *
 * ```
 * key (u16 length, bytes), position in Data.db (vint), bytes that follow (vint), 0 for a partition without blocks
 * length of the partition's head (vint), its deletion, number of blocks (vint)
 * blocks: first and last clustering or bound, offset (vint), width - 65536 (signed vint), 1 and a deletion, or 0
 * where each block begins (int32 each), counted from the first
 * ```
 */
export class IndexReader {
  readonly #cursor: FileCursor
  readonly #summary: IndexSummary
  readonly #version: FormatVersion
  readonly #types: readonly CqlType[]
  /** The key of the entry last read. */
  keyBytes: Uint8Array = new Uint8Array(64)
  keyLength = 0
  /** Where its partition begins in Data.db. */
  position = 0
  /** Blocks of the partition; 0 where it has no index. */
  blockCount = 0
  headerLength = 0
  partitionDeletion: DeletionTime = LIVE
  /** Where the entry last read begins in Index.db. */
  entryPosition = 0
  #blocksAt = 0
  #offsetsAt = 0
  #next = 0

  constructor(
    source: ChunkSource,
    summary: IndexSummary,
    version: FormatVersion,
    clusteringTypes: readonly CqlType[],
  ) {
    this.#cursor = new FileCursor(source)
    this.#summary = summary
    this.#version = version
    this.#types = clusteringTypes
  }

  /** Position in Index.db of the next entry. */
  get indexPosition(): number {
    return this.#next
  }

  /** Goes to the entry at a position of Index.db that `indexPosition` or the summary has said. */
  seek(position: number): void {
    this.#next = position
  }

  /** Reads the next entry; false at the end. */
  next(): boolean {
    const cursor = this.#cursor
    if (this.#next >= cursor.length) return false
    this.entryPosition = this.#next
    cursor.seek(this.#next)
    const length = cursor.uint16()
    cursor.take(length)
    if (this.keyBytes.length < length) this.keyBytes = new Uint8Array(length)
    this.keyBytes.set(cursor.taken.subarray(cursor.takenAt, cursor.takenAt + length))
    this.keyLength = length
    this.#readEntry()
    return true
  }

  #readEntry(): void {
    const cursor = this.#cursor
    this.position = cursor.vint()
    const size = cursor.vint()
    const end = cursor.position + size
    if (end > cursor.length) throw cursor.corrupt(`an entry of ${size} bytes`)
    this.#next = end
    this.blockCount = 0
    if (size === 0) return
    this.headerLength = cursor.vint()
    // The key with its length, and the deletion, stand in it.
    if (this.headerLength <= 2 + this.keyLength) throw cursor.corrupt(`a head of ${this.headerLength} bytes`)
    this.partitionDeletion = readDeletionTime(cursor, this.#version)
    this.blockCount = cursor.vint()
    this.#blocksAt = cursor.position
    this.#offsetsAt = end - this.blockCount * 4
    if (this.blockCount === 0 || this.#offsetsAt < this.#blocksAt) {
      throw cursor.corrupt(`${this.blockCount} blocks in ${size} bytes`)
    }
  }

  /** Reads the entry of a key; false when the SSTable does not have it. */
  find(tokenHi: number, tokenLo: number, key: Uint8Array): boolean {
    const summary = this.#summary
    const sample = summary.floor(tokenHi, tokenLo, key)
    if (sample < 0) return false
    const cursor = this.#cursor
    const start = summary.positionAt(sample)
    const end = sample + 1 < summary.count ? summary.positionAt(sample + 1) : cursor.length
    this.#next = start
    while (this.#next < end) {
      cursor.seek(this.#next)
      const length = cursor.uint16()
      cursor.take(length)
      if (length === key.length && compareBytes(cursor.taken, cursor.takenAt, length, key, 0, length) === 0) {
        if (this.keyBytes.length < length) this.keyBytes = new Uint8Array(length)
        this.keyBytes.set(key)
        this.keyLength = length
        this.entryPosition = this.#next
        this.#readEntry()
        return true
      }
      if (this.#next === start) this.#checkSample(sample, cursor.taken, cursor.takenAt, length)
      cursor.vint()
      const size = cursor.vint()
      this.#next = cursor.position + size
      if (this.#next > cursor.length) throw cursor.corrupt(`an entry of ${size} bytes`)
      if (this.#next < end) this.#passOthers(key, end)
    }
    if (this.#next !== end) throw cursor.corrupt(`an entry that ends behind ${end}`)
    return false
  }

  /**
   * Passes entries of other keys as far as they are short ones within the stretch at hand: there are a hundred between two
   * of the summary.
   */
  #passOthers(key: Uint8Array, end: number): void {
    const cursor = this.#cursor
    cursor.seek(this.#next)
    const { stretch } = cursor
    let at = cursor.stretchAt
    const base = this.#next - at
    const limit = Math.min(cursor.stretchEnd, end - base)
    // Keys that follow each other often begin alike.
    const last = key[key.length - 1]
    while (at + 2 < limit) {
      const length = (stretch[at]! << 8) | stretch[at + 1]!
      let p = at + 2 + length
      if (p + POSITION_BYTES_MAX >= limit) break
      const isLike = length === key.length && stretch[p - 1] === last
      if (isLike && compareBytes(stretch, at + 2, length, key, 0, length) === 0) break
      p += vintLength(stretch[p]!)
      // One with blocks is longer.
      if (stretch[p] !== 0) break
      at = p + 1
    }
    this.#next = base + at
  }

  /** The summary has no checksum: that it leads to its own key says that it leads to the right place. */
  #checkSample(sample: number, bytes: Uint8Array, at: number, length: number): void {
    const key = this.#summary.keyAt(sample)
    if (compareBytes(bytes, at, length, key, 0, key.length) === 0) return
    const where = `${this.#summary.path} has another key than ${this.#cursor.path} for its entry ${sample}`
    throw this.#cursor.corrupt(where)
  }

  /**
   * Goes to the entries around a key that `find` did not find: `onBefore` hears of the last one before it, when it is the one
   * read last; then the first one behind it has been read. False where there is none behind. Throws a CorruptSSTableError
   * where the keys are not in order.
   */
  around(tokenHi: number, tokenLo: number, key: Uint8Array, onBefore: () => void): boolean {
    this.#next = this.#summary.positionAt(Math.max(0, this.#summary.floor(tokenHi, tokenLo, key)))
    let before = -1
    while (this.next()) {
      murmur3Token(this.keyBytes, 0, this.keyLength, token)
      const order = compare64(token[0]!, token[1]!, tokenHi, tokenLo)
      const byKey = order === 0 ? compareBytes(this.keyBytes, 0, this.keyLength, key, 0, key.length) : order
      if (byKey === 0) throw this.corrupt(`${this.#summary.path} does not lead to this entry`)
      if (byKey > 0) break
      before = this.entryPosition
    }
    const behind = this.#next > before && this.entryPosition !== before ? this.entryPosition : -1
    if (before >= 0) {
      this.#next = before
      this.next()
      onBefore()
    }
    if (behind < 0) return false
    this.#next = behind
    return this.next()
  }

  /**
   * Reads on to the first entry at or behind a token; false when there is none. Its entry is then the one last read.
   * `onSkipped` hears of each one before, when it is the one last read.
   */
  seekToken(tokenHi: number, tokenLo: number, onSkipped?: () => void): boolean {
    const sample = this.#summary.floor(tokenHi, tokenLo, null)
    const start = sample < 0 ? 0 : this.#summary.positionAt(sample)
    this.#next = start
    while (this.next()) {
      if (sample >= 0 && this.entryPosition === start) {
        this.#checkSample(sample, this.keyBytes, 0, this.keyLength)
      }
      murmur3Token(this.keyBytes, 0, this.keyLength, token)
      if (compare64(token[0]!, token[1]!, tokenHi, tokenLo) >= 0) return true
      onSkipped?.()
    }
    return false
  }

  /** A CorruptSSTableError about the entry that was read last. */
  corrupt(reason: string): CorruptSSTableError {
    return new CorruptSSTableError(this.#cursor.path, this.entryPosition, reason)
  }

  /** Lets go of what is being read; `find`, `seek` and `seekToken` go on. */
  release(): void {
    this.#cursor.release()
  }

  /** A block of the partition whose entry was read last. Throws a CorruptSSTableError where it is not whole. */
  block(i: number): IndexBlock {
    const cursor = this.#cursor
    const at = this.#blockAt(i)
    const end = i + 1 < this.blockCount ? this.#blockAt(i + 1) : this.#offsetsAt
    cursor.seek(at)
    const first = this.#prefix()
    const last = this.#prefix()
    const start = cursor.vint()
    cursor.signedVint64()
    const width = cursor.hi * 0x1_0000_0000 + (cursor.lo >>> 0) + WIDTH_BASE
    const openMarker = cursor.byte() === 0 ? null : readDeletionTime(cursor, this.#version)
    if (cursor.position !== end) throw cursor.corrupt(`block ${i} does not end where the next one begins`)
    return { first, last, offset: start, width, openMarker }
  }

  #blockAt(i: number): number {
    const cursor = this.#cursor
    cursor.seek(this.#offsetsAt + i * 4)
    const offset = cursor.int32()
    if (offset < 0 || this.#blocksAt + offset >= this.#offsetsAt || (i === 0) !== (offset === 0)) {
      throw cursor.corrupt(`block ${i} begins at ${offset}`)
    }
    return this.#blocksAt + offset
  }

  #prefix(): Prefix {
    const cursor = this.#cursor
    const kind = cursor.byte()
    if (kind === KIND_CLUSTERING) {
      return { components: readComponents(cursor, this.#types, this.#types.length), side: null }
    }
    const count = cursor.uint16()
    if (count > this.#types.length) throw cursor.corrupt(`a bound of ${count} components`)
    return { components: readComponents(cursor, this.#types, count), side: sideOf(kind) }
  }
}
