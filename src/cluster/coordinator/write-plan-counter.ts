/** The replica that adds to a counter (`StorageProxy.findSuitableReplica`). */

import { type ConsistencyLevel, consistencyName, UnavailableError } from '../../common/errors.ts'
import type { Random } from '../../io/random.ts'
import { below } from '../random-choice.ts'
import type { RingNode } from '../ring/ring.ts'
import { blockFor, isDataCenterLocal } from './level.ts'
import type { PlanView } from './replica-plan.ts'

/**
 * The leader of an update of counters: a live natural replica that serves clients, any one of this data centre; where it has none, the
 * nearest. Throws an UnavailableError where there is none, or none that the level may use.
 */
export function findCounterLeaderReplica(
  view: PlanView,
  level: ConsistencyLevel,
  hi: number,
  lo: number,
  isRpcReady: (node: RingNode) => boolean,
  random: Random,
): RingNode {
  const replicas = view.ring
    .replicas(view.strategy, hi, lo)
    .filter((node) => isRpcReady(node) && view.isAlive(node))
  const local = replicas.filter((node) => node.dataCenter === view.localDataCenter)
  if (local.length > 0) return local[below(random, local.length)]!
  if (replicas.length === 0 || isDataCenterLocal(level)) {
    const text = `Cannot achieve consistency level ${consistencyName(level)}`
    throw new UnavailableError(text, level, blockFor(level, view), 0)
  }
  return view.sortedByProximity(replicas)[0]!
}
