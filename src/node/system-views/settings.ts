import type { Endpoint } from '../../cluster/endpoint.ts'
import { memtableSpaceMiB } from '../database.ts'
import type { SibylOptions } from '../options.ts'
import { PARTITIONER } from '../version.ts'
import type { Observed, Row } from './index.ts'

/** The settings in force, by cassandra.yaml's names (`SettingsTable`). */
export function settingRows({ options, settings, transport, ring }: Observed): Row[] {
  const { enabled = false, optional = false } = options.clientEncryption ?? {}
  const { authenticator = 'AllowAllAuthenticator' } = options
  const values: Record<string, string | null> = {
    ...Object.fromEntries(settings.texts),
    // Cassandra has the names with .class_name, those without it until 4.0.
    authenticator,
    'authenticator.class_name': authenticator,
    authorizer: 'AllowAllAuthorizer',
    'authorizer.class_name': 'AllowAllAuthorizer',
    'client_encryption_options.enabled': String(enabled),
    'client_encryption_options.optional': String(optional),
    cluster_name: options.clusterName ?? 'Test Cluster',
    commit_failure_policy: settings.commitLog.failurePolicy,
    commitlog_sync: settings.commitLog.sync,
    disk_failure_policy: options.diskFailurePolicy ?? 'stop',
    memtable_offheap_space: `${options.memtableSpaceMiB ?? memtableSpaceMiB(options.dir)}MiB`,
    native_transport_port: String(transport.address.port),
    num_tokens: String(options.numTokens ?? 256),
    partitioner: PARTITIONER,
    rpc_address: options.host ?? '127.0.0.1',
    ...(ring === null ? {} : ringValues(options, ring.membership.local.endpoint)),
  }
  return Object.entries(values).map(([name, value]) => ({ name, value }))
}

/** What a node of a ring has beside. */
function ringValues(
  {
    listenAddress,
    broadcastRpcAddress,
    endpointSnitch,
    initialToken,
    seeds,
    host,
    sslStoragePort,
  }: SibylOptions,
  at: Endpoint,
): Record<string, string | null> {
  const list = seeds === undefined ? at.host : typeof seeds === 'string' ? seeds : seeds.join(',')
  return {
    broadcast_address: at.host,
    broadcast_rpc_address: broadcastRpcAddress ?? null,
    endpoint_snitch: endpointSnitch ?? 'SimpleSnitch',
    initial_token: initialToken ?? null,
    listen_address: listenAddress ?? host ?? at.host,
    'seed_provider.class_name': 'org.apache.cassandra.locator.SimpleSeedProvider',
    'seed_provider.parameters': `{seeds=${list}}`,
    ssl_storage_port: String(sslStoragePort ?? 7001),
    storage_port: String(at.port),
  }
}
