import { multiplyHigh } from '../../common/murmur3.ts'

/** MurmurHash2 of 64 bits (`MurmurHash.hash2_64`), by which the keys of an SSTable are counted. */

const M_HI = 0xc6a4a793 | 0
const M_LO = 0x5bd1e995

let hashHi = 0
let hashLo = 0

/** (hi, lo) * M, into `hashHi` and `hashLo`. */
function multiply(hi: number, lo: number): void {
  hashHi = (multiplyHigh(lo, M_LO) + Math.imul(hi, M_LO) + Math.imul(lo, M_HI)) | 0
  hashLo = Math.imul(lo, M_LO)
}

/** Writes the hash of `length` bytes at `offset`, seed 0, into `out[0]` (high half) and `out[1]`. */
export function murmur2Hash(bytes: Uint8Array, offset: number, length: number, out: Int32Array): void {
  multiply(0, length)
  let hi = hashHi
  let lo = hashLo
  const end = offset + (length & ~7)
  for (let i = offset; i < end; i += 8) {
    const kLo = bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24)
    const kHi = bytes[i + 4]! | (bytes[i + 5]! << 8) | (bytes[i + 6]! << 16) | (bytes[i + 7]! << 24)
    multiply(kHi, kLo)
    // k ^= k >>> 47
    hashLo ^= hashHi >>> 15
    multiply(hashHi, hashLo)
    multiply(hi ^ hashHi, lo ^ hashLo)
    hi = hashHi
    lo = hashLo
  }
  const rest = length & 7
  if (rest > 0) {
    // The bytes of the rest are signed, as Java has them.
    for (let i = 0; i < rest; i++) {
      const byte = (bytes[end + i]! << 24) >> 24
      if (i < 4) {
        lo ^= byte << (i * 8)
        hi ^= byte >> 31
      } else hi ^= byte << ((i - 4) * 8)
    }
    multiply(hi, lo)
    hi = hashHi
    lo = hashLo
  }
  lo ^= hi >>> 15
  multiply(hi, lo)
  out[0] = hashHi
  out[1] = hashLo ^ (hashHi >>> 15)
}
