/** How much of what is dead or large a replica reads before it gives a read up, by cassandra.yaml's names. */
export interface ReadThresholdsAtReplica {
  readonly tombstone_failure_threshold: number
  /** Bytes; null where there is no limit. */
  readonly local_read_size_fail_threshold_bytes: number | null
}

export const NO_READ_THRESHOLDS: ReadThresholdsAtReplica = {
  tombstone_failure_threshold: Number.POSITIVE_INFINITY,
  local_read_size_fail_threshold_bytes: null,
}
