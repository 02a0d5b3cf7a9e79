import { memoryText } from '../../common/human-readable.ts'
import { doubleText } from '../../types/index.ts'
import { BadUseError, type Json } from '../admin-node.ts'
import { fileSizeText, fixed } from './java-format.ts'
import type { Figures, Given, Session, Verb } from './verb.ts'

/** keyspace and tables as most verbs take them. */
export function keyspaceAndTables({ args }: Given): Record<string, Json> {
  const [keyspace, ...tables] = args
  return keyspace === undefined ? {} : { keyspace, tables }
}

export const FLUSH: Verb = {
  description: 'Flush one or more tables',
  usage: '[<keyspace> <tables>...]',
  options: [],
  async run(session, given) {
    await session.ask('flush', keyspaceAndTables(given))
    return undefined
  },
}

export const TABLE_STATS: Verb = {
  description: 'Print statistics on tables',
  usage: '[<keyspace.table>...]',
  options: [
    { names: ['-i'], value: null, description: 'Ignore the list of tables and display the remaining tables' },
    {
      names: ['-H', '--human-readable'],
      value: null,
      description: 'Display bytes in human readable form, i.e. KiB, MiB, GiB, TiB',
    },
  ],
  run: tableStats,
}

async function tableStats(session: Session, given: Given): Promise<undefined> {
  const known = (await session.ask('tables')) as { keyspaces: string[] }
  const all = (await session.ask('tablestats')) as readonly Figures[]
  const isIgnoring = given.has('-i')
  const wanted = given.args.map((name) => name.split(/\.(.*)/s) as [string, string?])
  const unknown = wanted.find(([keyspace]) => !known.keyspaces.includes(keyspace))
  if (unknown !== undefined) throw new BadUseError(`Unknown keyspace: ${unknown[0]}`)
  const isIncluded = ({ keyspace, table }: Figures): boolean => {
    if (wanted.length === 0) return !isIgnoring
    const ofKeyspace = wanted.filter(([name]) => name === keyspace)
    if (ofKeyspace.length === 0) return isIgnoring
    const named = ofKeyspace.flatMap(([, name]) => (name === undefined ? [] : [name]))
    return named.length === 0 ? !isIgnoring : isIgnoring !== named.includes(String(table))
  }
  for (const [keyspace, table] of wanted) {
    if (table === undefined || all.some((one) => one['keyspace'] === keyspace && one['table'] === table))
      continue
    const missing = wanted.filter(
      ([of, name]) => of === keyspace && !all.some((one) => one['keyspace'] === of && one['table'] === name),
    )
    throw new BadUseError(
      `Unknown tables: [${missing.map(([, name]) => name).join(', ')}] in keyspace: ${keyspace}`,
    )
  }
  const shown = all.filter(isIncluded)
  if (shown.length === 0) return undefined
  session.out(`Total number of tables: ${shown.length}\n----------------\n`)
  const size = given.has('-H') ? fileSizeText : String
  for (const keyspace of new Set(shown.map((figures) => String(figures['keyspace'])))) {
    session.out(
      keyspaceText(
        keyspace,
        all.filter((figures) => figures['keyspace'] === keyspace),
      ),
    )
    for (const figures of shown) if (figures['keyspace'] === keyspace) session.out(tableText(figures, size))
    session.out('----------------\n')
  }
  return undefined
}

interface Latencies {
  readonly count: number
  readonly totalMicros: number
  readonly meanMicros: number | null
}

function keyspaceText(name: string, tables: readonly Figures[]): string {
  const sum = (of: 'reads' | 'writes', figure: 'count' | 'totalMicros'): number =>
    tables.reduce((total, figures) => total + (figures[of] as unknown as Latencies)[figure], 0)
  const mean = (of: 'reads' | 'writes'): string =>
    sum(of, 'count') === 0 ? 'NaN' : doubleText(sum(of, 'totalMicros') / sum(of, 'count') / 1000)
  const pending = tables.reduce((total, { pendingFlushes }) => total + Number(pendingFlushes), 0)
  return [
    `Keyspace: ${name}`,
    `\tRead Count: ${sum('reads', 'count')}`,
    `\tRead Latency: ${mean('reads')} ms`,
    `\tWrite Count: ${sum('writes', 'count')}`,
    `\tWrite Latency: ${mean('writes')} ms`,
    `\tPending Flushes: ${pending}\n`,
  ].join('\n')
}

function tableText(figures: Figures, size: (bytes: number) => string): string {
  const number = (name: string): number => figures[name] as number
  const reads = figures['reads'] as unknown as Latencies
  const writes = figures['writes'] as unknown as Latencies
  const latency = ({ meanMicros }: Latencies): string =>
    fixed(meanMicros === null || meanMicros === 0 ? Number.NaN : meanMicros / 1000, 3)
  const spread = (name: string): { readonly mean: number | null; readonly max: number } =>
    figures[name] as unknown as { mean: number | null; max: number }
  const meanText = (name: string): string => doubleText(spread(name).mean ?? Number.NaN)
  const offHeap = ['memtable', 'bloomFilter', 'indexSummary', 'compression'].map((of) =>
    number(`${of}OffHeap`),
  )
  const lines = [
    `Table: ${figures['table']}`,
    `SSTable count: ${number('sstableCount')}`,
    `Old SSTable count: ${number('oldSSTableCount')}`,
    `Max SSTable size: ${memoryText(number('maxSSTableSize'))}`,
    ...timeWindowLines(figures['timeWindow'] ?? null),
    ...levelLines(figures, size),
    `Space used (live): ${size(number('spaceUsedLive'))}`,
    `Space used (total): ${size(number('spaceUsedTotal'))}`,
    `Space used by snapshots (total): ${size(number('spaceUsedBySnapshots'))}`,
    `Off heap memory used (total): ${size(offHeap.reduce((sum, bytes) => sum + bytes, 0))}`,
    `SSTable Compression Ratio: ${fixed(number('compressionRatio'), 5)}`,
    `Number of partitions (estimate): ${number('estimatedPartitions')}`,
    `Memtable cell count: ${number('memtableOperations')}`,
    `Memtable data size: ${size(number('memtableDataSize'))}`,
    `Memtable off heap memory used: ${size(offHeap[0]!)}`,
    `Memtable switch count: ${number('memtableSwitches')}`,
    // One node has nobody to ask a second time.
    'Speculative retries: 0',
    `Local read count: ${reads.count}`,
    `Local read latency: ${latency(reads)} ms`,
    `Local write count: ${writes.count}`,
    `Local write latency: ${latency(writes)} ms`,
    `Local read/write ratio: ${fixed(writes.count > 0 ? reads.count / writes.count : 0, 5)}`,
    `Pending flushes: ${number('pendingFlushes')}`,
    `Percent repaired: ${doubleText(Math.round(100 * number('percentRepaired')) / 100)}`,
    `Bytes repaired: ${memoryText(number('bytesRepaired'))}`,
    `Bytes unrepaired: ${memoryText(number('bytesUnrepaired'))}`,
    `Bytes pending repair: ${memoryText(number('bytesPendingRepair'))}`,
    `Bloom filter false positives: ${number('bloomFalsePositives')}`,
    `Bloom filter false ratio: ${fixed(number('bloomFalseRatio'), 5)}`,
    `Bloom filter space used: ${size(number('bloomSpace'))}`,
    `Bloom filter off heap memory used: ${size(offHeap[1]!)}`,
    `Index summary off heap memory used: ${size(offHeap[2]!)}`,
    `Compression metadata off heap memory used: ${size(offHeap[3]!)}`,
    `Compacted partition minimum bytes: ${number('minPartitionSize')}`,
    `Compacted partition maximum bytes: ${number('maxPartitionSize')}`,
    `Compacted partition mean bytes: ${number('meanPartitionSize')}`,
    `Average live cells per slice (last five minutes): ${meanText('liveCells')}`,
    `Maximum live cells per slice (last five minutes): ${spread('liveCells').max}`,
    `Average tombstones per slice (last five minutes): ${meanText('tombstones')}`,
    `Maximum tombstones per slice (last five minutes): ${spread('tombstones').max}`,
    `Droppable tombstone ratio: ${fixed(number('droppableTombstoneRatio'), 5)}`,
  ]
  return `${lines.map((line) => `\t\t${line}\n`).join('')}\n`
}

/** SSTables of each level; `/max` behind a level that has too many. */
function levelLines({ levels, levelBytes }: Figures, size: (bytes: number) => string): string[] {
  if (!Array.isArray(levels)) return []
  const counts = (levels as number[]).map((count, level) => {
    const max = level === 0 ? 4 : 10 ** level
    return count > max ? `${count}/${max}` : String(count)
  })
  return [
    `SSTables in each level: [${counts.join(', ')}]`,
    `SSTable bytes in each level: [${(levelBytes as number[]).map(size).join(', ')}]`,
  ]
}

const WORDS: readonly (readonly [unit: string, ms: number])[] = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1000],
]

/** `DurationFormatUtils.formatDurationWords`, without zeros at either end. */
export function durationWords(ms: number): string {
  let rest = Math.max(0, ms)
  const parts = WORDS.map(([unit, length]) => {
    const count = Math.floor(rest / length)
    rest -= count * length
    return { count, text: `${count} ${unit}${count === 1 ? '' : 's'}` }
  })
  const first = parts.findIndex(({ count }) => count > 0)
  if (first < 0) return '0 seconds'
  const last = parts.findLastIndex(({ count }) => count > 0)
  return parts
    .slice(first, last + 1)
    .map(({ text }) => text)
    .join(' ')
}

function timeWindowLines(window: Json): string[] {
  if (window === null) return []
  const { unit, size, maxDurationMs } = window as Figures
  return [`SSTables Time Window: ${size} ${unit}, max duration: ${durationWords(Number(maxDurationMs))}`]
}

export const TABLE_HISTOGRAMS: Verb = {
  description: 'Print statistic histograms for a given table',
  usage: '[<keyspace> <table> | <keyspace.table>]',
  options: [],
  run: tableHistograms,
}

async function tableHistograms(session: Session, { args }: Given): Promise<undefined> {
  const known = ((await session.ask('tables')) as { tables: { keyspace: string; table: string }[] }).tables
  let wanted = known
  if (args.length === 2 && !args.some((name) => name.includes('.'))) {
    wanted = [{ keyspace: args[0]!, table: args[1]! }]
  } else if (args.length === 1) {
    const [keyspace = '', table = '', ...more] = args[0]!.split('.')
    if (table === '' || more.length > 0)
      throw new BadUseError('tablehistograms requires keyspace and table name arguments')
    wanted = [{ keyspace, table }]
  } else if (args.length > 0) {
    throw new BadUseError('tablehistograms requires <keyspace> <table> or <keyspace.table> format argument.')
  }
  const unknown = wanted.find(
    (one) => !known.some((other) => other.keyspace === one.keyspace && other.table === one.table),
  )
  if (unknown !== undefined) throw new BadUseError(`Unknown table ${unknown.keyspace}.${unknown.table}`)
  for (const { keyspace, table } of wanted) {
    session.out(
      histogramsText(keyspace, table, (await session.ask('tablehistograms', { keyspace, table })) as Figures),
    )
  }
  return undefined
}

const PERCENTILES = ['50%', '75%', '95%', '98%', '99%', 'Min', 'Max']

function histogramsText(keyspace: string, table: string, figures: Figures): string {
  const lines: string[] = []
  const noValues = PERCENTILES.map(() => Number.NaN)
  const estimates = (name: string, overflow: (max: number) => string): readonly number[] => {
    const estimate = figures[name] as unknown as { overflowsAt: number | null; values: number[] } | null
    if (estimate === null) return noValues
    if (estimate.overflowsAt === null) return estimate.values
    lines.push(overflow(estimate.overflowsAt))
    return estimate.values.map((value, i) => (i < 5 ? Number.NaN : value))
  }
  if (figures['partitionSizes'] === null) {
    lines.push("No SSTables exists, unable to calculate 'Partition Size' and 'Cell Count' percentiles")
  }
  const sizes = estimates(
    'partitionSizes',
    (max) => `Row sizes are larger than ${max}, unable to calculate percentiles`,
  )
  const cells = estimates(
    'cellsPerPartition',
    (max) => `Column counts are larger than ${max}, unable to calculate percentiles`,
  )
  const latencies = ['readLatency', 'writeLatency', 'sstablesPerRead'].map(
    (name) => figures[name] as number[],
  )
  const row = (name: string, ...columns: readonly string[]): void => {
    lines.push(name.padEnd(10) + columns.map((column) => column.padStart(18)).join(''))
  }
  lines.push(`${keyspace}/${table} histograms`)
  row('Percentile', 'Read Latency', 'Write Latency', 'SSTables', 'Partition Size', 'Cell Count')
  row('', '(micros)', '(micros)', '', '(bytes)', '')
  PERCENTILES.forEach((name, i) => {
    const measured = latencies.map((values) => fixed(values[i]!, 2))
    row(name, ...measured, fixed(sizes[i]!, 0), fixed(cells[i]!, 0))
  })
  return `${lines.join('\n')}\n\n`
}
