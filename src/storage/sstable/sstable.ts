import type { Disk, DiskFile } from '../../io/disk.ts'
import type { TableMetadata } from '../../model/table.ts'
import { BloomFilter } from './bloom-filter.ts'
import { CompressedSource, PlainSource } from './chunk-source.ts'
import { type CompressionInfo, readCompressionInfo } from './compression-info.ts'
import { CorruptSSTableError } from './corruption.ts'
import { DataReader } from './data-reader.ts'
import { type Component, componentPath, type Descriptor } from './descriptor.ts'
import type { ChunkSource } from './file-cursor.ts'
import { IndexReader } from './index-reader.ts'
import { IndexSummary } from './index-summary.ts'
import { SSTablePartitionReader } from './partition-reader.ts'
import { type SerializationHeader, serializationHeader } from './serialization-header.ts'
import { readStatistics, type Statistics } from './statistics.ts'
import { type FormatVersion, formatVersion } from './version.ts'

/** One SSTable, open for reading (`BigTableReader`). */
export class SSTable {
  readonly descriptor: Descriptor
  readonly table: TableMetadata
  readonly version: FormatVersion
  readonly statistics: Statistics
  readonly header: SerializationHeader
  /** Null where Data.db is not compressed. */
  readonly compression: CompressionInfo | null
  readonly summary: IndexSummary
  /** Null where there is none: any key may be there. */
  readonly filter: BloomFilter | null
  readonly #data: DiskFile
  readonly #dataBytes: number
  readonly #index: DiskFile
  readonly #indexBytes: number

  private constructor(
    descriptor: Descriptor,
    table: TableMetadata,
    version: FormatVersion,
    statistics: Statistics,
    compression: CompressionInfo | null,
    summary: IndexSummary,
    filter: BloomFilter | null,
    data: DiskFile,
    index: DiskFile,
  ) {
    this.descriptor = descriptor
    this.table = table
    this.version = version
    this.statistics = statistics
    this.header = serializationHeader(componentPath(descriptor, 'Statistics.db'), statistics.header, table)
    this.compression = compression
    this.summary = summary
    this.filter = filter
    this.#data = data
    this.#dataBytes = data.sizeSync()
    this.#index = index
    this.#indexBytes = index.sizeSync()
  }

  /** Opens the files of one SSTable. Throws a CorruptSSTableError for what is broken or cannot be read here. */
  static open(disk: Disk, descriptor: Descriptor, table: TableMetadata): SSTable {
    const path = (component: Component): string => componentPath(descriptor, component)
    const version = descriptor.format === 'big' ? formatVersion(descriptor.version) : null
    if (version === null) {
      const what = `${descriptor.version}-${descriptor.format}`
      throw new CorruptSSTableError(path('Data.db'), -1, `SSTables of the format ${what} cannot be read`)
    }
    const read = (component: Component): Uint8Array => {
      const file = path(component)
      if (!disk.existsSync(file)) throw new CorruptSSTableError(file, -1, 'the file is missing')
      return disk.readFileSync(file)
    }
    const statistics = readStatistics(path('Statistics.db'), read('Statistics.db'), version)
    const compressionPath = path('CompressionInfo.db')
    const compression = disk.existsSync(compressionPath)
      ? readCompressionInfo(compressionPath, disk.readFileSync(compressionPath))
      : null
    const summary = IndexSummary.read(path('Summary.db'), read('Summary.db'))
    const filterPath = path('Filter.db')
    const filter = disk.existsSync(filterPath)
      ? BloomFilter.read(filterPath, disk.readFileSync(filterPath))
      : null
    for (const component of ['Data.db', 'Index.db'] as const) {
      if (!disk.existsSync(path(component))) {
        throw new CorruptSSTableError(path(component), -1, 'the file is missing')
      }
    }
    const data = disk.openSync(path('Data.db'), 'read')
    let index: DiskFile | null = null
    try {
      index = disk.openSync(path('Index.db'), 'read')
      return new SSTable(descriptor, table, version, statistics, compression, summary, filter, data, index)
    } catch (error) {
      data.closeSync()
      index?.closeSync()
      throw error
    }
  }

  /** Bytes of Data.db before compression. */
  get dataLength(): number {
    return this.compression?.dataLength ?? this.#dataBytes
  }

  /** Bytes of Data.db as it lies on disk. */
  get onDiskLength(): number {
    return this.#dataBytes
  }

  /**
   * Data.db before compression, for a reader of its own. With `readAheadBytes` so many bytes of the file are read at once,
   * for who reads all of it.
   */
  dataSource(readAheadBytes: number = 0): ChunkSource {
    return this.compression === null
      ? new PlainSource(this.#data, this.#dataBytes, readAheadBytes || undefined)
      : new CompressedSource(this.#data, this.#dataBytes, this.compression, readAheadBytes)
  }

  /** Index.db, for a reader of its own. */
  indexSource(): ChunkSource {
    return new PlainSource(this.#index, this.#indexBytes)
  }

  /** Reads all partitions. Of the reader's own memory; it may be read beside others. See `dataSource`. */
  scan(readAheadBytes: number = 0): DataReader {
    return new DataReader(this.dataSource(readAheadBytes), this.header, this.version)
  }

  /** Reads Index.db. */
  index(): IndexReader {
    return new IndexReader(this.indexSource(), this.summary, this.version, this.header.clusteringTypes)
  }

  /** Reads slices of partitions whose positions the index says. */
  partitions(): SSTablePartitionReader {
    return new SSTablePartitionReader(this.dataSource(), this.header, this.version)
  }

  close(): void {
    this.#data.closeSync()
    this.#index.closeSync()
  }
}
