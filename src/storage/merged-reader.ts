import { murmur3Hash } from '../common/murmur3.ts'
import { clusteringTypes, type Slice } from '../model/clustering.ts'
import type { DecoratedKey, MarkerCounter, PartitionReader, ReadCommand } from '../model/read-command.ts'
import { compare64, type Words } from '../model/row-format.ts'
import type { TableMetadata } from '../model/table.ts'
import type { CqlType } from '../types/index.ts'
import type { LiveSSTable } from './live-sstable.ts'
import type { Memtable } from './memtable/memtable.ts'
import { MemtableScan, MemtableSource } from './memtable/memtable-source.ts'
import { MergedMarkerCounter } from './merged-markers.ts'
import { PartitionMerge, type PartitionScan } from './partition-merge.ts'
import type { PartitionSource } from './partition-source.ts'
import { PointRead, readsOneRow } from './point-read.ts'
import type { SSTableAccess } from './sstable-access.ts'
import { SSTableScan } from './sstable-scan.ts'
import type { TableView } from './table-view.ts'
import { type DeletionTime, LIVE, UNFILTERED_END, UNFILTERED_ROW } from './unfiltered.ts'
import { UnfilteredMerge } from './unfiltered-merge.ts'

const NO_SLICES: readonly Slice[] = []
const NO_BYTES = new Uint8Array(0)
const NO_ROW: Words = { i32: new Int32Array(0), u8: NO_BYTES }
const keyHash = new Int32Array(4)

/**
 * Reads what memtables and SSTables have together (`SinglePartitionReadCommand`, `PartitionRangeReadCommand`): by keys,
 * or along the ring. Of the SSTables those are left out whose tokens, Bloom filter, clusterings or timestamps say that they
 * cannot matter. It holds its view, and of each SSTable a page and what is being read of it, until `close`; one reader
 * serves many reads.
 */
export class MergedReader implements PartitionReader {
  readonly #onClose: (reader: MergedReader) => void
  #view: TableView | null = null
  #command: ReadCommand | null = null
  #table: TableMetadata | null = null
  #types: readonly CqlType[] = []
  #readsOneRow = false
  #key = 0
  /** Whether a static row of an SSTable is looked at. */
  #wantsStatics = false
  readonly #point = new PointRead()
  readonly #merge = new UnfilteredMerge()
  #sources: PartitionSource[] = []
  /** Accesses to SSTables of the partition at hand. */
  readonly #accesses: SSTableAccess[] = []
  readonly #memtableSources: MemtableSource[] = []
  readonly #partitions = new PartitionMerge(this.#merge)
  #isScanning = false
  readonly #memtableScans: MemtableScan[] = []
  /** The memtable that is written to, while its view is held. */
  #suspended: Memtable | null = null
  readonly #markers = new MergedMarkerCounter()
  keyBytes: Uint8Array = NO_BYTES
  keyOffset = 0
  keyLength = 0
  tokenHi = 0
  tokenLo = 0
  row: Words = NO_ROW
  rowAt = 0
  rowDeletionHi = LIVE.hi
  rowDeletionLo = LIVE.lo
  /** Where a point read is: before its row, behind it, or at the end. */
  #place: 'before' | 'behind' | 'end' = 'end'
  /** SSTables that partitions were looked up in by key, by Bloom filter or further, since `open`. */
  sstablesAsked = 0
  /** Of these, those in which there was one to be read (`sstablesPerReadHistogram`). */
  sstablesRead = 0

  constructor(onClose: (reader: MergedReader) => void = () => undefined) {
    this.#onClose = onClose
  }

  /** Begins a read; the view is held until `close`. */
  open(view: TableView, command: ReadCommand): void {
    view.retain()
    this.#view = view
    this.#command = command
    const { table, keys, queried } = command
    if (table !== this.#table) {
      this.#table = table
      this.#types = clusteringTypes(table)
    }
    this.#readsOneRow = keys !== null && readsOneRow(command)
    this.#wantsStatics =
      table.statics.length > 0 && (queried == null || table.statics.some(({ id }) => queried.has(id)))
    this.#key = 0
    this.#isScanning = false
    this.#place = 'end'
    this.sstablesAsked = this.sstablesRead = 0
  }

  /** As `open`, for who takes partitions as they are stored, with all that is deleted: by `partition`. */
  openUnfiltered(view: TableView, command: ReadCommand): void {
    this.open(view, command)
    this.#readsOneRow = false
  }

  /** The content of the partition that was moved to, after `openUnfiltered`; nothing else of it may be asked for then. */
  get partition(): PartitionSource & { readonly open: DeletionTime | null } {
    return this.#merge
  }

  nextPartition(): boolean {
    const command = this.#command!
    if (command.keys === null) return this.#nextInRange(command)
    const keys = command.keys
    while (this.#key < keys.length) {
      const key = keys[this.#key++]!
      this.#giveBack()
      if (!(this.#readsOneRow ? this.#openPoint(command, key) : this.#openKey(command, key))) continue
      this.keyBytes = key.key
      this.keyOffset = 0
      this.keyLength = key.key.length
      this.tokenHi = key.tokenHi
      this.tokenLo = key.tokenLo
      return true
    }
    return false
  }

  #giveBack(): void {
    const accesses = this.#accesses
    for (let access = accesses.pop(); access !== undefined; access = accesses.pop())
      access.live.giveBack(access)
  }

  // --- by key

  /** Opens the partition in memtable `i`, or null. */
  #openMemtable(i: number, { key, tokenHi, tokenLo }: DecoratedKey): MemtableSource | null {
    const memtable = this.#view!.memtables[i]!
    const pointer = memtable.find(tokenHi, tokenLo, key, 0, key.length)
    if (pointer === 0) return null
    const { slices, reversed } = this.#command!
    const source = (this.#memtableSources[i] ??= new MemtableSource())
    source.open(memtable, pointer, slices, reversed && !this.#readsOneRow)
    return source
  }

  /** Looks for the partition in an SSTable whose tokens go around its own; null where it is not there. */
  #find(sstable: LiveSSTable, key: DecoratedKey): SSTableAccess | null {
    this.sstablesAsked++
    if (sstable.sstable.filter?.mayContainHash(keyHash) === false) {
      sstable.trueNegatives++
      return null
    }
    const access = sstable.access()
    // To be given back whatever happens.
    this.#accesses.push(access)
    if (access.find(key)) {
      this.sstablesRead++
      sstable.truePositives++
      return access
    }
    sstable.falsePositives++
    this.#accesses.pop()
    sstable.giveBack(access)
    return null
  }

  /** What of an SSTable a partition is read for: slices, or none of them for its deletion or its static row; or null. */
  #slicesIn(sstable: LiveSSTable): readonly Slice[] | null {
    const { slices } = this.#command!
    if (this.#types.length === 0 || sstable.mayHaveRowsOf(this.#types, slices)) return slices
    if ((this.#wantsStatics && sstable.hasStatics) || sstable.mayDeletePartitions) return NO_SLICES
    return null
  }

  /** Puts the row together, newest first, until nothing older can matter. */
  #openPoint(command: ReadCommand, key: DecoratedKey): boolean {
    const { memtables, sstables } = this.#view!
    const point = this.#point
    point.begin(command)
    let found = false
    for (let i = 0; i < memtables.length; i++) {
      const source = this.#openMemtable(i, key)
      if (source === null) continue
      found = true
      point.add(source)
    }
    const view = this.#view!
    let isHashed = false
    for (let i = -1; (i = view.nextAround(i + 1, key.tokenHi, key.tokenLo)) >= 0; ) {
      const sstable = sstables[i]!
      if (found && point.isComplete(sstable.maxTimestampHi, sstable.maxTimestampLo)) break
      const slices = this.#slicesIn(sstable)
      if (slices === null) continue
      if (!isHashed) murmur3Hash(key.key, 0, key.key.length, keyHash)
      isHashed = true
      const access = this.#find(sstable, key)
      if (access === null) continue
      found = true
      point.add(access.open(slices, false))
    }
    this.#place = 'before'
    this.#markers.begin()
    return found
  }

  /** Opens the partition wherever it is, but where its deletion is newer than all there is. */
  #openKey(command: ReadCommand, key: DecoratedKey): boolean {
    const { memtables, sstables } = this.#view!
    const sources = this.#sources
    let count = 0
    let deletion = LIVE
    for (let i = 0; i < memtables.length; i++) {
      const source = this.#openMemtable(i, key)
      if (source === null) continue
      sources[count++] = source
      deletion = newest(deletion, source.partitionDeletion)
    }
    const view = this.#view!
    let isHashed = false
    for (let i = -1; (i = view.nextAround(i + 1, key.tokenHi, key.tokenLo)) >= 0; ) {
      const sstable = sstables[i]!
      if (compare64(sstable.maxTimestampHi, sstable.maxTimestampLo, deletion.hi, deletion.lo) < 0) break
      const slices = this.#slicesIn(sstable)
      if (slices === null) continue
      if (!isHashed) murmur3Hash(key.key, 0, key.key.length, keyHash)
      isHashed = true
      const access = this.#find(sstable, key)
      if (access === null) continue
      const source = access.open(slices, command.reversed)
      sources[count++] = source
      deletion = newest(deletion, source.partitionDeletion)
    }
    if (count === 0) return false
    this.#merge.openPartition(command.table, sources, count, command.reversed)
    this.#markers.begin()
    return true
  }

  // --- along the ring

  #nextInRange(command: ReadCommand): boolean {
    if (!this.#isScanning) this.#openScans(command)
    const partitions = this.#partitions
    if (!partitions.nextPartition()) return false
    this.#markers.begin()
    this.keyBytes = partitions.keyBytes
    this.keyOffset = partitions.keyOffset
    this.keyLength = partitions.keyLength
    this.tokenHi = partitions.tokenHi
    this.tokenLo = partitions.tokenLo
    return true
  }

  #openScans(command: ReadCommand): void {
    const { table, range, slices, reversed } = command
    const scans: PartitionScan[] = []
    this.#isScanning = true
    for (const memtable of this.#view!.memtables) {
      const scan = new MemtableScan(memtable)
      scan.begin(memtable, range, slices, reversed)
      this.#memtableScans.push(scan)
      scans.push(scan)
    }
    for (const sstable of this.#view!.sstables) {
      if (!sstable.isInRange(range)) continue
      const wanted = this.#slicesIn(sstable)
      if (wanted === null) continue
      scans.push(new SSTableScan(sstable.access(), range, wanted, reversed))
      this.sstablesRead++
    }
    this.#partitions.begin(table, scans, reversed)
  }

  // --- within a partition

  staticRow(): boolean {
    if (this.#readsOneRow) {
      const point = this.#point
      if (!point.hasStatic) return false
      this.row = point.staticRow
      this.rowAt = 0
      this.#setDeletion(point.partitionDeletion)
      return true
    }
    const merge = this.#merge
    if (!merge.staticRow()) return false
    this.row = merge.row
    this.rowAt = merge.rowAt
    this.#setDeletion(merge.partitionDeletion)
    return true
  }

  get isPartitionDeleted(): boolean {
    return (this.#readsOneRow ? this.#point.partitionDeletion : this.#merge.partitionDeletion) !== LIVE
  }

  /** Null where there are no range tombstones, as far as is known before they are met. */
  get markers(): MarkerCounter | null {
    if (this.#types.length === 0 || (this.#readsOneRow && this.#point.cover === null)) return null
    return this.#markers
  }

  nextRow(): boolean {
    if (this.#readsOneRow) return this.#nextOfPoint()
    const merge = this.#merge
    for (let kind = merge.next(); kind !== UNFILTERED_END; kind = merge.next()) {
      if (kind !== UNFILTERED_ROW) {
        const { closes, opens } = merge.marker
        if (this.#command!.reversed) this.#markers.note(opens, closes)
        else this.#markers.note(closes, opens)
        continue
      }
      this.row = merge.row
      this.rowAt = merge.rowAt
      // A range that is open is newer than the partition's deletion.
      this.#setDeletion(merge.open ?? merge.partitionDeletion)
      return true
    }
    return false
  }

  #nextOfPoint(): boolean {
    const point = this.#point
    const { cover } = point
    if (this.#place === 'before') {
      this.#place = 'behind'
      if (cover !== null) this.#markers.note(null, cover)
      if (point.hasRow) return this.#giveRow(point)
    }
    if (this.#place === 'behind' && cover !== null) this.#markers.note(cover, null)
    this.#place = 'end'
    return false
  }

  #giveRow(point: PointRead): true {
    this.row = point.row
    this.rowAt = point.rowAt
    this.#setDeletion(point.deletion)
    return true
  }

  #setDeletion({ hi, lo }: DeletionTime): void {
    this.rowDeletionHi = hi
    this.rowDeletionLo = lo
  }

  suspend(): void {
    const memtable = this.#view!.memtables[0]
    if (memtable === undefined) return
    // Those that are being flushed do not change.
    if (this.#suspended === null) memtable.openView()
    else memtable.freeze()
    this.#suspended = memtable
    for (const scan of this.#memtableScans) scan.suspend()
  }

  close(): void {
    const view = this.#view
    if (view === null) return
    this.#view = null
    this.#command = null
    this.#giveBack()
    if (this.#isScanning) {
      this.#isScanning = false
      this.#partitions.close()
      this.#memtableScans.length = 0
    }
    this.#suspended?.closeView()
    this.#suspended = null
    this.row = NO_ROW
    this.keyBytes = NO_BYTES
    view.release()
    this.#onClose(this)
  }
}

function newest(a: DeletionTime, b: DeletionTime): DeletionTime {
  return compare64(b.hi, b.lo, a.hi, a.lo) > 0 ? b : a
}
