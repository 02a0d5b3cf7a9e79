import { parseHumanReadable } from '../common/human-readable.ts'

/** Package of the compaction strategies' classes. */
export const COMPACTION_PACKAGE = 'org.apache.cassandra.db.compaction.'

const MEBIBYTE = 2 ** 20
const MOST_SSTABLES = 32
const INT_MAX = 0x7fffffff

/** Options of `AbstractCompactionStrategy`, which every strategy has. */
const COMMON_OPTIONS = [
  'enabled',
  'log_all',
  'only_purge_repaired_tombstones',
  'provide_overlapping_tombstones',
  'tombstone_compaction_interval',
  'tombstone_threshold',
  'unchecked_tombstone_compaction',
]

/** Whether a table's `compaction` names the strategy there is none of here. */
export function isUnified(compaction: ReadonlyMap<string, string>): boolean {
  const name = compaction.get('class')
  return name === 'UnifiedCompactionStrategy' || name === `${COMPACTION_PACKAGE}UnifiedCompactionStrategy`
}

/**
 * The `compaction` that runs in the place of `UnifiedCompactionStrategy`, whose options have been validated. Of its
 * scaling parameters the last counts: it is that of all levels from there on, which have most of the data. `T` and `N`
 * tier, by as many SSTables as they say; `L` levels, with its fan factor and `target_sstable_size` where that is given.
 */
export function unifiedStandIn(compaction: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const scaling = scalingParameter(compaction.get('scaling_parameters') ?? 'T4')
  const most = Number(compaction.get('max_sstables_to_compact') ?? MOST_SSTABLES)
  const result = new Map<string, string>()
  for (const name of COMMON_OPTIONS) {
    const value = compaction.get(name)
    if (value !== undefined) result.set(name, value)
  }
  if (scaling < 0) {
    result.set('class', `${COMPACTION_PACKAGE}LeveledCompactionStrategy`)
    result.set('fanout_size', String(2 - scaling))
    const target = parseHumanReadable(compaction.get('target_sstable_size') ?? '')
    if (typeof target === 'number') {
      result.set('sstable_size_in_mb', String(Math.max(1, Math.round(target / MEBIBYTE))))
    }
    return result
  }
  const threshold = 2 + scaling
  result.set('class', `${COMPACTION_PACKAGE}SizeTieredCompactionStrategy`)
  result.set('min_threshold', String(threshold))
  result.set('max_threshold', String(Math.max(threshold, most <= 0 ? INT_MAX : most)))
  return result
}

/** W, negative for levels (`UnifiedCompactionStrategy.parseScalingParameter`); the last of several. */
function scalingParameter(text: string): number {
  const last = text.replace(/,+$/, '').split(',').at(-1)!.trim()
  if (last === '') return 2
  if (last === 'N') return 0
  if (last.startsWith('L')) return 2 - Number(last.slice(1))
  if (last.startsWith('T')) return Number(last.slice(1)) - 2
  return Number(last)
}

/** What is said of a table with `UnifiedCompactionStrategy`, to the client and in the log. */
export function unifiedWarning(compaction: ReadonlyMap<string, string>): string {
  const { class: name, ...options } = Object.fromEntries(unifiedStandIn(compaction))
  const parts = Object.entries(options).map(([option, value]) => `'${option}': '${value}'`)
  const stands = `${name!.slice(COMPACTION_PACKAGE.length)} with {${parts.join(', ')}}`
  return `UnifiedCompactionStrategy is not available here: ${stands} runs instead. The table's options are kept as given.`
}
