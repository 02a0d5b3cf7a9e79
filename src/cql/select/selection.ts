import { createHash } from 'node:crypto'
import type { ColumnSpecification, ResultMetadata } from '../../model/query-result.ts'
import type { ColumnMetadata, TableMetadata } from '../../model/table.ts'
import { native } from '../../types/index.ts'
import type * as raw from '../raw/index.ts'
import { columnSpecification } from '../restrictions/index.ts'
import type { PrepareContext } from '../term.ts'
import { columnsInSelectOrder } from './column-order.ts'
import { type GroupSelection, splitAggregates } from './group-selection.ts'
import { OUTPUT_STATIC, type Output, outputOf } from './output.ts'
import { prepareSelectable } from './prepare-selectable.ts'
import type { SelectionConstant, SelectionScope, SelectorFactory } from './selectable.ts'
import { hasAggregate, type Source } from './source.ts'

/** What a SELECT gives of each row, or of each group of rows (`Selection`). */
export interface Selection {
  readonly metadata: ResultMetadata
  readonly outputs: readonly Output[]
  /** Values of the static row that outputs take from the store. */
  readonly statics: readonly Source[]
  /** Values that are the same for all rows, evaluated once an execution. */
  readonly constants: readonly SelectionConstant[]
  /** The columns that a JSON text is made of; null without JSON. */
  readonly json: readonly ColumnSpecification[] | null
  /** All columns that are looked at, for the checks of DISTINCT. */
  readonly columns: readonly ColumnMetadata[]
  /** Ids of those of them that have cells; null where there are none. */
  readonly cellIds: ReadonlySet<number> | null
  /** Written as `*`. */
  readonly isWildcard: boolean
  /** Some selector is of all rows of a group. */
  readonly isAggregate: boolean
  readonly hasFunctions: boolean
  /** One more than the greatest clustering position looked at. */
  readonly clusteringsUsed: number
  /** Outputs beyond those of the client: columns to order by. */
  readonly orderingOutputs: readonly Output[]
  /** Of each column to order by, its place among the outputs and ordering outputs. */
  readonly orderingIndexes: readonly number[]
  /** Every output is a column as it is, and none is static. */
  readonly isPlain: boolean
  /** How rows become groups' values: where there are aggregates or GROUP BY; otherwise null. */
  readonly groups: GroupSelection | null
}

/**
 * Whether the selectors look at static columns and but for these only at the partition key. Names are looked up one
 * selector after another, and not at all where the table has no static columns: their errors come later then.
 */
export function selectsOnlyStatics(
  selectors: readonly raw.Selector[],
  table: TableMetadata,
  context: PrepareContext,
): boolean {
  if (table.statics.length === 0 || table.isStaticCompactTable) return false
  const selects = (predicate: (column: ColumnMetadata) => boolean) =>
    selectors.some(({ selectable }) => prepareSelectable(selectable, table, context).selects(predicate))
  return (
    selects((column) => column.kind === 'static') &&
    !selects((column) => column.kind === 'clustering' || column.kind === 'regular')
  )
}

/** `ResultSet.computeResultMetadataId`. */
function metadataId(columns: readonly ColumnSpecification[]): Uint8Array {
  let text = ''
  for (const { name, type } of columns) text += `${name}\0${type.className}\0\0`
  return createHash('md5').update(text).digest()
}

/** The columns of a result. Their id is made when it is asked for: statements that are not prepared need none. */
class Columns implements ResultMetadata {
  readonly columns: readonly ColumnSpecification[]
  #id: Uint8Array | null = null

  constructor(columns: readonly ColumnSpecification[]) {
    this.columns = columns
  }

  get id(): Uint8Array {
    this.#id ??= metadataId(this.columns)
    return this.#id
  }
}

export function resultMetadata(columns: readonly ColumnSpecification[]): ResultMetadata {
  return new Columns(columns)
}

interface Selected {
  readonly specification: ColumnSpecification
  readonly source: Source
}

/** One selector after another through both passes, so that errors come in Cassandra's order. */
function selectAll(selectors: raw.Selection, scope: SelectionScope): readonly Selected[] {
  const { table, context } = scope
  if (selectors === '*') {
    return columnsInSelectOrder(table).map((column) => ({
      specification: columnSpecification(table, column),
      source: scope.column(column),
    }))
  }
  return selectors.map(({ selectable, alias }) => {
    const { source, type, name }: SelectorFactory = prepareSelectable(selectable, table, context).select(
      scope,
      null,
    )
    const { keyspace, name: tableName } = table
    return { specification: { keyspace, table: tableName, name: alias?.text ?? name, type }, source }
  })
}

export interface SelectionOptions {
  /** Columns that rows are to be ordered by after they were read. */
  readonly orderingColumns: readonly ColumnMetadata[]
  readonly isJson: boolean
  readonly isGrouped: boolean
}

/** Ids of the columns that are static or regular; null where none is. */
export function idsOfCells(columns: readonly ColumnMetadata[]): ReadonlySet<number> | null {
  let ids: Set<number> | null = null
  for (const { kind, id } of columns) {
    if (kind !== 'regular' && kind !== 'static') continue
    ids ??= new Set()
    ids.add(id)
  }
  return ids
}

interface KnownSelection {
  /** Null is `*`. */
  readonly names: readonly string[] | null
  readonly selection: Selection
}

/** So many selections are kept of each table. */
const KNOWN_MAX = 8
const known = new WeakMap<TableMetadata, KnownSelection[]>()

/**
 * The selection of `*` or of columns by their names, which is the same for all statements on a table: of texts with
 * values in them, each different, most have it in common. Null where the selectors are others, or not known yet.
 */
export function knownSelection(selectors: raw.Selection, table: TableMetadata): Selection | null {
  const candidates = known.get(table)
  return candidates?.find(({ names }) => isSelectionOf(names, selectors))?.selection ?? null
}

function isSelectionOf(names: readonly string[] | null, selectors: raw.Selection): boolean {
  if (names === null || selectors === '*') return names === null && selectors === '*'
  if (names.length !== selectors.length) return false
  for (let i = 0; i < names.length; i++) {
    const { selectable, alias } = selectors[i]
    if (selectable.kind !== 'column' || alias !== null || selectable.name.text !== names[i]) return false
  }
  return true
}

/** Keeps a selection for `knownSelection`, if it is of columns alone. */
export function keepSelection(selectors: raw.Selection, table: TableMetadata, selection: Selection): void {
  const names: string[] = []
  if (selectors !== '*') {
    for (const { selectable, alias } of selectors) {
      if (selectable.kind !== 'column' || alias !== null) return
      names.push(selectable.name.text)
    }
  }
  const kept = { names: selectors === '*' ? null : names, selection }
  const others = known.get(table) ?? []
  known.set(table, [kept, ...others.slice(0, KNOWN_MAX - 1)])
}

/** The selection of selectors, or of `*`. Throws Cassandra's InvalidRequestErrors. */
export function prepareSelection(
  selectors: raw.Selection,
  scope: SelectionScope,
  { orderingColumns, isJson, isGrouped }: SelectionOptions,
): Selection {
  const { keyspace, name } = scope.table
  const selected = selectAll(selectors, scope)
  const specifications = selected.map(({ specification }) => specification)
  const sources = selected.map(({ source }) => source)
  const isAggregate = sources.some(hasAggregate)
  const orderingSources = orderingColumns.map((column) => scope.column(column))
  const outputs = sources.map(outputOf)
  const orderingOutputs = orderingSources.map(outputOf)
  const groups = isAggregate || isGrouped ? splitAggregates([...sources, ...orderingSources]) : null
  return {
    metadata: resultMetadata(
      isJson ? [{ keyspace, table: name, name: '[json]', type: native.text }] : specifications,
    ),
    json: isJson ? specifications : null,
    outputs,
    isPlain: [...outputs, ...orderingOutputs].every(({ kind }) => kind < OUTPUT_STATIC) && groups === null,
    statics: scope.statics,
    constants: scope.constants,
    columns: scope.columns,
    cellIds: idsOfCells(scope.columns),
    isWildcard: selectors === '*',
    isAggregate,
    hasFunctions: scope.hasFunctions,
    clusteringsUsed: scope.clusteringsUsed,
    orderingOutputs,
    orderingIndexes: orderingColumns.map((_, i) => (isJson ? 1 : sources.length) + i),
    groups,
  }
}
