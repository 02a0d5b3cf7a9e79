import { CorruptSSTableError } from './corruption.ts'

/** A stretch of a file's bytes as they were before compression. */
export interface Chunk {
  readonly bytes: Uint8Array
  /** Where the stretch begins in `bytes`, and how long it is. */
  readonly offset: number
  readonly length: number
  /** Position in the file of its first byte. */
  readonly position: number
}

/** A file read by stretches: chunks of Data.db, or pages of a file that is not compressed. */
export interface ChunkSource {
  readonly path: string
  /** Bytes before compression. */
  readonly length: number
  /** The stretch that covers a position below `length`. Throws a CorruptSSTableError. */
  chunkAt(position: number): Chunk
  /**
   * Reads bytes straight to `at` of memory that is the caller's; false, with nothing done, where it cannot since they are
   * no whole stretch. Throws as `chunkAt` does; then anything may stand there.
   */
  fill?(position: number, length: number, output: Uint8Array, at: number): boolean
  /** Gives back what `chunkAt` returned last, where that is memory that others want. */
  release?(): void
}

const NOTHING = new Uint8Array(0)

/** Cassandra's default of max_value_size. */
const MAX_VALUE_BYTES = 256 * 1024 * 1024

/**
 * Reads integers, vints and runs of bytes one after another out of a file (`RandomAccessReader`). What lies across two
 * stretches is put together in memory of the cursor's own.
 */
export class FileCursor {
  readonly #source: ChunkSource
  #bytes: Uint8Array = NOTHING
  #start = 0
  #at = 0
  #end = 0
  /** Position in the file of `#bytes[0]`. */
  #base = 0
  #joined: Uint8Array = NOTHING
  /** What `take` has read: valid until the next call. */
  taken: Uint8Array = NOTHING
  takenAt = 0
  /** Halves of what `vint64` and `int64` have read. */
  hi = 0
  lo = 0

  constructor(source: ChunkSource) {
    this.#source = source
  }

  get length(): number {
    return this.#source.length
  }

  get path(): string {
    return this.#source.path
  }

  get position(): number {
    return this.#base + this.#at
  }

  /** The stretch at hand, where the cursor stands in it and where it ends, for loops over many short things. */
  get stretch(): Uint8Array {
    return this.#bytes
  }
  get stretchAt(): number {
    return this.#at
  }
  get stretchEnd(): number {
    return this.#end
  }

  seek(position: number): void {
    const at = position - this.#base
    // Within the stretch at hand, its end included, there is nothing to load.
    if (at >= this.#start && at <= this.#end && this.#bytes !== NOTHING) {
      this.#at = at
      return
    }
    if (position === this.#source.length) {
      this.#bytes = NOTHING
      this.#base = position
      this.#at = this.#end = this.#start = 0
      return
    }
    this.#load(position)
  }

  #load(position: number): void {
    if (position < 0 || position >= this.#source.length) {
      throw new CorruptSSTableError(this.#source.path, position, 'the file ends too early')
    }
    const chunk = this.#source.chunkAt(position)
    this.#bytes = chunk.bytes
    this.#start = chunk.offset
    this.#base = chunk.position - chunk.offset
    this.#at = position - this.#base
    this.#end = chunk.offset + chunk.length
  }

  /** Lets go of the stretch at hand; `seek` goes on. */
  release(): void {
    this.#bytes = NOTHING
    this.#start = this.#at = this.#end = 0
    this.#source.release?.()
  }

  corrupt(reason: string): CorruptSSTableError {
    return new CorruptSSTableError(this.#source.path, this.position, reason)
  }

  /** Unsigned. */
  byte(): number {
    if (this.#at >= this.#end) this.#load(this.position)
    return this.#bytes[this.#at++]!
  }

  uint16(): number {
    const high = this.byte()
    return (high << 8) | this.byte()
  }

  /** Signed. */
  int32(): number {
    if (this.#end - this.#at >= 4) {
      const bytes = this.#bytes
      const at = this.#at
      this.#at = at + 4
      return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
    }
    const high = this.uint16()
    return (high << 16) | this.uint16()
  }

  /** Into `hi` and `lo`. */
  int64(): void {
    this.hi = this.int32()
    this.lo = this.int32()
  }

  /** An unsigned vint of a length, position or count. Beyond 2^53 the file is broken. */
  vint(): number {
    const first = this.byte()
    if (first < 0x80) return first
    this.#vintRest(first)
    if (this.hi >>> 21 !== 0) throw this.corrupt('an integer that is too large')
    return this.hi * 0x1_0000_0000 + (this.lo >>> 0)
  }

  /** An unsigned vint of 64 bits, into `hi` and `lo`. */
  vint64(): void {
    const first = this.byte()
    if (first < 0x80) {
      this.hi = 0
      this.lo = first
    } else this.#vintRest(first)
  }

  /** A signed vint (zigzag) of 64 bits, into `hi` and `lo`. */
  signedVint64(): void {
    this.vint64()
    const sign = -(this.lo & 1)
    const lo = (this.lo >>> 1) | (this.hi << 31)
    this.hi = (this.hi >>> 1) ^ sign
    this.lo = lo ^ sign
  }

  #vintRest(first: number): void {
    const more = vintLength(first) - 1
    let hi = 0
    let lo = more >= 7 ? 0 : first & (0xff >> (more + 1))
    for (let i = 0; i < more; i++) {
      hi = (hi << 8) | (lo >>> 24)
      lo = (lo << 8) | this.byte()
    }
    this.hi = hi
    this.lo = lo
  }

  /** `length` bytes, at `taken[takenAt]`. */
  take(length: number): void {
    const at = this.#at
    if (this.#end - at >= length && length >= 0) {
      this.taken = this.#bytes
      this.takenAt = at
      this.#at = at + length
      return
    }
    if (length < 0) throw this.corrupt(`a length of ${length}`)
    if (this.position + length > this.#source.length) {
      throw new CorruptSSTableError(this.#source.path, this.position, 'the file ends too early')
    }
    let done = 0
    while (done < length) {
      if (this.#at >= this.#end) this.#load(this.position)
      const part = Math.min(length - done, this.#end - this.#at)
      // It grows with what is really there, whatever a broken length says.
      if (this.#joined.length < done + part) this.#growJoined(done, done + part)
      this.#joined.set(this.#bytes.subarray(this.#at, this.#at + part), done)
      this.#at += part
      done += part
    }
    this.taken = this.#joined
    this.takenAt = 0
  }

  #growJoined(kept: number, length: number): void {
    const grown = new Uint8Array(Math.max(length, this.#joined.length * 2, 1024))
    grown.set(this.#joined.subarray(0, kept))
    this.#joined = grown
  }

  /**
   * The length of a value, in a vint. Throws a CorruptSSTableError beyond what values may have (`AbstractType.read`).
   */
  valueLength(): number {
    const length = this.vint()
    if (length > MAX_VALUE_BYTES) {
      throw this.corrupt(
        `Corrupt value length ${length} encountered, as it exceeds the maximum of ${MAX_VALUE_BYTES}, which is set via max_value_size in cassandra.yaml`,
      )
    }
    return length
  }

  /** A copy of the next `length` bytes. */
  copy(length: number): Uint8Array {
    this.take(length)
    return this.taken.slice(this.takenAt, this.takenAt + length)
  }

  skip(length: number): void {
    this.seek(this.position + length)
  }
}

/** Bytes of a vint that begins with that one. */
export function vintLength(first: number): number {
  return first === 0xff ? 9 : 1 + Math.clz32(~(first << 24))
}
