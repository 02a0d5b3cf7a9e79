import { type ClusteringBound, compareBounds, compareRowToBound, type Slice } from '../../model/clustering.ts'
import type { MarkerCounter } from '../../model/read-command.ts'
import { compare64, type Words } from '../../model/row-format.ts'
import type { CqlType } from '../../types/index.ts'
import type { RangeTombstone } from './memtable.ts'

/** The range tombstones of a partition: apart from one another, in clustering order. */
export interface RangeTombstones {
  readonly count: number
  at(slot: number): RangeTombstone
}

/** A marker: where it stands, and whether one tombstone ends there and the next begins. */
interface Marker {
  readonly bound: ClusteringBound
  readonly isBoundary: boolean
  /** A range tombstone begins there. */
  readonly opens: boolean
}

/**
 * Counts the markers that a read of slices meets in a partition with range tombstones, which are cut at the ends of
 * the slices (`RangeTombstoneList.iterator`). Only reads that come upon range tombstones have one.
 */
export class MemtableMarkerCounter implements MarkerCounter {
  bounds = 0
  boundaries = 0
  isOpen = false
  readonly #types: readonly CqlType[]
  readonly #tombstones: RangeTombstones
  /** That of the partition: older range tombstones are as if they were not. */
  readonly #deletionHi: number
  readonly #deletionLo: number
  readonly #slices: readonly Slice[]
  readonly #reversed: boolean
  #markers: Iterator<Marker> | null = null
  #next: Marker | null = null

  constructor(
    types: readonly CqlType[],
    tombstones: RangeTombstones,
    [deletionHi, deletionLo]: readonly [hi: number, lo: number],
    slices: readonly Slice[],
    reversed: boolean,
  ) {
    this.#types = types
    this.#tombstones = tombstones
    this.#deletionHi = deletionHi
    this.#deletionLo = deletionLo
    this.#slices = slices
    this.#reversed = reversed
  }

  /** Counts those before the row at word `at`; without one, all that are left. */
  advance(purgeBefore: number, row: Words | null, at: number): void {
    if (this.#markers === null) {
      this.#markers = this.#walk(purgeBefore)
      this.#step()
    }
    while (this.#next !== null && (row === null || this.#isBefore(this.#next.bound, row, at))) {
      if (this.#next.isBoundary) this.boundaries++
      else this.bounds++
      this.isOpen = this.#next.opens
      this.#step()
    }
  }

  #step(): void {
    const { done, value } = this.#markers!.next()
    this.#next = done === true ? null : value
  }

  #isBefore(bound: ClusteringBound, row: Words, at: number): boolean {
    const order = compareRowToBound(this.#types, row, at, bound)
    return this.#reversed ? order < 0 : order > 0
  }

  /** In the order in which the read meets them. */
  *#walk(purgeBefore: number): Iterator<Marker> {
    const { count } = this.#tombstones
    const reversed = this.#reversed
    const slices = reversed ? [...this.#slices].reverse() : this.#slices
    for (const slice of slices) {
      let open: ClusteringBound | null = null
      const step = reversed ? -1 : 1
      for (let slot = this.#firstIn(slice); slot >= 0 && slot < count; slot += step) {
        const { start, end, hi, lo, time } = this.#tombstones.at(slot)
        const low = compareBounds(this.#types, start, slice.start) > 0 ? start : slice.start
        const high = compareBounds(this.#types, end, slice.end) < 0 ? end : slice.end
        if (compareBounds(this.#types, low, high) >= 0) break
        if (compare64(hi, lo, this.#deletionHi, this.#deletionLo) <= 0) continue
        // A compaction would have removed it.
        if (time >>> 0 < purgeBefore) continue
        const [first, last] = reversed ? [high, low] : [low, high]
        const isBoundary = open !== null && compareBounds(this.#types, open, first) === 0
        if (open !== null && !isBoundary) yield { bound: open, isBoundary: false, opens: false }
        yield { bound: first, isBoundary, opens: true }
        open = last
      }
      if (open !== null) yield { bound: open, isBoundary: false, opens: false }
    }
  }

  /** The first tombstone, in the order of the read, that goes into a slice: found by halving. */
  #firstIn({ start, end }: Slice): number {
    let low = 0
    let high = this.#tombstones.count
    while (low < high) {
      const middle = (low + high) >>> 1
      const tombstone = this.#tombstones.at(middle)
      const isBefore = this.#reversed
        ? compareBounds(this.#types, tombstone.start, end) < 0
        : compareBounds(this.#types, tombstone.end, start) <= 0
      if (isBefore) low = middle + 1
      else high = middle
    }
    return this.#reversed ? low - 1 : low
  }
}
