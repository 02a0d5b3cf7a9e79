import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { load, Runner, settingsFor } from './runner.ts'

/** Scripts against what Apache Cassandra answered to them (record.py). */
for (const name of ['altered', 'compact', 'counters', 'features', 'guardrails']) {
  for (const { section, steps } of load(name)) {
    describe(`${name}: ${section}`, () => {
      let runner: Runner
      beforeAll(async () => {
        runner = await Runner.start(settingsFor(name), section.startsWith('as user'))
      })
      afterAll(() => runner.stop())
      steps.forEach((step, index) => {
        const { cql, options, ...expected } = step
        test(`${index} ${options === undefined ? '' : `${JSON.stringify(options)} `}${cql.slice(0, 150)}`, async () => {
          expect(await runner.run(step)).toEqual(expected)
        })
      })
    })
  }
}
