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
