import { describe, expect, test } from 'vitest'
import { boundValues, SelectServer } from '../../../test/golden/select/server.ts'
import { native } from '../../types/index.ts'
import { makeRowMark, parsePagingState, readRowMark, serializePagingState } from './paging-state.ts'

function filled(): SelectServer {
  const server = new SelectServer('ks')
  server.run('CREATE TABLE t (k int, c int, d text, v int, s int static, PRIMARY KEY (k, c, d))')
  for (let k = 0; k < 4; k++) {
    for (let c = 0; c < 25; c++) server.run(`INSERT INTO t (k, c, d, v) VALUES (${k}, ${c}, 'd', ${c})`)
  }
  return server
}

/** All pages; `between` runs before each but the first. */
function pages(
  server: SelectServer,
  query: string,
  pageSize: number,
  between: (page: number) => void = () => {},
): string {
  const parts: string[] = []
  let pagingState: Uint8Array | null = null
  for (let page = 0; page < 1000; page++) {
    if (page > 0) between(page)
    const result = server.select(query, { pageSize, pagingState, protocolVersion: 3 + (page % 3) })
    parts.push(Buffer.from(result.content).toString('hex'))
    expect(result.rowCount).toBeLessThanOrEqual(pageSize)
    pagingState = result.pagingState
    if (pagingState === null) return parts.join('')
  }
  throw new Error('the pages have no end')
}

const whole = (server: SelectServer, query: string) =>
  Buffer.from(server.select(query).content).toString('hex')

describe('pages', () => {
  const queries = [
    'SELECT k, c, d, v FROM t',
    'SELECT k, c, v FROM t WHERE k = 2',
    'SELECT k, c, v FROM t WHERE k = 2 ORDER BY c DESC',
    'SELECT k, c, v FROM t WHERE k IN (3, 1, 0, 77)',
    'SELECT k, c, v FROM t WHERE k IN (3, 1) AND c IN (1, 5, 7, 8, 24)',
    'SELECT k, c, v FROM t WHERE k = 1 AND c > 3 AND c <= 20',
    'SELECT k, c, v FROM t PER PARTITION LIMIT 7',
    'SELECT k, c, v FROM t WHERE k IN (0, 1, 2) PER PARTITION LIMIT 7 LIMIT 18',
    'SELECT k, c, v FROM t LIMIT 55',
    'SELECT k, c, v FROM t WHERE v > 10 ALLOW FILTERING',
    'SELECT DISTINCT k FROM t',
  ]

  test.each(queries)('of every size make up the whole, in any protocol version: %s', (query) => {
    const server = filled()
    const expected = whole(server, query)
    for (const size of [1, 2, 3, 7, 24, 25, 26, 99, 100, 101])
      expect(pages(server, query, size)).toBe(expected)
  })

  test('go on when regular columns are added and dropped in between', () => {
    for (const query of queries.filter((q) => !q.includes(' v'))) {
      const server = filled()
      const expected = whole(server, query)
      const alter = (page: number) => {
        if (page % 2 === 1) server.alter('t', { add: [{ name: 'w', kind: 'regular', type: native.text }] })
        else
          server.alter('t', {
            drop: [{ name: 'w', kind: 'regular', type: native.text, droppedTimeMicros: 1n }],
          })
      }
      expect(pages(server, query, 7, alter)).toBe(expected)
    }
  })

  test('go on behind a row that was deleted in between', () => {
    const server = filled()
    const first = server.select('SELECT c FROM t WHERE k = 1', { pageSize: 5 })
    server.run("DELETE FROM t WHERE k = 1 AND c = 4 AND d = 'd'")
    const second = server.select('SELECT c FROM t WHERE k = 1', {
      pageSize: 1,
      pagingState: first.pagingState,
    })
    expect(Buffer.from(second.content).toString('hex')).toBe('0000000400000005')
  })
})

describe('rows of dropped columns', () => {
  test('do not exist when nothing else keeps them', () => {
    const server = new SelectServer('ks')
    server.run('CREATE TABLE t (k int PRIMARY KEY, a int, b int)')
    server.run('UPDATE t SET a = 1 WHERE k = 1')
    server.run('UPDATE t SET b = 1 WHERE k = 2')
    server.run('INSERT INTO t (k, a) VALUES (3, 1)')
    server.alter('t', { drop: [{ name: 'a', kind: 'regular', type: native.int, droppedTimeMicros: 1n }] })
    const keys = Buffer.from(server.select('SELECT k FROM t').content).toString('hex')
    expect(keys).toBe('00000004000000020000000400000003')
  })
})

describe('paging states', () => {
  test('come back as they were, and bytes that are none are refused', () => {
    const states = [
      {
        partitionKey: new Uint8Array([1, 2]),
        rowMark: new Uint8Array(300),
        remaining: 5,
        remainingInPartition: 7,
      },
      { partitionKey: null, rowMark: null, remaining: 0x7fffffff, remainingInPartition: 0 },
    ]
    for (const version of [3, 4, 5]) {
      for (const state of states) {
        const bytes = serializePagingState({ ...state, legacyMark: version === 3 }, version)
        for (const reader of [3, 4, 5]) expect(parsePagingState(bytes, reader)).toMatchObject(state)
        for (let cut = 0; cut < bytes.length; cut++) {
          try {
            parsePagingState(bytes.subarray(0, cut), version)
          } catch (error) {
            expect((error as Error).message).toBe('Invalid value for the paging state')
          }
        }
      }
    }
  })

  test('marks hold empty values and more than 32', () => {
    const clustering = Array.from({ length: 70 }, (_, i) => new Uint8Array(i % 3).fill(i))
    for (const version of [3, 4]) {
      expect(readRowMark(makeRowMark(clustering, version), 70, version === 3).map((v) => [...v])).toEqual(
        clustering.map((v) => [...v]),
      )
    }
  })
})

describe('values of a request', () => {
  test('are not kept past the turn', () => {
    const server = filled()
    const values = boundValues(['00000001', '00000003', '00000006'])
    const { prepared } = server.prepare('SELECT c FROM t WHERE k = ? AND c >= ? AND c < ?')
    const result = server.execute(prepared, { values }, () => {
      values.buffer.fill(0xff)
      return true
    })
    expect(result.rowCount).toBe(3)
  })
})
