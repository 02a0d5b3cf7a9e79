import { blockFor } from '../common/block-for.ts'
import { ConsistencyLevel, consistencyName, InvalidRequestError, UnavailableError } from '../common/errors.ts'

export { consistencyName }

/** How many copies a keyspace wants, and how many of them this data centre. */
export interface ReplicationFactors {
  readonly total: number
  readonly local: number
  readonly network: boolean
}

/**
 * Throws an UnavailableError when this one node is not enough for the level: it holds one copy of everything.
 * (`ReplicaPlans.assureSufficientLiveReplicas`)
 */
export function assureSufficientReplicas(
  level: ConsistencyLevel,
  factors: ReplicationFactors,
  isWrite: boolean,
): void {
  const alive = factors.network ? Math.min(1, factors.local) : Math.min(1, factors.total)
  const required = blockFor(level, factors.total, factors.network ? factors.local : null)
  if (required <= alive) return
  if (isWrite && level === ConsistencyLevel.ANY) return
  throw new UnavailableError(
    `Cannot achieve consistency level ${consistencyName(level)}`,
    level,
    required,
    alive,
  )
}

/** Levels that reads refuse (`ConsistencyLevel.validateForRead`). */
export function validateForRead(level: ConsistencyLevel): void {
  if (level === ConsistencyLevel.ANY) {
    throw new InvalidRequestError('ANY ConsistencyLevel is only supported for writes')
  }
}

/** Levels that plain writes refuse (`ConsistencyLevel.validateForWrite`). */
export function validateForWrite(level: ConsistencyLevel): void {
  if (level === ConsistencyLevel.SERIAL || level === ConsistencyLevel.LOCAL_SERIAL) {
    throw new InvalidRequestError('You must use conditional updates for serializable writes')
  }
}

/** `ConsistencyLevel.validateCounterForWrite`. */
export function validateCounterForWrite(level: ConsistencyLevel, table: string): void {
  if (level === ConsistencyLevel.ANY) {
    throw new InvalidRequestError(`Consistency level ANY is not yet supported for counter table ${table}`)
  }
  if (level === ConsistencyLevel.SERIAL || level === ConsistencyLevel.LOCAL_SERIAL) {
    throw new InvalidRequestError('Counter operations are inherently non-serializable')
  }
}

/** `ConsistencyLevel.validateForCas`: the serial consistency of a conditional statement. */
export function validateForCas(level: ConsistencyLevel): void {
  if (level !== ConsistencyLevel.SERIAL && level !== ConsistencyLevel.LOCAL_SERIAL) {
    throw new InvalidRequestError(
      'Invalid consistency for conditional update. Must be one of SERIAL or LOCAL_SERIAL',
    )
  }
}

/** `ConsistencyLevel.validateForCasCommit`: the consistency of a conditional statement's write. */
export function validateForCasCommit(level: ConsistencyLevel, strategyClass: string): void {
  if (level === ConsistencyLevel.EACH_QUORUM && !strategyClass.endsWith('.NetworkTopologyStrategy')) {
    throw new InvalidRequestError(
      `consistency level EACH_QUORUM not compatible with replication strategy (${strategyClass})`,
    )
  }
  if (level !== ConsistencyLevel.SERIAL && level !== ConsistencyLevel.LOCAL_SERIAL) return
  throw new InvalidRequestError(
    `${consistencyName(level)} is not supported as conditional update commit consistency. Use ANY if you mean ` +
      `"make sure it is accepted but I don't care how many replicas commit it for non-SERIAL reads"`,
  )
}
