import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ByteQueue } from './byte-queue.ts'

describe('a byte queue', () => {
  it('gives the bytes that were pushed, in units of any size, however they were cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 40 }),
        fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 80 }),
        fc.infiniteStream(fc.boolean()),
        (chunks, units, more) => {
          const queue = new ByteQueue()
          const got: Buffer[] = []
          const waiting = [...chunks]
          for (const unit of units) {
            while (!queue.require(unit)) {
              const chunk = waiting.shift()
              if (chunk === undefined) break
              queue.push(Buffer.from(chunk))
            }
            // Sometimes more has come than is needed.
            if (more.next().value === true && waiting.length > 0)
              queue.push(Buffer.from(waiting.shift() as Uint8Array))
            if (!queue.require(unit)) break
            got.push(Buffer.from(queue.buffer.subarray(queue.position, queue.position + unit)))
            queue.skip(unit)
          }
          for (const chunk of waiting) queue.push(Buffer.from(chunk))
          const { size } = queue
          expect(queue.require(size)).toBe(true)
          got.push(Buffer.from(queue.buffer.subarray(queue.position, queue.position + size)))
          expect(Buffer.concat(got).equals(Buffer.concat(chunks))).toBe(true)
        },
      ),
    )
  })

  it('does not give back memory that a reader still looks at', () => {
    const queue = new ByteQueue()
    queue.push(Buffer.from([1, 2, 3]))
    expect(queue.require(5)).toBe(false)
    queue.push(Buffer.from([4, 5, 6, 7]))
    expect(queue.require(5)).toBe(true)
    const seen = queue.buffer.subarray(queue.position, queue.position + 5)
    queue.skip(5)
    expect(queue.require(3)).toBe(false)
    queue.push(Buffer.from([8, 9]))
    expect(queue.require(4)).toBe(true)
    expect([...seen]).toEqual([1, 2, 3, 4, 5])
  })

  it('keeps as much as has come, not as a header claims', () => {
    const queue = new ByteQueue()
    for (let i = 0; i < 1000; i++) {
      queue.push(Buffer.from([i]))
      expect(queue.require(1 << 24)).toBe(false)
    }
    expect(queue.buffer.length).toBeLessThan(4096)
    expect(queue.size).toBe(1000)
  })

  it('discards what it has and says how much', () => {
    const queue = new ByteQueue()
    queue.push(Buffer.alloc(10))
    queue.push(Buffer.alloc(10))
    expect(queue.discard(15)).toBe(15)
    expect(queue.discard(15)).toBe(5)
    expect(queue.size).toBe(0)
  })
})
