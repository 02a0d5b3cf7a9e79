import { describe, expect, it } from 'vitest'
import { ConsistencyLevel } from '../../common/errors.ts'
import { endpoint } from '../endpoint.ts'
import { RequestFailureReason } from '../messaging/failure-reason.ts'
import type { RingNode } from '../ring/ring.ts'
import { readError } from './level-failure.ts'
import { ReadCallback } from './read-callback.ts'

const NODES = [1, 2, 3].map(
  (n): RingNode => ({
    hostId: `host${n}`,
    endpoint: endpoint(`127.0.0.${n}`)!,
    dataCenter: 'dc1',
    rack: 'rack1',
  }),
)
const { UNKNOWN, TIMEOUT, READ_TOO_MANY_TOMBSTONES } = RequestFailureReason
const DONE = { kind: 'done' }

describe('ReadCallback', () => {
  it('is done with enough answers, of which one is data', () => {
    const callback = new ReadCallback(2, 2)
    expect(callback.onResponse(NODES[1]!, true)).toBeNull()
    expect(callback.dataPresent).toBe(false)
    expect(callback.onResponse(NODES[0]!, false)).toEqual(DONE)
    expect(callback.onResponse(NODES[2]!, false)).toBeNull()
    expect(callback.received).toBe(2)
  })

  it('waits for data where digests are enough in number', () => {
    const callback = new ReadCallback(2, 3)
    expect(callback.onResponse(NODES[1]!, true)).toBeNull()
    expect(callback.onResponse(NODES[2]!, true)).toBeNull()
    expect(callback.onResponse(NODES[0]!, false)).toEqual(DONE)
  })

  it('fails when too few are left, and tells reasons and whether data came', () => {
    const callback = new ReadCallback(2, 2)
    callback.onResponse(NODES[0]!, false)
    const outcome = callback.onFailure(NODES[1]!, READ_TOO_MANY_TOMBSTONES)
    expect(outcome).toMatchObject({ kind: 'failure', received: 1, blockFor: 2, dataPresent: true })
    const error = readError(outcome as never, ConsistencyLevel.QUORUM)
    expect(error.message).toBe(
      'Operation failed - received 1 responses and 1 failures: READ_TOO_MANY_TOMBSTONES from /127.0.0.2:7000',
    )
    expect(error).toMatchObject({ received: 1, blockFor: 2, dataPresent: true, consistency: 4 })
    expect((error as { failures?: unknown }).failures).toEqual(new Map([['127.0.0.2', 1]]))
  })

  it('times out where nothing worse happened', () => {
    const callback = new ReadCallback(2, 2)
    callback.onResponse(NODES[0]!, true)
    const outcome = callback.onFailure(NODES[1]!, TIMEOUT)
    expect(outcome).toEqual({ kind: 'timeout', received: 1, blockFor: 2, dataPresent: false })
    const error = readError(outcome as never, ConsistencyLevel.QUORUM)
    expect(error.message).toBe('Operation timed out - received only 1 responses.')
    expect(new ReadCallback(1, 1).onTimeout()).toMatchObject({
      kind: 'timeout',
      received: 0,
      dataPresent: false,
    })
  })

  it('goes on with one more who is asked', () => {
    const callback = new ReadCallback(1, 1)
    callback.addContact()
    expect(callback.onFailure(NODES[0]!, UNKNOWN)).toBeNull()
    expect(callback.onResponse(NODES[1]!, false)).toEqual(DONE)
  })

  it('ends when all have spoken and no data came', () => {
    const callback = new ReadCallback(1, 2)
    expect(callback.onResponse(NODES[1]!, true)).toBeNull()
    const outcome = callback.onFailure(NODES[0]!, UNKNOWN)
    expect(outcome).toMatchObject({ kind: 'failure', received: 1, blockFor: 1, dataPresent: false })
  })
})
