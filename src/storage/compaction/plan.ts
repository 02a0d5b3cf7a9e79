import type { CompactionCandidate, CompactionView } from './candidate.ts'
import { overlappingLive } from './candidate.ts'
import { fullyExpiredSSTables } from './fully-expired.ts'
import type { CommonOptions } from './options.ts'

/**
 * Why SSTables are compacted: as their strategy wants it; one for its tombstones; because somebody asked for it, be it
 * all of a table or some of it; or to drop SSTables whole, none of which has to be read.
 */
export type CompactionKind = 'compaction' | 'tombstone' | 'major' | 'expired'

/**
 * How what is written is cut where it is not all of one size. `levels`: from L1 on, each level being filled before the
 * next (`MajorLeveledCompactionWriter`). `halves`: half of all, then a quarter, and so on
 * (`SplittingSizeTieredCompactionWriter`).
 */
export type OutputSplit =
  | { readonly kind: 'levels'; readonly fanout: number }
  | { readonly kind: 'halves'; readonly totalBytes: number }

/** What is to be compacted, and how: what a strategy answers (`AbstractCompactionTask`). */
export interface CompactionPlan {
  readonly kind: CompactionKind
  /** All the SSTables that are to be replaced, `expired` among them. */
  readonly inputs: readonly CompactionCandidate[]
  /** Those of the inputs that are dropped without being read: nobody needs anything in them. */
  readonly expired: readonly CompactionCandidate[]
  /** Of the SSTables written; the first's where `split` is `levels`. */
  readonly level: number
  /** An SSTable that has more bytes on disk is finished and the next one begun; null writes one. */
  readonly maxSSTableBytes: number | null
  readonly split: OutputSplit | null
  /** The view's, or 0, with which nothing is purged, where `only_purge_repaired_tombstones` forbids it. */
  readonly gcBeforeSeconds: number
  /** What expired is dropped whatever it overlaps (`unsafe_aggressive_sstable_expiration`). */
  readonly ignoreOverlaps: boolean
  /** The one input could as well be given the level `level` in its Statistics.db (`SingleSSTableLCSTask`). */
  readonly isLevelChange: boolean
}

type Chosen = Pick<CompactionPlan, 'kind' | 'inputs'> &
  Partial<Pick<CompactionPlan, 'level' | 'maxSSTableBytes' | 'split' | 'ignoreOverlaps' | 'isLevelChange'>>

/** The plan for these inputs: finds out which of them are dropped whole, and whether anything may be purged. */
export function compactionPlan(view: CompactionView, options: CommonOptions, chosen: Chosen): CompactionPlan {
  const { inputs, ignoreOverlaps = false } = chosen
  const mayPurge = !options.onlyPurgeRepairedTombstones || inputs.every(({ isRepaired }) => isRepaired)
  const expired = mayPurge
    ? fullyExpiredSSTables(
        view,
        inputs,
        ignoreOverlaps ? [] : overlappingLive(view.live, inputs),
        ignoreOverlaps,
      )
    : []
  return {
    level: 0,
    maxSSTableBytes: null,
    split: null,
    isLevelChange: false,
    ...chosen,
    kind: expired.length === inputs.length ? 'expired' : chosen.kind,
    expired,
    gcBeforeSeconds: mayPurge ? view.gcBeforeSeconds : 0,
    ignoreOverlaps,
  }
}

const SMALLEST_SPLIT_BYTES = 50_000_000
const MOST_HALVES = 20

/**
 * The level and the greatest size of one SSTable after another, as a plan wants them. Made of the plan's numbers, which
 * can be given to another thread.
 */
export class OutputSequence {
  readonly #split: OutputSplit | null
  #level: number
  #maxBytes: number
  #bytesInLevel = 0
  #halves = 0

  constructor({
    level,
    maxSSTableBytes,
    split,
  }: Pick<CompactionPlan, 'level' | 'maxSSTableBytes' | 'split'>) {
    this.#split = split
    this.#level = level
    this.#maxBytes = maxSSTableBytes ?? Number.POSITIVE_INFINITY
    if (split?.kind === 'halves') this.#halve(split.totalBytes)
  }

  /** Of the SSTable that is being written. */
  get level(): number {
    return this.#level
  }

  /** With more bytes than that it is finished; Infinity where there is no limit. */
  get maxBytes(): number {
    return this.#maxBytes
  }

  /** Goes on to the next SSTable; the last had so many bytes on disk. */
  next(bytes: number): void {
    const split = this.#split
    if (split?.kind === 'halves') this.#halve(split.totalBytes)
    if (split?.kind !== 'levels') return
    this.#bytesInLevel += bytes
    if (this.#bytesInLevel <= maxBytesForLevel(this.#level, split.fanout, this.#maxBytes)) return
    this.#bytesInLevel = 0
    this.#level++
  }

  #halve(totalBytes: number): void {
    this.#halves++
    const bytes = totalBytes / 2 ** this.#halves
    // What would be less than that becomes one SSTable.
    const isLast = bytes < SMALLEST_SPLIT_BYTES || this.#halves === MOST_HALVES
    this.#maxBytes = isLast ? Number.POSITIVE_INFINITY : Math.round(bytes)
  }
}

/** What a level is meant to hold (`LeveledManifest.maxBytesForLevel`); where that is past a long, no error here. */
export function maxBytesForLevel(level: number, fanout: number, maxSSTableBytes: number): number {
  return level === 0 ? 4 * maxSSTableBytes : Math.floor(fanout ** level * maxSSTableBytes)
}
