/** DESCRIBE, which Cassandra has answered on the server since 4.0. */

import type { FunctionName, QualifiedName } from './names.ts'

export type DescribeTarget =
  | { readonly kind: 'cluster' }
  /** `full`: system keyspaces too. */
  | { readonly kind: 'schema'; readonly full: boolean }
  | { readonly kind: 'keyspaces' }
  /** `only`: without its tables and types. Keyspace null: the session's. */
  | { readonly kind: 'keyspace'; readonly keyspace: string | null; readonly only: boolean }
  | { readonly kind: 'tables' }
  | { readonly kind: 'table'; readonly name: QualifiedName }
  | { readonly kind: 'index'; readonly name: QualifiedName }
  | { readonly kind: 'view'; readonly name: QualifiedName }
  | { readonly kind: 'types' }
  | { readonly kind: 'type'; readonly name: QualifiedName }
  | { readonly kind: 'functions' }
  | { readonly kind: 'function'; readonly name: FunctionName }
  | { readonly kind: 'aggregates' }
  | { readonly kind: 'aggregate'; readonly name: FunctionName }
  /** `DESCRIBE [ks.]name`: a keyspace, table, view or index, whichever is found. */
  | { readonly kind: 'generic'; readonly keyspace: string | null; readonly name: string }

export interface DescribeStatement {
  readonly kind: 'describe'
  readonly target: DescribeTarget
  readonly withInternals: boolean
}
