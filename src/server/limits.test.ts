import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { defaultConfig } from './config.ts'
import { QueueBackpressure, RateLimiter, ServerLimits } from './limits.ts'
import { checkCqlVersion, startupCompression } from './startup.ts'

describe('a queue that is too old', () => {
  it('holds up those that come the longer, the more they are; after a second in order it begins anew', () => {
    const backpressure = new QueueBackpressure(10, 35)
    const delays = (count: number, nowMs: number) =>
      Array.from({ length: count }, () => backpressure.mark(nowMs))
    expect(delays(10, 5)).toEqual(new Array(10).fill(10))
    expect(delays(10, 900)).toEqual(new Array(10).fill(20))
    expect(delays(10, 1_899)).toEqual(new Array(10).fill(30))
    expect(delays(15, 2_000)).toEqual(new Array(15).fill(35))
    expect(delays(2, 3_000)).toEqual([10, 10])
  })
})

describe('a rate limiter', () => {
  it('grants its rate and at most a second in advance, whenever it is asked', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1000 }),
        fc.array(fc.nat(50), { maxLength: 500 }),
        (rate, gaps) => {
          const limiter = new RateLimiter(rate, 0)
          let now = 0
          let granted = 0
          for (const gap of gaps) {
            now += gap
            if (limiter.tryReserve(now)) granted++
          }
          expect(granted).toBeLessThanOrEqual(Math.ceil((now / 1000) * rate) + rate + 1)
        },
      ),
    )
  })

  it('says how long the next permit takes', () => {
    const limiter = new RateLimiter(10, 5_000)
    expect(limiter.reserve(5_000)).toBe(0)
    expect(limiter.reserve(5_000)).toBeCloseTo(100)
    expect(limiter.reserve(5_000)).toBeCloseTo(200)
    expect(limiter.reserve(5_250)).toBeCloseTo(50)
    expect(limiter.tryReserve(5_300)).toBe(false)
    expect(limiter.tryReserve(5_400)).toBe(true)
  })
})

describe('the limits of a server', () => {
  it('count connections by address, and forget those that have left', () => {
    const limits = new ServerLimits({
      ...defaultConfig(),
      native_transport_max_concurrent_connections: 3,
      native_transport_max_concurrent_connections_per_ip: 2,
    })
    const first = limits.admit('a')
    expect(limits.admit('a')).toBe(first)
    expect(limits.admit('a')).toBeNull()
    expect(limits.admit('b')).not.toBeNull()
    expect(limits.admit('c')).toBeNull()
    if (first === null) throw new Error('not admitted')
    limits.leave(first)
    limits.leave(first)
    expect(limits.admit('c')).not.toBeNull()
    expect(limits.connections).toBe(2)
  })
})

describe('STARTUP', () => {
  it('must ask for CQL 3', () => {
    for (const version of ['3.0.0', '3.4.7', '9.9.9', '2.99.0', '3.0.0-beta1', '4.0.0.1']) {
      expect(() => checkCqlVersion(version), version).not.toThrow()
    }
    expect(() => checkCqlVersion('2.0.0')).toThrow(/CQL version 2.0.0 is not supported/)
    expect(() => checkCqlVersion('three')).toThrow('Invalid version value: three')
    expect(() => checkCqlVersion(undefined)).toThrow('Missing value CQL_VERSION in STARTUP message')
  })

  it('may ask for a compression that the version has', () => {
    expect(startupCompression('LZ4', 5)).toBe('lz4')
    expect(startupCompression('snappy', 4)).toBe('snappy')
    expect(startupCompression(undefined, 4)).toBeNull()
    expect(() => startupCompression('snappy', 5)).toThrow(
      'Snappy compression is not supported in protocol V5',
    )
    expect(() => startupCompression('zstd', 4)).toThrow('Unknown compression algorithm: zstd')
  })
})
