/** Who is read from (`ReplicaPlans.forRead`, `AbstractReadExecutor`). */

import { ConsistencyLevel } from '../../common/errors.ts'
import type { RingNode } from '../ring/ring.ts'
import {
  assureSufficientLiveReplicasForRead,
  blockFor,
  eachQuorumForRead,
  isDataCenterLocal,
  type Replication,
} from './level.ts'
import {
  includesNode,
  type PlanView,
  type Replicas,
  type Speculation,
  type TokenReadPlan,
} from './replica-plan.ts'
import { takeWanted } from './write-plan.ts'

/**
 * The plan of a read of a token: the nearest live replicas, as many as the level needs, and one more where the table always
 * speculates. Throws an UnavailableError where too few are alive.
 */
export function planRead(
  view: PlanView,
  level: ConsistencyLevel,
  hi: number,
  lo: number,
  speculation: Speculation,
): TokenReadPlan {
  const candidates = candidatesForRead(view, level, view.ring.replicas(view.strategy, hi, lo))
  const contacts = contactsForRead(view, level, candidates, speculation === 'ALWAYS')
  assureSufficientLiveReplicasForRead(level, view, contacts)
  // Answers of a data centre would be miscounted with more replicas than its quorum.
  const mayBeLate =
    speculation !== 'NEVER' && level !== ConsistencyLevel.EACH_QUORUM && contacts.length < candidates.length
  // Where one more is asked from the start, it is asked for data: it is there in case the first one does not answer. Where
  // nobody is left to be asked, that is not done, though one more may be among the contacts.
  const data = mayBeLate && speculation === 'ALWAYS' && contacts.length > 1 ? 2 : 1
  return Object.freeze({
    level,
    blockFor: blockFor(level, view),
    candidates,
    contacts,
    dataContacts: contacts.slice(0, data),
    digestContacts: contacts.slice(data),
    speculates: mayBeLate && speculation === 'LATE',
  })
}

/** A read of one replica that was chosen before, which nobody else repairs or speeds up (`forSingleReplicaRead`). */
export function planSingleReplicaRead(node: RingNode): TokenReadPlan {
  const one = Object.freeze([node])
  return Object.freeze({
    level: ConsistencyLevel.ONE,
    blockFor: 1,
    candidates: one,
    contacts: one,
    dataContacts: one,
    digestContacts: Object.freeze([]),
    speculates: false,
  })
}

/** The nearest candidate that is not asked yet, or null (`firstUncontactedCandidate`). */
export function firstUncontacted({
  candidates,
  contacts,
}: Pick<TokenReadPlan, 'candidates' | 'contacts'>): RingNode | null {
  return candidates.find((node) => !includesNode(contacts, node)) ?? null
}

/** A plan in which one more is asked; for a digest where data came already, else for data (`addToContacts`). */
export function withContact(plan: TokenReadPlan, node: RingNode, isDigest: boolean): TokenReadPlan {
  const { contacts, dataContacts, digestContacts } = plan
  return Object.freeze({
    ...plan,
    contacts: [...contacts, node],
    dataContacts: isDigest ? dataContacts : [...dataContacts, node],
    digestContacts: isDigest ? [...digestContacts, node] : digestContacts,
    speculates: false,
  })
}

/** Live replicas, the nearest first, of this data centre only where the level is about it. */
export function candidatesForRead(view: PlanView, level: ConsistencyLevel, natural: Replicas): Replicas {
  const isLocal = isDataCenterLocal(level)
  return view
    .sortedByProximity(natural)
    .filter((node) => view.isAlive(node) && (!isLocal || node.dataCenter === view.localDataCenter))
}

/** The first candidates, as many as are needed; of each data centre as many as its quorum for EACH_QUORUM. */
export function contactsForRead(
  replication: Replication,
  level: ConsistencyLevel,
  candidates: Replicas,
  oneMore: boolean,
): Replicas {
  const isEach =
    level === ConsistencyLevel.EACH_QUORUM && replication.strategy.kind === 'NetworkTopologyStrategy'
  if (isEach) return takeWanted(eachQuorumForRead(replication), candidates)
  return candidates.slice(0, blockFor(level, replication) + (oneMore ? 1 : 0))
}
