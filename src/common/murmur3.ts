/**
 * The token of a partition key: the first half of Cassandra's MurmurHash3 x64 128 (`MurmurHash.hash3_x64_128`), which
 * differs from the published one in that the bytes of the tail are sign extended. On every request's path, so 64-bit
 * numbers are two 32-bit halves, and nothing is allocated.
 */

const C1_HI = 0x87c37b91 | 0
const C1_LO = 0x114253d5 | 0
const C2_HI = 0x4cf5ad43 | 0
const C2_LO = 0x2745937f | 0

/** High 32 bits of the unsigned product of two 32-bit numbers. */
export function multiplyHigh(a: number, b: number): number {
  const a0 = a & 0xffff
  const a1 = a >>> 16
  const b0 = b & 0xffff
  const b1 = b >>> 16
  const low = Math.imul(a0, b0)
  const middle1 = (Math.imul(a1, b0) + (low >>> 16)) | 0
  const middle2 = (Math.imul(a0, b1) + (middle1 & 0xffff)) | 0
  return (Math.imul(a1, b1) + (middle1 >>> 16) + (middle2 >>> 16)) | 0
}

function littleEndian(bytes: Uint8Array, i: number): number {
  return bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24)
}

function signed(byte: number): number {
  return (byte << 24) >> 24
}

/**
 * Writes the token of `length` bytes at `offset` into `out[0]` (high half, signed) and `out[1]` (low half, signed).
 * No bytes give the minimum token, and a hash of Long.MIN_VALUE gives Long.MAX_VALUE (`Murmur3Partitioner.getToken`).
 */
export function murmur3Token(bytes: Uint8Array, offset: number, length: number, out: Int32Array): void {
  if (length === 0) {
    out[0] = -0x80000000
    out[1] = 0
    return
  }
  hash128(bytes, offset, length, out)
  if (out[0] === -0x80000000 && out[1] === 0) {
    out[0] = 0x7fffffff
    out[1] = -1
  }
}

/**
 * Writes all 128 bits of the hash into `out`: the first half as `out[0]` and `out[1]`, the second as `out[2]` and
 * `out[3]`, each high before low (`DecoratedKey.filterHash`).
 */
export function murmur3Hash(bytes: Uint8Array, offset: number, length: number, out: Int32Array): void {
  hash128(bytes, offset, length, out)
  out[2] = secondHi
  out[3] = secondLo
}

/** The second half of the hash made last. */
let secondHi = 0
let secondLo = 0

/** Leaves the first half in `out`. */
function hash128(bytes: Uint8Array, offset: number, length: number, out: Int32Array): void {
  let h1Hi = 0
  let h1Lo = 0
  let h2Hi = 0
  let h2Lo = 0
  let hi = 0
  let lo = 0
  const blocksEnd = offset + (length & ~15)
  for (let i = offset; i < blocksEnd; i += 16) {
    // k1 *= c1; k1 = rotl(k1, 31); k1 *= c2; h1 ^= k1
    let kLo = littleEndian(bytes, i)
    let kHi = littleEndian(bytes, i + 4)
    hi = (multiplyHigh(kLo, C1_LO) + Math.imul(kHi, C1_LO) + Math.imul(kLo, C1_HI)) | 0
    lo = Math.imul(kLo, C1_LO)
    kHi = (hi << 31) | (lo >>> 1)
    kLo = (lo << 31) | (hi >>> 1)
    h1Hi ^= multiplyHigh(kLo, C2_LO) + Math.imul(kHi, C2_LO) + Math.imul(kLo, C2_HI)
    h1Lo ^= Math.imul(kLo, C2_LO)
    // h1 = rotl(h1, 27) + h2; h1 = h1 * 5 + 0x52dce729
    hi = (h1Hi << 27) | (h1Lo >>> 5)
    lo = (h1Lo << 27) | (h1Hi >>> 5)
    h1Lo = (lo + h2Lo) | 0
    h1Hi = (hi + h2Hi + (h1Lo >>> 0 < lo >>> 0 ? 1 : 0)) | 0
    lo = Math.imul(h1Lo, 5)
    hi = multiplyHigh(h1Lo, 5) + Math.imul(h1Hi, 5)
    h1Lo = (lo + 0x52dce729) | 0
    h1Hi = (hi + (h1Lo >>> 0 < lo >>> 0 ? 1 : 0)) | 0
    // k2 *= c2; k2 = rotl(k2, 33); k2 *= c1; h2 ^= k2
    kLo = littleEndian(bytes, i + 8)
    kHi = littleEndian(bytes, i + 12)
    hi = (multiplyHigh(kLo, C2_LO) + Math.imul(kHi, C2_LO) + Math.imul(kLo, C2_HI)) | 0
    lo = Math.imul(kLo, C2_LO)
    kHi = (lo << 1) | (hi >>> 31)
    kLo = (hi << 1) | (lo >>> 31)
    h2Hi ^= multiplyHigh(kLo, C1_LO) + Math.imul(kHi, C1_LO) + Math.imul(kLo, C1_HI)
    h2Lo ^= Math.imul(kLo, C1_LO)
    // h2 = rotl(h2, 31) + h1; h2 = h2 * 5 + 0x38495ab5
    hi = (h2Hi << 31) | (h2Lo >>> 1)
    lo = (h2Lo << 31) | (h2Hi >>> 1)
    h2Lo = (lo + h1Lo) | 0
    h2Hi = (hi + h1Hi + (h2Lo >>> 0 < lo >>> 0 ? 1 : 0)) | 0
    lo = Math.imul(h2Lo, 5)
    hi = multiplyHigh(h2Lo, 5) + Math.imul(h2Hi, 5)
    h2Lo = (lo + 0x38495ab5) | 0
    h2Hi = (hi + (h2Lo >>> 0 < lo >>> 0 ? 1 : 0)) | 0
  }

  const tail = length & 15
  if (tail > 8) {
    let kHi = 0
    let kLo = 0
    for (let i = tail - 1; i >= 8; i--) {
      const byte = signed(bytes[blocksEnd + i])
      if (i >= 12) kHi ^= byte << ((i - 12) * 8)
      else {
        kLo ^= byte << ((i - 8) * 8)
        kHi ^= byte >> 31
      }
    }
    hi = (multiplyHigh(kLo, C2_LO) + Math.imul(kHi, C2_LO) + Math.imul(kLo, C2_HI)) | 0
    lo = Math.imul(kLo, C2_LO)
    kHi = (lo << 1) | (hi >>> 31)
    kLo = (hi << 1) | (lo >>> 31)
    h2Hi ^= multiplyHigh(kLo, C1_LO) + Math.imul(kHi, C1_LO) + Math.imul(kLo, C1_HI)
    h2Lo ^= Math.imul(kLo, C1_LO)
  }
  if (tail > 0) {
    let kHi = 0
    let kLo = 0
    for (let i = tail < 8 ? tail - 1 : 7; i >= 0; i--) {
      const byte = signed(bytes[blocksEnd + i])
      if (i >= 4) kHi ^= byte << ((i - 4) * 8)
      else {
        kLo ^= byte << (i * 8)
        kHi ^= byte >> 31
      }
    }
    hi = (multiplyHigh(kLo, C1_LO) + Math.imul(kHi, C1_LO) + Math.imul(kLo, C1_HI)) | 0
    lo = Math.imul(kLo, C1_LO)
    kHi = (hi << 31) | (lo >>> 1)
    kLo = (lo << 31) | (hi >>> 1)
    h1Hi ^= multiplyHigh(kLo, C2_LO) + Math.imul(kHi, C2_LO) + Math.imul(kLo, C2_HI)
    h1Lo ^= Math.imul(kLo, C2_LO)
  }

  h1Lo ^= length
  h2Lo ^= length
  lo = (h1Lo + h2Lo) | 0
  h1Hi = (h1Hi + h2Hi + (lo >>> 0 < h1Lo >>> 0 ? 1 : 0)) | 0
  h1Lo = lo
  lo = (h2Lo + h1Lo) | 0
  h2Hi = (h2Hi + h1Hi + (lo >>> 0 < h2Lo >>> 0 ? 1 : 0)) | 0
  h2Lo = lo

  finalMix(h1Hi, h1Lo, out)
  h1Hi = out[0]
  h1Lo = out[1]
  finalMix(h2Hi, h2Lo, out)
  lo = (h1Lo + out[1]) | 0
  hi = (h1Hi + out[0] + (lo >>> 0 < h1Lo >>> 0 ? 1 : 0)) | 0
  secondLo = (out[1] + lo) | 0
  secondHi = (out[0] + hi + (secondLo >>> 0 < lo >>> 0 ? 1 : 0)) | 0
  out[0] = hi
  out[1] = lo
}

/** `fmix64`. A shift right by 33 moves the high half, shifted by one, into the low one. */
function finalMix(hi: number, lo: number, out: Int32Array): void {
  let kLo = lo ^ (hi >>> 1)
  let kHi = (multiplyHigh(kLo, 0xed558ccd | 0) + Math.imul(hi, 0xed558ccd) + Math.imul(kLo, 0xff51afd7)) | 0
  kLo = Math.imul(kLo, 0xed558ccd)
  kLo ^= kHi >>> 1
  kHi = (multiplyHigh(kLo, 0x1a85ec53) + Math.imul(kHi, 0x1a85ec53) + Math.imul(kLo, 0xc4ceb9fe)) | 0
  kLo = Math.imul(kLo, 0x1a85ec53)
  out[0] = kHi
  out[1] = kLo ^ (kHi >>> 1)
}

/** A token of two halves in decimal, as `token()` shows it. */
export function tokenToString(hi: number, lo: number): string {
  return ((BigInt(hi) << 32n) | BigInt(lo >>> 0)).toString()
}

/** The two signed halves of a decimal token into `out`. */
export function tokenFromString(text: string, out: Int32Array): void {
  const token = BigInt.asUintN(64, BigInt(text))
  out[0] = Number(token >> 32n)
  out[1] = Number(token & 0xffffffffn)
}

/** Order of two tokens given in halves. */
export function compareTokens(aHi: number, aLo: number, bHi: number, bLo: number): number {
  if (aHi !== bHi) return aHi < bHi ? -1 : 1
  if (aLo === bLo) return 0
  return aLo >>> 0 < bLo >>> 0 ? -1 : 1
}
