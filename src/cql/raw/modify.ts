/** INSERT, UPDATE, DELETE, BATCH, TRUNCATE and USE. */

import type { Identifier, QualifiedName } from './names.ts'
import type { Condition, WhereClause } from './relations.ts'
import type { BindMarker, Term } from './terms.ts'

/** `USING TIMESTAMP t AND TTL t`: integer literals or bind markers; the last of each stands. */
export interface UsingClause {
  readonly timestamp: Term | null
  readonly ttl: Term | null
}

export interface InsertStatement {
  readonly kind: 'insert'
  readonly table: QualifiedName
  /** As many columns as the text named, which need not be as many as the values: prepare says so. */
  readonly columns: readonly Identifier[]
  readonly values: readonly Term[]
  readonly ifNotExists: boolean
  readonly using: UsingClause
}

export interface InsertJsonStatement {
  readonly kind: 'insertJson'
  readonly table: QualifiedName
  readonly json: { readonly kind: 'literal'; readonly type: 'string'; readonly text: string } | BindMarker
  /** DEFAULT UNSET; otherwise absent columns become null. */
  readonly defaultUnset: boolean
  readonly ifNotExists: boolean
  readonly using: UsingClause
}

/** What one assignment of SET does to its column. */
export type UpdateOperation =
  | { readonly kind: 'set'; readonly value: Term }
  /** `c = c + t`, `c += t`. */
  | { readonly kind: 'add'; readonly value: Term }
  /** `c = t + c`. */
  | { readonly kind: 'prepend'; readonly value: Term }
  /** `c = c - t`, `c -= t`. `c = c -3` is an `add` of the literal -3, as in Cassandra. */
  | { readonly kind: 'subtract'; readonly value: Term }
  | { readonly kind: 'setElement'; readonly element: Term; readonly value: Term }
  | { readonly kind: 'setField'; readonly field: Identifier; readonly value: Term }

export interface Assignment {
  readonly column: Identifier
  readonly operation: UpdateOperation
}

/** IF of an UPDATE or DELETE; an empty list and `ifExists` false where there is none. */
export interface UpdateStatement {
  readonly kind: 'update'
  readonly table: QualifiedName
  readonly using: UsingClause
  readonly assignments: readonly Assignment[]
  readonly where: WhereClause
  readonly conditions: readonly Condition[]
  readonly ifExists: boolean
}

export type DeletionTarget =
  | { readonly kind: 'column'; readonly column: Identifier }
  | { readonly kind: 'element'; readonly column: Identifier; readonly element: Term }
  | { readonly kind: 'field'; readonly column: Identifier; readonly field: Identifier }

export interface DeleteStatement {
  readonly kind: 'delete'
  /** Empty: whole rows. */
  readonly targets: readonly DeletionTarget[]
  readonly table: QualifiedName
  readonly using: UsingClause
  readonly where: WhereClause
  readonly conditions: readonly Condition[]
  readonly ifExists: boolean
}

export type ModificationStatement = InsertStatement | InsertJsonStatement | UpdateStatement | DeleteStatement

export interface BatchStatement {
  readonly kind: 'batch'
  readonly type: 'LOGGED' | 'UNLOGGED' | 'COUNTER'
  readonly using: UsingClause
  readonly statements: readonly ModificationStatement[]
}

export interface TruncateStatement {
  readonly kind: 'truncate'
  readonly table: QualifiedName
}

export interface UseStatement {
  readonly kind: 'use'
  readonly keyspace: string
}
