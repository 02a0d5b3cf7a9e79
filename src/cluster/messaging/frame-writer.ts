import {
  FRAME_HEADER,
  FRAME_PAYLOAD_MAX,
  FRAME_SELF_CONTAINED,
  FRAME_TRAILER,
  writeFrameHeader,
  writeFrameTrailer,
} from './frame.ts'
import { messageSize, type OutboundHeader, paddedSize, writeMessageHeader } from './message-header.ts'

const FIRST_SLAB = 4 * 1024
const SLAB_MAX = 64 * 1024

/** Messages of at most so many bytes are written whole into a frame; larger ones go in parts. */
export const WHOLE_MESSAGE_MAX = FRAME_PAYLOAD_MAX

/**
 * Gathers the messages of a turn in frames. What is taken is never written again: buffers are slabs of which each turn
 * uses the next stretch, and a slab that is full is left to the socket.
 */
export class FrameWriter {
  #slab: Buffer = Buffer.alloc(0)
  /** Of what has not been taken yet. */
  #start = 0
  #end = 0
  /** Beginning of the frame that is open; -1 without one. */
  #frame = -1
  /** Frames so far. */
  count = 0

  /** Bytes that wait to be taken. */
  get size(): number {
    return this.#end - this.#start
  }

  /** Writes a message of at most `WHOLE_MESSAGE_MAX` bytes. */
  append(header: OutboundHeader, payload: Uint8Array, nowMs: number): void {
    const size = messageSize(header.session, payload.length)
    const padded = paddedSize(size)
    if (this.#frame >= 0 && this.#end - this.#frame - FRAME_HEADER + padded > FRAME_PAYLOAD_MAX) {
      this.#closeFrame(FRAME_SELF_CONTAINED, nowMs)
    }
    this.#reserve(padded + FRAME_HEADER + FRAME_TRAILER)
    if (this.#frame < 0) this.#openFrame()
    const at = writeMessageHeader(this.#slab, this.#end, size, header, nowMs)
    this.#slab.set(payload, at)
    this.#end += padded
    if (padded > size) this.#slab.fill(0, this.#end - (padded - size), this.#end)
  }

  /**
   * Writes the next part of a larger message, of which `done` bytes have been written; returns how many have been then.
   * The parts come one behind the other, nothing in between.
   */
  appendPart(header: OutboundHeader, payload: Uint8Array, done: number, nowMs: number): number {
    if (this.#frame >= 0) this.#closeFrame(FRAME_SELF_CONTAINED, nowMs)
    const size = messageSize(header.session, payload.length)
    const headerBytes = size - payload.length
    const bytes = Math.min(FRAME_PAYLOAD_MAX, size - done)
    const padded = paddedSize(bytes)
    this.#reserve(padded + FRAME_HEADER + FRAME_TRAILER)
    this.#openFrame()
    let from = done - headerBytes
    let at = this.#end
    if (done === 0) {
      at = writeMessageHeader(this.#slab, at, size, header, nowMs)
      from = 0
    }
    const count = bytes - (at - this.#end)
    this.#slab.set(payload.subarray(from, from + count), at)
    this.#slab.fill(0, this.#end + bytes, this.#end + padded)
    this.#end += padded
    this.#closeFrame(0, nowMs)
    return done + bytes
  }

  /** What was written since the last call; null if that is nothing. It belongs to the caller. */
  take(nowMs: number): Buffer | null {
    if (this.#frame >= 0) this.#closeFrame(FRAME_SELF_CONTAINED, nowMs)
    if (this.#end === this.#start) return null
    const bytes = this.#slab.subarray(this.#start, this.#end)
    this.#start = this.#end
    return bytes
  }

  #openFrame(): void {
    this.#frame = this.#end
    this.#end += FRAME_HEADER
  }

  #closeFrame(flags: number, nowMs: number): void {
    const payload = this.#frame + FRAME_HEADER
    writeFrameHeader(this.#slab, this.#frame, flags, this.#end - payload, nowMs)
    writeFrameTrailer(this.#slab, payload, this.#end)
    this.#end += FRAME_TRAILER
    this.#frame = -1
    this.count++
  }

  /** Makes room for `bytes` and for the trailer of the frame that is open. */
  #reserve(bytes: number): void {
    const needed = bytes + FRAME_TRAILER
    if (this.#slab.length - this.#end >= needed) return
    const waiting = this.#end - this.#start
    // Slabs grow with use, so that hundreds of quiet peers cost little; what is gathered doubles as it grows.
    const usual = Math.min(SLAB_MAX, Math.max(FIRST_SLAB, this.#slab.length * 2))
    const next = Buffer.allocUnsafeSlow(Math.max(usual, waiting === 0 ? needed : 2 * (waiting + needed)))
    this.#slab.copy(next, 0, this.#start, this.#end)
    if (this.#frame >= 0) this.#frame -= this.#start
    this.#slab = next
    this.#start = 0
    this.#end = waiting
  }
}
