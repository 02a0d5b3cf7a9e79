/** The options of a table as WITH gives them (`TableAttributes`, `TableParams`). */

import { ConfigurationError, ServerError } from '../../common/errors.ts'
import type { TableParams } from '../../model/table.ts'
import { isUnified, unifiedWarning } from '../../model/unified-compaction.ts'
import { DEFAULT_TABLE_PARAMS, isSystemKeyspace } from '../../schema/index.ts'
import { doubleText } from '../../types/index.ts'
import { ensureEnabled } from '../guardrails/guardrails.ts'
import type { Property } from '../raw/index.ts'
import { cachingFromOptions } from './caching.ts'
import { compactionFromOptions, strategyOf, validateCompaction } from './compaction.ts'
import { compressionFromOptions, NO_COMPRESSION } from './compression.ts'
import type { Execution } from './context.ts'
import { guardTableProperties, guardZeroTtlOnTwcs } from './guardrails.ts'
import { Properties } from './properties.ts'
import { speculativeRetryFrom } from './speculative-retry.ts'

/** The options of a table, by the names that WITH takes (`TableAttributes.allKeywords`). */
export const TABLE_PROPERTIES: ReadonlySet<string> = new Set([
  'allow_auto_snapshot',
  'bloom_filter_fp_chance',
  'caching',
  'comment',
  'compaction',
  'compression',
  'memtable',
  'default_time_to_live',
  'extensions',
  'gc_grace_seconds',
  'incremental_backups',
  'max_index_interval',
  'memtable_flush_period_in_ms',
  'min_index_interval',
  'speculative_retry',
  'additional_write_policy',
  'crc_check_chance',
  'cdc',
  'read_repair',
  'id',
])

/** Twenty years in seconds (`Attributes.MAX_TTL`). */
const MAX_TTL = 630_720_000

/** The least chance that a Bloom filter's 20 bits a key can give (`BloomCalculations`). */
const MIN_BLOOM_FILTER_FP_CHANCE = 6.71e-5

type Mutable = { -readonly [K in keyof TableParams]: TableParams[K] }

export class TableAttributes {
  readonly #properties: Properties
  readonly #execution: Execution

  constructor(properties: readonly Property[], execution: Execution) {
    this.#properties = new Properties(properties)
    this.#execution = execution
    if (!execution.config.strict) this.#translateHistorical()
  }

  /** Properties that are not to be given; before the schema is looked at, as is the next. */
  guardProperties(): void {
    guardTableProperties(this.#execution, this.#properties)
  }

  guardTtl(keyspace: string): void {
    const params = this.#build(DEFAULT_TABLE_PARAMS, true)
    const isTwcs = strategyOf(params.compaction) === 'TimeWindowCompactionStrategy'
    if (params.defaultTimeToLive === 0 && !isSystemKeyspace(keyspace) && isTwcs)
      guardZeroTtlOnTwcs(this.#execution)
  }

  validate(): void {
    this.#properties.refuseUnknown(TABLE_PROPERTIES)
    validateTableParams(this.#build(DEFAULT_TABLE_PARAMS, true))
  }

  newParams(): TableParams {
    return this.#build(DEFAULT_TABLE_PARAMS, true)
  }

  alteredParams(before: TableParams): TableParams {
    if (this.id() !== null) throw new ConfigurationError('Cannot alter table id.')
    return this.#build(before, false)
  }

  /** `WITH ID = ...`: UUID as text. */
  id(): string | null {
    const text = this.#properties.string('id')
    if (text === null) return null
    const id = uuidFromText(text)
    if (id === null) throw new ConfigurationError('Invalid table id')
    return id
  }

  /** The options in the order in which Cassandra looks at them. */
  #build(base: TableParams, isNew: boolean): TableParams {
    const given = this.#properties
    const params: Mutable = { ...base }
    params.allowAutoSnapshot = given.boolean('allow_auto_snapshot') ?? params.allowAutoSnapshot
    const chance = given.double('bloom_filter_fp_chance')
    const caching = given.map('caching')
    if (caching !== null) params.caching = cachingFromOptions(caching)
    params.comment = given.string('comment') ?? params.comment
    const compaction = given.map('compaction')
    if (compaction !== null) params.compaction = compactionFromOptions(compaction)
    const compression = given.map('compression')
    if (compression !== null) params.compression = compressionFromOptions(compression)
    const memtable = given.string('memtable')
    if (memtable !== null) params.memtable = this.#memtable(memtable)
    params.defaultTimeToLive = given.integer('default_time_to_live') ?? params.defaultTimeToLive
    params.gcGraceSeconds = given.integer('gc_grace_seconds') ?? params.gcGraceSeconds
    params.incrementalBackups = given.boolean('incremental_backups') ?? params.incrementalBackups
    params.maxIndexInterval = given.integer('max_index_interval') ?? params.maxIndexInterval
    params.memtableFlushPeriodMs =
      given.integer('memtable_flush_period_in_ms') ?? params.memtableFlushPeriodMs
    params.minIndexInterval = given.integer('min_index_interval') ?? params.minIndexInterval
    const retry = given.string('speculative_retry')
    if (retry !== null) params.speculativeRetry = speculativeRetryFrom(retry)
    const policy = given.string('additional_write_policy')
    if (policy !== null) params.additionalWritePolicy = speculativeRetryFrom(policy)
    params.crcCheckChance = given.double('crc_check_chance') ?? params.crcCheckChance
    params.cdc = given.boolean('cdc') ?? params.cdc
    const readRepair = given.string('read_repair')
    if (readRepair !== null) params.readRepair = readRepairFrom(readRepair)
    if (chance !== null && chance !== -1) params.bloomFilterFpChance = chance
    else if (isNew || chance === -1) {
      params.bloomFilterFpChance = strategyOf(params.compaction) === 'LeveledCompactionStrategy' ? 0.1 : 0.01
    }
    return params
  }

  /** The default configuration is null: Cassandra doesn't write it either. */
  #memtable(name: string): string | null {
    if (!this.#execution.config.memtables.has(name)) {
      throw new ConfigurationError(`Memtable configuration "${name}" not found.`)
    }
    return name === 'default' ? null : name
  }

  /** Cache options of Cassandra 1: row counts or shares, of which only zero or not means something now. */
  #translateHistorical(): void {
    const keys = this.#takeHistorical('keys_cached')
    const rows = this.#takeHistorical('rows_cached')
    this.#takeHistorical('preload_row_cache')
    if (keys === null && rows === null) return
    if (this.#properties.has('caching')) return
    const isOff = (text: string | null) => text !== null && Number(text) === 0
    this.#properties.set(
      'caching',
      new Map([
        ['keys', isOff(keys) ? 'NONE' : 'ALL'],
        ['rows_per_partition', rows === null || isOff(rows) ? 'NONE' : 'ALL'],
      ]),
    )
  }

  #takeHistorical(name: string): string | null {
    if (!this.#properties.has(name)) return null
    const value = this.#properties.string(name)
    this.#properties.remove(name)
    const fate = name === 'preload_row_cache' ? 'is ignored' : 'is taken as caching'
    this.#execution.warnings.push(`The table property ${name} is of a past version of Cassandra and ${fate}`)
    return value
  }

  /** Says what runs instead of a compaction strategy that is not here, where one is asked for. */
  warnOfUnified(params: TableParams): void {
    if (this.#properties.has('compaction') && isUnified(params.compaction)) {
      this.#execution.warnings.push(unifiedWarning(params.compaction))
    }
  }

  guardCompression(params: TableParams): void {
    if (params.compression !== NO_COMPRESSION && params.compression.get('enabled') !== 'false') return
    const { uncompressedTablesEnabled } = this.#execution.config.guardrails
    ensureEnabled(
      this.#execution,
      'uncompressed_tables_enabled',
      uncompressedTablesEnabled,
      'Uncompressed table',
    )
  }
}

const READ_REPAIR = 'org.apache.cassandra.service.reads.repair.ReadRepairStrategy'

function readRepairFrom(text: string): string {
  const upper = text.toUpperCase()
  if (upper === 'NONE' || upper === 'BLOCKING') return upper
  throw new ServerError(`java.lang.IllegalArgumentException: No enum constant ${READ_REPAIR}.${upper}`)
}

/** `UUID.fromString`, which takes groups of any length and keeps their low bits. */
function uuidFromText(text: string): string | null {
  const groups = text.split('-')
  if (groups.length !== 5 || text.length > 36 || !groups.every((group) => /^[0-9a-fA-F]+$/.test(group)))
    return null
  return groups
    .map((group, i) => group.toLowerCase().slice(-UUID_GROUPS[i]).padStart(UUID_GROUPS[i], '0'))
    .join('-')
}

const UUID_GROUPS = [8, 4, 4, 4, 12] as const

/** `TableParams.validate`. */
export function validateTableParams(params: TableParams): void {
  validateCompaction(params.compaction)
  const { bloomFilterFpChance, crcCheckChance, defaultTimeToLive, minIndexInterval, maxIndexInterval } =
    params
  if (bloomFilterFpChance <= MIN_BLOOM_FILTER_FP_CHANCE || bloomFilterFpChance > 1) {
    throw new ConfigurationError(
      `bloom_filter_fp_chance must be larger than ${doubleText(MIN_BLOOM_FILTER_FP_CHANCE)} and less than or equal to 1.0 (got ${doubleText(bloomFilterFpChance)})`,
    )
  }
  if (crcCheckChance < 0 || crcCheckChance > 1) {
    throw new ConfigurationError(
      `crc_check_chance must be larger than or equal to 0 and smaller than or equal to 1.0 (got ${doubleText(crcCheckChance)})`,
    )
  }
  atLeast('default_time_to_live', defaultTimeToLive, 0)
  if (defaultTimeToLive > MAX_TTL) {
    throw new ConfigurationError(
      `default_time_to_live must be less than or equal to ${MAX_TTL} (got ${defaultTimeToLive})`,
    )
  }
  atLeast('gc_grace_seconds', params.gcGraceSeconds, 0)
  atLeast('min_index_interval', minIndexInterval, 1)
  if (maxIndexInterval < minIndexInterval) {
    throw new ConfigurationError(
      `max_index_interval must be greater than or equal to min_index_interval (${minIndexInterval}) (got ${maxIndexInterval})`,
    )
  }
  atLeast('memtable_flush_period_in_ms', params.memtableFlushPeriodMs, 0)
}

function atLeast(name: string, value: number, least: number): void {
  if (value >= least) return
  throw new ConfigurationError(`${name} must be greater than or equal to ${least} (got ${value})`)
}
