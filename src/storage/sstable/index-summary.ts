import { compareBytes, readInt32, readInt64 } from '../../common/bytes.ts'
import { murmur3Token } from '../../common/murmur3.ts'
import { compare64 } from '../../model/row-format.ts'
import { CorruptSSTableError } from './corruption.ts'

const HEADER_BYTES = 24
const token = new Int32Array(2)

/**
 * Summary.db: every 128th entry of Index.db, or so, to be kept in memory (`IndexSummary`).
 *
 * ```
 * min_index_interval (int32), number of entries (int32), bytes of offsets and entries (int64)
 * sampling level (int32), number of entries if all were sampled (int32)
 * where each entry begins, counted from the first of these offsets (int32, little-endian)
 * entries: key, position in Index.db (int64, little-endian)
 * first and last key of the SSTable: length (int32), bytes
 * ```
 */
export class IndexSummary {
  readonly minIndexInterval: number
  readonly samplingLevel: number
  readonly sizeAtFullSampling: number
  readonly count: number
  readonly firstKey: Uint8Array
  readonly lastKey: Uint8Array
  readonly path: string
  /** The file. */
  readonly bytes: Uint8Array
  readonly #data: DataView
  readonly #entriesEnd: number
  /** Bytes of the file that mean something. */
  readonly end: number

  private constructor(path: string, bytes: Uint8Array) {
    this.path = path
    this.bytes = bytes
    this.#data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    if (bytes.length < HEADER_BYTES) throw this.#corrupt(0, 'the file ends too early')
    this.minIndexInterval = readInt32(bytes, 0)
    this.count = readInt32(bytes, 4)
    const size = Number(readInt64(bytes, 8))
    this.samplingLevel = readInt32(bytes, 16)
    this.sizeAtFullSampling = readInt32(bytes, 20)
    this.#entriesEnd = HEADER_BYTES + size
    if (
      this.count < 0 ||
      this.minIndexInterval <= 0 ||
      size < this.count * 4 ||
      this.#entriesEnd + 8 > bytes.length
    ) {
      throw this.#corrupt(4, `${this.count} entries in ${size} bytes`)
    }
    // Each entry ends where the next one begins, so that all of them lie between the offsets and the end.
    if (this.count > 0 && this.#start(0) !== HEADER_BYTES + this.count * 4) {
      throw this.#corrupt(HEADER_BYTES, 'the first entry is not behind the offsets')
    }
    for (let i = 0; i < this.count; i++) {
      if (this.#end(i) - this.#start(i) < 8) throw this.#corrupt(HEADER_BYTES + i * 4, 'an entry without end')
    }
    this.firstKey = this.#key(this.#entriesEnd)
    this.lastKey = this.#key(this.#entriesEnd + 4 + this.firstKey.length)
    this.end = this.#entriesEnd + 8 + this.firstKey.length + this.lastKey.length
  }

  /** Keeps the file's bytes. Throws a CorruptSSTableError. */
  static read(path: string, bytes: Uint8Array): IndexSummary {
    return new IndexSummary(path, bytes)
  }

  #corrupt(offset: number, reason: string): CorruptSSTableError {
    return new CorruptSSTableError(this.path, offset, reason)
  }

  #key(at: number): Uint8Array {
    const length = at + 4 <= this.bytes.length ? readInt32(this.bytes, at) : -1
    if (length < 0 || at + 4 + length > this.bytes.length) throw this.#corrupt(at, 'the file ends too early')
    return this.bytes.subarray(at + 4, at + 4 + length)
  }

  #start(i: number): number {
    return HEADER_BYTES + this.#data.getInt32(HEADER_BYTES + i * 4, true)
  }

  #end(i: number): number {
    const end = i + 1 < this.count ? this.#start(i + 1) : this.#entriesEnd
    return end > this.#entriesEnd ? -1 : end
  }

  /** The key of an entry, as a view. */
  keyAt(i: number): Uint8Array {
    return this.bytes.subarray(this.#start(i), this.#end(i) - 8)
  }

  /** Position in Index.db of the entry. */
  positionAt(i: number): number {
    const at = this.#end(i) - 8
    return this.#data.getUint32(at, true) + this.#data.getUint32(at + 4, true) * 0x1_0000_0000
  }

  /** The last entry at or before a place on the ring, or -1: from its position on Index.db is to be read. */
  floor(tokenHi: number, tokenLo: number, key: Uint8Array | null): number {
    let low = 0
    let high = this.count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#compare(middle, tokenHi, tokenLo, key) <= 0) low = middle + 1
      else high = middle
    }
    return low - 1
  }

  /** Without a key, entries of the token itself stand behind the place. */
  #compare(i: number, tokenHi: number, tokenLo: number, key: Uint8Array | null): number {
    const at = this.#start(i)
    const length = this.#end(i) - 8 - at
    murmur3Token(this.bytes, at, length, token)
    const order = compare64(token[0]!, token[1]!, tokenHi, tokenLo)
    if (order !== 0) return order
    return key === null ? 1 : compareBytes(this.bytes, at, length, key, 0, key.length)
  }
}
