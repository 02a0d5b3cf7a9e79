/** WHERE, IF, USING and WITH: the clauses that several statements share. */

import type {
  BindMarker,
  ComparisonOperator,
  Condition,
  ConditionTarget,
  CustomIndexExpression,
  Identifier,
  Property,
  Relation,
  Term,
  TupleLiteral,
  UsingClause,
  WhereClause,
} from '../raw/index.ts'
import { type Cursor, kindSet } from './cursor.ts'
import { columnIdentifier, identifier, indexName, isColumnIdentifier, keywordText } from './names.ts'
import { bindMarker, constant, fullMapLiteral, intValue, term, terms, tupleLiteral } from './terms.ts'
import { T, TOKEN_KINDS } from './tokens.ts'

const COMPARISONS: (ComparisonOperator | undefined)[] = new Array(TOKEN_KINDS).fill(undefined)
COMPARISONS[T.EQUAL] = '='
COMPARISONS[T.LESS] = '<'
COMPARISONS[T.LESS_EQUAL] = '<='
COMPARISONS[T.GREATER] = '>'
COMPARISONS[T.GREATER_EQUAL] = '>='
COMPARISONS[T.NOT_EQUAL] = '!='

const NO_USING: UsingClause = { timestamp: null, ttl: null }

export const NOT_EXISTS = 1
export const EXISTS = 2

export function ifNotExists(c: Cursor): boolean {
  if (!c.accept(T.K_IF)) return false
  c.expect(T.K_NOT)
  c.expect(T.K_EXISTS)
  return true
}

export function ifExists(c: Cursor): boolean {
  if (!c.accept(T.K_IF)) return false
  c.expect(T.K_EXISTS)
  return true
}

export function using(c: Cursor): UsingClause {
  if (!c.accept(T.K_USING)) return NO_USING
  let timestamp: Term | null = null
  let ttl: Term | null = null
  do {
    if (c.accept(T.K_TIMESTAMP)) timestamp = intValue(c)
    else {
      c.expect(T.K_TTL)
      ttl = intValue(c)
    }
  } while (c.accept(T.K_AND))
  return { timestamp, ttl }
}

export function usingTimestamp(c: Cursor): UsingClause {
  if (!c.accept(T.K_USING)) return NO_USING
  c.expect(T.K_TIMESTAMP)
  return { timestamp: intValue(c), ttl: null }
}

export function where(c: Cursor): WhereClause {
  const relations: Relation[] = []
  const expressions: CustomIndexExpression[] = []
  do {
    if (c.accept(T.EXPR)) {
      const index = { keyspace: null, name: indexName(c) }
      c.expect(T.COMMA)
      const value = term(c)
      c.expect(T.RPAREN)
      expressions.push({ index, value })
    } else relations.push(relation(c))
  } while (c.accept(T.K_AND))
  return { relations, expressions }
}

function comparison(c: Cursor): ComparisonOperator {
  const operator = COMPARISONS[c.kind]
  if (operator === undefined) return c.fail()
  c.at++
  return operator
}

function relation(c: Cursor): Relation {
  if (c.kind === T.LPAREN) {
    const next = c.ahead(2)
    if (isColumnIdentifier(c.ahead(1)) && (next === T.COMMA || next === T.RPAREN)) return multiColumn(c)
    c.at++
    c.enter()
    const inner = relation(c)
    c.leave()
    c.expect(T.RPAREN)
    return inner
  }
  if (c.accept(T.K_TOKEN)) {
    const columns = columnTuple(c)
    const operator = comparison(c)
    return { kind: 'token', columns, operator, value: term(c) }
  }
  const column = columnIdentifier(c)
  const kind = c.kind
  const operator = COMPARISONS[kind]
  if (operator !== undefined) {
    c.at++
    return { kind: 'column', column, operator, value: term(c) }
  }
  c.at++
  switch (kind) {
    case T.K_IN:
      return { kind: 'columnIn', column, values: inValues(c) }
    case T.K_LIKE:
      return { kind: 'column', column, operator: 'LIKE', value: term(c) }
    case T.K_CONTAINS: {
      const contains = c.accept(T.K_KEY) ? 'CONTAINS KEY' : 'CONTAINS'
      return { kind: 'column', column, operator: contains, value: term(c) }
    }
    case T.K_IS:
      c.expect(T.K_NOT)
      c.expect(T.K_NULL)
      return { kind: 'isNotNull', column }
    case T.LBRACKET: {
      const key = term(c)
      c.expect(T.RBRACKET)
      const compared = comparison(c)
      return { kind: 'element', column, key, operator: compared, value: term(c) }
    }
    default:
      return c.fail()
  }
}

function columnTuple(c: Cursor): Identifier[] {
  c.expect(T.LPAREN)
  const columns = [columnIdentifier(c)]
  while (c.accept(T.COMMA)) columns.push(columnIdentifier(c))
  c.expect(T.RPAREN)
  return columns
}

/** `IN ?`, `IN (…)`, `IN ()`. */
function inValues(c: Cursor): readonly Term[] | BindMarker {
  const marker = bindMarker(c)
  if (marker !== null) return marker
  c.expect(T.LPAREN)
  if (c.accept(T.RPAREN)) return []
  const values = terms(c)
  c.expect(T.RPAREN)
  return values
}

function multiColumn(c: Cursor): Relation {
  const columns = columnTuple(c)
  if (!c.accept(T.K_IN)) {
    const operator = comparison(c)
    return { kind: 'multiColumn', columns, operator, value: bindMarker(c) ?? tupleLiteral(c) }
  }
  const marker = bindMarker(c)
  if (marker !== null) return { kind: 'multiColumnIn', columns, values: marker }
  c.expect(T.LPAREN)
  if (c.accept(T.RPAREN)) return { kind: 'multiColumnIn', columns, values: [] }
  if (c.kind === T.LPAREN) {
    const tuples: TupleLiteral[] = [tupleLiteral(c)]
    while (c.accept(T.COMMA)) tuples.push(tupleLiteral(c))
    c.expect(T.RPAREN)
    return { kind: 'multiColumnIn', columns, values: tuples }
  }
  const markers: BindMarker[] = [bindMarker(c) ?? c.fail()]
  while (c.accept(T.COMMA)) markers.push(bindMarker(c) ?? c.fail())
  c.expect(T.RPAREN)
  return { kind: 'multiColumnIn', columns, values: markers }
}

/** IF EXISTS answers `EXISTS`; no IF at all, no conditions. */
export function conditions(c: Cursor): readonly Condition[] | typeof EXISTS {
  if (!c.accept(T.K_IF)) return []
  // A column may be called exists: only an operator behind it tells.
  if (c.kind === T.K_EXISTS && !STARTS_CONDITION[c.ahead(1)]) {
    c.at++
    return EXISTS
  }
  const result = [condition(c)]
  while (c.accept(T.K_AND)) result.push(condition(c))
  return result
}

const STARTS_CONDITION = kindSet([
  T.EQUAL,
  T.LESS,
  T.LESS_EQUAL,
  T.GREATER,
  T.GREATER_EQUAL,
  T.NOT_EQUAL,
  T.K_IN,
  T.K_CONTAINS,
  T.LBRACKET,
  T.DOT,
])

function condition(c: Cursor): Condition {
  const column = columnIdentifier(c)
  let target: ConditionTarget = { kind: 'column', column }
  if (c.accept(T.LBRACKET)) {
    target = { kind: 'element', column, element: term(c) }
    c.expect(T.RBRACKET)
  } else if (c.accept(T.DOT)) target = { kind: 'field', column, field: identifier(c) }
  else if (c.accept(T.K_CONTAINS)) {
    const operator = c.accept(T.K_KEY) ? 'CONTAINS KEY' : 'CONTAINS'
    return { kind: 'comparison', target, operator, value: term(c) }
  }
  if (c.accept(T.K_IN)) return { kind: 'in', target, values: inValues(c) }
  const operator = comparison(c)
  return { kind: 'comparison', target, operator, value: term(c) }
}

/** Adds one `name = value` to the properties. */
export function property(c: Cursor, into: Property[]): void {
  const key = identifier(c).text
  c.expect(T.EQUAL)
  let value: string | ReadonlyMap<string, string>
  if (c.kind === T.LBRACE) value = propertyMap(c)
  else value = constant(c)?.text ?? keywordText(c)
  const known = into.findIndex((other) => other.name === key)
  if (known < 0) into.push({ name: key, value })
  else c.complain(`Multiple definitions for property '${key}'`)
}

export function properties(c: Cursor): Property[] {
  const result: Property[] = []
  do property(c, result)
  while (c.accept(T.K_AND))
  return result
}

/** A map of constants, as in `replication = {'class': 'SimpleStrategy'}`. */
export function propertyMap(c: Cursor): ReadonlyMap<string, string> {
  const result = new Map<string, string>()
  for (const [key, value] of fullMapLiteral(c)) {
    if (key.kind !== 'literal' || key.type === 'null') {
      c.complain(`Invalid property name: ${describe(key)}${markerHint(key)}`)
      break
    }
    if (value.kind !== 'literal' || value.type === 'null') {
      c.complain(
        `Invalid property value: ${describe(value)} for property: ${describe(key)}${markerHint(value)}`,
      )
      break
    }
    if (result.has(key.text)) c.complain(`Multiple definition for property ${key.text}`)
    result.set(key.text, value.text)
  }
  return result
}

function markerHint(value: Term): string {
  return value.kind === 'bindMarker' ? ' (bind variables are not supported in DDL queries)' : ''
}

/** A term in Cassandra's error messages. */
function describe(value: Term): string {
  const list = (elements: readonly Term[]) => elements.map(describe).join(', ')
  switch (value.kind) {
    case 'literal':
      if (value.type === 'null') return 'NULL'
      return value.type === 'string' ? `'${value.text}'` : value.text
    case 'bindMarker':
      return '?'
    case 'listLiteral':
      return `[${list(value.elements)}]`
    case 'setLiteral':
      return `{${list(value.elements)}}`
    case 'tupleLiteral':
      return `(${list(value.elements)})`
    case 'mapLiteral':
      return `{${value.entries.map(([k, v]) => `${describe(k)}: ${describe(v)}`).join(', ')}}`
    case 'udtLiteral':
      return `{${value.fields.map(([k, v]) => `${k.text}: ${describe(v)}`).join(', ')}}`
    case 'functionCall': {
      const { keyspace, name } = value.name
      return `${keyspace === null ? '' : `${keyspace}.`}${name}(${list(value.args)})`
    }
    case 'typeCast':
      return `(${value.type.kind === 'native' ? value.type.name : value.type.kind})${describe(value.term)}`
    case 'cast':
      return `castas${value.type}(${describe(value.term)})`
    case 'arithmetic':
      return `${describe(value.left)} ${value.operator} ${describe(value.right)}`
    case 'negation':
      return `-${describe(value.term)}`
    case 'prepared':
      return ''
  }
}
