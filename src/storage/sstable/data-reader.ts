import { murmur3Token } from '../../common/murmur3.ts'
import type { Words } from '../../model/row-format.ts'
import type { PartitionScan } from '../partition-merge.ts'
import type { PartitionSource } from '../partition-source.ts'
import {
  type DeletionTime,
  LIVE,
  NO_MARKER,
  type RangeTombstoneMarker,
  UNFILTERED_END,
  UNFILTERED_MARKER,
  UNFILTERED_ROW,
  type UnfilteredKind,
  type UnfilteredReader,
} from '../unfiltered.ts'
import { type ChunkSource, FileCursor } from './file-cursor.ts'
import type { SerializationHeader } from './serialization-header.ts'
import { UnfilteredDecoder } from './unfiltered-decoder.ts'
import { END_OF_PARTITION, IS_MARKER } from './unfiltered-flags.ts'
import type { FormatVersion } from './version.ts'

const token = new Int32Array(2)

/** Reads the partitions of Data.db between two positions, one after another (`BigTableScanner`). */
export class DataReader implements UnfilteredReader, PartitionScan {
  readonly #cursor: FileCursor
  readonly #decoder: UnfilteredDecoder
  readonly #hasStatics: boolean
  #end: number
  #next: number
  /** Where of a partition the reader stands. */
  #state: 'between' | 'static' | 'rows' | 'done' = 'between'
  #key: Uint8Array = new Uint8Array(0)
  keyLength = 0
  readonly keyOffset = 0
  tokenHi = 0
  tokenLo = 0
  partitionDeletion: DeletionTime = LIVE
  marker: RangeTombstoneMarker = NO_MARKER
  readonly rowAt = 0
  readonly #onClose: () => void

  constructor(
    source: ChunkSource,
    header: SerializationHeader,
    version: FormatVersion,
    onClose: () => void = () => {},
  ) {
    this.#cursor = new FileCursor(source)
    this.#decoder = new UnfilteredDecoder(this.#cursor, header, version)
    this.#hasStatics = header.statics.length > 0
    this.#next = 0
    this.#end = source.length
    this.#onClose = onClose
  }

  /** Reads on from the partition at `start`, and none from `end` on. */
  range(start: number, end: number): void {
    this.#next = start
    this.#end = end
    this.#state = 'between'
  }

  /** Begins anew with a source that has other bytes now, of the same header. */
  reopen(start: number, end: number): void {
    this.#cursor.release()
    this.range(start, end)
  }

  get keyBytes(): Uint8Array {
    return this.#key
  }

  get row(): Words {
    return this.#decoder.row
  }

  /** Position in Data.db, before compression, of what is read next. */
  get position(): number {
    return this.#state === 'between' ? this.#next : this.#cursor.position
  }

  nextPartition(): boolean {
    if (this.#state !== 'between') this.#finishPartition()
    if (this.#next >= this.#end) return false
    const cursor = this.#cursor
    cursor.seek(this.#next)
    const length = cursor.uint16()
    cursor.take(length)
    if (this.#key.length < length) this.#key = new Uint8Array(Math.max(64, length))
    this.#key.set(cursor.taken.subarray(cursor.takenAt, cursor.takenAt + length))
    this.keyLength = length
    murmur3Token(this.#key, 0, length, token)
    this.tokenHi = token[0]!
    this.tokenLo = token[1]!
    this.partitionDeletion = this.#decoder.partitionDeletion()
    this.#state = this.#hasStatics ? 'static' : 'rows'
    return true
  }

  #finishPartition(): void {
    while (this.next() !== UNFILTERED_END);
    this.#state = 'between'
  }

  /** The partition at hand, of which nothing has been read. */
  partition(): PartitionSource {
    return this
  }

  staticRow(): boolean {
    if (this.#state !== 'static') return false
    this.#state = 'rows'
    return this.#decoder.readStaticRow()
  }

  next(): UnfilteredKind {
    if (this.#state === 'static') this.staticRow()
    if (this.#state !== 'rows') return UNFILTERED_END
    const cursor = this.#cursor
    for (;;) {
      const flags = cursor.byte()
      if (flags & END_OF_PARTITION) {
        this.#state = 'done'
        this.#next = cursor.position
        return UNFILTERED_END
      }
      if (flags & IS_MARKER) {
        this.marker = this.#decoder.readMarker()
        return UNFILTERED_MARKER
      }
      // Nothing is left of a row whose columns have all been dropped.
      if (this.#decoder.readRow(flags)) return UNFILTERED_ROW
    }
  }

  close(): void {
    this.#onClose()
  }
}
