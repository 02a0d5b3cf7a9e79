import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { Sibyl } from '../../../src/node/sibyl.ts'
import { SETTINGS } from './cases.ts'
import { type Answer, runCases } from './run.ts'

describe.each(Object.entries(SETTINGS))('reads with the settings %s', (name, settings) => {
  it('warn and fail as with Apache Cassandra', async () => {
    const golden = JSON.parse(
      readFileSync(new URL(`${name}.json`, import.meta.url), 'utf8'),
    ) as readonly Answer[]
    const server = await Sibyl.start({ settings })
    try {
      const answers = await runCases(server.host, server.port)
      expect(answers).toEqual(golden)
    } finally {
      await server.stop()
    }
  })
})
