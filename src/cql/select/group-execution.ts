import { readClustering } from '../../model/clustering.ts'
import type { LiveRow } from '../../model/live-row.ts'
import type { PartitionReader } from '../../model/read-command.ts'
import { sameKey } from '../restrictions/partition-keys.ts'
import type { BoundSelect } from './bind.ts'
import { lastCellName } from './cell-values.ts'
import { GroupMaker } from './group-maker.ts'
import { GroupPager, type GroupPieces, type GroupStep } from './group-pager.ts'
import { GroupRows } from './group-rows.ts'
import type { GroupSelection } from './group-selection.ts'
import { makeRowMark, serializePagingState } from './paging-state.ts'
import { keyOf, type RowValues } from './row-values.ts'
import type { RowsWriter } from './rows-writer.ts'

/** Takes the values of a finished group. */
export type EmitGroup = (write: (out: RowsWriter) => void) => void

/** The last row of a page: what the next goes on from. Kept without an object a row. */
class LastRow {
  readonly #bound: BoundSelect
  key: Uint8Array | null
  /** Of the row that the page before ended at, until there is another. */
  #given: Uint8Array | null
  /** The words of the clustering of the last row; null where it has none. */
  #words: Int32Array | null = null
  #hasWords = false
  #cellName: readonly Uint8Array[] | undefined

  constructor(bound: BoundSelect) {
    this.#bound = bound
    this.key = bound.resumed?.partitionKey ?? null
    this.#given = bound.resumed?.rowMark ?? null
  }

  /** Neither the static row of a partition nor the row of one without clustering columns has a mark. */
  keep(live: LiveRow, reader: PartitionReader, isRow: boolean): void {
    const { pageSize, protocolVersion, prepared } = this.#bound
    if (pageSize <= 0) return
    const key = keyOf(reader)
    if (this.key === null || !sameKey(this.key, key)) this.key = key.slice()
    this.#given = null
    const { table } = prepared
    this.#hasWords = isRow && table.clusterings.length > 0
    if (!this.#hasWords) return
    this.#copyClustering(live, table.clusterings.length)
    if (protocolVersion <= 3) this.#cellName = lastCellName(live, table.regulars)
  }

  #copyClustering({ i32, clusteringAt }: LiveRow, count: number): void {
    let end = clusteringAt
    for (let i = 0; i < count; i++) end += 1 + ((Math.max(0, i32[end]) + 3) >>> 2)
    const length = end - clusteringAt
    if (this.#words === null || this.#words.length < length) this.#words = new Int32Array(length * 2)
    for (let i = 0; i < length; i++) this.#words[i] = i32[clusteringAt + i]
  }

  get mark(): Uint8Array | null {
    if (!this.#hasWords || this.#words === null) return this.#given
    const { table } = this.#bound.prepared
    const words = { i32: this.#words, u8: new Uint8Array(this.#words.buffer) }
    const clustering = readClustering(words, 0, table.clusterings.length)
    return makeRowMark(clustering, this.#bound.protocolVersion, this.#cellName, table.isCompactTable)
  }
}

/**
 * Rows on their way into groups. There are three ways: all rows in one group (`maker` is null); groups by GROUP BY,
 * whose number a pager limits; and those of DISTINCT, one row a partition, which are limited as rows.
 */
export class GroupExecution {
  readonly #bound: BoundSelect
  readonly #rows: GroupRows
  readonly #maker: GroupMaker | null
  readonly #pager: GroupPager | null
  readonly #last: LastRow
  readonly #emit: EmitGroup
  readonly #write = (out: RowsWriter): void => this.#rows.write(out)
  #hasLiveStaticRow = false
  #rowCount = 0
  #partitionRows = 0

  constructor(
    bound: BoundSelect,
    rows: GroupRows,
    maker: GroupMaker | null,
    pager: GroupPager | null,
    emit: EmitGroup,
  ) {
    this.#bound = bound
    this.#rows = rows
    this.#maker = maker
    this.#pager = pager
    this.#last = new LastRow(bound)
    this.#emit = emit
  }

  /** How rows are read in pieces for GROUP BY; null where they are not. */
  get pieces(): GroupPieces | null {
    return this.#pager
  }

  /** Goes on to a partition; "endPage" when its rows are for the next page. */
  beginPartition(reader: PartitionReader, hasLiveStaticRow: boolean): GroupStep {
    this.#maker?.beginPartition()
    this.#hasLiveStaticRow = hasLiveStaticRow
    this.#partitionRows = 0
    if (this.#pager === null) return 'goOn'
    return this.#pager.beginPartition(this.#isResumed(reader))
  }

  /** Whether the page before ended in this partition. */
  #isResumed(reader: PartitionReader): boolean {
    const { resumed, pager } = this.#bound
    if (resumed === null) return false
    if (pager === 'single') return true
    return resumed.partitionKey !== null && sameKey(resumed.partitionKey, keyOf(reader))
  }

  /** Takes a row that was read. */
  row(live: LiveRow, reader: PartitionReader): GroupStep {
    // Without GROUP BY nothing ends before the last row.
    if (this.#maker === null && this.#pager === null) return this.#add(live, reader, false, true)
    const isNewGroup = this.#maker?.isNewGroup(live, reader) ?? false
    const step = this.#pager?.row(this.#hasLiveStaticRow, isNewGroup) ?? 'goOn'
    return step === 'goOn' ? this.#add(live, reader, isNewGroup, true) : step
  }

  /** Takes the static row of a partition that has no others; `live` has nothing. */
  staticRow(live: LiveRow, reader: PartitionReader): GroupStep {
    const step = this.#pager?.staticRow() ?? 'goOn'
    return step === 'goOn' ? this.#add(live, reader, this.#maker !== null, false) : step
  }

  #add(live: LiveRow, reader: PartitionReader, isNewGroup: boolean, isRow: boolean): GroupStep {
    if (isNewGroup && this.#rows.isOpen) this.#emit(this.#write)
    this.#rows.add(live, reader)
    if (this.#pager !== null) {
      this.#last.keep(live, reader, isRow)
      return this.#pager.passed()
    }
    if (++this.#rowCount >= this.#bound.remaining) return 'endPage'
    return ++this.#partitionRows >= this.#bound.perPartitionLimit ? 'endPartition' : 'goOn'
  }

  /** After the last row: writes the group that is open. The paging state, if there may be a page after this one. */
  finish(): Uint8Array | null {
    if (this.#rows.isOpen || this.#maker === null) this.#emit(this.#write)
    const end = this.#pager?.finish() ?? null
    const { key, mark } = this.#last
    const { pager, keys, perPartitionLimit, protocolVersion } = this.#bound
    if (end === null || (key === null && mark === null)) return null
    const legacyMark = protocolVersion <= 3
    const { remaining } = end
    if (pager === 'multi' && end.isPartitionDone) {
      const next = keys[keys.findIndex((candidate) => key !== null && sameKey(candidate.key, key)) + 1]
      if (next === undefined) return null
      const rest = { remaining, remainingInPartition: perPartitionLimit }
      return serializePagingState(
        { partitionKey: next.key, rowMark: null, legacyMark, ...rest },
        protocolVersion,
      )
    }
    const { remainingInPartition } = end
    const partitionKey = pager === 'single' ? null : key
    return serializePagingState(
      { partitionKey, rowMark: mark, legacyMark, remaining, remainingInPartition },
      protocolVersion,
    )
  }
}

/** Sets up an execution that groups. */
export function groupExecution(
  bound: BoundSelect,
  selection: GroupSelection,
  values: RowValues,
  emit: EmitGroup,
): GroupExecution {
  const { prepared, resumed, pager } = bound
  const { table, aggregation } = prepared
  const rows = new GroupRows(selection, values)
  if (aggregation === null) return new GroupExecution(bound, rows, null, null, emit)
  const maker = new GroupMaker(table, aggregation, values)
  if (prepared.isDistinct) return new GroupExecution(bound, rows, maker, null, emit)
  const hasClusterings = table.clusterings.length > 0
  const start =
    resumed === null
      ? null
      : {
          remaining: resumed.remaining,
          remainingInPartition: resumed.remainingInPartition,
          hasRow: resumed.rowMark !== null,
        }
  const limits = { groups: bound.limit, groupsPerPartition: bound.perPartitionLimit }
  const pages = new GroupPager(pager, limits, bound.pageSize, hasClusterings, start)
  return new GroupExecution(bound, rows, maker, pages, emit)
}
