/** How much of what is dead or large a replica reads until it warns, and until it gives a read up, by cassandra.yaml's names. */
export interface ReadThresholdsAtReplica {
  readonly tombstone_warn_threshold: number
  readonly tombstone_failure_threshold: number
  /** Bytes as Cassandra has rows in memory; null where there is no limit. */
  readonly local_read_size_warn_threshold_bytes: number | null
  readonly local_read_size_fail_threshold_bytes: number | null
}

export const NO_READ_THRESHOLDS: ReadThresholdsAtReplica = {
  tombstone_warn_threshold: Number.POSITIVE_INFINITY,
  tombstone_failure_threshold: Number.POSITIVE_INFINITY,
  local_read_size_warn_threshold_bytes: null,
  local_read_size_fail_threshold_bytes: null,
}
