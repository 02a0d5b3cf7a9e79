import { describe, expect, it } from 'vitest'
import { SimRandom } from '../../../test/sim/sim-random.ts'
import { endpoint } from '../endpoint.ts'
import { Ring, type RingNode } from './ring.ts'

import { chooseTokens, tokenSettings } from './token-choice.ts'

function nodeOf(number: number, dataCenter: string = 'dc1'): RingNode {
  return { hostId: `host${number}`, endpoint: endpoint(`10.0.0.${number + 1}`)!, dataCenter, rack: 'r1' }
}

describe('token settings', () => {
  it('are read as DatabaseDescriptor reads them', () => {
    expect(tokenSettings(undefined, undefined)).toEqual({ tokens: null, count: 256 })
    expect(tokenSettings(undefined, 16)).toEqual({ tokens: null, count: 16 })
    expect(tokenSettings('-5', undefined)).toEqual({ tokens: [-5n], count: 1 })
    expect(tokenSettings(' 1, +2 ,-9223372036854775808', 3).tokens).toEqual([1n, 2n, -(2n ** 63n)])
  })

  it.each([
    ['1,2', undefined, 'initial_token was set but num_tokens is not!'],
    [
      '1,2',
      3,
      'The number of initial tokens (by initial_token) specified (2) is different from num_tokens value (3)',
    ],
    [
      '1,x',
      2,
      'Invalid token for Murmur3Partitioner. Got x but expected a long value (unsigned 8 bytes integer).',
    ],
    [
      '9223372036854775808',
      1,
      'Invalid token for Murmur3Partitioner. Got 9223372036854775808 but expected a long value (unsigned 8 bytes integer).',
    ],
    [undefined, 0, 'num_tokens must be >= 1'],
    [undefined, 1537, 'A maximum number of 1536 tokens per node is supported'],
  ])('refuse %s with %s', (initial, count, message) => {
    expect(() => tokenSettings(initial, count)).toThrow(message)
  })
})

/** The largest difference of a node from an even part, where all is 1. */
function worst(ring: Ring): number {
  const owned = new Map(ring.nodes.map((node) => [node.hostId, 0]))
  ring.ranges().forEach(({ left, right }, position) => {
    const owner = ring.nodes[ring.owners[position]!]!.hostId
    owned.set(owner, owned.get(owner)! + Number(BigInt.asUintN(64, right - left)) / 2 ** 64)
  })
  return Math.max(...[...owned.values()].map((part) => Math.abs(part * ring.nodes.length - 1)))
}

/** A ring of nodes that join one after another, or all at once without seeing each other. */
function grow(seed: number, nodes: number, count: number, areBlind: boolean): Ring {
  const random = new SimRandom(seed)
  let ring = Ring.EMPTY
  for (let i = 0; i < nodes; i++) {
    const tokens = chooseTokens(tokenSettings(undefined, count), 'dc1', areBlind ? Ring.EMPTY : ring, random)
    ring = ring.with(nodeOf(i), tokens)
  }
  return ring
}

describe('chosen tokens', () => {
  it('leave six nodes of 256 within 15 % of even in each of 100 rings that see each other', () => {
    const all = Array.from({ length: 100 }, (_, seed) => worst(grow(seed, 6, 256, false)))
    expect(all.filter((difference) => difference <= 0.15)).toHaveLength(100)
    expect(all.toSorted((a, b) => a - b)[94]).toBeLessThan(0.07)
  })

  it('leave them so in 95 of 100 rings of nodes that start at once', () => {
    const all = Array.from({ length: 100 }, (_, seed) => worst(grow(seed, 6, 256, true)))
    expect(all.filter((difference) => difference <= 0.15).length).toBeGreaterThanOrEqual(95)
  })

  it('are as many as were asked for, all different, and the same for the same seed', () => {
    for (const count of [1, 2, 3, 16, 256, 1536]) {
      const ring = grow(count, 4, count, false)
      expect(ring.size).toBe(4 * count)
      expect(ring.members()).toEqual(grow(count, 4, count, false).members())
    }
  })

  it('look at the nodes of their data centre only', () => {
    const settings = tokenSettings(undefined, 16)
    const other = Ring.of([{ node: nodeOf(0, 'dc2'), tokens: [1n, 2n, 3n] }])
    const alone = chooseTokens(settings, 'dc1', Ring.EMPTY, new SimRandom(7))
    expect(chooseTokens(settings, 'dc1', other, new SimRandom(7))).toEqual(alone)
    expect(chooseTokens(settings, 'dc2', other, new SimRandom(7))).not.toEqual(alone)
  })

  it('are those that were asked for, where nobody has them', () => {
    const ring = Ring.EMPTY.with(nodeOf(0), [100n, 200n])
    const choose = (text: string, count: number) =>
      chooseTokens(tokenSettings(text, count), 'dc1', ring, new SimRandom(1))
    expect(choose('150,300', 2)).toEqual([150n, 300n])
    expect(() => choose('150,200', 2)).toThrow(
      'Bootstrapping to existing token 200 is not allowed (decommission/removenode the old node first).',
    )
  })
})
