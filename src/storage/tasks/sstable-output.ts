import { parseUuid } from '../../common/uuid.ts'
import type { Disk } from '../../io/disk.ts'
import type { TableMetadata } from '../../model/table.ts'
import type { Compression } from '../sstable/data-file-writer.ts'
import type { Descriptor } from '../sstable/descriptor.ts'
import { serializationHeader } from '../sstable/serialization-header.ts'
import { SSTable } from '../sstable/sstable.ts'
import { SSTableWriter } from '../sstable/sstable-writer.ts'
import type { HeaderComponent } from '../sstable/statistics.ts'
import type { StatisticsContext } from '../sstable/statistics-writer.ts'
import type { JobTarget, WrittenSSTable } from './storage-task.ts'

const PARTITIONER = 'org.apache.cassandra.dht.Murmur3Partitioner'

/** Hears of each SSTable before its first file is created: `LogTransaction.trackNew`. */
export type OnNewSSTable = (descriptor: Descriptor) => void

/** What the SSTables of one job have in common. */
export interface OutputOptions {
  readonly header: HeaderComponent
  readonly compression: Compression | null
  readonly repairedAt: bigint
  readonly commitLogIntervals: StatisticsContext['commitLogIntervals']
}

/** Begins SSTables in a table's directory with the next of its generations. */
export class SSTableOutput {
  readonly #disk: Disk
  readonly #target: JobTarget
  readonly #table: TableMetadata
  readonly #onNew: OnNewSSTable
  readonly #options: OutputOptions
  /** Those that are finished. */
  readonly written: WrittenSSTable[] = []
  #writer: SSTableWriter | null = null

  constructor(
    disk: Disk,
    target: JobTarget,
    table: TableMetadata,
    onNew: OnNewSSTable,
    options: OutputOptions,
  ) {
    this.#disk = disk
    this.#target = target
    this.#table = table
    this.#onNew = onNew
    this.#options = options
  }

  /** The SSTable that is being written; null before the first partition. */
  get writer(): SSTableWriter | null {
    return this.#writer
  }

  /** Begins an SSTable of that level for about so many keys. Throws a DiskError. */
  begin(expectedKeys: number, level: number): SSTableWriter {
    const { directory, generations, hostId, columnIndexSizeBytes } = this.#target
    const { header, compression, repairedAt, commitLogIntervals } = this.#options
    const { bloomFilterFpChance, minIndexInterval } = this.#table.params
    const id = String(Atomics.add(new Int32Array(generations), 0, 1) + 1)
    const descriptor: Descriptor = { directory, version: 'nb', id, format: 'big' }
    this.#onNew(descriptor)
    this.#writer = new SSTableWriter(
      this.#disk,
      descriptor,
      header,
      serializationHeader(directory, header, this.#table),
      {
        expectedKeys,
        bloomFilterFpChance,
        minIndexInterval,
        compression,
        columnIndexSizeBytes,
        statistics: {
          partitioner: PARTITIONER,
          level,
          repairedAt,
          originatingHostId: parseUuid(hostId) ?? null,
          commitLogIntervals,
        },
      },
    )
    return this.#writer
  }

  /**
   * Writes what is left of the SSTable, syncs it and reads it back, here where nobody waits. Throws a DiskError, and a
   * CorruptSSTableError where its indexes are not what was written.
   */
  finish(): void {
    const writer = this.#writer
    if (writer === null) return
    writer.finish()
    this.#disk.fsyncDirectorySync(this.#target.directory)
    this.#writer = null
    const { descriptor } = writer
    const sstable = SSTable.open(this.#disk, descriptor, this.#table, { repair: 'check' })
    sstable.close()
    this.written.push({ descriptor, components: sstable.components })
  }

  abort(): void {
    this.#writer?.abort()
    this.#writer = null
  }
}
