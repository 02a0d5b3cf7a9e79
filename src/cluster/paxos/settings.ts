/** Settings by cassandra.yaml's names, in milliseconds. */
export interface PaxosTimeouts {
  readonly cas_contention_timeout_ms: number
  readonly write_request_timeout_ms: number
}

/** Cassandra's defaults. */
export const DEFAULT_PAXOS_TIMEOUTS: PaxosTimeouts = {
  cas_contention_timeout_ms: 1_800,
  write_request_timeout_ms: 2_000,
}
