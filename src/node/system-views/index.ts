import type { ClusterNode } from '../../cluster/cluster-node.ts'
import type { Clock } from '../../io/clock.ts'
import type { QueryProcessor } from '../../query/query-processor.ts'
import type { SchemaService } from '../../query/schema-service.ts'
import type { VirtualTables } from '../../query/virtual-tables.ts'
import type { NativeTransport } from '../../server/index.ts'
import type { StorageCaches } from '../../storage/live-sstable.ts'
import type { StorageEngine } from '../../storage/storage-engine.ts'
import type { SibylOptions } from '../options.ts'
import type { Settings } from '../settings.ts'
import { clientRows } from './clients.ts'
import { gossipRows } from './gossip.ts'
import { pendingHintRows } from './hints.ts'
import { internodeInboundRows, internodeOutboundRows } from './internode.ts'
import { registerRequestMetrics } from './request-metrics.ts'
import { settingRows } from './settings.ts'
import { registerStages } from './stages.ts'
import { registerStorageViews } from './storage.ts'
import { registerTableMetrics } from './table-metrics.ts'
import { registerVirtualSchema } from './virtual-schema.ts'

/** What the virtual tables look at. */
export interface Observed {
  readonly schema: SchemaService
  readonly transport: NativeTransport
  readonly processor: QueryProcessor
  readonly engine: StorageEngine
  /** Null where data lives in memory alone. */
  readonly caches: StorageCaches | null
  readonly options: SibylOptions
  readonly settings: Settings
  readonly clock: Clock
  /** What it is in its ring; null of a node that is alone. */
  readonly ring: ClusterNode | null
}

export type Row = Readonly<Record<string, unknown>>

/** Registers a table of system_views. */
export type RegisterView = (table: string, rows: () => Iterable<Row>) => void

/** Tables of the keys in caches that an operator may invalidate: there are no such caches, so nothing is done. */
const CACHE_KEYS = [
  'credentials_cache_keys',
  'jmx_permissions_cache_keys',
  'network_permissions_cache_keys',
  'permissions_cache_keys',
  'roles_cache_keys',
]

/** Gives the tables of system_virtual_schema and system_views their rows (`SystemViewsKeyspace`). */
export function registerSystemViews(virtual: VirtualTables, observed: Observed): void {
  registerVirtualSchema(virtual, observed.schema)
  const view: RegisterView = (table, rows) => virtual.register('system_views', table, rows)
  view('clients', () => clientRows(observed.transport))
  view('settings', () => settingRows(observed))
  view('gossip_info', () => gossipRows(observed))
  view('pending_hints', () => pendingHintRows(observed))
  view('internode_inbound', () => internodeInboundRows(observed))
  view('internode_outbound', () => internodeOutboundRows(observed))
  registerRequestMetrics(view, observed)
  registerTableMetrics(view, observed)
  registerStages(view, observed)
  registerStorageViews(view, observed)
  for (const table of CACHE_KEYS) {
    virtual.registerMutator('system_views', table, { deletePartition: () => {}, truncate: () => {} })
  }
  // It is empty as in Cassandra, whose logging does not go there unless it is configured to.
  virtual.registerMutator('system_views', 'system_logs', { truncate: () => {} })
}
