import { compareBytes } from '../common/bytes.ts'
import { murmur3Token } from '../common/murmur3.ts'
import { compareBounds, type Slice } from '../model/clustering.ts'
import type { DecoratedKey, TokenRange } from '../model/read-command.ts'
import { compare64 } from '../model/row-format.ts'
import type { TableMetadata } from '../model/table.ts'
import type { CqlType } from '../types/index.ts'
import type { ChunkCache } from './cache/chunk-cache.ts'
import type { KeyCache } from './cache/key-cache.ts'
import { READ_AHEAD_BYTES, ScannedSource } from './cache/scanned-source.ts'
import type { CachedFile } from './cache/warm-up.ts'
import type { PartitionScan } from './partition-merge.ts'
import type { PartitionSource } from './partition-source.ts'
import { componentPath } from './sstable/descriptor.ts'
import type { ChunkSource } from './sstable/file-cursor.ts'
import { isKeyOf } from './sstable/index-edges.ts'
import { IndexReader } from './sstable/index-reader.ts'
import { SSTablePartitionReader } from './sstable/partition-reader.ts'
import { type SerializationHeader, serializationHeader } from './sstable/serialization-header.ts'
import type { SSTable } from './sstable/sstable.ts'

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

/** Reads partitions of one SSTable for one read at a time. */
export class SSTableAccess {
  readonly live: LiveSSTable
  readonly header: SerializationHeader
  readonly #index: IndexReader
  readonly #partitions: SSTablePartitionReader
  #position = 0
  /** The partition's index has been read, and says where its rows are. */
  #hasIndex = false

  constructor(live: LiveSSTable, data: ChunkSource, index: ChunkSource) {
    const { sstable, header } = live
    this.live = live
    this.header = header
    this.#index = new IndexReader(index, sstable.summary, sstable.version, header.clusteringTypes)
    this.#partitions = new SSTablePartitionReader(data, header, sstable.version)
  }

  /** The index of the SSTable, to walk along. Its entry is the partition that `open` goes to after `standAtEntry`. */
  get index(): IndexReader {
    return this.#index
  }

  /** Looks for a partition: by the key cache, or else by the index. */
  find({ key, tokenHi, tokenLo }: DecoratedKey): boolean {
    const { number, keyCache } = this.live
    const index = this.#index
    if (keyCache?.find(number, tokenHi, tokenLo)) {
      const { position, indexPosition } = keyCache
      if (indexPosition >= 0) {
        index.seek(indexPosition)
        index.next()
      }
      const isOfEntry = indexPosition < 0 || index.position === position
      if (isOfEntry && this.#partitions.isAt(position, key, key.length)) {
        this.#position = position
        this.#hasIndex = indexPosition >= 0
        return true
      }
    }
    if (!index.find(tokenHi, tokenLo, key)) {
      this.#checkAbsent(tokenHi, tokenLo, key)
      return false
    }
    this.standAtEntry()
    this.checkEntry()
    keyCache?.put(number, tokenHi, tokenLo, this.#position, this.#hasIndex ? index.entryPosition : -1)
    return true
  }

  /** Throws a CorruptSSTableError unless Data.db has the partition of the entry that was read last where that says. */
  checkEntry(): void {
    const { position, keyBytes, keyLength } = this.#index
    if (this.#partitions.isAt(position, keyBytes, keyLength)) return
    throw this.#index.corrupt(`the partition at ${position} of Data.db is another one`)
  }

  /**
   * Where the partition ends whose entry was read last: by its last block, or by reading it, which is short then. -1 for an
   * end that may be one byte further on: what ends a partition is in its last block, or is not.
   */
  #endOfEntry(): readonly [number, number] {
    const { position, blockCount } = this.#index
    if (blockCount < 2) {
      const end = this.#partitions.endOf(position)
      return [end, end]
    }
    const { offset, width } = this.#index.block(blockCount - 1)
    return [position + offset + width, position + offset + width + 1]
  }

  /**
   * A key whose entry has a flipped bit is not found. Index.db has no checksum, Data.db has: the key is not there if what
   * stands before it and behind it in the index follow each other in Data.db. Throws a CorruptSSTableError otherwise. Asked
   * for seldom: where the Bloom filter was wrong.
   */
  #checkAbsent(tokenHi: number, tokenLo: number, key: Uint8Array): void {
    const index = this.#index
    const { firstHi, firstLo, sstable } = this.live
    if (compare64(tokenHi, tokenLo, firstHi, firstLo) < 0) return
    let ends: readonly [number, number] = [0, 0]
    const hasBehind = index.around(tokenHi, tokenLo, key, () => {
      this.checkEntry()
      ends = this.#endOfEntry()
    })
    if (hasBehind) this.checkEntry()
    const next = hasBehind ? index.position : sstable.dataLength
    if (!ends.includes(next)) throw this.#index.corrupt(`there is a gap in Data.db before ${next}`)
  }

  /**
   * Reads on to the first entry at or behind a token; false when there is none. Of what is passed over, the last one alone
   * could have been behind the token before a bit of its key flipped.
   */
  seekToken(tokenHi: number, tokenLo: number): boolean {
    const index = this.#index
    let passed = -1
    const found = index.seekToken(tokenHi, tokenLo, () => {
      passed = index.entryPosition
    })
    if (passed >= 0) {
      index.seek(passed)
      index.next()
      this.checkEntry()
      return this.nextEntry() && found
    }
    if (found) this.checkEntry()
    else this.checkLast()
    return found
  }

  /** The end of the index has been reached: the last entry is that of the last key. */
  checkLast(): void {
    if (!isKeyOf(this.#index, this.live.sstable.summary.lastKey)) {
      throw this.#index.corrupt('the entry is the last one, and not that of the last key')
    }
  }

  /** The next entry is read. A partition with blocks says where it ends, and the next one begins there. */
  nextEntry(): boolean {
    const index = this.#index
    const ends = index.blockCount > 1 ? this.#endOfEntry() : null
    if (!index.next()) {
      this.checkLast()
      return false
    }
    this.checkEntry()
    if (ends !== null && !ends.includes(index.position))
      throw this.#index.corrupt('an entry is missing before it')
    return true
  }

  /** Goes to the partition whose entry `index` has read last. */
  standAtEntry(): void {
    this.#position = this.#index.position
    this.#hasIndex = this.#index.blockCount > 1
  }

  /** Opens the partition that was found. */
  open(slices: readonly Slice[], reversed: boolean): PartitionSource {
    this.#partitions.open(this.#position, this.#hasIndex ? this.#index : null, slices, reversed)
    return this.#partitions
  }

  /** Lets go of the memory of the cache. */
  release(): void {
    this.#index.release()
    this.#partitions.release()
  }
}

/** The partitions of an SSTable in a range of the ring, one after another. */
export class SSTableScan implements PartitionScan {
  readonly #access: SSTableAccess
  readonly #range: TokenRange
  readonly #slices: readonly Slice[]
  readonly #reversed: boolean
  #isStarted = false
  tokenHi = 0
  tokenLo = 0
  readonly keyOffset = 0

  /** Gives `access` back when it is closed. */
  constructor(access: SSTableAccess, range: TokenRange, slices: readonly Slice[], reversed: boolean) {
    this.#access = access
    this.#range = range
    this.#slices = slices
    this.#reversed = reversed
  }

  get keyBytes(): Uint8Array {
    return this.#access.index.keyBytes
  }
  get keyLength(): number {
    return this.#access.index.keyLength
  }

  /** Moves to the next partition; false at the end. */
  nextPartition(): boolean {
    const range = this.#range
    if (!this.#isStarted) {
      this.#isStarted = true
      if (!this.#seekStart()) return false
    } else if (!this.#read()) return false
    const toEnd = compare64(this.tokenHi, this.tokenLo, range.endHi, range.endLo)
    if (toEnd > 0 || (toEnd === 0 && !range.endInclusive)) return false
    return true
  }

  #read(): boolean {
    if (!this.#access.nextEntry()) return false
    this.#readToken()
    return true
  }

  #readToken(): void {
    const { keyBytes, keyLength } = this.#access.index
    murmur3Token(keyBytes, 0, keyLength, token)
    this.tokenHi = token[0]!
    this.tokenLo = token[1]!
  }

  #seekStart(): boolean {
    const { index } = this.#access
    const { startHi, startLo, startInclusive, afterKey } = this.#range
    if (afterKey === null) {
      if (!this.#access.seekToken(startHi, startLo)) return false
      this.#readToken()
      while (!startInclusive && this.tokenHi === startHi && this.tokenLo === startLo) {
        if (!this.#read()) return false
      }
      return true
    }
    murmur3Token(afterKey, 0, afterKey.length, token)
    const hi = token[0]!
    const lo = token[1]!
    if (!this.#access.seekToken(hi, lo)) return false
    this.#readToken()
    while (this.tokenHi === hi && this.tokenLo === lo) {
      const { keyBytes, keyLength } = index
      if (compareBytes(keyBytes, 0, keyLength, afterKey, 0, afterKey.length) > 0) return true
      if (!this.#read()) return false
    }
    return true
  }

  partition(): PartitionSource {
    this.#access.standAtEntry()
    return this.#access.open(this.#slices, this.#reversed)
  }

  close(): void {
    this.#access.live.giveBack(this.#access)
  }
}
