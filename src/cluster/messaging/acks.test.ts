import { expect, it } from 'vitest'
import { SimClock, SimTimers } from '../../../test/sim/sim-clock.ts'
import { AckReader, encodeAck } from './acks.ts'

function reader(): { clock: SimClock; timers: SimTimers; acks: AckReader; timeouts: number[] } {
  const clock = new SimClock()
  const timers = new SimTimers(clock)
  const timeouts: number[] = []
  const acks = new AckReader(clock, timers, 1000, () => timeouts.push(clock.monotonicMs()))
  return { clock, timers, acks, timeouts }
}

it('a connection that acknowledges lives, one that stops does not', async () => {
  const { clock, timers, acks, timeouts } = reader()
  for (let frames = 1; frames <= 10; frames++) {
    acks.written(frames, clock.monotonicMs())
    await timers.advance(600)
    const [first, rest] = [encodeAck(frames).subarray(0, 3), encodeAck(frames).subarray(3)]
    expect(acks.received(first, clock.monotonicMs())).toBeNull()
    expect(acks.received(rest, clock.monotonicMs())).toBeNull()
  }
  expect(timeouts).toEqual([])
  await timers.advance(10_000)
  expect(timeouts).toEqual([])
  acks.written(11, clock.monotonicMs())
  await timers.advance(5000)
  expect(timeouts).toEqual([17_000])
})

it('what is no acknowledgement of what was sent is refused', () => {
  const { acks } = reader()
  acks.written(3, 0)
  expect(acks.received(encodeAck(2), 1)).toBeNull()
  expect(acks.received(encodeAck(4), 2)).toBe('frames were acknowledged that were not sent')
  for (let bit = 0; bit < 64; bit++) {
    const bytes = encodeAck(3)
    bytes[bit >>> 3]! ^= 1 << (bit & 7)
    expect(reader().acks.received(bytes, 0)).toBe('an acknowledgement does not match its checksum')
  }
})
