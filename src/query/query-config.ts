import { DEFAULT_GUARDRAILS, type Guardrails } from '../cql/guardrails/guardrails.ts'
import type { ReadTimeouts } from './read-deadline.ts'
import type { ReadThresholdConfig } from './read-thresholds.ts'

/** Settings of query processing, by cassandra.yaml's names. */
export interface QueryConfig extends ReadTimeouts, ReadThresholdConfig {
  readonly prepared_statements_cache_size_bytes: number
  readonly max_mutation_size_bytes: number
  readonly batch_size_warn_threshold_bytes: number
  readonly batch_size_fail_threshold_bytes: number
  readonly unlogged_batch_across_partitions_warn_threshold: number
  readonly use_statements_enabled: boolean
  /** They hold for ordinary users alone. */
  readonly guardrails: Guardrails
}

export const DEFAULT_QUERY_CONFIG: QueryConfig = {
  prepared_statements_cache_size_bytes: 10 * 1024 * 1024,
  max_mutation_size_bytes: 16 * 1024 * 1024,
  batch_size_warn_threshold_bytes: 5 * 1024,
  batch_size_fail_threshold_bytes: 50 * 1024,
  unlogged_batch_across_partitions_warn_threshold: 10,
  tombstone_warn_threshold: 1000,
  tombstone_failure_threshold: 100_000,
  use_statements_enabled: true,
  read_thresholds_enabled: false,
  coordinator_read_size_warn_threshold_bytes: null,
  coordinator_read_size_fail_threshold_bytes: null,
  local_read_size_warn_threshold_bytes: null,
  local_read_size_fail_threshold_bytes: null,
  native_transport_timeout_ms: 12_000,
  read_request_timeout_ms: 5_000,
  range_request_timeout_ms: 10_000,
  cql_start_time: 'REQUEST',
  guardrails: DEFAULT_GUARDRAILS,
}
