/** Who is written to (`ReplicaPlans.forWrite`, `forReadRepair`). */

import { ConsistencyLevel } from '../../common/errors.ts'
import {
  assureSufficientLiveReplicasForWrite,
  blockForWrite,
  countIn,
  eachQuorumForWrite,
  isDataCenterLocal,
  type Replication,
} from './level.ts'
import {
  includesNode,
  type PlanView,
  type Replicas,
  sameNode,
  type WriteReplicaPlan,
} from './replica-plan.ts'

/** Replicas of a token as writes see them (`ReplicaLayout.ForTokenWrite`). */
export interface WriteLayout {
  readonly natural: Replicas
  readonly pending: Replicas
  /** Natural ones, then pending ones. */
  readonly all: Replicas
}

/** Natural and pending replicas of a token; who is natural already is not pending. */
export function writeLayout(view: Replication, hi: number, lo: number): WriteLayout {
  const natural = view.ring.replicas(view.strategy, hi, lo)
  let pending = view.ring.pendingReplicas(view.strategy, hi, lo)
  if (pending.length === 0) return { natural, pending, all: natural }
  if (pending.some((node) => includesNode(natural, node)))
    pending = pending.filter((node) => !includesNode(natural, node))
  return { natural, pending, all: pending.length === 0 ? natural : [...natural, ...pending] }
}

/**
 * The plan of an ordinary write: all replicas get it, those of other data centres too (`writeNormal`, where no replica is
 * transient). Throws an UnavailableError where too few are alive.
 */
export function planWrite(view: PlanView, level: ConsistencyLevel, hi: number, lo: number): WriteReplicaPlan {
  const layout = writeLayout(view, hi, lo)
  const live = layout.all.filter(view.isAlive)
  assureSufficientLiveReplicasForWrite(level, view, live, layout.pending)
  return writePlanOf(view, level, layout, live, layout.all)
}

/** A plan with given nodes, without a look at whether they are enough. */
export function writePlanOf(
  replication: Replication,
  level: ConsistencyLevel,
  { pending, all }: WriteLayout,
  live: Replicas,
  contacts: Replicas,
): WriteReplicaPlan {
  const countedDataCenter = isDataCenterLocal(level) ? replication.localDataCenter : null
  const isEach =
    level === ConsistencyLevel.EACH_QUORUM && replication.strategy.kind === 'NetworkTopologyStrategy'
  return Object.freeze({
    level,
    pending,
    liveAndDown: all,
    live,
    contacts,
    blockFor: blockForWrite(level, replication, pending),
    blockForByDataCenter: isEach ? eachQuorumForWrite(replication, pending) : null,
    countedDataCenter,
    candidateCount: countedDataCenter === null ? all.length : countIn(countedDataCenter, all),
  })
}

/** A write to one node that is taken to be alive, at ONE (`forSingleReplicaWrite`, `forForwardingCounterWrite`). */
export function planSingleReplicaWrite(node: Replicas[number]): WriteReplicaPlan {
  const one = Object.freeze([node])
  return Object.freeze({
    level: ConsistencyLevel.ONE,
    pending: Object.freeze([]),
    liveAndDown: one,
    live: one,
    contacts: one,
    blockFor: 1,
    blockForByDataCenter: null,
    countedDataCenter: null,
    candidateCount: 1,
  })
}

/**
 * The plan of repairs by a read: those that were read from, and as many more as the level needs to be held by the next read
 * (`writeReadRepair`). Throws an UnavailableError where too few are alive.
 */
export function planReadRepairWrite(
  view: PlanView,
  level: ConsistencyLevel,
  hi: number,
  lo: number,
  readContacts: Replicas,
): WriteReplicaPlan {
  const layout = writeLayout(view, hi, lo)
  const live = layout.all.filter(view.isAlive)
  const contacts = live.filter((node) => includesNode(readContacts, node))
  const others = live.filter((node) => !contacts.some((contact) => sameNode(contact, node)))
  if (level === ConsistencyLevel.EACH_QUORUM) {
    const wanted = eachQuorumForWrite(view, layout.pending)
    for (const { dataCenter } of contacts) wanted.set(dataCenter, (wanted.get(dataCenter) ?? 0) - 1)
    contacts.push(...takeWanted(wanted, others))
  } else {
    const more = blockForWrite(level, view, layout.pending) - contacts.length
    const counted = isDataCenterLocal(level)
      ? others.filter((node) => node.dataCenter === view.localDataCenter)
      : others
    if (more > 0) contacts.push(...counted.slice(0, more))
  }
  assureSufficientLiveReplicasForWrite(level, view, live, layout.pending)
  return writePlanOf(view, level, layout, live, contacts)
}

/** The first ones of each data centre, as many as are wanted of it; takes them off what is wanted. */
export function takeWanted(wanted: Map<string, number>, nodes: Replicas): Replicas {
  return nodes.filter(({ dataCenter }) => {
    const left = (wanted.get(dataCenter) ?? 0) - 1
    wanted.set(dataCenter, left)
    return left >= 0
  })
}
