/** How many replicas a consistency level asks for, and whether so many are alive (`ConsistencyLevel`, `ReplicaPlans`). */

import { blockFor as blockForFactors, quorumOf } from '../../common/block-for.ts'
import { ConsistencyLevel, consistencyName, UnavailableError } from '../../common/errors.ts'
import type { Ring, RingNode } from '../ring/ring.ts'
import { factorIn, type ReplicationStrategy, totalFactor } from '../ring/strategy.ts'

/** How a keyspace is replicated, seen from a data centre; an immutable value. */
export interface Replication {
  readonly ring: Ring
  readonly strategy: ReplicationStrategy
  /** The data centre of the node that coordinates: the one that LOCAL_ levels are about. */
  readonly localDataCenter: string
}

/** Whether only replicas of the coordinator's data centre count (`isDatacenterLocal`). */
export function isDataCenterLocal(level: ConsistencyLevel): boolean {
  return (
    level === ConsistencyLevel.LOCAL_QUORUM ||
    level === ConsistencyLevel.LOCAL_ONE ||
    level === ConsistencyLevel.LOCAL_SERIAL ||
    level === ConsistencyLevel.NODE_LOCAL
  )
}

/** `ConsistencyLevel.isSerialConsistency`. */
export function isSerial(level: ConsistencyLevel): boolean {
  return level === ConsistencyLevel.SERIAL || level === ConsistencyLevel.LOCAL_SERIAL
}

/** Whether a read merges what several replicas say, where there are several (`needsReconciliation`). */
export function needsReconciliation(level: ConsistencyLevel): boolean {
  return (
    level !== ConsistencyLevel.ONE &&
    level !== ConsistencyLevel.LOCAL_ONE &&
    level !== ConsistencyLevel.NODE_LOCAL
  )
}

/** More than half of all replicas that the strategy wants, whether there are so many nodes or not (`quorumFor`). */
export function quorumFor({ strategy, ring }: Replication): number {
  return quorumOf(totalFactor(strategy, ring))
}

/** More than half of the replicas of a data centre; of all, where the strategy knows no data centres (`localQuorumFor`). */
export function localQuorumFor(replication: Replication, dataCenter: string): number {
  const factor = factorIn(replication.strategy, dataCenter)
  return factor === null ? quorumFor(replication) : quorumOf(factor)
}

/** The quorums of EACH_QUORUM by data centre, in the order of their names (`eachQuorumForRead`). */
export function eachQuorumForRead(replication: Replication): Map<string, number> {
  const { strategy, localDataCenter } = replication
  if (strategy.kind !== 'NetworkTopologyStrategy') return new Map([[localDataCenter, quorumFor(replication)]])
  return new Map([...strategy.factors].map(([dataCenter, factor]) => [dataCenter, quorumOf(factor)]))
}

/** The same and one more for each pending replica (`eachQuorumForWrite`). */
export function eachQuorumForWrite(
  replication: Replication,
  pending: readonly RingNode[],
): Map<string, number> {
  const quorums = eachQuorumForRead(replication)
  for (const { dataCenter } of pending) quorums.set(dataCenter, (quorums.get(dataCenter) ?? 0) + 1)
  return quorums
}

/** How many replicas have to answer a read (`blockFor`). Throws a RangeError for NODE_LOCAL, and for what is no level. */
export function blockFor(level: ConsistencyLevel, replication: Replication): number {
  const { strategy, ring, localDataCenter } = replication
  if (level === ConsistencyLevel.EACH_QUORUM && strategy.kind === 'NetworkTopologyStrategy') {
    let sum = 0
    for (const factor of strategy.factors.values()) sum += quorumOf(factor)
    return sum
  }
  return blockForFactors(level, totalFactor(strategy, ring), factorIn(strategy, localDataCenter))
}

/**
 * How many replicas have to acknowledge a write: one more for each pending replica, of this data centre where only that one
 * counts, so that the level holds before and after these are natural ones (`blockForWrite`).
 */
export function blockForWrite(
  level: ConsistencyLevel,
  replication: Replication,
  pending: readonly RingNode[],
): number {
  const natural = blockFor(level, replication)
  if (pending.length === 0 || level === ConsistencyLevel.ANY) return natural
  return natural + (isDataCenterLocal(level) ? countIn(replication.localDataCenter, pending) : pending.length)
}

/** Whether a level asks for as many replicas as another one, wherever these are (`satisfies`). */
export function satisfies(
  level: ConsistencyLevel,
  other: ConsistencyLevel,
  replication: Replication,
): boolean {
  return blockFor(level, replication) >= blockFor(other, replication)
}

/** How many of some nodes are in a data centre. */
export function countIn(dataCenter: string, nodes: readonly RingNode[]): number {
  let count = 0
  for (const node of nodes) if (node.dataCenter === dataCenter) count++
  return count
}

/** Whether so many live replicas are enough for a read (`isSufficientLiveReplicasForRead`). */
export function isSufficientLiveReplicasForRead(
  level: ConsistencyLevel,
  replication: Replication,
  live: readonly RingNode[],
): boolean {
  return (
    level === ConsistencyLevel.ANY || lack(level, replication, live, blockFor(level, replication)) === null
  )
}

/**
 * Throws Cassandra's UnavailableError where those that a read would ask are too few
 * (`assureSufficientLiveReplicasForRead`).
 */
export function assureSufficientLiveReplicasForRead(
  level: ConsistencyLevel,
  replication: Replication,
  contacts: readonly RingNode[],
): void {
  assure(level, replication, contacts, blockFor(level, replication))
}

/**
 * Throws Cassandra's UnavailableError where the live replicas, pending ones among them, are too few for a write; `pending`
 * are those that are down too (`assureSufficientLiveReplicasForWrite`).
 */
export function assureSufficientLiveReplicasForWrite(
  level: ConsistencyLevel,
  replication: Replication,
  live: readonly RingNode[],
  pending: readonly RingNode[],
): void {
  assure(level, replication, live, blockForWrite(level, replication, pending))
}

/** What is missing: how many of how many, and where, if that is to be told. */
interface Lack {
  readonly dataCenter: string | null
  readonly required: number
  readonly alive: number
}

function assure(
  level: ConsistencyLevel,
  replication: Replication,
  live: readonly RingNode[],
  required: number,
): void {
  // A hint is enough for ANY, and this node can always take one.
  if (level === ConsistencyLevel.ANY) return
  const missing = lack(level, replication, live, required)
  if (missing !== null) throw unavailable(level, missing)
}

function lack(
  level: ConsistencyLevel,
  replication: Replication,
  live: readonly RingNode[],
  required: number,
): Lack | null {
  const { strategy, localDataCenter } = replication
  switch (level) {
    case ConsistencyLevel.LOCAL_ONE:
    case ConsistencyLevel.LOCAL_QUORUM: {
      const alive = countIn(localDataCenter, live)
      if (alive >= required) return null
      // LOCAL_ONE tells of one replica, even where pending ones make them more.
      return { dataCenter: null, required: level === ConsistencyLevel.LOCAL_ONE ? 1 : required, alive }
    }
    case ConsistencyLevel.EACH_QUORUM:
      if (strategy.kind === 'NetworkTopologyStrategy') {
        // Pending replicas are alive here and do not raise what is required, as in Cassandra; those that are waited for do.
        for (const [dataCenter, factor] of strategy.factors) {
          const quorum = quorumOf(factor)
          const alive = countIn(dataCenter, live)
          // Whatever is alive, Cassandra says that none is: it passes its numbers on in the wrong order.
          if (alive < quorum) return { dataCenter, required: quorum, alive: 0 }
        }
        return null
      }
      break
  }
  return live.length >= required ? null : { dataCenter: null, required, alive: live.length }
}

/** `UnavailableException.create`, with the text that it gives where as many are alive as it says are required. */
function unavailable(level: ConsistencyLevel, { dataCenter, required, alive }: Lack): UnavailableError {
  const where = dataCenter === null ? '' : ` in DC ${dataCenter}`
  const text =
    required > alive
      ? `Cannot achieve consistency level ${consistencyName(level)}`
      : 'Insufficient full replicas'
  return new UnavailableError(text + where, level, required, alive)
}
