import type { TableMetadata } from '../../model/table.ts'
import type { CqlType, UserType } from '../../types/index.ts'
import { subTypes } from '../user-types.ts'
import { tableCql } from './table.ts'
import { userTypeCql } from './user-type.ts'

/**
 * The statements of a snapshot's schema.cql, which make the table again with its id: its user types first, each behind
 * those that it is made of (`SchemaCQLHelper.reCreateStatementsForSchemaCql`).
 */
export function snapshotSchemaCql(table: TableMetadata): string {
  const types = new Map<string, UserType>()
  const add = (type: CqlType): void => {
    for (const inner of subTypes(type)) add(inner)
    if (type.kind === 'udt') types.set(type.name, type)
  }
  for (const { type } of [...table.columns.values(), ...table.dropped.values()]) add(type)
  const statements = [...types.values()].map(userTypeCql)
  statements.push(tableCql(table, true))
  return statements
    .map((text) => `${text.replace(/^CREATE (TYPE|TABLE) /m, 'CREATE $1 IF NOT EXISTS ')}\n`)
    .join('')
}
