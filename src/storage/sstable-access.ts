import type { Slice } from '../model/clustering.ts'
import type { DecoratedKey } from '../model/read-command.ts'
import { compare64 } from '../model/row-format.ts'
import type { LiveSSTable } from './live-sstable.ts'
import type { PartitionSource } from './partition-source.ts'
import type { ChunkSource } from './sstable/file-cursor.ts'
import { isKeyOf } from './sstable/index-edges.ts'
import { IndexReader } from './sstable/index-reader.ts'
import { SSTablePartitionReader } from './sstable/partition-reader.ts'
import type { SerializationHeader } from './sstable/serialization-header.ts'

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
