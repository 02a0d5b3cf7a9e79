import { compareBytes } from '../../common/bytes.ts'
import { murmur3Token } from '../../common/murmur3.ts'
import {
  type ClusteringBound,
  clusteringTypes,
  compareBounds,
  compareRowToBound,
} from '../../model/clustering.ts'
import type { ReadCommand } from '../../model/read-command.ts'
import { compare64, type Words } from '../../model/row-format.ts'
import { PartitionMerge } from '../../storage/partition-merge.ts'
import { type DeletionTime, LIVE, UNFILTERED_END, UNFILTERED_ROW } from '../../storage/unfiltered.ts'
import { UnfilteredMerge } from '../../storage/unfiltered-merge.ts'
import type { CqlType } from '../../types/index.ts'
import type { ReadResponse, ResponseEnd } from '../replica/read-response.ts'
import { type Piece, PieceKey } from './piece.ts'

/** The place of an end on the ring. */
interface Place extends ResponseEnd {
  readonly tokenHi: number
  readonly tokenLo: number
}

/**
 * What several replicas answered to one command, merged (`DataResolver`): of one key, or along the ring. Replicas that stopped at a
 * limit may have more behind their ends, so it is good up to the least of these: what is there behind `end` has to be asked
 * for again.
 */
export class ResponseMerge extends PieceKey implements Piece {
  /** Behind what nothing is known; null where this is all. */
  readonly end: ResponseEnd | null
  readonly #end: Place | null
  readonly #merge: UnfilteredMerge
  readonly #partitions: PartitionMerge
  readonly #types: readonly CqlType[]
  readonly #reversed: boolean
  /** Where the rows of the partition at hand end, if that is in it. */
  #bound: ClusteringBound | null = null
  #isOver = false
  row: Words = { i32: new Int32Array(0), u8: new Uint8Array(0) }
  rowAt = 0
  rowDeletionHi = LIVE.hi
  rowDeletionLo = LIVE.lo

  /** `responses` have not been read; the command is of one key, or of a range. */
  constructor(command: ReadCommand, responses: readonly ReadResponse[]) {
    const { table, reversed } = command
    const merge = new UnfilteredMerge()
    const partitions = new PartitionMerge(merge)
    super(partitions)
    this.#merge = merge
    this.#partitions = partitions
    this.#types = clusteringTypes(table)
    this.#reversed = reversed
    this.#end = this.#leastEnd(responses)
    this.end = this.#end
    const scans = responses.map(({ partitions }) => partitions)
    this.#partitions.begin(table, scans, reversed)
  }

  #leastEnd(responses: readonly ReadResponse[]): Place | null {
    let least: Place | null = null
    for (const { end } of responses) {
      if (end === null) continue
      const place = placeOf(end)
      if (least === null || this.#compare(place, least) < 0) least = place
    }
    return least
  }

  #compare(a: Place, b: Place): number {
    const order = comparePlaces(a, b)
    if (order !== 0 || a.clustering === b.clustering) return order
    // One that has given a partition whole has gone further than one that has not.
    if (a.clustering === null || b.clustering === null) return a.clustering === null ? 1 : -1
    const [x, y] = [a.clustering, b.clustering].map((components) => ({ components, side: 0 }) as const)
    const components = compareBounds(this.#types, x!, y!)
    return this.#reversed ? -components : components
  }

  nextPartition(): boolean {
    const end = this.#end
    if (this.#isOver || !this.#partitions.nextPartition()) return false
    this.#bound = null
    if (end === null) return true
    const { tokenHi, tokenLo, keyBytes, keyOffset, keyLength } = this.#partitions
    const key = keyBytes.subarray(keyOffset, keyOffset + keyLength)
    const order = comparePlaces({ tokenHi, tokenLo, key }, end)
    if (order > 0) {
      this.#isOver = true
      return false
    }
    if (order === 0 && end.clustering !== null)
      this.#bound = { components: end.clustering, side: this.#reversed ? 0 : 1 }
    return true
  }

  get isPartitionDeleted(): boolean {
    return this.#merge.partitionDeletion !== LIVE
  }

  staticRow(): boolean {
    const merge = this.#merge
    if (!merge.staticRow()) return false
    this.#give(merge.partitionDeletion)
    return true
  }

  nextRow(): boolean {
    const merge = this.#merge
    if (this.#isOver) return false
    for (let kind = merge.next(); kind !== UNFILTERED_END; kind = merge.next()) {
      if (kind !== UNFILTERED_ROW) continue
      if (this.#bound !== null) {
        const order = compareRowToBound(this.#types, merge.row, merge.rowAt, this.#bound)
        if (this.#reversed ? order < 0 : order > 0) {
          this.#isOver = true
          return false
        }
      }
      this.#give(merge.open ?? merge.partitionDeletion)
      return true
    }
    return false
  }

  /** Whether the partition at hand goes on behind `end`. */
  get isCut(): boolean {
    return this.#bound !== null
  }

  #give({ hi, lo }: DeletionTime): void {
    this.row = this.#merge.row
    this.rowAt = this.#merge.rowAt
    this.rowDeletionHi = hi
    this.rowDeletionLo = lo
  }

  close(): void {
    this.#partitions.close()
  }
}

function placeOf(end: ResponseEnd): Place {
  const token = new Int32Array(2)
  murmur3Token(end.key, 0, end.key.length, token)
  return { ...end, tokenHi: token[0]!, tokenLo: token[1]! }
}

function comparePlaces(a: Omit<Place, 'clustering'>, b: Omit<Place, 'clustering'>): number {
  return (
    compare64(a.tokenHi, a.tokenLo, b.tokenHi, b.tokenLo) ||
    compareBytes(a.key, 0, a.key.length, b.key, 0, b.key.length)
  )
}
