import { readInt32 } from '../../common/bytes.ts'
import { CorruptSSTableError } from './corruption.ts'

/** The checksums of a file, one for each stretch of it: CRC.db for an uncompressed Data.db (`ChecksumWriter`). */
export interface ChecksumFile {
  readonly path: string
  /** Bytes of each stretch but the last. */
  readonly stretchBytes: number
  readonly checksums: Int32Array
}

/** Longer stretches are not believed: each is read whole. */
const MAX_STRETCH = 1 << 28

/** Reads CRC.db for a Data.db of so many bytes. Throws a CorruptSSTableError where it is not one of those. */
export function readChecksumFile(path: string, bytes: Uint8Array, dataBytes: number): ChecksumFile {
  const stretchBytes = bytes.length < 4 ? 0 : readInt32(bytes, 0)
  if (stretchBytes <= 0 || stretchBytes > MAX_STRETCH || bytes.length % 4 !== 0) {
    const what = `checksums of stretches of ${stretchBytes} bytes in ${bytes.length} bytes`
    throw new CorruptSSTableError(path, 0, what)
  }
  const count = Math.ceil(dataBytes / stretchBytes)
  const length = bytes.length / 4 - 1
  // Cassandra's compactions leave the checksum of an empty stretch at the end.
  if (length !== count && length !== count + 1) {
    throw new CorruptSSTableError(path, bytes.length, `${length} checksums for ${count} stretches`)
  }
  const checksums = new Int32Array(count)
  for (let i = 0; i < count; i++) checksums[i] = readInt32(bytes, 4 + i * 4)
  return { path, stretchBytes, checksums }
}
