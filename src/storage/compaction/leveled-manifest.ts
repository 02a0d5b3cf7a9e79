import {
  type CompactionCandidate,
  compareFirstKeys,
  compareLastKeys,
  compareMaxTimestamps,
  comparePositions,
  totalBytes,
} from './candidate.ts'
import { type LastCompacted, LeveledGenerations, MAX_LEVEL_COUNT } from './leveled-generations.ts'
import type { CommonOptions } from './options.ts'
import { maxBytesForLevel } from './plan.ts'
import { mostInterestingBucket, sizeBuckets } from './size-tiered.ts'

/** With more SSTables in L0 than that, size-tiering goes first, there. */
const MAX_COMPACTING_L0 = 32

/** After so many compactions that left a high level alone, an SSTable of it is taken down. */
const NO_COMPACTION_LIMIT = 25

/** SSTables, and the level into which to compact them; a maxSSTableBytes of null writes one. */
export interface LevelCandidates {
  readonly sstables: readonly CompactionCandidate[]
  readonly level: number
  readonly maxSSTableBytes: number | null
}

type Candidates = readonly CompactionCandidate[]

/** First and last token of SSTables, both inclusive. */
interface Span {
  readonly first: bigint
  readonly last: bigint
}

function spanOf(candidates: Candidates): Span {
  let { firstToken: first, lastToken: last } = candidates[0]!
  for (const { firstToken, lastToken } of candidates) {
    if (firstToken < first) first = firstToken
    if (lastToken > last) last = lastToken
  }
  return { first, last }
}

function inSpan(candidates: Candidates, { first, last }: Span): CompactionCandidate[] {
  return candidates.filter(({ firstToken, lastToken }) => firstToken <= last && lastToken >= first)
}

/** Which SSTables of the levels to compact next (`LeveledManifest`). */
export class LeveledManifest {
  readonly generations = new LeveledGenerations()
  readonly #options: CommonOptions
  readonly #maxSSTableBytes: number
  readonly #fanout: number
  readonly #lastCompacted: (LastCompacted | null)[] = Array.from({ length: MAX_LEVEL_COUNT }, () => null)
  /** How many compactions ago something was compacted into each level. */
  readonly #counters: number[] = Array.from({ length: MAX_LEVEL_COUNT }, () => 0)
  #isStarted = false

  constructor(options: CommonOptions, maxSSTableBytes: number, fanout: number) {
    this.#options = options
    this.#maxSSTableBytes = maxSSTableBytes
    this.#fanout = fanout
  }

  /** Has to be called with what there is before anything else is asked. */
  sync(own: Candidates): void {
    this.generations.sync(own)
    if (this.#isStarted || own.length === 0) return
    this.#isStarted = true
    // Each level goes on where the newest SSTable of the next one ends (`calculateLastCompactedKeys`).
    for (let level = 0; level < MAX_LEVEL_COUNT - 1; level++) {
      let newest: CompactionCandidate | null = null
      for (const candidate of this.generations.get(level + 1)) {
        if (newest === null || candidate.createdAtMillis >= newest.createdAtMillis) newest = candidate
      }
      this.#lastCompacted[level] = newest && lastCompacted(newest)
    }
  }

  /** Remembers where the compaction of a level ended. */
  replaced(removed: Candidates, added: Candidates): void {
    if (removed.length === 0 || added.length === 0) return
    const level = Math.min(...removed.map((candidate) => this.generations.levelOf(candidate)))
    const last = added.reduce((a, b) => (compareFirstKeys(b, a) > 0 ? b : a))
    this.#lastCompacted[level] = lastCompacted(last)
  }

  /** What to compact next; null where all levels are as they should be (`getCompactionCandidates`). */
  candidates(compacting: ReadonlySet<number>): LevelCandidates | null {
    const { generations } = this
    const sizeTiered = this.#sizeTieredInL0(compacting)
    for (let level = MAX_LEVEL_COUNT - 1; level > 0; level--) {
      const remaining = generations.get(level).filter(({ number }) => !compacting.has(number))
      if (totalBytes(remaining) / this.#maxBytes(level) <= 1.001) continue
      // There is no level beyond the last one.
      if (level === MAX_LEVEL_COUNT - 1) continue
      // Before a higher level is compacted, reads have to be spared a long L0.
      if (sizeTiered !== null) return sizeTiered
      const found = this.#candidatesFor(level, compacting)
      if (found.length === 0) continue
      const nextLevel = this.nextLevel(found)
      const sstables = this.#withStarved(nextLevel, found, compacting)
      return { sstables, level: nextLevel, maxSSTableBytes: this.#maxSSTableBytes }
    }
    const found = this.#candidatesForL0(compacting)
    if (found.length === 0) return sizeTiered
    return { sstables: found, level: this.nextLevel(found), maxSSTableBytes: this.#maxSSTableBytes }
  }

  #maxBytes(level: number): number {
    return maxBytesForLevel(level, this.#fanout, this.#maxSSTableBytes)
  }

  #sizeTieredInL0(compacting: ReadonlySet<number>): LevelCandidates | null {
    const l0 = this.generations.get(0)
    if (l0.length <= MAX_COMPACTING_L0) return null
    const { minThreshold, maxThreshold, sizeTiered } = this.#options
    const candidates = l0.filter(({ number, isSuspect }) => !isSuspect && !compacting.has(number))
    const sstables = mostInterestingBucket(sizeBuckets(candidates, sizeTiered), minThreshold, maxThreshold)
    return sstables.length === 0 ? null : { sstables, level: 0, maxSSTableBytes: null }
  }

  /** The level that these go to: the next one where all are of one level, unless they are a little of L0 only. */
  nextLevel(sstables: Candidates): number {
    const levels = sstables.map((candidate) => this.generations.levelOf(candidate))
    const highest = Math.max(...levels)
    if (highest !== Math.min(...levels)) return highest
    if (highest === 0 && totalBytes(sstables) < this.#maxSSTableBytes) return 0
    return highest + 1
  }

  /** One SSTable, and what it overlaps in the next level, beginning where the last compaction ended. */
  #candidatesFor(level: number, compacting: ReadonlySet<number>): Candidates {
    const next = this.generations.get(level + 1)
    for (const sstable of this.generations.wrapping(level, this.#lastCompacted[level]!)) {
      const candidates = [sstable, ...inSpan(next, spanOf([sstable]))]
      if (candidates.some(({ isSuspect, number }) => isSuspect || compacting.has(number))) continue
      return candidates
    }
    return []
  }

  /** The oldest ones of L0 and all they overlap there; with L1 where that is more than one SSTable's worth. */
  #candidatesForL0(compacting: ReadonlySet<number>): Candidates {
    const l0 = this.generations.get(0)
    const compactingL0 = l0.filter(({ number }) => compacting.has(number))
    const busy = compactingL0.length === 0 ? null : spanOf(compactingL0)
    const candidates = this.#oldestOfL0(l0, compactingL0, busy)
    if (totalBytes(candidates) > this.#maxSSTableBytes) {
      const span = spanOf(candidates)
      const l1 = inSpan(this.generations.get(1), span)
      if (l1.some(({ number }) => compacting.has(number))) return []
      if (inSpan(compactingL0, span).length > 0) return []
      candidates.push(...l1)
    }
    return candidates.length < 2 ? [] : candidates
  }

  #oldestOfL0(l0: Candidates, compactingL0: Candidates, busy: Span | null): CompactionCandidate[] {
    const { maxThreshold } = this.#options
    const remaining = new Set(l0.filter(({ isSuspect }) => !isSuspect))
    const isCompacting = new Set(compactingL0)
    const candidates: CompactionCandidate[] = []
    const chosen = new Set<CompactionCandidate>()
    for (const sstable of [...remaining].sort(compareMaxTimestamps)) {
      if (chosen.has(sstable)) continue
      const overlapped = new Set([sstable, ...inSpan([...remaining], spanOf([sstable]))])
      if ([...overlapped].some((candidate) => isCompacting.has(candidate))) continue
      for (const candidate of overlapped) {
        remaining.delete(candidate)
        if (chosen.has(candidate) || (busy !== null && inSpan([candidate], busy).length > 0)) continue
        chosen.add(candidate)
        candidates.push(candidate)
      }
      if (candidates.length > maxThreshold)
        return candidates.sort(compareMaxTimestamps).slice(0, maxThreshold)
    }
    return candidates
  }

  /**
   * With a high level that nothing was compacted into for long, one SSTable of it that lies wholly between the ends of
   * the others comes along, so that levels that have become too small do not stay for ever.
   */
  #withStarved(targetLevel: number, candidates: Candidates, compacting: ReadonlySet<number>): Candidates {
    const counters = this.#counters
    for (let level = 1; level < MAX_LEVEL_COUNT; level++) counters[level]!++
    counters[targetLevel] = 0
    const level = this.generations.highestLevel
    if (level === 0 || counters[level]! <= NO_COMPACTION_LIMIT) return candidates
    const first = candidates.reduce((a, b) => (compareFirstKeys(b, a) < 0 ? b : a))
    const last = candidates.reduce((a, b) => (compareLastKeys(b, a) > 0 ? b : a))
    if (comparePositions(first.firstToken, first.firstKey, last.lastToken, last.lastKey) === 0)
      return candidates
    const starved = this.generations.get(level).find(
      (candidate) =>
        compareFirstKeys(first, candidate) <= 0 &&
        compareLastKeys(candidate, last) <= 0 &&
        // A range that begins where it ends is the whole ring to Cassandra, and lies in no other.
        comparePositions(candidate.firstToken, candidate.firstKey, candidate.lastToken, candidate.lastKey) !==
          0 &&
        !compacting.has(candidate.number),
    )
    if (starved === undefined || candidates.includes(starved)) return candidates
    return [...candidates, starved]
  }

  /** `getEstimatedTasks`. */
  estimatedTasks(): number {
    let tasks = 0
    for (let level = 0; level < MAX_LEVEL_COUNT; level++) {
      const over = totalBytes(this.generations.get(level)) - Math.floor(this.#maxBytes(level) * 1.001)
      tasks += Math.ceil(Math.max(0, over) / this.#maxSSTableBytes)
    }
    const inL0 = this.generations.get(0).length
    if (inL0 > this.#options.maxThreshold) tasks += Math.floor(inL0 / this.#options.maxThreshold)
    return tasks
  }
}

/** Without the rest of the SSTable, which is not to be kept in memory for it. */
function lastCompacted({
  firstToken,
  firstKey,
  lastToken,
  lastKey,
  number,
}: CompactionCandidate): LastCompacted {
  return { firstToken, firstKey, lastToken, lastKey, number }
}
