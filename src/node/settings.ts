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
import { OLD_NAMES, oldText, refuseUnknown, withNewNames } from './setting-names.ts'
import {
  type Given,
  parseValue,
  type Setting,
  type SettingValue,
  valueText,
  writtenText,
} from './setting-values.ts'
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

const INT_MAX = 0x7fffffff

const ROW_INDEX = 'the index of a partition is searched in its file and never read as a whole'

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
