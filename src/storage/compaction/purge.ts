import { compare64 } from '../../model/row-format.ts'
import type { OverlappingSSTable } from './overlapping-sstable.ts'

/** A partition that is being compacted, as far as `Purge` has to know it. */
export interface PurgedPartition {
  readonly keyBytes: Uint8Array
  readonly keyOffset: number
  readonly keyLength: number
  readonly tokenHi: number
  readonly tokenLo: number
}

/** Which tombstones a compaction leaves out (`PurgeFunction`, `DeletionPurger`). */
export interface Purge {
  /** What expires at or before that second is dead. */
  readonly nowSeconds: number
  /** Begins with another partition, whose fields stay until the next. */
  beginPartition(partition: PurgedPartition): void
  /** Whether a deletion of that timestamp and time of deletion (seconds, unsigned) may go. */
  isPurged(hi: number, lo: number, localDeletionTime: number): boolean
}

/** An SSTable, and its least timestamp as halves. */
interface Limit {
  readonly sstable: OverlappingSSTable
  readonly hi: number
  readonly lo: number
}

const GREATEST_HI = 0x7fffffff
const GREATEST_LO = -1

/**
 * Tombstones are purged that are old enough, and older than all that memtables and SSTables may have of their partition
 * beside those that are compacted: nothing that they cover can come back (`CompactionController.getPurgeEvaluator`).
 * Bloom filters are looked into only for tombstones that are old enough.
 */
export class CompactionPurge implements Purge {
  readonly nowSeconds: number
  readonly #gcBefore: number
  /** Those with the oldest data first. */
  readonly #limits: readonly Limit[]
  readonly #memtables: { readonly hi: number; readonly lo: number } | null
  #partition: PurgedPartition | null = null
  /** Of the partition: the least timestamp that there may be elsewhere, once it is known. */
  #isKnown = false
  #hasLimit = false
  #limitHi = 0
  #limitLo = 0

  /** `memtableMinTimestamp` is null where memtables are empty. */
  constructor(
    nowSeconds: number,
    gcBeforeSeconds: number,
    overlapping: readonly OverlappingSSTable[],
    memtableMinTimestamp: bigint | null,
  ) {
    this.nowSeconds = nowSeconds
    this.#gcBefore = gcBeforeSeconds
    this.#limits = overlapping
      .map((sstable) => ({ sstable, ...halves(sstable.minTimestamp) }))
      .sort((a, b) => compare64(a.hi, a.lo, b.hi, b.lo))
    this.#memtables = memtableMinTimestamp === null ? null : halves(memtableMinTimestamp)
  }

  beginPartition(partition: PurgedPartition): void {
    this.#partition = partition
    this.#isKnown = false
  }

  isPurged(hi: number, lo: number, localDeletionTime: number): boolean {
    if (localDeletionTime >= this.#gcBefore) return false
    if (!this.#isKnown) this.#findLimit()
    return !this.#hasLimit || compare64(hi, lo, this.#limitHi, this.#limitLo) < 0
  }

  #findLimit(): void {
    const memtables = this.#memtables
    this.#isKnown = true
    this.#hasLimit = memtables !== null
    this.#limitHi = memtables?.hi ?? GREATEST_HI
    this.#limitLo = memtables?.lo ?? GREATEST_LO
    for (const { sstable, hi, lo } of this.#limits) {
      if (this.#hasLimit && compare64(hi, lo, this.#limitHi, this.#limitLo) >= 0) return
      if (!sstable.mayContain(this.#partition!)) continue
      this.#hasLimit = true
      this.#limitHi = hi
      this.#limitLo = lo
    }
  }
}

function halves(timestamp: bigint): { readonly hi: number; readonly lo: number } {
  return { hi: Number(timestamp >> 32n), lo: Number(BigInt.asIntN(32, timestamp)) }
}
