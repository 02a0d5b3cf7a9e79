import type { SchemaService } from '../query/schema-service.ts'
import { type CompletedCompaction, TYPE_TEXTS } from '../storage/compaction/compaction-manager.ts'
import type { StorageEngine } from '../storage/storage-engine.ts'
import type { Logger } from './logger.ts'

/** default_time_to_live of system.compaction_history: a week. */
const TTL_SECONDS = 604_800

/** Writes each compaction into system.compaction_history (`SystemKeyspace.updateCompactionHistory`). */
export function logCompactions(engine: StorageEngine, schema: SchemaService, logger: Logger): void {
  engine.onCompacted = (compaction) => {
    const { keyspace, name } = compaction.store.table
    // Its own compactions are not written, since that would in turn cause new ones.
    if (keyspace === 'system' && name === 'compaction_history') return
    try {
      schema.system.writeRow('compaction_history', rowOf(compaction), TTL_SECONDS)
      engine.commit()?.catch(() => undefined)
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error)
      logger.warn(`The compaction of ${keyspace}.${name} is not in system.compaction_history: ${text}`)
    }
  }
}

function rowOf({ id, store, kind, completedAtMillis, bytesIn, bytesOut, mergedCounts }: CompletedCompaction) {
  const merged = mergedCounts.flatMap((count, i): [number, bigint][] =>
    count === 0 ? [] : [[i + 1, BigInt(count)]],
  )
  return {
    id,
    keyspace_name: store.table.keyspace,
    columnfamily_name: store.table.name,
    compacted_at: BigInt(completedAtMillis),
    bytes_in: BigInt(bytesIn),
    bytes_out: BigInt(bytesOut),
    rows_merged: new Map(merged),
    compaction_properties: new Map([['compaction_type', TYPE_TEXTS[kind]]]),
  }
}
