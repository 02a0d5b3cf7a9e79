import { describe, expect, it } from 'vitest'
import type { TableMetadata } from '../../model/table.ts'
import { type LatencyQuantile, SpeculationThresholds, speculationPolicy } from './speculation.ts'

function table(speculativeRetry: string, additionalWritePolicy = '99p'): TableMetadata {
  return { params: { speculativeRetry, additionalWritePolicy } } as TableMetadata
}

describe('speculationPolicy', () => {
  it('reads what the schema has', () => {
    expect(speculationPolicy('NEVER').kind).toBe('NEVER')
    expect(speculationPolicy('ALWAYS').kind).toBe('ALWAYS')
    expect(speculationPolicy('99.5p')).toEqual({ kind: 'LATE', share: 0.995, fixedMs: null, pick: null })
    expect(speculationPolicy('50ms')).toEqual({ kind: 'LATE', share: null, fixedMs: 50, pick: null })
    expect(speculationPolicy('MIN(99p,50ms)')).toEqual({
      kind: 'LATE',
      share: 0.99,
      fixedMs: 50,
      pick: 'MIN',
    })
  })
})

describe('SpeculationThresholds', () => {
  const measured: LatencyQuantile = (_table, kind, share) => (kind === 'read' ? share * 10_000 : 0)

  it('are half of the timeout until something is measured', () => {
    const none = new SpeculationThresholds('read', 5000, 5000, () => () => 0)
    expect(none.delayMs(table('99p'), 0)).toBe(2500)
    expect(none.delayMs(table('MAX(99p,50ms)'), 0)).toBe(2500)
    expect(none.delayMs(table('50ms'), 0)).toBe(50)
    expect(none.delayMs(table('ALWAYS'), 0)).toBe(0)
    expect(none.delayMs(table('NEVER'), 0)).toBe(Number.POSITIVE_INFINITY)
  })

  it('follow what is measured, once in an interval', () => {
    let latencies: LatencyQuantile = () => 0
    const thresholds = new SpeculationThresholds('read', 5000, 1000, () => latencies)
    const late = table('50p')
    expect(thresholds.delayMs(late, 0)).toBe(2500)
    latencies = measured
    expect(thresholds.delayMs(late, 900)).toBe(2500)
    expect(thresholds.delayMs(late, 1001)).toBe(5)
    latencies = () => 0
    expect(thresholds.delayMs(late, 5000)).toBe(5)
  })

  it('take the lesser or the greater of two', () => {
    const thresholds = new SpeculationThresholds('read', 5000, 1000, () => measured)
    expect(thresholds.delayMs(table('MIN(90p,5ms)'), 0)).toBe(5)
    expect(thresholds.delayMs(table('MAX(90p,5ms)'), 0)).toBe(9)
  })

  it('of writes go by the other policy', () => {
    const thresholds = new SpeculationThresholds('write', 2000, 1000, () => measured)
    expect(thresholds.delayMs(table('50ms', '70ms'), 0)).toBe(70)
    expect(thresholds.delayMs(table('50ms', '99p'), 0)).toBe(1000)
  })
})
