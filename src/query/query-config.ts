import { DEFAULT_GUARDRAILS, type Guardrails } from '../cql/guardrails/guardrails.ts'

/** Settings of query processing, by cassandra.yaml's names. */
export interface QueryConfig {
  readonly prepared_statements_cache_size_bytes: number
  readonly max_mutation_size_bytes: number
  readonly batch_size_warn_threshold_bytes: number
  readonly batch_size_fail_threshold_bytes: number
  readonly unlogged_batch_across_partitions_warn_threshold: number
  readonly tombstone_warn_threshold: number
  readonly tombstone_failure_threshold: number
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
  guardrails: DEFAULT_GUARDRAILS,
}
