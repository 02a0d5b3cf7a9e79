import { readInt32, writeInt32 } from '../../common/bytes.ts'
import { CorruptFrameError } from './frame.ts'

/**
 * The header of a message (docs/formats/internode.md): length, verb, flags, id, the time that is left, and the tracing
 * session if there is one. Big-endian. A message begins at a multiple of four of its frame's payload.
 */

export const MESSAGE_HEADER = 20
export const SESSION_BYTES = 16

/** The sender waits for an answer. */
export const MESSAGE_REQUEST = 0x01
/** An answer; the id is the request's. */
export const MESSAGE_RESPONSE = 0x02
/** A tracing session follows the fixed part of the header. */
export const MESSAGE_TRACED = 0x04

const FOREVER = 0xffffffff

/** What tells requests apart: a number, and which run of which process counted it. Each 32 bits, unsigned. */
export interface MessageId {
  readonly instance: number
  readonly number: number
}

/** A message on its way out, but for its payload. */
export interface OutboundHeader {
  readonly verbId: number
  readonly flags: number
  readonly id: MessageId
  /** Monotonic milliseconds of this node; infinite for ever. */
  readonly deadlineMs: number
  readonly session: Uint8Array | null
}

/** Bytes of a message before it is padded. */
export function messageSize(session: Uint8Array | null, payloadBytes: number): number {
  return MESSAGE_HEADER + (session === null ? 0 : SESSION_BYTES) + payloadBytes
}

/** The same, padded to whole words. */
export function paddedSize(size: number): number {
  return (size + 3) & ~3
}

/** Writes the header of a message of `size` bytes at `at`; returns where the payload belongs. */
export function writeMessageHeader(
  out: Uint8Array,
  at: number,
  size: number,
  header: OutboundHeader,
  nowMs: number,
): number {
  const { session } = header
  const headerBytes = session === null ? MESSAGE_HEADER : MESSAGE_HEADER + SESSION_BYTES
  const flags = session === null ? header.flags : header.flags | MESSAGE_TRACED
  writeInt32(out, at, size)
  writeInt32(out, at + 4, (header.verbId << 16) | (flags << 8) | (headerBytes >>> 2))
  writeInt32(out, at + 8, header.id.instance)
  writeInt32(out, at + 12, header.id.number)
  writeInt32(out, at + 16, remaining(header.deadlineMs, nowMs))
  if (session !== null) out.set(session, at + MESSAGE_HEADER)
  return at + headerBytes
}

/** Whole milliseconds that are left, at least one: what is over is not sent. */
function remaining(deadlineMs: number, nowMs: number): number {
  const left = Math.ceil(deadlineMs - nowMs)
  return left >= FOREVER ? FOREVER : Math.max(1, left)
}

/** Reads headers; one object for all messages of a connection. */
export class InboundHeader {
  size = 0
  verbId = 0
  flags = 0
  instance = 0
  number = 0
  /** Milliseconds; infinite for ever. */
  remainingMs = 0
  /** From the beginning of the message to its payload. */
  headerBytes = 0

  /** Reads the header at `at` of a frame's payload that ends at `end`. Throws a CorruptFrameError if there is none. */
  read(bytes: Uint8Array, at: number, end: number): void {
    if (end - at < MESSAGE_HEADER) throw new CorruptFrameError('a message is cut off in its header')
    this.size = readInt32(bytes, at)
    const word = readInt32(bytes, at + 4)
    this.verbId = word >>> 16
    this.flags = (word >>> 8) & 0xff
    this.headerBytes = (word & 0xff) << 2
    this.instance = readInt32(bytes, at + 8) >>> 0
    this.number = readInt32(bytes, at + 12) >>> 0
    const left = readInt32(bytes, at + 16) >>> 0
    this.remainingMs = left === FOREVER ? Number.POSITIVE_INFINITY : left
    const least = this.isTraced ? MESSAGE_HEADER + SESSION_BYTES : MESSAGE_HEADER
    if (this.headerBytes < least || this.size < this.headerBytes || end - at < this.headerBytes) {
      throw new CorruptFrameError(`a message of ${this.size} bytes has a header of ${this.headerBytes}`)
    }
  }

  get id(): MessageId {
    return { instance: this.instance, number: this.number }
  }

  get isTraced(): boolean {
    return (this.flags & MESSAGE_TRACED) !== 0
  }

  /** A copy of the tracing session of the message at `at`. */
  session(bytes: Uint8Array, at: number): Uint8Array | null {
    if (!this.isTraced) return null
    return new Uint8Array(bytes.subarray(at + MESSAGE_HEADER, at + MESSAGE_HEADER + SESSION_BYTES))
  }
}
