import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CqlError } from '../../src/common/errors.ts'
import { NodeNetwork } from '../../src/io/node-network.ts'
import { envelope, ResponseDecoder, segment } from '../../src/protocol/client-frames.ts'
import { startupBody } from '../../src/protocol/client-request.ts'
import { decodeResponse } from '../../src/protocol/client-response.ts'
import { frameCompressor, lz4DecompressBlock } from '../../src/protocol/compression.ts'
import { InboundDecoder } from '../../src/protocol/inbound.ts'
import { Opcode } from '../../src/protocol/opcode.ts'
import { RequestDecoder } from '../../src/protocol/request.ts'
import { NativeTransport } from '../../src/server/index.ts'
import { connector } from './connector.ts'
import { FakeHandler } from './fake-handler.ts'
import { goldenNames, readGolden } from './golden.ts'
import { TestClient } from './test-client.ts'

/**
 * Hostile bytes over every codec and over a whole server: recorded requests with bits flipped, pieces cut, doubled or
 * exchanged, lengths replaced, and plain noise. Seeded: `FUZZ_SEED` gives a run again, `FUZZ_INPUTS` how many inputs
 * (20,000; a million for the proof).
 */
const INPUTS = Number(process.env['FUZZ_INPUTS'] ?? 20_000)
const SEED = Number(process.env['FUZZ_SEED'] ?? 20_240_229)
const TIMEOUT_MS = 60_000 + INPUTS * 2

/** Xorshift: the same numbers for a seed everywhere. */
class Dice {
  private state: number

  constructor(seed: number) {
    this.state = seed | 1
  }

  below(limit: number): number {
    let { state } = this
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    this.state = state
    return (state >>> 0) % limit
  }

  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.below(256)))
  }
}

/** Recorded requests: whole envelopes, by version. */
function recordedEnvelopes(): Buffer[] {
  const envelopes: Buffer[] = []
  for (const name of goldenNames()) {
    for (const { request } of readGolden(name).exchanges) {
      if (request === undefined) continue
      const bytes = Buffer.from(request.envelope ?? request.wire, 'hex')
      if (bytes.length < 20_000) envelopes.push(bytes)
    }
  }
  return envelopes
}

const ENVELOPES = recordedEnvelopes()
/** Numbers that lengths and counts go wrong at. */
const EDGES = [
  0, 1, -1, -2, -3, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, -0x80000000, 0x1000000,
]

function mutate(dice: Dice, original: Buffer): Buffer {
  let bytes = Buffer.from(original)
  for (let times = dice.below(4); times >= 0; times--) {
    if (bytes.length === 0) return dice.bytes(dice.below(40))
    const at = dice.below(bytes.length)
    switch (dice.below(8)) {
      case 0:
        bytes[at] ^= 1 << dice.below(8)
        break
      case 1:
        bytes[at] = dice.below(256)
        break
      case 2:
        bytes = bytes.subarray(0, at)
        break
      case 3:
        bytes = Buffer.concat([bytes.subarray(0, at), dice.bytes(dice.below(20)), bytes.subarray(at)])
        break
      case 4:
        bytes = Buffer.concat([bytes, bytes.subarray(at)])
        break
      case 5:
        if (at + 4 <= bytes.length) bytes.writeInt32BE(EDGES[dice.below(EDGES.length)], at)
        break
      case 6:
        if (at + 2 <= bytes.length) bytes.writeUInt16BE(EDGES[dice.below(EDGES.length)] & 0xffff, at)
        break
      default:
        bytes = Buffer.concat([bytes.subarray(at), ENVELOPES[dice.below(ENVELOPES.length)]])
    }
  }
  return bytes
}

function anInput(dice: Dice): Buffer {
  if (dice.below(10) === 0) return dice.bytes(dice.below(200))
  return mutate(dice, ENVELOPES[dice.below(ENVELOPES.length)])
}

/** Runs `check` on many inputs; a failure names the seed and the input. */
function fuzz(inputs: number, salt: number, check: (dice: Dice, input: Buffer) => void): void {
  const dice = new Dice(SEED ^ salt)
  for (let i = 0; i < inputs; i++) {
    const input = anInput(dice)
    try {
      check(dice, input)
    } catch (error) {
      throw new Error(`seed ${SEED}, input ${i}: ${input.toString('hex')}`, { cause: error })
    }
  }
}

const LIMITS = {
  frameSizeMax: 65_536,
  messageSizeMax: 65_536,
  allowOlderProtocols: true,
  consecutiveErrorsMax: 1,
}

function anInboundDecoder(dice: Dice): { inbound: InboundDecoder; mode: number } {
  const inbound = new InboundDecoder(LIMITS, 'channel')
  const mode = dice.below(6)
  inbound.connectionVersion = [0, 3, 4, 4, 5, 5][mode]
  inbound.isReady = dice.below(4) > 0
  if (mode === 2) inbound.useCompression(frameCompressor('lz4'))
  if (mode === 3) inbound.useCompression(frameCompressor('snappy'))
  if (mode >= 4) inbound.useSegments(mode === 5)
  return { inbound, mode }
}

/** Sometimes a right segment around wrong envelopes, so that more than checksums is tried. */
function framed(dice: Dice, input: Buffer, mode: number): Buffer {
  if (mode < 4 || dice.below(5) === 0) return input
  return segment(input.subarray(0, 131_071), dice.below(4) > 0, mode === 5)
}

describe('hostile bytes', () => {
  it('make a request or a ProtocolError', () => {
    const decoder = new RequestDecoder()
    fuzz(Math.ceil(INPUTS * 0.3), 1, (dice, input) => {
      const version = 3 + dice.below(3)
      const start = dice.below(Math.max(1, Math.min(12, input.length)))
      try {
        decoder.decode(
          version,
          dice.below(2) * 4,
          dice.below(17),
          input,
          Math.min(start, input.length),
          input.length,
        )
        if (dice.below(8) === 0) decoder.keep()
      } catch (error) {
        if (!(error instanceof CqlError)) throw error
      }
    })
  })

  it('make envelopes or errors, in every framing, and an end', () => {
    fuzz(Math.ceil(INPUTS * 0.4), 2, (dice, input) => {
      const { inbound, mode } = anInboundDecoder(dice)
      const decoder = new RequestDecoder()
      const wire = Buffer.concat([framed(dice, input, mode), framed(dice, anInput(dice), mode)])
      let found = 0
      for (let at = 0; at < wire.length; ) {
        const size = 1 + dice.below(wire.length)
        inbound.push(wire.subarray(at, at + size))
        at += size
        for (let kind = inbound.next(); kind !== 'nothing'; kind = inbound.next()) {
          if (++found > wire.length + 10) throw new Error('it does not end')
          if (kind === 'error') {
            if (!(inbound.error instanceof CqlError)) throw inbound.error
            continue
          }
          const { version, flags, opcode, body, bodyStart, bodyEnd } = inbound
          if (bodyStart < 0 || bodyEnd < bodyStart || bodyEnd > body.length)
            throw new Error('a body outside of its buffer')
          try {
            decoder.decode(version, flags, opcode, body, bodyStart, bodyEnd)
          } catch (error) {
            if (!(error instanceof CqlError)) throw error
            inbound.countMessageError()
          }
        }
        if (inbound.buffered > wire.length + 65_536) throw new Error('it keeps more than came')
      }
    })
  })

  it(
    'decompress or are refused',
    () => {
      fuzz(Math.ceil(INPUTS * 0.1), 3, (dice, input) => {
        const tries = [
          () => lz4DecompressBlock(input, 0, input.length, dice.below(70_000)),
          () =>
            frameCompressor('lz4').decompress(
              mutate(dice, Buffer.from(frameCompressor('lz4').compress(input))),
              65_536,
            ),
          () => frameCompressor('snappy').decompress(input, 65_536),
          () =>
            frameCompressor('snappy').decompress(
              mutate(dice, Buffer.from(frameCompressor('snappy').compress(input))),
              65_536,
            ),
        ]
        try {
          tries[dice.below(tries.length)]()
        } catch (error) {
          if (!(error instanceof CqlError)) throw error
        }
      })
    },
    TIMEOUT_MS,
  )

  it("don't bring down the client's decoder beyond an exception", () => {
    fuzz(Math.ceil(INPUTS * 0.05), 4, (dice, input) => {
      try {
        decodeResponse(3 + dice.below(3), dice.below(17), dice.below(16), input.subarray(0, 2_000))
      } catch (error) {
        if (!(error instanceof CqlError) && !(error instanceof TypeError)) throw error
      }
    })
  })
})

describe('a whole server', () => {
  const handler = new FakeHandler()
  let transport: NativeTransport
  let unhandled = 0
  const count = (): void => {
    unhandled++
  }

  beforeAll(async () => {
    process.on('unhandledRejection', count)
    process.on('uncaughtException', count)
    transport = await NativeTransport.start({
      network: new NodeNetwork(),
      host: '127.0.0.1',
      port: 0,
      handler,
      config: { native_transport_max_frame_size: 65_536, native_transport_max_message_size: 65_536 },
    })
  })

  afterAll(async () => {
    process.off('unhandledRejection', count)
    process.off('uncaughtException', count)
    await transport.stop()
  })

  /** One hostile connection: perhaps a STARTUP, then inputs until the server has had enough. */
  async function attack(dice: Dice, inputs: number): Promise<void> {
    const socket = await connector('127.0.0.1', transport.address.port)()
    socket.on('error', () => {})
    const answers = new ResponseDecoder()
    socket.on('data', (chunk) => answers.push(chunk))
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
    const version = 3 + dice.below(3)
    const isStarted = dice.below(5) > 0
    const compression = ['', 'lz4', 'snappy'][dice.below(version === 5 ? 2 : 3)]
    if (isStarted) {
      const options = { CQL_VERSION: '3.0.0', ...(compression === '' ? {} : { COMPRESSION: compression }) }
      socket.write(envelope(version, 0, 1, Opcode.STARTUP, startupBody(options)))
    }
    for (let i = 0; i < inputs && !socket.destroyed; i++) {
      const mode = version === 5 && isStarted ? (compression === 'lz4' ? 5 : 4) : 0
      const input = anInput(dice)
      // The version of this connection more often than not, or nothing but the first check is tried.
      if (input.length > 0 && dice.below(4) > 0) input[0] = version
      socket.write(framed(dice, input, mode))
      if (dice.below(10) === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    await new Promise((resolve) => setTimeout(resolve, 1))
    if (dice.below(2) === 0) socket.resetAndDestroy()
    else socket.destroy()
    await closed
  }

  it(
    'outlives them, serves others meanwhile, and keeps nothing',
    async () => {
      const dice = new Dice(SEED ^ 5)
      const healthy = await TestClient.connect(transport.address.port, { version: 5, compression: 'lz4' })
      const inputs = Math.ceil(INPUTS * 0.15)
      const perConnection = 20
      let done = 0
      let baseline = 0
      while (done < inputs) {
        const attacks = Array.from({ length: 8 }, () => attack(dice, perConnection))
        await Promise.all(attacks)
        done += 8 * perConnection
        const answer = await healthy.query(`echo alive ${done}`)
        expect(answer['kind']).toBe('rows')
        if (baseline === 0 && done > inputs / 4) baseline = process.memoryUsage().rss
      }
      await expect.poll(() => transport.connections().length).toBe(1)
      expect(transport.requestBytesInFlight).toBe(0)
      expect(unhandled).toBe(0)
      expect(process.memoryUsage().rss - baseline).toBeLessThan(150 * 1024 * 1024)
      healthy.close()
      await expect.poll(() => transport.connections().length).toBe(0)
    },
    TIMEOUT_MS,
  )
})
