import { writeInt32 } from '../../common/bytes.ts'

const INITIAL_BYTES = 64 * 1024
/** Longer values are copied by one native call. */
const LONG_VALUE = 512
/** Words of rows are in the machine's order: stored in that order, their bytes stay where they were. */
const LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1

/** A buffer that grew beyond this for one result is let go with the next. */
const KEPT_BYTES = 4 * 1024 * 1024

/**
 * One growing buffer for the rows of a result, each value as the wire has it: length, then bytes. Used for result
 * after result; what was written is valid until the next `reset`.
 */
export class RowsWriter {
  u8: Uint8Array
  length = 0
  /** Over the same memory: a store of a word at any offset, for values that lie at whole words where they come from. */
  #data: DataView

  constructor(bytes: number = INITIAL_BYTES) {
    this.u8 = new Uint8Array(bytes)
    this.#data = new DataView(this.u8.buffer)
  }

  reset(): void {
    this.length = 0
    if (this.u8.length > KEPT_BYTES) this.#replace(new Uint8Array(INITIAL_BYTES))
  }

  /** What was written, as a view. */
  view(): Uint8Array {
    return this.u8.subarray(0, this.length)
  }

  #reserve(bytes: number): void {
    const needed = this.length + bytes
    if (needed <= this.u8.length) return
    const grown = new Uint8Array(Math.max(needed, this.u8.length * 2))
    grown.set(this.u8.subarray(0, this.length))
    this.#replace(grown)
  }

  #replace(bytes: Uint8Array): void {
    this.u8 = bytes
    this.#data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  int32(value: number): void {
    if (this.length + 4 > this.u8.length) this.#reserve(4)
    writeInt32(this.u8, this.length, value)
    this.length += 4
  }

  /** A null value. */
  nullValue(): void {
    this.int32(-1)
  }

  /** A value: its length and its bytes. */
  value(source: Uint8Array, offset: number, length: number): void {
    if (this.length + length + 4 > this.u8.length) this.#reserve(length + 4)
    writeInt32(this.u8, this.length, length)
    this.length += 4
    this.#copy(source, offset, length)
  }

  /** A value that begins at word `word` of a row's memory, as cells and clusterings do: copied word by word. */
  words(source: Int32Array, word: number, length: number): void {
    if (length > LONG_VALUE) {
      this.value(new Uint8Array(source.buffer, source.byteOffset, source.byteLength), word << 2, length)
      return
    }
    // The last word may bring up to three bytes too many, which the next value overwrites.
    if (this.length + length + 8 > this.u8.length) this.#reserve(length + 8)
    const data = this.#data
    let at = this.length
    data.setInt32(at, length)
    at += 4
    const end = at + length
    for (; at < end; at += 4) data.setInt32(at, source[word++], LITTLE_ENDIAN)
    this.length = end
  }

  /** Bytes as they are. */
  bytes(source: Uint8Array, offset: number, length: number): void {
    if (this.length + length > this.u8.length) this.#reserve(length)
    this.#copy(source, offset, length)
  }

  #copy(source: Uint8Array, offset: number, length: number): void {
    const target = this.u8
    const at = this.length
    if (length <= 48) for (let i = 0; i < length; i++) target[at + i] = source[offset + i]
    else target.set(source.subarray(offset, offset + length), at)
    this.length = at + length
  }

  optional(value: Uint8Array | null): void {
    if (value === null) this.nullValue()
    else this.value(value, 0, value.length)
  }

  /** Sets an integer written before. */
  patchInt32(at: number, value: number): void {
    writeInt32(this.u8, at, value)
  }
}
