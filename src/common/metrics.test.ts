import { describe, expect, it } from 'vitest'
import { bucketOffsets, DecayingHistogram, LatencyTimer } from './metrics.ts'

const START = 1_700_000_000_000
const MINUTE = 60_000

describe('a decaying histogram', () => {
  it('has the buckets of Cassandra', () => {
    expect([...bucketOffsets(20)]).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 17, 20, 24, 29, 35, 42, 50, 60, 72,
    ])
  })

  it('says nothing of no values', () => {
    const snapshot = new DecayingHistogram().snapshot(START)
    expect([snapshot.max, snapshot.quantile(0.5), snapshot.quantile(0.99)]).toEqual([0, 0, 0])
  })

  it('gives the upper end of the bucket that has the value of a rank', () => {
    const histogram = new DecayingHistogram()
    for (const value of [0, 3, 9, 9, 9, 9, 9, 9, 70, 5000]) histogram.update(value, START)
    const snapshot = histogram.snapshot(START)
    expect(histogram.count).toBe(10)
    expect(snapshot.quantile(0.1)).toBe(1)
    expect(snapshot.quantile(0.5)).toBe(10)
    expect(snapshot.quantile(0.9)).toBe(72)
    expect(snapshot.max).toBe(bucketOffsets(164).find((offset) => offset >= 5000))
  })

  it('agrees with a count of all values, for large ones too', () => {
    const offsets = bucketOffsets(164)
    const histogram = new DecayingHistogram()
    for (let value = 1; value < 1e13; value = Math.ceil(value * 1.37)) {
      const own = new DecayingHistogram()
      own.update(value, START)
      histogram.update(value, START)
      const bucket = own.snapshot(START).max
      expect(bucket).toBe(offsets.find((offset) => offset >= value))
    }
  })

  it('halves the weight of a value each minute', () => {
    const histogram = new DecayingHistogram()
    histogram.update(10, START, 100)
    histogram.update(1000, START + 3 * MINUTE, 14)
    expect(histogram.snapshot(START + 3 * MINUTE).quantile(0.5)).toBe(1109)
  })

  it('forgets in the end, over landmarks, and when the clock jumps', () => {
    const histogram = new DecayingHistogram()
    histogram.update(10, START, 1000)
    expect(histogram.snapshot(START + 31 * MINUTE).max).toBe(0)
    histogram.update(20, START + 1e12)
    expect(histogram.snapshot(START + 1e12).quantile(0.5)).toBe(20)
    histogram.update(30, START)
    expect(histogram.snapshot(START + 1e12).max).toBe(35)
  })
})

describe('a timer', () => {
  it('times each of few requests and one in sixty-one of many', () => {
    const timer = new LatencyTimer()
    const weights = Array.from({ length: 100 + 610 }, () => timer.mark(1, START))
    expect(weights.slice(0, 100)).toEqual(Array(100).fill(1))
    expect(weights.slice(100).filter((weight) => weight > 0)).toEqual(Array(10).fill(61))
    expect(timer.count).toBe(710)
    expect(timer.mark(1, START + 6000)).toBe(1)
  })

  it('takes milliseconds in as microseconds', () => {
    const timer = new LatencyTimer()
    timer.update(0.0349, START, 1)
    expect(timer.snapshot(START).max).toBe(35)
  })

  it('has the rate of five minutes', () => {
    const timer = new LatencyTimer()
    timer.mark(1, START)
    expect(timer.fiveMinuteRate(START)).toBe(0)
    for (let second = 1; second <= 60; second++) timer.mark(100, START + second * 1000)
    expect(timer.fiveMinuteRate(START + 60_001)).toBeCloseTo(100, -1)
    expect(timer.fiveMinuteRate(START + 60_001 + 5 * MINUTE)).toBeCloseTo(100 / Math.E, -1)
  })

  it('counts the requests of another', () => {
    const coordinator = new LatencyTimer()
    const local = new LatencyTimer(coordinator)
    coordinator.mark(5, START)
    local.add(2, START)
    expect([coordinator.count, local.count]).toEqual([5, 7])
  })
})
