import type { HistogramSnapshot } from '../common/metrics.ts'
import type { ColumnFamilyStore } from '../storage/column-family-store.ts'
import type { Histogram } from '../storage/sstable/statistics.ts'
import type { AdminNode } from './admin-node.ts'
import { type Json, type Operation, textOf, textsOf } from './admin-node.ts'
import {
  combinedHistogram,
  histogramMax,
  histogramMin,
  histogramPercentile,
  isOverflowed,
} from './histograms.ts'
import { keyspacesOf, storeOf, storesOf } from './selection.ts'
import { tableFigures } from './table-figures.ts'

const SHARES = [0.5, 0.75, 0.95, 0.98, 0.99]

/** Verbs about tables and what they hold. */
export const TABLE_OPERATIONS: Readonly<Record<string, Operation>> = {
  /** Keyspaces and tables with data. */
  tables: {
    changes: false,
    run: (node) => ({
      keyspaces: keyspacesOf(node),
      tables: node.engine.tables.map(({ keyspace, name }) => ({ keyspace, table: name })),
    }),
  },

  /** keyspace, tables: flushes them, or all (`StorageService.forceKeyspaceFlush`). */
  flush: {
    changes: true,
    async run(node, args) {
      await node.engine.flushTables(storesOf(node, args))
      return null
    },
  },

  /** The figures of all tables, or of those of `keyspaces`. */
  tablestats: {
    changes: false,
    run(node, args) {
      const keyspaces = textsOf(args, 'keyspaces')
      return node.engine.stores
        .filter(({ table }) => keyspaces.length === 0 || keyspaces.includes(table.keyspace))
        .map((store) => tableFigures(node, store))
    },
  },

  /** keyspace, table: percentiles of latencies and of the estimates of SSTables. */
  tablehistograms: {
    changes: false,
    run: (node, args) =>
      tableHistograms(node, storeOf(node, textOf(args, 'keyspace') ?? '', textOf(args, 'table') ?? '')),
  },
}

function tableHistograms(node: AdminNode, { sstables, table }: ColumnFamilyStore): Json {
  const metrics = node.metricsOf(table)
  const nowMs = node.clock.nowMs()
  const estimates = (of: 'partitionSizes' | 'cellsPerPartition'): Json => {
    const combined = combinedHistogram(sstables.map(({ sstable }) => sstable.statistics.stats[of]))
    return combined === null ? null : percentilesOf(combined)
  }
  return {
    readLatency: latenciesOf(metrics.localRead.snapshot(nowMs)),
    writeLatency: latenciesOf(metrics.localWrite.snapshot(nowMs)),
    sstablesPerRead: latenciesOf(metrics.sstablesPerRead.snapshot(nowMs)),
    partitionSizes: estimates('partitionSizes'),
    cellsPerPartition: estimates('cellsPerPartition'),
  }
}

/** 50, 75, 95, 98 and 99 per cent, min and max; null where values were beyond the bounds. */
function percentilesOf(histogram: Histogram): Json {
  return {
    overflowsAt: isOverflowed(histogram) ? Number(histogram.offsets.at(-1)) : null,
    values: [
      ...SHARES.map((share) => histogramPercentile(histogram, share)),
      histogramMin(histogram),
      histogramMax(histogram),
    ],
  }
}

function latenciesOf(snapshot: HistogramSnapshot): number[] {
  return [...SHARES.map((share) => snapshot.quantile(share)), snapshot.min, snapshot.max]
}
