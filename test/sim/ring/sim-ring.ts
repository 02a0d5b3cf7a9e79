import type { PlanView } from '../../../src/cluster/coordinator/replica-plan.ts'
import { type Endpoint, parseEndpoint } from '../../../src/cluster/endpoint.ts'
import { Ring, type RingNode } from '../../../src/cluster/ring/ring.ts'
import { simpleStrategy } from '../../../src/cluster/ring/strategy.ts'
import { murmur3Token } from '../../../src/common/murmur3.ts'
import type { Clock } from '../../../src/io/clock.ts'
import { MutationBuilder } from '../../../src/model/mutation.ts'
import type { DecoratedKey } from '../../../src/model/read-command.ts'
import { ROW_HAS_LIVENESS } from '../../../src/model/row-format.ts'
import type { TableMetadata } from '../../../src/model/table.ts'
import { createTableMetadata, systemKeyspaces } from '../../../src/schema/index.ts'
import { native } from '../../../src/types/index.ts'
import type { SimClock } from '../sim-clock.ts'

/** What tests of the ring's rooms begin with: nodes, tables, keys. */

export const KEYSPACE = 'ks'

/** A table of a register for each key: `p int PRIMARY KEY, v int`. */
export const REGISTERS: TableMetadata = createTableMetadata({
  keyspace: KEYSPACE,
  name: 'registers',
  id: '00000000-0000-0000-0000-000000000001',
  columns: [
    { name: 'p', kind: 'partition_key', type: native.int },
    { name: 'v', kind: 'regular', type: native.int },
  ],
  flags: new Set(['compound']),
  params: {},
})

const systemTables = new Map(
  systemKeyspaces()
    .filter(({ name }) => name === 'system')
    .flatMap(({ tables }) => [...tables]),
)

/** A table of keyspace system: always the same one, since its handle stands in logs. */
export function systemTable(name: string): TableMetadata {
  return systemTables.get(name)!
}

/** Nodes 1 to `count`, each with a token of its own. */
export function simNodes(count: number): RingNode[] {
  return Array.from({ length: count }, (_, i) => ({
    hostId: `00000000-0000-0000-0000-00000000000${i + 1}`,
    endpoint: parseEndpoint(`10.0.0.${i + 1}:7000`)!,
    dataCenter: 'dc1',
    rack: 'r1',
  }))
}

export function ringOf(nodes: readonly RingNode[]): Ring {
  const step = 2n ** 64n / BigInt(nodes.length)
  return Ring.of(nodes.map((node, i) => ({ node, tokens: [-(2n ** 63n) + 1n + step * BigInt(i)] })))
}

export function planView(ring: Ring, factor: number, isAlive: (endpoint: Endpoint) => boolean): PlanView {
  return {
    ring,
    strategy: simpleStrategy(factor),
    localDataCenter: 'dc1',
    isAlive: ({ endpoint }) => isAlive(endpoint),
    sortedByProximity: (nodes) => nodes,
    isWorthMerging: () => false,
  }
}

export function intBytes(value: number): Uint8Array {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setInt32(0, value)
  return bytes
}

export function keyOf(number: number): DecoratedKey {
  const key = intBytes(number)
  const token = new Int32Array(2)
  murmur3Token(key, 0, key.length, token)
  return { key, tokenHi: token[0]!, tokenLo: token[1]! }
}

/** The mutation that sets a register. */
export function setRegister(key: DecoratedKey, value: number, micros: number): MutationBuilder {
  const out = new MutationBuilder(1 << 10)
  const hi = Math.floor(micros / 2 ** 32)
  const lo = (micros - hi * 2 ** 32) | 0
  const bytes = intBytes(value)
  out.begin()
  out.beginUpdate(REGISTERS.handle, key.tokenHi, key.tokenLo, key.key, 0, key.key.length)
  out.beginRow(ROW_HAS_LIVENESS, hi, lo, 0, 0, 0, 0, 0)
  out.endClustering()
  const none = new Uint8Array(0)
  out.cell(REGISTERS.columns.get('v')!.id, 0, hi, lo, 0, 0, none, 0, -1, bytes, 0, bytes.length)
  out.endRow()
  out.endUpdate()
  out.finish()
  return out
}

/** A clock whose wall time is off, and drifts no further. */
export function skewed(clock: SimClock, skewMs: () => number): Clock {
  return {
    nowMs: () => Math.floor(clock.nowMs() + skewMs()),
    nowMicros: () => Math.floor(clock.nowMicros() + skewMs() * 1000),
    monotonicMs: () => clock.monotonicMs(),
  }
}
