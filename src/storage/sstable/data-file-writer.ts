import { utf8Bytes } from '../../common/bytes.ts'
import { type DiskFile, writeFullySync } from '../../io/disk.ts'
import { crc32 } from '../commitlog/crc32.ts'
import { ByteSink } from './byte-sink.ts'
import type { Compressor } from './compressors.ts'

/** How the chunks of Data.db are to be stored (`CompressionParams`). */
export interface Compression {
  readonly compressor: Compressor
  /** The options of the table's `compression` but for class and chunk length, as CompressionInfo.db keeps them. */
  readonly options: ReadonlyMap<string, string>
  readonly chunkLength: number
  /** Chunks whose compressed form is not shorter are stored as they are. */
  readonly maxCompressedLength: number
}

/** Stretches of a file that is not compressed, each with a checksum in CRC.db. */
const CHECKSUM_CHUNK_BYTES = 64 * 1024

/**
 * Writes Data.db: what is put into `sink` goes to the file by chunks, each with its checksum
 * (`CompressedSequentialWriter`, `ChecksummedSequentialWriter`). After `finish`, `companion` is CompressionInfo.db or CRC.db,
 * and `digest` the content of Digest.crc32.
 */
export class DataFileWriter {
  readonly sink = new ByteSink(1 << 17)
  readonly #file: DiskFile
  readonly #compression: Compression | null
  readonly #chunkLength: number
  readonly #offsets: number[] = []
  readonly #checksums: number[] = []
  readonly #crc = new Uint8Array(4)
  #digest = 0
  /** Bytes that have been taken out of the sink, and bytes of the file. */
  #taken = 0
  #written = 0

  constructor(file: DiskFile, compression: Compression | null) {
    this.#file = file
    this.#compression = compression
    this.#chunkLength = compression?.chunkLength ?? CHECKSUM_CHUNK_BYTES
  }

  /** Bytes so far before compression. */
  get position(): number {
    return this.#taken + this.sink.length
  }

  /** Bytes of the file so far. */
  get writtenBytes(): number {
    return this.#written
  }

  /** Writes what makes up whole chunks. To be called often, so that the sink does not grow. */
  drain(): void {
    if (this.sink.length >= this.#chunkLength) this.#write(false)
  }

  #write(all: boolean): void {
    const { sink } = this
    const length = this.#chunkLength
    let from = 0
    while (sink.length - from >= length || (all && from < sink.length)) {
      const size = Math.min(length, sink.length - from)
      this.#writeChunk(sink.u8.subarray(from, from + size))
      from += size
    }
    sink.u8.copyWithin(0, from, sink.length)
    sink.length -= from
    this.#taken += from
  }

  #writeChunk(bytes: Uint8Array): void {
    const compression = this.#compression
    if (compression === null) {
      const checksum = crc32(bytes, 0, bytes.length)
      this.#checksums.push(checksum)
      this.#append(bytes)
      return
    }
    this.#offsets.push(this.#written)
    let stored = compression.compressor.compress(bytes)
    const { maxCompressedLength } = compression
    if (stored.length >= maxCompressedLength) {
      stored = bytes
      // The last chunk is padded, so that its length says that it is not compressed.
      if (bytes.length < maxCompressedLength) {
        stored = new Uint8Array(maxCompressedLength)
        stored.set(bytes)
      }
    }
    const checksum = crc32(stored, 0, stored.length)
    this.#append(stored)
    const crc = this.#crc
    crc[0] = checksum >>> 24
    crc[1] = checksum >>> 16
    crc[2] = checksum >>> 8
    crc[3] = checksum
    this.#append(crc)
  }

  #append(bytes: Uint8Array): void {
    this.#digest = crc32(bytes, 0, bytes.length, this.#digest)
    writeFullySync(this.#file, bytes, 0, bytes.length, this.#written)
    this.#written += bytes.length
  }

  /** Writes what is left; nothing may be put into the sink afterwards. */
  finish(): void {
    this.#write(true)
  }

  /** CompressionInfo.db (see compression-info.ts), or CRC.db: length of a stretch, checksum of each. */
  companion(): Uint8Array {
    const out = new ByteSink()
    const compression = this.#compression
    if (compression === null) {
      out.int32(CHECKSUM_CHUNK_BYTES)
      for (const checksum of this.#checksums) out.int32(checksum)
      return out.u8.subarray(0, out.length)
    }
    const text = (value: string): void => {
      const bytes = utf8Bytes(value)
      out.uint16(bytes.length)
      out.bytes(bytes, 0, bytes.length)
    }
    text(compression.compressor.name)
    out.int32(compression.options.size)
    for (const [name, value] of compression.options) {
      text(name)
      text(value)
    }
    out.int32(compression.chunkLength)
    out.int32(compression.maxCompressedLength)
    out.bigInt64(BigInt(this.#taken))
    out.int32(this.#offsets.length)
    for (const offset of this.#offsets) out.bigInt64(BigInt(offset))
    return out.u8.subarray(0, out.length)
  }

  /** The checksum of all bytes of the file, in decimal. */
  digest(): Uint8Array {
    return utf8Bytes(String(this.#digest >>> 0))
  }

  get compressionRatio(): number {
    return this.#compression === null ? -1 : this.#storedBytes() / this.#taken
  }

  /** Bytes of the chunks without their checksums. */
  #storedBytes(): number {
    return this.#written - this.#offsets.length * 4
  }
}
