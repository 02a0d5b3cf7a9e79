import type { TableMetadata } from '../../model/table.ts'
import { compressorOf } from '../sstable/compressors.ts'
import type { Compression } from '../sstable/data-file-writer.ts'

/** How a table's SSTables are compressed (`CompressionParams`, `DataComponent.buildCompressionParams`). */

const DEFAULT_CHUNK_KB = 16
const UNLIMITED = 0x7fffffff
/** Compressors that are fast enough for flushes (`ICompressor.Uses.FAST_COMPRESSION`). */
const FAST = new Set(['LZ4Compressor', 'SnappyCompressor', 'NoopCompressor'])

/** What `CompressionParams.DEFAULT` is. */
function defaultCompression(): Compression {
  return {
    compressor: compressorOf('LZ4Compressor'),
    options: new Map(),
    chunkLength: DEFAULT_CHUNK_KB * 1024,
    maxCompressedLength: UNLIMITED,
  }
}

/** A table's compression as compactions write it; null without. The options have been checked when they were given. */
export function tableCompression({ params }: TableMetadata): Compression | null {
  const options = new Map(params.compression)
  const className = options.get('class')
  if (options.get('enabled') === 'false' || className === undefined) return null
  const chunkLength = Number(options.get('chunk_length_in_kb') ?? DEFAULT_CHUNK_KB) * 1024
  const ratio = Number(options.get('min_compress_ratio') ?? 0)
  for (const name of ['class', 'enabled', 'chunk_length_in_kb', 'min_compress_ratio']) options.delete(name)
  return {
    compressor: compressorOf(className, options),
    options,
    chunkLength,
    maxCompressedLength: Math.ceil(Math.min(chunkLength / ratio, UNLIMITED)),
  }
}

/**
 * A table's compression as flushes write it: the default one in the place of compressors that would hold writes up
 * (`flush_compression: fast`, which is Cassandra's default).
 */
export function flushCompression(table: TableMetadata): Compression | null {
  const compression = tableCompression(table)
  if (compression === null) return null
  const isHigh = compression.options.get('lz4_compressor_type') === 'high'
  return FAST.has(compression.compressor.name) && !isHigh ? compression : defaultCompression()
}
