import type { Disk } from '../../src/io/disk.ts'
import { clusteringTypes } from '../../src/model/clustering.ts'
import { MUTATION_HEADER_WORDS, type MutationBuilder } from '../../src/model/mutation.ts'
import type { Words } from '../../src/model/row-format.ts'
import type { TableMetadata } from '../../src/model/table.ts'
import { LiveSSTable, type StorageCaches } from '../../src/storage/live-sstable.ts'
import { FrozenMemtable, frozenParts } from '../../src/storage/memtable/frozen-memtable.ts'
import type { Memtable } from '../../src/storage/memtable/memtable.ts'
import { type MemtableContent, MemtableScan } from '../../src/storage/memtable/memtable-source.ts'
import type { Compression } from '../../src/storage/sstable/data-file-writer.ts'
import { HeaderCollector } from '../../src/storage/sstable/header-component.ts'
import { serializationHeader } from '../../src/storage/sstable/serialization-header.ts'
import { SSTable } from '../../src/storage/sstable/sstable.ts'
import { SSTableWriter } from '../../src/storage/sstable/sstable-writer.ts'
import type { UnfilteredReader } from '../../src/storage/unfiltered.ts'

/** What flushes and compactions will do: memtables and SSTables written as SSTables. */

export interface WriteOptions {
  readonly compression: Compression | null
  readonly columnIndexSizeBytes: number
  readonly bloomFilterFpChance: number
  readonly minIndexInterval: number
}

export const DEFAULT_WRITE: WriteOptions = {
  compression: null,
  columnIndexSizeBytes: 64 * 1024,
  bloomFilterFpChance: 0.01,
  minIndexInterval: 128,
}

/** Applies the updates of a mutation that is finished. */
export function applyTo(memtable: Memtable, mutation: MutationBuilder | Words): void {
  let at = MUTATION_HEADER_WORDS
  for (let i = 0; i < mutation.i32[1]!; i++) {
    memtable.apply(mutation, at)
    at += mutation.i32[at]! >>> 2
  }
}

export class SSTableFolder {
  readonly disk: Disk
  readonly directory: string
  readonly caches: StorageCaches
  #id = 0
  /** SSTables that were closed. */
  readonly closed: LiveSSTable[] = []

  constructor(disk: Disk, directory: string, caches: StorageCaches) {
    this.disk = disk
    this.directory = directory
    this.caches = caches
    disk.mkdirpSync(directory)
  }

  /** Writes what `open` reads, twice; null where that is nothing. */
  write(table: TableMetadata, open: () => UnfilteredReader, options: WriteOptions): LiveSSTable | null {
    const collector = new HeaderCollector()
    const first = open()
    while (first.nextPartition()) collector.partition(first)
    first.close()
    if (collector.partitions === 0) return null
    const component = collector.component(table)
    const descriptor = { directory: this.directory, version: 'nb', id: String(++this.#id), format: 'big' }
    const header = serializationHeader(this.directory, component, table)
    const writer = new SSTableWriter(this.disk, descriptor, component, header, {
      ...options,
      expectedKeys: collector.partitions,
      statistics: {
        partitioner: 'org.apache.cassandra.dht.Murmur3Partitioner',
        level: 0,
        originatingHostId: null,
        commitLogIntervals: [],
      },
    })
    const second = open()
    while (second.nextPartition()) writer.append(second)
    second.close()
    writer.finish()
    return this.open(descriptor.id, table)
  }

  open(id: string, table: TableMetadata): LiveSSTable {
    const descriptor = { directory: this.directory, version: 'nb', id, format: 'big' }
    return new LiveSSTable(SSTable.open(this.disk, descriptor, table), this.caches, (live) =>
      this.closed.push(live),
    )
  }

  /** Writes a memtable, as another thread would see it where `isRemote`. */
  flush(memtable: Memtable, options: WriteOptions, isRemote: boolean): LiveSSTable | null {
    const { table } = memtable
    const content: MemtableContent = isRemote
      ? new FrozenMemtable(structuredClone(frozenParts(memtable)), clusteringTypes(table))
      : memtable
    return this.write(table, () => new MemtableScan(content), options)
  }
}
