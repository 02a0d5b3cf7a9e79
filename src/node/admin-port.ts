import type { AdminNode } from '../admin/admin-node.ts'
import type { AdminServer } from '../admin/admin-server.ts'
import type { ClusterNode } from '../cluster/cluster-node.ts'
import type { Http } from '../io/http.ts'
import { type Database, type DatabasePorts, IN_MEMORY } from './database.ts'
import type { Logger } from './logger.ts'
import type { SibylOptions } from './options.ts'
import type { Settings } from './settings.ts'
import { RELEASE_VERSION } from './version.ts'

/** Where nodetool looks for a node. */
export const DEFAULT_ADMIN_PORT = 7199
const DEFAULT_ADMIN_HOST = '127.0.0.1'

/** What the admin port may do with the node. */
export interface AdminControl {
  readonly address: { readonly host: string }
  readonly isTransportRunning: boolean
  readonly ring: ClusterNode | null
  startTransport(): Promise<void>
  stopTransport(): Promise<void>
  drain(): Promise<void>
}

/**
 * Opens the admin port where it is asked for; only then its code is loaded. Rejects when the port can't be had, unless it is
 * the default one: then there is a warning, and null.
 */
export async function startAdminPort(
  {
    adminPort,
    adminHost = DEFAULT_ADMIN_HOST,
    dir = IN_MEMORY,
    endpointSnitch = 'SimpleSnitch',
  }: SibylOptions,
  { disk, clock, loadHttp }: DatabasePorts & { readonly loadHttp?: () => Promise<Http> },
  { engine, schema, processor, caches, name }: Database,
  settings: Settings,
  control: AdminControl,
  logger: Logger,
): Promise<AdminServer | null> {
  if (adminPort === undefined || adminPort === 'off' || loadHttp === undefined) return null
  const [http, { AdminServer }] = await Promise.all([loadHttp(), import('../admin/admin-server.ts')])
  const node: AdminNode = {
    engine,
    schema,
    disk,
    clock,
    caches,
    dataDirectory: dir === IN_MEMORY ? null : `${dir}/data`,
    metricsOf: (table) => processor.metrics.of(table),
    compactionThroughputBytes: settings.storage.compactionThroughputBytes,
    releaseVersion: RELEASE_VERSION,
    dataCenter: name.dataCenter,
    rack: name.rack,
    clusterName: name.clusterName,
    snitch: {
      name: endpointSnitch.slice(endpointSnitch.lastIndexOf('.') + 1),
      isDynamic: settings.ring.dynamicSnitch,
    },
    cluster: control.ring,
    address: control.address.host,
    startedAtMs: clock.nowMs(),
    get isTransportRunning() {
      return control.isTransportRunning
    },
    load: () => engine.stores.reduce((bytes, store) => bytes + store.bytesOnDisk(store.sstables), 0),
    startTransport: () => control.startTransport(),
    stopTransport: () => control.stopTransport(),
    drain: () => control.drain(),
  }
  const port = adminPort === 'auto' ? DEFAULT_ADMIN_PORT : adminPort
  try {
    return await AdminServer.start(http, { host: adminHost, port }, node)
  } catch (error) {
    if (adminPort !== 'auto') throw error
    const text = error instanceof Error ? error.message : String(error)
    logger.warn(`There is no admin port (nodetool): ${text}. Another one is set by --admin-port`)
    return null
  }
}
