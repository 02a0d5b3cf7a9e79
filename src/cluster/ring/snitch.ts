/** Where nodes are, and which are near (`IEndpointSnitch` and its classes). */

import { ConfigurationError } from '../../common/errors.ts'
import { type Endpoint, endpointLogText, parseEndpoint, sameEndpoint } from '../endpoint.ts'
import { parseProperties } from './properties.ts'
import type { RingNode } from './ring.ts'

export interface Location {
  readonly dataCenter: string
  readonly rack: string
}

/** Where a node is of whom nothing is known (`GossipingPropertyFileSnitch.DEFAULT_DC`). */
export const UNKNOWN_LOCATION: Location = Object.freeze({ dataCenter: 'UNKNOWN_DC', rack: 'UNKNOWN_RACK' })

export interface Snitch {
  /** Cassandra's class name, without its package. */
  readonly name: string
  /** Where a node is. */
  locate(endpoint: Endpoint): Location
  /** The order of two nodes by their distance from a third; 0 keeps the order that they have. */
  compare(from: Endpoint, a: Endpoint, b: Endpoint): number
  /**
   * Reads again what it has read, if that may change while the node runs; true where nodes are elsewhere now. Throws a
   * ConfigurationError where it goes on with what it had, once for each change.
   *
   * @param live nodes that are alive, which cannot be moved
   */
  refresh?(live: readonly Endpoint[]): boolean
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

/** What a topology file says: places by the texts of endpoints, and that of all others, if it says any. */
interface Topology {
  readonly places: ReadonlyMap<string, Location>
  readonly default: Location | null
}

/** Reads `10.0.0.13=DC1:RAC2` and `default=DC1:r1`. Throws a ConfigurationError. */
function parseTopology(text: string, local: Endpoint, resolve: Resolve): Topology {
  const places = new Map<string, Location>()
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
    places.set(endpoint.text, location)
  }
  if (fallback === null && !places.has(local.text)) {
    throw new ConfigurationError(
      `Snitch definitions at ${TOPOLOGY_FILE} do not define a location for this node's broadcast address ` +
        `${endpointLogText(local)}, nor does it provides a default`,
    )
  }
  return { places, default: fallback }
}

/** `cassandra-topology.properties` of each node says where all of them are. */
export class PropertyFileSnitch extends NetworkTopologySnitch {
  readonly name = 'PropertyFileSnitch'
  readonly #sources: SnitchSources
  #text: string
  #topology: Topology

  /** Throws a ConfigurationError where there is no file, or it names unknown hosts or says nothing of this node. */
  constructor(sources: SnitchSources) {
    super()
    const text = sources.readTopology()
    if (text === null) throw new ConfigurationError(`Unable to read ${TOPOLOGY_FILE}`)
    this.#sources = sources
    this.#text = text
    this.#topology = this.#parse(text)
  }

  /** A node that the file does not name is where it says itself. Cassandra fails whatever wants to know it. */
  locate(endpoint: Endpoint): Location {
    const { places, default: fallback } = this.#topology
    return places.get(endpoint.text) ?? fallback ?? this.#sources.gossiped(endpoint)
  }

  /** `PropertyFileSnitch.reloadConfiguration` and `livenessCheck`. */
  refresh(live: readonly Endpoint[]): boolean {
    const text = this.#sources.readTopology()
    if (text === null || text === this.#text) return false
    this.#text = text
    const changed = this.#parse(text)
    for (const endpoint of live) {
      const [before, after] = [this.#topology, changed].map(({ places, default: fallback }) => {
        const place = places.get(endpoint.text) ?? fallback
        return place === null ? 'null' : `[${place.dataCenter}, ${place.rack}]`
      })
      if (before !== 'null' && before !== after) {
        throw new ConfigurationError(
          `Cannot update data center or rack from ${before} to ${after} for live host ${endpointLogText(endpoint)}, property file NOT RELOADED`,
        )
      }
    }
    this.#topology = changed
    return true
  }

  #parse(text: string): Topology {
    const { local, resolve = parseEndpoint } = this.#sources
    return parseTopology(text, local, resolve)
  }
}

/** Reads `cassandra-rackdc.properties`, the node's own place; throws a ConfigurationError where it lacks `dc` or `rack`. */
export function parseRackDc(text: string): Location {
  const properties = parseProperties(text)
  const [dataCenter, rack] = [properties.get('dc'), properties.get('rack')]
  if (dataCenter === undefined || rack === undefined) {
    throw new ConfigurationError(
      `DC or rack not found in snitch properties, check your configuration in: ${RACKDC_FILE}`,
    )
  }
  return { dataCenter: dataCenter.trim(), rack: rack.trim() }
}

/** Each node tells the others where it is, by gossip; its own file says where it is itself. */
export class GossipingPropertyFileSnitch extends NetworkTopologySnitch {
  readonly name = 'GossipingPropertyFileSnitch'
  readonly #sources: SnitchSources
  readonly #here: Location

  /** Throws a ConfigurationError where the file does not say where this node is. */
  constructor(sources: SnitchSources) {
    super()
    this.#sources = sources
    this.#here = parseRackDc(sources.rackDcFile ?? '')
  }

  locate(endpoint: Endpoint): Location {
    const { local, gossiped } = this.#sources
    return sameEndpoint(endpoint, local) ? this.#here : gossiped(endpoint)
  }
}

/** What the snitches that `endpoint_snitch` may name need to know; a file's text is null where there is none. */
export interface SnitchSources {
  readonly local: Endpoint
  readonly rackDcFile: string | null
  /** `cassandra-topology.properties` as it is now. */
  readonly readTopology: () => string | null
  /** Where another node says, or has said, that it is. */
  readonly gossiped: (endpoint: Endpoint) => Location
  readonly resolve?: Resolve
}

/**
 * The snitch that `endpoint_snitch` names, with or without its package. Throws a ConfigurationError for one that is
 * unknown and for files that don't say enough.
 */
export function snitchOf(className: string, sources: SnitchSources): Snitch {
  const full = className.includes('.') ? className : `org.apache.cassandra.locator.${className}`
  switch (full.replace(/^org\.apache\.cassandra\.locator\./, '')) {
    case 'SimpleSnitch':
      return new SimpleSnitch()
    case 'RackInferringSnitch':
      return new RackInferringSnitch()
    case 'PropertyFileSnitch':
      return new PropertyFileSnitch(sources)
    case 'GossipingPropertyFileSnitch':
      return new GossipingPropertyFileSnitch(sources)
    default:
      throw new ConfigurationError(`Unable to find snitch class '${full}'`)
  }
}
