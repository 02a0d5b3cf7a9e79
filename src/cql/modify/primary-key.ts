import { InvalidRequestError } from '../../common/errors.ts'
import { NULL_COMPONENT } from '../../model/clustering.ts'
import type { ColumnMetadata, TableMetadata } from '../../model/table.ts'
import type * as raw from '../raw/index.ts'
import {
  existingColumn as columnOfName,
  prepareRestrictions,
  type StatementRestrictions,
} from '../restrictions/index.ts'
import type { ExecutionContext, PrepareContext, Term } from '../term.ts'

/**
 * The WHERE clause of INSERT, UPDATE and DELETE: which partitions and which rows, or ranges of rows, a modification
 * writes. The rules are those of every WHERE (restrictions/); what stands here beside them is the hot path's view of
 * equalities.
 */
export interface PrimaryKeyRestrictions {
  readonly restrictions: StatementRestrictions
  /** One a partition key column. */
  readonly partition: readonly KeyRestriction[]
  /** One a clustering column that is named, in their order. */
  readonly clustering: readonly KeyRestriction[]
  /** Whether any clustering column is named. */
  readonly restrictsClustering: boolean
  /** Rows by slices: some clustering columns are not named, or by an inequality (`isColumnRange`). */
  readonly isRange: boolean
  /** Every key column has an equality with one bind marker or constant: the hot path. */
  readonly simple: boolean
  readonly hasPartitionIn: boolean
  readonly hasClusteringIn: boolean
}

/** `column = value`; anything else is looked at through `restrictions` only. */
export type KeyRestriction =
  | { readonly kind: 'eq'; readonly column: ColumnMetadata; readonly value: Term }
  | { readonly kind: 'other'; readonly column: ColumnMetadata }

/** Whether the bytes of an equality's value are those of the key: collections are put in order first, but for DESC. */
function isPlain({ kind, column }: KeyRestriction): boolean {
  const { kind: type } = column.type
  return kind === 'eq' && type !== 'list' && type !== 'set' && type !== 'map'
}

/** The column, or Cassandra's complaint that there is none. */
export function existingColumn(table: TableMetadata, name: raw.Identifier): ColumnMetadata {
  return columnOfName(table, name.text)
}

/** Prepares the relations of a WHERE clause, or those an INSERT implies. */
export function preparePrimaryKey(
  table: TableMetadata,
  relations: readonly raw.Relation[],
  type: 'insert' | 'update' | 'delete',
  onlyStaticColumns: boolean,
  context: PrepareContext,
): PrimaryKeyRestrictions {
  const where = { relations, expressions: [] }
  const restrictions = prepareRestrictions(where, table, type, context, { onlyStaticColumns })
  const view = (column: ColumnMetadata): KeyRestriction => {
    const value = restrictions.equalTo(column)
    return value === undefined ? { kind: 'other', column } : { kind: 'eq', column, value }
  }
  const partition = table.partitionKeys.map(view)
  const named = restrictions.hasClusteringRestrictions ? table.clusterings : []
  const clustering = named.map(view)
  const isRange = restrictions.hasClusteringRestrictions && !restrictions.namesRows && type === 'delete'
  return {
    restrictions,
    partition,
    clustering,
    restrictsClustering: restrictions.hasClusteringRestrictions,
    isRange,
    simple: !isRange && !table.isCompactTable && partition.every(isPlain) && clustering.every(isPlain),
    hasPartitionIn: restrictions.keyHasIn,
    hasClusteringIn: restrictions.clusteringHasIn,
  }
}

/**
 * The clusterings that the statement names, in order and each once: [[]] where the table has none, null where the
 * statement names none (whole partition, or static row).
 */
export function bindClusterings(
  table: TableMetadata,
  where: PrimaryKeyRestrictions,
  context: ExecutionContext,
): readonly (readonly Uint8Array[])[] | null {
  if (table.clusterings.length === 0) return [[]]
  if (!where.restrictsClustering) return null
  const rows = where.restrictions.bindClusterings(context) ?? []
  if (table.isCompactTable) checkCompactClusterings(table, rows)
  if (rows.length < 2) return rows
  const sorted = [...rows].sort((a, b) => compareComponents(table, a, b))
  return sorted.filter((row, i) => i === 0 || compareComponents(table, sorted[i - 1]!, row) !== 0)
}

/** A compact table's only clustering column may not be empty (`UpdateParameters.newRow`). */
function checkCompactClusterings(table: TableMetadata, rows: readonly (readonly Uint8Array[])[]): void {
  const only = table.clusterings[0]!
  if (table.isStaticCompactTable || table.clusterings.length > 1) return
  if (rows.some(([value]) => value!.length === 0)) {
    throw new InvalidRequestError(`Invalid empty or null value for column ${only.name}`)
  }
}

/** Order of two clusterings of a table. */
export function compareComponents(
  table: TableMetadata,
  a: readonly Uint8Array[],
  b: readonly Uint8Array[],
): number {
  for (const [index, { type }] of table.clusterings.entries()) {
    const x = a[index]!
    const y = b[index]!
    if (x === NULL_COMPONENT || y === NULL_COMPONENT) {
      if (x !== y) return x === NULL_COMPONENT ? -1 : 1
      continue
    }
    const order = type.compare(x, 0, x.length, y, 0, y.length)
    if (order !== 0) return order
  }
  return 0
}

const MAX_KEY_LENGTH = 0xffff

/** Serializes the components of a partition key (`CompositeType.build` when there are several). */
export function serializePartitionKey(components: readonly Uint8Array[]): Uint8Array {
  if (components.length === 1) return components[0]!
  let size = 0
  for (const component of components) size += component.length + 3
  const key = new Uint8Array(size)
  let at = 0
  for (const component of components) {
    key[at] = component.length >> 8
    key[at + 1] = component.length
    key.set(component, at + 2)
    at += component.length + 3
  }
  return key
}

/** Throws an InvalidRequestError for a key that can't be stored (`QueryProcessor.validateKey`). */
export function validateKey(length: number): void {
  if (length === 0) throw new InvalidRequestError('Key may not be empty')
  validateKeyLength(length)
}

/** Throws an InvalidRequestError for a key or a clustering that is too long. */
export function validateKeyLength(length: number): void {
  if (length > MAX_KEY_LENGTH) {
    throw new InvalidRequestError(`Key length of ${length} is longer than maximum of ${MAX_KEY_LENGTH}`)
  }
}
