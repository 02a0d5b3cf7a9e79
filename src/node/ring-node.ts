import { ClusterNode, type ClusterNodeSettings } from '../cluster/cluster-node.ts'
import { type Endpoint, endpoint } from '../cluster/endpoint.ts'
import {
  type GossipSettings,
  gossipSettings,
  type LocalMember,
  type PeerRow,
  peerOf,
  peersColumns,
  peersV2Columns,
  quickGossipSettings,
} from '../cluster/gossip/index.ts'
import { internodeEncryption, type MessagingSettings, NO_ENCRYPTION } from '../cluster/messaging/index.ts'
import { type Location, type Snitch, snitchOf, UNKNOWN_LOCATION } from '../cluster/ring/snitch.ts'
import { tokenSettings } from '../cluster/ring/token-choice.ts'
import { QUICK_SCHEMA_SETTINGS, SCHEMA_SETTINGS } from '../cluster/schema/schema-distribution.ts'
import { parseUuid, uuidText } from '../common/uuid.ts'
import type { ReadFile } from '../io/encryption.ts'
import { MemoryDisk } from '../io/memory-disk.ts'
import type { Network } from '../io/network.ts'
import { delay } from '../io/timers.ts'
import type { ServerEvent } from '../protocol/index.ts'
import { internalValue, readInternalRows } from '../query/internal-rows.ts'
import { inetText } from '../types/index.ts'
import { type Database, type DatabasePorts, IN_MEMORY } from './database.ts'
import { savedTokens } from './identity.ts'
import type { Logger } from './logger.ts'
import type { SibylOptions } from './options.ts'
import type { RingAddresses } from './ring-options.ts'
import type { Settings } from './settings.ts'
import { Truncations } from './truncations.ts'
import { RELEASE_VERSION } from './version.ts'

/** The version of the protocol between nodes, as gossip says it (NET_VERSION). */
const NET_VERSION = 1
const SSTABLE_VERSIONS = ['big-nb']

/** What a node of a ring is by its options, before its database is open. */
export interface RingPlan {
  readonly addresses: RingAddresses
  readonly snitch: Snitch
  /** Where the snitch says that this node is. */
  readonly location: Location
  /** Whom the snitch asks of other nodes; set when there is gossip. */
  readonly places: { of: ((host: Endpoint) => Location) | null }
}

/** Reads what the snitch wants to read. Throws a ConfigurationError. */
export function ringPlanOf(
  options: SibylOptions,
  addresses: RingAddresses,
  readFile: ReadFile,
  logger: Pick<Logger, 'warn'>,
): RingPlan {
  const places: RingPlan['places'] = { of: null }
  const local = addresses.broadcast
  const { dataCenter, rack, endpointSnitch, configDirectory } = options
  const isPlaced = dataCenter !== undefined || rack !== undefined
  const file = (name: string): string | null => {
    if (configDirectory === undefined) return null
    try {
      return readFile(`${configDirectory}/${name}`).toString()
    } catch {
      return null
    }
  }
  const rackDcFile = isPlaced
    ? `dc=${dataCenter ?? 'datacenter1'}\nrack=${rack ?? 'rack1'}`
    : file('cassandra-rackdc.properties')
  const snitch = snitchOf(endpointSnitch ?? (isPlaced ? 'GossipingPropertyFileSnitch' : 'SimpleSnitch'), {
    local,
    rackDcFile,
    readTopology: () => file('cassandra-topology.properties'),
    gossiped: (of) => places.of?.(of) ?? UNKNOWN_LOCATION,
  })
  const location = snitch.locate(local)
  const isElsewhere = (dataCenter ?? location.dataCenter) !== location.dataCenter
  if (isElsewhere || (rack ?? location.rack) !== location.rack) {
    logger.warn(
      `Data centre ${dataCenter} and rack ${rack} have no effect: by ${snitch.name} the node is in ${location.dataCenter}, ${location.rack}`,
    )
  }
  return { addresses, snitch, location, places }
}

/** What a node of a ring needs beside its database. */
export interface RingNodeParts {
  readonly options: SibylOptions
  readonly settings: Settings
  readonly plan: RingPlan
  readonly database: Database
  readonly ports: DatabasePorts & { readonly network: Network; readonly internode?: Network }
  readonly logger: Logger
  /** Where clients are served. */
  readonly nativePort: number
  readonly readFile: ReadFile
  /** Tells clients. */
  readonly push: (event: ServerEvent) => void
}

/** Puts a node of a ring together; nothing is opened before `start`. */
export function createRingNode(parts: RingNodeParts): ClusterNode {
  const { options, plan, database, ports, logger, nativePort, push } = parts
  const { schema, engine, processor, name, timestamps } = database
  const { clock, timers, random, network, internode = network } = ports
  const local: LocalMember = {
    endpoint: plan.addresses.broadcast,
    hostId: schema.system.hostId!,
    dataCenter: name.dataCenter,
    rack: name.rack,
    native: endpoint(plan.addresses.nativeHost, nativePort)!,
  }
  const truncations = new Truncations(schema, clock)
  engine.onTruncate = (table) => truncations.note(table.id)
  const commit = (): void => {
    const failed = (error: unknown): void =>
      logger.error(`What is known of peers is not kept: ${error instanceof Error ? error.message : error}`)
    try {
      node.coordinator.commit()?.catch(failed)
    } catch (error) {
      failed(error)
    }
  }
  const node: ClusterNode = new ClusterNode(clusterSettingsOf(parts), {
    local,
    states: { releaseVersion: RELEASE_VERSION, netVersion: NET_VERSION, sstableVersions: SSTABLE_VERSIONS },
    engine,
    schema: {
      get version() {
        return schema.current.version
      },
      tables: [...schema.current.keyspace('system_schema')!.tables.values()],
      merge: (mutations) => schema.merge(mutations),
    },
    tables: {
      replicationOf: (keyspace) => schema.current.keyspaces.get(keyspace)?.params.replication ?? null,
      tableById: (id) => schema.current.tableById(id),
      tableByHandle: (handle) => schema.current.tableByHandle(handle)!,
    },
    snitch: plan.snitch,
    counterId: parseUuid(schema.system.hostId!)!,
    system: { batches: schema.system.table('batches'), paxos: schema.system.table('paxos') },
    truncatedAtMs: (id) => truncations.atMs(id),
    largestGcGraceSeconds: () => {
      let most = 0
      for (const { params } of schema.current.tables()) most = Math.max(most, params.gcGraceSeconds)
      return most
    },
    timestamps,
    disk:
      options.dir === undefined || options.dir === IN_MEMORY
        ? new MemoryDisk(() => clock.nowMs())
        : ports.disk,
    network: internode,
    clock,
    timers,
    random,
    logger,
    persistPeers: (changes) => {
      for (const change of changes) {
        if (change.kind === 'write') {
          schema.system.writeRow('peers', peersColumns(change.row))
          schema.system.writeRow('peers_v2', peersV2Columns(change.row))
        } else {
          const { host, port } = change.endpoint
          schema.system.deleteRow('peers', { peer: host })
          schema.system.deleteRow('peers_v2', { peer: host, peer_port: port })
        }
      }
      commit()
    },
    persistTokens: async (tokens) => {
      schema.system.writeLocal({ tokens: new Set(tokens.map(String)), bootstrapped: 'COMPLETED' })
      await node.coordinator.commit()
    },
    notify: ({ kind, change, node: { address, port } }) =>
      push({ kind, change, node: { address, port } } as ServerEvent),
  })
  plan.places.of = (of) => node.membership.place(of)
  node.membership.subscribe(({ kind }) => {
    if (kind === 'ring') schema.dataCenters = node.membership.ring.dataCenters()
  })
  processor.useCluster(node.coordinator)
  schema.onRows = (mutation) => node.pushSchema(mutation)
  schema.onChange(() => node.schemaChanged())
  return node
}

function clusterSettingsOf({
  options,
  settings,
  plan,
  database,
  readFile,
}: RingNodeParts): ClusterNodeSettings {
  const { ring, query } = settings
  const { listen, broadcast, seeds } = plan.addresses
  const choice = { clusterName: database.name.clusterName, local: broadcast, seeds }
  const gossip = options.quickGossip === true ? quickGossipSettings(choice) : gossipSettings(choice)
  const { phiConvictThreshold } = ring
  const messaging: Partial<MessagingSettings> = {
    timeoutsMs: {
      write: ring.writeRequestTimeoutMs,
      counter: ring.counterWriteRequestTimeoutMs,
      read: query.read_request_timeout_ms,
      range: query.range_request_timeout_ms,
      truncate: ring.truncateRequestTimeoutMs,
      rpc: ring.requestTimeoutMs,
      ping: 10_000,
      long: Math.max(ring.requestTimeoutMs, 5 * 60_000),
      repair: 120_000,
      none: Number.POSITIVE_INFINITY,
    },
    internode_tcp_connect_timeout: ring.internodeTcpConnectTimeoutMs,
    internode_tcp_user_timeout: ring.internodeTcpUserTimeoutMs,
  }
  const { serverEncryption } = options
  const localityOf: Parameters<typeof internodeEncryption>[1] = (peer) => {
    const { dataCenter, rack } = plan.snitch.locate(peer)
    if (dataCenter !== plan.location.dataCenter) return 'elsewhere'
    return rack === plan.location.rack ? 'sameRack' : 'sameDatacenter'
  }
  return {
    gossip: withPhi(gossip, phiConvictThreshold),
    schema: options.quickGossip === true ? QUICK_SCHEMA_SETTINGS : SCHEMA_SETTINGS,
    messaging,
    encryption:
      serverEncryption === undefined
        ? NO_ENCRYPTION
        : internodeEncryption(serverEncryption, localityOf, readFile),
    listen,
    tokens: tokenSettings(options.initialToken, options.numTokens),
    dynamicSnitch: ring.dynamicSnitch
      ? {
          updateInterval: ring.dynamicSnitchUpdateIntervalMs,
          resetInterval: ring.dynamicSnitchResetIntervalMs,
          badnessThreshold: ring.dynamicSnitchBadnessThreshold,
        }
      : null,
    keeping: {
      hints: { ...ring.hints, directory: `${options.dir === IN_MEMORY ? '' : (options.dir ?? '')}/hints` },
      batchlog: {
        throttleBytes: ring.batchlogThrottleBytes,
        timeoutMs: 2 * ring.writeRequestTimeoutMs,
        startDelayMs: gossip.ringDelayMs,
        prefersLocalRack: ring.batchlogPrefersLocalRack,
      },
      casContentionTimeoutMs: ring.casContentionTimeoutMs,
    },
    timeouts: {
      read_request_timeout_ms: query.read_request_timeout_ms,
      range_request_timeout_ms: query.range_request_timeout_ms,
      write_request_timeout_ms: ring.writeRequestTimeoutMs,
      counter_write_request_timeout_ms: ring.counterWriteRequestTimeoutMs,
      truncate_request_timeout_ms: ring.truncateRequestTimeoutMs,
    },
    thresholds: {
      tombstone_warn_threshold: query.tombstone_warn_threshold,
      tombstone_failure_threshold: query.tombstone_failure_threshold,
      local_read_size_warn_threshold_bytes: query.local_read_size_warn_threshold_bytes,
      local_read_size_fail_threshold_bytes: query.local_read_size_fail_threshold_bytes,
    },
  }
}

function withPhi(gossip: GossipSettings, phiConvictThreshold: number): GossipSettings {
  return { ...gossip, failureDetector: { ...gossip.failureDetector, phiConvictThreshold } }
}

/** Takes the node into its ring: what it was before is in its system tables. True where it was in none. */
export async function startRingNode(node: ClusterNode, { schema, engine }: Database): Promise<boolean> {
  // Gossip must not say a generation that could be used again.
  await engine.commit()
  const local = schema.system.readLocal()!
  const generation = internalValue(schema.system.table('local'), local, 'gossip_generation') as number
  const tokens = savedTokens(schema)
  await node.start({ generation, peers: peerRows(schema, engine), tokens })
  return tokens === null
}

/** How long nodes that were started at once are waited for, and how often it is looked. */
const EXPECT_MS = 60_000
const EXPECT_POLL_MS = 10

/** Waits until there are so many nodes; with a warning it is given up. */
export async function waitForNodes(
  node: ClusterNode,
  count: number,
  { ports: { clock, timers }, logger }: Pick<RingNodeParts, 'ports' | 'logger'>,
): Promise<void> {
  const end = clock.monotonicMs() + EXPECT_MS
  while (node.ring.nodes.length < count) {
    if (clock.monotonicMs() > end) {
      logger.warn(`There are ${node.ring.nodes.length} nodes, and not ${count} as was expected`)
      return
    }
    await delay(timers, EXPECT_POLL_MS)
  }
}

/** The rows of system.peers_v2. */
function peerRows(schema: Database['schema'], engine: Database['engine']): PeerRow[] {
  const table = schema.system.table('peers_v2')
  const names = [
    'data_center',
    'rack',
    'host_id',
    'release_version',
    'schema_version',
    'native_port',
    'tokens',
  ]
  return readInternalRows((command) => engine.read(command), table, null, 0).flatMap((row) => {
    const native = row.values.get('native_address')
    const columns: Record<string, string | number | ReadonlySet<string> | null> = {
      peer: inetText(row.key),
      peer_port: new DataView(row.clustering[0]!.buffer, row.clustering[0]!.byteOffset).getInt32(0),
      native_address: native === undefined ? null : inetText(native),
    }
    for (const name of names) {
      const value = internalValue(table, row, name)
      columns[name] = value instanceof Uint8Array ? uuidText(value) : (value as string | number | null)
    }
    const peer = peerOf(columns)
    return peer === null ? [] : [peer]
  })
}
