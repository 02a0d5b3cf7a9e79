/**
 * Reads JSON as Jackson 2.19 reads it for Cassandra (`ReaderBasedJsonParser`, with the features of a plain
 * `ObjectMapper`): what it takes, what it refuses, and its words and places for what it refuses, since Cassandra hands
 * them on to the client.
 */

import { JsonNumber, type JsonValue } from './json.ts'

/** The exception that Jackson would have thrown: `message` is its `getMessage()`. */
export class JsonReadError extends Error {
  readonly #javaClass: string

  constructor(javaClass: string, message: string) {
    super(message)
    this.#javaClass = javaClass
  }

  /** As the exception's `toString()` shows it. */
  get description(): string {
    return `${this.#javaClass}: ${this.message}`
  }
}

/** Reads the first value of a text; what follows is ignored. Throws a JsonReadError (`readValue(text, Object.class)`). */
export function readJson(text: string): JsonValue {
  return new JsonReader(text).read()
}

/** Reads a text that has to be an object, or null. Throws a JsonReadError (`readValue(text, Map.class)`). */
export function readJsonObject(text: string): Map<string, JsonValue> | null {
  return new JsonReader(text).readObject()
}

const CORE = 'com.fasterxml.jackson.core'
const PARSE = `${CORE}.JsonParseException`
const END_OF_INPUT = `${CORE}.io.JsonEOFException`
const CONSTRAINTS = `${CORE}.exc.StreamConstraintsException`
const MISMATCH = 'com.fasterxml.jackson.databind.exc.MismatchedInputException'
const INVALID_FORMAT = 'com.fasterxml.jackson.databind.exc.InvalidFormatException'

/** The source itself is withheld. */
const SOURCE = '[Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: '
const EXPECTED = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
const MAP = '`java.util.LinkedHashMap<java.lang.Object,java.lang.Object>`'

/** `StreamReadConstraints` and `ErrorReportConfiguration`. */
const DEPTH_MAX = 1000
const NUMBER_LENGTH_MAX = 1000
const NAME_LENGTH_MAX = 50_000
const TOKEN_SHOWN_MAX = 256

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

/** `Character.isJavaIdentifierStart`. */
const IDENTIFIER_START = /^[\p{L}\p{Nl}\p{Sc}\p{Pc}]$/u
/** `Character.isJavaIdentifierPart`. */
const IDENTIFIER_PART =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are among those that Java ignores
  /^[\p{L}\p{Nl}\p{Sc}\p{Pc}\p{Nd}\p{Mn}\p{Mc}\p{Cf}\x00-\x08\x0e-\x1b\x7f-\x9f]$/u

interface Scope {
  readonly kind: 'Array' | 'Object'
  /** Where it began, for messages. */
  readonly place: string
}

class JsonReader {
  readonly #text: string
  /** What is read next. */
  #at = 0
  #row = 1
  #rowStart = 0
  readonly #scopes: Scope[] = []

  constructor(text: string) {
    this.#text = text
  }

  read(): JsonValue {
    return this.#value(this.#first())
  }

  readObject(): Map<string, JsonValue> | null {
    const first = this.#first()
    const place = this.#place(this.#at - 1)
    if (first === '[') throw mismatch('Array value (token `JsonToken.START_ARRAY`)', place)
    const value = this.#value(first)
    if (value === null || value instanceof Map) return value as Map<string, JsonValue> | null
    if (typeof value === 'boolean') {
      throw mismatch(`Boolean value (token \`JsonToken.VALUE_${String(value).toUpperCase()}\`)`, place)
    }
    if (value instanceof JsonNumber) {
      throw value.javaClass === 'Double'
        ? mismatch('Floating-point value (token `JsonToken.VALUE_NUMBER_FLOAT`)', place)
        : mismatch('Integer value (token `JsonToken.VALUE_NUMBER_INT`)', place)
    }
    throw notConstructible(value as string, place)
  }

  /** Begins: the first character of the root value. */
  #first(): string {
    const first = this.#skipBlank()
    if (first === undefined) {
      throw new JsonReadError(MISMATCH, `No content to map due to end-of-input\n at ${SOURCE}1]`)
    }
    if (first === '}' || first === ']') {
      throw this.#error(
        `Unexpected close marker '${first}': no open ${first === '}' ? 'Object' : 'Array'} to close`,
        this.#at - 1,
      )
    }
    return first
  }

  /** The value whose first character has just been read. */
  #value(first: string): JsonValue {
    switch (first) {
      case '"':
        return this.#string()
      case '{':
        return this.#object()
      case '[':
        return this.#array()
      case 't':
        return this.#word('true', true)
      case 'f':
        return this.#word('false', false)
      case 'n':
        return this.#word('null', null)
      case '-':
        return this.#number(true)
      default:
        return first >= '0' && first <= '9' ? this.#number(false) : this.#odd(first)
    }
  }

  // -------------------------------------------------------------- arrays and objects

  #open(kind: Scope['kind']): void {
    this.#scopes.push({ kind, place: this.#place(this.#at - 1) })
    const depth = this.#scopes.length
    if (depth > DEPTH_MAX) {
      throw constraint('Document nesting depth', depth, DEPTH_MAX, 'getMaxNestingDepth')
    }
  }

  /** The first character of an entry, or undefined where the scope is closed. Takes the comma between entries. */
  #entry(isFirst: boolean): string | undefined {
    const { kind, place } = this.#scopes.at(-1)!
    let next = this.#skipBlank()
    if (next === undefined) {
      throw this.#endOfInput(`: expected close marker for ${kind} (start marker at ${place})`)
    }
    if (next === ']' || next === '}') {
      const expected = kind === 'Array' ? ']' : '}'
      if (next === expected) {
        this.#scopes.pop()
        return undefined
      }
      throw this.#error(
        `Unexpected close marker '${next}': expected '${expected}' (for ${kind} starting at ${place})`,
        this.#at - 1,
      )
    }
    if (isFirst) return next
    if (next !== ',') throw this.#unexpected(next, `was expecting comma to separate ${kind} entries`)
    next = this.#skipBlank()
    if (next !== undefined) return next
    throw this.#error(`Unexpected end-of-input within/between ${kind} entries`)
  }

  #array(): JsonValue[] {
    this.#open('Array')
    const elements: JsonValue[] = []
    for (;;) {
      const first = this.#entry(elements.length === 0)
      if (first === undefined) return elements
      elements.push(this.#value(first))
    }
  }

  #object(): Map<string, JsonValue> {
    this.#open('Object')
    const entries = new Map<string, JsonValue>()
    for (let isFirst = true; ; isFirst = false) {
      const first = this.#entry(isFirst)
      if (first === undefined) return entries
      if (first !== '"') throw this.#unexpected(first, 'was expecting double-quote to start field name')
      const name = this.#name()
      let next = this.#skipBlank()
      if (next !== undefined && next !== ':') {
        throw this.#unexpected(next, 'was expecting a colon to separate field name and value')
      }
      if (next !== undefined) next = this.#skipBlank()
      if (next === undefined) throw this.#endOfInput(' within/between Object entries')
      entries.set(name, this.#value(next))
    }
  }

  // -------------------------------------------------------------- strings

  #name(): string {
    const name = this.#quoted(' in field name', 'name')
    if (name.length > NAME_LENGTH_MAX) {
      throw constraint('Name length', name.length, NAME_LENGTH_MAX, 'getMaxNameLength')
    }
    return name
  }

  #string(): string {
    return this.#quoted(': was expecting closing quote for a string value', 'string value')
  }

  /** The rest of a quoted text; the arguments are words for what is missing or wrong. */
  #quoted(missing: string, what: string): string {
    let text = ''
    let start = this.#at
    for (;;) {
      const char = this.#text[this.#at++]
      if (char === undefined) {
        this.#at--
        throw this.#endOfInput(missing)
      }
      if (char < ' ') {
        throw this.#error(
          `Illegal unquoted character (${describe(char)}): has to be escaped using backslash to be included in ${what}`,
          this.#at - 1,
        )
      }
      if (char !== '"' && char !== '\\') continue
      text += this.#text.slice(start, this.#at - 1)
      if (char === '"') return text
      text += this.#escape()
      start = this.#at
    }
  }

  #escape(): string {
    const char = this.#next(' in character escape sequence')
    if (char === 'u') {
      let code = 0
      for (let i = 0; i < 4; i++) {
        const digit = this.#next(' in character escape sequence')
        if (!/^[0-9a-fA-F]$/.test(digit)) {
          throw this.#unexpected(digit, 'expected a hex-digit for character escape sequence')
        }
        code = code * 16 + Number.parseInt(digit, 16)
      }
      return String.fromCharCode(code)
    }
    const escaped = ESCAPES[char]
    if (escaped !== undefined) return escaped
    throw this.#error(`Unrecognized character escape ${describe(char)}`, this.#at - 1)
  }

  #next(missing: string): string {
    const char = this.#text[this.#at]
    if (char === undefined) throw this.#endOfInput(missing)
    this.#at++
    return char
  }

  // -------------------------------------------------------------- words

  /** The rest of a word whose first `matched` characters have been read. */
  #word<T>(word: string, value: T, matched = 1): T {
    for (let i = matched; i < word.length; i++) {
      if (this.#text[this.#at] !== word[i]) throw this.#unknownToken(word.slice(0, i))
      this.#at++
    }
    const next = this.#text[this.#at]
    if (next !== undefined && next >= '0' && isIdentifierPart(next)) throw this.#unknownToken(word)
    return value
  }

  #unknownToken(matched: string): JsonReadError {
    let token = matched
    for (;;) {
      const char = this.#text[this.#at]
      if (char === undefined || !isIdentifierPart(char)) break
      this.#at++
      token += char
      if (token.length < TOKEN_SHOWN_MAX) continue
      token += '...'
      break
    }
    return this.#error(`Unrecognized token '${token}': was expecting ${EXPECTED}`)
  }

  /** What begins with a character that no value begins with (`_handleOddValue`). */
  #odd(first: string): never {
    if (first === 'N') throw this.#nonStandard(this.#word('NaN', 'NaN'))
    if (first === 'I') throw this.#nonStandard(this.#word('Infinity', 'Infinity'))
    if (first === '+') this.#wrongNumber(this.#next(' in a Number value'), false, true)
    if (first === '}' && this.#scopes.at(-1)?.kind === 'Array')
      throw this.#unexpected(first, 'expected a value')
    if (IDENTIFIER_START.test(first)) throw this.#unknownToken(first)
    throw this.#unexpected(first, `expected a valid value ${EXPECTED}`)
  }

  #nonStandard(token: string): JsonReadError {
    return this.#error(
      `Non-standard token '${token}': enable \`JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS\` to allow`,
    )
  }

  // -------------------------------------------------------------- numbers

  #number(isNegative: boolean): JsonNumber {
    const text = this.#text
    const start = this.#at - 1
    let at = isNegative ? this.#at : start
    const first = text[at]
    if (first === undefined) throw this.#endOfInput('No digit following sign')
    if (!isDigit(first)) {
      this.#at = at + 1
      if (first === '.') this.#odd(first)
      this.#wrongNumber(first, isNegative, true)
    }
    if (first === '0' && isDigit(text[at + 1])) {
      this.#at = at + 1
      throw this.#error('Invalid numeric value: Leading zeroes not allowed')
    }
    const digitsFrom = at
    while (isDigit(text[at])) at++
    let digits = at - digitsFrom
    // What is wrong with a fraction or an exponent is reported where it begins, unless the number begins with a zero.
    const part = first === '0' ? undefined : at + 1
    if (text[at] === '.') {
      const from = ++at
      while (isDigit(text[at])) at++
      if (at === from) throw this.#incomplete(at, part, 'Decimal point not followed by a digit')
      digits += at - from
    }
    if (text[at] === 'e' || text[at] === 'E') {
      at++
      if (text[at] === '+' || text[at] === '-') at++
      if (text[at] === undefined) {
        this.#at = at
        throw this.#endOfInput('expected a digit for number exponent')
      }
      const from = at
      while (isDigit(text[at])) at++
      if (at === from) throw this.#incomplete(at, part, 'Exponent indicator not followed by a digit')
      digits += at - from
    }
    this.#at = at
    const end = text[at]
    if (this.#scopes.length === 0 && end !== undefined && !' \t\r\n'.includes(end)) {
      this.#at++
      throw this.#unexpected(end, 'Expected space separating root-level values')
    }
    if (digits > NUMBER_LENGTH_MAX) {
      throw constraint('Number value length', digits, NUMBER_LENGTH_MAX, 'getMaxNumberLength')
    }
    return new JsonNumber(text.slice(start, at))
  }

  /** A fraction or exponent without digits, before the character at `at`; `place` is after where it began. */
  #incomplete(at: number, place: number | undefined, reason: string): JsonReadError {
    const char = this.#text[at]
    // The end of the input takes Jackson's slow path, which has the last character in its hand.
    if (char === undefined) this.#at = at
    else this.#at = place ?? at + 1
    return this.#inNumber(char ?? this.#text[at - 1]!, reason)
  }

  /** A character, just read, that begins no number (`_handleInvalidNumberStart`). */
  #wrongNumber(char: string, isNegative: boolean, hasSign: boolean): never {
    const sign = isNegative ? '-' : '+'
    if (char === 'I') {
      char = this.#next(' in a Number value')
      if (char === 'N') throw this.#nonStandard(this.#word(`${sign}INF`, `${sign}INF`, 3))
      if (char === 'n') throw this.#nonStandard(this.#word(`${sign}Infinity`, `${sign}Infinity`, 3))
    }
    if (hasSign && !isNegative) {
      throw this.#inNumber(
        '+',
        'JSON spec does not allow numbers to have plus signs: enable `JsonReadFeature.ALLOW_LEADING_PLUS_SIGN_FOR_NUMBERS` to allow',
      )
    }
    throw this.#inNumber(char, 'expected digit (0-9) to follow minus sign, for valid numeric value')
  }

  #inNumber(char: string, reason: string): JsonReadError {
    return this.#error(`Unexpected character (${describe(char)}) in numeric value: ${reason}`, this.#at - 1)
  }

  // -------------------------------------------------------------- blanks, places and errors

  /** Reads the next character that is not blank; undefined at the end. */
  #skipBlank(): string | undefined {
    for (;;) {
      const char = this.#text[this.#at]
      if (char === undefined) return undefined
      this.#at++
      if (char === '/') {
        throw this.#unexpected(
          char,
          "maybe a (non-standard) comment? (not recognized as one since Feature 'ALLOW_COMMENTS' not enabled for parser)",
        )
      }
      if (char > ' ') return char
      if (char === '\n' || char === '\r') {
        if (char === '\r' && this.#text[this.#at] === '\n') this.#at++
        this.#row++
        this.#rowStart = this.#at
      } else if (char < ' ' && char !== '\t') {
        const hint =
          char === '\x1e'
            ? ' (consider enabling `JsonReadFeature.ALLOW_RS_CONTROL_CHAR` to allow use of Record Separators (\\u001E))'
            : ''
        throw this.#error(
          `Illegal character (${describe(char)}): only regular white space (\\r, \\n, \\t) is allowed between tokens${hint}`,
        )
      }
    }
  }

  #place(at: number): string {
    return `${SOURCE}${this.#row}, column: ${at - this.#rowStart + 1}]`
  }

  #error(message: string, at = this.#at): JsonReadError {
    return new JsonReadError(PARSE, `${message}\n at ${this.#place(at)}`)
  }

  #unexpected(char: string, comment: string): JsonReadError {
    return this.#error(`Unexpected character (${describe(char)}): ${comment}`, this.#at - 1)
  }

  #endOfInput(message: string): JsonReadError {
    return new JsonReadError(END_OF_INPUT, `Unexpected end-of-input${message}\n at ${this.#place(this.#at)}`)
  }
}

function mismatch(what: string, place: string): JsonReadError {
  return new JsonReadError(MISMATCH, `Cannot deserialize value of type ${MAP} from ${what}\n at ${place}`)
}

/** A string where an object is wanted. */
function notConstructible(value: string, place: string): JsonReadError {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what `String.trim` of Java takes away
  const trimmed = value.replace(/^[\x00-\x20]+|[\x00-\x20]+$/g, '')
  if (trimmed === '') {
    return new JsonReadError(
      INVALID_FORMAT,
      `Cannot coerce empty String ("") to element of \`java.util.LinkedHashMap\` (but could if coercion was enabled using \`CoercionConfig\`)\n at ${place}`,
    )
  }
  return new JsonReadError(
    MISMATCH,
    `Cannot construct instance of \`java.util.LinkedHashMap\` (although at least one Creator exists): no String-argument constructor/factory method to deserialize from String value ('${trimmed}')\n at ${place}`,
  )
}

function constraint(what: string, length: number, most: number, setting: string): JsonReadError {
  return new JsonReadError(
    CONSTRAINTS,
    `${what} (${length}) exceeds the maximum allowed (${most}, from \`StreamReadConstraints.${setting}()\`)`,
  )
}

function isDigit(char: string | undefined): boolean {
  return char !== undefined && char >= '0' && char <= '9'
}

function isIdentifierPart(char: string): boolean {
  return IDENTIFIER_PART.test(char)
}

/** A character as messages show it (`_getCharDesc`). */
function describe(char: string): string {
  const code = char.charCodeAt(0)
  if (code < 0x20 || (code >= 0x7f && code <= 0x9f)) return `(CTRL-CHAR, code ${code})`
  return code > 255 ? `'${char}' (code ${code} / 0x${code.toString(16)})` : `'${char}' (code ${code})`
}
