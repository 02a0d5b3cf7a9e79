import { TYPE_TEXTS } from '../../storage/compaction/compaction-manager.ts'
import type { Observed, RegisterView, Row } from './index.ts'

/** Figures of a cache. */
interface Cache {
  readonly hits: number
  readonly requests: number
  readonly sizeBytes: number
  readonly capacityBytes: number
  readonly entries: number
}

const NO_CACHE: Cache = { hits: 0, requests: 0, sizeBytes: 0, capacityBytes: 0, entries: 0 }

/** Caches, snapshots, and compactions that are under way (`CachesTable`, `SnapshotsTable`, `SSTableTasksTable`). There are no counter and row caches. */
export function registerStorageViews(view: RegisterView, { caches, engine }: Observed): void {
  view('caches', () => [
    ...(caches === null || caches.chunks === null ? [] : [cacheRow('chunks', caches.chunks)]),
    cacheRow('counters', NO_CACHE),
    cacheRow('keys', caches?.keys ?? NO_CACHE),
    cacheRow('rows', NO_CACHE),
  ])
  view('snapshots', () =>
    (engine.snapshots?.list() ?? []).map(
      ({ name, keyspace, table, createdAt, expiresAt, ephemeral, sizeOnDisk, trueSize }) => ({
        name,
        keyspace_name: keyspace,
        table_name: table,
        created_at: millisOf(createdAt),
        expires_at: millisOf(expiresAt),
        ephemeral,
        size_on_disk: BigInt(sizeOnDisk),
        true_size: BigInt(trueSize),
      }),
    ),
  )
  view('sstable_tasks', () =>
    (engine.compactions?.running ?? []).map(({ id, store, kind, handle, inputs }) => ({
      keyspace_name: store.table.keyspace,
      table_name: store.table.name,
      task_id: id,
      completion_ratio: handle.totalBytes === 0 ? 1 : handle.completedBytes / handle.totalBytes,
      kind: TYPE_TEXTS[kind].toLowerCase(),
      progress: BigInt(handle.completedBytes),
      sstables: inputs,
      target_directory: store.directory,
      total: BigInt(handle.totalBytes),
      unit: 'bytes',
    })),
  )
}

/** As a timestamp of CQL. */
function millisOf(time: string | null): bigint | null {
  return time === null ? null : BigInt(Date.parse(time))
}

function cacheRow(name: string, { hits, requests, sizeBytes, capacityBytes, entries }: Cache): Row {
  return {
    name,
    capacity_bytes: BigInt(capacityBytes),
    entry_count: entries,
    hit_count: BigInt(hits),
    hit_ratio: hits / requests,
    // Rates are not counted.
    recent_hit_rate_per_second: 0n,
    recent_request_rate_per_second: 0n,
    request_count: BigInt(requests),
    size_bytes: BigInt(sizeBytes),
  }
}
