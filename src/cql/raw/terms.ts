/** Terms: values in INSERT, UPDATE, WHERE, IF, USING and LIMIT. */

import type { Term as PreparedTerm } from '../term.ts'
import type { FunctionName, Identifier, NativeTypeName, RawType } from './names.ts'

/** NaN and Infinity are `float` with the texts `NaN`, `Infinity` and `-Infinity`. */
export type LiteralType = 'string' | 'integer' | 'float' | 'boolean' | 'duration' | 'uuid' | 'hex' | 'null'

/** `text` is the literal's own text; of a string the content, quotes and doublings removed. */
export interface Literal {
  readonly kind: 'literal'
  readonly type: LiteralType
  readonly text: string
}

/** `index` counts all the statement's markers in order of appearance; `name` is null for `?`. */
export interface BindMarker {
  readonly kind: 'bindMarker'
  readonly index: number
  readonly name: string | null
}

export type ArithmeticOperator = '+' | '-' | '*' | '/' | '%'

export interface FunctionCall {
  readonly kind: 'functionCall'
  readonly name: FunctionName
  readonly args: readonly Term[]
}

/** `(type) term`: a hint, not a conversion. */
export interface TypeCast {
  readonly kind: 'typeCast'
  readonly type: RawType
  readonly term: Term
}

/** `CAST(term AS type)`: a conversion function. */
export interface CastTerm {
  readonly kind: 'cast'
  readonly term: Term
  readonly type: NativeTypeName
}

export interface ListLiteral {
  readonly kind: 'listLiteral'
  readonly elements: readonly Term[]
}

/** `{}` is an empty set literal, which stands for an empty map too. */
export interface SetLiteral {
  readonly kind: 'setLiteral'
  readonly elements: readonly Term[]
}

export interface MapLiteral {
  readonly kind: 'mapLiteral'
  readonly entries: readonly (readonly [key: Term, value: Term])[]
}

/** `(a)` too is a tuple: terms have no grouping parentheses. */
export interface TupleLiteral {
  readonly kind: 'tupleLiteral'
  readonly elements: readonly Term[]
}

/** Keys were identifiers, as in `{ street: 'x' }`. A field given twice stands here once, with its last value. */
export interface UdtLiteral {
  readonly kind: 'udtLiteral'
  readonly fields: readonly (readonly [field: Identifier, value: Term])[]
}

export interface ArithmeticTerm {
  readonly kind: 'arithmetic'
  readonly operator: ArithmeticOperator
  readonly left: Term
  readonly right: Term
}

export interface NegationTerm {
  readonly kind: 'negation'
  readonly term: Term
}

/** A value that comes prepared: that of a column in INSERT JSON (`Json.ColumnValue`). No text stands for it. */
export interface ReadyTerm {
  readonly kind: 'prepared'
  readonly term: PreparedTerm
}

export type Term =
  | Literal
  | BindMarker
  | FunctionCall
  | TypeCast
  | CastTerm
  | ListLiteral
  | SetLiteral
  | MapLiteral
  | TupleLiteral
  | UdtLiteral
  | ArithmeticTerm
  | NegationTerm
  | ReadyTerm
