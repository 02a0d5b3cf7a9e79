/**
 * Two variable-length integers: Cassandra's vint (`VIntCoding`: the number of leading one bits of the first byte is
 * the number of bytes that follow) and Java's two's complement `BigInteger.toByteArray`.
 */

/** Bytes that `value` takes as an unsigned vint; `value` is below 2^53. */
export function unsignedVintSize(value: number): number {
  let size = 1
  for (let limit = 128; value >= limit && size < 9; limit *= 128) size++
  return size
}

/** Length of the unsigned vint that starts with `firstByte`, itself included. */
export function vintLength(firstByte: number): number {
  return firstByte === 0xff ? 9 : Math.clz32(~(firstByte << 24)) + 1
}

/** Writes an unsigned vint below 2^53 and returns the offset behind it. */
export function writeUnsignedVint(bytes: Uint8Array, offset: number, value: number): number {
  const size = unsignedVintSize(value)
  let rest = value
  for (let i = size - 1; i > 0; i--) {
    bytes[offset + i] = rest % 256
    rest = Math.floor(rest / 256)
  }
  bytes[offset] = size >= 9 ? 0xff : rest | ~(0xff >> (size - 1))
  return offset + size
}

/** Reads an unsigned vint as a number, exact below 2^53; its length is `vintLength(bytes[offset])`. */
export function readUnsignedVint(bytes: Uint8Array, offset: number): number {
  const first = bytes[offset]
  if (first < 0x80) return first
  const length = vintLength(first)
  let value = length >= 8 ? 0 : first & (0xff >> length)
  for (let i = 1; i < length; i++) value = value * 256 + bytes[offset + i]
  return value
}

/** Reads an unsigned vint in full 64 bits. */
export function readUnsignedVintBig(bytes: Uint8Array, offset: number): bigint {
  const first = bytes[offset]
  const length = vintLength(first)
  let value = BigInt(length >= 8 ? 0 : first & (0xff >> length))
  for (let i = 1; i < length; i++) value = (value << 8n) | BigInt(bytes[offset + i])
  return value
}

/** Unsigned vint of the low 64 bits of `value`. */
export function unsignedVintBytes(value: bigint): Uint8Array {
  const unsigned = BigInt.asUintN(64, value)
  let size = 1
  while (size < 9 && unsigned >> BigInt(7 * size) !== 0n) size++
  const bytes = new Uint8Array(size)
  let rest = unsigned
  for (let i = size - 1; i > 0; i--) {
    bytes[i] = Number(rest & 0xffn)
    rest >>= 8n
  }
  bytes[0] = size === 9 ? 0xff : Number(rest) | ~(0xff >> (size - 1))
  return bytes
}

/** Signed vint (zigzag), as in durations. */
export function vintBytes(value: bigint): Uint8Array {
  return unsignedVintBytes((value << 1n) ^ (value >> 63n))
}

/** Signed vint (zigzag). */
export function readVintBig(bytes: Uint8Array, offset: number): bigint {
  const encoded = readUnsignedVintBig(bytes, offset)
  return (encoded >> 1n) ^ -(encoded & 1n)
}

/** Two's complement big-endian, the shortest (`BigInteger.toByteArray`). */
export function bigIntBytes(value: bigint): Uint8Array {
  const magnitude = value < 0n ? -value - 1n : value
  const hexDigits = magnitude === 0n ? 0 : magnitude.toString(16).length
  const topDigit = hexDigits === 0 ? 0 : Number.parseInt(magnitude.toString(16)[0], 16)
  const bits = hexDigits === 0 ? 0 : (hexDigits - 1) * 4 + (32 - Math.clz32(topDigit))
  const size = Math.floor(bits / 8) + 1
  const hex = BigInt.asUintN(size * 8, value)
    .toString(16)
    .padStart(size * 2, '0')
  return new Uint8Array(Buffer.from(hex, 'hex'))
}

/** Reads `length` bytes of two's complement; no bytes read as zero. */
export function readBigInt(bytes: Uint8Array, offset: number, length: number): bigint {
  if (length === 0) return 0n
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset + offset, length).toString('hex')
  return BigInt.asIntN(length * 8, BigInt(`0x${hex}`))
}
