import { ConfigurationError } from '../common/errors.ts'
import { type DdlConfig, DEFAULT_DDL_CONFIG } from '../cql/ddl/index.ts'
import type { QueryConfig } from '../query/query-processor.ts'
import { DEFAULT_QUERY_CONFIG } from '../query/query-processor.ts'
import type { CqlStartTime } from '../query/read-deadline.ts'
import { defaultConfig, type NativeTransportConfig } from '../server/index.ts'
import { type CommitLogConfig, DEFAULT_COMMIT_LOG_CONFIG } from '../storage/commitlog/config.ts'
import { doubleText } from '../types/floating.ts'
import { guardrailDefinitions, guardrailsOf } from './guardrail-settings.ts'
import type { SibylOptions } from './options.ts'
import { RING_SETTINGS, type RingSettings, ringSettingsOf } from './ring-settings.ts'
import { STORAGE_SETTINGS, type StorageSettings, storageSettingsOf } from './storage-settings.ts'

/** What the settings of the options say to each room. */
export interface Settings {
  readonly query: QueryConfig
  readonly transport: NativeTransportConfig
  readonly commitLog: CommitLogConfig
  readonly storage: StorageSettings
  readonly ring: RingSettings
  readonly ddl: Pick<DdlConfig, 'dropCompactStorageEnabled' | 'guardrails'>
  /** Every setting in force, by cassandra.yaml's name and as it writes them; null is no value. */
  readonly texts: ReadonlyMap<string, string | null>
  /** What whoever starts the server is to be told of settings that have no effect. */
  readonly warnings: readonly string[]
}

/**
 * How a value is written: bytes or '16MiB', bytes a second or '64MiB/s', milliseconds or '10s' (kept as microseconds by `micros`), a whole number,
 * one with a fraction, true or false, one of some words, or names with commas or spaces between them.
 */
type Kind = NumberKind | 'fraction' | 'boolean' | 'word' | 'names'
type NumberKind = 'size' | 'rate' | 'duration' | 'micros' | 'number'

export type SettingValue = number | boolean | string | null | readonly string[]

export interface Setting {
  readonly kind: Kind
  /** Where it is null, the setting may be without a value. */
  readonly default: SettingValue
  /** Why it has no effect. */
  readonly inert?: string
  /** What a word may be. */
  readonly words?: readonly string[]
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
  broadcast_address: 'broadcastAddress (--broadcast-address)',
  broadcast_rpc_address: 'broadcastRpcAddress (--broadcast-rpc-address)',
  cluster_name: 'clusterName (--cluster-name)',
  commit_failure_policy: 'commitFailurePolicy (--commit-failure-policy)',
  commitlog_sync: 'commitlogSync (--commitlog-sync)',
  disk_failure_policy: 'diskFailurePolicy (--disk-failure-policy)',
  endpoint_snitch: 'endpointSnitch (--endpoint-snitch)',
  initial_token: 'initialToken (--initial-token)',
  listen_address: 'listenAddress (--listen)',
  memtable_offheap_space: 'memtableSpaceMiB (--memtable-space)',
  native_transport_port: 'port (--port)',
  num_tokens: 'numTokens (--num-tokens)',
  rpc_address: 'host (--host)',
  seed_provider: 'seeds (--seeds)',
  server_encryption_options: 'serverEncryption',
  ssl_storage_port: 'sslStoragePort (--ssl-storage-port)',
  storage_port: 'storagePort (--storage-port)',
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

/** Names of older versions, with the unit that their numbers had (`@Replaces`). */
const OLD_NAMES: Readonly<Record<string, readonly [name: string, unit: string]>> = {
  batch_size_fail_threshold_in_kb: ['batch_size_fail_threshold', 'KiB'],
  batch_size_warn_threshold_in_kb: ['batch_size_warn_threshold', 'KiB'],
  commitlog_segment_size_in_mb: ['commitlog_segment_size', 'MiB'],
  commitlog_sync_group_window_in_ms: ['commitlog_sync_group_window', 'ms'],
  commitlog_sync_period_in_ms: ['commitlog_sync_period', 'ms'],
  column_index_size_in_kb: ['column_index_size', 'KiB'],
  commitlog_total_space_in_mb: ['commitlog_total_space', 'MiB'],
  compaction_throughput_mb_per_sec: ['compaction_throughput', 'MiB'],
  compaction_tombstone_warning_threshold: ['partition_tombstones_warn_threshold', ''],
  enable_drop_compact_storage: ['drop_compact_storage_enabled', ''],
  file_cache_size_in_mb: ['file_cache_size', 'MiB'],
  key_cache_size_in_mb: ['key_cache_size', 'MiB'],
  max_mutation_size_in_kb: ['max_mutation_size', 'KiB'],
  native_transport_idle_timeout_in_ms: ['native_transport_idle_timeout', 'ms'],
  native_transport_max_concurrent_requests_in_bytes: ['native_transport_max_request_data_in_flight', 'B'],
  native_transport_max_concurrent_requests_in_bytes_per_ip: [
    'native_transport_max_request_data_in_flight_per_ip',
    'B',
  ],
  native_transport_max_frame_size_in_mb: ['native_transport_max_frame_size', 'MiB'],
  native_transport_receive_queue_capacity_in_bytes: ['native_transport_receive_queue_capacity', 'B'],
  periodic_commitlog_sync_lag_block_in_ms: ['periodic_commitlog_sync_lag_block', 'ms'],
  prepared_statements_cache_size_mb: ['prepared_statements_cache_size', 'MiB'],
  batchlog_replay_throttle_in_kb: ['batchlog_replay_throttle', 'KiB'],
  cas_contention_timeout_in_ms: ['cas_contention_timeout', 'ms'],
  counter_write_request_timeout_in_ms: ['counter_write_request_timeout', 'ms'],
  hinted_handoff_throttle_in_kb: ['hinted_handoff_throttle', 'KiB'],
  hints_flush_period_in_ms: ['hints_flush_period', 'ms'],
  max_hint_window_in_ms: ['max_hint_window', 'ms'],
  max_hints_file_size_in_mb: ['max_hints_file_size', 'MiB'],
  dynamic_snitch_reset_interval_in_ms: ['dynamic_snitch_reset_interval', 'ms'],
  dynamic_snitch_update_interval_in_ms: ['dynamic_snitch_update_interval', 'ms'],
  internode_tcp_connect_timeout_in_ms: ['internode_tcp_connect_timeout', 'ms'],
  internode_tcp_user_timeout_in_ms: ['internode_tcp_user_timeout', 'ms'],
  range_request_timeout_in_ms: ['range_request_timeout', 'ms'],
  read_request_timeout_in_ms: ['read_request_timeout', 'ms'],
  request_timeout_in_ms: ['request_timeout', 'ms'],
  truncate_request_timeout_in_ms: ['truncate_request_timeout', 'ms'],
  write_request_timeout_in_ms: ['write_request_timeout', 'ms'],
}

const ROW_INDEX = 'there are no SSTables whose index could be read'

/** What a read may come to (`ReadCommand.withQuerySizeTracking`, `SelectStatement.maybeFail`). */
const READ_SIZES: Readonly<Record<string, Setting>> = {
  coordinator_read_size_fail_threshold: { kind: 'size', default: null },
  coordinator_read_size_warn_threshold: { kind: 'size', default: null },
  local_read_size_fail_threshold: { kind: 'size', default: null },
  local_read_size_warn_threshold: { kind: 'size', default: null },
  read_thresholds_enabled: { kind: 'boolean', default: DEFAULT_QUERY_CONFIG.read_thresholds_enabled },
  row_index_read_size_fail_threshold: { kind: 'size', default: null, inert: ROW_INDEX },
  row_index_read_size_warn_threshold: { kind: 'size', default: null, inert: ROW_INDEX },
}

/** How long requests may wait and reads may take (`Dispatcher.RequestTime`). */
function timeouts(): Readonly<Record<string, Setting>> {
  const transport = defaultConfig()
  const query = DEFAULT_QUERY_CONFIG
  return {
    cql_start_time: { kind: 'word', default: query.cql_start_time, words: ['REQUEST', 'QUEUE'] },
    native_transport_max_backoff_on_queue_overload: {
      kind: 'duration',
      default: transport.native_transport_max_backoff_on_queue_overload,
    },
    native_transport_min_backoff_on_queue_overload: {
      kind: 'duration',
      default: transport.native_transport_min_backoff_on_queue_overload,
    },
    native_transport_queue_max_item_age_threshold: {
      kind: 'fraction',
      default: transport.native_transport_queue_max_item_age_threshold,
    },
    native_transport_timeout: { kind: 'duration', default: transport.native_transport_timeout },
    range_request_timeout: { kind: 'duration', default: query.range_request_timeout_ms, min: 10 },
    read_request_timeout: { kind: 'duration', default: query.read_request_timeout_ms, min: 10 },
  }
}

function definitions(): Readonly<Record<string, Setting>> {
  const transport = defaultConfig()
  const query = DEFAULT_QUERY_CONFIG
  const log = DEFAULT_COMMIT_LOG_CONFIG
  return {
    ...guardrailDefinitions(),
    ...READ_SIZES,
    ...timeouts(),
    ...STORAGE_SETTINGS,
    ...RING_SETTINGS,
    batch_size_fail_threshold: { kind: 'size', default: query.batch_size_fail_threshold_bytes },
    batch_size_warn_threshold: { kind: 'size', default: query.batch_size_warn_threshold_bytes },
    commitlog_segment_size: { kind: 'size', default: log.segmentSizeBytes, min: 1, max: INT_MAX },
    commitlog_sync_group_window: { kind: 'duration', default: log.syncGroupWindowMs, min: 1, max: INT_MAX },
    commitlog_sync_period: { kind: 'duration', default: log.syncPeriodMs, min: 1, max: INT_MAX },
    consecutive_message_errors_threshold: {
      kind: 'number',
      default: transport.consecutive_message_errors_threshold,
    },
    drop_compact_storage_enabled: { kind: 'boolean', default: DEFAULT_DDL_CONFIG.dropCompactStorageEnabled },
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
    use_statements_enabled: { kind: 'boolean', default: query.use_statements_enabled },
  }
}

/** The settings in force. Throws a ConfigurationError for names and values that mean nothing here. */
export function settingsOf(options: SibylOptions): Settings {
  const given = withNewNames(options.settings ?? {})
  const known = definitions()
  refuseUnknown(given, known)
  const values = new Map<string, SettingValue>()
  for (const [name, setting] of Object.entries(known)) {
    const value = given[name]
    values.set(name, value === undefined ? setting.default : parseValue(name, setting, value))
  }
  derive(values, given)
  validate(values, given, options)
  const number = (name: string): number => values.get(name) as number
  const optional = (name: string): number | null => values.get(name) as number | null
  const guardrails = guardrailsOf(values)
  const transport: Record<string, SettingValue> = {}
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
      use_statements_enabled: values.get('use_statements_enabled') as boolean,
      read_thresholds_enabled: values.get('read_thresholds_enabled') as boolean,
      coordinator_read_size_warn_threshold_bytes: optional('coordinator_read_size_warn_threshold'),
      coordinator_read_size_fail_threshold_bytes: optional('coordinator_read_size_fail_threshold'),
      local_read_size_warn_threshold_bytes: optional('local_read_size_warn_threshold'),
      local_read_size_fail_threshold_bytes: optional('local_read_size_fail_threshold'),
      native_transport_timeout_ms: number('native_transport_timeout'),
      read_request_timeout_ms: number('read_request_timeout'),
      range_request_timeout_ms: number('range_request_timeout'),
      cql_start_time: values.get('cql_start_time') as CqlStartTime,
      guardrails,
    },
    ddl: { dropCompactStorageEnabled: values.get('drop_compact_storage_enabled') as boolean, guardrails },
    commitLog: {
      sync: options.commitlogSync ?? DEFAULT_COMMIT_LOG_CONFIG.sync,
      failurePolicy: options.commitFailurePolicy ?? DEFAULT_COMMIT_LOG_CONFIG.failurePolicy,
      syncPeriodMs: number('commitlog_sync_period'),
      syncLagBlockMs: number('periodic_commitlog_sync_lag_block'),
      syncGroupWindowMs: number('commitlog_sync_group_window'),
      segmentSizeBytes: number('commitlog_segment_size'),
      mutationSizeBytesMax: number('max_mutation_size'),
    },
    storage: storageSettingsOf(values),
    ring: ringSettingsOf(values),
    texts: textsOf(values, known, given),
    warnings: Object.keys(given).flatMap((name) => {
      const { inert } = known[name]!
      return inert === undefined ? [] : [`The setting ${name} has no effect: ${inert}`]
    }),
  }
}

/** Whether there is a setting of that name, or there was under it. */
export function isSetting(name: string): boolean {
  return Object.hasOwn(OLD_NAMES, name) || Object.hasOwn(definitions(), name)
}

/** Settings by their names of today. Throws a ConfigurationError where both names of one are given. */
function withNewNames(given: Given): Given {
  const named: Record<string, number | boolean | string> = {}
  for (const [old, value] of Object.entries(given)) {
    const [name, unit] = Object.hasOwn(OLD_NAMES, old) ? OLD_NAMES[old]! : [old, '']
    if (old !== name && Object.hasOwn(given, name)) {
      throw new ConfigurationError(`[${name}] are duplicate keys in cassandra.yaml: ${old} is its older name`)
    }
    const isRate = name === 'compaction_throughput'
    named[name] =
      unit !== '' && /^-?\d+$/.test(String(value)) ? `${value}${unit}${isRate ? '/s' : ''}` : value
  }
  return named
}

/** As Cassandra writes them: what was given with a unit stays as it is. */
function textsOf(
  values: ReadonlyMap<string, SettingValue>,
  known: Readonly<Record<string, Setting>>,
  given: Given,
): Map<string, string | null> {
  const texts = new Map<string, string | null>()
  for (const [name, value] of values) {
    const text = given[name]
    texts.set(name, writtenText(known[name]!.kind, value, text))
    // It follows the size of a segment, and Cassandra counts it in KiB.
    if (name === 'max_mutation_size' && text === undefined) texts.set(name, `${(value as number) / 1024}KiB`)
  }
  for (const [old, [name, unit]] of Object.entries(OLD_NAMES)) {
    texts.set(old, oldText(values.get(name) ?? null, unit))
  }
  return texts
}

function writtenText(kind: Kind, value: SettingValue, given: Given[string] | undefined): string | null {
  const isWritten = typeof given === 'string' && /^\d+[a-zA-Zµ]+(\/s)?$/.test(given)
  return isWritten ? given : valueText(kind, value)
}

function oldText(value: SettingValue, unit: string): string | null {
  if (value === null) return null
  const size = SIZE_UNITS[unit]
  return String(typeof value === 'number' && size !== undefined ? Math.floor(value / size) : value)
}

function refuseUnknown(given: Given, known: Readonly<Record<string, Setting>>): void {
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(known, name)) continue
    const option = Object.hasOwn(OPTIONS, name) ? OPTIONS[name] : undefined
    throw new ConfigurationError(
      option === undefined
        ? `Unknown setting ${name}. There are: ${Object.keys(known).sort().join(', ')}`
        : `The setting ${name} is given by the option ${option}`,
    )
  }
}

/** Defaults that follow other settings (`DatabaseDescriptor.applySimpleConfig`). */
function derive(values: Map<string, SettingValue>, given: Given): void {
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
function validate(values: ReadonlyMap<string, SettingValue>, given: Given, options: SibylOptions): void {
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
  const phi = number('phi_convict_threshold')
  if (phi < 5 || phi > 16) {
    throw new ConfigurationError(`phi_convict_threshold must be between 5 and 16, but was ${doubleText(phi)}`)
  }
  validateBackoffs(values)
  for (const name of ['coordinator_read_size', 'local_read_size', 'row_index_read_size']) {
    validateReadSizes(name, values)
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

function validateBackoffs(values: ReadonlyMap<string, SettingValue>): void {
  const min = values.get('native_transport_min_backoff_on_queue_overload') as number
  const max = values.get('native_transport_max_backoff_on_queue_overload') as number
  if (min <= 0) {
    throw new ConfigurationError('native_transport_min_backoff_on_queue_overload should be strictly positive')
  }
  if (min >= max) {
    throw new ConfigurationError(
      `native_transport_min_backoff_on_queue_overload should be strictly less than native_transport_max_backoff_on_queue_overload, but ${min}ms >= ${max}ms`,
    )
  }
}

/** `DatabaseDescriptor.validateReadThresholds`. */
function validateReadSizes(name: string, values: ReadonlyMap<string, SettingValue>): void {
  const warn = values.get(`${name}_warn_threshold`) as number | null
  const fail = values.get(`${name}_fail_threshold`) as number | null
  if (fail !== null && warn !== null && fail < warn) {
    throw new ConfigurationError(
      `${name}_fail_threshold (${valueText('size', fail)}) must be greater than or equal to ${name}_warn_threshold (${valueText('size', warn)})`,
    )
  }
}

function parseValue(name: string, setting: Setting, value: number | boolean | string): SettingValue {
  if (setting.kind === 'names') {
    // Also as YAML and JSON write a list: [a, b] and ["a", "b"].
    const list = String(value)
      .trim()
      .replace(/^\[(.*)\]$/, '$1')
    return list.split(/[\s,"']+/).filter((item) => item !== '')
  }
  if (setting.default === null && (value === '' || value === 'null')) return null
  if (setting.kind === 'boolean') {
    if (String(value) !== 'true' && String(value) !== 'false') wrong(name, value, 'is true or false')
    return String(value) === 'true'
  }
  const { kind } = setting
  if (kind === 'word') {
    const word = String(value)
    return setting.words!.includes(word) ? word : wrong(name, value, `is ${setting.words!.join(' or ')}`)
  }
  if (kind === 'fraction') {
    const fraction = String(value).trim() === '' ? Number.NaN : Number(value)
    return Number.isFinite(fraction) ? fraction : wrong(name, value, 'is a number')
  }
  const { min = 0, max = setting.kind === 'micros' ? 2 ** 63 : Number.MAX_SAFE_INTEGER } = setting
  const parsed =
    typeof value === 'string'
      ? parseNumber(kind, value)
      : setting.kind === 'micros'
        ? Number(value) * 1000
        : value
  if (typeof parsed !== 'number' || !Number.isInteger(parsed)) return wrong(name, value, FORMS[kind])
  if (parsed < min) wrong(name, value, `is at least ${min}`)
  if (parsed > max) wrong(name, value, `is at most ${max}`)
  return parsed
}

const FORMS: Readonly<Record<NumberKind, string>> = {
  micros: 'is a number of milliseconds, or one with a unit: us, ms, s, m, h or d',
  size: 'is a number of bytes, or one with a unit: B, KiB, MiB or GiB',
  rate: 'is a number of bytes a second, or one with a unit: B/s, KiB/s, MiB/s or GiB/s',
  duration: 'is a number of milliseconds, or one with a unit: ns, us, ms, s, m, h or d',
  number: 'is a whole number',
}

function parseNumber(kind: NumberKind, text: string): number {
  const match = (kind === 'rate' ? /^(-?\d+)(?:([a-zA-Z]+)\/s)?$/ : /^(-?\d+)([a-zA-Zµ]*)$/).exec(text.trim())
  if (match === null) return Number.NaN
  const [, digits, unit = ''] = match
  if (unit === '') return Number(digits) * (kind === 'micros' ? 1000 : 1)
  const units = kind === 'size' || kind === 'rate' ? SIZE_UNITS : kind === 'number' ? {} : DURATION_UNITS
  if (!Object.hasOwn(units, unit!)) return Number.NaN
  return Math.ceil(Number(digits) * units[unit!]! * (kind === 'micros' ? 1000 : 1))
}

function wrong(name: string, value: number | boolean | string, expected: string): never {
  throw new ConfigurationError(`Invalid value of the setting ${name}: ${value}. It ${expected}`)
}

function valueText(kind: Kind, value: SettingValue): string | null {
  if (value === null) return null
  if (typeof value === 'object') return `[${value.join(', ')}]`
  if (typeof value === 'string') return value
  if (kind === 'fraction') return doubleText(Number(value))
  if (typeof value === 'boolean' || kind === 'number') return String(value)
  if (kind === 'micros') return `${value}us`
  if (kind === 'duration') return `${value}ms`
  const unit = ['GiB', 'MiB', 'KiB'].find((name) => value > 0 && value % SIZE_UNITS[name]! === 0) ?? 'B'
  return `${value / SIZE_UNITS[unit]!}${unit}${kind === 'rate' ? '/s' : ''}`
}
