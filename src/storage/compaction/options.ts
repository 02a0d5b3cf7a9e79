import { asciiDigits } from '../../common/human-readable.ts'
import { parseDouble } from '../../types/index.ts'

/** A table's `compaction` map as it is kept: class and options, which have been validated. */
export type CompactionOptions = ReadonlyMap<string, string>

/** What every strategy has (`AbstractCompactionStrategy`, `CompactionParams`). */
export interface CommonOptions {
  readonly minThreshold: number
  readonly maxThreshold: number
  readonly tombstoneThreshold: number
  readonly tombstoneCompactionIntervalMillis: number
  readonly uncheckedTombstoneCompaction: boolean
  readonly onlyPurgeRepairedTombstones: boolean
  /** How SSTables of similar size are put together; a strategy that is not size-tiered has it for its newest data. */
  readonly sizeTiered: SizeTieredOptions
}

/** `SizeTieredCompactionStrategyOptions`. */
export interface SizeTieredOptions {
  readonly minSSTableSize: number
  readonly bucketLow: number
  readonly bucketHigh: number
}

export function numberOption(options: CompactionOptions, name: string, otherwise: number): number {
  const text = options.get(name)
  return text === undefined ? otherwise : (parseDouble(asciiDigits(text)) ?? otherwise)
}

/** `Boolean.parseBoolean`. */
export function booleanOption(options: CompactionOptions, name: string): boolean {
  return options.get(name)?.toLowerCase() === 'true'
}

export function commonOptions(options: CompactionOptions): CommonOptions {
  return {
    minThreshold: numberOption(options, 'min_threshold', 4),
    maxThreshold: numberOption(options, 'max_threshold', 32),
    tombstoneThreshold: Math.fround(numberOption(options, 'tombstone_threshold', 0.2)),
    tombstoneCompactionIntervalMillis: numberOption(options, 'tombstone_compaction_interval', 86_400) * 1000,
    uncheckedTombstoneCompaction: booleanOption(options, 'unchecked_tombstone_compaction'),
    onlyPurgeRepairedTombstones: booleanOption(options, 'only_purge_repaired_tombstones'),
    sizeTiered: {
      minSSTableSize: numberOption(options, 'min_sstable_size', 50 * 1024 * 1024),
      bucketLow: numberOption(options, 'bucket_low', 0.5),
      bucketHigh: numberOption(options, 'bucket_high', 1.5),
    },
  }
}
