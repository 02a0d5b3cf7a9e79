import { ALL_ROWS, type ClusteringBound } from '../../model/clustering.ts'
import { MutationBuilder, updatesAt } from '../../model/mutation.ts'
import { FULL_RING } from '../../model/read-command.ts'
import type { TableMetadata } from '../../model/table.ts'
import { isLocalSystemKeyspace } from '../../schema/index.ts'
import type { MergedReader } from '../../storage/merged-reader.ts'
import type { StorageEngine } from '../../storage/storage-engine.ts'
import {
  compareDeletions,
  type DeletionTime,
  LIVE,
  UNFILTERED_END,
  UNFILTERED_ROW,
} from '../../storage/unfiltered.ts'
import { MutationEncoder } from '../replica/mutation-message.ts'

/**
 * What this node has of the schema, with what was deleted, as one mutation (`SchemaKeyspace.convertSchemaToMutations`). The
 * keyspaces that every node has for itself are not in it.
 *
 * @param tables those of system_schema
 */
export function schemaMutation(
  engine: Pick<StorageEngine, 'readUnfiltered'>,
  tables: Iterable<TableMetadata>,
): MutationBuilder {
  const mutation = new MutationBuilder()
  mutation.begin()
  for (const table of tables) {
    const command = { table, keys: null, range: FULL_RING, slices: ALL_ROWS, reversed: false }
    const reader = engine.readUnfiltered(command)
    try {
      while (reader.nextPartition()) {
        const { keyBytes, keyOffset, keyLength } = reader
        const keyspace = Buffer.from(keyBytes.buffer, keyBytes.byteOffset + keyOffset, keyLength).toString()
        if (!isLocalSystemKeyspace(keyspace)) copyPartition(reader, table, mutation)
      }
    } finally {
      reader.close()
    }
  }
  mutation.finish()
  return mutation
}

/** Appends the partition that a reader stands at as an update. */
function copyPartition(reader: MergedReader, table: TableMetadata, out: MutationBuilder): void {
  const { tokenHi, tokenLo, keyBytes, keyOffset, keyLength, partition } = reader
  const { partitionDeletion } = partition
  out.beginUpdate(table.handle, tokenHi, tokenLo, keyBytes, keyOffset, keyLength)
  if (compareDeletions(partitionDeletion, LIVE) > 0) {
    const { hi, lo, localDeletionTime } = partitionDeletion
    out.partitionDeletion(hi, lo, localDeletionTime)
  }
  if (partition.staticRow()) out.copyRow(partition.row, partition.rowAt)
  const ranges: { start: ClusteringBound; end: ClusteringBound; deletion: DeletionTime }[] = []
  let open: { readonly start: ClusteringBound; readonly deletion: DeletionTime } | null = null
  for (let kind = partition.next(); kind !== UNFILTERED_END; kind = partition.next()) {
    if (kind === UNFILTERED_ROW) {
      out.copyRow(partition.row, partition.rowAt)
      continue
    }
    const { bound, closes, opens } = partition.marker
    if (closes !== null && open !== null) ranges.push({ ...open, end: bound })
    open = opens === null ? null : { start: bound, deletion: opens }
  }
  for (const { start, end, deletion } of ranges) {
    out.beginRangeTombstone(deletion.hi, deletion.lo, deletion.localDeletionTime)
    out.bound(start.components, start.side)
    out.bound(end.components, end.side)
    out.endRangeTombstone()
  }
  out.endUpdate()
}

/** A finished mutation of tables of system_schema as it goes to other nodes. */
export function encodeSchema(mutation: MutationBuilder, tables: Iterable<TableMetadata>): Uint8Array {
  const byHandle = new Map([...tables].map((table) => [table.handle, table]))
  const encoder = new MutationEncoder()
  return encoder.encode(mutation, updatesAt(mutation), (handle) => byHandle.get(handle)!)
}
