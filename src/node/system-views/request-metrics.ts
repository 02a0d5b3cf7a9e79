import type { HistogramSnapshot } from '../../common/metrics.ts'
import type { Observed, RegisterView, Row } from './index.ts'

/** Figures of requests of all tables (`CQLMetricsTable`, `BatchMetricsTable`, `CachesTable`, `CIDRFilteringMetricsTable`). */
export function registerRequestMetrics(view: RegisterView, { processor, clock }: Observed): void {
  const { metrics, prepared } = processor
  view('cql_metrics', () => {
    const { preparedStatementsExecuted, regularStatementsExecuted } = metrics
    const executed = preparedStatementsExecuted + regularStatementsExecuted
    return Object.entries({
      prepared_statements_count: prepared.count,
      prepared_statements_evicted: prepared.evictions,
      prepared_statements_executed: preparedStatementsExecuted,
      prepared_statements_ratio: preparedStatementsExecuted / executed,
      regular_statements_executed: regularStatementsExecuted,
    }).map(([name, value]) => ({ name, value }))
  })
  view('batch_metrics', () =>
    Object.entries(metrics.partitionsPerBatch).map(([type, histogram]) => {
      const snapshot = histogram.snapshot(clock.nowMs())
      return {
        name: `partitions_per_${type}_batch`,
        ...quantiles(snapshot),
        max: BigInt(snapshot.max),
      }
    }),
  )
  view('cidr_filtering_metrics_counts', () => [{ name: 'CIDR groups cache reload count', value: 0n }])
  view('cidr_filtering_metrics_latencies', () =>
    [
      'CIDR checks latency (ns)',
      'CIDR groups cache reload latency (ns)',
      'Lookup IP in CIDR groups cache latency (ns)',
    ].map((name) => ({ name, max: 0, p50th: 0, p95th: 0, p99th: 0, p999th: 0 })),
  )
}

function quantiles(snapshot: HistogramSnapshot): Row {
  return {
    p50th: snapshot.quantile(0.5),
    p99th: snapshot.quantile(0.99),
    p999th: snapshot.quantile(0.999),
  }
}
