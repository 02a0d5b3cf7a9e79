import { CorruptSSTableError } from '../../storage/sstable/corruption.ts'

/** Reads a payload from its beginning to its end. What is missing is a CorruptSSTableError. */
export class ByteCursor {
  readonly #bytes: Uint8Array
  readonly #name: string
  position = 0

  /** @param name what errors name the bytes */
  constructor(bytes: Uint8Array, name: string) {
    this.#bytes = bytes
    this.#name = name
  }

  /** Moves by so many bytes; where they were. */
  #pass(length: number): number {
    const at = this.position
    if (length < 0 || at + length > this.#bytes.length) {
      throw new CorruptSSTableError(this.#name, at, 'it ends too early')
    }
    this.position = at + length
    return at
  }

  byte(): number {
    return this.#bytes[this.#pass(1)]!
  }

  uint16(): number {
    const at = this.#pass(2)
    return (this.#bytes[at]! << 8) | this.#bytes[at + 1]!
  }

  int32(): number {
    const at = this.#pass(4)
    const bytes = this.#bytes
    return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
  }

  /** A copy of the next bytes. */
  take(length: number): Uint8Array {
    const at = this.#pass(length)
    // A Buffer's `slice` would not copy.
    return Uint8Array.prototype.slice.call(this.#bytes, at, at + length)
  }

  /** A view of the next bytes. */
  view(length: number): Uint8Array {
    const at = this.#pass(length)
    return this.#bytes.subarray(at, at + length)
  }
}
