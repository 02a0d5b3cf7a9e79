/** What a replica tells of a read beside its answer (`MessageParams`, `ParamType`). */

export interface ReadNotice {
  /** More than tombstone_warn_threshold, or what the read was given up at; 0 for nothing to tell. */
  readonly tombstones: number
  /** The same of local_read_size_warn_threshold, in bytes. */
  readonly bytes: number
  /** The read was given up: there is no answer. */
  readonly givenUpFor: 'tombstones' | 'bytes' | null
}

/** Behind the answer to a request that wants to hear it: byte 1 given up for tombstones, 2 for bytes; uint32 and float64, big-endian. */
export const NOTICE_BYTES = 13
const GIVEN_UP_FOR = [null, 'tombstones', 'bytes'] as const

/** The answer with the notice behind it. */
export function withNotice(answer: Uint8Array, { tombstones, bytes, givenUpFor }: ReadNotice): Uint8Array {
  const all = new Uint8Array(answer.length + NOTICE_BYTES)
  all.set(answer)
  const view = new DataView(all.buffer, answer.length)
  view.setUint8(0, GIVEN_UP_FOR.indexOf(givenUpFor))
  view.setUint32(1, tombstones)
  view.setFloat64(5, bytes)
  return all
}

/** What is behind an answer that `withNotice` made; null where there is nothing to tell. */
export function noticeOf(message: Uint8Array): ReadNotice | null {
  const view = new DataView(message.buffer, message.byteOffset + message.length - NOTICE_BYTES, NOTICE_BYTES)
  const givenUpFor = GIVEN_UP_FOR[view.getUint8(0)] ?? null
  const [tombstones, bytes] = [view.getUint32(1), view.getFloat64(5)]
  return tombstones === 0 && bytes === 0 ? null : { tombstones, bytes, givenUpFor }
}

/** The answer that `withNotice` was given. */
export function withoutNotice(message: Uint8Array): Uint8Array {
  return message.subarray(0, message.length - NOTICE_BYTES)
}
