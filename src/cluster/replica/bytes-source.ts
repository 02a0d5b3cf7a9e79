import { CorruptSSTableError } from '../../storage/sstable/corruption.ts'
import type { Chunk, ChunkSource } from '../../storage/sstable/file-cursor.ts'

/** A payload, read as a file is. What is missing at its end is a CorruptSSTableError. */
export class BytesSource implements ChunkSource {
  readonly path: string
  readonly #chunk: Chunk

  /** @param name what errors name instead of a file */
  constructor(bytes: Uint8Array, name: string) {
    this.path = name
    // A Buffer's `slice` would not copy.
    const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
    this.#chunk = { bytes: plain, offset: 0, length: plain.length, position: 0 }
  }

  get length(): number {
    return this.#chunk.length
  }

  chunkAt(position: number): Chunk {
    if (position >= this.length) throw new CorruptSSTableError(this.path, position, 'it ends too early')
    return this.#chunk
  }
}
