/** Java's parsing and hash order, where error texts depend on them. */

import { ServerError } from '../../common/errors.ts'
import { notANumber } from '../../common/java-numbers.ts'

/** A `NumberFormatException` that Cassandra doesn't catch either. */
export function numberFormatError(text: string): ServerError {
  return new ServerError(`java.lang.NumberFormatException: ${notANumber(text)}`)
}

/** `StringUtils.isNumeric`. */
export function isNumeric(text: string): boolean {
  return /^\p{Nd}+$/u.test(text)
}

/** `Boolean.parseBoolean`. */
export function parseBoolean(text: string): boolean {
  return text.toLowerCase() === 'true'
}

/** A Java collection as text. */
export function listText(items: Iterable<string>): string {
  return `[${[...items].join(', ')}]`
}

/** Hash of the bytes of a name, as those of columns and fields are hashed (`ByteBuffer.hashCode`). */
function identifierHash(text: string): number {
  const bytes = Buffer.from(text)
  let hash = 1
  for (let i = bytes.length - 1; i >= 0; i--) hash = (Math.imul(hash, 31) + bytes.readInt8(i)) | 0
  return hash
}

/** `hashOrder` of names of columns or fields. */
export function identifierOrder(names: Iterable<string>): string[] {
  return hashOrder(names, null, identifierHash)
}

function stringHash(text: string): number {
  let hash = 0
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0
  return hash
}

/**
 * The order in which a `HashMap` or `HashSet` of these strings iterates. It was filled one by one, or made as a copy
 * of a map of `copied` entries, which gives it another size.
 */
export function hashOrder(
  names: Iterable<string>,
  copied: number | null = null,
  hashOf: (name: string) => number = stringHash,
): string[] {
  const list = [...new Set(names)]
  let capacity = copied === null ? 16 : 1
  const entries = copied === null ? list.length / 0.75 : Math.floor(copied / 0.75 + 1)
  while (capacity < entries) capacity *= 2
  const bucket = (name: string): number => {
    const hash = hashOf(name)
    return (hash ^ (hash >>> 16)) & (capacity - 1)
  }
  return list.sort((a, b) => bucket(a) - bucket(b))
}
