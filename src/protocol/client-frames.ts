import type { FrameCompressor } from './compression.ts'
import { lz4DecompressBlock } from './compression.ts'
import { FrameFlag, HEADER_LENGTH } from './opcode.ts'
import {
  SEGMENT_PAYLOAD_MAX,
  SEGMENT_TRAILER,
  SegmentHeader,
  sealSegment,
  segmentHeaderLength,
  writeLz4Segment,
} from './segment.ts'
import { ByteWriter } from './writer.ts'

/** The client's side of framing. Tests and tools use it, the server does not. */

/** An envelope with its header; the body as it is. */
export function envelope(
  version: number,
  flags: number,
  stream: number,
  opcode: number,
  body: Uint8Array,
): Buffer {
  const out = Buffer.allocUnsafe(HEADER_LENGTH + body.length)
  out[0] = version
  out[1] = flags
  out.writeInt16BE(stream, 2)
  out[4] = opcode
  out.writeInt32BE(body.length, 5)
  out.set(body, HEADER_LENGTH)
  return out
}

/** One segment around `payload`. */
export function segment(payload: Uint8Array, isSelfContained: boolean, isLz4: boolean): Buffer {
  if (isLz4) {
    const out = new ByteWriter(payload.length + 64)
    writeLz4Segment(out, payload, isSelfContained)
    return Buffer.from(out.written())
  }
  const header = segmentHeaderLength(false)
  const out = Buffer.alloc(header + payload.length + SEGMENT_TRAILER)
  out.set(payload, header)
  sealSegment(out, 0, header + payload.length, isSelfContained)
  return out
}

/** One envelope in as many segments as it needs. */
export function segmented(bytes: Buffer, isLz4: boolean): Buffer {
  if (bytes.length <= SEGMENT_PAYLOAD_MAX) return segment(bytes, true, isLz4)
  const pieces: Buffer[] = []
  for (let at = 0; at < bytes.length; at += SEGMENT_PAYLOAD_MAX) {
    pieces.push(segment(bytes.subarray(at, at + SEGMENT_PAYLOAD_MAX), false, isLz4))
  }
  return Buffer.concat(pieces)
}

/** A response's envelope. */
export interface ResponseFrame {
  readonly version: number
  readonly flags: number
  readonly stream: number
  readonly opcode: number
  /** Uncompressed. */
  readonly body: Buffer
}

/** Turns what a client receives into envelopes. Throws where the server has broken the framing. */
export class ResponseDecoder {
  private bytes: Buffer = Buffer.alloc(0)
  private envelopes: Buffer = Buffer.alloc(0)
  private mode: 'frames' | 'segments' | 'lz4Segments' = 'frames'
  private compressor: FrameCompressor | null = null
  private readonly header = new SegmentHeader()

  useCompression(compressor: FrameCompressor): void {
    this.compressor = compressor
  }

  /** What comes next is in segments. */
  useSegments(isLz4: boolean): void {
    this.mode = isLz4 ? 'lz4Segments' : 'segments'
    this.bytes = Buffer.concat([this.envelopes, this.bytes])
    this.envelopes = Buffer.alloc(0)
  }

  push(chunk: Buffer): void {
    if (this.mode === 'frames') this.envelopes = Buffer.concat([this.envelopes, chunk])
    else this.bytes = Buffer.concat([this.bytes, chunk])
  }

  /** The next response, or null when it has not come whole. */
  next(): ResponseFrame | null {
    if (this.mode !== 'frames') this.openSegments()
    const { envelopes } = this
    if (envelopes.length < HEADER_LENGTH) return null
    const end = HEADER_LENGTH + envelopes.readInt32BE(5)
    if (envelopes.length < end) return null
    const flags = envelopes[1]
    let body = envelopes.subarray(HEADER_LENGTH, end)
    if ((flags & FrameFlag.COMPRESSED) !== 0 && this.compressor !== null) {
      body = this.compressor.decompress(body, 256 * 1024 * 1024)
    }
    this.envelopes = envelopes.subarray(end)
    return {
      version: envelopes[0] & 0x7f,
      flags,
      stream: envelopes.readInt16BE(2),
      opcode: envelopes[4],
      body,
    }
  }

  private openSegments(): void {
    const isLz4 = this.mode === 'lz4Segments'
    const headerLength = segmentHeaderLength(isLz4)
    const { header } = this
    const payloads: Buffer[] = [this.envelopes]
    while (this.bytes.length >= headerLength) {
      if (!header.read(this.bytes, 0, isLz4)) throw new TypeError('wrong CRC of a segment header')
      const end = headerLength + header.length
      if (this.bytes.length < end + SEGMENT_TRAILER) break
      const payload = this.bytes.subarray(headerLength, end)
      const { uncompressedLength } = header
      payloads.push(
        uncompressedLength === 0
          ? payload
          : lz4DecompressBlock(payload, 0, payload.length, uncompressedLength),
      )
      this.bytes = this.bytes.subarray(end + SEGMENT_TRAILER)
    }
    if (payloads.length > 1) this.envelopes = Buffer.concat(payloads)
  }
}
