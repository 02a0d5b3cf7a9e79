import {
  BOUND_HEAP_BYTES,
  BOUNDARY_HEAP_BYTES,
  DELETION_HEAP_BYTES,
  keyHeapBytes,
  rowHeapBytes,
} from '../../model/heap-size.ts'
import type { Words } from '../../model/row-format.ts'
import type { TableMetadata } from '../../model/table.ts'
import { isSystemKeyspace } from '../../schema/names.ts'
import { ReadGivenUpError } from './read-given-up.ts'
import type { ReadNotice } from './read-notice.ts'
import type { ReadThresholdsAtReplica } from './read-thresholds.ts'

/**
 * What a replica's read of a table has come to in tombstones and in bytes, against the limits of both
 * (`ReadCommand.withMetricsRecording`, `withQuerySizeTracking`). What adds to it throws a ReadGivenUpError beyond them.
 */
export class ReadTally {
  tombstones = 0
  /** As Cassandra has what was read in memory; 0 where that is not measured. */
  heapBytes = 0
  /** Whether sizes are looked at in this read. */
  measures = false
  readonly #table: TableMetadata
  readonly #thresholds: ReadThresholdsAtReplica
  readonly #bytesMax: number
  readonly #hasSizes: boolean

  constructor(table: TableMetadata, thresholds: ReadThresholdsAtReplica) {
    const { local_read_size_warn_threshold_bytes: warn, local_read_size_fail_threshold_bytes: fail } =
      thresholds
    this.#table = table
    this.#thresholds = thresholds
    this.#bytesMax = fail ?? Number.POSITIVE_INFINITY
    this.#hasSizes = (warn !== null || fail !== null) && !isSystemKeyspace(table.keyspace)
  }

  /** Begins a read. */
  begin(measures: boolean): void {
    this.tombstones = this.heapBytes = 0
    this.measures = measures && this.#hasSizes
  }

  addTombstones(count: number): void {
    const { tombstone_failure_threshold: most } = this.#thresholds
    this.tombstones += count
    if (this.tombstones <= most) return
    // Cassandra counts them one by one.
    this.tombstones = most + 1
    this.#giveUp(`Scanned over ${this.tombstones} tombstones`, 'tombstones')
  }

  /** To be called where it `measures`, as are those below. */
  addPartition(keyLength: number, isDeleted: boolean): void {
    this.#addBytes(keyHeapBytes(keyLength) + (isDeleted ? DELETION_HEAP_BYTES : 0))
  }

  addRow(row: Words, at: number): void {
    this.#addBytes(rowHeapBytes(row, at, this.#table.clusterings.length))
  }

  addMarker(isBoundary: boolean): void {
    this.#addBytes(isBoundary ? BOUNDARY_HEAP_BYTES : BOUND_HEAP_BYTES)
  }

  #addBytes(bytes: number): void {
    this.heapBytes += bytes
    if (this.heapBytes >= this.#bytesMax) this.#giveUp(`Loaded over ${this.heapBytes} bytes`, 'bytes')
  }

  #giveUp(what: string, kind: ReadGivenUpError['kind']): never {
    const { keyspace, name } = this.#table
    throw new ReadGivenUpError(`${what} during a read of ${keyspace}.${name}, which is given up`, kind)
  }

  get hasManyTombstones(): boolean {
    return this.tombstones > this.#thresholds.tombstone_warn_threshold
  }

  /** What the coordinator is told. */
  notice(givenUpFor: ReadNotice['givenUpFor']): ReadNotice {
    const warnBytes = this.#thresholds.local_read_size_warn_threshold_bytes ?? Number.POSITIVE_INFINITY
    const isLarge = givenUpFor === 'bytes' || (this.measures && this.heapBytes >= warnBytes)
    return {
      tombstones: givenUpFor === 'tombstones' || this.hasManyTombstones ? this.tombstones : 0,
      bytes: isLarge ? this.heapBytes : 0,
      givenUpFor,
    }
  }
}
