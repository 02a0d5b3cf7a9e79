import { internalValue } from '../query/internal-rows.ts'
import type { AdminNode, Json, Operation } from './admin-node.ts'

/** Verbs about the node as a whole. */
export const NODE_OPERATIONS: Readonly<Record<string, Operation>> = {
  /** Takes no clients any more, flushes everything and empties the commit log. */
  drain: {
    changes: true,
    async run(node) {
      await node.drain()
      return null
    },
  },

  version: { changes: false, run: ({ releaseVersion }) => releaseVersion },

  info: { changes: false, run: info },

  statusbinary: { changes: false, run: ({ isTransportRunning }) => isTransportRunning },

  enablebinary: {
    changes: true,
    async run(node) {
      await node.startTransport()
      return null
    },
  },

  disablebinary: {
    changes: true,
    async run(node) {
      await node.stopTransport()
      return null
    },
  },
}

interface Local {
  readonly hostId: string
  readonly tokens: readonly string[]
  readonly generation: number
}

/** What system.local says. */
function local({ schema }: AdminNode): Local {
  const row = schema.system.readLocal()
  const value = (name: string): unknown =>
    row === null ? null : internalValue(schema.system.table('local'), row, name)
  const tokens = value('tokens')
  return {
    hostId: schema.system.hostId ?? '',
    tokens: tokens instanceof Set ? [...tokens].map(String) : [],
    generation: Number(value('gossip_generation') ?? 0),
  }
}

/** Bytes of live SSTables of all tables before compression (`StorageMetrics.uncompressedLoad`). */
function uncompressedLoad(node: AdminNode): number {
  let bytes = 0
  for (const store of node.engine.stores)
    for (const { sstable } of store.sstables) bytes += sstable.dataLength
  return bytes
}

interface CacheFigures {
  readonly hits: number
  readonly requests: number
  readonly sizeBytes: number
  readonly capacityBytes: number
  readonly entries: number
}

function info(node: AdminNode): Json {
  const { hostId, tokens, generation } = local(node)
  const { schema, dataCenter, rack, engine, clock, startedAtMs, isTransportRunning, caches } = node
  let repaired = 0
  let all = 0
  for (const { table, sstables } of engine.stores) {
    // Of what there is once only Cassandra does not say whether it is repaired.
    if ((schema.replicationFactors(table.keyspace)?.total ?? 0) < 2) continue
    for (const { sstable } of sstables) {
      all += sstable.dataLength
      if (sstable.statistics.stats.repairedAt > 0n) repaired += sstable.dataLength
    }
  }
  const { heapUsed, heapTotal, external } = process.memoryUsage()
  const cacheOf = (cache: CacheFigures | null | undefined): Json =>
    cache == null
      ? null
      : {
          hits: cache.hits,
          requests: cache.requests,
          size: cache.sizeBytes,
          capacity: cache.capacityBytes,
          entries: cache.entries,
        }
  return {
    hostId,
    isTransportRunning,
    load: node.load(),
    uncompressed: uncompressedLoad(node),
    isGossipRunning: node.cluster?.gossip.gossiper.enabled ?? true,
    generation,
    uptimeSeconds: Math.floor((clock.nowMs() - startedAtMs) / 1000),
    heapUsed,
    heapTotal,
    external,
    dataCenter,
    rack,
    keyCache: cacheOf(caches?.keys),
    chunkCache: cacheOf(caches?.chunks),
    percentRepaired: all === 0 ? 100 : (repaired / all) * 100,
    tokens: [...tokens],
  }
}
