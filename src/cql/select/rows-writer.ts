import { writeInt32 } from '../../common/bytes.ts'

const INITIAL_BYTES = 64 * 1024
/** A buffer that grew beyond this for one result is let go with the next. */
const KEPT_BYTES = 4 * 1024 * 1024

/**
 * One growing buffer for the rows of a result, each value as the wire has it: length, then bytes. Used for result
 * after result; what was written is valid until the next `reset`.
 */
export class RowsWriter {
  u8: Uint8Array
  length = 0

  constructor(bytes: number = INITIAL_BYTES) {
    this.u8 = new Uint8Array(bytes)
  }

  reset(): void {
    this.length = 0
    if (this.u8.length > KEPT_BYTES) this.u8 = new Uint8Array(INITIAL_BYTES)
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
    this.u8 = grown
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
