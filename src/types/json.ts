/**
 * JSON as Jackson gives it to Cassandra: numbers keep their text, because 64-bit integers do not fit JavaScript's, and
 * objects keep their order.
 */

import { doubleText } from './floating.ts'

/** A number by its text in the JSON. */
export class JsonNumber {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }

  /** The Java class that Jackson reads it as. */
  get javaClass(): 'Integer' | 'Long' | 'BigInteger' | 'Double' {
    if (/[.eE]/.test(this.text)) return 'Double'
    const value = BigInt(this.text)
    if (BigInt.asIntN(32, value) === value) return 'Integer'
    return BigInt.asIntN(64, value) === value ? 'Long' : 'BigInteger'
  }

  /** As `doubleValue` of that class; the Integer -0 is 0. */
  toNumber(): number {
    return this.javaClass === 'Double' ? Number(this.text) : Number(BigInt(this.text))
  }

  /** As `toString` of that class: 1.50 reads as the double 1.5. */
  toString(): string {
    return this.javaClass === 'Double' ? doubleText(Number(this.text)) : BigInt(this.text).toString()
  }
}

export type JsonValue =
  | null
  | boolean
  | string
  | JsonNumber
  | readonly JsonValue[]
  | ReadonlyMap<string, JsonValue>

/** A JSON string's inside: what JSON must escape is escaped, the rest stands as it is (`JsonUtils.quoteAsJsonString`). */
export function quoteAsJsonString(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what JSON has to escape
  return text.replace(/["\\\x00-\x1f]/g, (char) => {
    switch (char) {
      case '"':
      case '\\':
        return `\\${char}`
      case '\b':
        return '\\b'
      case '\t':
        return '\\t'
      case '\n':
        return '\\n'
      case '\f':
        return '\\f'
      case '\r':
        return '\\r'
      default:
        return `\\u${char.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`
    }
  })
}

/** Simple name of the Java class of a parsed value, for error texts. */
export function javaClassName(value: JsonValue): string {
  if (value === null) return 'null'
  if (typeof value === 'boolean') return 'Boolean'
  if (typeof value === 'string') return 'String'
  if (value instanceof JsonNumber) return value.javaClass
  return value instanceof Map ? 'LinkedHashMap' : 'ArrayList'
}

/** `toString` of the Java value, for error texts. */
export function javaText(value: JsonValue): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return String(value)
  if (value instanceof JsonNumber) return value.toString()
  if (value instanceof Map) {
    return `{${[...(value as ReadonlyMap<string, JsonValue>)].map(([key, entry]) => `${key}=${javaText(entry)}`).join(', ')}}`
  }
  return `[${(value as readonly JsonValue[]).map(javaText).join(', ')}]`
}
