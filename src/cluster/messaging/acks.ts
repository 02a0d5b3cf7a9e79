import { crc32 } from 'node:zlib'
import { readInt32, writeInt32 } from '../../common/bytes.ts'
import type { Clock } from '../../io/clock.ts'
import type { NetworkConnection } from '../../io/network.ts'
import type { TimerHandle, Timers } from '../../io/timers.ts'

/**
 * Acknowledgements: the only thing that goes back on a connection. They say how many frames have come, so that a
 * connection whose packets are lost on the way is found out and replaced after `internode_tcp_user_timeout`, which is a
 * socket option for Cassandra and can't be set from Node; left to itself TCP waits for up to two minutes after a
 * partition has healed.
 */

const ACK_BYTES = 8
/** An acknowledgement at most once in so many milliseconds. */
const ACK_INTERVAL_MS = 1000

export function encodeAck(frames: number): Buffer {
  const bytes = Buffer.allocUnsafe(ACK_BYTES)
  writeInt32(bytes, 0, frames)
  writeInt32(bytes, 4, crc32(bytes.subarray(0, 4)))
  return bytes
}

/** Acknowledges the frames of a connection, on the side that receives them. */
export class AckWriter {
  readonly #timers: Timers
  readonly #network: NetworkConnection
  #timer: TimerHandle | null = null
  #frames = 0

  constructor(timers: Timers, network: NetworkConnection) {
    this.#timers = timers
    this.#network = network
  }

  /** So many frames have come in all. */
  received(frames: number): void {
    this.#frames = frames
    this.#timer ??= this.#timers.setTimeout(
      () => {
        this.#timer = null
        this.#network.write(encodeAck(this.#frames))
      },
      ACK_INTERVAL_MS,
      { unref: true },
    )
  }

  close(): void {
    if (this.#timer !== null) this.#timers.clearTimeout(this.#timer)
    this.#timer = null
  }
}

/** Watches over the acknowledgements of what a connection has written. */
export class AckReader {
  readonly #clock: Clock
  readonly #timers: Timers
  readonly #timeoutMs: number
  readonly #onTimeout: () => void
  #timer: TimerHandle | null = null
  #written = 0
  #acknowledged = 0
  /** Since when the oldest frame that is not acknowledged waits, or when the last acknowledgement came. */
  #sinceMs = 0
  #cut: Buffer = Buffer.alloc(0)

  constructor(clock: Clock, timers: Timers, timeoutMs: number, onTimeout: () => void) {
    this.#clock = clock
    this.#timers = timers
    this.#timeoutMs = timeoutMs
    this.#onTimeout = onTimeout
  }

  /** `frames` have been written in all. */
  written(frames: number, nowMs: number): void {
    if (this.#written === this.#acknowledged) this.#sinceMs = nowMs
    this.#written = frames
    if (this.#timer === null) this.#arm(this.#timeoutMs)
  }

  /** Takes in what came back; returns what is wrong with it, or null. */
  received(chunk: Buffer, nowMs: number): string | null {
    const bytes = this.#cut.length === 0 ? chunk : Buffer.concat([this.#cut, chunk])
    let at = 0
    for (; at + ACK_BYTES <= bytes.length; at += ACK_BYTES) {
      const frames = readInt32(bytes, at) >>> 0
      if (readInt32(bytes, at + 4) !== (crc32(bytes.subarray(at, at + 4)) | 0)) {
        return 'an acknowledgement does not match its checksum'
      }
      // Counters are 32 bits wide and go round.
      const more = (frames - this.#acknowledged) >>> 0
      if (this.#acknowledged + more > this.#written) return 'frames were acknowledged that were not sent'
      this.#acknowledged += more
      this.#sinceMs = nowMs
    }
    this.#cut = Buffer.from(bytes.subarray(at))
    return null
  }

  close(): void {
    if (this.#timer !== null) this.#timers.clearTimeout(this.#timer)
    this.#timer = null
  }

  #arm(delayMs: number): void {
    this.#timer = this.#timers.setTimeout(() => this.#check(), delayMs, { unref: true })
  }

  #check(): void {
    this.#timer = null
    if (this.#written === this.#acknowledged) return
    const waited = this.#clock.monotonicMs() - this.#sinceMs
    if (waited >= this.#timeoutMs) this.#onTimeout()
    else this.#arm(Math.ceil(this.#timeoutMs - waited))
  }
}
