import { expect, it } from 'vitest'
import { ArrivalWindow, FailureDetector, failureDetectorSettings } from './failure-detector.ts'

const settings = failureDetectorSettings(1000)

it('learns a mean of intervals, from the initial one on', () => {
  const window = new ArrivalWindow(settings)
  window.add(10_000)
  expect(window.mean).toBe(2000)
  window.add(11_000)
  expect(window.mean).toBe(1500)
  // Longer than the greatest interval: not learned, but it was heard.
  window.add(20_000)
  expect(window.mean).toBe(1500)
  expect(window.phi(23_000)).toBe(2)
})

it('forgets intervals beyond the sample', () => {
  const window = new ArrivalWindow({ ...settings, sampleSize: 3 })
  for (let i = 0; i <= 3; i++) window.add(1000 * i + 1)
  expect(window.mean).toBe(1000)
})

it('convicts after 8 ln 10 mean intervals', () => {
  const detector = new FailureDetector(settings, 0)
  let now = 0
  for (; now <= 1_000_000; now += 1000) {
    detector.report('a', now)
    expect(detector.interpret('a', now)).toBe('fine')
  }
  const last = now - 1000
  let silence = 0
  while (detector.interpret('a', last + silence) === 'fine') silence += 100
  // The mean is a little over a second, for the initial two seconds.
  expect(silence).toBeGreaterThan(8 * Math.log(10) * 1000)
  expect(silence).toBeLessThan(8 * Math.log(10) * 1000 + 200)
  expect(detector.phi('a', last + silence)!).toBeGreaterThan(8)
  detector.remove('a')
  expect(detector.interpret('a', last + silence)).toBe('unknown')
})

it('judges nobody after a pause of its own', () => {
  const detector = new FailureDetector(settings, 0)
  for (let now = 0; now <= 20_000; now += 1000) {
    detector.report('a', now)
    detector.report('b', now)
    detector.interpret('a', now)
    detector.interpret('b', now)
  }
  const awake = 80_000
  expect(detector.interpret('a', awake)).toBe('paused now')
  expect(detector.lastPauseLengthMs).toBe(60_000)
  expect(detector.interpret('b', awake)).toBe('paused')
  for (let now = awake + 1000; now < awake + 5000; now += 1000)
    expect(detector.interpret('a', now)).toBe('paused')
  expect(detector.interpret('a', awake + 5000)).toBe('convicted')
})

it('a mean that is shorter than the least one counts as that', () => {
  const detector = new FailureDetector(
    { ...failureDetectorSettings(1000), initialIntervalMs: 20, leastMeanMs: 250 },
    0,
  )
  let now = 0
  for (let i = 0; i < 100; i++) detector.report('a', (now += 20))
  const verdictAfter = (silence: number) => {
    // Asked often, or the silence would be one of its own.
    for (let at = now; at < now + silence; at += 100) detector.interpret('a', at)
    return detector.interpret('a', now + silence)
  }
  expect(verdictAfter(4500)).toBe('fine')
  expect(verdictAfter(4700)).toBe('convicted')
})
