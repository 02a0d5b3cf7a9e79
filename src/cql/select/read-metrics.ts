import { readClustering } from '../../model/clustering.ts'
import {
  BOUND_HEAP_BYTES,
  BOUNDARY_HEAP_BYTES,
  DELETION_HEAP_BYTES,
  keyHeapBytes,
  rowHeapBytes,
} from '../../model/heap-size.ts'
import type { LiveRow } from '../../model/live-row.ts'
import type { MarkerCounter, PartitionReader, ReadCommand } from '../../model/read-command.ts'
import { ROW_STATIC } from '../../model/row-format.ts'
import type { BoundSelect } from './bind.ts'
import {
  type LastRead,
  partitionCommandText,
  type ReadPlace,
  rangeCommandText,
  rangeTokensText,
  tokenText,
} from './command-text.ts'
import { DEFAULT_PAGE_ROWS, type GroupPieces } from './group-pager.ts'
import type { ReplicaNotice, ReplicaReport } from './replica-notice.ts'
import { keyOf } from './row-values.ts'

/** What reads may come to until they warn, and until they fail; numbers of tombstones, and bytes. */
export interface ReadThresholds {
  readonly warn: number
  readonly fail: number
  /** Null where read_thresholds_enabled is not: then sizes are not measured, and what tombstones cause is said otherwise. */
  readonly sizes: ReadSizes | null
}

/** Infinity where there is none. */
export interface ReadSizes {
  /** Of what is read here, as Cassandra has it in memory; and of the answer's values. */
  readonly localWarn: number
  readonly localFail: number
  readonly coordinatorWarn: number
  readonly coordinatorFail: number
}

const MANY = 0x7fffffff

export const NO_THRESHOLDS: ReadThresholds = { warn: MANY, fail: MANY, sizes: null }

/** Hears what each command has read: of one partition, which may not be there, or of a range of them. */
export interface ReadObserver {
  /** `sstables` had the partition; null for a range of them. */
  read(liveRows: number, tombstones: number, nowMs: number, isMissing: boolean, sstables: number | null): void
}

/** A read was given up: it met too many tombstones, or became too large. With the warnings of it and of reads before. */
export class ReadAbortedError extends Error {
  readonly reason: 'READ_TOO_MANY_TOMBSTONES' | 'READ_SIZE'
  /** Whether there was something to be read. */
  readonly dataPresent: boolean
  readonly warnings: readonly string[]

  constructor(
    reason: ReadAbortedError['reason'],
    message: string,
    dataPresent: boolean,
    warnings: readonly string[],
  ) {
    super(message)
    this.name = 'ReadAbortedError'
    this.reason = reason
    this.dataPresent = dataPresent
    this.warnings = warnings
  }
}

/** Of a partition with range tombstones: how many of their markers have been counted. */
interface CountedMarkers {
  readonly counter: MarkerCounter
  bounds: number
  boundaries: number
}

/** Rows that become groups are read in pages that no client sees, each a command (`AggregationQueryPager`). */
class InnerPages {
  /** Rows of one, of several partitions where each is read by its key. MANY for GROUP BY, whose pieces end otherwise. */
  readonly rowsMax: number
  /** Where the page before ended. */
  last: LastRead | null = null
  /** What is read at once for GROUP BY; pieces of it that have been seen done, and the groups of the one looked at. */
  groups: GroupPieces | null = null
  pieces = 0
  groupsOfPiece: number | null = null

  constructor({ pageSize, prepared }: BoundSelect) {
    const isOneGroup = prepared.aggregation === null || prepared.isDistinct
    this.rowsMax = !isOneGroup ? MANY : pageSize > 0 ? pageSize : DEFAULT_PAGE_ROWS
  }
}

/** What the commands of a SELECT have met (`ReadCommand.withMetricsRecording`): each partition by key is a command. */
export class ReadMetrics {
  readonly #bound: BoundSelect
  readonly #thresholds: ReadThresholds
  readonly #observer: ReadObserver | null
  /** Null where rows do not become groups. */
  readonly #inner: InnerPages | null
  /** Commands that the observer has heard of. */
  #observed = 0
  #liveRows = 0
  #tombstones = 0
  #markers: CountedMarkers | null = null
  /** Whether there are markers, or sizes are measured: rows are more than counted then. */
  #isWatched = false
  /** Until an inner page ends. */
  #rowsLeft: number
  /** Whether sizes are measured, and what the command has come to. */
  readonly #measures: boolean
  #bytes = 0
  /** Of the partition looked at last. */
  #tokenHi = 0
  #tokenLo = 0
  /** Rows that were given when the partition began, where each is read by its key. */
  #rowsBefore = 0
  warnings: string[] | null = null
  /** Where replicas are asked: what they say, in place of what is counted here. */
  readonly #replicas: ReplicaReport | null

  constructor(
    bound: BoundSelect,
    thresholds: ReadThresholds,
    observer: ReadObserver | null,
    replicas: ReplicaReport | null,
  ) {
    this.#replicas = replicas
    this.#bound = bound
    this.#thresholds = thresholds
    this.#observer = observer
    this.#inner = bound.prepared.selection.groups === null ? null : new InnerPages(bound)
    this.#rowsLeft = this.#inner === null ? MANY : this.#inner.rowsMax
    const { sizes } = thresholds
    this.#measures = sizes !== null && Math.min(sizes.localWarn, sizes.localFail) !== Number.POSITIVE_INFINITY
  }

  /** Goes on to a partition, when so many rows have been given. */
  beginPartition(reader: PartitionReader, rowsBefore: number): void {
    this.#tokenHi = reader.tokenHi
    this.#tokenLo = reader.tokenLo
    if (this.#bound.pager === 'multi') this.#beginCommand(rowsBefore)
    const counter = reader.markers ?? null
    this.#markers = counter === null ? null : { counter, bounds: 0, boundaries: 0 }
    this.#isWatched = this.#measures || counter !== null
    if (this.#measures) this.#bytes += partitionHeapBytes(reader)
  }

  #beginCommand(rowsBefore: number): void {
    const inner = this.#inner
    this.#rowsBefore = inner === null || inner.rowsMax === MANY ? rowsBefore : inner.rowsMax - this.#rowsLeft
    if (inner !== null) inner.last = null
  }

  /** Where rows are read in pieces for GROUP BY, these pieces. */
  set groups(pieces: GroupPieces | null) {
    if (this.#inner !== null) this.#inner.groups = pieces
  }

  /** Counts a row, and what range tombstones were met before it. Throws a ReadAbortedError. */
  count(live: LiveRow, reader: PartitionReader, command: ReadCommand): void {
    if (live.tombstones > 0 || this.#isWatched) this.#countMore(live, reader, command)
    if (live.exists) {
      this.#liveRows++
      if (--this.#rowsLeft === 0) this.#endInnerPage(this.#inner!, live, reader, command)
    }
  }

  /** What few rows have. */
  #countMore(live: LiveRow, reader: PartitionReader, command: ReadCommand): void {
    if (this.#markers !== null) this.#countMarkers(this.#markers, live, reader, command)
    if (this.#measures && (live.exists || live.tombstones > 0)) this.#measure(live, reader, command)
    if (live.tombstones > 0) this.#countTombstones(live.tombstones, reader, command)
  }

  /** Counts the range tombstones behind the last row of a partition. Throws a ReadAbortedError. */
  endRows(reader: PartitionReader, command: ReadCommand): void {
    if (this.#markers !== null) this.#countMarkers(this.#markers, null, reader, command)
  }

  #countTombstones(count: number, reader: PartitionReader, command: ReadCommand): void {
    this.#tombstones += count
    if (this.#tombstones > this.#thresholds.fail) this.#abortForTombstones(reader, command)
  }

  #abortForTombstones(reader: PartitionReader, command: ReadCommand): never {
    const { fail, sizes } = this.#thresholds
    this.#tombstones = fail + 1
    if (sizes === null) {
      this.endCommand(this.#bound.pager === 'range' ? null : reader, command)
      const text = 'received 0 responses and 1 failures'
      throw new ReadAbortedError('READ_TOO_MANY_TOMBSTONES', text, false, this.warnings ?? [])
    }
    this.#abort(
      'READ_TOO_MANY_TOMBSTONES',
      (query) =>
        `1 nodes scanned over ${this.#tombstones} tombstones and aborted the query ${query} (see tombstone_failure_threshold)`,
      reader,
      command,
    )
  }

  #countMarkers(
    counted: CountedMarkers,
    live: LiveRow | null,
    reader: PartitionReader,
    command: ReadCommand,
  ): void {
    const { nowSeconds, prepared } = this.#bound
    // The static row comes before all of them.
    if (live !== null && (live.i32[live.at + 1] & ROW_STATIC) !== 0) return
    const { counter } = counted
    counter.advance(nowSeconds - prepared.table.params.gcGraceSeconds, live, live?.at ?? 0)
    const bounds = counter.bounds - counted.bounds
    const boundaries = counter.boundaries - counted.boundaries
    if (bounds + boundaries === 0) return
    counted.bounds = counter.bounds
    counted.boundaries = counter.boundaries
    this.#countTombstones(bounds + boundaries, reader, command)
    if (this.#measures) {
      this.#addBytes(bounds * BOUND_HEAP_BYTES + boundaries * BOUNDARY_HEAP_BYTES, reader, command)
    }
  }

  #measure(live: LiveRow, reader: PartitionReader, command: ReadCommand): void {
    const clusterings = this.#bound.prepared.table.clusterings.length
    this.#addBytes(rowHeapBytes(live, live.at, clusterings), reader, command)
  }

  #addBytes(bytes: number, reader: PartitionReader, command: ReadCommand): void {
    this.#bytes += bytes
    if (this.#bytes < this.#thresholds.sizes!.localFail) return
    const ofPartition = this.#bound.pager === 'range' ? null : reader
    if (this.#tombstones > this.#thresholds.warn) this.#warnOfScanned(ofPartition, command)
    this.#abort(
      'READ_SIZE',
      (query) =>
        `1 nodes loaded over ${this.#bytes} bytes and aborted the query ${query} (see local_read_size_fail_threshold)`,
      reader,
      command,
    )
  }

  #abort(
    reason: ReadAbortedError['reason'],
    text: (query: string) => string,
    reader: PartitionReader,
    command: ReadCommand,
  ): never {
    const ofPartition = this.#bound.pager === 'range' ? null : reader
    const message = text(this.#queryText(ofPartition, command))
    this.#addWarning(`${message} with ${this.#tokensText(ofPartition)}`)
    throw new ReadAbortedError(reason, message, false, this.warnings ?? [])
  }

  #endInnerPage(inner: InnerPages, live: LiveRow, reader: PartitionReader, command: ReadCommand): void {
    if (this.#bound.pager === 'range') this.endCommand(null, null)
    else {
      // The observer hears of a partition once, at its end.
      this.#warnOf(reader, command)
      this.#liveRows = this.#tombstones = this.#bytes = 0
    }
    this.#rowsLeft = inner.rowsMax
    this.#rowsBefore = 0
    // The next page opens what is open here once more.
    if (this.#markers?.counter.isOpen === true) this.#markers.bounds--
    const count = command.table.clusterings.length
    const isDone = count === 0 || this.#bound.prepared.isDistinct
    if (this.#measures && !isDone) this.#bytes = partitionHeapBytes(reader)
    const clustering = isDone ? null : readClustering(live, live.clusteringAt, count)
    const { tokenHi, tokenLo } = reader
    inner.last = { key: keyOf(reader).slice(), tokenHi, tokenLo, clustering }
  }

  /** The partition's groups begin: where each partition is read by itself, so does a piece. */
  beginGroups(): void {
    const inner = this.#inner!
    if (inner.groups !== null) inner.pieces = inner.groups.pieces
  }

  /** After a row went to its group: where that ended what is read at once, the next begins behind the row. */
  endPieces(live: LiveRow, reader: PartitionReader, command: ReadCommand): void {
    const inner = this.#inner!
    const { pieces, groupsOfLastPiece } = inner.groups!
    if (inner.pieces === pieces) return
    inner.pieces = pieces
    inner.groupsOfPiece = groupsOfLastPiece
    this.#endInnerPage(inner, live, reader, command)
    inner.groupsOfPiece = null
  }

  /** A command is done: of one partition, or with null of all that were to be read. */
  endCommand(reader: PartitionReader | null, command: ReadCommand | null): void {
    this.#warnOf(reader, command)
    const observer = this.#observer
    if (observer !== null && (reader !== null || this.#bound.pager === 'range')) {
      this.#observed++
      const sstables = reader === null ? null : this.#sstablesOf(reader)
      observer.read(this.#liveRows, this.#tombstones, this.#bound.nowMillis, false, sstables)
    }
    this.#liveRows = this.#tombstones = this.#bytes = 0
  }

  #sstablesBefore = 0

  /** Those of the partition that has been read: a reader counts those of all. */
  #sstablesOf({ sstablesRead = 0 }: PartitionReader): number {
    const before = this.#sstablesBefore
    this.#sstablesBefore = sstablesRead
    return sstablesRead >= before ? sstablesRead - before : sstablesRead
  }

  /** Warns of what a command has come to. */
  #warnOf(reader: PartitionReader | null, command: ReadCommand | null): void {
    if (this.#replicas !== null) {
      // Keys that nothing was found of come at the end.
      if (reader !== null) this.#tellOf(this.#replicas.take(keyOf(reader)))
      else if (this.#bound.pager === 'range') this.#tellOf(this.#replicas.take(null))
      return
    }
    const { warn, sizes } = this.#thresholds
    const tombstones = this.#tombstones
    if (sizes === null) {
      if (tombstones > warn) this.#warnOfTombstones(reader, command)
      return
    }
    if (tombstones > warn) this.#warnOfScanned(reader, command)
    if (this.#bytes >= sizes.localWarn) {
      this.#addWarning(
        `1 nodes loaded over ${this.#bytes} bytes and issued local read size warnings for query ${this.#queryText(reader, command)} (see local_read_size_warn_threshold) with ${this.#tokensText(reader)}`,
      )
    }
  }

  #warnOfScanned(reader: PartitionReader | null, command: ReadCommand | null): void {
    this.#addWarning(
      `1 nodes scanned up to ${this.#tombstones} tombstones and issued tombstone warnings for query ${this.#queryText(reader, command)} (see tombstone_warn_threshold) with ${this.#tokensText(reader)}`,
    )
  }

  #tellOf(notices: readonly ReplicaNotice[]): void {
    for (const notice of notices) this.#addWarning(this.#replicas!.say(notice, this.#place()).warning)
  }

  #warnOfTombstones(reader: PartitionReader | null, command: ReadCommand | null): void {
    const text = this.#queryText(reader, command)
    this.#addWarning(
      `Read ${this.#liveRows} live rows and ${this.#tombstones} tombstone cells for query ${text.slice(0, 512)}; token ${tokenText(this.#tokenHi, this.#tokenLo)} (see tombstone_warn_threshold)`,
    )
  }

  #queryText(reader: PartitionReader | null, command: ReadCommand | null): string {
    return reader === null || command === null
      ? rangeCommandText(this.#bound, this.#place())
      : partitionCommandText(this.#bound, command, keyOf(reader), this.#place())
  }

  #place(): ReadPlace {
    const inner = this.#inner
    const groups = inner?.groupsOfPiece ?? inner?.groups?.groupsOfPiece ?? null
    return { last: inner?.last ?? null, rowsBefore: this.#rowsBefore, groups }
  }

  /** `ReadCommand.loggableTokens`. */
  #tokensText(reader: PartitionReader | null): string {
    if (reader !== null) return `token=${tokenText(this.#tokenHi, this.#tokenLo)}`
    return rangeTokensText(this.#bound, this.#place())
  }

  #addWarning(text: string): void {
    this.warnings ??= []
    this.warnings.push(text)
  }

  /** All is read: partitions that were asked for and are not there were read, too. */
  finish(): void {
    this.endCommand(null, null)
    if (this.#replicas !== null) this.#tellOf(this.#replicas.take(null))
    const observer = this.#observer
    if (observer === null) return
    const { commands, nowMillis } = this.#bound
    let asked = 0
    for (let i = 0; i < commands.length; i++) asked += commands[i].keys?.length ?? 0
    for (; this.#observed < asked; this.#observed++) observer.read(0, 0, nowMillis, true, 0)
  }
}

/** Of the partition that a reader has moved to, without its rows. */
function partitionHeapBytes(reader: PartitionReader): number {
  return keyHeapBytes(reader.keyLength) + (reader.isPartitionDeleted === true ? DELETION_HEAP_BYTES : 0)
}
