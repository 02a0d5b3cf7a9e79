import { CorruptSSTableError } from '../../storage/sstable/corruption.ts'
import type { Chunk, ChunkSource } from '../../storage/sstable/file-cursor.ts'

const NO_BYTES = new Uint8Array(0)

/** A payload, read as a file is. What is missing at its end is a CorruptSSTableError. */
export class BytesSource implements ChunkSource, Chunk {
  readonly path: string
  bytes: Uint8Array = NO_BYTES
  readonly offset = 0
  readonly position = 0

  /** @param name what errors name instead of a file */
  constructor(bytes: Uint8Array, name: string) {
    this.path = name
    this.set(bytes)
  }

  /** Has other bytes from now on; whoever reads of it begins anew. */
  set(bytes: Uint8Array): void {
    // A Buffer's `slice` would not copy.
    this.bytes =
      bytes instanceof Buffer ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length) : bytes
  }

  get length(): number {
    return this.bytes.length
  }

  chunkAt(position: number): Chunk {
    if (position >= this.length) throw new CorruptSSTableError(this.path, position, 'it ends too early')
    return this
  }
}
