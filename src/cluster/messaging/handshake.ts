import { crc32 } from 'node:zlib'
import { readInt32, readUint16, utf8Bytes, utf8Text, writeInt32 } from '../../common/bytes.ts'

/**
 * The two messages that open a connection (docs/formats/internode.md, `net/HandshakeProtocol.java`): who connects says
 * which versions it speaks, what for, whose cluster it is of and who it is; the other answers with the version that both
 * speak, or with why it refuses. Both end with a CRC; what an older reader does not know stands before it and is passed over.
 */

/** `SIBY`. */
export const HANDSHAKE_MAGIC = 0x53494259
/** What Apache Cassandra's nodes begin with (`Message.PROTOCOL_MAGIC`). */
const CASSANDRA_MAGIC = 0xca552dfa

export const VERSION_1 = 1

/** Versions that a node speaks. */
export interface VersionRange {
  readonly min: number
  readonly max: number
}

export const SPOKEN_VERSIONS: VersionRange = { min: VERSION_1, max: VERSION_1 }

/** `net/ConnectionType.java`; three of each peer, so that gossip never waits behind data nor small behind large. */
export const ConnectionType = { URGENT: 0, SMALL: 1, LARGE: 2 } as const
export type ConnectionType = (typeof ConnectionType)[keyof typeof ConnectionType]
export const CONNECTION_TYPES = ['URGENT_MESSAGES', 'SMALL_MESSAGES', 'LARGE_MESSAGES'] as const

/** Why a connection is refused. */
export const Refusal = { NONE: 0, VERSION: 1, CLUSTER: 2, ENCRYPTION: 3, CLOSING: 4, MALFORMED: 5 } as const
export type Refusal = (typeof Refusal)[keyof typeof Refusal]

export interface Initiate {
  readonly versions: VersionRange
  readonly type: number
  /** Bits of what the connecting node can do beyond the version; none is defined. */
  readonly features: number
  readonly clusterName: string
  /** The broadcast endpoint of the node that connects, as text. */
  readonly from: string
}

export interface Accept {
  /** What both speak from now on; 0 where the connection is refused. */
  readonly version: number
  readonly versions: VersionRange
  /** Of the features offered, those that are used. */
  readonly features: number
  readonly refusal: Refusal
  /** Why, in words; empty without a refusal. */
  readonly reason: string
}

/** What was received is no handshake of ours; the text says what it looks like. */
export class HandshakeError extends Error {}

/** The greatest version that both speak; 0 if there is none. */
export function agreedVersion(ours: VersionRange, theirs: VersionRange): number {
  const version = Math.min(ours.max, theirs.max)
  return version >= ours.min && version >= theirs.min ? version : 0
}

const HEAD = 6
const CRC = 4
const INITIATE_FIXED = 8
const ACCEPT_FIXED = 8
/** Bytes of a handshake message before its CRC. */
const BODY_MAX = 4 * 1024

export function encodeInitiate(initiate: Initiate): Buffer {
  const body = [initiate.versions.min, initiate.versions.max, initiate.type, 0, ...word(initiate.features)]
  return seal(Buffer.concat([Buffer.from(body), text(initiate.clusterName), text(initiate.from)]))
}

export function encodeAccept(accept: Accept): Buffer {
  const { version, versions, refusal } = accept
  const body = [version, versions.min, versions.max, refusal, ...word(accept.features)]
  return seal(Buffer.concat([Buffer.from(body), text(accept.reason)]))
}

/** A handshake message and how many bytes it took. */
export interface Decoded<T> {
  readonly message: T
  readonly length: number
}

/** Null when it has not come whole. Throws a HandshakeError. */
export function decodeInitiate(bytes: Uint8Array): Decoded<Initiate> | null {
  const body = open(bytes)
  if (body === null) return null
  if (body.length < INITIATE_FIXED) throw new HandshakeError('the handshake is too short')
  const [clusterName, next] = textAt(body, INITIATE_FIXED)
  const [from] = textAt(body, next)
  return {
    message: {
      versions: { min: body[0]!, max: body[1]! },
      type: body[2]!,
      features: readInt32(body, 4),
      clusterName,
      from,
    },
    length: HEAD + body.length + CRC,
  }
}

/** Null when it has not come whole. Throws a HandshakeError. */
export function decodeAccept(bytes: Uint8Array): Decoded<Accept> | null {
  const body = open(bytes)
  if (body === null) return null
  if (body.length < ACCEPT_FIXED) throw new HandshakeError('the handshake is too short')
  const refusal = body[3]! <= Refusal.MALFORMED ? (body[3] as Refusal) : Refusal.MALFORMED
  return {
    message: {
      version: body[0]!,
      versions: { min: body[1]!, max: body[2]! },
      features: readInt32(body, 4),
      refusal,
      reason: textAt(body, ACCEPT_FIXED)[0],
    },
    length: HEAD + body.length + CRC,
  }
}

function word(value: number): number[] {
  const bytes = new Uint8Array(4)
  writeInt32(bytes, 0, value)
  return [...bytes]
}

function text(value: string): Buffer {
  const bytes = utf8Bytes(value)
  const out = Buffer.alloc(2 + bytes.length)
  out.writeUInt16BE(bytes.length, 0)
  out.set(bytes, 2)
  return out
}

function textAt(body: Uint8Array, at: number): [text: string, next: number] {
  const end = at + 2 <= body.length ? at + 2 + readUint16(body, at) : Number.POSITIVE_INFINITY
  if (end > body.length) throw new HandshakeError('a text of the handshake is cut off')
  return [utf8Text(body.subarray(at + 2, end)), end]
}

function seal(body: Buffer): Buffer {
  const out = Buffer.alloc(HEAD + body.length + CRC)
  out.writeUInt32BE(HANDSHAKE_MAGIC, 0)
  out.writeUInt16BE(body.length, 4)
  body.copy(out, HEAD)
  out.writeUInt32BE(crc32(out.subarray(0, HEAD + body.length)), HEAD + body.length)
  return out
}

function open(bytes: Uint8Array): Uint8Array | null {
  const known = Math.min(4, bytes.length)
  for (let i = 0; i < known; i++) {
    if (bytes[i] !== ((HANDSHAKE_MAGIC >>> (24 - 8 * i)) & 0xff)) return refuseMagic(bytes)
  }
  if (bytes.length < HEAD) return null
  const length = readUint16(bytes, 4)
  if (length > BODY_MAX) throw new HandshakeError(`a handshake of ${length} bytes`)
  const end = HEAD + length
  if (bytes.length < end + CRC) return null
  if (readInt32(bytes, end) !== (crc32(bytes.subarray(0, end)) | 0)) {
    throw new HandshakeError('the handshake does not match its checksum')
  }
  return bytes.subarray(HEAD, end)
}

function refuseMagic(bytes: Uint8Array): null {
  const first = bytes.length >= 4 ? readInt32(bytes, 0) >>> 0 : 0
  if (first === CASSANDRA_MAGIC) throw new HandshakeError('it speaks the protocol of Apache Cassandra')
  if (bytes[0] === 0x16) throw new HandshakeError('it speaks TLS, and internode_encryption is none')
  if (bytes.length >= 4) throw new HandshakeError('it does not speak the internode protocol')
  return null
}
