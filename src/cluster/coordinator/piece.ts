import type { PartitionReader } from '../../model/read-command.ts'
import type { PartitionScan } from '../../storage/partition-merge.ts'
import type { ResponseEnd } from '../replica/read-response.ts'

/** A piece of what replicas have of a command, good up to its end. */
export interface Piece extends PartitionReader {
  /** Behind what nothing is known; null where this is all. */
  readonly end: ResponseEnd | null
  /** Whether the partition at hand goes on behind `end`. */
  readonly isCut: boolean
  readonly isPartitionDeleted: boolean
}

type Keyed = Pick<PartitionScan, 'keyBytes' | 'keyOffset' | 'keyLength' | 'tokenHi' | 'tokenLo'>

/** The key of the partition that a piece stands at: that of what it is read from. */
export class PieceKey {
  readonly #at: Keyed

  constructor(at: Keyed) {
    this.#at = at
  }

  get keyBytes(): Uint8Array {
    return this.#at.keyBytes
  }
  get keyOffset(): number {
    return this.#at.keyOffset
  }
  get keyLength(): number {
    return this.#at.keyLength
  }
  get tokenHi(): number {
    return this.#at.tokenHi
  }
  get tokenLo(): number {
    return this.#at.tokenLo
  }

  /** Nothing of it changes. */
  suspend(): void {}
}
