/** WHERE clauses and IF conditions. */

import type { Identifier, QualifiedName } from './names.ts'
import type { BindMarker, Term, TupleLiteral } from './terms.ts'

export type ComparisonOperator = '=' | '<' | '<=' | '>' | '>=' | '!='

export type ColumnOperator = ComparisonOperator | 'LIKE' | 'CONTAINS' | 'CONTAINS KEY'

export type Relation =
  | {
      readonly kind: 'column'
      readonly column: Identifier
      readonly operator: ColumnOperator
      readonly value: Term
    }
  /** `c IN (...)`; a single bind marker is `c IN ?`. */
  | {
      readonly kind: 'columnIn'
      readonly column: Identifier
      readonly values: readonly Term[] | BindMarker
    }
  | { readonly kind: 'isNotNull'; readonly column: Identifier }
  /** `m[k] = v`. */
  | {
      readonly kind: 'element'
      readonly column: Identifier
      readonly key: Term
      readonly operator: ComparisonOperator
      readonly value: Term
    }
  /** `token(a, b) >= x`. */
  | {
      readonly kind: 'token'
      readonly columns: readonly Identifier[]
      readonly operator: ComparisonOperator
      readonly value: Term
    }
  /** `(a, b) >= (1, 2)`, `(a, b) = ?`. */
  | {
      readonly kind: 'multiColumn'
      readonly columns: readonly Identifier[]
      readonly operator: ComparisonOperator
      readonly value: TupleLiteral | BindMarker
    }
  /** `(a, b) IN ((1, 2), (3, 4))`, `IN (?, ?)`, `IN ?`, `IN ()`. */
  | {
      readonly kind: 'multiColumnIn'
      readonly columns: readonly Identifier[]
      readonly values: readonly TupleLiteral[] | readonly BindMarker[] | BindMarker
    }

/** `expr(index, 'text')`, for a custom index. */
export interface CustomIndexExpression {
  readonly index: QualifiedName
  readonly value: Term
}

export interface WhereClause {
  readonly relations: readonly Relation[]
  readonly expressions: readonly CustomIndexExpression[]
}

/** What a condition looks at: the column, `c[element]` or `c.field`. */
export type ConditionTarget =
  | { readonly kind: 'column'; readonly column: Identifier }
  | { readonly kind: 'element'; readonly column: Identifier; readonly element: Term }
  | { readonly kind: 'field'; readonly column: Identifier; readonly field: Identifier }

export type Condition =
  /** CONTAINS and CONTAINS KEY only with a column target. */
  | {
      readonly kind: 'comparison'
      readonly target: ConditionTarget
      readonly operator: ComparisonOperator | 'CONTAINS' | 'CONTAINS KEY'
      readonly value: Term
    }
  | {
      readonly kind: 'in'
      readonly target: ConditionTarget
      readonly values: readonly Term[] | BindMarker
    }
