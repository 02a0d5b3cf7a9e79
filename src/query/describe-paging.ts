/**
 * Paging states of DESCRIBE. Where those of a SELECT have the partition's key they have
 * (`DescribeStatement.getPagingState`):
 *
 *     short   1, the version of this format
 *     UTF     release version of the server: its length in two bytes, then it
 *     UUID    schema version, 16 bytes
 *     long    how many rows were given so far
 */

import { int64Bytes, readInt16, readInt64, readUint16, utf8Bytes, utf8Text } from '../common/bytes.ts'
import { InvalidRequestError, ServerError } from '../common/errors.ts'
import { parseUuid, uuidText } from '../common/uuid.ts'
import { parsePagingState, serializePagingState } from '../cql/select/index.ts'

const FORMAT_VERSION = 1
const MAX_INT = 0x7fffffff
const UUID_BYTES = 16

/** What a state of this server says beside the offset: neither may change from page to page. */
export interface DescribeVersions {
  readonly release: string
  /** UUID as text. */
  readonly schema: string
}

/** The state that goes on behind so many rows, in the form that the protocol version has. */
export function describePagingState(
  offset: bigint,
  versions: DescribeVersions,
  protocolVersion: number,
): Uint8Array {
  const release = utf8Bytes(versions.release)
  const partitionKey = Buffer.concat([
    Uint8Array.of(0, FORMAT_VERSION, release.length >> 8, release.length),
    release,
    parseUuid(versions.schema)!,
    int64Bytes(offset),
  ])
  return serializePagingState(
    { partitionKey, rowMark: null, legacyMark: false, remaining: MAX_INT, remainingInPartition: MAX_INT },
    protocolVersion,
  )
}

/**
 * How many rows were given before; null is the first page. Throws a ProtocolError for what is no paging state at all,
 * and an InvalidRequestError for one that is not of DESCRIBE, of another server, or of another schema.
 */
export function describedOffset(
  state: Uint8Array | null,
  versions: DescribeVersions,
  protocolVersion: number,
): bigint {
  if (state === null) return 0n
  const bytes = parsePagingState(state, protocolVersion).partitionKey
  if (bytes === null) {
    throw new ServerError(
      'java.lang.NullPointerException: Cannot invoke "java.nio.ByteBuffer.remaining()" because "this.buffer" is null',
    )
  }
  if (bytes.length < 2) throw unreadable()
  if (readInt16(bytes, 0) !== FORMAT_VERSION) throw new InvalidRequestError('Incompatible paging state')
  if (bytes.length < 4) throw unreadable()
  let at = 4 + readUint16(bytes, 2)
  if (bytes.length < at) throw unreadable()
  const release = releaseText(bytes.subarray(4, at))
  if (release !== versions.release) {
    throw new InvalidRequestError(
      `The server version of the paging state ${release} is different from the one of the server ${versions.release}`,
    )
  }
  // Bytes that are missing count as zeros.
  const schema = new Uint8Array(UUID_BYTES)
  schema.set(bytes.subarray(at, at + UUID_BYTES))
  at += UUID_BYTES
  if (uuidText(schema) !== versions.schema) {
    throw new InvalidRequestError(
      'The schema has changed since the previous page of the DESCRIBE statement result. Please retry the DESCRIBE statement.',
    )
  }
  if (bytes.length < at + 8) throw unreadable()
  return readInt64(bytes, at)
}

function releaseText(bytes: Uint8Array): string {
  const text = utf8Text(bytes)
  if (text.includes('\ufffd')) throw unreadable()
  return text
}

function unreadable(): InvalidRequestError {
  return new InvalidRequestError('Invalid paging state.')
}
