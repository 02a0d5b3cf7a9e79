import { clusteringTypes, compareBounds, compareRows, compareRowToBound } from '../model/clustering.ts'
import type { Words } from '../model/row-format.ts'
import type { TableMetadata } from '../model/table.ts'
import type { CqlType } from '../types/index.ts'
import { MergeOrder } from './merge-order.ts'
import type { PartitionSource } from './partition-source.ts'
import { MergeBuffer, mergeRows } from './row-merge.ts'
import {
  compareDeletions,
  type DeletionTime,
  LIVE,
  NO_MARKER,
  type RangeTombstoneMarker,
  UNFILTERED_END,
  UNFILTERED_MARKER,
  UNFILTERED_ROW,
  type UnfilteredKind,
} from './unfiltered.ts'

/**
 * Several sources of one partition as one (`UnfilteredRowIterators.merge`): rows of one clustering are merged; of the
 * range tombstones that are open in the sources the newest is in force, and a marker stands where that changes. Those
 * that the partition's deletion covers are left out. A row or marker of a source is looked at without being copied; what
 * was merged is in a buffer of the merge's own. It serves one partition after another.
 */
export class UnfilteredMerge implements PartitionSource {
  partitionDeletion: DeletionTime = LIVE
  row: Words
  rowAt = 0
  marker: RangeTombstoneMarker = NO_MARKER
  /** The range tombstone over the row last read; null where there is none. */
  open: DeletionTime | null = null
  #table: TableMetadata | null = null
  #types: readonly CqlType[] = []
  #reversed = false
  #sources: readonly PartitionSource[] = []
  #count = 0
  /** Of each source: what it stands at, and the deletion that is open there. */
  #kinds: UnfilteredKind[] = []
  #opens: (DeletionTime | null)[] = []
  readonly #order: MergeOrder
  #isStarted = false
  #merged = new MergeBuffer()
  #mergedBefore = new MergeBuffer()

  constructor() {
    this.row = this.#merged
    this.#order = new MergeOrder((a, b) => this.#compare(a, b))
  }

  /** Begins with the first `count` of the sources, which stand at the beginning of the partition. */
  openPartition(
    table: TableMetadata,
    sources: readonly PartitionSource[],
    count: number,
    reversed: boolean,
  ): void {
    if (table !== this.#table) {
      this.#table = table
      this.#types = clusteringTypes(table)
    }
    this.#reversed = reversed
    this.#sources = sources
    this.#count = count
    this.#order.clear()
    this.#isStarted = false
    this.open = null
    let deletion = LIVE
    for (let i = 0; i < count; i++) {
      this.#opens[i] = null
      const { partitionDeletion } = sources[i]!
      if (compareDeletions(partitionDeletion, deletion) > 0) deletion = partitionDeletion
    }
    this.partitionDeletion = deletion
  }

  staticRow(): boolean {
    let found = false
    for (let i = 0; i < this.#count; i++) {
      const source = this.#sources[i]!
      if (!source.staticRow()) continue
      if (found) this.#merge(source)
      else {
        this.row = source.row
        this.rowAt = source.rowAt
        found = true
      }
    }
    return found
  }

  /** Merges a row of a source into the one at hand. */
  #merge({ row, rowAt }: PartitionSource): void {
    const out = this.#mergedBefore
    mergeRows(this.#table!, this.row, this.rowAt, row, rowAt, out)
    this.#mergedBefore = this.#merged
    this.#merged = out
    this.row = out
    this.rowAt = 0
  }

  next(): UnfilteredKind {
    if (this.#count === 1) return this.#nextOfOne()
    const order = this.#order
    if (!this.#isStarted) {
      this.#isStarted = true
      for (let i = 0; i < this.#count; i++) this.#advance(i)
    }
    for (;;) {
      // Only now may what was returned last become void.
      for (let i = 0; i < order.groupSize; i++) this.#advance(order.group[i]!)
      order.groupSize = 0
      if (order.size === 0) return UNFILTERED_END
      order.take()
      if (this.#kinds[order.group[0]!] === UNFILTERED_ROW) {
        this.#mergeGroup()
        return UNFILTERED_ROW
      }
      if (this.#mergeMarkers()) return UNFILTERED_MARKER
    }
  }

  #nextOfOne(): UnfilteredKind {
    const source = this.#sources[0]!
    for (;;) {
      const kind = source.next()
      if (kind === UNFILTERED_ROW) {
        this.row = source.row
        this.rowAt = source.rowAt
      } else if (kind === UNFILTERED_MARKER) {
        const { bound, opens, closes } = source.marker
        if (!this.#changeOpen(bound, this.#reversed ? closes : opens)) continue
      }
      return kind
    }
  }

  #advance(i: number): void {
    const kind = this.#sources[i]!.next()
    this.#kinds[i] = kind
    if (kind !== UNFILTERED_END) this.#order.insert(i)
  }

  #compare(a: number, b: number): number {
    const x = this.#sources[a]!
    const y = this.#sources[b]!
    let order: number
    if (this.#kinds[a] === UNFILTERED_ROW) {
      order =
        this.#kinds[b] === UNFILTERED_ROW
          ? compareRows(this.#types, x.row, x.rowAt, y.row, y.rowAt)
          : compareRowToBound(this.#types, x.row, x.rowAt, y.marker.bound)
    } else if (this.#kinds[b] === UNFILTERED_ROW) {
      order = -compareRowToBound(this.#types, y.row, y.rowAt, x.marker.bound)
    } else order = compareBounds(this.#types, x.marker.bound, y.marker.bound)
    return this.#reversed ? -order : order
  }

  #mergeGroup(): void {
    const { group, groupSize } = this.#order
    const first = this.#sources[group[0]!]!
    this.row = first.row
    this.rowAt = first.rowAt
    for (let i = 1; i < groupSize; i++) this.#merge(this.#sources[group[i]!]!)
  }

  /** Whether the markers of the group change what is in force. */
  #mergeMarkers(): boolean {
    const { group, groupSize } = this.#order
    for (let i = 0; i < groupSize; i++) {
      const source = group[i]!
      const { closes, opens } = this.#sources[source]!.marker
      this.#opens[source] = this.#reversed ? closes : opens
    }
    let newest: DeletionTime | null = null
    for (let i = 0; i < this.#count; i++) {
      const open = this.#opens[i]!
      if (open !== null && (newest === null || compareDeletions(open, newest) > 0)) newest = open
    }
    return this.#changeOpen(this.#sources[group[0]!]!.marker.bound, newest)
  }

  #changeOpen(bound: RangeTombstoneMarker['bound'], newest: DeletionTime | null): boolean {
    const before = this.open
    const open = newest !== null && compareDeletions(newest, this.partitionDeletion) > 0 ? newest : null
    if (before === open || (before !== null && open !== null && compareDeletions(before, open) === 0)) {
      return false
    }
    this.open = open
    this.marker = this.#reversed
      ? { bound, closes: open, opens: before }
      : { bound, closes: before, opens: open }
    return true
  }
}
