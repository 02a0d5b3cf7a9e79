import { ConfigurationError } from '../common/errors.ts'
import { type Given, type Setting, type SettingValue, SIZE_UNITS } from './setting-values.ts'

/** Settings that have an option of their own. */
const OPTIONS: Readonly<Record<string, string>> = {
  authenticator: 'authenticator (--authenticator)',
  client_encryption_options: 'clientEncryption (--tls-keystore and others)',
  broadcast_address: 'broadcastAddress (--broadcast-address)',
  broadcast_rpc_address: 'broadcastRpcAddress (--broadcast-rpc-address)',
  cluster_name: 'clusterName (--cluster-name)',
  commit_failure_policy: 'commitFailurePolicy (--commit-failure-policy)',
  commitlog_sync: 'commitlogSync (--commitlog-sync)',
  disk_failure_policy: 'diskFailurePolicy (--disk-failure-policy)',
  endpoint_snitch: 'endpointSnitch (--endpoint-snitch)',
  initial_token: 'initialToken (--initial-token)',
  listen_address: 'listenAddress (--listen)',
  memtable_offheap_space: 'memtableSpaceMiB (--memtable-space)',
  native_transport_port: 'port (--port)',
  num_tokens: 'numTokens (--num-tokens)',
  rpc_address: 'host (--host)',
  seed_provider: 'seeds (--seeds)',
  server_encryption_options: 'serverEncryption',
  ssl_storage_port: 'sslStoragePort (--ssl-storage-port)',
  storage_port: 'storagePort (--storage-port)',
}

/** Names of older versions, with the unit that their numbers had (`@Replaces`). */
export const OLD_NAMES: Readonly<Record<string, readonly [name: string, unit: string]>> = {
  batch_size_fail_threshold_in_kb: ['batch_size_fail_threshold', 'KiB'],
  batch_size_warn_threshold_in_kb: ['batch_size_warn_threshold', 'KiB'],
  commitlog_segment_size_in_mb: ['commitlog_segment_size', 'MiB'],
  commitlog_sync_group_window_in_ms: ['commitlog_sync_group_window', 'ms'],
  commitlog_sync_period_in_ms: ['commitlog_sync_period', 'ms'],
  column_index_size_in_kb: ['column_index_size', 'KiB'],
  commitlog_total_space_in_mb: ['commitlog_total_space', 'MiB'],
  compaction_throughput_mb_per_sec: ['compaction_throughput', 'MiB'],
  compaction_tombstone_warning_threshold: ['partition_tombstones_warn_threshold', ''],
  enable_drop_compact_storage: ['drop_compact_storage_enabled', ''],
  file_cache_size_in_mb: ['file_cache_size', 'MiB'],
  key_cache_size_in_mb: ['key_cache_size', 'MiB'],
  max_mutation_size_in_kb: ['max_mutation_size', 'KiB'],
  native_transport_idle_timeout_in_ms: ['native_transport_idle_timeout', 'ms'],
  native_transport_max_concurrent_requests_in_bytes: ['native_transport_max_request_data_in_flight', 'B'],
  native_transport_max_concurrent_requests_in_bytes_per_ip: [
    'native_transport_max_request_data_in_flight_per_ip',
    'B',
  ],
  native_transport_max_frame_size_in_mb: ['native_transport_max_frame_size', 'MiB'],
  native_transport_receive_queue_capacity_in_bytes: ['native_transport_receive_queue_capacity', 'B'],
  periodic_commitlog_sync_lag_block_in_ms: ['periodic_commitlog_sync_lag_block', 'ms'],
  prepared_statements_cache_size_mb: ['prepared_statements_cache_size', 'MiB'],
  batchlog_replay_throttle_in_kb: ['batchlog_replay_throttle', 'KiB'],
  cas_contention_timeout_in_ms: ['cas_contention_timeout', 'ms'],
  counter_write_request_timeout_in_ms: ['counter_write_request_timeout', 'ms'],
  hinted_handoff_throttle_in_kb: ['hinted_handoff_throttle', 'KiB'],
  hints_flush_period_in_ms: ['hints_flush_period', 'ms'],
  max_hint_window_in_ms: ['max_hint_window', 'ms'],
  max_hints_file_size_in_mb: ['max_hints_file_size', 'MiB'],
  dynamic_snitch_reset_interval_in_ms: ['dynamic_snitch_reset_interval', 'ms'],
  dynamic_snitch_update_interval_in_ms: ['dynamic_snitch_update_interval', 'ms'],
  internode_tcp_connect_timeout_in_ms: ['internode_tcp_connect_timeout', 'ms'],
  internode_tcp_user_timeout_in_ms: ['internode_tcp_user_timeout', 'ms'],
  range_request_timeout_in_ms: ['range_request_timeout', 'ms'],
  read_request_timeout_in_ms: ['read_request_timeout', 'ms'],
  request_timeout_in_ms: ['request_timeout', 'ms'],
  truncate_request_timeout_in_ms: ['truncate_request_timeout', 'ms'],
  write_request_timeout_in_ms: ['write_request_timeout', 'ms'],
}

/** Settings by their names of today. Throws a ConfigurationError where both names of one are given. */
export function withNewNames(given: Given): Given {
  const named: Record<string, number | boolean | string> = {}
  for (const [old, value] of Object.entries(given)) {
    const [name, unit] = Object.hasOwn(OLD_NAMES, old) ? OLD_NAMES[old]! : [old, '']
    if (old !== name && Object.hasOwn(given, name)) {
      throw new ConfigurationError(`[${name}] are duplicate keys in cassandra.yaml: ${old} is its older name`)
    }
    const isRate = name === 'compaction_throughput'
    named[name] =
      unit !== '' && /^-?\d+$/.test(String(value)) ? `${value}${unit}${isRate ? '/s' : ''}` : value
  }
  return named
}

/** A value under an older name, which has the unit in it. */
export function oldText(value: SettingValue, unit: string): string | null {
  if (value === null) return null
  const size = SIZE_UNITS[unit]
  return String(typeof value === 'number' && size !== undefined ? Math.floor(value / size) : value)
}

/** Throws a ConfigurationError for what is no setting, or has an option of its own. */
export function refuseUnknown(given: Given, known: Readonly<Record<string, Setting>>): void {
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(known, name)) continue
    const option = Object.hasOwn(OPTIONS, name) ? OPTIONS[name] : undefined
    throw new ConfigurationError(
      option === undefined
        ? `Unknown setting ${name}. There are: ${Object.keys(known).sort().join(', ')}`
        : `The setting ${name} is given by the option ${option}`,
    )
  }
}
