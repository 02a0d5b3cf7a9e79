/** Numbers as Java reads them, where Cassandra's error texts depend on it. */

import { asciiDigits } from './human-readable.ts'

const INTEGER = /^[+-]?\p{Nd}+$/u

/** `Integer.parseInt`, null where it throws. */
export function parseInt32(text: string): number | null {
  if (!INTEGER.test(text)) return null
  const value = Number(asciiDigits(text))
  return value >= -0x80000000 && value <= 0x7fffffff ? value + 0 : null
}

/** `Long.parseLong`, null where it throws. */
export function parseInt64(text: string): bigint | null {
  if (!INTEGER.test(text)) return null
  const digits = asciiDigits(text)
  const value = BigInt(digits.startsWith('+') ? digits.slice(1) : digits)
  return BigInt.asIntN(64, value) === value ? value : null
}

/** What `NumberFormatException` says of a text. */
export function notANumber(text: string): string {
  return `For input string: "${text}"`
}
