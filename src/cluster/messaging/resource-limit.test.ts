import fc from 'fast-check'
import { expect, it } from 'vitest'
import { QueueCapacity, ResourceLimit } from './resource-limit.ts'

it('queues take their own bytes first, and loans are within what is shared', () => {
  const step = fc.record({
    queue: fc.integer({ min: 0, max: 3 }),
    bytes: fc.integer({ min: 1, max: 60 }),
    mayBorrow: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.array(fc.nat()), (steps, order) => {
      const own = 50
      const global = new ResourceLimit(120)
      const endpoints = [new ResourceLimit(80), new ResourceLimit(80)]
      const queues = [0, 1, 2, 3].map((i) => new QueueCapacity(own, endpoints[i >> 1]!, global))
      const held: { queue: number; bytes: number }[] = []
      const loans = (some: readonly QueueCapacity[]): number =>
        some.reduce((sum, { using }) => sum + Math.max(0, using - own), 0)
      steps.forEach(({ queue, bytes, mayBorrow }, i) => {
        const before = [loans(queues), loans([queues[queue]!])] as const
        const more = Math.max(0, queues[queue]!.using + bytes - own) - before[1]
        const pair = queues.slice(queue & 2, (queue & 2) + 2)
        const fits = more <= 0 || (mayBorrow && loans(pair) + more <= 80 && before[0] + more <= 120)
        expect(queues[queue]!.acquire(bytes, mayBorrow)).toBe(fits)
        if (fits) held.push({ queue, bytes })
        if (i % 3 === 2 && held.length > 0) {
          const [gone] = held.splice((order[i % Math.max(1, order.length)] ?? 0) % held.length, 1)
          queues[gone!.queue]!.release(gone!.bytes)
        }
        expect(global.using).toBe(loans(queues))
        expect(endpoints.map(({ using }) => using)).toEqual([
          loans(queues.slice(0, 2)),
          loans(queues.slice(2)),
        ])
      })
      for (const { queue, bytes } of held) queues[queue]!.release(bytes)
      expect([global.using, ...queues.map(({ using }) => using)]).toEqual([0, 0, 0, 0, 0])
    }),
  )
})
