import { compareBytes } from '../../common/bytes.ts'
import { murmur3Token } from '../../common/murmur3.ts'
import type { MarkerCounter, PartitionReader, ReadCommand } from '../../model/read-command.ts'
import { compare64, type Words } from '../../model/row-format.ts'
import { LIVE_HI, type Memtable, MemtablePartition } from './memtable.ts'
import type { TokenCursor } from './token-index.ts'

const token = new Int32Array(2)

/** Keeps memory from being given back while a read waits. */
export interface ReadHolder {
  retain(): void
  release(): void
}

/** Reads the partitions of a memtable that a command names, by key or along the ring. */
export class MemtableReader implements PartitionReader {
  readonly #partition = new MemtablePartition()
  readonly #onClose: (reader: MemtableReader) => void
  #memtable: Memtable | null = null
  /** What the memtable is in; held while the read waits. */
  #holder: ReadHolder | null = null
  #command: ReadCommand | null = null
  #generation = 0
  #key = 0
  readonly #cursor: TokenCursor = { directory: 0, bucket: 0, entry: 0 }
  #cursorVersion = -1
  /** Where a scan is: the key last read, kept so that it can be found again after the index has changed. */
  #lastKey: Uint8Array | null = null
  #hasView = false
  /** Whether a partition has been read: before, there is no place to come back to. */
  #isInPartition = false
  #closed = true

  constructor(onClose: (reader: MemtableReader) => void) {
    this.#onClose = onClose
  }

  /** Begins a read; `holder` keeps the memtable while the read waits. */
  open(memtable: Memtable, command: ReadCommand, holder: ReadHolder | null = null): void {
    this.#memtable = memtable
    this.#holder = holder
    this.#command = command
    this.#generation = memtable.generation
    this.#key = 0
    this.#cursorVersion = -1
    this.#lastKey = command.range.afterKey
    this.#hasView = false
    this.#isInPartition = false
    this.#closed = false
  }

  nextPartition(): boolean {
    const command = this.#command!
    return command.keys === null ? this.#nextInRange(command) : this.#nextKey(command)
  }

  #nextKey(command: ReadCommand): boolean {
    const keys = command.keys!
    const memtable = this.#memtable!
    while (this.#key < keys.length) {
      const key = keys[this.#key++]!
      const pointer = memtable.find(key.tokenHi, key.tokenLo, key.key, 0, key.key.length)
      if (pointer !== 0) {
        this.#partition.open(memtable, pointer, key.tokenHi, key.tokenLo, command.slices, command.reversed)
        return true
      }
    }
    return false
  }

  #nextInRange(command: ReadCommand): boolean {
    const memtable = this.#memtable!
    const index = memtable.index
    const { range } = command
    if (this.#cursorVersion !== index.version || this.#generation !== memtable.generation) this.#seek(command)
    for (;;) {
      const pointer = index.next(this.#cursor, token)
      if (pointer === 0) return false
      const hi = token[0]!
      const lo = token[1]!
      const toEnd = compare64(hi, lo, range.endHi, range.endLo)
      if (toEnd > 0 || (toEnd === 0 && !range.endInclusive)) return false
      if (!range.startInclusive && hi === range.startHi && lo === range.startLo && range.afterKey === null)
        continue
      const partition = this.#partition
      partition.open(memtable, pointer, hi, lo, command.slices, command.reversed)
      if (this.#lastKey !== null && this.#isAtOrBeforeLast(hi, lo)) continue
      this.#isInPartition = true
      return true
    }
  }

  #lastHi = 0
  #lastLo = 0

  /** Places the cursor at the start, or behind the partition last read. */
  #seek(command: ReadCommand): void {
    const index = this.#memtable!.index
    const { range } = command
    this.#generation = this.#memtable!.generation
    this.#cursorVersion = index.version
    if (this.#lastKey === null) {
      index.seek(this.#cursor, range.startHi, range.startLo)
      return
    }
    murmur3Token(this.#lastKey, 0, this.#lastKey.length, token)
    this.#lastHi = token[0]!
    this.#lastLo = token[1]!
    index.seek(this.#cursor, this.#lastHi, this.#lastLo)
  }

  #isAtOrBeforeLast(hi: number, lo: number): boolean {
    const order = compare64(hi, lo, this.#lastHi, this.#lastLo)
    if (order !== 0) return order < 0
    const { key, keyOffset, keyLength } = this.#partition
    return compareBytes(key.u8, keyOffset, keyLength, this.#lastKey!, 0, this.#lastKey!.length) <= 0
  }

  get keyBytes(): Uint8Array {
    return this.#partition.key.u8
  }
  get keyOffset(): number {
    return this.#partition.keyOffset
  }
  get keyLength(): number {
    return this.#partition.keyLength
  }
  get tokenHi(): number {
    return this.#partition.tokenHi
  }
  get tokenLo(): number {
    return this.#partition.tokenLo
  }
  staticRow(): boolean {
    return this.#partition.staticRow()
  }
  nextRow(): boolean {
    return this.#partition.nextRow()
  }
  get isPartitionDeleted(): boolean {
    return this.#partition.deletionHi !== LIVE_HI
  }
  get markers(): MarkerCounter | null {
    return this.#partition.markers()
  }
  get row(): Words {
    return this.#partition.row
  }
  get rowAt(): number {
    return this.#partition.rowAt
  }
  get rowDeletionHi(): number {
    return this.#partition.rowDeletionHi
  }
  get rowDeletionLo(): number {
    return this.#partition.rowDeletionLo
  }

  suspend(): void {
    if (this.#hasView) this.#memtable!.freeze()
    else {
      this.#memtable!.openView()
      this.#holder?.retain()
    }
    this.#hasView = true
    this.#cursorVersion = -1
    if (this.#isInPartition && this.#command!.keys === null) {
      const { key, keyOffset, keyLength, tokenHi, tokenLo } = this.#partition
      this.#lastKey = key.u8.slice(keyOffset, keyOffset + keyLength)
      this.#lastHi = tokenHi
      this.#lastLo = tokenLo
    }
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    if (this.#hasView) {
      this.#memtable!.closeView()
      this.#holder?.release()
    }
    this.#memtable = null
    this.#holder = null
    this.#command = null
    this.#lastKey = null
    this.#onClose(this)
  }
}
