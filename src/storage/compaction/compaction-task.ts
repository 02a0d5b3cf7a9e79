import type { Disk } from '../../io/disk.ts'
import type { TableMetadata } from '../../model/table.ts'
import { PartitionMerge } from '../partition-merge.ts'
import type { DataReader } from '../sstable/data-reader.ts'
import { descriptorName } from '../sstable/descriptor.ts'
import { SSTable } from '../sstable/sstable.ts'
import type { SSTableWriter } from '../sstable/sstable-writer.ts'
import { NO_DELETION } from '../sstable/statistics.ts'
import { type OnNewSSTable, SSTableOutput } from '../tasks/sstable-output.ts'
import type { CompactionJob, StorageTask, WrittenSSTable } from '../tasks/storage-task.ts'
import { tableCompression } from '../tasks/table-compression.ts'
import { tableFromParts } from '../tasks/table-parts.ts'
import { approximateKeyCount, estimatedKeys, mergedHeader, mergedIntervals } from './compaction-header.ts'
import { fullyExpiredSSTables } from './fully-expired.ts'
import { OverlappingSSTable, spansMeet, tokenSpan } from './overlapping-sstable.ts'
import { PartitionCopy } from './partition-copy.ts'
import { OutputSequence } from './plan.ts'
import { CompactionPurge } from './purge.ts'
import { UnfilteredFilter } from './unfiltered-filter.ts'

/** Bytes of each input that are read at once. From the page cache that is no faster, but it takes less than a third of the reads. */
export const READ_AHEAD_BYTES = 256 * 1024

const LAST_DELETION_TIME_NB = 0x7ffffffe

/**
 * Writes what several SSTables have together anew (`CompactionTask`): rows are merged, what is deleted is left out, and so
 * are tombstones that nobody needs any more. The inputs are read by readers of its own, past all caches, and stay.
 */
export class CompactionTask implements StorageTask {
  readonly #disk: Disk
  readonly #job: CompactionJob
  readonly #table: TableMetadata
  readonly #onNew: OnNewSSTable
  readonly #readAheadBytes: number
  readonly #sequence: OutputSequence
  /** Those that are open; and of those that have been looked at the others. */
  #inputs: SSTable[] = []
  readonly #others: OverlappingSSTable[] = []
  #opened = 0
  #scans: readonly DataReader[] = []
  #copy: PartitionCopy | null = null
  #output: SSTableOutput | null = null
  #expectedKeys = 1
  #isDone = false
  totalBytes = 0
  compressionRatio = 1

  /** `onNew` hears of each SSTable before its files are created. */
  constructor(
    disk: Disk,
    job: CompactionJob,
    onNew: OnNewSSTable,
    readAheadBytes: number = READ_AHEAD_BYTES,
  ) {
    this.#readAheadBytes = readAheadBytes
    this.#disk = disk
    this.#job = job
    this.#onNew = onNew
    this.#table = tableFromParts(job.table)
    this.#sequence = new OutputSequence({ ...job, split: job.split ?? null })
  }

  get completedBytes(): number {
    let bytes = 0
    for (const { position } of this.#scans) bytes += position
    return this.#isDone ? this.totalBytes : bytes
  }

  get written(): readonly WrittenSSTable[] {
    return this.#output?.written ?? []
  }

  step(): boolean {
    if (this.#isDone) return false
    if (this.#copy === null) {
      if (this.#openNext()) return true
      this.#begin()
      return true
    }
    if (this.#copy.step()) return true
    this.#output!.finish()
    this.#closeInputs()
    this.#isDone = true
    return false
  }

  /** Opens one more of the inputs, or looks at one more of the others; false when there are none left. */
  #openNext(): boolean {
    const { inputs, others, expired } = this.#job
    const at = this.#opened++
    if (at < inputs.length) {
      const descriptor = inputs[at]!
      const isExpired = expired?.some((other) => descriptorName(other) === descriptorName(descriptor))
      if (!isExpired)
        this.#inputs.push(SSTable.open(this.#disk, descriptor, this.#table, { repair: 'memory' }))
      return true
    }
    const other = others[at - inputs.length]
    if (other === undefined) return false
    const sstable = OverlappingSSTable.read(this.#disk, other)
    if (this.#inputs.some(({ summary }) => spansMeet(tokenSpan(summary), sstable.span))) {
      this.#others.push(sstable)
    }
    return true
  }

  #begin(): void {
    const job = this.#job
    const table = this.#table
    if (job.expired === undefined) this.#dropExpired()
    const inputs = this.#inputs
    const repairedAt = inputs.map(({ statistics }) => statistics.stats.repairedAt)
    this.#expectedKeys = this.#keysPerSSTable()
    this.#output = new SSTableOutput(this.#disk, job, table, this.#onNew, {
      header: mergedHeader(table, inputs),
      compression: tableCompression(table),
      repairedAt: repairedAt.reduce((least, at) => (at < least ? at : least), repairedAt[0] ?? 0n),
      commitLogIntervals: mergedIntervals(inputs, job.hostId),
    })
    this.totalBytes = inputs.reduce((sum, { dataLength }) => sum + dataLength, 0)
    const stored = inputs.reduce((sum, { onDiskLength }) => sum + onDiskLength, 0)
    this.compressionRatio = this.totalBytes === 0 ? 1 : stored / this.totalBytes
    this.#scans = inputs.map((sstable) => sstable.scan(this.#readAheadBytes))
    const merge = new PartitionMerge()
    merge.begin(table, this.#scans, false)
    const purge = new CompactionPurge(
      job.nowSeconds,
      job.gcBeforeSeconds,
      this.#others,
      job.memtableMinTimestamp,
    )
    this.#copy = new PartitionCopy(
      merge,
      new UnfilteredFilter(table, purge),
      () => this.#writer(),
      job.mergedCounts ?? null,
    )
  }

  /** Closes inputs that nobody needs anything of. */
  #dropExpired(): void {
    const candidates = this.#inputs.map((sstable) => {
      const { minTimestamp, maxTimestamp, maxLocalDeletionTime } = sstable.statistics.stats
      // Version nb has no later time: it may stand for any.
      const isLast = maxLocalDeletionTime >= LAST_DELETION_TIME_NB && !sstable.version.hasUnsignedDeletionTime
      return {
        sstable,
        minTimestamp,
        maxTimestamp,
        maxLocalDeletionTime: isLast ? NO_DELETION : maxLocalDeletionTime,
      }
    })
    const expired = new Set(
      fullyExpiredSSTables(this.#job, candidates, this.#others, false).map(({ sstable }) => sstable),
    )
    this.#inputs = this.#inputs.filter((sstable) => !expired.has(sstable))
    for (const sstable of expired) sstable.close()
  }

  /** How many keys each SSTable will have, about (`MaxSSTableSizeWriter.sstableKeyCount`). */
  #keysPerSSTable(): number {
    const inputs = this.#inputs
    const { maxSSTableBytes } = this.#job
    const keys = approximateKeyCount(inputs)
    if (maxSSTableBytes === null) return keys
    const keysBefore = Math.max(
      1,
      inputs.reduce((sum, sstable) => sum + estimatedKeys(sstable), 0),
    )
    const bytes = inputs.reduce((sum, { onDiskLength }) => sum + onDiskLength, 0)
    const sstables = Math.max(1, Math.floor(Math.round((keys / keysBefore) * bytes) / maxSSTableBytes))
    return Math.max(1, Math.floor(keys / sstables))
  }

  /** The SSTable that the next partition goes to. */
  #writer(): SSTableWriter {
    const output = this.#output!
    const sequence = this.#sequence
    let { writer } = output
    if (writer !== null && writer.writtenBytes > sequence.maxBytes) {
      sequence.next(writer.writtenBytes)
      output.finish()
      writer = null
    }
    return writer ?? output.begin(this.#expectedKeys, sequence.level)
  }

  #closeInputs(): void {
    for (const sstable of this.#inputs) sstable.close()
    this.#inputs = []
  }

  abort(): void {
    this.#output?.abort()
    this.#closeInputs()
  }
}
