/** INSERT, UPDATE, DELETE, BATCH, TRUNCATE, USE. */

import type {
  Assignment,
  BatchStatement,
  DeleteStatement,
  DeletionTarget,
  Identifier,
  InsertJsonStatement,
  InsertStatement,
  ModificationStatement,
  QualifiedName,
  TruncateStatement,
  UpdateOperation,
  UpdateStatement,
  UseStatement,
} from '../raw/index.ts'
import { conditions, EXISTS, ifNotExists, using, usingTimestamp, where } from './clauses.ts'
import type { Cursor } from './cursor.ts'
import { columnIdentifier, identifier, isColumnIdentifier, keyspaceName, tableName } from './names.ts'
import { bindMarker, term, terms } from './terms.ts'
import { T } from './tokens.ts'

export function use(c: Cursor): UseStatement {
  c.at++
  return { kind: 'use', keyspace: keyspaceName(c) }
}

export function truncate(c: Cursor): TruncateStatement {
  c.at++
  c.accept(T.K_COLUMNFAMILY)
  return { kind: 'truncate', table: tableName(c) }
}

export function insert(c: Cursor): InsertStatement | InsertJsonStatement {
  c.at++
  c.expect(T.K_INTO)
  const table = tableName(c)
  if (c.accept(T.K_JSON)) return insertJson(c, table)
  c.expect(T.LPAREN)
  const columns = [columnIdentifier(c)]
  while (c.accept(T.COMMA)) columns.push(columnIdentifier(c))
  c.expect(T.RPAREN)
  c.expect(T.K_VALUES)
  c.expect(T.LPAREN)
  const values = terms(c)
  c.expect(T.RPAREN)
  return { kind: 'insert', table, columns, values, ifNotExists: ifNotExists(c), using: using(c) }
}

function insertJson(c: Cursor, table: QualifiedName): InsertJsonStatement {
  const json = bindMarker(c) ?? ({ kind: 'literal', type: 'string', text: c.string() } as const)
  let defaultUnset = false
  if (c.accept(T.K_DEFAULT)) {
    if (c.accept(T.K_UNSET)) defaultUnset = true
    else c.expect(T.K_NULL)
  }
  return { kind: 'insertJson', table, json, defaultUnset, ifNotExists: ifNotExists(c), using: using(c) }
}

export function update(c: Cursor): UpdateStatement {
  c.at++
  const table = tableName(c)
  const clauseUsing = using(c)
  c.expect(T.K_SET)
  const assignments: Assignment[] = []
  do assign(c, assignments)
  while (c.accept(T.COMMA))
  c.expect(T.K_WHERE)
  const clauseWhere = where(c)
  const condition = conditions(c)
  return {
    kind: 'update',
    table,
    using: clauseUsing,
    assignments,
    where: clauseWhere,
    conditions: condition === EXISTS ? [] : condition,
    ifExists: condition === EXISTS,
  }
}

function assign(c: Cursor, into: Assignment[]): void {
  const column = columnIdentifier(c)
  const operation = updateOperation(c, column)
  for (const other of into)
    if (other.column.text === column.text && !compatible(other.operation, operation))
      c.complain(`Multiple incompatible setting of column ${column.text}`)
  into.push({ column, operation })
}

/** A column may be added to and have elements set at once, but set as a whole only alone. */
function compatible(first: UpdateOperation, second: UpdateOperation): boolean {
  if (first.kind === 'set') return false
  if (first.kind === 'setField' && second.kind === 'setField') return first.field.text !== second.field.text
  return second.kind !== 'set'
}

function updateOperation(c: Cursor, column: Identifier): UpdateOperation {
  const kind = c.kind
  c.at++
  switch (kind) {
    case T.EQUAL:
      return assignment(c, column)
    case T.PLUS_EQUAL:
      return { kind: 'add', value: term(c) }
    case T.MINUS_EQUAL:
      return { kind: 'subtract', value: term(c) }
    case T.LBRACKET: {
      const element = term(c)
      c.expect(T.RBRACKET)
      c.expect(T.EQUAL)
      return { kind: 'setElement', element, value: term(c) }
    }
    case T.DOT: {
      const field = identifier(c)
      c.expect(T.EQUAL)
      return { kind: 'setField', field, value: term(c) }
    }
    default:
      return c.fail()
  }
}

/** After `column =`. */
function assignment(c: Cursor, column: Identifier): UpdateOperation {
  const next = c.ahead(1)
  if (isColumnIdentifier(c.kind) && next !== T.LPAREN && next !== T.DOT) {
    const other = columnIdentifier(c)
    const same = other.text === column.text
    if (next === T.INTEGER) {
      // `c = c -3`, where the minus is the number's.
      const text = c.rawText()
      c.at++
      if (!same)
        c.complain(
          `Only expressions of the form X = X ${text.startsWith('-') ? '-' : '+'} <value> are supported.`,
        )
      return { kind: 'add', value: { kind: 'literal', type: 'integer', text } }
    }
    if (next !== T.PLUS && next !== T.MINUS) c.fail()
    c.at++
    const value = term(c)
    const sign = next === T.PLUS ? '+' : '-'
    if (!same) c.complain(`Only expressions of the form X = X ${sign}<value> are supported.`)
    return { kind: next === T.PLUS ? 'add' : 'subtract', value }
  }
  const value = term(c)
  if (!c.accept(T.PLUS)) return { kind: 'set', value }
  if (columnIdentifier(c).text !== column.text)
    c.complain('Only expressions of the form X = <value> + X are supported.')
  return { kind: 'prepend', value }
}

export function deletion(c: Cursor): DeleteStatement {
  c.at++
  const targets: DeletionTarget[] = []
  if (c.kind !== T.K_FROM) {
    do targets.push(deletionTarget(c))
    while (c.accept(T.COMMA))
  }
  c.expect(T.K_FROM)
  const table = tableName(c)
  const clauseUsing = usingTimestamp(c)
  c.expect(T.K_WHERE)
  const clauseWhere = where(c)
  const condition = conditions(c)
  return {
    kind: 'delete',
    targets,
    table,
    using: clauseUsing,
    where: clauseWhere,
    conditions: condition === EXISTS ? [] : condition,
    ifExists: condition === EXISTS,
  }
}

function deletionTarget(c: Cursor): DeletionTarget {
  const column = columnIdentifier(c)
  if (c.accept(T.LBRACKET)) {
    const element = term(c)
    c.expect(T.RBRACKET)
    return { kind: 'element', column, element }
  }
  if (c.accept(T.DOT)) return { kind: 'field', column, field: identifier(c) }
  return { kind: 'column', column }
}

export function batch(c: Cursor): BatchStatement {
  c.at++
  const type = c.accept(T.K_UNLOGGED) ? 'UNLOGGED' : c.accept(T.K_COUNTER) ? 'COUNTER' : 'LOGGED'
  c.expect(T.K_BATCH)
  const clauseUsing = using(c)
  const statements: ModificationStatement[] = []
  while (!c.accept(T.K_APPLY)) {
    statements.push(modification(c))
    c.accept(T.SEMICOLON)
  }
  c.expect(T.K_BATCH)
  return { kind: 'batch', type, using: clauseUsing, statements }
}

function modification(c: Cursor): ModificationStatement {
  switch (c.kind) {
    case T.K_INSERT:
      return insert(c)
    case T.K_UPDATE:
      return update(c)
    case T.K_DELETE:
      return deletion(c)
    default:
      return c.fail()
  }
}
