/**
 * Big-endian reads, unsigned comparison, hex and UTF-8 over plain `Uint8Array`s. No allocation where the name does
 * not promise bytes or a string.
 */

/** The empty value, shared: nobody may write into it. */
export const EMPTY_BYTES: Uint8Array = new Uint8Array(0)

const utf8Encoder = new TextEncoder()

/** Signed 32-bit big-endian integer at `offset`. */
export function readInt32(bytes: Uint8Array, offset: number): number {
  return (bytes[offset] << 24) | (bytes[offset + 1] << 16) | (bytes[offset + 2] << 8) | bytes[offset + 3]
}

/** Signed 16-bit big-endian integer at `offset`. */
export function readInt16(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset] << 24) >> 16) | bytes[offset + 1]
}

/** Unsigned 16-bit big-endian integer at `offset`. */
export function readUint16(bytes: Uint8Array, offset: number): number {
  return (bytes[offset] << 8) | bytes[offset + 1]
}

/** Signed 8-bit integer at `offset`. */
export function readInt8(bytes: Uint8Array, offset: number): number {
  return (bytes[offset] << 24) >> 24
}

/** Signed 64-bit big-endian integer as BigInt: for the edges, not the hot path. */
export function readInt64(bytes: Uint8Array, offset: number): bigint {
  return (BigInt(readInt32(bytes, offset)) << 32n) | BigInt(readInt32(bytes, offset + 4) >>> 0)
}

/** Writes the low 32 bits of `value` big-endian. */
export function writeInt32(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> 24
  bytes[offset + 1] = value >>> 16
  bytes[offset + 2] = value >>> 8
  bytes[offset + 3] = value
}

/** Writes the low 64 bits of `value` big-endian. */
export function writeInt64(bytes: Uint8Array, offset: number, value: bigint): void {
  const bits = BigInt.asUintN(64, value)
  writeInt32(bytes, offset, Number(bits >> 32n))
  writeInt32(bytes, offset + 4, Number(bits & 0xffffffffn))
}

export function int32Bytes(value: number): Uint8Array {
  const bytes = new Uint8Array(4)
  writeInt32(bytes, 0, value)
  return bytes
}

export function int64Bytes(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8)
  writeInt64(bytes, 0, value)
  return bytes
}

/** Unsigned lexicographic order, the shorter first on a common prefix (`ValueAccessor.compare`). */
export function compareBytes(
  a: Uint8Array,
  aOffset: number,
  aLength: number,
  b: Uint8Array,
  bOffset: number,
  bLength: number,
): number {
  const common = Math.min(aLength, bLength)
  for (let i = 0; i < common; i++) {
    const difference = a[aOffset + i] - b[bOffset + i]
    if (difference !== 0) return difference
  }
  return aLength - bLength
}

export function bytesEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && compareBytes(a, 0, a.length, b, 0, b.length) === 0
}

export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of parts) length += part.length
  const all = new Uint8Array(length)
  let offset = 0
  for (const part of parts) {
    all.set(part, offset)
    offset += part.length
  }
  return all
}

/** A Buffer over the same memory, for its decoders. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}

/** Lower-case hex without prefix. */
export function toHex(bytes: Uint8Array): string {
  return asBuffer(bytes).toString('hex')
}

/** Values of hex digits by character; -1 of others. */
const HEX_DIGITS = Int8Array.from({ length: 128 }, (_, code) =>
  /[0-9a-fA-F]/.test(String.fromCharCode(code)) ? Number.parseInt(String.fromCharCode(code), 16) : -1,
)

function hexDigit(code: number): number {
  return code < 128 ? HEX_DIGITS[code]! : -1
}

/** Bytes of a hex text, or undefined when it has an odd length or another character. */
export function fromHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0) return undefined
  const bytes = new Uint8Array(text.length >>> 1)
  for (let i = 0; i < bytes.length; i++) {
    const high = hexDigit(text.charCodeAt(2 * i))
    const low = hexDigit(text.charCodeAt(2 * i + 1))
    if ((high | low) < 0) return undefined
    bytes[i] = (high << 4) | low
  }
  return bytes
}

/** Texts up to this length are looked at here first: a native call costs more than most of them. */
const SHORT_TEXT = 64

export function utf8Bytes(text: string): Uint8Array {
  if (text.length > SHORT_TEXT) return utf8Encoder.encode(text)
  const bytes = new Uint8Array(text.length)
  for (let i = 0; i < bytes.length; i++) {
    const code = text.charCodeAt(i)
    if (code >= 0x80) return utf8Encoder.encode(text)
    bytes[i] = code
  }
  return bytes
}

export function utf8Text(bytes: Uint8Array): string {
  return asBuffer(bytes).toString('utf8')
}

export function asciiText(bytes: Uint8Array): string {
  return asBuffer(bytes).toString('latin1')
}
