import { uuidText } from '../common/uuid.ts'
import type { Clock } from '../io/clock.ts'
import type { InternalRow } from '../query/internal-rows.ts'
import { internalValue, readInternalRows } from '../query/internal-rows.ts'
import type { SchemaService } from '../query/schema-service.ts'
import type { StorageEngine } from '../storage/storage-engine.ts'
import type { Json } from './admin-node.ts'

/** The rows of system.compaction_history, the latest first (`SystemKeyspace.getCompactionHistory`). */
export function compactionHistory(schema: SchemaService, engine: StorageEngine, clock: Clock): Json {
  const table = schema.system.table('compaction_history')
  const nowSeconds = Math.floor(clock.nowMs() / 1000)
  const rows = readInternalRows((command) => engine.read(command), table, null, nowSeconds)
  const value = (row: InternalRow, name: string): unknown => internalValue(table, row, name)
  const entries = rows.map((row) => ({
    id: uuidText(row.key),
    keyspace: String(value(row, 'keyspace_name')),
    table: String(value(row, 'columnfamily_name')),
    compactedAtMs: Number(value(row, 'compacted_at')),
    bytesIn: Number(value(row, 'bytes_in')),
    bytesOut: Number(value(row, 'bytes_out')),
    rowsMerged: mapText(value(row, 'rows_merged')),
    properties: mapText(value(row, 'compaction_properties')),
  }))
  return entries.sort((a, b) => b.compactedAtMs - a.compactedAtMs)
}

/** `FBUtilities.toString`: {1:5, 4:1}. */
function mapText(value: unknown): string {
  const entries = value instanceof Map ? [...value] : []
  return `{${entries.map(([key, count]) => `${key}:${count}`).join(', ')}}`
}
