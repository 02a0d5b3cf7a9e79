import type { Disk } from '../../src/io/disk.ts'
import type { TableMetadata } from '../../src/model/table.ts'
import { CompactionTask } from '../../src/storage/compaction/compaction-task.ts'
import { frozenParts } from '../../src/storage/memtable/frozen-memtable.ts'
import type { Memtable } from '../../src/storage/memtable/memtable.ts'
import type { Descriptor } from '../../src/storage/sstable/descriptor.ts'
import { FlushTask } from '../../src/storage/tasks/flush-task.ts'
import type { CompactionJob, FlushJob, StorageTask } from '../../src/storage/tasks/storage-task.ts'
import { tableParts } from '../../src/storage/tasks/table-parts.ts'

export const HOST_ID = '11111111-2222-3333-4444-555555555555'

/** Flushes and compacts in a directory, with jobs as another thread would get them. */
export class Rewriter {
  readonly disk: Disk
  readonly directory: string
  readonly generations = new SharedArrayBuffer(4)
  columnIndexSizeBytes = 64 * 1024
  /** Names of the SSTables that were announced before they were written. */
  readonly announced: string[] = []
  steps = 0

  constructor(disk: Disk, directory: string) {
    this.disk = disk
    this.directory = directory
    disk.mkdirpSync(directory)
  }

  target(table: TableMetadata) {
    return {
      table: tableParts(table),
      directory: this.directory,
      generations: this.generations,
      transaction: `${this.directory}/none`,
      columnIndexSizeBytes: this.columnIndexSizeBytes,
      hostId: HOST_ID,
    }
  }

  readonly #onNew = ({ id }: Descriptor): void => {
    if (this.disk.readdirSync(this.directory).some((name) => name.startsWith(`nb-${id}-`))) {
      throw new Error(`${id} is there already`)
    }
    this.announced.push(id)
  }

  flushTask(memtable: Memtable, table: TableMetadata, options: Partial<FlushJob> = {}): FlushTask {
    const job: FlushJob = {
      kind: 'flush',
      ...this.target(table),
      memtable: frozenParts(memtable),
      memtableBytes: 1_000_000,
      commitLogIntervals: [],
      ...options,
    }
    return new FlushTask(this.disk, structuredClone(job), this.#onNew)
  }

  compactionTask(
    table: TableMetadata,
    inputs: readonly Descriptor[],
    options: Partial<CompactionJob> = {},
    readAheadBytes?: number,
  ): CompactionTask {
    const job: CompactionJob = {
      kind: 'compaction',
      ...this.target(table),
      inputs,
      others: [],
      memtableMinTimestamp: null,
      gcBeforeSeconds: 0,
      nowSeconds: 0,
      level: 0,
      maxSSTableBytes: null,
      ...options,
    }
    return new CompactionTask(this.disk, structuredClone(job), this.#onNew, readAheadBytes)
  }

  /** Runs a task to its end. */
  run(task: StorageTask): readonly Descriptor[] {
    let completed = 0
    while (task.step()) {
      this.steps++
      if (task.completedBytes < completed || task.completedBytes > task.totalBytes) {
        throw new Error(`${task.completedBytes} of ${task.totalBytes} after ${completed}`)
      }
      completed = task.completedBytes
    }
    if (task.completedBytes !== task.totalBytes) throw new Error('a task ends before its end')
    if (task.step()) throw new Error('a task goes on after its end')
    return task.written.map(({ descriptor }) => descriptor)
  }
}
