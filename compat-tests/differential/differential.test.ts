/**
 * What the comparison with Apache Cassandra found, and a share of the generated operations, against answers that
 * `record.js` recorded from it; Sibyl is embedded, and stopped and started in between.
 */

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { describeDifference, sameAnswers } from './compare.ts'
import { scriptOf } from './operation.ts'
import { answersOf, type RecordedRun } from './recording.ts'
import { EmbeddedTarget } from './targets.ts'

const folder = import.meta.dirname
const cases = readdirSync(join(folder, 'cases')).map(
  (name) => JSON.parse(readFileSync(join(folder, 'cases', name), 'utf8')) as RecordedRun & { reason: string },
)
const runs = JSON.parse(
  gunzipSync(readFileSync(join(folder, 'recorded.json.gz'))).toString(),
) as RecordedRun[]

let sibyl: EmbeddedTarget

beforeAll(async () => {
  sibyl = await EmbeddedTarget.start()
})

afterAll(async () => {
  await sibyl.stop()
})

/** The operations of a run that were answered otherwise, as text. */
async function differences(run: RecordedRun): Promise<string[]> {
  const answers = await answersOf(run, sibyl)
  return run.operations.flatMap((operation, index) => {
    const [expected, actual] = [run.answers[index], answers[index]]
    if (sameAnswers(expected, actual)) return []
    const script = scriptOf({ ...run, operations: [operation] })
    return [`${script}\n${describeDifference({ index, operation, expected, actual })}`]
  })
}

describe('what the comparison found', () => {
  test.for(cases)('$name: $reason', async (run) => {
    expect(await differences(run)).toEqual([])
  })
})

describe('recorded runs', () => {
  test.for(runs)('$name', { timeout: 120_000 }, async (run) => {
    expect(run.operations.length).toBeGreaterThan(300)
    expect(await differences(run)).toEqual([])
  })
})
