import { describeClusterText, gossipInfoText, nodeStatuses } from '../cluster/gossip/views.ts'
import {
  describeRing,
  effectiveOwnership,
  endpointsOf,
  OwnershipError,
  ownership,
} from '../cluster/ring/describe.ts'
import { tokenFrom } from '../cluster/ring/token.ts'
import { murmur3Token } from '../common/murmur3.ts'
import { serializePartitionKey } from '../cql/modify/primary-key.ts'
import { STRATEGY_PACKAGE, strategyName } from '../schema/index.ts'
import { fromString } from '../types/index.ts'
import {
  type AdminNode,
  type Arguments,
  BadUseError,
  flagOf,
  type Json,
  type Operation,
  textOf,
} from './admin-node.ts'
import { type RingView, ringViewOf, strategiesOf, userKeyspacesOf } from './ring-view.ts'

/** Verbs about the ring (`StorageServiceMBean`, `GossiperMBean`). Texts are as nodetool prints them. */
export const RING_OPERATIONS: Readonly<Record<string, Operation>> = {
  /** Nodes and what they have. `note` says why the shares are those of tokens; `error` why there are none. */
  status: { changes: false, run: status },

  describecluster: { changes: false, run: describeCluster },

  describering: {
    changes: false,
    run(node, args) {
      const view = ringViewOf(node)
      const keyspace = textOf(args, 'keyspace') ?? ''
      const strategy = strategiesOf(node, view.local).get(keyspace) ?? null
      const native = (of: Parameters<RingView['nativeAddress']>[0], withPort: boolean): string =>
        withPort ? view.nativeAddress(of).text : view.nativeAddress(of).host
      return describeRing(view.ring, keyspace, strategy, native, flagOf(args, 'withPort'))
    },
  },

  schemaversion: { changes: false, run: ({ schema }) => schema.current.version },

  getendpoints: { changes: false, run: getEndpoints },

  gossipinfo: {
    changes: false,
    run: (node, args) => gossipInfoText(ringViewOf(node).endpoints, flagOf(args, 'withPort')),
  },

  statusgossip: { changes: false, run: ({ cluster }) => cluster?.gossip.gossiper.enabled ?? true },

  enablegossip: {
    changes: true,
    run(node) {
      clusterOf(node).gossip.enable()
      return null
    },
  },

  disablegossip: {
    changes: true,
    run(node) {
      clusterOf(node).gossip.disable()
      return null
    },
  },
}

function clusterOf({ cluster }: AdminNode): NonNullable<AdminNode['cluster']> {
  if (cluster === null) throw new Error('The node is alone: there is nobody to gossip with')
  return cluster
}

/** The share of each node by the text of its endpoint, and why it is that of tokens. Throws an OwnershipError for what has no share. */
function sharesOf(
  node: AdminNode,
  { ring, local }: RingView,
  keyspace: string | null,
): { readonly shares: ReadonlyMap<string, number>; readonly note: string | null } {
  const strategies = strategiesOf(node, local)
  try {
    return { shares: effectiveOwnership(ring, strategies, userKeyspacesOf(node), keyspace), note: null }
  } catch (error) {
    if (!(error instanceof OwnershipError) || !error.isMeaningless) throw error
    return { shares: ownership(ring), note: error.message }
  }
}

function status(node: AdminNode, args: Arguments): Json {
  const view = ringViewOf(node)
  const { shares, note } = sharesOf(node, view, textOf(args, 'keyspace'))
  const endpointOf = new Map(view.ring.nodes.map(({ hostId, endpoint }) => [hostId, endpoint.text]))
  const share = (hostId: string): number | null => shares.get(endpointOf.get(hostId) ?? '') ?? null
  const nodes = nodeStatuses(view.gossiper, view.membership, share)
  return {
    dataCenter: view.local.dataCenter,
    note,
    nodes: nodes.map(({ endpoint, status, state, load, tokens, owns, hostId, dataCenter, rack }) => ({
      address: endpoint.host,
      port: endpoint.port,
      state: status + state,
      load: endpoint.text === view.local.endpoint.text ? node.load() : load,
      tokens: tokens.map(String),
      owns,
      hostId,
      dataCenter,
      rack,
    })),
  }
}

function describeCluster(node: AdminNode, args: Arguments): Json {
  const view = ringViewOf(node)
  const { note } = sharesOf(node, view, null)
  return describeClusterText(
    view.gossiper,
    view.membership,
    {
      clusterName: node.clusterName,
      snitch: `${STRATEGY_PACKAGE}${node.snitch.name}`,
      dynamicSnitch: node.snitch.isDynamic,
      partitioner: 'org.apache.cassandra.dht.Murmur3Partitioner',
      keyspaces: [...node.schema.current.keyspaces.values()]
        .filter(({ isVirtual }) => !isVirtual)
        .map(({ name, params }) => [name, replicationText(params.replication)] as const)
        .reverse(),
      note,
    },
    flagOf(args, 'withPort'),
  )
}

/** `SimpleStrategy {replication_factor=2}`. */
function replicationText(replication: ReadonlyMap<string, string>): string {
  const options = [...replication].filter(([name]) => name !== 'class')
  return `${strategyName(replication)} {${options.map(([name, value]) => `${name}=${value}`).join(', ')}}`
}

/** The replicas of a key in text, parts of a composite key with colons between them (`getNaturalEndpoints`). */
function getEndpoints(node: AdminNode, args: Arguments): Json {
  const [keyspace, name, key] = ['keyspace', 'table', 'key'].map((what) => textOf(args, what))
  if (keyspace == null || name == null || key == null) {
    throw new BadUseError('getendpoints requires keyspace, table and partition key arguments')
  }
  const view = ringViewOf(node)
  const table = node.schema.current.table(keyspace, name)
  if (node.schema.current.keyspace(keyspace) === null) throw new Error(`Unknown keyspace '${keyspace}'`)
  if (table === null) throw new Error(`Unknown table '${name}' in keyspace '${keyspace}'`)
  const strategy = strategiesOf(node, view.local).get(keyspace)
  if (strategy === undefined) throw new Error(`There is no ring for the keyspace: ${keyspace}`)
  const types = table.partitionKeys.map(({ type }) => type)
  const parts = types.length === 1 ? [key] : key.split(/(?<!\\):/).map((part) => part.replaceAll('\\:', ':'))
  if (parts.length !== types.length)
    throw new Error(`The key of ${keyspace}.${name} has ${types.length} parts`)
  const bytes = serializePartitionKey(parts.map((part, i) => fromString(types[i]!, part)))
  return endpointsOf(view.ring, strategy, tokenOf(bytes), flagOf(args, 'withPort'))
}

function tokenOf(key: Uint8Array): bigint {
  const halves = new Int32Array(2)
  murmur3Token(key, 0, key.length, halves)
  return tokenFrom(halves[0]!, halves[1]!)
}
