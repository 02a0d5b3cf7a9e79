import type { LiveRow } from '../../model/live-row.ts'
import type { PartitionReader, ReadCommand } from '../../model/read-command.ts'
import type { BoundSelect } from './bind.ts'
import { partitionCommandText, rangeCommandText } from './command-text.ts'
import { DEFAULT_PAGE_ROWS } from './group-pager.ts'
import { keyOf } from './row-values.ts'

/** How many tombstones a read may meet until it warns of them, and until it fails. */
export interface TombstoneThresholds {
  readonly warn: number
  readonly fail: number
}

export const NO_THRESHOLDS: TombstoneThresholds = { warn: 0x7fffffff, fail: 0x7fffffff }

/** Hears what each command has read: of one partition, which may not be there, or of a range of them. */
export interface ReadObserver {
  read(liveRows: number, tombstones: number, nowMs: number, isMissing: boolean): void
}

/** A read met more tombstones than tombstone_failure_threshold; with the warnings of it and of reads before. */
export class TombstoneOverwhelmingError extends Error {
  readonly warnings: readonly string[]

  constructor(warnings: readonly string[]) {
    super('Scanned over too many tombstones')
    this.name = 'TombstoneOverwhelmingError'
    this.warnings = warnings
  }
}

/** What the commands of a SELECT have met (`ReadCommand.withMetricsRecording`): each partition by key is a command. */
export class ReadMetrics {
  readonly #bound: BoundSelect
  readonly #thresholds: TombstoneThresholds
  readonly #observer: ReadObserver | null
  /** Rows that become groups are read in pages that no client sees, each a command (`AggregationQueryPager`). */
  readonly #innerPageRows: number
  /** Commands that the observer has heard of. */
  #observed = 0
  #liveRows = 0
  #tombstones = 0
  /** Of the partition looked at last. */
  tokenHi = 0
  tokenLo = 0
  warnings: string[] | null = null

  constructor(bound: BoundSelect, thresholds: TombstoneThresholds, observer: ReadObserver | null) {
    this.#bound = bound
    this.#thresholds = thresholds
    this.#observer = observer
    const { pageSize, prepared } = bound
    const isGrouped = prepared.selection.groups !== null
    this.#innerPageRows = !isGrouped ? 0x7fffffff : pageSize > 0 ? pageSize : DEFAULT_PAGE_ROWS
  }

  /** Counts a row. Throws a TombstoneOverwhelmingError. */
  count(live: LiveRow, reader: PartitionReader, command: ReadCommand): void {
    if (live.exists) this.#liveRows++
    if (live.tombstones > 0) {
      this.#tombstones += live.tombstones
      const { fail } = this.#thresholds
      if (this.#tombstones > fail) {
        this.#tombstones = fail + 1
        this.endCommand(this.#bound.pager === 'range' ? null : reader, command)
        throw new TombstoneOverwhelmingError(this.warnings ?? [])
      }
    }
    if (this.#liveRows >= this.#innerPageRows) this.#endInnerPage(reader, command)
  }

  #endInnerPage(reader: PartitionReader, command: ReadCommand): void {
    if (this.#bound.pager === 'range') {
      this.endCommand(null, null)
      return
    }
    // The observer hears of a partition once, at its end.
    if (this.#tombstones > this.#thresholds.warn) this.#warn(reader, command)
    this.#liveRows = this.#tombstones = 0
  }

  /** A command is done: of one partition, or with null of all that were to be read. */
  endCommand(reader: PartitionReader | null, command: ReadCommand | null): void {
    if (this.#tombstones > this.#thresholds.warn) this.#warn(reader, command)
    const observer = this.#observer
    if (observer !== null && (reader !== null || this.#bound.pager === 'range')) {
      this.#observed++
      observer.read(this.#liveRows, this.#tombstones, this.#bound.nowMillis, false)
    }
    this.#liveRows = this.#tombstones = 0
  }

  #warn(reader: PartitionReader | null, command: ReadCommand | null): void {
    const text =
      reader === null || command === null
        ? rangeCommandText(this.#bound)
        : partitionCommandText(this.#bound, command, keyOf(reader))
    const token = (BigInt(this.tokenHi) << 32n) | BigInt(this.tokenLo >>> 0)
    this.warnings ??= []
    this.warnings.push(
      `Read ${this.#liveRows} live rows and ${this.#tombstones} tombstone cells for query ${text.slice(0, 512)}; token ${token} (see tombstone_warn_threshold)`,
    )
  }

  /** All is read: partitions that were asked for and are not there were read, too. */
  finish(): void {
    this.endCommand(null, null)
    const observer = this.#observer
    if (observer === null) return
    const { commands, nowMillis } = this.#bound
    let asked = 0
    for (let i = 0; i < commands.length; i++) asked += commands[i].keys?.length ?? 0
    for (; this.#observed < asked; this.#observed++) observer.read(0, 0, nowMillis, true)
  }
}
