import type { Chunk, ChunkSource } from '../sstable/file-cursor.ts'
import { type CachedSource, type ChunkCache, PAGE_BYTES } from './chunk-cache.ts'

/** So many pages in a row that are not in the cache make a scan. */
const SCAN_PAGES = 8
/** No page is beside it. */
const NO_PAGE = -2
/** What a scan reads of a file at once, as it is stored. */
export const READ_AHEAD_BYTES = 128 * 1024

/**
 * A file read through the cache by one reader, but where it reads on and on: then what is not in the cache is read in
 * larger pieces and is not brought there, so that a scan of a table does not throw out what others use. What is read
 * again and again still comes there, some pages each time.
 */
export class ScannedSource implements ChunkSource {
  readonly path: string
  readonly length: number
  readonly #cached: CachedSource
  readonly #openAhead: () => ChunkSource
  #ahead: ChunkSource | null = null
  /** Pages of the stretch at hand, the second one not included. */
  #first = NO_PAGE
  #next = NO_PAGE
  /** Pages up to there that were asked for one after another and were not in the cache. */
  #missed = 0

  /** `openAhead` makes a source of the same file that reads ahead; it is let go of with `release`. */
  constructor(cache: ChunkCache, file: number, loader: ChunkSource, openAhead: () => ChunkSource) {
    this.#cached = cache.source(file, loader)
    this.#openAhead = openAhead
    this.path = loader.path
    this.length = loader.length
  }

  /** The stretch is valid until the next call, or until `release`. */
  chunkAt(position: number): Chunk {
    const chunk = this.#cached.present(position) ?? this.#sourceFor(position).chunkAt(position)
    this.#first = Math.floor(chunk.position / PAGE_BYTES)
    this.#next = Math.ceil((chunk.position + chunk.length) / PAGE_BYTES)
    return chunk
  }

  /** Where a page is read that is not in the cache. */
  #sourceFor(position: number): ChunkSource {
    const page = Math.floor(position / PAGE_BYTES)
    if (page === this.#next) this.#missed++
    // Who has to look at what lies across two pages comes back once.
    else if (page < this.#first - 1 || page > this.#next) this.#missed = 1
    if (this.#missed <= SCAN_PAGES) return this.#cached
    this.#ahead ??= this.#openAhead()
    return this.#ahead
  }

  release(): void {
    this.#cached.release()
    this.#ahead = null
    this.#first = this.#next = NO_PAGE
    this.#missed = 0
  }
}
