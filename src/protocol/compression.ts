import { createRequire } from 'node:module'
import { ProtocolError } from '../common/errors.ts'
import { decompressLz4Block } from '../common/lz4-block.ts'
import { decompressSnappy, snappyLength } from '../common/snappy-stream.ts'

/**
 * Compression of frames (v3, v4: LZ4 behind a four-byte length, or Snappy) and of segments (v5: LZ4 blocks). The
 * libraries load when the first connection asks for them.
 */
export type CompressionName = 'lz4' | 'snappy'

/** Compresses the body of a v3 or v4 frame. */
export interface FrameCompressor {
  readonly name: CompressionName
  compress(body: Buffer): Uint8Array
  /** Throws a ProtocolError for bytes that are no compressed body, or one that would exceed `maxLength`. */
  decompress(body: Buffer, maxLength: number): Buffer
}

interface Lz4Library {
  /** The block behind its length in four bytes, little-endian. */
  compress(input: Uint8Array): Uint8Array
}

interface SnappyLibrary {
  compress(input: Uint8Array): Uint8Array
}

const require = createRequire(import.meta.url)
let lz4Library: Lz4Library | null = null
let snappyLibrary: SnappyLibrary | null = null

function lz4(): Lz4Library {
  lz4Library ??= require('lz4-wasm-nodejs') as Lz4Library
  return lz4Library
}

function snappy(): SnappyLibrary {
  snappyLibrary ??= require('snappyjs') as SnappyLibrary
  return snappyLibrary
}

const LENGTH_PREFIX = 4
const EMPTY_LZ4_BLOCK = Uint8Array.of(0)

/** One LZ4 block without any prefix. */
export function lz4CompressBlock(input: Uint8Array): Uint8Array {
  if (input.length === 0) return EMPTY_LZ4_BLOCK
  return lz4().compress(input).subarray(LENGTH_PREFIX)
}

/** Decompresses one LZ4 block into exactly `length` bytes. Throws a ProtocolError for bytes that are no such block. */
export function lz4DecompressBlock(input: Uint8Array, start: number, end: number, length: number): Buffer {
  const output = decompressLz4Block(input, start, end, length)
  if (output === null) throw badBlock()
  return output
}

function badBlock(): ProtocolError {
  return new ProtocolError('Provided frame does not appear to be LZ4 compressed')
}

const lz4Frames: FrameCompressor = {
  name: 'lz4',
  compress(body) {
    const block = lz4CompressBlock(body)
    const out = Buffer.allocUnsafe(LENGTH_PREFIX + block.length)
    out.writeInt32BE(body.length, 0)
    out.set(block, LENGTH_PREFIX)
    return out
  },
  decompress(body, maxLength) {
    if (body.length < LENGTH_PREFIX) throw badBlock()
    const length = body.readUInt32BE(0)
    if (length > maxLength) throw tooLong(length, maxLength)
    return lz4DecompressBlock(body, LENGTH_PREFIX, body.length, length)
  },
}

const snappyFrames: FrameCompressor = {
  name: 'snappy',
  compress(body) {
    return snappy().compress(body)
  },
  decompress(body, maxLength) {
    const length = snappyLength(body)
    if (length < 0) throw badSnappy()
    if (length > maxLength) throw tooLong(length, maxLength)
    const output = decompressSnappy(body, length)
    if (output === null) throw badSnappy()
    return output
  },
}

function badSnappy(): ProtocolError {
  return new ProtocolError('Provided frame does not appear to be Snappy compressed')
}

function tooLong(length: number, maxLength: number): ProtocolError {
  return new ProtocolError(`Uncompressed length ${length} exceeds the maximum of ${maxLength} bytes`)
}

export function frameCompressor(name: CompressionName): FrameCompressor {
  return name === 'lz4' ? lz4Frames : snappyFrames
}

/** Loads the library now, so that the first frame does not wait for it. */
export function loadCompression(name: CompressionName): void {
  if (name === 'lz4') lz4()
  else snappy()
}
