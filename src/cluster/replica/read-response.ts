import { writeInt32 } from '../../common/bytes.ts'
import { murmur3Hash } from '../../common/murmur3.ts'
import { shortCopy } from '../../common/short-copy.ts'
import { NULL_COMPONENT, readClustering } from '../../model/clustering.ts'
import { LiveRow } from '../../model/live-row.ts'
import type { ReadCommand } from '../../model/read-command.ts'
import { clusteringAt, type Words } from '../../model/row-format.ts'
import type { TableMetadata } from '../../model/table.ts'
import { UnfilteredFilter } from '../../storage/compaction/unfiltered-filter.ts'
import type { MergedReader } from '../../storage/merged-reader.ts'
import { ByteSink } from '../../storage/sstable/byte-sink.ts'
import type { DataReader } from '../../storage/sstable/data-reader.ts'
import { UnfilteredEncoder, writeDeletionTime } from '../../storage/sstable/unfiltered-encoder.ts'
import { END_OF_PARTITION } from '../../storage/sstable/unfiltered-flags.ts'
import { NB } from '../../storage/sstable/version.ts'
import {
  compareDeletions,
  type DeletionTime,
  LIVE,
  type RangeTombstoneMarker,
  UNFILTERED_END,
  UNFILTERED_ROW,
} from '../../storage/unfiltered.ts'
import { ByteCursor } from './byte-cursor.ts'
import { ReadTally } from './read-tally.ts'
import { NO_READ_THRESHOLDS, type ReadThresholdsAtReplica } from './read-thresholds.ts'
import { RESPONSE, type ResponseHeaders, responseHeader } from './response-header.ts'

/** How much of what a command asks for a replica answers at once. */
export interface ResponseLimits {
  /** Live rows. */
  readonly rows: number
  /** Live rows of each partition. */
  readonly rowsPerPartition: number
  /** Bytes; it goes a row beyond. */
  readonly bytes: number
}

/** Behind what a response ends, where there may be more: a row, or what a partition has of rows that were asked for. */
export interface ResponseEnd {
  readonly key: Uint8Array
  /** Of the last row; null where nothing more of the partition is wanted. */
  readonly clustering: readonly Uint8Array[] | null
}

const NOTHING_TO_HEAR = { liveness: () => {}, cell: () => {}, deletion: () => {}, row: () => {} }
const IS_WHOLE = 1
const ENDS_IN_PARTITION = 2
/** What grew beyond this for one answer is let go with the next. */
const KEPT_BYTES = 1 << 20
/** Of the end, clusterings and header: what is in front of the partitions. */
const NULL_LENGTH = -1

/**
 * Writes what a replica has of a command: as it is stored, so that others can be merged with it, without what is covered
 * or may be purged, and with expired cells as the tombstones that they are at the coordinator's now. Replicas that have the same
 * rows write the same bytes (`ReadResponse`, `ReadCommand.withoutPurgeableTombstones`).
 *
 * ```
 * byte IS_WHOLE 1, ENDS_IN_PARTITION 2
 * unless whole: uint16 length of the key of the end, key; byte number of clusterings, each int32 length (-1: null) and bytes
 * int32 length of the header, header: JSON
 * partitions as in Data.db of nb, one behind the other
 * ```
 */
export class ReadResponseWriter {
  readonly table: TableMetadata
  #command!: ReadCommand
  #reader!: MergedReader
  #limits!: ResponseLimits
  #nowSeconds = 0
  #gcBefore = 0
  readonly #filter: UnfilteredFilter
  readonly #encoder: UnfilteredEncoder
  readonly #live = new LiveRow()
  readonly #hasStatics: boolean
  readonly #headerText: Uint8Array
  /** Partitions. */
  #out = new ByteSink(4096)
  /** The answer, when it is put together. */
  #all = new ByteSink(4096)
  #rows = 0
  #rowsOfPartition = 0
  #hasLiveStatic = false
  #isInPartition = false
  /** What is to be written of the partition's beginning, as long as nothing of it has been. */
  #unwritten: DeletionTime | null = null
  /** The range tombstone that is open in what was written. */
  #open: DeletionTime | null = null
  /** Clustering of the row last written of the partition. */
  #last: readonly Uint8Array[] = []
  #isFull = false
  #end: ResponseEnd | null = null
  #isDone = false
  /** What was read until now. */
  readonly tally: ReadTally

  /** @param thresholds beyond which `run` throws a ReadGivenUpError */
  constructor(table: TableMetadata, thresholds: ReadThresholdsAtReplica = NO_READ_THRESHOLDS) {
    const { header, text } = responseHeader(table)
    this.table = table
    this.#headerText = text
    this.tally = new ReadTally(table, thresholds)
    const nowSeconds = (): number => this.#nowSeconds
    this.#filter = new UnfilteredFilter(table, {
      get nowSeconds() {
        return nowSeconds()
      },
      beginPartition: () => {},
      isPurged: (_hi, _lo, localDeletionTime) => localDeletionTime < this.#gcBefore,
    })
    this.#encoder = new UnfilteredEncoder(header, NOTHING_TO_HEAR)
    this.#hasStatics = header.statics.length > 0
    this.#live.dropTimes = table.dropTimes
  }

  /**
   * Begins an answer out of a reader that stands before its first partition; of the writer's table.
   *
   * @param nowSeconds the coordinator's
   * @param measures whether sizes are looked at, where there are limits to them
   */
  begin(
    reader: MergedReader,
    command: ReadCommand,
    limits: ResponseLimits,
    nowSeconds: number,
    measures = false,
  ): void {
    this.tally.begin(measures)
    this.#reader = reader
    this.#command = command
    this.#limits = limits
    this.#nowSeconds = nowSeconds
    this.#gcBefore = nowSeconds - this.table.params.gcGraceSeconds
    if (this.#out.u8.length > KEPT_BYTES) this.#out = new ByteSink(4096)
    if (this.#all.u8.length > KEPT_BYTES) this.#all = new ByteSink(4096)
    this.#out.reset()
    this.#rows = this.#rowsOfPartition = 0
    this.#hasLiveStatic = this.#isInPartition = this.#isFull = this.#isDone = false
    this.#unwritten = this.#open = this.#end = null
  }

  /** Goes on until it is done (true) or `shouldYield` says so. Throws what reading throws. */
  run(shouldYield: () => boolean): boolean {
    while (!this.#isDone) {
      if (this.#isInPartition) this.#step()
      else this.#nextPartition()
      if (!this.#isDone && shouldYield()) return false
    }
    return true
  }

  #nextPartition(): void {
    const key = this.#isFull ? this.#key() : null
    if (!this.#reader.nextPartition()) this.#isDone = true
    else if (key !== null) this.#stop(key, null)
    else this.#beginPartition()
  }

  #key(): Uint8Array {
    const { keyBytes, keyOffset, keyLength } = this.#reader
    return keyBytes.slice(keyOffset, keyOffset + keyLength)
  }

  #stop(key: Uint8Array, clustering: readonly Uint8Array[] | null): void {
    this.#end = { key, clustering }
    this.#isDone = true
  }

  #beginPartition(): void {
    const { partition, keyBytes, keyOffset, keyLength, tokenHi, tokenLo } = this.#reader
    this.#isInPartition = true
    this.#rowsOfPartition = 0
    this.#hasLiveStatic = false
    this.#open = null
    const filter = this.#filter
    const deletion = filter.beginPartition({
      partitionDeletion: partition.partitionDeletion,
      // So that what is equal to a deletion over it never stays, of however many memtables and SSTables this was merged.
      sourceCount: 2,
      keyBytes,
      keyOffset,
      keyLength,
      tokenHi,
      tokenLo,
    })
    this.#unwritten = deletion
    if (this.tally.measures) this.tally.addPartition(keyLength, deletion !== LIVE)
    const hasStatic = partition.staticRow() && filter.keepRow(partition.row, partition.rowAt)
    if (hasStatic) {
      this.#hasLiveStatic = this.#isLive(filter.row, filter.rowAt)
      this.#writeHead(filter.row, filter.rowAt)
    } else if (deletion !== LIVE) this.#writeHead(null, 0)
  }

  #writeHead(staticRow: Words | null, at: number): void {
    const { keyBytes, keyOffset, keyLength } = this.#reader
    const out = this.#out
    out.uint16(keyLength)
    out.bytes(keyBytes, keyOffset, keyLength)
    writeDeletionTime(out, this.#unwritten!, NB)
    this.#unwritten = null
    if (this.#hasStatics) this.#encoder.staticRow(out, staticRow, at)
  }

  #isLive(row: Words, at: number): boolean {
    // What a deletion covers is left out already.
    const live = this.#live
    const { tally } = this
    live.load(row, at, LIVE.hi, LIVE.lo, this.#nowSeconds)
    if (tally.measures && (live.exists || live.tombstones > 0)) tally.addRow(row, at)
    if (live.tombstones > 0) tally.addTombstones(live.tombstones)
    return live.exists
  }

  /** A row or a marker, or the end of the partition. */
  #step(): void {
    const { partition } = this.#reader
    const kind = partition.next()
    if (kind === UNFILTERED_END) this.#endPartition()
    else if (kind === UNFILTERED_ROW) {
      if (!this.#filter.keepRow(partition.row, partition.rowAt)) return
      if (this.#isFull) this.#cut()
      else this.#writeRow(this.#filter.row, this.#filter.rowAt)
    } else {
      const marker = this.#filtered(partition.marker)
      if (marker === null) return
      if (this.#isFull) this.#cut()
      else this.#writeMarker(marker)
    }
  }

  /** What is left of a marker. The filter takes rows as going forward: what a marker closes is what it opens backwards. */
  #filtered(marker: RangeTombstoneMarker): RangeTombstoneMarker | null {
    if (!this.#command.reversed) return this.#filter.marker(marker)
    const left = this.#filter.marker(turned(marker))
    return left === null ? null : turned(left)
  }

  #writeRow(row: Words, at: number): void {
    if (this.#unwritten !== null) this.#writeHead(null, 0)
    this.#encoder.row(this.#out, row, at, 0)
    if (this.#isLive(row, at)) {
      this.#rows++
      this.#rowsOfPartition++
    }
    const isFull = this.#rows >= this.#limits.rows || this.#out.length >= this.#limits.bytes
    const hasAll = this.#rowsOfPartition >= this.#limits.rowsPerPartition
    if (!isFull && !hasAll) return
    this.#isFull = isFull
    this.#last = readClustering(row, clusteringAt(row.i32, at), this.#command.table.clusterings.length)
    // Nothing more of it is wanted, whatever follows.
    if (hasAll) this.#endPartition()
  }

  #writeMarker(marker: RangeTombstoneMarker): void {
    const { closes, opens } = marker
    // Where two ranges of the same deletion meet depends on the order in which they came.
    if (closes !== null && opens !== null && compareDeletions(closes, opens) === 0) return
    this.tally.addTombstones(1)
    if (this.tally.measures) this.tally.addMarker(closes !== null && opens !== null)
    if (this.#unwritten !== null) this.#writeHead(null, 0)
    this.#encoder.marker(this.#out, marker, 0)
    this.#open = this.#command.reversed ? marker.closes : marker.opens
  }

  /** The partition goes on, but the answer does not. */
  #cut(): void {
    const key = this.#key()
    const last = this.#last
    this.#endPartition()
    this.#stop(key, last)
  }

  #endPartition(): void {
    this.#isInPartition = false
    if (this.#rowsOfPartition === 0 && this.#hasLiveStatic) {
      this.#rows++
      this.#isFull ||= this.#rows >= this.#limits.rows
    }
    if (this.#unwritten !== null) return
    const open = this.#open
    if (open !== null) {
      const bound = { components: this.#last, side: this.#command.reversed ? 0 : 1 } as const
      const [closes, opens] = this.#command.reversed ? [null, open] : [open, null]
      this.#encoder.marker(this.#out, { bound, closes, opens }, 0)
    }
    this.#out.byte(END_OF_PARTITION)
  }

  /** Read until now. */
  get liveRows(): number {
    return this.#rows
  }

  /** The answer, when it is done: its own bytes. */
  bytes(): Uint8Array {
    const { u8, length } = this.#assemble()
    return shortCopy(u8, length)
  }

  /** The digest of the answer, when it is done: 16 bytes, equal where the answers are (`ReadResponse.makeDigest`). */
  digest(): Uint8Array {
    const { u8, length } = this.#assemble()
    return digestOf(u8, length)
  }

  #assemble(): ByteSink {
    const head = this.#all
    head.reset()
    const end = this.#end
    head.byte(
      (end === null ? IS_WHOLE : 0) | (end !== null && end.clustering !== null ? ENDS_IN_PARTITION : 0),
    )
    if (end !== null) {
      head.uint16(end.key.length)
      head.bytes(end.key, 0, end.key.length)
      const clustering = end.clustering ?? []
      head.byte(clustering.length)
      for (const component of clustering) {
        head.int32(component === NULL_COMPONENT ? NULL_LENGTH : component.length)
        head.bytes(component, 0, component.length)
      }
    }
    const text = this.#headerText
    head.int32(text.length)
    head.bytes(text, 0, text.length)
    head.bytes(this.#out.u8, 0, this.#out.length)
    return head
  }
}

const DIGEST_BYTES = 16
const hash = new Int32Array(4)

/** The digest of an answer. */
export function digestOf(answer: Uint8Array, length: number = answer.length): Uint8Array {
  murmur3Hash(answer, 0, length, hash)
  const digest = new Uint8Array(DIGEST_BYTES)
  for (let i = 0; i < 4; i++) writeInt32(digest, 4 * i, hash[i]!)
  return digest
}

function turned({ bound, closes, opens }: RangeTombstoneMarker): RangeTombstoneMarker {
  return { bound, closes: opens, opens: closes }
}

/** A response as the coordinator has it. */
export interface ReadResponse {
  /** Behind what there may be more; null where the replica has nothing more. */
  readonly end: ResponseEnd | null
  /** Its partitions, by the ids of this node's columns. */
  readonly partitions: DataReader
}

/** Reads a response, whose bytes stay as they are meanwhile. Throws a CorruptSSTableError, here or while its partitions are read, for bytes that are none. */
export function readResponse(
  bytes: Uint8Array,
  table: TableMetadata,
  headers: ResponseHeaders,
): ReadResponse {
  const cursor = new ByteCursor(bytes, RESPONSE)
  const flags = cursor.byte()
  let end: ResponseEnd | null = null
  if ((flags & IS_WHOLE) === 0) {
    const key = cursor.take(cursor.uint16())
    const clustering: Uint8Array[] = []
    for (let n = cursor.byte(); n > 0; n--) {
      const length = cursor.int32()
      clustering.push(length === NULL_LENGTH ? NULL_COMPONENT : cursor.take(length))
    }
    end = { key, clustering: flags & ENDS_IN_PARTITION ? clustering : null }
  }
  const header = headers.find(cursor.view(cursor.int32()), table)
  return { end, partitions: headers.open(header, bytes, cursor.position) }
}
