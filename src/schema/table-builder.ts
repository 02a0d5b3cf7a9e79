/**
 * Makes table metadata and alters it (`TableMetadata.Builder`). Here alone are handles and column ids given out, from
 * counters of the process.
 */

import { assert } from '../common/assert.ts'
import type {
  ColumnKind,
  ColumnMetadata,
  DroppedColumn,
  DropTime,
  TableFlag,
  TableMetadata,
  TableParams,
} from '../model/table.ts'
import type { CqlType } from '../types/index.ts'
import { inAlteredOrder, inStoredOrder } from './dropped-columns.ts'
import { compareColumnNames, isVirtualKeyspace } from './names.ts'
import { DEFAULT_TABLE_PARAMS } from './table-params.ts'

/** A column to be; `type` of a descending clustering column is reversed. */
export interface ColumnSpec {
  readonly name: string
  readonly kind: ColumnKind
  readonly type: CqlType
}

export interface TableSpec {
  readonly keyspace: string
  readonly name: string
  /** UUID as text. */
  readonly id: string
  /** Partition key and clustering columns in their order; the others in any. */
  readonly columns: readonly ColumnSpec[]
  readonly dropped?: Iterable<DroppedColumn>
  readonly params?: Partial<TableParams>
  /** `compound` alone unless given; `counter` goes into them. */
  readonly flags?: ReadonlySet<TableFlag>
}

/** What ALTER changes; absent parts stay. */
export interface TableChanges {
  readonly add?: readonly ColumnSpec[]
  /** Names of columns that go, with what is remembered of each. */
  readonly drop?: readonly DroppedColumn[]
  /** Primary key columns' names: old to new. */
  readonly rename?: ReadonlyMap<string, string>
  /** New types of columns by name, as after ALTER TYPE. */
  readonly types?: ReadonlyMap<string, CqlType>
  readonly params?: TableParams
  readonly flags?: ReadonlySet<TableFlag>
}

export const COMPOUND: ReadonlySet<TableFlag> = new Set(['compound'])
const COLUMN_IDS = 65_536

let nextHandle = 1

/** The first column id that no column of a table has had, by handle: those of dropped columns wait for them. */
const nextColumnIds = new Map<number, number>()

/** How far handles have been given. */
export function handleMark(): number {
  return nextHandle
}

/**
 * Gives the handles from a mark on again, with columns from 0 on. For simulations, each of which is to write the same bytes whatever ran
 * before it in its process (the commit log names tables by their handles): no table that was made since the mark may be in use.
 */
export function resetHandles(mark: number): void {
  for (let handle = mark; handle < nextHandle; handle++) nextColumnIds.delete(handle)
  nextHandle = mark
}

function takeColumnId(handle: number): number {
  const id = nextColumnIds.get(handle) ?? 0
  assert(id < COLUMN_IDS, 'a table has had 65,536 columns in the life of this process')
  nextColumnIds.set(handle, id + 1)
  return id
}

export function createTableMetadata(spec: TableSpec): TableMetadata {
  const handle = nextHandle++
  // Columns with cells come first and in the order of their names, so that cells sort as Cassandra's columns do.
  const withCells = (kind: ColumnKind) =>
    spec.columns.filter((column) => column.kind === kind).sort((a, b) => compareColumnNames(a.name, b.name))
  const keys = spec.columns.filter(({ kind }) => kind === 'partition_key' || kind === 'clustering')
  return assemble({
    keyspace: spec.keyspace,
    name: spec.name,
    id: spec.id,
    handle,
    columns: numbered([...withCells('static'), ...withCells('regular'), ...keys], () => takeColumnId(handle)),
    dropped: inStoredOrder(droppedByName(spec.dropped)),
    params: { ...DEFAULT_TABLE_PARAMS, ...spec.params },
    flags: spec.flags ?? COMPOUND,
  })
}

/** Columns with their positions and ids. */
function numbered(specs: readonly ColumnSpec[], idOf: (spec: ColumnSpec) => number): ColumnMetadata[] {
  let partitionKeys = 0
  let clusterings = 0
  return specs.map((spec) => ({
    name: spec.name,
    kind: spec.kind,
    position:
      spec.kind === 'partition_key' ? partitionKeys++ : spec.kind === 'clustering' ? clusterings++ : -1,
    type: spec.type,
    id: idOf(spec),
  }))
}

function droppedByName(columns: Iterable<DroppedColumn> = []): ReadonlyMap<string, DroppedColumn> {
  const result = new Map<string, DroppedColumn>()
  for (const column of columns) result.set(column.name, column)
  return result
}

/** The table after an ALTER: same handle, and the same ids for the columns that stay. */
export function alterTable(old: TableMetadata, changes: TableChanges): TableMetadata {
  const dropped = new Map(old.dropped)
  for (const column of changes.drop ?? []) {
    const id = old.columns.get(column.name)?.id
    dropped.set(column.name, id === undefined ? column : { ...column, id })
  }
  const gone = new Set(changes.drop?.map((column) => column.name))
  const columns: ColumnMetadata[] = []
  for (const column of old.columns.values()) {
    if (gone.has(column.name)) continue
    const name = changes.rename?.get(column.name) ?? column.name
    const type = changes.types?.get(column.name) ?? column.type
    columns.push(name === column.name && type === column.type ? column : { ...column, name, type })
  }
  for (const { name, kind, type } of changes.add ?? []) {
    const id = idBefore(old, name, kind, type) ?? takeColumnId(old.handle)
    columns.push({ name, kind, position: -1, type, id })
  }
  return assemble({
    keyspace: old.keyspace,
    name: old.name,
    id: old.id,
    handle: old.handle,
    columns,
    dropped: inAlteredOrder(old.dropped, dropped),
    params: changes.params ?? old.params,
    flags: changes.flags ?? old.flags,
  })
}

/** The id of the column that went by that name, where its cells can be those of the new one. */
function idBefore(table: TableMetadata, name: string, kind: ColumnKind, type: CqlType): number | undefined {
  const before = table.columns.get(name) ?? table.dropped.get(name)
  return before?.kind === kind && before.type.multiCell === type.multiCell ? before.id : undefined
}

/**
 * A table read anew from system_schema takes the handle of the one that this process knows by that id, and the ids of
 * the columns that are still or again there.
 */
export function reassemble(spec: TableSpec, known: TableMetadata): TableMetadata {
  const dropped = new Map<string, DroppedColumn>()
  for (const column of spec.dropped ?? []) {
    const id = idBefore(known, column.name, column.kind, column.type)
    dropped.set(column.name, id === undefined ? column : { ...column, id })
  }
  const idOf = ({ name, kind, type }: ColumnSpec): number =>
    idBefore(known, name, kind, type) ?? takeColumnId(known.handle)
  return assemble({
    keyspace: spec.keyspace,
    name: spec.name,
    id: spec.id,
    handle: known.handle,
    columns: numbered(spec.columns, idOf),
    dropped: inStoredOrder(dropped),
    params: { ...DEFAULT_TABLE_PARAMS, ...spec.params },
    flags: spec.flags ?? COMPOUND,
  })
}

interface Parts {
  readonly keyspace: string
  readonly name: string
  readonly id: string
  readonly handle: number
  readonly columns: readonly ColumnMetadata[]
  readonly dropped: ReadonlyMap<string, DroppedColumn>
  readonly params: TableParams
  readonly flags: ReadonlySet<TableFlag>
}

function assemble(parts: Parts): TableMetadata {
  const partitionKeys: ColumnMetadata[] = []
  const clusterings: ColumnMetadata[] = []
  const statics: ColumnMetadata[] = []
  const regulars: ColumnMetadata[] = []
  const lists = { partition_key: partitionKeys, clustering: clusterings, static: statics, regular: regulars }
  for (const column of parts.columns) lists[column.kind].push(column)
  partitionKeys.sort(byPosition)
  clusterings.sort(byPosition)
  statics.sort(byName)
  regulars.sort(byName)
  const columns = new Map<string, ColumnMetadata>()
  for (const list of [partitionKeys, clusterings, statics, regulars]) {
    for (const column of list) columns.set(column.name, column)
  }
  return {
    keyspace: parts.keyspace,
    name: parts.name,
    id: parts.id,
    handle: parts.handle,
    flags: parts.flags,
    partitionKeys,
    clusterings,
    statics,
    regulars,
    columns,
    columnsById: indexById(statics, regulars),
    dropped: parts.dropped,
    dropTimes: dropTimes(parts.dropped, columns),
    params: parts.params,
    isCounter: parts.flags.has('counter'),
    isVirtual: isVirtualKeyspace(parts.keyspace),
    ...compactness(parts.flags, clusterings, regulars),
  }
}

function dropTimes(
  dropped: ReadonlyMap<string, DroppedColumn>,
  columns: ReadonlyMap<string, ColumnMetadata>,
): TableMetadata['dropTimes'] {
  let times: (DropTime | undefined)[] | null = null
  for (const { name, droppedTimeMicros } of dropped.values()) {
    const column = columns.get(name)
    if (column === undefined) continue
    times ??= []
    times[column.id] = {
      hi: Number(droppedTimeMicros >> 32n),
      lo: Number(BigInt.asIntN(32, droppedTimeMicros)),
    }
  }
  return times
}

const NOTHING_HIDDEN: ReadonlySet<ColumnMetadata> = new Set()

/** What COMPACT STORAGE makes of the table (`CompactTableMetadata`). */
function compactness(
  flags: ReadonlySet<TableFlag>,
  clusterings: readonly ColumnMetadata[],
  regulars: readonly ColumnMetadata[],
): Pick<TableMetadata, 'isCompactTable' | 'isStaticCompactTable' | 'compactValue' | 'hidden'> {
  const isCompactTable = flags.has('super') || flags.has('dense') || !flags.has('compound')
  const isStaticCompactTable = isCompactTable && !flags.has('super') && !flags.has('dense')
  const compactValue = (isCompactTable && regulars[0]) || null
  const hidden =
    compactValue === null
      ? NOTHING_HIDDEN
      : isCompactTable && !flags.has('dense')
        ? new Set([compactValue, ...clusterings])
        : compactValue.type.kind === 'empty'
          ? new Set([compactValue])
          : NOTHING_HIDDEN
  return { isCompactTable, isStaticCompactTable, compactValue, hidden }
}

function byPosition(a: ColumnMetadata, b: ColumnMetadata): number {
  return a.position - b.position
}

function byName(a: ColumnMetadata, b: ColumnMetadata): number {
  return compareColumnNames(a.name, b.name)
}

/** A dense array: what has no column of its id is undefined. */
function indexById(...lists: readonly ColumnMetadata[][]): (ColumnMetadata | undefined)[] {
  let size = 0
  for (const list of lists) for (const column of list) size = Math.max(size, column.id + 1)
  const byId = new Array<ColumnMetadata | undefined>(size).fill(undefined)
  for (const list of lists) for (const column of list) byId[column.id] = column
  return byId
}
