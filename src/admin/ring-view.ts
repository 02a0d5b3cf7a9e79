import { endpoint } from '../cluster/endpoint.ts'
import type { ApplicationState } from '../cluster/gossip/application-state.ts'
import type { EndpointStateView } from '../cluster/gossip/endpoint-state.ts'
import type { KnownMembers, KnownNodes } from '../cluster/gossip/views.ts'
import { Ring, type RingNode } from '../cluster/ring/ring.ts'
import { type ReplicationStrategy, strategyOf } from '../cluster/ring/strategy.ts'
import { internalValue } from '../query/internal-rows.ts'
import { isSystemKeyspace } from '../schema/index.ts'
import type { AdminNode } from './admin-node.ts'

/** What is known of the ring and of each node in it. */
export interface RingView {
  readonly gossiper: KnownNodes
  readonly membership: KnownMembers
  readonly endpoints: readonly {
    readonly endpoint: RingNode['endpoint']
    readonly state: EndpointStateView
  }[]
  readonly ring: Ring
  readonly local: RingNode
  /** Where clients reach a node. */
  nativeAddress(node: RingNode): { readonly host: string; readonly text: string }
}

/** What the node knows; one that is alone knows itself. */
export function ringViewOf(node: AdminNode): RingView {
  const { cluster } = node
  if (cluster === null) return aloneView(node)
  const { gossip, membership, ring } = cluster
  const { gossiper } = gossip
  const { endpoint: at, hostId, dataCenter, rack } = membership.local
  return {
    gossiper,
    membership,
    endpoints: gossiper.endpoints,
    ring,
    local: { endpoint: at, hostId, dataCenter, rack },
    nativeAddress: ({ endpoint }) => membership.nativeAddress(endpoint),
  }
}

/** What a node that is alone would say of itself in gossip. */
function aloneView({ schema, clock, dataCenter, rack, address, releaseVersion, load }: AdminNode): RingView {
  const row = schema.system.readLocal()
  const value = (name: string): unknown =>
    row === null ? null : internalValue(schema.system.table('local'), row, name)
  const at = endpoint(schema.system.listenAddress) ?? endpoint('127.0.0.1')!
  const native = endpoint(address, Number(value('rpc_port') ?? 9042)) ?? at
  const local: RingNode = { hostId: schema.system.hostId ?? '', endpoint: at, dataCenter, rack }
  const tokens = [...((value('tokens') as Iterable<string> | null) ?? [])]
    .map(BigInt)
    .sort((a, b) => (a < b ? -1 : 1))
  const member = { node: local, tokens }
  const generation = Number(value('gossip_generation') ?? 0)
  const status = `NORMAL,${tokens[0]}`
  const said: [ApplicationState, string][] = [
    ['HOST_ID', local.hostId],
    ['NATIVE_ADDRESS_AND_PORT', native.text],
    ['RPC_ADDRESS', native.host],
    ['RELEASE_VERSION', releaseVersion],
    ['DC', dataCenter],
    ['RACK', rack],
    ['SCHEMA', schema.current.version],
    ['TOKENS', ''],
    ['STATUS_WITH_PORT', status],
    ['STATUS', status],
    ['RPC_READY', 'true'],
    ['LOAD', `${load()}.0`],
  ]
  const states = new Map(said.map(([name, text], i) => [name, { value: text, version: i + 1 }]))
  const version = states.size + Math.max(0, Math.floor(clock.nowMs() / 1000) - generation)
  const nothing = { joining: [], leaving: [], moving: [] }
  return {
    gossiper: {
      liveMembers: [at],
      unreachableMembers: [],
      state: () => ({ value: (name) => states.get(name)?.value }),
    },
    membership: { ringMembers: () => [member], ringChanges: () => nothing },
    endpoints: [{ endpoint: at, state: { heartbeat: { generation, version }, states } }],
    ring: Ring.of([member]),
    local,
    nativeAddress: () => native,
  }
}

/** Keyspaces that are not virtual, and how they are replicated. */
export function strategiesOf({ schema }: AdminNode, local: RingNode): Map<string, ReplicationStrategy> {
  const strategies = new Map<string, ReplicationStrategy>()
  for (const { name, params, isVirtual } of schema.current.keyspaces.values()) {
    if (!isVirtual) strategies.set(name, strategyOf(params.replication, local))
  }
  return strategies
}

export function userKeyspacesOf({ schema }: AdminNode): string[] {
  return [...schema.current.keyspaces.keys()].filter((name) => !isSystemKeyspace(name))
}
