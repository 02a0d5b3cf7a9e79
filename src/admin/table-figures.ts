import type { LatencyTimer } from '../common/metrics.ts'
import type { ColumnFamilyStore } from '../storage/column-family-store.ts'
import { droppableTombstones } from '../storage/compaction/droppable-tombstones.ts'
import { listTableSnapshots, type TableSnapshot } from '../storage/lifecycle/snapshots.ts'
import type { LiveSSTable } from '../storage/live-sstable.ts'
import { mergedCardinality } from '../storage/sstable/cardinality.ts'
import type { Histogram } from '../storage/sstable/statistics.ts'
import type { AdminNode, Json } from './admin-node.ts'
import { histogramCount, histogramMax, histogramMean, histogramMin } from './histograms.ts'

/** What `sstableWriter` writes when no version is asked for: others are old (`OldVersionSSTableCount`). */
const CURRENT_VERSION = 'nb'
const NO_COMPRESSION_RATIO = -1
/** These of a snapshot's files are not in the sizes of tables' snapshots (`Directories.trueSnapshotsSize`). */
const NO_SSTABLE = ['manifest.json', 'schema.cql']

/** Figures of one table as `nodetool tablestats` shows them, by the names of its JSON where it has them. */
export function tableFigures(node: AdminNode, store: ColumnFamilyStore): { readonly [name: string]: Json } {
  const { sstables, table } = store
  const { compactions } = node.engine
  const metrics = node.metricsOf(table)
  const nowMs = node.clock.nowMs()
  const gcBefore = Math.floor(nowMs / 1000) - table.params.gcGraceSeconds
  const partitionSizes = sstables.map(({ sstable }) => sstable.statistics.stats.partitionSizes)
  const spaceLive = store.bytesOnDisk(sstables)
  const live = metrics.rowsPerRead.snapshot(nowMs)
  const tombstones = metrics.tombstonesPerRead.snapshot(nowMs)
  const levels = compactions?.levelsOf(store) ?? null
  return {
    keyspace: table.keyspace,
    table: table.name,
    sstableCount: sstables.length,
    oldSSTableCount: sstables.filter(({ sstable }) => sstable.descriptor.version < CURRENT_VERSION).length,
    maxSSTableSize: sstables.reduce((max, live) => Math.max(max, store.bytesOnDisk([live])), 0),
    levels: levels === null ? null : [...levels],
    levelBytes: levels === null ? null : levelBytes(sstables, levels.length),
    timeWindow: timeWindowOf(store),
    spaceUsedLive: spaceLive,
    spaceUsedTotal: spaceLive + store.bytesOnDisk(store.obsoleteSSTables),
    spaceUsedBySnapshots: snapshotsSize(node, store),
    ...offHeap(store),
    compressionRatio: compressionRatio(sstables),
    estimatedPartitions: estimatedPartitions(store),
    memtableOperations: store.memtable.operations,
    memtableDataSize: store.memtable.slabs.usedBytes,
    memtableSwitches: store.memtableSwitches,
    reads: latencies(metrics.localRead, nowMs),
    writes: latencies(metrics.localWrite, nowMs),
    pendingFlushes: store.flushing.length,
    ...repaired(sstables),
    ...bloomFilters(sstables),
    minPartitionSize: sstables.length === 0 ? 0 : Math.min(...partitionSizes.map(histogramMin)),
    maxPartitionSize: Math.max(0, ...partitionSizes.map(histogramMax)),
    meanPartitionSize: meanOf(partitionSizes),
    liveCells: { mean: nullIfNaN(live.mean), max: live.max },
    tombstones: { mean: nullIfNaN(tombstones.mean), max: tombstones.max },
    droppableTombstoneRatio: droppableRatio(sstables, gcBefore),
  }
}

/** The snapshots of a table that is there. */
export function snapshotsOf({ disk }: AdminNode, { table, directory }: ColumnFamilyStore): TableSnapshot[] {
  if (directory === '') return []
  return listTableSnapshots(disk, table.keyspace, { directory, table: table.name, id: table.id })
}

/** Bytes of SSTables that only snapshots have (`TableMetrics.trueSnapshotsSize`). */
export function snapshotsSize(node: AdminNode, store: ColumnFamilyStore): number {
  const { disk } = node
  const own = (directory: string): number =>
    NO_SSTABLE.reduce((sum, name) => {
      const path = `${directory}/${name}`
      return disk.existsSync(path) ? sum + disk.fileSizeSync(path) : sum
    }, 0)
  return snapshotsOf(node, store).reduce((sum, { trueSize, directory }) => sum + trueSize - own(directory), 0)
}

function levelBytes(sstables: readonly LiveSSTable[], levels: number): number[] {
  const bytes = new Array<number>(levels).fill(0)
  for (const { sstable } of sstables) {
    const { level } = sstable.statistics.stats
    if (level < levels) bytes[level]! += sstable.onDiskLength
  }
  return bytes
}

function timeWindowOf({ table, sstables }: ColumnFamilyStore): Json {
  const { compaction } = table.params
  if (!compaction.get('class')?.endsWith('TimeWindowCompactionStrategy')) return null
  const spans = sstables.map(({ sstable: { statistics } }) =>
    Number((statistics.stats.maxTimestamp - statistics.stats.minTimestamp) / 1000n),
  )
  return {
    unit: compaction.get('compaction_window_unit') ?? null,
    size: compaction.get('compaction_window_size') ?? null,
    maxDurationMs: Math.max(0, ...spans),
  }
}

/** Memory outside the heap of JavaScript. */
function offHeap({ memtable, sstables }: ColumnFamilyStore): {
  memtableOffHeap: number
  bloomFilterOffHeap: number
  indexSummaryOffHeap: number
  compressionOffHeap: number
} {
  const sum = (bytesOf: (live: LiveSSTable) => number): number =>
    sstables.reduce((bytes, live) => bytes + bytesOf(live), 0)
  return {
    memtableOffHeap: memtable.partitionCount === 0 ? 0 : memtable.slabs.reservedBytes,
    bloomFilterOffHeap: sum(({ sstable }) => sstable.filter?.bytes.length ?? 0),
    indexSummaryOffHeap: sum(({ sstable }) => sstable.summary.end),
    compressionOffHeap: sum(({ sstable }) => sstable.compression?.chunkOffsets.byteLength ?? 0),
  }
}

/** Of those that are compressed (`TableMetrics.computeCompressionRatio`). */
export function compressionRatio(sstables: readonly LiveSSTable[]): number {
  let compressed = 0
  let data = 0
  for (const { sstable } of sstables) {
    if (sstable.compression === null) continue
    compressed += sstable.onDiskLength
    data += sstable.dataLength
  }
  return data === 0 ? NO_COMPRESSION_RATIO : compressed / data
}

function estimatedPartitions({ tracker }: ColumnFamilyStore): number {
  const { memtables, sstables } = tracker.view
  const inMemory = memtables.reduce((sum, { partitionCount }) => sum + partitionCount, 0)
  // Of no SSTables Cassandra knows no number, which it counts as -1.
  if (sstables.length === 0) return Math.max(0, inMemory - 1)
  const merged = mergedCardinality(sstables.map(({ sstable }) => sstable.statistics.cardinality))
  if (merged >= 0) return inMemory + merged
  return (
    inMemory +
    sstables.reduce((sum, { sstable }) => sum + histogramCount(sstable.statistics.stats.cellsPerPartition), 0)
  )
}

function latencies(timer: LatencyTimer, nowMs: number): Json {
  const { mean } = timer.snapshot(nowMs)
  return { count: timer.count, totalMicros: timer.totalMicros, meanMicros: nullIfNaN(mean) }
}

function repaired(sstables: readonly LiveSSTable[]): {
  percentRepaired: number
  bytesRepaired: number
  bytesUnrepaired: number
  bytesPendingRepair: number
} {
  let done = 0
  let open = 0
  let pending = 0
  for (const { sstable } of sstables) {
    const { repairedAt, pendingRepair } = sstable.statistics.stats
    if (repairedAt > 0n) done += sstable.dataLength
    else if (pendingRepair === null) open += sstable.dataLength
    else pending += sstable.dataLength
  }
  const total = done + open + pending
  return {
    percentRepaired: total === 0 ? 100 : (done / total) * 100,
    bytesRepaired: done,
    bytesUnrepaired: open,
    bytesPendingRepair: pending,
  }
}

function bloomFilters(sstables: readonly LiveSSTable[]): {
  bloomFalsePositives: number
  bloomFalseRatio: number
  bloomSpace: number
} {
  let wrong = 0
  let right = 0
  let passed = 0
  let space = 0
  for (const { sstable, falsePositives, trueNegatives, truePositives } of sstables) {
    wrong += falsePositives
    right += trueNegatives
    passed += truePositives
    // Behind a header of 8 bytes.
    if (sstable.filter !== null) space += sstable.filter.bytes.length + 8
  }
  const looks = wrong + right + passed
  return {
    bloomFalsePositives: wrong,
    bloomFalseRatio: wrong === 0 && passed === 0 ? 0 : wrong / looks,
    bloomSpace: space,
  }
}

function meanOf(histograms: readonly Histogram[]): number {
  let sum = 0
  let values = 0
  for (const histogram of histograms) {
    const count = histogramCount(histogram)
    sum += histogramMean(histogram) * count
    values += count
  }
  return values === 0 ? 0 : Math.floor(sum / values)
}

function droppableRatio(sstables: readonly LiveSSTable[], gcBefore: number): number {
  let droppable = 0
  let cells = 0
  for (const { sstable } of sstables) {
    const { stats } = sstable.statistics
    const count = histogramMean(stats.cellsPerPartition) * histogramCount(stats.cellsPerPartition)
    droppable += droppableTombstones(stats)(gcBefore) * count
    cells += count
  }
  return cells > 0 ? droppable / cells : 0
}

function nullIfNaN(value: number): number | null {
  return Number.isNaN(value) ? null : value
}
