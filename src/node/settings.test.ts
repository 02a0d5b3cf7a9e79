import { describe, expect, it } from 'vitest'
import { ConfigurationError } from '../common/errors.ts'
import { DEFAULT_QUERY_CONFIG } from '../query/query-processor.ts'
import { defaultConfig } from '../server/index.ts'
import type { SibylOptions } from './options.ts'
import { settingsOf } from './settings.ts'

const MIB = 1024 * 1024

function given(settings: NonNullable<SibylOptions['settings']>, options: SibylOptions = {}) {
  return settingsOf({ ...options, settings })
}

describe('settings', () => {
  it('are those of Cassandra when nothing is given', () => {
    const settings = settingsOf({})
    expect(settings.transport).toEqual(defaultConfig())
    expect(settings.query).toEqual(DEFAULT_QUERY_CONFIG)
    expect(settings.commitLog).toEqual({
      sync: 'periodic',
      failurePolicy: 'stop',
      syncPeriodMs: 10_000,
      syncLagBlockMs: 15_000,
      syncGroupWindowMs: 1_000,
      segmentSizeBytes: 32 * MIB,
      mutationSizeBytesMax: 16 * MIB,
    })
  })

  it.each([
    [20_971_520, 20 * MIB, '20MiB'],
    ['20MiB', 20 * MIB, '20MiB'],
    ['20480KiB', 20 * MIB, '20480KiB'],
    ['1GiB', 1024 * MIB, '1GiB'],
    ['20971521', 20 * MIB + 1, '20971521B'],
    ['5B', 5, '5B'],
    [0, 0, '0B'],
  ])('take a size as %s', (value, bytes, text) => {
    const settings = given({ prepared_statements_cache_size: value })
    expect(settings.query.prepared_statements_cache_size_bytes).toBe(bytes)
    expect(settings.texts.get('prepared_statements_cache_size')).toBe(text)
  })

  it.each([
    [250, 250],
    ['250', 250],
    ['10ms', 10],
    ['2s', 2_000],
    ['3m', 180_000],
    ['1h', 3_600_000],
    ['1d', 86_400_000],
    ['1500us', 2],
  ])('take a duration as %s', (value, ms) => {
    const settings = given({ native_transport_idle_timeout: value })
    expect(settings.transport.native_transport_idle_timeout).toBe(ms)
    const text = /^\d+$/.test(String(value)) ? `${value}ms` : value
    expect(settings.texts.get('native_transport_idle_timeout')).toBe(text)
  })

  it('take numbers and booleans as texts too', () => {
    const { transport, query } = given({
      native_transport_max_concurrent_connections: '-1',
      native_transport_rate_limiting_enabled: 'true',
      native_transport_allow_older_protocols: false,
      tombstone_warn_threshold: '7',
    })
    expect(transport.native_transport_max_concurrent_connections).toBe(-1)
    expect(transport.native_transport_rate_limiting_enabled).toBe(true)
    expect(transport.native_transport_allow_older_protocols).toBe(false)
    expect(query.tombstone_warn_threshold).toBe(7)
  })

  it('follow one another as in Cassandra', () => {
    const settings = given({
      commitlog_segment_size: '4MiB',
      commitlog_sync_period: '2s',
      native_transport_max_request_data_in_flight_per_ip: '1MiB',
    })
    expect(settings.query.max_mutation_size_bytes).toBe(2 * MIB)
    expect(settings.commitLog.mutationSizeBytesMax).toBe(2 * MIB)
    expect(settings.commitLog.syncLagBlockMs).toBe(3_000)
    expect(settings.transport.native_transport_max_message_size).toBe(MIB)
  })

  it.each<[NonNullable<SibylOptions['settings']>, RegExp]>([
    [
      { prepared_statement_cache_size: 1 },
      /^Unknown setting prepared_statement_cache_size\. There are: allow/,
    ],
    [{ toString: 1 }, /^Unknown setting toString/],
    [
      { cluster_name: 'x' },
      /^The setting cluster_name is given by the option clusterName \(--cluster-name\)$/,
    ],
    [
      { max_mutation_size: '8MB' },
      /^Invalid value of the setting max_mutation_size: 8MB\. It is a number of b/,
    ],
    [{ max_mutation_size: 1.5 }, /max_mutation_size: 1\.5/],
    [{ max_mutation_size: true }, /max_mutation_size: true/],
    [{ max_mutation_size: '' }, /max_mutation_size: \./],
    [{ batch_size_warn_threshold: -1 }, /It is at least 0/],
    [{ native_transport_max_frame_size: '2GiB' }, /It is at most 2147483647/],
    [{ native_transport_idle_timeout: '10 sec' }, /It is a number of milliseconds/],
    [{ native_transport_rate_limiting_enabled: 1 }, /It is true or false/],
    [{ tombstone_warn_threshold: '10ms' }, /It is a whole number/],
    [{ native_transport_max_requests_per_second: 0 }, /It is at least 1/],
    [{ max_mutation_size: '17MiB' }, /^commitlog_segment_size must be at least twice/],
    [
      { native_transport_max_message_size: '4GiB', native_transport_max_request_data_in_flight: '8GiB' },
      /^native_transport_max_message_size must not exceed native_transport_max_request_data_in_flight_per_ip$/,
    ],
  ])('refuse %j', (settings, message) => {
    expect(() => given(settings)).toThrow(ConfigurationError)
    expect(() => given(settings)).toThrow(message)
  })

  it('refuse a period that no sync keeps to', () => {
    const settings = { commitlog_sync_period: '1s' }
    expect(() => given(settings, { commitlogSync: 'batch' })).toThrow('Batch sync specified')
    expect(() => given(settings, { commitlogSync: 'group' })).toThrow('Group sync specified')
  })

  it('take lists as texts', () => {
    for (const list of ['comment, cdc', '[comment,cdc]', '["comment", "cdc"]', 'COMMENT cdc']) {
      const { query, texts } = given({ table_properties_warned: list })
      expect([...query.guardrails.tablePropertiesWarned]).toEqual(['comment', 'cdc'])
      expect(texts.get('table_properties_warned')?.toLowerCase()).toBe('[comment, cdc]')
    }
    const { ddl, texts } = given({ read_consistency_levels_warned: 'LOCAL_ONE,any' })
    expect([...ddl.guardrails.readConsistencyLevelsWarned]).toEqual(['ANY', 'LOCAL_ONE'])
    expect(texts.get('read_consistency_levels_disallowed')).toBe('[]')
  })

  it('may be without a value', () => {
    const { query, texts } = given({
      column_value_size_warn_threshold: '',
      maximum_timestamp_warn_threshold: '1d',
    })
    expect(query.guardrails.columnValueSize).toEqual({ warn: -1, fail: -1 })
    expect(texts.get('column_value_size_warn_threshold')).toBeNull()
    expect(query.guardrails.maximumTimestamp).toEqual({ warn: 86_400_000_000, fail: -1 })
    expect(texts.get('maximum_timestamp_warn_threshold')).toBe('1d')
  })

  it('go by their older names too, with the units that these had', () => {
    const { query, texts, ddl, commitLog } = given({
      batch_size_warn_threshold_in_kb: 7,
      commitlog_sync_period_in_ms: '250',
      enable_drop_compact_storage: true,
    })
    expect(query.batch_size_warn_threshold_bytes).toBe(7 * 1024)
    expect(commitLog.syncPeriodMs).toBe(250)
    expect(ddl.dropCompactStorageEnabled).toBe(true)
    expect(texts.get('batch_size_warn_threshold')).toBe('7KiB')
    expect(texts.get('batch_size_warn_threshold_in_kb')).toBe('7')
    expect(texts.get('batch_size_fail_threshold_in_kb')).toBe('50')
    expect(() => given({ batch_size_warn_threshold_in_kb: 7, batch_size_warn_threshold: '7KiB' })).toThrow(
      '[batch_size_warn_threshold] are duplicate keys',
    )
  })

  it('say which of them have no effect', () => {
    expect(settingsOf({}).warnings).toEqual([])
    expect(given({ partition_size_warn_threshold: '1MiB', page_size_warn_threshold: 5 }).warnings).toEqual([
      'The setting partition_size_warn_threshold has no effect: it is about SSTables, and there are none yet',
    ])
  })

  it.each([
    [
      { tables_warn_threshold: 0 },
      'Invalid value for tables_warn_threshold: 0 is not allowed; if attempting to disable use -1',
    ],
    [
      { tables_fail_threshold: -2 },
      'Invalid value -2 for tables_fail_threshold: negative values are not allowed, outside of -1 which disables the guardrail',
    ],
    [
      { page_size_warn_threshold: 2_147_483_648 },
      'Invalid value 2147483648 for page_size_warn_threshold: maximum allowed value is 2147483647',
    ],
    [
      { tables_warn_threshold: 5, tables_fail_threshold: 4 },
      'The warn threshold 5 for tables_warn_threshold should be lower than the fail threshold 4',
    ],
    [
      { minimum_replication_factor_fail_threshold: 2 },
      'minimum_replication_factor_fail_threshold to be set (2) cannot be greater than default_keyspace_rf (1)',
    ],
    [
      { column_value_size_fail_threshold: 0 },
      'Invalid value for column_value_size_fail_threshold: 0 is not allowed; if attempting to disable use an empty value',
    ],
    [
      { table_properties_disallowed: 'comment,nope' },
      "Invalid value for table_properties_disallowed: '[nope]' do not parse as valid table properties",
    ],
    [
      { data_disk_usage_percentage_warn_threshold: 101 },
      'Invalid value 101 for data_disk_usage_percentage_warn_threshold: maximum allowed value is 100',
    ],
  ])('of guardrails refuse %j as Cassandra does', (settings, message) => {
    expect(() => given(settings)).toThrow(new ConfigurationError(message))
  })
})
