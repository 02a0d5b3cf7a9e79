import { expect, it } from 'vitest'
import { readCassandraYaml as read } from './cassandra-yaml.ts'

const INTERFACES = {
  lo: [
    { address: '127.0.0.1', family: 'IPv4' as const },
    { address: '::1', family: 'IPv6' as const },
  ],
  eth0: [{ address: '10.0.0.7', family: 'IPv4' as const }],
}
const readCassandraYaml = (text: string, file: string) => read(text, file, INTERFACES)

it('takes the address of an interface', () => {
  const options = (text: string) => readCassandraYaml(text, 'cassandra.yaml').options
  expect(options('listen_interface: eth0\nrpc_interface: lo\nlisten_address:\n')).toEqual({
    listenAddress: '10.0.0.7',
    host: '127.0.0.1',
  })
  expect(options('listen_interface: lo\nlisten_interface_prefer_ipv6: true')).toEqual({
    listenAddress: '::1',
  })
  expect(options('listen_interface: eth0\nlisten_interface_prefer_ipv6: true')).toEqual({
    listenAddress: '10.0.0.7',
  })
  expect(() => options('rpc_interface: eth1')).toThrow(
    'cassandra.yaml: Configured rpc_interface "eth1" could not be found',
  )
  expect(() => options('listen_interface: eth0\nlisten_address: localhost')).toThrow(
    'Set listen_address OR listen_interface, not both',
  )
})

it('reads a cassandra.yaml as options and settings, and says what has no effect', () => {
  const { options, warnings } = readCassandraYaml(
    `
cluster_name: 'Delphi'
num_tokens: 16
initial_token:
hinted_handoff_enabled: true
hinted_handoff_disabled_datacenters:
  - dc2
max_hint_window: 3h
authenticator:
  class_name : org.apache.cassandra.auth.PasswordAuthenticator
authorizer: CassandraAuthorizer
network_authorizer:
  class_name: AllowAllNetworkAuthorizer
partitioner: org.apache.cassandra.dht.Murmur3Partitioner
data_file_directories:
  - /var/lib/cassandra/data
seed_provider:
  - class_name: org.apache.cassandra.locator.SimpleSeedProvider
    parameters:
      - seeds: "10.0.0.1:7000,10.0.0.2"
listen_address: 10.0.0.5
rpc_address: 0.0.0.0
broadcast_rpc_address: 1.2.3.4
native_transport_port: 9142
storage_port: 7100
endpoint_snitch: GossipingPropertyFileSnitch
phi_convict_threshold: 12
read_request_timeout: 5000ms
write_request_timeout_in_ms: 3000
server_encryption_options:
  internode_encryption: none
  keystore: conf/.keystore
client_encryption_options:
  enabled: false
commitlog_sync: periodic
commitlog_sync_period: 10000ms
row_cache_size: 0MiB
`,
    'cassandra.yaml',
  )
  expect(options).toEqual({
    clusterName: 'Delphi',
    numTokens: 16,
    authenticator: 'PasswordAuthenticator',
    dir: '/var/lib/cassandra',
    seeds: '10.0.0.1:7000,10.0.0.2',
    listenAddress: '10.0.0.5',
    host: '0.0.0.0',
    broadcastRpcAddress: '1.2.3.4',
    port: 9142,
    storagePort: 7100,
    endpointSnitch: 'GossipingPropertyFileSnitch',
    serverEncryption: { internode_encryption: 'none', keystore: 'conf/.keystore' },
    clientEncryption: { enabled: false },
    commitlogSync: 'periodic',
    settings: {
      hinted_handoff_enabled: true,
      hinted_handoff_disabled_datacenters: 'dc2',
      max_hint_window: '3h',
      phi_convict_threshold: 12,
      read_request_timeout: '5000ms',
      write_request_timeout_in_ms: 3000,
      commitlog_sync_period: '10000ms',
    },
  })
  expect(warnings).toEqual([
    'cassandra.yaml: authorizer has no effect here',
    'cassandra.yaml: row_cache_size has no effect here',
  ])
})

it.each([
  [
    'a: [',
    'Invalid yaml: Flow sequence in block collection must be sufficiently indented and end with a ] (line 1)',
  ],
  ['- a', 'Invalid yaml: the file has no names and values'],
  ['num_tokens: many', 'Invalid yaml: num_tokens is to be a whole number, not "many"'],
  ['authenticator: Mine', 'authenticator is one of AllowAllAuthenticator, PasswordAuthenticator, not Mine'],
  ['seed_provider:\n  - class_name: x.Y', 'x.Y is not supported: seed_provider is to be SimpleSeedProvider'],
  [
    'seed_provider:\n  - class_name: a.SimpleSeedProvider',
    'seeds configuration is missing; a minimum of one seed is required.',
  ],
  [
    'data_file_directories: [/a/data, /b/data]',
    'data_file_directories is to be one directory with the name data: the commit log lies beside it, in commitlog',
  ],
])('refuses %j', (text, message) => {
  expect(() => readCassandraYaml(text, 'conf/a.yaml')).toThrow(`conf/a.yaml: ${message}`)
})
