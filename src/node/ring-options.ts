import { DEFAULT_STORAGE_PORT, type Endpoint, endpoint, parseEndpoint } from '../cluster/endpoint.ts'
import { ConfigurationError } from '../common/errors.ts'
import type { Logger } from './logger.ts'
import type { SibylOptions } from './options.ts'

/** ssl_storage_port. */
const DEFAULT_SSL_STORAGE_PORT = 7001
/** More seeds make the third round of gossip less useful (`SimpleSeedProvider`). */
const SEEDS_WARN_THRESHOLD = 20

/** Finds the address of a host's name, 'localhost' or the machine's own name among them; null where it has none. */
export type Lookup = (name: string) => Promise<string | null>

/** Where a node of a ring listens, how it is known, and whom it asks. */
export interface RingAddresses {
  readonly listen: { readonly host: string; readonly port: number; readonly sslPort: number }
  /** broadcast_address and storage_port: what it is to other nodes. */
  readonly broadcast: Endpoint
  /** Where it listens for clients. */
  readonly rpcHost: string
  /** broadcast_rpc_address. */
  readonly nativeHost: string
  readonly seeds: readonly Endpoint[]
}

/**
 * The addresses by the rules of `DatabaseDescriptor.applyAddressConfig`, but that what is not said follows from what is: clients are
 * served where nodes are, and the other way round. Throws a ConfigurationError.
 */
export async function ringAddressesOf(
  options: SibylOptions,
  lookup: Lookup,
  logger: Pick<Logger, 'warn'>,
): Promise<RingAddresses> {
  const { listenAddress, broadcastAddress, broadcastRpcAddress } = options
  const storagePort = options.storagePort ?? DEFAULT_STORAGE_PORT
  const isWildcardHost = options.host === '0.0.0.0' || options.host === '::'
  const wanted = listenAddress ?? (isWildcardHost ? 'auto' : (options.host ?? 'localhost'))
  const listen = await addressOf(wanted, lookup)
  if (listen === null) throw new ConfigurationError(`Unknown listen_address '${wanted}'`)
  refuseWildcard('listen_address', listen)
  const broadcast = await namedAddress('broadcast_address', broadcastAddress ?? listen, lookup)
  const rpc = options.host === undefined ? listen : await addressOf(options.host, lookup)
  if (rpc === null) throw new ConfigurationError(`Unknown host in rpc_address ${options.host}`)
  // The official image does the same where a wildcard is all that is said.
  const native = await namedAddress(
    'broadcast_rpc_address',
    broadcastRpcAddress ?? (isWildcard(rpc) ? broadcast : rpc),
    lookup,
  )
  const at = endpoint(broadcast, storagePort)!
  return {
    listen: { host: listen, port: storagePort, sslPort: options.sslStoragePort ?? DEFAULT_SSL_STORAGE_PORT },
    broadcast: at,
    rpcHost: rpc,
    nativeHost: native,
    seeds: await seedsOf(options.seeds, at, storagePort, lookup, logger),
  }
}

async function namedAddress(name: string, text: string, lookup: Lookup): Promise<string> {
  const address = await addressOf(text, lookup)
  if (address === null) throw new ConfigurationError(`Unknown ${name} '${text}'`)
  refuseWildcard(name, address)
  return address
}

function isWildcard(address: string): boolean {
  return /^[0:.]+$/.test(address)
}

function refuseWildcard(name: string, address: string): void {
  if (isWildcard(address)) throw new ConfigurationError(`${name} cannot be a wildcard address (${address})!`)
}

/** An address as `Endpoint.host` writes it; 'auto' is that of the machine's name. */
async function addressOf(text: string, lookup: Lookup): Promise<string | null> {
  if (text === 'localhost') return '127.0.0.1'
  const known = text === 'auto' ? null : endpoint(text)
  if (known !== null) return known.host
  const found = await lookup(text === 'auto' ? '' : text)
  return found === null ? null : (endpoint(found)?.host ?? null)
}

/** Seeds that can be found; a node of whom nothing is said is its own. Throws where none can. */
async function seedsOf(
  given: SibylOptions['seeds'],
  local: Endpoint,
  port: number,
  lookup: Lookup,
  logger: Pick<Logger, 'warn'>,
): Promise<Endpoint[]> {
  if (given === undefined) return [local]
  const texts = (typeof given === 'string' ? given.split(',') : given).map((text) => text.trim())
  const seeds: Endpoint[] = []
  for (const text of texts.filter((text) => text !== '')) {
    const seed = await seedOf(text, port, lookup)
    if (seed === null) logger.warn(`Seed provider couldn't lookup host ${text}`)
    else if (!seeds.some((other) => other.text === seed.text)) seeds.push(seed)
  }
  if (seeds.length === 0) throw new ConfigurationError('The seed provider lists no seeds.')
  if (seeds.length > SEEDS_WARN_THRESHOLD) {
    logger.warn(
      `Seed provider returned more than ${SEEDS_WARN_THRESHOLD} seeds. A large seed list may impact effectiveness of the third gossip round.`,
    )
  }
  return seeds
}

async function seedOf(text: string, port: number, lookup: Lookup): Promise<Endpoint | null> {
  const known = parseEndpoint(text, port)
  if (known !== null) return known
  const [, name = text, own] = /^([^:]+)(?::(\d{1,5}))?$/.exec(text) ?? []
  const address = await addressOf(name, lookup)
  return address === null ? null : endpoint(address, own === undefined ? port : Number(own))
}
