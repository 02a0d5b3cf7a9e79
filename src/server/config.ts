import { getHeapStatistics } from 'node:v8'

/** The native transport's settings, by cassandra.yaml's names; sizes in bytes. */
export interface NativeTransportConfig {
  readonly native_transport_max_frame_size: number
  readonly native_transport_max_message_size: number
  /** -1 for no limit. */
  readonly native_transport_max_concurrent_connections: number
  readonly native_transport_max_concurrent_connections_per_ip: number
  readonly native_transport_max_request_data_in_flight: number
  readonly native_transport_max_request_data_in_flight_per_ip: number
  /** Bytes of requests that each v5 connection may have in flight before it counts against the limits above. */
  readonly native_transport_receive_queue_capacity: number
  /** Milliseconds without a byte either way after which a connection is closed; 0 for never. */
  readonly native_transport_idle_timeout: number
  readonly native_transport_allow_older_protocols: boolean
  readonly native_transport_rate_limiting_enabled: boolean
  readonly native_transport_max_requests_per_second: number
  /** What THROW_ON_OVERLOAD is for a v5 client that does not say. */
  readonly native_transport_throw_on_overload: boolean
  /** Milliseconds after which nobody waits for an answer any more: a request that old is not begun. */
  readonly native_transport_timeout: number
  /** Of this timeout, how much the oldest request that waits may have waited when another one comes; 0 for never mind. */
  readonly native_transport_queue_max_item_age_threshold: number
  /** Milliseconds for which a connection is not read when the oldest request has waited longer: least and most. */
  readonly native_transport_min_backoff_on_queue_overload: number
  readonly native_transport_max_backoff_on_queue_overload: number
  readonly consecutive_message_errors_threshold: number
}

const MIB = 1024 * 1024

/** Cassandra's defaults; the limits in flight are a tenth and a fortieth of the heap, as there. */
export function defaultConfig(): NativeTransportConfig {
  const heap = getHeapStatistics().heap_size_limit
  return {
    native_transport_max_frame_size: 16 * MIB,
    native_transport_max_message_size: 16 * MIB,
    native_transport_max_concurrent_connections: -1,
    native_transport_max_concurrent_connections_per_ip: -1,
    native_transport_max_request_data_in_flight: Math.floor(heap / 10),
    native_transport_max_request_data_in_flight_per_ip: Math.floor(heap / 40),
    native_transport_receive_queue_capacity: MIB,
    native_transport_idle_timeout: 0,
    native_transport_allow_older_protocols: true,
    native_transport_rate_limiting_enabled: false,
    native_transport_max_requests_per_second: 1_000_000,
    native_transport_throw_on_overload: false,
    native_transport_timeout: 12_000,
    native_transport_queue_max_item_age_threshold: Number.MAX_VALUE,
    native_transport_min_backoff_on_queue_overload: 10,
    native_transport_max_backoff_on_queue_overload: 200,
    consecutive_message_errors_threshold: 1,
  }
}
