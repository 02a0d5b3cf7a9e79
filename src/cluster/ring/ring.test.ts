import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FULL_RING, type TokenRange } from '../../model/read-command.ts'
import { endpoint } from '../endpoint.ts'
import { RangeSplit } from './range-split.ts'
import { NO_CHANGES, Ring, type RingMember, type RingNode } from './ring.ts'
import {
  EVERYWHERE,
  localStrategy,
  networkTopologyStrategy,
  oldNetworkTopologyStrategy,
  type ReplicationStrategy,
  simpleStrategy,
} from './strategy.ts'
import { MAXIMUM_TOKEN, MINIMUM_TOKEN, rangeContains, tokenFrom, tokenHigh, tokenLow } from './token.ts'

function nodeOf(number: number, dataCenter: string = 'dc1', rack: string = 'r1'): RingNode {
  return { hostId: `host${number}`, endpoint: endpoint(`10.0.0.${number}`)!, dataCenter, rack }
}

function replicas(ring: Ring, strategy: ReplicationStrategy, token: bigint): string {
  const nodes = ring.replicas(strategy, tokenHigh(token), tokenLow(token))
  return nodes.map((node) => node.hostId.slice(4)).join(' ')
}

const token = fc.oneof(
  fc.bigInt({ min: MINIMUM_TOKEN + 1n, max: MAXIMUM_TOKEN }),
  fc.bigInt({ min: -20n, max: 20n }),
  fc.bigInt({ min: MAXIMUM_TOKEN - 9n, max: MAXIMUM_TOKEN }),
  fc.bigInt({ min: MINIMUM_TOKEN + 1n, max: MINIMUM_TOKEN + 9n }),
)

/** Members with tokens that nobody else has. */
const members: fc.Arbitrary<RingMember[]> = fc
  .tuple(
    fc.uniqueArray(token, { minLength: 1, maxLength: 40 }),
    fc.array(fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 4 })), {
      minLength: 1,
      maxLength: 12,
    }),
  )
  .map(([tokens, places]) =>
    places
      .map(([dataCenter, rack], i) => ({
        node: nodeOf(i, `dc${dataCenter}`, `r${rack}`),
        tokens: tokens.filter((_, at) => at % places.length === i),
      }))
      .filter((member) => member.tokens.length > 0),
  )

const factor = fc.integer({ min: 0, max: 6 })
const strategy: fc.Arbitrary<ReplicationStrategy> = fc.oneof(
  factor.map(simpleStrategy),
  factor.map(oldNetworkTopologyStrategy),
  fc
    .tuple(factor, factor, factor)
    .map((factors) => networkTopologyStrategy(factors.map((each, i) => [`dc${i + 1}`, each] as const))),
  fc.constant(EVERYWHERE),
)

describe('the documents’ ring of eight nodes', () => {
  const eight = Array.from({ length: 8 }, (_, i) => i + 1)
  const ring = Ring.of(eight.map((number) => ({ node: nodeOf(number), tokens: [BigInt(number) * 100n] })))

  it('has as many nodes in each data centre', () => {
    const more = ring.with(nodeOf(9, 'dc0'), [5n]).with(nodeOf(10, 'dc0'), [6n])
    expect([...more.dataCenters()]).toEqual([
      ['dc0', 2],
      ['dc1', 8],
    ])
  })

  it('gives a token to the node with the next one, around the end', () => {
    const owner = (value: bigint) => ring.ownerOf(tokenHigh(value), tokenLow(value))!.hostId
    expect([1n, 100n, 101n, 200n, 799n, 800n].map(owner)).toEqual(
      [1, 1, 2, 2, 8, 8].map((number) => `host${number}`),
    )
    expect([801n, MAXIMUM_TOKEN, -1n, MINIMUM_TOKEN].map(owner)).toEqual(Array(4).fill('host1'))
    expect(ring.range(0)).toEqual({ left: 800n, right: 100n })
    expect(ring.range(4)).toEqual({ left: 400n, right: 500n })
  })

  it('replicates on the next nodes clockwise', () => {
    expect(replicas(ring, simpleStrategy(3), 150n)).toBe('2 3 4')
    expect(replicas(ring, simpleStrategy(3), 700n)).toBe('7 8 1')
    expect(replicas(ring, simpleStrategy(3), 801n)).toBe('1 2 3')
    expect(replicas(ring, simpleStrategy(9), 500n)).toBe('5 6 7 8 1 2 3 4')
    expect(replicas(ring, simpleStrategy(0), 500n)).toBe('')
  })

  it('lets a node that joins take a part of one, and gives it back when it leaves', () => {
    const nine = ring.with(nodeOf(9), [550n])
    expect(replicas(nine, simpleStrategy(2), 520n)).toBe('9 6')
    expect(replicas(nine, simpleStrategy(2), 560n)).toBe('6 7')
    expect(nine.without('host9').members()).toEqual(ring.members())
  })

  it('tells primary ranges and all ranges of a node', () => {
    const placement = ring.placement(simpleStrategy(3))
    expect(placement.primaryRangesOf('host4')).toEqual([{ left: 300n, right: 400n }])
    expect(placement.rangesOf('host2').map((range) => range.right)).toEqual([100n, 200n, 800n])
    expect(placement.rangesOf('nobody')).toEqual([])
  })

  it('is asked for a part of it piece by piece', () => {
    const range = (start: bigint, end: bigint, inclusive: boolean): TokenRange => ({
      startHi: tokenHigh(start),
      startLo: tokenLow(start),
      startInclusive: inclusive,
      endHi: tokenHigh(end),
      endLo: tokenLow(end),
      endInclusive: inclusive,
      afterKey: new Uint8Array([7]),
    })
    const text = (piece: TokenRange) =>
      `${piece.startInclusive ? '[' : '('}${tokenFrom(piece.startHi, piece.startLo)}, ` +
      `${tokenFrom(piece.endHi, piece.endLo)}${piece.endInclusive ? ']' : ')'}${piece.afterKey === null ? '' : '+'}`
    const pieces = (of: TokenRange) => [...new RangeSplit(ring, of)].map(text)
    // The token at which a range begins is a piece of its own where it is part of the range.
    expect(pieces(range(200n, 400n, true))).toEqual(['[200, 200]+', '(200, 300]', '(300, 400]'])
    expect(pieces(range(200n, 400n, false))).toEqual(['(200, 300]+', '(300, 400)'])
    expect(pieces(range(201n, 299n, true))).toEqual(['[201, 299]+'])
    expect(pieces(range(750n, 900n, false))).toEqual(['(750, 800]+', '(800, 900)'])
    expect(pieces(range(300n, 300n, true))).toEqual(['[300, 300]+'])
    expect(pieces(FULL_RING)).toHaveLength(9)
    const split = new RangeSplit(ring, FULL_RING)
    const lists = Array.from({ length: 9 }, (_, i) => split.replicas(ring.placement(simpleStrategy(1)), i))
    expect(lists.map((list) => list[0]!.hostId.slice(4)).join('')).toBe('123456781')
  })
})

describe('strategies', () => {
  /** Rings by "data centre, rack" in the order of their tokens. */
  function ringOf(...places: readonly (readonly [string, string])[]): Ring {
    return Ring.of(
      places.map(([dataCenter, rack], i) => ({
        node: nodeOf(i + 1, dataCenter, rack),
        tokens: [BigInt(i + 1) * 10n],
      })),
    )
  }

  it('of old put the second replica in another data centre and the third in another rack', () => {
    const ring = ringOf(['a', '1'], ['a', '1'], ['a', '2'], ['b', '1'], ['b', '2'], ['a', '3'])
    expect(replicas(ring, oldNetworkTopologyStrategy(1), 10n)).toBe('1')
    expect(replicas(ring, oldNetworkTopologyStrategy(2), 10n)).toBe('1 3')
    // In the order of the ring: what is found first is first.
    expect(replicas(ring, oldNetworkTopologyStrategy(3), 10n)).toBe('1 3 4')
    expect(replicas(ring, oldNetworkTopologyStrategy(4), 10n)).toBe('1 3 4 2')
    expect(replicas(ring, oldNetworkTopologyStrategy(3), 40n)).toBe('4 5 6')
    expect(replicas(ring, oldNetworkTopologyStrategy(9), 60n)).toBe('6 1 4 2 3 5')
    // Without another data centre or rack the rest come as they are.
    expect(replicas(ringOf(['a', '1'], ['a', '1'], ['a', '1']), oldNetworkTopologyStrategy(2), 30n)).toBe(
      '3 1',
    )
  })

  it('may keep everything on one node or on all', () => {
    const ring = ringOf(['a', '1'], ['b', '1'], ['a', '2'])
    expect(replicas(ring, EVERYWHERE, 11n)).toBe('2 3 1')
    expect(replicas(ring, localStrategy(nodeOf(3)), 11n)).toBe('3')
    expect(replicas(Ring.EMPTY, localStrategy(nodeOf(3)), 11n)).toBe('3')
    expect(replicas(Ring.EMPTY, EVERYWHERE, 11n)).toBe('')
  })

  it('give one list for the same replicas, frozen, from a table that is kept', () => {
    const ring = ringOf(['a', '1'], ['b', '1'])
    const list = ring.replicas(networkTopologyStrategy([['a', 1]]), 0, 5)
    expect(ring.replicas(networkTopologyStrategy([['a', 1]]), 0, 15)).toBe(list)
    expect(Object.isFrozen(list)).toBe(true)
    expect(ring.placement(simpleStrategy(1))).toBe(ring.placement(simpleStrategy(1)))
  })
})

describe('every ring', () => {
  it('has an owner for every token, whose range it is in and no other', () => {
    fc.assert(
      fc.property(members, token, (all, value) => {
        const ring = Ring.of(all)
        const position = ring.positionOf(tokenHigh(value), tokenLow(value))
        const containing = ring.ranges().flatMap((range, i) => (rangeContains(range, value) ? [i] : []))
        expect(containing).toEqual([position])
        expect(ring.ownerOf(tokenHigh(value), tokenLow(value))).toBe(ring.nodes[ring.owners[position]!])
      }),
    )
  })

  it('never exceeds a factor and never repeats a replica', () => {
    fc.assert(
      fc.property(members, strategy, (all, how) => {
        const ring = Ring.of(all)
        const placement = ring.placement(how)
        for (let position = 0; position < ring.size; position++) {
          const list = placement.replicasAt(position)
          expect(new Set(list).size).toBe(list.length)
          if (how.kind === 'NetworkTopologyStrategy') {
            for (const name of ['dc1', 'dc2', 'dc3']) {
              const nodes = ring.nodes.filter((node) => node.dataCenter === name).length
              const wanted = Math.min(how.factors.get(name) ?? 0, nodes)
              expect(list.filter((node) => node.dataCenter === name)).toHaveLength(wanted)
            }
          } else {
            const wanted =
              how.kind === 'EverywhereStrategy' ? ring.nodes.length : (how as { factor: number }).factor
            expect(list).toHaveLength(Math.min(wanted, ring.nodes.length))
            if (wanted > 0) expect(list[0]).toBe(ring.nodes[ring.owners[position]!])
          }
        }
      }),
    )
  })

  it('is the same again after a node has come and gone, and in whatever order nodes came', () => {
    fc.assert(
      fc.property(members, fc.uniqueArray(token, { minLength: 1, maxLength: 5 }), (all, tokens) => {
        const ring = Ring.of(all)
        const taken = new Set(all.flatMap((member) => [...member.tokens]))
        const added = ring.with(
          nodeOf(99),
          tokens.filter((each) => !taken.has(each)),
        )
        expect(added.without('host99').members()).toEqual(ring.members())
        expect(Ring.of(all.toReversed()).members()).toEqual(ring.members())
      }),
    )
  })

  it('is read whole by the pieces of a range, each with one list of replicas', () => {
    fc.assert(
      fc.property(members, token, token, fc.boolean(), fc.boolean(), (all, a, b, fromStart, toEnd) => {
        const ring = Ring.of(all)
        const [start, end] = a < b ? [a, b] : [b, a]
        if (start === end && !(fromStart && toEnd)) return
        const range = {
          startHi: tokenHigh(start),
          startLo: tokenLow(start),
          startInclusive: fromStart,
          endHi: tokenHigh(end),
          endLo: tokenLow(end),
          endInclusive: toEnd,
          afterKey: null,
        }
        const split = new RangeSplit(ring, range)
        const pieces = [...split]
        expect(pieces).toHaveLength(split.count)
        const first = pieces[0]!
        expect([first.startHi, first.startLo, first.startInclusive]).toEqual([
          range.startHi,
          range.startLo,
          fromStart,
        ])
        const placement = ring.placement(simpleStrategy(3))
        pieces.forEach((piece, i) => {
          const next = pieces[i + 1]
          if (next === undefined) {
            expect([piece.endHi, piece.endLo, piece.endInclusive]).toEqual([range.endHi, range.endLo, toEnd])
          } else {
            expect([next.startHi, next.startLo]).toEqual([piece.endHi, piece.endLo])
            expect([piece.endInclusive, next.startInclusive]).toEqual([true, false])
          }
          const inside = piece.startInclusive
            ? tokenFrom(piece.startHi, piece.startLo)
            : tokenFrom(piece.startHi, piece.startLo) + 1n
          expect(split.replicas(placement, i)).toBe(placement.replicas(tokenHigh(inside), tokenLow(inside)))
        })
      }),
      { numRuns: 300 },
    )
  })
})

describe('changes', () => {
  const ring = Ring.of([
    { node: nodeOf(1), tokens: [100n] },
    { node: nodeOf(2), tokens: [200n] },
    { node: nodeOf(3), tokens: [300n] },
  ])
  const pending = (of: Ring, value: bigint) =>
    of
      .pendingReplicas(simpleStrategy(2), tokenHigh(value), tokenLow(value))
      .map((node) => node.hostId)
      .join(' ')

  it('are seen by writes and not by placement', () => {
    const changing = ring.changing({
      joining: [{ node: nodeOf(4), tokens: [150n] }],
      leaving: ['host3'],
      moving: [],
    })
    expect(replicas(changing, simpleStrategy(2), 120n)).toBe(replicas(ring, simpleStrategy(2), 120n))
    expect(pending(changing, 120n)).toBe('host1 host4')
    expect(pending(changing, 160n)).toBe('host1')
    expect(pending(ring, 160n)).toBe('')
  })

  it('end when the node is there, or gone', () => {
    const joining = { joining: [{ node: nodeOf(4), tokens: [150n] }], leaving: [], moving: [] }
    expect(ring.changing(joining).with(nodeOf(4), [150n]).changes).toBe(NO_CHANGES)
    expect(ring.changing(joining).without('host4').changes).toBe(NO_CHANGES)
    expect(ring.changing({ joining: [], leaving: [], moving: [] }).changes).toBe(NO_CHANGES)
    expect(ring.changing({ ...joining, leaving: ['host1'] }).without('host1').changes).toEqual(joining)
  })

  it('let a node replace another that has its tokens, or its endpoint', () => {
    const replaced = ring.with(nodeOf(4), [200n])
    expect(replaced.nodes.map((node) => node.hostId)).toEqual(['host1', 'host3', 'host4'])
    const renamed = ring.with({ ...nodeOf(2), hostId: 'other' }, [250n])
    expect(renamed.node('host2')).toBeNull()
    expect(renamed.nodeAt('10.0.0.2:7000')!.hostId).toBe('other')
    expect(renamed.tokensOf('other')).toEqual([250n])
  })
})
