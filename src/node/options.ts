import type { ServerEncryptionOptions } from '../cluster/messaging/internode-encryption.ts'
import type { ClientEncryptionOptions } from '../server/index.ts'

/** What a server is started with. Every option has a flag and an environment variable of the same meaning. */
export interface SibylOptions {
  /** Address to listen on. Default 127.0.0.1. */
  readonly host?: string
  /** Port to listen on; 0 takes a free one. Default 9042 for the command, 0 when embedded. */
  readonly port?: number
  /**
   * Port of nodetool, over HTTP; 0 takes a free one, 'off' has none, and 'auto' is 7199, or none where that is taken. Default
   * 'auto' for the command, 'off' when embedded.
   */
  readonly adminPort?: number | 'auto' | 'off'
  /** Address of that port. Whoever reaches it may do everything. Default 127.0.0.1. */
  readonly adminHost?: string
  /** Directory of the data, or ':memory:'. Default ./data for the command, ':memory:' when embedded. */
  readonly dir?: string
  /** CQL files, or directories of them, executed in order when the server has started. */
  readonly init?: string | readonly string[]
  /** Name of the cluster. Default 'Test Cluster', as in Cassandra. */
  readonly clusterName?: string
  /** Data centre and rack. Defaults datacenter1 and rack1. */
  readonly dataCenter?: string
  readonly rack?: string
  /** Tokens of a new node. Default 256. */
  readonly numTokens?: number
  /** Tokens of a new node by value, with commas between them: initial_token of cassandra.yaml. */
  readonly initialToken?: string
  /**
   * Nodes to learn of the ring from, as `address` or `address:port`, perhaps this one among them. With them, or with one of the
   * options that follow, the server is a node of a ring and listens for other nodes on its storage port.
   */
  readonly seeds?: string | readonly string[]
  /** Address that other nodes reach this one at, or 'auto' for that of the host's name. Default: that of `host`. */
  readonly listenAddress?: string
  /** Port of other nodes. Default 7000. */
  readonly storagePort?: number
  /** Port of other nodes for TLS alone, where `serverEncryption` asks for one. Default 7001. */
  readonly sslStoragePort?: number
  /** Address by which other nodes know this one, if it is not `listenAddress`. */
  readonly broadcastAddress?: string
  /** Address by which clients know this one, if it is not `host`. */
  readonly broadcastRpcAddress?: string
  /**
   * endpoint_snitch of cassandra.yaml. Default SimpleSnitch, and with a data centre or a rack GossipingPropertyFileSnitch, which takes
   * them from the options.
   */
  readonly endpointSnitch?: string
  /** Where cassandra-rackdc.properties and cassandra-topology.properties lie, for snitches that read them. */
  readonly configDirectory?: string
  /** server_encryption_options of cassandra.yaml. */
  readonly serverEncryption?: ServerEncryptionOptions
  /** Gossip for rings of one machine: nodes find each other at once, and wait for nobody. */
  readonly quickGossip?: boolean
  /**
   * So many nodes are started at once and have no data: none serves clients before it sees all of them. Data is not moved to nodes
   * that join later.
   */
  readonly expectNodes?: number
  /** 'AllowAllAuthenticator' (default) or 'PasswordAuthenticator' (user cassandra, password cassandra). */
  readonly authenticator?: 'AllowAllAuthenticator' | 'PasswordAuthenticator'
  /** When a write is acknowledged: see commitlog_sync of cassandra.yaml. Default 'periodic'. */
  readonly commitlogSync?: 'periodic' | 'batch' | 'group'
  /** What happens when the commit log cannot be written. Default 'stop'. */
  readonly commitFailurePolicy?: 'stop' | 'stop_commit' | 'ignore' | 'die'
  /** What happens when a file of a table cannot be read or written: disk_failure_policy. Default 'stop'. */
  readonly diskFailurePolicy?: 'stop' | 'stop_paranoid' | 'best_effort' | 'ignore' | 'die'
  /** Memory for rows that are not in SSTables yet, in MiB: default 256. In memory that is all rows: default 2048. */
  readonly memtableSpaceMiB?: number
  /** client_encryption_options of cassandra.yaml. */
  readonly clientEncryption?: ClientEncryptionOptions
  /**
   * Other settings by cassandra.yaml's names, such as `{ prepared_statements_cache_size: '20MiB' }`. Sizes are bytes or
   * texts like '16MiB', durations milliseconds or texts like '10s'. A name that Sibyl does not have is refused.
   */
  readonly settings?: Readonly<Record<string, number | boolean | string>>
  /** 'silent' when embedded, 'info' for the command. */
  readonly logLevel?: 'silent' | 'error' | 'warn' | 'info' | 'debug'
}
