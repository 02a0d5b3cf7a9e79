import { writeInt32 } from '../../common/bytes.ts'

/** Bytes that are put together before they go to a file: grows, and is used again after `reset`. */
export class ByteSink {
  u8: Uint8Array
  length = 0

  constructor(bytes: number = 1024) {
    this.u8 = new Uint8Array(bytes)
  }

  reset(): void {
    this.length = 0
  }

  #reserve(bytes: number): void {
    const needed = this.length + bytes
    if (needed <= this.u8.length) return
    const grown = new Uint8Array(Math.max(needed, this.u8.length * 2))
    grown.set(this.u8.subarray(0, this.length))
    this.u8 = grown
  }

  byte(value: number): void {
    if (this.length === this.u8.length) this.#reserve(1)
    this.u8[this.length++] = value
  }

  uint16(value: number): void {
    this.#reserve(2)
    this.u8[this.length++] = value >>> 8
    this.u8[this.length++] = value
  }

  int32(value: number): void {
    this.#reserve(4)
    writeInt32(this.u8, this.length, value)
    this.length += 4
  }

  /** Halves of a 64-bit integer. */
  int64(hi: number, lo: number): void {
    this.int32(hi)
    this.int32(lo)
  }

  bigInt64(value: bigint): void {
    this.int64(Number(BigInt.asIntN(32, value >> 32n)), Number(BigInt.asIntN(32, value)))
  }

  float64(value: number): void {
    this.#reserve(8)
    new DataView(this.u8.buffer, this.u8.byteOffset).setFloat64(this.length, value)
    this.length += 8
  }

  /** An unsigned vint below 2^53. */
  vint(value: number): void {
    if (value < 0x80) this.byte(value)
    else this.vint64(Math.floor(value / 0x1_0000_0000), value | 0)
  }

  /** An unsigned vint of 64 bits in halves (`VIntCoding.writeUnsignedVInt`). */
  vint64(hi: number, lo: number): void {
    const bits = hi === 0 ? 32 - Math.clz32(lo) : 64 - Math.clz32(hi)
    const size = bits === 0 ? 1 : Math.min(9, Math.ceil(bits / 7))
    this.#reserve(9)
    const at = this.length
    const { u8 } = this
    for (let i = size - 1; i >= 0; i--) {
      u8[at + i] = lo
      lo = (lo >>> 8) | (hi << 24)
      hi >>>= 8
    }
    // The number of leading ones says how many bytes follow.
    if (size === 9) u8[at] = 0xff
    else u8[at]! |= ~(0xff >> (size - 1)) & 0xff
    this.length = at + size
  }

  /** A signed vint (zigzag) below 2^52 in magnitude. */
  signedVint(value: number): void {
    this.vint(value < 0 ? -value * 2 - 1 : value * 2)
  }

  bytes(source: Uint8Array, offset: number, length: number): void {
    this.#reserve(length)
    const target = this.u8
    const at = this.length
    if (length <= 48) for (let i = 0; i < length; i++) target[at + i] = source[offset + i]!
    else target.set(source.subarray(offset, offset + length), at)
    this.length = at + length
  }
}

/** Bytes of an unsigned vint of 64 bits. */
export function vint64Size(hi: number, lo: number): number {
  const bits = hi === 0 ? 32 - Math.clz32(lo) : 64 - Math.clz32(hi)
  return bits === 0 ? 1 : Math.min(9, Math.ceil(bits / 7))
}
