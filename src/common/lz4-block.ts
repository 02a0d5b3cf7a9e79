/**
 * Decompresses one LZ4 block (`lz4_Block_format.md`) into exactly `length` bytes; null for bytes that are no such block.
 * It is our own and not a library's because these bytes may come from strangers: the WebAssembly of the LZ4 library
 * traps on some bad blocks, and loses memory each time. Every read and every copy is checked.
 */
export function decompressLz4Block(
  input: Uint8Array,
  start: number,
  end: number,
  length: number,
): Buffer | null {
  const output = Buffer.allocUnsafe(length)
  let from = start
  let to = 0
  while (from < end) {
    const token = input[from++]
    let literals = token >>> 4
    if (literals === 15) {
      let more = 255
      while (more === 255) {
        if (from >= end) return null
        more = input[from++]
        literals += more
      }
    }
    if (literals > end - from || literals > length - to) return null
    if (literals > 32) {
      output.set(input.subarray(from, from + literals), to)
    } else {
      for (let i = 0; i < literals; i++) output[to + i] = input[from + i]
    }
    from += literals
    to += literals
    if (from === end) break

    if (end - from < 2) return null
    const distance = input[from] | (input[from + 1] << 8)
    from += 2
    let matched = (token & 15) + 4
    if (matched === 19) {
      let more = 255
      while (more === 255) {
        if (from >= end) return null
        more = input[from++]
        matched += more
      }
    }
    if (distance === 0 || distance > to || matched > length - to) return null
    const source = to - distance
    if (distance >= matched && matched > 32) {
      output.copyWithin(to, source, source + matched)
    } else {
      for (let i = 0; i < matched; i++) output[to + i] = output[source + i]
    }
    to += matched
  }
  if (to !== length) return null
  return output
}
