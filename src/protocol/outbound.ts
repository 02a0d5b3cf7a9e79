import type { FrameCompressor } from './compression.ts'
import { FrameFlag, HEADER_LENGTH } from './opcode.ts'
import { SEGMENT_TRAILER, sealSegment, segmentHeaderLength, writeLz4Segment } from './segment.ts'
import { BETA_VERSION } from './version.ts'
import { ByteWriter } from './writer.ts'

/**
 * Payload of the pieces a big frame is cut into (`Flusher.MAX_FRAMED_PAYLOAD_SIZE`); a frame as big as that is cut,
 * as Cassandra cuts it.
 */
const PIECE_MAX = 131_054
const SELF_CONTAINED_MAX = PIECE_MAX - 1
const PLAIN_SEGMENT_HEADER = segmentHeaderLength(false)
/** Capacity a connection's buffer starts a turn with. */
const CAPACITY_MIN = 4 * 1024

/**
 * The responses of one connection, written one behind the other into one buffer, which the connection takes at the
 * end of a turn and writes to its socket. Bodies are written in place: `begin` leaves room for the header, `end`
 * knows the length. In v5 the segments too are made in place; only compressed connections write twice.
 */
export class OutboundEncoder extends ByteWriter {
  private mode: 'frames' | 'compressedFrames' | 'segments' | 'lz4Segments' = 'frames'
  private compressor: FrameCompressor | null = null
  /** Where the frame being written starts. */
  private frameAt = 0
  /** Where the open segment's header goes, -1 when there is none. */
  private segmentAt = -1
  /** Frames in the open segment. */
  private segmentFrames = 0
  /** Frames that were written before the switch to segments, in the same turn. */
  private readonly plainBefore: Buffer[] = []
  /** Size of what was taken last: the next buffer is about as big. */
  private lastTaken = 0

  constructor() {
    super(0)
  }

  get isEmpty(): boolean {
    return this.position === 0 && this.plainBefore.length === 0
  }

  /** Bodies are compressed from the next frame on (v3, v4). */
  useCompression(compressor: FrameCompressor): void {
    this.compressor = compressor
    this.mode = 'compressedFrames'
  }

  /** The answer to STARTUP, written as a plain frame, stays as it is; segments follow it. */
  useSegments(isLz4: boolean): void {
    if (this.position > 0) this.plainBefore.push(super.written())
    this.buffer = Buffer.allocUnsafe(CAPACITY_MIN)
    this.position = 0
    this.mode = isLz4 ? 'lz4Segments' : 'segments'
  }

  /** Starts a frame; what is written until `end` is its body. */
  begin(version: number, flags: number, stream: number, opcode: number): void {
    if (this.buffer.length === 0) this.buffer = Buffer.allocUnsafe(nextCapacity(this.lastTaken))
    if (this.mode === 'segments' && this.segmentAt < 0) {
      this.reserve(PLAIN_SEGMENT_HEADER + HEADER_LENGTH + SEGMENT_TRAILER)
      this.segmentAt = this.position
      this.position += PLAIN_SEGMENT_HEADER
      this.segmentFrames = 0
    }
    this.reserve(HEADER_LENGTH)
    const { buffer, position } = this
    this.frameAt = position
    buffer[position] = version | 0x80
    buffer[position + 1] = version === BETA_VERSION ? flags | FrameFlag.USE_BETA : flags
    buffer[position + 2] = stream >>> 8
    buffer[position + 3] = stream
    buffer[position + 4] = opcode
    this.position = position + HEADER_LENGTH
  }

  end(): void {
    const { frameAt } = this
    if (this.mode === 'compressedFrames') this.compressBody()
    this.putInt(frameAt + 5, this.position - frameAt - HEADER_LENGTH)
    if (this.mode === 'segments') this.fitSegment()
  }

  /** Takes back a frame that was begun. */
  abandon(): void {
    this.position = this.frameAt
    if (this.mode === 'segments' && this.segmentFrames === 0) {
      this.position = this.segmentAt
      this.segmentAt = -1
    }
  }

  /** All that has been written since the last time; the buffer is not touched again. */
  take(): Buffer {
    if (this.mode === 'lz4Segments' && this.position > 0) this.compressSegments()
    this.closeSegment()
    const taken = this.written()
    this.lastTaken = this.position
    this.buffer = NO_BUFFER
    this.position = 0
    if (this.plainBefore.length === 0) return taken
    return Buffer.concat([...this.plainBefore.splice(0), taken])
  }

  private compressBody(): void {
    const bodyAt = this.frameAt + HEADER_LENGTH
    const compressed = (this.compressor as FrameCompressor).compress(
      this.buffer.subarray(bodyAt, this.position),
    )
    this.buffer[this.frameAt + 1] |= FrameFlag.COMPRESSED
    this.position = bodyAt
    this.raw(compressed)
  }

  // ---- segments

  /** Called at the end of each frame: closes the open segment when it has become too long for one. */
  private fitSegment(): void {
    const payloadAt = this.segmentAt + PLAIN_SEGMENT_HEADER
    if (this.position - payloadAt <= SELF_CONTAINED_MAX) {
      this.segmentFrames++
      return
    }
    if (this.segmentFrames > 0) this.moveToNewSegment()
    if (this.position - (this.segmentAt + PLAIN_SEGMENT_HEADER) > SELF_CONTAINED_MAX) this.splitFrame()
    else this.segmentFrames = 1
  }

  /** Seals the frames before the last one, which opens a segment of its own. */
  private moveToNewSegment(): void {
    const gap = SEGMENT_TRAILER + PLAIN_SEGMENT_HEADER
    this.reserve(gap + SEGMENT_TRAILER)
    const { buffer, frameAt, position } = this
    buffer.copyWithin(frameAt + gap, frameAt, position)
    sealSegment(buffer, this.segmentAt, frameAt, true)
    this.segmentAt = frameAt + SEGMENT_TRAILER
    this.frameAt = frameAt + gap
    this.position = position + gap
  }

  /** Spreads the only frame of the open segment over segments that are not self-contained. */
  private splitFrame(): void {
    const start = this.segmentAt
    const payloadAt = start + PLAIN_SEGMENT_HEADER
    const length = this.position - payloadAt
    const pieces = Math.ceil(length / PIECE_MAX)
    const overhead = PLAIN_SEGMENT_HEADER + SEGMENT_TRAILER
    this.reserve(pieces * overhead)
    const { buffer } = this
    // From the last piece on, so that nothing is overwritten before it has moved.
    for (let piece = pieces - 1; piece >= 0; piece--) {
      const from = payloadAt + piece * PIECE_MAX
      const size = Math.min(PIECE_MAX, payloadAt + length - from)
      const at = start + piece * (PIECE_MAX + overhead)
      const to = at + PLAIN_SEGMENT_HEADER
      buffer.copyWithin(to, from, from + size)
      sealSegment(buffer, at, to + size, false)
    }
    this.position = start + length + pieces * overhead
    this.segmentAt = -1
  }

  private closeSegment(): void {
    if (this.segmentAt < 0) return
    this.reserve(SEGMENT_TRAILER)
    sealSegment(this.buffer, this.segmentAt, this.position, true)
    this.position += SEGMENT_TRAILER
    this.segmentAt = -1
  }

  /** Compresses the turn's frames into segments, as many whole frames in each as fit. */
  private compressSegments(): void {
    const out = new ByteWriter(Math.max(CAPACITY_MIN, this.position))
    const { buffer, position } = this
    let from = 0
    while (from < position) {
      let end = from
      let next = frameEnd(buffer, from)
      while (next - from <= SELF_CONTAINED_MAX) {
        end = next
        if (end === position) break
        next = frameEnd(buffer, end)
      }
      if (end > from) {
        writeLz4Segment(out, buffer.subarray(from, end), true)
        from = end
        continue
      }
      for (; from < next; from += PIECE_MAX) {
        const pieceEnd = Math.min(next, from + PIECE_MAX)
        writeLz4Segment(out, buffer.subarray(from, pieceEnd), false)
      }
      from = next
    }
    this.buffer = out.buffer
    this.position = out.position
  }
}

const NO_BUFFER = Buffer.alloc(0)

function frameEnd(buffer: Buffer, at: number): number {
  return at + HEADER_LENGTH + buffer.readInt32BE(at + 5)
}

/** The next turn's buffer: as big as the last turn's output and a bit, between 4 KiB and 256 KiB. */
function nextCapacity(lastTaken: number): number {
  let capacity = CAPACITY_MIN
  while (capacity < lastTaken && capacity < 256 * 1024) capacity *= 2
  return capacity
}
