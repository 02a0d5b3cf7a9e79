/** Who agrees on a Paxos round (`ReplicaPlans.forPaxos`). */

import { quorumOf } from '../../common/block-for.ts'
import { ConsistencyLevel, consistencyName, UnavailableError } from '../../common/errors.ts'
import type { PaxosPlan, PlanView, Replicas } from './replica-plan.ts'
import { writeLayout } from './write-plan.ts'

/**
 * The plan of a Paxos round at SERIAL or LOCAL_SERIAL: a majority of the replicas that there are, pending ones among them.
 * Throws an UnavailableError where less than that is alive, and where more than one is pending: two majorities need not
 * meet then.
 */
export function planPaxos(view: PlanView, level: ConsistencyLevel, hi: number, lo: number): PaxosPlan {
  const layout = writeLayout(view, hi, lo)
  const counted = (nodes: Replicas) =>
    level === ConsistencyLevel.LOCAL_SERIAL
      ? nodes.filter((node) => node.dataCenter === view.localDataCenter)
      : nodes
  const liveAndDown = counted(layout.all)
  const pending = counted(layout.pending)
  const contacts = liveAndDown.filter(view.isAlive)
  const required = quorumOf(liveAndDown.length)
  if (contacts.length < required) {
    const text = `Cannot achieve consistency level ${consistencyName(level)}`
    throw new UnavailableError(text, level, required, contacts.length)
  }
  if (pending.length > 1) {
    // The number in the text is that of all participants, and one more than these is required: Cassandra says so, too.
    throw new UnavailableError(
      'Cannot perform LWT operation as there is more than one ' +
        `(${liveAndDown.length}) pending range movement`,
      level,
      liveAndDown.length + 1,
      contacts.length,
    )
  }
  return Object.freeze({ level, pending, liveAndDown, contacts, required })
}
