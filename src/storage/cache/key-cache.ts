const WAYS = 8
/** What an entry takes: token, SSTable, two positions and a mark. */
const ENTRY_BYTES = 32

/**
 * Where partitions are in their SSTables (`KeyCache`): by SSTable and token the positions in Data.db and, where the
 * partition has an index of its own, in Index.db. Two keys of one token are taken for each other, so who goes to
 * a position has to look whether it is that of the key. Sets of eight entries, of which the clock throws one out; typed
 * arrays and nothing else. Entries of SSTables that are gone are thrown out in their turn.
 */
export class KeyCache {
  readonly capacityBytes: number
  /** Figures of system_views.caches. */
  hits = 0
  misses = 0
  entries = 0
  readonly #sets: number
  /** SSTables are counted from 1; 0 is an entry that is free. */
  readonly #sstables: Int32Array
  readonly #tokensHi: Int32Array
  readonly #tokensLo: Int32Array
  readonly #positions: Float64Array
  readonly #indexPositions: Float64Array
  readonly #referenced: Uint8Array
  readonly #hands: Uint8Array
  /** What `find` found: position in Data.db, and in Index.db or -1. */
  position = 0
  indexPosition = -1

  /** `capacityBytes` is key_cache_size. */
  constructor(capacityBytes: number) {
    const sets = Math.floor(capacityBytes / (ENTRY_BYTES * WAYS))
    const count = sets * WAYS
    this.capacityBytes = count * ENTRY_BYTES
    this.#sets = sets
    this.#sstables = new Int32Array(count)
    this.#tokensHi = new Int32Array(count)
    this.#tokensLo = new Int32Array(count)
    this.#positions = new Float64Array(count)
    this.#indexPositions = new Float64Array(count)
    this.#referenced = new Uint8Array(count)
    this.#hands = new Uint8Array(sets)
  }

  get requests(): number {
    return this.hits + this.misses
  }

  get sizeBytes(): number {
    return this.entries * ENTRY_BYTES
  }

  #first(sstable: number, tokenHi: number, tokenLo: number): number {
    let hash = tokenLo ^ Math.imul(sstable, 0x9e3779b1) ^ Math.imul(tokenHi, 0x85ebca77)
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
    hash = (hash ^ (hash >>> 13)) >>> 0
    return Math.floor((hash / 0x1_0000_0000) * this.#sets) * WAYS
  }

  /** Looks for a partition; where it is known, `position` and `indexPosition` say where it is. */
  find(sstable: number, tokenHi: number, tokenLo: number): boolean {
    const first = this.#first(sstable, tokenHi, tokenLo)
    const slot = this.#slot(first, sstable, tokenHi, tokenLo)
    if (slot < 0) {
      this.misses++
      return false
    }
    this.hits++
    this.#referenced[slot] = 1
    this.position = this.#positions[slot]!
    this.indexPosition = this.#indexPositions[slot]!
    return true
  }

  #slot(first: number, sstable: number, tokenHi: number, tokenLo: number): number {
    for (let slot = first; slot < first + WAYS; slot++) {
      if (
        this.#tokensLo[slot] === tokenLo &&
        this.#sstables[slot] === sstable &&
        this.#tokensHi[slot] === tokenHi
      ) {
        return slot
      }
    }
    return -1
  }

  /** Notes where a partition is. */
  put(sstable: number, tokenHi: number, tokenLo: number, position: number, indexPosition: number): void {
    if (this.#sets === 0) return
    const first = this.#first(sstable, tokenHi, tokenLo)
    let slot = this.#slot(first, sstable, tokenHi, tokenLo)
    if (slot < 0) slot = this.#victim(first)
    this.#sstables[slot] = sstable
    this.#tokensHi[slot] = tokenHi
    this.#tokensLo[slot] = tokenLo
    this.#positions[slot] = position
    this.#indexPositions[slot] = indexPosition
    this.#referenced[slot] = 0
  }

  #victim(first: number): number {
    const set = first / WAYS
    for (let slot = first; slot < first + WAYS; slot++) {
      if (this.#sstables[slot] !== 0) continue
      this.entries++
      return slot
    }
    for (;;) {
      const slot = first + this.#hands[set]!
      this.#hands[set] = (this.#hands[set]! + 1) % WAYS
      if (this.#referenced[slot] === 0) return slot
      this.#referenced[slot] = 0
    }
  }
}
