import type { TableMetadata } from '../../model/table.ts'
import type { UserType } from '../../types/index.ts'
import { maybeQuote } from '../../types/index.ts'
import type { KeyspaceMetadata } from '../keyspace.ts'
import { type BuiltInIndex, builtInIndexes } from '../system/indexes.ts'
import { sortUserTypes } from '../user-types.ts'
import { indexCql } from './built-in-index.ts'
import { keyspaceCql } from './keyspace.ts'
import { tableCql } from './table.ts'
import { userTypeCql } from './user-type.ts'

/** What DESCRIBE has a row for (`SchemaElement`). */
export type SchemaElement =
  | KeyspaceElement
  | { readonly kind: 'type'; readonly type: UserType }
  | TableElement
  | IndexElement

export interface KeyspaceElement {
  readonly kind: 'keyspace'
  readonly keyspace: KeyspaceMetadata
}

export interface TableElement {
  readonly kind: 'table'
  readonly table: TableMetadata
}

export interface IndexElement {
  readonly kind: 'index'
  readonly table: TableMetadata
  readonly index: BuiltInIndex
}

/** The name, unquoted. */
export function elementName(element: SchemaElement): string {
  switch (element.kind) {
    case 'keyspace':
      return element.keyspace.name
    case 'type':
      return element.type.name
    case 'table':
      return element.table.name
    case 'index':
      return element.index.name
  }
}

/** Keyspace, type and name as a row of DESCRIBE has them: names quoted where they need it. */
export function elementColumns(element: SchemaElement): [keyspace: string, type: string, name: string] {
  const name = maybeQuote(elementName(element))
  switch (element.kind) {
    case 'keyspace':
      return [name, element.kind, name]
    case 'type':
      return [maybeQuote(element.type.keyspace), element.kind, name]
    case 'table':
    case 'index':
      return [maybeQuote(element.table.keyspace), element.kind, name]
  }
}

/** The statement that makes it (`SchemaElement.toCqlString`). */
export function elementCql(element: SchemaElement, withInternals: boolean): string {
  switch (element.kind) {
    case 'keyspace':
      return keyspaceCql(element.keyspace)
    case 'type':
      return userTypeCql(element.type)
    case 'table':
      return tableCql(element.table, withInternals)
    case 'index':
      return indexCql(element.table, element.index)
  }
}

/**
 * In the order of their names, upper and lower case alike (`SchemaElement.NAME_COMPARATOR`); otherwise they stay as
 * they were.
 */
function sortElements<T extends SchemaElement>(elements: readonly T[]): T[] {
  return elements
    .map((element) => ({ element, folded: fold(elementName(element)) }))
    .sort((a, b) => (a.folded < b.folded ? -1 : a.folded > b.folded ? 1 : 0))
    .map(({ element }) => element)
}

const FOLDED = /^[a-z0-9_]*$/

/** Java compares character by character, each in upper and then in lower case (`String.compareToIgnoreCase`). */
function fold(name: string): string {
  if (FOLDED.test(name)) return name
  let folded = ''
  for (let i = 0; i < name.length; i++) {
    const char = name[i]!
    const upper = char.toUpperCase()
    const lower = (upper.length === 1 ? upper : char).toLowerCase()
    folded += lower.length === 1 ? lower : char
  }
  return folded
}

export function keyspaceElements(keyspaces: Iterable<KeyspaceMetadata>): KeyspaceElement[] {
  return sortElements([...keyspaces].map((keyspace) => ({ kind: 'keyspace', keyspace }) as const))
}

/** Of two tables whose names differ in case alone the older comes first. */
export function tableElements({ tables }: KeyspaceMetadata): TableElement[] {
  const byAge = [...tables.values()].sort((a, b) => a.handle - b.handle)
  return sortElements(byAge.map((table) => ({ kind: 'table', table }) as const))
}

export function typeElements({ types }: KeyspaceMetadata): SchemaElement[] {
  return sortElements([...types.values()].map((type) => ({ kind: 'type', type })))
}

/** A keyspace and all that is in it, in an order in which it can be made again. */
export function elementsOf(keyspace: KeyspaceMetadata): SchemaElement[] {
  const types = sortUserTypes(keyspace.types.values()).map((type) => ({ kind: 'type', type }) as const)
  const tables = tableElements(keyspace).flatMap(({ table }) => tableAndIndexes(table))
  return [{ kind: 'keyspace', keyspace }, ...types, ...tables]
}

/** A table and what belongs to it. */
export function tableAndIndexes(table: TableMetadata): SchemaElement[] {
  return [{ kind: 'table', table }, ...indexElements(table)]
}

/** The index of that name, whichever table of the keyspace it is on (`KeyspaceMetadata.findIndexedTable`). */
export function findIndex({ tables }: KeyspaceMetadata, name: string): IndexElement | null {
  for (const table of tables.values()) {
    const found = indexElements(table).find(({ index }) => index.name === name)
    if (found !== undefined) return found
  }
  return null
}

function indexElements(table: TableMetadata): IndexElement[] {
  return builtInIndexes(table).map((index) => ({ kind: 'index', table, index }))
}
