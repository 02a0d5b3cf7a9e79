import { timeUuidUnixMicros } from '../../common/uuid.ts'
import { MutationFormatError } from '../replica/mutation-message.ts'

/** A logged batch as it is kept until all its mutations have arrived (`batchlog/Batch.java`). */
export interface Batch {
  /** A time UUID, 16 bytes: when the batch was begun. */
  readonly id: Uint8Array
  /** Encoded mutations (replica/mutation-message.ts), of one partition each. */
  readonly mutations: readonly Uint8Array[]
}

const ID_BYTES = 16
const ALIGNMENT = 4

/** When a batch was begun, microseconds since 1970. */
export function batchMicros(id: Uint8Array): number {
  return Number(timeUuidUnixMicros(id))
}

/** The payload of BATCH_STORE_REQ: the id, the number of mutations, and of each its length and its bytes. */
export function encodeBatch({ id, mutations }: Batch): Uint8Array {
  let size = ID_BYTES + 4
  for (const mutation of mutations) size += 4 + mutation.length
  const bytes = new Uint8Array(size)
  const view = new DataView(bytes.buffer)
  bytes.set(id, 0)
  view.setUint32(ID_BYTES, mutations.length)
  let at = ID_BYTES + 4
  for (const mutation of mutations) {
    view.setUint32(at, mutation.length)
    bytes.set(mutation, at + 4)
    at += 4 + mutation.length
  }
  return bytes
}

/** The batch, over the payload's bytes. Throws a MutationFormatError. */
export function decodeBatch(payload: Uint8Array): Batch {
  if (payload.length < ID_BYTES + 4) throw new MutationFormatError('A batch is too short')
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length)
  const mutations: Uint8Array[] = []
  let at = ID_BYTES + 4
  for (let left = view.getUint32(ID_BYTES); left > 0; left--) {
    const length = at + 4 <= payload.length ? view.getUint32(at) : Number.POSITIVE_INFINITY
    if (at + 4 + length > payload.length || length % ALIGNMENT !== 0) {
      throw new MutationFormatError('A batch is cut')
    }
    mutations.push(payload.subarray(at + 4, at + 4 + length))
    at += 4 + length
  }
  return { id: payload.subarray(0, ID_BYTES), mutations }
}
