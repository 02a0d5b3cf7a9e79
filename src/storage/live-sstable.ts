import { murmur3Token } from '../common/murmur3.ts'
import { compareBounds, type Slice } from '../model/clustering.ts'
import type { TokenRange } from '../model/read-command.ts'
import { compare64 } from '../model/row-format.ts'
import type { TableMetadata } from '../model/table.ts'
import type { CqlType } from '../types/index.ts'
import type { ChunkCache } from './cache/chunk-cache.ts'
import type { KeyCache } from './cache/key-cache.ts'
import { READ_AHEAD_BYTES, ScannedSource } from './cache/scanned-source.ts'
import type { CachedFile } from './cache/warm-up.ts'
import { componentPath } from './sstable/descriptor.ts'
import type { ChunkSource } from './sstable/file-cursor.ts'
import { type SerializationHeader, serializationHeader } from './sstable/serialization-header.ts'
import type { SSTable } from './sstable/sstable.ts'
import { SSTableAccess } from './sstable-access.ts'

/** The caches of a node; null where there is none. */
export interface StorageCaches {
  readonly chunks: ChunkCache | null
  readonly keys: KeyCache | null
}

let lastNumber = 0
const token = new Int32Array(2)

/**
 * An SSTable that reads use (`SSTableReader`). It is open as long as somebody holds it; readers of it are made once and
 * used by one read after another.
 */
export class LiveSSTable {
  readonly sstable: SSTable
  /** Names it in the caches of the process; never given twice. */
  readonly number: number = ++lastNumber
  readonly firstHi: number
  readonly firstLo: number
  readonly lastHi: number
  readonly lastLo: number
  /** The greatest timestamp of anything in it. */
  readonly maxTimestampHi: number
  readonly maxTimestampLo: number
  /** Looks at the Bloom filter that were right, and keys that it let pass which are not there (`BloomFilterTracker`). */
  trueNegatives = 0
  truePositives = 0
  falsePositives = 0
  readonly #caches: StorageCaches
  readonly #dataLoader: ChunkSource
  readonly #indexLoader: ChunkSource
  readonly #onClose: (sstable: LiveSSTable) => void
  #header: SerializationHeader
  #table: TableMetadata
  #free: SSTableAccess[] = []
  #references = 1

  /**
   * Takes an SSTable that is open, and holds it for the caller. `onClose` hears when the last one has let go of it and
   * its files are closed: those of one that is obsolete may be removed then.
   */
  constructor(
    sstable: SSTable,
    caches: StorageCaches,
    onClose: (sstable: LiveSSTable) => void = () => undefined,
  ) {
    this.sstable = sstable
    this.#caches = caches
    this.#onClose = onClose
    this.#header = sstable.header
    this.#table = sstable.table
    const { firstKey, lastKey } = sstable.summary
    murmur3Token(firstKey, 0, firstKey.length, token)
    this.firstHi = token[0]!
    this.firstLo = token[1]!
    murmur3Token(lastKey, 0, lastKey.length, token)
    this.lastHi = token[0]!
    this.lastLo = token[1]!
    const { maxTimestamp } = sstable.statistics.stats
    this.maxTimestampHi = Number(maxTimestamp >> 32n)
    this.maxTimestampLo = Number(BigInt.asIntN(32, maxTimestamp))
    this.#dataLoader = sstable.dataSource()
    this.#indexLoader = sstable.indexSource()
  }

  get header(): SerializationHeader {
    return this.#header
  }

  get hasStatics(): boolean {
    return this.#header.statics.length > 0
  }

  /** False where surely no partition is deleted in it. */
  get mayDeletePartitions(): boolean {
    return this.sstable.statistics.stats.hasPartitionLevelDeletions
  }

  /** The key cache, where the table's `caching` does not do without. */
  get keyCache(): KeyCache | null {
    return this.#table.params.caching.get('keys') === 'NONE' ? null : this.#caches.keys
  }

  /** Reads that begin from now on see another version of the table's metadata (after ALTER). */
  setTable(table: TableMetadata): void {
    if (table === this.#table) return
    this.#table = table
    const path = componentPath(this.sstable.descriptor, 'Statistics.db')
    this.#header = serializationHeader(path, this.sstable.statistics.header, table)
    this.#free = []
  }

  /** Whether slices may have rows, or deletions over rows, in it (`ClusteringIndexFilter.intersects`). */
  mayHaveRowsOf(types: readonly CqlType[], slices: readonly Slice[]): boolean {
    const { minClustering, maxClustering } = this.sstable.statistics.stats
    if (minClustering.length === 0 && maxClustering.length === 0) return slices.length > 0
    const first = { components: minClustering, side: 0 } as const
    const last = { components: maxClustering, side: 1 } as const
    for (const { start, end } of slices) {
      if (compareBounds(types, start, last) < 0 && compareBounds(types, first, end) < 0) return true
    }
    return false
  }

  /** Whether it has partitions of a range of the ring. */
  isInRange(range: TokenRange): boolean {
    const toStart = compare64(this.lastHi, this.lastLo, range.startHi, range.startLo)
    if (toStart < 0 || (toStart === 0 && !range.startInclusive && range.afterKey === null)) return false
    const toEnd = compare64(this.firstHi, this.firstLo, range.endHi, range.endLo)
    return toEnd < 0 || (toEnd === 0 && range.endInclusive)
  }

  /** A reader, to be given back by `giveBack`. */
  access(): SSTableAccess {
    return this.#free.pop() ?? this.#newAccess()
  }

  #newAccess(): SSTableAccess {
    const { chunks } = this.#caches
    const { sstable } = this
    if (chunks === null) return new SSTableAccess(this, sstable.dataSource(), sstable.indexSource())
    const [data, index] = this.cachedFiles
    return new SSTableAccess(
      this,
      new ScannedSource(chunks, data.number, data.loader, () => sstable.dataSource(READ_AHEAD_BYTES)),
      new ScannedSource(chunks, index.number, index.loader, () => sstable.indexSource(READ_AHEAD_BYTES)),
    )
  }

  /** Data.db and Index.db as the chunk cache knows them. Of the numbers of files two are each SSTable's. */
  get cachedFiles(): readonly [data: CachedFile, index: CachedFile] {
    return [
      { number: 2 * this.number, loader: this.#dataLoader },
      { number: 2 * this.number + 1, loader: this.#indexLoader },
    ]
  }

  giveBack(access: SSTableAccess): void {
    access.release()
    if (access.header === this.#header) this.#free.push(access)
  }

  /** Holds the SSTable for somebody else. */
  retain(): void {
    this.#references++
  }

  /** Lets go of it; the last one closes the files. */
  release(): void {
    if (--this.#references > 0) return
    for (const { number } of this.cachedFiles) this.#caches.chunks?.drop(number)
    this.#free = []
    this.sstable.close()
    this.#onClose(this)
  }
}
