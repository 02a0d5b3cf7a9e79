import { type RunningCompaction, TYPE_TEXTS } from '../storage/compaction/compaction-manager.ts'
import type { CompactionKind } from '../storage/compaction/plan.ts'
import { componentPath } from '../storage/sstable/descriptor.ts'
import {
  type AdminNode,
  BadUseError,
  flagOf,
  type Json,
  numberOf,
  type Operation,
  textOf,
  textsOf,
} from './admin-node.ts'
import { compactionHistory } from './compaction-history.ts'
import { storeOf, storesOf } from './selection.ts'

/** `OperationType` of a compaction. */
const TYPES: Readonly<Record<CompactionKind, string>> = {
  compaction: 'COMPACTION',
  expired: 'COMPACTION',
  major: 'MAJOR_COMPACTION',
  tombstone: 'TOMBSTONE_COMPACTION',
}

const THROUGHPUT = new WeakMap<AdminNode, number>()

export function compactionThroughput(node: AdminNode): number {
  return THROUGHPUT.get(node) ?? node.compactionThroughputBytes
}

/** Verbs about compactions. */
export const COMPACTION_OPERATIONS: Readonly<Record<string, Operation>> = {
  /** keyspace, tables, splitOutput; or startToken, endToken; or sstables: files of Data.db. Ends when it has been done. */
  compact: { changes: true, run: compact },

  compactionstats: { changes: false, run: compactionStats },

  compactionhistory: {
    changes: false,
    run: ({ schema, engine, clock }) => compactionHistory(schema, engine, clock),
  },

  /** type, or id: what runs of it is stopped; without both all that runs. */
  stop: {
    changes: true,
    run({ engine }, args) {
      const id = textOf(args, 'id')
      const type = textOf(args, 'type') ?? 'UNKNOWN'
      engine.compactions?.interrupt((running) =>
        id === null ? type === 'UNKNOWN' || TYPES[running.kind] === type : running.id === id,
      )
      return null
    },
  },

  /** keyspace, tables, enabled. */
  setautocompaction: {
    changes: true,
    run(node, args) {
      const isEnabled = flagOf(args, 'enabled')
      for (const store of storesOf(node, args)) node.engine.compactions?.setEnabled(store, isEnabled)
      return null
    },
  },

  /** keyspace, tables: of each whether it is compacted in the background. */
  statusautocompaction: {
    changes: false,
    run: (node, args) =>
      storesOf(node, args).map((store) => ({
        keyspace: store.table.keyspace,
        table: store.table.name,
        enabled: node.engine.compactions?.strategiesOf(store)?.isEnabled ?? false,
      })),
  },

  getcompactionthroughput: { changes: false, run: (node) => compactionThroughput(node) },

  /** bytesPerSecond; 0 is without limit. */
  setcompactionthroughput: {
    changes: true,
    run(node, args) {
      const bytes = numberOf(args, 'bytesPerSecond')
      if (bytes === null || bytes < 0) throw new BadUseError('bytesPerSecond is to be 0 or more')
      node.engine.compactions?.setThroughput(bytes)
      THROUGHPUT.set(node, bytes)
      return null
    },
  },

  getconcurrentcompactors: {
    changes: false,
    run: ({ engine }) => engine.compactions?.concurrentCompactors ?? 0,
  },

  setconcurrentcompactors: {
    changes: true,
    run({ engine }, args) {
      const count = numberOf(args, 'count')
      if (count === null || !Number.isInteger(count) || count <= 0) {
        throw new BadUseError('concurrent_compactors should be great than 0.')
      }
      engine.compactions?.setConcurrentCompactors(count)
      return null
    },
  },

  /** keyspace, table. */
  getcompactionthreshold: {
    changes: false,
    run(node, args) {
      const { table } = storeOf(node, textOf(args, 'keyspace') ?? '', textOf(args, 'table') ?? '')
      const { compaction } = table.params
      return {
        min: Number(compaction.get('min_threshold') ?? 4),
        max: Number(compaction.get('max_threshold') ?? 32),
      }
    },
  },
}

async function compact(node: AdminNode, args: Readonly<Record<string, unknown>>): Promise<Json> {
  const { compactions } = node.engine
  const files = textsOf(args, 'sstables')
  if (files.length > 0) return compactFiles(node, files)
  const stores = storesOf(node, args)
  const [start, end] = [textOf(args, 'startToken'), textOf(args, 'endToken')]
  const range = start === null && end === null ? null : [tokenOf(start ?? ''), tokenOf(end ?? '')]
  if (compactions === null) return null
  const splitOutput = flagOf(args, 'splitOutput')
  await node.engine.flushTables(stores)
  // One after another, as Cassandra does.
  for (const store of stores) {
    if (range === null) await compactions.major(store, splitOutput)
    else await compactions.tokenRange(store, range[0]!, range[1]!)
  }
  return null
}

function tokenOf(text: string): bigint {
  if (!/^-?\d+$/.test(text))
    throw new Error(
      `Invalid token for Murmur3Partitioner. Got ${text} but expected a long value (unsigned 8 bytes integer).`,
    )
  return BigInt.asIntN(64, BigInt(text))
}

/** `CompactionManager.forceUserDefinedCompaction`: files by their names or paths, those of one table together. */
async function compactFiles({ engine }: AdminNode, files: readonly string[]): Promise<Json> {
  for (const store of engine.stores) {
    const chosen = store.sstables.filter(({ sstable }) => {
      const path = componentPath(sstable.descriptor, 'Data.db')
      return files.some((file) => file === path || path.endsWith(`/${file}`))
    })
    if (chosen.length > 0) await engine.compactions?.userDefined(store, chosen)
  }
  return null
}

function compactionStats(node: AdminNode): Json {
  const { compactions, stores } = node.engine
  const pending = stores
    .map((store) => ({
      keyspace: store.table.keyspace,
      table: store.table.name,
      tasks: compactions?.pendingTasksOf(store) ?? 0,
    }))
    .filter(({ tasks }) => tasks > 0)
  return {
    concurrentCompactors: compactions?.concurrentCompactors ?? 0,
    pending,
    completed: compactions?.completed ?? 0,
    bytesCompacted: compactions?.bytesCompacted ?? 0,
    aborted: compactions?.aborted ?? 0,
    uptimeMs: node.clock.nowMs() - node.startedAtMs,
    fifteenMinuteRate: compactions?.rate.get(node.clock.nowMs()) ?? 0,
    throughputBytes: compactionThroughput(node),
    running: (compactions?.running ?? []).map(describeRunning),
  }
}

/** A compaction as compactionstats and system_views.sstable_tasks show it. */
export function describeRunning({ id, kind, handle, store, inputs }: RunningCompaction): {
  readonly id: string
  readonly type: string
  readonly keyspace: string
  readonly table: string
  readonly completed: number
  readonly total: number
  readonly sstables: number
  readonly directory: string
} {
  return {
    id,
    type: TYPE_TEXTS[kind],
    keyspace: store.table.keyspace,
    table: store.table.name,
    completed: handle.completedBytes,
    total: handle.totalBytes,
    sstables: inputs,
    directory: store.directory,
  }
}
