import { describe, expect, it } from 'vitest'
import type { PreparedStatement } from './prepared-statements.ts'
import { StatementCache } from './statement-cache.ts'

const statement = (query: string, kind = 'select'): PreparedStatement =>
  ({ query, executable: { kind } }) as unknown as PreparedStatement

/** Asks for a text as a request does; true when it was kept. */
function ask(cache: StatementCache, text: string, keyspace: string | null = null, kind?: string): boolean {
  const found = cache.get(text, keyspace)
  if (found !== null) {
    expect(found.query).toBe(text)
    return true
  }
  cache.offer(text, keyspace, statement(text, kind))
  return false
}

const times = (n: number, ...args: Parameters<typeof ask>): boolean[] =>
  Array.from({ length: n }, () => ask(...args))

describe('the cache of unprepared statements', () => {
  it('keeps a text that comes again', () => {
    expect(times(4, new StatementCache(1 << 20), 'SELECT a FROM t')).toEqual([false, false, true, true])
  })

  it('keeps nothing of texts that come once', () => {
    const cache = new StatementCache(1 << 20)
    for (let i = 0; i < 10_000; i++) ask(cache, `SELECT a FROM t WHERE k = ${i}`)
    expect(cache.count).toBe(0)
  })

  it('tells keyspaces apart', () => {
    const cache = new StatementCache(1 << 20)
    times(2, cache, 'SELECT a FROM t', 'one')
    expect(cache.get('SELECT a FROM t', 'one')).not.toBeNull()
    expect(cache.get('SELECT a FROM t', 'two')).toBeNull()
    expect(cache.get('SELECT a FROM t', null)).toBeNull()
  })

  it('never holds more than its limit, and keeps what is asked for', () => {
    const cache = new StatementCache(100_000)
    times(2, cache, 'SELECT b FROM t')
    for (let i = 0; i < 500; i++) {
      times(2, cache, `SELECT a FROM t WHERE k = ${i}`)
      expect(ask(cache, 'SELECT b FROM t')).toBe(true)
      expect(cache.sizeBytes).toBeLessThanOrEqual(100_000)
    }
    expect(cache.count).toBeGreaterThan(10)
    expect(cache.count).toBeLessThan(60)
  })

  it.each([
    ["INSERT INTO t (k, at) VALUES (1, 'now')"],
    ["INSERT INTO t (k, at) VALUES (1, 'NoW')"],
    ['INSERT INTO t (k, at) VALUES (1, $$now$$)'],
    [`INSERT INTO t JSON '{"k": 1}'`],
    [`SELECT fromJson('"\\u006eow"') FROM t`],
  ])('prepares %s each time', (text) => {
    const cache = new StatementCache(1 << 20)
    expect(times(4, cache, text, null, text.startsWith('SELECT') ? 'select' : 'modification')).not.toContain(
      true,
    )
    expect(cache.count).toBe(0)
  })

  it('keeps calls of now()', () => {
    const cache = new StatementCache(1 << 20)
    expect(times(3, cache, 'INSERT INTO t (k, at) VALUES (1, now())', null, 'modification').at(-1)).toBe(true)
  })

  it.each(['other', 'describe'])('keeps no statement of kind %s', (kind) => {
    const cache = new StatementCache(1 << 20)
    expect(times(4, cache, 'USE demo', null, kind)).not.toContain(true)
  })

  it('forgets all when it is told to, and keeps nothing without room', () => {
    const cache = new StatementCache(1 << 20)
    times(3, cache, 'SELECT a FROM t')
    cache.clear()
    expect([cache.count, cache.sizeBytes, cache.get('SELECT a FROM t', null)]).toEqual([0, 0, null])
    expect(times(4, new StatementCache(0), 'SELECT a FROM t')).not.toContain(true)
  })
})
