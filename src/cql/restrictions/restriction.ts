import { InvalidRequestError } from '../../common/errors.ts'
import type { ColumnSpecification } from '../../model/query-result.ts'
import type { ColumnMetadata } from '../../model/table.ts'
import type { Term } from '../term.ts'

/** Values for several columns: a term each, or one marker bound to a tuple. */
export type TupleTerm =
  | { readonly kind: 'terms'; readonly terms: readonly Term[] }
  | { readonly kind: 'marker'; readonly index: number; readonly receiver: ColumnSpecification }

/** `IN ?`: one marker bound to a list. */
export interface InMarker {
  readonly kind: 'inMarker'
  readonly index: number
  readonly receiver: ColumnSpecification
}

export interface SliceBound {
  readonly value: TupleTerm
  readonly inclusive: boolean
}

/** Whether the relation was written with parentheses, as (a, b) > (1, 2) and (a) = (1) are. */
interface OnColumns {
  readonly columns: readonly ColumnMetadata[]
  readonly multi: boolean
}

export interface EqRestriction extends OnColumns {
  readonly kind: 'eq'
  readonly value: TupleTerm
}

export interface InRestriction extends OnColumns {
  readonly kind: 'in'
  readonly values: readonly TupleTerm[] | InMarker
}

export interface SliceRestriction extends OnColumns {
  readonly kind: 'slice'
  readonly start: SliceBound | null
  readonly end: SliceBound | null
}

/** CONTAINS, CONTAINS KEY and c[key] = value, any number of them on one column. */
export interface ContainsRestriction extends OnColumns {
  readonly kind: 'contains'
  readonly values: readonly Term[]
  readonly keys: readonly Term[]
  readonly entries: readonly (readonly [key: Term, value: Term])[]
}

/** What relations say of some columns, all but token(): `SingleRestriction`. */
export type Restriction = EqRestriction | InRestriction | SliceRestriction | ContainsRestriction

/** token(...) against a value, or between two. */
export interface TokenRestriction {
  readonly columns: readonly ColumnMetadata[]
  readonly equal: Term | null
  readonly start: { readonly value: Term; readonly inclusive: boolean } | null
  readonly end: { readonly value: Term; readonly inclusive: boolean } | null
}

export function invalid(message: string): InvalidRequestError {
  return new InvalidRequestError(message)
}

function commonColumns(a: Restriction, b: Restriction): string {
  return a.columns
    .filter((column) => b.columns.includes(column))
    .map((column) => column.name)
    .join(' ,')
}

/** Two restrictions of the same column as one, or Cassandra's refusal. */
export function mergeRestrictions(first: Restriction, second: Restriction): Restriction {
  // A contains cannot become multi-column; everything else can, to meet one that is.
  const multi = first.multi || (second.multi && first.kind !== 'contains')
  const names = multi ? commonColumns(first, second) : first.columns[0].name
  switch (first.kind) {
    case 'eq':
      throw invalid(`${names} cannot be restricted by more than one relation if it includes an Equal`)
    case 'in':
      throw invalid(`${names} cannot be restricted by more than one relation if it includes a IN`)
    case 'contains': {
      if (second.kind !== 'contains') {
        throw invalid(
          `Collection column ${names} can only be restricted by CONTAINS, CONTAINS KEY, or map-entry equality`,
        )
      }
      return {
        kind: 'contains',
        columns: first.columns,
        multi: false,
        values: [...first.values, ...second.values],
        keys: [...first.keys, ...second.keys],
        entries: [...first.entries, ...second.entries],
      }
    }
    case 'slice':
      return mergeSlices(first, second, multi, names)
  }
}

function mergeSlices(
  first: SliceRestriction,
  second: Restriction,
  multi: boolean,
  names: string,
): SliceRestriction {
  if (second.kind !== 'slice') {
    throw invalid(`Column "${names}" cannot be restricted by both an equality and an inequality relation`)
  }
  if (multi && first.columns[0] !== second.columns[0]) {
    const later =
      first.columns[0].position > second.columns[0].position ? first.columns[0] : second.columns[0]
    throw invalid(
      `Column "${later.name}" cannot be restricted by two inequalities not starting with the same column`,
    )
  }
  if (first.start !== null && second.start !== null) {
    throw invalid(`More than one restriction was found for the start bound on ${names}`)
  }
  if (first.end !== null && second.end !== null) {
    throw invalid(`More than one restriction was found for the end bound on ${names}`)
  }
  return {
    kind: 'slice',
    columns: first.columns.length >= second.columns.length ? first.columns : second.columns,
    multi,
    start: first.start ?? second.start,
    end: first.end ?? second.end,
  }
}

export function mergeTokens(first: TokenRestriction, second: TokenRestriction): TokenRestriction {
  const names = first.columns.map((column) => column.name).join(', ')
  if (first.equal !== null) {
    throw invalid(`${names} cannot be restricted by more than one relation if it includes an Equal`)
  }
  if (second.equal !== null) {
    throw invalid(`Columns "${names}" cannot be restricted by both an equality and an inequality relation`)
  }
  if (first.start !== null && second.start !== null) {
    throw invalid(`More than one restriction was found for the start bound on ${names}`)
  }
  if (first.end !== null && second.end !== null) {
    throw invalid(`More than one restriction was found for the end bound on ${names}`)
  }
  return {
    columns: first.columns,
    equal: null,
    start: first.start ?? second.start,
    end: first.end ?? second.end,
  }
}
