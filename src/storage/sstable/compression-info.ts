import { readInt32, readInt64, readUint16, utf8Text } from '../../common/bytes.ts'
import { CorruptSSTableError } from './corruption.ts'

/**
 * CompressionInfo.db: how Data.db is compressed and where its chunks begin (`CompressionMetadata`).
 *
 * ```
 * compressor's class or short name (u16 length, bytes); number of options (int32); name and value of each (as before)
 * chunk length (int32), greatest compressed length (int32), uncompressed length (int64)
 * number of chunks (int32), offset of each in Data.db (int64)
 * ```
 * A chunk whose compressed form would be longer than the greatest compressed length is stored as it is. Behind each chunk
 * stands the CRC-32 of its stored bytes.
 */
export interface CompressionInfo {
  /** Without its package: `LZ4Compressor`. */
  readonly compressor: string
  readonly options: ReadonlyMap<string, string>
  readonly chunkLength: number
  readonly maxCompressedLength: number
  /** Bytes of Data.db before compression. */
  readonly dataLength: number
  /** Offsets in Data.db; files beyond 2^53 bytes there are none. */
  readonly chunkOffsets: Float64Array
  /** Bytes of the file that mean something. */
  readonly end: number
}

/** Longer chunks are not believed: each would be read whole. */
const CHUNK_LENGTH_MAX = 256 * 1024 * 1024

/** Reads the file whole. Throws a CorruptSSTableError. */
export function readCompressionInfo(path: string, bytes: Uint8Array): CompressionInfo {
  let at = 0
  const need = (length: number): number => {
    const from = at
    at += length
    if (at > bytes.length) throw new CorruptSSTableError(path, from, 'the file ends too early')
    return from
  }
  const text = (): string => {
    const length = readUint16(bytes, need(2))
    const from = need(length)
    return utf8Text(bytes.subarray(from, from + length))
  }
  const compressor = text()
  const options = new Map<string, string>()
  const optionCount = readInt32(bytes, need(4))
  for (let i = 0; i < optionCount; i++) options.set(text(), text())
  const chunkLength = readInt32(bytes, need(4))
  const maxCompressedLength = readInt32(bytes, need(4))
  const dataLength = Number(readInt64(bytes, need(8)))
  const count = readInt32(bytes, need(4))
  if (optionCount < 0) throw new CorruptSSTableError(path, at, `${optionCount} options`)
  if (chunkLength <= 0 || chunkLength > CHUNK_LENGTH_MAX || (chunkLength & (chunkLength - 1)) !== 0) {
    throw new CorruptSSTableError(path, at, `a chunk length of ${chunkLength}`)
  }
  // A compaction may leave an empty chunk at the end.
  if (count <= 0 || dataLength < 0 || count < Math.ceil(dataLength / chunkLength)) {
    throw new CorruptSSTableError(path, at - 4, `${count} chunks for ${dataLength} bytes`)
  }
  // It comes from min_compress_ratio, which is at least 1, or there is none.
  if (maxCompressedLength !== 0x7fffffff && (maxCompressedLength > chunkLength || maxCompressedLength <= 0)) {
    throw new CorruptSSTableError(path, at - 16, `a greatest compressed length of ${maxCompressedLength}`)
  }
  const from = need(count * 8)
  const chunkOffsets = new Float64Array(count)
  for (let i = 0; i < count; i++) {
    chunkOffsets[i] = Number(readInt64(bytes, from + i * 8))
    if (i === 0 ? chunkOffsets[0] !== 0 : chunkOffsets[i]! <= chunkOffsets[i - 1]!) {
      throw new CorruptSSTableError(path, from + i * 8, 'the chunks are not in order')
    }
  }
  return {
    compressor: compressor.slice(compressor.lastIndexOf('.') + 1),
    options,
    chunkLength,
    maxCompressedLength,
    dataLength,
    chunkOffsets,
    end: at,
  }
}
