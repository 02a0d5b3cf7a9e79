/**
 * Text to tokens, by character codes into typed arrays: no token objects, no regular expressions. Where Cassandra's
 * lexer commits itself early (`1ab` can only be a UUID, `-n` only `-NaN`), so does this one, with the same error at
 * the same character.
 */

import { KEYWORDS, T } from './tokens.ts'

/** What the lexer found, reused from one statement to the next. */
export interface Tokens {
  source: string
  count: number
  kinds: Uint8Array
  starts: Int32Array
  ends: Int32Array
  /** Where and why it stopped, if the last token is of kind ERROR. */
  errorAt: number
  errorMessage: string
}

export function newTokens(): Tokens {
  return {
    source: '',
    count: 0,
    kinds: new Uint8Array(256),
    starts: new Int32Array(256),
    ends: new Int32Array(256),
    errorAt: -1,
    errorMessage: '',
  }
}

const LETTER = 1
const DIGIT = 2
const HEX = 4
const WORD = 8
const SPACE = 16

const CLASSES = new Uint8Array(128)
for (let c = 0; c < 128; c++) {
  const s = String.fromCharCode(c)
  let bits = 0
  if (/[a-z]/i.test(s)) bits |= LETTER
  if (/[0-9]/.test(s)) bits |= DIGIT
  if (/[0-9a-f]/i.test(s)) bits |= HEX
  if (/[0-9a-z_]/i.test(s)) bits |= WORD
  if (/[ \t\r\n]/.test(s)) bits |= SPACE
  CLASSES[c] = bits
}

function is(c: number, bits: number): boolean {
  return c < 128 && ((CLASSES[c] as number) & bits) !== 0
}

/** Keywords in an open-addressed table; the hash is made of lower-cased characters while the word is scanned. */
const HASH_SIZE = 1024
const HASH_MASK = HASH_SIZE - 1
const hashKinds = new Uint8Array(HASH_SIZE)
const hashTexts: string[] = new Array(HASH_SIZE).fill('')

function hashOf(text: string): number {
  let hash = 0
  for (let i = 0; i < text.length; i++) hash = (hash * 31 + (text.charCodeAt(i) | 0x20)) | 0
  return hash
}

for (const [text, kind] of KEYWORDS) {
  let slot = hashOf(text) & HASH_MASK
  while (hashKinds[slot] !== 0) slot = (slot + 1) & HASH_MASK
  hashKinds[slot] = kind
  hashTexts[slot] = text
}

function keywordAt(source: string, start: number, end: number, hash: number): number {
  let slot = hash & HASH_MASK
  for (;;) {
    const kind = hashKinds[slot] as number
    if (kind === 0) return T.IDENT
    const text = hashTexts[slot] as string
    if (text.length === end - start && sameWord(source, start, text)) return kind
    slot = (slot + 1) & HASH_MASK
  }
}

function sameWord(source: string, start: number, lower: string): boolean {
  for (let i = 0; i < lower.length; i++) {
    const expected = lower.charCodeAt(i)
    const c = source.charCodeAt(start + i)
    // The underscore of select_masked is not a letter: 0x20 would fold another character onto it.
    if (c !== expected && ((c | 0x20) !== expected || expected === 0x5f)) return false
  }
  return true
}

// What a scan answers besides the token's kind.
let end = 0
let errorAt = -1
let errorMessage = ''

/** Lexes the source into `into`; white space and comments become HIDDEN tokens only if asked for. */
export function lex(source: string, into: Tokens, keepHidden: boolean): void {
  into.source = source
  into.errorAt = -1
  let count = 0
  let at = 0
  const length = source.length
  errorAt = -1
  for (;;) {
    if (keepHidden) {
      const start = at
      while (at < length && is(source.charCodeAt(at), SPACE)) at++
      if (at > start) {
        if (count >= into.kinds.length - 2) grow(into)
        into.kinds[count] = T.HIDDEN
        into.starts[count] = start
        into.ends[count++] = at
      }
    } else {
      while (at < length && is(source.charCodeAt(at), SPACE)) at++
    }
    if (at >= length) break
    const kind = scan(source, at, length)
    if (kind === T.HIDDEN && !keepHidden) {
      at = end
      continue
    }
    if (count >= into.kinds.length - 2) grow(into)
    into.kinds[count] = kind
    into.starts[count] = at
    into.ends[count++] = end
    if (kind === T.ERROR) {
      into.errorAt = errorAt
      into.errorMessage = errorMessage
      into.count = count
      return
    }
    at = end
  }
  into.kinds[count] = T.EOF
  into.starts[count] = length
  into.ends[count] = length
  into.count = count + 1
}

function grow(tokens: Tokens): void {
  const size = tokens.kinds.length * 2
  const kinds = new Uint8Array(size)
  kinds.set(tokens.kinds)
  const starts = new Int32Array(size)
  starts.set(tokens.starts)
  const ends = new Int32Array(size)
  ends.set(tokens.ends)
  tokens.kinds = kinds
  tokens.starts = starts
  tokens.ends = ends
}

function scan(source: string, at: number, length: number): number {
  const c = source.charCodeAt(at)
  if (is(c, LETTER)) return scanWord(source, at, length)
  if (is(c, DIGIT)) return scanNumber(source, at, at, length)
  end = at + 1
  const next = end < length ? source.charCodeAt(end) : -1
  switch (c) {
    case 0x21: // !
      if (next !== 0x3d) return mismatch(source, end, "'='")
      end = at + 2
      return T.NOT_EQUAL
    case 0x22: // "
      return scanQuoted(source, at, length)
    case 0x24: // $
      return scanDollars(source, at, length)
    case 0x25:
      return T.PERCENT
    case 0x27: // '
      return scanString(source, at, length)
    case 0x28:
      return T.LPAREN
    case 0x29:
      return T.RPAREN
    case 0x2a:
      return T.STAR
    case 0x2b:
      return withEqual(next, T.PLUS, T.PLUS_EQUAL)
    case 0x2c:
      return T.COMMA
    case 0x2d:
      return scanMinus(source, at, length, next)
    case 0x2e:
      if (next === 0x2e) {
        end = at + 2
        return T.RANGE
      }
      return T.DOT
    case 0x2f: // /
      if (next === 0x2f) return scanLineComment(source, at + 2, length)
      if (next === 0x2a) return scanBlockComment(source, at + 2, length)
      return T.SLASH
    case 0x3a:
      return T.COLON
    case 0x3b:
      return T.SEMICOLON
    case 0x3c:
      return withEqual(next, T.LESS, T.LESS_EQUAL)
    case 0x3d:
      return T.EQUAL
    case 0x3e:
      return withEqual(next, T.GREATER, T.GREATER_EQUAL)
    case 0x3f:
      return T.QMARK
    case 0x5b:
      return T.LBRACKET
    case 0x5d:
      return T.RBRACKET
    case 0x7b:
      return T.LBRACE
    case 0x7d:
      return T.RBRACE
    default:
      return noViable(source, at)
  }
}

function withEqual(next: number, single: number, double: number): number {
  if (next === 0x3d) {
    end++
    return double
  }
  return single
}

function scanWord(source: string, at: number, length: number): number {
  let i = at
  let hash = 0
  let c = source.charCodeAt(i)
  do {
    hash = (hash * 31 + (c | 0x20)) | 0
    c = ++i < length ? source.charCodeAt(i) : 0
  } while (c < 128 && ((CLASSES[c] as number) & WORD) !== 0)
  end = i
  if (c === 0x2d) {
    if (i - at === 8 && isHexRun(source, at, i)) return scanUuid(source, at, length)
    if (i - at === 5 && source.charCodeAt(at) === 0x50 && isDigitRun(source, at + 1, i))
      return scanAlternativeDuration(source, i, length)
  }
  if (c === 0x28 && i - at === 4 && source.startsWith('expr', at)) {
    end = i + 1
    return T.EXPR
  }
  if (source.charCodeAt(at) === 0x50 && i - at >= 3 && isoDurationEnd(source, at + 1, i) === i) {
    return T.DURATION
  }
  return keywordAt(source, at, i, hash)
}

function isHexRun(source: string, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (!is(source.charCodeAt(i), HEX)) return false
  return true
}

function isDigitRun(source: string, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (!is(source.charCodeAt(i), DIGIT)) return false
  return true
}

function scanMinus(source: string, at: number, length: number, next: number): number {
  if (is(next, DIGIT) && next >= 0) return scanNumber(source, at, at + 1, length)
  switch (next) {
    case 0x2d:
      return scanLineComment(source, at + 2, length)
    case 0x3d:
      end = at + 2
      return T.MINUS_EQUAL
    case 0x4e:
    case 0x6e:
      return scanFixed(source, at + 1, 'nan', T.K_NEGATIVE_NAN)
    case 0x49:
    case 0x69:
      return scanFixed(source, at + 1, 'infinity', T.K_NEGATIVE_INFINITY)
    case 0x50: // P
      return scanNegativeIsoDuration(source, at + 2, length)
    default:
      return T.MINUS
  }
}

function scanFixed(source: string, from: number, word: string, found: number): number {
  for (let i = 0; i < word.length; i++)
    if ((source.charCodeAt(from + i) | 0x20) !== word.charCodeAt(i))
      return mismatch(source, from + i, 'set null')
  end = from + word.length
  return found
}

/** Digits from `from`, after a minus sign if `at` is before it: an integer, float, duration, blob or UUID. */
function scanNumber(source: string, at: number, from: number, length: number): number {
  let i = from + 1
  while (i < length && is(source.charCodeAt(i), DIGIT)) i++
  end = i
  if (i >= length) return T.INTEGER
  const c = source.charCodeAt(i)
  const digits = i - from
  const positive = at === from
  if (c === 0x2e) {
    // "1..2" is a range of integers, "1...2" a float and a range.
    if (source.charCodeAt(i + 1) === 0x2e && source.charCodeAt(i + 2) !== 0x2e) return T.INTEGER
    end = ++i
    if (source.charCodeAt(i) === 0x2e) return T.FLOAT
    while (i < length && is(source.charCodeAt(i), DIGIT)) i++
    end = i
    return (source.charCodeAt(i) | 0x20) === 0x65 ? scanExponent(source, i, length, false) : T.FLOAT
  }
  if (positive && digits === 1 && (c | 0x20) === 0x78 && source.charCodeAt(at) === 0x30) {
    i++
    while (i < length && is(source.charCodeAt(i), HEX)) i++
    end = i
    return T.HEXNUMBER
  }
  if (positive && digits === 8 && c === 0x2d) return scanUuid(source, at, length)
  if (positive && digits < 8 && is(c, HEX) && couldBeUuid(source, at, i, length))
    return scanUuid(source, at, length)
  switch (c | 0x20) {
    case 0x65: // e
      return scanExponent(source, i, length, positive && digits < 8)
    case 0x79: // y
    case 0x6d: // m
    case 0x77: // w
    case 0x64: // d
    case 0x68: // h
    case 0x73: // s
    case 0x75: // u
    case 0x6e: // n
      return scanDuration(source, i, length)
    default:
      return c === 0xb5 ? scanDuration(source, i, length) : T.INTEGER
  }
}

/**
 * Whether digits followed by a hexadecimal letter at `i` are committed to be a UUID: unless what follows can be an
 * exponent (`12e4`) or a number of days (`12d`), they are.
 */
function couldBeUuid(source: string, at: number, i: number, length: number): boolean {
  const letter = source.charCodeAt(i) | 0x20
  if (letter !== 0x64 && letter !== 0x65) return true
  // Then digits only: the eighth character decides, if there is a dash after it.
  let j = i + 1
  if (letter === 0x65) {
    while (j < length && j - at < 8 && is(source.charCodeAt(j), DIGIT)) j++
    if (j - at === 8) return source.charCodeAt(j) === 0x2d
    return j < length && is(source.charCodeAt(j), HEX)
  }
  // Durations may go on with further units of days, and only with those look like hexadecimal digits.
  let afterDigit = false
  while (j < length && j - at < 8) {
    const c = source.charCodeAt(j)
    if (is(c, DIGIT)) afterDigit = true
    else if ((c | 0x20) === 0x64 && afterDigit) afterDigit = false
    else return is(c, HEX)
    j++
  }
  return j - at === 8 && source.charCodeAt(j) === 0x2d
}

/** `undecided`: so far it could as well have been a UUID. */
function scanExponent(source: string, at: number, length: number, undecided: boolean): number {
  let i = at + 1
  const sign = source.charCodeAt(i)
  const signed = sign === 0x2b || sign === 0x2d
  if (signed) i++
  if (i >= length || !is(source.charCodeAt(i), DIGIT)) {
    if (undecided && !signed) return noViable(source, i)
    return fail(i, `required (...)+ loop did not match anything at character ${display(source, i)}`)
  }
  while (i < length && is(source.charCodeAt(i), DIGIT)) i++
  end = i
  return T.FLOAT
}

/** `at` is the first unit, the digits before it being read: `12h30m`. */
function scanDuration(source: string, at: number, length: number): number {
  let i = at
  for (;;) {
    const c = source.charCodeAt(i)
    const next = source.charCodeAt(i + 1) | 0x20
    switch (c | 0x20) {
      case 0x79:
      case 0x77:
      case 0x64:
      case 0x68:
      case 0x73:
        i++
        break
      case 0x6d:
        i += next === 0x6f || next === 0x73 ? 2 : 1
        break
      case 0x75:
      case 0x6e:
        if (next !== 0x73) return mismatch(source, i + 1, 'set null')
        i += 2
        break
      default:
        if (c !== 0xb5) return noViable(source, i)
        if (next !== 0x73) return mismatch(source, i + 1, 'set null')
        i += 2
    }
    if (i >= length || !is(source.charCodeAt(i), DIGIT)) break
    while (i < length && is(source.charCodeAt(i), DIGIT)) i++
  }
  end = i
  return T.DURATION
}

/** The end of an ISO 8601 duration whose characters after `P` start at `from`; -1 if there is none. */
function isoDurationEnd(source: string, from: number, limit: number): number {
  let i = from
  if (source.charCodeAt(i) !== 0x54) {
    const week = unitEnd(source, i, limit, 0x57)
    if (week > 0) return week
    i = unitsEnd(source, i, limit, 'YMD')
    if (i < 0) return -1
  }
  if (i < limit && source.charCodeAt(i) === 0x54) {
    const time = unitsEnd(source, i + 1, limit, 'HMS')
    return time < 0 ? -1 : time
  }
  return i
}

/** Past digits and that unit, or -1. */
function unitEnd(source: string, from: number, limit: number, unit: number): number {
  let i = from
  while (i < limit && is(source.charCodeAt(i), DIGIT)) i++
  return i > from && i < limit && source.charCodeAt(i) === unit ? i + 1 : -1
}

function unitsEnd(source: string, from: number, limit: number, units: string): number {
  let i = from
  for (let u = 0; u < units.length; u++) {
    const next = unitEnd(source, i, limit, units.charCodeAt(u))
    if (next > 0) i = next
  }
  return i > from ? i : -1
}

function scanNegativeIsoDuration(source: string, from: number, length: number): number {
  if (isDigitRun(source, from, from + 4) && source.charCodeAt(from + 4) === 0x2d)
    return scanAlternativeDuration(source, from + 4, length)
  const found = isoDurationEnd(source, from, length)
  if (found < 0) {
    let i = from
    if (source.charCodeAt(i) === 0x54) i++
    while (i < length && is(source.charCodeAt(i), DIGIT)) i++
    return noViable(source, i)
  }
  end = found
  return T.DURATION
}

/** `P2024-01-02T03:04:05`, from the first dash. */
function scanAlternativeDuration(source: string, at: number, _length: number): number {
  const shape = '-dd-ddTdd:dd:dd'
  for (let i = 0; i < shape.length; i++) {
    const c = source.charCodeAt(at + i)
    const expected = shape.charCodeAt(i)
    if (expected === 0x64) {
      if (!is(c, DIGIT)) return mismatch(source, at + i, 'set null')
    } else if (c !== expected) return mismatch(source, at + i, `'${shape[i]}'`)
  }
  end = at + shape.length
  return T.DURATION
}

function scanUuid(source: string, at: number, _length: number): number {
  for (let i = 0; i < 36; i++) {
    const c = source.charCodeAt(at + i)
    if (i === 8 || i === 13 || i === 18 || i === 23) {
      if (c !== 0x2d) return mismatch(source, at + i, "'-'")
    } else if (!is(c, HEX)) return mismatch(source, at + i, 'set null')
  }
  end = at + 36
  return T.UUID
}

function scanString(source: string, at: number, length: number): number {
  let i = at + 1
  for (;;) {
    i = source.indexOf("'", i)
    if (i < 0) return mismatch(source, length, "'''")
    if (source.charCodeAt(i + 1) !== 0x27) break
    i += 2
  }
  end = i + 1
  return T.STRING_LITERAL
}

function scanQuoted(source: string, at: number, length: number): number {
  let i = at + 1
  if (source.charCodeAt(i) === 0x22 && source.charCodeAt(i + 1) !== 0x22) {
    end = i + 1
    return T.EMPTY_QUOTED_NAME
  }
  if (i >= length) return noViable(source, length)
  for (;;) {
    i = source.indexOf('"', i)
    if (i < 0) return mismatch(source, length, `'"'`)
    if (source.charCodeAt(i + 1) !== 0x22) break
    i += 2
  }
  end = i + 1
  return T.QUOTED_NAME
}

function scanDollars(source: string, at: number, length: number): number {
  if (source.charCodeAt(at + 1) !== 0x24) return mismatch(source, at + 1, "'$'")
  const close = source.indexOf('$$', at + 2)
  // Cassandra's lexer gives up at the last character, not behind it.
  if (close < 0) {
    const last = length - 1
    if (last < at + 2) return mismatch(source, length, "'$'")
    return mismatch(source, source.charCodeAt(last) === 0x24 ? length : last, "'$'")
  }
  end = close + 2
  return T.STRING_LITERAL
}

function scanLineComment(source: string, from: number, length: number): number {
  for (let i = from; i < length; i++) {
    const c = source.charCodeAt(i)
    if (c === 0x0a || c === 0x0d) {
      end = i + 1
      return T.HIDDEN
    }
  }
  // A comment ends with its line, so the last line of a query can't be one.
  return mismatch(source, length, 'set null')
}

function scanBlockComment(source: string, from: number, length: number): number {
  const close = source.indexOf('*/', from)
  if (close < 0) return mismatch(source, length, "'*'")
  end = close + 2
  return T.HIDDEN
}

function fail(at: number, message: string): number {
  end = at
  errorAt = at
  errorMessage = message
  return T.ERROR
}

function mismatch(source: string, at: number, expecting: string): number {
  return fail(at, `mismatched character ${display(source, at)} expecting ${expecting}`)
}

function noViable(source: string, at: number): number {
  return fail(at, `no viable alternative at character ${display(source, at)}`)
}

function display(source: string, at: number): string {
  if (at >= source.length) return "'<EOF>'"
  const c = source[at] as string
  return `'${c === '\n' ? '\\n' : c === '\t' ? '\\t' : c === '\r' ? '\\r' : c}'`
}

/** A token's text as the grammar sees it: of strings and quoted names the content. */
export function tokenText(tokens: Tokens, index: number): string {
  const start = tokens.starts[index] as number
  const stop = tokens.ends[index] as number
  switch (tokens.kinds[index]) {
    case T.STRING_LITERAL:
      return stringContent(tokens.source, start, stop)
    case T.QUOTED_NAME:
      return quotedContent(tokens.source, start, stop)
    default:
      return tokens.source.slice(start, stop)
  }
}

export function stringContent(source: string, start: number, stop: number): string {
  if (source.charCodeAt(start) === 0x24) return source.slice(start + 2, stop - 2)
  const content = source.slice(start + 1, stop - 1)
  return content.includes("'") ? content.replaceAll("''", "'") : content
}

export function quotedContent(source: string, start: number, stop: number): string {
  const content = source.slice(start + 1, stop - 1)
  return content.includes('"') ? content.replaceAll('""', '"') : content
}
