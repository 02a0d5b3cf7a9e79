import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { Sibyl } from '../../../src/node/sibyl.ts'
import { type Answer, readTombstones } from './tombstones.js'

const golden = JSON.parse(readFileSync(new URL('tombstones.json', import.meta.url), 'utf8')) as Answer[]

/** Cassandra reads several partitions at once, so that their warnings come in any order. */
const inOneOrder = ([query, warnings, ...rows]: Answer) => [
  query,
  Array.isArray(warnings) ? warnings.toSorted() : warnings,
  ...rows,
]

test('warnings of tombstones are those of Apache Cassandra', async () => {
  const server = await Sibyl.start()
  try {
    const answers = await readTombstones(server.host, server.port)
    expect(answers.map(inOneOrder)).toEqual(golden.map(inOneOrder))
  } finally {
    await server.stop()
  }
})
