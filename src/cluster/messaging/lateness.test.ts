import { expect, it } from 'vitest'
import { Lateness } from './lateness.ts'

it('finds what was under way for longer than usual, whatever the clocks say', () => {
  for (const offset of [0, 5_000_000, -3_000_000, 0x7fffff00, 0xfffffff0]) {
    const lateness = new Lateness()
    const at = (sentMs: number, wayMs: number): number =>
      lateness.of(((sentMs + offset) % 0x1_0000_0000) | 0, sentMs + wayMs)
    expect(at(1000, 5)).toBe(0)
    expect(at(1100, 5)).toBe(0)
    expect(at(1200, 505)).toBe(500)
    expect(at(1300, 405)).toBe(400)
    expect(at(1800, 2)).toBe(0)
    expect(at(1900, 102)).toBe(100)
  }
})

it('takes a route that has become longer for granted, in time', () => {
  const lateness = new Lateness()
  lateness.of(0, 1)
  expect(lateness.of(1000, 1101)).toBeGreaterThan(95)
  for (let sent = 2000; sent < 200_000; sent += 1000) lateness.of(sent, sent + 101)
  expect(lateness.of(200_000, 200_101)).toBe(0)
})
