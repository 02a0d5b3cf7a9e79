/** Terms: literals, markers, function calls, casts, arithmetic. */

import { SyntaxError as CqlSyntaxError } from '../../common/errors.ts'
import type {
  BindMarker,
  FunctionCall,
  Identifier,
  Literal,
  LiteralType,
  Term,
  TupleLiteral,
} from '../raw/index.ts'
import { type Cursor, kindSet } from './cursor.ts'
import {
  functionName,
  identifier,
  isColumnIdentifier,
  isFunctionName,
  isIdentifier,
  isNativeType,
  name,
  nativeType,
  type,
} from './names.ts'
import { NATIVE_TYPES, T, TOKEN_KINDS } from './tokens.ts'

const CONSTANT_TYPES: (LiteralType | undefined)[] = new Array(TOKEN_KINDS).fill(undefined)
CONSTANT_TYPES[T.STRING_LITERAL] = 'string'
CONSTANT_TYPES[T.INTEGER] = 'integer'
CONSTANT_TYPES[T.FLOAT] = 'float'
CONSTANT_TYPES[T.BOOLEAN] = 'boolean'
CONSTANT_TYPES[T.DURATION] = 'duration'
CONSTANT_TYPES[T.UUID] = 'uuid'
CONSTANT_TYPES[T.HEXNUMBER] = 'hex'
CONSTANT_TYPES[T.K_POSITIVE_NAN] = 'float'
CONSTANT_TYPES[T.K_NEGATIVE_NAN] = 'float'
CONSTANT_TYPES[T.K_POSITIVE_INFINITY] = 'float'
CONSTANT_TYPES[T.K_NEGATIVE_INFINITY] = 'float'

const NULL: Literal = { kind: 'literal', type: 'null', text: 'null' }

/** What can follow `('text')` if that is a cast rather than a tuple. */
const AFTER_CAST = kindSet([
  T.STRING_LITERAL,
  T.INTEGER,
  T.FLOAT,
  T.BOOLEAN,
  T.DURATION,
  T.UUID,
  T.HEXNUMBER,
  T.QMARK,
  T.LBRACKET,
  T.LBRACE,
  T.LPAREN,
  T.K_NULL,
  T.K_CAST,
  T.K_TOKEN,
  T.IDENT,
  T.QUOTED_NAME,
  ...NATIVE_TYPES,
])

/** A constant but for null, or nothing if none is here. */
export function constant(c: Cursor): Literal | null {
  const kind = c.kind
  const literalType = CONSTANT_TYPES[kind]
  if (literalType === undefined) return null
  let text: string
  switch (kind) {
    case T.STRING_LITERAL:
      return { kind: 'literal', type: 'string', text: c.string() }
    case T.K_POSITIVE_NAN:
    case T.K_NEGATIVE_NAN:
      text = 'NaN'
      break
    case T.K_POSITIVE_INFINITY:
      text = 'Infinity'
      break
    case T.K_NEGATIVE_INFINITY:
      text = '-Infinity'
      break
    default:
      text = c.rawText()
      if (kind === T.FLOAT) checkFloat(c, text)
  }
  c.at++
  return { kind: 'literal', type: literalType, text }
}

/** Cassandra compares each with its nearest double, which is its undoing where that is infinite. */
function checkFloat(c: Cursor, text: string): void {
  if (Number.isFinite(Number(text))) return
  const exponent = /e[+]?0*(\d+)$/i.exec(text)?.[1] ?? ''
  let reason =
    'Character I is neither a decimal digit number, decimal point, nor "e" notation exponential mark.'
  if (exponent.length > 10) reason = 'Too many nonzero exponent digits.'
  else if (Number(exponent) > 0x7fffffff) reason = 'Exponent overflow.'
  throw new CqlSyntaxError(
    `Failed parsing statement: [${c.tokens.source}] reason: NumberFormatException ${reason}`,
  )
}

/** A constant, null or a bind marker, or nothing. */
export function simpleValue(c: Cursor): Literal | BindMarker | null {
  const literal = constant(c)
  if (literal !== null) return literal
  const marker = bindMarker(c)
  if (marker !== null) return marker
  return c.accept(T.K_NULL) ? NULL : null
}

export function bindMarker(c: Cursor): BindMarker | null {
  if (c.kind === T.QMARK) {
    // `?.f()`: a marker for a keyspace, which is refused where names are read.
    if (c.ahead(1) === T.DOT) return null
    c.at++
    return c.marker(null)
  }
  if (c.kind === T.COLON) {
    c.at++
    return c.marker(name(c))
  }
  return null
}

/** An integer or a bind marker: USING, LIMIT. */
export function intValue(c: Cursor): Literal | BindMarker {
  if (c.kind === T.INTEGER) {
    const text = c.rawText()
    c.at++
    return { kind: 'literal', type: 'integer', text }
  }
  return bindMarker(c) ?? c.fail()
}

export function term(c: Cursor): Term {
  c.enter()
  let left = product(c)
  for (;;) {
    const kind = c.kind
    if (kind !== T.PLUS && kind !== T.MINUS) break
    // `SET c = [1] + c`: a plus before a bare column belongs to the assignment.
    if (kind === T.PLUS && startsColumn(c)) break
    c.at++
    left = { kind: 'arithmetic', operator: kind === T.PLUS ? '+' : '-', left, right: product(c) }
  }
  c.leave()
  return left
}

function startsColumn(c: Cursor): boolean {
  if (!isColumnIdentifier(c.ahead(1))) return false
  const next = c.ahead(2)
  return next !== T.LPAREN && next !== T.DOT
}

function product(c: Cursor): Term {
  let left = factor(c)
  for (;;) {
    const kind = c.kind
    if (kind !== T.STAR && kind !== T.SLASH && kind !== T.PERCENT) return left
    c.at++
    const operator = kind === T.STAR ? '*' : kind === T.SLASH ? '/' : '%'
    left = { kind: 'arithmetic', operator, left, right: factor(c) }
  }
}

function factor(c: Cursor): Term {
  if (c.accept(T.MINUS)) return { kind: 'negation', term: simpleTerm(c) }
  return simpleTerm(c)
}

function simpleTerm(c: Cursor): Term {
  const value = simpleValue(c)
  if (value !== null) return value
  switch (c.kind) {
    case T.LBRACKET:
      return listLiteral(c)
    case T.LBRACE:
      return braces(c)
    case T.LPAREN: {
      if (!isTypeCast(c)) return tupleLiteral(c)
      c.at++
      const cast = type(c)
      c.expect(T.RPAREN)
      c.enter()
      const inner = simpleTerm(c)
      c.leave()
      return { kind: 'typeCast', type: cast, term: inner }
    }
    case T.K_CAST:
      if (c.ahead(1) === T.LPAREN) return castTerm(c)
      return functionCall(c)
    default:
      return functionCall(c)
  }
}

/** At `(`: whether a type stands between the parentheses, or the terms of a tuple. */
function isTypeCast(c: Cursor): boolean {
  const first = c.ahead(1)
  const second = c.ahead(2)
  if (first === T.K_SET) return true
  if (first === T.STRING_LITERAL) return second === T.RPAREN && AFTER_CAST[c.ahead(3)] === 1
  if (second === T.LESS) return isIdentifier(first)
  if (second === T.RPAREN) return isIdentifier(first)
  if (second === T.DOT) return isIdentifier(first) && c.ahead(4) !== T.LPAREN
  return isNativeType(first) && second !== T.LPAREN
}

function castTerm(c: Cursor): Term {
  c.at += 2
  c.enter()
  const inner = simpleTerm(c)
  c.leave()
  c.expect(T.K_AS)
  const target = nativeType(c)
  c.expect(T.RPAREN)
  return { kind: 'cast', term: inner, type: target }
}

function functionCall(c: Cursor): FunctionCall {
  if (!isFunctionName(c.kind) && c.ahead(1) !== T.DOT) c.fail()
  const called = functionName(c)
  c.expect(T.LPAREN)
  if (c.accept(T.RPAREN)) return { kind: 'functionCall', name: called, args: [] }
  const args = terms(c)
  c.expect(T.RPAREN)
  return { kind: 'functionCall', name: called, args }
}

/** One or more, with commas between. */
export function terms(c: Cursor): Term[] {
  const result = [term(c)]
  while (c.accept(T.COMMA)) result.push(term(c))
  return result
}

function listLiteral(c: Cursor): Term {
  c.at++
  if (c.accept(T.RBRACKET)) return { kind: 'listLiteral', elements: [] }
  const elements = terms(c)
  c.expect(T.RBRACKET)
  return { kind: 'listLiteral', elements }
}

export function tupleLiteral(c: Cursor): TupleLiteral {
  c.expect(T.LPAREN)
  const elements = terms(c)
  c.expect(T.RPAREN)
  return { kind: 'tupleLiteral', elements }
}

/** A set, a map, or a user type's value if a bare name comes before the first colon. */
function braces(c: Cursor): Term {
  c.at++
  if (c.accept(T.RBRACE)) return { kind: 'setLiteral', elements: [] }
  if (isIdentifier(c.kind) && c.ahead(1) === T.COLON) return udtLiteral(c)
  const first = term(c)
  if (c.accept(T.COLON)) return { kind: 'mapLiteral', entries: mapEntries(c, first) }
  const elements = [first]
  while (c.accept(T.COMMA)) elements.push(term(c))
  c.expect(T.RBRACE)
  return { kind: 'setLiteral', elements }
}

/** After the first key and its colon. */
function mapEntries(c: Cursor, firstKey: Term): (readonly [Term, Term])[] {
  const entries: (readonly [Term, Term])[] = [[firstKey, term(c)]]
  while (c.accept(T.COMMA)) {
    const key = term(c)
    c.expect(T.COLON)
    entries.push([key, term(c)])
  }
  c.expect(T.RBRACE)
  return entries
}

/** A map and nothing else: where properties and options take one. */
export function fullMapLiteral(c: Cursor): (readonly [Term, Term])[] {
  c.expect(T.LBRACE)
  if (c.accept(T.RBRACE)) return []
  const key = term(c)
  c.expect(T.COLON)
  return mapEntries(c, key)
}

function udtLiteral(c: Cursor): Term {
  const fields: (readonly [Identifier, Term])[] = []
  do {
    const field = identifier(c)
    c.expect(T.COLON)
    const value = term(c)
    const known = fields.findIndex(([other]) => other.text === field.text)
    if (known >= 0) fields[known] = [field, value]
    else fields.push([field, value])
  } while (c.accept(T.COMMA))
  c.expect(T.RBRACE)
  return { kind: 'udtLiteral', fields }
}
