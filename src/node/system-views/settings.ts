import { memtableSpaceMiB } from '../database.ts'
import { PARTITIONER } from '../version.ts'
import type { Observed, Row } from './index.ts'

/** The settings in force, by cassandra.yaml's names (`SettingsTable`). */
export function settingRows({ options, settings, transport }: Observed): Row[] {
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
  }
  return Object.entries(values).map(([name, value]) => ({ name, value }))
}
