import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { endpointOf } from '../endpoint.ts'
import { APPLICATION_STATES } from './application-state.ts'
import { decodeGossip, encodeGossip, GossipFormatError } from './codec.ts'
import type { EndpointStateView } from './endpoint-state.ts'
import type { GossipMessage } from './message.ts'
import { parseTokens, tokensValue } from './versioned-value.ts'

const endpoint = fc
  .tuple(
    fc.oneof(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.uint8Array({ minLength: 16, maxLength: 16 })),
    fc.nat(65535),
  )
  .map(([address, port]) => endpointOf(address, port))
const generation = fc.nat(0xffff_ffff)
const version = fc.integer({ min: -1, max: 0x7fff_ffff })
const text = fc.string({ unit: 'grapheme' })
const digest = fc.record({ endpoint, generation, maxVersion: version })
const state: fc.Arbitrary<EndpointStateView> = fc.record(
  {
    heartbeat: fc.record({ generation, version }),
    states: fc
      .uniqueArray(fc.tuple(fc.constantFrom(...APPLICATION_STATES), fc.record({ value: text, version })), {
        selector: ([name]) => name,
      })
      .map((states) => new Map(states)),
    since: fc.integer({ min: 1, max: 0x7fff_ffff }),
  },
  { requiredKeys: ['heartbeat', 'states'] },
)
const states = fc.array(fc.tuple(endpoint, state))
const message: fc.Arbitrary<GossipMessage> = fc.oneof(
  fc.record({
    verb: fc.constant('GOSSIP_DIGEST_SYN' as const),
    clusterName: text,
    partitioner: text,
    digests: fc.array(digest),
  }),
  fc.record({ verb: fc.constant('GOSSIP_DIGEST_ACK' as const), digests: fc.array(digest), states }),
  fc.record({ verb: fc.constant('GOSSIP_DIGEST_ACK2' as const), states }),
  fc.record({ verb: fc.constant('GOSSIP_SHUTDOWN' as const), state }),
)
const VERBS = ['GOSSIP_DIGEST_SYN', 'GOSSIP_DIGEST_ACK', 'GOSSIP_DIGEST_ACK2', 'GOSSIP_SHUTDOWN'] as const

/** The message, or that the bytes are none; everything else is a bug. */
function tried(verb: GossipMessage['verb'], bytes: Uint8Array): GossipMessage | null {
  try {
    return decodeGossip(verb, bytes)
  } catch (error) {
    expect(error).toBeInstanceOf(GossipFormatError)
    return null
  }
}

describe('gossip messages', () => {
  it('come back as they were', () => {
    fc.assert(
      fc.property(message, (said) => {
        expect(decodeGossip(said.verb, encodeGossip(said))).toEqual(said)
      }),
    )
  })

  it('are refused when cut anywhere, and with something behind', () => {
    fc.assert(
      fc.property(message, (said) => {
        const bytes = encodeGossip(said)
        for (let length = 0; length < bytes.length; length++) {
          expect(tried(said.verb, bytes.subarray(0, length))).toBeNull()
        }
        expect(tried(said.verb, Uint8Array.of(...bytes, 0))).toBeNull()
      }),
      { numRuns: 30 },
    )
  })

  it('of any bytes are a message or an error', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      // A message in which some bytes are others.
      fc
        .tuple(message, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }))
        .map(([said, changes]) => {
          const changed = encodeGossip(said)
          for (const [at, value] of changes) changed[at % changed.length] = value
          return changed
        }),
    )
    fc.assert(
      fc.property(fc.constantFrom(...VERBS), bytes, (verb, some) => {
        const said = tried(verb, some)
        // What was understood can be said again, but for states that this node doesn't know.
        if (said !== null) expect(tried(verb, encodeGossip(said))).toEqual(said)
      }),
      { numRuns: 2000 },
    )
  })

  it('pass over states of newer nodes', () => {
    const said: GossipMessage = {
      verb: 'GOSSIP_SHUTDOWN',
      state: {
        heartbeat: { generation: 1, version: 2 },
        states: new Map([['LOAD', { value: '1.0', version: 3 }]]),
      },
    }
    const bytes = encodeGossip(said)
    bytes[14] = 200
    expect(decodeGossip('GOSSIP_SHUTDOWN', bytes)).toEqual({
      verb: 'GOSSIP_SHUTDOWN',
      state: { heartbeat: { generation: 1, version: 2 }, states: new Map() },
    })
  })
})

it('writes tokens as Cassandra does, and reads no others', () => {
  const tokens = [-(2n ** 63n), -1n, 0n, 2n ** 63n - 1n]
  const value = tokensValue(tokens)
  expect(Buffer.from(value, 'latin1').toString('hex')).toBe(
    '000000088000000000000000' +
      '00000008ffffffffffffffff' +
      '000000080000000000000000' +
      '000000087fffffffffffffff' +
      '00000000',
  )
  expect(parseTokens(value)).toEqual(tokens)
  expect(parseTokens('')).toBeUndefined()
  expect(parseTokens(value.slice(1))).toBeUndefined()
  expect(parseTokens(value.slice(0, -4))).toBeUndefined()
})
