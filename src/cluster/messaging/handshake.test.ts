import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Accept,
  agreedVersion,
  decodeAccept,
  decodeInitiate,
  encodeAccept,
  encodeInitiate,
  HandshakeError,
  type Initiate,
  Refusal,
} from './handshake.ts'

const byte = fc.integer({ min: 0, max: 255 })
const versions = fc.record({ min: byte, max: byte })
const text = fc.string({ unit: 'grapheme', maxLength: 40 })
const initiates: fc.Arbitrary<Initiate> = fc.record({
  versions,
  type: byte,
  features: fc.integer(),
  clusterName: text,
  from: text,
})
const accepts: fc.Arbitrary<Accept> = fc.record({
  version: byte,
  versions,
  features: fc.integer(),
  refusal: fc.constantFrom(...Object.values(Refusal)),
  reason: text,
})
const messages: readonly [string, fc.Arbitrary<Buffer>, (bytes: Uint8Array) => unknown][] = [
  ['Initiate', initiates.map(encodeInitiate), decodeInitiate],
  ['Accept', accepts.map(encodeAccept), decodeAccept],
]

describe('the handshake', () => {
  it('comes as it was sent', () => {
    fc.assert(
      fc.property(initiates, accepts, (initiate, accept) => {
        const bytes = encodeInitiate(initiate)
        expect(decodeInitiate(Buffer.concat([bytes, Buffer.from('more')]))).toEqual({
          message: initiate,
          length: bytes.length,
        })
        expect(decodeAccept(encodeAccept(accept))?.message).toEqual(accept)
      }),
    )
  })

  it.each(messages)('waits for all of %s', (_name, encoded, decode) => {
    fc.assert(
      fc.property(encoded, (bytes) => {
        for (let cut = 0; cut < bytes.length; cut++) expect(decode(bytes.subarray(0, cut))).toBeNull()
      }),
      { numRuns: 20 },
    )
  })

  it.each(messages)('refuses every flipped bit of %s, or waits', (_name, encoded, decode) => {
    fc.assert(
      fc.property(encoded, (bytes) => {
        for (let bit = 0; bit < bytes.length * 8; bit++) {
          const flipped = Buffer.from(bytes)
          flipped[bit >>> 3]! ^= 1 << (bit & 7)
          // A length that has become greater makes it wait; the timeout of the handshake ends that.
          const isLength = bit >>> 3 === 4 || bit >>> 3 === 5
          if (isLength && flipped.readUInt16BE(4) > bytes.readUInt16BE(4)) {
            expect(attempt(() => decode(flipped))).not.toBe('decoded')
          } else expect(() => decode(flipped)).toThrow(HandshakeError)
        }
      }),
      { numRuns: 10 },
    )
  })

  it.each(messages)('takes any bytes for %s without another error', (_name, _encoded, decode) => {
    const magic = Buffer.from('SIBY')
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.boolean(), (bytes, isOurs) => {
        expect(attempt(() => decode(isOurs ? Buffer.concat([magic, bytes]) : bytes))).not.toBe('decoded')
      }),
    )
  })

  it('passes over what a newer peer adds', () => {
    const { body } = bodyOf({
      versions: { min: 1, max: 2 },
      type: 1,
      features: 0,
      clusterName: 'c',
      from: 'f',
    })
    const longer = Buffer.concat([body, Buffer.from('something new')])
    expect(decodeInitiate(sealed(longer))?.message).toMatchObject({ clusterName: 'c', from: 'f' })
  })

  it('says who speaks', () => {
    expect(() => decodeInitiate(Buffer.from('ca552dfa00000000', 'hex'))).toThrow(
      'the protocol of Apache Cassandra',
    )
    expect(() => decodeInitiate(Buffer.from('GET / HTTP/1.1'))).toThrow(
      'does not speak the internode protocol',
    )
    expect(() => decodeInitiate(Buffer.from('16030100', 'hex'))).toThrow('TLS')
  })

  it.each([
    [{ min: 1, max: 1 }, { min: 1, max: 3 }, 1],
    [{ min: 1, max: 3 }, { min: 2, max: 2 }, 2],
    [{ min: 2, max: 3 }, { min: 1, max: 5 }, 3],
    [{ min: 1, max: 1 }, { min: 2, max: 3 }, 0],
    [{ min: 3, max: 4 }, { min: 1, max: 2 }, 0],
  ])('agrees on a version: %j and %j', (ours, theirs, agreed) => {
    expect(agreedVersion(ours, theirs)).toBe(agreed)
    expect(agreedVersion(theirs, ours)).toBe(agreed)
  })
})

function attempt(decode: () => unknown): 'decoded' | 'waits' | 'refused' {
  try {
    return decode() === null ? 'waits' : 'decoded'
  } catch (error) {
    expect(error).toBeInstanceOf(HandshakeError)
    return 'refused'
  }
}

function bodyOf(initiate: Initiate): { readonly body: Buffer } {
  const bytes = encodeInitiate(initiate)
  return { body: bytes.subarray(6, bytes.length - 4) }
}

/** A handshake message around any body, as the page of its format describes it. */
function sealed(body: Buffer): Buffer {
  const out = Buffer.concat([Buffer.from('SIBY\0\0'), body, Buffer.alloc(4)])
  out.writeUInt16BE(body.length, 4)
  out.writeUInt32BE(crcOf(out.subarray(0, -4)), out.length - 4)
  return out
}

/** CRC-32 by its definition. */
function crcOf(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
  }
  return ~crc >>> 0
}
