import { ByteQueue } from '../common/byte-queue.ts'
import type { CqlError } from '../common/errors.ts'
import { InvalidRequestError, ProtocolError, ServerError } from '../common/errors.ts'
import type { FrameCompressor } from './compression.ts'
import { lz4DecompressBlock } from './compression.ts'
import { segmentCrc32 } from './crc.ts'
import { FrameFlag, HEADER_LENGTH, opcodeName, rejectOpcode } from './opcode.ts'
import { SEGMENT_TRAILER, SegmentHeader, segmentHeaderLength } from './segment.ts'
import { BETA_VERSION, CURRENT_VERSION, rejectVersion, versionName } from './version.ts'

/** What `InboundDecoder.next` found. */
export type Inbound = 'nothing' | 'envelope' | 'error'

export interface InboundLimits {
  /** native_transport_max_frame_size: a longer v3 or v4 frame is discarded and answered with an error. */
  readonly frameSizeMax: number
  /** native_transport_max_message_size: the same for a v5 message of several segments. */
  readonly messageSizeMax: number
  /** native_transport_allow_older_protocols */
  readonly allowOlderProtocols: boolean
  /** consecutive_message_errors_threshold: more errors than this in one segment end the connection. */
  readonly consecutiveErrorsMax: number
}

/** Names the connection in the text of a CRC error, as Netty's channel id does. */
export type ChannelId = string

const NOTHING = Buffer.alloc(0)
const JAVA_BYTE_BUFFER_ERROR = 'java.lang.IllegalArgumentException: newPosition > limit:'

/**
 * Turns the bytes of one connection into envelopes: first plain frames, and for v5 segments from the moment
 * `useSegments` is called (`Envelope.Decoder`, `CQLMessageHandler`). It never throws: what is wrong comes out as an
 * error to answer, with what to do afterwards, as Cassandra does it. The fields describe the last thing found.
 */
export class InboundDecoder {
  // The envelope found, or the frame that an error answers.
  version = 0
  flags = 0
  stream = 0
  opcode = 0
  body: Buffer = NOTHING
  bodyStart = 0
  bodyEnd = 0
  /** Body length in the header: of a compressed body, the compressed length. */
  bodySize = 0
  // The error found.
  error: CqlError = new ProtocolError('')
  /** Version to answer in, other than the connection's; 0 for none. */
  forcedVersion = 0
  /** The connection is closed once the error has been sent. */
  isFatal = false

  /** Version that STARTUP has settled; 0 before. */
  connectionVersion = 0
  /** Whether messages of several segments are taken: not before the connection is authenticated. */
  isReady = false
  private readonly queue = new ByteQueue()
  private readonly limits: InboundLimits
  private readonly channelId: ChannelId
  private compressor: FrameCompressor | null = null
  private mode: 'frames' | 'segments' | 'lz4Segments' = 'frames'
  private readonly segmentHeader = new SegmentHeader()
  // The self-contained segment that is being read, an envelope at a time.
  private segment: Buffer = NOTHING
  private segmentAt = 0
  private segmentEnd = 0
  /** Where the segment's frame starts. */
  private segmentBase = 0
  private consecutiveErrors = 0
  private large: LargeMessage | null = null
  // A frame that is not wanted: bytes of it still to come, and its length for the error, 0 if that has been sent.
  private bytesToDiscard = 0
  private discardedLength = 0
  private isDead = false

  constructor(limits: InboundLimits, channelId: ChannelId) {
    this.limits = limits
    this.channelId = channelId
  }

  push(chunk: Buffer): void {
    if (!this.isDead) this.queue.push(chunk)
  }

  /** Bytes that wait; they may be less than a whole envelope. */
  get buffered(): number {
    return this.queue.size + (this.segmentEnd - this.segmentAt)
  }

  /** Bodies with the COMPRESSED flag are decompressed from now on (v3, v4). */
  useCompression(compressor: FrameCompressor): void {
    this.compressor = compressor
  }

  /** STARTUP of v5 has been answered: segments follow. */
  useSegments(isLz4: boolean): void {
    this.mode = isLz4 ? 'lz4Segments' : 'segments'
  }

  /** Takes no more bytes: the connection ends. */
  stop(): void {
    this.isDead = true
    this.queue.clear()
    this.queue.release()
    this.segment = NOTHING
    this.segmentAt = this.segmentEnd = 0
    this.large = null
  }

  /** Lets go of chunks that have been used up. */
  release(): void {
    this.queue.release()
    this.body = NOTHING
    if (this.segmentAt === this.segmentEnd) this.segment = NOTHING
  }

  /** An envelope could not be decoded: whether that is one too many in this segment, which is fatal (v5). */
  countMessageError(): boolean {
    return this.mode !== 'frames' && ++this.consecutiveErrors > this.limits.consecutiveErrorsMax
  }

  countMessage(): void {
    this.consecutiveErrors = 0
  }

  next(): Inbound {
    if (this.isDead) return 'nothing'
    return this.mode === 'frames' ? this.nextFrame() : this.nextInSegments()
  }

  private fail(error: CqlError, stream: number, forcedVersion = 0, isFatal = false): Inbound {
    this.error = error
    this.stream = stream
    this.forcedVersion = forcedVersion
    this.isFatal = isFatal
    if (isFatal) this.stop()
    return 'error'
  }

  // ---- frames

  private nextFrame(): Inbound {
    const { queue, limits } = this
    if (this.bytesToDiscard > 0) return this.discardFrame()
    // The version is looked at before the header is whole: versions 1 and 2 have a shorter one.
    if (!queue.require(1)) return 'nothing'
    const first = queue.buffer[queue.position]
    const version = first & 0x7f
    const rejected = rejectVersion(version, limits.allowOlderProtocols)
    if (rejected !== null) {
      queue.clear()
      return this.fail(rejected, 0, version === 1 || version === 2 ? version : 0)
    }
    if (!queue.require(HEADER_LENGTH)) return 'nothing'
    this.readHeader(queue.buffer, queue.position)
    if (version === BETA_VERSION && (this.flags & FrameFlag.USE_BETA) === 0) {
      queue.clear()
      return this.fail(betaError(), 0, BETA_VERSION)
    }
    const length = this.bodySize >>> 0
    const total = length + HEADER_LENGTH
    const wrongOpcode = rejectOpcode(this.opcode, (first & 0x80) !== 0)
    if (wrongOpcode !== null) {
      // Cassandra reads the same frame again with every chunk that comes; skipping it keeps the connection usable.
      const { stream } = this
      this.bytesToDiscard = total - queue.discard(total)
      this.discardedLength = 0
      return this.fail(new ProtocolError(wrongOpcode), stream)
    }
    if (total > limits.frameSizeMax) {
      this.bytesToDiscard = total
      this.discardedLength = total
      return this.discardFrame()
    }
    if (!queue.require(total)) return 'nothing'
    this.body = queue.buffer
    this.bodyStart = queue.position + HEADER_LENGTH
    this.bodyEnd = this.bodyStart + length
    queue.skip(total)
    return this.checkFrame()
  }

  private checkFrame(): Inbound {
    const { version, connectionVersion, stream } = this
    if (connectionVersion !== 0 && version !== connectionVersion) {
      return this.fail(
        new ProtocolError(
          `Invalid message version. Got ${versionName(version)} but previous messages on this connection had version ${versionName(connectionVersion)}`,
        ),
        stream,
      )
    }
    if ((this.flags & FrameFlag.COMPRESSED) !== 0 && this.compressor !== null) {
      const compressed = this.body.subarray(this.bodyStart, this.bodyEnd)
      try {
        this.body = this.compressor.decompress(compressed, this.limits.frameSizeMax)
      } catch (error) {
        return this.fail(error as ProtocolError, stream)
      }
      this.bodyStart = 0
      this.bodyEnd = this.body.length
    }
    return 'envelope'
  }

  private discardFrame(): Inbound {
    this.bytesToDiscard -= this.queue.discard(this.bytesToDiscard)
    if (this.bytesToDiscard > 0) return 'nothing'
    // The rest of a frame that has been answered already.
    if (this.discardedLength === 0) return this.nextFrame()
    return this.fail(
      new InvalidRequestError(
        `Request is too big: length ${this.discardedLength} exceeds maximum allowed length ${this.limits.frameSizeMax}.`,
      ),
      this.stream,
    )
  }

  private readHeader(buffer: Buffer, at: number): void {
    this.version = buffer[at] & 0x7f
    this.flags = buffer[at + 1]
    this.stream = ((buffer[at + 2] << 24) >> 16) | buffer[at + 3]
    this.opcode = buffer[at + 4]
    this.bodySize = (buffer[at + 5] << 24) | (buffer[at + 6] << 16) | (buffer[at + 7] << 8) | buffer[at + 8]
  }

  // ---- segments

  private nextInSegments(): Inbound {
    for (;;) {
      if (this.segmentAt < this.segmentEnd) return this.nextInSegment()
      const found = this.nextSegment()
      if (found !== null) return found
    }
  }

  /** Null when a segment has been read from which envelopes may come. */
  private nextSegment(): Inbound | null {
    const { queue, segmentHeader: header } = this
    const isLz4 = this.mode === 'lz4Segments'
    const headerLength = segmentHeaderLength(isLz4)
    if (!queue.require(headerLength)) return 'nothing'
    if (!header.read(queue.buffer, queue.position, isLz4)) {
      return this.corrupt('header', header.crcRead, header.crcComputed)
    }
    const total = headerLength + header.length + SEGMENT_TRAILER
    if (!queue.require(total)) return 'nothing'
    const { buffer } = queue
    const start = queue.position + headerLength
    const end = start + header.length
    const crcRead = buffer.readInt32LE(end)
    const crcComputed = segmentCrc32(buffer, start, end) | 0
    if (crcRead !== crcComputed) return this.corrupt('body', crcRead, crcComputed)
    queue.skip(total)
    return this.openSegment(buffer, start, end)
  }

  private corrupt(where: 'header' | 'body', read: number, computed: number): Inbound {
    const error = new ProtocolError(
      `${this.channelId} invalid, unrecoverable CRC mismatch detected in frame ${where}. Read ${read}, Computed ${computed}`,
    )
    return this.fail(error, 0, 0, true)
  }

  private openSegment(buffer: Buffer, start: number, end: number): Inbound | null {
    const { uncompressedLength, isSelfContained } = this.segmentHeader
    let [payload, at, payloadEnd] = [buffer, start, end]
    if (uncompressedLength > 0) {
      try {
        payload = lz4DecompressBlock(buffer, start, end, uncompressedLength)
      } catch (error) {
        return this.fail(error as ProtocolError, 0, 0, true)
      }
      at = 0
      payloadEnd = payload.length
    }
    this.consecutiveErrors = 0
    if (!isSelfContained) return this.addToLarge(payload, at, payloadEnd)
    this.segment = payload
    this.segmentAt = at
    this.segmentEnd = payloadEnd
    this.segmentBase = uncompressedLength > 0 ? 0 : at - segmentHeaderLength(this.mode === 'lz4Segments')
    return null
  }

  private nextInSegment(): Inbound {
    const { segment, segmentAt, segmentEnd } = this
    const left = segmentEnd - segmentAt
    if (left < HEADER_LENGTH) {
      this.segmentAt = segmentEnd
      return this.fail(undersized(left), 0)
    }
    this.readHeader(segment, segmentAt)
    const { stream, bodySize } = this
    const error = this.headerError(segment[segmentAt])
    if (error !== null) return this.skipMessage(error, stream, bodySize)
    const bodyStart = segmentAt + HEADER_LENGTH
    const bodyEnd = bodyStart + bodySize
    if (bodyEnd > segmentEnd) {
      this.segmentAt = segmentEnd
      // Positions in the frame, as Java counts them.
      const text = `${JAVA_BYTE_BUFFER_ERROR} (${bodyEnd - this.segmentBase} > ${segmentEnd - this.segmentBase})`
      return this.fail(new ServerError(text), 0)
    }
    this.segmentAt = bodyEnd
    this.body = segment
    this.bodyStart = bodyStart
    this.bodyEnd = bodyEnd
    return 'envelope'
  }

  /** What is wrong with the header just read, by itself or on this connection. */
  private headerError(first: number): ProtocolError | null {
    const { version, connectionVersion, bodySize } = this
    if (bodySize < 0) {
      return new ProtocolError(`Invalid value for envelope header body length field: ${bodySize}`)
    }
    const rejected = rejectVersion(version, this.limits.allowOlderProtocols)
    if (rejected !== null) return rejected
    if (version === BETA_VERSION && (this.flags & FrameFlag.USE_BETA) === 0) return betaError()
    const wrongOpcode = rejectOpcode(this.opcode, (first & 0x80) !== 0)
    if (wrongOpcode !== null) return new ProtocolError(wrongOpcode)
    if (version === connectionVersion) return null
    // The missing space is Cassandra's.
    return new ProtocolError(
      `Invalid message version. Got ${versionName(version)} but previousmessages on this connection had version ${versionName(connectionVersion)}`,
    )
  }

  private skipMessage(error: ProtocolError, stream: number, bodySize: number): Inbound {
    if (bodySize < 0 || this.countMessageError()) return this.fail(error, stream, 0, true)
    this.segmentAt = Math.min(this.segmentEnd, this.segmentAt + HEADER_LENGTH + bodySize)
    return this.fail(error, stream, this.version === 1 || this.version === 2 ? this.version : 0)
  }

  // ---- messages of several segments

  private addToLarge(payload: Buffer, start: number, end: number): Inbound | null {
    if (this.large === null) {
      const refused = this.beginLarge(payload, start, end)
      if (refused !== null) return refused
    }
    const large = this.large as unknown as LargeMessage
    large.add(payload, start, end)
    if (large.received < large.total) return null
    this.large = null
    this.readHeader(large.header, 0)
    if (large.received > large.total) {
      return this.fail(
        new ProtocolError(`Segments hold ${large.received} bytes of a message of ${large.total}`),
        this.stream,
        0,
        true,
      )
    }
    if (large.isTooBig) {
      return this.fail(
        new InvalidRequestError(
          `CQL Message of size ${this.bodySize} bytes exceeds allowed maximum of ${this.limits.messageSizeMax} bytes`,
        ),
        this.stream,
      )
    }
    this.body = large.bytes
    this.bodyStart = HEADER_LENGTH
    this.bodyEnd = large.total
    return 'envelope'
  }

  private beginLarge(payload: Buffer, start: number, end: number): Inbound | null {
    if (end - start < HEADER_LENGTH) return this.fail(undersized(end - start), 0, 0, true)
    this.readHeader(payload, start)
    const error = this.headerError(payload[start])
    if (error !== null) return this.fail(error, 0, 0, true)
    if (!this.isReady) {
      const text =
        'The connection is not yet in a valid state to process multi frame CQL Messages, usually this' +
        `means that authentication is still pending. type = ${opcodeName(this.opcode)}, size = ${this.bodySize}`
      return this.fail(new ProtocolError(text), 0, 0, true)
    }
    const isTooBig = this.bodySize > this.limits.messageSizeMax
    this.large = new LargeMessage(payload.subarray(start, start + HEADER_LENGTH), this.bodySize, isTooBig)
    return null
  }
}

/** A message as its segments come in; of one that is too big only the length is kept. */
class LargeMessage {
  readonly header: Buffer
  readonly total: number
  readonly isTooBig: boolean
  bytes: Buffer = NOTHING
  received = 0

  constructor(header: Buffer, bodySize: number, isTooBig: boolean) {
    this.header = Buffer.from(header)
    this.total = HEADER_LENGTH + bodySize
    this.isTooBig = isTooBig
  }

  add(payload: Buffer, start: number, end: number): void {
    const received = this.received + (end - start)
    if (!this.isTooBig && received <= this.total) {
      if (received > this.bytes.length) {
        const capacity = Math.min(this.total, Math.max(received, this.bytes.length * 2))
        const bigger = Buffer.allocUnsafe(capacity)
        this.bytes.copy(bigger, 0, 0, this.received)
        this.bytes = bigger
      }
      payload.copy(this.bytes, this.received, start, end)
    }
    this.received = received
  }
}

function undersized(length: number): ServerError {
  return new ServerError(
    `java.lang.IllegalArgumentException: Undersized buffer supplied. Expected ${HEADER_LENGTH}, actual ${length}`,
  )
}

function betaError(): ProtocolError {
  return new ProtocolError(
    `Beta version of the protocol used (${versionName(BETA_VERSION)}), but USE_BETA flag is unset`,
  )
}

/** Version to answer in while the connection has none. */
export function answerVersion(connectionVersion: number): number {
  return connectionVersion === 0 ? CURRENT_VERSION : connectionVersion
}
