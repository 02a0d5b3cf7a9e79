/** What the replication options of a keyspace say, once CREATE KEYSPACE has prepared them (`ReplicationParams`). */

import { notANumber, parseInt32 } from '../common/java-numbers.ts'

/** The package that strategies without one are looked for in. */
export const STRATEGY_PACKAGE = 'org.apache.cassandra.locator.'

/** The name of the strategy, without the package of Cassandra's own; empty where there is no `class`. */
export function strategyName(replication: ReadonlyMap<string, string>): string {
  const name = replication.get('class') ?? ''
  return name.startsWith(STRATEGY_PACKAGE) ? name.slice(STRATEGY_PACKAGE.length) : name
}

/** What `ReplicationFactor.fromString` finds wrong with a factor, or null. */
export function factorProblem(text: string): string | null {
  const parts = text.split('/')
  if (parts.length > 1) {
    // Java's split drops empty strings at the end.
    while (parts.length > 0 && parts.at(-1) === '') parts.pop()
    if (parts.length !== 2) return 'Replication factor format is <replicas> or <replicas>/<transient>'
  }
  for (const part of parts) if (parseInt32(part) === null) return notANumber(part)
  if (parts.length === 2 && Number(parts[1]) !== 0) return 'Transient replication is not enabled on this node'
  const replicas = Number(parts[0])
  return replicas < 0 ? `Replication factor must be non-negative, found ${replicas}` : null
}

/** The replicas of a factor that has no problem. */
export function factorOf(text: string): number {
  return Number(text.split('/')[0])
}

/** All full replicas of a keyspace (`getReplicationFactor().fullReplicas`). */
export function totalReplicas(replication: ReadonlyMap<string, string>): number {
  if (strategyName(replication) === 'LocalStrategy') return 1
  let total = 0
  for (const [name, value] of replication) if (name !== 'class') total += factorOf(value)
  return total
}
