import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { parseEndpoint } from '../../../src/cluster/endpoint.ts'
import { tokenOwnership } from '../../../src/cluster/ring/describe.ts'
import { type RingMember, Ring } from '../../../src/cluster/ring/ring.ts'
import { strategyOf } from '../../../src/cluster/ring/strategy.ts'
import { tokenHigh, tokenLow } from '../../../src/cluster/ring/token.ts'

/** A ring as test/golden/ring/Placements.java writes it. */
interface Recorded {
  readonly seed: number
  readonly nodes: readonly (readonly [endpoint: string, dataCenter: string, rack: string, tokens: string[]])[]
  readonly ownership: readonly number[]
  readonly changes: {
    readonly leaving: readonly string[]
    readonly joining: readonly string[]
    readonly moving: readonly [node: string, token: string] | null
    readonly positions: readonly string[]
  }
  readonly strategies: readonly {
    readonly replication: Readonly<Record<string, string>>
    readonly replicas: readonly string[]
    readonly pending: readonly string[]
  }[]
}

const text = gunzipSync(readFileSync(new URL('placements.jsonl.gz', import.meta.url))).toString()
const recorded = text
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as Recorded)

/** Nodes whose host ids are the digits that the recording names them by. */
function membersOf({ nodes }: Recorded): RingMember[] {
  return nodes.map(([endpoint, dataCenter, rack, tokens], i) => ({
    node: { hostId: i.toString(36), endpoint: parseEndpoint(endpoint)!, dataCenter, rack },
    tokens: tokens.map(BigInt),
  }))
}

function rings(each: Recorded): { readonly ring: Ring; readonly changing: Ring } {
  const { joining, leaving, moving } = each.changes
  const members = membersOf(each)
  const ring = Ring.of(members.filter((member) => !joining.includes(member.node.hostId)))
  const changing = ring.changing({
    leaving,
    joining: members.filter((member) => joining.includes(member.node.hostId)),
    moving:
      moving === null ? [] : [{ node: members[parseInt(moving[0], 36)]!.node, tokens: [BigInt(moving[1])] }],
  })
  return { ring, changing }
}

describe('rings as Cassandra sees them', () => {
  it('are of many shapes', () => {
    const counts = (of: (each: Recorded) => number) => new Set(recorded.map(of)).size
    expect(recorded.length).toBeGreaterThanOrEqual(100)
    expect(counts((each) => each.nodes.length)).toBeGreaterThanOrEqual(12)
    expect(counts((each) => new Set(each.nodes.map((node) => node[1])).size)).toBe(3)
    const pending = recorded.flatMap((each) => each.strategies.flatMap((strategy) => strategy.pending))
    expect(pending.filter((nodes) => nodes !== '').length).toBeGreaterThan(1000)
  })

  it.each(recorded)('have its natural replicas: seed $seed', (each) => {
    const { ring } = rings(each)
    for (const { replication, replicas } of each.strategies) {
      const strategy = strategyOf(new Map(Object.entries(replication)), ring.nodes[0]!)
      const ours = ring.ranges().map(({ right }) =>
        ring
          .replicas(strategy, tokenHigh(right), tokenLow(right))
          .map((node) => node.hostId)
          .join(''),
      )
      expect(ours, strategy.key).toEqual(replicas)
    }
  })

  it('own what it says, to the last digit', () => {
    for (const each of recorded) expect(tokenOwnership(rings(each).ring)).toEqual(each.ownership.map(Math.fround))
  })

  it.each(recorded)('have its pending replicas: seed $seed', (each) => {
    const { changing } = rings(each)
    for (const { replication, pending } of each.strategies) {
      const strategy = strategyOf(new Map(Object.entries(replication)), changing.nodes[0]!)
      const ours = each.changes.positions.map((position) => {
        const token = BigInt(position)
        const nodes = changing.pendingReplicas(strategy, tokenHigh(token), tokenLow(token))
        return nodes
          .map((node) => node.hostId)
          .sort()
          .join('')
      })
      expect(ours, strategy.key).toEqual(pending)
    }
  })
})
