/** Which nodes replicate which part of a ring: the table of a strategy (`calculateNaturalReplicas`). */

import type { Ring, RingNode } from './ring.ts'
import type { ReplicationStrategy } from './strategy.ts'
import type { RingRange } from './token.ts'

const NONE: readonly RingNode[] = Object.freeze([])

/**
 * The natural replicas of every position of a ring under one strategy, in the order of the ring as Cassandra gives
 * them: the first is the primary. Lists are frozen, and the same replicas in the same order are the same list.
 */
export class Placement {
  readonly ring: Ring
  readonly strategy: ReplicationStrategy
  readonly #table: readonly (readonly RingNode[])[]

  constructor(ring: Ring, strategy: ReplicationStrategy) {
    this.ring = ring
    this.strategy = strategy
    this.#table = tableOf(ring, strategy)
  }

  /** The replicas of a token; none where the ring has no members or the strategy wants none. Allocates nothing. */
  replicas(hi: number, lo: number): readonly RingNode[] {
    return this.#table.length === 0 ? NONE : this.#table[this.ring.positionOf(hi, lo)]!
  }

  /** The replicas of what the token at a position owns. */
  replicasAt(position: number): readonly RingNode[] {
    return this.#table[position]!
  }

  /** All lists that there are, each once. */
  distinctReplicas(): ReadonlySet<readonly RingNode[]> {
    return new Set(this.#table)
  }

  /** What a node replicates, a range for each token, in the order of the tokens (`getAddressReplicas`). */
  rangesOf(hostId: string): RingRange[] {
    return this.#rangesWhere((replicas) => replicas.some((node) => node.hostId === hostId))
  }

  /** What a node is the first replica of (`StorageService.getPrimaryRangesForEndpoint`). */
  primaryRangesOf(hostId: string): RingRange[] {
    return this.#rangesWhere((replicas) => replicas[0]?.hostId === hostId)
  }

  /** What a node is the first replica of among those of its data centre (`getPrimaryRangeForEndpointWithinDC`). */
  primaryRangesInDataCenter(hostId: string): RingRange[] {
    const dataCenter = this.ring.node(hostId)?.dataCenter
    return this.#rangesWhere(
      (replicas) => replicas.find((node) => node.dataCenter === dataCenter)?.hostId === hostId,
    )
  }

  #rangesWhere(isWanted: (replicas: readonly RingNode[]) => boolean): RingRange[] {
    const ranges: RingRange[] = []
    this.#table.forEach((replicas, position) => {
      if (isWanted(replicas)) ranges.push(this.ring.range(position))
    })
    return ranges
  }
}

/** Finds the replicas of one position: writes indices of nodes into `found` and says how many. */
type Finder = (position: number, found: Int32Array) => number

function tableOf(ring: Ring, strategy: ReplicationStrategy): (readonly RingNode[])[] {
  const { nodes, size } = ring
  if (strategy.kind === 'LocalStrategy') {
    const alone = Object.freeze([strategy.node])
    // Without tokens too: what is local is here before there is a ring.
    return new Array<readonly RingNode[]>(Math.max(1, size)).fill(alone)
  }
  const find = finderOf(ring, strategy)
  const found = new Int32Array(nodes.length)
  const known = new Map<string, readonly RingNode[]>()
  const table = new Array<readonly RingNode[]>(size)
  for (let position = 0; position < size; position++) {
    const count = find(position, found)
    let key = ''
    for (let i = 0; i < count; i++) key += String.fromCharCode(found[i]!)
    let replicas = known.get(key)
    if (replicas === undefined) {
      const list = new Array<RingNode>(count)
      for (let i = 0; i < count; i++) list[i] = nodes[found[i]!]!
      known.set(key, (replicas = Object.freeze(list)))
    }
    table[position] = replicas
  }
  return table
}

function finderOf(ring: Ring, strategy: Exclude<ReplicationStrategy, { kind: 'LocalStrategy' }>): Finder {
  switch (strategy.kind) {
    case 'SimpleStrategy':
      return simpleFinder(ring, strategy.factor)
    case 'EverywhereStrategy':
      return simpleFinder(ring, ring.nodes.length)
    case 'NetworkTopologyStrategy':
      return networkTopologyFinder(ring, strategy.factors)
    case 'OldNetworkTopologyStrategy':
      return oldNetworkTopologyFinder(ring, strategy.factor)
  }
}

/** The next nodes around the ring, each once. */
function simpleFinder({ nodes, owners, size }: Ring, factor: number): Finder {
  const wanted = Math.min(factor, nodes.length)
  // The last position that found a node: nothing has to be cleared between positions.
  const seen = new Int32Array(nodes.length).fill(-1)
  return (position, found) => {
    let count = 0
    for (let at = position; count < wanted; at = at + 1 === size ? 0 : at + 1) {
      const owner = owners[at]!
      if (seen[owner] === position) continue
      seen[owner] = position
      found[count++] = owner
    }
    return count
  }
}

/** Data centres and racks of the nodes by numbers; racks of different data centres are different. */
function locations({ nodes }: Ring): {
  readonly dataCenters: readonly string[]
  readonly dataCenterOf: Int32Array
  readonly rackOf: Int32Array
  readonly nodeCounts: readonly number[]
  readonly rackCounts: readonly number[]
} {
  const dataCenters = [...new Set(nodes.map((node) => node.dataCenter))]
  const rackName = (node: RingNode) => JSON.stringify([node.dataCenter, node.rack])
  const racks = new Map([...new Set(nodes.map(rackName))].map((name, i) => [name, i]))
  const inDataCenter = (name: string) => nodes.filter((node) => node.dataCenter === name)
  return {
    dataCenters,
    dataCenterOf: Int32Array.from(nodes, (node) => dataCenters.indexOf(node.dataCenter)),
    rackOf: Int32Array.from(nodes, (node) => racks.get(rackName(node))!),
    nodeCounts: dataCenters.map((name) => inDataCenter(name).length),
    rackCounts: dataCenters.map((name) => new Set(inDataCenter(name).map((node) => node.rack)).size),
  }
}

/**
 * Around the ring, a node is taken when its data centre wants more and it is in a rack without a replica; in one that
 * has a replica, only as often as there are fewer racks than replicas wanted. A node that was passed by is not come
 * back to but by another of its tokens.
 */
function networkTopologyFinder(ring: Ring, factors: ReadonlyMap<string, number>): Finder {
  const { owners, nodes, size } = ring
  const { dataCenters, dataCenterOf, rackOf, nodeCounts, rackCounts } = locations(ring)
  const factorOf = dataCenters.map((name) => factors.get(name) ?? 0)
  const wanted = Int32Array.from(factorOf, (factor, i) => Math.min(factor, nodeCounts[i]!))
  const repeats = Int32Array.from(factorOf, (factor, i) => factor - rackCounts[i]!)
  const toFill = wanted.filter((factor) => factor > 0).length
  const left = new Int32Array(wanted.length)
  const repeatsLeft = new Int32Array(repeats.length)
  const seen = new Int32Array(nodes.length).fill(-1)
  const seenRack = new Int32Array(nodes.length).fill(-1)
  return (position, found) => {
    left.set(wanted)
    repeatsLeft.set(repeats)
    let count = 0
    let unfilled = toFill
    for (let step = 0, at = position; step < size && unfilled > 0; step++) {
      const owner = owners[at]!
      at = at + 1 === size ? 0 : at + 1
      const dataCenter = dataCenterOf[owner]!
      if (left[dataCenter] === 0 || seen[owner] === position) continue
      const rack = rackOf[owner]!
      if (seenRack[rack] !== position) seenRack[rack] = position
      else if (repeatsLeft[dataCenter]! > 0) repeatsLeft[dataCenter]!--
      else continue
      seen[owner] = position
      found[count++] = owner
      if (--left[dataCenter]! === 0) unfilled--
    }
    return count
  }
}

/** The owner; the next one in another data centre and the next one in another rack of its own; then who comes. */
function oldNetworkTopologyFinder(ring: Ring, factor: number): Finder {
  const { owners, size } = ring
  const { dataCenterOf, rackOf } = locations(ring)
  const wanted = Math.min(factor, ring.nodes.length)
  const seen = new Int32Array(ring.nodes.length).fill(-1)
  return (position, found) => {
    if (wanted === 0) return 0
    const owner = owners[position]!
    let count = 0
    const add = (node: number) => {
      seen[node] = position
      found[count++] = node
    }
    add(owner)
    let hasOtherDataCenter = false
    let hasOtherRack = false
    const next = (at: number) => (at + 1 === size ? 0 : at + 1)
    for (let at = next(position); at !== position && count < wanted; at = next(at)) {
      const node = owners[at]!
      if (dataCenterOf[node] !== dataCenterOf[owner]) {
        if (!hasOtherDataCenter) add(node)
        hasOtherDataCenter = true
      } else if (rackOf[node] !== rackOf[owner]) {
        if (!hasOtherRack) add(node)
        hasOtherRack = true
      }
      if (hasOtherDataCenter && hasOtherRack) break
    }
    for (let at = next(position); at !== position && count < wanted; at = next(at)) {
      if (seen[owners[at]!] !== position) add(owners[at]!)
    }
    return count
  }
}
