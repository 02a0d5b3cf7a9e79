import { compare64 } from '../../model/row-format.ts'
import type { CqlType } from '../../types/index.ts'
import { CardinalityEstimator } from './cardinality.ts'
import { EstimatedHistogram, TombstoneHistogram } from './histograms.ts'
import { NO_DELETION } from './statistics.ts'
import type { EncodingListener } from './unfiltered-encoder.ts'

/** Bounds of the histograms: up to 3.5 TB a partition, and 4 billion cells. */
const SIZE_BOUNDS = 155
const CELL_BOUNDS = 118

/** A clustering (side null) or a bound, to be compared with others. */
export interface Prefix {
  readonly components: readonly (Uint8Array | null)[]
  readonly side: 0 | 1 | null
}

/** Gathers what Statistics.db says of an SSTable while it is written (`MetadataCollector`). */
export class MetadataCollector implements EncodingListener {
  readonly partitionSizes = new EstimatedHistogram(SIZE_BOUNDS)
  readonly cellsPerPartition = new EstimatedHistogram(CELL_BOUNDS)
  readonly tombstoneDropTimes = new TombstoneHistogram()
  readonly cardinality = new CardinalityEstimator()
  readonly #types: readonly CqlType[]
  #hasTimestamp = false
  minTimestampHi = -0x80000000
  minTimestampLo = 0
  maxTimestampHi = 0x7fffffff
  maxTimestampLo = -1
  #hasTime = false
  minLocalDeletionTime = NO_DELETION
  maxLocalDeletionTime = NO_DELETION
  #hasTtl = false
  minTtl = 0
  maxTtl = 0
  minClustering: Prefix | null = null
  maxClustering: Prefix | null = null
  totalColumnsSet = 0
  totalRows = 0
  partitions = 0
  #cells = 0

  constructor(clusteringTypes: readonly CqlType[]) {
    this.#types = clusteringTypes
  }

  liveness(hi: number, lo: number, ttl: number, expiration: number): void {
    this.#timestamp(hi, lo)
    this.#ttl(ttl)
    this.#localDeletionTime(expiration)
  }

  cell(hi: number, lo: number, ttl: number, localDeletionTime: number): void {
    this.#cells++
    this.#timestamp(hi, lo)
    this.#ttl(ttl)
    this.#localDeletionTime(localDeletionTime)
  }

  deletion(hi: number, lo: number, localDeletionTime: number): void {
    this.#timestamp(hi, lo)
    this.#localDeletionTime(localDeletionTime)
  }

  row(columns: number): void {
    this.totalColumnsSet += columns
    this.totalRows++
  }

  /** The first and the last row or marker of a partition; null where it has none. */
  clusterings(first: Prefix | null, last: Prefix | null): void {
    if (first === null || last === null) return
    if (this.minClustering === null || this.#compare(first, this.minClustering) < 0)
      this.minClustering = first
    if (this.maxClustering === null || this.#compare(last, this.maxClustering) > 0) this.maxClustering = last
  }

  /** At the end of a partition: bytes of Data.db, before compression, that it takes. */
  partition(key: Uint8Array, offset: number, length: number, sizeBytes: number): void {
    this.partitions++
    this.partitionSizes.add(sizeBytes)
    this.cellsPerPartition.add(this.#cells)
    this.#cells = 0
    this.cardinality.add(key, offset, length)
  }

  #timestamp(hi: number, lo: number): void {
    if (!this.#hasTimestamp) {
      this.#hasTimestamp = true
      this.minTimestampHi = this.maxTimestampHi = hi
      this.minTimestampLo = this.maxTimestampLo = lo
    } else if (compare64(hi, lo, this.minTimestampHi, this.minTimestampLo) < 0) {
      this.minTimestampHi = hi
      this.minTimestampLo = lo
    } else if (compare64(hi, lo, this.maxTimestampHi, this.maxTimestampLo) > 0) {
      this.maxTimestampHi = hi
      this.maxTimestampLo = lo
    }
  }

  #ttl(ttl: number): void {
    if (!this.#hasTtl) {
      this.#hasTtl = true
      this.minTtl = this.maxTtl = ttl
    } else if (ttl < this.minTtl) this.minTtl = ttl
    else if (ttl > this.maxTtl) this.maxTtl = ttl
  }

  #localDeletionTime(time: number): void {
    if (!this.#hasTime) {
      this.#hasTime = true
      this.minLocalDeletionTime = this.maxLocalDeletionTime = time
    } else if (time < this.minLocalDeletionTime) this.minLocalDeletionTime = time
    else if (time > this.maxLocalDeletionTime) this.maxLocalDeletionTime = time
    if (time !== NO_DELETION) this.tombstoneDropTimes.add(time)
  }

  #compare(a: Prefix, b: Prefix): number {
    const shared = Math.min(a.components.length, b.components.length)
    for (let i = 0; i < shared; i++) {
      const x = a.components[i]!
      const y = b.components[i]!
      if (x === null || y === null) {
        if (x !== y) return x === null ? -1 : 1
        continue
      }
      const order = this.#types[i]!.compare(x, 0, x.length, y, 0, y.length)
      if (order !== 0) return order
    }
    if (a.components.length === b.components.length) return weight(a) - weight(b)
    return a.components.length < b.components.length ? weight(a) : -weight(b)
  }
}

/** Bounds stand before or after the clusterings that begin with them. */
function weight({ side }: Prefix): number {
  return side === null ? 0 : side === 0 ? -1 : 1
}
