import { ConfigurationError } from '../common/errors.ts'
import type { TlsSettings } from '../io/network.ts'
import { pkcs12Certificates } from './pkcs12.ts'

/** cassandra.yaml's `client_encryption_options`. */
export interface ClientEncryptionOptions {
  readonly enabled?: boolean
  /** Plain connections are taken on the same port. */
  readonly optional?: boolean
  /** Path of the private key and its certificates: PEM or PKCS12. */
  readonly keystore?: string
  readonly keystore_password?: string
  readonly require_client_auth?: boolean | 'true' | 'false' | 'optional'
  /** Path of the certificates that sign clients': PEM or PKCS12. */
  readonly truststore?: string
  readonly truststore_password?: string
  /** As Java names them; TLSv1.2 and TLSv1.3 are spoken. */
  readonly accepted_protocols?: readonly string[]
  /** As OpenSSL or the IANA names them. */
  readonly cipher_suites?: readonly string[]
}

type StoreFormat = 'PEM' | 'PKCS12' | 'JKS'

const JKS_MAGIC = 0xfeedfeed
const JCEKS_MAGIC = 0xcececece
const DER_SEQUENCE = 0x30

/**
 * What the network needs to encrypt, or null when encryption is off. Throws a ConfigurationError for files that can't be used;
 * `readFile` brings them.
 */
export function tlsSettings(
  options: ClientEncryptionOptions,
  readFile: (path: string) => Buffer,
): TlsSettings | null {
  if (options.enabled !== true) return null
  const { keystore } = options
  if (keystore === undefined) throw new ConfigurationError('client_encryption_options.keystore must be set')
  const requireClientCertificate = String(options.require_client_auth ?? 'false') === 'true'
  return {
    isOptional: options.optional === true,
    requireClientCertificate,
    ...keys(keystore, readFile(keystore), options.keystore_password),
    ...trusted(options, readFile),
    ...versions(options.accepted_protocols),
    ...(options.cipher_suites === undefined ? {} : { ciphers: options.cipher_suites.join(':') }),
  }
}

function formatOf(bytes: Buffer): StoreFormat {
  const magic = bytes.length >= 4 ? bytes.readUInt32BE(0) : 0
  if (magic === JKS_MAGIC || magic === JCEKS_MAGIC) return 'JKS'
  return bytes[0] === DER_SEQUENCE ? 'PKCS12' : 'PEM'
}

function refuseJks(what: string, path: string): never {
  const converted = path.replace(/(\.jks|\.keystore|\.truststore)?$/, '.p12')
  throw new ConfigurationError(
    `The ${what} ${path} is a Java keystore (JKS), which can't be read here. Convert it to PKCS12: ` +
      `keytool -importkeystore -srckeystore ${path} -destkeystore ${converted} -deststoretype PKCS12`,
  )
}

function keys(path: string, bytes: Buffer, passphrase: string | undefined): Partial<TlsSettings> {
  switch (formatOf(bytes)) {
    case 'JKS':
      return refuseJks('keystore', path)
    case 'PKCS12':
      return { pfx: bytes, passphrase }
    case 'PEM':
      if (!bytes.includes('PRIVATE KEY-----') || !bytes.includes('-----BEGIN CERTIFICATE-----')) {
        throw new ConfigurationError(
          `The keystore ${path} must hold a private key and its certificate (PEM or PKCS12)`,
        )
      }
      return { key: bytes, cert: bytes, passphrase }
  }
}

function trusted(options: ClientEncryptionOptions, readFile: (path: string) => Buffer): Partial<TlsSettings> {
  const { truststore } = options
  if (truststore === undefined) return {}
  const bytes = readFile(truststore)
  switch (formatOf(bytes)) {
    case 'JKS':
      return refuseJks('truststore', truststore)
    case 'PKCS12':
      return { ca: pkcs12Certificates(bytes, options.truststore_password ?? '') }
    case 'PEM':
      return { ca: [bytes] }
  }
}

/** The range that holds the accepted protocols. */
function versions(accepted: readonly string[] | undefined): Partial<TlsSettings> {
  if (accepted === undefined || accepted.length === 0) return {}
  const has12 = accepted.includes('TLSv1.2')
  const has13 = accepted.includes('TLSv1.3')
  if (!has12 && !has13) {
    throw new ConfigurationError(`None of ${accepted.join(', ')} is spoken: accepted are TLSv1.2 and TLSv1.3`)
  }
  return { minVersion: has12 ? 'TLSv1.2' : 'TLSv1.3', maxVersion: has13 ? 'TLSv1.3' : 'TLSv1.2' }
}
