/** What operators are told of a ring: describering, getendpoints and ownership (`StorageService`). */

import { InvalidRequestError } from '../../common/errors.ts'
import type { Endpoint } from '../endpoint.ts'
import type { Ring, RingNode } from './ring.ts'
import { type ReplicationStrategy, sameSettings } from './strategy.ts'
import { tokenHigh, tokenLow } from './token.ts'

function hostText(endpoint: Endpoint, withPort: boolean): string {
  return withPort ? endpoint.text : endpoint.host
}

/**
 * The lines of `nodetool describering` without its heading, a range and its replicas each, in the order of the tokens
 * (Cassandra's order is that of a hash map). `nativeAddress` gives the address, and with `withPort` the port, that
 * clients reach a node at. Throws an InvalidRequestError for a keyspace that is not spread over the ring
 * (`describeRingJMX`).
 */
export function describeRing(
  ring: Ring,
  keyspace: string,
  strategy: ReplicationStrategy | null,
  nativeAddress: (node: RingNode, withPort: boolean) => string,
  withPort: boolean = false,
): string[] {
  if (strategy === null) throw new InvalidRequestError(`No such keyspace: ${keyspace}`)
  if (strategy.kind === 'LocalStrategy') {
    throw new InvalidRequestError(`There is no ring for the keyspace: ${keyspace}`)
  }
  const placement = ring.placement(strategy)
  return ring.ranges().map(({ left, right }, position) => {
    const replicas = placement.replicasAt(position)
    const hosts = replicas.map((node) => hostText(node.endpoint, withPort))
    const natives = replicas.map((node) => nativeAddress(node, withPort))
    const details = replicas.map(
      (node, i) => `EndpointDetails(host:${hosts[i]}, datacenter:${node.dataCenter}, rack:${node.rack})`,
    )
    return (
      `TokenRange(start_token:${left}, end_token:${right}, endpoints:[${hosts.join(', ')}], ` +
      `rpc_endpoints:[${natives.join(', ')}], endpoint_details:[${details.join(', ')}])`
    )
  })
}

/** The natural replicas of a token as `nodetool getendpoints` lists them. */
export function endpointsOf(
  ring: Ring,
  strategy: ReplicationStrategy,
  token: bigint,
  withPort: boolean = false,
): string[] {
  return ring
    .replicas(strategy, tokenHigh(token), tokenLow(token))
    .map((node) => hostText(node.endpoint, withPort))
}

/**
 * The part of the ring that each position's token owns, 1 being all, rounded to six places as a float
 * (`Murmur3Partitioner.describeOwnership`). Throws an Error where the ring is empty.
 */
export function tokenOwnership(ring: Ring): number[] {
  if (ring.size === 0) {
    throw new Error('No nodes present in the cluster. Has this node finished starting up?')
  }
  if (ring.size === 1) return [1]
  return ring.ranges().map(({ left, right }) => {
    const part = right > left ? right - left : right - left + WHOLE
    return Math.fround(Number(divideHalfEven(part * 1_000_000n, WHOLE)) / 1_000_000)
  })
}

/** What Cassandra takes for the size of the ring: one less than the tokens that keys can have. */
const WHOLE = 2n ** 64n - 2n

function divideHalfEven(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor
  const twice = (dividend % divisor) * 2n
  return twice > divisor || (twice === divisor && quotient % 2n === 1n) ? quotient + 1n : quotient
}

/** The part of the ring that each node owns by its tokens, by the text of its endpoint (`getOwnershipWithPort`). */
export function ownership(ring: Ring): Map<string, number> {
  const owned = new Map<string, number>()
  tokenOwnership(ring).forEach((part, position) => {
    const { text } = ring.nodes[ring.owners[position]!]!.endpoint
    owned.set(text, Math.fround((owned.get(text) ?? 0) + part))
  })
  return owned
}

/** The part of the ring that each node replicates, by the text of its endpoint, data centre by data centre. */
export function replicatedOwnership(ring: Ring, strategy: ReplicationStrategy): Map<string, number> {
  const parts = tokenOwnership(ring)
  const placement = ring.placement(strategy)
  const sums = new Map(ring.nodes.map((node) => [node.hostId, 0]))
  parts.forEach((part, position) => {
    for (const { hostId } of placement.replicasAt(position)) {
      sums.set(hostId, Math.fround(sums.get(hostId)! + part))
    }
  })
  const order = (a: RingNode, b: RingNode) =>
    a.dataCenter === b.dataCenter ? 0 : a.dataCenter < b.dataCenter ? -1 : 1
  return new Map(
    ring.nodes.toSorted(order).map((node) => [node.endpoint.text, sums.get(node.hostId)!] as const),
  )
}

/** Ownership cannot be told. Where `isMeaningless` is true nodetool shows a note and what the tokens own; else an error. */
export class OwnershipError extends Error {
  readonly isMeaningless: boolean

  constructor(message: string, isMeaningless: boolean) {
    super(message)
    this.isMeaningless = isMeaningless
  }
}

/**
 * The part of the data that each node has (`StorageService.effectiveOwnershipWithPort`, what `nodetool status` and
 * `nodetool ring` show). Without a keyspace it is that of the user's keyspaces if all of them are replicated alike, and
 * of system_traces if there are none. `strategies` has every keyspace by name, `userKeyspaces` the names of those
 * that are not the system's. Throws an OwnershipError.
 */
export function effectiveOwnership(
  ring: Ring,
  strategies: ReadonlyMap<string, ReplicationStrategy>,
  userKeyspaces: readonly string[],
  keyspace: string | null,
): Map<string, number> {
  if (keyspace !== null) {
    const strategy = strategies.get(keyspace)
    if (strategy === undefined) throw new OwnershipError(`The keyspace ${keyspace}, does not exist`, false)
    if (strategy.kind === 'LocalStrategy') {
      throw new OwnershipError('Ownership values for keyspaces with LocalStrategy are meaningless', true)
    }
    return replicatedOwnership(ring, strategy)
  }
  const name = userKeyspaces[0] ?? 'system_traces'
  const strategy = strategies.get(name)
  if (strategy === undefined) {
    throw new OwnershipError(
      `The node does not have ${name} yet, probably still bootstrapping. Effective ownership information is meaningless.`,
      true,
    )
  }
  if (userKeyspaces.some((other) => !sameSettings(strategies.get(other)!, strategy))) {
    throw new OwnershipError(
      "Non-system keyspaces don't have the same replication settings, effective ownership information is meaningless",
      true,
    )
  }
  return replicatedOwnership(ring, strategy)
}
