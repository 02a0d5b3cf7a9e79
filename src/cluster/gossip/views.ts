import { compareEndpoints, type Endpoint } from '../endpoint.ts'
import { type EndpointState, type EndpointStateView, statesInOrder } from './endpoint-state.ts'
import type { Gossiper } from './gossiper.ts'
import { columnWidths, fileSizeText, hashMapOrder, percentText, tableText } from './java-text.ts'
import type { Membership } from './membership.ts'

/** What is known of nodes; a gossiper, or what stands for it where a node is alone. */
export type KnownNodes = Pick<Gossiper, 'liveMembers' | 'unreachableMembers'> & {
  state(endpoint: Endpoint): Pick<EndpointState, 'value'> | undefined
}
export type KnownMembers = Pick<Membership, 'ringMembers' | 'ringChanges'>

/** With or without the port (`nodetool -pp`). */
function nodeText(endpoint: Endpoint, withPort: boolean): string {
  return withPort ? endpoint.text : endpoint.host
}

/** What is known of each node (`FailureDetector.getAllEndpointStates`), as `nodetool gossipinfo` prints it. */
export function gossipInfoText(
  endpoints: readonly { readonly endpoint: Endpoint; readonly state: EndpointStateView }[],
  withPort = false,
): string {
  const nodes = endpoints.map(({ endpoint, state }) => {
    const tokens = state.states.get('TOKENS')
    return [
      `/${nodeText(endpoint, withPort)}`,
      `  generation:${state.heartbeat.generation}`,
      `  heartbeat:${state.heartbeat.version}`,
      ...statesInOrder(state)
        .filter(([name]) => name !== 'TOKENS')
        .map(([name, { value, version }]) => `  ${name}:${version}:${value}`),
      tokens === undefined ? '  TOKENS: not present' : `  TOKENS:${tokens.version}:<hidden>`,
    ]
  })
  return `${nodes.flat().join('\n')}\n\n`
}

/** How nodetool names the schema of nodes that can't be asked. */
const UNREACHABLE = 'UNREACHABLE'

/**
 * Nodes by the version of their schema (`StorageProxy.describeSchemaVersions`): live ones by what they say by gossip,
 * others, and those that said nothing yet, under `UNREACHABLE`.
 */
export function schemaVersions(gossiper: KnownNodes): Map<string, Endpoint[]> {
  const versions = new Map<string, Endpoint[]>()
  const add = (version: string, endpoint: Endpoint): void => {
    const nodes = versions.get(version)
    if (nodes === undefined) versions.set(version, [endpoint])
    else nodes.push(endpoint)
  }
  for (const endpoint of gossiper.liveMembers)
    add(gossiper.state(endpoint)?.value('SCHEMA') ?? UNREACHABLE, endpoint)
  for (const endpoint of gossiper.unreachableMembers) add(UNREACHABLE, endpoint)
  return versions
}

/** Nodes, live and unreachable, by the release that they run (`Gossiper.getReleaseVersionsWithPort`). */
export function releaseVersions(gossiper: KnownNodes): Map<string, Endpoint[]> {
  const versions = new Map<string, Endpoint[]>()
  for (const endpoint of [...gossiper.liveMembers, ...gossiper.unreachableMembers]) {
    const version = gossiper.state(endpoint)?.value('RELEASE_VERSION') ?? ''
    versions.set(version, [...(versions.get(version) ?? []), endpoint])
  }
  return versions
}

function versionLines(
  versions: ReadonlyMap<string, readonly Endpoint[]>,
  withPort: boolean,
  indent: string,
): string {
  return hashMapOrder([...versions.keys()])
    .map((version) => {
      const nodes = versions.get(version)!.map((endpoint) => nodeText(endpoint, withPort))
      return `${indent}${version}: [${nodes.join(', ')}]\n\n`
    })
    .join('')
}

/** What `nodetool describecluster` prints beside what gossip knows. */
export interface ClusterDescription {
  readonly clusterName: string
  /** The snitch's class. */
  readonly snitch: string
  readonly dynamicSnitch: boolean
  readonly partitioner: string
  /** Replication as Cassandra writes it, `SimpleStrategy {replication_factor=2}`, by keyspace, in the order to print. */
  readonly keyspaces: readonly (readonly [keyspace: string, replication: string])[]
  /** Why ownership could not be told, or null. */
  readonly note?: string | null
}

/** The whole text of `nodetool describecluster`. */
export function describeClusterText(
  gossiper: KnownNodes,
  membership: KnownMembers,
  description: ClusterDescription,
  withPort = false,
): string {
  const { joining, leaving, moving } = membership.ringChanges()
  const unreachable = new Set(gossiper.unreachableMembers.map(({ text }) => text))
  const centres = new Map<string, { nodes: number; down: number }>()
  for (const { node } of [...membership.ringMembers(), ...joining]) {
    const centre = centres.get(node.dataCenter) ?? { nodes: 0, down: 0 }
    centres.set(node.dataCenter, centre)
    centre.nodes++
    if (unreachable.has(node.endpoint.text)) centre.down++
  }
  const sorted = [...centres].sort(([a], [b]) => (a < b ? -1 : 1))
  return [
    'Cluster Information:\n',
    `\tName: ${description.clusterName}\n`,
    `\tSnitch: ${description.snitch}\n`,
    `\tDynamicEndPointSnitch: ${description.dynamicSnitch ? 'enabled' : 'disabled'}\n`,
    `\tPartitioner: ${description.partitioner}\n`,
    '\tSchema versions:\n',
    versionLines(schemaVersions(gossiper), withPort, '\t\t'),
    'Stats for all nodes:\n',
    `\tLive: ${gossiper.liveMembers.length}\n`,
    `\tJoining: ${joining.length}\n`,
    `\tMoving: ${moving.length}\n`,
    `\tLeaving: ${leaving.length}\n`,
    `\tUnreachable: ${unreachable.size}\n`,
    '\nData Centers: \n',
    ...sorted.map(([name, { nodes, down }]) => `\t${name} #Nodes: ${nodes} #Down: ${down}\n`),
    '\nDatabase versions:\n',
    versionLines(releaseVersions(gossiper), true, '\t'),
    'Keyspaces:\n',
    ...description.keyspaces.map(([name, replication]) => `\t${name} -> Replication class: ${replication}\n`),
    description.note ? `\nNote: ${description.note}\n` : '',
  ].join('')
}

/** A line of `nodetool status`. */
export interface NodeStatus {
  readonly endpoint: Endpoint
  /** Up, down, or neither known to be alive nor to be dead. */
  readonly status: 'U' | 'D' | '?'
  /** Normal, leaving, joining or moving. */
  readonly state: 'N' | 'L' | 'J' | 'M'
  /** Bytes on disk; null of a node that did not say. */
  readonly load: number | null
  readonly tokens: readonly bigint[]
  /** The share of the data that it has, 0 to 1; null where that can't be told. */
  readonly owns: number | null
  readonly hostId: string | null
  readonly dataCenter: string
  readonly rack: string
}

/** Members and nodes that join, in the order of addresses. `owns` gives the share of a host id. */
export function nodeStatuses(
  gossiper: KnownNodes,
  membership: KnownMembers,
  owns: (hostId: string) => number | null,
): NodeStatus[] {
  const texts = (endpoints: readonly Endpoint[]): Set<string> => new Set(endpoints.map(({ text }) => text))
  const live = texts(gossiper.liveMembers)
  const unreachable = texts(gossiper.unreachableMembers)
  const { joining, leaving, moving } = membership.ringChanges()
  const states = new Map<string, NodeStatus['state']>([
    ...moving.map(({ node }) => [node.hostId, 'M'] as const),
    ...leaving.map((hostId) => [hostId, 'L'] as const),
    ...joining.map(({ node }) => [node.hostId, 'J'] as const),
  ])
  const all = [...membership.ringMembers(), ...joining].sort((a, b) =>
    compareEndpoints(a.node.endpoint, b.node.endpoint),
  )
  return all.map(({ node, tokens }) => {
    const load = gossiper.state(node.endpoint)?.value('LOAD')
    return {
      endpoint: node.endpoint,
      status: live.has(node.endpoint.text) ? 'U' : unreachable.has(node.endpoint.text) ? 'D' : '?',
      state: states.get(node.hostId) ?? 'N',
      load: load === undefined ? null : Number(load),
      tokens,
      owns: owns(node.hostId),
      hostId: node.hostId === '' ? null : node.hostId,
      dataCenter: node.dataCenter,
      rack: node.rack,
    }
  })
}

/**
 * The text of `nodetool status`: a table for each data centre. `note` is why the shares are not those of a keyspace;
 * then they are left out, as Cassandra does.
 */
export function statusText(
  nodes: readonly NodeStatus[],
  { withPort = false, note = null }: { readonly withPort?: boolean; readonly note?: string | null } = {},
): string {
  const centres = [...new Set(nodes.map(({ dataCenter }) => dataCenter))].sort()
  const tokens = nodes.reduce((sum, node) => sum + node.tokens.length, 0)
  const vnodes = centres.length < tokens
  const owns = note === null ? 'Owns (effective)' : 'Owns'
  const header = vnodes
    ? ['--', 'Address', 'Load', 'Tokens', owns, 'Host ID', 'Rack']
    : ['--', 'Address', 'Load', owns, 'Host ID', 'Token', 'Rack']
  const tables = centres.map((centre) => {
    const here = byFirstToken(nodes.filter(({ dataCenter }) => dataCenter === centre))
    const byText = new Map(here.map((node) => [node.endpoint.text, node]))
    const rows = hashMapOrder([...byText.keys()]).map((text) => {
      const node = byText.get(text)!
      const start = [
        node.status + node.state,
        nodeText(node.endpoint, withPort),
        node.load === null ? '?' : fileSizeText(node.load),
      ]
      const share = node.owns === null || note !== null ? '?' : percentText(node.owns)
      const hostId = node.hostId ?? ''
      return vnodes
        ? [...start, String(node.tokens.length), share, hostId, node.rack]
        : [...start, share, hostId, String(node.tokens[0] ?? ''), node.rack]
    })
    return [header, ...rows]
  })
  const widths = columnWidths(tables.flat())
  const texts = centres.map((centre, i) => {
    const title = `Datacenter: ${centre}`
    const legend = 'Status=Up/Down\n|/ State=Normal/Leaving/Joining/Moving\n'
    return `${title}\n${'='.repeat(title.length)}\n${legend}${tableText(tables[i]!, widths)}`
  })
  return `${texts.join('\n')}\n${note === null ? '' : `Note: ${note}\n`}`
}

/** Nodes come in the order of the ring, each where its first token is. */
function byFirstToken(nodes: readonly NodeStatus[]): NodeStatus[] {
  return [...nodes].sort((a, b) => Number((a.tokens[0] ?? 0n) > (b.tokens[0] ?? 0n)) || -1)
}
