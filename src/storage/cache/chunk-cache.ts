import type { Chunk, ChunkSource } from '../sstable/file-cursor.ts'

/** What a page holds: bytes of a file as they were before compression. */
export const PAGE_BYTES = 16 * 1024

const SLAB_PAGES = 64
const NONE = -1

/** One page of the cache's memory. There is one of these for each, made once. */
class Page implements Chunk {
  readonly bytes: Uint8Array
  readonly offset: number
  length = 0
  position = 0

  constructor(bytes: Uint8Array, offset: number) {
    this.bytes = bytes
    this.offset = offset
  }
}

/**
 * Pages of SSTables' files, uncompressed, in memory of a fixed size (`ChunkCache`). Pages are thrown out by a clock: one
 * that was asked for since the hand came by stays for another round; one that was asked for only once, as by a scan, does
 * not. Those that a reader stands in are pinned. Neither a hit nor a miss makes an object once memory is full; memory
 * is taken as it is needed.
 */
export class ChunkCache {
  readonly capacityBytes: number
  /** Figures of system_views.caches. */
  hits = 0
  misses = 0
  entries = 0
  readonly #capacity: number
  readonly #pages: Page[] = []
  /** Of each page: the file and which page of it, whether it was asked for again, and by how many it is held. */
  readonly #files: Int32Array
  readonly #numbers: Int32Array
  readonly #referenced: Uint8Array
  readonly #pins: Int32Array
  /** A hash table with chains. */
  readonly #buckets: Int32Array
  readonly #chain: Int32Array
  /** Pages without content, by `#chain`. */
  #free = NONE
  #hand = 0

  /** `capacityBytes` is file_cache_size. */
  constructor(capacityBytes: number) {
    const capacity = Math.floor(capacityBytes / PAGE_BYTES)
    this.capacityBytes = capacity * PAGE_BYTES
    this.#capacity = capacity
    this.#files = new Int32Array(capacity)
    this.#numbers = new Int32Array(capacity)
    this.#referenced = new Uint8Array(capacity)
    this.#pins = new Int32Array(capacity)
    this.#chain = new Int32Array(capacity)
    const buckets = 1 << Math.max(4, 32 - Math.clz32(capacity * 2))
    this.#buckets = new Int32Array(buckets).fill(NONE)
  }

  get requests(): number {
    return this.hits + this.misses
  }

  /** Pages that can come in without another one having to go. */
  get freePages(): number {
    return this.#capacity - this.entries
  }

  /** How many pages a file has. */
  pagesOf({ length }: ChunkSource): number {
    return Math.ceil(length / PAGE_BYTES)
  }

  /** How many pages of these files are here. */
  countOf(files: readonly { readonly number: number }[]): number {
    const numbers = new Set(files.map(({ number }) => number))
    let count = 0
    for (let slot = 0; slot < this.#pages.length; slot++) if (numbers.has(this.#files[slot]!)) count++
    return count
  }

  /** Brings in a page that nobody has asked for yet; false where there is no memory. Throws what the loader throws. */
  warm(file: number, number: number, loader: ChunkSource): boolean {
    if (this.#find(file, number) !== NONE) return true
    if (this.freePages === 0) return false
    const slot = this.#load(file, number, loader)
    if (slot !== NONE) this.unpin(slot)
    return slot !== NONE
  }

  /** Bytes in pages that hold something. */
  get sizeBytes(): number {
    return this.entries * PAGE_BYTES
  }

  /** A source that reads `loader`'s file through the cache. `file` names it: a number that no other file ever had. */
  source(file: number, loader: ChunkSource): CachedSource {
    return new CachedSource(this, file, loader)
  }

  /** Bytes of a page that is pinned. */
  page(slot: number): Chunk {
    return this.#pages[slot]!
  }

  unpin(slot: number): void {
    this.#pins[slot]!--
  }

  /** Pins a page that is there, and returns its slot; -1 where it is not. */
  pinPresent(file: number, number: number): number {
    const slot = this.#find(file, number)
    if (slot === NONE) return NONE
    this.hits++
    this.#referenced[slot] = 1
    this.#pins[slot]!++
    return slot
  }

  #find(file: number, number: number): number {
    for (let slot = this.#buckets[this.#bucketOf(file, number)]!; slot !== NONE; slot = this.#chain[slot]!) {
      if (this.#numbers[slot] === number && this.#files[slot] === file) return slot
    }
    return NONE
  }

  /** Pins a page and returns its slot; -1 where it has to be read and no memory is to be had. */
  pin(file: number, number: number, loader: ChunkSource): number {
    const slot = this.pinPresent(file, number)
    if (slot !== NONE) return slot
    this.misses++
    return this.#load(file, number, loader)
  }

  #bucketOf(file: number, number: number): number {
    let hash = Math.imul(file, 0x9e3779b1) ^ Math.imul(number, 0x85ebca77)
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
    return (hash ^ (hash >>> 13)) & (this.#buckets.length - 1)
  }

  #load(file: number, number: number, loader: ChunkSource): number {
    const slot = this.#take()
    if (slot === NONE) return NONE
    const page = this.#pages[slot]!
    try {
      page.length = readPage(loader, number, page.bytes, page.offset)
    } catch (error) {
      this.#give(slot)
      throw error
    }
    page.position = number * PAGE_BYTES
    this.#files[slot] = file
    this.#numbers[slot] = number
    this.#referenced[slot] = 0
    this.#pins[slot] = 1
    const bucket = this.#bucketOf(file, number)
    this.#chain[slot] = this.#buckets[bucket]!
    this.#buckets[bucket] = slot
    this.entries++
    return slot
  }

  /** A slot without content: one that is free, a new one, or that of the page that goes; -1 where all are pinned. */
  #take(): number {
    if (this.#free === NONE && this.#pages.length < this.#capacity) this.#grow()
    const free = this.#free
    if (free !== NONE) {
      this.#free = this.#chain[free]!
      return free
    }
    const count = this.#pages.length
    for (let steps = 2 * count; steps > 0; steps--) {
      const slot = this.#hand
      this.#hand = slot + 1 === count ? 0 : slot + 1
      if (this.#pins[slot]! > 0) continue
      if (this.#referenced[slot] !== 0) {
        this.#referenced[slot] = 0
        continue
      }
      this.#forget(slot)
      return slot
    }
    return NONE
  }

  #grow(): void {
    const count = Math.min(SLAB_PAGES, this.#capacity - this.#pages.length)
    const slab = new Uint8Array(count * PAGE_BYTES)
    const first = this.#pages.length
    for (let i = 0; i < count; i++) this.#pages.push(new Page(slab, i * PAGE_BYTES))
    for (let i = count - 1; i >= 0; i--) this.#give(first + i)
  }

  #give(slot: number): void {
    this.#files[slot] = NONE
    this.#chain[slot] = this.#free
    this.#free = slot
  }

  /** Takes a page out of its chain. */
  #forget(slot: number): void {
    const bucket = this.#bucketOf(this.#files[slot]!, this.#numbers[slot]!)
    let at = this.#buckets[bucket]!
    if (at === slot) this.#buckets[bucket] = this.#chain[slot]!
    else {
      while (this.#chain[at] !== slot) at = this.#chain[at]!
      this.#chain[at] = this.#chain[slot]!
    }
    this.entries--
  }

  /** Frees the pages of a file that is closed. None of them is pinned any more. */
  drop(file: number): void {
    for (let slot = 0; slot < this.#pages.length; slot++) {
      if (this.#files[slot] !== file || this.#pins[slot]! > 0) continue
      this.#forget(slot)
      this.#give(slot)
    }
  }
}

/** Reads one page, chunk by chunk, to `to` of `out`; returns its length. */
function readPage(loader: ChunkSource, number: number, out: Uint8Array, to: number): number {
  const start = number * PAGE_BYTES
  const length = Math.min(PAGE_BYTES, loader.length - start)
  if (loader.fill?.(start, length, out, to) === true) return length
  for (let done = 0; done < length; ) {
    const chunk = loader.chunkAt(start + done)
    const from = start + done - chunk.position
    const part = Math.min(length - done, chunk.length - from)
    const at = chunk.offset + from
    out.set(chunk.bytes.subarray(at, at + part), to + done)
    done += part
  }
  return length
}

/** A file read through the cache by one reader, which stands in one page at a time. */
export class CachedSource implements ChunkSource {
  readonly path: string
  readonly length: number
  readonly #cache: ChunkCache
  readonly #file: number
  readonly #loader: ChunkSource
  #slot = NONE
  /** Where all memory of the cache is pinned. */
  #own: Page | null = null

  constructor(cache: ChunkCache, file: number, loader: ChunkSource) {
    this.#cache = cache
    this.#file = file
    this.#loader = loader
    this.path = loader.path
    this.length = loader.length
  }

  /** The page where it is in the cache, valid as that of `chunkAt`; else null. */
  present(position: number): Chunk | null {
    this.release()
    const slot = this.#cache.pinPresent(this.#file, Math.floor(position / PAGE_BYTES))
    if (slot === NONE) return null
    this.#slot = slot
    return this.#cache.page(slot)
  }

  /** The page is valid until the next call, or until `release`. */
  chunkAt(position: number): Chunk {
    this.release()
    const number = Math.floor(position / PAGE_BYTES)
    const slot = this.#cache.pin(this.#file, number, this.#loader)
    this.#slot = slot
    if (slot !== NONE) return this.#cache.page(slot)
    const page = (this.#own ??= new Page(new Uint8Array(PAGE_BYTES), 0))
    page.length = readPage(this.#loader, number, page.bytes, 0)
    page.position = number * PAGE_BYTES
    return page
  }

  release(): void {
    if (this.#slot === NONE) return
    this.#cache.unpin(this.#slot)
    this.#slot = NONE
  }
}
