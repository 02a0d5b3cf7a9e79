import type { QueryProcessor } from '../query/query-processor.ts'
import type { SchemaService } from '../query/schema-service.ts'
import type { VirtualTables } from '../query/virtual-tables.ts'
import type { NativeTransport } from '../server/index.ts'
import type { StorageEngine } from '../storage/storage-engine.ts'
import type { CqlType } from '../types/index.ts'
import type { SibylOptions } from './options.ts'
import type { Settings } from './settings.ts'
import { PARTITIONER } from './version.ts'

/** What the virtual tables look at. */
export interface Observed {
  readonly schema: SchemaService
  readonly transport: NativeTransport
  readonly processor: QueryProcessor
  readonly engine: StorageEngine
  readonly options: SibylOptions
  readonly settings: Settings
}

type Row = Readonly<Record<string, unknown>>

/** Gives the tables of system_virtual_schema and system_views their rows. */
export function registerSystemViews(virtual: VirtualTables, observed: Observed): void {
  registerVirtualSchema(virtual, observed.schema)
  virtual.register('system_views', 'clients', () => clients(observed.transport))
  // Of the others of its rows nobody keeps count.
  virtual.register('system_views', 'cql_metrics', () => [
    { name: 'prepared_statements_count', value: observed.processor.prepared.count },
  ])
  virtual.register('system_views', 'settings', () => settings(observed))
}

function registerVirtualSchema(virtual: VirtualTables, schema: SchemaService): void {
  const keyspaces = () => [...schema.current.keyspaces.values()].filter((keyspace) => keyspace.isVirtual)
  virtual.register('system_virtual_schema', 'keyspaces', () =>
    keyspaces().map((keyspace) => ({ keyspace_name: keyspace.name })),
  )
  virtual.register('system_virtual_schema', 'tables', () =>
    keyspaces().flatMap((keyspace) =>
      [...keyspace.tables.values()].map((table) => ({
        keyspace_name: keyspace.name,
        table_name: table.name,
        comment: table.params.comment,
      })),
    ),
  )
  virtual.register('system_virtual_schema', 'columns', () =>
    keyspaces().flatMap((keyspace) =>
      [...keyspace.tables.values()].flatMap((table) =>
        [...table.columns.values()].map(
          (column): Row => ({
            keyspace_name: keyspace.name,
            table_name: table.name,
            column_name: column.name,
            clustering_order:
              column.kind !== 'clustering' ? 'none' : column.type.kind === 'reversed' ? 'desc' : 'asc',
            column_name_bytes: Buffer.from(column.name),
            kind: column.kind,
            position: column.position,
            type: typeText(column.type),
          }),
        ),
      ),
    ),
  )
}

function typeText(type: CqlType): string {
  return type.kind === 'reversed' ? type.base.cqlName : type.cqlName
}

function clients(transport: NativeTransport): Row[] {
  return transport.connections().map((client) => ({
    address: client.address,
    port: client.port,
    client_options: client.clientOptions,
    connection_stage: client.connectionStage.toLowerCase(),
    driver_name: client.driverName,
    driver_version: client.driverVersion,
    hostname: client.address,
    keyspace_name: client.keyspace,
    protocol_version: client.protocolVersion,
    request_count: BigInt(client.requestCount),
    ssl_enabled: client.tls !== null,
    ssl_protocol: client.tls?.protocol ?? null,
    ssl_cipher_suite: client.tls?.cipher ?? null,
    username: client.username,
  }))
}

function settings({ options, settings, transport }: Observed): Row[] {
  const { enabled = false, optional = false } = options.clientEncryption ?? {}
  const { authenticator = 'AllowAllAuthenticator' } = options
  const values: Record<string, string> = {
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
    memtable_offheap_space: `${options.memtableSpaceMiB ?? 2048}MiB`,
    native_transport_port: String(transport.address.port),
    num_tokens: String(options.numTokens ?? 256),
    partitioner: PARTITIONER,
    rpc_address: options.host ?? '127.0.0.1',
  }
  return Object.entries(values).map(([name, value]) => ({ name, value }))
}
