/** CREATE, ALTER and DROP TYPE. */

import { InvalidRequestError } from '../../common/errors.ts'
import type { TableMetadata } from '../../model/table.ts'
import {
  alterTable,
  type KeyspaceMetadata,
  referencesUserType,
  type Schema,
  withoutType,
  withType,
  withUpdatedUserType,
} from '../../schema/index.ts'
import { type CqlType, qualifiedName, type UserType, userType } from '../../types/index.ts'
import type {
  AlterTypeStatement,
  CreateTypeStatement,
  DropTypeStatement,
  RawType,
  TypeAlteration,
} from '../raw/index.ts'
import { keyspaceOf, qualifiedTypeText, resolveType } from '../types.ts'
import type { Execution } from './context.ts'
import { guardFieldsPerUdt, guardType } from './guardrails.ts'
import { identifierOrder } from './java.ts'
import {
  type Applied,
  changed,
  existingKeyspace,
  refuseSystemKeyspace,
  tableChange,
  tableText,
  typeChange,
  unchanged,
  validateKeyspaceName,
} from './outcome.ts'

export function createType(schema: Schema, statement: CreateTypeStatement, execution: Execution): Applied {
  const keyspaceName = keyspaceOf(statement.type, execution.keyspace)
  const { name } = statement.type
  refuseSystemKeyspace(keyspaceName, 'CREATE', `<all tables in ${keyspaceName}>`)
  guardFieldsPerUdt(execution, statement.fields.length, name)
  for (const field of statement.fields) guardType(execution, field.type, `Field ${field.name.text}`)
  validateKeyspaceName(keyspaceName)
  const keyspace = existingKeyspace(schema, keyspaceName)
  if (keyspace.types.has(name)) {
    if (statement.ifNotExists) return unchanged(schema)
    throw new InvalidRequestError(`A user type with name '${name}' already exists`)
  }
  const fieldNames = statement.fields.map((field) => field.name.text)
  const seen = new Set<string>()
  for (const field of fieldNames) {
    if (seen.has(field)) throw new InvalidRequestError(`Duplicate field name '${field}' in type '${name}'`)
    seen.add(field)
  }
  for (const field of statement.fields) checkFieldType(field.type)
  const fieldTypes = statement.fields.map((field) => resolveType(field.type, keyspace))
  const type = userType(keyspaceName, name, fieldNames, fieldTypes, true)
  return changed(schema.withKeyspace(withType(keyspace, type)), typeChange('CREATED', keyspaceName, name))
}

function checkFieldType(type: RawType): void {
  if (type.kind === 'native' && type.name === 'counter') {
    throw new InvalidRequestError('A user type cannot contain counters')
  }
  if (type.kind === 'udt' && !type.frozen) {
    throw new InvalidRequestError('A user type cannot contain non-frozen UDTs')
  }
}

export function alterType(schema: Schema, statement: AlterTypeStatement, execution: Execution): Applied {
  const keyspaceName = keyspaceOf(statement.type, execution.keyspace)
  const { name } = statement.type
  refuseSystemKeyspace(keyspaceName, 'ALTER', `<all tables in ${keyspaceName}>`)
  validateKeyspaceName(keyspaceName)
  const keyspace = schema.keyspace(keyspaceName)
  const type = keyspace?.types.get(name)
  if (keyspace === null || type === undefined) {
    if (statement.ifExists) return unchanged(schema)
    throw new InvalidRequestError(`Type ${keyspaceName}.${name} doesn't exist`)
  }
  const altered = applyAlteration(statement.alteration, type, keyspace, execution)
  if (altered.className === type.className) return unchanged(schema)
  return withAlteredType(schema, keyspace, altered)
}

function applyAlteration(
  alteration: TypeAlteration,
  type: UserType,
  keyspace: KeyspaceMetadata,
  execution: Execution,
): UserType {
  switch (alteration.kind) {
    case 'alterField':
      throw new InvalidRequestError('Altering field types is no longer supported')
    case 'addField':
      return addField(alteration, type, keyspace, execution)
    case 'renameFields':
      return renameFields(alteration, type)
  }
}

function addField(
  { field, ifFieldNotExists }: Extract<TypeAlteration, { kind: 'addField' }>,
  type: UserType,
  keyspace: KeyspaceMetadata,
  execution: Execution,
): UserType {
  checkFieldType(field.type)
  const name = field.name.text
  const typeName = qualifiedName(type)
  if (type.fieldNames.includes(name)) {
    if (ifFieldNotExists) return type
    throw new InvalidRequestError(
      `Cannot add field ${name} to type ${typeName}: a field with name ${name} already exists`,
    )
  }
  const fieldType = resolveType(field.type, keyspace)
  const fieldText = qualifiedTypeText(field.type, keyspace.name)
  if (referencesUserType(fieldType, type.name)) {
    throw new InvalidRequestError(
      `Cannot add new field ${name} of type ${fieldText} to user type ${typeName} as it would create a circular reference`,
    )
  }
  const tables = [...keyspace.tables.values()].filter((table) =>
    table.partitionKeys.some((column) => referencesUserType(column.type, type.name)),
  )
  if (tables.length > 0) {
    throw new InvalidRequestError(
      `Cannot add new field ${name} of type ${fieldText} to user type ${typeName} as the type is being used in partition key by the following tables: ${tables.map(tableText).join(', ')}`,
    )
  }
  guardFieldsPerUdt(execution, type.fieldNames.length + 1, type.name)
  guardType(execution, field.type, `Field ${name}`)
  return userType(type.keyspace, type.name, [...type.fieldNames, name], [...type.fieldTypes, fieldType], true)
}

function renameFields(
  { renames, ifFieldsExist }: Extract<TypeAlteration, { kind: 'renameFields' }>,
  type: UserType,
): UserType {
  const names = [...type.fieldNames]
  const targets = new Map(renames.map(([from, to]) => [from.text, to.text]))
  for (const from of identifierOrder(targets.keys())) {
    const to = targets.get(from)!
    const i = type.fieldNames.indexOf(from)
    if (i >= 0) names[i] = to
    else if (!ifFieldsExist) {
      throw new InvalidRequestError(`Unkown field ${from} in user type ${qualifiedName(type)}`)
    }
  }
  for (const name of names) {
    // Cassandra's text has the keyspace where it means the type.
    if (names.indexOf(name) !== names.lastIndexOf(name)) {
      throw new InvalidRequestError(`Duplicate field name ${name} in type ${type.keyspace}`)
    }
  }
  return userType(type.keyspace, type.name, names, type.fieldTypes, true)
}

/** Everything that holds the type holds the altered one (`KeyspaceMetadata.withUpdatedUserType`). */
function withAlteredType(schema: Schema, keyspace: KeyspaceMetadata, altered: UserType): Applied {
  const change = typeChange('UPDATED', keyspace.name, altered.name)
  const types = new Map<string, UserType>()
  const changes = []
  for (const type of keyspace.types.values()) {
    const updated = withUpdatedUserType(type, altered) as UserType
    types.set(type.name, updated)
    if (updated !== type) changes.push(typeChange('UPDATED', keyspace.name, type.name))
  }
  const tables = new Map<string, TableMetadata>()
  for (const table of keyspace.tables.values()) {
    const updated = withUpdatedColumns(table, altered)
    tables.set(table.name, updated)
    if (updated !== table) changes.push(tableChange('UPDATED', keyspace.name, table.name))
  }
  return changed(schema.withKeyspace({ ...keyspace, types, tables }), change, changes)
}

function withUpdatedColumns(table: TableMetadata, altered: UserType): TableMetadata {
  const types = new Map<string, CqlType>()
  for (const { name, type } of table.columns.values()) {
    const updated = withUpdatedUserType(type, altered)
    if (updated !== type) types.set(name, updated)
  }
  return types.size === 0 ? table : alterTable(table, { types })
}

export function dropType(schema: Schema, statement: DropTypeStatement, execution: Execution): Applied {
  const keyspaceName = keyspaceOf(statement.type, execution.keyspace)
  const { name } = statement.type
  refuseSystemKeyspace(keyspaceName, 'DROP', `<all tables in ${keyspaceName}>`)
  validateKeyspaceName(keyspaceName)
  const keyspace = schema.keyspace(keyspaceName)
  if (keyspace === null || !keyspace.types.has(name)) {
    if (statement.ifExists) return unchanged(schema)
    throw new InvalidRequestError(`Type '${keyspaceName}.${name}' doesn't exist`)
  }
  const refuse = (kind: string, users: readonly string[]): void => {
    if (users.length === 0) return
    throw new InvalidRequestError(
      `Cannot drop user type '${keyspaceName}.${name}' as it is still used by ${kind} ${users.join(', ')}`,
    )
  }
  const types = [...keyspace.types.values()].filter(
    (type) => type.name !== name && referencesUserType(type, name),
  )
  refuse(
    'user types',
    types.map((type) => type.name),
  )
  const tables = [...keyspace.tables.values()].filter((table) =>
    [...table.columns.values()].some((column) => referencesUserType(column.type, name)),
  )
  refuse(
    'tables',
    tables.map((table) => table.name),
  )
  return changed(schema.withKeyspace(withoutType(keyspace, name)), typeChange('DROPPED', keyspaceName, name))
}
