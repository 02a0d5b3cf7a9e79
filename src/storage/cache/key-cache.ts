const WAYS = 8
const ENTRY_WORDS = 3
const SET_WORDS = WAYS * ENTRY_WORDS
/** The entries of a set, its hand, and a bit for each entry in two bytes. */
const SET_BYTES = SET_WORDS * 4 + 3
/** Words of an entry: the lower half of the token; whose place it is and the highest byte of the position; the rest of it. */
const PLACE = 1
const POSITION = 2
const MAX_SSTABLE = 0x7f_ffff
/** Beside the number of the SSTable in what an entry is of: the position is one in Index.db. */
const IN_INDEX = 0x80_0000
/** Positions from here on are not kept. */
const POSITION_END = 0x100_0000_0000

/**
 * Where partitions are in their SSTables (`KeyCache`): by SSTable and token the positions in Data.db and, where the
 * partition has an index of its own, in Index.db. Different keys may be taken for each other, those of one token always,
 * so who goes to a position has to look whether it is that of the key: both are positions where some partition, or some entry,
 * begins. Sets of eight entries, of which the clock throws one
 * out; typed arrays and nothing else, made when there is something to keep. Entries of SSTables that are gone are thrown
 * out in their turn.
 *
 * An entry is twelve bytes, so that 64 MiB are the places of five million partitions. Of the token half is kept; the other
 * half has a say in which set it is.
 */
export class KeyCache {
  readonly capacityBytes: number
  hits = 0
  misses = 0
  /** How many entries are in use, those of SSTables that are gone among them. */
  entries = 0
  readonly #sets: number
  #words: Int32Array = new Int32Array(0)
  #hands: Uint8Array = new Uint8Array(0)
  /** A bit for each entry of a set: whether it was asked for again. */
  #referenced: Uint8Array = new Uint8Array(0)
  /** And whether another entry has the position in Index.db. */
  #indexed: Uint8Array = new Uint8Array(0)
  /** What `find` found: position in Data.db, and in Index.db or -1. */
  position = 0
  indexPosition = -1

  /** `capacityBytes` is key_cache_size. */
  constructor(capacityBytes: number) {
    const sets = Math.floor(capacityBytes / SET_BYTES)
    this.capacityBytes = sets * SET_BYTES
    this.#sets = sets
  }

  get requests(): number {
    return this.hits + this.misses
  }

  get sizeBytes(): number {
    return Math.ceil((this.entries * SET_BYTES) / WAYS)
  }

  /** The set of an entry; `owner` is an SSTable, with IN_INDEX where it is about Index.db. */
  #set(owner: number, tokenHi: number, tokenLo: number): number {
    let hash = tokenLo ^ Math.imul(owner, 0x9e3779b1) ^ Math.imul(tokenHi, 0x85ebca77)
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
    hash = (hash ^ (hash >>> 13)) >>> 0
    return Math.floor((hash / 0x1_0000_0000) * this.#sets)
  }

  /** Looks for a partition; where it is known, `position` and `indexPosition` say where it is. */
  find(sstable: number, tokenHi: number, tokenLo: number): boolean {
    const set = this.#set(sstable, tokenHi, tokenLo)
    const way = this.#way(set, sstable, tokenLo)
    if (way < 0) {
      this.misses++
      return false
    }
    const position = this.#use(set, way)
    let indexPosition = -1
    if ((this.#indexed[set]! & (1 << way)) !== 0) {
      const indexSet = this.#set(sstable | IN_INDEX, tokenHi, tokenLo)
      const indexWay = this.#way(indexSet, sstable | IN_INDEX, tokenLo)
      if (indexWay < 0) {
        this.misses++
        return false
      }
      indexPosition = this.#use(indexSet, indexWay)
    }
    this.hits++
    this.position = position
    this.indexPosition = indexPosition
    return true
  }

  /** Which entry of its set it is, or -1. */
  #way(set: number, owner: number, tokenLo: number): number {
    const words = this.#words
    if (words.length === 0) return -1
    for (let way = 0, at = set * SET_WORDS; way < WAYS; way++, at += ENTRY_WORDS) {
      if (words[at] === tokenLo && words[at + PLACE]! >>> 8 === owner) return way
    }
    return -1
  }

  /** The position of an entry, which was asked for. */
  #use(set: number, way: number): number {
    this.#referenced[set]! |= 1 << way
    const at = set * SET_WORDS + way * ENTRY_WORDS
    return (this.#words[at + PLACE]! & 0xff) * 0x1_0000_0000 + (this.#words[at + POSITION]! >>> 0)
  }

  /** Notes where a partition is; `indexPosition` is -1 for one without an index of its own. */
  put(sstable: number, tokenHi: number, tokenLo: number, position: number, indexPosition: number): void {
    if (this.#sets === 0 || sstable > MAX_SSTABLE) return
    if (position >= POSITION_END || indexPosition >= POSITION_END) return
    if (this.#words.length === 0) this.#allocate()
    if (indexPosition >= 0) this.#put(sstable | IN_INDEX, tokenHi, tokenLo, indexPosition, false)
    this.#put(sstable, tokenHi, tokenLo, position, indexPosition >= 0)
  }

  #allocate(): void {
    this.#words = new Int32Array(this.#sets * SET_WORDS)
    this.#hands = new Uint8Array(this.#sets)
    this.#referenced = new Uint8Array(this.#sets)
    this.#indexed = new Uint8Array(this.#sets)
  }

  #put(owner: number, tokenHi: number, tokenLo: number, position: number, isIndexed: boolean): void {
    const words = this.#words
    const set = this.#set(owner, tokenHi, tokenLo)
    let way = this.#way(set, owner, tokenLo)
    if (way < 0) way = this.#victim(set)
    const at = set * SET_WORDS + way * ENTRY_WORDS
    words[at] = tokenLo
    words[at + PLACE] = (owner << 8) | Math.floor(position / 0x1_0000_0000)
    words[at + POSITION] = position
    this.#referenced[set]! &= ~(1 << way)
    if (isIndexed) this.#indexed[set]! |= 1 << way
    else this.#indexed[set]! &= ~(1 << way)
  }

  /** An entry of a set that is free, or the next one that nobody asked for since the hand was there. */
  #victim(set: number): number {
    const words = this.#words
    for (let way = 0, at = set * SET_WORDS; way < WAYS; way++, at += ENTRY_WORDS) {
      if (words[at + PLACE] !== 0) continue
      this.entries++
      return way
    }
    for (;;) {
      const way = this.#hands[set]!
      this.#hands[set] = (way + 1) % WAYS
      if ((this.#referenced[set]! & (1 << way)) === 0) return way
      this.#referenced[set]! &= ~(1 << way)
    }
  }
}
