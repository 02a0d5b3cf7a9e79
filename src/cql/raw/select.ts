/** SELECT: selectors and clauses. */

import type { FunctionName, Identifier, NativeTypeName, QualifiedName, RawType } from './names.ts'
import type { WhereClause } from './relations.ts'
import type { ArithmeticOperator, BindMarker, Literal, Term } from './terms.ts'

export type Selectable =
  | { readonly kind: 'column'; readonly name: Identifier }
  | Literal
  | BindMarker
  /** `(int) ?`. */
  | { readonly kind: 'typeHint'; readonly type: RawType; readonly selectable: Selectable }
  /** `(a)` groups, `(a, b)` is a tuple. */
  | { readonly kind: 'tupleOrNested'; readonly elements: readonly Selectable[] }
  | { readonly kind: 'list'; readonly elements: readonly Selectable[] }
  /** `{}` is an empty set. */
  | { readonly kind: 'set'; readonly elements: readonly Selectable[] }
  /** A map, or a user type where every key is a bare column. */
  | { readonly kind: 'mapOrUdt'; readonly entries: readonly (readonly [Selectable, Selectable])[] }
  | { readonly kind: 'countRows' }
  /** The target is a column, perhaps with field, element or slice on it. */
  | {
      readonly kind: 'writetimeOrTtl'
      readonly function: 'writetime' | 'maxwritetime' | 'ttl'
      readonly target: Selectable
    }
  | { readonly kind: 'cast'; readonly selectable: Selectable; readonly type: NativeTypeName }
  | { readonly kind: 'functionCall'; readonly name: FunctionName; readonly args: readonly Selectable[] }
  | { readonly kind: 'field'; readonly receiver: Selectable; readonly field: Identifier }
  | { readonly kind: 'element'; readonly receiver: Selectable; readonly key: Term }
  /** `m[a..b]`; null where open. */
  | {
      readonly kind: 'slice'
      readonly receiver: Selectable
      readonly from: Term | null
      readonly to: Term | null
    }
  | {
      readonly kind: 'arithmetic'
      readonly operator: ArithmeticOperator
      readonly left: Selectable
      readonly right: Selectable
    }
  | { readonly kind: 'negation'; readonly selectable: Selectable }

export interface Selector {
  readonly selectable: Selectable
  readonly alias: Identifier | null
}

/** `*`, or the list. */
export type Selection = '*' | readonly Selector[]

export interface Ordering {
  readonly column: Identifier
  /** The vector of `ANN OF`; null in a plain ordering. */
  readonly ann: Term | null
  readonly direction: 'ASC' | 'DESC'
}

export interface SelectStatement {
  readonly kind: 'select'
  readonly json: boolean
  readonly distinct: boolean
  readonly selection: Selection
  readonly table: QualifiedName
  readonly where: WhereClause | null
  readonly groupBy: readonly Selectable[]
  readonly orderBy: readonly Ordering[]
  readonly perPartitionLimit: Term | null
  readonly limit: Term | null
  readonly allowFiltering: boolean
}
