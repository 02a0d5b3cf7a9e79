import { types } from 'cassandra-driver'
import { describe, expect, test } from 'vitest'
import { useSession } from '../harness.ts'

const { Long } = types
const db = useSession('counters', [
  'CREATE TABLE c (k text PRIMARY KEY, n counter, m counter)',
  'CREATE TABLE r (p int, c int, n counter, s counter static, PRIMARY KEY (p, c))',
])

describe('counters', () => {
  test('go up and down, by literal and bound', async () => {
    await db.run("UPDATE c SET n = n + 5 WHERE k = 'a'")
    await db.run("UPDATE c SET n = n - 2, m = m + 1 WHERE k = 'a'")
    await db.run('UPDATE c SET n = n + ? WHERE k = ?', [Long.fromInt(10), 'a'])
    await db.run("UPDATE c SET n += 1, m -= 3 WHERE k = 'a'")
    await db.run("UPDATE c SET n = n + -4 WHERE k = 'a'")
    expect(await db.rows("SELECT n, m FROM c WHERE k = 'a'")).toEqual([['10', '-2']])
  })

  test('wrap around at 64 bits', async () => {
    await db.run('UPDATE c SET n = n + ? WHERE k = ?', [Long.MAX_VALUE, 'edge'])
    expect(await db.rows("SELECT n FROM c WHERE k = 'edge'")).toEqual([['9223372036854775807']])
    await db.run("UPDATE c SET n = n + 1 WHERE k = 'edge'")
    expect(await db.rows("SELECT n FROM c WHERE k = 'edge'")).toEqual([['-9223372036854775808']])
  })

  test('in rows and in statics', async () => {
    for (let n = 0; n < 3; n++) {
      await db.run('UPDATE r SET n = n + 1 WHERE p = 1 AND c = ?', [n])
      await db.run('UPDATE r SET s = s + 2 WHERE p = 1')
    }
    expect(await db.rows('SELECT c, n, s FROM r WHERE p = 1')).toEqual([
      [0, '1', '6'],
      [1, '1', '6'],
      [2, '1', '6'],
    ])
  })

  test('a counter that was never touched is null, a row that was deleted is gone', async () => {
    await db.run("UPDATE c SET n = n + 1 WHERE k = 'half'")
    expect(await db.rows("SELECT n, m FROM c WHERE k = 'half'")).toEqual([['1', null]])
    await db.run("DELETE n FROM c WHERE k = 'half'")
    expect(await db.rows("SELECT n FROM c WHERE k = 'half'")).toEqual([])
    await db.run("UPDATE c SET m = m + 1 WHERE k = 'gone'")
    await db.run("DELETE FROM c WHERE k = 'gone'")
    expect(await db.rows("SELECT k FROM c WHERE k = 'gone'")).toEqual([])
  })

  test('a thousand increments at once are all counted', async () => {
    await Promise.all(
      Array.from({ length: 1000 }, () => db.run('UPDATE c SET n = n + 1, m = m - 1 WHERE k = ?', ['many'])),
    )
    expect(await db.rows("SELECT n, m FROM c WHERE k = 'many'")).toEqual([['1000', '-1000']])
  }, 60_000)

  test('IN updates each partition once', async () => {
    await db.run("UPDATE c SET n = n + 7 WHERE k IN ('i', 'j')")
    expect(await db.rows("SELECT n FROM c WHERE k IN ('i', 'j')")).toEqual([['7'], ['7']])
  })
})
