import { expect, test } from 'vitest'
import { SimRandom } from '../../../test/sim/sim-random.ts'
import type { Chunk, ChunkSource } from '../sstable/file-cursor.ts'
import { ChunkCache, PAGE_BYTES } from './chunk-cache.ts'

/** A file of which each byte is known, in chunks of a length; `reads` counts them. */
class Loader implements ChunkSource {
  readonly path = 'file'
  readonly length: number
  reads = 0
  isBroken = false
  readonly #chunkLength: number
  readonly #bytes: Uint8Array
  readonly #chunk: Uint8Array

  constructor(length: number, chunkLength: number, seed: number) {
    this.length = length
    this.#chunkLength = chunkLength
    this.#bytes = Uint8Array.from({ length }, (_, i) => (Math.imul(i + 1, 0x9e3779b1) >>> 24) ^ seed)
    this.#chunk = new Uint8Array(chunkLength + 3)
  }

  byteAt(position: number): number {
    return this.#bytes[position]!
  }

  chunkAt(position: number): Chunk {
    this.reads++
    if (this.isBroken) throw new Error('broken')
    const start = position - (position % this.#chunkLength)
    const length = Math.min(this.#chunkLength, this.length - start)
    // Somewhere in memory that the next call uses again.
    this.#chunk.set(this.#bytes.subarray(start, start + length), 3)
    return { bytes: this.#chunk, offset: 3, length, position: start }
  }
}

function byteOf({ bytes, offset, length, position }: Chunk, at: number): number {
  expect(at - position).toBeLessThan(length)
  return bytes[offset + at - position]!
}

test.each([4096, PAGE_BYTES, 65_536])('chunks of %i bytes are the bytes of their files', (chunkLength) => {
  const random = new SimRandom(chunkLength)
  const cache = new ChunkCache(7 * PAGE_BYTES)
  const loaders = Array.from({ length: 4 }, (_, i) => new Loader(200_001 + i * 777, chunkLength, i))
  // Three readers a file, each in a page of its own: more than there are pages.
  const readers = loaders.flatMap((loader, i) =>
    [0, 1, 2].map(() => ({ loader, source: cache.source(i, loader), chunk: null as Chunk | null })),
  )
  for (let i = 0; i < 2000; i++) {
    const reader = random.pick(readers)
    if (random.chance(0.2)) {
      reader.source.release()
      reader.chunk = null
    } else {
      const at = random.below(reader.loader.length)
      reader.chunk = reader.source.chunkAt(at)
      expect(byteOf(reader.chunk, at)).toBe(reader.loader.byteAt(at))
    }
    // Nobody's page was taken away by others.
    for (const { chunk, loader } of readers) {
      if (chunk === null) continue
      const at = chunk.position + random.below(chunk.length)
      expect(byteOf(chunk, at)).toBe(loader.byteAt(at))
    }
    expect(cache.sizeBytes).toBeLessThanOrEqual(cache.capacityBytes)
  }
  expect(cache.hits).toBeGreaterThan(100)
  expect(cache.requests).toBe(cache.hits + cache.misses)
})

test('what is asked for again stays when a scan comes by', () => {
  const cache = new ChunkCache(16 * PAGE_BYTES)
  const hot = new Loader(4 * PAGE_BYTES, PAGE_BYTES, 1)
  const hotSource = cache.source(1, hot)
  const long = new Loader(200 * PAGE_BYTES, PAGE_BYTES, 2)
  const scan = cache.source(2, long)
  for (let i = 0; i < 200; i++) {
    hotSource.chunkAt((i % 4) * PAGE_BYTES)
    scan.chunkAt(i * PAGE_BYTES)
  }
  expect(long.reads).toBe(200)
  expect(hot.reads).toBe(4)
})

test('a page that cannot be read leaves nothing behind', () => {
  const cache = new ChunkCache(PAGE_BYTES)
  const loader = new Loader(2 * PAGE_BYTES, PAGE_BYTES, 1)
  const source = cache.source(1, loader)
  loader.isBroken = true
  for (let i = 0; i < 3; i++) expect(() => source.chunkAt(0)).toThrow('broken')
  expect(cache.entries).toBe(0)
  loader.isBroken = false
  expect(byteOf(source.chunkAt(5), 5)).toBe(loader.byteAt(5))
  source.release()
  loader.isBroken = true
  expect(() => source.chunkAt(PAGE_BYTES)).toThrow('broken')
  loader.isBroken = false
  expect(byteOf(source.chunkAt(5), 5)).toBe(loader.byteAt(5))
})

test('pages of a file that is dropped are free for others', () => {
  const cache = new ChunkCache(8 * PAGE_BYTES)
  const loaders = [0, 1].map((seed) => new Loader(4 * PAGE_BYTES, PAGE_BYTES, seed))
  for (const [i, loader] of loaders.entries()) {
    const source = cache.source(i, loader)
    for (let page = 0; page < 4; page++) source.chunkAt(page * PAGE_BYTES)
    source.release()
  }
  expect(cache.entries).toBe(8)
  cache.drop(0)
  expect(cache.entries).toBe(4)
  const source = cache.source(1, loaders[1]!)
  for (let page = 0; page < 4; page++) source.chunkAt(page * PAGE_BYTES)
  expect(loaders[1]!.reads).toBe(4)
})

test('a cache of no bytes caches nothing, and reads all the same', () => {
  const cache = new ChunkCache(100)
  const loader = new Loader(PAGE_BYTES + 1, PAGE_BYTES, 1)
  const source = cache.source(1, loader)
  expect(byteOf(source.chunkAt(PAGE_BYTES), PAGE_BYTES)).toBe(loader.byteAt(PAGE_BYTES))
  expect(byteOf(source.chunkAt(7), 7)).toBe(loader.byteAt(7))
  expect(cache.entries).toBe(0)
})
