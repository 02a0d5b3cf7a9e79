/** Error codes and texts, statement by statement, equal to what Apache Cassandra answered when asked (errors.golden.json). */

import { join } from 'node:path'
import cassandra, { types } from 'cassandra-driver'
import { describe, expect, test } from 'vitest'
import { useGolden } from '../golden.ts'
import { refusal, useSession } from '../harness.ts'

const { Long } = types
const golden = useGolden(join(import.meta.dirname, 'errors.golden.json'))
const db = useSession('errors', [
  'CREATE TABLE t (p int, c int, d int, s int static, v text, l list<int>, m map<text, int>, st set<int>, PRIMARY KEY (p, c, d))',
  'CREATE TABLE simple (k int PRIMARY KEY, v text, n int)',
  'CREATE TABLE pair (a int, b int, c int, PRIMARY KEY ((a, b), c))',
  'CREATE TABLE counts (k int PRIMARY KEY, n counter)',
  'CREATE TYPE u (a int, b text)',
  'CREATE TABLE typed (k int PRIMARY KEY, a ascii, b blob, bo boolean, i int, bi bigint, ti tinyint, si smallint, vi varint, f float, d double, de decimal, u uuid, tu timeuuid, ip inet, da date, ti2 time, ts timestamp, du duration, l list<int>, s set<int>, m map<int, text>, t tuple<int, text>, ud frozen<u>, un u, ve vector<float, 2>, fl frozen<list<int>>)',
])

const syntax = [
  '',
  ';',
  'SELEC * FROM simple',
  'SELECT * FORM simple',
  'SELECT * FROM',
  'SELECT FROM simple',
  'SELECT * FROM simple WHERE',
  'SELECT * FROM simple WHERE k =',
  'SELECT * FROM simple WHERE k = 1 AND',
  'SELECT * FROM simple WHERE k = 1 LIMIT',
  'SELECT * FROM simple; SELECT * FROM simple',
  'SELECT * FROM simple WHERE k = 1 extra',
  "SELECT * FROM simple WHERE v = 'unterminated",
  'SELECT * FROM simple WHERE k = 1 ORDER k',
  'INSERT INTO simple (k, v VALUES (1, 2)',
  'INSERT INTO simple k VALUES 1',
  'INSERT INTO simple (k)',
  "INSERT INTO simple (k, v) VALUES (1, 'x'",
  'UPDATE simple WHERE k = 1',
  "UPDATE simple SET v 'x' WHERE k = 1",
  "UPDATE simple SET v = 'x'",
  'DELETE simple WHERE k = 1',
  'DELETE FROM simple',
  'CREATE TABLE x',
  'CREATE TABLE x (',
  'CREATE TABLE x (k int PRIMARY KEY',
  'CREATE TABLE x (k int PRIMARY)',
  'CREATE KEYSPACE x',
  'CREATE TABLE 1x (k int PRIMARY KEY)',
  'CREATE TABLE select (k int PRIMARY KEY)',
  'ALTER TABLE simple',
  'ALTER TABLE simple ADD',
  'DROP simple',
  'TRUNCATE',
  'USE',
  'SELECT * FROM simple WHERE k = @',
  'SELECT * FROM simple WHERE k ! 1',
  'SELECT k AS FROM simple',
  'SELECT\n  *\nFROM\n  simple\nWHERE k == 1',
  "INSERT INTO simple (k) VALUES (1) USING TTL 'x'",
  'é',
]

const invalid = [
  'SELECT * FROM nothing',
  'SELECT * FROM nowhere.nothing',
  'SELECT nope FROM simple',
  'SELECT * FROM simple WHERE nope = 1',
  'SELECT * FROM simple WHERE n = 1',
  "SELECT * FROM simple WHERE v = 'x'",
  'SELECT * FROM simple WHERE k > 1',
  'SELECT * FROM simple WHERE k = 1 AND k = 2',
  'SELECT * FROM simple WHERE k = 1 AND k > 0',
  "SELECT * FROM simple WHERE k = 'text'",
  'SELECT * FROM simple WHERE k = 1.5',
  'SELECT * FROM simple WHERE k = null',
  'SELECT * FROM simple WHERE k = 99999999999',
  'SELECT * FROM simple LIMIT 0',
  'SELECT * FROM simple LIMIT -1',
  'SELECT * FROM simple PER PARTITION LIMIT 0',
  'SELECT * FROM simple ORDER BY k',
  'SELECT * FROM t WHERE p = 1 ORDER BY v',
  'SELECT * FROM t WHERE p = 1 ORDER BY d',
  'SELECT * FROM t WHERE p = 1 ORDER BY c ASC, d DESC',
  'SELECT * FROM t ORDER BY c',
  'SELECT * FROM t WHERE p IN (1, 2) ORDER BY nope',
  'SELECT * FROM t WHERE c = 1',
  'SELECT * FROM t WHERE p = 1 AND d = 1',
  'SELECT * FROM t WHERE p = 1 AND c > 1 AND d = 1',
  'SELECT * FROM t WHERE p = 1 AND c > 1 AND c > 2',
  'SELECT * FROM t WHERE p = 1 AND (c, d) > (1)',
  'SELECT * FROM t WHERE p = 1 AND (d, c) > (1, 2)',
  'SELECT * FROM t WHERE p = 1 AND (d) > (1)',
  'SELECT * FROM t WHERE p = 1 AND (c, v) > (1, 2)',
  'SELECT * FROM t WHERE p = 1 AND c = 1 AND (c, d) > (1, 2)',
  'SELECT * FROM t WHERE p = 1 AND s = 1',
  'SELECT * FROM t WHERE p = 1 AND l CONTAINS 1',
  'SELECT * FROM t WHERE p = 1 AND m CONTAINS KEY 1 ALLOW FILTERING',
  'SELECT * FROM t WHERE p = 1 AND v CONTAINS 1 ALLOW FILTERING',
  'SELECT * FROM t WHERE token(p) = 1 AND token(c) = 1',
  'SELECT * FROM t WHERE token(c) > 1',
  'SELECT * FROM pair WHERE a = 1',
  'SELECT * FROM pair WHERE token(a) > 1',
  'SELECT * FROM pair WHERE token(b, a) > 1',
  'SELECT * FROM pair WHERE a = 1 AND token(a, b) > 1',
  'SELECT * FROM pair WHERE a = 1 AND b > 1',
  'SELECT DISTINCT c FROM pair',
  'SELECT DISTINCT a FROM pair',
  'SELECT DISTINCT p FROM t WHERE c = 1',
  'SELECT DISTINCT k, v FROM simple',
  'SELECT k.x FROM simple',
  'SELECT nope(k) FROM simple',
  'INSERT INTO simple (v) VALUES (1)',
  "INSERT INTO simple (v) VALUES ('x')",
  'INSERT INTO simple (k, v) VALUES (1)',
  'INSERT INTO simple (k, k) VALUES (1, 2)',
  'INSERT INTO simple (k, nope) VALUES (1, 2)',
  'INSERT INTO simple (k, v) VALUES (1, 2)',
  'INSERT INTO simple (k, v) VALUES (null, null)',
  "INSERT INTO simple (k, v) VALUES (1, 'x') USING TTL -1",
  "INSERT INTO simple (k, v) VALUES (1, 'x') USING TTL 630720001",
  "INSERT INTO simple (k, v) VALUES (1, 'x') USING TTL 1 AND TTL 2",
  "INSERT INTO simple (k, v) VALUES (1, 'x') IF NOT EXISTS USING TIMESTAMP 1",
  "INSERT INTO t (p, v) VALUES (1, 'x')",
  "INSERT INTO t (p, c, v) VALUES (1, 1, 'x')",
  'INSERT INTO t (p, c, s) VALUES (1, 1, 1)',
  'INSERT INTO counts (k, n) VALUES (1, 1)',
  "UPDATE simple SET v = 'x' WHERE v = 'y'",
  "UPDATE simple SET v = 'x' WHERE k > 1",
  'UPDATE simple SET k = 2 WHERE k = 1',
  'UPDATE simple SET nope = 2 WHERE k = 1',
  'UPDATE simple SET n = n + 1 WHERE k = 1',
  "UPDATE simple SET v = 'x', v = 'y' WHERE k = 1",
  "UPDATE simple SET v = v + 'x' WHERE k = 1",
  "UPDATE t SET v = 'x' WHERE p = 1",
  "UPDATE t SET v = 'x' WHERE p = 1 AND c = 1",
  "UPDATE t SET v = 'x' WHERE p = 1 AND c = 1 AND d > 1",
  'UPDATE t SET s = 1 WHERE p = 1 AND c = 1',
  'UPDATE t SET l = l + 1 WHERE p = 1 AND c = 1 AND d = 1',
  'UPDATE t SET l = l - {1} WHERE p = 1 AND c = 1 AND d = 1',
  'UPDATE t SET l[0] = 1 WHERE p = 77 AND c = 1 AND d = 1',
  'UPDATE t SET st[0] = 1 WHERE p = 1 AND c = 1 AND d = 1',
  'UPDATE t SET m[0] = 1 WHERE p = 1 AND c = 1 AND d = 1',
  'UPDATE t SET st = st + [1] WHERE p = 1 AND c = 1 AND d = 1',
  'UPDATE counts SET n = 1 WHERE k = 1',
  'UPDATE counts SET n = n + 1 WHERE k = 1 IF n = 1',
  'UPDATE counts USING TIMESTAMP 1 SET n = n + 1 WHERE k = 1',
  'UPDATE counts USING TTL 1 SET n = n + 1 WHERE k = 1',
  "UPDATE counts SET n = n + 'x' WHERE k = 1",
  'UPDATE simple SET v = ? WHERE k = 1',
  "UPDATE simple SET v = 'x' WHERE k IN (1, 2) IF v = 'y'",
  "UPDATE simple USING TIMESTAMP 1 SET v = 'x' WHERE k = 1 IF v = 'y'",
  "UPDATE simple SET v = 'x' WHERE k = 1 IF nope = 'y'",
  "UPDATE simple SET v = 'x' WHERE k = 1 IF k = 1",
  "UPDATE simple SET v = 'x' WHERE k = 1 IF v = 1",
  'DELETE k FROM simple WHERE k = 1',
  'DELETE nope FROM simple WHERE k = 1',
  'DELETE v FROM t WHERE p = 1',
  'DELETE v FROM t WHERE p = 1 AND c = 1',
  'DELETE FROM t WHERE c = 1',
  'DELETE FROM t WHERE p = 1 AND d = 1',
  'DELETE FROM t WHERE p = 1 AND c > 1 AND d > 1',
  'DELETE FROM t WHERE p > 1',
  "DELETE FROM t WHERE p = 1 AND v = 'x'",
  'DELETE FROM pair WHERE a = 1',
  'DELETE v[1] FROM t WHERE p = 1 AND c = 1 AND d = 1',
  'DELETE FROM simple USING TTL 5 WHERE k = 1',
  "DELETE FROM t WHERE p = 1 IF v = 'x'",
  'DELETE FROM t WHERE p = 1 AND c > 1 IF EXISTS',
  'TRUNCATE nothing',
  'USE nowhere',
]

const literals = [
  "INSERT INTO typed (k, a) VALUES (1, 'é')",
  'INSERT INTO typed (k, a) VALUES (1, 5)',
  "INSERT INTO typed (k, b) VALUES (1, 'x')",
  'INSERT INTO typed (k, b) VALUES (1, 0xabc)',
  "INSERT INTO typed (k, bo) VALUES (1, 'true')",
  'INSERT INTO typed (k, bo) VALUES (1, 1)',
  'INSERT INTO typed (k, i) VALUES (1, 2147483648)',
  'INSERT INTO typed (k, i) VALUES (1, true)',
  'INSERT INTO typed (k, bi) VALUES (1, 9223372036854775808)',
  'INSERT INTO typed (k, bi) VALUES (1, 1.0)',
  'INSERT INTO typed (k, ti) VALUES (1, 128)',
  'INSERT INTO typed (k, si) VALUES (1, -32769)',
  'INSERT INTO typed (k, vi) VALUES (1, 1.5)',
  "INSERT INTO typed (k, f) VALUES (1, 'x')",
  "INSERT INTO typed (k, d) VALUES (1, '1')",
  "INSERT INTO typed (k, de) VALUES (1, '1')",
  "INSERT INTO typed (k, u) VALUES (1, 'x')",
  'INSERT INTO typed (k, u) VALUES (1, 5)',
  'INSERT INTO typed (k, tu) VALUES (1, 0b9e2ee5-8f45-4a3f-9d3d-3f5c2c3c7a11)',
  "INSERT INTO typed (k, ip) VALUES (1, '300.0.0.1')",
  'INSERT INTO typed (k, ip) VALUES (1, 5)',
  "INSERT INTO typed (k, da) VALUES (1, '2024-02-30')",
  "INSERT INTO typed (k, da) VALUES (1, 'x')",
  "INSERT INTO typed (k, ti2) VALUES (1, '24:00:00')",
  "INSERT INTO typed (k, ti2) VALUES (1, 'x')",
  "INSERT INTO typed (k, ts) VALUES (1, 'yesterday')",
  'INSERT INTO typed (k, ts) VALUES (1, 1.5)',
  'INSERT INTO typed (k, du) VALUES (1, 5)',
  "INSERT INTO typed (k, du) VALUES (1, 'x')",
  'INSERT INTO typed (k, l) VALUES (1, {1, 2})',
  "INSERT INTO typed (k, l) VALUES (1, ['a'])",
  'INSERT INTO typed (k, l) VALUES (1, [null])',
  'INSERT INTO typed (k, s) VALUES (1, [1, 2])',
  "INSERT INTO typed (k, s) VALUES (1, {1: 'x'})",
  'INSERT INTO typed (k, m) VALUES (1, {1, 2})',
  "INSERT INTO typed (k, m) VALUES (1, {'a': 'x'})",
  'INSERT INTO typed (k, m) VALUES (1, {1: null})',
  "INSERT INTO typed (k, t) VALUES (1, (1, 'x', 3))",
  "INSERT INTO typed (k, t) VALUES (1, ('x', 1))",
  'INSERT INTO typed (k, ud) VALUES (1, {nope: 1})',
  "INSERT INTO typed (k, ud) VALUES (1, {a: 'x'})",
  'UPDATE typed SET ud.a = 1 WHERE k = 1',
  'UPDATE typed SET un.nope = 1 WHERE k = 1',
  'UPDATE typed SET i.a = 1 WHERE k = 1',
  'INSERT INTO typed (k, ve) VALUES (1, [1])',
  'INSERT INTO typed (k, ve) VALUES (1, [1, 2, 3])',
  "INSERT INTO typed (k, ve) VALUES (1, ['a', 'b'])",
  'UPDATE typed SET fl = fl + [1] WHERE k = 1',
  'UPDATE typed SET fl[0] = 1 WHERE k = 1',
  'INSERT INTO typed (k, i) VALUES (1, now())',
  'INSERT INTO typed (k, i) VALUES (1, nope())',
  'INSERT INTO typed (k, i) VALUES (1, (text) 1)',
]

// Nothing here may write to a system keyspace: Cassandra lets a client TRUNCATE system.local, and then no driver connects.
const schema = [
  'CREATE TABLE simple (k int PRIMARY KEY)',
  "CREATE KEYSPACE compat_errors WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
  'CREATE TYPE u (a int)',
  'CREATE TABLE x (k int)',
  'CREATE TABLE x (k int PRIMARY KEY, v int PRIMARY KEY)',
  'CREATE TABLE x (k int, k text, PRIMARY KEY (k))',
  'CREATE TABLE x (k int, PRIMARY KEY (nope))',
  'CREATE TABLE x (k int, PRIMARY KEY (k, k))',
  'CREATE TABLE x (k list<int> PRIMARY KEY)',
  'CREATE TABLE x (k u PRIMARY KEY)',
  'CREATE TABLE x (k duration PRIMARY KEY)',
  'CREATE TABLE x (k counter PRIMARY KEY)',
  'CREATE TABLE x (k int, c duration, PRIMARY KEY (k, c))',
  'CREATE TABLE x (k int PRIMARY KEY, v nope)',
  'CREATE TABLE x (k int PRIMARY KEY, v list<list<int>>)',
  'CREATE TABLE x (k int PRIMARY KEY, v list<counter>)',
  'CREATE TABLE x (k int PRIMARY KEY, v vector<float, 0>)',
  'CREATE TABLE x (k int PRIMARY KEY, n counter, v int)',
  'CREATE TABLE x (k int PRIMARY KEY, s int static)',
  'CREATE TABLE x (k int static, c int, PRIMARY KEY (k, c))',
  'CREATE TABLE x (k int, c int, PRIMARY KEY (k, c)) WITH CLUSTERING ORDER BY (k DESC)',
  'CREATE TABLE x (k int, c int, d int, PRIMARY KEY (k, c, d)) WITH CLUSTERING ORDER BY (d DESC)',
  'CREATE TABLE x (k int, c int, d int, PRIMARY KEY (k, c, d)) WITH CLUSTERING ORDER BY (d DESC, c DESC)',
  'CREATE TABLE x (k int, c int, PRIMARY KEY (k, c)) WITH CLUSTERING ORDER BY (nope DESC)',
  'CREATE TABLE x (k int PRIMARY KEY) WITH nope = 1',
  "CREATE TABLE x (k int PRIMARY KEY) WITH gc_grace_seconds = 'x'",
  'CREATE TABLE x (k int PRIMARY KEY) WITH gc_grace_seconds = -1',
  'CREATE TABLE x (k int PRIMARY KEY) WITH default_time_to_live = -1',
  'CREATE TABLE x (k int PRIMARY KEY) WITH default_time_to_live = 630720001',
  'CREATE TABLE x (k int PRIMARY KEY) WITH bloom_filter_fp_chance = 2',
  "CREATE TABLE x (k int PRIMARY KEY) WITH compaction = {'class': 'Nope'}",
  "CREATE TABLE x (k int PRIMARY KEY) WITH compaction = {'class': 'SizeTieredCompactionStrategy', 'nope': 1}",
  "CREATE TABLE x (k int PRIMARY KEY) WITH compression = {'class': 'Nope'}",
  "CREATE TABLE x (k int PRIMARY KEY) WITH compression = {'class': 'LZ4Compressor', 'chunk_length_in_kb': 3}",
  "CREATE TABLE x (k int PRIMARY KEY) WITH caching = {'keys': 'nope'}",
  "CREATE TABLE x (k int PRIMARY KEY) WITH speculative_retry = 'nope'",
  'CREATE TABLE x (k int PRIMARY KEY) WITH min_index_interval = 0',
  'CREATE TABLE nowhere.x (k int PRIMARY KEY)',
  'CREATE TABLE system.x (k int PRIMARY KEY)',
  `CREATE TABLE ${'x'.repeat(223)} (k int PRIMARY KEY)`,
  'CREATE TABLE "with-dash" (k int PRIMARY KEY)',
  'ALTER TABLE nothing ADD v int',
  'ALTER TABLE simple ADD v int',
  'ALTER TABLE simple ADD k int',
  'ALTER TABLE simple ADD x nope',
  'ALTER TABLE simple ADD x counter',
  'ALTER TABLE simple ADD x int static',
  'ALTER TABLE simple DROP nope',
  'ALTER TABLE simple DROP k',
  'ALTER TABLE simple RENAME v TO w',
  'ALTER TABLE simple RENAME nope TO w',
  'ALTER TABLE t RENAME c TO d',
  'ALTER TABLE t RENAME c TO v',
  'ALTER TABLE simple ALTER v TYPE int',
  'ALTER TABLE simple WITH default_time_to_live = -1',
  'ALTER TABLE simple WITH nope = 1',
  'ALTER TABLE counts WITH default_time_to_live = 10',
  'ALTER TABLE counts ADD v int',
  'ALTER TYPE u ADD a int',
  'ALTER TYPE u ADD c u',
  'ALTER TYPE nope ADD a int',
  'ALTER TYPE u RENAME nope TO x',
  'ALTER TYPE u RENAME a TO b',
  'CREATE TYPE w (a nope)',
  'CREATE TYPE w (a int, a int)',
  'CREATE TYPE w (a counter)',
  'CREATE TYPE w (a u)',
  'DROP TYPE u',
  'DROP TYPE nope',
  'DROP TABLE nothing',
  'DROP TABLE nowhere.nothing',
  'DROP KEYSPACE nowhere',
  'DROP KEYSPACE system',
  'DROP TABLE system.local',
  'ALTER KEYSPACE nowhere WITH durable_writes = true',
  "CREATE KEYSPACE compat_x WITH replication = {'class': 'Nope'}",
  "CREATE KEYSPACE compat_x WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 'x'}",
  "CREATE KEYSPACE compat_x WITH replication = {'class': 'SimpleStrategy', 'replication_factor': -1}",
  "CREATE KEYSPACE compat_x WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1, 'nope': 1}",
  "CREATE KEYSPACE compat_x WITH replication = {'class': 'NetworkTopologyStrategy', 'nowhere': 1}",
  "CREATE KEYSPACE compat_x WITH replication = {'replication_factor': 1}",
  'CREATE KEYSPACE compat_x WITH durable_writes = true',
  "CREATE KEYSPACE compat_x WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1} AND nope = 1",
  "CREATE KEYSPACE \"bad-name\" WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
  `CREATE KEYSPACE ${'x'.repeat(49)} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`,
]

const groups: readonly (readonly [string, readonly string[]])[] = [
  ['syntax', syntax],
  ['invalid', invalid],
  ['literals', literals],
  ['schema', schema],
]

describe.each(groups)('%s', (_name, statements) => {
  test.each(statements)('%s', async (statement) => {
    golden.check(statement, await db.error(statement))
  })
})

describe('while preparing, the same', () => {
  test.each([
    'SELEC * FROM simple',
    'SELECT nope FROM simple',
    'SELECT * FROM nothing',
    'SELECT * FROM simple WHERE v = ?',
  ])('%s', async (statement) => {
    golden.check(`PREPARE ${statement}`, await db.error(statement, [1]))
  })
})

describe('values bound to a statement', () => {
  test('of the wrong length', async () => {
    const cases: readonly (readonly [string, Buffer])[] = [
      ['i', Buffer.from([1, 2, 3])],
      ['bi', Buffer.from([1, 2, 3, 4])],
      ['bo', Buffer.from([1, 2])],
      ['u', Buffer.alloc(15)],
      ['tu', Buffer.alloc(16)],
      ['ip', Buffer.alloc(5)],
      ['da', Buffer.alloc(3)],
      ['ti2', Buffer.alloc(7)],
      ['ts', Buffer.alloc(7)],
      ['ti', Buffer.alloc(2)],
      ['si', Buffer.alloc(1)],
      ['f', Buffer.alloc(3)],
      ['d', Buffer.alloc(7)],
      ['de', Buffer.alloc(2)],
      ['a', Buffer.from([0xff])],
      ['l', Buffer.from([0, 0])],
      ['s', Buffer.from([0, 0, 0, 1, 0, 0, 0, 2, 0, 0])],
      ['ve', Buffer.alloc(4)],
    ]
    for (const [column, bytes] of cases) {
      // Hints of type blob send the bytes as they are.
      const answer = await refusal(
        db.client.execute(`INSERT INTO typed (k, ${column}) VALUES (?, ?)`, [1, bytes], {
          hints: ['int', 'blob'],
        }),
      )
      golden.check(`bytes 0x${bytes.toString('hex')} as ${column}`, answer)
    }
  })

  test('text that is not UTF-8', async () => {
    const answer = await refusal(
      db.client.execute('INSERT INTO simple (k, v) VALUES (?, ?)', [1, Buffer.from([0xc3, 0x28])], {
        hints: ['int', 'blob'],
      }),
    )
    golden.check('bytes c328 as text', answer)
  })

  test('too few and too many', async () => {
    golden.check(
      'one value for two',
      await refusal(db.client.execute('SELECT * FROM simple WHERE k = ? LIMIT ?', [1], { hints: ['int'] })),
    )
    golden.check(
      'two values for one',
      await refusal(db.client.execute('SELECT * FROM simple WHERE k = ?', [1, 2], { hints: ['int', 'int'] })),
    )
  })

  test('null and unset where a value is needed', async () => {
    golden.check('null key', await db.error('SELECT * FROM simple WHERE k = ?', [null]))
    golden.check('unset key', await db.error('SELECT * FROM simple WHERE k = ?', [types.unset]))
    golden.check('null key of an insert', await db.error('INSERT INTO simple (k) VALUES (?)', [null]))
    golden.check('unset key of an insert', await db.error('INSERT INTO simple (k) VALUES (?)', [types.unset]))
    golden.check('null clustering', await db.error('SELECT * FROM t WHERE p = 1 AND c > ?', [null]))
    golden.check('unset clustering', await db.error('SELECT * FROM t WHERE p = 1 AND c > ?', [types.unset]))
    golden.check('null limit', await db.error('SELECT * FROM simple LIMIT ?', [null]))
    golden.check('negative limit', await db.error('SELECT * FROM simple LIMIT ?', [-1]))
    golden.check('null ttl', await db.error("INSERT INTO simple (k, v) VALUES (1, 'x') USING TTL ?", [null]))
    golden.check(
      'unset ttl',
      await db.error("INSERT INTO simple (k, v) VALUES (1, 'x') USING TTL ?", [types.unset]),
    )
    golden.check(
      'null timestamp',
      await db.error("INSERT INTO simple (k, v) VALUES (1, 'x') USING TIMESTAMP ?", [null]),
    )
    golden.check('null among IN', await db.error('SELECT * FROM simple WHERE k IN ?', [null]))
    golden.check(
      'null element',
      await db.error('UPDATE t SET l[?] = 1 WHERE p = 1 AND c = 1 AND d = 1', [null]),
    )
    golden.check('null counter', await db.error('UPDATE counts SET n = n + ? WHERE k = 1', [null]))
    golden.check('unset counter', await db.error('UPDATE counts SET n = n + ? WHERE k = 1', [types.unset]))
  })

  test('list indexes that are not there', async () => {
    await db.run('INSERT INTO t (p, c, d, l) VALUES (5, 5, 5, [1, 2])')
    golden.check('index 2 of 2', await db.error('UPDATE t SET l[2] = 1 WHERE p = 5 AND c = 5 AND d = 5'))
    golden.check('index -1', await db.error('UPDATE t SET l[-1] = 1 WHERE p = 5 AND c = 5 AND d = 5'))
    golden.check('delete index 7', await db.error('DELETE l[7] FROM t WHERE p = 5 AND c = 5 AND d = 5'))
  })

  test('keys that are too long', async () => {
    await db.run('CREATE TABLE long_key (k text, c text, PRIMARY KEY (k, c))')
    golden.check(
      'a key of 65,536 bytes',
      await db.error('INSERT INTO long_key (k, c) VALUES (?, ?)', ['x'.repeat(65536), 'c']),
    )
    golden.check(
      'a key of 65,536 bytes read',
      await db.error('SELECT * FROM long_key WHERE k = ?', ['x'.repeat(65536)]),
    )
    golden.check(
      'a clustering of 65,536 bytes',
      await db.error('INSERT INTO long_key (k, c) VALUES (?, ?)', ['k', 'x'.repeat(65536)]),
    )
    expect(
      await db.error('INSERT INTO long_key (k, c) VALUES (?, ?)', ['x'.repeat(65535), 'y'.repeat(65535)]),
    ).toBe('no error')
    expect(await db.rows('SELECT c FROM long_key WHERE k = ?', ['x'.repeat(65535)])).toEqual([
      ['y'.repeat(65535)],
    ])
  })

  test('a deletion or write with the smallest timestamp', async () => {
    golden.check(
      'timestamp -2^63',
      await db.error('INSERT INTO simple (k) VALUES (1) USING TIMESTAMP ?', [Long.MIN_VALUE]),
    )
    golden.check(
      'timestamp 2^63 - 1',
      await db.error('INSERT INTO simple (k) VALUES (901) USING TIMESTAMP ?', [Long.MAX_VALUE]),
    )
  })
})

describe('consistency', () => {
  const levels = types.consistencies
  const retry = new cassandra.policies.retry.FallthroughRetryPolicy()
  test('levels that do not fit the statement', async () => {
    golden.check('read at ANY', await db.error('SELECT * FROM simple', [], { consistency: levels.any }))
    golden.check(
      'read at EACH_QUORUM',
      await db.error('SELECT * FROM simple', [], { consistency: levels.eachQuorum }),
    )
    golden.check(
      'write at SERIAL',
      await db.error('INSERT INTO simple (k) VALUES (1)', [], { consistency: levels.serial }),
    )
    golden.check(
      'counter at ANY',
      await db.error('UPDATE counts SET n = n + 1 WHERE k = 1', [], { consistency: levels.any }),
    )
    golden.check(
      'write at TWO',
      await db.error('INSERT INTO simple (k) VALUES (1)', [], { consistency: levels.two, retry }),
    )
    golden.check(
      'read at THREE',
      await db.error('SELECT * FROM simple WHERE k = 1', [], { consistency: levels.three, retry }),
    )
  })

  test('UNAVAILABLE says what was needed and what was there', async () => {
    const error = (await db.client
      .execute('INSERT INTO simple (k) VALUES (1)', [], {
        consistency: levels.two,
        retry,
      })
      .catch((reason: unknown) => reason)) as {
      code: number
      consistencies: number
      required: number
      alive: number
    }
    expect([error.code, error.consistencies, error.required, error.alive]).toEqual([0x1000, levels.two, 2, 1])
  })

  test('ALREADY_EXISTS names keyspace and table', async () => {
    const error = (await db.client
      .execute('CREATE TABLE simple (k int PRIMARY KEY)')
      .catch((reason: unknown) => reason)) as {
      code: number
      keyspace: string
      table: string
    }
    expect([error.code, error.keyspace, error.table]).toEqual([0x2400, 'compat_errors', 'simple'])
  })
})

describe('IF EXISTS and IF NOT EXISTS make no error', () => {
  test.each([
    'CREATE TABLE IF NOT EXISTS simple (k int PRIMARY KEY)',
    'CREATE TYPE IF NOT EXISTS u (x int)',
    "CREATE KEYSPACE IF NOT EXISTS compat_errors WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}",
    'DROP TABLE IF EXISTS nothing',
    'DROP TABLE IF EXISTS nowhere.nothing',
    'DROP TYPE IF EXISTS nope',
    'DROP KEYSPACE IF EXISTS nowhere',
    'ALTER TABLE IF EXISTS nothing ADD v int',
    'ALTER TABLE simple ADD IF NOT EXISTS v text',
    'ALTER TABLE simple DROP IF EXISTS nope',
    'ALTER TYPE IF EXISTS nope ADD a int',
    'ALTER TYPE u ADD IF NOT EXISTS a int',
    'ALTER KEYSPACE IF EXISTS nowhere WITH durable_writes = true',
  ])('%s', async (statement) => {
    expect(await db.error(statement)).toBe('no error')
  })
})
