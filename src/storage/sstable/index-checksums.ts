import { readInt32 } from '../../common/bytes.ts'
import type { Disk } from '../../io/disk.ts'
import { crc32 } from '../commitlog/crc32.ts'
import { ByteSink } from './byte-sink.ts'
import { CorruptSSTableError } from './corruption.ts'
import type { ChecksumFile } from './crc-file.ts'
import { componentPath, type Descriptor } from './descriptor.ts'

/** Bytes of Index.db under one checksum: what the chunk cache reads at once, so that no page costs more than itself. */
const STRETCH_BYTES = 16 * 1024
const VERSION = 1
const HEADER_BYTES = 24
const CHECKSUM_BYTES = 4

/** What Checksums.db says (see `indexChecksumsFile`). */
export interface IndexChecksums {
  readonly summary: number
  /** Null where the SSTable was written without a filter. */
  readonly filter: number | null
  /** Of the stretches of Index.db. */
  readonly index: ChecksumFile
}

/** Computes the checksums of Index.db while it is written. */
export class StretchChecksums {
  readonly #checksums: number[] = []
  #checksum = 0
  /** Bytes of the stretch that is not whole. */
  #length = 0

  /** Takes the next bytes of the file. */
  add(bytes: Uint8Array, length: number): void {
    for (let at = 0; at < length; ) {
      const part = Math.min(length - at, STRETCH_BYTES - this.#length)
      this.#checksum = crc32(bytes, at, part, this.#checksum)
      this.#length += part
      at += part
      if (this.#length < STRETCH_BYTES) continue
      this.#checksums.push(this.#checksum)
      this.#checksum = this.#length = 0
    }
  }

  /** Of all stretches; the last one may be short. */
  finish(): readonly number[] {
    if (this.#length > 0) this.#checksums.push(this.#checksum)
    this.#length = 0
    return this.#checksums
  }
}

export function checksumOf(bytes: Uint8Array): number {
  return crc32(bytes, 0, bytes.length)
}

/**
 * Checksums.db: the checksums of those components that Cassandra's format has none for. Cassandra knows nothing of it, and
 * takes it along as a component of its own kind (`Component.Types.CUSTOM`).
 *
 * ```
 * version (int32, 1), CRC of Summary.db (int32), 1 or 0 for a filter (int32), CRC of Filter.db or 0 (int32)
 * bytes of Index.db under one checksum (int32), number of these (int32), CRC of each (int32)
 * CRC of all before (int32)
 * ```
 */
export function indexChecksumsFile(
  summary: Uint8Array,
  filter: Uint8Array | null,
  index: ArrayLike<number>,
  stretchBytes: number = STRETCH_BYTES,
): Uint8Array {
  const out = new ByteSink(HEADER_BYTES + (index.length + 1) * CHECKSUM_BYTES)
  out.int32(VERSION)
  out.int32(checksumOf(summary))
  out.int32(filter === null ? 0 : 1)
  out.int32(filter === null ? 0 : checksumOf(filter))
  out.int32(stretchBytes)
  out.int32(index.length)
  for (let i = 0; i < index.length; i++) out.int32(index[i]!)
  out.int32(crc32(out.u8, 0, out.length))
  return out.u8.subarray(0, out.length)
}

/** Reads Checksums.db for an Index.db of that path and so many bytes. Throws a CorruptSSTableError naming the file at fault. */
export function readIndexChecksums(
  path: string,
  bytes: Uint8Array,
  indexPath: string,
  indexBytes: number,
): IndexChecksums {
  const end = bytes.length - CHECKSUM_BYTES
  if (end < HEADER_BYTES || readInt32(bytes, end) !== crc32(bytes, 0, end)) {
    throw new CorruptSSTableError(path, Math.max(0, end), 'the checksum of the file is not that of its bytes')
  }
  const version = readInt32(bytes, 0)
  if (version !== VERSION) throw new CorruptSSTableError(path, 0, `version ${version} is not known`)
  const stretchBytes = readInt32(bytes, 16)
  const count = readInt32(bytes, 20)
  if (stretchBytes <= 0 || HEADER_BYTES + count * CHECKSUM_BYTES !== end) {
    const what = `${count} checksums of stretches of ${stretchBytes} bytes in ${bytes.length} bytes`
    throw new CorruptSSTableError(path, 16, what)
  }
  if (count !== Math.ceil(indexBytes / stretchBytes)) {
    throw new CorruptSSTableError(
      indexPath,
      indexBytes,
      `${indexBytes} bytes, where ${path} has ${count} checksums`,
    )
  }
  const checksums = new Int32Array(count)
  for (let i = 0; i < count; i++) checksums[i] = readInt32(bytes, HEADER_BYTES + i * CHECKSUM_BYTES)
  return {
    summary: readInt32(bytes, 4),
    filter: readInt32(bytes, 8) === 0 ? null : readInt32(bytes, 12),
    index: { path, stretchBytes, checksums },
  }
}

/**
 * Checksums.db of an SSTable; null where there is none, as with Cassandra's. One that is broken is done without, too: it says
 * nothing about the others, which `warn` hears. Throws a CorruptSSTableError where Index.db has another length.
 */
export function loadIndexChecksums(
  disk: Disk,
  descriptor: Descriptor,
  warn?: (message: string) => void,
): IndexChecksums | null {
  const path = componentPath(descriptor, 'Checksums.db')
  if (!disk.existsSync(path)) return null
  const indexPath = componentPath(descriptor, 'Index.db')
  try {
    return readIndexChecksums(path, disk.readFileSync(path), indexPath, disk.fileSizeSync(indexPath))
  } catch (error) {
    if (!(error instanceof CorruptSSTableError) || error.path !== path) throw error
    warn?.(`${error.message}. The index of the SSTable is read without checksums`)
    return null
  }
}

/** Throws a CorruptSSTableError for a Summary.db or Filter.db that is not the one that Checksums.db was written for. */
export function checkWhole(path: string, bytes: Uint8Array, checksum: number | null): void {
  if (checksum === null || checksumOf(bytes) === checksum) return
  throw new CorruptSSTableError(path, -1, 'the checksum of the file is not that of its bytes')
}
