/** CREATE, ALTER and DROP of schema objects: each function starts behind the words that chose it. */

import { SyntaxError as CqlSyntaxError, InvalidRequestError } from '../../common/errors.ts'
import type {
  ClusteringOrder,
  ColumnDefinition,
  ColumnMask,
  FieldDefinition,
  Identifier,
  IndexTarget,
  PrimaryKey,
  Property,
  QualifiedName,
  RawType,
  SchemaStatement,
  TableAlteration,
  Term,
  TypeAlteration,
} from '../raw/index.ts'
import { ifExists, ifNotExists, properties, property, where } from './clauses.ts'
import type { Cursor } from './cursor.ts'
import {
  columnIdentifier,
  functionName,
  identifier,
  indexName,
  keyspaceName,
  localFunctionName,
  qualifiedIndexName,
  tableName,
  type,
  typeName,
} from './names.ts'
import { selectors } from './select.ts'
import { term, terms } from './terms.ts'
import { T } from './tokens.ts'

export function createKeyspace(c: Cursor): SchemaStatement {
  const unlessExists = ifNotExists(c)
  const keyspace = keyspaceName(c)
  c.expect(T.K_WITH)
  return { kind: 'createKeyspace', keyspace, ifNotExists: unlessExists, properties: properties(c) }
}

export function alterKeyspace(c: Cursor): SchemaStatement {
  const onlyIfExists = ifExists(c)
  const keyspace = keyspaceName(c)
  c.expect(T.K_WITH)
  return { kind: 'alterKeyspace', keyspace, ifExists: onlyIfExists, properties: properties(c) }
}

export function dropKeyspace(c: Cursor): SchemaStatement {
  return { kind: 'dropKeyspace', ifExists: ifExists(c), keyspace: keyspaceName(c) }
}

/** What CREATE TABLE and CREATE MATERIALIZED VIEW have after WITH. */
interface Options {
  readonly clusteringOrder: ClusteringOrder[]
  compactStorage: boolean
  readonly properties: Property[]
}

export function createTable(c: Cursor): SchemaStatement {
  const unlessExists = ifNotExists(c)
  const table = tableName(c)
  const columns: ColumnDefinition[] = []
  const primaryKeys: PrimaryKey[] = []
  const seen = new Set<string>()
  c.expect(T.LPAREN)
  tableColumn(c, table, columns, primaryKeys, seen)
  while (c.accept(T.COMMA))
    if (c.kind !== T.COMMA && c.kind !== T.RPAREN) tableColumn(c, table, columns, primaryKeys, seen)
  c.expect(T.RPAREN)
  const options = withOptions(c, `table '${display(table)}'`, true)
  return { kind: 'createTable', table, ifNotExists: unlessExists, columns, primaryKeys, ...options }
}

/** A name in error messages. */
function display(name: QualifiedName): string {
  return name.keyspace === null ? name.name : `${name.keyspace}.${name.name}`
}

function tableColumn(
  c: Cursor,
  table: QualifiedName,
  columns: ColumnDefinition[],
  primaryKeys: PrimaryKey[],
  seen: Set<string>,
): void {
  const onlyOne = () => {
    if (primaryKeys.length > 0)
      throw new InvalidRequestError(
        `Multiple PRIMARY KEY specified for table '${display(table)}' (exactly one required)`,
      )
  }
  if (c.kind === T.K_PRIMARY) {
    primaryKeys.push(primaryKey(c, onlyOne))
    return
  }
  const name = identifier(c)
  const columnType = type(c)
  const isStatic = c.accept(T.K_STATIC)
  const mask = columnMask(c)
  if (seen.has(name.text))
    throw new InvalidRequestError(`Duplicate column '${name.text}' declaration for table '${display(table)}'`)
  seen.add(name.text)
  columns.push({ name, type: columnType, static: isStatic, mask })
  if (c.accept(T.K_PRIMARY)) {
    c.expect(T.K_KEY)
    onlyOne()
    primaryKeys.push({ partitionKey: [name], clustering: [] })
  }
}

function primaryKey(c: Cursor, check: () => void): PrimaryKey {
  c.expect(T.K_PRIMARY)
  c.expect(T.K_KEY)
  c.expect(T.LPAREN)
  const partitionKey = c.kind === T.LPAREN ? identifiersInParentheses(c) : [identifier(c)]
  check()
  const clustering: Identifier[] = []
  while (c.accept(T.COMMA)) clustering.push(identifier(c))
  c.expect(T.RPAREN)
  return { partitionKey, clustering }
}

function identifiersInParentheses(c: Cursor): Identifier[] {
  c.expect(T.LPAREN)
  const result = [identifier(c)]
  while (c.accept(T.COMMA)) result.push(identifier(c))
  c.expect(T.RPAREN)
  return result
}

function columnMask(c: Cursor): ColumnMask | null {
  if (!c.accept(T.K_MASKED)) return null
  c.expect(T.K_WITH)
  if (c.kind === T.K_DEFAULT && c.ahead(1) !== T.LPAREN && c.ahead(1) !== T.DOT) {
    c.at++
    return { name: null, args: [] }
  }
  const name = functionName(c)
  c.expect(T.LPAREN)
  if (c.accept(T.RPAREN)) return { name, args: [] }
  const args: Term[] = terms(c)
  c.expect(T.RPAREN)
  return { name, args }
}

function withOptions(c: Cursor, what: string, compactAllowed: boolean): Options {
  const options: Options = { clusteringOrder: [], compactStorage: false, properties: [] }
  if (!c.accept(T.K_WITH)) return options
  do {
    if (c.kind === T.K_COMPACT && c.ahead(1) === T.K_STORAGE) {
      c.at += 2
      if (!compactAllowed)
        throw new CqlSyntaxError('COMPACT STORAGE tables are not allowed starting with version 4.0')
      options.compactStorage = true
    } else if (c.kind === T.K_CLUSTERING && c.ahead(1) === T.K_ORDER) {
      c.at += 2
      c.expect(T.K_BY)
      c.expect(T.LPAREN)
      do clusteringOrder(c, what, options.clusteringOrder)
      while (c.accept(T.COMMA))
      c.expect(T.RPAREN)
    } else property(c, options.properties)
  } while (c.accept(T.K_AND))
  return options
}

function clusteringOrder(c: Cursor, what: string, into: ClusteringOrder[]): void {
  const column = identifier(c)
  const direction = c.accept(T.K_DESC) ? 'DESC' : 'ASC'
  if (direction === 'ASC') c.expect(T.K_ASC)
  if (into.some((other) => other.column.text === column.text))
    throw new InvalidRequestError(
      `Duplicate column '${column.text}' in CLUSTERING ORDER BY clause for ${what}`,
    )
  into.push({ column, direction })
}

export function alterTable(c: Cursor): SchemaStatement {
  const onlyIfExists = ifExists(c)
  const table = tableName(c)
  return { kind: 'alterTable', table, ifExists: onlyIfExists, alteration: tableAlteration(c) }
}

function tableAlteration(c: Cursor): TableAlteration {
  switch (c.kind) {
    case T.K_ALTER: {
      c.at++
      const ifColumnExists = ifExists(c)
      const column = columnIdentifier(c)
      if (!ifColumnExists && c.accept(T.K_TYPE)) return { kind: 'alterType', column, type: type(c) }
      if (c.accept(T.K_DROP)) {
        c.expect(T.K_MASKED)
        return { kind: 'mask', column, ifColumnExists, mask: null }
      }
      return { kind: 'mask', column, ifColumnExists, mask: columnMask(c) ?? c.fail() }
    }
    case T.K_ADD: {
      c.at++
      const ifColumnNotExists = ifNotExists(c)
      const columns: ColumnDefinition[] = []
      if (!c.accept(T.LPAREN)) columns.push(addedColumn(c))
      else {
        do columns.push(addedColumn(c))
        while (c.accept(T.COMMA))
        c.expect(T.RPAREN)
      }
      return { kind: 'add', ifColumnNotExists, columns }
    }
    case T.K_DROP: {
      c.at++
      if (c.is(T.K_COMPACT) && c.ahead(1) === T.K_STORAGE) {
        c.at += 2
        return { kind: 'dropCompactStorage' }
      }
      const ifColumnExists = ifExists(c)
      const columns = c.is(T.LPAREN) ? identifiersInParentheses(c) : [identifier(c)]
      let timestamp: string | null = null
      if (c.accept(T.K_USING)) {
        c.expect(T.K_TIMESTAMP)
        if (!c.is(T.INTEGER)) c.fail()
        timestamp = c.rawText()
        c.at++
      }
      return { kind: 'drop', ifColumnExists, columns, timestamp }
    }
    case T.K_RENAME: {
      c.at++
      const ifColumnsExist = ifExists(c)
      return { kind: 'rename', ifColumnsExist, renames: renames(c) }
    }
    case T.K_WITH:
      c.at++
      return { kind: 'properties', properties: properties(c) }
    default:
      return c.fail()
  }
}

function addedColumn(c: Cursor): ColumnDefinition {
  const name = identifier(c)
  const columnType = type(c)
  const isStatic = c.accept(T.K_STATIC)
  return { name, type: columnType, static: isStatic, mask: columnMask(c) }
}

function renames(c: Cursor): (readonly [Identifier, Identifier])[] {
  const result: (readonly [Identifier, Identifier])[] = []
  do {
    const from = identifier(c)
    c.expect(T.K_TO)
    result.push([from, identifier(c)])
  } while (c.accept(T.K_AND))
  return result
}

export function dropTable(c: Cursor): SchemaStatement {
  return { kind: 'dropTable', ifExists: ifExists(c), table: tableName(c) }
}

export function createType(c: Cursor): SchemaStatement {
  const unlessExists = ifNotExists(c)
  const created = plainTypeName(c)
  const fields: FieldDefinition[] = []
  c.expect(T.LPAREN)
  fields.push({ name: identifier(c), type: type(c) })
  while (c.accept(T.COMMA))
    if (c.kind !== T.COMMA && c.kind !== T.RPAREN) fields.push({ name: identifier(c), type: type(c) })
  c.expect(T.RPAREN)
  return { kind: 'createType', type: created, ifNotExists: unlessExists, fields }
}

export function plainTypeName(c: Cursor): QualifiedName {
  const { keyspace, name } = typeName(c)
  return { keyspace, name }
}

export function alterType(c: Cursor): SchemaStatement {
  const onlyIfExists = ifExists(c)
  const altered = plainTypeName(c)
  return { kind: 'alterType', type: altered, ifExists: onlyIfExists, alteration: typeAlteration(c) }
}

function typeAlteration(c: Cursor): TypeAlteration {
  if (c.accept(T.K_ALTER)) {
    const field = identifier(c)
    c.expect(T.K_TYPE)
    return { kind: 'alterField', field, type: type(c) }
  }
  if (c.accept(T.K_ADD)) {
    const ifFieldNotExists = ifNotExists(c)
    return { kind: 'addField', ifFieldNotExists, field: { name: identifier(c), type: type(c) } }
  }
  c.expect(T.K_RENAME)
  const ifFieldsExist = ifExists(c)
  return { kind: 'renameFields', ifFieldsExist, renames: renames(c) }
}

export function dropType(c: Cursor): SchemaStatement {
  return { kind: 'dropType', ifExists: ifExists(c), type: plainTypeName(c) }
}

export function createIndex(c: Cursor, custom: boolean): SchemaStatement {
  const unlessExists = ifNotExists(c)
  const name = c.kind === T.K_ON ? null : indexName(c)
  c.expect(T.K_ON)
  const table = tableName(c)
  c.expect(T.LPAREN)
  const targets: IndexTarget[] = []
  if (c.kind !== T.RPAREN)
    do targets.push(indexTarget(c))
    while (c.accept(T.COMMA))
  c.expect(T.RPAREN)
  const using = c.accept(T.K_USING) ? c.string() : null
  const options = c.accept(T.K_WITH) ? properties(c) : []
  return {
    kind: 'createIndex',
    custom,
    ifNotExists: unlessExists,
    name,
    table,
    targets,
    using,
    properties: options,
  }
}

function indexTarget(c: Cursor): IndexTarget {
  const kind = c.kind
  const wrapped = c.ahead(1) === T.LPAREN
  if (!wrapped) return { kind: 'simple', column: columnIdentifier(c) }
  c.at += 2
  const column = columnIdentifier(c)
  c.expect(T.RPAREN)
  switch (kind) {
    case T.K_VALUES:
      return { kind: 'values', column }
    case T.K_KEYS:
      return { kind: 'keys', column }
    case T.K_ENTRIES:
      return { kind: 'entries', column }
    case T.K_FULL:
      return { kind: 'full', column }
    default:
      return c.fail()
  }
}

export function dropIndex(c: Cursor): SchemaStatement {
  return { kind: 'dropIndex', ifExists: ifExists(c), index: qualifiedIndexName(c) }
}

export function createView(c: Cursor): SchemaStatement {
  const unlessExists = ifNotExists(c)
  const view = tableName(c)
  c.expect(T.K_AS)
  c.expect(T.K_SELECT)
  const selection = selectors(c)
  c.expect(T.K_FROM)
  const table = tableName(c)
  const clauseWhere = c.accept(T.K_WHERE) ? where(c) : null
  const key = primaryKey(c, () => {})
  const options = withOptions(c, `view '${display(view)}'`, false)
  return {
    kind: 'createView',
    view,
    ifNotExists: unlessExists,
    selection,
    table,
    where: clauseWhere,
    primaryKey: key,
    ...options,
  }
}

export function alterView(c: Cursor): SchemaStatement {
  const onlyIfExists = ifExists(c)
  const view = tableName(c)
  c.expect(T.K_WITH)
  return { kind: 'alterView', view, ifExists: onlyIfExists, properties: properties(c) }
}

export function dropView(c: Cursor): SchemaStatement {
  return { kind: 'dropView', ifExists: ifExists(c), view: tableName(c) }
}

export function createTrigger(c: Cursor): SchemaStatement {
  const unlessExists = ifNotExists(c)
  const name = identifier(c).text
  c.expect(T.K_ON)
  const table = tableName(c)
  c.expect(T.K_USING)
  return { kind: 'createTrigger', name, table, className: c.string(), ifNotExists: unlessExists }
}

export function dropTrigger(c: Cursor): SchemaStatement {
  const onlyIfExists = ifExists(c)
  const name = identifier(c).text
  c.expect(T.K_ON)
  return { kind: 'dropTrigger', name, table: tableName(c), ifExists: onlyIfExists }
}

export function createFunction(c: Cursor, orReplace: boolean): SchemaStatement {
  const unlessExists = ifNotExists(c)
  const name = functionName(c)
  const args: { readonly name: Identifier; readonly type: RawType }[] = []
  c.expect(T.LPAREN)
  if (c.kind !== T.RPAREN)
    do args.push({ name: identifier(c), type: type(c) })
    while (c.accept(T.COMMA))
  c.expect(T.RPAREN)
  const calledOnNullInput = c.accept(T.K_CALLED)
  if (!calledOnNullInput) {
    c.expect(T.K_RETURNS)
    c.expect(T.K_NULL)
  }
  c.expect(T.K_ON)
  c.expect(T.K_NULL)
  c.expect(T.K_INPUT)
  c.expect(T.K_RETURNS)
  const returnType = type(c)
  c.expect(T.K_LANGUAGE)
  if (c.kind !== T.IDENT) c.fail()
  const language = c.rawText().toLowerCase()
  c.at++
  c.expect(T.K_AS)
  return {
    kind: 'createFunction',
    orReplace,
    ifNotExists: unlessExists,
    name,
    args,
    calledOnNullInput,
    returnType,
    language,
    body: c.string(),
  }
}

/** `(type, …)`, perhaps empty. */
export function argumentTypes(c: Cursor): RawType[] {
  const result: RawType[] = []
  c.expect(T.LPAREN)
  if (c.kind !== T.RPAREN)
    do result.push(type(c))
    while (c.accept(T.COMMA))
  c.expect(T.RPAREN)
  return result
}

export function dropFunction(c: Cursor): SchemaStatement {
  const onlyIfExists = ifExists(c)
  const name = functionName(c)
  const argTypes = c.kind === T.LPAREN ? argumentTypes(c) : null
  return { kind: 'dropFunction', name, argTypes, ifExists: onlyIfExists }
}

export function createAggregate(c: Cursor, orReplace: boolean): SchemaStatement {
  const unlessExists = ifNotExists(c)
  const name = functionName(c)
  const argTypes = argumentTypes(c)
  c.expect(T.K_SFUNC)
  const stateFunction = localFunctionName(c)
  c.expect(T.K_STYPE)
  const stateType = type(c)
  const finalFunction = c.accept(T.K_FINALFUNC) ? localFunctionName(c) : null
  const initialCondition = c.accept(T.K_INITCOND) ? term(c) : null
  return {
    kind: 'createAggregate',
    orReplace,
    ifNotExists: unlessExists,
    name,
    argTypes,
    stateFunction,
    stateType,
    finalFunction,
    initialCondition,
  }
}

export function dropAggregate(c: Cursor): SchemaStatement {
  const onlyIfExists = ifExists(c)
  const name = functionName(c)
  const argTypes = c.kind === T.LPAREN ? argumentTypes(c) : null
  return { kind: 'dropAggregate', name, argTypes, ifExists: onlyIfExists }
}
