import { createDecipheriv, pbkdf2Sync } from 'node:crypto'
import { ConfigurationError } from '../common/errors.ts'

/**
 * The certificates of a PKCS12 file (RFC 7292), for truststores: Node reads such a file only where it holds a
 * private key. The schemes are those that `keytool` and `openssl` have written for years: PBES2 with PBKDF2 and AES,
 * or none.
 */

const OID = {
  data: '1.2.840.113549.1.7.1',
  encryptedData: '1.2.840.113549.1.7.6',
  pbes2: '1.2.840.113549.1.5.13',
  certBag: '1.2.840.113549.1.12.10.1.3',
} as const

const PRFS: Readonly<Record<string, string>> = {
  '1.2.840.113549.2.7': 'sha1',
  '1.2.840.113549.2.9': 'sha256',
  '1.2.840.113549.2.10': 'sha384',
  '1.2.840.113549.2.11': 'sha512',
}

interface Cipher {
  readonly name: string
  readonly keyLength: number
}

const CIPHERS: Readonly<Record<string, Cipher>> = {
  '2.16.840.1.101.3.4.1.2': { name: 'aes-128-cbc', keyLength: 16 },
  '2.16.840.1.101.3.4.1.22': { name: 'aes-192-cbc', keyLength: 24 },
  '2.16.840.1.101.3.4.1.42': { name: 'aes-256-cbc', keyLength: 32 },
}

/** One DER element; its contents are read when asked for. */
class Der {
  readonly tag: number
  readonly content: Buffer

  private constructor(tag: number, content: Buffer) {
    this.tag = tag
    this.content = content
  }

  /** The elements that `bytes` consists of. */
  static all(bytes: Buffer): Der[] {
    const elements: Der[] = []
    for (let at = 0; at < bytes.length; ) {
      const tag = bytes[at]
      let length = bytes[at + 1]
      let start = at + 2
      if (length === undefined || length === 0x80) throw new ConfigurationError('Not a PKCS12 file')
      if (length > 0x80) {
        const count = length & 0x7f
        if (count > 4 || start + count > bytes.length) throw new ConfigurationError('Not a PKCS12 file')
        length = bytes.readUIntBE(start, count)
        start += count
      }
      if (start + length > bytes.length) throw new ConfigurationError('Not a PKCS12 file')
      elements.push(new Der(tag, bytes.subarray(start, start + length)))
      at = start + length
    }
    return elements
  }

  get children(): Der[] {
    return Der.all(this.content)
  }

  /** The child at a path of positions. */
  at(...path: readonly number[]): Der {
    let here: Der = this
    for (const index of path) {
      const next: Der | undefined = here.children[index]
      if (next === undefined) throw new ConfigurationError('Not a PKCS12 file')
      here = next
    }
    return here
  }

  get oid(): string {
    const [first, ...rest] = this.content
    const parts = [Math.min(2, Math.floor(first / 40)), first - 40 * Math.min(2, Math.floor(first / 40))]
    let value = 0
    for (const byte of rest) {
      value = value * 128 + (byte & 0x7f)
      if (byte < 0x80) {
        parts.push(value)
        value = 0
      }
    }
    return parts.join('.')
  }

  get integer(): number {
    return this.content.readUIntBE(0, Math.min(6, this.content.length))
  }
}

/** Certificates in PEM. Throws a ConfigurationError for another kind of file or a wrong password. */
export function pkcs12Certificates(file: Buffer, password: string): string[] {
  const authSafe = Der.all(file)[0].at(1)
  const certificates: string[] = []
  for (const info of Der.all(octets(authSafe))[0].children) {
    const type = info.at(0).oid
    if (type === OID.data) collect(octets(info), certificates)
    else if (type === OID.encryptedData) collect(decrypt(info.at(1, 0, 1), password), certificates)
  }
  return certificates
}

/** The octet string in a ContentInfo of type data. */
function octets(info: Der): Buffer {
  return info.at(1, 0).content
}

function decrypt(encrypted: Der, password: string): Buffer {
  const algorithm = encrypted.at(1)
  if (algorithm.at(0).oid !== OID.pbes2) {
    throw new ConfigurationError(
      'The PKCS12 file is encrypted in an old way (RC2 or 3DES). Write it again with a current keytool or openssl.',
    )
  }
  const derivation = algorithm.at(1, 0, 1)
  const [salt, iterations, ...others] = derivation.children
  const prfElement = others.find(({ tag }) => tag === 0x30)
  const prf = PRFS[prfElement === undefined ? '1.2.840.113549.2.7' : prfElement.at(0).oid]
  const cipher = CIPHERS[algorithm.at(1, 1, 0).oid]
  if (prf === undefined || cipher === undefined) {
    throw new ConfigurationError('The PKCS12 file is encrypted in an unknown way')
  }
  const iv = algorithm.at(1, 1, 1).content
  const key = pbkdf2Sync(password, salt.content, iterations.integer, cipher.keyLength, prf)
  const decipher = createDecipheriv(cipher.name, key, iv)
  try {
    return Buffer.concat([decipher.update(encrypted.at(2).content), decipher.final()])
  } catch {
    throw new ConfigurationError('The password of the PKCS12 file is wrong')
  }
}

/** Adds the X.509 certificates among the bags of a SafeContents. */
function collect(safeContents: Buffer, certificates: string[]): void {
  for (const bag of Der.all(safeContents)[0].children) {
    if (bag.at(0).oid !== OID.certBag) continue
    const der = bag.at(1, 0, 1, 0).content
    const lines = der.toString('base64').match(/.{1,64}/g) ?? []
    certificates.push(['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n'))
  }
}
