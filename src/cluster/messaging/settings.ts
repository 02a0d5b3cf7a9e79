import { DEFAULT_TIMEOUTS_MS, type TimeoutKind } from './verb.ts'

/** What of cassandra.yaml concerns messaging; sizes in bytes, times in milliseconds. */
export interface MessagingSettings {
  readonly clusterName: string
  /** Milliseconds by kinds of verbs. */
  readonly timeoutsMs: Readonly<Record<TimeoutKind, number>>
  /** Of the queue of one connection, and what may be borrowed for all of a peer and for all peers. */
  readonly internode_application_send_queue_capacity: number
  readonly internode_application_send_queue_reserve_endpoint_capacity: number
  readonly internode_application_send_queue_reserve_global_capacity: number
  /** Of requests that a connection brought and that are not answered yet. */
  readonly internode_application_receive_queue_capacity: number
  readonly internode_application_receive_queue_reserve_endpoint_capacity: number
  readonly internode_application_receive_queue_reserve_global_capacity: number
  readonly internode_max_message_size: number
  readonly internode_tcp_connect_timeout: number
  /** A connection whose peer acknowledges nothing for so long is broken. */
  readonly internode_tcp_user_timeout: number
}

const MIB = 1024 * 1024

/** Cassandra's defaults. */
export const DEFAULT_MESSAGING_SETTINGS: MessagingSettings = {
  clusterName: 'Test Cluster',
  timeoutsMs: DEFAULT_TIMEOUTS_MS,
  internode_application_send_queue_capacity: 4 * MIB,
  internode_application_send_queue_reserve_endpoint_capacity: 128 * MIB,
  internode_application_send_queue_reserve_global_capacity: 512 * MIB,
  internode_application_receive_queue_capacity: 4 * MIB,
  internode_application_receive_queue_reserve_endpoint_capacity: 128 * MIB,
  internode_application_receive_queue_reserve_global_capacity: 512 * MIB,
  internode_max_message_size: 128 * MIB,
  internode_tcp_connect_timeout: 2_000,
  internode_tcp_user_timeout: 30_000,
}
