import type { SchemaService } from '../../query/schema-service.ts'
import type { VirtualTables } from '../../query/virtual-tables.ts'
import type { CqlType } from '../../types/index.ts'
import type { Row } from './index.ts'

/** The tables of system_virtual_schema (`VirtualSchemaKeyspace`). */
export function registerVirtualSchema(virtual: VirtualTables, schema: SchemaService): void {
  const keyspaces = () => [...schema.current.keyspaces.values()].filter((keyspace) => keyspace.isVirtual)
  virtual.register('system_virtual_schema', 'keyspaces', () =>
    keyspaces().map((keyspace) => ({ keyspace_name: keyspace.name })),
  )
  virtual.register('system_virtual_schema', 'tables', () =>
    keyspaces().flatMap((keyspace) =>
      [...keyspace.tables.values()].map((table) => ({
        keyspace_name: keyspace.name,
        table_name: table.name,
        comment: table.params.comment,
      })),
    ),
  )
  virtual.register('system_virtual_schema', 'columns', () =>
    keyspaces().flatMap((keyspace) =>
      [...keyspace.tables.values()].flatMap((table) =>
        [...table.columns.values()].map(
          (column): Row => ({
            keyspace_name: keyspace.name,
            table_name: table.name,
            column_name: column.name,
            clustering_order:
              column.kind !== 'clustering' ? 'none' : column.type.kind === 'reversed' ? 'desc' : 'asc',
            column_name_bytes: Buffer.from(column.name),
            kind: column.kind,
            position: column.position,
            type: typeText(column.type),
          }),
        ),
      ),
    ),
  )
}

function typeText(type: CqlType): string {
  return type.kind === 'reversed' ? type.base.cqlName : type.cqlName
}
