import {
  type EncryptionOptions,
  type ReadFile,
  requiresClientCertificate,
  tlsIdentity,
} from '../io/encryption.ts'
import type { TlsSettings } from '../io/network.ts'

/** cassandra.yaml's `client_encryption_options`. */
export interface ClientEncryptionOptions extends EncryptionOptions {
  readonly enabled?: boolean
  /** Plain connections are taken on the same port. */
  readonly optional?: boolean
}

/**
 * What the network needs to encrypt, or null when encryption is off. Throws a ConfigurationError for files that can't be used;
 * `readFile` brings them.
 */
export function tlsSettings(options: ClientEncryptionOptions, readFile: ReadFile): TlsSettings | null {
  if (options.enabled !== true) return null
  return {
    isOptional: options.optional === true,
    requireClientCertificate: requiresClientCertificate(options),
    ...tlsIdentity(options, 'client_encryption_options', readFile),
  }
}
