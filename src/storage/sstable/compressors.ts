import { createRequire } from 'node:module'
import { deflateSync, inflateSync } from 'node:zlib'

/** Cassandra's compressors of chunks (`ICompressor`), by the names of their classes. The libraries load at first use. */
export interface Compressor {
  /** As CompressionInfo.db has it. */
  readonly name: string
  /** The stored form of a chunk; may be a view of memory that the next call uses again. */
  compress(bytes: Uint8Array): Uint8Array
  /** Into exactly `length` bytes. Throws an Error for bytes that are not compressed so. */
  decompress(stored: Uint8Array, length: number): Uint8Array
}

interface Lz4Library {
  compress(bytes: Uint8Array): Uint8Array
  decompress(block: Uint8Array): Uint8Array
}

interface SnappyLibrary {
  compress(bytes: Uint8Array): Uint8Array
  uncompress(stored: Uint8Array): Uint8Array
}

const require = createRequire(import.meta.url)

const makers: Readonly<Record<string, () => Compressor>> = {
  LZ4Compressor() {
    const library = require('lz4-wasm-nodejs') as Lz4Library
    return {
      name: 'LZ4Compressor',
      // The length in four bytes, little-endian, is how Cassandra stores it and how the library has it.
      compress: (bytes) => library.compress(bytes),
      decompress(stored, length) {
        const said = stored[0]! | (stored[1]! << 8) | (stored[2]! << 16) | (stored[3]! << 24)
        if (stored.length < 5 || said !== length)
          throw new Error(`a chunk of ${said} bytes instead of ${length}`)
        return library.decompress(stored)
      },
    }
  },
  SnappyCompressor() {
    const library = require('snappyjs') as SnappyLibrary
    return {
      name: 'SnappyCompressor',
      compress: (bytes) => library.compress(bytes),
      decompress: (stored) => library.uncompress(stored),
    }
  },
  DeflateCompressor: () => ({
    name: 'DeflateCompressor',
    compress: (bytes) => deflateSync(bytes),
    decompress: (stored, length) => inflateSync(stored, { maxOutputLength: Math.max(1, length) }),
  }),
  NoopCompressor: () => ({
    name: 'NoopCompressor',
    compress: (bytes) => bytes,
    decompress: (stored) => stored,
  }),
}

const made = new Map<string, Compressor>()

/** The compressor of that class, named with or without its package. Throws an Error where there is none. */
export function compressorOf(className: string): Compressor {
  const name = className.slice(className.lastIndexOf('.') + 1)
  let compressor = made.get(name)
  if (compressor === undefined) {
    if (!Object.hasOwn(makers, name)) throw new Error(`there is no compressor ${name} here`)
    compressor = makers[name]!()
    made.set(name, compressor)
  }
  return compressor
}
