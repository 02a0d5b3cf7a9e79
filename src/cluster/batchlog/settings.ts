export interface BatchlogSettings {
  /** batchlog_replay_throttle, bytes a second, which all nodes share; 0 does not limit. */
  readonly throttleBytes: number
  /** How old a batch is when somebody else finishes it: twice write_request_timeout. */
  readonly timeoutMs: number
  /** When this node first looks for such batches: RING_DELAY after its start. */
  readonly startDelayMs: number
  /** Whether one of the two nodes that keep a batch is to be of this rack (`batchlog_endpoint_strategy: prefer_local`). */
  readonly prefersLocalRack: boolean
}

/** Cassandra's defaults. */
export const DEFAULT_BATCHLOG_SETTINGS: BatchlogSettings = {
  throttleBytes: 1024 * 1024,
  timeoutMs: 4000,
  startDelayMs: 30_000,
  prefersLocalRack: false,
}
