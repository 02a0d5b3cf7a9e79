import { murmur3Token } from '../../common/murmur3.ts'
import { type Disk, isDiskError } from '../../io/disk.ts'
import { compare64 } from '../../model/row-format.ts'
import { BloomFilter } from '../sstable/bloom-filter.ts'
import { CorruptSSTableError } from '../sstable/corruption.ts'
import { componentPath, type Descriptor } from '../sstable/descriptor.ts'
import { checkWhole, type IndexChecksums, loadIndexChecksums } from '../sstable/index-checksums.ts'
import { IndexSummary } from '../sstable/index-summary.ts'
import { NO_DELETION, readStatistics } from '../sstable/statistics.ts'
import { formatVersion } from '../sstable/version.ts'
import type { PurgedPartition } from './purge.ts'

const token = new Int32Array(2)
const LEAST_TIMESTAMP = -(2n ** 63n)

/** The tokens that an SSTable has keys between, both ends inclusive, as halves. */
export interface TokenSpan {
  readonly firstHi: number
  readonly firstLo: number
  readonly lastHi: number
  readonly lastLo: number
}

export function tokenSpan({ firstKey, lastKey }: IndexSummary): TokenSpan {
  murmur3Token(firstKey, 0, firstKey.length, token)
  const firstHi = token[0]!
  const firstLo = token[1]!
  murmur3Token(lastKey, 0, lastKey.length, token)
  return { firstHi, firstLo, lastHi: token[0]!, lastLo: token[1]! }
}

export function spansMeet(a: TokenSpan, b: TokenSpan): boolean {
  return (
    compare64(a.firstHi, a.firstLo, b.lastHi, b.lastLo) <= 0 &&
    compare64(b.firstHi, b.firstLo, a.lastHi, a.lastLo) <= 0
  )
}

const WHOLE_RING: TokenSpan = { firstHi: -0x80000000, firstLo: 0, lastHi: 0x7fffffff, lastLo: -1 }

/**
 * An SSTable that is not compacted, as far as it keeps tombstones of those that are from being purged: which keys it may
 * have, and how old its data may be. Nothing of it stays open.
 */
export class OverlappingSSTable {
  readonly span: TokenSpan
  /** Microseconds. */
  readonly minTimestamp: bigint
  readonly maxTimestamp: bigint
  readonly maxLocalDeletionTime: number
  readonly #disk: Disk
  readonly #descriptor: Descriptor
  /** Those of Checksums.db; null where there are none. */
  readonly #checksums: IndexChecksums | null
  /** Undefined until it is asked for, null where there is none that could be read: then any key may be there. */
  #filter: BloomFilter | null | undefined = undefined

  private constructor(
    disk: Disk,
    descriptor: Descriptor,
    checksums: IndexChecksums | null,
    span: TokenSpan,
    stats: Pick<OverlappingSSTable, 'minTimestamp' | 'maxTimestamp' | 'maxLocalDeletionTime'>,
  ) {
    this.#disk = disk
    this.#descriptor = descriptor
    this.#checksums = checksums
    this.span = span
    this.minTimestamp = stats.minTimestamp
    this.maxTimestamp = stats.maxTimestamp
    this.maxLocalDeletionTime = stats.maxLocalDeletionTime
  }

  /**
   * Reads what is known of an SSTable. One that is gone, since another compaction has replaced it meanwhile, or that
   * cannot be read, is taken for one that may have anything: then tombstones stay, which costs nothing but room.
   */
  static read(disk: Disk, descriptor: Descriptor): OverlappingSSTable {
    const path = (component: 'Statistics.db' | 'Summary.db') => componentPath(descriptor, component)
    try {
      const version = formatVersion(descriptor.version)!
      const statistics = path('Statistics.db')
      const { stats } = readStatistics(statistics, disk.readFileSync(statistics), version)
      const checksums = loadIndexChecksums(disk, descriptor)
      const bytes = disk.readFileSync(path('Summary.db'))
      if (checksums !== null) checkWhole(path('Summary.db'), bytes, checksums.summary)
      const span = tokenSpan(IndexSummary.read(path('Summary.db'), bytes))
      return new OverlappingSSTable(disk, descriptor, checksums, span, stats)
    } catch (error) {
      if (!isDiskError(error) && !(error instanceof CorruptSSTableError)) throw error
      return new OverlappingSSTable(disk, descriptor, null, WHOLE_RING, {
        minTimestamp: LEAST_TIMESTAMP,
        maxTimestamp: -LEAST_TIMESTAMP - 1n,
        maxLocalDeletionTime: NO_DELETION,
      })
    }
  }

  /** False where it surely does not have the partition. */
  mayContain({ tokenHi, tokenLo, keyBytes, keyOffset, keyLength }: PurgedPartition): boolean {
    const { firstHi, firstLo, lastHi, lastLo } = this.span
    if (compare64(tokenHi, tokenLo, firstHi, firstLo) < 0) return false
    if (compare64(tokenHi, tokenLo, lastHi, lastLo) > 0) return false
    if (this.#filter === undefined) this.#filter = this.#readFilter()
    return this.#filter === null || this.#filter.mayContain(keyBytes, keyOffset, keyLength)
  }

  #readFilter(): BloomFilter | null {
    const path = componentPath(this.#descriptor, 'Filter.db')
    const checksums = this.#checksums
    // A filter that there was none of when the checksums were written is not to be believed.
    if (checksums?.filter === null) return null
    try {
      const bytes = this.#disk.readFileSync(path)
      if (checksums !== null) checkWhole(path, bytes, checksums.filter)
      return BloomFilter.read(path, bytes)
    } catch (error) {
      if (isDiskError(error) || error instanceof CorruptSSTableError) return null
      throw error
    }
  }
}
