import type { TableMetadata } from '../../model/table.ts'
import type { ColumnMetadata } from '../../model/table.ts'
import type * as raw from '../raw/index.ts'
import type { PrepareContext, Term } from '../term.ts'

/** The IF of a conditional modification (`Conditions`). */
export interface PreparedConditions {
  readonly kind: 'ifNotExists' | 'ifExists' | 'columns'
  readonly static: readonly PreparedCondition[]
  readonly regular: readonly PreparedCondition[]
}

export interface PreparedCondition {
  readonly column: ColumnMetadata
  readonly operator: string
  readonly values: readonly Term[]
}

/** Prepares the IF of a modification; null where it has none. */
export function prepareConditions(
  statement: raw.InsertStatement | raw.UpdateStatement | raw.DeleteStatement,
  conditions: readonly raw.Condition[],
  _table: TableMetadata,
  _context: PrepareContext,
): PreparedConditions | null {
  if (statement.kind === 'insert') {
    return statement.ifNotExists ? { kind: 'ifNotExists', static: [], regular: [] } : null
  }
  if (statement.ifExists) return { kind: 'ifExists', static: [], regular: [] }
  return conditions.length === 0 ? null : { kind: 'columns', static: [], regular: [] }
}
