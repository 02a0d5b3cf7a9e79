import type { ColumnMetadata, DroppedColumn, TableMetadata } from '../../model/table.ts'
import { parseClassName } from '../../types/index.ts'

/** What of a column can be given to another thread: types by their class names. */
type Parts<T extends { readonly type: unknown }> = Omit<T, 'type'> & { readonly type: string }

/** A table's metadata as it is given to another thread (structured clone). */
export interface TableParts
  extends Omit<
    TableMetadata,
    | 'partitionKeys'
    | 'clusterings'
    | 'statics'
    | 'regulars'
    | 'columns'
    | 'columnsById'
    | 'dropped'
    | 'compactValue'
    | 'hidden'
  > {
  readonly columns: readonly Parts<ColumnMetadata>[]
  readonly partitionKeys: readonly string[]
  readonly clusterings: readonly string[]
  readonly statics: readonly string[]
  readonly regulars: readonly string[]
  readonly dropped: readonly Parts<DroppedColumn>[]
  readonly compactValue: string | null
  readonly hidden: readonly string[]
}

function withTypeName<T extends { readonly type: { readonly className: string } }>(column: T) {
  return { ...column, type: column.type.className }
}

function nameOf({ name }: { readonly name: string }): string {
  return name
}

/** The parts of a table's metadata; handle and column ids stay, so that rows mean the same there. */
export function tableParts(table: TableMetadata): TableParts {
  const { columnsById: _, ...rest } = table
  return {
    ...rest,
    columns: [...table.columns.values()].map(withTypeName),
    partitionKeys: table.partitionKeys.map(nameOf),
    clusterings: table.clusterings.map(nameOf),
    statics: table.statics.map(nameOf),
    regulars: table.regulars.map(nameOf),
    dropped: [...table.dropped.values()].map(withTypeName),
    compactValue: table.compactValue?.name ?? null,
    hidden: [...table.hidden].map(nameOf),
  }
}

/** The table's metadata out of its parts. */
export function tableFromParts(parts: TableParts): TableMetadata {
  const columns = new Map<string, ColumnMetadata>()
  const columnsById: (ColumnMetadata | undefined)[] = []
  for (const column of parts.columns) {
    const made = { ...column, type: parseClassName(column.type) }
    columns.set(made.name, made)
    if (made.kind === 'static' || made.kind === 'regular') columnsById[made.id] = made
  }
  const named = (names: readonly string[]): ColumnMetadata[] => names.map((name) => columns.get(name)!)
  return {
    ...parts,
    columns,
    columnsById,
    partitionKeys: named(parts.partitionKeys),
    clusterings: named(parts.clusterings),
    statics: named(parts.statics),
    regulars: named(parts.regulars),
    dropped: new Map(
      parts.dropped.map((column) => [column.name, { ...column, type: parseClassName(column.type) }]),
    ),
    compactValue: parts.compactValue === null ? null : columns.get(parts.compactValue)!,
    hidden: new Set(named(parts.hidden)),
  }
}
