import type { Disk, DiskFile } from '../../io/disk.ts'
import { writeFullySync } from '../../io/disk.ts'
import { readClustering } from '../../model/clustering.ts'
import { RowHeader, type Words } from '../../model/row-format.ts'
import { MergeBuffer } from '../row-merge.ts'
import {
  type DeletionTime,
  LIVE,
  type RangeTombstoneMarker,
  UNFILTERED_END,
  UNFILTERED_MARKER,
  type UnfilteredReader,
} from '../unfiltered.ts'
import { bloomFilterFor } from './bloom-filter.ts'
import { ByteSink } from './byte-sink.ts'
import { KIND_CLUSTERING } from './clustering-codec.ts'
import { type Compression, DataFileWriter } from './data-file-writer.ts'
import { type Component, componentPath, type Descriptor } from './descriptor.ts'
import { indexChecksumsFile, StretchChecksums } from './index-checksums.ts'
import { IndexSummaryBuilder } from './index-summary-builder.ts'
import { MetadataCollector, type Prefix } from './metadata-collector.ts'
import type { SerializationHeader } from './serialization-header.ts'
import type { HeaderComponent } from './statistics.ts'
import { type StatisticsContext, statisticsBytes } from './statistics-writer.ts'
import { UnfilteredEncoder, writeDeletionTime } from './unfiltered-encoder.ts'
import { END_OF_PARTITION } from './unfiltered-flags.ts'
import { NB } from './version.ts'

/** How an SSTable is to be written. */
export interface SSTableWriterOptions {
  /** How many keys will come, for the Bloom filter. */
  readonly expectedKeys: number
  readonly bloomFilterFpChance: number
  readonly minIndexInterval: number
  /** Null writes Data.db as it is. */
  readonly compression: Compression | null
  /** Bytes of rows between two entries of a partition's index: column_index_size. */
  readonly columnIndexSizeBytes: number
  readonly statistics: Omit<StatisticsContext, 'compressionRatio' | 'bloomFilterFpChance'>
}

/** A write of Index.db. */
const INDEX_BUFFER_BYTES = 1 << 16
const WIDTH_BASE = 64 * 1024
const header = new RowHeader()

/**
 * Writes one SSTable in version nb (`BigTableWriter`): partitions come in their order, then `finish` writes what is
 * left and syncs all files. TOC.txt comes last, so that a directory without it holds an unfinished SSTable.
 */
export class SSTableWriter {
  readonly descriptor: Descriptor
  readonly #disk: Disk
  readonly #options: SSTableWriterOptions
  readonly #headerComponent: HeaderComponent
  readonly #header: SerializationHeader
  readonly #dataFile: DiskFile
  readonly #indexFile: DiskFile
  readonly #data: DataFileWriter
  readonly #encoder: UnfilteredEncoder
  readonly #index = new ByteSink(INDEX_BUFFER_BYTES * 2)
  #indexWritten = 0
  readonly #indexChecksums = new StretchChecksums()
  readonly #summary: IndexSummaryBuilder
  readonly #filter
  readonly #collector: MetadataCollector
  /** Blocks of the partition that is being written: their entries, where each begins, and how many there are. */
  readonly #blocks = new ByteSink()
  readonly #blockOffsets: number[] = []
  readonly #firstPrefix = new ByteSink(64)
  readonly #lastPrefix = new ByteSink(64)
  readonly #clustering = new MergeBuffer()
  /** Of the partition: its key, where it begins, its deletion, and bytes before its rows; -1 until these begin. */
  readonly #partition = new ByteSink(256)
  #start = 0
  #deletion: DeletionTime = LIVE
  #headerLength = -1
  /** Positions in the partition of the row before, and of the block; -1 between blocks. */
  #previousStart = 0
  #blockStart = -1
  #openMarker: DeletionTime | null = null
  #firstOfAll: Prefix | null = null
  /** The bound of the marker that was written last; null where that was a row. */
  #lastBound: Prefix | null = null

  constructor(
    disk: Disk,
    descriptor: Descriptor,
    headerComponent: HeaderComponent,
    serializationHeader: SerializationHeader,
    options: SSTableWriterOptions,
  ) {
    this.descriptor = descriptor
    this.#disk = disk
    this.#options = options
    this.#headerComponent = headerComponent
    this.#header = serializationHeader
    this.#collector = new MetadataCollector(serializationHeader.clusteringTypes)
    this.#encoder = new UnfilteredEncoder(serializationHeader, this.#collector)
    this.#summary = new IndexSummaryBuilder(options.minIndexInterval)
    this.#filter = bloomFilterFor(options.expectedKeys, options.bloomFilterFpChance)
    this.#dataFile = disk.openSync(this.#path('Data.db'), 'create')
    try {
      this.#indexFile = disk.openSync(this.#path('Index.db'), 'create')
    } catch (error) {
      this.#dataFile.closeSync()
      throw error
    }
    this.#data = new DataFileWriter(this.#dataFile, options.compression)
  }

  #path(component: Component): string {
    return componentPath(this.descriptor, component)
  }

  get partitions(): number {
    return this.#collector.partitions
  }

  /** Bytes of Data.db so far, as they are stored. */
  get writtenBytes(): number {
    return this.#data.writtenBytes
  }

  /** Writes the partition that the reader has moved to, whole. */
  append(reader: UnfilteredReader): void {
    this.beginPartition(reader.keyBytes, reader.keyOffset, reader.keyLength, reader.partitionDeletion)
    if (reader.staticRow()) this.staticRow(reader.row, reader.rowAt)
    for (let kind = reader.next(); kind !== UNFILTERED_END; kind = reader.next()) {
      if (kind === UNFILTERED_MARKER) this.marker(reader.marker)
      else this.row(reader.row, reader.rowAt)
    }
    this.endPartition()
  }

  /**
   * Begins a partition behind the one before it in the order of the ring. Its static row, if there is one, then its rows
   * and markers in their order, and `endPartition` follow; the caller may take any time between them.
   */
  beginPartition(
    keyBytes: Uint8Array,
    keyOffset: number,
    keyLength: number,
    partitionDeletion: DeletionTime,
  ): void {
    const data = this.#data
    const out = data.sink
    this.#partition.reset()
    this.#partition.bytes(keyBytes, keyOffset, keyLength)
    this.#start = data.position
    this.#deletion = partitionDeletion
    out.uint16(keyLength)
    out.bytes(keyBytes, keyOffset, keyLength)
    writeDeletionTime(out, partitionDeletion, NB)
    if (partitionDeletion !== LIVE) {
      const { hi, lo, localDeletionTime } = partitionDeletion
      this.#collector.deletion(hi, lo, localDeletionTime)
    }
    this.#headerLength = -1
    this.#blocks.reset()
    if (this.#blockOffsets.length > 0) this.#blockOffsets.length = 0
    this.#previousStart = 0
    this.#blockStart = -1
    this.#openMarker = null
    this.#firstOfAll = null
    this.#lastBound = null
  }

  /** Writes the static row. Where the header has no static columns there is nothing of it to write. */
  staticRow(row: Words, at: number): void {
    if (this.#header.statics.length > 0) this.#encoder.staticRow(this.#data.sink, row, at)
    this.#headerLength = this.#data.position - this.#start
  }

  /** The rows begin: without a static row an empty one has to stand there. */
  #beginRows(): void {
    if (this.#header.statics.length > 0) this.#encoder.staticRow(this.#data.sink, null, 0)
    this.#headerLength = this.#data.position - this.#start
  }

  row(row: Words, at: number): void {
    if (this.#headerLength < 0) this.#beginRows()
    const position = this.#data.position - this.#start
    this.#encoder.row(this.#data.sink, row, at, position - this.#previousStart)
    header.read(row.i32, at)
    this.#keepClustering(row)
    this.#lastBound = null
    this.#added(position, false)
  }

  marker(marker: RangeTombstoneMarker): void {
    if (this.#headerLength < 0) this.#beginRows()
    const position = this.#data.position - this.#start
    this.#encoder.marker(this.#data.sink, marker, position - this.#previousStart)
    this.#openMarker = marker.opens
    this.#lastBound = marker.bound
    this.#added(position, true)
  }

  /** A row or marker has been written from that position of the partition on. */
  #added(position: number, isMarker: boolean): void {
    const data = this.#data
    const encoder = this.#encoder
    const last = this.#lastPrefix
    this.#previousStart = position
    last.reset()
    if (!isMarker) last.byte(KIND_CLUSTERING)
    last.bytes(data.sink.u8, encoder.prefixAt, encoder.prefixEnd - encoder.prefixAt)
    if (this.#blockStart < 0) {
      this.#blockStart = position
      this.#firstPrefix.reset()
      this.#firstPrefix.bytes(last.u8, 0, last.length)
      if (this.#firstOfAll === null) this.#firstOfAll = this.#lastBound ?? this.#clusteringPrefix()
    }
    const width = data.position - this.#start - this.#blockStart
    if (width >= this.#options.columnIndexSizeBytes) {
      this.#endBlock(this.#blockStart, width, this.#openMarker)
      this.#blockStart = -1
    }
    data.drain()
  }

  endPartition(): void {
    const data = this.#data
    const out = data.sink
    if (this.#headerLength < 0) this.#beginRows()
    out.byte(END_OF_PARTITION)
    if (this.#firstOfAll !== null) {
      // The last block has the end of the partition in it.
      if (this.#blockStart >= 0) {
        const width = data.position - this.#start - this.#blockStart
        this.#endBlock(this.#blockStart, width, this.#openMarker)
      }
      this.#collector.clusterings(this.#firstOfAll, this.#lastBound ?? this.#clusteringPrefix())
    }
    const { u8: key, length } = this.#partition
    const { partitions } = this.#collector
    this.#collector.partition(key, 0, length, data.position - this.#start)
    data.drain()
    this.#filter?.add(key, 0, length)
    this.#summary.add(partitions, key, 0, length, this.#indexWritten + this.#index.length)
    this.#appendIndexEntry(key, 0, length, this.#start, this.#deletion, this.#headerLength)
  }

  /** Copies the clustering of the row whose header was read. */
  #keepClustering(row: Words): void {
    const kept = this.#clustering
    const words = header.cells - header.clustering
    kept.ensure(words)
    for (let i = 0; i < words; i++) kept.i32[i] = row.i32[header.clustering + i]!
  }

  /** The clustering that was kept. */
  #clusteringPrefix(): Prefix {
    const count = this.#header.clusteringTypes.length
    const { i32 } = this.#clustering
    const components: (Uint8Array | null)[] = readClustering(this.#clustering, 0, count)
    for (let i = 0, p = 0; i < count; i++) {
      const length = i32[p]!
      if (length < 0) components[i] = null
      p += 1 + (Math.max(0, length + 3) >>> 2)
    }
    return { components, side: null }
  }

  /** An entry of the partition's index (`IndexInfo`). */
  #endBlock(start: number, width: number, openMarker: DeletionTime | null): void {
    const blocks = this.#blocks
    this.#blockOffsets.push(blocks.length)
    blocks.bytes(this.#firstPrefix.u8, 0, this.#firstPrefix.length)
    blocks.bytes(this.#lastPrefix.u8, 0, this.#lastPrefix.length)
    blocks.vint(start)
    blocks.signedVint(width - WIDTH_BASE)
    blocks.byte(openMarker === null ? 0 : 1)
    if (openMarker !== null) writeDeletionTime(blocks, openMarker, NB)
  }

  #appendIndexEntry(
    key: Uint8Array,
    offset: number,
    length: number,
    position: number,
    deletion: DeletionTime,
    headerLength: number,
  ): void {
    const index = this.#index
    index.uint16(length)
    index.bytes(key, offset, length)
    index.vint(position)
    const count = this.#blockOffsets.length
    if (count <= 1) index.vint(0)
    else {
      const head = new ByteSink(32)
      head.vint(headerLength)
      writeDeletionTime(head, deletion, NB)
      head.vint(count)
      index.vint(head.length + this.#blocks.length + count * 4)
      index.bytes(head.u8, 0, head.length)
      index.bytes(this.#blocks.u8, 0, this.#blocks.length)
      for (const blockOffset of this.#blockOffsets) index.int32(blockOffset)
    }
    if (index.length >= INDEX_BUFFER_BYTES) this.#writeIndex()
  }

  #writeIndex(): void {
    const index = this.#index
    writeFullySync(this.#indexFile, index.u8, 0, index.length, this.#indexWritten)
    this.#indexChecksums.add(index.u8, index.length)
    this.#indexWritten += index.length
    index.reset()
  }

  /** Writes what is left. At least one partition has been written. */
  finish(): void {
    this.#data.finish()
    this.#writeIndex()
    this.#dataFile.fsyncSync()
    this.#indexFile.fsyncSync()
    this.#dataFile.closeSync()
    this.#indexFile.closeSync()
    const { compression, bloomFilterFpChance, statistics } = this.#options
    const components: Component[] = ['Data.db', 'Digest.crc32', 'Index.db', 'Statistics.db', 'Summary.db']
    const companion = compression === null ? 'CRC.db' : 'CompressionInfo.db'
    this.#writeFile(companion, this.#data.companion())
    components.push(companion)
    this.#writeFile('Digest.crc32', this.#data.digest())
    const filter = this.#filter?.file() ?? null
    if (filter !== null) {
      this.#writeFile('Filter.db', filter)
      components.push('Filter.db')
    }
    const summary = this.#summary.file(this.#collector.partitions)
    this.#writeFile('Summary.db', summary)
    const context = { ...statistics, bloomFilterFpChance, compressionRatio: this.#data.compressionRatio }
    this.#writeFile('Statistics.db', statisticsBytes(this.#collector, this.#headerComponent, context))
    this.#writeFile('Checksums.db', indexChecksumsFile(summary, filter, this.#indexChecksums.finish()))
    components.push('Checksums.db', 'TOC.txt')
    this.#writeFile('TOC.txt', Buffer.from(`${components.sort().join('\n')}\n`))
  }

  #writeFile(component: Component, bytes: Uint8Array): void {
    const file = this.#disk.openSync(this.#path(component), 'create')
    try {
      writeFullySync(file, bytes, 0, bytes.length, 0)
      file.fsyncSync()
    } finally {
      file.closeSync()
    }
  }

  /** Gives up and leaves no file open; any number of times. The files stay, for whoever cleans up. */
  abort(): void {
    this.#dataFile.closeSync()
    this.#indexFile.closeSync()
  }
}
