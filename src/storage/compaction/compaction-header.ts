import { parseUuid } from '../../common/uuid.ts'
import type { DroppedColumn, TableMetadata } from '../../model/table.ts'
import { mergedCardinality } from '../sstable/cardinality.ts'
import { headerComponent } from '../sstable/header-component.ts'
import type { SSTable } from '../sstable/sstable.ts'
import {
  type CommitLogPosition,
  DELETION_TIME_EPOCH,
  type HeaderComponent,
  NO_DELETION,
  TIMESTAMP_EPOCH,
} from '../sstable/statistics.ts'

/** What is known of the SSTables of a compaction before their rows are read. */

/** The header for all that they have (`SerializationHeader.make`). */
export function mergedHeader(table: TableMetadata, sstables: readonly SSTable[]): HeaderComponent {
  let minTimestamp: bigint | null = null
  let minLocalDeletionTime = NO_DELETION
  let minTtl: number | null = null
  const columns = new Set<number>()
  const dropped = new Map<string, DroppedColumn>()
  for (const { statistics, header } of sstables) {
    const { stats } = statistics
    if (minTimestamp === null || stats.minTimestamp < minTimestamp) minTimestamp = stats.minTimestamp
    if (minTtl === null || stats.minTtl < minTtl) minTtl = stats.minTtl
    minLocalDeletionTime = Math.min(minLocalDeletionTime, stats.minLocalDeletionTime)
    for (const { columnId, name } of [...header.statics, ...header.regulars]) {
      const gone = table.dropped.get(name)
      if (columnId >= 0) columns.add(columnId)
      else if (gone !== undefined) dropped.set(name, gone)
    }
  }
  return headerComponent(
    table,
    {
      // Where nothing has a timestamp the least one that there can be is kept as their minimum.
      minTimestamp: minTimestamp === null || minTimestamp === NO_TIMESTAMP ? TIMESTAMP_EPOCH : minTimestamp,
      minLocalDeletionTime: minLocalDeletionTime === NO_DELETION ? DELETION_TIME_EPOCH : minLocalDeletionTime,
      minTtl: minTtl ?? 0,
    },
    ({ id }) => columns.has(id),
    [...dropped.values()],
  )
}

const NO_TIMESTAMP = -(2n ** 63n)

/** How many keys they have together, about (`SSTableReader.getApproximateKeyCount`). At least 1. */
export function approximateKeyCount(sstables: readonly SSTable[]): number {
  const merged = mergedCardinality(sstables.map(({ statistics }) => statistics.cardinality))
  if (merged >= 0) return Math.max(1, merged)
  return sstables.reduce((sum, sstable) => sum + estimatedKeys(sstable), 0) || 1
}

/** By the samples of the summary (`IndexSummary.getEstimatedKeyCount`). */
export function estimatedKeys({ summary }: SSTable): number {
  const interval = (summary.minIndexInterval * BASE_SAMPLING_LEVEL) / summary.samplingLevel
  return Math.floor((summary.count + 1) * interval)
}

const BASE_SAMPLING_LEVEL = 128

type Interval = readonly [CommitLogPosition, CommitLogPosition]

/** Where this node's commit log had what they have; of others' SSTables nothing (`MetadataCollector`). */
export function mergedIntervals(sstables: readonly SSTable[], hostId: string): Interval[] {
  const host = parseUuid(hostId)
  const isOwn = (id: Uint8Array | null): boolean =>
    id !== null && host !== undefined && Buffer.compare(id, host) === 0
  const intervals = sstables
    .filter(({ statistics }) => isOwn(statistics.stats.originatingHostId))
    .flatMap(({ statistics }) => statistics.stats.commitLogIntervals)
    .toSorted(([a], [b]) => comparePositions(a, b))
  const merged: Interval[] = []
  for (const interval of intervals) {
    const last = merged.at(-1)
    if (last === undefined || comparePositions(interval[0], last[1]) > 0) merged.push(interval)
    else if (comparePositions(interval[1], last[1]) > 0) merged[merged.length - 1] = [last[0], interval[1]]
  }
  return merged
}

function comparePositions(a: CommitLogPosition, b: CommitLogPosition): number {
  if (a.segmentId !== b.segmentId) return a.segmentId < b.segmentId ? -1 : 1
  return a.position - b.position
}
