/** Who keeps the batchlog of a logged batch (`ReplicaPlans.forBatchlogWrite`, `filterBatchlogEndpoints`). */

import { ConsistencyLevel, consistencyName, UnavailableError } from '../../common/errors.ts'
import type { Random } from '../../io/random.ts'
import { below, shuffled } from '../random-choice.ts'
import type { RingNode } from '../ring/ring.ts'
import { localStrategy } from '../ring/strategy.ts'
import { blockFor, type Replication } from './level.ts'
import { type Replicas, sameNode, type WriteReplicaPlan } from './replica-plan.ts'
import { writePlanOf } from './write-plan.ts'

/** How many nodes keep a batchlog, where there are so many (`REQUIRED_BATCHLOG_REPLICA_COUNT`). */
const WANTED = 2

/** What is known to the node that chooses. */
export interface BatchlogView {
  readonly ring: Replication['ring']
  readonly localNode: RingNode
  readonly isAlive: (node: RingNode) => boolean
  /** Whether one of the two is to be of this node's rack (`batchlog_endpoint_strategy: prefer_local`). */
  readonly prefersLocalRack: boolean
}

/**
 * The plan of a write to the batchlog: two live nodes of this data centre, of two racks that are not this node's if that
 * can be. Throws an UnavailableError where nobody can be asked, with other numbers for a batch at ANY.
 */
export function planBatchlogWrite(view: BatchlogView, isAny: boolean, random: Random): WriteReplicaPlan {
  const { ring, localNode } = view
  let chosen = batchlogNodes(view, random)
  const level = chosen.length === 1 ? ConsistencyLevel.ONE : ConsistencyLevel.TWO
  if (chosen.length === 0) {
    if (!isAny) {
      throw new UnavailableError(
        `Cannot achieve consistency level ${consistencyName(level)} for batchlog in local DC, ` +
          `required:${WANTED}, available:0`,
        level,
        WANTED,
        0,
      )
    }
    chosen = [localNode]
  }
  const replication = { ring, strategy: localStrategy(localNode), localDataCenter: localNode.dataCenter }
  // Cassandra means to keep a batch at ANY here when nobody else can keep it, but then asks for two nodes at TWO.
  const required = blockFor(level, replication)
  if (chosen.length < required) {
    const text = `Cannot achieve consistency level ${consistencyName(level)}`
    throw new UnavailableError(text, level, required, chosen.length)
  }
  const layout = { natural: chosen, pending: Object.freeze([]), all: chosen }
  return writePlanOf(replication, level, layout, chosen, chosen)
}

/** The nodes that a batchlog is sent to: two of them, one, or none (`filterBatchlogEndpointsRandom`). */
export function batchlogNodes(view: BatchlogView, random: Random): Replicas {
  const { ring, localNode, prefersLocalRack } = view
  const all = ring.nodes.filter((node) => node.dataCenter === localNode.dataCenter)
  // A data centre of two nodes or one has no choice; Cassandra takes them without a look at whether they are alive.
  if (all.length <= WANTED) return all
  const others = all.filter((node) => !sameNode(node, localNode) && view.isAlive(node))
  if (others.length <= WANTED) return others
  const elsewhere = others.filter((node) => node.rack !== localNode.rack)
  const usable = !prefersLocalRack && elsewhere.length >= WANTED ? elsewhere : others
  const racks = [...new Set(usable.map((node) => node.rack))].sort()
  if (racks.length === 1) return shuffled(usable, random).slice(0, WANTED)
  const picked =
    prefersLocalRack && racks.length > WANTED && racks.includes(localNode.rack)
      ? localAndAnother(racks, localNode.rack, random)
      : racks
  const two = picked.length > WANTED ? shuffled(picked, random).slice(0, WANTED) : picked
  return two.flatMap((rack) => {
    const members = usable.filter((node) => node.rack === rack)
    return members.length === 0 ? [] : [members[below(random, members.length)]!]
  })
}

function localAndAnother(racks: readonly string[], local: string, random: Random): readonly string[] {
  const others = racks.filter((rack) => rack !== local)
  return [local, others[below(random, others.length)]!]
}

/**
 * How many replicas of a mutation have to have it before the batchlog may forget it: as many as the batch waits for, or a
 * quorum where views are written (`StorageProxy.mutateAtomically`).
 */
export function batchRemovalLevel(
  level: ConsistencyLevel,
  requireQuorumForRemove: boolean,
): ConsistencyLevel {
  if (!requireQuorumForRemove) return level
  const isMore = level === ConsistencyLevel.ALL || level === ConsistencyLevel.EACH_QUORUM
  return isMore ? level : ConsistencyLevel.QUORUM
}
