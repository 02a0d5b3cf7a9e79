import { ConsistencyLevel } from '../common/errors.ts'
import type { ComplexCell, RowSnapshot } from '../cql/modify/operations.ts'
import { ALL_ROWS, type Slice } from '../model/clustering.ts'
import { LiveRow } from '../model/live-row.ts'
import { type DecoratedKey, FULL_RING, type PartitionReader } from '../model/read-command.ts'
import type { ColumnMetadata, TableMetadata } from '../model/table.ts'
import type { ExecutionScope } from './execution-scope.ts'
import { diskReadFailure } from './read-deadline.ts'

/** Finds rows for the operations that see what is there before they write: on lists by index, on counters. */
export class RowLookup {
  readonly #scope: ExecutionScope

  constructor(scope: ExecutionScope) {
    this.#scope = scope
  }

  /** The row of that clustering as it is now, or null; without a clustering the static row. */
  find(
    table: TableMetadata,
    key: DecoratedKey,
    clustering: readonly Uint8Array[] | null,
  ): RowSnapshot | null {
    const { engine, metrics, context, tracing } = this.#scope
    const trace = tracing.session
    if (table.isCounter) trace?.note('Reading 1 counter values from the CF')
    trace?.note(`Executing single-partition query on ${table.name}`)
    // Cassandra does not count how counters are read to be written.
    if (!table.isCounter) metrics.of(table).beginRead(false, 1, context.nowMillis)
    const slices = slicesOf(clustering)
    const reader = engine.read({ table, keys: [key], range: FULL_RING, slices, reversed: false })
    try {
      return rowFound(reader, table, clustering, context.nowSeconds)
    } catch (error) {
      const { schema } = this.#scope
      throw diskReadFailure(engine, error, table, ConsistencyLevel.ONE, schema.system.listenAddress) ?? error
    } finally {
      reader.close()
    }
  }
}

const live = new LiveRow()

/** The first row that a reader of one partition gives, or its static row where there is no clustering; null without one. */
export function rowFound(
  reader: PartitionReader,
  table: TableMetadata,
  clustering: readonly Uint8Array[] | null,
  nowSeconds: number,
): RowSnapshot | null {
  if (!reader.nextPartition()) return null
  const found = clustering === null ? reader.staticRow() : reader.nextRow()
  if (!found) return null
  const { row, rowAt, rowDeletionHi, rowDeletionLo } = reader
  live.dropTimes = table.dropTimes
  live.load(row, rowAt, rowDeletionHi, rowDeletionLo, nowSeconds)
  return snapshotOf(live, clustering === null ? table.statics : table.regulars)
}

/** The slices of the row of a clustering; none for the static row. */
export function slicesOf(clustering: readonly Uint8Array[] | null): readonly Slice[] {
  if (clustering === null) return []
  if (clustering.length === 0) return ALL_ROWS
  return [{ start: { components: clustering, side: 0 }, end: { components: clustering, side: 1 } }]
}

/** The live values of the columns, as bytes of their own. */
function snapshotOf(live: LiveRow, columns: readonly ColumnMetadata[]): RowSnapshot {
  const simple = new Map<number, Uint8Array>()
  const complex = new Map<number, ComplexCell[]>()
  for (const column of columns) {
    if (column.type.multiCell) complex.set(column.id, live.copyComplex(column.id))
    else {
      const value = live.copySimple(column.id)
      if (value !== null) simple.set(column.id, value)
    }
  }
  return {
    complex: (column) => complex.get(column.id) ?? [],
    simple: (column) => simple.get(column.id) ?? null,
  }
}
