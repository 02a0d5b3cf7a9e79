import { DEFAULT_HINTS_SETTINGS, type HintsSettings } from '../cluster/hints/settings.ts'
import { DEFAULT_TIMEOUTS_MS } from '../cluster/messaging/verb.ts'
import type { Setting, SettingValue } from './setting-values.ts'

/** Settings of a node of a ring, by cassandra.yaml's names; times in milliseconds. */
export interface RingSettings {
  readonly phiConvictThreshold: number
  readonly writeRequestTimeoutMs: number
  readonly counterWriteRequestTimeoutMs: number
  readonly truncateRequestTimeoutMs: number
  /** request_timeout: of what has no timeout of its own. */
  readonly requestTimeoutMs: number
  readonly dynamicSnitch: boolean
  readonly dynamicSnitchUpdateIntervalMs: number
  readonly dynamicSnitchResetIntervalMs: number
  readonly dynamicSnitchBadnessThreshold: number
  readonly internodeTcpConnectTimeoutMs: number
  readonly internodeTcpUserTimeoutMs: number
  readonly casContentionTimeoutMs: number
  readonly batchlogThrottleBytes: number
  /** batchlog_endpoint_strategy is prefer_local. */
  readonly batchlogPrefersLocalRack: boolean
  readonly hints: Omit<HintsSettings, 'directory'>
}

const STREAMING = 'data is not moved between nodes yet: a node without data takes part in the ring at once'

/** `Config.BatchlogEndpointStrategy`; the two that measure nodes are not there. */
const BATCHLOG_STRATEGIES = ['random_remote', 'prefer_local']

const HINTS: Readonly<Record<string, Setting>> = {
  auto_hints_cleanup_enabled: { kind: 'boolean', default: DEFAULT_HINTS_SETTINGS.isCleanedUp },
  hint_window_persistent_enabled: { kind: 'boolean', default: DEFAULT_HINTS_SETTINGS.isWindowPersistent },
  hinted_handoff_disabled_datacenters: { kind: 'names', default: [] },
  hinted_handoff_enabled: { kind: 'boolean', default: DEFAULT_HINTS_SETTINGS.isEnabled },
  hinted_handoff_throttle: { kind: 'size', default: DEFAULT_HINTS_SETTINGS.throttleBytes },
  hints_flush_period: { kind: 'duration', default: DEFAULT_HINTS_SETTINGS.flushPeriodMs, min: 1 },
  max_hint_window: { kind: 'duration', default: DEFAULT_HINTS_SETTINGS.maxWindowMs },
  max_hints_delivery_threads: { kind: 'number', default: DEFAULT_HINTS_SETTINGS.maxDeliveries, min: 1 },
  max_hints_file_size: { kind: 'size', default: DEFAULT_HINTS_SETTINGS.maxFileBytes, min: 1 },
  max_hints_size_per_host: { kind: 'size', default: DEFAULT_HINTS_SETTINGS.maxBytesPerHost },
}

/** `Config`. */
export const RING_SETTINGS: Readonly<Record<string, Setting>> = {
  ...HINTS,
  auto_bootstrap: { kind: 'boolean', default: true, inert: STREAMING },
  batchlog_endpoint_strategy: { kind: 'word', default: 'random_remote', words: BATCHLOG_STRATEGIES },
  batchlog_replay_throttle: { kind: 'size', default: 1024 * 1024 },
  cas_contention_timeout: { kind: 'duration', default: 1_800, min: 10 },
  counter_write_request_timeout: { kind: 'duration', default: DEFAULT_TIMEOUTS_MS.counter, min: 10 },
  dynamic_snitch: { kind: 'boolean', default: true },
  dynamic_snitch_badness_threshold: { kind: 'fraction', default: 1 },
  dynamic_snitch_reset_interval: { kind: 'duration', default: 600_000, min: 1 },
  dynamic_snitch_update_interval: { kind: 'duration', default: 100, min: 1 },
  internode_tcp_connect_timeout: { kind: 'duration', default: 2_000, min: 1 },
  internode_tcp_user_timeout: { kind: 'duration', default: 30_000, min: 0 },
  phi_convict_threshold: { kind: 'fraction', default: 8 },
  request_timeout: { kind: 'duration', default: DEFAULT_TIMEOUTS_MS.rpc, min: 10 },
  truncate_request_timeout: { kind: 'duration', default: DEFAULT_TIMEOUTS_MS.truncate, min: 10 },
  write_request_timeout: { kind: 'duration', default: DEFAULT_TIMEOUTS_MS.write, min: 10 },
}

export function ringSettingsOf(values: ReadonlyMap<string, SettingValue>): RingSettings {
  const number = (name: string): number => values.get(name) as number
  return {
    phiConvictThreshold: number('phi_convict_threshold'),
    writeRequestTimeoutMs: number('write_request_timeout'),
    counterWriteRequestTimeoutMs: number('counter_write_request_timeout'),
    truncateRequestTimeoutMs: number('truncate_request_timeout'),
    requestTimeoutMs: number('request_timeout'),
    dynamicSnitch: values.get('dynamic_snitch') as boolean,
    dynamicSnitchUpdateIntervalMs: number('dynamic_snitch_update_interval'),
    dynamicSnitchResetIntervalMs: number('dynamic_snitch_reset_interval'),
    dynamicSnitchBadnessThreshold: number('dynamic_snitch_badness_threshold'),
    internodeTcpConnectTimeoutMs: number('internode_tcp_connect_timeout'),
    internodeTcpUserTimeoutMs: number('internode_tcp_user_timeout'),
    casContentionTimeoutMs: number('cas_contention_timeout'),
    batchlogThrottleBytes: number('batchlog_replay_throttle'),
    batchlogPrefersLocalRack: values.get('batchlog_endpoint_strategy') === 'prefer_local',
    hints: {
      isEnabled: values.get('hinted_handoff_enabled') as boolean,
      disabledDataCenters: values.get('hinted_handoff_disabled_datacenters') as readonly string[],
      maxWindowMs: number('max_hint_window'),
      isWindowPersistent: values.get('hint_window_persistent_enabled') as boolean,
      throttleBytes: number('hinted_handoff_throttle'),
      flushPeriodMs: number('hints_flush_period'),
      maxFileBytes: number('max_hints_file_size'),
      maxBytesPerHost: number('max_hints_size_per_host'),
      maxDeliveries: number('max_hints_delivery_threads'),
      isCleanedUp: values.get('auto_hints_cleanup_enabled') as boolean,
    },
  }
}
