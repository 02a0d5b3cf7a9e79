import { describe, expect, test } from 'vitest'
import { compareAnswers, readGolden } from '../select/compare.ts'

const recorded = readGolden(new URL('aggregation.json', import.meta.url))

/** Answers that are known to differ from Cassandra's, with the reason; docs/compatibility.md has them too. */
const DIFFERENT: readonly (readonly [RegExp, string])[] = [
  [/ m\[null/, 'fails in itself, and is an InvalidRequest here'],
  [/GROUP BY k, floor\((ts, -1h|d, 1h|t, 1d)\)/, 'a read failure without a reason; here it says what is wrong'],
  [/GROUP BY floor\(ts, \?\)/, 'the same'],
  [/FROM g LIMIT \?/, 'an empty LIMIT fails in itself, and is an InvalidRequest here'],
  [/FROM nc GROUP BY k/, 'Cassandra refuses the paging states that it gives for tables without clustering columns'],
]

function differs(query: string, answers: readonly { readonly error?: { readonly code: number } }[]): boolean {
  if (!DIFFERENT.some(([pattern]) => pattern.test(query))) return false
  // Of these queries only what fails that way: an internal error, a read failure, a refusal of the paging state.
  return answers.some(({ error }) => error !== undefined && [0x0000, 0x000a, 0x1300].includes(error.code))
}

describe('selectors, aggregates and GROUP BY answer as Apache Cassandra did', () => {
  compareAnswers(recorded, differs)
})

describe('where Cassandra fails', () => {
  const { golden, server } = recorded
  const different = golden.cases.filter(({ query, answers }) => differs(query, answers))

  test('few answers differ', () => {
    expect(different.length).toBeLessThan(golden.cases.length * 0.02)
  })

  test.each([1, 2, 3, 4])('pages of %i groups of a table without clustering columns hold all groups', (pageSize) => {
    const query = 'SELECT k, count(*) FROM nc GROUP BY k'
    const all = server.select(query)
    let rows = 0
    const contents: Uint8Array[] = []
    let pagingState: Uint8Array | null = null
    do {
      const page = server.select(query, { pageSize, pagingState })
      expect(page.rowCount).toBeLessThanOrEqual(pageSize)
      rows += page.rowCount
      contents.push(page.content.slice())
      pagingState = page.pagingState
    } while (pagingState !== null)
    expect(rows).toBe(7)
    expect(Buffer.concat(contents).equals(server.select(query).content)).toBe(true)
    expect(all.rowCount).toBe(7)
  })

  test.each([
    ["SELECT m[null] FROM t", 'Invalid null value for element selection on m'],
    ["SELECT m[null..'x'] FROM t", 'Invalid null value for slice selection on m'],
    ['SELECT k FROM ev GROUP BY k, floor(ts, -1h)', 'Negative durations are not supported by the floor function'],
    ['SELECT {n} FROM t', 'null is not supported inside collections'],
    ['SELECT (map<int, int>){n: k} FROM t', 'null is not supported inside collections'],
    ['SELECT (vector<int, 2>)[k, n] FROM t', 'null is not supported inside vectors'],
    ['SELECT (int)[1] FROM t', 'Cannot assign value (int)[1] to (int)[1] of type int'],
    ["SELECT (int){'a': 1} FROM t", "Cannot assign value (int){'a': 1} to (int){'a': 1} of type int"],
    ['SELECT k FROM g GROUP BY (k)', 'Only column names and monotonic scalar functions are supported in the GROUP BY clause.'],
  ])('%s is refused in words', (query, message) => {
    expect(() => server.select(query)).toThrow(message)
  })
})
