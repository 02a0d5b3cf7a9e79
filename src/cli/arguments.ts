import type { ConfigFile } from '../node/cassandra-yaml.ts'
import type { SibylOptions } from '../node/options.ts'

export const USAGE = `Usage: sibyl [options]
       sibyl cluster --nodes N [options]             a ring of processes; sibyl cluster --help says more
       sibyl nodetool VERB ...                       asks a running server; sibyl nodetool help says more
       sibyl sstable dump|metadata|verify FILE...   offline tools; sibyl sstable --help says more

  --host ADDRESS        address to listen on (127.0.0.1)                         SIBYL_HOST
  --port PORT           port to listen on; 0 takes a free one (9042)             SIBYL_PORT
  --admin-port PORT|off port of nodetool, 0 takes a free one (7199, or none      SIBYL_ADMIN_PORT
                        where that is taken)
  --admin-host ADDRESS  address of that port; whoever reaches it may do          SIBYL_ADMIN_HOST
                        everything (127.0.0.1)
  --dir PATH|:memory:   directory of the data, or none (./data)                  SIBYL_DIR
  --init FILE|DIR       CQL to execute at start; may be given several times      SIBYL_INIT
  --cluster-name NAME   name of the cluster ('Test Cluster')                     SIBYL_CLUSTER_NAME
  --dc NAME             data centre (datacenter1)                                SIBYL_DC
  --rack NAME           rack (rack1)                                             SIBYL_RACK
  --num-tokens N        tokens of a new node (256)                               SIBYL_NUM_TOKENS
  --initial-token LIST  its tokens by value, with commas                         SIBYL_INITIAL_TOKEN
  --config FILE         a cassandra.yaml; what is said otherwise goes before it  SIBYL_CONFIG
  --seeds LIST          nodes to learn of the ring from; makes the server a      SIBYL_SEEDS
                        node of a ring
  --listen ADDRESS      address for other nodes, 'auto' for that of the host's   SIBYL_LISTEN
                        name (that of --host)
  --storage-port PORT   port for other nodes (7000)                              SIBYL_STORAGE_PORT
  --ssl-storage-port PORT  the same for TLS alone (7001)                         SIBYL_SSL_STORAGE_PORT
  --broadcast-address ADDRESS                                                    SIBYL_BROADCAST_ADDRESS
                        address by which other nodes know this one
  --broadcast-rpc-address ADDRESS                                                SIBYL_BROADCAST_RPC_ADDRESS
                        address by which clients know it
  --endpoint-snitch NAME  SimpleSnitch, GossipingPropertyFileSnitch,             SIBYL_ENDPOINT_SNITCH
                        PropertyFileSnitch or RackInferringSnitch
  --quick-gossip        for rings of one machine: nobody is waited for           SIBYL_QUICK_GOSSIP=true
  --expect-nodes N      of a ring that starts all at once: serve nobody before   SIBYL_EXPECT_NODES
                        there are so many nodes
  --authenticator NAME  AllowAllAuthenticator, or PasswordAuthenticator          SIBYL_AUTHENTICATOR
                        (user cassandra, password cassandra)
  --commitlog-sync MODE periodic, batch or group (periodic)                      SIBYL_COMMITLOG_SYNC
  --commit-failure-policy POLICY
                        stop, stop_commit, ignore or die (stop)                  SIBYL_COMMIT_FAILURE_POLICY
  --memtable-space MIB  memory for rows not in SSTables yet (256; 2048 in memory) SIBYL_MEMTABLE_SPACE
  --tls-keystore FILE   PEM or PKCS12: serve TLS                                 SIBYL_TLS_KEYSTORE
  --tls-keystore-password TEXT                                                   SIBYL_TLS_KEYSTORE_PASSWORD
  --tls-truststore FILE PEM or PKCS12: demand client certificates of these       SIBYL_TLS_TRUSTSTORE
  --tls-truststore-password TEXT                                                 SIBYL_TLS_TRUSTSTORE_PASSWORD
  --tls-optional        plain connections too                                    SIBYL_TLS_OPTIONAL=true
  --set NAME=VALUE      a setting by cassandra.yaml's name, such as              SIBYL_SET (comma separated)
                        max_mutation_size=8MiB; may be given several times
  --log-level LEVEL     silent, error, warn, info or debug (info); to stderr     SIBYL_LOG_LEVEL
  --help                this text

The environment's CASSANDRA_SEEDS, CASSANDRA_LISTEN_ADDRESS and others of Cassandra's image are read too, behind those of SIBYL.
`

type Parsed =
  | { readonly kind: 'options'; readonly options: SibylOptions; readonly warnings: readonly string[] }
  | { readonly kind: 'help' }
  | { readonly kind: 'error'; readonly message: string }

const FLAGS: Readonly<Record<string, { readonly value: boolean }>> = {
  host: { value: true },
  port: { value: true },
  'admin-port': { value: true },
  'admin-host': { value: true },
  dir: { value: true },
  init: { value: true },
  'cluster-name': { value: true },
  dc: { value: true },
  rack: { value: true },
  'num-tokens': { value: true },
  'initial-token': { value: true },
  config: { value: true },
  seeds: { value: true },
  listen: { value: true },
  'storage-port': { value: true },
  'ssl-storage-port': { value: true },
  'broadcast-address': { value: true },
  'broadcast-rpc-address': { value: true },
  'endpoint-snitch': { value: true },
  'quick-gossip': { value: false },
  'expect-nodes': { value: true },
  'disk-failure-policy': { value: true },
  authenticator: { value: true },
  'commitlog-sync': { value: true },
  'commit-failure-policy': { value: true },
  'memtable-space': { value: true },
  'tls-keystore': { value: true },
  'tls-keystore-password': { value: true },
  'tls-truststore': { value: true },
  'tls-truststore-password': { value: true },
  'tls-optional': { value: false },
  set: { value: true },
  'log-level': { value: true },
  help: { value: false },
}

/** What the official image of Cassandra takes from its environment. */
const IMAGE_NAMES: Readonly<Record<string, string>> = {
  'broadcast-address': 'CASSANDRA_BROADCAST_ADDRESS',
  'broadcast-rpc-address': 'CASSANDRA_BROADCAST_RPC_ADDRESS',
  'cluster-name': 'CASSANDRA_CLUSTER_NAME',
  dc: 'CASSANDRA_DC',
  'endpoint-snitch': 'CASSANDRA_ENDPOINT_SNITCH',
  host: 'CASSANDRA_RPC_ADDRESS',
  listen: 'CASSANDRA_LISTEN_ADDRESS',
  'num-tokens': 'CASSANDRA_NUM_TOKENS',
  rack: 'CASSANDRA_RACK',
  seeds: 'CASSANDRA_SEEDS',
}

class ArgumentError extends Error {}

/** Reads flags (`--port 9042`, `--port=9042`), and what they leave open from the environment. */
export function parseArguments(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  readConfig: (path: string) => ConfigFile = () => {
    throw new ArgumentError('--config needs files')
  },
): Parsed {
  try {
    return parse(args, env, readConfig)
  } catch (error) {
    if (error instanceof ArgumentError) return { kind: 'error', message: error.message }
    throw error
  }
}

function parse(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  readConfig: (path: string) => ConfigFile,
): Parsed {
  const given = new Map<string, string[]>()
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!
    const match = /^--([a-z-]+)(?:=(.*))?$/s.exec(arg === '-h' ? '--help' : arg)
    const name = match?.[1] ?? ''
    const flag = FLAGS[name]
    if (match === null || flag === undefined) throw new ArgumentError(`unknown argument ${arg}`)
    let value = match[2]
    if (flag.value && value === undefined) {
      value = args[++i]
      if (value === undefined) throw new ArgumentError(`--${name} needs a value`)
    }
    given.set(name, [...(given.get(name) ?? []), value ?? 'true'])
  }
  if (given.has('help')) return { kind: 'help' }
  const all = (name: string): string[] => {
    const variables = [`SIBYL_${name.toUpperCase().replaceAll('-', '_')}`, IMAGE_NAMES[name] ?? '']
    const value = variables.map((variable) => env[variable] ?? '').find((text) => text !== '')
    return given.get(name) ?? (value === undefined ? [] : [value])
  }
  const text = (name: string): string | undefined => all(name).at(-1)
  const number = (name: string, min: number, max: number): number | undefined => {
    const value = text(name)
    if (value === undefined) return undefined
    const parsed = Number(value)
    if (!Number.isInteger(parsed) || parsed < min || parsed > max) {
      throw new ArgumentError(`--${name} takes a whole number from ${min} to ${max}, not ${value}`)
    }
    return parsed
  }
  const choice = <T extends string>(name: string, choices: readonly T[]): T | undefined => {
    const value = text(name)
    if (value === undefined) return undefined
    const found = choices.find((candidate) => candidate === value)
    if (found === undefined)
      throw new ArgumentError(`--${name} is one of ${choices.join(', ')}, not ${value}`)
    return found
  }
  const keystore = text('tls-keystore')
  for (const name of ['tls-keystore-password', 'tls-truststore', 'tls-truststore-password', 'tls-optional']) {
    if (keystore === undefined && given.has(name)) throw new ArgumentError(`--${name} needs --tls-keystore`)
  }
  const configPath = text('config')
  const config = configPath === undefined ? null : readConfig(configPath)
  const settings = parseSettings([...(env['SIBYL_SET'] ?? '').split(','), ...(given.get('set') ?? [])])
  const options: Record<string, unknown> = {
    host: text('host'),
    port: number('port', 0, 65_535),
    adminPort: text('admin-port') === 'off' ? 'off' : (number('admin-port', 0, 65_535) ?? 'auto'),
    adminHost: text('admin-host'),
    dir: text('dir'),
    init: all('init'),
    initialToken: text('initial-token'),
    seeds: text('seeds'),
    listenAddress: text('listen'),
    storagePort: number('storage-port', 1, 65_535),
    sslStoragePort: number('ssl-storage-port', 1, 65_535),
    broadcastAddress: text('broadcast-address'),
    broadcastRpcAddress: text('broadcast-rpc-address'),
    endpointSnitch: text('endpoint-snitch'),
    expectNodes: number('expect-nodes', 1, 1000),
    quickGossip: text('quick-gossip') === 'true' ? true : undefined,
    clusterName: text('cluster-name'),
    dataCenter: text('dc'),
    rack: text('rack'),
    numTokens: number('num-tokens', 1, 1536),
    authenticator: choice('authenticator', ['AllowAllAuthenticator', 'PasswordAuthenticator']),
    commitlogSync: choice('commitlog-sync', ['periodic', 'batch', 'group']),
    commitFailurePolicy: choice('commit-failure-policy', ['stop', 'stop_commit', 'ignore', 'die']),
    diskFailurePolicy: choice('disk-failure-policy', [
      'stop',
      'stop_paranoid',
      'best_effort',
      'ignore',
      'die',
    ]),
    memtableSpaceMiB: number('memtable-space', 1, 32_768),
    settings: { ...config?.options.settings, ...settings },
    logLevel: choice('log-level', ['silent', 'error', 'warn', 'info', 'debug']) ?? 'info',
    clientEncryption:
      keystore === undefined
        ? undefined
        : {
            enabled: true,
            optional: text('tls-optional') === 'true',
            keystore,
            keystore_password: text('tls-keystore-password'),
            truststore: text('tls-truststore'),
            truststore_password: text('tls-truststore-password'),
            require_client_auth: text('tls-truststore') !== undefined,
          },
  }
  const said = Object.entries(options).filter(([, value]) => value !== undefined)
  const defaults: SibylOptions = { port: 9042, dir: './data' }
  return {
    kind: 'options',
    options: { ...defaults, ...config?.options, ...Object.fromEntries(said) },
    warnings: config?.warnings ?? [],
  }
}

/** Settings as `name=value`; a later one wins. */
function parseSettings(texts: readonly string[]): Record<string, string> {
  const settings: Record<string, string> = {}
  for (const text of texts) {
    if (text.trim() === '') continue
    const at = text.indexOf('=')
    if (at <= 0) throw new ArgumentError(`--set takes name=value, not ${text}`)
    settings[text.slice(0, at).trim()] = text.slice(at + 1).trim()
  }
  return settings
}
