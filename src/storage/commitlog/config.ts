/** How an append becomes durable against loss of power (`commitlog_sync`). */
export type CommitLogSync = 'periodic' | 'batch' | 'group'

/** What follows a failed write or fsync (`commit_failure_policy`). */
export type CommitFailurePolicy = 'stop' | 'stop_commit' | 'ignore' | 'die'

/** The settings of cassandra.yaml that the commit log follows, under their names there. */
export interface CommitLogConfig {
  /** commitlog_sync */
  readonly sync: CommitLogSync
  /** commitlog_sync_period */
  readonly syncPeriodMs: number
  /** periodic_commitlog_sync_lag_block; undefined is one and a half periods, as there */
  readonly syncLagBlockMs: number | undefined
  /** commitlog_sync_group_window */
  readonly syncGroupWindowMs: number
  /** commitlog_segment_size */
  readonly segmentSizeBytes: number
  /** max_mutation_size; undefined is half a segment, as there */
  readonly mutationSizeBytesMax: number | undefined
  /** commit_failure_policy */
  readonly failurePolicy: CommitFailurePolicy
}

export const DEFAULT_COMMIT_LOG_CONFIG: CommitLogConfig = {
  sync: 'periodic',
  syncPeriodMs: 10_000,
  syncLagBlockMs: undefined,
  syncGroupWindowMs: 1_000,
  segmentSizeBytes: 32 * 1024 * 1024,
  mutationSizeBytesMax: undefined,
  failurePolicy: 'stop',
}
