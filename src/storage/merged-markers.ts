import type { MarkerCounter } from '../model/read-command.ts'
import type { DeletionTime } from './unfiltered.ts'

/**
 * Counts the range tombstone markers that a merged read has come by. They are noted while it reads, and counted when it is
 * known which of them a compaction would have removed (`PurgeFunction.applyToMarker`).
 */
export class MergedMarkerCounter implements MarkerCounter {
  bounds = 0
  boundaries = 0
  isOpen = false
  /** Of each marker that is not counted yet: what was in force before it, in the order of the read, and what is behind. */
  readonly #noted: (DeletionTime | null)[] = []

  /** Begins with another partition. */
  begin(): void {
    this.bounds = this.boundaries = 0
    this.isOpen = false
    if (this.#noted.length > 0) this.#noted.length = 0
  }

  note(before: DeletionTime | null, behind: DeletionTime | null): void {
    this.#noted.push(before, behind)
  }

  /** The read has noted what is before its row, and nothing behind it. */
  advance(purgeBefore: number): void {
    const noted = this.#noted
    for (let i = 0; i < noted.length; i += 2) {
      const ends = isKept(noted[i]!, purgeBefore)
      const begins = isKept(noted[i + 1]!, purgeBefore)
      if (ends && begins) this.boundaries++
      else if (ends || begins) this.bounds++
      this.isOpen = begins
    }
    if (noted.length > 0) noted.length = 0
  }
}

function isKept(deletion: DeletionTime | null, purgeBefore: number): boolean {
  return deletion !== null && deletion.localDeletionTime >>> 0 >= purgeBefore
}
