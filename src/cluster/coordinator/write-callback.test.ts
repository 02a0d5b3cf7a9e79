import { describe, expect, it } from 'vitest'
import { ConsistencyLevel } from '../../common/errors.ts'
import { endpoint } from '../endpoint.ts'
import { RequestFailureReason } from '../messaging/failure-reason.ts'
import type { RingNode } from '../ring/ring.ts'
import { writeError } from './level-failure.ts'
import type { WriteReplicaPlan } from './replica-plan.ts'
import { BatchlogCallback, BatchlogCleanup, WriteCallback } from './write-callback.ts'

function node(n: number, dataCenter = 'dc1'): RingNode {
  return { hostId: `host${n}`, endpoint: endpoint(`127.0.0.${n}`)!, dataCenter, rack: 'rack1' }
}

const NODES = [node(1), node(2), node(3), node(4, 'dc2'), node(5, 'dc2'), node(6, 'dc2')]
const { UNKNOWN, TIMEOUT } = RequestFailureReason
const DONE = { kind: 'done' }

/** A plan of which only what is counted matters. */
function plan(given: Partial<WriteReplicaPlan>): WriteReplicaPlan {
  const all = given.liveAndDown ?? NODES.slice(0, 3)
  return {
    level: ConsistencyLevel.QUORUM,
    pending: [],
    liveAndDown: all,
    live: all,
    contacts: all,
    blockFor: 2,
    blockForByDataCenter: null,
    countedDataCenter: null,
    candidateCount: all.length,
    ...given,
  }
}

describe('WriteCallback', () => {
  it('is done with as many answers as are waited for, once', () => {
    const callback = new WriteCallback(plan({}))
    expect(callback.onResponse(NODES[2]!)).toBeNull()
    expect(callback.outcome).toBeNull()
    expect(callback.onResponse(NODES[0]!)).toEqual(DONE)
    expect(callback.onResponse(NODES[1]!)).toBeNull()
    expect(callback.onFailure(NODES[1]!, UNKNOWN)).toBeNull()
    expect(callback.onTimeout()).toBeNull()
    expect(callback.outcome).toEqual(DONE)
  })

  it('fails when too few are left that could answer, and says why each failed', () => {
    const callback = new WriteCallback(plan({}))
    expect(callback.onFailure(NODES[0]!, TIMEOUT)).toBeNull()
    expect(callback.onResponse(NODES[1]!)).toBeNull()
    const outcome = callback.onFailure(NODES[2]!, UNKNOWN)
    expect(outcome).toMatchObject({ kind: 'failure', received: 1, blockFor: 2 })
    const error = writeError(outcome as never, ConsistencyLevel.QUORUM, 'SIMPLE')
    expect(error.message).toBe(
      'Operation failed - received 1 responses and 2 failures: TIMEOUT from /127.0.0.1:7000, UNKNOWN from /127.0.0.3:7000',
    )
    expect(error).toMatchObject({ received: 1, blockFor: 2, writeType: 'SIMPLE', consistency: 4 })
    expect((error as { failures?: unknown }).failures).toEqual(
      new Map([
        ['127.0.0.1', TIMEOUT],
        ['127.0.0.3', UNKNOWN],
      ]),
    )
  })

  it('times out where replicas did nothing worse than that', () => {
    const callback = new WriteCallback(plan({}))
    expect(callback.onFailure(NODES[0]!, TIMEOUT)).toBeNull()
    const outcome = callback.onFailure(NODES[1]!, TIMEOUT)
    expect(outcome).toEqual({ kind: 'timeout', received: 0, blockFor: 2 })
    const error = writeError(outcome as never, ConsistencyLevel.QUORUM, 'BATCH')
    expect(error.message).toBe('Operation timed out - received only 0 responses.')
  })

  it('counts replicas that are down as some that could have answered', () => {
    const callback = new WriteCallback(plan({ live: NODES.slice(0, 2) }))
    expect(callback.onResponse(NODES[0]!)).toBeNull()
    expect(callback.onFailure(NODES[1]!, UNKNOWN)).toBeNull()
    expect(callback.onTimeout()).toEqual({ kind: 'timeout', received: 1, blockFor: 2 })
  })

  it('counts only the data centre that a level is about', () => {
    const local = plan({
      level: ConsistencyLevel.LOCAL_QUORUM,
      liveAndDown: NODES,
      countedDataCenter: 'dc1',
      candidateCount: 3,
    })
    const callback = new WriteCallback(local)
    for (const other of NODES.slice(3)) expect(callback.onResponse(other)).toBeNull()
    expect(callback.acks).toBe(0)
    expect(callback.onResponse(NODES[0]!)).toBeNull()
    expect(callback.onResponse(NODES[1]!)).toEqual(DONE)

    const failing = new WriteCallback(local)
    for (const other of NODES.slice(3)) expect(failing.onFailure(other, UNKNOWN)).toBeNull()
    expect(failing.onFailure(NODES[0]!, TIMEOUT)).toBeNull()
    // What happened elsewhere makes no failure of it.
    expect(failing.onFailure(NODES[1]!, TIMEOUT)).toEqual({ kind: 'timeout', received: 0, blockFor: 2 })
  })

  it('waits for a quorum of each data centre', () => {
    const each = plan({
      level: ConsistencyLevel.EACH_QUORUM,
      liveAndDown: NODES,
      blockFor: 4,
      blockForByDataCenter: new Map([
        ['dc1', 2],
        ['dc2', 2],
      ]),
    })
    const callback = new WriteCallback(each)
    for (const n of [0, 1, 2, 3]) expect(callback.onResponse(NODES[n]!)).toBeNull()
    expect(callback.onResponse(NODES[4]!)).toEqual(DONE)

    const late = new WriteCallback(each)
    for (const n of [0, 1, 2, 3]) late.onResponse(NODES[n]!)
    // As many as are needed in all, but not where: Cassandra says one less.
    expect(late.onTimeout()).toEqual({ kind: 'timeout', received: 3, blockFor: 4 })
  })

  it('takes a hint for an answer at ANY alone', () => {
    const any = new WriteCallback(plan({ level: ConsistencyLevel.ANY, blockFor: 1, live: [] }))
    expect(any.onHint()).toEqual(DONE)
    const one = new WriteCallback(plan({ level: ConsistencyLevel.ONE, blockFor: 1 }))
    expect(one.onHint()).toBeNull()
    expect(one.outcome).toBeNull()
  })
})

describe('BatchlogCallback', () => {
  it('lets the batchlog go when each mutation is held by enough', () => {
    const cleanup = new BatchlogCleanup(2)
    const [a, b] = [1, 2].map(
      (required) => new BatchlogCallback(new WriteCallback(plan({ blockFor: 1 })), required, cleanup),
    )
    expect(a!.onResponse(NODES[0]!)).toEqual(DONE)
    expect(a!.mayRemove).toBe(false)
    expect(b!.onResponse(NODES[0]!)).toEqual(DONE)
    expect(b!.mayRemove).toBe(false)
    // The outcome is known, but the batchlog is still needed until now.
    expect(b!.onResponse(NODES[1]!)).toBeNull()
    expect(b!.mayRemove).toBe(true)
    expect(b!.onResponse(NODES[2]!)).toBeNull()
    expect(b!.mayRemove).toBe(false)
  })

  it('keeps the batchlog where one mutation failed', () => {
    const cleanup = new BatchlogCleanup(1)
    const callback = new BatchlogCallback(new WriteCallback(plan({})), 2, cleanup)
    callback.onResponse(NODES[0]!)
    callback.onFailure(NODES[1]!, UNKNOWN)
    expect(callback.onFailure(NODES[2]!, UNKNOWN)).toMatchObject({ kind: 'failure' })
    expect(callback.mayRemove).toBe(false)
  })
})
