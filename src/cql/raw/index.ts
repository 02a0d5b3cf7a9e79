/**
 * The raw statements: what the parser makes of the text, before any schema is asked. Everything is a readonly
 * value tagged by `kind`; the text's errors that need no schema have been thrown already.
 */

import type { AuthStatement } from './auth.ts'
import type { DescribeStatement } from './describe.ts'
import type { BatchStatement, ModificationStatement, TruncateStatement, UseStatement } from './modify.ts'
import type { SchemaStatement } from './schema.ts'
import type { SelectStatement } from './select.ts'

export type * from './auth.ts'
export type * from './describe.ts'
export type * from './modify.ts'
export type * from './names.ts'
export type * from './relations.ts'
export type * from './schema.ts'
export type * from './select.ts'
export type * from './terms.ts'

export type RawStatement =
  | SelectStatement
  | ModificationStatement
  | BatchStatement
  | TruncateStatement
  | UseStatement
  | SchemaStatement
  | AuthStatement
  | DescribeStatement

export interface ParsedStatement {
  readonly statement: RawStatement
  /** Names of the bind markers in order of appearance; null for `?`. */
  readonly bindMarkers: readonly (string | null)[]
}
