import { LIVE_HI } from '../../model/read-command.ts'
import type { ColumnMetadata, TableMetadata } from '../../model/table.ts'
import { type CqlType, parseClassName } from '../../types/index.ts'
import { CorruptSSTableError } from './corruption.ts'
import type { HeaderColumn, HeaderComponent } from './statistics.ts'

/** A column as an SSTable has it, and what the table makes of it today. */
export interface StoredColumn {
  readonly name: string
  /** As it was when the SSTable was written: how its values are to be read. */
  readonly type: CqlType
  /** Has a cell for each element. */
  readonly isComplex: boolean
  /** Length of each value, or -1 where it stands before the value. */
  readonly fixedLength: number
  /** Id of the table's column; -1 where the table has none by that name any more, or one of another kind. */
  readonly columnId: number
  /** Cells up to this timestamp were dropped with the column; LIVE where it never was. */
  readonly droppedHi: number
  readonly droppedLo: number
}

/** How the bytes of an SSTable's Data.db are to be read for a table (`SerializationHeader`). */
export interface SerializationHeader {
  readonly minTimestampHi: number
  readonly minTimestampLo: number
  readonly minLocalDeletionTime: number
  readonly minTtl: number
  readonly clusteringTypes: readonly CqlType[]
  readonly statics: readonly StoredColumn[]
  readonly regulars: readonly StoredColumn[]
}

/** Throws a CorruptSSTableError for types that there are none of. */
export function serializationHeader(
  path: string,
  component: HeaderComponent,
  table: TableMetadata,
): SerializationHeader {
  const typeOf = (name: string): CqlType => {
    try {
      return parseClassName(name)
    } catch (error) {
      throw new CorruptSSTableError(path, -1, error instanceof Error ? error.message : String(error))
    }
  }
  const stored = (columns: readonly HeaderColumn[], kind: ColumnMetadata['kind']): StoredColumn[] =>
    columns.map(({ name, type }) => storedColumn(table, name, typeOf(type), kind))
  return {
    minTimestampHi: Number(component.minTimestamp >> 32n),
    minTimestampLo: Number(BigInt.asIntN(32, component.minTimestamp)),
    minLocalDeletionTime: component.minLocalDeletionTime,
    minTtl: component.minTtl,
    clusteringTypes: component.clusteringTypes.map(typeOf),
    statics: stored(component.statics, 'static'),
    regulars: stored(component.regulars, 'regular'),
  }
}

function storedColumn(
  table: TableMetadata,
  name: string,
  type: CqlType,
  kind: ColumnMetadata['kind'],
): StoredColumn {
  const column = table.columns.get(name)
  const dropped = table.dropped.get(name)
  return {
    name,
    type,
    isComplex: type.multiCell,
    fixedLength: type.multiCell ? -1 : type.fixedLength,
    columnId: column?.kind === kind ? column.id : -1,
    droppedHi: dropped === undefined ? LIVE_HI : Number(dropped.droppedTimeMicros >> 32n),
    droppedLo: dropped === undefined ? 0 : Number(BigInt.asIntN(32, dropped.droppedTimeMicros)),
  }
}
