import { compareBytes } from '../../common/bytes.ts'
import type { Words } from '../../model/row-format.ts'
import type { DataReader } from '../../storage/sstable/data-reader.ts'
import { type DeletionTime, LIVE, UNFILTERED_END, UNFILTERED_ROW } from '../../storage/unfiltered.ts'
import type { ReadResponse, ResponseEnd } from '../replica/read-response.ts'
import { type Piece, PieceKey } from './piece.ts'

/** What one replica answered, or all alike: as `ResponseMerge` of one, without merging. */
export class ResponseReader extends PieceKey implements Piece {
  readonly end: ResponseEnd | null
  readonly #partitions: DataReader
  readonly #reversed: boolean
  /** The deletion over the rows that come next. */
  #active: DeletionTime = LIVE
  rowDeletionHi = LIVE.hi
  rowDeletionLo = LIVE.lo

  /** @param response not read yet */
  constructor({ end, partitions }: ReadResponse, reversed: boolean) {
    super(partitions)
    this.end = end
    this.#partitions = partitions
    this.#reversed = reversed
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

  close(): void {
    this.#partitions.close()
  }
}
