import { ConfigurationError } from '../common/errors.ts'
import type { QueryConfig } from '../query/query-processor.ts'
import { DEFAULT_QUERY_CONFIG } from '../query/query-processor.ts'
import { defaultConfig, type NativeTransportConfig } from '../server/index.ts'
import { type CommitLogConfig, DEFAULT_COMMIT_LOG_CONFIG } from '../storage/commitlog/config.ts'
import { DEFAULT_COMMIT_LOG_TOTAL_SPACE } from '../storage/storage-engine.ts'
import type { SibylOptions } from './options.ts'

/** What the settings of the options say to each room. */
export interface Settings {
  readonly query: QueryConfig
  readonly transport: NativeTransportConfig
  readonly commitLog: CommitLogConfig
  /** commitlog_total_space: beyond it the commit log is written anew. */
  readonly commitLogTotalSpaceBytes: number
  /** Every setting in force, by cassandra.yaml's name and as it writes them. */
  readonly texts: ReadonlyMap<string, string>
}

/** How a value is written: bytes or '16MiB', milliseconds or '10s', a whole number, true or false. */
type Kind = 'size' | 'duration' | 'number' | 'boolean'

interface Setting {
  readonly kind: Kind
  readonly default: number | boolean
  /** Least and greatest number. */
  readonly min?: number
  readonly max?: number
}

type Given = NonNullable<SibylOptions['settings']>

const INT_MAX = 0x7fffffff

/** Settings that have an option of their own. */
const OPTIONS: Readonly<Record<string, string>> = {
  authenticator: 'authenticator (--authenticator)',
  client_encryption_options: 'clientEncryption (--tls-keystore and others)',
  cluster_name: 'clusterName (--cluster-name)',
  commit_failure_policy: 'commitFailurePolicy (--commit-failure-policy)',
  commitlog_sync: 'commitlogSync (--commitlog-sync)',
  memtable_offheap_space: 'memtableSpaceMiB (--memtable-space)',
  native_transport_port: 'port (--port)',
  num_tokens: 'numTokens (--num-tokens)',
  rpc_address: 'host (--host)',
}

const SIZE_UNITS: Readonly<Record<string, number>> = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 }
const DURATION_UNITS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1e3,
  m: 6e4,
  h: 36e5,
  d: 864e5,
}

function definitions(): Readonly<Record<string, Setting>> {
  const transport = defaultConfig()
  const query = DEFAULT_QUERY_CONFIG
  const log = DEFAULT_COMMIT_LOG_CONFIG
  return {
    batch_size_fail_threshold: { kind: 'size', default: query.batch_size_fail_threshold_bytes },
    batch_size_warn_threshold: { kind: 'size', default: query.batch_size_warn_threshold_bytes },
    commitlog_segment_size: { kind: 'size', default: log.segmentSizeBytes, min: 1, max: INT_MAX },
    commitlog_sync_group_window: { kind: 'duration', default: log.syncGroupWindowMs, min: 1, max: INT_MAX },
    commitlog_sync_period: { kind: 'duration', default: log.syncPeriodMs, min: 1, max: INT_MAX },
    commitlog_total_space: { kind: 'size', default: DEFAULT_COMMIT_LOG_TOTAL_SPACE },
    consecutive_message_errors_threshold: {
      kind: 'number',
      default: transport.consecutive_message_errors_threshold,
    },
    max_mutation_size: { kind: 'size', default: query.max_mutation_size_bytes, min: 1, max: INT_MAX },
    native_transport_allow_older_protocols: {
      kind: 'boolean',
      default: transport.native_transport_allow_older_protocols,
    },
    native_transport_idle_timeout: { kind: 'duration', default: transport.native_transport_idle_timeout },
    native_transport_max_concurrent_connections: {
      kind: 'number',
      default: transport.native_transport_max_concurrent_connections,
      min: -1,
    },
    native_transport_max_concurrent_connections_per_ip: {
      kind: 'number',
      default: transport.native_transport_max_concurrent_connections_per_ip,
      min: -1,
    },
    native_transport_max_frame_size: {
      kind: 'size',
      default: transport.native_transport_max_frame_size,
      min: 1,
      max: INT_MAX,
    },
    native_transport_max_message_size: { kind: 'size', default: transport.native_transport_max_message_size },
    native_transport_max_request_data_in_flight: {
      kind: 'size',
      default: transport.native_transport_max_request_data_in_flight,
    },
    native_transport_max_request_data_in_flight_per_ip: {
      kind: 'size',
      default: transport.native_transport_max_request_data_in_flight_per_ip,
    },
    native_transport_max_requests_per_second: {
      kind: 'number',
      default: transport.native_transport_max_requests_per_second,
      min: 1,
    },
    native_transport_rate_limiting_enabled: {
      kind: 'boolean',
      default: transport.native_transport_rate_limiting_enabled,
    },
    native_transport_receive_queue_capacity: {
      kind: 'size',
      default: transport.native_transport_receive_queue_capacity,
      max: INT_MAX,
    },
    native_transport_throw_on_overload: {
      kind: 'boolean',
      default: transport.native_transport_throw_on_overload,
    },
    periodic_commitlog_sync_lag_block: { kind: 'duration', default: 1.5 * log.syncPeriodMs, max: INT_MAX },
    prepared_statements_cache_size: { kind: 'size', default: query.prepared_statements_cache_size_bytes },
    tombstone_failure_threshold: {
      kind: 'number',
      default: query.tombstone_failure_threshold,
      max: INT_MAX,
    },
    tombstone_warn_threshold: { kind: 'number', default: query.tombstone_warn_threshold, max: INT_MAX },
    unlogged_batch_across_partitions_warn_threshold: {
      kind: 'number',
      default: query.unlogged_batch_across_partitions_warn_threshold,
      max: INT_MAX,
    },
  }
}

/** The settings in force. Throws a ConfigurationError for names and values that mean nothing here. */
export function settingsOf(options: SibylOptions): Settings {
  const given = options.settings ?? {}
  const known = definitions()
  refuseUnknown(given, known)
  const values = new Map<string, number | boolean>()
  for (const [name, setting] of Object.entries(known)) {
    const value = given[name]
    values.set(name, value === undefined ? setting.default : parseValue(name, setting, value))
  }
  derive(values, given)
  validate(values, given, options)
  const number = (name: string): number => values.get(name) as number
  const transport: Record<string, number | boolean> = {}
  for (const name of Object.keys(defaultConfig())) transport[name] = values.get(name)!
  return {
    transport: transport as unknown as NativeTransportConfig,
    query: {
      prepared_statements_cache_size_bytes: number('prepared_statements_cache_size'),
      max_mutation_size_bytes: number('max_mutation_size'),
      batch_size_warn_threshold_bytes: number('batch_size_warn_threshold'),
      batch_size_fail_threshold_bytes: number('batch_size_fail_threshold'),
      unlogged_batch_across_partitions_warn_threshold: number(
        'unlogged_batch_across_partitions_warn_threshold',
      ),
      tombstone_warn_threshold: number('tombstone_warn_threshold'),
      tombstone_failure_threshold: number('tombstone_failure_threshold'),
    },
    commitLog: {
      sync: options.commitlogSync ?? DEFAULT_COMMIT_LOG_CONFIG.sync,
      failurePolicy: options.commitFailurePolicy ?? DEFAULT_COMMIT_LOG_CONFIG.failurePolicy,
      syncPeriodMs: number('commitlog_sync_period'),
      syncLagBlockMs: number('periodic_commitlog_sync_lag_block'),
      syncGroupWindowMs: number('commitlog_sync_group_window'),
      segmentSizeBytes: number('commitlog_segment_size'),
      mutationSizeBytesMax: number('max_mutation_size'),
    },
    commitLogTotalSpaceBytes: number('commitlog_total_space'),
    texts: new Map([...values].map(([name, value]) => [name, valueText(known[name]!.kind, value)])),
  }
}

function refuseUnknown(given: Given, known: Readonly<Record<string, Setting>>): void {
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(known, name)) continue
    const option = Object.hasOwn(OPTIONS, name) ? OPTIONS[name] : undefined
    throw new ConfigurationError(
      option === undefined
        ? `Unknown setting ${name}. There are: ${Object.keys(known).join(', ')}`
        : `The setting ${name} is given by the option ${option}`,
    )
  }
}

/** Defaults that follow other settings (`DatabaseDescriptor.applySimpleConfig`). */
function derive(values: Map<string, number | boolean>, given: Given): void {
  const number = (name: string): number => values.get(name) as number
  if (given['max_mutation_size'] === undefined) {
    values.set('max_mutation_size', Math.floor(number('commitlog_segment_size') / 2))
  }
  if (given['periodic_commitlog_sync_lag_block'] === undefined) {
    values.set('periodic_commitlog_sync_lag_block', Math.floor(1.5 * number('commitlog_sync_period')))
  }
  if (given['native_transport_max_message_size'] === undefined) {
    values.set(
      'native_transport_max_message_size',
      Math.min(
        number('max_mutation_size'),
        number('native_transport_max_request_data_in_flight'),
        number('native_transport_max_request_data_in_flight_per_ip'),
      ),
    )
  }
}

/** What does not go together (`DatabaseDescriptor.applySimpleConfig`). */
function validate(values: ReadonlyMap<string, number | boolean>, given: Given, options: SibylOptions): void {
  const number = (name: string): number => values.get(name) as number
  if (number('commitlog_segment_size') < 2 * number('max_mutation_size')) {
    throw new ConfigurationError(
      'commitlog_segment_size must be at least twice the size of max_mutation_size',
    )
  }
  for (const limit of [
    'native_transport_max_request_data_in_flight',
    'native_transport_max_request_data_in_flight_per_ip',
  ]) {
    if (number('native_transport_max_message_size') > number(limit)) {
      throw new ConfigurationError(`native_transport_max_message_size must not exceed ${limit}`)
    }
  }
  const sync = options.commitlogSync ?? 'periodic'
  if (sync !== 'periodic' && given['commitlog_sync_period'] !== undefined) {
    throw new ConfigurationError(
      sync === 'batch'
        ? 'Batch sync specified, but commitlog_sync_period found.'
        : 'Group sync specified, but commitlog_sync_period found. Only specify commitlog_sync_group_window when using group sync',
    )
  }
}

function parseValue(name: string, setting: Setting, value: number | boolean | string): number | boolean {
  if (setting.kind === 'boolean') {
    if (String(value) !== 'true' && String(value) !== 'false') wrong(name, value, 'is true or false')
    return String(value) === 'true'
  }
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = setting
  const parsed = typeof value === 'string' ? parseNumber(setting.kind, value) : value
  if (typeof parsed !== 'number' || !Number.isInteger(parsed)) return wrong(name, value, FORMS[setting.kind])
  if (parsed < min) wrong(name, value, `is at least ${min}`)
  if (parsed > max) wrong(name, value, `is at most ${max}`)
  return parsed
}

const FORMS: Readonly<Record<Exclude<Kind, 'boolean'>, string>> = {
  size: 'is a number of bytes, or one with a unit: B, KiB, MiB or GiB',
  duration: 'is a number of milliseconds, or one with a unit: ns, us, ms, s, m, h or d',
  number: 'is a whole number',
}

function parseNumber(kind: Exclude<Kind, 'boolean'>, text: string): number {
  const match = /^(-?\d+)([a-zA-Zµ]*)$/.exec(text.trim())
  if (match === null) return Number.NaN
  const [, digits, unit] = match
  if (unit === '') return Number(digits)
  const units = kind === 'size' ? SIZE_UNITS : kind === 'duration' ? DURATION_UNITS : {}
  return Object.hasOwn(units, unit!) ? Math.ceil(Number(digits) * units[unit!]!) : Number.NaN
}

function wrong(name: string, value: number | boolean | string, expected: string): never {
  throw new ConfigurationError(`Invalid value of the setting ${name}: ${value}. It ${expected}`)
}

function valueText(kind: Kind, value: number | boolean): string {
  if (typeof value === 'boolean' || kind === 'number') return String(value)
  if (kind === 'duration') return `${value}ms`
  const unit = ['GiB', 'MiB', 'KiB'].find((name) => value > 0 && value % SIZE_UNITS[name]! === 0) ?? 'B'
  return `${value / SIZE_UNITS[unit]!}${unit}`
}
