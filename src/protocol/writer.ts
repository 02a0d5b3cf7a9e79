/** A growing output buffer and the notations of the native protocol (v5, section 3). */

const STRING_BYTES_MAX = 0xffff

export class ByteWriter {
  buffer: Buffer
  position = 0

  constructor(capacity: number = 1024) {
    this.buffer = Buffer.allocUnsafe(capacity)
  }

  /** Makes room for `count` more bytes. */
  reserve(count: number): void {
    const wanted = this.position + count
    if (wanted > this.buffer.length) this.grow(wanted)
  }

  private grow(wanted: number): void {
    let capacity = this.buffer.length * 2
    if (capacity < 256) capacity = 256
    while (capacity < wanted) capacity *= 2
    const bigger = Buffer.allocUnsafe(capacity)
    this.buffer.copy(bigger, 0, 0, this.position)
    this.buffer = bigger
  }

  byte(value: number): void {
    this.reserve(1)
    this.buffer[this.position++] = value
  }

  short(value: number): void {
    this.reserve(2)
    const { buffer, position } = this
    buffer[position] = value >>> 8
    buffer[position + 1] = value
    this.position = position + 2
  }

  int(value: number): void {
    this.reserve(4)
    this.putInt(this.position, value)
    this.position += 4
  }

  /** Overwrites four bytes that were written before. */
  putInt(at: number, value: number): void {
    const { buffer } = this
    buffer[at] = value >>> 24
    buffer[at + 1] = value >>> 16
    buffer[at + 2] = value >>> 8
    buffer[at + 3] = value
  }

  /** Bytes as they are. */
  raw(bytes: Uint8Array): void {
    this.reserve(bytes.length)
    this.buffer.set(bytes, this.position)
    this.position += bytes.length
  }

  /** [string]; a text of more than 65,535 bytes is cut at a character, where Cassandra would write a broken frame. */
  string(text: string): void {
    this.reserve(2 + text.length * 3)
    let length = this.buffer.write(text, this.position + 2)
    if (length > STRING_BYTES_MAX) {
      length = STRING_BYTES_MAX
      while ((this.buffer[this.position + 2 + length] & 0xc0) === 0x80) length--
    }
    const { buffer, position } = this
    buffer[position] = length >>> 8
    buffer[position + 1] = length
    this.position = position + 2 + length
  }

  /** [long string] */
  longString(text: string): void {
    this.reserve(4 + text.length * 3)
    const length = this.buffer.write(text, this.position + 4)
    this.putInt(this.position, length)
    this.position += 4 + length
  }

  /** [string list] */
  stringList(texts: readonly string[]): void {
    this.short(texts.length)
    for (const text of texts) this.string(text)
  }

  /** [bytes]; null is length -1. */
  bytes(value: Uint8Array | null): void {
    if (value === null) {
      this.int(-1)
      return
    }
    this.int(value.length)
    this.raw(value)
  }

  /** [short bytes] */
  shortBytes(value: Uint8Array): void {
    this.short(value.length)
    this.raw(value)
  }

  /** [bytes map] */
  bytesMap(map: ReadonlyMap<string, Uint8Array | null>): void {
    this.short(map.size)
    for (const [key, value] of map) {
      this.string(key)
      this.bytes(value)
    }
  }

  /** [inetaddr]: size and 4 or 16 bytes. */
  inetAddress(address: Uint8Array): void {
    this.byte(address.length)
    this.raw(address)
  }

  /** What has been written, as a view. */
  written(): Buffer {
    return this.buffer.subarray(0, this.position)
  }
}
