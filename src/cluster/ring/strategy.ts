/** Replication strategies as values (`AbstractReplicationStrategy` and its subclasses). */

import { ConfigurationError } from '../../common/errors.ts'
import { factorOf, factorProblem, strategyName } from '../../schema/index.ts'
import type { Ring, RingNode } from './ring.ts'

interface Keyed {
  /** The strategy and its options in one text: the same for two keyspaces that are replicated alike. */
  readonly key: string
}

/** The next nodes around the ring (`SimpleStrategy`). */
export interface SimpleStrategy extends Keyed {
  readonly kind: 'SimpleStrategy'
  readonly factor: number
}

/** So many replicas in each data centre, in different racks while there are such (`NetworkTopologyStrategy`). */
export interface NetworkTopologyStrategy extends Keyed {
  readonly kind: 'NetworkTopologyStrategy'
  /** By data centre; none of them is 0. */
  readonly factors: ReadonlyMap<string, number>
}

/**
 * The strategy before data centres had factors: the second replica in another data centre, the third in another rack
 * of the first one, the rest around the ring (`OldNetworkTopologyStrategy`, which Cassandra removed in 4.0).
 */
export interface OldNetworkTopologyStrategy extends Keyed {
  readonly kind: 'OldNetworkTopologyStrategy'
  readonly factor: number
}

/** Each node has its own (`LocalStrategy`). */
export interface LocalStrategy extends Keyed {
  readonly kind: 'LocalStrategy'
  readonly node: RingNode
}

/** Every node has everything (`EverywhereStrategy`; CREATE KEYSPACE of Cassandra 5.0 knows none). */
export interface EverywhereStrategy extends Keyed {
  readonly kind: 'EverywhereStrategy'
}

export type ReplicationStrategy =
  | SimpleStrategy
  | NetworkTopologyStrategy
  | OldNetworkTopologyStrategy
  | LocalStrategy
  | EverywhereStrategy

export const EVERYWHERE: EverywhereStrategy = Object.freeze({
  kind: 'EverywhereStrategy',
  key: 'EverywhereStrategy',
})

export function simpleStrategy(factor: number): SimpleStrategy {
  return Object.freeze({ kind: 'SimpleStrategy', factor, key: `SimpleStrategy ${factor}` })
}

export function oldNetworkTopologyStrategy(factor: number): OldNetworkTopologyStrategy {
  return Object.freeze({
    kind: 'OldNetworkTopologyStrategy',
    factor,
    key: `OldNetworkTopologyStrategy ${factor}`,
  })
}

export function networkTopologyStrategy(
  factors: Iterable<readonly [string, number]>,
): NetworkTopologyStrategy {
  const sorted = [...factors].filter(([, factor]) => factor > 0).sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.freeze({
    kind: 'NetworkTopologyStrategy',
    factors: new Map(sorted),
    key: `NetworkTopologyStrategy ${JSON.stringify(sorted)}`,
  })
}

/** The strategy of what a node keeps for itself, whose only replica is that node whether it has tokens or not. */
export function localStrategy(node: RingNode): LocalStrategy {
  return Object.freeze({
    kind: 'LocalStrategy',
    node,
    key: `LocalStrategy ${JSON.stringify([node.hostId, node.endpoint.text, node.dataCenter, node.rack])}`,
  })
}

/**
 * The strategy that the `replication` of a keyspace says, as system_schema.keyspaces has it: `class` with its full
 * name, and factors by data centre (CREATE KEYSPACE has expanded `replication_factor`). `local` is the node itself, for
 * LocalStrategy. Throws a ConfigurationError with Cassandra's text for a class that is unknown and for what is no
 * factor, transient replicas ('3/1') among them.
 */
export function strategyOf(replication: ReadonlyMap<string, string>, local: RingNode): ReplicationStrategy {
  const name = strategyName(replication)
  switch (name) {
    case 'SimpleStrategy':
      return simpleStrategy(simpleFactor(replication, name))
    case 'OldNetworkTopologyStrategy':
      return oldNetworkTopologyStrategy(simpleFactor(replication, name))
    case 'NetworkTopologyStrategy': {
      const factors: [string, number][] = []
      for (const [option, text] of replication) {
        if (option === 'class') continue
        if (option.toLowerCase() === 'replication_factor') {
          throw new ConfigurationError(
            `${option} should not appear as an option at construction time for NetworkTopologyStrategy`,
          )
        }
        factors.push([option, checkedFactor(text)])
      }
      return networkTopologyStrategy(factors)
    }
    case 'LocalStrategy':
      return localStrategy(local)
    case 'EverywhereStrategy':
      return EVERYWHERE
    default:
      throw new ConfigurationError(`Unable to find replication strategy class '${replication.get('class')}'`)
  }
}

function simpleFactor(replication: ReadonlyMap<string, string>, name: string): number {
  const text = replication.get('replication_factor')
  if (text === undefined)
    throw new ConfigurationError(`${name} requires a replication_factor strategy option.`)
  return checkedFactor(text)
}

function checkedFactor(text: string): number {
  const problem = factorProblem(text)
  if (problem !== null) throw new ConfigurationError(problem)
  return factorOf(text)
}

/** How many replicas the strategy wants in all (`getReplicationFactor`); there may be fewer nodes than that. */
export function totalFactor(strategy: ReplicationStrategy, ring: Ring): number {
  switch (strategy.kind) {
    case 'SimpleStrategy':
    case 'OldNetworkTopologyStrategy':
      return strategy.factor
    case 'NetworkTopologyStrategy': {
      let total = 0
      for (const factor of strategy.factors.values()) total += factor
      return total
    }
    case 'LocalStrategy':
      return 1
    case 'EverywhereStrategy':
      return ring.nodes.length
  }
}

/**
 * How many replicas a data centre is to have: 0 where it is not mentioned. Strategies that know of no factors by data
 * centre give null (`NetworkTopologyStrategy.getReplicationFactor(dc)`).
 */
export function factorIn(strategy: ReplicationStrategy, dataCenter: string): number | null {
  return strategy.kind === 'NetworkTopologyStrategy' ? (strategy.factors.get(dataCenter) ?? 0) : null
}

/** Whether two keyspaces are replicated alike (`hasSameSettings`). */
export function sameSettings(a: ReplicationStrategy, b: ReplicationStrategy): boolean {
  return a.kind === b.kind && (a.kind === 'LocalStrategy' || a.key === b.key)
}
