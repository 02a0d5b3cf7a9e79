import { isUtf8 } from 'node:buffer'
import { ProtocolError } from '../common/errors.ts'

/**
 * Text out of a frame. Malformed UTF-8 is refused in the words of `CBUtil.readString`, which name the bytes from
 * the malformed one on and how many of them Java's decoder holds for malformed.
 */
export function decodeUtf8(buffer: Buffer, start: number, end: number): string {
  const text = buffer.toString('utf8', start, end)
  if (text.includes('\ufffd') && !isUtf8(buffer.subarray(start, end))) {
    const at = malformedAt(buffer, start, end)
    throw new ProtocolError(
      `Cannot decode string as UTF8: '${buffer.toString('hex', at.position, end)}'; ` +
        `java.nio.charset.MalformedInputException: Input length = ${at.length}`,
    )
  }
  return text
}

const isContinuation = (byte: number) => (byte & 0xc0) === 0x80

/** Where `sun.nio.cs.UTF_8` stops, and the length it reports (`malformedN`). */
function malformedAt(buffer: Buffer, start: number, end: number): { position: number; length: number } {
  let at = start
  while (at < end) {
    const lead = buffer[at]
    if (lead < 0x80) {
      at += 1
      continue
    }
    const size =
      lead >= 0xc2 && lead < 0xe0 ? 2 : lead >= 0xe0 && lead < 0xf0 ? 3 : lead >= 0xf0 && lead < 0xf8 ? 4 : 0
    const length = size === 0 ? 1 : malformedLength(buffer, at, end, size)
    if (length > 0) return { position: at, length }
    at += size
  }
  return { position: end, length: 0 }
}

/** 0 when the sequence of `size` bytes is well formed. */
function malformedLength(buffer: Buffer, at: number, end: number, size: number): number {
  const [first, second, third, fourth] = [buffer[at], buffer[at + 1], buffer[at + 2], buffer[at + 3]]
  const available = end - at
  if (size === 2) {
    if (available < 2) return 1
    return isContinuation(second) ? 0 : 1
  }
  if (available < 2) return available
  const badSecond =
    !isContinuation(second) ||
    (first === 0xe0 && second < 0xa0) ||
    (size === 4 && (first > 0xf4 || (first === 0xf0 && second < 0x90) || (first === 0xf4 && second > 0x8f)))
  if (badSecond) return 1
  if (available < 3) return available
  if (!isContinuation(third)) return 2
  if (size === 3) return first === 0xed && second >= 0xa0 ? 3 : 0
  if (available < 4) return available
  return isContinuation(fourth) ? 0 : 3
}
