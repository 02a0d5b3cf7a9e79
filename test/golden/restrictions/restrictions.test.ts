import { describe, expect, test } from 'vitest'
import { compareAnswers, readGolden } from '../select/compare.ts'

const recorded = readGolden(new URL('restrictions.json', import.meta.url))

const SERVER_ERROR = 0x0000
const READ_FAILURE = 0x1300

/** Of a user type's literal, messages show the fields in the order of a hash. */
const SHOWN_BY_HASH = /^SELECT .* WHERE f?u != \{street/

describe('WHERE answers as Apache Cassandra did', () => {
  compareAnswers(
    recorded,
    (query, [{ error }]) =>
      SHOWN_BY_HASH.test(query) || error?.code === SERVER_ERROR || error?.code === READ_FAILURE,
  )
})

describe('where Cassandra fails in itself', () => {
  const failures = recorded.golden.cases.filter(
    ({ answers: [{ error }] }) => error?.code === SERVER_ERROR || error?.code === READ_FAILURE,
  )

  test('few answers differ', () => {
    expect(failures.length + 2).toBeLessThan(recorded.golden.cases.length * 0.02)
  })

  test.each([
    ['SELECT * FROM ord WHERE k = 1 AND (a, b) = ?', 'Invalid null value for column a'],
    ['SELECT k FROM one WHERE token(k) > ?', 'Invalid null token value'],
  ])('%s with null is refused in words', (query, message) => {
    expect(() =>
      recorded.server.select(query, {
        values: { buffer: new Uint8Array(0), count: 1, offsets: [0], lengths: [-1] },
      }),
    ).toThrow(message)
  })
})
