import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { SyntaxError as CqlSyntaxError, InvalidRequestError } from '../common/errors.ts'
import { parse } from './parser.ts'
import type { SelectStatement } from './raw/index.ts'

const GOLDEN = new URL('../../test/golden/cql/', import.meta.url)

interface Recorded {
  readonly query: string
  readonly error: string | null
}

const recorded = JSON.parse(readFileSync(new URL('syntax.json', GOLDEN), 'utf8')) as Recorded[]

/** The error's text, or null; an InvalidRequest is no matter of syntax. */
function syntaxError(query: string): string | null {
  try {
    parse(query)
    return null
  } catch (error) {
    if (error instanceof InvalidRequestError) return null
    if (error instanceof CqlSyntaxError) return error.message
    throw error
  }
}

/** Where our text differs from Cassandra's, and why. */
const TOLERATED = new Map([
  [
    'GRANT EXECUTE ON FUNCTION ks.f(int, text) TO ; r',
    'Cassandra looks the keyspace up while it parses, and so comes upon the missing one first',
  ],
  [
    'INSERT INTO t (a, b) VALUES (cast(1 as ), (ks.udt) {a: 1})',
    'A NullPointerException after the error that we report',
  ],
  [
    "INSERT INTO t(k) VALUES(('a') PASSWORD)",
    'Cassandra takes any word behind a cast for a function, and complains of the type first',
  ],
])

describe('syntax, against what Cassandra answered', () => {
  const cases = recorded.filter(({ query }) => !TOLERATED.has(query))

  it('has recorded enough', () => {
    expect(cases.length).toBeGreaterThan(900)
  })

  it.each(cases)('$query', ({ query, error }) => {
    expect(syntaxError(query)).toBe(error)
  })
})

describe('raw statements', () => {
  it('are as recorded', () => {
    const file = new URL('ast.txt', GOLDEN)
    const write = (_key: string, value: unknown) => (value instanceof Map ? Object.fromEntries(value) : value)
    const lines: string[] = []
    for (const { query, error } of recorded) {
      if (error !== null || syntaxErrorOrInvalid(query)) continue
      const { statement, bindMarkers } = parse(query)
      lines.push(JSON.stringify(query), `  ${JSON.stringify(statement, write)}`)
      if (bindMarkers.length > 0) lines.push(`  markers ${JSON.stringify(bindMarkers)}`)
    }
    const text = `${lines.join('\n')}\n`
    if (process.env['GOLDEN'] === 'write') writeFileSync(file, text)
    expect(text).toBe(readFileSync(file, 'utf8'))
  })

  function syntaxErrorOrInvalid(query: string): boolean {
    try {
      parse(query)
      return false
    } catch {
      return true
    }
  }

  it('number bind markers in order of appearance', () => {
    const { bindMarkers } = parse('SELECT (int) ? FROM t WHERE a = :A AND b IN (?, :"B") LIMIT :n')
    expect(bindMarkers).toEqual([null, 'a', null, 'B', 'n'])
  })

  it('keep no marker of a reading that was given up', () => {
    const { bindMarkers } = parse('SELECT json(?) FROM t WHERE a = ?')
    expect(bindMarkers).toEqual([null, null])
  })

  it('tell a set, a map and a user type apart', () => {
    const kinds = (query: string) =>
      (parse(query).statement as SelectStatement).where?.relations.map((r) =>
        r.kind === 'column' ? r.value.kind : r.kind,
      )
    expect(
      kinds('SELECT * FROM t WHERE a = {1} AND b = {1: 2} AND c = {x: 2} AND d = {} AND e = {f(1): 2}'),
    ).toEqual(['setLiteral', 'mapLiteral', 'udtLiteral', 'setLiteral', 'mapLiteral'])
  })

  it('are parsed from statements longer than the kept arrays', () => {
    const values = Array.from({ length: 20_000 }, (_, i) => `'v${i}'`).join(', ')
    const { statement } = parse(`SELECT * FROM t WHERE k IN (${values})`)
    expect((statement as SelectStatement).where?.relations[0]).toMatchObject({ kind: 'columnIn' })
    expect(() => parse(`SELECT * FROM t WHERE k IN (${values}`)).toThrow(CqlSyntaxError)
    expect(parse('USE a').statement).toEqual({ kind: 'use', keyspace: 'a' })
  })
})

/** Mulberry32. */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

describe('whatever the text', () => {
  const words = recorded.flatMap(({ query }) => query.match(/'[^']*'|\w+|\S/g) ?? [])

  it('token soup causes syntax errors and nothing else', () => {
    const next = random(1)
    for (let i = 0; i < 5_000; i++) {
      const length = 1 + Math.floor(next() * 30)
      const soup = Array.from({ length }, () => words[Math.floor(next() * words.length)])
      syntaxError(soup.join(next() < 0.2 ? '' : ' '))
    }
  })

  it('statements with parts of others in them do, too', () => {
    const next = random(2)
    const pick = () => (recorded[Math.floor(next() * recorded.length)] as Recorded).query
    for (let i = 0; i < 5_000; i++) {
      const one = pick()
      const other = pick()
      syntaxError(
        one.slice(0, Math.floor(next() * one.length)) + other.slice(Math.floor(next() * other.length)),
      )
    }
  })

  it('byte soup does, too', () => {
    const next = random(3)
    for (let i = 0; i < 5_000; i++) {
      const wide = next() < 0.1
      const length = Math.floor(next() * 60)
      const codes = Array.from({ length }, () => Math.floor(next() * (wide ? 0x10000 : 128)))
      const soup = String.fromCharCode(...codes)
      syntaxError(next() < 0.5 ? soup : `SELECT ${soup}`)
    }
  })

  it.each([
    ['SELECT ', '(', ' FROM t'],
    ['SELECT ', '[', ''],
    ['SELECT ', '{', ''],
    ['SELECT ', '- ', 'a FROM t'],
    ['SELECT ', '(int) ', '1 FROM t'],
    ['SELECT ', 'f(', ''],
    ['SELECT * FROM t WHERE a = ', '(', '1'],
    ['SELECT * FROM t WHERE a = ', '{f(', ''],
    ['SELECT * FROM t WHERE a = ', '(int) ', '1'],
    ['SELECT * FROM t WHERE a = ', 'cast(', '1'],
    ['SELECT * FROM t WHERE ', '(', 'a = 1'],
    ['CREATE TABLE t (a ', 'frozen<list<', 'int'],
  ])('%s%s... nested without end is refused, and soon', (before, repeated, after) => {
    for (const depth of [100, 399, 401, 1_000, 100_000]) {
      const started = performance.now()
      const error = syntaxError(before + repeated.repeat(depth) + after)
      if (depth > 500) expect(error).not.toBeNull()
      expect(performance.now() - started).toBeLessThan(2_000)
    }
  })
})
