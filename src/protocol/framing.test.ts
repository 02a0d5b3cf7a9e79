import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { envelope, ResponseDecoder, segment, segmented } from './client-frames.ts'
import { queryBody } from './client-request.ts'
import { frameCompressor } from './compression.ts'
import type { Inbound } from './inbound.ts'
import { InboundDecoder } from './inbound.ts'
import { Opcode } from './opcode.ts'
import { OutboundEncoder } from './outbound.ts'

const LIMITS = {
  frameSizeMax: 1 << 20,
  messageSizeMax: 1 << 20,
  allowOlderProtocols: true,
  consecutiveErrorsMax: 1,
}

interface Seen {
  readonly kind: Inbound
  readonly stream: number
  readonly body: string
}

function drain(inbound: InboundDecoder): Seen[] {
  const seen: Seen[] = []
  for (let found = inbound.next(); found !== 'nothing'; found = inbound.next()) {
    const body =
      found === 'error'
        ? inbound.error.message
        : inbound.body.toString('hex', inbound.bodyStart, inbound.bodyEnd)
    seen.push({ kind: found, stream: inbound.stream, body })
  }
  return seen
}

type Framing = 'v3' | 'v4' | 'v4 LZ4' | 'v4 Snappy' | 'v5' | 'v5 LZ4'

function inboundOf(framing: Framing): InboundDecoder {
  const inbound = new InboundDecoder(LIMITS, 'channel')
  inbound.connectionVersion = Number(framing[1])
  inbound.isReady = true
  if (framing === 'v4 LZ4') inbound.useCompression(frameCompressor('lz4'))
  if (framing === 'v4 Snappy') inbound.useCompression(frameCompressor('snappy'))
  if (framing.startsWith('v5')) inbound.useSegments(framing === 'v5 LZ4')
  return inbound
}

function wireOf(framing: Framing, bodies: readonly Buffer[]): Buffer {
  const version = Number(framing[1])
  const frames = bodies.map((body, stream) => {
    if (framing === 'v4 LZ4' || framing === 'v4 Snappy') {
      const compressed = frameCompressor(framing === 'v4 LZ4' ? 'lz4' : 'snappy').compress(body)
      return envelope(version, 1, stream, Opcode.QUERY, compressed)
    }
    const plain = envelope(version, 0, stream, Opcode.QUERY, body)
    return version < 5 ? plain : segmented(plain, framing === 'v5 LZ4')
  })
  return Buffer.concat(frames)
}

describe.each<Framing>([
  'v3',
  'v4',
  'v4 LZ4',
  'v4 Snappy',
  'v5',
  'v5 LZ4',
])('requests framed as %s', (framing) => {
  const version = Number(framing[1])
  const bodies = ['SELECT 1', 'SELECT * FROM t WHERE k = 12345', 'é'.repeat(30)].map((text) =>
    queryBody(version, text),
  )
  const expected = bodies.map((body, stream) => ({ kind: 'envelope', stream, body: body.toString('hex') }))

  it('come out whole from a stream that is cut at any byte', () => {
    const wire = wireOf(framing, bodies)
    for (let cut = 0; cut <= wire.length; cut++) {
      const inbound = inboundOf(framing)
      inbound.push(wire.subarray(0, cut))
      const seen = drain(inbound)
      inbound.push(wire.subarray(cut))
      seen.push(...drain(inbound))
      expect(seen).toEqual(expected)
      expect(inbound.buffered).toBe(0)
    }
  })

  it('come out whole byte by byte', () => {
    const inbound = inboundOf(framing)
    const seen: Seen[] = []
    for (const byte of wireOf(framing, bodies)) {
      inbound.push(Buffer.from([byte]))
      seen.push(...drain(inbound))
    }
    expect(seen).toEqual(expected)
  })

  it('come out whole in chunks of any size, big ones among them', () => {
    const big = [
      Buffer.alloc(300_000, 'big '),
      Buffer.alloc(10, 'x'),
      Buffer.alloc(131_071 - 9, 'limit'),
      Buffer.alloc(0),
    ]
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 200_000 }), { minLength: 1, maxLength: 20 }),
        (sizes) => {
          const wire = wireOf(framing, big)
          const inbound = inboundOf(framing)
          const seen: Seen[] = []
          for (let at = 0, i = 0; at < wire.length; i++) {
            const size = sizes[i % sizes.length]
            inbound.push(wire.subarray(at, at + size))
            seen.push(...drain(inbound))
            at += size
          }
          expect(seen.map(({ stream, body }) => [stream, body.length / 2])).toEqual(
            big.map((body, stream) => [stream, body.length]),
          )
        },
      ),
      { numRuns: 30 },
    )
  })
})

describe('frames that are too big', () => {
  it('are discarded as they come, and answered when they have ended (v4)', () => {
    const inbound = inboundOf('v4')
    const header = Buffer.from([4, 0, 0, 7, Opcode.QUERY, 0, 0x20, 0, 0])
    inbound.push(header)
    for (let i = 0; i < 31; i++) {
      inbound.push(Buffer.alloc(65_536))
      expect(inbound.next()).toBe('nothing')
      expect(inbound.buffered).toBe(0)
    }
    inbound.push(Buffer.concat([Buffer.alloc(65_536), wireOf('v4', [Buffer.from('next')])]))
    expect(drain(inbound)).toEqual([
      {
        kind: 'error',
        stream: 7,
        body: 'Request is too big: length 2097161 exceeds maximum allowed length 1048576.',
      },
      { kind: 'envelope', stream: 0, body: Buffer.from('next').toString('hex') },
    ])
  })

  it.each<Framing>(['v5', 'v5 LZ4'])('are not kept, and answered when they have ended (%s)', (framing) => {
    const inbound = inboundOf(framing)
    const frame = envelope(5, 0, 9, Opcode.QUERY, Buffer.alloc((1 << 20) + 1))
    inbound.push(
      Buffer.concat([segmented(frame, framing === 'v5 LZ4'), wireOf(framing, [Buffer.from('next')])]),
    )
    expect(drain(inbound)).toEqual([
      {
        kind: 'error',
        stream: 9,
        body: 'CQL Message of size 1048577 bytes exceeds allowed maximum of 1048576 bytes',
      },
      { kind: 'envelope', stream: 0, body: Buffer.from('next').toString('hex') },
    ])
  })

  it('end the connection before it is authenticated (v5)', () => {
    const inbound = inboundOf('v5')
    inbound.isReady = false
    inbound.push(segmented(envelope(5, 0, 9, Opcode.AUTH_RESPONSE, Buffer.alloc(200_000)), false))
    expect(inbound.next()).toBe('error')
    expect(inbound.isFatal).toBe(true)
    expect(inbound.error.message).toContain('type = AUTH_RESPONSE, size = 200000')
  })
})

describe('errors in one segment', () => {
  const bad = envelope(4, 0, 1, Opcode.QUERY, Buffer.from('wrong version'))
  const good = envelope(5, 0, 2, Opcode.QUERY, Buffer.from('right'))

  it('are answered up to the threshold, then the connection ends', () => {
    const inbound = inboundOf('v5')
    inbound.push(segment(Buffer.concat([bad, bad, good]), true, false))
    expect(inbound.next()).toBe('error')
    expect(inbound.isFatal).toBe(false)
    expect(inbound.next()).toBe('error')
    expect(inbound.isFatal).toBe(true)
    expect(inbound.next()).toBe('nothing')
  })

  it('do not count over a good message or a new segment', () => {
    const inbound = inboundOf('v5')
    inbound.push(segment(Buffer.concat([bad, good, bad]), true, false))
    inbound.push(segment(bad, true, false))
    const kinds: [Inbound, boolean][] = []
    for (let found = inbound.next(); found !== 'nothing'; found = inbound.next()) {
      if (found === 'envelope') inbound.countMessage()
      kinds.push([found, found === 'error' && inbound.isFatal])
    }
    expect(kinds).toEqual([
      ['error', false],
      ['envelope', false],
      ['error', false],
      ['error', false],
    ])
  })

  it('with a negative length end the connection', () => {
    const inbound = inboundOf('v5')
    const negative = Buffer.from(good)
    negative.writeInt32BE(-5, 5)
    inbound.push(segment(negative, true, false))
    expect(inbound.next()).toBe('error')
    expect(inbound.isFatal).toBe(true)
    expect(inbound.error.message).toBe('Invalid value for envelope header body length field: -5')
  })
})

describe('versions', () => {
  it('older than v5 are refused when the configuration says so', () => {
    const inbound = new InboundDecoder({ ...LIMITS, allowOlderProtocols: false }, 'channel')
    inbound.push(envelope(4, 0, 1, Opcode.OPTIONS, Buffer.alloc(0)))
    expect(inbound.next()).toBe('error')
    expect(inbound.error.message).toBe('Rejecting Protocol Version 4/v4 < 5/v5.')
    inbound.push(envelope(5, 0, 1, Opcode.OPTIONS, Buffer.alloc(0)))
    expect(inbound.next()).toBe('envelope')
  })
})

describe.each<Framing>(['v4', 'v4 LZ4', 'v4 Snappy', 'v5', 'v5 LZ4'])('responses framed as %s', (framing) => {
  const sizes = fc.array(fc.oneof(fc.nat(300), fc.integer({ min: 130_900, max: 131_100 }), fc.nat(600_000)), {
    maxLength: 12,
  })

  it('reach the client whole, whatever their sizes and however they are gathered', () => {
    fc.assert(
      fc.property(sizes, fc.infiniteStream(fc.boolean()), fc.nat(), (lengths, take, seed) => {
        const out = new OutboundEncoder()
        const decoder = new ResponseDecoder()
        if (framing === 'v4 LZ4') out.useCompression(frameCompressor('lz4'))
        if (framing === 'v4 Snappy') out.useCompression(frameCompressor('snappy'))
        if (framing === 'v4 LZ4') decoder.useCompression(frameCompressor('lz4'))
        if (framing === 'v4 Snappy') decoder.useCompression(frameCompressor('snappy'))
        if (framing.startsWith('v5')) {
          out.begin(5, 0, 1, Opcode.READY)
          out.end()
          out.useSegments(framing === 'v5 LZ4')
          const ready = out.take()
          decoder.push(ready)
          expect(decoder.next()?.opcode).toBe(Opcode.READY)
          decoder.useSegments(framing === 'v5 LZ4')
        }
        const bodies = lengths.map((length, i) => Buffer.alloc(length, `${seed} ${i} `))
        const got: [number, boolean][] = []
        const receive = (): void => {
          decoder.push(out.take())
          for (let frame = decoder.next(); frame !== null; frame = decoder.next()) {
            got.push([frame.stream, frame.body.equals(bodies[frame.stream])])
          }
        }
        bodies.forEach((body, stream) => {
          if (stream % 3 === 1) {
            out.begin(Number(framing[1]), 0, 99, Opcode.RESULT)
            out.int(12345)
            out.abandon()
          }
          out.begin(Number(framing[1]), 0, stream, Opcode.RESULT)
          out.raw(body)
          out.end()
          if (take.next().value === true) receive()
        })
        receive()
        expect(got).toEqual(bodies.map((_, stream) => [stream, true]))
        expect(out.isEmpty).toBe(true)
      }),
      { numRuns: 25 },
    )
  })
})
