import type { SSTableWriter } from '../sstable/sstable-writer.ts'
import { LIVE, UNFILTERED_END, UNFILTERED_ROW } from '../unfiltered.ts'
import type { MergedPartition, UnfilteredFilter } from './unfiltered-filter.ts'

/** Work of a step: bytes of rows in memory, a quarter of a millisecond's worth; and what any row or marker counts beside. */
export const STEP_BYTES = 16 * 1024
export const UNFILTERED_BYTES = 64

/**
 * Brings partitions through a filter into SSTables, some rows at a time. Partitions of which nothing is left are not
 * written.
 */
export class PartitionCopy {
  readonly #reader: MergedPartition
  readonly #filter: UnfilteredFilter
  readonly #writerOf: () => SSTableWriter
  #isInPartition = false
  /** Of the partition at hand; null as long as nothing of it has to be written. */
  #writer: SSTableWriter | null = null
  readonly #mergedCounts: Float64Array | null
  /** Partitions that have been read. */
  partitions = 0

  /** `writerOf` gives the SSTable that a partition goes to; `mergedCounts` is that of the job. */
  constructor(
    reader: MergedPartition,
    filter: UnfilteredFilter,
    writerOf: () => SSTableWriter,
    mergedCounts: SharedArrayBuffer | null = null,
  ) {
    this.#mergedCounts = mergedCounts === null ? null : new Float64Array(mergedCounts)
    this.#reader = reader
    this.#filter = filter
    this.#writerOf = writerOf
  }

  /** Does a few milliseconds' work; false when all has been read. Throws a DiskError or a CorruptSSTableError. */
  step(): boolean {
    const reader = this.#reader
    const filter = this.#filter
    for (let left = STEP_BYTES; left > 0; left -= UNFILTERED_BYTES) {
      if (!this.#isInPartition) {
        if (!reader.nextPartition()) return false
        this.#beginPartition()
        continue
      }
      const kind = reader.next()
      if (kind === UNFILTERED_ROW) {
        const { row, rowAt } = reader
        left -= row.i32[rowAt]!
        if (filter.keepRow(row, rowAt)) this.#begun().row(filter.row, filter.rowAt)
      } else if (kind === UNFILTERED_END) {
        this.#isInPartition = false
        this.#writer?.endPartition()
        this.#writer = null
      } else {
        const marker = filter.marker(reader.marker)
        if (marker !== null) this.#begun().marker(marker)
      }
    }
    return true
  }

  #beginPartition(): void {
    const reader = this.#reader
    const filter = this.#filter
    this.partitions++
    if (this.#mergedCounts !== null) this.#mergedCounts[reader.sourceCount - 1]!++
    this.#isInPartition = true
    this.#deletion = filter.beginPartition(reader)
    if (this.#deletion !== LIVE) this.#begun()
    if (reader.staticRow() && filter.keepRow(reader.row, reader.rowAt)) {
      this.#begun().staticRow(filter.row, filter.rowAt)
    }
  }

  #deletion = LIVE

  /** The SSTable that the partition goes to, which knows of it. */
  #begun(): SSTableWriter {
    if (this.#writer !== null) return this.#writer
    const { keyBytes, keyOffset, keyLength } = this.#reader
    this.#writer = this.#writerOf()
    this.#writer.beginPartition(keyBytes, keyOffset, keyLength, this.#deletion)
    return this.#writer
  }
}
