import fc from 'fast-check'
import { expect, it } from 'vitest'
import { SimClock, SimTimers } from '../../../test/sim/sim-clock.ts'
import { Expiring, TimerWheel } from './timer-wheel.ts'

const SLOT_MS = 8

class Entry extends Expiring {
  readonly onExpire: () => void

  constructor(deadlineMs: number, onExpire: () => void) {
    super(deadlineMs)
    this.onExpire = onExpire
  }

  expire(): void {
    this.onExpire()
  }
}

const steps = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({ do: fc.constant('add' as const), ms: fc.integer({ min: -50, max: 30_000 }) }),
    },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('remove' as const), ms: fc.nat() }) },
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 20_000 }) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant('sleep' as const), ms: fc.integer({ min: 0, max: 20_000 }) }),
    },
  ),
  { maxLength: 60 },
)

it('everything expires once, not early and not late, unless it was removed', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (list) => {
      const clock = new SimClock()
      const timers = new SimTimers(clock)
      const wheel = new TimerWheel(clock, timers)
      const live = new Map<number, Entry>()
      let serial = 0
      let isLate = false
      for (const step of list) {
        if (step.do === 'add') {
          const id = serial++
          const addedMs = clock.monotonicMs()
          const deadlineMs = addedMs + step.ms
          const entry = new Entry(deadlineMs, () => {
            expect(live.delete(id)).toBe(true)
            const now = clock.monotonicMs()
            expect(now).toBeGreaterThanOrEqual(deadlineMs)
            if (!isLate) expect(now - Math.max(deadlineMs, addedMs)).toBeLessThanOrEqual(2 * SLOT_MS)
          })
          live.set(id, entry)
          wheel.add(entry)
        } else if (step.do === 'remove') {
          const id = serial === 0 ? 0 : step.ms % serial
          const entry = live.get(id)
          if (entry === undefined) continue
          live.delete(id)
          wheel.remove(entry)
          wheel.remove(entry)
        } else if (step.do === 'wait') await timers.advance(step.ms)
        else {
          // The process stood still: timers run late.
          isLate = true
          clock.advance(step.ms)
        }
        expect(wheel.size).toBe(live.size)
      }
      await timers.advance(60_000)
      expect(live.size).toBe(0)
      expect(timers.pending).toBe(0)
    }),
    { numRuns: 150 },
  )
})

it('what expires may add and remove', async () => {
  const clock = new SimClock()
  const timers = new SimTimers(clock)
  const wheel = new TimerWheel(clock, timers)
  const seen: string[] = []
  const victim = new Entry(100, () => seen.push('victim'))
  wheel.add(
    new Entry(100, () => {
      seen.push('first')
      wheel.remove(victim)
      wheel.add(new Entry(clock.monotonicMs(), () => seen.push('again')))
    }),
  )
  wheel.add(victim)
  wheel.add(new Entry(100, () => seen.push('last')))
  await timers.advance(1000)
  expect(seen).toEqual(['first', 'last', 'again'])
})

it('all expires at the end', () => {
  const clock = new SimClock()
  const timers = new SimTimers(clock)
  const wheel = new TimerWheel(clock, timers)
  let count = 0
  for (let i = 0; i < 100; i++) wheel.add(new Entry(i * 777, () => count++))
  wheel.expireAll()
  expect([count, wheel.size, timers.pending]).toEqual([100, 0, 0])
})
