import type { TableMetadata } from '../../model/table.ts'

/** An index that Cassandra's own tables have. */
export interface BuiltInIndex {
  readonly name: string
  readonly className: string
  readonly target: string
}

const PAXOS_UNCOMMITTED: readonly BuiltInIndex[] = [
  {
    name: 'PaxosUncommittedIndex',
    className: 'org.apache.cassandra.service.paxos.uncommitted.PaxosUncommittedIndex',
    target: '',
  },
]

/** It tells Cassandra's Paxos which proposals are open, no query can use it (`PaxosUncommittedIndex`). */
export function builtInIndexes({ keyspace, name }: TableMetadata): readonly BuiltInIndex[] {
  return keyspace === 'system' && name === 'paxos' ? PAXOS_UNCOMMITTED : []
}
