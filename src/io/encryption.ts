import { ConfigurationError } from '../common/errors.ts'
import type { TlsIdentity } from './network.ts'
import { pkcs12Certificates } from './pkcs12.ts'

/** What `client_encryption_options` and `server_encryption_options` have in common (`config/EncryptionOptions.java`). */
export interface EncryptionOptions {
  /** Path of the private key and its certificates: PEM or PKCS12. */
  readonly keystore?: string
  readonly keystore_password?: string
  readonly require_client_auth?: boolean | 'true' | 'false' | 'optional'
  /** Path of the certificates that sign the other side's: PEM or PKCS12. */
  readonly truststore?: string
  readonly truststore_password?: string
  /** As Java names them; TLSv1.2 and TLSv1.3 are spoken. */
  readonly accepted_protocols?: readonly string[]
  /** As OpenSSL or the IANA names them. */
  readonly cipher_suites?: readonly string[]
}

export type ReadFile = (path: string) => Buffer

type StoreFormat = 'PEM' | 'PKCS12' | 'JKS'

const JKS_MAGIC = 0xfeedfeed
const JCEKS_MAGIC = 0xcececece
const DER_SEQUENCE = 0x30

/**
 * Key, certificates, versions and ciphers that `options` name; `readFile` brings the files and `name` says whose options
 * they are. Throws a ConfigurationError for files that can't be used, and where there is no keystore.
 */
export function tlsIdentity(options: EncryptionOptions, name: string, readFile: ReadFile): TlsIdentity {
  const { keystore } = options
  if (keystore === undefined) throw new ConfigurationError(`${name}.keystore must be set`)
  return {
    ...keys(keystore, readFile(keystore), options.keystore_password),
    ...trusted(options, readFile),
    ...versions(options.accepted_protocols),
    ...(options.cipher_suites === undefined ? {} : { ciphers: options.cipher_suites.join(':') }),
  }
}

/** Whether the other side must show a certificate. */
export function requiresClientCertificate(options: EncryptionOptions): boolean {
  return String(options.require_client_auth ?? 'false') === 'true'
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

function keys(path: string, bytes: Buffer, passphrase: string | undefined): Partial<TlsIdentity> {
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

function trusted(options: EncryptionOptions, readFile: ReadFile): Partial<TlsIdentity> {
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
function versions(accepted: readonly string[] | undefined): Partial<TlsIdentity> {
  if (accepted === undefined || accepted.length === 0) return {}
  const has12 = accepted.includes('TLSv1.2')
  const has13 = accepted.includes('TLSv1.3')
  if (!has12 && !has13) {
    throw new ConfigurationError(`None of ${accepted.join(', ')} is spoken: accepted are TLSv1.2 and TLSv1.3`)
  }
  return { minVersion: has12 ? 'TLSv1.2' : 'TLSv1.3', maxVersion: has13 ? 'TLSv1.3' : 'TLSv1.2' }
}
