import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { readCases, type Step } from './case-file.ts'
import type { RecordedStep } from './run.ts'

/**
 * What the corpus of statements is: every production of the grammar in scope, none of them many times, a
 * third failing.
 */

const folder = new URL('./', import.meta.url)
const load = <T>(path: string) => JSON.parse(readFileSync(new URL(path, folder), 'utf8')) as T

/**
 * Rules of Cassandra's Parser.g that are in scope, and the productions of the case files that are about each.
 */
const rules = load<Record<string, string[]>>('productions.json')

/** Cases about the values of JSON rather than about the grammar: compared, but not counted here. */
const BESIDE = ['json']

const MOST_OF_A_PRODUCTION = 15

interface Counted extends Step {
  readonly code: string | undefined
}

const corpus: Counted[] = readdirSync(new URL('cases/', folder))
  .map((file) => file.replace(/\.cql$/, ''))
  .filter((name) => !BESIDE.includes(name))
  .flatMap((name) => {
    const recorded = load<RecordedStep[]>(`recorded/${name}.json`)
    const steps = readCases(name, readFileSync(new URL(`cases/${name}.cql`, folder), 'utf8'))
    return steps.map((step, i) => ({ ...step, code: recorded[i]!.answer['code'] as string | undefined }))
  })
const statements = corpus.filter(({ kind }) => kind === 'statement')

describe('the corpus', () => {
  it('has at least 1,500 statements, each once', () => {
    expect(statements.length).toBeGreaterThanOrEqual(1500)
    const ids = statements.map(({ id }) => id)
    expect(ids.filter((id, i) => ids.indexOf(id) !== i)).toEqual([])
  })

  it('has 1 to 15 statements of every production, and no others', () => {
    const counts = new Map<string, number>()
    for (const { production } of statements) counts.set(production, (counts.get(production) ?? 0) + 1)
    expect([...counts].filter(([, count]) => count > MOST_OF_A_PRODUCTION)).toEqual([])
    expect([...counts.keys()].sort()).toEqual([...new Set(Object.values(rules).flat())].sort())
    expect(Object.entries(rules).filter(([, productions]) => productions.length === 0)).toEqual([])
  })

  it('fails in a third or more, and in the syntax at most in a third of these', () => {
    const failures = statements.filter(({ code }) => code !== undefined)
    expect(failures.length).toBeGreaterThanOrEqual(statements.length / 3)
    expect(failures.filter(({ code }) => code === '0x2000').length).toBeLessThanOrEqual(failures.length / 3)
  })

  it('has a fixture that Cassandra took', () => {
    expect(corpus.filter(({ kind, code }) => kind === 'fixture' && code !== undefined)).toEqual([])
  })

  it('has literals of every type, good ones and bad ones', () => {
    const types = rules['native_type']!.filter((production) => !production.includes('bound'))
    const others = [
      'listLiteral',
      'setLiteral',
      'mapLiteral',
      'tupleLiteral',
      'usertypeLiteral',
      'vectorLiteral',
    ]
    for (const production of [...types, ...others]) {
      const own = statements.filter((statement) => statement.production === production)
      expect(
        own.some(({ code }) => code === undefined),
        production,
      ).toBe(true)
      expect(
        own.some(({ code }) => code !== undefined),
        production,
      ).toBe(true)
    }
    expect(types).toHaveLength(20)
  })
})

describe('the known differences', () => {
  const known = load<Record<string, string>>('known-differences.json')

  it('are statements of the corpus, at most 2 in a hundred', () => {
    const ids = new Set(statements.map(({ id }) => id))
    expect(Object.keys(known).filter((id) => !ids.has(id))).toEqual([])
    expect(Object.keys(known).length).toBeLessThanOrEqual(statements.length * 0.02)
  })

  it('stand in docs/compatibility.md, each with its reason', () => {
    const page = readFileSync(new URL('../../../docs/compatibility.md', folder), 'utf8')
    const lines = Object.entries(known).map(
      ([id, why]) => `| \`${id.slice(id.indexOf(': ') + 2)}\` | ${why} |`,
    )
    expect(lines.filter((line) => !page.includes(line))).toEqual([])
    expect(page).toContain(
      `${lines.length} of ${statements.length.toLocaleString('en-US')} are answered otherwise`,
    )
  })
})
