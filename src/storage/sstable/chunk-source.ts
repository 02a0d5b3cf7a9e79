import { type DiskFile, readFullySync } from '../../io/disk.ts'
import { crc32 } from '../commitlog/crc32.ts'
import type { CompressionInfo } from './compression-info.ts'
import { type Compressor, compressorOf } from './compressors.ts'
import { CorruptSSTableError } from './corruption.ts'
import type { Chunk, ChunkSource } from './file-cursor.ts'

/** Pages in which a file is read that is not compressed. */
export const PAGE_BYTES = 16 * 1024

/** A file that is stored as it is, in pages. */
export class PlainSource implements ChunkSource {
  readonly path: string
  readonly length: number
  readonly #file: DiskFile
  readonly #page = new Uint8Array(PAGE_BYTES)
  #loaded = -1

  constructor(file: DiskFile, length: number) {
    this.path = file.path
    this.#file = file
    this.length = length
  }

  chunkAt(position: number): Chunk {
    const start = position - (position % PAGE_BYTES)
    const length = Math.min(PAGE_BYTES, this.length - start)
    if (this.#loaded !== start) {
      const read = readFullySync(this.#file, this.#page, 0, length, start)
      if (read < length) throw new CorruptSSTableError(this.path, start + read, 'the file ends too early')
      this.#loaded = start
    }
    return { bytes: this.#page, offset: 0, length, position: start }
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
  #stored: Uint8Array = new Uint8Array(0)
  #chunk: Chunk | null = null

  constructor(file: DiskFile, fileLength: number, info: CompressionInfo) {
    this.path = file.path
    this.#file = file
    this.#fileLength = fileLength
    this.#info = info
    this.length = info.dataLength
    this.#compressor = knownCompressor(file.path, info)
  }

  chunkAt(position: number): Chunk {
    const { chunkLength, chunkOffsets, maxCompressedLength, dataLength } = this.#info
    const index = Math.floor(position / chunkLength)
    const start = index * chunkLength
    if (this.#chunk?.position === start) return this.#chunk
    const from = chunkOffsets[index]!
    const end = index + 1 < chunkOffsets.length ? chunkOffsets[index + 1]! : this.#fileLength
    const storedLength = end - from - 4
    // No compressor makes twice as much of its input.
    if (storedLength <= 0 || storedLength > chunkLength * 2 + 1024) {
      throw new CorruptSSTableError(this.path, from, `a chunk of ${storedLength} stored bytes`)
    }
    if (this.#stored.length < storedLength + 4) {
      this.#stored = new Uint8Array(Math.max(storedLength + 4, Math.min(chunkLength + 64, SMALL_CHUNK_BYTES)))
    }
    const read = readFullySync(this.#file, this.#stored, 0, storedLength + 4, from)
    if (read < storedLength + 4)
      throw new CorruptSSTableError(this.path, from + read, 'the file ends too early')
    const at = storedLength
    const stored = this.#stored
    const checksum = (stored[at]! << 24) | (stored[at + 1]! << 16) | (stored[at + 2]! << 8) | stored[at + 3]!
    if (crc32(stored, 0, storedLength) !== checksum) {
      throw new CorruptSSTableError(this.path, from, 'the checksum of a chunk is not that of its bytes')
    }
    const length = Math.min(chunkLength, dataLength - start)
    const bytes =
      storedLength < maxCompressedLength
        ? this.#uncompress(stored.subarray(0, storedLength), length, from)
        : stored.slice(0, storedLength)
    // The last chunk may be padded where it is stored as it is.
    if (bytes.length < length) throw new CorruptSSTableError(this.path, from, 'a chunk is too short')
    this.#chunk = { bytes, offset: 0, length, position: start }
    return this.#chunk
  }

  #uncompress(stored: Uint8Array, length: number, from: number): Uint8Array {
    let bytes: Uint8Array
    try {
      bytes = this.#compressor.decompress(stored, length)
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      throw new CorruptSSTableError(this.path, from, `a chunk cannot be decompressed: ${reason}`)
    }
    if (bytes.length !== length) {
      throw new CorruptSSTableError(
        this.path,
        from,
        `a chunk of ${bytes.length} bytes where ${length} are due`,
      )
    }
    return bytes
  }
}
