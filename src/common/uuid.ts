/**
 * UUIDs as 16 bytes and as text, and the arithmetic of version 1 ones (`TimeUUID`). Pure functions: the clock and the
 * random node and clock sequence come from the caller.
 */

import { readInt32, writeInt32 } from './bytes.ts'

/** Milliseconds from the UUID epoch, 15 October 1582, to the Unix epoch. */
const UUID_EPOCH_UNIX_MS = 12219292800000n

/** Least and greatest low half in Cassandra's order, which compares these bytes signed. */
export const MIN_CLOCK_SEQ_AND_NODE = 0x8080808080808080n
export const MAX_CLOCK_SEQ_AND_NODE = 0x7f7f7f7f7f7f7f7fn

const UUID_TEXT = /^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$/

/** Text of the UUID at `offset`, in lower case. */
export function uuidText(bytes: Uint8Array, offset = 0): string {
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset + offset, 16).toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** The 16 bytes of a UUID's text, or undefined when it is none. */
export function parseUuid(text: string): Uint8Array | undefined {
  return UUID_TEXT.test(text) ? new Uint8Array(Buffer.from(text.replaceAll('-', ''), 'hex')) : undefined
}

/** The version nibble. */
export function uuidVersion(bytes: Uint8Array, offset = 0): number {
  return bytes[offset + 6] >> 4
}

/**
 * A version 1 UUID of a tick count (100 ns since 1582) and the low 64 bits (variant, clock sequence, node).
 * Layout, RFC 4122 section 4.1.2: time low (4 bytes), time mid (2), version and time high (2), low bits (8).
 */
export function timeUuidBytes(ticks: bigint, clockSeqAndNode: bigint): Uint8Array {
  const bytes = new Uint8Array(16)
  // Ticks that have no place are mixed with the version, as Cassandra does it.
  const high = Number((ticks >> 48n) & 0xffffn) | 0x1000
  const middle = Number((ticks >> 32n) & 0xffffn)
  writeInt32(bytes, 0, Number(ticks & 0xffffffffn))
  writeInt32(bytes, 4, (middle << 16) | high)
  const low = BigInt.asUintN(64, clockSeqAndNode)
  writeInt32(bytes, 8, Number(low >> 32n))
  writeInt32(bytes, 12, Number(low & 0xffffffffn))
  return bytes
}

/** The low 64 bits of a 14-bit clock sequence and a 48-bit node, with the RFC 4122 variant. */
export function clockSeqAndNode(clockSeq: number, node: bigint): bigint {
  return (BigInt(0x8000 | (clockSeq & 0x3fff)) << 48n) | (node & 0xffffffffffffn)
}

/** Ticks (100 ns since 1582) of the version 1 UUID at `offset`. */
export function timeUuidTicks(bytes: Uint8Array, offset = 0): bigint {
  const low = BigInt(readInt32(bytes, offset) >>> 0)
  const rest = readInt32(bytes, offset + 4)
  return (BigInt(rest & 0x0fff) << 48n) | (BigInt(rest >>> 16) << 32n) | low
}

/** Ticks of a Unix time in microseconds. */
export function ticksFromUnixMicros(micros: bigint): bigint {
  return (micros + UUID_EPOCH_UNIX_MS * 1000n) * 10n
}

/** Unix microseconds of a version 1 UUID, rounded down. */
export function timeUuidUnixMicros(bytes: Uint8Array, offset = 0): bigint {
  return timeUuidTicks(bytes, offset) / 10n - UUID_EPOCH_UNIX_MS * 1000n
}

/** Unix milliseconds of a version 1 UUID, rounded down (`TimeUUID.unix(MILLISECONDS)`). */
export function timeUuidUnixMs(bytes: Uint8Array, offset = 0): number {
  return Number(timeUuidTicks(bytes, offset) / 10000n - UUID_EPOCH_UNIX_MS)
}

/** Least timeuuid of a millisecond, CQL's `minTimeuuid` (`TimeUUID.minAtUnixMillis`). */
export function minTimeUuid(unixMs: number | bigint): Uint8Array {
  return timeUuidBytes((BigInt(unixMs) + UUID_EPOCH_UNIX_MS) * 10000n, MIN_CLOCK_SEQ_AND_NODE)
}

/** Greatest timeuuid of a millisecond, CQL's `maxTimeuuid` (`TimeUUID.maxAtUnixMillis`). */
export function maxTimeUuid(unixMs: number | bigint): Uint8Array {
  return timeUuidBytes((BigInt(unixMs) + UUID_EPOCH_UNIX_MS) * 10000n + 9999n, MAX_CLOCK_SEQ_AND_NODE)
}
