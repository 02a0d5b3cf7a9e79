import { compareBytes } from '../common/bytes.ts'
import { murmur3Token } from '../common/murmur3.ts'
import type { Slice } from '../model/clustering.ts'
import type { TokenRange } from '../model/read-command.ts'
import { compare64 } from '../model/row-format.ts'
import type { PartitionScan } from './partition-merge.ts'
import type { PartitionSource } from './partition-source.ts'
import type { SSTableAccess } from './sstable-access.ts'

const token = new Int32Array(2)

/** The partitions of an SSTable in a range of the ring, one after another (`BigTableScanner`). */
export class SSTableScan implements PartitionScan {
  readonly #access: SSTableAccess
  readonly #range: TokenRange
  readonly #slices: readonly Slice[]
  readonly #reversed: boolean
  #isStarted = false
  tokenHi = 0
  tokenLo = 0
  readonly keyOffset = 0

  /** Gives `access` back when it is closed. */
  constructor(access: SSTableAccess, range: TokenRange, slices: readonly Slice[], reversed: boolean) {
    this.#access = access
    this.#range = range
    this.#slices = slices
    this.#reversed = reversed
  }

  get keyBytes(): Uint8Array {
    return this.#access.index.keyBytes
  }
  get keyLength(): number {
    return this.#access.index.keyLength
  }

  /** Moves to the next partition; false at the end. */
  nextPartition(): boolean {
    const range = this.#range
    if (!this.#isStarted) {
      this.#isStarted = true
      if (!this.#seekStart()) return false
    } else if (!this.#read()) return false
    const toEnd = compare64(this.tokenHi, this.tokenLo, range.endHi, range.endLo)
    if (toEnd > 0 || (toEnd === 0 && !range.endInclusive)) return false
    return true
  }

  #read(): boolean {
    if (!this.#access.nextEntry()) return false
    this.#readToken()
    return true
  }

  #readToken(): void {
    const { keyBytes, keyLength } = this.#access.index
    murmur3Token(keyBytes, 0, keyLength, token)
    this.tokenHi = token[0]!
    this.tokenLo = token[1]!
  }

  #seekStart(): boolean {
    const { index } = this.#access
    const { startHi, startLo, startInclusive, afterKey } = this.#range
    if (afterKey === null) {
      if (!this.#access.seekToken(startHi, startLo)) return false
      this.#readToken()
      while (!startInclusive && this.tokenHi === startHi && this.tokenLo === startLo) {
        if (!this.#read()) return false
      }
      return true
    }
    murmur3Token(afterKey, 0, afterKey.length, token)
    const hi = token[0]!
    const lo = token[1]!
    if (!this.#access.seekToken(hi, lo)) return false
    this.#readToken()
    while (this.tokenHi === hi && this.tokenLo === lo) {
      const { keyBytes, keyLength } = index
      if (compareBytes(keyBytes, 0, keyLength, afterKey, 0, afterKey.length) > 0) return true
      if (!this.#read()) return false
    }
    return true
  }

  partition(): PartitionSource {
    this.#access.standAtEntry()
    return this.#access.open(this.#slices, this.#reversed)
  }

  close(): void {
    this.#access.live.giveBack(this.#access)
  }
}
