import { describe, expect, test } from 'vitest'
import { compareAnswers, readGolden } from './compare.ts'

const recorded = readGolden(new URL('select.json', import.meta.url))
const { golden, server } = recorded

describe('SELECT answers as Apache Cassandra did', () => {
  compareAnswers(recorded)
})

describe('WHERE of UPDATE and DELETE is refused as Apache Cassandra did', () => {
  test.each(golden.modifications)('$statement', ({ statement, error }) => {
    expect(server.refusal(statement)).toBe(error)
  })
})
