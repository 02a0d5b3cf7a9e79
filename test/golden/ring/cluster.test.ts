import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseEndpoint } from '../../../src/cluster/endpoint.ts'
import {
  describeRing,
  effectiveOwnership,
  endpointsOf,
  OwnershipError,
} from '../../../src/cluster/ring/describe.ts'
import { Ring, type RingNode } from '../../../src/cluster/ring/ring.ts'
import { localStrategy, type ReplicationStrategy, simpleStrategy, strategyOf } from '../../../src/cluster/ring/strategy.ts'
import { tokenFrom } from '../../../src/cluster/ring/token.ts'
import { murmur3Token } from '../../../src/common/murmur3.ts'

/** What test/golden/ring/record-cluster.js writes. */
interface Recorded {
  readonly nodes: readonly {
    readonly broadcast_address: string
    readonly host_id: string
    readonly data_center: string
    readonly rack: string
    readonly tokens: readonly string[]
  }[]
  readonly keyspaces: Readonly<Record<string, string>>
  readonly endpoints: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>
  readonly describering: Readonly<Record<string, string>>
  readonly status: readonly {
    readonly keyspaces: readonly string[]
    readonly keyspace: string | null
    readonly text: string
  }[]
}

const recorded = JSON.parse(readFileSync(new URL('cluster.json', import.meta.url), 'utf8')) as Recorded

const ring = Ring.of(
  recorded.nodes.map((row) => ({
    node: {
      hostId: row.host_id,
      endpoint: parseEndpoint(row.broadcast_address)!,
      dataCenter: row.data_center,
      rack: row.rack,
    },
    tokens: row.tokens.map(BigInt),
  })),
)
const local = ring.nodes[0]!

const strategies = new Map<string, ReplicationStrategy>([
  ['system', localStrategy(local)],
  ['system_traces', simpleStrategy(2)],
])
for (const [name, text] of Object.entries(recorded.keyspaces)) {
  const options = new Map(Object.entries(JSON.parse(text.replaceAll("'", '"')) as Record<string, unknown>))
  const replication = new Map([...options].map(([key, value]) => [key, String(value)]))
  strategies.set(name, strategyOf(replication, local))
}

const native = ({ endpoint }: RingNode, withPort: boolean) =>
  withPort ? `${endpoint.host}:9042` : endpoint.host

/** The lines of ranges, in one order: Cassandra's is that of a hash map. */
function ranges(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('\t'))
    .map((line) => line.trim())
    .sort()
}

describe('nodetool of a ring of Cassandra', () => {
  it.each(Object.keys(recorded.keyspaces))('describes the ring of %s so', (name) => {
    const strategy = strategies.get(name)!
    expect(ranges(recorded.describering[name]!)).toHaveLength(ring.size)
    expect(describeRing(ring, name, strategy, native).sort()).toEqual(ranges(recorded.describering[name]!))
  })

  it('describes it with ports so, and refuses what has no ring', () => {
    const lines = describeRing(ring, 'ring_network', strategies.get('ring_network')!, native, true)
    expect(lines.sort()).toEqual(ranges(recorded.describering['-pp ring_network']!))
    for (const name of ['system', 'no_such']) {
      const message = /error: (.*)/.exec(recorded.describering[name]!)![1]!
      expect(() => describeRing(ring, name, strategies.get(name) ?? null, native)).toThrow(message)
    }
  })

  it.each(Object.entries(recorded.endpoints))('gives the endpoints of keys so: %s', (name, keys) => {
    const halves = new Int32Array(4)
    for (const [key, expected] of Object.entries(keys)) {
      murmur3Token(Uint8Array.of(0, 0, 0, Number(key)), 0, 4, halves)
      const token = tokenFrom(halves[0]!, halves[1]!)
      expect(endpointsOf(ring, strategies.get(name)!, token), key).toEqual(expected)
    }
  })

  it.each(recorded.status)('tells who owns what so: $keyspace of $keyspaces', (status) => {
    const owns = () => effectiveOwnership(ring, strategies, status.keyspaces, status.keyspace)
    const problem = /^(Note|Error): (.*)$/m.exec(status.text)
    if (problem !== null) {
      expect(owns).toThrow(new OwnershipError(problem[2]!, problem[1] === 'Note'))
      return
    }
    const expected = [...status.text.matchAll(/^UN\s+(\S+)\s+.* ([\d.]+)%/gm)].map(([, host, percent]) => [
      `${host}:7000`,
      percent,
    ])
    expect(expected).toHaveLength(3)
    const ours = [...owns()].map(([text, part]) => [text, (part * 100).toFixed(1)])
    expect(ours.sort()).toEqual(expected.sort())
  })
})
