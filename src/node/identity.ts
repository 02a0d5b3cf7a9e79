import { nextGeneration } from '../cluster/gossip/shadow-round.ts'
import { Ring } from '../cluster/ring/ring.ts'
import { chooseTokens, tokenSettings } from '../cluster/ring/token-choice.ts'
import { ConfigurationError } from '../common/errors.ts'
import { parseUuid, uuidText } from '../common/uuid.ts'
import type { Clock } from '../io/clock.ts'
import type { Random } from '../io/random.ts'
import { internalValue } from '../query/internal-rows.ts'
import type { SchemaService } from '../query/schema-service.ts'
import type { SibylOptions } from './options.ts'
import { CQL_VERSION, NATIVE_PROTOCOL_VERSION, PARTITIONER, RELEASE_VERSION } from './version.ts'

/** What a node keeps over its starts, beside its host id and its tokens. */
export interface NodeName {
  readonly clusterName: string
  readonly dataCenter: string
  readonly rack: string
  /** Tokens that it owns, or will. */
  readonly numTokens: number
}

const DEFAULT_NAME = {
  clusterName: 'Test Cluster',
  dataCenter: 'datacenter1',
  rack: 'rack1',
}

/**
 * What the node is called: as its directory says, or, where that is new, as the options say. Throws a
 * ConfigurationError when an option says other than the directory (`SystemKeyspace.checkHealth`, `StartupChecks`).
 */
export function knownAs(schema: SchemaService, options: SibylOptions): NodeName {
  const row = schema.system.readLocal()
  const saved = (name: string): unknown =>
    row === null ? null : internalValue(schema.system.table('local'), row, name)
  const [cluster, dataCenter, rack] = ['cluster_name', 'data_center', 'rack'].map(
    (name) => saved(name) as string | null,
  ) as [string | null, string | null, string | null]
  const tokens = savedTokens(schema)?.length ?? null
  if (cluster !== null && options.clusterName !== undefined && options.clusterName !== cluster) {
    throw new ConfigurationError(`Saved cluster name ${cluster} != configured name ${options.clusterName}`)
  }
  checkPlace('data center', options.dataCenter, dataCenter, '--dc')
  checkPlace('rack', options.rack, rack, '--rack')
  if (tokens !== null && options.numTokens !== undefined && options.numTokens !== tokens) {
    throw new ConfigurationError(`Cannot change the number of tokens from ${tokens} to ${options.numTokens}`)
  }
  return {
    clusterName: cluster ?? options.clusterName ?? DEFAULT_NAME.clusterName,
    dataCenter: dataCenter ?? options.dataCenter ?? DEFAULT_NAME.dataCenter,
    rack: rack ?? options.rack ?? DEFAULT_NAME.rack,
    numTokens: tokens ?? tokenSettings(options.initialToken, options.numTokens).count,
  }
}

/** The tokens that the node had before, ascending; null where it has had none. */
export function savedTokens(schema: SchemaService): readonly bigint[] | null {
  const row = schema.system.readLocal()
  const saved =
    row === null
      ? null
      : (internalValue(schema.system.table('local'), row, 'tokens') as ReadonlySet<string> | null)
  if (saved === null || saved.size === 0) return null
  return [...saved].map(BigInt).sort((a, b) => (a < b ? -1 : 1))
}

function checkPlace(what: string, current: string | undefined, saved: string | null, flag: string): void {
  if (saved === null || current === undefined || current === saved) return
  throw new ConfigurationError(
    `Cannot start node if snitch's ${what} (${current}) differs from previous ${what} (${saved}). ` +
      `Please leave out ${flag}, or start with a new directory`,
  )
}

/** Where a node is reached: by other nodes, and by clients. */
export interface NodeAddresses {
  readonly listen: { readonly host: string; readonly port: number }
  readonly broadcast: { readonly host: string; readonly port: number }
  readonly native: { readonly host: string; readonly port: number }
}

/** The addresses of a node that is alone. */
function ownAddresses({ host = '127.0.0.1', port = 9042 }: SibylOptions): NodeAddresses {
  const isAny = host === 'localhost' || host === '0.0.0.0' || host === '::'
  const address = { host: isAny ? '127.0.0.1' : host, port: 7000 }
  return { listen: address, broadcast: address, native: { host: address.host, port } }
}

/**
 * Writes this node into system.local, with the id and tokens it had before, if it had any. Returns the id's bytes.
 *
 * @param ring where a node of a ring is reached; it chooses its tokens when it sees the ring. Null of one that is alone.
 */
export function writeIdentity(
  schema: SchemaService,
  options: SibylOptions,
  { clusterName, dataCenter, rack }: NodeName,
  { clock, random }: { readonly clock: Clock; readonly random: Random },
  ring: NodeAddresses | null,
): Uint8Array {
  const { listen, broadcast, native } = ring ?? ownAddresses(options)
  const row = schema.system.readLocal()
  const generation =
    row === null ? null : internalValue(schema.system.table('local'), row, 'gossip_generation')
  const isNew = savedTokens(schema) === null
  const hostId = schema.system.hostId ?? randomHostId(random)
  schema.system.listenAddress = broadcast.host
  schema.system.writeLocal({
    ...(isNew && ring !== null ? {} : { bootstrapped: 'COMPLETED' }),
    broadcast_address: broadcast.host,
    broadcast_port: broadcast.port,
    cluster_name: clusterName,
    cql_version: CQL_VERSION,
    data_center: dataCenter,
    gossip_generation: nextGeneration(generation as number | null, clock.nowMs()),
    host_id: hostId,
    listen_address: listen.host,
    listen_port: listen.port,
    native_protocol_version: NATIVE_PROTOCOL_VERSION,
    partitioner: PARTITIONER,
    rack,
    release_version: RELEASE_VERSION,
    rpc_address: native.host,
    rpc_port: native.port,
    schema_version: schema.current.version,
    ...(isNew && ring === null ? { tokens: firstTokens(options, dataCenter, random) } : {}),
  })
  return parseUuid(hostId)!
}

/** The tokens of a node that is alone, as text. */
function firstTokens(
  { initialToken, numTokens }: SibylOptions,
  dataCenter: string,
  random: Random,
): Set<string> {
  const tokens = chooseTokens(tokenSettings(initialToken, numTokens), dataCenter, Ring.EMPTY, random)
  return new Set(tokens.map(String))
}

/** A random UUID (version 4). */
function randomHostId(random: Random): string {
  const bytes = new Uint8Array(16)
  random.bytes(bytes)
  bytes[6] = (bytes[6]! & 0x0f) | 0x40
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  return uuidText(bytes)
}
