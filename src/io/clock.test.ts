import { expect, test } from 'vitest'
import { SimClock } from '../../test/sim/sim-clock.ts'
import { TimestampSource } from './clock.ts'
import { nodeClock } from './node-clock.ts'

test('timestamps strictly increase though the clock stands still or goes back', () => {
  const clock = new SimClock()
  const source = new TimestampSource(clock)
  const first = source.nextMicros()
  expect(first).toBe(clock.nowMicros())
  expect(source.nextMicros()).toBe(first + 1)
  clock.jump(-60_000)
  expect(source.nextMicros()).toBe(first + 2)
  clock.jump(120_000)
  expect(source.nextMicros()).toBe(clock.nowMicros())
  source.advanceTo(clock.nowMicros() + 500)
  expect(source.nextMicros()).toBe(clock.nowMicros() + 501)
})

test('the two halves are those of the 64-bit number', () => {
  const clock = new SimClock()
  const halves = new Int32Array(3)
  for (const micros of [0x1_0000_0000 * 5 - 1, 0x1_0000_0000 * 5, 0x1_8000_0000, 1_767_225_600_000_000, 1]) {
    const source = new TimestampSource({
      ...clock,
      nowMicros: () => micros,
      nowMs: () => 0,
      monotonicMs: () => 0,
    })
    source.next(halves, 1)
    expect((BigInt(halves[1]) << 32n) | BigInt(halves[2] >>> 0)).toBe(BigInt(micros))
  }
})

test("the machine's clock gives integers and does not go back", () => {
  expect(Number.isSafeInteger(nodeClock.nowMicros())).toBe(true)
  const before = nodeClock.monotonicMs()
  expect(nodeClock.monotonicMs()).toBeGreaterThanOrEqual(before)
})
