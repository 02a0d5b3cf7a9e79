const WAYS = 8
const ENTRY_WORDS = 6
const SET_WORDS = WAYS * ENTRY_WORDS
const ENTRY_BYTES = ENTRY_WORDS * 4
const TOKEN_HI = 1
/** The SSTable, doubled, and one more where the entry was asked for again. */
const SSTABLE = 2
/** Halves of the two positions: the lower 32 bits of each, and the 16 above of both. */
const POSITION = 3
const INDEX_POSITION = 4
const HIGHS = 5
const NO_HIGH = 0xffff
/** Positions from here on are not kept. */
const POSITION_END = NO_HIGH * 0x1_0000_0000

/**
 * Where partitions are in their SSTables (`KeyCache`): by SSTable and token the positions in Data.db and, where the
 * partition has an index of its own, in Index.db. Two keys of one token are taken for each other, so who goes to
 * a position has to look whether it is that of the key. Sets of eight entries, of which the clock throws one out; typed
 * arrays and nothing else, made when there is something to keep. Entries of SSTables that are gone are thrown out in their
 * turn.
 */
export class KeyCache {
  readonly capacityBytes: number
  /** Figures of system_views.caches. */
  hits = 0
  misses = 0
  entries = 0
  readonly #sets: number
  /**
   * An entry is six words: token lo, token hi, SSTable (counted from 1; 0 is an entry that is free) and whether it was
   * asked for again, and the two positions.
   */
  #words: Int32Array = new Int32Array(0)
  #hands: Uint8Array = new Uint8Array(0)
  /** What `find` found: position in Data.db, and in Index.db or -1. */
  position = 0
  indexPosition = -1

  /** `capacityBytes` is key_cache_size. */
  constructor(capacityBytes: number) {
    const sets = Math.floor(capacityBytes / (ENTRY_BYTES * WAYS))
    this.capacityBytes = sets * WAYS * ENTRY_BYTES
    this.#sets = sets
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
    const words = this.#words
    words[at + SSTABLE]! |= 1
    const highs = words[at + HIGHS]!
    this.position = (highs >>> 16) * 0x1_0000_0000 + (words[at + POSITION]! >>> 0)
    const indexHigh = highs & 0xffff
    this.indexPosition =
      indexHigh === NO_HIGH ? -1 : indexHigh * 0x1_0000_0000 + (words[at + INDEX_POSITION]! >>> 0)
    return true
  }

  /** The first word of an entry, or -1. */
  #entry(first: number, sstable: number, tokenHi: number, tokenLo: number): number {
    const words = this.#words
    for (let at = first; at < first + SET_WORDS && at < words.length; at += ENTRY_WORDS) {
      if (words[at] === tokenLo && words[at + TOKEN_HI] === tokenHi && words[at + SSTABLE]! >>> 1 === sstable)
        return at
    }
    return -1
  }

  /** Notes where a partition is. */
  put(sstable: number, tokenHi: number, tokenLo: number, position: number, indexPosition: number): void {
    if (this.#sets === 0 || position >= POSITION_END || indexPosition >= POSITION_END) return
    if (this.#words.length === 0) {
      this.#words = new Int32Array(this.#sets * SET_WORDS)
      this.#hands = new Uint8Array(this.#sets)
    }
    const words = this.#words
    const first = this.#first(sstable, tokenHi, tokenLo)
    let at = this.#entry(first, sstable, tokenHi, tokenLo)
    if (at < 0) at = this.#victim(first)
    words[at] = tokenLo
    words[at + TOKEN_HI] = tokenHi
    words[at + SSTABLE] = sstable << 1
    words[at + POSITION] = position
    words[at + INDEX_POSITION] = indexPosition
    const indexHigh = indexPosition < 0 ? NO_HIGH : Math.floor(indexPosition / 0x1_0000_0000)
    words[at + HIGHS] = (Math.floor(position / 0x1_0000_0000) << 16) | indexHigh
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
      if ((words[at + SSTABLE]! & 1) === 0) return at
      words[at + SSTABLE]! &= ~1
    }
  }
}
