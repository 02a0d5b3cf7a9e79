import { crc32 } from 'node:zlib'
import { ByteQueue } from '../../common/byte-queue.ts'
import { readInt32, writeInt32 } from '../../common/bytes.ts'

/**
 * Frames: what a connection carries behind its handshake (docs/formats/internode.md). A header of a flag byte, the length
 * of the payload in three bytes, the sender's time and a CRC of these; the payload; its CRC. A payload holds whole messages, or a part of one.
 */

export const FRAME_HEADER = 12
export const FRAME_TRAILER = 4
/** Of a frame's payload; a multiple of four. */
export const FRAME_PAYLOAD_MAX = 128 * 1024

/** The payload holds whole messages; without it, a part of one message. */
export const FRAME_SELF_CONTAINED = 0x01

/** What was received is no frame: a bit flipped, or somebody else is speaking. */
export class CorruptFrameError extends Error {}

/** The header of a frame whose payload is `length` bytes, written at `nowMs` of the monotonic clock. */
export function writeFrameHeader(
  out: Uint8Array,
  at: number,
  flags: number,
  length: number,
  nowMs: number,
): void {
  writeInt32(out, at, (flags << 24) | length)
  writeInt32(out, at + 4, Math.floor(nowMs) % 0x1_0000_0000)
  writeInt32(out, at + 8, crc32(out.subarray(at, at + 8)))
}

/** The CRC behind the payload that lies at `start` to `end`. */
export function writeFrameTrailer(out: Uint8Array, start: number, end: number): void {
  writeInt32(out, end, crc32(out.subarray(start, end)))
}

const NOTHING = Buffer.alloc(0)

/** Cuts what is received into frames. The payload of each is read where it lies: in the chunk, if it came in one piece. */
export class FrameDecoder {
  /** Where the payload of the last frame lies; good until the next call of `next`. */
  buffer: Buffer = NOTHING
  start = 0
  end = 0
  isSelfContained = false
  /** Low 32 bits of the sender's monotonic milliseconds when it wrote the frame. */
  sentAt = 0
  /** Frames so far. */
  count = 0
  readonly #queue = new ByteQueue()

  /** Bytes that were received and not read yet. */
  get size(): number {
    return this.#queue.size
  }

  push(chunk: Buffer): void {
    this.#queue.push(chunk)
  }

  /** Finds the next frame; false when it has not come whole. Throws a CorruptFrameError. */
  next(): boolean {
    const queue = this.#queue
    if (!queue.require(FRAME_HEADER)) {
      // What has been read must not keep a socket's chunk from being collected.
      queue.release()
      this.buffer = NOTHING
      return false
    }
    const header = readInt32(queue.buffer, queue.position)
    const crc = crc32(queue.buffer.subarray(queue.position, queue.position + 8))
    if (readInt32(queue.buffer, queue.position + 8) !== (crc | 0)) {
      throw new CorruptFrameError('the header of a frame does not match its checksum')
    }
    const length = header & 0xffffff
    const flags = header >>> 24
    if (length === 0 || length > FRAME_PAYLOAD_MAX || (length & 3) !== 0 || flags > FRAME_SELF_CONTAINED) {
      throw new CorruptFrameError(`a frame has flags ${flags} and a payload of ${length} bytes`)
    }
    if (!queue.require(FRAME_HEADER + length + FRAME_TRAILER)) return false
    const start = queue.position + FRAME_HEADER
    const end = start + length
    if (readInt32(queue.buffer, end) !== (crc32(queue.buffer.subarray(start, end)) | 0)) {
      throw new CorruptFrameError(`the payload of a frame of ${length} bytes does not match its checksum`)
    }
    this.buffer = queue.buffer
    this.sentAt = readInt32(queue.buffer, queue.position + 4)
    this.start = start
    this.end = end
    this.isSelfContained = (flags & FRAME_SELF_CONTAINED) !== 0
    this.count++
    queue.skip(FRAME_HEADER + length + FRAME_TRAILER)
    return true
  }
}
