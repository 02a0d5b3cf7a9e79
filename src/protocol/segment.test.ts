import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ProtocolError } from '../common/errors.ts'
import { segment } from './client-frames.ts'
import { frameCompressor, lz4CompressBlock, lz4DecompressBlock } from './compression.ts'
import { crc24 } from './crc.ts'
import { InboundDecoder } from './inbound.ts'
import { SEGMENT_PAYLOAD_MAX, SegmentHeader } from './segment.ts'

/** Bytes that compress as real ones do: runs of few values among noise. */
const payload = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.nat(255).map((byte) => new Uint8Array(60).fill(byte)),
    ),
    {
      maxLength: 30,
    },
  )
  .map((parts) => Buffer.concat(parts))

describe('segment headers', () => {
  it.each([true, false])('are read as they were written (LZ4 %s)', (isLz4) => {
    fc.assert(
      fc.property(payload, fc.boolean(), (bytes, isSelfContained) => {
        const wire = segment(bytes, isSelfContained, isLz4)
        const header = new SegmentHeader()
        expect(header.read(wire, 0, isLz4)).toBe(true)
        expect(header.isSelfContained).toBe(isSelfContained)
        const length = header.uncompressedLength === 0 ? header.length : header.uncompressedLength
        expect(length).toBe(bytes.length)
      }),
    )
  })

  it('hold the longest payload', () => {
    const noise = Buffer.from(
      Array.from({ length: SEGMENT_PAYLOAD_MAX }, (_, i) => (i * 7919 + i * i * 31) & 0xff),
    )
    for (const isLz4 of [false, true]) {
      const header = new SegmentHeader()
      expect(header.read(segment(noise, true, isLz4), 0, isLz4)).toBe(true)
      expect(header.uncompressedLength === 0 ? header.length : header.uncompressedLength).toBe(
        SEGMENT_PAYLOAD_MAX,
      )
    }
  })

  it('have the CRC24 of the recordings', () => {
    const wire = Buffer.from('2f0002acf306', 'hex')
    expect(crc24(wire, 0, 3)).toBe(0x06f3ac)
  })

  it.each([
    true,
    false,
  ])('show every flipped bit, and payloads too: the connection ends (LZ4 %s)', (isLz4) => {
    const wire = segment(Buffer.alloc(60, 'segment '), true, isLz4)
    for (let bit = 0; bit < wire.length * 8; bit++) {
      const broken = Buffer.from(wire)
      broken[bit >> 3] ^= 1 << (bit & 7)
      const inbound = new InboundDecoder(
        {
          frameSizeMax: 1 << 24,
          messageSizeMax: 1 << 24,
          allowOlderProtocols: true,
          consecutiveErrorsMax: 1,
        },
        '00000000',
      )
      inbound.connectionVersion = 5
      inbound.useSegments(isLz4)
      inbound.push(broken)
      expect(inbound.next()).toBe('error')
      expect(inbound.isFatal).toBe(true)
      expect(inbound.error.message).toMatch(/^00000000 invalid, unrecoverable CRC mismatch detected in frame/)
    }
  })
})

describe('LZ4 blocks', () => {
  it('decompress to what the library compressed', () => {
    fc.assert(
      fc.property(payload, (bytes) => {
        const block = lz4CompressBlock(bytes)
        expect(lz4DecompressBlock(block, 0, block.length, bytes.length).equals(bytes)).toBe(true)
      }),
    )
  })

  it('of any kind give their bytes or a ProtocolError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(2000), (bytes, length) => {
        try {
          expect(lz4DecompressBlock(bytes, 0, bytes.length, length)).toHaveLength(length)
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError)
        }
      }),
      { numRuns: 2000 },
    )
  })
})

describe.each(['lz4', 'snappy'] as const)('frames compressed with %s', (name) => {
  const compressor = frameCompressor(name)

  it('decompress to what they were', () => {
    fc.assert(
      fc.property(payload, (bytes) => {
        const body = Buffer.from(compressor.compress(bytes))
        expect(compressor.decompress(body, 1 << 20).equals(bytes)).toBe(true)
      }),
    )
  })

  it('of any kind give bytes or a ProtocolError, never more than the limit', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          expect(compressor.decompress(Buffer.from(bytes), 1000).length).toBeLessThanOrEqual(1000)
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError)
        }
      }),
      { numRuns: 2000 },
    )
  })

  it('that claim to be too long are refused before anything is allocated', () => {
    const body = name === 'lz4' ? Buffer.from('7fffffff10', 'hex') : Buffer.from('ffffffff0f10', 'hex')
    expect(() => compressor.decompress(body, 1 << 24)).toThrow(/exceeds the maximum of 16777216 bytes/)
  })
})
