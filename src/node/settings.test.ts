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
    ['20480KiB', 20 * MIB, '20MiB'],
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
    expect(settings.texts.get('native_transport_idle_timeout')).toBe(`${ms}ms`)
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
      /^Unknown setting prepared_statement_cache_size\. There are: batch/,
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
})
