import { readClustering } from '../../model/clustering.ts'
import { LiveRow } from '../../model/live-row.ts'
import type { PartitionReader } from '../../model/read-command.ts'
import type { ColumnMetadata, TableMetadata } from '../../model/table.ts'
import { packCells, packUserTypeCells, unwrapReversed } from '../../types/index.ts'
import { type BoundCondition, meetsCondition } from './condition-check.ts'
import type { ComplexCell, RowSnapshot } from './operations.ts'
import { compareComponents } from './primary-key.ts'

/** Null stands for the static row. */
export type Clustering = readonly Uint8Array[] | null

/** What has to be true of one row. */
export interface RowCondition {
  readonly clustering: Clustering
  readonly kind: 'ifNotExists' | 'ifExists' | 'columns'
  readonly bound: BoundCondition[]
}

/** What a conditional request looks at. */
export interface WantedRows {
  readonly table: TableMetadata
  readonly nowSeconds: number
  /** How many rows at most. */
  readonly rowLimit: number
  /** The columns of static rows and of others. */
  readonly columns: {
    readonly statics: readonly ColumnMetadata[]
    readonly regulars: readonly ColumnMetadata[]
  }
}

/** A row as it was read: the columns that were asked for. */
export class CurrentRow implements RowSnapshot {
  readonly clustering: Clustering
  readonly #simple = new Map<number, Uint8Array>()
  readonly #complex = new Map<number, ComplexCell[]>()

  constructor(clustering: Clustering, live: LiveRow, columns: readonly ColumnMetadata[]) {
    this.clustering = clustering
    const { u8, cell } = live
    for (const { id, type } of columns) {
      if (!type.multiCell) {
        if (live.simple(id))
          this.#simple.set(id, u8.slice(cell.valueOffset, cell.valueOffset + cell.valueLength))
        continue
      }
      const cells: ComplexCell[] = []
      live.complex(id)
      while (live.nextCell()) {
        cells.push({
          path: u8.slice(cell.pathOffset, cell.pathOffset + cell.pathLength),
          value: u8.slice(cell.valueOffset, cell.valueOffset + cell.valueLength),
        })
      }
      if (cells.length > 0) this.#complex.set(id, cells)
    }
  }

  get isEmpty(): boolean {
    return this.#simple.size === 0 && this.#complex.size === 0
  }

  simple(column: ColumnMetadata): Uint8Array | null {
    return this.#simple.get(column.id) ?? null
  }

  complex(column: ColumnMetadata): readonly ComplexCell[] {
    return this.#complex.get(column.id) ?? []
  }

  /** The column's value as clients get it. */
  value(column: ColumnMetadata): Uint8Array | null {
    const type = unwrapReversed(column.type)
    if (!type.multiCell) return this.simple(column)
    const cells = this.complex(column)
    if (cells.length === 0) return null
    if (type.kind === 'udt') return packUserTypeCells(type, cells)
    return type.kind === 'list' || type.kind === 'set' || type.kind === 'map' ? packCells(type, cells) : null
  }
}

const live = new LiveRow()

/** What a request has read of its partition. */
export class CurrentRows {
  readonly rows: CurrentRow[] = []
  statics: CurrentRow | null = null
  liveRows = 0
  tombstones = 0
  sstables = 0
  readonly #request: WantedRows
  #isBegun = false

  constructor(request: WantedRows) {
    this.#request = request
  }

  /** Takes what a reader has. Throws STARVED where more has to be waited for, and is called again then. */
  take(reader: PartitionReader): void {
    const { table, nowSeconds, columns, rowLimit } = this.#request
    live.dropTimes = table.dropTimes
    live.purgeBefore = nowSeconds - table.params.gcGraceSeconds
    const load = () => {
      live.load(reader.row, reader.rowAt, reader.rowDeletionHi, reader.rowDeletionLo, nowSeconds)
      if (live.exists) this.liveRows++
      this.tombstones += live.tombstones
    }
    if (!this.#isBegun) {
      if (!reader.nextPartition()) return
      this.#isBegun = true
      if (reader.staticRow() && columns.statics.length > 0) {
        load()
        const row = new CurrentRow(null, live, columns.statics)
        if (!row.isEmpty) this.statics = row
      }
    }
    while (this.rows.length < rowLimit && reader.nextRow()) {
      load()
      if (!live.exists) continue
      const clustering = readClustering(reader.row, live.clusteringAt, table.clusterings.length)
      const row = new CurrentRow(clustering, live, columns.regulars)
      if (live.livenessLive || !row.isEmpty) this.rows.push(row)
    }
    const markers = reader.markers ?? null
    if (markers !== null) {
      // Behind the row that is enough, nothing is read any more.
      if (this.rows.length < rowLimit) markers.advance(live.purgeBefore, null, 0)
      else markers.advance(live.purgeBefore, live, live.at)
      this.tombstones += markers.bounds + markers.boundaries
    }
    this.sstables = reader.sstablesRead ?? 0
  }

  row(clustering: Clustering): CurrentRow | null {
    if (clustering === null) return this.statics
    return (
      this.rows.find((row) => compareComponents(this.#request.table, row.clustering!, clustering) === 0) ??
      null
    )
  }

  meets(condition: RowCondition): boolean {
    const row = this.row(condition.clustering)
    switch (condition.kind) {
      case 'ifExists':
        return row !== null
      case 'ifNotExists':
        return row === null
      case 'columns':
        return condition.bound.every((bound) => meetsCondition(bound, row))
    }
  }
}
