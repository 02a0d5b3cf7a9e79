import { readInt32, writeInt32 } from '../../common/bytes.ts'
import { murmur3Hash } from '../../common/murmur3.ts'
import { CorruptSSTableError } from './corruption.ts'

const hash = new Int32Array(4)
const HEADER_BYTES = 8
const TWO_TO_32 = 0x1_0000_0000
/** Far more than the table of chances has. */
const HASHES_MAX = 64

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
    if (hashCount <= 0 || hashCount > HASHES_MAX || words <= 0 || file.length !== HEADER_BYTES + words * 8) {
      throw new CorruptSSTableError(
        path,
        0,
        `${hashCount} hashes over ${words} words in ${file.length} bytes`,
      )
    }
    return new BloomFilter(hashCount, file.subarray(HEADER_BYTES))
  }

  /** Filter.db. */
  file(): Uint8Array {
    const file = new Uint8Array(HEADER_BYTES + this.bytes.length)
    writeInt32(file, 0, this.hashCount)
    writeInt32(file, 4, this.bytes.length / 8)
    file.set(this.bytes, HEADER_BYTES)
    return file
  }

  add(key: Uint8Array, offset: number, length: number): void {
    murmur3Hash(key, offset, length, hash)
    this.#begin(hash)
    for (let i = 0; i < this.hashCount; i++) {
      const bit = this.#nextBit()
      this.bytes[Math.floor(bit / 8)]! |= 1 << (bit % 8)
    }
  }

  /** False where the key is surely not there. */
  mayContain(key: Uint8Array, offset: number, length: number): boolean {
    murmur3Hash(key, offset, length, hash)
    return this.mayContainHash(hash)
  }

  /** The same for a key whose hash (`murmur3Hash`) is known: several filters may be asked by one. */
  mayContainHash(keyHash: Int32Array): boolean {
    this.#begin(keyHash)
    for (let i = 0; i < this.hashCount; i++) {
      const bit = this.#nextBit()
      if ((this.bytes[Math.floor(bit / 8)]! & (1 << (bit % 8))) === 0) return false
    }
    return true
  }

  #hi = 0
  #lo = 0

  #incrementHi = 0
  #incrementLo = 0

  #begin(keyHash: Int32Array): void {
    this.#incrementHi = keyHash[0]!
    this.#incrementLo = keyHash[1]!
    this.#hi = keyHash[2]!
    this.#lo = keyHash[3]!
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
    let rest = remainder(hi >>> 0, bits)
    rest = remainder(rest * 0x10000 + (lo >>> 16), bits)
    rest = remainder(rest * 0x10000 + (lo & 0xffff), bits)
    const sum = (this.#lo >>> 0) + (this.#incrementLo >>> 0)
    this.#lo = sum | 0
    this.#hi = (this.#hi + this.#incrementHi + (sum >= TWO_TO_32 ? 1 : 0)) | 0
    return rest
  }
}

/** `value % divisor` of integers up to 2^53, by a division: the operator takes ten times as long beyond 32 bits. */
function remainder(value: number, divisor: number): number {
  const rest = value - Math.floor(value / divisor) * divisor
  return rest < 0 ? rest + divisor : rest >= divisor ? rest - divisor : rest
}

/**
 * Chances of a false positive with so many bits a key (the row) and so many hashes (the column), as in the table of
 * `BloomCalculations`, from which Cassandra chooses.
 */
const CHANCES: readonly (readonly number[])[] = [
  [1.0],
  [1.0, 1.0],
  [1.0, 0.393, 0.4],
  [1.0, 0.283, 0.237, 0.253],
  [1.0, 0.221, 0.155, 0.147, 0.16],
  [1.0, 0.181, 0.109, 0.092, 0.092, 0.101],
  [1.0, 0.154, 0.0804, 0.0609, 0.0561, 0.0578, 0.0638],
  [1.0, 0.133, 0.0618, 0.0423, 0.0359, 0.0347, 0.0364],
  [1.0, 0.118, 0.0489, 0.0306, 0.024, 0.0217, 0.0216, 0.0229],
  [1.0, 0.105, 0.0397, 0.0228, 0.0166, 0.0141, 0.0133, 0.0135, 0.0145],
  [1.0, 0.0952, 0.0329, 0.0174, 0.0118, 0.00943, 0.00844, 0.00819, 0.00846],
  [1.0, 0.0869, 0.0276, 0.0136, 0.00864, 0.0065, 0.00552, 0.00513, 0.00509],
  [1.0, 0.08, 0.0236, 0.0108, 0.00646, 0.00459, 0.00371, 0.00329, 0.00314],
  [1.0, 0.074, 0.0203, 0.00875, 0.00492, 0.00332, 0.00255, 0.00217, 0.00199, 0.00194],
  [1.0, 0.0689, 0.0177, 0.00718, 0.00381, 0.00244, 0.00179, 0.00146, 0.00129, 0.00121, 0.0012],
  [1.0, 0.0645, 0.0156, 0.00596, 0.003, 0.00183, 0.00128, 0.001, 0.000852, 0.000775, 0.000744],
  [1.0, 0.0606, 0.0138, 0.005, 0.00239, 0.00139, 0.000935, 0.000702, 0.000574, 0.000505, 0.00047, 0.000459],
  [
    1.0, 0.0571, 0.0123, 0.00423, 0.00193, 0.00107, 0.000692, 0.000499, 0.000394, 0.000335, 0.000302,
    0.000287, 0.000284,
  ],
  [
    1.0, 0.054, 0.0111, 0.00362, 0.00158, 0.000839, 0.000519, 0.00036, 0.000275, 0.000226, 0.000198, 0.000183,
    0.000176,
  ],
  [
    1.0, 0.0513, 0.00998, 0.00312, 0.0013, 0.000663, 0.000394, 0.000264, 0.000194, 0.000155, 0.000132,
    0.000118, 0.000111, 0.000109,
  ],
  [
    1.0, 0.0488, 0.00906, 0.0027, 0.00108, 0.00053, 0.000303, 0.000196, 0.00014, 0.000108, 8.89e-5, 7.77e-5,
    7.12e-5, 6.79e-5, 6.71e-5,
  ],
]

/** Bits that Cassandra adds to those of the keys. */
const EXCESS_BITS = 20

/** The number of hashes with the least chance. */
function bestHashCount(bits: number): number {
  const chances = CHANCES[bits]!
  let best = 1
  for (let i = 1; i < chances.length; i++) if (chances[i]! < chances[best]!) best = i
  return best
}

/**
 * An empty filter for so many keys with at most that chance of a false positive; null where the chance is 1, which is
 * no filter at all (`FilterFactory.getFilter`).
 */
export function bloomFilterFor(keys: number, chance: number): BloomFilter | null {
  if (chance >= 1) return null
  let bits = 2
  let hashes = bestHashCount(2)
  if (chance >= CHANCES[2]![1]!) {
    // As Cassandra has it: the two numbers of this trivial case are swapped there.
    bits = bestHashCount(2)
    hashes = 2
  } else {
    while (bits < CHANCES.length - 1 && CHANCES[bits]![hashes]! > chance) hashes = bestHashCount(++bits)
    while (CHANCES[bits]![hashes - 1]! <= chance) hashes--
  }
  const words = Math.floor((keys * bits + EXCESS_BITS - 1) / 64) + 1
  return new BloomFilter(hashes, new Uint8Array(words * 8))
}
