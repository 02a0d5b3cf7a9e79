import { lz4CompressBlock } from './compression.ts'
import { crc24, segmentCrc32 } from './crc.ts'
import type { ByteWriter } from './writer.ts'

/**
 * Segments of v5 (native protocol v5, section 2.1 to 2.4): what a connection carries once STARTUP is answered.
 *
 *     uncompressed: length 17 bits, self-contained 1 bit, padding 6 bits; CRC24; payload; CRC32
 *     LZ4:          compressed length 17 bits, uncompressed length 17 bits, self-contained 1 bit, padding 5 bits;
 *                   CRC24; payload; CRC32. An uncompressed length of 0 says that the payload is not compressed.
 *
 * Header integer and both checksums are little-endian.
 */
export const SEGMENT_PAYLOAD_MAX = 0x1ffff
export const SEGMENT_TRAILER = 4

const PLAIN_FIELDS = 3
const LZ4_FIELDS = 5
const CRC24_LENGTH = 3
const PLAIN_HEADER = PLAIN_FIELDS + CRC24_LENGTH
const LZ4_HEADER = LZ4_FIELDS + CRC24_LENGTH

export function segmentHeaderLength(isLz4: boolean): number {
  return isLz4 ? LZ4_HEADER : PLAIN_HEADER
}

/** A decoded header; one object is filled again and again. */
export class SegmentHeader {
  /** Bytes on the wire. */
  length = 0
  /** LZ4 only; 0 when the payload is as it is. */
  uncompressedLength = 0
  isSelfContained = false
  crcRead = 0
  crcComputed = 0

  /** False when the CRC24 does not match. */
  read(buffer: Uint8Array, at: number, isLz4: boolean): boolean {
    const fields = isLz4 ? LZ4_FIELDS : PLAIN_FIELDS
    this.crcComputed = crc24(buffer, at, fields)
    const crcAt = at + fields
    this.crcRead = buffer[crcAt] | (buffer[crcAt + 1] << 8) | (buffer[crcAt + 2] << 16)
    const low = buffer[at] | (buffer[at + 1] << 8) | (buffer[at + 2] << 16)
    this.length = low & SEGMENT_PAYLOAD_MAX
    if (isLz4) {
      this.uncompressedLength = (low >>> 17) | ((buffer[at + 3] | ((buffer[at + 4] & 0x3) << 8)) << 7)
      this.isSelfContained = (buffer[at + 4] & 0x4) !== 0
    } else {
      this.uncompressedLength = 0
      this.isSelfContained = (low & 0x20000) !== 0
    }
    return this.crcRead === this.crcComputed
  }
}

/** Fills in the header at `at`, and the trailer behind the payload that ends at `end`. */
export function sealSegment(buffer: Buffer, at: number, end: number, isSelfContained: boolean): void {
  const payloadAt = at + PLAIN_HEADER
  const fields = (end - payloadAt) | (isSelfContained ? 0x20000 : 0)
  putLittle(buffer, at, fields, PLAIN_FIELDS)
  putLittle(buffer, at + PLAIN_FIELDS, crc24(buffer, at, PLAIN_FIELDS), CRC24_LENGTH)
  putLittle(buffer, end, segmentCrc32(buffer, payloadAt, end), SEGMENT_TRAILER)
}

/** Appends `payload` as one segment with the LZ4 header; as it is where compressing gains nothing. */
export function writeLz4Segment(out: ByteWriter, payload: Uint8Array, isSelfContained: boolean): void {
  const block = lz4CompressBlock(payload)
  const isCompressed = block.length < payload.length
  const body = isCompressed ? block : payload
  const uncompressedLength = isCompressed ? payload.length : 0
  out.reserve(LZ4_HEADER + body.length + SEGMENT_TRAILER)
  const { buffer, position: at } = out
  putLittle(buffer, at, (body.length | (uncompressedLength << 17)) & 0xffffff, 3)
  putLittle(buffer, at + 3, (uncompressedLength >>> 7) | (isSelfContained ? 0x400 : 0), 2)
  putLittle(buffer, at + LZ4_FIELDS, crc24(buffer, at, LZ4_FIELDS), CRC24_LENGTH)
  buffer.set(body, at + LZ4_HEADER)
  const end = at + LZ4_HEADER + body.length
  putLittle(buffer, end, segmentCrc32(buffer, at + LZ4_HEADER, end), SEGMENT_TRAILER)
  out.position = end + SEGMENT_TRAILER
}

function putLittle(buffer: Uint8Array, at: number, value: number, length: number): void {
  for (let i = 0; i < length; i++) buffer[at + i] = value >>> (8 * i)
}
