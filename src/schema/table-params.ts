/** Options of a table and their defaults (`TableParams`). */

import type { TableParams } from '../model/table.ts'
import { COMPACTION_PACKAGE } from '../model/unified-compaction.ts'

export { COMPACTION_PACKAGE }
export const COMPRESSION_PACKAGE = 'org.apache.cassandra.io.compress.'
export const LOCATOR_PACKAGE = 'org.apache.cassandra.locator.'

export const DEFAULT_COMPACTION: ReadonlyMap<string, string> = new Map([
  ['class', `${COMPACTION_PACKAGE}SizeTieredCompactionStrategy`],
  ['max_threshold', '32'],
  ['min_threshold', '4'],
])

export const DEFAULT_COMPRESSION: ReadonlyMap<string, string> = new Map([
  ['chunk_length_in_kb', '16'],
  ['class', `${COMPRESSION_PACKAGE}LZ4Compressor`],
])

export const DEFAULT_CACHING: ReadonlyMap<string, string> = new Map([
  ['keys', 'ALL'],
  ['rows_per_partition', 'NONE'],
])

export const DEFAULT_TABLE_PARAMS: TableParams = {
  additionalWritePolicy: '99p',
  allowAutoSnapshot: true,
  bloomFilterFpChance: 0.01,
  caching: DEFAULT_CACHING,
  cdc: false,
  comment: '',
  compaction: DEFAULT_COMPACTION,
  compression: DEFAULT_COMPRESSION,
  crcCheckChance: 1,
  defaultTimeToLive: 0,
  extensions: new Map(),
  gcGraceSeconds: 864000,
  incrementalBackups: true,
  maxIndexInterval: 2048,
  memtable: null,
  memtableFlushPeriodMs: 0,
  minIndexInterval: 128,
  readRepair: 'BLOCKING',
  speculativeRetry: '99p',
}
