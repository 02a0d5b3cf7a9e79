import { LiveRow } from '../../model/live-row.ts'
import type { ColumnSpecification, RowsResult } from '../../model/query-result.ts'
import type { PartitionReader, ReadCommand } from '../../model/read-command.ts'
import type { TableMetadata } from '../../model/table.ts'
import type { FilterExpression } from '../restrictions/index.ts'
import { rowSatisfies, valueSatisfies } from '../restrictions/row-filter.ts'
import { AnswerSize } from './answer-size.ts'
import { aggregationWarning, type BoundSelect } from './bind.ts'
import { hasCell, writeCells } from './cell-values.ts'
import { type GroupExecution, groupExecution } from './group-execution.ts'
import type { GroupSelection } from './group-selection.ts'
import { writeJsonRow } from './json-row.ts'
import { isInKeyRange } from './local-token.ts'
import {
  OUTPUT_CLUSTERING,
  OUTPUT_COMPUTED,
  OUTPUT_PARTITION_KEY,
  OUTPUT_SIMPLE,
  OUTPUT_STATIC,
  type Output,
} from './output.ts'
import { pagingStateAfter } from './page-end.ts'
import { orderRows } from './post-ordering.ts'
import { NO_THRESHOLDS, ReadMetrics, type ReadObserver, type ReadThresholds } from './read-metrics.ts'
import type { ReplicaReport } from './replica-notice.ts'
import { clusteringAt, clusteringLength, keyOf, locateClustering, RowValues } from './row-values.ts'
import { RowsWriter } from './rows-writer.ts'

/** Rows between two looks at the clock. */
const ROWS_A_STEP = 32

/** Of selections that need none: plain columns, of a table whose key is one column. */
const NO_VALUES = new RowValues(null, { functions: null, constants: [], nowSeconds: 0, nowMillis: 0 }, false)

/** Looked at within a call of `run` only, so that one serves all executions. */
const row = new LiveRow()
const noRow = new LiveRow()
noRow.clear()

/** Whether a test is of the partition: of its key or its static row. */
function isOfPartition({ column }: FilterExpression): boolean {
  return column.kind === 'partition_key' || column.kind === 'static'
}

/**
 * Reads what a bound SELECT asks for and writes its rows. `run` can stop between rows and go on in a later turn; then
 * `reader` is to be suspended first.
 */
export class SelectExecution {
  readonly #bound: BoundSelect
  readonly #open: (command: ReadCommand) => PartitionReader
  /** Where the rows go, and where their values do: elsewhere when JSON is made of them. */
  readonly #rows: RowsWriter
  readonly #out: RowsWriter
  readonly #outputs: readonly Output[]
  readonly #partitionFilter: readonly FilterExpression[]
  readonly #rowFilter: readonly FilterExpression[]
  readonly #checksDropped: boolean
  #command = 0
  #reader: PartitionReader | null = null
  #inPartition = false
  #steps = 0
  #rowCount = 0
  /** Rows given of the current partition, and how many may be. */
  #partitionRows = 0
  #partitionLimit = 0
  #staticLives = false
  readonly #values: RowValues
  /** Rows become groups; null where they are given themselves. */
  readonly #groups: GroupExecution | null
  /** The groups know of the current partition. */
  #isGrouped = false
  #pagingState: Uint8Array | null = null
  readonly #metrics: ReadMetrics
  /** Null where it does not matter how large the answer is. */
  readonly #size: AnswerSize | null
  readonly #purgeBefore: number
  /** Where rows begin, where they are ordered later. */
  readonly #rowStarts: number[] | null

  constructor(
    bound: BoundSelect,
    open: (command: ReadCommand) => PartitionReader,
    out: RowsWriter,
    thresholds: ReadThresholds = NO_THRESHOLDS,
    observer: ReadObserver | null = null,
    replicas: ReplicaReport | null = null,
  ) {
    const { selection, table, postOrdering } = bound.prepared
    this.#bound = bound
    this.#open = open
    this.#rows = out
    this.#out = selection.json === null ? out : new RowsWriter(1024)
    this.#outputs =
      selection.orderingOutputs.length === 0
        ? selection.outputs
        : [...selection.outputs, ...selection.orderingOutputs]
    const { filter } = bound
    this.#partitionFilter = filter.length === 0 ? filter : filter.filter(isOfPartition)
    this.#rowFilter = filter.length === 0 ? filter : filter.filter((test) => !isOfPartition(test))
    this.#checksDropped = table.dropped.size > 0
    this.#metrics = new ReadMetrics(bound, thresholds, observer, replicas)
    this.#size = thresholds.sizes === null ? null : new AnswerSize(bound, thresholds.sizes, out)
    this.#purgeBefore = bound.nowSeconds - table.params.gcGraceSeconds
    this.#rowStarts = postOrdering === null ? null : []
    this.#values =
      selection.isPlain && table.partitionKeys.length === 1
        ? NO_VALUES
        : new RowValues(table, bound, selection.statics.length > 0)
    this.#groups = selection.groups === null ? null : this.#groupInto(selection.groups)
    if (this.#groups !== null) this.#metrics.groups = this.#groups.pieces
  }

  /** A function that refers to `this` would make the constructor slower for all: it has a method of its own. */
  #groupInto(groups: GroupSelection): GroupExecution {
    return groupExecution(this.#bound, groups, this.#values, (write) => this.#emit(write))
  }

  /** What it warns of until now, and how many rows it has. */
  get warnings(): readonly string[] {
    return this.#metrics.warnings ?? []
  }
  get rowCount(): number {
    return this.#rowCount
  }

  /** The reader that is open, to be suspended while `run` is going to be continued. */
  get reader(): PartitionReader | null {
    return this.#reader
  }

  /** Runs until done, or until `shouldYield` says so; true when done. */
  run(shouldYield: () => boolean): boolean {
    row.purgeBefore = this.#purgeBefore
    row.dropTimes = this.#bound.prepared.table.dropTimes
    row.queried = this.#bound.prepared.queried
    for (;;) {
      if (this.#reader === null) {
        const command = this.#bound.commands[this.#command]
        if (command === undefined) {
          this.#metrics.finish()
          return true
        }
        this.#reader = this.#open(command)
      }
      const reader = this.#reader
      if (!this.#inPartition) {
        if (!reader.nextPartition()) {
          this.#closeReader()
          this.#command++
          continue
        }
        if (++this.#steps % ROWS_A_STEP === 0 && shouldYield()) {
          // The partition just moved to is looked at when reading goes on.
          this.#inPartition = this.#beginPartition(reader)
          if (!this.#inPartition) this.#endPartition(reader)
          return false
        }
        this.#inPartition = this.#beginPartition(reader)
        if (!this.#inPartition) {
          this.#endPartition(reader)
          continue
        }
      }
      const end = this.#readRows(reader, shouldYield)
      if (end === 'yield') return false
      this.#endPartition(reader)
      if (end === 'full') {
        this.#metrics.endCommand(null, null)
        this.close()
        this.#command = this.#bound.commands.length
        return true
      }
      this.#inPartition = false
    }
  }

  /** Gives up what is open; after `run` said that it is done, nothing is. */
  close(): void {
    if (this.#reader !== null) this.#closeReader()
  }

  /** Where partitions are read by key, each is a command. */
  #endPartition(reader: PartitionReader): void {
    if (this.#bound.pager !== 'range') this.#metrics.endCommand(reader, this.#bound.commands[this.#command])
  }

  #closeReader(): void {
    this.#reader?.close()
    this.#reader = null
    this.#inPartition = false
  }

  /** Looks at the key and the static row; false when the partition has nothing to give. */
  #beginPartition(reader: PartitionReader): boolean {
    const bound = this.#bound
    const { table, readsStatics, selection } = bound.prepared
    if (table.partitionKeys.length > 1) this.#values.splitKey(reader, table.partitionKeys.length)
    this.#partitionRows = 0
    this.#isGrouped = false
    this.#partitionLimit =
      bound.isContinued && this.#command === 0 ? bound.remainingInPartition : bound.perPartitionLimit
    this.#staticLives = false
    this.#metrics.beginPartition(reader, this.#rowCount)
    if (bound.keyRange !== null && !isInKeyRange(table, bound.keyRange, keyOf(reader))) return false
    let statics = noRow
    if (readsStatics && reader.staticRow()) {
      row.load(reader.row, reader.rowAt, reader.rowDeletionHi, reader.rowDeletionLo, bound.nowSeconds)
      this.#metrics.count(row, reader, bound.commands[this.#command])
      this.#staticLives = row.exists && (!this.#checksDropped || this.#hasKnownCell(table, true))
      statics = row
    }
    for (const test of this.#partitionFilter) {
      if (test.column.kind === 'static' ? !rowSatisfies(test, statics) : !this.#keySatisfies(test, reader))
        return false
    }
    if (selection.statics.length > 0) this.#values.keepStatics(selection.statics, statics, reader)
    return true
  }

  #keySatisfies(test: FilterExpression, reader: PartitionReader): boolean {
    if (this.#bound.prepared.table.partitionKeys.length === 1) {
      return valueSatisfies(test, reader.keyBytes, reader.keyOffset, reader.keyLength)
    }
    const { position } = test.column
    const { keyAt, keyLength } = this.#values
    return valueSatisfies(test, reader.keyBytes, keyAt[position], keyLength[position])
  }

  #readRows(reader: PartitionReader, shouldYield: () => boolean): 'yield' | 'full' | 'end' {
    const bound = this.#bound
    if (this.#groups !== null) return this.#readGroups(this.#groups, reader, shouldYield)
    const { table, selection, restrictions } = bound.prepared
    const { nowSeconds, pageRows } = bound
    const rowFilter = this.#rowFilter
    const filters = rowFilter.length > 0
    const locates = filters || selection.clusteringsUsed > 0
    const command = bound.commands[this.#command]
    const metrics = this.#metrics
    // A partition may have been given whole by the page before.
    if (this.#partitionRows >= this.#partitionLimit) return 'end'
    while (reader.nextRow()) {
      row.load(reader.row, reader.rowAt, reader.rowDeletionHi, reader.rowDeletionLo, nowSeconds)
      metrics.count(row, reader, command)
      if (row.exists && (!this.#checksDropped || row.livenessLive || this.#hasKnownCell(table, false))) {
        if (locates) locateClustering(row, table.clusterings.length)
        if (!filters || this.#passes(rowFilter)) {
          this.#write(row, reader)
          this.#partitionRows++
          if (this.#rowCount === pageRows) {
            this.#endPage(reader, table.clusterings.length === 0)
            return 'full'
          }
          if (this.#partitionRows === this.#partitionLimit) return 'end'
        }
      }
      if (++this.#steps % ROWS_A_STEP === 0 && shouldYield()) return 'yield'
    }
    metrics.endRows(reader, command)
    const isContinued = bound.isContinued && this.#command === 0
    if (this.#partitionRows === 0 && this.#staticLives && restrictions.staticContentAlone && !isContinued) {
      row.clear()
      for (let i = 0; i < table.clusterings.length; i++) clusteringLength[i] = -1
      this.#write(row, reader)
      this.#partitionRows++
      if (this.#rowCount === pageRows) {
        this.#endPage(reader, true)
        return 'full'
      }
    }
    return 'end'
  }

  /** Reads the rows of a partition into groups. */
  #readGroups(
    groups: GroupExecution,
    reader: PartitionReader,
    shouldYield: () => boolean,
  ): 'yield' | 'full' | 'end' {
    const bound = this.#bound
    const { prepared } = bound
    const { table, restrictions } = prepared
    const filter = this.#rowFilter
    const filters = filter.length > 0
    const locates = filters || prepared.aggregation !== null || prepared.selection.clusteringsUsed > 0
    const { pieces } = groups
    const command = bound.commands[this.#command]
    const metrics = this.#metrics
    if (!this.#isGrouped) {
      this.#isGrouped = true
      if (groups.beginPartition(reader, this.#staticLives) === 'endPage') return 'full'
      metrics.beginGroups()
    }
    while (reader.nextRow()) {
      row.load(reader.row, reader.rowAt, reader.rowDeletionHi, reader.rowDeletionLo, bound.nowSeconds)
      metrics.count(row, reader, command)
      if (row.exists && (!this.#checksDropped || row.livenessLive || this.#hasKnownCell(table, false))) {
        if (locates) locateClustering(row, table.clusterings.length)
        if (!filters || this.#passes(filter)) {
          this.#partitionRows++
          const step = groups.row(row, reader)
          if (pieces !== null && step !== 'endPage') {
            this.#metrics.endPieces(row, reader, bound.commands[this.#command])
          }
          if (step !== 'goOn') return step === 'endPage' ? 'full' : 'end'
        }
      }
      if (++this.#steps % ROWS_A_STEP === 0 && shouldYield()) return 'yield'
    }
    metrics.endRows(reader, command)
    const isContinued = bound.isContinued && this.#command === 0
    if (this.#partitionRows === 0 && this.#staticLives && restrictions.staticContentAlone && !isContinued) {
      row.clear()
      for (let i = 0; i < table.clusterings.length; i++) clusteringLength[i] = -1
      if (groups.staticRow(row, reader) === 'endPage') return 'full'
    }
    return 'end'
  }

  #passes(tests: readonly FilterExpression[]): boolean {
    for (const test of tests) {
      if (test.column.kind === 'clustering') {
        const { position } = test.column
        if (clusteringLength[position] < 0) return false
        if (!valueSatisfies(test, row.u8, clusteringAt[position], clusteringLength[position])) return false
      } else if (!rowSatisfies(test, row)) return false
    }
    return true
  }

  /** Whether a cell lives of a column that the table still has: those of dropped columns don't make a row. */
  #hasKnownCell(table: TableMetadata, isStatic: boolean): boolean {
    return (isStatic ? table.statics : table.regulars).some((column) => hasCell(row, column))
  }

  /** Writes one row. */
  #write(live: LiveRow, reader: PartitionReader): void {
    const out = this.#out
    const outputs = this.#outputs
    this.#size?.check(this.#rowCount)
    this.#rowStarts?.push(this.#rows.length)
    for (let i = 0; i < outputs.length; i++) {
      const output = outputs[i]
      const { argument } = output
      switch (output.kind) {
        case OUTPUT_PARTITION_KEY:
          if (this.#bound.prepared.table.partitionKeys.length === 1) {
            out.value(reader.keyBytes, reader.keyOffset, reader.keyLength)
          } else out.value(reader.keyBytes, this.#values.keyAt[argument], this.#values.keyLength[argument])
          break
        case OUTPUT_CLUSTERING:
          if (clusteringLength[argument] < 0) out.nullValue()
          else out.words(live.i32, clusteringAt[argument] >>> 2, clusteringLength[argument])
          break
        case OUTPUT_SIMPLE:
          if (live.simple(argument)) out.words(live.i32, live.cell.valueOffset >>> 2, live.cell.valueLength)
          else out.nullValue()
          break
        case OUTPUT_COMPUTED:
          out.optional(this.#values.ofRow(output.source, live, reader))
          break
        case OUTPUT_STATIC:
          this.#values.writeStatic(out, argument)
          break
        default:
          writeCells(out, output, live)
      }
    }
    const { json } = this.#bound.prepared.selection
    this.#rowCount++
    if (json !== null) this.#writeJson(json)
  }

  /** Writes the JSON of the row whose values were written, and after it the values to order it by. */
  #writeJson(columns: readonly ColumnSpecification[]): void {
    const values = this.#out
    const at = writeJsonRow(this.#rows, columns, values)
    this.#rows.bytes(values.u8, at, values.length - at)
    values.reset()
  }

  /** Writes the row that a group makes. */
  #emit(write: (out: RowsWriter) => void): void {
    // The group before was followed by a row.
    this.#size?.check(this.#rowCount)
    const end = this.#rows.length
    this.#rowStarts?.push(end)
    write(this.#out)
    // Beyond the LIMIT it is cut off, unless rows are still to be ordered.
    if (this.#rowStarts === null && this.#rowCount >= this.#bound.userLimit) {
      this.#out.length = this.#out === this.#rows ? end : 0
      return
    }
    this.#rowCount++
    const { json } = this.#bound.prepared.selection
    if (json !== null) this.#writeJson(json)
  }

  #endPage(reader: PartitionReader, partitionIsDone: boolean): void {
    this.#pagingState = pagingStateAfter(this.#bound, {
      rowCount: this.#rowCount,
      remainingInPartition: partitionIsDone ? 0 : this.#partitionLimit - this.#partitionRows,
      key: keyOf(reader).slice(),
      row,
    })
  }

  /** The rows, after `run` said that it is done. `content` is a view of the writer's memory. */
  result(): RowsResult {
    const { prepared } = this.#bound
    const metadata = prepared.resultMetadata
    const groups = this.#groups
    let warnings: readonly string[] | null = this.#metrics.warnings
    if (groups !== null) this.#pagingState = groups.finish()
    if (this.#size !== null) warnings = this.#size.finish(this.#rowCount, warnings)
    if (groups !== null) {
      const warning = aggregationWarning(prepared)
      if (warning !== null) warnings = [warning, ...(warnings ?? [])]
    }
    const out = this.#rows
    let rowCount = this.#rowCount
    if (prepared.postOrdering !== null && this.#rowStarts !== null) {
      const { orderingOutputs } = prepared.selection
      const shown = metadata.columns.length
      rowCount = Math.min(rowCount, this.#bound.userLimit)
      orderRows(out, this.#rowStarts, prepared.postOrdering, shown + orderingOutputs.length, shown, rowCount)
    }
    const content = out.view()
    const pagingState = this.#pagingState
    return warnings === null
      ? { kind: 'rows', metadata, rowCount, content, pagingState }
      : { kind: 'rows', metadata, rowCount, content, pagingState, warnings }
  }
}
