import { DEFAULT_TIMEOUTS_MS } from '../cluster/messaging/verb.ts'
import type { Setting, SettingValue } from './settings.ts'

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
}

const STREAMING = 'data is not moved between nodes yet: a node without data takes part in the ring at once'

/** `Config`. */
export const RING_SETTINGS: Readonly<Record<string, Setting>> = {
  auto_bootstrap: { kind: 'boolean', default: true, inert: STREAMING },
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
  }
}
