import { ConfigurationError } from '../common/errors.ts'
import { TABLE_PROPERTIES } from '../cql/ddl/index.ts'
import { DEFAULT_GUARDRAILS, type Guardrails, type Threshold } from '../cql/guardrails/guardrails.ts'
import type { Setting, SettingValue } from './setting-values.ts'

const INT_MAX = 0x7fffffff

const INDEXES = 'there are no secondary indexes yet'
const VIEWS = 'there are no materialized views yet'
const SSTABLES = 'it is about SSTables, and there are none yet'
const DISK = 'the use of the disk is not measured yet'

/** Limits of numbers: of what Cassandra counts from 1, with -1 for none. */
const COUNTS: Readonly<Record<string, string | null>> = {
  keyspaces: null,
  tables: null,
  columns_per_table: null,
  fields_per_udt: null,
  vector_dimensions: null,
  items_per_collection: null,
  page_size: null,
  partition_keys_in_select: null,
  in_select_cartesian_product: null,
  minimum_replication_factor: null,
  maximum_replication_factor: null,
  secondary_indexes_per_table: INDEXES,
  materialized_views_per_table: VIEWS,
  partition_tombstones: SSTABLES,
  sai_sstable_indexes_per_query: INDEXES,
  data_disk_usage_percentage: DISK,
}

/** Limits of sizes; null is none. */
const SIZES: Readonly<Record<string, string | null>> = {
  column_value_size: null,
  collection_size: null,
  partition_size: SSTABLES,
  sai_string_term_size: INDEXES,
  sai_frozen_term_size: INDEXES,
  sai_vector_term_size: INDEXES,
}

/** Filters are applied to rows that are merged, so that no level is violated. */
const FILTERS =
  'filters see the rows of all replicas that are asked together, so that they keep what the consistency level says'

const FLAGS: Readonly<Record<string, string | null>> = {
  allow_filtering_enabled: null,
  alter_table_enabled: null,
  compact_tables_enabled: null,
  drop_keyspace_enabled: null,
  drop_truncate_table_enabled: null,
  group_by_enabled: null,
  read_before_write_list_operations_enabled: null,
  simplestrategy_enabled: null,
  uncompressed_tables_enabled: null,
  user_timestamps_enabled: null,
  vector_type_enabled: null,
  zero_ttl_on_twcs_enabled: null,
  zero_ttl_on_twcs_warned: null,
  intersect_filtering_query_enabled: FILTERS,
  intersect_filtering_query_warned: FILTERS,
  non_partition_restricted_index_query_enabled: INDEXES,
  secondary_indexes_enabled: INDEXES,
}

/** Defaults that are not -1, null or true. */
const DEFAULTS: Readonly<Record<string, SettingValue>> = {
  sai_sstable_indexes_per_query_warn_threshold: 32,
  sai_string_term_size_warn_threshold: 1024,
  sai_string_term_size_fail_threshold: 8 * 1024,
  sai_frozen_term_size_warn_threshold: 1024,
  sai_frozen_term_size_fail_threshold: 8 * 1024,
  sai_vector_term_size_warn_threshold: 16 * 1024,
  sai_vector_term_size_fail_threshold: 32 * 1024,
}

/** Names of consistency levels in the order of their codes. */
export const LEVELS: readonly string[] = [
  'ANY',
  'ONE',
  'TWO',
  'THREE',
  'QUORUM',
  'ALL',
  'LOCAL_QUORUM',
  'EACH_QUORUM',
  'SERIAL',
  'LOCAL_SERIAL',
  'LOCAL_ONE',
  'NODE_LOCAL',
]

/** The settings of guardrails by cassandra.yaml's names, with the defaults of `Config`. */
export function guardrailDefinitions(): Record<string, Setting> {
  const settings: Record<string, Setting> = {}
  const inert = (reason: string | null | undefined) => (reason == null ? {} : { inert: reason })
  for (const side of ['warn', 'fail']) {
    for (const [name, reason] of Object.entries(COUNTS)) {
      const setting = `${name}_${side}_threshold`
      settings[setting] = { kind: 'number', default: DEFAULTS[setting] ?? -1, ...THRESHOLD, ...inert(reason) }
    }
    for (const [name, reason] of Object.entries(SIZES)) {
      const setting = `${name}_${side}_threshold`
      settings[setting] = { kind: 'size', default: DEFAULTS[setting] ?? null, ...inert(reason) }
    }
    for (const name of ['maximum_timestamp', 'minimum_timestamp']) {
      settings[`${name}_${side}_threshold`] = { kind: 'micros', default: null }
    }
  }
  for (const [name, reason] of Object.entries(FLAGS)) {
    settings[name] = { kind: 'boolean', default: true, ...inert(reason) }
  }
  for (const kind of ['warned', 'ignored', 'disallowed']) {
    settings[`table_properties_${kind}`] = { kind: 'names', default: [] }
  }
  for (const kind of ['warned', 'disallowed']) {
    settings[`read_consistency_levels_${kind}`] = { kind: 'names', default: [] }
    settings[`write_consistency_levels_${kind}`] = { kind: 'names', default: [] }
  }
  settings['data_disk_usage_max_disk_size'] = { kind: 'size', default: null, inert: DISK }
  return settings
}

/** -1 is checked by `validateGuardrails`, with Cassandra's texts. */
const THRESHOLD = { min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER }

type Values = ReadonlyMap<string, SettingValue>

/** What the settings say, checked. Throws a ConfigurationError with the texts of `GuardrailsOptions`. */
export function guardrailsOf(values: Values): Guardrails {
  for (const name of Object.keys(COUNTS)) validateCounts(name, values)
  for (const name of Object.keys(SIZES)) validateSizes(name, values)
  for (const name of ['maximum_timestamp', 'minimum_timestamp']) {
    const { warn, fail } = threshold(values, name)
    lowerThanFail(name, warn, fail)
  }
  const flag = (name: string): boolean => values.get(name) as boolean
  const properties = (kind: string) => tableProperties(`table_properties_${kind}`, values)
  const levels = (name: string) => consistencyLevels(name, values)
  return {
    ...DEFAULT_GUARDRAILS,
    keyspaces: threshold(values, 'keyspaces'),
    tables: threshold(values, 'tables'),
    columnsPerTable: threshold(values, 'columns_per_table'),
    fieldsPerUdt: threshold(values, 'fields_per_udt'),
    vectorDimensions: threshold(values, 'vector_dimensions'),
    minimumReplicationFactor: threshold(values, 'minimum_replication_factor'),
    maximumReplicationFactor: threshold(values, 'maximum_replication_factor'),
    pageSize: threshold(values, 'page_size'),
    partitionKeysInSelect: threshold(values, 'partition_keys_in_select'),
    inSelectCartesianProduct: threshold(values, 'in_select_cartesian_product'),
    columnValueSize: threshold(values, 'column_value_size'),
    collectionSize: threshold(values, 'collection_size'),
    itemsPerCollection: threshold(values, 'items_per_collection'),
    maximumTimestamp: threshold(values, 'maximum_timestamp'),
    minimumTimestamp: threshold(values, 'minimum_timestamp'),
    vectorTypeEnabled: flag('vector_type_enabled'),
    simpleStrategyEnabled: flag('simplestrategy_enabled'),
    compactTablesEnabled: flag('compact_tables_enabled'),
    uncompressedTablesEnabled: flag('uncompressed_tables_enabled'),
    alterTableEnabled: flag('alter_table_enabled'),
    dropKeyspaceEnabled: flag('drop_keyspace_enabled'),
    dropTruncateTableEnabled: flag('drop_truncate_table_enabled'),
    zeroTtlOnTwcsEnabled: flag('zero_ttl_on_twcs_enabled'),
    zeroTtlOnTwcsWarned: flag('zero_ttl_on_twcs_warned'),
    userTimestampsEnabled: flag('user_timestamps_enabled'),
    groupByEnabled: flag('group_by_enabled'),
    allowFilteringEnabled: flag('allow_filtering_enabled'),
    readBeforeWriteListOperationsEnabled: flag('read_before_write_list_operations_enabled'),
    tablePropertiesWarned: properties('warned'),
    tablePropertiesIgnored: properties('ignored'),
    tablePropertiesDisallowed: properties('disallowed'),
    readConsistencyLevelsWarned: levels('read_consistency_levels_warned'),
    readConsistencyLevelsDisallowed: levels('read_consistency_levels_disallowed'),
    writeConsistencyLevelsWarned: levels('write_consistency_levels_warned'),
    writeConsistencyLevelsDisallowed: levels('write_consistency_levels_disallowed'),
  }
}

function threshold(values: Values, name: string): Threshold {
  const of = (side: string): number => (values.get(`${name}_${side}_threshold`) as number | null) ?? -1
  return { warn: of('warn'), fail: of('fail') }
}

function refuse(message: string): never {
  throw new ConfigurationError(message)
}

function validateCounts(name: string, values: Values): void {
  const { warn, fail } = threshold(values, name)
  const max =
    name === 'data_disk_usage_percentage'
      ? 100
      : name === 'partition_tombstones'
        ? Number.MAX_SAFE_INTEGER
        : INT_MAX
  for (const [side, value] of [['warn', warn] as const, ['fail', fail] as const]) {
    const setting = `${name}_${side}_threshold`
    if (value === -1) continue
    if (value > max) refuse(`Invalid value ${value} for ${setting}: maximum allowed value is ${max}`)
    if (value === 0) refuse(`Invalid value for ${setting}: 0 is not allowed; if attempting to disable use -1`)
    if (value < 0) {
      refuse(
        `Invalid value ${value} for ${setting}: negative values are not allowed, outside of -1 which disables the guardrail`,
      )
    }
  }
  if (name !== 'minimum_replication_factor') lowerThanFail(name, warn, fail)
  else if (warn !== -1 && fail !== -1 && fail > warn) {
    refuse(
      `The warn threshold ${warn} for ${name}_warn_threshold should be greater than the fail threshold ${fail}`,
    )
  }
  // The default replication factor is 1 (default_keyspace_rf).
  if (name === 'minimum_replication_factor' && fail > 1) {
    refuse(`${name}_fail_threshold to be set (${fail}) cannot be greater than default_keyspace_rf (1)`)
  }
}

function validateSizes(name: string, values: Values): void {
  const { warn, fail } = threshold(values, name)
  for (const [side, value] of [['warn', warn] as const, ['fail', fail] as const]) {
    if (value !== 0) continue
    refuse(
      `Invalid value for ${name}_${side}_threshold: 0 is not allowed; if attempting to disable use an empty value`,
    )
  }
  lowerThanFail(name, warn, fail)
}

function lowerThanFail(name: string, warn: number, fail: number): void {
  if (warn === -1 || fail === -1 || fail >= warn) return
  refuse(
    `The warn threshold ${warn} for ${name}_warn_threshold should be lower than the fail threshold ${fail}`,
  )
}

function tableProperties(setting: string, values: Values): ReadonlySet<string> {
  const names = (values.get(setting) as readonly string[]).map((name) => name.toLowerCase())
  const unknown = names.filter((name) => !TABLE_PROPERTIES.has(name))
  if (unknown.length > 0) {
    refuse(`Invalid value for ${setting}: '[${unknown.join(', ')}]' do not parse as valid table properties`)
  }
  return new Set(names)
}

function consistencyLevels(setting: string, values: Values): ReadonlySet<string> {
  const given = (values.get(setting) as readonly string[]).map((name) => name.toUpperCase())
  const unknown = given.find((name) => !LEVELS.includes(name))
  if (unknown !== undefined) refuse(`Invalid value for ${setting}: there is no consistency level ${unknown}`)
  return new Set(LEVELS.filter((level) => given.includes(level)))
}
