import type { Disk } from '../../io/disk.ts'
import { clusteringTypes } from '../../model/clustering.ts'
import type { TableMetadata } from '../../model/table.ts'
import { PartitionCopy, STEP_BYTES, UNFILTERED_BYTES } from '../compaction/partition-copy.ts'
import { UnfilteredFilter } from '../compaction/unfiltered-filter.ts'
import { FrozenMemtable } from '../memtable/frozen-memtable.ts'
import { MemtableScan } from '../memtable/memtable-source.ts'
import { PartitionMerge } from '../partition-merge.ts'
import { HeaderCollector } from '../sstable/header-component.ts'
import { UNFILTERED_END, UNFILTERED_ROW } from '../unfiltered.ts'
import { type OnNewSSTable, SSTableOutput } from './sstable-output.ts'
import type { FlushJob, LogPosition, StorageTask, WrittenSSTable } from './storage-task.ts'
import { flushCompression } from './table-compression.ts'
import { tableFromParts } from './table-parts.ts'

/**
 * Writes a memtable as one SSTable (`Flushing.FlushRunnable`): it is read once for the header, and once more to be written.
 * What its deletions cover, and what was dropped with columns, is left out; tombstones stay.
 */
export class FlushTask implements StorageTask {
  readonly totalBytes: number
  readonly #disk: Disk
  readonly #job: FlushJob
  readonly #table: TableMetadata
  readonly #memtable: FrozenMemtable
  readonly #onNew: OnNewSSTable
  readonly #collector = new HeaderCollector()
  readonly #scan: MemtableScan
  #isInPartition = false
  #output: SSTableOutput | null = null
  #copy: PartitionCopy | null = null
  #isDone = false

  /** `onNew` hears of the SSTable before its files are created. */
  constructor(disk: Disk, job: FlushJob, onNew: OnNewSSTable) {
    this.#disk = disk
    this.#job = job
    this.#onNew = onNew
    this.#table = tableFromParts(job.table)
    this.#memtable = new FrozenMemtable(job.memtable, clusteringTypes(this.#table))
    this.#scan = new MemtableScan(this.#memtable)
    this.totalBytes = job.memtableBytes
  }

  get completedBytes(): number {
    if (this.#isDone) return this.totalBytes
    const { partitions } = this.#job.memtable
    const passed = this.#collector.partitions + (this.#copy?.partitions ?? 0)
    return partitions === 0 ? 0 : Math.floor((this.totalBytes * passed) / (partitions * 2))
  }

  get written(): readonly WrittenSSTable[] {
    return this.#output?.written ?? []
  }

  step(): boolean {
    if (this.#isDone) return false
    if (this.#output === null || this.#copy === null) {
      if (this.#collect()) return true
      if (this.#collector.partitions === 0) return this.#end()
      this.#beginWriting()
      return true
    }
    if (this.#copy.step()) return true
    this.#output.finish()
    return this.#end()
  }

  #end(): false {
    this.#isDone = true
    return false
  }

  /** Reads on for the header; false when all has been read. */
  #collect(): boolean {
    const scan = this.#scan
    const collector = this.#collector
    for (let left = STEP_BYTES; left > 0; left -= UNFILTERED_BYTES) {
      if (!this.#isInPartition) {
        if (!scan.nextPartition()) return false
        this.#isInPartition = true
        collector.beginPartition(scan.partitionDeletion)
        if (scan.staticRow()) collector.row(scan.row, scan.rowAt)
        continue
      }
      const kind = scan.next()
      if (kind === UNFILTERED_END) this.#isInPartition = false
      else if (kind === UNFILTERED_ROW) {
        collector.row(scan.row, scan.rowAt)
        left -= scan.row.i32[scan.rowAt]!
      } else collector.marker(scan.marker)
    }
    return true
  }

  #beginWriting(): void {
    const table = this.#table
    const position = ({ segmentId, offset }: LogPosition) => ({
      segmentId: BigInt(segmentId),
      position: offset,
    })
    const output = new SSTableOutput(this.#disk, this.#job, table, this.#onNew, {
      header: this.#collector.component(table),
      compression: flushCompression(table),
      repairedAt: 0n,
      commitLogIntervals: this.#job.commitLogIntervals.map(
        ({ start, end }) => [position(start), position(end)] as const,
      ),
    })
    const merge = new PartitionMerge()
    merge.begin(table, [new MemtableScan(this.#memtable)], false)
    const filter = new UnfilteredFilter(table, null)
    const expectedKeys = this.#collector.partitions
    this.#copy = new PartitionCopy(merge, filter, () => output.writer ?? output.begin(expectedKeys, 0))
    this.#output = output
  }

  abort(): void {
    this.#output?.abort()
  }
}
