import { ProtocolError } from '../common/errors.ts'
import { decodeUtf8 } from './utf8.ts'

/**
 * Reads the notations of the native protocol (v5, section 3) out of one body. Every read is checked against the end
 * of the body, not of the buffer, which goes on with other frames. One reader is used for many bodies.
 */
export class BodyReader {
  buffer: Buffer = Buffer.alloc(0)
  position = 0
  end = 0

  reset(buffer: Buffer, start: number, end: number): void {
    this.buffer = buffer
    this.position = start
    this.end = end
  }

  get remaining(): number {
    return this.end - this.position
  }

  private need(count: number): void {
    if (this.end - this.position < count) throw this.tooShort(count)
  }

  private tooShort(count: number): ProtocolError {
    return new ProtocolError(
      `Not enough bytes in the message: ${count} wanted, ${this.end - this.position} left`,
    )
  }

  byte(): number {
    this.need(1)
    return this.buffer[this.position++]
  }

  short(): number {
    this.need(2)
    const { buffer, position } = this
    this.position = position + 2
    return (buffer[position] << 8) | buffer[position + 1]
  }

  int(): number {
    this.need(4)
    const { buffer, position } = this
    this.position = position + 4
    return (
      (buffer[position] << 24) |
      (buffer[position + 1] << 16) |
      (buffer[position + 2] << 8) |
      buffer[position + 3]
    )
  }

  /** Steps over `count` bytes and returns where they start. */
  skip(count: number): number {
    this.need(count)
    const at = this.position
    this.position = at + count
    return at
  }

  /** [string] */
  string(): string {
    const length = this.remaining >= 2 ? this.short() : -1
    if (length < 0 || length > this.remaining) throw stringTooShort(2)
    return this.text(length)
  }

  /** [long string] */
  longString(): string {
    const length = this.remaining >= 4 ? this.int() : -1
    if (length < 0 || length > this.remaining) throw stringTooShort(4)
    return this.text(length)
  }

  private text(length: number): string {
    const start = this.position
    this.position = start + length
    return decodeUtf8(this.buffer, start, start + length)
  }

  /** [string list] */
  stringList(): string[] {
    const count = this.short()
    const texts: string[] = []
    for (let i = 0; i < count; i++) texts.push(this.string())
    return texts
  }

  /** [string map] */
  stringMap(): Map<string, string> {
    const count = this.short()
    const map = new Map<string, string>()
    for (let i = 0; i < count; i++) {
      const key = this.string()
      map.set(key, this.string())
    }
    return map
  }

  /** [bytes] as a view; any negative length is null. */
  bytes(): Buffer | null {
    const length = this.int()
    if (length < 0) return null
    const start = this.skip(length)
    return this.buffer.subarray(start, start + length)
  }

  /** [short bytes] as a view. */
  shortBytes(): Buffer {
    const length = this.shortBytesLength()
    const start = this.skip(length)
    return this.buffer.subarray(start, start + length)
  }

  /** Length of [short bytes] that are known to be there. */
  shortBytesLength(): number {
    const length = this.remaining >= 2 ? this.short() : -1
    if (length < 0 || length > this.remaining) {
      throw new ProtocolError('Not enough bytes to read a byte array preceded by its 2 bytes length')
    }
    return length
  }

  /** [bytes map], its values copied. */
  bytesMap(): Map<string, Uint8Array | null> {
    const count = this.short()
    const map = new Map<string, Uint8Array | null>()
    for (let i = 0; i < count; i++) {
      const key = this.string()
      const value = this.bytes()
      map.set(key, value === null ? null : Uint8Array.from(value))
    }
    return map
  }
}

function stringTooShort(prefix: number): ProtocolError {
  return new ProtocolError(
    `Not enough bytes to read an UTF8 serialized string preceded by its ${prefix} bytes length`,
  )
}
