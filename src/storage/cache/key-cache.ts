const WAYS = 8
const ENTRY_WORDS = 8
const SET_WORDS = WAYS * ENTRY_WORDS
const ENTRY_BYTES = ENTRY_WORDS * 4
const SSTABLE = 1
const TOKEN_HI = 2
const REFERENCED = 3
/** In doubles from the beginning of an entry. */
const POSITION = 2
const INDEX_POSITION = 3

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
  /**
   * An entry is eight words, half a line of the processor's cache: token lo, SSTable (counted from 1; 0 is an entry that
   * is free), token hi, whether it was asked for again, and the two positions as doubles.
   */
  readonly #words: Int32Array
  readonly #doubles: Float64Array
  readonly #hands: Uint8Array
  /** What `find` found: position in Data.db, and in Index.db or -1. */
  position = 0
  indexPosition = -1

  /** `capacityBytes` is key_cache_size. */
  constructor(capacityBytes: number) {
    const sets = Math.floor(capacityBytes / (ENTRY_BYTES * WAYS))
    this.capacityBytes = sets * WAYS * ENTRY_BYTES
    this.#sets = sets
    const memory = new ArrayBuffer(this.capacityBytes)
    this.#words = new Int32Array(memory)
    this.#doubles = new Float64Array(memory)
    this.#hands = new Uint8Array(sets)
  }

  get requests(): number {
    return this.hits + this.misses
  }

  get sizeBytes(): number {
    return this.entries * ENTRY_BYTES
  }

  /** The first word of the set that an entry belongs to. */
  #first(sstable: number, tokenHi: number, tokenLo: number): number {
    let hash = tokenLo ^ Math.imul(sstable, 0x9e3779b1) ^ Math.imul(tokenHi, 0x85ebca77)
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
    hash = (hash ^ (hash >>> 13)) >>> 0
    return Math.floor((hash / 0x1_0000_0000) * this.#sets) * SET_WORDS
  }

  /** Looks for a partition; where it is known, `position` and `indexPosition` say where it is. */
  find(sstable: number, tokenHi: number, tokenLo: number): boolean {
    const first = this.#first(sstable, tokenHi, tokenLo)
    const at = this.#entry(first, sstable, tokenHi, tokenLo)
    if (at < 0) {
      this.misses++
      return false
    }
    this.hits++
    this.#words[at + REFERENCED] = 1
    this.position = this.#doubles[(at >>> 1) + POSITION]!
    this.indexPosition = this.#doubles[(at >>> 1) + INDEX_POSITION]!
    return true
  }

  /** The first word of an entry, or -1. */
  #entry(first: number, sstable: number, tokenHi: number, tokenLo: number): number {
    const words = this.#words
    for (let at = first; at < first + SET_WORDS && at < words.length; at += ENTRY_WORDS) {
      if (words[at] === tokenLo && words[at + SSTABLE] === sstable && words[at + TOKEN_HI] === tokenHi)
        return at
    }
    return -1
  }

  /** Notes where a partition is. */
  put(sstable: number, tokenHi: number, tokenLo: number, position: number, indexPosition: number): void {
    if (this.#sets === 0) return
    const words = this.#words
    const first = this.#first(sstable, tokenHi, tokenLo)
    let at = this.#entry(first, sstable, tokenHi, tokenLo)
    if (at < 0) at = this.#victim(first)
    words[at] = tokenLo
    words[at + SSTABLE] = sstable
    words[at + TOKEN_HI] = tokenHi
    words[at + REFERENCED] = 0
    this.#doubles[(at >>> 1) + POSITION] = position
    this.#doubles[(at >>> 1) + INDEX_POSITION] = indexPosition
  }

  #victim(first: number): number {
    const words = this.#words
    const set = first / SET_WORDS
    for (let at = first; at < first + SET_WORDS; at += ENTRY_WORDS) {
      if (words[at + SSTABLE] !== 0) continue
      this.entries++
      return at
    }
    for (;;) {
      const at = first + this.#hands[set]! * ENTRY_WORDS
      this.#hands[set] = (this.#hands[set]! + 1) % WAYS
      if (words[at + REFERENCED] === 0) return at
      words[at + REFERENCED] = 0
    }
  }
}
