import { expect, test } from 'vitest'
import type { Chunk, ChunkSource } from '../sstable/file-cursor.ts'
import { ChunkCache, PAGE_BYTES } from './chunk-cache.ts'
import { type CachedFile, warmUp } from './warm-up.ts'

/** A file of so many pages, each filled with its number. */
class File implements CachedFile {
  readonly number: number
  readonly loader: ChunkSource
  reads = 0
  /** From this page on it cannot be read. */
  brokenFrom = Number.POSITIVE_INFINITY

  constructor(number: number, pages: number) {
    this.number = number
    this.loader = {
      path: `file ${number}`,
      length: (pages - 1) * PAGE_BYTES + 5,
      chunkAt: (position) => this.#chunkAt(position),
    }
  }

  #chunkAt(position: number): Chunk {
    this.reads++
    const page = Math.floor(position / PAGE_BYTES)
    if (page >= this.brokenFrom) throw new Error('EIO')
    const length = Math.min(PAGE_BYTES, this.loader.length - page * PAGE_BYTES)
    return { bytes: new Uint8Array(length).fill(page), offset: 0, length, position: page * PAGE_BYTES }
  }
}

/** The pages of a file that reads have asked for. */
function read(cache: ChunkCache, file: File, pages: readonly number[]): void {
  const source = cache.source(file.number, file.loader)
  for (const page of pages) expect(source.chunkAt(page * PAGE_BYTES).bytes.length).toBeGreaterThan(0)
  source.release()
}

/** Turns of the event loop that were waited for; after `last` of them it is to end. */
function turns(last: number = Number.POSITIVE_INFINITY) {
  const counted = { turns: 0 }
  const timers = {
    setImmediate(callback: () => void) {
      counted.turns++
      queueMicrotask(callback)
    },
  }
  return { counted, timers: timers as never, goesOn: () => counted.turns < last }
}

test('what takes the place of files that were in the cache comes there, a page a turn', async () => {
  const cache = new ChunkCache(64 * PAGE_BYTES)
  const before = [new File(1, 4), new File(2, 4)]
  const after = [new File(3, 6), new File(4, 1)]
  read(cache, before[0]!, [0, 1, 2, 3])
  const { misses, hits } = cache
  const { counted, timers, goesOn } = turns()
  await warmUp(cache, before, after, timers, goesOn)
  expect(counted.turns).toBe(7)
  expect(after.map(({ reads }) => reads)).toEqual([6, 1])
  // It is nobody's miss.
  expect(cache.misses).toBe(misses)
  read(cache, after[0]!, [5, 0, 3])
  expect([cache.misses, cache.hits]).toEqual([misses, hits + 3])
  expect(after[0]!.reads).toBe(6)
})

test('what nobody read stays where it is', async () => {
  const cache = new ChunkCache(64 * PAGE_BYTES)
  const before = [new File(1, 10), new File(2, 10)]
  const after = [new File(3, 18)]
  read(cache, before[0]!, [0, 1])
  const { timers, goesOn } = turns()
  await warmUp(cache, before, after, timers, goesOn)
  expect(after[0]!.reads).toBe(0)
})

test('nothing has to go for it', async () => {
  const cache = new ChunkCache(10 * PAGE_BYTES)
  const before = [new File(1, 6)]
  read(cache, before[0]!, [0, 1, 2, 3, 4, 5])
  for (const [pages, reads] of [
    [5, 0],
    [4, 4],
  ] as const) {
    const after = [new File(pages, pages)]
    const { timers, goesOn } = turns()
    await warmUp(cache, before, after, timers, goesOn)
    expect(after[0]!.reads).toBe(reads)
  }
  const { misses } = cache
  read(cache, before[0]!, [0, 1, 2, 3, 4, 5])
  expect(cache.misses).toBe(misses)
})

test('it ends when it is told to, and leaves a broken file to the reads', async () => {
  const cache = new ChunkCache(64 * PAGE_BYTES)
  const before = [new File(1, 4)]
  read(cache, before[0]!, [0, 1, 2, 3])
  const stopped = new File(2, 8)
  const { timers, goesOn } = turns(4)
  await warmUp(cache, before, [stopped], timers, goesOn)
  expect(stopped.reads).toBe(3)
  const broken = new File(3, 8)
  broken.brokenFrom = 2
  const others = turns()
  await warmUp(cache, before, [broken], others.timers, others.goesOn)
  expect(broken.reads).toBe(3)
  expect(() => read(cache, broken, [2])).toThrow('EIO')
})
