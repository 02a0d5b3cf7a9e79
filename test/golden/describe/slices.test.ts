import { expect, test } from 'vitest'
import { nodeClock } from '../../../src/io/node-clock.ts'
import { nodeTimers } from '../../../src/io/node-timers.ts'
import { Client, openNode, valuesOf } from './client.ts'

test('a long DESCRIBE gives way to other work, and goes on with the schema that it began with', async () => {
  let isSlow = false
  let slowMs = 0
  let turns = 0
  // While it is slow, each look at the clock finds a millisecond gone.
  const clock = { ...nodeClock, monotonicMs: () => (isSlow ? slowMs++ : nodeClock.monotonicMs()) }
  const setImmediate = (callback: () => void): void => {
    turns++
    nodeTimers.setImmediate(callback)
  }
  const database = await openNode({}, { clock, timers: { ...nodeTimers, setImmediate } })
  try {
    const client = new Client(database)
    await client.query("CREATE KEYSPACE many WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
    for (let i = 0; i < 60; i++) await client.query(`CREATE TABLE many.t${i} (k int PRIMARY KEY)`)
    const expected = await client.rows('DESCRIBE KEYSPACE many')
    expect(expected).toHaveLength(61)
    isSlow = true
    turns = 0
    const answer = client.query('DESCRIBE KEYSPACE many')
    expect(answer).toBeInstanceOf(Promise)
    isSlow = false
    await client.query('DROP TABLE many.t59')
    isSlow = true
    const result = await answer
    if (result.kind !== 'rows') throw new Error('no rows')
    expect(valuesOf(result)).toEqual(expected)
    // Some six rows a slice.
    expect(turns).toBeGreaterThanOrEqual(9)
    expect(turns).toBeLessThanOrEqual(12)
  } finally {
    await database.close()
  }
})
