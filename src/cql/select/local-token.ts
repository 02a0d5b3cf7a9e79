import { compareBytes } from '../../common/bytes.ts'
import type { ColumnSpecification } from '../../model/query-result.ts'
import type { TableMetadata } from '../../model/table.ts'
import { type CqlType, compositeType, packComposite } from '../../types/index.ts'
import type { ScalarFunction } from '../functions/function.ts'
import type { NativeFunction } from '../functions/native.ts'
import type * as raw from '../raw/index.ts'
import { invalid, ownedValue } from '../restrictions/index.ts'
import { toTokenRestriction } from '../restrictions/relation.ts'
import { mergeTokens, type TokenRestriction } from '../restrictions/restriction.ts'
import { type ExecutionContext, type PrepareContext, prepareTerm, type Term } from '../term.ts'

/**
 * The token of a virtual table's partition is its key, and the order of partitions is that of their keys
 * (`LocalPartitioner`).
 */
interface LocalPartitioner {
  readonly tokenType: CqlType
  readonly token: ScalarFunction & NativeFunction
}

const partitioners = new WeakMap<TableMetadata, LocalPartitioner>()

function partitionerOf(table: TableMetadata): LocalPartitioner {
  let known = partitioners.get(table)
  if (known === undefined) {
    const types = table.partitionKeys.map((column) => column.type)
    const tokenType = types.length === 1 ? types[0] : compositeType(types)
    const execute: ScalarFunction['execute'] = (args) => {
      const values = args.filter((value) => value !== null)
      if (values.length < args.length) return null
      return values.length === 1 ? values[0] : packComposite(values)
    }
    const columnName = (args: readonly string[]) => `system.token(${args.join(', ')})`
    const token: ScalarFunction & NativeFunction = {
      kind: 'scalar',
      fullName: 'system.token',
      argTypes: types,
      returnType: tokenType,
      resultType: () => tokenType,
      columnName,
      execute,
    }
    partitioners.set(table, (known = { tokenType, token }))
  }
  return known
}

/** token() of a virtual table. */
export function localTokenFunction(table: TableMetadata): ScalarFunction {
  return partitionerOf(table).token
}

/** The order of a virtual table's serialized keys. */
export function compareKeys(table: TableMetadata, a: Uint8Array, b: Uint8Array): number {
  const sign = partitionerOf(table).tokenType.compare(a, 0, a.length, b, 0, b.length)
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
      const restriction = localTokenRestriction(relation, table, context)
      token = token === null ? restriction : mergeTokens(token, restriction)
    } else relations.push(relation)
  }
  return { token, rest: { ...where, relations } }
}

const NULL: raw.Literal = { kind: 'literal', type: 'null', text: 'null' }

function localTokenRestriction(
  relation: Extract<raw.Relation, { readonly kind: 'token' }>,
  table: TableMetadata,
  context: PrepareContext,
): TokenRestriction {
  const { tokenType: type, token } = partitionerOf(table)
  const call = relation.value.kind === 'functionCall' ? relation.value.name : null
  if (call !== null && call.keyspace !== null && call.keyspace !== 'system') {
    return toTokenRestriction(relation, table, context)
  }
  if (call?.name.toLowerCase() === 'token') {
    // Prepared as of any table: the arguments are the same, and the token of them another.
    return withValue(toTokenRestriction(relation, table, context), (term) =>
      term.kind === 'function' ? { ...term, function: token } : term,
    )
  }
  const { keyspace, name } = table
  const receiver: ColumnSpecification = { keyspace, table: name, name: 'partition key token', type }
  return withValue(toTokenRestriction({ ...relation, value: NULL }, table, context), () =>
    prepareTerm(relation.value, receiver, context),
  )
}

function withValue(restriction: TokenRestriction, value: (before: Term) => Term): TokenRestriction {
  const { columns, equal, start, end } = restriction
  return {
    columns,
    equal: equal === null ? null : value(equal),
    start: start === null ? null : { ...start, value: value(start.value) },
    end: end === null ? null : { ...end, value: value(end.value) },
  }
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
