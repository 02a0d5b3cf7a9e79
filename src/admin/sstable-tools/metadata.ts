import { murmur3Token } from '../../common/murmur3.ts'
import { uuidText } from '../../common/uuid.ts'
import type { Disk } from '../../io/disk.ts'
import { droppableTombstoneRatio } from '../../storage/compaction/droppable-tombstones.ts'
import { cardinalityOf } from '../../storage/sstable/cardinality.ts'
import { readCompressionInfo } from '../../storage/sstable/compression-info.ts'
import { CorruptSSTableError } from '../../storage/sstable/corruption.ts'
import { componentPath, type Descriptor, descriptorName } from '../../storage/sstable/descriptor.ts'
import { IndexSummary } from '../../storage/sstable/index-summary.ts'
import { readOfflineStatistics } from '../../storage/sstable/offline-sstable.ts'
import {
  type CommitLogPosition,
  type HeaderColumn,
  type Histogram,
  NO_DELETION,
  type StatsMetadata,
} from '../../storage/sstable/statistics.ts'
import { type CqlType, doubleText, parseClassName, toText } from '../../types/index.ts'
import { byteText, hashMapOrder, microsDate, secondsDate, spanText, ttlText } from './java-text.ts'
import { simpleDateText, timestampOf } from './java-time.ts'
import { scanOverview } from './metadata-scan.ts'
import { BLUE, CYAN, histogramText, RESET, type Style, WHITE, wrapQuiet } from './term-histogram.ts'

/** Options of sstablemetadata. */
export interface MetadataOptions extends Style {
  /** -g: tombstones that fall due so many seconds before now count as droppable. */
  readonly gcGraceSeconds: number
  /** -t: milliseconds of a thousand of these units; as in Cassandra it concerns EncodingStats alone. */
  readonly timestampUnit: TimestampUnit
  /** -s: reads all rows too. */
  readonly scan: boolean
}

/** Units of timestamps by Java's names (`TimeUnit`), as how many of them make a microsecond, or how many microseconds they are. */
export const TIMESTAMP_UNITS = {
  NANOSECONDS: [1n, 1000n],
  MICROSECONDS: [1n, 1n],
  MILLISECONDS: [1000n, 1n],
  SECONDS: [1_000_000n, 1n],
  MINUTES: [60_000_000n, 1n],
  HOURS: [3_600_000_000n, 1n],
  DAYS: [86_400_000_000n, 1n],
} as const satisfies Readonly<Record<string, readonly [bigint, bigint]>>
export type TimestampUnit = keyof typeof TIMESTAMP_UNITS

/** A line of a name and what is known of it. */
export function fieldText(
  name: string,
  value: string | null,
  comment: string | null,
  { color }: Style,
): string {
  const [blue, cyan, white, reset] = color ? [BLUE, CYAN, WHITE, RESET] : ['', '', '', '']
  const behind = comment === null ? '' : `${white} (${comment})${reset}`
  return `${blue}${name}${cyan}: ${reset}${value ?? '--'}${behind}\n`
}

/** The text of sstablemetadata for one SSTable (`SSTableMetadataViewer`). Throws a CorruptSSTableError. */
export function* metadata(
  disk: Disk,
  descriptor: Descriptor,
  options: MetadataOptions,
  nowSeconds: number,
): Generator<string> {
  const statistics = readOfflineStatistics(disk, descriptor)
  const { validation, stats, header } = statistics
  const field = (
    name: string,
    value: string | number | bigint | null,
    comment: string | null = null,
  ): string => fieldText(name, value === null ? null : String(value), comment, options)
  yield field('SSTable', `${descriptor.directory}/${descriptorName(descriptor)}`)
  if (options.scan) yield* scanOverview(disk, descriptor, options)
  yield field('Partitioner', validation.partitioner)
  yield field('Bloom Filter FP chance', doubleText(validation.bloomFilterFpChance))
  yield field('Minimum timestamp', microsDate(stats.minTimestamp), String(stats.minTimestamp))
  yield field('Maximum timestamp', microsDate(stats.maxTimestamp), String(stats.maxTimestamp))
  yield field('Duration', spanText(stats.maxTimestamp - stats.minTimestamp))
  yield field(
    'SSTable min local deletion time',
    deletionDate(stats.minLocalDeletionTime),
    deletionNumber(stats.minLocalDeletionTime),
  )
  yield field(
    'SSTable max local deletion time',
    deletionDate(stats.maxLocalDeletionTime),
    deletionNumber(stats.maxLocalDeletionTime),
  )
  const compressor = compressorOfFile(disk, descriptor)
  yield field('Compressor', compressor === null ? '-' : `org.apache.cassandra.io.compress.${compressor}`)
  if (compressor !== null) yield field('Compression ratio', doubleText(stats.compressionRatio))
  yield field('TTL min', stats.minTtl, ttlText(stats.minTtl))
  yield field('TTL max', stats.maxTtl, ttlText(stats.maxTtl))
  const typeOf = typeReader(componentPath(descriptor, 'Statistics.db'))
  const keyType = typeOf(header.keyType)
  const keys = keyRange(disk, descriptor, stats)
  for (const [name, key] of [
    ['First token', keys?.[0]],
    ['Last token', keys?.[1]],
  ] as const) {
    if (key !== undefined) yield field(name, tokenText(key), toText(keyType, key))
  }
  const clusteringTypes = header.clusteringTypes.map(typeOf)
  yield field('Covered clusterings', coveredText(stats, clusteringTypes))
  yield field(
    'Estimated droppable tombstones',
    doubleText(droppableTombstoneRatio(stats, nowSeconds - options.gcGraceSeconds)),
  )
  yield field('SSTable Level', stats.level)
  yield field(
    'Repaired at',
    stats.repairedAt,
    stats.repairedAt === 0n ? null : simpleDateText(stats.repairedAt),
  )
  yield field('Originating host id', stats.originatingHostId && uuidText(stats.originatingHostId))
  yield field('Pending repair', stats.pendingRepair && uuidText(stats.pendingRepair))
  yield field('Replay positions covered', intervalsText(stats.commitLogIntervals))
  yield field('totalColumnsSet', stats.totalColumnsSet)
  yield field('totalRows', stats.totalRows)
  yield field('Estimated tombstone drop times', '')
  const dropTime = (seconds: number): string => `${seconds} ${wrapQuiet(secondsDate(seconds), options)}`
  yield histogramText(stats.tombstoneDropTimes, 'Drop Time', dropTime, options)
  yield field('Partition Size', '')
  const size = (bytes: number): string => `${bytes} ${wrapQuiet(byteText(bytes), options)}`
  yield histogramText(entriesOf(stats.partitionSizes), 'Size (bytes)', size, options)
  yield field('Column Count', '')
  yield histogramText(entriesOf(stats.cellsPerPartition), 'Columns', String, options)
  yield field('Local token space coverage', doubleText(stats.tokenSpaceCoverage))
  yield field('Estimated cardinality', cardinalityOf(statistics.cardinality))
  yield field('EncodingStats minTTL', header.minTtl, ttlText(header.minTtl))
  const { minTimestamp } = header
  // Cassandra shows times behind 2038 as the int they overflow.
  const minLocalDeletionTime = header.minLocalDeletionTime | 0
  yield field(
    'EncodingStats minLocalDeletionTime',
    secondsDate(minLocalDeletionTime),
    String(minLocalDeletionTime),
  )
  const [factor, divisor] = TIMESTAMP_UNITS[options.timestampUnit]
  const micros = saturated(minTimestamp * factor) / divisor
  yield field('EncodingStats minTimestamp', microsDate(micros), String(minTimestamp))
  yield field('KeyType', keyType.className)
  yield field('ClusteringTypes', `[${clusteringTypes.map((type) => type.className).join(', ')}]`)
  yield field('StaticColumns', columnsText(header.statics, typeOf))
  yield field('RegularColumns', columnsText(header.regulars, typeOf))
  yield field('IsTransient', String(stats.isTransient))
}

const MICROS_LIMIT = (2n ** 63n - 1n) * 1000n

/** Within what milliseconds of a long can be, in microseconds. */
function saturated(micros: bigint): bigint {
  return micros > MICROS_LIMIT ? MICROS_LIMIT : micros < -MICROS_LIMIT ? -MICROS_LIMIT : micros
}

function typeReader(path: string): (className: string) => CqlType {
  return (className) => {
    try {
      return parseClassName(className)
    } catch (error) {
      throw new CorruptSSTableError(path, -1, error instanceof Error ? error.message : String(error))
    }
  }
}

function compressorOfFile(disk: Disk, descriptor: Descriptor): string | null {
  const path = componentPath(descriptor, 'CompressionInfo.db')
  return disk.existsSync(path) ? readCompressionInfo(path, disk.readFileSync(path)).compressor : null
}

function deletionDate(seconds: number): string | null {
  return seconds === 0 || seconds === NO_DELETION ? 'no tombstones' : secondsDate(seconds)
}

function deletionNumber(seconds: number): string {
  return seconds === NO_DELETION ? '9223372036854775807' : String(seconds)
}

/** The first and the last key; null where no file says them. */
function keyRange(disk: Disk, descriptor: Descriptor, stats: StatsMetadata): [Uint8Array, Uint8Array] | null {
  if (stats.firstKey !== null && stats.lastKey !== null) return [stats.firstKey, stats.lastKey]
  const path = componentPath(descriptor, 'Summary.db')
  if (!disk.existsSync(path)) return null
  const { firstKey, lastKey } = IndexSummary.read(path, disk.readFileSync(path))
  return [firstKey, lastKey]
}

function tokenText(key: Uint8Array): string {
  const token = new Int32Array(2)
  murmur3Token(key, 0, key.length, token)
  return String(timestampOf(token[0]!, token[1]!))
}

/** `Slice.toString`. Before `oa` a slice without bounds is all. */
function coveredText(stats: StatsMetadata, types: readonly CqlType[]): string {
  const { minClustering, maxClustering, isMinInclusive, isMaxInclusive, firstKey } = stats
  if (firstKey === null && minClustering.length === 0 && maxClustering.length === 0) return 'ALL'
  const text = (values: readonly Uint8Array[]): string =>
    values.map((value, i) => (types[i] === undefined ? '' : toText(types[i], value))).join(':')
  return `${isMinInclusive ? '[' : '('}${text(minClustering)}, ${text(maxClustering)}${isMaxInclusive ? ']' : ')'}`
}

/** Values and their counts where there are any; values beyond the last bound are forgotten, as Cassandra does. */
function entriesOf({ offsets, counts }: Histogram): [number, number][] {
  return counts.flatMap((count, i): [number, number][] =>
    count > 0n && i < offsets.length && i < counts.length - 1 ? [[Number(offsets[i]), Number(count)]] : [],
  )
}

function intervalsText(intervals: StatsMetadata['commitLogIntervals']): string {
  const text = ({ segmentId, position }: CommitLogPosition): string =>
    `CommitLogPosition(segmentId=${segmentId}, position=${position})`
  return `{${intervals.map(([from, to]) => `${text(from)}=${text(to)}`).join(', ')}}`
}

function columnsText(columns: readonly HeaderColumn[], typeOf: (className: string) => CqlType): string {
  const entries = columns.map(({ name, type }) => [name, typeOf(type).className] as const)
  return hashMapOrder(entries)
    .map(([name, type]) => `${name}:${type}`)
    .join(', ')
}
