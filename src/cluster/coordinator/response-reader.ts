import { compareBytes } from '../../common/bytes.ts'
import type { PartitionReader } from '../../model/read-command.ts'
import type { Words } from '../../model/row-format.ts'
import type { DataReader } from '../../storage/sstable/data-reader.ts'
import { type DeletionTime, LIVE, UNFILTERED_END, UNFILTERED_ROW } from '../../storage/unfiltered.ts'
import type { ReadResponse, ResponseEnd } from '../replica/read-response.ts'

/** A piece of what replicas have of a command, good up to its end. */
export interface Piece extends PartitionReader {
  /** Behind what nothing is known; null where this is all. */
  readonly end: ResponseEnd | null
  /** Whether the partition at hand goes on behind `end`. */
  readonly isCut: boolean
  readonly isPartitionDeleted: boolean
}

/** What one replica answered, or all alike: as `ResponseMerge` of one, without merging. */
export class ResponseReader implements Piece {
  readonly end: ResponseEnd | null
  readonly #partitions: DataReader
  readonly #reversed: boolean
  /** The deletion over the rows that come next. */
  #active: DeletionTime = LIVE
  rowDeletionHi = LIVE.hi
  rowDeletionLo = LIVE.lo

  /** @param response not read yet */
  constructor({ end, partitions }: ReadResponse, reversed: boolean) {
    this.end = end
    this.#partitions = partitions
    this.#reversed = reversed
  }

  get keyBytes(): Uint8Array {
    return this.#partitions.keyBytes
  }
  get keyOffset(): number {
    return this.#partitions.keyOffset
  }
  get keyLength(): number {
    return this.#partitions.keyLength
  }
  get tokenHi(): number {
    return this.#partitions.tokenHi
  }
  get tokenLo(): number {
    return this.#partitions.tokenLo
  }
  get isPartitionDeleted(): boolean {
    return this.#partitions.partitionDeletion !== LIVE
  }

  get isCut(): boolean {
    const { end } = this
    if (end === null || end.clustering === null) return false
    const { keyBytes, keyOffset, keyLength } = this.#partitions
    return compareBytes(keyBytes, keyOffset, keyLength, end.key, 0, end.key.length) === 0
  }

  nextPartition(): boolean {
    if (!this.#partitions.nextPartition()) return false
    this.#active = this.#partitions.partitionDeletion
    return true
  }

  staticRow(): boolean {
    if (!this.#partitions.staticRow()) return false
    this.#give()
    return true
  }

  nextRow(): boolean {
    const partitions = this.#partitions
    for (let kind = partitions.next(); kind !== UNFILTERED_END; kind = partitions.next()) {
      if (kind === UNFILTERED_ROW) {
        this.#give()
        return true
      }
      const { opens, closes } = partitions.marker
      this.#active = (this.#reversed ? closes : opens) ?? partitions.partitionDeletion
    }
    return false
  }

  #give(): void {
    this.rowDeletionHi = this.#active.hi
    this.rowDeletionLo = this.#active.lo
  }

  get row(): Words {
    return this.#partitions.row
  }
  get rowAt(): number {
    return this.#partitions.rowAt
  }

  /** Nothing of it changes. */
  suspend(): void {}

  close(): void {
    this.#partitions.close()
  }
}
