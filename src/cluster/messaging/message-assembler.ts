import { CorruptFrameError } from './frame.ts'

const FIRST_BYTES = 256 * 1024

/** Puts a message together whose parts come in frames of their own; what is kept grows with what has come. */
export class MessageAssembler {
  #bytes: Buffer = Buffer.alloc(0)
  #size = 0
  #length = 0

  /** Whether the beginning of a message has come, and not its end. */
  get isOpen(): boolean {
    return this.#size > 0
  }

  /** Begins a message of `size` bytes. */
  begin(size: number): void {
    this.#size = size
    this.#length = 0
    this.#bytes = Buffer.allocUnsafeSlow(Math.min(size, FIRST_BYTES))
  }

  /** Adds a part; returns the message once it is whole. Throws a CorruptFrameError for a part that is too long. */
  add(buffer: Buffer, start: number, end: number): Buffer | null {
    const left = this.#size - this.#length
    // A part is padded to whole words; only the last one can be shorter than its frame.
    const bytes = Math.min(end - start, left)
    if (end - start - bytes > 3) throw new CorruptFrameError('a message has more parts than its length says')
    if (this.#length + bytes > this.#bytes.length) {
      const bigger = Buffer.allocUnsafeSlow(Math.min(this.#size, 2 * this.#bytes.length))
      this.#bytes.copy(bigger, 0, 0, this.#length)
      this.#bytes = bigger
    }
    buffer.copy(this.#bytes, this.#length, start, start + bytes)
    this.#length += bytes
    if (this.#length < this.#size) return null
    const whole = this.#bytes
    this.#size = 0
    this.#bytes = Buffer.alloc(0)
    return whole
  }
}
