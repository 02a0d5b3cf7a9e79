import { compare64 } from '../../model/row-format.ts'
import type { SlabAllocator, Slabs } from './slab-allocator.ts'

/**
 * Partitions of a memtable by token, in the ring's order. Murmur3 tokens are uniform, so the first bits of a token are
 * at once a hash and a place in the order: a directory of 2^depth entries leads to buckets of up to 32 partitions
 * sorted by token, and a full bucket splits in two (extendible hashing). A look-up is two memory accesses; growth
 * never rehashes more than one bucket and copies a directory of 4 bytes an entry.
 *
 * ```
 * bucket: word 0 count, 1 local depth, 2 overflow bucket (pointer), 3 unused, then
 *         32 entries of token hi, token lo, partition pointer
 * ```
 * Past MAX_DEPTH (keys chosen to collide) buckets chain, sorted along the chain.
 */
const BUCKET_ENTRIES = 32
const HEADER_WORDS = 4
const ENTRY_WORDS = 3
const BUCKET_BYTES = (HEADER_WORDS + BUCKET_ENTRIES * ENTRY_WORDS) * 4
const MAX_DEPTH = 22

/** Order of a stored partition's key against a key, for partitions whose tokens are equal. */
export type CompareKey = (pointer: number, key: Uint8Array, offset: number, length: number) => number

/** A place in the index: the entry before which it stands. Void after a change of the index. */
export interface TokenCursor {
  directory: number
  bucket: number
  entry: number
}

/** Place in a directory of 2^depth entries. */
function slotOf(depth: number, hi: number): number {
  return depth === 0 ? 0 : (hi ^ 0x80000000) >>> (32 - depth)
}

/** See TokenIndex.seek. The directory has 2^depth entries. */
export function seekToken(
  slabs: Slabs,
  directory: Int32Array,
  cursor: TokenCursor,
  hi: number,
  lo: number,
): void {
  cursor.directory = slotOf(31 - Math.clz32(directory.length), hi)
  cursor.bucket = directory[cursor.directory]!
  cursor.entry = 0
  for (;;) {
    const words = slabs.words[cursor.bucket >>> 17]!
    const base = (cursor.bucket & 0x1ffff) << 1
    const count = words[base]!
    while (cursor.entry < count) {
      const e = base + HEADER_WORDS + cursor.entry * ENTRY_WORDS
      if (compare64(words[e]!, words[e + 1]!, hi, lo) >= 0) return
      cursor.entry++
    }
    if (words[base + 2] === 0) return
    cursor.bucket = words[base + 2]!
    cursor.entry = 0
  }
}

/** See TokenIndex.next. */
export function nextPartition(
  slabs: Slabs,
  directory: Int32Array,
  cursor: TokenCursor,
  token: Int32Array,
): number {
  for (;;) {
    const words = slabs.words[cursor.bucket >>> 17]!
    const base = (cursor.bucket & 0x1ffff) << 1
    if (cursor.entry < words[base]!) {
      const e = base + HEADER_WORDS + cursor.entry++ * ENTRY_WORDS
      token[0] = words[e]!
      token[1] = words[e + 1]!
      return words[e + 2]!
    }
    if (words[base + 2] !== 0) {
      cursor.bucket = words[base + 2]!
      cursor.entry = 0
      continue
    }
    // A bucket of lower depth has several directory entries: go to the first that is not its.
    const depth = 31 - Math.clz32(directory.length)
    const span = 1 << (depth - words[base + 1]!)
    cursor.directory = (cursor.directory & ~(span - 1)) + span
    if (cursor.directory >= directory.length) return 0
    cursor.bucket = directory[cursor.directory]!
    cursor.entry = 0
  }
}

export class TokenIndex {
  readonly #slabs: SlabAllocator
  readonly #compareKey: CompareKey
  #directory: Int32Array
  #depth = 0
  /** Number of partitions. */
  size = 0
  /** Grows with each insertion: a cursor of another version has to seek again. */
  version = 0

  constructor(slabs: SlabAllocator, compareKey: CompareKey) {
    this.#slabs = slabs
    this.#compareKey = compareKey
    this.#directory = new Int32Array(1)
    this.#directory[0] = this.#newBucket(0)
  }

  /** Pointer to the partition with this key, or 0. */
  find(hi: number, lo: number, key: Uint8Array, offset: number, length: number): number {
    let bucket = this.#directory[this.#slot(hi)]!
    while (bucket !== 0) {
      const words = this.#slabs.words[bucket >>> 17]!
      const base = (bucket & 0x1ffff) << 1
      const count = words[base]!
      let low = 0
      let high = count
      while (low < high) {
        const middle = (low + high) >>> 1
        const e = base + HEADER_WORDS + middle * ENTRY_WORDS
        const entryHi = words[e]!
        if (entryHi < hi || (entryHi === hi && words[e + 1]! >>> 0 < lo >>> 0)) low = middle + 1
        else high = middle
      }
      for (; low < count; low++) {
        const e = base + HEADER_WORDS + low * ENTRY_WORDS
        if (words[e] !== hi || words[e + 1] !== lo) return 0
        const pointer = words[e + 2]!
        if (this.#compareKey(pointer, key, offset, length) === 0) return pointer
      }
      bucket = words[base + 2]!
    }
    return 0
  }

  /** Adds a partition that is not there yet. */
  insert(hi: number, lo: number, pointer: number, key: Uint8Array, offset: number, length: number): void {
    this.size++
    this.version++
    for (;;) {
      const slot = this.#slot(hi)
      let bucket = this.#directory[slot]!
      let words = this.#slabs.words[bucket >>> 17]!
      let base = (bucket & 0x1ffff) << 1
      // Along a chain, the bucket whose last entry is not before the new one.
      while (
        words[base + 2] !== 0 &&
        this.#entryBefore(words, base, words[base]! - 1, hi, lo, key, offset, length)
      ) {
        bucket = words[base + 2]!
        words = this.#slabs.words[bucket >>> 17]!
        base = (bucket & 0x1ffff) << 1
      }
      const count = words[base]!
      if (count < BUCKET_ENTRIES) {
        let low = 0
        let high = count
        while (low < high) {
          const middle = (low + high) >>> 1
          if (this.#entryBefore(words, base, middle, hi, lo, key, offset, length)) low = middle + 1
          else high = middle
        }
        const e = base + HEADER_WORDS + low * ENTRY_WORDS
        words.copyWithin(e + ENTRY_WORDS, e, base + HEADER_WORDS + count * ENTRY_WORDS)
        words[e] = hi
        words[e + 1] = lo
        words[e + 2] = pointer
        words[base] = count + 1
        return
      }
      if (words[base + 1]! < MAX_DEPTH) this.#split(slot, bucket)
      else this.#chain(bucket)
    }
  }

  /** Where buckets are, by the first `depth` bits of a token. For a frozen copy of the index. */
  get directory(): Int32Array {
    return this.#directory
  }

  /** Places `cursor` at the first partition whose token is at or after the given one. */
  seek(cursor: TokenCursor, hi: number, lo: number): void {
    seekToken(this.#slabs, this.#directory, cursor, hi, lo)
  }

  /** Pointer to the partition at the cursor, which moves on; 0 at the end. Its token goes to `token` [hi, lo]. */
  next(cursor: TokenCursor, token: Int32Array): number {
    return nextPartition(this.#slabs, this.#directory, cursor, token)
  }

  #slot(hi: number): number {
    return slotOf(this.#depth, hi)
  }

  #entryBefore(
    words: Int32Array,
    base: number,
    index: number,
    hi: number,
    lo: number,
    key: Uint8Array,
    offset: number,
    length: number,
  ): boolean {
    const e = base + HEADER_WORDS + index * ENTRY_WORDS
    const order = compare64(words[e]!, words[e + 1]!, hi, lo)
    return order < 0 || (order === 0 && this.#compareKey(words[e + 2]!, key, offset, length) < 0)
  }

  #newBucket(depth: number): number {
    const pointer = this.#slabs.allocate(BUCKET_BYTES)
    const words = this.#slabs.words[pointer >>> 17]!
    const base = (pointer & 0x1ffff) << 1
    words[base] = 0
    words[base + 1] = depth
    words[base + 2] = 0
    return pointer
  }

  #split(slot: number, bucket: number): void {
    const words = this.#slabs.words[bucket >>> 17]!
    const base = (bucket & 0x1ffff) << 1
    const depth = words[base + 1]!
    if (depth === this.#depth) {
      const grown = new Int32Array(this.#directory.length * 2)
      for (let i = 0; i < this.#directory.length; i++) grown[2 * i] = grown[2 * i + 1] = this.#directory[i]!
      this.#directory = grown
      this.#depth++
      slot *= 2
    }
    const right = this.#newBucket(depth + 1)
    const rightWords = this.#slabs.words[right >>> 17]!
    const rightBase = (right & 0x1ffff) << 1
    const count = words[base]!
    const bit = 31 - depth
    let left = 0
    while (
      left < count &&
      (((words[base + HEADER_WORDS + left * ENTRY_WORDS]! ^ 0x80000000) >>> bit) & 1) === 0
    )
      left++
    rightWords.set(
      words.subarray(base + HEADER_WORDS + left * ENTRY_WORDS, base + HEADER_WORDS + count * ENTRY_WORDS),
      rightBase + HEADER_WORDS,
    )
    rightWords[rightBase] = count - left
    words[base] = left
    words[base + 1] = depth + 1
    const span = 1 << (this.#depth - depth)
    const first = slot & ~(span - 1)
    this.#directory.fill(right, first + span / 2, first + span)
  }

  #chain(bucket: number): void {
    const words = this.#slabs.words[bucket >>> 17]!
    const base = (bucket & 0x1ffff) << 1
    const right = this.#newBucket(words[base + 1]!)
    const rightWords = this.#slabs.words[right >>> 17]!
    const rightBase = (right & 0x1ffff) << 1
    const half = BUCKET_ENTRIES / 2
    rightWords.set(
      words.subarray(
        base + HEADER_WORDS + half * ENTRY_WORDS,
        base + HEADER_WORDS + BUCKET_ENTRIES * ENTRY_WORDS,
      ),
      rightBase + HEADER_WORDS,
    )
    rightWords[rightBase] = BUCKET_ENTRIES - half
    rightWords[rightBase + 2] = words[base + 2]!
    words[base] = half
    words[base + 2] = right
  }
}
