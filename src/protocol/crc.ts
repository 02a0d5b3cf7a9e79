import { crc32 } from 'node:zlib'

/** Checksums of v5 segments (native protocol v5, section 2.5; `net/Crc.java`). */

const CRC24_INIT = 0x875060
const CRC24_POLYNOMIAL = 0x1974f0b
const CRC24_TABLE = crc24Table()

/** Every CRC32 of a segment starts as if these bytes had come before. */
const CRC32_START = crc32(Buffer.from([0xfa, 0x2d, 0x55, 0xca]))

function crc24Table(): Int32Array {
  const table = new Int32Array(256)
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte << 16
    for (let bit = 0; bit < 8; bit++) {
      crc <<= 1
      if ((crc & 0x1000000) !== 0) crc ^= CRC24_POLYNOMIAL
    }
    table[byte] = crc & 0xffffff
  }
  return table
}

/** CRC24 of the first 3 or 5 bytes of a segment header. */
export function crc24(buffer: Uint8Array, offset: number, length: number): number {
  let crc = CRC24_INIT
  for (let i = offset; i < offset + length; i++) {
    crc = ((crc << 8) ^ CRC24_TABLE[((crc >>> 16) ^ buffer[i]) & 0xff]) & 0xffffff
  }
  return crc
}

/** CRC32 of a segment's payload as it is on the wire, unsigned. */
export function segmentCrc32(buffer: Uint8Array, start: number, end: number): number {
  return crc32(start === 0 && end === buffer.length ? buffer : buffer.subarray(start, end), CRC32_START)
}
