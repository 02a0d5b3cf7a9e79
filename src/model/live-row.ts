import {
  CELL_COMPLEX_DELETION,
  CELL_HAS_PATH,
  CELL_MAY_BE_DEAD,
  CellReader,
  compare64,
  endOfPlainCell,
  ROW_HAS_DELETION,
  ROW_HAS_LIVENESS,
  ROW_LIVENESS_EXPIRES,
  RowHeader,
  type Words,
} from './row-format.ts'
import type { TableMetadata } from './table.ts'

const header = new RowHeader()
const cell = new CellReader()

/**
 * What a query sees of a row at a moment: the live cells, by column id. One serves many rows, without an object a
 * row or a cell: `load` notes where each column's cells are.
 */
export class LiveRow {
  i32: Int32Array = new Int32Array(0)
  u8: Uint8Array = new Uint8Array(0)
  /** Word at which the row, and its clustering, begin. */
  at = 0
  clusteringAt = 0
  /** Whether the primary key's own liveness is live: an INSERT that was not deleted and has not expired. */
  livenessLive = false
  /** Whether the row exists: its liveness is live or any cell is. */
  exists = false
  /** What a read of the row counts as tombstones: its dead cells, or else the deletion of a row that does not exist. */
  tombstones = 0
  /** Tombstones from before this second do not count: a compaction would have removed them (gc_grace_seconds). */
  purgeBefore = 0
  /**
   * Ids of the columns a query asks for, or null for all. The cells of others that are older than the row's liveness prove
   * nothing, even where the liveness itself has expired: Cassandra leaves them out of what it reads (`BTreeRow.filter`).
   */
  queried: ReadonlySet<number> | null = null
  /** Of the table's: older cells of a column that was dropped and added again are not seen. */
  dropTimes: TableMetadata['dropTimes'] = null
  #nowSeconds = 0
  #deletionHi = 0
  #deletionLo = 0
  #rowHi = 0
  #rowLo = 0
  #stamp = 0
  /** Of each column id: the load that saw it, its first cell's word and the word after its last. */
  #seen = new Int32Array(64)
  #start = new Int32Array(64)
  #end = new Int32Array(64)
  /** The cell that `cell`, or the last step of `nextCell`, stands at. */
  readonly cell = new CellReader()

  /** Looks at the row at word `at`, under a deletion of its partition or range, at `nowSeconds`. */
  load(row: Words, at: number, deletionHi: number, deletionLo: number, nowSeconds: number): void {
    const i32 = row.i32
    this.i32 = i32
    this.u8 = row.u8
    this.at = at
    this.#stamp++
    this.#nowSeconds = nowSeconds
    header.read(i32, at)
    this.clusteringAt = header.clustering
    let hasDeletion = this.#loadLiveness(deletionHi, deletionLo, nowSeconds)
    const rowDeletionHi = this.#deletionHi
    const rowDeletionLo = this.#deletionLo
    const { queried, dropTimes, purgeBefore } = this
    let live = this.livenessLive
    const skipsOlder = queried !== null && !live && (header.flags & ROW_HAS_LIVENESS) !== 0
    const stamp = this.#stamp
    const last = header.end
    let seen = this.#seen
    let start = this.#start
    let end = this.#end
    let dead = 0
    let column = -1
    let complexHi = 0
    let complexLo = 0
    for (let p = header.cells; p < last; ) {
      const head = i32[p]!
      const id = head & 0xffff
      if (id !== column) {
        if (column >= 0) end[column] = p
        column = id
        complexHi = rowDeletionHi
        complexLo = rowDeletionLo
        const drop = dropTimes === null ? undefined : dropTimes[id]
        if (drop !== undefined && compare64(drop.hi, drop.lo, complexHi, complexLo) > 0) {
          complexHi = drop.hi
          complexLo = drop.lo
        }
        if (id >= seen.length) {
          this.#grow(id)
          seen = this.#seen
          start = this.#start
          end = this.#end
        }
        seen[id] = stamp
        start[id] = p
        end[id] = last
      }
      if (live && (head & CELL_MAY_BE_DEAD) === 0) {
        // Of the row it says nothing new, and its value is looked at when it is asked for.
        p = endOfPlainCell(i32, p)
        continue
      }
      cell.read(i32, p, header.livenessHi, header.livenessLo)
      p = cell.next
      if (head & CELL_COMPLEX_DELETION) {
        if (compare64(cell.timestampHi, cell.timestampLo, complexHi, complexLo) > 0) {
          complexHi = cell.timestampHi
          complexLo = cell.timestampLo
          hasDeletion ||= cell.localDeletionTime >= purgeBefore
        }
      } else if (
        compare64(cell.timestampHi, cell.timestampLo, complexHi, complexLo) > 0 &&
        (!skipsOlder ||
          queried.has(id) ||
          compare64(cell.timestampHi, cell.timestampLo, header.livenessHi, header.livenessLo) >= 0)
      ) {
        if (cell.isLive(nowSeconds)) live = true
        else if (cell.localDeletionTime - cell.ttl >= purgeBefore) dead++
      }
    }
    this.exists = live
    this.tombstones = dead > 0 ? dead : hasDeletion && !live ? 1 : 0
  }

  /**
   * Takes the row's liveness and its deletion, or the greater one that is given, from the header. Returns whether one of
   * them counts as a tombstone where the row does not exist.
   */
  #loadLiveness(deletionHi: number, deletionLo: number, nowSeconds: number): boolean {
    const { flags } = header
    const { purgeBefore } = this
    let hasDeletion = false
    if (
      flags & ROW_HAS_DELETION &&
      compare64(header.deletionHi, header.deletionLo, deletionHi, deletionLo) > 0
    ) {
      deletionHi = header.deletionHi
      deletionLo = header.deletionLo
      hasDeletion = header.deletionLocalTime >= purgeBefore
    }
    this.#deletionHi = deletionHi
    this.#deletionLo = deletionLo
    this.#rowHi = header.livenessHi
    this.#rowLo = header.livenessLo
    const isAfterDeletion =
      (flags & ROW_HAS_LIVENESS) !== 0 &&
      compare64(header.livenessHi, header.livenessLo, deletionHi, deletionLo) > 0
    this.livenessLive = isAfterDeletion && header.localExpirationTime > nowSeconds
    if (flags & ROW_LIVENESS_EXPIRES && isAfterDeletion && !this.livenessLive) {
      hasDeletion ||= header.localExpirationTime >= purgeBefore
    }
    return hasDeletion
  }

  /** Forgets the row: no column has a value. */
  clear(): void {
    this.#stamp++
    this.exists = false
    this.tombstones = 0
    this.livenessLive = false
  }

  /** Moves `cell` to the live cell of a simple column; false when it has no value. */
  simple(columnId: number): boolean {
    if (columnId >= this.#seen.length || this.#seen[columnId] !== this.#stamp) return false
    const c = this.cell
    c.read(this.i32, this.#start[columnId]!, this.#rowHi, this.#rowLo)
    return (
      c.isLive(this.#nowSeconds) &&
      compare64(c.timestampHi, c.timestampLo, this.#deletionHi, this.#deletionLo) > 0 &&
      (this.dropTimes === null || this.#isAfterDrop(columnId, c))
    )
  }

  #isAfterDrop(columnId: number, { timestampHi, timestampLo }: CellReader): boolean {
    const drop = this.dropTimes?.[columnId]
    return drop === undefined || compare64(timestampHi, timestampLo, drop.hi, drop.lo) > 0
  }

  #next = 0
  #last = 0
  #complexHi = 0
  #complexLo = 0

  /** Begins to walk the live cells of a complex column with `nextCell`. */
  complex(columnId: number): void {
    if (columnId >= this.#seen.length || this.#seen[columnId] !== this.#stamp) {
      this.#next = this.#last = 0
      return
    }
    this.#next = this.#start[columnId]!
    this.#last = this.#end[columnId]!
    this.#complexHi = this.#deletionHi
    this.#complexLo = this.#deletionLo
    const drop = this.dropTimes?.[columnId]
    if (drop !== undefined && compare64(drop.hi, drop.lo, this.#complexHi, this.#complexLo) > 0) {
      this.#complexHi = drop.hi
      this.#complexLo = drop.lo
    }
  }

  /** Moves `cell` to the next live cell of the complex column, in the order of their paths; false at the end. */
  nextCell(): boolean {
    const c = this.cell
    while (this.#next < this.#last) {
      c.read(this.i32, this.#next, this.#rowHi, this.#rowLo)
      this.#next = c.next
      if (c.flags & CELL_COMPLEX_DELETION) {
        if (compare64(c.timestampHi, c.timestampLo, this.#complexHi, this.#complexLo) > 0) {
          this.#complexHi = c.timestampHi
          this.#complexLo = c.timestampLo
        }
        continue
      }
      if (
        c.flags & CELL_HAS_PATH &&
        c.isLive(this.#nowSeconds) &&
        compare64(c.timestampHi, c.timestampLo, this.#complexHi, this.#complexLo) > 0
      ) {
        return true
      }
    }
    return false
  }

  /** The value of a simple column as bytes of its own, or null. */
  copySimple(columnId: number): Uint8Array | null {
    if (!this.simple(columnId)) return null
    const { valueOffset, valueLength } = this.cell
    return this.u8.slice(valueOffset, valueOffset + valueLength)
  }

  /** The live cells of a complex column, as bytes of their own. */
  copyComplex(columnId: number): { path: Uint8Array; value: Uint8Array }[] {
    const cells: { path: Uint8Array; value: Uint8Array }[] = []
    this.complex(columnId)
    while (this.nextCell()) {
      const { pathOffset, pathLength, valueOffset, valueLength } = this.cell
      cells.push({
        path: this.u8.slice(pathOffset, pathOffset + pathLength),
        value: this.u8.slice(valueOffset, valueOffset + valueLength),
      })
    }
    return cells
  }

  #grow(id: number): void {
    const size = Math.max(id + 1, this.#seen.length * 2)
    for (const name of ['seen', 'start', 'end'] as const) {
      const grown = new Int32Array(size)
      if (name === 'seen') {
        grown.set(this.#seen)
        this.#seen = grown
      } else if (name === 'start') {
        grown.set(this.#start)
        this.#start = grown
      } else {
        grown.set(this.#end)
        this.#end = grown
      }
    }
  }
}
