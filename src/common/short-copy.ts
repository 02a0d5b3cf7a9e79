/** Copies of a few bytes that live for a moment: many lie in one piece of memory, which costs less than one for each. */

const SLAB_BYTES = 1 << 16
/** What is longer has memory of its own. */
const SHORT_BYTES = 1 << 12

let slab = new ArrayBuffer(SLAB_BYTES)
let used = 0

/** A copy of `bytes[0 .. length)`. What keeps it keeps the memory of others, too: not for what stays. */
export function shortCopy(bytes: Uint8Array, length: number = bytes.length): Uint8Array {
  if (length > SHORT_BYTES) return new Uint8Array(bytes.subarray(0, length))
  if (used + length > SLAB_BYTES) {
    slab = new ArrayBuffer(SLAB_BYTES)
    used = 0
  }
  const copy = new Uint8Array(slab, used, length)
  used += length
  copy.set(length === bytes.length ? bytes : bytes.subarray(0, length))
  return copy
}
