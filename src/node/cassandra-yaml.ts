import type { NetworkInterfaceInfo } from 'node:os'
import { ConfigurationError } from '../common/errors.ts'
import type { SibylOptions } from './options.ts'
import { isSetting } from './settings.ts'
import { isMapping, parseYaml, type Yaml, type YamlMapping } from './yaml.ts'

/** What a file says: options, and what is to be told whoever starts the server. */
export interface ConfigFile {
  readonly options: SibylOptions
  readonly warnings: readonly string[]
}

/** Addresses by the names of network interfaces (`os.networkInterfaces`). */
export type Interfaces = Readonly<
  Record<string, readonly Pick<NetworkInterfaceInfo, 'address' | 'family'>[] | undefined>
>

type Mutable = { -readonly [K in keyof SibylOptions]: SibylOptions[K] }
type Entry = (options: Mutable, value: Yaml, name: string) => void

function textOption(option: keyof SibylOptions): Entry {
  return (options, value) => {
    if (value !== null) (options as Record<string, unknown>)[option] = String(value)
  }
}

function numberOption(option: keyof SibylOptions): Entry {
  return (options, value, name) => {
    if (value === null) return
    if (typeof value !== 'number' || !Number.isInteger(value)) {
      throw new ConfigurationError(
        `Invalid yaml: ${name} is to be a whole number, not ${JSON.stringify(value)}`,
      )
    }
    ;(options as Record<string, unknown>)[option] = value
  }
}

/** The option of another type, as it stands there. */
function objectOption(option: keyof SibylOptions): Entry {
  return (options, value, name) => {
    if (value === null) return
    if (!isMapping(value)) {
      throw new ConfigurationError(`Invalid yaml: ${name} is to have names and values`)
    }
    const given = Object.entries(value).filter(([, one]) => one !== null)
    ;(options as Record<string, unknown>)[option] = Object.fromEntries(given)
  }
}

/** A class by its name, or a mapping with `class_name`. */
function classOption(option: keyof SibylOptions, known: readonly string[]): Entry {
  return (options, value, key) => {
    const name = isMapping(value) ? value['class_name'] : value
    if (typeof name !== 'string') return
    const simple = name.slice(name.lastIndexOf('.') + 1)
    if (!known.includes(simple)) {
      throw new ConfigurationError(`${key} is one of ${known.join(', ')}, not ${name}`)
    }
    ;(options as Record<string, unknown>)[option] = simple
  }
}

/** Of the directories of data there is one here, and the commit log beside it. */
function directoryOption(options: Mutable, value: Yaml, name: string): void {
  const [path, ...others] = Array.isArray(value) ? value : [value]
  const match = typeof path === 'string' ? /^(.*)\/data\/?$/.exec(path) : null
  if (match === null || others.length > 0) {
    throw new ConfigurationError(
      `${name} is to be one directory with the name data: the commit log lies beside it, in commitlog`,
    )
  }
  options.dir = match[1]!
}

/** Keys that say what is so here anyhow; any other value has no effect. */
const AS_HERE: Readonly<Record<string, string | boolean>> = {
  authorizer: 'AllowAllAuthorizer',
  cidr_authorizer: 'AllowAllCIDRAuthorizer',
  materialized_views_enabled: false,
  network_authorizer: 'AllowAllNetworkAuthorizer',
  partitioner: 'Murmur3Partitioner',
  role_manager: 'CassandraRoleManager',
  sasi_indexes_enabled: false,
  start_native_transport: true,
  transient_replication_enabled: false,
  user_defined_functions_enabled: false,
}

function isAsHere(name: string, value: Yaml): boolean {
  const here = Object.hasOwn(AS_HERE, name) ? AS_HERE[name] : undefined
  if (value === null || here === undefined) return value === null
  const said = isMapping(value) ? value['class_name'] : value
  return typeof said === 'string' ? said.slice(said.lastIndexOf('.') + 1) === here : said === here
}

/** Keys that are options. */
const ENTRIES: Readonly<Record<string, Entry>> = {
  authenticator: classOption('authenticator', ['AllowAllAuthenticator', 'PasswordAuthenticator']),
  broadcast_address: textOption('broadcastAddress'),
  broadcast_rpc_address: textOption('broadcastRpcAddress'),
  client_encryption_options: objectOption('clientEncryption'),
  cluster_name: textOption('clusterName'),
  commit_failure_policy: textOption('commitFailurePolicy'),
  commitlog_sync: textOption('commitlogSync'),
  data_file_directories: directoryOption,
  disk_failure_policy: textOption('diskFailurePolicy'),
  endpoint_snitch: textOption('endpointSnitch'),
  initial_token: textOption('initialToken'),
  listen_address: textOption('listenAddress'),
  native_transport_port: numberOption('port'),
  num_tokens: numberOption('numTokens'),
  rpc_address: textOption('host'),
  seed_provider: (options, value) => {
    options.seeds = seedsOf(value)
  },
  server_encryption_options: objectOption('serverEncryption'),
  ssl_storage_port: numberOption('sslStoragePort'),
  storage_port: numberOption('storagePort'),
}

/** `parameters.seeds` of the one provider there is. */
function seedsOf(value: Yaml): string {
  const provider = (Array.isArray(value) ? value[0] : value) as
    | { readonly [name: string]: Yaml }
    | null
    | undefined
  const name = provider?.['class_name']
  if (typeof name !== 'string' || !name.endsWith('SimpleSeedProvider')) {
    throw new ConfigurationError(`${name} is not supported: seed_provider is to be SimpleSeedProvider`)
  }
  const parameters = provider?.['parameters']
  const first = (Array.isArray(parameters) ? parameters[0] : parameters) as
    | { readonly seeds?: Yaml }
    | undefined
  if (typeof first?.seeds !== 'string') {
    throw new ConfigurationError('seeds configuration is missing; a minimum of one seed is required.')
  }
  return first.seeds
}

/** Keys that may name an interface in place of an address, and the options that these are. */
const INTERFACES = [
  {
    key: 'listen_interface',
    prefersIpv6: 'listen_interface_prefer_ipv6',
    instead: 'listen_address',
    option: 'listenAddress',
  },
  { key: 'rpc_interface', prefersIpv6: 'rpc_interface_prefer_ipv6', instead: 'rpc_address', option: 'host' },
] as const
const INTERFACE_KEYS: ReadonlySet<string> = new Set(
  INTERFACES.flatMap(({ key, prefersIpv6 }) => [key, prefersIpv6]),
)

/** Makes addresses of interfaces (`DatabaseDescriptor.applyAddressConfig`). */
function addInterfaces(options: Mutable, root: YamlMapping, interfaces: Interfaces): void {
  for (const { key, prefersIpv6, instead, option } of INTERFACES) {
    const name = root[key] ?? null
    if (name === null) continue
    if ((root[instead] ?? null) !== null) throw new ConfigurationError(`Set ${instead} OR ${key}, not both`)
    options[option] = interfaceAddress(key, String(name), root[prefersIpv6] === true, interfaces)
  }
}

/** The first address of the preferred kind, or the first one (`getNetworkInterfaceAddress`). */
function interfaceAddress(key: string, name: string, prefersIpv6: boolean, interfaces: Interfaces): string {
  const addresses = Object.hasOwn(interfaces, name) ? interfaces[name]! : []
  const family = prefersIpv6 ? 'IPv6' : 'IPv4'
  const found = addresses.find((one) => one.family === family) ?? addresses[0]
  // One without addresses is not listed.
  if (found === undefined) throw new ConfigurationError(`Configured ${key} "${name}" could not be found`)
  return found.address
}

/**
 * The options of a cassandra.yaml: keys that are options or settings here; for others there is a warning that they have no effect.
 * Throws a ConfigurationError that names the file where it can't be read or a value can't be meant.
 */
export function readCassandraYaml(text: string, file: string, interfaces: Interfaces): ConfigFile {
  try {
    return configOf(parseYaml(text), interfaces)
  } catch (error) {
    if (error instanceof ConfigurationError) throw new ConfigurationError(`${file}: ${error.message}`)
    throw error
  }
}

function configOf(root: Yaml, interfaces: Interfaces): ConfigFile {
  if (!isMapping(root)) {
    throw new ConfigurationError('Invalid yaml: the file has no names and values')
  }
  const options: Mutable = {}
  const settings: Record<string, number | boolean | string> = {}
  const without: string[] = []
  for (const [name, value] of Object.entries(root)) {
    const entry = Object.hasOwn(ENTRIES, name) ? ENTRIES[name] : undefined
    if (INTERFACE_KEYS.has(name)) continue
    if (entry !== undefined) entry(options, value, name)
    else if (!isSetting(name)) {
      if (!isAsHere(name, value)) without.push(name)
    } else if (Array.isArray(value)) settings[name] = value.join(',')
    else if (value !== null) settings[name] = value as number | boolean | string
  }
  addInterfaces(options, root, interfaces)
  if (Object.keys(settings).length > 0) options.settings = settings
  const warnings = without.map((name) => `cassandra.yaml: ${name} has no effect here`)
  return { options, warnings }
}
