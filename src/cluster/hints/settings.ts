/** Settings of hints, by what cassandra.yaml calls them. */
export interface HintsSettings {
  /** hints_directory; made where it is not there. */
  readonly directory: string
  /** hinted_handoff_enabled: whether hints are written. What is there is delivered in either case. */
  readonly isEnabled: boolean
  /** hinted_handoff_disabled_datacenters. */
  readonly disabledDataCenters: readonly string[]
  /** max_hint_window: a node that is dead for longer gets no more hints. */
  readonly maxWindowMs: number
  /** hint_window_persistent_enabled: the window also begins with the oldest hint that a node was not given yet. */
  readonly isWindowPersistent: boolean
  /** hinted_handoff_throttle, bytes a second, which all other nodes share; 0 does not limit. */
  readonly throttleBytes: number
  /** hints_flush_period: how long a hint may be in memory only. */
  readonly flushPeriodMs: number
  /** max_hints_file_size: a file that is as large is closed. */
  readonly maxFileBytes: number
  /** max_hints_size_per_host; 0 does not limit. */
  readonly maxBytesPerHost: number
  /** max_hints_delivery_threads: to how many nodes hints are delivered at the same time. */
  readonly maxDeliveries: number
  /** auto_hints_cleanup_enabled: files in which all must have expired are removed without being read. */
  readonly isCleanedUp: boolean
}

/** Cassandra's defaults. */
export const DEFAULT_HINTS_SETTINGS: Omit<HintsSettings, 'directory'> = {
  isEnabled: true,
  disabledDataCenters: [],
  maxWindowMs: 3 * 60 * 60 * 1000,
  isWindowPersistent: true,
  throttleBytes: 1024 * 1024,
  flushPeriodMs: 10_000,
  maxFileBytes: 128 * 1024 * 1024,
  maxBytesPerHost: 0,
  maxDeliveries: 2,
  isCleanedUp: false,
}

/** How often it is looked who can be given hints (`HintsService.startDispatch`). */
export const DISPATCH_PERIOD_MS = 10_000
/** How often files whose hints have all expired are looked for (`HintsService`). */
export const CLEANUP_PERIOD_MS = 60 * 60 * 1000
/** Hints that wait in memory to be written, in all: beyond that they are written at once. */
export const BUFFER_BYTES = 4 * 1024 * 1024
/** While the disk takes nothing and so much waits, no more writes are taken for nodes whose hints wait. */
export const OVERLOAD_BYTES = 24 * 1024 * 1024
/** What is kept in memory while the disk takes nothing; beyond that hints are dropped. */
export const UNWRITTEN_BYTES_MAX = 32 * 1024 * 1024
