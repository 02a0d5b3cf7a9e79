/** CREATE, ALTER and DROP of schema objects. */

import type { FunctionName, Identifier, QualifiedName, RawType } from './names.ts'
import type { WhereClause } from './relations.ts'
import type { Selection } from './select.ts'
import type { Term } from './terms.ts'

/** `name = value`: values are raw text as in Cassandra, whatever the literal; or a map of them. */
export interface Property {
  readonly name: string
  readonly value: string | ReadonlyMap<string, string>
}

export interface CreateKeyspaceStatement {
  readonly kind: 'createKeyspace'
  readonly keyspace: string
  readonly ifNotExists: boolean
  readonly properties: readonly Property[]
}

export interface AlterKeyspaceStatement {
  readonly kind: 'alterKeyspace'
  readonly keyspace: string
  readonly ifExists: boolean
  readonly properties: readonly Property[]
}

export interface DropKeyspaceStatement {
  readonly kind: 'dropKeyspace'
  readonly keyspace: string
  readonly ifExists: boolean
}

/** `MASKED WITH f(args)`; `name` null for `MASKED WITH DEFAULT`. */
export interface ColumnMask {
  readonly name: FunctionName | null
  readonly args: readonly Term[]
}

export interface ColumnDefinition {
  readonly name: Identifier
  readonly type: RawType
  readonly static: boolean
  readonly mask: ColumnMask | null
}

export interface ClusteringOrder {
  readonly column: Identifier
  readonly direction: 'ASC' | 'DESC'
}

/** A primary key as the text gave it. */
export interface PrimaryKey {
  readonly partitionKey: readonly Identifier[]
  readonly clustering: readonly Identifier[]
}

export interface CreateTableStatement {
  readonly kind: 'createTable'
  readonly table: QualifiedName
  readonly ifNotExists: boolean
  readonly columns: readonly ColumnDefinition[]
  /** One for each PRIMARY KEY in the text, inline ones too: none or several is prepare's error. */
  readonly primaryKeys: readonly PrimaryKey[]
  readonly clusteringOrder: readonly ClusteringOrder[]
  readonly compactStorage: boolean
  readonly properties: readonly Property[]
}

export type TableAlteration =
  | { readonly kind: 'alterType'; readonly column: Identifier; readonly type: RawType }
  /** Mask null: DROP MASKED. */
  | {
      readonly kind: 'mask'
      readonly column: Identifier
      readonly ifColumnExists: boolean
      readonly mask: ColumnMask | null
    }
  | {
      readonly kind: 'add'
      readonly ifColumnNotExists: boolean
      readonly columns: readonly ColumnDefinition[]
    }
  | {
      readonly kind: 'drop'
      readonly ifColumnExists: boolean
      readonly columns: readonly Identifier[]
      /** USING TIMESTAMP, in microseconds, as text of an integer. */
      readonly timestamp: string | null
    }
  | {
      readonly kind: 'rename'
      readonly ifColumnsExist: boolean
      readonly renames: readonly (readonly [from: Identifier, to: Identifier])[]
    }
  | { readonly kind: 'dropCompactStorage' }
  | { readonly kind: 'properties'; readonly properties: readonly Property[] }

export interface AlterTableStatement {
  readonly kind: 'alterTable'
  readonly table: QualifiedName
  readonly ifExists: boolean
  readonly alteration: TableAlteration
}

export interface DropTableStatement {
  readonly kind: 'dropTable'
  readonly table: QualifiedName
  readonly ifExists: boolean
}

export interface FieldDefinition {
  readonly name: Identifier
  readonly type: RawType
}

export interface CreateTypeStatement {
  readonly kind: 'createType'
  readonly type: QualifiedName
  readonly ifNotExists: boolean
  readonly fields: readonly FieldDefinition[]
}

export type TypeAlteration =
  | { readonly kind: 'alterField'; readonly field: Identifier; readonly type: RawType }
  | { readonly kind: 'addField'; readonly ifFieldNotExists: boolean; readonly field: FieldDefinition }
  | {
      readonly kind: 'renameFields'
      readonly ifFieldsExist: boolean
      readonly renames: readonly (readonly [from: Identifier, to: Identifier])[]
    }

export interface AlterTypeStatement {
  readonly kind: 'alterType'
  readonly type: QualifiedName
  readonly ifExists: boolean
  readonly alteration: TypeAlteration
}

export interface DropTypeStatement {
  readonly kind: 'dropType'
  readonly type: QualifiedName
  readonly ifExists: boolean
}

export interface IndexTarget {
  readonly kind: 'simple' | 'values' | 'keys' | 'entries' | 'full'
  readonly column: Identifier
}

export interface CreateIndexStatement {
  readonly kind: 'createIndex'
  readonly custom: boolean
  readonly ifNotExists: boolean
  /** Null where the text gave no name. */
  readonly name: string | null
  readonly table: QualifiedName
  readonly targets: readonly IndexTarget[]
  /** USING 'class'. */
  readonly using: string | null
  readonly properties: readonly Property[]
}

export interface DropIndexStatement {
  readonly kind: 'dropIndex'
  readonly index: QualifiedName
  readonly ifExists: boolean
}

export interface CreateViewStatement {
  readonly kind: 'createView'
  readonly view: QualifiedName
  readonly ifNotExists: boolean
  readonly selection: Selection
  readonly table: QualifiedName
  readonly where: WhereClause | null
  readonly primaryKey: PrimaryKey
  readonly clusteringOrder: readonly ClusteringOrder[]
  readonly compactStorage: boolean
  readonly properties: readonly Property[]
}

export interface AlterViewStatement {
  readonly kind: 'alterView'
  readonly view: QualifiedName
  readonly ifExists: boolean
  readonly properties: readonly Property[]
}

export interface DropViewStatement {
  readonly kind: 'dropView'
  readonly view: QualifiedName
  readonly ifExists: boolean
}

export interface CreateTriggerStatement {
  readonly kind: 'createTrigger'
  readonly name: string
  readonly table: QualifiedName
  readonly className: string
  readonly ifNotExists: boolean
}

export interface DropTriggerStatement {
  readonly kind: 'dropTrigger'
  readonly name: string
  readonly table: QualifiedName
  readonly ifExists: boolean
}

export interface CreateFunctionStatement {
  readonly kind: 'createFunction'
  readonly orReplace: boolean
  readonly ifNotExists: boolean
  readonly name: FunctionName
  readonly args: readonly { readonly name: Identifier; readonly type: RawType }[]
  readonly calledOnNullInput: boolean
  readonly returnType: RawType
  readonly language: string
  readonly body: string
}

/** `argTypes` null where the text gave no list, which then must be unambiguous. */
export interface DropFunctionStatement {
  readonly kind: 'dropFunction'
  readonly name: FunctionName
  readonly argTypes: readonly RawType[] | null
  readonly ifExists: boolean
}

export interface CreateAggregateStatement {
  readonly kind: 'createAggregate'
  readonly orReplace: boolean
  readonly ifNotExists: boolean
  readonly name: FunctionName
  readonly argTypes: readonly RawType[]
  readonly stateFunction: string
  readonly stateType: RawType
  readonly finalFunction: string | null
  readonly initialCondition: Term | null
}

export interface DropAggregateStatement {
  readonly kind: 'dropAggregate'
  readonly name: FunctionName
  readonly argTypes: readonly RawType[] | null
  readonly ifExists: boolean
}

export type SchemaStatement =
  | CreateKeyspaceStatement
  | AlterKeyspaceStatement
  | DropKeyspaceStatement
  | CreateTableStatement
  | AlterTableStatement
  | DropTableStatement
  | CreateTypeStatement
  | AlterTypeStatement
  | DropTypeStatement
  | CreateIndexStatement
  | DropIndexStatement
  | CreateViewStatement
  | AlterViewStatement
  | DropViewStatement
  | CreateTriggerStatement
  | DropTriggerStatement
  | CreateFunctionStatement
  | DropFunctionStatement
  | CreateAggregateStatement
  | DropAggregateStatement
