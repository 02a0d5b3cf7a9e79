import { expect, test } from 'vitest'
import { KeyCache } from './key-cache.ts'

test('what is found is what was put last, and no more is kept than fits', () => {
  const cache = new KeyCache(99 * 8)
  const put = new Map<string, readonly [number, number]>()
  let found = 0
  for (let i = 0; i < 20_000; i++) {
    const sstable = 1 + (i % 3)
    const hi = Math.imul(i % 97, 0x9e3779b1)
    const lo = Math.imul(1 + (i % 97) * 5 + (i % 5), 0x85ebca77)
    const name = `${sstable} ${lo}`
    if (cache.find(sstable, hi, lo)) {
      found++
      expect([cache.position, cache.indexPosition]).toEqual(put.get(name))
    } else {
      cache.put(sstable, hi, lo, i * 5e9, i % 2 === 0 ? -1 : i)
      put.set(name, [i * 5e9, i % 2 === 0 ? -1 : i])
    }
    expect(cache.sizeBytes).toBeLessThanOrEqual(cache.capacityBytes)
  }
  expect(cache.capacityBytes).toBe(99 * 8)
  expect(cache.hits).toBe(found)
  expect(cache.requests).toBe(20_000)
})

test('what is looked for again stays when many others come', () => {
  const cache = new KeyCache(99 * 16)
  for (let i = 0; i < 10_000; i++) {
    for (let hot = 0; hot < 8; hot++) if (!cache.find(1, hot, hot)) cache.put(1, hot, hot, hot, -1)
    cache.put(2, i, i, i, -1)
  }
  expect(cache.misses).toBeLessThan(100)
})

test('a cache of no bytes keeps nothing', () => {
  const cache = new KeyCache(0)
  cache.put(1, 2, 3, 4, 5)
  expect(cache.find(1, 2, 3)).toBe(false)
})

test('positions of 40 bits, and of sets beside each other', () => {
  const cache = new KeyCache(99 * 4)
  const positions = [0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0x1_0000_0000, 0xff_ffff_ffff]
  positions.forEach((position, i) => {
    cache.put(1, -i, i, position, positions.at(-1 - i)!)
  })
  positions.forEach((position, i) => {
    expect(cache.find(1, -i, i)).toBe(true)
    expect([cache.position, cache.indexPosition]).toEqual([position, positions.at(-1 - i)!])
  })
  // What is not there to be kept is not found wrongly.
  cache.put(1, 9, 9, 0x100_0000_0000, -1)
  cache.put(1, 8, 8, 0, 0x100_0000_0000)
  expect([cache.find(1, 9, 9), cache.find(1, 8, 8)]).toEqual([false, false])
})

test('who has the same lower half of a token may be found instead, at a position of the same SSTable', () => {
  const cache = new KeyCache(99)
  cache.put(1, 1, 7, 100, -1)
  expect([cache.find(1, 2, 7), cache.position]).toEqual([true, 100])
  expect(cache.find(2, 1, 7)).toBe(false)
  // What was noted last is found; the position in Index.db is none of Data.db.
  cache.put(1, 2, 7, 200, 20)
  expect([cache.find(1, 1, 7), cache.position, cache.indexPosition]).toEqual([true, 200, 20])
})
