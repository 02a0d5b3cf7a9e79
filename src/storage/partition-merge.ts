import { compareBytes } from '../common/bytes.ts'
import { compare64, type Words } from '../model/row-format.ts'
import type { TableMetadata } from '../model/table.ts'
import { MergeOrder } from './merge-order.ts'
import type { PartitionSource } from './partition-source.ts'
import type { DeletionTime, RangeTombstoneMarker, UnfilteredKind, UnfilteredReader } from './unfiltered.ts'
import { UnfilteredMerge } from './unfiltered-merge.ts'

/** Partitions in the order of the ring, out of one memtable or SSTable; the fields describe the one moved to last. */
export interface PartitionScan {
  readonly tokenHi: number
  readonly tokenLo: number
  readonly keyBytes: Uint8Array
  readonly keyOffset: number
  readonly keyLength: number
  /** Moves to the next partition; false at the end. */
  nextPartition(): boolean
  /** Begins to read the partition. Need not be called for each. */
  partition(): PartitionSource
  close(): void
}

/**
 * Several scans as one (`UnfilteredPartitionIterators.merge`): what a read along the ring, or a compaction, sees.
 */
export class PartitionMerge implements UnfilteredReader {
  readonly #merge: UnfilteredMerge
  readonly #order: MergeOrder
  #table: TableMetadata | null = null
  #reversed = false
  #scans: readonly PartitionScan[] = []
  readonly #sources: PartitionSource[] = []
  #first: PartitionScan | null = null
  /** How many of the scans have the partition. */
  sourceCount = 0

  /** Partitions are merged by `merge`, which nobody else uses meanwhile. */
  constructor(merge: UnfilteredMerge = new UnfilteredMerge()) {
    this.#merge = merge
    this.#order = new MergeOrder((a, b) => this.#compare(a, b))
  }

  /** Begins with scans that have not been moved yet, and closes them in the end. */
  begin(table: TableMetadata, scans: readonly PartitionScan[], reversed: boolean): void {
    this.#table = table
    this.#scans = scans
    this.#reversed = reversed
    this.#order.clear()
    for (let i = 0; i < scans.length; i++) if (scans[i]!.nextPartition()) this.#order.insert(i)
  }

  #compare(a: number, b: number): number {
    const x = this.#scans[a]!
    const y = this.#scans[b]!
    return (
      compare64(x.tokenHi, x.tokenLo, y.tokenHi, y.tokenLo) ||
      compareBytes(x.keyBytes, x.keyOffset, x.keyLength, y.keyBytes, y.keyOffset, y.keyLength)
    )
  }

  nextPartition(): boolean {
    const order = this.#order
    const scans = this.#scans
    for (let i = 0; i < order.groupSize; i++) {
      const scan = order.group[i]!
      if (scans[scan]!.nextPartition()) order.insert(scan)
    }
    order.groupSize = 0
    if (order.size === 0) return false
    order.take()
    const { group, groupSize } = order
    for (let i = 0; i < groupSize; i++) this.#sources[i] = scans[group[i]!]!.partition()
    this.#first = scans[group[0]!]!
    this.sourceCount = groupSize
    this.#merge.openPartition(this.#table!, this.#sources, groupSize, this.#reversed)
    return true
  }

  get keyBytes(): Uint8Array {
    return this.#first!.keyBytes
  }
  get keyOffset(): number {
    return this.#first!.keyOffset
  }
  get keyLength(): number {
    return this.#first!.keyLength
  }
  get tokenHi(): number {
    return this.#first!.tokenHi
  }
  get tokenLo(): number {
    return this.#first!.tokenLo
  }
  get partitionDeletion(): DeletionTime {
    return this.#merge.partitionDeletion
  }
  get row(): Words {
    return this.#merge.row
  }
  get rowAt(): number {
    return this.#merge.rowAt
  }
  get marker(): RangeTombstoneMarker {
    return this.#merge.marker
  }

  staticRow(): boolean {
    return this.#merge.staticRow()
  }

  next(): UnfilteredKind {
    return this.#merge.next()
  }

  close(): void {
    for (const scan of this.#scans) scan.close()
    this.#scans = []
    this.#sources.length = 0
    this.#first = null
    this.#order.clear()
  }
}
