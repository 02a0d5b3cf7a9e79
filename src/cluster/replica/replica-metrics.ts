import type { Clock } from '../../io/clock.ts'
import { MUTATION_HEADER_WORDS, type MutationBuilder } from '../../model/mutation.ts'
import type { TableMetadata } from '../../model/table.ts'
import type { StorageEngine } from '../../storage/storage-engine.ts'

/** Counts what one table's replica here is asked for, by this node's coordinator and by others (`TableMetrics`). */
export interface ReplicaTableMetrics {
  /** Counts a read. Returns for how many the one to be timed stands, or 0. */
  beginLocalRead(isScan: boolean, nowMs: number): number
  /** Takes in a read that is timed. `sstables` had the partition; null for a range of them. */
  endLocalRead(isScan: boolean, read: LocalReadFigures, nowMs: number, reads: number): void
  /** Counts the write of a partition. Returns for how many the one to be timed stands, or 0. */
  beginLocalWrite(nowMs: number): number
  endLocalWrite(elapsedMs: number, nowMs: number, writes: number): void
}

/** What a read has come to. */
export interface LocalReadFigures {
  readonly elapsedMs: number
  readonly liveRows: number
  readonly tombstones: number
  readonly sstables: number | null
}

/** A read that is timed: since when, and for how many it stands. */
export interface TimedRead {
  readonly startedMs: number
  readonly reads: number
}

/** Counts what this node does as a replica; who keeps the figures is not its matter, and without anybody nothing is counted. */
export class ReplicaMetrics {
  /** The figures of the table with that handle. */
  of: (handle: number) => ReplicaTableMetrics | null = () => null
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Counts a read; null where it is not to be timed. */
  beginRead({ handle }: TableMetadata, isScan: boolean): TimedRead | null {
    const reads = this.of(handle)?.beginLocalRead(isScan, this.#clock.nowMs()) ?? 0
    return reads === 0 ? null : { startedMs: this.#clock.monotonicMs(), reads }
  }

  endRead(
    { handle }: TableMetadata,
    isScan: boolean,
    { startedMs, reads }: TimedRead,
    met: Omit<LocalReadFigures, 'elapsedMs'>,
  ): void {
    const elapsedMs = this.#clock.monotonicMs() - startedMs
    this.of(handle)?.endLocalRead(isScan, { ...met, elapsedMs }, this.#clock.nowMs(), reads)
  }

  /** Applies a mutation and counts the partitions that it writes to. */
  apply(engine: Pick<StorageEngine, 'apply'>, mutation: MutationBuilder): void {
    const nowMs = this.#clock.nowMs()
    const { i32, updateCount } = mutation
    let timed = 0
    let last: ReplicaTableMetrics | null = null
    for (let n = updateCount, at = MUTATION_HEADER_WORDS; n > 0; n--) {
      last = this.of(i32[at + 1]!)
      timed = last?.beginLocalWrite(nowMs) ?? 0
      at += i32[at]! >>> 2
    }
    const startedMs = timed === 0 ? 0 : this.#clock.monotonicMs()
    engine.apply(mutation)
    // One partition mostly is all; of several the last one's table tells how long it took.
    if (timed > 0) last?.endLocalWrite(this.#clock.monotonicMs() - startedMs, nowMs, timed)
  }
}

/** What a mutation is applied with. */
export interface LocalWriteParts {
  readonly engine: Pick<StorageEngine, 'apply'>
  readonly replicaMetrics?: ReplicaMetrics
}

/** Applies a mutation at this node, counted where somebody counts. Throws what applying throws. */
export function applyHere({ engine, replicaMetrics }: LocalWriteParts, mutation: MutationBuilder): void {
  if (replicaMetrics === undefined) engine.apply(mutation)
  else replicaMetrics.apply(engine, mutation)
}
