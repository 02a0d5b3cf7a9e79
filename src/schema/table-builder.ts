/**
 * Makes table metadata and alters it (`TableMetadata.Builder`). Here alone are handles and column ids given out, from
 * counters of the process.
 */

import { assert } from '../common/assert.ts'
import type { ColumnKind, ColumnMetadata, DroppedColumn, TableFlag, TableMetadata, TableParams } from '../model/table.ts'
import type { CqlType } from '../types/index.ts'
import { compareNames, isVirtualKeyspace } from './names.ts'
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

/** The first column id that no column of a table has had, by handle. */
const nextColumnIds = new Map<number, number>()

function takeColumnId(handle: number): number {
  const id = nextColumnIds.get(handle) ?? 0
  assert(id < COLUMN_IDS, 'a table has had 65,536 columns in the life of this process')
  nextColumnIds.set(handle, id + 1)
  return id
}

const KIND_ORDER: Readonly<Record<ColumnKind, number>> = {
  static: 0,
  regular: 1,
  partition_key: 2,
  clustering: 3,
}

export function createTableMetadata(spec: TableSpec): TableMetadata {
  const handle = nextHandle++
  // Columns with cells come first and in the order of their names, so that cells sort as Cassandra's columns do.
  const ordered = [...spec.columns].sort(
    (a, b) =>
      KIND_ORDER[a.kind] - KIND_ORDER[b.kind] ||
      (a.kind === 'static' || a.kind === 'regular' ? compareNames(a.name, b.name) : 0),
  )
  const positions = { partition_key: 0, clustering: 0 }
  const columns = ordered.map(({ name, kind, type }): ColumnMetadata => {
    const position = kind === 'partition_key' || kind === 'clustering' ? positions[kind]++ : -1
    return { name, kind, position, type, id: takeColumnId(handle) }
  })
  return assemble({
    keyspace: spec.keyspace,
    name: spec.name,
    id: spec.id,
    handle,
    columns,
    dropped: new Map([...(spec.dropped ?? [])].map((column) => [column.name, column])),
    params: { ...DEFAULT_TABLE_PARAMS, ...spec.params },
    flags: spec.flags ?? COMPOUND,
  })
}

/** The table after an ALTER: same handle, and the same ids for the columns that stay. */
export function alterTable(old: TableMetadata, changes: TableChanges): TableMetadata {
  const dropped = new Map(old.dropped)
  for (const column of changes.drop ?? []) dropped.set(column.name, column)
  const gone = new Set(changes.drop?.map((column) => column.name))
  const columns: ColumnMetadata[] = []
  for (const column of old.columns.values()) {
    if (gone.has(column.name)) continue
    const name = changes.rename?.get(column.name) ?? column.name
    const type = changes.types?.get(column.name) ?? column.type
    columns.push(name === column.name && type === column.type ? column : { ...column, name, type })
  }
  for (const { name, kind, type } of changes.add ?? []) {
    columns.push({ name, kind, position: -1, type, id: takeColumnId(old.handle) })
  }
  return assemble({
    keyspace: old.keyspace,
    name: old.name,
    id: old.id,
    handle: old.handle,
    columns,
    dropped,
    params: changes.params ?? old.params,
    flags: changes.flags ?? old.flags,
  })
}

/**
 * A table read anew from system_schema takes the handle of the one that this process knows by that id, and the ids of
 * the columns that were not dropped in between.
 */
export function reassemble(spec: TableSpec, known: TableMetadata): TableMetadata {
  const positions = { partition_key: 0, clustering: 0 }
  const dropped = new Map([...(spec.dropped ?? [])].map((column) => [column.name, column]))
  const columns = spec.columns.map(({ name, kind, type }): ColumnMetadata => {
    const position = kind === 'partition_key' || kind === 'clustering' ? positions[kind]++ : -1
    const before = known.columns.get(name)
    const same =
      before !== undefined &&
      before.kind === kind &&
      dropped.get(name)?.droppedTimeMicros === known.dropped.get(name)?.droppedTimeMicros
    return { name, kind, position, type, id: same ? before.id : takeColumnId(known.handle) }
  })
  return assemble({
    keyspace: spec.keyspace,
    name: spec.name,
    id: spec.id,
    handle: known.handle,
    columns,
    dropped,
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
  const byPosition = (kind: ColumnKind) =>
    parts.columns.filter((column) => column.kind === kind).sort((a, b) => a.position - b.position)
  const byName = (kind: ColumnKind) =>
    parts.columns.filter((column) => column.kind === kind).sort((a, b) => compareNames(a.name, b.name))
  const partitionKeys = byPosition('partition_key')
  const clusterings = byPosition('clustering')
  const statics = byName('static')
  const regulars = byName('regular')
  const columnsById: (ColumnMetadata | undefined)[] = []
  for (const column of statics) columnsById[column.id] = column
  for (const column of regulars) columnsById[column.id] = column
  for (let id = 0; id < columnsById.length; id++) columnsById[id] ??= undefined
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
    columns: new Map(
      [...partitionKeys, ...clusterings, ...statics, ...regulars].map((column) => [column.name, column]),
    ),
    columnsById,
    dropped: parts.dropped,
    params: parts.params,
    isCounter: parts.flags.has('counter'),
    isVirtual: isVirtualKeyspace(parts.keyspace),
    isCompactTable: isCompact(parts.flags),
  }
}

/** Made WITH COMPACT STORAGE (`!Flag.isCQLTable`). */
function isCompact(flags: ReadonlySet<TableFlag>): boolean {
  return flags.has('super') || flags.has('dense') || !flags.has('compound')
}
