import { compareBytes } from '../../common/bytes.ts'
import type { TableMetadata } from '../../model/table.ts'
import { tokenFunction } from '../functions/token.ts'
import type * as raw from '../raw/index.ts'
import { invalid, ownedValue } from '../restrictions/index.ts'
import { toTokenRestriction } from '../restrictions/relation.ts'
import { mergeTokens, type TokenRestriction } from '../restrictions/restriction.ts'
import type { ExecutionContext, PrepareContext, Term } from '../term.ts'

/** The order of a virtual table's serialized keys. */
export function compareKeys(table: TableMetadata, a: Uint8Array, b: Uint8Array): number {
  const sign = tokenFunction(table).returnType.compare(a, 0, a.length, b, 0, b.length)
  return sign === 0 ? compareBytes(a, 0, a.length, b, 0, b.length) : sign
}

/** Keys between two, of which each may be open. */
export interface KeyRange {
  readonly start: Uint8Array | null
  readonly startInclusive: boolean
  readonly end: Uint8Array | null
  readonly endInclusive: boolean
}

/** A WHERE clause in two: what it says of a virtual table's token, and the rest. */
export function splitLocalToken(
  where: raw.WhereClause | null,
  table: TableMetadata,
  context: PrepareContext,
): { readonly token: TokenRestriction | null; readonly rest: raw.WhereClause | null } {
  if (where === null || !table.isVirtual) return { token: null, rest: where }
  let token: TokenRestriction | null = null
  const relations: raw.Relation[] = []
  for (const relation of where.relations) {
    if (relation.kind === 'token') {
      const restriction = toTokenRestriction(relation, table, context)
      token = token === null ? restriction : mergeTokens(token, restriction)
    } else relations.push(relation)
  }
  return { token, rest: { ...where, relations } }
}

/** The keys that token() leaves: null where these are all. An empty bound is none: it is the least token. */
export function bindKeyRange(
  restriction: TokenRestriction | null,
  context: ExecutionContext,
): KeyRange | null {
  if (restriction === null) return null
  const { equal } = restriction
  const start = equal === null ? restriction.start : { value: equal, inclusive: true }
  const end = equal === null ? restriction.end : { value: equal, inclusive: true }
  const startKey = start === null ? null : boundKey(start.value, context)
  const endKey = end === null ? null : boundKey(end.value, context)
  return {
    start: startKey,
    startInclusive: start?.inclusive === true,
    end: endKey,
    endInclusive: end?.inclusive === true,
  }
}

function boundKey(term: Term, context: ExecutionContext): Uint8Array | null {
  const value = ownedValue(term, context)
  if (value === null || value === undefined) throw invalid('Invalid null token value')
  return value.length === 0 ? null : value
}

export function isInKeyRange(table: TableMetadata, range: KeyRange, key: Uint8Array): boolean {
  const { start, end } = range
  if (start !== null) {
    const order = compareKeys(table, key, start)
    if (order < 0 || (order === 0 && !range.startInclusive)) return false
  }
  if (end === null) return true
  const order = compareKeys(table, key, end)
  return order < 0 || (order === 0 && range.endInclusive)
}
