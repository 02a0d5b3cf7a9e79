import { createRequire } from 'node:module'
import { ProtocolError } from '../common/errors.ts'

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
/** Bytes of the varint at the start of a Snappy stream. */
const SNAPPY_LENGTH_MAX = 5
const EMPTY_LZ4_BLOCK = Uint8Array.of(0)

/** One LZ4 block without any prefix. */
export function lz4CompressBlock(input: Uint8Array): Uint8Array {
  if (input.length === 0) return EMPTY_LZ4_BLOCK
  return lz4().compress(input).subarray(LENGTH_PREFIX)
}

/**
 * Decompresses one LZ4 block (`lz4_Block_format.md`) into exactly `length` bytes. It is our own and not the
 * library's because these bytes come from strangers: the library's WebAssembly traps on some bad blocks, and loses
 * memory each time. Every read and every copy is checked.
 */
export function lz4DecompressBlock(input: Uint8Array, start: number, end: number, length: number): Buffer {
  const output = Buffer.allocUnsafe(length)
  let from = start
  let to = 0
  while (from < end) {
    const token = input[from++]
    let literals = token >>> 4
    if (literals === 15) {
      let more = 255
      while (more === 255) {
        if (from >= end) throw badBlock()
        more = input[from++]
        literals += more
      }
    }
    if (literals > end - from || literals > length - to) throw badBlock()
    if (literals > 32) {
      output.set(input.subarray(from, from + literals), to)
    } else {
      for (let i = 0; i < literals; i++) output[to + i] = input[from + i]
    }
    from += literals
    to += literals
    if (from === end) break

    if (end - from < 2) throw badBlock()
    const distance = input[from] | (input[from + 1] << 8)
    from += 2
    let matched = (token & 15) + 4
    if (matched === 19) {
      let more = 255
      while (more === 255) {
        if (from >= end) throw badBlock()
        more = input[from++]
        matched += more
      }
    }
    if (distance === 0 || distance > to || matched > length - to) throw badBlock()
    const source = to - distance
    if (distance >= matched && matched > 32) {
      output.copyWithin(to, source, source + matched)
    } else {
      for (let i = 0; i < matched; i++) output[to + i] = output[source + i]
    }
    to += matched
  }
  if (to !== length) throw badBlock()
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
    if (length > maxLength) throw tooLong(length, maxLength)
    return snappyDecompress(body, length)
  },
}

function badSnappy(): ProtocolError {
  return new ProtocolError('Provided frame does not appear to be Snappy compressed')
}

/** The uncompressed length that a Snappy stream announces: a varint of at most five bytes. */
function snappyLength(body: Buffer): number {
  let length = 0
  for (let i = 0; i < SNAPPY_LENGTH_MAX && i < body.length; i++) {
    length += (body[i] & 0x7f) * 2 ** (7 * i)
    if (body[i] < 0x80) return length
  }
  throw badSnappy()
}

/**
 * Decompresses a Snappy stream (google/snappy, format_description.txt) into exactly `length` bytes. Our own for the
 * same reason: snappyjs goes round for ever on a literal whose length has its top bit set.
 */
function snappyDecompress(input: Buffer, length: number): Buffer {
  const output = Buffer.allocUnsafe(length)
  const end = input.length
  let from = 0
  while (input[from] >= 0x80) from++
  from++
  let to = 0
  while (from < end) {
    const tag = input[from++]
    const kind = tag & 3
    // Of a literal the length, of a copy the distance, little-endian in so many bytes.
    const bytes = kind === 0 ? Math.max(0, (tag >>> 2) - 59) : kind === 3 ? 4 : kind
    if (bytes > end - from) throw badSnappy()
    let number = 0
    for (let i = 0; i < bytes; i++) number += input[from + i] * 2 ** (8 * i)
    from += bytes
    if (kind === 0) {
      const literals = (bytes === 0 ? tag >>> 2 : number) + 1
      if (literals > end - from || literals > length - to) throw badSnappy()
      input.copy(output, to, from, from + literals)
      from += literals
      to += literals
      continue
    }
    const matched = kind === 1 ? ((tag >>> 2) & 7) + 4 : (tag >>> 2) + 1
    const distance = kind === 1 ? ((tag >>> 5) << 8) | number : number
    if (distance === 0 || distance > to || matched > length - to) throw badSnappy()
    const source = to - distance
    for (let i = 0; i < matched; i++) output[to + i] = output[source + i]
    to += matched
  }
  if (to !== length) throw badSnappy()
  return output
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
