import { type CompactionCandidate, compareFirstKeys, comparePositions, isBefore } from './candidate.ts'

/** L0 to L8. */
export const MAX_LEVEL_COUNT = 9

/** Where a compaction of a level ended: the next one begins behind it. */
export type LastCompacted = Pick<
  CompactionCandidate,
  'firstToken' | 'firstKey' | 'lastToken' | 'lastKey' | 'number'
>

function compareInLevel(a: CompactionCandidate, b: CompactionCandidate): number {
  return compareFirstKeys(a, b) || a.number - b.number
}

interface Placed {
  readonly candidate: CompactionCandidate
  readonly level: number
}

/**
 * Which SSTable is in which level (`LeveledGenerations`). From L1 on the SSTables of a level don't overlap: one that
 * would is taken to be in L0, whatever its Statistics.db says, until it has been compacted.
 */
export class LeveledGenerations {
  readonly #placed = new Map<number, Placed>()
  /** From L1 on sorted by first key. */
  readonly #levels: CompactionCandidate[][] = Array.from({ length: MAX_LEVEL_COUNT }, () => [])

  /** Those of a level; from L1 on sorted by first key. */
  get(level: number): readonly CompactionCandidate[] {
    return this.#levels[level] ?? []
  }

  /** The level that an SSTable is in here. */
  levelOf(candidate: CompactionCandidate): number {
    return this.#placed.get(candidate.number)?.level ?? candidate.level
  }

  /** The greatest level that is not empty. */
  get highestLevel(): number {
    return Math.max(
      0,
      this.#levels.findLastIndex(({ length }) => length > 0),
    )
  }

  /** Takes in what has come and lets go of what has gone; an SSTable whose level was changed is placed anew. */
  sync(own: readonly CompactionCandidate[]): void {
    const now = new Map(own.map((candidate) => [candidate.number, candidate]))
    for (const [number, { candidate, level }] of this.#placed) {
      const current = now.get(number)
      if (current === candidate) continue
      const placed = this.#levels[level]!
      const index = placed.indexOf(candidate)
      if (current !== undefined && current.level === candidate.level) {
        // The same SSTable, of which something else is known than before.
        placed[index] = current
        this.#placed.set(number, { candidate: current, level })
        continue
      }
      placed.splice(index, 1)
      this.#placed.delete(number)
    }
    const added = own.filter(({ number }) => !this.#placed.has(number))
    for (const candidate of added.sort((a, b) => a.number - b.number)) this.#add(candidate)
  }

  #add(candidate: CompactionCandidate): void {
    const wanted = candidate.level > 0 && candidate.level < MAX_LEVEL_COUNT ? candidate.level : 0
    const place = wanted === 0 ? -1 : this.#placeIn(this.#levels[wanted]!, candidate)
    const level = place < 0 ? 0 : wanted
    this.#placed.set(candidate.number, { candidate, level })
    if (level === 0) this.#levels[0]!.push(candidate)
    else this.#levels[level]!.splice(place, 0, candidate)
  }

  /** Where in the level it goes; -1 where it overlaps one that is there. */
  #placeIn(level: readonly CompactionCandidate[], candidate: CompactionCandidate): number {
    const index = level.findIndex((other) => compareInLevel(other, candidate) >= 0)
    const place = index < 0 ? level.length : index
    const before = level[place - 1]
    const after = level[place]
    if (before !== undefined && !isBefore(before, candidate)) return -1
    if (after !== undefined && !isBefore(candidate, after)) return -1
    return place
  }

  /** Those of a level from where the last compaction ended to the end, and then from the start (`wrappingIterator`). */
  wrapping(level: number, last: LastCompacted | null): readonly CompactionCandidate[] {
    const sstables = this.get(level)
    if (last === null) return sstables
    const pivot = sstables.findIndex(
      (candidate) =>
        comparePositions(candidate.firstToken, candidate.firstKey, last.lastToken, last.lastKey) > 0,
    )
    return pivot < 0 ? sstables : [...sstables.slice(pivot), ...sstables.slice(0, pivot)]
  }
}
