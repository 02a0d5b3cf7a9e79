import type { NativeTransport } from '../../server/index.ts'
import type { Row } from './index.ts'

/** Every connection (`ClientsTable`). The host's name is its address: names are not looked up. */
export function clientRows(transport: NativeTransport): Row[] {
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
