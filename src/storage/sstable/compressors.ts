import { createRequire } from 'node:module'
import { deflateSync, inflateSync } from 'node:zlib'
import { decodeLz4Block } from '../../common/lz4-decoder.ts'
import { decompressSnappy, snappyLength } from '../../common/snappy-stream.ts'
import { zstdCompress, zstdDecompress } from './zstd.ts'

/** Cassandra's compressors of chunks (`ICompressor`), by the names of their classes. The libraries load at first use. */
export interface Compressor {
  /** As CompressionInfo.db has it. */
  readonly name: string
  /** The stored form of a chunk; may be a view of memory that the next call uses again. */
  compress(bytes: Uint8Array): Uint8Array
  /**
   * Into exactly `length` bytes. Throws an Error for bytes that are not compressed so, whatever they are: no trap, no
   * endless loop, no memory but for the bytes due.
   */
  decompress(stored: Uint8Array, length: number): Uint8Array
  /** The same of the bytes between `start` and `end`, to `at` of memory that is there. */
  decompressTo(
    stored: Uint8Array,
    start: number,
    end: number,
    output: Uint8Array,
    at: number,
    length: number,
  ): void
}

/** Options of a table's `compression` but for class and chunk length. */
export type CompressorOptions = ReadonlyMap<string, string>

interface CompressingLibrary {
  compress(bytes: Uint8Array): Uint8Array
}

const require = createRequire(import.meta.url)
const ZSTD_LEVEL = '3'
const LENGTH_BYTES = 4

/** Decompresses into memory that is there what a library gives in memory of its own. */
function copying(decompress: Compressor['decompress']): Pick<Compressor, 'decompress' | 'decompressTo'> {
  return {
    decompress,
    decompressTo(stored, start, end, output, at, length) {
      const bytes = decompress(stored.subarray(start, end), length)
      if (bytes.length !== length) throw new Error(`a chunk of ${bytes.length} bytes instead of ${length}`)
      output.set(bytes, at)
    },
  }
}

const decompressLz4: Compressor['decompressTo'] = (stored, start, end, output, at, length) => {
  const said =
    stored[start]! | (stored[start + 1]! << 8) | (stored[start + 2]! << 16) | (stored[start + 3]! << 24)
  if (end - start <= LENGTH_BYTES || said !== length) {
    throw new Error(`a chunk of ${said} bytes instead of ${length}`)
  }
  if (!decodeLz4Block(stored, start + LENGTH_BYTES, end, output, at, length)) throw new Error('no LZ4 block')
}

const makers: Readonly<Record<string, (options: CompressorOptions) => Compressor>> = {
  LZ4Compressor() {
    const library = require('lz4-wasm-nodejs') as CompressingLibrary
    return {
      name: 'LZ4Compressor',
      // The length in four bytes, little-endian, is how Cassandra stores it and how the library has it.
      compress: (bytes) => library.compress(bytes),
      decompress(stored, length) {
        const bytes = new Uint8Array(length)
        decompressLz4(stored, 0, stored.length, bytes, 0, length)
        return bytes
      },
      decompressTo: decompressLz4,
    }
  },
  SnappyCompressor() {
    const library = require('snappyjs') as CompressingLibrary
    return {
      name: 'SnappyCompressor',
      compress: (bytes) => library.compress(bytes),
      ...copying((stored, length) => {
        const said = snappyLength(stored)
        if (said !== length) throw new Error(`a chunk of ${said} bytes instead of ${length}`)
        const bytes = decompressSnappy(stored, length)
        if (bytes === null) throw new Error('no Snappy stream')
        return bytes
      }),
    }
  },
  DeflateCompressor: () => ({
    name: 'DeflateCompressor',
    compress: (bytes) => deflateSync(bytes),
    ...copying((stored, length) => inflateSync(stored, { maxOutputLength: Math.max(1, length) })),
  }),
  ZstdCompressor(options) {
    const level = Number(options.get('compression_level') ?? ZSTD_LEVEL)
    return {
      name: 'ZstdCompressor',
      compress: (bytes) => zstdCompress(bytes, level),
      ...copying(zstdDecompress),
    }
  },
  NoopCompressor: () => ({
    name: 'NoopCompressor',
    compress: (bytes) => bytes,
    ...copying((stored) => stored),
  }),
}

const made = new Map<string, Compressor>()
const NO_OPTIONS: CompressorOptions = new Map()

/** The compressor of that class, named with or without its package. Throws an Error where there is none. */
export function compressorOf(className: string, options: CompressorOptions = NO_OPTIONS): Compressor {
  const name = className.slice(className.lastIndexOf('.') + 1)
  const key = `${name} ${options.get('compression_level') ?? ''}`
  let compressor = made.get(key)
  if (compressor === undefined) {
    if (!Object.hasOwn(makers, name)) throw new Error(`there is no compressor ${name} here`)
    compressor = makers[name]!(options)
    made.set(key, compressor)
  }
  return compressor
}
