import { createRequire } from 'node:module'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decompressLz4Block } from './lz4-block.ts'
import { decodeLz4Block } from './lz4-decoder.ts'

const { compress } = createRequire(import.meta.url)('lz4-wasm-nodejs') as {
  compress(bytes: Uint8Array): Uint8Array
}

/** What both decoders say of a block; bytes around the output are left alone. */
function decoded(block: Uint8Array, length: number): Uint8Array | null {
  const input = Uint8Array.from([1, 2, 3, ...block, 4, 5])
  const output = new Uint8Array(length + 7).fill(0xa5)
  const isBlock = decodeLz4Block(input, 3, 3 + block.length, output, 3, length)
  const reference = decompressLz4Block(input, 3, 3 + block.length, length)
  expect(isBlock).toBe(reference !== null)
  expect([...output.subarray(0, 3), ...output.subarray(3 + length)]).toEqual(new Array(7).fill(0xa5))
  if (reference === null) {
    expect(output.every((byte) => byte === 0xa5)).toBe(true)
    return null
  }
  const bytes = output.subarray(3, 3 + length)
  expect(Buffer.compare(bytes, reference)).toBe(0)
  return bytes
}

/** Bytes of every repetition: runs of patterns of different lengths. */
const patterned = fc
  .array(fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.integer({ min: 1, max: 60 })), {
    maxLength: 12,
  })
  .map((parts) => Buffer.concat(parts.flatMap(([pattern, times]) => new Array(times).fill(pattern))))

describe('decodeLz4Block', () => {
  it('gives back what was compressed', () => {
    fc.assert(
      fc.property(patterned, (bytes) => {
        const block = compress(bytes).subarray(4)
        expect(Buffer.compare(decoded(block, bytes.length)!, bytes)).toBe(0)
        // And no other length.
        expect(decoded(block, bytes.length + 1)).toBeNull()
        if (bytes.length > 0) expect(decoded(block, bytes.length - 1)).toBeNull()
      }),
      { numRuns: 400 },
    )
  })

  it('takes large blocks', () => {
    const bytes = Buffer.alloc(3_000_000, 'a line of text that repeats, ')
    for (let i = 0; i < bytes.length; i += 977) bytes[i] = i
    expect(Buffer.compare(decoded(compress(bytes).subarray(4), bytes.length)!, bytes)).toBe(0)
  })

  it('refuses broken blocks as the reference does, and goes on', () => {
    const change = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }))
    fc.assert(
      fc.property(
        patterned,
        fc.array(change, { minLength: 1, maxLength: 4 }),
        fc.nat(),
        (bytes, changes, cut) => {
          const block = Uint8Array.from(compress(bytes).subarray(4))
          for (const [at, value] of changes) if (block.length > 0) block[at % block.length] = value
          decoded(block, bytes.length)
          decoded(block.subarray(0, cut % (block.length + 1)), bytes.length)
        },
      ),
      { numRuns: 2000 },
    )
  })

  it('takes any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(2000), (bytes, length) => {
        decoded(bytes, length)
      }),
      { numRuns: 3000 },
    )
  })

  it('refuses lengths that go on without end', () => {
    expect(decoded(new Uint8Array(100_000).fill(0xff), 65_536)).toBeNull()
  })
})
