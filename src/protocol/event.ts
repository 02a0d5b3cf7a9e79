import type { SchemaChange } from '../model/query-result.ts'

/** A node of the cluster as events name it: 4 or 16 bytes and a port. */
export interface NodeAddress {
  readonly address: Uint8Array
  readonly port: number
}

export interface TopologyEvent {
  readonly kind: 'TOPOLOGY_CHANGE'
  readonly change: 'NEW_NODE' | 'REMOVED_NODE' | 'MOVED_NODE'
  readonly node: NodeAddress
}

export interface StatusEvent {
  readonly kind: 'STATUS_CHANGE'
  readonly change: 'UP' | 'DOWN'
  readonly node: NodeAddress
}

export interface SchemaEvent {
  readonly kind: 'SCHEMA_CHANGE'
  readonly change: SchemaChange
}

/** What EVENT pushes to the clients that registered for it (v5, section 4.2.6). */
export type ServerEvent = TopologyEvent | StatusEvent | SchemaEvent
