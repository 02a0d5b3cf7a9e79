import { type DiskFile, readFullySync } from '../../io/disk.ts'
import { crc32 } from '../commitlog/crc32.ts'
import type { CompressionInfo } from './compression-info.ts'
import { type Compressor, compressorOf } from './compressors.ts'
import { CorruptSSTableError } from './corruption.ts'
import type { ChecksumFile } from './crc-file.ts'
import type { Chunk, ChunkSource } from './file-cursor.ts'

/** Pages in which a file is read that is not compressed. */
export const PAGE_BYTES = 16 * 1024

/** A file that is stored as it is, in pages. */
export class PlainSource implements ChunkSource {
  readonly path: string
  readonly length: number
  readonly #file: DiskFile
  readonly #page: Uint8Array
  #loaded = -1

  /** Whoever reads the file from its beginning to its end takes larger pages, fewer reads. */
  constructor(file: DiskFile, length: number, pageBytes: number = PAGE_BYTES) {
    this.path = file.path
    this.#file = file
    this.length = length
    // A start opens hundreds of files that are smaller than a page.
    this.#page = new Uint8Array(Math.max(1, Math.min(pageBytes, length)))
  }

  chunkAt(position: number): Chunk {
    const start = position - (position % this.#page.length)
    const length = Math.min(this.#page.length, this.length - start)
    if (this.#loaded !== start) {
      this.#loaded = -1
      const read = readFullySync(this.#file, this.#page, 0, length, start)
      if (read < length) throw new CorruptSSTableError(this.path, start + read, 'the file ends too early')
      this.#loaded = start
    }
    return { bytes: this.#page, offset: 0, length, position: start }
  }

  fill(position: number, length: number, output: Uint8Array, at: number): boolean {
    const read = readFullySync(this.#file, output, at, length, position)
    if (read < length) throw new CorruptSSTableError(this.path, position + read, 'the file ends too early')
    return true
  }
}

/**
 * A file in the stretches that there are checksums of: Data.db that is not compressed, by CRC.db, and Index.db, by
 * Checksums.db. They are verified with every read; Cassandra looks at those of CRC.db offline alone.
 */
export class ChecksummedSource implements ChunkSource {
  readonly path: string
  readonly length: number
  readonly #file: DiskFile
  readonly #checksums: ChecksumFile
  /** Stretches that are read at once. */
  readonly #bytes: number
  #page: Uint8Array = new Uint8Array(0)
  #loaded = -1
  #chunk: Chunk | null = null

  /** So many bytes at least are read from the file at once, for whoever reads on behind a stretch. */
  constructor(file: DiskFile, length: number, checksums: ChecksumFile, readAheadBytes: number = 0) {
    this.path = file.path
    this.length = length
    this.#file = file
    this.#checksums = checksums
    const { stretchBytes } = checksums
    this.#bytes = Math.max(1, Math.floor(readAheadBytes / stretchBytes)) * stretchBytes
  }

  chunkAt(position: number): Chunk {
    const start = position - (position % this.#bytes)
    if (this.#chunk !== null && this.#loaded === start) return this.#chunk
    this.#loaded = -1
    const length = Math.min(this.#bytes, this.length - start)
    if (this.#page.length < length) this.#page = new Uint8Array(length)
    const read = readFullySync(this.#file, this.#page, 0, length, start)
    if (read < length) throw new CorruptSSTableError(this.path, start + read, 'the file ends too early')
    this.#check(start, length, this.#page, 0)
    this.#loaded = start
    this.#chunk = { bytes: this.#page, offset: 0, length, position: start }
    return this.#chunk
  }

  fill(position: number, length: number, output: Uint8Array, at: number): boolean {
    const isToEnd = position + length === this.length
    const { stretchBytes } = this.#checksums
    if (position % stretchBytes !== 0 || !(isToEnd || length % stretchBytes === 0)) return false
    const read = readFullySync(this.#file, output, at, length, position)
    if (read < length) throw new CorruptSSTableError(this.path, position + read, 'the file ends too early')
    this.#check(position, length, output, at)
    return true
  }

  /** Stretches that begin at `start` in the file, and at `from` of `bytes`. */
  #check(start: number, length: number, bytes: Uint8Array, from: number): void {
    const { stretchBytes, checksums } = this.#checksums
    for (let at = 0; at < length; at += stretchBytes) {
      const checksum = crc32(bytes, from + at, Math.min(stretchBytes, length - at))
      if (checksum === checksums[(start + at) / stretchBytes]) continue
      const reason = 'the checksum of a stretch is not that of its bytes'
      throw new CorruptSSTableError(this.path, start + at, reason)
    }
  }
}

const SMALL_CHUNK_BYTES = 1 << 16

/** Throws a CorruptSSTableError for a compressor that there is none of. */
function knownCompressor(path: string, info: CompressionInfo): Compressor {
  try {
    return compressorOf(info.compressor, info.options)
  } catch (error) {
    throw new CorruptSSTableError(path, -1, error instanceof Error ? error.message : String(error))
  }
}

/** Data.db in compressed chunks (`CompressedChunkReader`). Checksums are verified with every read. */
export class CompressedSource implements ChunkSource {
  readonly path: string
  readonly length: number
  readonly #file: DiskFile
  readonly #info: CompressionInfo
  readonly #fileLength: number
  readonly #compressor: Compressor
  readonly #readAheadBytes: number
  /** Bytes of the file as they are stored: which ones, and how many. */
  #stored: Uint8Array = new Uint8Array(0)
  #storedFrom = 0
  #storedLength = 0
  #bytes: Uint8Array = new Uint8Array(0)
  #chunk: Chunk | null = null

  /** So many bytes at least are read from the file at once, for whoever reads on behind a chunk. */
  constructor(file: DiskFile, fileLength: number, info: CompressionInfo, readAheadBytes: number = 0) {
    this.#readAheadBytes = readAheadBytes
    this.path = file.path
    this.#file = file
    this.#fileLength = fileLength
    this.#info = info
    this.length = info.dataLength
    this.#compressor = knownCompressor(file.path, info)
  }

  chunkAt(position: number): Chunk {
    const { chunkLength } = this.#info
    const start = position - (position % chunkLength)
    if (this.#chunk?.position === start) return this.#chunk
    this.#chunk = null
    const length = Math.min(chunkLength, this.length - start)
    if (this.#bytes.length < length) this.#bytes = new Uint8Array(length)
    this.#read(start, length, this.#bytes, 0)
    this.#chunk = { bytes: this.#bytes, offset: 0, length, position: start }
    return this.#chunk
  }

  fill(position: number, length: number, output: Uint8Array, at: number): boolean {
    const { chunkLength } = this.#info
    if (position % chunkLength !== 0 || length !== Math.min(chunkLength, this.length - position)) return false
    this.#read(position, length, output, at)
    return true
  }

  /** Reads the chunk that begins at `start`, which is `length` bytes, to `to` of `output`. */
  #read(start: number, length: number, output: Uint8Array, to: number): void {
    const { chunkLength, chunkOffsets, maxCompressedLength } = this.#info
    const index = start / chunkLength
    const from = chunkOffsets[index]!
    const end = index + 1 < chunkOffsets.length ? chunkOffsets[index + 1]! : this.#fileLength
    const storedLength = end - from - 4
    // No compressor makes twice as much of its input.
    if (storedLength <= 0 || storedLength > chunkLength * 2 + 1024) {
      throw new CorruptSSTableError(this.path, from, `a chunk of ${storedLength} stored bytes`)
    }
    const at = this.#load(from, storedLength + 4)
    const stored = this.#stored
    const behind = at + storedLength
    const checksum =
      (stored[behind]! << 24) | (stored[behind + 1]! << 16) | (stored[behind + 2]! << 8) | stored[behind + 3]!
    if (crc32(stored, at, storedLength) !== checksum) {
      throw new CorruptSSTableError(this.path, from, 'the checksum of a chunk is not that of its bytes')
    }
    if (storedLength < maxCompressedLength) {
      try {
        this.#compressor.decompressTo(stored, at, behind, output, to, length)
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error)
        throw new CorruptSSTableError(this.path, from, `a chunk cannot be decompressed: ${reason}`)
      }
      return
    }
    // The last chunk may be padded where it is stored as it is.
    if (storedLength < length) throw new CorruptSSTableError(this.path, from, 'a chunk is too short')
    output.set(stored.subarray(at, at + length), to)
  }

  /** Brings bytes of the file to `#stored`; returns where they begin there. */
  #load(from: number, length: number): number {
    const at = from - this.#storedFrom
    if (this.#readAheadBytes > 0 && at >= 0 && at + length <= this.#storedLength) return at
    const wanted = Math.min(Math.max(length, this.#readAheadBytes), this.#fileLength - from)
    if (this.#stored.length < wanted) {
      const usual = Math.max(this.#readAheadBytes, Math.min(this.#info.chunkLength + 64, SMALL_CHUNK_BYTES))
      this.#stored = new Uint8Array(Math.max(wanted, usual))
    }
    this.#storedFrom = from
    // What is there is nothing until the read has succeeded.
    this.#storedLength = 0
    this.#storedLength = readFullySync(this.#file, this.#stored, 0, wanted, from)
    if (this.#storedLength < length) {
      throw new CorruptSSTableError(this.path, from + this.#storedLength, 'the file ends too early')
    }
    return 0
  }
}
