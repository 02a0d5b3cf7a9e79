/**
 * JSON as Jackson gives it to Cassandra: numbers keep their text, because 64-bit integers do not fit JavaScript's, and
 * objects keep their order.
 */

import { MarshalError } from '../common/errors.ts'
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

/** Parses the first JSON value of a text; what follows is ignored, as Jackson's `readValue` does. */
export function parseJson(text: string): JsonValue {
  return new JsonParser(text).parse()
}

/** Jackson's words for the place of an error, the source itself withheld. */
const SOURCE = ' at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled)'

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const WORD = /[\p{L}\p{N}_$]+/uy
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
}
/** Nesting that Jackson refuses to go beyond. */
const DEPTH_MAX = 1000

class JsonParser {
  readonly #text: string
  #at = 0
  #depth = 0

  constructor(text: string) {
    this.#text = text
  }

  parse(): JsonValue {
    this.#skipBlank()
    if (this.#at >= this.#text.length) {
      throw new MarshalError(
        `Error decoding JSON string: No content to map due to end-of-input\n${SOURCE}; line: 1]`,
      )
    }
    return this.#value()
  }

  #value(): JsonValue {
    this.#skipBlank()
    const char = this.#text[this.#at]
    if (char === '{') return this.#nested(() => this.#object())
    if (char === '[') return this.#nested(() => this.#array())
    if (char === '"') return this.#string()
    NUMBER.lastIndex = this.#at
    const number = NUMBER.exec(this.#text)
    if (number !== null) {
      this.#at = NUMBER.lastIndex
      this.#checkNumberEnd(number[0])
      return new JsonNumber(number[0])
    }
    return this.#word()
  }

  #checkNumberEnd(number: string): void {
    const next = this.#text[this.#at]
    if (next === undefined) return
    if (/^-?0$/.test(number) && next >= '0' && next <= '9') {
      throw this.#error('Invalid numeric value: Leading zeroes not allowed')
    }
    if (this.#depth > 0 || ' \t\n\r'.includes(next)) return
    throw this.#error(
      `Unexpected character ('${next}' (code ${next.charCodeAt(0)})): Expected space separating root-level values`,
    )
  }

  #nested<T>(read: () => T): T {
    if (++this.#depth > DEPTH_MAX) {
      throw this.#error(`Document nesting depth (${this.#depth}) exceeds the maximum allowed (${DEPTH_MAX})`)
    }
    this.#at++
    const value = read()
    this.#depth--
    return value
  }

  #word(): null | boolean {
    WORD.lastIndex = this.#at
    const word = WORD.exec(this.#text)?.[0]
    if (word === undefined)
      throw this.#unexpected(
        "expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')",
      )
    this.#at += word.length
    if (word === 'true') return true
    if (word === 'false') return false
    if (word === 'null') return null
    throw this.#error(
      `Unrecognized token '${word}': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')`,
    )
  }

  #array(): JsonValue[] {
    const elements: JsonValue[] = []
    if (this.#take(']')) return elements
    for (;;) {
      elements.push(this.#value())
      if (this.#take(']')) return elements
      if (!this.#take(',')) throw this.#unexpected('was expecting comma to separate Array entries')
    }
  }

  #object(): Map<string, JsonValue> {
    const entries = new Map<string, JsonValue>()
    if (this.#take('}')) return entries
    for (;;) {
      this.#skipBlank()
      if (this.#text[this.#at] !== '"')
        throw this.#unexpected('was expecting double-quote to start field name')
      const key = this.#string()
      if (!this.#take(':')) throw this.#unexpected('was expecting a colon to separate field name and value')
      entries.set(key, this.#value())
      if (this.#take('}')) return entries
      if (!this.#take(',')) throw this.#unexpected('was expecting comma to separate Object entries')
    }
  }

  #string(): string {
    let text = ''
    let start = ++this.#at
    for (;;) {
      const char = this.#text[this.#at]
      if (char === undefined)
        throw this.#error('Unexpected end-of-input: was expecting closing quote for a string value')
      if (char < ' ') {
        throw this.#error(
          `Illegal unquoted character ((CTRL-CHAR, code ${char.charCodeAt(0)})): has to be escaped using backslash to be included in string value`,
        )
      }
      if (char === '"' || char === '\\') text += this.#text.slice(start, this.#at)
      this.#at++
      if (char === '"') return text
      if (char === '\\') {
        text += this.#escape()
        start = this.#at
      }
    }
  }

  #escape(): string {
    const char = this.#text[this.#at++]
    if (char === 'u') {
      const digits = this.#text.slice(this.#at, this.#at + 4)
      if (!/^[0-9a-fA-F]{4}$/.test(digits))
        throw this.#error('expected a hex-digit for character escape sequence')
      this.#at += 4
      return String.fromCharCode(Number.parseInt(digits, 16))
    }
    const escaped = char === undefined ? undefined : ESCAPES[char]
    if (escaped !== undefined) return escaped
    throw this.#error(`Unrecognized character escape '${char ?? ''}' (code ${char?.charCodeAt(0) ?? 0})`)
  }

  #take(char: string): boolean {
    this.#skipBlank()
    if (this.#text[this.#at] !== char) return false
    this.#at++
    return true
  }

  #skipBlank(): void {
    while (' \t\n\r'.includes(this.#text[this.#at] ?? 'x')) this.#at++
  }

  #unexpected(expectation: string): MarshalError {
    const char = this.#text[this.#at]
    if (char === undefined) return this.#error('Unexpected end-of-input')
    this.#at++
    if (char < ' ') {
      const code = char.charCodeAt(0)
      return this.#error(
        `Illegal character ((CTRL-CHAR, code ${code})): only regular white space (\\r, \\n, \\t) is allowed between tokens`,
      )
    }
    return this.#error(`Unexpected character ('${char}' (code ${char.charCodeAt(0)})): ${expectation}`)
  }

  #error(message: string): MarshalError {
    const before = this.#text.slice(0, this.#at).split('\n')
    const column = (before.at(-1)?.length ?? 0) + 1
    return new MarshalError(
      `Error decoding JSON string: ${message}\n${SOURCE}; line: ${before.length}, column: ${column}]`,
    )
  }
}

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
