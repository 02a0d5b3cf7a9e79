import { readInt32 } from '../../common/bytes.ts'
import { murmur3Hash } from '../../common/murmur3.ts'
import { CorruptSSTableError } from './corruption.ts'

const hash = new Int32Array(4)
const HEADER_BYTES = 8
const TWO_TO_32 = 0x1_0000_0000

/**
 * Filter.db: which keys an SSTable may have (`BloomFilter` over `OffHeapBitSet`).
 *
 * ```
 * number of hashes (int32), number of 64-bit words (int32), the words' bytes: bit i is bit i % 8 of byte i / 8
 * ```
 * Bit i of a key is |base + i * increment| modulo the number of bits, where increment and base are the two halves of the
 * hash of the key, as signed 64-bit numbers that overflow.
 */
export class BloomFilter {
  readonly hashCount: number
  readonly bytes: Uint8Array
  readonly #bits: number

  constructor(hashCount: number, bytes: Uint8Array) {
    this.hashCount = hashCount
    this.bytes = bytes
    this.#bits = bytes.length * 8
  }

  /** Takes the file's bytes as they are. Throws a CorruptSSTableError. */
  static read(path: string, file: Uint8Array): BloomFilter {
    if (file.length < HEADER_BYTES) throw new CorruptSSTableError(path, 0, 'the file ends too early')
    const hashCount = readInt32(file, 0)
    const words = readInt32(file, 4)
    if (hashCount <= 0 || words <= 0 || file.length !== HEADER_BYTES + words * 8) {
      throw new CorruptSSTableError(
        path,
        0,
        `${hashCount} hashes over ${words} words in ${file.length} bytes`,
      )
    }
    return new BloomFilter(hashCount, file.subarray(HEADER_BYTES))
  }

  add(key: Uint8Array, offset: number, length: number): void {
    this.#begin(key, offset, length)
    for (let i = 0; i < this.hashCount; i++) {
      const bit = this.#nextBit()
      this.bytes[Math.floor(bit / 8)]! |= 1 << (bit % 8)
    }
  }

  /** False where the key is surely not there. */
  mayContain(key: Uint8Array, offset: number, length: number): boolean {
    this.#begin(key, offset, length)
    for (let i = 0; i < this.hashCount; i++) {
      const bit = this.#nextBit()
      if ((this.bytes[Math.floor(bit / 8)]! & (1 << (bit % 8))) === 0) return false
    }
    return true
  }

  #hi = 0
  #lo = 0

  #begin(key: Uint8Array, offset: number, length: number): void {
    murmur3Hash(key, offset, length, hash)
    this.#hi = hash[2]!
    this.#lo = hash[3]!
  }

  /** |base % bits|, then base += increment. The remainder of a magnitude is the magnitude of the remainder. */
  #nextBit(): number {
    let hi = this.#hi
    let lo = this.#lo
    if (hi < 0) {
      lo = -lo | 0
      hi = ~hi + (lo === 0 ? 1 : 0)
    }
    const bits = this.#bits
    // In three steps of at most 53 bits each, since bits is below 2^35.
    let rest = (hi >>> 0) % bits
    rest = (rest * 0x10000 + (lo >>> 16)) % bits
    rest = (rest * 0x10000 + (lo & 0xffff)) % bits
    const sum = (this.#lo >>> 0) + (hash[1]! >>> 0)
    this.#lo = sum | 0
    this.#hi = (this.#hi + hash[0]! + (sum >= TWO_TO_32 ? 1 : 0)) | 0
    return rest
  }
}
