import { ProtocolError } from '../common/errors.ts'
import type { CompressionName } from '../protocol/index.ts'

/** `CassandraVersion.PATTERN`: major.minor[.patch[.hotfix]][-prerelease][+build]. */
const VERSION = /^(\d+)\.(\d+)(\.\w+)?(\.\w+)?(-[-.\w]+)?([.+][.\w]+)?$/

/** Throws unless the client asks for CQL 3. */
export function checkCqlVersion(version: string | undefined): void {
  if (version === undefined) throw new ProtocolError('Missing value CQL_VERSION in STARTUP message')
  const match = VERSION.exec(version)
  if (match === null) throw new ProtocolError(`Invalid version value: ${version}`)
  const [major, minor] = [Number(match[1]), Number(match[2])]
  if (major > 2 || (major === 2 && minor >= 99)) return
  throw new ProtocolError(
    `CQL version ${version} is not supported by the binary protocol (supported version are >= 3.0.0)`,
  )
}

/** The compression a client asks for, or null for none. */
export function startupCompression(asked: string | undefined, version: number): CompressionName | null {
  if (asked === undefined) return null
  const name = asked.toLowerCase()
  if (name === 'lz4') return name
  if (name !== 'snappy') throw new ProtocolError(`Unknown compression algorithm: ${name}`)
  if (version >= 5) throw new ProtocolError('Snappy compression is not supported in protocol V5')
  return name
}
