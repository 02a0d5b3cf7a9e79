/** The bytes at an address that is a multiple of four: themselves, or a copy. */
export function aligned(bytes: Uint8Array): Uint8Array {
  if ((bytes.byteOffset & 3) === 0) return bytes
  const copy = new Uint8Array(bytes.length)
  copy.set(bytes)
  return copy
}

/** The whole words of `bytes` in the machine's byte order, without a copy where their address allows it. */
export function wordsOf(bytes: Uint8Array): Int32Array {
  const at = aligned(bytes)
  return new Int32Array(at.buffer, at.byteOffset, at.length >>> 2)
}
