import type { DecayingHistogram, LatencyTimer } from '../../common/metrics.ts'
import type { TableMetrics } from '../../query/metrics.ts'
import type { ColumnFamilyStore } from '../../storage/column-family-store.ts'
import type { Histogram } from '../../storage/sstable/statistics.ts'
import type { Observed, RegisterView, Row } from './index.ts'

const TIMERS: Readonly<Record<string, (metrics: TableMetrics) => LatencyTimer>> = {
  coordinator_read_latency: (metrics) => metrics.coordinatorRead,
  coordinator_scan_latency: (metrics) => metrics.coordinatorScan,
  coordinator_write_latency: (metrics) => metrics.coordinatorWrite,
  local_read_latency: (metrics) => metrics.localRead,
  local_scan_latency: (metrics) => metrics.localScan,
  local_write_latency: (metrics) => metrics.localWrite,
}

const HISTOGRAMS: Readonly<Record<string, (metrics: TableMetrics) => DecayingHistogram>> = {
  rows_per_read: (metrics) => metrics.rowsPerRead,
  tombstones_per_read: (metrics) => metrics.tombstonesPerRead,
}

/** Sizes in MiB, rounded up. */
const SIZES: Readonly<Record<string, (sizes: TableSizes) => number>> = {
  disk_usage: ({ total }) => total,
  max_partition_size: ({ maxPartition }) => maxPartition,
  max_sstable_size: ({ maxSSTable }) => maxSSTable,
}
const MIB = 1024 * 1024

/** The tables with a row for each table that is not virtual (`TableMetricTables`). */
export function registerTableMetrics(view: RegisterView, { engine, processor, clock }: Observed): void {
  const rowsOf = (table: string, figures: (metrics: TableMetrics, nowMs: number) => Row): void =>
    view(table, () => {
      const nowMs = clock.nowMs()
      return engine.tables.map((observed) => ({
        keyspace_name: observed.keyspace,
        table_name: observed.name,
        ...figures(processor.metrics.of(observed), nowMs),
      }))
    })
  for (const [table, timerOf] of Object.entries(TIMERS)) {
    rowsOf(table, (metrics, nowMs) => latencies(timerOf(metrics), nowMs))
  }
  for (const [table, histogramOf] of Object.entries(HISTOGRAMS)) {
    rowsOf(table, (metrics, nowMs) => {
      const histogram = histogramOf(metrics)
      const snapshot = histogram.snapshot(nowMs)
      return {
        // Every read is counted, of which one in so many tells more.
        count: BigInt(metrics.localRead.count + metrics.localScan.count),
        max: snapshot.max,
        p50th: snapshot.quantile(0.5),
        p99th: snapshot.quantile(0.99),
      }
    })
  }
  const ofStores = (table: string, figures: (store: ColumnFamilyStore) => Row): void =>
    view(table, () =>
      engine.stores.map((store) => ({
        keyspace_name: store.table.keyspace,
        table_name: store.table.name,
        ...figures(store),
      })),
    )
  for (const [table, sizeOf] of Object.entries(SIZES)) {
    ofStores(table, (store) => ({ mebibytes: BigInt(Math.ceil(sizeOf(sizesOf(store)) / MIB)) }))
  }
  ofStores('max_sstable_duration', (store) => ({ max_sstable_duration: maxDuration(store) }))
}

interface TableSizes {
  readonly total: number
  readonly maxPartition: number
  readonly maxSSTable: number
}

/** Bytes of a table's SSTables (`TableMetrics`). */
function sizesOf(store: ColumnFamilyStore): TableSizes {
  const bytes = store.sstables.map((live) => store.bytesOnDisk([live]))
  const obsolete = store.bytesOnDisk(store.obsoleteSSTables)
  const partitions = store.sstables.map(({ sstable }) => maxOf(sstable.statistics.stats.partitionSizes))
  return {
    total: bytes.reduce((sum, size) => sum + size, 0) + obsolete,
    maxPartition: Math.max(0, ...partitions),
    maxSSTable: Math.max(0, ...bytes),
  }
}

function maxOf({ offsets, counts }: Histogram): number {
  const last = counts.findLastIndex((count) => count > 0n)
  return last < 0 ? 0 : Number(offsets[Math.min(last, offsets.length - 1)])
}

/** Milliseconds between the least and the greatest timestamp of an SSTable, where TimeWindowCompactionStrategy asks for it. */
function maxDuration({ table, sstables }: ColumnFamilyStore): bigint {
  if (!table.params.compaction.get('class')?.endsWith('TimeWindowCompactionStrategy')) return 0n
  let max = 0n
  for (const { sstable } of sstables) {
    const { minTimestamp, maxTimestamp } = sstable.statistics.stats
    const duration = (maxTimestamp - minTimestamp) / 1000n
    if (duration > max) max = duration
  }
  return max
}

function latencies(timer: LatencyTimer, nowMs: number): Row {
  const snapshot = timer.snapshot(nowMs)
  return {
    count: BigInt(timer.count),
    max_ms: rounded(snapshot.max / 1000),
    p50th_ms: rounded(snapshot.quantile(0.5) / 1000),
    p99th_ms: rounded(snapshot.quantile(0.99) / 1000),
    per_second: rounded(timer.fiveMinuteRate(nowMs)),
  }
}

/** Three digits after the point, so that nothing is shown with an exponent. */
function rounded(value: number): number {
  return Math.round(value * 1000) / 1000
}
