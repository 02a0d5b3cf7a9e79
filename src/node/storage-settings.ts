import type { Setting, SettingValue } from './setting-values.ts'

const MIB = 1024 * 1024

/** Settings of the storage engine, by cassandra.yaml's names; sizes in bytes. */
export interface StorageSettings {
  /** file_cache_size: of the chunk cache. */
  readonly fileCacheBytes: number
  /** key_cache_size. */
  readonly keyCacheBytes: number
  readonly memtableCleanupThreshold: number
  readonly columnIndexSizeBytes: number
  readonly autoSnapshot: boolean
  /** compaction_throughput in bytes a second; 0 is none. */
  readonly compactionThroughputBytes: number
  readonly concurrentCompactors: number
  /** commitlog_total_space: beyond it the tables that keep the log so long are flushed. */
  readonly commitLogTotalSpaceBytes: number
}

/** `Config`; where the memory of a test server asks for less than Cassandra takes, docs/compatibility.md says so. */
export const STORAGE_SETTINGS: Readonly<Record<string, Setting>> = {
  auto_snapshot: { kind: 'boolean', default: true },
  column_index_size: { kind: 'size', default: 64 * 1024, min: 1024, max: 0x7fffffff },
  commitlog_total_space: { kind: 'size', default: 1024 * MIB },
  compaction_throughput: { kind: 'rate', default: 64 * MIB },
  concurrent_compactors: { kind: 'number', default: 1, min: 1, max: 64 },
  file_cache_size: { kind: 'size', default: 64 * MIB },
  key_cache_size: { kind: 'size', default: 64 * MIB },
  memtable_cleanup_threshold: { kind: 'fraction', default: 0.33 },
}

export function storageSettingsOf(values: ReadonlyMap<string, SettingValue>): StorageSettings {
  const number = (name: string): number => values.get(name) as number
  return {
    fileCacheBytes: number('file_cache_size'),
    keyCacheBytes: number('key_cache_size'),
    memtableCleanupThreshold: number('memtable_cleanup_threshold'),
    columnIndexSizeBytes: number('column_index_size'),
    autoSnapshot: values.get('auto_snapshot') as boolean,
    compactionThroughputBytes: number('compaction_throughput'),
    concurrentCompactors: number('concurrent_compactors'),
    commitLogTotalSpaceBytes: number('commitlog_total_space'),
  }
}
