/** Bytes of the varint at the start of a Snappy stream. */
const SNAPPY_LENGTH_MAX = 5

/** The uncompressed length that a Snappy stream announces, a varint of at most five bytes; -1 where there is none. */
export function snappyLength(body: Uint8Array): number {
  let length = 0
  for (let i = 0; i < SNAPPY_LENGTH_MAX && i < body.length; i++) {
    length += (body[i] & 0x7f) * 2 ** (7 * i)
    if (body[i] < 0x80) return length
  }
  return -1
}

/**
 * Decompresses a Snappy stream (google/snappy, format_description.txt) whose `snappyLength` is `length`; null for bytes
 * that are no such stream. It is our own because these bytes may come from strangers: snappyjs goes round for ever on a
 * literal whose length has its top bit set.
 */
export function decompressSnappy(input: Uint8Array, length: number): Buffer | null {
  const output = Buffer.allocUnsafe(length)
  const end = input.length
  let from = 0
  while (input[from] >= 0x80) from++
  from++
  let to = 0
  while (from < end) {
    const tag = input[from++]
    const kind = tag & 3
    // Of a literal the length, of a copy the distance, little-endian in so many bytes.
    const bytes = kind === 0 ? Math.max(0, (tag >>> 2) - 59) : kind === 3 ? 4 : kind
    if (bytes > end - from) return null
    let number = 0
    for (let i = 0; i < bytes; i++) number += input[from + i] * 2 ** (8 * i)
    from += bytes
    if (kind === 0) {
      const literals = (bytes === 0 ? tag >>> 2 : number) + 1
      if (literals > end - from || literals > length - to) return null
      output.set(input.subarray(from, from + literals), to)
      from += literals
      to += literals
      continue
    }
    const matched = kind === 1 ? ((tag >>> 2) & 7) + 4 : (tag >>> 2) + 1
    const distance = kind === 1 ? ((tag >>> 5) << 8) | number : number
    if (distance === 0 || distance > to || matched > length - to) return null
    const source = to - distance
    for (let i = 0; i < matched; i++) output[to + i] = output[source + i]
    to += matched
  }
  if (to !== length) return null
  return output
}
