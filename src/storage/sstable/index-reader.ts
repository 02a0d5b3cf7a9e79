import { compareBytes } from '../../common/bytes.ts'
import { murmur3Token } from '../../common/murmur3.ts'
import { compare64 } from '../../model/row-format.ts'
import type { CqlType } from '../../types/index.ts'
import { type DeletionTime, LIVE } from '../unfiltered.ts'
import { KIND_CLUSTERING, readComponents, sideOf } from './clustering-codec.ts'
import { type ChunkSource, FileCursor } from './file-cursor.ts'
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
    this.partitionDeletion = readDeletionTime(cursor, this.#version)
    this.blockCount = cursor.vint()
    this.#blocksAt = cursor.position
    this.#offsetsAt = end - this.blockCount * 4
    if (this.#offsetsAt < this.#blocksAt) throw cursor.corrupt(`${this.blockCount} blocks in ${size} bytes`)
  }

  /** Reads the entry of a key; false when the SSTable does not have it. */
  find(tokenHi: number, tokenLo: number, key: Uint8Array): boolean {
    const sample = this.#summary.floor(tokenHi, tokenLo, key)
    if (sample < 0) return false
    const cursor = this.#cursor
    this.#next = this.#summary.positionAt(sample)
    const end = sample + 1 < this.#summary.count ? this.#summary.positionAt(sample + 1) : cursor.length
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
      cursor.vint()
      const size = cursor.vint()
      this.#next = cursor.position + size
      if (this.#next > cursor.length) throw cursor.corrupt(`an entry of ${size} bytes`)
    }
    return false
  }

  /** Reads on to the first entry at or behind a token; false when there is none. Its entry is then the one last read. */
  seekToken(tokenHi: number, tokenLo: number): boolean {
    const sample = this.#summary.floor(tokenHi, tokenLo, null)
    this.#next = sample < 0 ? 0 : this.#summary.positionAt(sample)
    while (this.next()) {
      murmur3Token(this.keyBytes, 0, this.keyLength, token)
      if (compare64(token[0]!, token[1]!, tokenHi, tokenLo) >= 0) return true
    }
    return false
  }

  /** Lets go of what is being read; `find`, `seek` and `seekToken` go on. */
  release(): void {
    this.#cursor.release()
  }

  /** A block of the partition whose entry was read last. */
  block(i: number): IndexBlock {
    const cursor = this.#cursor
    cursor.seek(this.#offsetsAt + i * 4)
    const offset = cursor.int32()
    if (offset < 0 || this.#blocksAt + offset >= this.#offsetsAt) {
      throw cursor.corrupt(`block ${i} begins at ${offset}`)
    }
    cursor.seek(this.#blocksAt + offset)
    const first = this.#prefix()
    const last = this.#prefix()
    const start = cursor.vint()
    cursor.signedVint64()
    const width = cursor.hi * 0x1_0000_0000 + (cursor.lo >>> 0) + WIDTH_BASE
    const openMarker = cursor.byte() === 0 ? null : readDeletionTime(cursor, this.#version)
    return { first, last, offset: start, width, openMarker }
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
