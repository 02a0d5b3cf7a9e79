/** Where nodes are, and which are near (`IEndpointSnitch` and its classes). */

import { ConfigurationError } from '../../common/errors.ts'
import { type Endpoint, endpointLogText, parseEndpoint, sameEndpoint } from '../endpoint.ts'
import { parseProperties } from './properties.ts'
import type { RingNode } from './ring.ts'

export interface Location {
  readonly dataCenter: string
  readonly rack: string
}

export interface Snitch {
  /** Cassandra's class name, without its package. */
  readonly name: string
  /** Where a node is. Throws an Error where that is not known and nothing is said for unknown nodes. */
  locate(endpoint: Endpoint): Location
  /** The order of two nodes by their distance from a third; 0 keeps the order that they have. */
  compare(from: Endpoint, a: Endpoint, b: Endpoint): number
}

/** Nodes, the nearest first, and where they are as near in the order that they had (`sortedByProximity`). */
export function sortedByProximity(
  snitch: Snitch,
  from: Endpoint,
  nodes: readonly RingNode[],
): readonly RingNode[] {
  return nodes.toSorted((a, b) => snitch.compare(from, a.endpoint, b.endpoint))
}

/**
 * Whether two range reads that follow each other are better made as one: not when only the common one needs a node of
 * another data centre (`isWorthMergingForRangeQuery`).
 */
export function isWorthMerging(
  snitch: Snitch,
  localDataCenter: string,
  merged: readonly RingNode[],
  first: readonly RingNode[],
  second: readonly RingNode[],
): boolean {
  const hasRemote = (nodes: readonly RingNode[]) =>
    nodes.some((node) => snitch.locate(node.endpoint).dataCenter !== localDataCenter)
  return !hasRemote(merged) || hasRemote(first) || hasRemote(second)
}

/** The node itself, then those of its rack, then those of its data centre (`AbstractNetworkTopologySnitch`). */
abstract class NetworkTopologySnitch implements Snitch {
  abstract readonly name: string
  abstract locate(endpoint: Endpoint): Location

  compare(from: Endpoint, a: Endpoint, b: Endpoint): number {
    const bySelf = Number(sameEndpoint(from, b)) - Number(sameEndpoint(from, a))
    if (bySelf !== 0) return bySelf
    const [here, placeA, placeB] = [this.locate(from), this.locate(a), this.locate(b)]
    const byDataCenter =
      Number(here.dataCenter === placeB.dataCenter) - Number(here.dataCenter === placeA.dataCenter)
    // Racks are compared by name alone, those of another data centre too, as Cassandra does.
    return byDataCenter || Number(here.rack === placeB.rack) - Number(here.rack === placeA.rack)
  }
}

/** All nodes are in one place, and the order of the ring is the order of nearness. */
export class SimpleSnitch implements Snitch {
  readonly name = 'SimpleSnitch'
  static readonly LOCATION: Location = Object.freeze({ dataCenter: 'datacenter1', rack: 'rack1' })

  locate(): Location {
    return SimpleSnitch.LOCATION
  }

  compare(): number {
    return 0
  }
}

/** The second byte of the address is the data centre, the third the rack. */
export class RackInferringSnitch extends NetworkTopologySnitch {
  readonly name = 'RackInferringSnitch'

  locate({ address }: Endpoint): Location {
    return { dataCenter: String(address[1]), rack: String(address[2]) }
  }
}

/** Finds the endpoint that a property file names; null where there is none. */
export type Resolve = (host: string) => Endpoint | null

const TOPOLOGY_FILE = 'cassandra-topology.properties'
const RACKDC_FILE = 'cassandra-rackdc.properties'

/** `cassandra-topology.properties` of each node says where all of them are: `10.0.0.13=DC1:RAC2`, `default=DC1:r1`. */
export class PropertyFileSnitch extends NetworkTopologySnitch {
  readonly name = 'PropertyFileSnitch'
  readonly #locations: ReadonlyMap<string, Location>
  readonly #default: Location | null

  /** `text` is the file's. Throws a ConfigurationError where it names unknown hosts or says nothing of `local`. */
  constructor(text: string, local: Endpoint, resolve: Resolve = parseEndpoint) {
    super()
    const locations = new Map<string, Location>()
    let fallback: Location | null = null
    for (const [name, value] of parseProperties(text)) {
      const parts = value.split(':')
      const location =
        parts.length < 2
          ? { dataCenter: 'default', rack: 'default' }
          : { dataCenter: parts[0]!.trim(), rack: parts[1]!.trim() }
      if (name === 'default') {
        fallback = location
        continue
      }
      const host = name.replaceAll('/', '')
      const endpoint = resolve(host)
      if (endpoint === null) throw new ConfigurationError(`Unknown host ${host}`)
      locations.set(endpoint.text, location)
    }
    if (fallback === null && !locations.has(local.text)) {
      throw new ConfigurationError(
        `Snitch definitions at ${TOPOLOGY_FILE} do not define a location for this node's broadcast address ` +
          `${endpointLogText(local)}, nor does it provides a default`,
      )
    }
    this.#locations = locations
    this.#default = fallback
  }

  locate(endpoint: Endpoint): Location {
    const location = this.#locations.get(endpoint.text) ?? this.#default
    if (location !== null) return location
    throw new Error(`Unknown host ${endpointLogText(endpoint)} with no default configured`)
  }

  /**
   * Why a changed file must not be taken over, or null: nodes that are alive cannot be moved to another place
   * (`PropertyFileSnitch.livenessCheck`).
   */
  reloadProblem(changed: PropertyFileSnitch, live: Iterable<Endpoint>): string | null {
    const text = (snitch: PropertyFileSnitch, endpoint: Endpoint) => {
      const location = snitch.#locations.get(endpoint.text) ?? snitch.#default
      return location === null ? 'null' : `[${location.dataCenter}, ${location.rack}]`
    }
    for (const endpoint of live) {
      const [before, after] = [text(this, endpoint), text(changed, endpoint)]
      if (before !== after) {
        return `Cannot update data center or rack from ${before} to ${after} for live host ${endpointLogText(endpoint)}, property file NOT RELOADED`
      }
    }
    return null
  }
}

/** What `cassandra-rackdc.properties` says of the node itself. */
export interface RackDcProperties extends Location {
  /** To talk to nodes of the own data centre at their internal addresses. */
  readonly preferLocal: boolean
  /** What snitches of clouds put behind the data centre's name; GossipingPropertyFileSnitch doesn't. */
  readonly dcSuffix: string
}

/** Reads `cassandra-rackdc.properties`; throws a ConfigurationError where it lacks `dc` or `rack`. */
export function parseRackDc(text: string): RackDcProperties {
  const properties = parseProperties(text)
  const [dataCenter, rack] = [properties.get('dc'), properties.get('rack')]
  if (dataCenter === undefined || rack === undefined) {
    throw new ConfigurationError(
      `DC or rack not found in snitch properties, check your configuration in: ${RACKDC_FILE}`,
    )
  }
  return {
    dataCenter: dataCenter.trim(),
    rack: rack.trim(),
    preferLocal: (properties.get('prefer_local') ?? 'false').toLowerCase() === 'true',
    dcSuffix: properties.get('dc_suffix') ?? '',
  }
}

/** What is known of another node's place: either may be missing. */
export type KnownLocation = Partial<Location>

/** Each node tells the others where it is, by gossip; its own file says where it is itself. */
export class GossipingPropertyFileSnitch extends NetworkTopologySnitch {
  readonly name = 'GossipingPropertyFileSnitch'
  readonly properties: RackDcProperties
  readonly #local: Endpoint
  readonly #gossiped: (endpoint: Endpoint) => KnownLocation | null
  readonly #saved: (endpoint: Endpoint) => Location | null
  readonly #fallback: PropertyFileSnitch | null

  /**
   * `gossiped` is what gossip says of a node now and `saved` what system.peers had; `fallback` is the topology file, if there
   * is one, from the time before the nodes told each other.
   */
  constructor(
    properties: RackDcProperties,
    local: Endpoint,
    gossiped: (endpoint: Endpoint) => KnownLocation | null,
    saved: (endpoint: Endpoint) => Location | null,
    fallback: PropertyFileSnitch | null,
  ) {
    super()
    this.properties = properties
    this.#local = local
    this.#gossiped = gossiped
    this.#saved = saved
    this.#fallback = fallback
  }

  locate(endpoint: Endpoint): Location {
    if (sameEndpoint(endpoint, this.#local)) return this.properties
    const { dataCenter, rack } = this.#gossiped(endpoint) ?? {}
    if (dataCenter !== undefined && rack !== undefined) return { dataCenter, rack }
    const other =
      this.#fallback !== null ? this.#fallback.locate(endpoint) : (this.#saved(endpoint) ?? UNKNOWN)
    return { dataCenter: dataCenter ?? other.dataCenter, rack: rack ?? other.rack }
  }

  /** Where to connect to a node: with `prefer_local` at its internal address if it is in the own data centre. */
  preferredAddress(peer: Endpoint, internal: Endpoint | null): Endpoint {
    if (internal === null || !this.properties.preferLocal) return peer
    return this.locate(peer).dataCenter === this.properties.dataCenter ? internal : peer
  }
}

const UNKNOWN: Location = Object.freeze({ dataCenter: 'UNKNOWN_DC', rack: 'UNKNOWN_RACK' })

/** What the snitches that `endpoint_snitch` may name need to know; a file's text is null where there is none. */
export interface SnitchSources {
  readonly local: Endpoint
  readonly rackDcFile: string | null
  readonly topologyFile: string | null
  readonly gossiped: (endpoint: Endpoint) => KnownLocation | null
  readonly saved: (endpoint: Endpoint) => Location | null
  readonly resolve?: Resolve
}

/**
 * The snitch that `endpoint_snitch` names, with or without its package. Throws a ConfigurationError for one that is
 * unknown and for files that don't say enough.
 */
export function snitchOf(className: string, sources: SnitchSources): Snitch {
  const { local, rackDcFile, topologyFile, gossiped, saved, resolve } = sources
  const full = className.includes('.') ? className : `org.apache.cassandra.locator.${className}`
  switch (full.replace(/^org\.apache\.cassandra\.locator\./, '')) {
    case 'SimpleSnitch':
      return new SimpleSnitch()
    case 'RackInferringSnitch':
      return new RackInferringSnitch()
    case 'PropertyFileSnitch':
      if (topologyFile === null) throw new ConfigurationError(`Unable to read ${TOPOLOGY_FILE}`)
      return new PropertyFileSnitch(topologyFile, local, resolve)
    case 'GossipingPropertyFileSnitch': {
      const properties = parseRackDc(rackDcFile ?? '')
      return new GossipingPropertyFileSnitch(
        properties,
        local,
        gossiped,
        saved,
        compatible(topologyFile, sources),
      )
    }
    default:
      throw new ConfigurationError(`Unable to find snitch class '${full}'`)
  }
}

/** The topology file beside the other one; it is left out where it can't be used. */
function compatible(
  topologyFile: string | null,
  { local, resolve }: SnitchSources,
): PropertyFileSnitch | null {
  if (topologyFile === null) return null
  try {
    return new PropertyFileSnitch(topologyFile, local, resolve)
  } catch (error) {
    if (error instanceof ConfigurationError) return null
    throw error
  }
}
