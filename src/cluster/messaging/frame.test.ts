import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CorruptFrameError, FRAME_PAYLOAD_MAX, FrameDecoder } from './frame.ts'
import { FrameWriter, WHOLE_MESSAGE_MAX } from './frame-writer.ts'
import { MessageAssembler } from './message-assembler.ts'
import { InboundHeader, messageSize, type OutboundHeader } from './message-header.ts'

interface Sent {
  readonly header: OutboundHeader
  readonly payload: Uint8Array
}

interface Came {
  readonly verbId: number
  readonly flags: number
  readonly id: OutboundHeader['id']
  readonly session: Uint8Array | null
  readonly remainingMs: number
  /** Length and digest: payloads are too large to be shown. */
  readonly payload: string
}

const NOW = 1000
const uint32 = fc.integer({ min: 0, max: 0xffffffff })
const headers: fc.Arbitrary<OutboundHeader> = fc.record({
  verbId: fc.integer({ min: 0, max: 0xffff }),
  flags: fc.integer({ min: 0, max: 3 }),
  id: fc.record({ instance: uint32, number: uint32 }),
  deadlineMs: fc.oneof(fc.integer({ min: NOW + 1, max: 1e9 }), fc.constant(Number.POSITIVE_INFINITY)),
  session: fc.option(fc.uint8Array({ minLength: 16, maxLength: 16 })),
})
const sizes = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 0, max: 400 }) },
  { weight: 2, arbitrary: fc.integer({ min: WHOLE_MESSAGE_MAX - 80, max: WHOLE_MESSAGE_MAX + 80 }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 500_000 }) },
)
const sent: fc.Arbitrary<Sent> = fc.record({
  header: headers,
  payload: sizes.map((size) => Uint8Array.from({ length: size }, (_, i) => (i * 13 + size) & 0xff)),
})

function digest(payload: Uint8Array): string {
  return `${payload.length} ${createHash('sha1').update(payload).digest('hex')}`
}

function write(messages: readonly Sent[]): Buffer {
  const writer = new FrameWriter()
  for (const { header, payload } of messages) {
    const size = messageSize(header.session, payload.length)
    if (size <= WHOLE_MESSAGE_MAX) writer.append(header, payload, NOW)
    else for (let done = 0; done < size; ) done = writer.appendPart(header, payload, done, NOW)
  }
  return writer.take(NOW) ?? Buffer.alloc(0)
}

/** Reads as a connection does; stops where the bytes do. */
function read(chunks: readonly Uint8Array[]): Came[] {
  const decoder = new FrameDecoder()
  const assembler = new MessageAssembler()
  const header = new InboundHeader()
  const came: Came[] = []
  const add = (bytes: Buffer, at: number): void => {
    const { verbId, flags, id, remainingMs } = header
    const payload = digest(bytes.subarray(at + header.headerBytes, at + header.size))
    came.push({ verbId, flags: flags & 3, id, session: header.session(bytes, at), remainingMs, payload })
  }
  for (const chunk of chunks) {
    decoder.push(Buffer.from(chunk))
    while (decoder.next()) {
      expect(decoder.sentAt).toBe(NOW)
      if (decoder.isSelfContained) {
        for (let at = decoder.start; at < decoder.end; at += (header.size + 3) & ~3) {
          header.read(decoder.buffer, at, decoder.end)
          if (at + header.size > decoder.end) throw new CorruptFrameError('longer than its frame')
          add(decoder.buffer, at)
        }
        continue
      }
      if (!assembler.isOpen) {
        header.read(decoder.buffer, decoder.start, decoder.end)
        assembler.begin(header.size)
      }
      const whole = assembler.add(decoder.buffer, decoder.start, decoder.end)
      if (whole === null) continue
      header.read(whole, 0, whole.length)
      add(whole, 0)
    }
  }
  return came
}

function expected({ header, payload }: Sent): Came {
  const { verbId, flags, id, session, deadlineMs } = header
  return { verbId, flags, id, session, remainingMs: deadlineMs - NOW, payload: digest(payload) }
}

describe('frames and messages', () => {
  it('come as they were sent, however they are cut', () => {
    fc.assert(
      fc.property(
        fc.array(sent, { maxLength: 12 }),
        fc.array(fc.integer({ min: 1, max: 200_000 }), { maxLength: 20 }),
        (messages, cuts) => {
          const bytes = write(messages)
          expect(bytes.length & 3).toBe(0)
          const chunks: Buffer[] = []
          let at = 0
          for (const cut of cuts) chunks.push(bytes.subarray(at, (at += cut)))
          chunks.push(bytes.subarray(Math.min(at, bytes.length)))
          expect(read(chunks)).toEqual(messages.map(expected))
        },
      ),
      { numRuns: 150 },
    )
  })

  it('come as they were sent, cut at every byte', () => {
    const messages = fc.sample(sent, { numRuns: 6, seed: 3 }).filter(({ payload }) => payload.length < 1000)
    const bytes = write(messages)
    for (let cut = 0; cut <= bytes.length; cut++) {
      expect(read([bytes.subarray(0, cut), bytes.subarray(cut)])).toEqual(messages.map(expected))
    }
    expect(read([...bytes].map((byte) => Uint8Array.of(byte)))).toEqual(messages.map(expected))
  })

  it('are refused with any bit flipped, or not whole', () => {
    const messages = fc.sample(sent, { numRuns: 4, seed: 5 }).filter(({ payload }) => payload.length < 1000)
    const bytes = write(messages)
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = Buffer.from(bytes)
      flipped[bit >>> 3]! ^= 1 << (bit & 7)
      expect(() => read([flipped]), `bit ${bit}`).toThrow(CorruptFrameError)
    }
  })

  it('never cause another error than that', () => {
    fc.assert(
      fc.property(
        fc.array(sent, { maxLength: 4 }),
        fc.array(fc.tuple(fc.nat(), fc.nat(255))),
        (messages, edits) => {
          // The payloads' own checksums are made right again, so that what lies inside is looked at.
          const bytes = Buffer.from(write(messages))
          for (const [at, value] of edits) if (bytes.length > 0) bytes[at % bytes.length] = value
          try {
            read([bytes])
          } catch (error) {
            expect(error).toBeInstanceOf(CorruptFrameError)
          }
        },
      ),
      { numRuns: 200 },
    )
  })

  it('never hold more than a frame of what is claimed', () => {
    const decoder = new FrameDecoder()
    decoder.push(
      Buffer.from(write([{ header: fc.sample(headers, 1)[0]!, payload: new Uint8Array(300_000) }])).subarray(
        0,
        5000,
      ),
    )
    expect(decoder.next()).toBe(false)
    expect(FRAME_PAYLOAD_MAX).toBeLessThan(300_000)
  })
})

describe('the header of a message', () => {
  it('is read from any bytes, or refused', () => {
    const header = new InboundHeader()
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          header.read(bytes, 0, bytes.length)
          expect(header.headerBytes).toBeGreaterThanOrEqual(20)
          expect(header.headerBytes).toBeLessThanOrEqual(Math.min(header.size, bytes.length))
        } catch (error) {
          expect(error).toBeInstanceOf(CorruptFrameError)
        }
      }),
      { numRuns: 2000 },
    )
  })
})

describe('what a turn has gathered', () => {
  it('is never written again', () => {
    const writer = new FrameWriter()
    const header = fc.sample(headers, { numRuns: 1, seed: 1 })[0]!
    const taken: { bytes: Buffer; copy: Buffer }[] = []
    for (let i = 0; i < 2000; i++) {
      for (let n = 0; n < i % 5; n++) writer.append(header, new Uint8Array((i * 37) % 700).fill(i), NOW)
      const bytes = writer.take(NOW)
      if (bytes !== null) taken.push({ bytes, copy: Buffer.from(bytes) })
      expect(writer.size).toBe(0)
    }
    for (const { bytes, copy } of taken) expect(bytes.equals(copy)).toBe(true)
  })
})
