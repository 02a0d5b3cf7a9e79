import { readFileSync } from 'node:fs'
import type { TlsSettings } from '../io/network.ts'
import type { ClientEncryptionOptions } from './options.ts'

/** First four bytes of a Java keystore. */
const JKS_MAGIC = 0xfeedfeed
/** First byte of a PKCS12 file: an ASN.1 sequence. */
const ASN1_SEQUENCE = 0x30

/**
 * TLS as client_encryption_options asks for it. Keystores are PEM (key and certificates in one file) or PKCS12; a Java
 * keystore is refused with the command that converts it.
 */
export function tlsSettings(options: ClientEncryptionOptions): TlsSettings {
  if (options.keystore === undefined) throw new Error('client_encryption_options need a keystore')
  const requireClientCertificate = options.require_client_auth ?? false
  const ca =
    options.truststore === undefined ? {} : { ca: trusted(options.truststore, options.truststore_password) }
  return {
    isOptional: options.optional ?? false,
    requireClientCertificate,
    ...identity(options.keystore, options.keystore_password),
    ...ca,
  }
}

function identity(
  path: string,
  password: string | undefined,
): Pick<TlsSettings, 'key' | 'cert' | 'pfx' | 'passphrase'> {
  const bytes = read(path)
  const passphrase = password === undefined ? {} : { passphrase: password }
  if (bytes[0] === ASN1_SEQUENCE) return { pfx: bytes, ...passphrase }
  return { key: bytes, cert: bytes, ...passphrase }
}

function trusted(path: string, password: string | undefined): Buffer[] {
  const bytes = read(path)
  if (bytes[0] === ASN1_SEQUENCE) {
    throw new Error(
      `The truststore ${path} is PKCS12; export its certificates as PEM: openssl pkcs12 -in ${path} -nokeys -out truststore.pem${password === undefined ? '' : ' -passin pass:...'}`,
    )
  }
  return [bytes]
}

function read(path: string): Buffer {
  const bytes = readFileSync(path)
  if (bytes.length >= 4 && bytes.readUInt32BE(0) === JKS_MAGIC) {
    const target = path.replace(/(\.jks)?$/, '.p12')
    throw new Error(
      `${path} is a Java keystore (JKS), which is not read here. Convert it: keytool -importkeystore -srckeystore ${path} -destkeystore ${target} -deststoretype PKCS12`,
    )
  }
  return bytes
}
