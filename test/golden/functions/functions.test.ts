import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { Sibyl } from '../../../src/index.ts'
import { selections, setup } from './cases.ts'
import { type Answer, Runner } from './run.ts'
import { terms } from './terms.ts'

/** What Apache Cassandra answered (record.js) against what Sibyl answers, through the bytes of the protocol. */

function recorded(name: string): Answer[] {
  return JSON.parse(readFileSync(new URL(`${name}.json`, import.meta.url), 'utf8')) as Answer[]
}

/** What differs, as texts that say where. */
function differences(expected: readonly Answer[], actual: readonly Answer[]): string[] {
  expect(actual.map(({ cql }) => cql)).toEqual(expected.map(({ cql }) => cql))
  return expected.flatMap((before, i) => {
    const after = actual[i]!
    const found: string[] = []
    for (const key of ['refused', 'columns', 'markers', 'results'] as const) {
      const [a, b] = [before[key], after[key]].map((part) => (part === undefined ? [] : [part].flat()))
      if (a!.length !== b!.length) found.push(`${before.cql}: ${key} ${JSON.stringify(a)} is ${JSON.stringify(b)}`)
      else a!.forEach((text, j) => {
        if (text !== b![j]) found.push(`${before.cql}: ${key}[${j}] ${text} is ${b![j]}`)
      })
    }
    return found
  })
}

it('functions, operators and casts give what they give in Cassandra', { timeout: 180_000 }, async () => {
  const server = await Sibyl.start()
  const runner = await Runner.connect(server.host, server.port, { atOnce: true })
  try {
    await runner.runAll(setup())
    const found = [
      ...differences(recorded('selections'), await runner.runAll(selections())),
      ...differences(recorded('terms'), await runner.runAll(terms())),
    ]
    expect(found).toEqual([])
  } finally {
    await runner.close()
    await server.stop()
  }
})
