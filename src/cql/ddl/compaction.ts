/** The `compaction` option (`CompactionParams`, and each strategy's `validateOptions`). */

import { ConfigurationError } from '../../common/errors.ts'
import { memoryText, parseHumanReadable } from '../../common/human-readable.ts'
import { notANumber, parseInt32, parseInt64 } from '../../common/java-numbers.ts'
import { COMPACTION_PACKAGE } from '../../model/unified-compaction.ts'
import { doubleText, parseDouble } from '../../types/index.ts'
import { hashOrder, isNumeric, listText, numberFormatError } from './java.ts'

type Options = Map<string, string>

type Strategy =
  | 'SizeTieredCompactionStrategy'
  | 'LeveledCompactionStrategy'
  | 'TimeWindowCompactionStrategy'
  | 'UnifiedCompactionStrategy'

const STRATEGIES: ReadonlySet<string> = new Set<Strategy>([
  'SizeTieredCompactionStrategy',
  'LeveledCompactionStrategy',
  'TimeWindowCompactionStrategy',
  'UnifiedCompactionStrategy',
])

/** The simple name of the strategy of a table's compaction option. */
export function strategyOf(compaction: ReadonlyMap<string, string>): Strategy {
  return compaction.get('class')!.slice(COMPACTION_PACKAGE.length) as Strategy
}

/** The option as system_schema holds it: full class name, thresholds where the strategy has them. */
export function compactionFromOptions(options: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const name = options.get('class')
  if (name === undefined) {
    throw new ConfigurationError("Missing sub-option 'class' for the 'compaction' option")
  }
  const className = name.includes('.') ? name : COMPACTION_PACKAGE + name
  const simpleName = className.startsWith(COMPACTION_PACKAGE)
    ? className.slice(COMPACTION_PACKAGE.length)
    : ''
  if (!STRATEGIES.has(simpleName)) {
    throw new ConfigurationError(`Unable to find compaction strategy class '${className}'`)
  }
  const overlapping = (options.get('provide_overlapping_tombstones') ?? 'NONE').toUpperCase()
  if (!['NONE', 'ROW', 'CELL'].includes(overlapping)) {
    throw new ConfigurationError(
      `Invalid value ${overlapping} for 'provide_overlapping_tombstones' compaction sub-option - must be one of the following [NONE, ROW, CELL].`,
    )
  }
  const result = new Map([...options, ['class', className]])
  if (simpleName !== 'UnifiedCompactionStrategy') {
    if (!result.has('min_threshold')) result.set('min_threshold', '4')
    if (!result.has('max_threshold')) result.set('max_threshold', '32')
  }
  return result
}

/** `CompactionParams.validate`. */
export function validateCompaction(compaction: ReadonlyMap<string, string>): void {
  const strategy = strategyOf(compaction)
  const options = new Map(compaction)
  options.delete('class')
  const unchecked = new Map(options)
  validateCommon(options, unchecked)
  switch (strategy) {
    case 'SizeTieredCompactionStrategy':
      validateSizeTiered(options, unchecked)
      removeThresholds(unchecked)
      break
    case 'LeveledCompactionStrategy':
      validateLeveled(options, unchecked)
      removeThresholds(unchecked)
      validateSizeTiered(options, unchecked)
      break
    case 'TimeWindowCompactionStrategy':
      validateTimeWindow(options, unchecked)
      validateSizeTiered(options, unchecked)
      removeThresholds(unchecked)
      break
    case 'UnifiedCompactionStrategy':
      validateUnified(unchecked)
  }
  if (unchecked.size > 0) {
    throw new ConfigurationError(
      `Properties specified ${listText(hashOrder(unchecked.keys(), options.size))} are not understood by ${strategy}`,
    )
  }
  validateThresholds(options)
}

function removeThresholds(unchecked: Options): void {
  unchecked.delete('min_threshold')
  unchecked.delete('max_threshold')
}

function validateThresholds(options: Options): void {
  const threshold = (name: string, otherwise: number): number => {
    const text = options.get(name)
    if (text === undefined) return otherwise
    const value = parseInt32(text)
    if (value === null) throw numberFormatError(text)
    return value
  }
  for (const name of ['min_threshold', 'max_threshold']) {
    const text = options.get(name)
    if (text !== undefined && !isNumeric(text)) {
      throw new ConfigurationError(
        `Invalid value ${text} for '${name}' compaction sub-option - must be an integer`,
      )
    }
  }
  const minimum = threshold('min_threshold', 4)
  const maximum = threshold('max_threshold', 32)
  if (minimum <= 0 || maximum <= 0) {
    throw new ConfigurationError(
      "Disabling compaction by setting compaction thresholds to 0 has been removed, set the compaction option 'enabled' to false instead.",
    )
  }
  if (minimum <= 1) {
    throw new ConfigurationError(`Min compaction threshold cannot be less than 2 (got ${minimum})`)
  }
  if (minimum > maximum) {
    throw new ConfigurationError(
      `Min compaction threshold (got ${minimum}) cannot be greater than max compaction threshold (got ${maximum})`,
    )
  }
}

function isBooleanText(text: string): boolean {
  return /^(?:true|false)$/i.test(text)
}

/** `AbstractCompactionStrategy.validateOptions`. */
function validateCommon(options: Options, unchecked: Options): void {
  const threshold = options.get('tombstone_threshold')
  if (threshold !== undefined) {
    const value = parseDouble(threshold)
    if (value === undefined) throw notInteger(threshold, 'tombstone_threshold')
    if (value < 0) {
      throw new ConfigurationError(
        `tombstone_threshold must be greater than 0, but was ${Math.fround(value).toFixed(6)}`,
      )
    }
  }
  const interval = options.get('tombstone_compaction_interval')
  if (interval !== undefined) {
    const value = parseInt64(interval)
    if (value === null) throw notInteger(interval, 'tombstone_compaction_interval')
    if (value < 0n) {
      throw new ConfigurationError(`tombstone_compaction_interval must be greater than 0, but was ${value}`)
    }
  }
  const compaction = options.get('unchecked_tombstone_compaction')
  if (compaction !== undefined && !isBooleanText(compaction)) {
    throw new ConfigurationError(
      `'unchecked_tombstone_compaction' should be either 'true' or 'false', not '${compaction}'`,
    )
  }
  const logAll = options.get('log_all')
  if (logAll !== undefined && !isBooleanText(logAll)) {
    throw new ConfigurationError(`'log_all' should either be 'true' or 'false', not ${logAll}`)
  }
  const enabled = options.get('enabled')
  if (enabled !== undefined && !isBooleanText(enabled)) {
    throw new ConfigurationError(`enabled should either be 'true' or 'false', not ${enabled}`)
  }
  for (const name of [
    'tombstone_threshold',
    'tombstone_compaction_interval',
    'unchecked_tombstone_compaction',
    'log_all',
    'enabled',
    'only_purge_repaired_tombstones',
    'provide_overlapping_tombstones',
  ]) {
    unchecked.delete(name)
  }
}

function notInteger(text: string, option: string): ConfigurationError {
  return new ConfigurationError(`${text} is not a parsable int (base10) for ${option}`)
}

/** `SizeTieredCompactionStrategyOptions.validateOptions`. */
function validateSizeTiered(options: Options, unchecked: Options): void {
  const size = options.get('min_sstable_size')
  if (size !== undefined) {
    const value = parseInt64(size)
    if (value === null) throw notInteger(size, 'min_sstable_size')
    if (value < 0n) throw new ConfigurationError(`min_sstable_size must be non negative: ${value}`)
  }
  const low = bucket(options, 'bucket_low', 0.5)
  const high = bucket(options, 'bucket_high', 1.5)
  if (high <= low) {
    throw new ConfigurationError(
      `bucket_high value (${doubleText(high)}) is less than or equal to the bucket_low value (${doubleText(low)})`,
    )
  }
  for (const name of ['min_sstable_size', 'bucket_low', 'bucket_high']) unchecked.delete(name)
}

function bucket(options: Options, name: string, otherwise: number): number {
  const text = options.get(name)
  if (text === undefined) return otherwise
  const value = parseDouble(text)
  if (value === undefined) throw new ConfigurationError(`${text} is not a parsable float for ${name}`)
  return value
}

/** `LeveledCompactionStrategy.validateOptions`. */
function validateLeveled(options: Options, unchecked: Options): void {
  const size = options.get('sstable_size_in_mb') ?? '1'
  const sizeInMb = parseInt32(size)
  if (sizeInMb === null) throw notInteger(size, 'sstable_size_in_mb')
  if (sizeInMb < 1)
    throw new ConfigurationError(`sstable_size_in_mb must be larger than 0, but was ${sizeInMb}`)
  const fanout = parseInt32(options.get('fanout_size') ?? '10')
  // Cassandra names the other option's value here.
  if (fanout === null) throw notInteger(size, 'fanout_size')
  if (fanout < 1) throw new ConfigurationError(`fanout_size must be larger than 0, but was ${fanout}`)
  for (const name of ['sstable_size_in_mb', 'fanout_size', 'single_sstable_uplevel']) unchecked.delete(name)
}

const TIMESTAMP_UNITS = ['SECONDS', 'MILLISECONDS', 'MICROSECONDS', 'NANOSECONDS']
const WINDOW_UNITS = ['MINUTES', 'HOURS', 'DAYS']

/** `TimeWindowCompactionStrategyOptions.validateOptions`, without the size-tiered part. */
function validateTimeWindow(options: Options, unchecked: Options): void {
  const oneOf = (name: string, values: readonly string[]): void => {
    const text = options.get(name)
    if (text !== undefined && !values.includes(text)) {
      throw new ConfigurationError(`${text} is not valid for ${name}`)
    }
  }
  oneOf('timestamp_resolution', TIMESTAMP_UNITS)
  oneOf('compaction_window_unit', WINDOW_UNITS)
  const size = options.get('compaction_window_size') ?? '1'
  const windowSize = parseInt32(size)
  if (windowSize === null) throw notInteger(size, 'compaction_window_size')
  if (windowSize < 1) {
    throw new ConfigurationError(`${windowSize} must be greater than 1 for compaction_window_size`)
  }
  const frequency = options.get('expired_sstable_check_frequency_seconds') ?? '600'
  const seconds = parseInt64(frequency)
  if (seconds === null) throw notInteger(frequency, 'expired_sstable_check_frequency_seconds')
  if (seconds < 0n) {
    throw new ConfigurationError(
      `expired_sstable_check_frequency_seconds must not be negative, but was ${seconds}`,
    )
  }
  const unsafe = options.get('unsafe_aggressive_sstable_expiration')
  if (unsafe !== undefined && !isBooleanText(unsafe)) {
    throw new ConfigurationError(`unsafe_aggressive_sstable_expiration is not 'true' or 'false' (${unsafe})`)
  }
  if (unsafe?.toLowerCase() === 'true') {
    throw new ConfigurationError(
      'unsafe_aggressive_sstable_expiration is requested but not allowed, restart cassandra with -Dcassandra.allow_unsafe_aggressive_sstable_expiration=true to allow it',
    )
  }
  for (const name of [
    'compaction_window_size',
    'compaction_window_unit',
    'timestamp_resolution',
    'expired_sstable_check_frequency_seconds',
    'unsafe_aggressive_sstable_expiration',
  ]) {
    unchecked.delete(name)
  }
}

const SCALING_PARAMETER = /^(?:N|L(\d+)|T(\d+)|[+-]?\d+)$/
const MIN_TARGET_SIZE = 2 ** 20
const DEFAULT_TARGET_SIZE = 2 ** 30

/** `Controller.validateOptions`; takes what it knows out of the options. */
function validateUnified(options: Options): void {
  const take = (name: string): string | undefined => {
    const text = options.get(name)
    options.delete(name)
    return text
  }
  const scaling = take('scaling_parameters')
  if (scaling !== undefined) validateScalingParameters(scaling)
  const shards = take('base_shard_count')
  if (shards !== undefined) {
    const count = parseInt32(shards)
    if (count === null) throw notInteger(shards, 'base_shard_count')
    if (count <= 0) {
      throw new ConfigurationError(`Invalid configuration, base_shard_count should be positive: ${count}`)
    }
  }
  let targetSize = DEFAULT_TARGET_SIZE
  const target = take('target_sstable_size')
  if (target !== undefined) {
    const size = sizeOption(target, 'target_sstable_size')
    if (size >= 2 ** 63)
      throw new ConfigurationError(`target_sstable_size ${target} is out of range of Long.`)
    atLeastOneMib(size, target, 'target_sstable_size')
    targetSize = Math.ceil(size)
  }
  const flush = take('flush_size_override')
  if (flush !== undefined) {
    atLeastOneMib(Math.trunc(sizeOption(flush, 'flush_size_override')), flush, 'flush_size_override')
  }
  const most = take('max_sstables_to_compact')
  if (most !== undefined && parseInt32(most) === null) throw notInteger(most, 'max_sstables_to_compact')
  const frequency = take('expired_sstable_check_frequency_seconds')
  if (frequency !== undefined) {
    const seconds = parseInt64(frequency)
    if (seconds === null) {
      throw new ConfigurationError(
        `${frequency} is not a parsable long (base10) for expired_sstable_check_frequency_seconds`,
      )
    }
    if (seconds <= 0n) {
      throw new ConfigurationError(
        `Invalid configuration, expired_sstable_check_frequency_seconds should be positive: ${seconds}`,
      )
    }
  }
  const unsafe = take('unsafe_aggressive_sstable_expiration')
  if (unsafe !== undefined && !isBooleanText(unsafe)) {
    throw new ConfigurationError(
      `unsafe_aggressive_sstable_expiration should either be 'true' or 'false', not ${unsafe}`,
    )
  }
  const overlap = take('overlap_inclusion_method')
  if (overlap !== undefined && !['NONE', 'SINGLE', 'TRANSITIVE'].includes(overlap.toUpperCase())) {
    throw new ConfigurationError(
      `Invalid overlap inclusion method ${overlap}. The valid options are [NONE, SINGLE, TRANSITIVE].`,
    )
  }
  const least = take('min_sstable_size')
  if (least !== undefined) validateMinSize(least, targetSize)
  const growth = take('sstable_growth')
  if (growth !== undefined) validateGrowth(growth)
}

function validateScalingParameters(text: string): void {
  // As Java splits: empty ones at the end are none, but an empty text is one.
  const parts = /^,+$/.test(text) ? [] : text.replace(/,+$/, '').split(',')
  for (const part of parts) {
    const value = part.trim()
    const match = SCALING_PARAMETER.exec(value)
    if (match === null) {
      throw new ConfigurationError(`Scaling parameter ${value} must match N|L[0-9]+|T[0-9]+|[+-]?[0-9]+`)
    }
    const fan = match[1] ?? match[2]
    const number = fan ?? value
    if (value !== 'N' && parseInt32(number) === null) {
      throw new ConfigurationError(
        `org.apache.cassandra.db.compaction.UnifiedCompactionStrategy.validateOptions() threw an error: java.lang.NumberFormatException ${notANumber(number)}`,
      )
    }
    if (fan !== undefined && Number(fan) < 2) {
      throw new ConfigurationError(`Fan factor cannot be lower than 2 in ${value}`)
    }
  }
}

function sizeOption(text: string, name: string): number {
  const size = parseHumanReadable(text)
  if (typeof size === 'number') return size
  throw new ConfigurationError(`${name} ${text} is not a valid size in bytes: ${size.problem}`)
}

function atLeastOneMib(size: number, text: string, name: string): void {
  if (size < MIN_TARGET_SIZE) {
    throw new ConfigurationError(
      `${name} ${text} is not acceptable, size must be at least ${memoryText(MIN_TARGET_SIZE)}`,
    )
  }
}

function validateMinSize(text: string, targetSize: number): void {
  const parsed = parseHumanReadable(text)
  if (typeof parsed !== 'number') {
    throw new ConfigurationError(`${text} is not a valid size in bytes for min_sstable_size`)
  }
  const size = Math.trunc(parsed)
  if (size < 0) {
    throw new ConfigurationError(
      'Invalid configuration, min_sstable_size should be greater than or equal to 0 (zero)',
    )
  }
  if (size >= Math.ceil(targetSize * Math.SQRT1_2)) {
    throw new ConfigurationError(
      `Invalid configuration, min_sstable_size (${memoryText(size)}) should be less than 70% of the targetSSTableSize (${memoryText(targetSize)})`,
    )
  }
}

function validateGrowth(text: string): void {
  const trimmed = text.trim()
  const percent = trimmed.endsWith('%')
  const digits = percent ? trimmed.slice(0, -1).trim() : trimmed
  const value = parseDouble(digits)
  if (value === undefined) {
    const problem = digits === '' ? 'empty String' : notANumber(digits)
    throw new ConfigurationError(`sstable_growth is not a valid number between 0 and 1: ${problem}`)
  }
  const growth = percent ? value / 100 : value
  if (growth < 0 || growth > 1) throw new ConfigurationError(`sstable_growth ${text} must be between 0 and 1`)
}
