import { compareBytes } from '../../common/bytes.ts'
import {
  type ClusteringBound,
  compareBounds,
  compareRowToBound,
  readClustering,
} from '../../model/clustering.ts'
import { clusteringAt } from '../../model/row-format.ts'
import type { DeletionTime } from '../unfiltered.ts'
import { ByteSink } from './byte-sink.ts'
import { KIND_CLUSTERING, readBound, readComponents } from './clustering-codec.ts'
import { CorruptSSTableError } from './corruption.ts'
import { componentPath } from './descriptor.ts'
import { FileCursor } from './file-cursor.ts'
import type { IndexReader } from './index-reader.ts'
import type { OfflineSSTable } from './offline-sstable.ts'
import { UnfilteredDecoder } from './unfiltered-decoder.ts'
import { writeDeletionTime } from './unfiltered-encoder.ts'
import { END_OF_PARTITION, EXTENSION, IS_MARKER } from './unfiltered-flags.ts'

const WIDTH_BASE = 64 * 1024

/** Reads partitions with all their rows, and compares what Index.db says of them byte for byte. */
export class PartitionVerifier {
  readonly #offline: OfflineSSTable
  readonly #path: string
  readonly #indexPath: string
  readonly #cursor: FileCursor
  readonly #decoder: UnfilteredDecoder
  /** For the bytes of what the decoder has read. */
  readonly #raw: FileCursor
  readonly #rawIndex: FileCursor
  readonly #entry = new ByteSink()
  readonly #blocks = new ByteSink()
  readonly #offsets: number[] = []

  constructor(offline: OfflineSSTable) {
    const { sstable, descriptor } = offline
    this.#offline = offline
    this.#path = componentPath(descriptor, 'Data.db')
    this.#indexPath = componentPath(descriptor, 'Index.db')
    this.#cursor = new FileCursor(sstable.dataSource())
    this.#decoder = new UnfilteredDecoder(this.#cursor, sstable.header, sstable.version)
    this.#raw = new FileCursor(sstable.dataSource())
    this.#rawIndex = new FileCursor(sstable.indexSource())
  }

  corrupt(offset: number, reason: string): CorruptSSTableError {
    return new CorruptSSTableError(this.#path, offset, reason)
  }

  /**
   * Verifies the partition at a position of Data.db, whose entry the index has read last, from `entryAt` of Index.db on.
   * Returns where the partition ends.
   */
  verify(start: number, index: IndexReader, entryAt: number): number {
    const cursor = this.#cursor
    cursor.seek(start)
    const length = cursor.uint16()
    cursor.take(length)
    if (
      start !== index.position ||
      compareBytes(cursor.taken, cursor.takenAt, length, index.keyBytes, 0, index.keyLength) !== 0
    ) {
      throw new CorruptSSTableError(
        this.#indexPath,
        entryAt,
        `its key or position is not that at ${start} of Data.db`,
      )
    }
    const deletionAt = cursor.position
    this.#decoder.partitionDeletion()
    const deletionEnd = cursor.position
    if (this.#offline.sstable.header.statics.length > 0) this.#decoder.readStaticRow()
    const headEnd = cursor.position
    this.#blocks.reset()
    this.#offsets.length = 0
    this.#verifyRows(start, index)
    const entry = this.#entry
    entry.reset()
    entry.uint16(length)
    entry.bytes(index.keyBytes, 0, length)
    entry.vint(start)
    if (index.blockCount === 0) entry.vint(0)
    else {
      const head = new ByteSink(32)
      head.vint(headEnd - start)
      this.#copyRaw(head, deletionAt, deletionEnd)
      head.vint(index.blockCount)
      entry.vint(head.length + this.#blocks.length + this.#offsets.length * 4)
      entry.bytes(head.u8, 0, head.length)
      entry.bytes(this.#blocks.u8, 0, this.#blocks.length)
      for (const offset of this.#offsets) entry.int32(offset)
    }
    this.#compareEntry(index, entryAt)
    return cursor.position
  }

  #compareEntry(index: IndexReader, entryAt: number): void {
    const { u8, length } = this.#entry
    const raw = this.#rawIndex
    raw.seek(entryAt)
    raw.take(index.indexPosition - entryAt)
    if (compareBytes(raw.taken, raw.takenAt, index.indexPosition - entryAt, u8, 0, length) !== 0) {
      throw new CorruptSSTableError(this.#indexPath, entryAt, 'the entry is not what Data.db has')
    }
  }

  #copyRaw(out: ByteSink, from: number, to: number): void {
    const raw = this.#raw
    raw.seek(from)
    raw.take(to - from)
    out.bytes(raw.taken, raw.takenAt, to - from)
  }

  /** Reads all rows and markers, each behind the one before, and puts together the blocks that the index should have. */
  #verifyRows(start: number, index: IndexReader): void {
    const cursor = this.#cursor
    const types = this.#offline.clusteringTypes
    let before: ClusteringBound | null = null
    let wasRow = false
    let open: DeletionTime | null = null
    let block = 0
    let blockAt = cursor.position
    let prefixes: number[] = []
    const endBlock = (): void => {
      this.#endBlock(start, blockAt, cursor.position, prefixes, open)
      prefixes = []
      blockAt = cursor.position
      block++
    }
    for (;;) {
      const at = cursor.position
      const flags = cursor.byte()
      if (flags & END_OF_PARTITION) break
      let bound: ClusteringBound
      if (flags & IS_MARKER) {
        const { bound: place, opens, closes } = this.#decoder.readMarker()
        if ((closes === null) !== (open === null))
          throw this.corrupt(at, 'a range tombstone that does not match the one before')
        // A tombstone may begin or end right behind a row.
        if (before !== null && compareBounds(types, before, place) >= (wasRow ? 1 : 0))
          throw this.corrupt(at, 'a marker out of order')
        open = opens
        bound = place
        wasRow = false
      } else {
        this.#decoder.readRow(flags)
        const { row } = this.#decoder
        if (before !== null && compareRowToBound(types, row, 0, before) <= 0)
          throw this.corrupt(at, 'a row out of order')
        wasRow = true
        bound = { components: readClustering(row, clusteringAt(row.i32, 0), types.length), side: 1 }
      }
      before = bound
      if (index.blockCount === 0) continue
      prefixes.push(at + (flags & EXTENSION ? 2 : 1))
      if (block < index.blockCount - 1) {
        const { offset, width } = index.block(block)
        if (cursor.position - start >= offset + width) endBlock()
      }
    }
    if (open !== null) throw this.corrupt(cursor.position, 'a range tombstone without end')
    if (index.blockCount > 0) endBlock()
  }

  /** An entry for the rows and markers whose prefixes begin at those positions. */
  #endBlock(
    start: number,
    from: number,
    to: number,
    prefixes: readonly number[],
    open: DeletionTime | null,
  ): void {
    const blocks = this.#blocks
    this.#offsets.push(blocks.length)
    if (prefixes.length > 0) {
      this.#copyPrefix(prefixes[0]!)
      this.#copyPrefix(prefixes.at(-1)!)
    }
    blocks.vint(from - start)
    blocks.signedVint(to - from - WIDTH_BASE)
    blocks.byte(open === null ? 0 : 1)
    if (open !== null) writeDeletionTime(blocks, open, this.#offline.sstable.version)
  }

  #copyPrefix(at: number): void {
    const raw = this.#raw
    const types = this.#offline.clusteringTypes
    raw.seek(at - 1)
    // The flags before a clustering or bound; an extension byte before a clustering was passed over.
    const isMarker = (raw.byte() & IS_MARKER) !== 0
    if (isMarker) readBound(raw, types, raw.byte())
    else {
      this.#blocks.byte(KIND_CLUSTERING)
      readComponents(raw, types, types.length)
    }
    this.#copyRaw(this.#blocks, at, raw.position)
  }
}
