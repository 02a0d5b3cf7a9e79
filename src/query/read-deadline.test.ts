import { describe, expect, it } from 'vitest'
import { ConsistencyLevel, CqlError } from '../common/errors.ts'
import type { BoundSelect } from '../cql/select/index.ts'
import { DEFAULT_QUERY_CONFIG } from './query-config.ts'
import { ReadDeadline, type ReadTimeouts } from './read-deadline.ts'

function outcome(
  pager: BoundSelect['pager'],
  nowMs: number,
  timeouts: Partial<ReadTimeouts> = {},
  isGrouped = false,
): string | null {
  const bound = {
    pager,
    prepared: { selection: { groups: isGrouped ? {} : null } },
  } as unknown as BoundSelect
  const deadline = new ReadDeadline(bound, { ...DEFAULT_QUERY_CONFIG, ...timeouts }, 1_000, 3_000)
  try {
    deadline.check(nowMs, ConsistencyLevel.ONE, '127.0.0.1')
    return null
  } catch (error) {
    return error instanceof CqlError ? `${error.code.toString(16)} ${error.message}` : String(error)
  }
}

const TIMEOUT = '1200 Operation timed out - received only 0 responses.'
const FAILURE = '1300 Operation failed - received 0 responses and 1 failures: UNKNOWN from /127.0.0.1:7000'

/** Received at 1 s, begun at 3 s. */
describe('a read is given up', () => {
  it('read_request_timeout after it began', () => {
    expect(outcome('single', 8_000)).toBeNull()
    expect(outcome('single', 8_001)).toBe(TIMEOUT)
    expect(outcome('multi', 8_001)).toBe(TIMEOUT)
    expect(outcome('single', 3_101, { read_request_timeout_ms: 100 })).toBe(TIMEOUT)
  })

  it('after it was received, with cql_start_time: QUEUE', () => {
    expect(outcome('single', 6_000, { cql_start_time: 'QUEUE' })).toBeNull()
    expect(outcome('single', 6_001, { cql_start_time: 'QUEUE' })).toBe(TIMEOUT)
  })

  it('of a range by whoever reads it, or by whoever asked for it when that has less patience', () => {
    expect(outcome('range', 8_001)).toBe(FAILURE)
    expect(outcome('range', 8_001, {}, true)).toBe(TIMEOUT)
    expect(outcome('range', 4_001, { range_request_timeout_ms: 1_000 })).toBe(TIMEOUT)
  })

  it('when nobody waits for it any more', () => {
    expect(outcome('single', 4_001, { native_transport_timeout_ms: 3_000 })).toBe(TIMEOUT)
    expect(outcome('range', 4_001, { native_transport_timeout_ms: 3_000 })).toBe(TIMEOUT)
    expect(outcome('single', 4_000, { native_transport_timeout_ms: 3_000 })).toBeNull()
  })
})
