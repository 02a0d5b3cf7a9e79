import { ConsistencyLevel, consistencyName } from './errors.ts'

/** More than half of so many replicas (`quorumFor`). */
export function quorumOf(replicas: number): number {
  return (replicas >> 1) + 1
}

/**
 * How many replicas have to answer (`ConsistencyLevel.blockFor`), where EACH_QUORUM is that of one data centre. Throws a RangeError
 * for NODE_LOCAL, which requests may not have, and for what is no level.
 *
 * @param total replicas that a keyspace is to have
 * @param local those of the coordinator's data centre; null where the strategy knows no data centres
 */
export function blockFor(level: ConsistencyLevel, total: number, local: number | null): number {
  switch (level) {
    case ConsistencyLevel.ANY:
    case ConsistencyLevel.ONE:
    case ConsistencyLevel.LOCAL_ONE:
      return 1
    case ConsistencyLevel.TWO:
      return 2
    case ConsistencyLevel.THREE:
      return 3
    case ConsistencyLevel.QUORUM:
    case ConsistencyLevel.SERIAL:
    case ConsistencyLevel.EACH_QUORUM:
      return quorumOf(total)
    case ConsistencyLevel.ALL:
      return total
    case ConsistencyLevel.LOCAL_QUORUM:
    case ConsistencyLevel.LOCAL_SERIAL:
      return quorumOf(local ?? total)
    default:
      throw new RangeError(`Invalid consistency level: ${consistencyName(level)}`)
  }
}
