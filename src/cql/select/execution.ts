import { EMPTY_BYTES, int64Bytes, readUint16, utf8Bytes, writeInt64 } from '../../common/bytes.ts'
import { murmur3Token } from '../../common/murmur3.ts'
import { readClustering } from '../../model/clustering.ts'
import { counterTotal } from '../../model/counter-context.ts'
import { LiveRow } from '../../model/live-row.ts'
import type { ColumnSpecification, RowsResult } from '../../model/query-result.ts'
import type { PartitionReader, ReadCommand } from '../../model/read-command.ts'
import type { ColumnMetadata, TableMetadata } from '../../model/table.ts'
import { packComposite } from '../../types/index.ts'
import type { FilterExpression } from '../restrictions/index.ts'
import { rowSatisfies, valueSatisfies } from '../restrictions/row-filter.ts'
import type { BoundSelect } from './bind.ts'
import { elementCell, elementOf, indexOfKey, indexRange, sliceOf } from './collection-part.ts'
import { partitionCommandText, rangeCommandText } from './command-text.ts'
import { writeJsonRow } from './json-row.ts'
import { isInKeyRange } from './local-token.ts'
import { makeRowMark, type PagingState, serializePagingState } from './paging-state.ts'
import { orderRows } from './post-ordering.ts'
import { RowsWriter } from './rows-writer.ts'
import {
  OUTPUT_CLUSTERING,
  OUTPUT_COMPUTED,
  OUTPUT_COUNT,
  OUTPUT_COUNTER,
  OUTPUT_LIST,
  OUTPUT_MAP,
  OUTPUT_PARTITION_KEY,
  OUTPUT_SET,
  OUTPUT_SIMPLE,
  OUTPUT_STATIC,
  OUTPUT_UDT,
  type Output,
  type Source,
} from './selection.ts'
import { cellTimestamps, type Timestamps, timestampAt, timestampValue } from './timestamps.ts'

/** How many tombstones a read may meet until it warns of them, and until it fails. */
export interface TombstoneThresholds {
  readonly warn: number
  readonly fail: number
}

const NO_THRESHOLDS: TombstoneThresholds = { warn: 0x7fffffff, fail: 0x7fffffff }

/** A read met more tombstones than tombstone_failure_threshold; with the warnings of it and of reads before. */
export class TombstoneOverwhelmingError extends Error {
  readonly warnings: readonly string[]

  constructor(warnings: readonly string[]) {
    super('Scanned over too many tombstones')
    this.name = 'TombstoneOverwhelmingError'
    this.warnings = warnings
  }
}

/** Rows between two looks at the clock. */
const ROWS_A_STEP = 32

/** Looked at within a call of `run` only, so that one serves all executions. */
const row = new LiveRow()
const noRow = new LiveRow()
noRow.clear()
const scratch = new RowsWriter(1024)
const counterBytes = new Uint8Array(8)
const token = new Int32Array(2)
const clusteringAt: number[] = []
const clusteringLength: number[] = []
/** Stands for the lists that most executions do not need; nobody writes to it. */
const NONE: number[] = []

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
  /** Where the values of the composite key begin in the reader's memory, and their lengths. */
  readonly #keyAt: number[]
  readonly #keyLength: number[]
  /** Values of the partition's static row, each with its length, and where each begins. */
  #statics: RowsWriter | null = null
  readonly #staticAt: number[]
  #pagingState: Uint8Array | null = null
  readonly #thresholds: TombstoneThresholds
  readonly #purgeBefore: number
  /** What the command has met so far: each partition by key is a command of its own (`ReadCommand`). */
  #liveRows = 0
  #tombstones = 0
  #tokenHi = 0
  #tokenLo = 0
  #warnings: string[] | null = null
  /** Where rows begin, where they are ordered later; and the counts of an aggregate's one row. */
  readonly #rowStarts: number[] | null
  readonly #countAt: number[]
  #counted = 0

  constructor(
    bound: BoundSelect,
    open: (command: ReadCommand) => PartitionReader,
    out: RowsWriter,
    thresholds: TombstoneThresholds = NO_THRESHOLDS,
  ) {
    const { selection, table, postOrdering } = bound.prepared
    this.#bound = bound
    this.#open = open
    this.#rows = out
    this.#out = selection.json === null ? out : new RowsWriter(1024)
    this.#outputs =
      selection.orderingOutputs.length === 0 || selection.isAggregate
        ? selection.outputs
        : [...selection.outputs, ...selection.orderingOutputs]
    const { filter } = bound
    const ofPartition = (test: FilterExpression) =>
      test.column.kind === 'partition_key' || test.column.kind === 'static'
    this.#partitionFilter = filter.length === 0 ? filter : filter.filter(ofPartition)
    this.#rowFilter = filter.length === 0 ? filter : filter.filter((test) => !ofPartition(test))
    this.#checksDropped = table.dropped.size > 0
    this.#thresholds = thresholds
    this.#purgeBefore = bound.nowSeconds - table.params.gcGraceSeconds
    this.#rowStarts = postOrdering === null ? null : []
    this.#keyAt = table.partitionKeys.length > 1 ? [] : NONE
    this.#keyLength = table.partitionKeys.length > 1 ? [] : NONE
    this.#staticAt = selection.statics.length > 0 ? [] : NONE
    this.#countAt = selection.isAggregate ? [] : NONE
  }

  /** The reader that is open, to be suspended while `run` is going to be continued. */
  get reader(): PartitionReader | null {
    return this.#reader
  }

  /** Runs until done, or until `shouldYield` says so; true when done. */
  run(shouldYield: () => boolean): boolean {
    row.purgeBefore = this.#purgeBefore
    for (;;) {
      if (this.#reader === null) {
        const command = this.#bound.commands[this.#command]
        if (command === undefined) {
          this.#endCommand(null)
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
        this.#endCommand(null)
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
    if (this.#bound.pager !== 'range') this.#endCommand(reader)
  }

  /** Warns of a command that read many tombstones (`ReadCommand.withMetricsRecording`). */
  #endCommand(reader: PartitionReader | null): void {
    const { warn } = this.#thresholds
    if (this.#tombstones > warn) {
      const text =
        reader === null
          ? rangeCommandText(this.#bound)
          : partitionCommandText(this.#bound, this.#bound.commands[this.#command], keyOf(reader))
      const token = (BigInt(this.#tokenHi) << 32n) | BigInt(this.#tokenLo >>> 0)
      this.#warnings ??= []
      this.#warnings.push(
        `Read ${this.#liveRows} live rows and ${this.#tombstones} tombstone cells for query ${text.slice(0, 512)}; token ${token} (see tombstone_warn_threshold)`,
      )
    }
    this.#liveRows = this.#tombstones = 0
  }

  #count(live: LiveRow, reader: PartitionReader): void {
    if (live.exists) this.#liveRows++
    if (live.tombstones === 0) return
    this.#tombstones += live.tombstones
    const { fail } = this.#thresholds
    if (this.#tombstones > fail) {
      this.#tombstones = fail + 1
      this.#endCommand(this.#bound.pager === 'range' ? null : reader)
      throw new TombstoneOverwhelmingError(this.#warnings ?? [])
    }
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
    if (table.partitionKeys.length > 1) this.#splitKey(reader, table.partitionKeys.length)
    this.#partitionRows = 0
    this.#partitionLimit =
      bound.isContinued && this.#command === 0 ? bound.remainingInPartition : bound.perPartitionLimit
    this.#staticLives = false
    this.#tokenHi = reader.tokenHi
    this.#tokenLo = reader.tokenLo
    if (bound.keyRange !== null && !isInKeyRange(table, bound.keyRange, keyOf(reader))) return false
    let statics = noRow
    if (readsStatics && reader.staticRow()) {
      row.load(reader.row, reader.rowAt, reader.rowDeletionHi, reader.rowDeletionLo, bound.nowSeconds)
      this.#count(row, reader)
      this.#staticLives = row.exists && (!this.#checksDropped || this.#hasKnownCell(table, true))
      statics = row
    }
    for (const test of this.#partitionFilter) {
      if (test.column.kind === 'static' ? !rowSatisfies(test, statics) : !this.#keySatisfies(test, reader))
        return false
    }
    if (selection.statics.length > 0) this.#keepStatics(selection.statics, statics, reader)
    return true
  }

  #keySatisfies(test: FilterExpression, reader: PartitionReader): boolean {
    if (this.#bound.prepared.table.partitionKeys.length === 1) {
      return valueSatisfies(test, reader.keyBytes, reader.keyOffset, reader.keyLength)
    }
    const { position } = test.column
    return valueSatisfies(test, reader.keyBytes, this.#keyAt[position], this.#keyLength[position])
  }

  #splitKey(reader: PartitionReader, count: number): void {
    let at = reader.keyOffset
    for (let i = 0; i < count; i++) {
      const length = readUint16(reader.keyBytes, at)
      this.#keyAt[i] = at + 2
      this.#keyLength[i] = length
      at += 3 + length
    }
  }

  #keepStatics(sources: readonly Source[], statics: LiveRow, reader: PartitionReader): void {
    this.#statics ??= new RowsWriter(256)
    const kept = this.#statics
    kept.reset()
    sources.forEach((source, i) => {
      this.#staticAt[i] = kept.length
      kept.optional(this.#valueOf(source, statics, reader))
    })
  }

  #readRows(reader: PartitionReader, shouldYield: () => boolean): 'yield' | 'full' | 'end' {
    const bound = this.#bound
    const { table, selection, restrictions } = bound.prepared
    const { nowSeconds, pageRows } = bound
    const rowFilter = this.#rowFilter
    const filters = rowFilter.length > 0
    // A partition may have been given whole by the page before.
    if (this.#partitionRows >= this.#partitionLimit) return 'end'
    while (reader.nextRow()) {
      row.load(reader.row, reader.rowAt, reader.rowDeletionHi, reader.rowDeletionLo, nowSeconds)
      this.#count(row, reader)
      if (row.exists && (!this.#checksDropped || row.livenessLive || this.#hasKnownCell(table, false))) {
        if (selection.clusteringsUsed > 0 || filters) locateClustering(row, table.clusterings.length)
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

  /** Writes one row, or counts it for an aggregate. */
  #write(live: LiveRow, reader: PartitionReader): void {
    if (this.#bound.prepared.selection.isAggregate) {
      this.#counted++
      if (this.#counted > 1) return
    }
    const out = this.#out
    const outputs = this.#outputs
    this.#rowStarts?.push(this.#rows.length)
    for (let i = 0; i < outputs.length; i++) {
      const output = outputs[i]
      const { argument } = output
      switch (output.kind) {
        case OUTPUT_PARTITION_KEY:
          if (this.#bound.prepared.table.partitionKeys.length === 1) {
            out.value(reader.keyBytes, reader.keyOffset, reader.keyLength)
          } else out.value(reader.keyBytes, this.#keyAt[argument], this.#keyLength[argument])
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
          out.optional(this.#valueOf(output.source, live, reader))
          break
        case OUTPUT_STATIC:
          this.#writeStatic(argument)
          break
        case OUTPUT_COUNT:
          this.#countAt.push(out.length + 4)
          out.value(counterBytes, 0, 8)
          break
        default:
          writeCells(out, output, live)
      }
    }
    const { isAggregate, json } = this.#bound.prepared.selection
    if (isAggregate) return
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

  #writeStatic(index: number): void {
    const kept = this.#statics
    if (kept === null) {
      this.#out.nullValue()
      return
    }
    const at = this.#staticAt[index]
    const end =
      index + 1 < this.#bound.prepared.selection.statics.length ? this.#staticAt[index + 1] : kept.length
    this.#out.bytes(kept.u8, at, end - at)
  }

  /** The value of a source as bytes of its own, or in the row's memory. */
  #valueOf(source: Source, live: LiveRow, reader: PartitionReader): Uint8Array | null {
    switch (source.kind) {
      case 'partitionKey': {
        if (this.#bound.prepared.table.partitionKeys.length === 1) {
          return keyOf(reader)
        }
        const at = this.#keyAt[source.position]
        return reader.keyBytes.subarray(at, at + this.#keyLength[source.position])
      }
      case 'clustering': {
        const length = clusteringLength[source.position]
        const at = clusteringAt[source.position]
        return length < 0 ? null : live.u8.subarray(at, at + length)
      }
      case 'cells':
        return cellsValue(source, live)
      case 'static': {
        const kept = this.#statics
        if (kept === null) return null
        const at = this.#staticAt[source.index]
        const end =
          source.index + 1 < this.#bound.prepared.selection.statics.length
            ? this.#staticAt[source.index + 1]
            : kept.length
        return end - at === 4 && kept.u8[at] === 0xff ? null : kept.u8.slice(at + 4, end)
      }
      case 'writetime':
      case 'maxwritetime':
      case 'ttl':
        return timestampValue(source.kind, this.#timestamps(source.of, source.kind === 'ttl', live, reader))
      case 'field': {
        const value = this.#valueOf(source.of, live, reader)
        return value === null ? null : (fieldOf(value, source.index) ?? null)
      }
      case 'function': {
        const { functions } = this.#bound
        if (functions === null) return null
        return source.function.execute(
          source.args.map((arg) => this.#valueOf(arg, live, reader)),
          functions,
        )
      }
      case 'token':
        return this.#tokenValue(source.args, live, reader)
      case 'term':
        return this.#bound.terms[source.index] ?? null
      case 'count':
        return null
      case 'element':
        return this.#elementValue(source, live, reader)
      case 'slice': {
        const value = this.#valueOf(source.of, live, reader)
        if (value === null) return null
        const bound = (index: number) => (index < 0 ? null : (this.#bound.terms[index] ?? null))
        return sliceOf(source.type, value, bound(source.from), bound(source.to))
      }
    }
  }

  /** When the cells of a source were written, or how long they still live (`Selector.getWritetimes`, `getTTLs`). */
  #timestamps(source: Source, isTtl: boolean, live: LiveRow, reader: PartitionReader): Timestamps | null {
    const bound = (index: number) => (index < 0 ? null : (this.#bound.terms[index] ?? null))
    switch (source.kind) {
      case 'cells':
        return this.#cellTimestamps(source.column, isTtl, live)
      case 'field': {
        if (this.#valueOf(source, live, reader) === null) return null
        return timestampAt(this.#timestamps(source.of, isTtl, live, reader), source.index)
      }
      case 'element': {
        const collection = this.#valueOf(source.of, live, reader)
        const key = bound(source.key)
        const index = collection === null || key === null ? -1 : indexOfKey(source.type, collection, key)
        return index < 0 ? null : timestampAt(this.#timestamps(source.of, isTtl, live, reader), index)
      }
      case 'slice': {
        const collection = this.#valueOf(source.of, live, reader)
        if (collection === null) return null
        const [from, to] = indexRange(source.type, collection, bound(source.from), bound(source.to))
        const all = from < to ? this.#timestamps(source.of, isTtl, live, reader) : null
        return all?.many === true ? { many: true, values: all.values.slice(from, to) } : all
      }
      default:
        return null
    }
  }

  /** What a virtual table holds is written when it is read, and Cassandra says so in milliseconds. */
  #cellTimestamps(column: ColumnMetadata, isTtl: boolean, live: LiveRow): Timestamps | null {
    const timestamps = cellTimestamps(column, isTtl, live, this.#bound.nowSeconds)
    if (timestamps === null || isTtl || !this.#bound.prepared.table.isVirtual) return timestamps
    return { many: false, values: [BigInt(this.#bound.nowMillis)] }
  }

  #elementValue(
    { of, type, key }: Extract<Source, { kind: 'element' }>,
    live: LiveRow,
    reader: PartitionReader,
  ): Uint8Array | null {
    const wanted = this.#bound.terms[key]
    if (wanted == null) return null
    if (of.kind === 'cells' && of.column.type.multiCell) return elementCell(type, of.column, wanted, live)
    const value = this.#valueOf(of, live, reader)
    return value === null ? null : elementOf(type, value, wanted)
  }

  #tokenValue(args: readonly Source[] | null, live: LiveRow, reader: PartitionReader): Uint8Array | null {
    if (args === null) return int64Bytes((BigInt(reader.tokenHi) << 32n) | BigInt(reader.tokenLo >>> 0))
    const values = args.map((arg) => this.#valueOf(arg, live, reader))
    if (values.includes(null)) return null
    const present: readonly Uint8Array[] = values.map((value) => value ?? EMPTY_BYTES)
    const key: Uint8Array = present.length === 1 ? present[0] : packComposite(present)
    murmur3Token(key, 0, key.length, token)
    return int64Bytes((BigInt(token[0]) << 32n) | BigInt(token[1] >>> 0))
  }

  /** Notes where the next page begins, if there may be one (`QueryPager.isExhausted`, `state`). */
  #endPage(reader: PartitionReader, partitionIsDone: boolean): void {
    const bound = this.#bound
    const { table, isDistinct } = bound.prepared
    if (!bound.isPaged) return
    const remaining = bound.remaining - this.#rowCount
    if (remaining === 0) return
    const remainingInPartition = partitionIsDone ? 0 : this.#partitionLimit - this.#partitionRows
    if (bound.pager === 'single' && remainingInPartition === 0) return
    const key = keyOf(reader).slice()
    // The static row alone has no clustering, and that of a table without clustering columns is empty.
    const hasMark = table.clusterings.length > 0 && !(partitionIsDone && row.exists === false)
    const clustering = hasMark ? readClustering(row, row.clusteringAt, table.clusterings.length) : []
    const rowMark = hasMark
      ? makeRowMark(
          clustering,
          bound.protocolVersion,
          bound.protocolVersion <= 3 ? lastCellName(row, table.regulars) : undefined,
        )
      : null
    let state: Omit<PagingState, 'legacyMark'> = {
      partitionKey: bound.pager === 'single' ? null : key,
      rowMark,
      remaining,
      remainingInPartition,
    }
    if (bound.pager === 'multi' && remainingInPartition === 0) {
      const next =
        bound.keys[bound.keys.findIndex((candidate) => Buffer.compare(candidate.key, key) === 0) + 1]
      if (next === undefined) return
      const perPartition = isDistinct ? 1 : bound.perPartitionLimit
      state = { partitionKey: next.key, rowMark: null, remaining, remainingInPartition: perPartition }
    }
    this.#pagingState = serializePagingState(
      { ...state, legacyMark: bound.protocolVersion <= 3 },
      bound.protocolVersion,
    )
  }

  /** The rows, after `run` said that it is done. `content` is a view of the writer's memory. */
  result(): RowsResult {
    const { prepared } = this.#bound
    const metadata = prepared.resultMetadata
    if (prepared.selection.isAggregate) return this.#aggregate()
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
    return this.#warnings === null
      ? { kind: 'rows', metadata, rowCount, content, pagingState }
      : { kind: 'rows', metadata, rowCount, content, pagingState, warnings: this.#warnings }
  }

  #aggregate(): RowsResult {
    const out = this.#out
    const { prepared } = this.#bound
    if (this.#counted === 0) {
      for (const output of prepared.selection.outputs) {
        if (output.kind === OUTPUT_COUNT) {
          this.#countAt.push(out.length + 4)
          out.value(counterBytes, 0, 8)
        } else out.nullValue()
      }
    }
    for (const at of this.#countAt) writeInt64(out.u8, at, BigInt(this.#counted))
    if (prepared.selection.json !== null) this.#writeJson(prepared.selection.json)
    const { restrictions, localToken } = prepared
    const warnings = this.#warnings ?? []
    if (!restrictions.hasPartitionKeyRestrictions && localToken === null) {
      warnings.unshift('Aggregation query used without partition key')
    } else if (restrictions.keyHasIn) {
      warnings.unshift('Aggregation query used on multiple partition keys (IN restriction)')
    }
    return {
      kind: 'rows',
      metadata: prepared.resultMetadata,
      rowCount: 1,
      content: this.#rows.view(),
      pagingState: null,
      ...(warnings.length === 0 ? {} : { warnings }),
    }
  }
}

/**
 * The name of the row's last cell, by the name of its column and then by its path, as Cassandra 2 ordered them
 * (`Row.cellsInLegacyOrder`): in v3, a page ends there.
 */
function lastCellName(live: LiveRow, regulars: readonly ColumnMetadata[]): readonly Uint8Array[] | undefined {
  let last: ColumnMetadata | null = null
  for (const column of regulars) {
    if ((last === null || column.name > last.name) && hasCell(live, column)) last = column
  }
  if (last === null) return undefined
  if (!last.type.multiCell) return [utf8Bytes(last.name)]
  let path = EMPTY_BYTES
  live.complex(last.id)
  while (live.nextCell()) {
    path = live.u8.slice(live.cell.pathOffset, live.cell.pathOffset + live.cell.pathLength)
  }
  return [utf8Bytes(last.name), path]
}

function hasCell(live: LiveRow, column: ColumnMetadata): boolean {
  if (!column.type.multiCell) return live.simple(column.id)
  live.complex(column.id)
  return live.nextCell()
}

/** The partition's key, a view of the reader's memory. */
function keyOf(reader: PartitionReader): Uint8Array {
  return reader.keyBytes.subarray(reader.keyOffset, reader.keyOffset + reader.keyLength)
}

/** Notes where the components of the row's clustering are. */
function locateClustering(live: LiveRow, count: number): void {
  const { i32 } = live
  let at = live.clusteringAt
  for (let i = 0; i < count; i++) {
    const length = i32[at]
    at++
    clusteringAt[i] = at << 2
    clusteringLength[i] = length
    if (length > 0) at += (length + 3) >>> 2
  }
}

/** Writes the cells of a column that is not a plain value: a counter, collection or user type; null when there are none. */
function writeCells(out: RowsWriter, output: Output, live: LiveRow): void {
  const { cell } = live
  if (output.kind === OUTPUT_COUNTER) {
    if (!live.simple(output.argument)) {
      out.nullValue()
      return
    }
    const context = live.u8.subarray(cell.valueOffset, cell.valueOffset + cell.valueLength)
    out.int32(8)
    const at = out.length
    out.bytes(counterBytes, 0, 8)
    writeInt64(out.u8, at, counterTotal(context))
    return
  }
  live.complex(output.argument)
  if (!live.nextCell()) {
    out.nullValue()
    return
  }
  const lengthAt = out.length
  out.int32(0)
  if (output.kind === OUTPUT_UDT) writeFields(out, output.size, live)
  else {
    out.int32(0)
    let count = 0
    do {
      count++
      if (output.kind === OUTPUT_SET || output.kind === OUTPUT_MAP)
        out.value(live.u8, cell.pathOffset, cell.pathLength)
      if (output.kind === OUTPUT_LIST || output.kind === OUTPUT_MAP)
        out.value(live.u8, cell.valueOffset, cell.valueLength)
    } while (live.nextCell())
    out.patchInt32(lengthAt + 4, count)
  }
  out.patchInt32(lengthAt, out.length - lengthAt - 4)
}

/** The fields of a user type, from cells whose paths are their positions; `live` stands at the first. */
function writeFields(out: RowsWriter, size: number, live: LiveRow): void {
  const { cell } = live
  let next = 0
  do {
    const position = readUint16(live.u8, cell.pathOffset)
    if (position >= size) break
    while (next < position) {
      out.nullValue()
      next++
    }
    out.value(live.u8, cell.valueOffset, cell.valueLength)
    next = position + 1
  } while (live.nextCell())
  while (next++ < size) out.nullValue()
}

/** The value of a column as bytes; those of a simple one are a view of the row. */
function cellsValue(source: Extract<Source, { kind: 'cells' }>, live: LiveRow): Uint8Array | null {
  const { id, type } = source.column
  if (type.kind !== 'counter' && !type.multiCell) {
    if (!live.simple(id)) return null
    return live.u8.subarray(live.cell.valueOffset, live.cell.valueOffset + live.cell.valueLength)
  }
  const kinds: Readonly<Record<string, number>> = {
    counter: OUTPUT_COUNTER,
    list: OUTPUT_LIST,
    set: OUTPUT_SET,
    map: OUTPUT_MAP,
  }
  scratch.reset()
  const size = type.kind === 'udt' ? type.fieldTypes.length : 0
  writeCells(scratch, { kind: kinds[type.kind] ?? OUTPUT_UDT, argument: id, size, source }, live)
  return scratch.length === 4 && scratch.u8[0] === 0xff ? null : scratch.u8.slice(4, scratch.length)
}

/** A field of a serialized user type, by its position; undefined beyond those that were written. */
function fieldOf(value: Uint8Array, index: number): Uint8Array | null | undefined {
  let at = 0
  for (let i = 0; at + 4 <= value.length; i++) {
    const length = (value[at] << 24) | (value[at + 1] << 16) | (value[at + 2] << 8) | value[at + 3]
    at += 4
    if (i === index) return length < 0 ? null : value.subarray(at, at + length)
    at += Math.max(0, length)
  }
  return undefined
}
