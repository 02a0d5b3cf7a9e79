import { expect, test } from 'vitest'
import { SimRandom } from '../../../test/sim/sim-random.ts'
import type { Chunk, ChunkSource } from '../sstable/file-cursor.ts'
import { ChunkCache, PAGE_BYTES } from './chunk-cache.ts'
import { ScannedSource } from './scanned-source.ts'

/** A file of which each byte is known, in chunks of a length. */
class Loader implements ChunkSource {
  readonly path = 'file'
  readonly length: number
  reads = 0
  readonly #chunk: Uint8Array

  constructor(length: number, chunkLength: number) {
    this.length = length
    this.#chunk = new Uint8Array(chunkLength)
  }

  static byteAt(position: number): number {
    return Math.imul(position + 1, 0x9e3779b1) >>> 24
  }

  chunkAt(position: number): Chunk {
    this.reads++
    const start = position - (position % this.#chunk.length)
    const length = Math.min(this.#chunk.length, this.length - start)
    for (let i = 0; i < length; i++) this.#chunk[i] = Loader.byteAt(start + i)
    return { bytes: this.#chunk, offset: 0, length, position: start }
  }
}

const PAGES = 60

function fixture(aheadBytes: number, cachePages: number = 2 * PAGES) {
  const length = PAGES * PAGE_BYTES - 777
  const cache = new ChunkCache(cachePages * PAGE_BYTES)
  const loader = new Loader(length, PAGE_BYTES)
  const ahead: Loader[] = []
  const source = new ScannedSource(cache, 1, loader, () => {
    ahead.push(new Loader(length, aheadBytes))
    return ahead.at(-1)!
  })
  const check = (position: number): number => {
    const { bytes, offset, length, position: start } = source.chunkAt(position)
    expect(position - start).toBeLessThan(length)
    expect(bytes[offset + position - start]).toBe(Loader.byteAt(position))
    return start + length
  }
  const readAll = (): void => {
    for (let at = 0; at < length; ) at = check(at)
    source.release()
  }
  return { cache, source, loader, ahead, length, check, readAll }
}

test.each([
  4096,
  PAGE_BYTES,
  8 * PAGE_BYTES,
])('pages by %i bytes in any order are those of the file', (bytes) => {
  const random = new SimRandom(bytes)
  const { source, length, check, ahead } = fixture(bytes, 7)
  for (let i = 0; i < 300; i++) {
    let at = random.below(length)
    for (let pages = random.below(20); pages > 0 && at < length; pages--) at = check(at)
    if (random.chance(0.3)) source.release()
  }
  expect(ahead.length).toBeGreaterThan(0)
})

test.each([
  4096,
  PAGE_BYTES,
  8 * PAGE_BYTES,
])('a scan, read by %i bytes, brings few pages to the cache', (bytes) => {
  const { cache, loader, ahead, readAll } = fixture(bytes)
  readAll()
  expect(cache.entries).toBe(8)
  expect(loader.reads).toBe(8)
  expect(ahead).toHaveLength(1)
  expect(ahead[0]!.reads).toBe(Math.ceil(((PAGES - 8) * PAGE_BYTES) / bytes))
})

test('what is read again and again comes to the cache', () => {
  const { cache, readAll } = fixture(8 * PAGE_BYTES)
  for (let i = 0; i < PAGES; i++) readAll()
  expect(cache.entries).toBe(PAGES)
  const { misses } = cache
  readAll()
  expect(cache.misses).toBe(misses)
})

test('pages here and there, or backwards, go through the cache', () => {
  const { cache, ahead, check } = fixture(8 * PAGE_BYTES)
  for (let page = 0; page < PAGES; page += 2) check(page * PAGE_BYTES)
  for (let page = PAGES - 1; page > 0; page -= 2) check(page * PAGE_BYTES)
  expect(cache.entries).toBe(PAGES)
  expect(ahead).toHaveLength(0)
})

test('who looks back over the border of two pages is still scanning', () => {
  const { cache, ahead, check } = fixture(PAGE_BYTES)
  for (let page = 0; page + 1 < PAGES; page++) {
    check(page * PAGE_BYTES)
    check((page + 1) * PAGE_BYTES)
    check((page + 1) * PAGE_BYTES - 1)
  }
  expect(ahead).toHaveLength(1)
  expect(cache.entries).toBeLessThan(12)
})
