import { parseUuid, uuidText } from '../../common/uuid.ts'
import { MutationFormatError } from '../replica/mutation-message.ts'

/**
 * A write that a replica missed (`hints/Hint.java`), as bytes:
 *
 * ```
 * int64   when the write was, milliseconds since 1970
 * int32   gc_grace_seconds then, the least of the mutation's tables
 *         the mutation, encoded (replica/mutation-message.ts)
 * ```
 * Numbers are big-endian but those of the mutation.
 */
export const HINT_HEADER_BYTES = 12
const HOST_ID_BYTES = 16

/** The bytes of a hint. */
export function encodeHint(mutation: Uint8Array, creationMs: number, gcGraceSeconds: number): Uint8Array {
  const bytes = new Uint8Array(HINT_HEADER_BYTES + mutation.length)
  const view = new DataView(bytes.buffer)
  view.setBigInt64(0, BigInt(creationMs))
  view.setInt32(8, gcGraceSeconds)
  bytes.set(mutation, HINT_HEADER_BYTES)
  return bytes
}

/** A hint that was read, over the bytes that it was read from. */
export interface Hint {
  readonly creationMs: number
  readonly gcGraceSeconds: number
  readonly mutation: Uint8Array
}

/** Throws a MutationFormatError where the bytes are too few. */
export function decodeHint(bytes: Uint8Array): Hint {
  if (bytes.length < HINT_HEADER_BYTES) throw new MutationFormatError('A hint is too short')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  return {
    creationMs: Number(view.getBigInt64(0)),
    gcGraceSeconds: view.getInt32(8),
    mutation: bytes.subarray(HINT_HEADER_BYTES),
  }
}

/**
 * Whether a hint may still be applied. Behind gc_grace_seconds, what it would write may have been deleted everywhere, and the
 * deletion forgotten (`Hint.isLive`).
 *
 * @param gcGraceSeconds the least of what it was when the hint was written and what it is now
 */
export function isLiveHint(creationMs: number, gcGraceSeconds: number, nowMs: number): boolean {
  return creationMs + gcGraceSeconds * 1000 > nowMs
}

/** The payload of HINT_REQ: the host id that the hint is for, and the hint (`HintMessage`). */
export function encodeHintMessage(hostId: string, hint: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(HOST_ID_BYTES + hint.length)
  bytes.set(parseUuid(hostId)!, 0)
  bytes.set(hint, HOST_ID_BYTES)
  return bytes
}

/** Throws a MutationFormatError where the bytes are too few. The hint lies in the payload. */
export function decodeHintMessage(payload: Uint8Array): { readonly hostId: string; readonly hint: Hint } {
  if (payload.length < HOST_ID_BYTES) throw new MutationFormatError('A hint is too short')
  return { hostId: uuidText(payload, 0), hint: decodeHint(payload.subarray(HOST_ID_BYTES)) }
}
