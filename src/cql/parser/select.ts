/** SELECT. */

import type { Ordering, Selectable, Selection, Selector, SelectStatement, Term } from '../raw/index.ts'
import { where } from './clauses.ts'
import type { Cursor } from './cursor.ts'
import {
  columnIdentifier,
  functionName,
  identifier,
  isFunctionName,
  isIdentifier,
  nativeType,
  tableName,
  type,
} from './names.ts'
import { intValue, simpleValue, term } from './terms.ts'
import { T } from './tokens.ts'

export function select(c: Cursor): SelectStatement {
  c.at++
  let json = false
  let clause: SelectClause | null = null
  if (c.kind === T.K_JSON && c.ahead(1) !== T.COMMA && c.ahead(1) !== T.K_FROM) {
    // A column may be called json: it is the keyword if a whole clause can follow it.
    const start = c.at
    clause = c.attempt(jsonClause)
    if (isAliased(c, start)) {
      c.at = start
      clause = null
    }
    json = clause !== null
  }
  clause ??= selectClause(c)
  c.expect(T.K_FROM)
  const table = tableName(c)
  const clauseWhere = c.accept(T.K_WHERE) ? where(c) : null
  const groupBy: Selectable[] = []
  if (c.accept(T.K_GROUP)) {
    c.expect(T.K_BY)
    do groupBy.push(selectable(c))
    while (c.accept(T.COMMA))
  }
  const orderBy: Ordering[] = []
  if (c.accept(T.K_ORDER)) {
    c.expect(T.K_BY)
    do orderBy.push(ordering(c))
    while (c.accept(T.COMMA))
  }
  let perPartitionLimit: Term | null = null
  if (c.accept(T.K_PER)) {
    c.expect(T.K_PARTITION)
    c.expect(T.K_LIMIT)
    perPartitionLimit = intValue(c)
  }
  const limit = c.accept(T.K_LIMIT) ? intValue(c) : null
  let allowFiltering = false
  if (c.accept(T.K_ALLOW)) {
    c.expect(T.K_FILTERING)
    allowFiltering = true
  }
  return {
    kind: 'select',
    json,
    distinct: clause.distinct,
    selection: clause.selection,
    table,
    where: clauseWhere,
    groupBy,
    orderBy,
    perPartitionLimit,
    limit,
    allowFiltering,
  }
}

interface SelectClause {
  readonly distinct: boolean
  readonly selection: Selection
}

/** If the word at `start` is a column with an alias: AS after it was no column of a clause that ends before FROM. */
function isAliased(c: Cursor, start: number): boolean {
  return c.kind !== T.K_FROM && c.ahead(start + 1 - c.at) === T.K_AS
}

function jsonClause(c: Cursor): SelectClause {
  c.at++
  return selectClause(c)
}

function selectClause(c: Cursor): SelectClause {
  if (c.kind === T.K_DISTINCT && c.ahead(1) !== T.COMMA && c.ahead(1) !== T.K_FROM) {
    const start = c.at
    const selection = c.attempt(afterDistinct)
    if (isAliased(c, start)) c.at = start
    else if (selection !== null) return { distinct: true, selection }
  }
  return { distinct: false, selection: selectors(c) }
}

function afterDistinct(c: Cursor): Selection {
  c.at++
  return selectors(c)
}

export function selectors(c: Cursor): Selection {
  if (c.accept(T.STAR)) return '*'
  const result: Selector[] = []
  do {
    const selected = selectable(c)
    result.push({ selectable: selected, alias: c.accept(T.K_AS) ? identifier(c) : null })
  } while (c.accept(T.COMMA))
  return result
}

function ordering(c: Cursor): Ordering {
  const column = columnIdentifier(c)
  let ann: Term | null = null
  if (c.accept(T.K_ANN)) {
    c.expect(T.K_OF)
    ann = term(c)
  }
  if (c.accept(T.K_DESC)) return { column, ann, direction: 'DESC' }
  c.accept(T.K_ASC)
  return { column, ann, direction: 'ASC' }
}

export function selectable(c: Cursor): Selectable {
  c.enter()
  let left = product(c)
  for (;;) {
    const kind = c.kind
    if (kind !== T.PLUS && kind !== T.MINUS) break
    c.at++
    left = { kind: 'arithmetic', operator: kind === T.PLUS ? '+' : '-', left, right: product(c) }
  }
  c.leave()
  return left
}

function product(c: Cursor): Selectable {
  let left = group(c)
  for (;;) {
    const kind = c.kind
    if (kind !== T.STAR && kind !== T.SLASH && kind !== T.PERCENT) return left
    c.at++
    const operator = kind === T.STAR ? '*' : kind === T.SLASH ? '/' : '%'
    left = { kind: 'arithmetic', operator, left, right: group(c) }
  }
}

function group(c: Cursor): Selectable {
  if (!c.accept(T.MINUS)) return modifiers(c, unmodified(c))
  c.enter()
  const negated = group(c)
  c.leave()
  return { kind: 'negation', selectable: negated }
}

function modifiers(c: Cursor, receiver: Selectable): Selectable {
  let result = receiver
  for (;;) {
    if (c.accept(T.DOT)) result = { kind: 'field', receiver: result, field: identifier(c) }
    else if (c.accept(T.LBRACKET)) {
      result = subSelection(c, result)
      c.expect(T.RBRACKET)
    } else return result
  }
}

function subSelection(c: Cursor, receiver: Selectable): Selectable {
  if (c.accept(T.RANGE)) return { kind: 'slice', receiver, from: null, to: term(c) }
  const from = term(c)
  if (!c.accept(T.RANGE)) return { kind: 'element', receiver, key: from }
  return { kind: 'slice', receiver, from, to: c.kind === T.RBRACKET ? null : term(c) }
}

function unmodified(c: Cursor): Selectable {
  switch (c.kind) {
    case T.LPAREN:
      return c.attempt(typeHint) ?? tupleOrNested(c)
    case T.LBRACKET:
      c.at++
      return { kind: 'list', elements: selectables(c, T.RBRACKET) }
    case T.LBRACE:
      return mapOrSet(c)
    default:
      return simple(c)
  }
}

function typeHint(c: Cursor): Selectable {
  c.at++
  const hinted = type(c)
  c.expect(T.RPAREN)
  c.enter()
  const inner = unmodified(c)
  c.leave()
  return { kind: 'typeHint', type: hinted, selectable: inner }
}

function tupleOrNested(c: Cursor): Selectable {
  c.at++
  const elements = [selectable(c)]
  while (c.accept(T.COMMA)) elements.push(selectable(c))
  c.expect(T.RPAREN)
  return { kind: 'tupleOrNested', elements }
}

/** Up to the closing token, which is taken; perhaps none. */
function selectables(c: Cursor, close: number): Selectable[] {
  const result: Selectable[] = []
  if (c.accept(close)) return result
  do result.push(selectable(c))
  while (c.accept(T.COMMA))
  c.expect(close)
  return result
}

function mapOrSet(c: Cursor): Selectable {
  c.at++
  if (c.accept(T.RBRACE)) return { kind: 'set', elements: [] }
  const first = selectable(c)
  if (!c.accept(T.COLON)) {
    const elements = [first]
    while (c.accept(T.COMMA)) elements.push(selectable(c))
    c.expect(T.RBRACE)
    return { kind: 'set', elements }
  }
  const entries: (readonly [Selectable, Selectable])[] = [[first, selectable(c)]]
  while (c.accept(T.COMMA)) {
    const key = selectable(c)
    c.expect(T.COLON)
    entries.push([key, selectable(c)])
  }
  c.expect(T.RBRACE)
  return { kind: 'mapOrUdt', entries }
}

function simple(c: Cursor): Selectable {
  const value = simpleValue(c)
  if (value !== null) return value
  const kind = c.kind
  const next = c.ahead(1)
  if (next === T.LPAREN) return call(c, kind)
  if (next === T.DOT && isFunctionName(c.ahead(2)) && c.ahead(3) === T.LPAREN) {
    if (!isIdentifier(kind) && kind !== T.QMARK) c.fail()
    return functionCall(c)
  }
  return { kind: 'column', name: identifier(c) }
}

/** At a name with a parenthesis behind it. */
function call(c: Cursor, kind: number): Selectable {
  switch (kind) {
    case T.K_COUNT:
      if (c.ahead(2) !== T.STAR) break
      c.at += 3
      c.expect(T.RPAREN)
      return { kind: 'countRows' }
    case T.K_WRITETIME:
      return writetimeOrTtl(c, 'writetime')
    case T.K_MAXWRITETIME:
      return writetimeOrTtl(c, 'maxwritetime')
    case T.K_TTL:
      return writetimeOrTtl(c, 'ttl')
    case T.K_CAST: {
      c.at += 2
      const inner = selectable(c)
      c.expect(T.K_AS)
      const target = nativeType(c)
      c.expect(T.RPAREN)
      return { kind: 'cast', selectable: inner, type: target }
    }
  }
  return functionCall(c)
}

function functionCall(c: Cursor): Selectable {
  const called = functionName(c)
  c.expect(T.LPAREN)
  return { kind: 'functionCall', name: called, args: selectables(c, T.RPAREN) }
}

function writetimeOrTtl(c: Cursor, called: 'writetime' | 'maxwritetime' | 'ttl'): Selectable {
  c.at += 2
  const target = modifiers(c, { kind: 'column', name: identifier(c) })
  c.expect(T.RPAREN)
  return { kind: 'writetimeOrTtl', function: called, target }
}
