import {
  COMPACTION_PACKAGE,
  isUnified,
  unifiedStandIn,
  unifiedWarning,
} from '../../model/unified-compaction.ts'
import { LeveledCompactionStrategy } from './leveled.ts'
import { type CompactionOptions, numberOption } from './options.ts'
import { SizeTieredCompactionStrategy } from './size-tiered.ts'
import type { CompactionStrategy } from './strategy.ts'
import { TimeWindowCompactionStrategy } from './time-window.ts'

export interface StrategySettings {
  /** `-Dcassandra.allow_unsafe_aggressive_sstable_expiration=true`. */
  readonly allowUnsafeExpiration?: boolean
}

/** A strategy, and what is to be logged as a warning when a table begins to use it. */
export interface MadeStrategy {
  readonly strategy: CompactionStrategy
  readonly warnings: readonly string[]
}

/**
 * The strategy that a table's `compaction` asks for, by class name with or without package; for
 * `UnifiedCompactionStrategy` and classes that are not Cassandra's own another one, which the warning names.
 */
export function compactionStrategyFor(
  compaction: CompactionOptions,
  table: { readonly keyspace: string; readonly name: string },
  settings: StrategySettings = {},
): MadeStrategy {
  const tableName = `${table.keyspace}.${table.name}`
  if (isUnified(compaction)) {
    const made = compactionStrategyFor(unifiedStandIn(compaction), table, settings)
    return { ...made, warnings: [`${tableName}: ${unifiedWarning(compaction)}`, ...made.warnings] }
  }
  const className = compaction.get('class') ?? 'SizeTieredCompactionStrategy'
  switch (className.startsWith(COMPACTION_PACKAGE) ? className.slice(COMPACTION_PACKAGE.length) : className) {
    case 'SizeTieredCompactionStrategy':
      return { strategy: new SizeTieredCompactionStrategy(compaction), warnings: [] }
    case 'LeveledCompactionStrategy':
      return {
        strategy: new LeveledCompactionStrategy(compaction),
        warnings: sizeWarnings(compaction, tableName),
      }
    case 'TimeWindowCompactionStrategy': {
      const strategy = new TimeWindowCompactionStrategy(compaction, settings.allowUnsafeExpiration ?? false)
      return { strategy, warnings: resolutionWarnings(compaction) }
    }
    default:
      return {
        strategy: new SizeTieredCompactionStrategy(new Map()),
        warnings: [
          `${tableName}: there is no compaction strategy ${className} here: SizeTieredCompactionStrategy runs instead`,
        ],
      }
  }
}

function sizeWarnings(compaction: CompactionOptions, tableName: string): string[] {
  if (!compaction.has('sstable_size_in_mb')) return []
  const size = numberOption(compaction, 'sstable_size_in_mb', 0)
  const configured = `Max sstable size of ${size}MB is configured for ${tableName}`
  if (size >= 1000) return [`${configured}; having a unit of compaction this large is probably a bad idea`]
  if (size >= 50) return []
  return [`${configured}.  Testing done for CASSANDRA-5727 indicates that performance improves up to 160MB`]
}

function resolutionWarnings(compaction: CompactionOptions): string[] {
  const resolution = compaction.get('timestamp_resolution') ?? 'MICROSECONDS'
  if (resolution === 'MICROSECONDS') return []
  return [
    `Using a non-default timestamp_resolution ${resolution} - are you really doing inserts with USING TIMESTAMP <non_microsecond_timestamp> (or driver equivalent)?`,
  ]
}
