import type { DecayingHistogram, LatencyTimer } from '../../common/metrics.ts'
import type { TableMetrics } from '../../query/metrics.ts'
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

/** Sizes of SSTables, in MiB: nothing has been flushed to any. */
const SIZES = ['disk_usage', 'max_partition_size', 'max_sstable_size']

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
  for (const table of SIZES) rowsOf(table, () => ({ mebibytes: 0n }))
  rowsOf('max_sstable_duration', () => ({ max_sstable_duration: 0n }))
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
