import {
  type EncryptionOptions,
  type ReadFile,
  requiresClientCertificate,
  tlsIdentity,
} from '../../io/encryption.ts'
import type { ConnectOptions, TlsSettings } from '../../io/network.ts'
import type { Endpoint } from '../endpoint.ts'

/** cassandra.yaml's `server_encryption_options` (`EncryptionOptions.ServerEncryptionOptions`). */
export interface ServerEncryptionOptions extends EncryptionOptions {
  /** Which peers are connected to with TLS: all, those of another data centre, or of another rack. */
  readonly internode_encryption?: 'all' | 'none' | 'dc' | 'rack'
  /** Plain connections are taken as well. */
  readonly optional?: boolean
  /** Encrypted connections alone are taken on ssl_storage_port, besides. */
  readonly legacy_ssl_storage_port_enabled?: boolean
  /** The server's certificate must be for the address that was connected to. */
  readonly require_endpoint_verification?: boolean
  /** The certificate that is shown to servers, if it is not the keystore's. */
  readonly outbound_keystore?: string
  readonly outbound_keystore_password?: string
}

/** Where a peer is, as the snitch has it. */
export type Locality = (peer: Endpoint) => 'sameRack' | 'sameDatacenter' | 'elsewhere'

/** What messaging does about encryption. */
export interface InternodeEncryption {
  /** How storage_port listens; null for plain. */
  readonly listen: TlsSettings | null
  /** How ssl_storage_port listens; null where it is not used. */
  readonly legacyListen: TlsSettings | null
  /** How to connect to a peer; null for plain. */
  connect(to: Endpoint): ConnectOptions['tls'] | null
  /** Whether a peer that connects without TLS is turned away. */
  isRequired(from: Endpoint): boolean
  /** After an encrypted connection has failed, a plain one is tried in turns. */
  readonly mayFallBack: boolean
  /** What the operator should know about these options. */
  readonly warnings: readonly string[]
}

export const NO_ENCRYPTION: InternodeEncryption = {
  listen: null,
  legacyListen: null,
  connect: () => null,
  isRequired: () => false,
  mayFallBack: false,
  warnings: [],
}

const SPOOFING =
  "Setting require_client_auth is incompatible with 'rack' and 'dc' internode_encryption values. It is possible for an " +
  'internode connection to pretend to be in the same rack/dc by spoofing its broadcast address in the handshake and ' +
  'bypass authentication. To ensure that mutual TLS authentication is not bypassed, please set internode_encryption to ' +
  "'all'. Continuing with insecure configuration."

/** Reads `options`; `readFile` brings the stores. Throws a ConfigurationError for stores that can't be used. */
export function internodeEncryption(
  options: ServerEncryptionOptions,
  locality: Locality,
  readFile: ReadFile,
): InternodeEncryption {
  const which = options.internode_encryption ?? 'none'
  const isExplicitlyOptional = options.optional === true
  // Who has a keystore and does not encrypt is taken to want to, some day.
  const isOptional = options.optional ?? (which === 'none' && hasKeystore(options, readFile))
  const isLegacy = options.legacy_ssl_storage_port_enabled === true
  // With `optional`, a node that does not encrypt itself takes encrypted connections: how a running ring is changed over.
  if (which === 'none' && !isOptional && !isLegacy) return NO_ENCRYPTION
  const name = 'server_encryption_options'
  const identity = tlsIdentity(options, name, readFile)
  const { outbound_keystore: keystore, outbound_keystore_password: keystore_password } = options
  const outbound =
    keystore === undefined
      ? identity
      : tlsIdentity({ ...options, keystore, keystore_password }, name, readFile)
  const inbound = { ...identity, requireClientCertificate: requiresClientCertificate(options) }
  const tls = { ...outbound, verifyHost: options.require_endpoint_verification === true }
  const shouldEncrypt = (peer: Endpoint): boolean => {
    if (which === 'none' || which === 'all') return which === 'all'
    const where = locality(peer)
    return where === 'elsewhere' || (which === 'rack' && where !== 'sameRack')
  }
  return {
    listen:
      which === 'none' && !isOptional
        ? null
        : { ...inbound, isOptional: isOptional || which === 'dc' || which === 'rack' },
    legacyListen: isLegacy ? { ...inbound, isOptional: false } : null,
    connect: (to) => (shouldEncrypt(to) ? tls : null),
    isRequired: (from) => !isExplicitlyOptional && shouldEncrypt(from),
    mayFallBack: isOptional,
    warnings: inbound.requireClientCertificate && (which === 'dc' || which === 'rack') ? [SPOOFING] : [],
  }
}

function hasKeystore({ keystore }: ServerEncryptionOptions, readFile: ReadFile): boolean {
  if (keystore === undefined) return false
  try {
    readFile(keystore)
    return true
  } catch {
    return false
  }
}
