import { compareBytes } from '../../common/bytes.ts'
import {
  type ClusteringBound,
  clusteringTypes,
  compareBounds,
  compareRows,
  compareRowToBound,
} from '../../model/clustering.ts'
import { MutationBuilder } from '../../model/mutation.ts'
import type { ReadCommand } from '../../model/read-command.ts'
import { compare64, type Words } from '../../model/row-format.ts'
import { PartitionMerge } from '../../storage/partition-merge.ts'
import type { DataReader } from '../../storage/sstable/data-reader.ts'
import {
  compareDeletions,
  type DeletionTime,
  LIVE,
  type RangeTombstoneMarker,
  UNFILTERED_END,
  UNFILTERED_ROW,
} from '../../storage/unfiltered.ts'
import type { CqlType } from '../../types/index.ts'
import type { ReadResponse, ResponseEnd } from '../replica/read-response.ts'

/** Rows that were deleted together; both bounds in clustering order. */
interface Range {
  readonly start: ClusteringBound
  readonly end: ClusteringBound
  readonly deletion: DeletionTime
}

/** What the markers of a partition come to, as they go by. */
class Ranges {
  readonly all: Range[] = []
  readonly #reversed: boolean
  #open: { readonly bound: ClusteringBound; readonly deletion: DeletionTime } | null = null

  constructor(reversed: boolean) {
    this.#reversed = reversed
  }

  add({ bound, closes, opens }: RangeTombstoneMarker): void {
    const [ends, begins] = this.#reversed ? [opens, closes] : [closes, opens]
    const open = this.#open
    if (ends !== null && open !== null) this.#push(open.bound, bound, open.deletion)
    this.#open = begins === null ? null : { bound, deletion: begins }
  }

  /** Nothing is known behind `bound`. */
  cut(bound: ClusteringBound): void {
    if (this.#open !== null) this.#push(this.#open.bound, bound, this.#open.deletion)
    this.#open = null
  }

  #push(first: ClusteringBound, last: ClusteringBound, deletion: DeletionTime): void {
    const [start, end] = this.#reversed ? [last, first] : [first, last]
    this.all.push({ start, end, deletion })
  }
}

/**
 * What one replica lacks of what all have together, as mutations of at most one partition each
 * (`RowIteratorMergeListener`): rows that it has not, or not as they are; ranges, and the deletion of the partition, that it has not.
 *
 * @param responses of all replicas, not read yet
 * @param own the one that is to be repaired, once more, not read yet
 * @param end up to where they are known; null to their ends
 */
export function* repairsOf(
  command: ReadCommand,
  responses: readonly ReadResponse[],
  own: ReadResponse,
  end: ResponseEnd | null,
): Generator<MutationBuilder> {
  const merged = new PartitionMerge()
  merged.begin(
    command.table,
    responses.map(({ partitions }) => partitions),
    command.reversed,
  )
  const difference = new Difference(command, merged, own.partitions)
  while (merged.nextPartition()) {
    const { keyBytes, keyOffset, keyLength } = merged
    const isLast =
      end !== null && compareBytes(keyBytes, keyOffset, keyLength, end.key, 0, end.key.length) === 0
    const mutation = difference.ofPartition(isLast ? end.clustering : null)
    if (mutation !== null) yield mutation
    if (isLast) return
  }
}

/** Goes along what is merged and what a replica has, in step. */
class Difference {
  readonly #command: ReadCommand
  readonly #types: readonly CqlType[]
  readonly #merged: PartitionMerge
  readonly #own: DataReader
  readonly #mutation = new MutationBuilder()
  /** The replica stands at a partition that was not passed yet. */
  #hasOwn: boolean

  constructor(command: ReadCommand, merged: PartitionMerge, own: DataReader) {
    this.#command = command
    this.#types = clusteringTypes(command.table)
    this.#merged = merged
    this.#own = own
    this.#hasOwn = own.nextPartition()
  }

  #comparePartitions(): number {
    const a = this.#own
    const b = this.#merged
    return (
      compare64(a.tokenHi, a.tokenLo, b.tokenHi, b.tokenLo) ||
      compareBytes(a.keyBytes, a.keyOffset, a.keyLength, b.keyBytes, b.keyOffset, b.keyLength)
    )
  }

  /** What is missing of the partition at hand, up to the row of that clustering; null for nothing. */
  ofPartition(last: readonly Uint8Array[] | null): MutationBuilder | null {
    const merged = this.#merged
    const own = this.#own
    const mutation = this.#mutation
    const isThere = this.#hasOwn && this.#comparePartitions() === 0
    mutation.begin()
    const { tokenHi, tokenLo, keyBytes, keyOffset, keyLength, partitionDeletion } = merged
    mutation.beginUpdate(this.#command.table.handle, tokenHi, tokenLo, keyBytes, keyOffset, keyLength)
    if (compareDeletions(partitionDeletion, isThere ? own.partitionDeletion : LIVE) > 0) {
      const { hi, lo, localDeletionTime } = partitionDeletion
      mutation.partitionDeletion(hi, lo, localDeletionTime)
    }
    const hasOwnStatic = isThere && own.staticRow()
    if (merged.staticRow() && !(hasOwnStatic && sameRow(merged.row, merged.rowAt, own.row, own.rowAt))) {
      mutation.copyRow(merged.row, merged.rowAt)
    }
    this.#rows(isThere, last)
    if (isThere) this.#hasOwn = own.nextPartition()
    if (mutation.updateIsEmpty) return null
    mutation.endUpdate()
    mutation.finish()
    return mutation
  }

  #rows(isThere: boolean, last: readonly Uint8Array[] | null): void {
    const { reversed } = this.#command
    const merged = this.#merged
    const own = this.#own
    const bound: ClusteringBound | null = last === null ? null : { components: last, side: reversed ? 0 : 1 }
    const wanted = new Ranges(reversed)
    const had = new Ranges(reversed)
    let ownKind = isThere ? own.next() : UNFILTERED_END
    for (let kind = merged.next(); kind !== UNFILTERED_END; kind = merged.next()) {
      if (kind !== UNFILTERED_ROW) {
        if (bound !== null && this.#isBehind(compareBounds(this.#types, merged.marker.bound, bound))) break
        wanted.add(merged.marker)
        continue
      }
      if (bound !== null && this.#isBehind(compareRowToBound(this.#types, merged.row, merged.rowAt, bound)))
        break
      // Rows that others have deleted are passed.
      while (ownKind !== UNFILTERED_END) {
        if (ownKind !== UNFILTERED_ROW) had.add(own.marker)
        else if (!this.#isBehind(-this.#compareRows())) break
        ownKind = own.next()
      }
      const isSame =
        ownKind === UNFILTERED_ROW &&
        this.#compareRows() === 0 &&
        sameRow(merged.row, merged.rowAt, own.row, own.rowAt)
      if (!isSame) this.#mutation.copyRow(merged.row, merged.rowAt)
    }
    for (; ownKind !== UNFILTERED_END; ownKind = own.next()) {
      if (ownKind === UNFILTERED_ROW) continue
      if (bound !== null && this.#isBehind(compareBounds(this.#types, own.marker.bound, bound))) break
      had.add(own.marker)
    }
    if (bound !== null) for (const ranges of [wanted, had]) ranges.cut(bound)
    for (const range of wanted.all) {
      if (!had.all.some((other) => this.#sameRange(range, other))) this.#writeRange(range)
    }
  }

  /** Whether an order in clustering order means "behind" in the order of the read. */
  #isBehind(order: number): boolean {
    return this.#command.reversed ? order < 0 : order > 0
  }

  /** The order of the replica's row and the merged one. */
  #compareRows(): number {
    return compareRows(this.#types, this.#own.row, this.#own.rowAt, this.#merged.row, this.#merged.rowAt)
  }

  #sameRange(a: Range, b: Range): boolean {
    return (
      compareDeletions(a.deletion, b.deletion) === 0 &&
      compareBounds(this.#types, a.start, b.start) === 0 &&
      compareBounds(this.#types, a.end, b.end) === 0
    )
  }

  #writeRange({ start, end, deletion }: Range): void {
    const mutation = this.#mutation
    mutation.beginRangeTombstone(deletion.hi, deletion.lo, deletion.localDeletionTime)
    mutation.bound(start.components, start.side)
    mutation.bound(end.components, end.side)
    mutation.endRangeTombstone()
  }
}

function sameRow(x: Words, a: number, y: Words, b: number): boolean {
  const words = x.i32[a]! >>> 2
  if (y.i32[b]! >>> 2 !== words) return false
  for (let i = 0; i < words; i++) if (x.i32[a + i] !== y.i32[b + i]) return false
  return true
}
