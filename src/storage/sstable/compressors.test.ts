import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compressorOf } from './compressors.ts'

const NAMES = ['LZ4Compressor', 'SnappyCompressor', 'DeflateCompressor', 'ZstdCompressor'] as const

/** Bytes with repetitions, so that there is something to compress. */
const chunks = fc
  .array(fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.integer({ min: 1, max: 60 })), {
    minLength: 1,
    maxLength: 30,
  })
  .map((parts) => Uint8Array.from(Buffer.concat(parts.flatMap(([bytes, times]) => Array(times).fill(bytes)))))

describe.each(NAMES)('%s', (name) => {
  const compressor = compressorOf(`org.apache.cassandra.io.compress.${name}`)

  it('gives back what it was given', () => {
    fc.assert(
      fc.property(chunks, (bytes) => {
        const stored = compressor.compress(bytes).slice()
        expect(Buffer.compare(compressor.decompress(stored, bytes.length), bytes)).toBe(0)
      }),
    )
  })

  it('refuses what is broken, or makes bytes of the right length of it', () => {
    fc.assert(
      fc.property(
        chunks,
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 6 }),
        (bytes, flips) => {
          const stored = compressor.compress(bytes).slice()
          for (const [at, value] of flips) stored[at % stored.length]! = value
          let result: Uint8Array | null = null
          try {
            result = compressor.decompress(stored, bytes.length)
          } catch (error) {
            // Not of a trap or an allocation: those have classes of their own.
            expect((error as Error).name).toMatch(/^(Error|RangeError)$/)
          }
          // Deflate may end early; whoever reads chunks looks at the length.
          if (result !== null && name !== 'DeflateCompressor') expect(result.length).toBe(bytes.length)
        },
      ),
      { numRuns: 2000, seed: 7 },
    )
  })

  it('refuses another length, and a part', () => {
    fc.assert(
      fc.property(chunks, fc.integer({ min: 1, max: 9 }), (bytes, more) => {
        const stored = compressor.compress(bytes).slice()
        const sized = (length: number): number => {
          try {
            return compressor.decompress(stored, length).length
          } catch {
            return -1
          }
        }
        expect(sized(bytes.length + more)).not.toBe(bytes.length + more)
        expect(() => compressor.decompress(stored.subarray(0, stored.length - 1), bytes.length)).toThrow()
      }),
    )
  })
})

describe('ZstdCompressor', () => {
  it('takes a level, negative ones too', () => {
    const bytes = Buffer.from(
      Array.from({ length: 3000 }, (_, i) => `user${i % 97}:${(i * i) % 1009};`).join(''),
    )
    const size = (level: string) =>
      compressorOf('ZstdCompressor', new Map([['compression_level', level]])).compress(bytes).length
    expect(size('19')).toBeLessThanOrEqual(size('1'))
    expect(size('1')).toBeLessThan(size('-50'))
  })

  it('refuses a frame that says more than is due before it is decompressed', () => {
    const compressor = compressorOf('ZstdCompressor')
    const bomb = compressor.compress(new Uint8Array(1 << 20)).slice()
    expect(bomb.length).toBeLessThan(200)
    expect(() => compressor.decompress(bomb, 16)).toThrow('a frame of 1048576 bytes instead of 16')
    expect(() => compressor.decompress(Uint8Array.of(1, 2, 3, 4, 5, 6), 16)).toThrow('no frame')
  })
})

it('there are no others', () => {
  expect(() => compressorOf('org.example.Squeezer')).toThrow('there is no compressor Squeezer here')
})
