import { expect, test } from 'vitest'
import { SlabAllocator } from './slab-allocator.ts'

function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0
    return (state >>> 0) / 4294967296
  }
}

interface Block {
  readonly pointer: number
  readonly bytes: number
  readonly mark: number
}

/** Fills a block with its mark, and finds it whole later: blocks that overlapped would write over each other. */
function fill(slabs: SlabAllocator, block: Block): void {
  const at = SlabAllocator.wordOf(block.pointer) << 2
  slabs.bytes[SlabAllocator.slabOf(block.pointer)]!.fill(block.mark, at, at + block.bytes)
}

function isWhole(slabs: SlabAllocator, block: Block): boolean {
  const at = SlabAllocator.wordOf(block.pointer) << 2
  const bytes = slabs.bytes[SlabAllocator.slabOf(block.pointer)]!
  if (at + block.bytes > bytes.length) return false
  const end = at + block.bytes
  // Ends whole, the middle at every eighth byte: a foreign block would begin there.
  for (let i = at; i < end; i += i < at + 64 || i >= end - 64 ? 1 : 8)
    if (bytes[i] !== block.mark) return false
  return true
}

const SIZES: readonly (readonly [name: string, steps: number, size: (next: () => number) => number])[] = [
  ['small', 3000, (next) => 4 + Math.floor(next() * 200)],
  ['around the classes', 3000, (next) => 2 ** (6 + Math.floor(next() * 8)) + Math.floor(next() * 9) - 4],
  ['large', 300, (next) => Math.floor(next() * 400_000) + 1],
  [
    'over a stride',
    300,
    (next) => (next() < 0.9 ? 4 + Math.floor(next() * 3000) : (1 << 20) + Math.floor(next() * 900_000)),
  ],
]

test.each(
  SIZES,
)('blocks of sizes %s never overlap, and every byte is accounted for', (_name, steps, size) => {
  for (let seed = 1; seed <= 4; seed++) {
    const next = random(seed)
    let reserved = 0
    const slabs = new SlabAllocator((bytes) => {
      reserved += bytes
    })
    const blocks: Block[] = []
    for (let step = 0; step < steps; step++) {
      if (blocks.length > 0 && next() < 0.45) {
        const index = Math.floor(next() * blocks.length)
        const block = blocks[index]!
        blocks[index] = blocks[blocks.length - 1]!
        blocks.pop()
        expect(isWhole(slabs, block)).toBe(true)
        slabs.free(block.pointer, block.bytes)
      } else {
        const bytes = size(next)
        const pointer = slabs.allocate(bytes)
        expect(pointer).not.toBe(0)
        const block = { pointer, bytes, mark: 1 + (step % 255) }
        fill(slabs, block)
        blocks.push(block)
      }
    }
    for (const block of blocks) expect(isWhole(slabs, block)).toBe(true)
    expect(reserved).toBe(slabs.reservedBytes)
    expect(slabs.reservedBytes).toBe(slabs.bytes.reduce((sum, bytes) => sum + bytes.length, 0))
    expect(slabs.usedBytes).toBeLessThanOrEqual(slabs.reservedBytes)
    for (const block of blocks) slabs.free(block.pointer, block.bytes)
    expect(slabs.usedBytes).toBe(0)
    slabs.clear()
    expect(reserved).toBe(0)
  }
})

test('blocks of one class are given out again, so that a steady set of blocks reserves no more', () => {
  const next = random(9)
  const slabs = new SlabAllocator()
  const blocks = Array.from({ length: 100 }, () => ({ pointer: slabs.allocate(100), bytes: 100 }))
  const sizes = [100, 300, 600, 1000]
  for (const bytes of sizes) slabs.free(slabs.allocate(bytes), bytes)
  let after = 0
  for (let step = 0; step < 50_000; step++) {
    const index = Math.floor(next() * blocks.length)
    slabs.free(blocks[index]!.pointer, blocks[index]!.bytes)
    const bytes = sizes[Math.floor(next() * sizes.length)]!
    blocks[index] = { pointer: slabs.allocate(bytes), bytes }
    if (step === 10_000) after = slabs.reservedBytes
  }
  expect(slabs.reservedBytes).toBeLessThanOrEqual(after * 2)
})

test('the size classes are as large as what is put in them, within an eighth', () => {
  const slabs = new SlabAllocator()
  for (let bytes = 1; bytes < 70_000; bytes += bytes < 1100 ? 1 : 37) {
    const before = slabs.usedBytes
    const pointer = slabs.allocate(bytes)
    const taken = slabs.usedBytes - before
    expect(taken).toBeGreaterThanOrEqual(bytes)
    expect(taken).toBeLessThanOrEqual(Math.max(bytes + 7, bytes * 1.13))
    expect(taken % 8).toBe(0)
    expect(SlabAllocator.sameClass(bytes, taken)).toBe(true)
    slabs.free(pointer, bytes)
  }
})
