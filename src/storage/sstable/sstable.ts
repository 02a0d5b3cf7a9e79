import { type Disk, type DiskFile, isDiskError, writeFileAtomicSync } from '../../io/disk.ts'
import type { TableMetadata } from '../../model/table.ts'
import { BloomFilter } from './bloom-filter.ts'
import { ChecksummedSource, CompressedSource, PlainSource } from './chunk-source.ts'
import { type CompressionInfo, readCompressionInfo } from './compression-info.ts'
import { CorruptSSTableError } from './corruption.ts'
import { type ChecksumFile, readChecksumFile } from './crc-file.ts'
import { DataReader } from './data-reader.ts'
import { type Component, componentPath, type Descriptor } from './descriptor.ts'
import type { ChunkSource } from './file-cursor.ts'
import { checkWhole, type IndexChecksums, indexChecksumsFile, loadIndexChecksums } from './index-checksums.ts'
import { checkEdges, emptySummary, hasSampledKeys, type IndexFiles, rebuildIndex } from './index-edges.ts'
import { IndexReader } from './index-reader.ts'
import { IndexSummary } from './index-summary.ts'
import { SSTablePartitionReader } from './partition-reader.ts'
import { type SerializationHeader, serializationHeader } from './serialization-header.ts'
import { readStatistics, type Statistics } from './statistics.ts'
import { type FormatVersion, formatVersion } from './version.ts'

/** How an SSTable is opened. */
export interface OpenOptions {
  /**
   * What becomes of a Summary.db or Filter.db that is missing or broken: `none` leaves it so, which throws for the summary;
   * `check` looks closer, and throws for the filter, too; otherwise both are made anew from Index.db, and `save` writes them in
   * their place.
   */
  readonly repair?: 'none' | 'check' | 'memory' | 'save'
  /** Hears what an operator should know. */
  readonly warn?: (message: string) => void
}

/**
 * What is kept in memory of an SSTable that is open: all of its components but data and index, read and checked. It can be given to
 * another thread (structured clone), which then has nothing more to read (`SSTable.adopt`).
 */
export interface SSTableComponents {
  readonly statistics: Statistics
  /** Null where Data.db is not compressed. */
  readonly compression: CompressionInfo | null
  /** Those of CRC.db; null where Data.db is compressed, or there are none. */
  readonly checksums: ChecksumFile | null
  /** Those of Checksums.db for Index.db; null where it was written by Cassandra. */
  readonly indexChecksums: ChecksumFile | null
  /** Summary.db. */
  readonly summary: Uint8Array
  /** Null where there is none. */
  readonly filter: Pick<BloomFilter, 'hashCount' | 'bytes'> | null
}

interface SSTableParts extends Omit<SSTableComponents, 'summary' | 'filter'> {
  readonly descriptor: Descriptor
  readonly table: TableMetadata
  readonly version: FormatVersion
  readonly data: DiskFile
  readonly index: DiskFile
}

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
  /** Those of CRC.db; null where Data.db is compressed, or there are none. */
  readonly #checksums: ChecksumFile | null
  /** Those of Checksums.db for Index.db; null where it was written by Cassandra. */
  readonly #indexChecksums: ChecksumFile | null
  readonly #data: DiskFile
  readonly #dataBytes: number
  readonly #index: DiskFile
  readonly #indexBytes: number

  private constructor(parts: SSTableParts, summary: IndexSummary, filter: BloomFilter | null) {
    const { descriptor, table, statistics } = parts
    this.descriptor = descriptor
    this.table = table
    this.version = parts.version
    this.statistics = statistics
    this.header = serializationHeader(componentPath(descriptor, 'Statistics.db'), statistics.header, table)
    this.compression = parts.compression
    this.summary = summary
    this.filter = filter
    this.#checksums = parts.checksums
    this.#indexChecksums = parts.indexChecksums
    this.#data = parts.data
    this.#dataBytes = parts.data.sizeSync()
    this.#index = parts.index
    this.#indexBytes = parts.index.sizeSync()
  }

  /** Opens the files of one SSTable. Throws a CorruptSSTableError for what is broken or cannot be read here. */
  static open(disk: Disk, descriptor: Descriptor, table: TableMetadata, options: OpenOptions = {}): SSTable {
    const path = (component: Component): string => componentPath(descriptor, component)
    const version = versionOf(descriptor)
    const readIfThere = (component: Component): Uint8Array | null =>
      disk.existsSync(path(component)) ? disk.readFileSync(path(component)) : null
    const statisticsBytes = readIfThere('Statistics.db')
    if (statisticsBytes === null) throw missing(path('Statistics.db'))
    const statistics = readStatistics(path('Statistics.db'), statisticsBytes, version)
    const compressionBytes = readIfThere('CompressionInfo.db')
    const compression =
      compressionBytes === null ? null : readCompressionInfo(path('CompressionInfo.db'), compressionBytes)
    // What is not compressed has -1 there. Chunks that are taken for rows would be wrong rows.
    if (compression === null && statistics.stats.compressionRatio >= 0)
      throw missing(path('CompressionInfo.db'))
    return SSTable.#withFiles(disk, descriptor, (data, index) => {
      const crcBytes = compression === null ? readIfThere('CRC.db') : null
      const dataBytes = data.sizeSync()
      const checksums = crcBytes === null ? null : readChecksumFile(path('CRC.db'), crcBytes, dataBytes)
      if (compression === null && checksums === null) {
        options.warn?.(`${path('CRC.db')} is missing: ${path('Data.db')} is read without checksums`)
      }
      const indexChecksums = loadIndexChecksums(disk, descriptor, options.warn)
      const parts = {
        descriptor,
        table,
        version,
        statistics,
        compression,
        checksums,
        indexChecksums: indexChecksums?.index ?? null,
        data,
        index,
      }
      const files = {
        summary: readIfThere('Summary.db'),
        filter: readIfThere('Filter.db'),
        checksums: indexChecksums,
      }
      return SSTable.#withIndex(disk, parts, files, options)
    })
  }

  /**
   * Opens an SSTable whose components somebody else has read and checked, without looking at them again. Throws a
   * CorruptSSTableError where data or index is missing, a DiskError where they cannot be opened.
   */
  static adopt(
    disk: Disk,
    descriptor: Descriptor,
    table: TableMetadata,
    components: SSTableComponents,
  ): SSTable {
    const { summary, filter, ...rest } = components
    const version = versionOf(descriptor)
    return SSTable.#withFiles(
      disk,
      descriptor,
      (data, index) =>
        new SSTable(
          { ...rest, descriptor, table, version, data, index },
          IndexSummary.read(componentPath(descriptor, 'Summary.db'), summary),
          filter === null ? null : new BloomFilter(filter.hashCount, filter.bytes),
        ),
    )
  }

  /** Opens the two files that stay open, and closes them again where the SSTable can't be made of them. */
  static #withFiles(
    disk: Disk,
    descriptor: Descriptor,
    make: (data: DiskFile, index: DiskFile) => SSTable,
  ): SSTable {
    const data = openFile(disk, componentPath(descriptor, 'Data.db'))
    let index: DiskFile | null = null
    try {
      index = openFile(disk, componentPath(descriptor, 'Index.db'))
      return make(data, index)
    } catch (error) {
      data.closeSync()
      index?.closeSync()
      throw error
    }
  }

  /** With Summary.db and Filter.db as they are, or where they are not to be believed, anew from Index.db. */
  static #withIndex(
    disk: Disk,
    parts: SSTableParts,
    files: IndexComponents,
    { repair = 'none', warn }: OpenOptions,
  ): SSTable {
    const { descriptor, table } = parts
    const indexChecksums = files.checksums
    const summaryPath = componentPath(descriptor, 'Summary.db')
    const filterPath = componentPath(descriptor, 'Filter.db')
    const open = (): SSTable => {
      if (files.summary === null) throw missing(summaryPath)
      // A filter that there was none of when the checksums were written is not to be believed.
      const filterBytes = indexChecksums?.filter === null ? null : files.filter
      if (indexChecksums !== null) {
        checkWhole(summaryPath, files.summary, indexChecksums.summary)
        if (filterBytes !== null) checkWhole(filterPath, filterBytes, indexChecksums.filter)
      }
      const summary = IndexSummary.read(summaryPath, files.summary)
      const filter = filterBytes === null ? null : BloomFilter.read(filterPath, filterBytes)
      return new SSTable(parts, summary, filter)
    }
    if (repair === 'none') return open()
    const wantsFilter = table.params.bloomFilterFpChance < 1
    const bare = new SSTable(parts, emptySummary(summaryPath), null)
    const indexFiles = bare.#indexFiles()
    let reason: string
    try {
      const sstable = open()
      checkEdges(indexFiles, sstable.summary)
      if (sstable.filter === null && wantsFilter) throw missing(filterPath)
      if (sstable.filter !== null && !hasSampledKeys(sstable.filter, sstable.summary))
        throw new CorruptSSTableError(filterPath, -1, 'keys of the summary are not in it')
      return sstable
    } catch (error) {
      const isRepairable =
        error instanceof CorruptSSTableError && (error.path === summaryPath || error.path === filterPath)
      if (!isRepairable || repair === 'check') throw error
      reason = error.message
    }
    const { minIndexInterval, bloomFilterFpChance } = table.params
    const made = rebuildIndex(indexFiles, minIndexInterval, bloomFilterFpChance)
    const summary = IndexSummary.read(summaryPath, made.summary)
    checkEdges(indexFiles, summary)
    if (repair === 'save') {
      warn?.(
        `${reason}. The summary and the Bloom filter are made anew from ${componentPath(descriptor, 'Index.db')}`,
      )
      save(disk, summaryPath, made.summary, warn)
      if (made.filter !== null) save(disk, filterPath, made.filter, warn)
      // Until they are written, both files are made anew with each start.
      if (indexChecksums !== null) {
        const { checksums, stretchBytes } = indexChecksums.index
        const bytes = indexChecksumsFile(made.summary, made.filter, checksums, stretchBytes)
        save(disk, componentPath(descriptor, 'Checksums.db'), bytes, warn)
      }
    }
    return new SSTable(
      parts,
      summary,
      made.filter === null ? null : BloomFilter.read(filterPath, made.filter),
    )
  }

  #indexFiles(): IndexFiles {
    const { descriptor } = this
    const partitions = this.partitions()
    return {
      summaryPath: componentPath(descriptor, 'Summary.db'),
      filterPath: componentPath(descriptor, 'Filter.db'),
      indexPath: componentPath(descriptor, 'Index.db'),
      reader: (summary) =>
        new IndexReader(this.indexSource(), summary, this.version, this.header.clusteringTypes),
      hasPartition: (position, key) => partitions.isAt(position, key, key.length),
    }
  }

  /** See SSTableComponents. They share memory with this SSTable. */
  get components(): SSTableComponents {
    const { statistics, compression, filter } = this
    return {
      statistics,
      compression,
      checksums: this.#checksums,
      indexChecksums: this.#indexChecksums,
      summary: this.summary.bytes,
      filter: filter === null ? null : { hashCount: filter.hashCount, bytes: filter.bytes },
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
    const data = this.#data
    const bytes = this.#dataBytes
    if (this.compression !== null) return new CompressedSource(data, bytes, this.compression, readAheadBytes)
    if (this.#checksums !== null) return new ChecksummedSource(data, bytes, this.#checksums, readAheadBytes)
    return new PlainSource(data, bytes, readAheadBytes || undefined)
  }

  /** Index.db, for a reader of its own; see `dataSource`. */
  indexSource(readAheadBytes: number = 0): ChunkSource {
    const index = this.#index
    const bytes = this.#indexBytes
    if (this.#indexChecksums !== null)
      return new ChecksummedSource(index, bytes, this.#indexChecksums, readAheadBytes)
    return new PlainSource(index, bytes, readAheadBytes || undefined)
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

/** Files that say where in the index keys are; null where they are not there. */
interface IndexComponents {
  readonly summary: Uint8Array | null
  readonly filter: Uint8Array | null
  readonly checksums: IndexChecksums | null
}

/** Throws a CorruptSSTableError for a format that is not known. */
function versionOf(descriptor: Descriptor): FormatVersion {
  const version = descriptor.format === 'big' ? formatVersion(descriptor.version) : null
  if (version !== null) return version
  const what = `${descriptor.version}-${descriptor.format}`
  const reason = `SSTables of the format ${what} cannot be read`
  throw new CorruptSSTableError(componentPath(descriptor, 'Data.db'), -1, reason)
}

function missing(path: string): CorruptSSTableError {
  return new CorruptSSTableError(path, -1, 'the file is missing')
}

function openFile(disk: Disk, path: string): DiskFile {
  if (!disk.existsSync(path)) throw missing(path)
  return disk.openSync(path, 'read')
}

/** Puts a file in the place of another, whose bytes stay in snapshots. What cannot be saved is made anew again next time. */
function save(disk: Disk, path: string, bytes: Uint8Array, warn: OpenOptions['warn']): void {
  const slash = path.lastIndexOf('/')
  try {
    writeFileAtomicSync(disk, path.slice(0, slash), path.slice(slash + 1), bytes)
  } catch (error) {
    if (!isDiskError(error)) throw error
    warn?.(`${path} could not be saved: ${error.message}`)
  }
}
