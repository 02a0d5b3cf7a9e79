/**
 * WHERE of SELECT: every kind of column with every operator and kind of value, several columns in one relation, tokens,
 * and keys that are none. `record.js` asks Apache Cassandra for the answers.
 */

export const KEYSPACE = 'sel_restrictions_golden'

const range = (n) => Array.from({ length: n }, (_, i) => i)

export const setup = [
  'CREATE TYPE addr (street text, zip int)',
  'CREATE TABLE r (a int, b text, c int, d text, e int, s int static, ss set<int> static, v int, t text, l list<int>, st set<int>, m map<text, int>, fl frozen<list<int>>, fs frozen<set<int>>, fm frozen<map<text, int>>, tup tuple<int, text>, u addr, fu frozen<addr>, ve vector<float, 2>, du duration, bl blob, bo boolean, PRIMARY KEY ((a, b), c, d, e))',
  'CREATE TABLE one (k int PRIMARY KEY, v int)',
  'CREATE TABLE kt (k text PRIMARY KEY, v int)',
  'CREATE TABLE kb (k blob, c blob, v int, PRIMARY KEY (k, c))',
  'CREATE TABLE two (k int, "C c" text, v int, PRIMARY KEY (k, "C c"))',
  'CREATE TABLE cnt (k int, c int, n counter, PRIMARY KEY (k, c))',
  'CREATE TABLE fk (k frozen<list<int>> PRIMARY KEY, v int)',
  'CREATE TABLE cf (k int, f frozen<set<int>>, m frozen<map<int, int>>, t frozen<tuple<int, int>>, v int, PRIMARY KEY (k, f, m, t))',
  'CREATE TABLE ord (k int, a int, b int, c int, v int, PRIMARY KEY (k, a, b, c)) WITH CLUSTERING ORDER BY (a ASC, b DESC, c ASC)',
  ...range(2).flatMap((a) =>
    ['p', 'q'].flatMap((b) =>
      range(3).flatMap((c) =>
        ['x', 'y'].map(
          (d, i) =>
            `INSERT INTO r (a, b, c, d, e, v, t, l, st, m, fl, fs, fm, tup, u, fu, ve, du, bl, bo) VALUES (${a}, '${b}', ${c}, '${d}', ${i}, ${c * 10 + i}, 't${c}', [${c}, 7], {${c}, 8}, {'a': ${c}, 'b': 1}, [${c}, 7], {${c}, 8}, {'a': ${c}}, (${c}, '${d}'), {street: '${d}', zip: ${c}}, {street: '${d}', zip: ${c}}, [${c}, 0.5], ${c + 1}d, 0x0${c}, ${c === 1})`,
        ),
      ),
    ),
  ),
  "INSERT INTO r (a, b, s, ss) VALUES (0, 'p', 5, {1, 2})",
  "INSERT INTO r (a, b, s) VALUES (1, 'q', 6)",
  "INSERT INTO r (a, b, s) VALUES (9, 'z', 5)",
  "INSERT INTO r (a, b, c, d, e) VALUES (1, 'p', 9, '', 0)",
  ...range(5).map((k) => `INSERT INTO one (k, v) VALUES (${k}, ${k % 2})`),
  "INSERT INTO kt (k, v) VALUES ('a', 1)",
  'INSERT INTO kb (k, c, v) VALUES (0x01, 0x, 1)',
  'INSERT INTO kb (k, c, v) VALUES (0x01, 0x00, 2)',
  "INSERT INTO two (k, \"C c\", v) VALUES (1, 'x', 1)",
  ...range(2).flatMap((k) => range(3).map((c) => `UPDATE cnt SET n = n + ${k * 10 + c} WHERE k = ${k} AND c = ${c}`)),
  'INSERT INTO fk (k, v) VALUES ([1, 2], 1)',
  'INSERT INTO fk (k, v) VALUES ([], 2)',
  'INSERT INTO cf (k, f, m, t, v) VALUES (1, {1, 2}, {1: 2}, (1, 2), 1)',
  'INSERT INTO cf (k, f, m, t, v) VALUES (1, {3}, {}, (1, null), 2)',
  ...range(3).flatMap((a) => range(3).flatMap((b) => range(3).map((c) => `INSERT INTO ord (k, a, b, c, v) VALUES (1, ${a}, ${b}, ${c}, ${a * 100 + b * 10 + c})`))),
]

const i32 = (n) => Buffer.from([n >> 24, n >> 16, n >> 8, n]).toString('hex')
const txt = (s) => Buffer.from(s).toString('hex')
const i64 = (n) => BigInt.asUintN(64, BigInt(n)).toString(16).padStart(16, '0')
const list = (...values) => i32(values.length) + values.map((v) => (v === null ? i32(-1) : i32(v.length / 2) + v)).join('')
const tuple = (...values) => values.map((v) => (v === null ? i32(-1) : i32(v.length / 2) + v)).join('')
const AF = ' ALLOW FILTERING'

function q(query, values, extra = {}) {
  return { query, ...(values === undefined ? {} : { values }), ...extra }
}

/** Of each column a literal that fits, its bytes, and one that does not. */
const columns = {
  a: ['1', i32(1), "'x'"],
  b: ["'p'", txt('p'), '1'],
  c: ['1', i32(1), "'x'"],
  d: ["'x'", txt('x'), '1'],
  e: ['1', i32(1), "'x'"],
  s: ['5', i32(5), 'true'],
  v: ['10', i32(10), "'x'"],
  t: ["'t1'", txt('t1'), '5'],
  l: ['[1, 7]', list(i32(1), i32(7)), '1'],
  st: ['{1, 8}', list(i32(1), i32(8)), '[1]'],
  m: ["{'a': 1}", i32(1) + i32(1) + txt('a') + i32(4) + i32(1), '{1: 1}'],
  fl: ['[1, 7]', list(i32(1), i32(7)), "['x']"],
  fs: ['{1, 8}', list(i32(1), i32(8)), '[1]'],
  fm: ["{'a': 1}", i32(1) + i32(1) + txt('a') + i32(4) + i32(1), '{1: 1}'],
  tup: ["(1, 'x')", tuple(i32(1), txt('x')), "('x', 1)"],
  u: ["{street: 'x', zip: 1}", tuple(txt('x'), i32(1)), '{zop: 1}'],
  fu: ["{street: 'x', zip: 1}", tuple(txt('x'), i32(1)), "{zip: 'x'}"],
  ve: ['[1, 0.5]', '3f8000003f000000', '[1]'],
  du: ['2d', '000400', '1'],
  bl: ['0x01', '01', "'x'"],
  bo: ['true', '01', '1'],
}

const KEY = "a = 1 AND b = 'p' AND "

function ofColumn([name, [fits, bytes, not]]) {
  const where = (relation, values, extra = '') => q(`SELECT a, b, c, e, v FROM r WHERE ${relation}${extra}`, values)
  const isKey = name === 'a' || name === 'b'
  const all = []
  for (const operator of ['=', '<', '<=', '>', '>=']) all.push(where(`${name} ${operator} ${fits}`, undefined, AF))
  all.push(
    where(`${name} = ${fits}`),
    where(`${name} > ${fits}`),
    where(`${name} = ${not}`, undefined, AF),
    where(`${name} != ${fits}`, undefined, AF),
    where(`${name} = null`, undefined, AF),
    where(`${name} > null`, undefined, AF),
    where(`${name} IN (${fits})`, undefined, AF),
    where(`${name} IN (${fits}, ${fits})`, undefined, AF),
    where(`${name} IN (${fits}, null)`, undefined, AF),
    where(`${name} IN ()`, undefined, AF),
    where(`${name} IN ?`, [list(bytes)], AF),
    where(`${name} IN ?`, [list()], AF),
    where(`${name} IN ?`, [list(bytes, null)], AF),
    where(`${name} IN ?`, [null], AF),
    where(`${name} IN ?`, ['unset'], AF),
    where(`${name} IN (?, ?)`, [bytes, 'unset'], AF),
    where(`${name} = ?`, [bytes], AF),
    where(`${name} = ?`, [null], AF),
    where(`${name} = ?`, ['unset'], AF),
    where(`${name} < ?`, [null], AF),
    where(`${name} >= ?`, ['unset'], AF),
    where(`${name} CONTAINS ${fits}`, undefined, AF),
    where(`${name} CONTAINS KEY ${fits}`, undefined, AF),
    where(`${name}['a'] = 1`, undefined, AF),
    where(`${name} LIKE 'x%'`, undefined, AF),
    where(`${name} IS NOT NULL`, undefined, AF),
    where(`${name} = ${fits} AND ${name} = ${fits}`, undefined, AF),
    where(`${name} > ${fits} AND ${name} < ${fits}`, undefined, AF),
    where(`${name} > ${fits} AND ${name} > ${fits}`, undefined, AF),
    where(`${name} = ${fits} AND ${name} > ${fits}`, undefined, AF),
    where(`${name} IN (${fits}, ${fits}) AND ${name} = ${fits}`, undefined, AF),
    where(`token(${name}) = 1`, undefined, AF),
  )
  if (!isKey) {
    all.push(
      where(`${KEY}${name} = ${fits}`),
      where(`${KEY}${name} > ${fits}`),
      where(`${KEY}${name} = ${fits}`, undefined, AF),
      where(`${KEY}${name} IN (${fits}, ${fits})`),
      where(`${KEY}${name} IN ()`),
    )
  }
  return all
}

const collections = [
  'l CONTAINS 7', 'l CONTAINS 1', "l CONTAINS 'x'", 'l CONTAINS null', 'l CONTAINS KEY 1', 'l[0] = 1', 'st CONTAINS 8', 'st CONTAINS 1 AND st CONTAINS 8', 'st CONTAINS KEY 8', 'st[1] = 1', 'm CONTAINS 1', "m CONTAINS KEY 'a'", "m CONTAINS KEY 'z'", 'm CONTAINS KEY 1', "m['a'] = 1", "m['a'] > 1", "m['a'] != 1", "m['a'] = 'x'", 'm[1] = 1', "m['z'] = 1", 'm[null] = 1', "m['a'] = null", "m['a'] = 1 AND m['b'] = 1", "m['a'] = 1 AND m CONTAINS 1 AND m CONTAINS KEY 'b'",
  "m = {'a': 1} AND m CONTAINS 1", "fm CONTAINS 1", "fm CONTAINS KEY 'a'", "fm['a'] = 1", 'fl CONTAINS 7', 'fl CONTAINS 7 AND fl CONTAINS 1', 'fs CONTAINS 8', 'fs CONTAINS KEY 8', 'fl = [1, 7] AND fl CONTAINS 7', 'fl CONTAINS 7 AND fl = [1, 7]', 'fl CONTAINS 7 AND fl > [1]', 'ss CONTAINS 1', 'ss CONTAINS 1 AND s = 5', 'u.zip = 1', 'fu.zip = 1', 'u = {zip: 1}', 'fu = {zip: 1}', 'fu = {}', 'tup = (1)', "tup = (1, 'x', 2)", 'tup > (1)', 've CONTAINS 1', 've = [1, 0.5, 2]', 've > [0, 0]', 'bl = 0x', 'bl > 0x', "t = ''", "t > ''", 'bo = true AND v > 5',
]

const keys = [
  "SELECT * FROM kt WHERE k = ''", "SELECT * FROM kt WHERE k IN ('a', '')", "SELECT * FROM kt WHERE k IN ('', '')", 'SELECT * FROM kb WHERE k = 0x', 'SELECT * FROM kb WHERE k = 0x01 AND c = 0x', 'SELECT * FROM kb WHERE k = 0x01 AND c > 0x', 'SELECT * FROM kb WHERE k = 0x01 AND c >= 0x', 'SELECT * FROM kb WHERE k = 0x01 AND c IN (0x, 0x00)', 'SELECT * FROM kb WHERE k = 0x01 AND c <= 0x', "SELECT * FROM r WHERE a = 1 AND b = ''",
  'SELECT * FROM fk WHERE k = [1, 2]', 'SELECT * FROM fk WHERE k = []', 'SELECT * FROM fk WHERE k IN ([], [1, 2])', 'SELECT * FROM fk WHERE k CONTAINS 1', 'SELECT * FROM fk WHERE k CONTAINS 1' + AF, 'SELECT * FROM fk WHERE token(k) > token([1])', 'SELECT * FROM cf WHERE k = 1 AND f = {1, 2}', 'SELECT * FROM cf WHERE k = 1 AND f CONTAINS 2', 'SELECT * FROM cf WHERE k = 1 AND f CONTAINS 2' + AF, 'SELECT * FROM cf WHERE k = 1 AND m CONTAINS KEY 1' + AF, 'SELECT * FROM cf WHERE k = 1 AND (f, m) = ({1, 2}, {1: 2})', 'SELECT * FROM cf WHERE k = 1 AND f > {1}', 'SELECT * FROM cf WHERE k = 1 AND f IN ({3}, {1, 2})', 'SELECT * FROM cf WHERE k = 1 AND f = {3} AND m = {} AND t = (1, null)', 'SELECT * FROM cf WHERE t = (1, 2)' + AF, 'SELECT * FROM cf WHERE m[1] = 2' + AF,
  'SELECT * FROM two WHERE k = 1 AND "C c" = \'x\'', 'SELECT * FROM two WHERE k = 1 AND "C c" != \'x\'', 'SELECT * FROM two WHERE "C c" = \'x\'', 'SELECT * FROM two WHERE k = 1 AND "c C" = 1', 'SELECT * FROM two WHERE ("C c", "C c") = (\'x\', \'y\')', 'SELECT * FROM cnt WHERE n = 11' + AF, 'SELECT * FROM cnt WHERE n > 5' + AF, 'SELECT * FROM cnt WHERE n IN (1, 11)' + AF, "SELECT * FROM cnt WHERE n = 'x'" + AF, 'SELECT * FROM cnt WHERE n = null' + AF, 'SELECT * FROM cnt WHERE k = 1 AND n > 5' + AF, 'SELECT * FROM cnt WHERE n > 5',
  'SELECT * FROM one WHERE nope = 1', 'SELECT * FROM one WHERE k = 1 AND nope = 1', 'SELECT * FROM one WHERE nope IN (1)', 'SELECT * FROM one WHERE (nope) = (1)', 'SELECT * FROM one WHERE token(nope) = 1', 'SELECT * FROM one WHERE nope CONTAINS 1', 'SELECT * FROM one WHERE k = nope', 'SELECT * FROM one WHERE nope IS NOT NULL', "SELECT * FROM one WHERE nope LIKE 'x'", 'SELECT * FROM one WHERE nope[1] = 1',
  'SELECT * FROM one WHERE k = 1 + 1', 'SELECT * FROM one WHERE k = 3 - 1', 'SELECT * FROM one WHERE k = -(-1)', 'SELECT * FROM one WHERE k = abs(-2)', 'SELECT * FROM one WHERE k = (int)2', 'SELECT * FROM one WHERE k = (bigint)2', "SELECT * FROM one WHERE k = cast('2' AS int)", 'SELECT * FROM one WHERE k = cast(2.5 AS int)', 'SELECT * FROM one WHERE k IN (1, 1 + 1, abs(-3))', 'SELECT * FROM one WHERE k = max(1)', 'SELECT * FROM one WHERE k = count(*)', 'SELECT * FROM one WHERE k = nope(1)', 'SELECT * FROM one WHERE k = now()', 'SELECT * FROM one WHERE k = 1 / 0', 'SELECT * FROM one WHERE k = 2147483648', 'SELECT * FROM one WHERE k = 1.5', 'SELECT * FROM one WHERE v = 0 + 1' + AF, 'SELECT * FROM one WHERE k = token(1)', 'SELECT * FROM one WHERE k = ? + 1',
]

const tokens = [
  'token(a, b) > 0', 'token(a, b) >= 0 AND token(a, b) < 100', 'token(a, b) > 0 AND token(a, b) <= 0', "token(a, b) > token(1, 'p')", "token(a, b) >= token(1, 'p')", "token(a, b) = token(1, 'p')", "token(a, b) <= token(1, 'p') AND token(a, b) >= token(1, 'p')", 'token(a) > 0', 'token(b, a) > 0', 'token(a, b, c) > 0', 'token(a, a) > 0', 'token(c) > 0', 'token() > 0', "token(a, b) > 'x'", 'token(a, b) > 1.5', 'token(a, b) > null', 'token(a, b) != 0', 'token(a, b) IN (1, 2)', 'token(a, b) > 0 AND token(a, b) > 1', 'token(a, b) = 0 AND token(a, b) = 1', 'token(a, b) = 0 AND token(a, b) > 1', 'token(a, b) > 0 AND token(a, b) = 1', "token(a, b) > token(1)", "token(a, b) > token('p', 1)", "token(a, b) > token(null, 'p')", 'token(a, b) > -9223372036854775808', 'token(a, b) >= -9223372036854775808', 'token(a, b) <= -9223372036854775808', 'token(a, b) < 9223372036854775807', 'token(a, b) > 9223372036854775808', "token(a, b) > 0 AND a = 1", "token(a, b) > 0 AND a = 1 AND b = 'p'", "token(a, b) < 0 AND a = 1 AND b IN ('p', 'q')", 'token(a, b) > 0 AND c = 1', 'token(a, b) > 0 AND v = 10', "token(a, b) > token(0, '') ", 'token(a, b) > abs(-5)', 'token(a, b) > 1 + 1', 'token(a, b) > (bigint)5', 'token(a, b) > now()', 'token(a, b) > nope(1)', 'token(a, b) CONTAINS 1', "token(a, b) LIKE 'x'", 'token(a, b) IS NOT NULL',
]

const multi = [
  '(a, b) = (1, 1)', '(a, b) > (1, 1)', '(a, b) >= (1, 1)', '(a, b) < (1, 1)', '(a, b) <= (1, 1)', '(a, b) > (0, 1) AND (a, b) < (2, 1)', '(a) > (1)', '(a, b, c) = (1, 1, 1)', '(a, b, c) > (1, 1, 1)', '(a, b, c) <= (1, 1, 1)', '(a, b, c) >= (0, 1, 1) AND (a, b) < (2, 1)', '(a, b) >= (1, 1) AND (a, b, c) <= (2, 0, 1)', '(b) = (1)', '(b, c) = (1, 1)', 'a = 1 AND (b, c) = (1, 1)', 'a = 1 AND (b, c) > (1, 1)', 'a IN (0, 1) AND (b, c) > (1, 1)', 'a > 1 AND (b, c) > (1, 1)', '(a) = (1) AND b = 1', '(a) = (1) AND b > 0', '(a, b) = (1, 1) AND c > 0', '(a, b) > (0, 0) AND c = 1', '(a, b) > (0, 0) AND c > 1', '(a, b) = (1, 1) AND b = 1', '(a, b) > (0, 0) AND b > 1', '(a, b) > (0, 0) AND a > 1', 'a > 1 AND (a, b) > (0, 0)', '(a, b) IN ((0, 0), (1, 1))', '(a, b) IN ((0, 0))', '(a, b) IN ()', '(a, b) IN ((0, 0), (0, 0))', '(a, b, c) IN ((0, 0, 0), (2, 1, 0), (0, 0, 1))', '(a, b) IN ((2, 2), (1, 1)) AND c = 1', '(a, b) IN ((2, 2), (1, 1)) AND c > 0', '(a, b) IN ((2, 2), (1, 1)) AND c IN (0, 1)', 'a IN (0, 1) AND (b, c) IN ((0, 0), (1, 1))', '(a, b) = (1)', '(a, b) = (1, 2, 3)', '(a, b) IN ((1), (1, 2))', '(b, a) = (1, 1)', '(a, c) = (1, 1)', '(a, a) = (1, 1)', '(k, a) = (1, 1)', '(k) = (1)', '(v) = (1)', '(a, v) = (1, 1)', '(a, b) = (null, 1)', '(a, b) > (1, null)', '(a, b) IN ((1, null))', "(a, b) = ('x', 1)", "(a, b) IN ((1, 'x'))", '(a, b) != (1, 1)', "(a, b) LIKE 'x'", '(a, b) CONTAINS (1, 1)', '(a, b) = 1', '(a, b) = [1, 1]', '(a, b) > (0, 0) AND (a, b) > (1, 1)', '(a, b) = (0, 0) AND (a, b) = (1, 1)', '(a, b) > (0, 0) AND (b, c) > (1, 1)', '(a) > (0) AND (a, b) < (2, 2)', '(a, b, c) > (1, 1, 1) ORDER BY a DESC, b ASC, c DESC', '(a, b) >= (1, 1) ORDER BY a DESC', '(a, b) IN ((2, 2), (1, 1)) ORDER BY a DESC', '(a, b) > (1, 1) LIMIT 3', '(a, b) < (1, 1 + 1)', '(a, b) = (abs(-1), 1)',
  'a = 1 AND b = 1 AND c = 1', 'a = 1 AND c = 1', 'b = 1', 'c = 1', 'a > 1 AND b = 1', 'a > 0 AND b > 0', 'a IN (1, 2) AND b > 0', 'a IN (1, 2) AND b IN (0, 2) AND c IN (0, 1)', 'a IN (2, 1, 2)', 'a IN (1, 2) ORDER BY a DESC', 'a = 1 AND b IN (2, 0)', 'b = 1 AND a = 1', 'b > 1 AND a = 1', 'a = 1 AND b > 0 AND b < 2', 'a = 1 AND b >= 1 AND b <= 1', 'a >= 1 AND a < 1', 'a > 2 AND a < 0', 'a = 1 AND a = 1', 'a < 1 AND a > 5',
]

const orders = [
  'SELECT * FROM ord WHERE k = 1 ORDER BY a', 'SELECT * FROM ord WHERE k = 1 ORDER BY a DESC', 'SELECT a, b, c FROM ord WHERE k = 1 ORDER BY a ASC, b DESC', 'SELECT a, b, c FROM ord WHERE k = 1 ORDER BY a DESC, b ASC', 'SELECT a FROM ord WHERE k = 1 ORDER BY a ASC, b ASC', 'SELECT a FROM ord WHERE k = 1 ORDER BY b', 'SELECT a FROM ord WHERE k = 1 AND a = 1 ORDER BY b', 'SELECT a FROM ord WHERE k = 1 AND a = 1 ORDER BY b ASC', 'SELECT a FROM ord WHERE k = 1 AND a IN (1, 2) ORDER BY b', 'SELECT a FROM ord WHERE k = 1 AND a = 1 ORDER BY c', 'SELECT a FROM ord WHERE k = 1 AND a = 1 AND b = 1 ORDER BY c DESC', 'SELECT a FROM ord WHERE k = 1 ORDER BY a, c', 'SELECT a FROM ord WHERE k = 1 ORDER BY k', 'SELECT a FROM ord WHERE k = 1 ORDER BY v', 'SELECT a FROM ord WHERE k = 1 ORDER BY nope', 'SELECT a FROM ord ORDER BY a', 'SELECT a FROM ord WHERE a = 1 ORDER BY a' + AF, 'SELECT a FROM ord WHERE token(k) > 0 ORDER BY a', 'SELECT b FROM ord WHERE k IN (1, 2) ORDER BY a', 'SELECT b FROM ord WHERE k IN (1, 2) ORDER BY a DESC, b', 'SELECT b FROM ord WHERE k IN (1, 2) ORDER BY a DESC LIMIT 3', 'SELECT b FROM ord WHERE k IN (1) ORDER BY a DESC LIMIT 3', 'SELECT a FROM ord WHERE k = 1 ORDER BY a ASC, a DESC', 'SELECT a FROM ord WHERE k = 1 PER PARTITION LIMIT 2 LIMIT 5', 'SELECT a FROM ord WHERE k IN (1, 2) PER PARTITION LIMIT 2', 'SELECT DISTINCT a FROM ord', 'SELECT DISTINCT k FROM ord WHERE a = 1', 'SELECT DISTINCT k FROM ord WHERE k = 1 ORDER BY a', 'SELECT DISTINCT a, b FROM r', 'SELECT DISTINCT a FROM r', 'SELECT DISTINCT s FROM r', "SELECT DISTINCT s FROM r WHERE a = 0 AND b = 'p'", "SELECT DISTINCT a, b, s FROM r WHERE s = 5" + AF, "SELECT DISTINCT a, b FROM r WHERE v = 5" + AF, "SELECT DISTINCT a, b, s FROM r WHERE a IN (0, 9) AND b IN ('p', 'z')", 'SELECT DISTINCT a, b, s, c FROM r', 'SELECT DISTINCT * FROM r', 'SELECT DISTINCT a, b FROM r LIMIT 2', 'SELECT DISTINCT a, b FROM r WHERE token(a, b) > 0', 'SELECT DISTINCT a, b FROM r WHERE a = 1' + AF, 'SELECT DISTINCT a, b FROM r WHERE a = 1', 'SELECT s FROM r WHERE c = 1' + AF, "SELECT s FROM r WHERE a = 0 AND b = 'p' AND c = 1", "SELECT s, a FROM r WHERE a = 0 AND b = 'p'", "SELECT s FROM r WHERE s = 5" + AF, 'SELECT a, b, s FROM r WHERE s = 5' + AF, 'SELECT a, b, c, s FROM r WHERE s = 5' + AF,
]

const long = '61'.repeat(65_536)

const bound = [
  ...[[i32(1), i32(1)], [i32(1), null], [null, i32(1)], ['unset', i32(1)]].flatMap((values) => ['=', '>', '<='].map((o) => q(`SELECT * FROM ord WHERE k = 1 AND (a, b) ${o} (?, ?)`, values))),
  ...[tuple(i32(1), i32(1)), tuple(i32(1), null), tuple(i32(1)), tuple(i32(1), i32(1), i32(1)), null, 'unset', '00'].flatMap((value) => ['=', '>'].map((o) => q(`SELECT * FROM ord WHERE k = 1 AND (a, b) ${o} ?`, [value]))),
  ...[list(tuple(i32(1), i32(1)), tuple(i32(0), i32(2))), list(), list(tuple(i32(1), null)), list(null), list(tuple(i32(1))), null, 'unset'].map((value) => q('SELECT * FROM ord WHERE k = 1 AND (a, b) IN ?', [value])),
  q('SELECT * FROM ord WHERE k = 1 AND (a, b) IN (?, ?)', [tuple(i32(1), i32(1)), tuple(i32(0), i32(2))]), q('SELECT * FROM ord WHERE k = 1 AND (a, b) IN (?, ?)', [tuple(i32(1), i32(1)), null]), q('SELECT * FROM ord WHERE k = 1 AND (a, b) IN ((?, ?), (?, 0))', [i32(1), i32(1), i32(2)]), q('SELECT * FROM ord WHERE k = 1 AND (a, b) IN ((?, ?), (?, 0))', [i32(1), 'unset', i32(2)]),
  ...[i64(0), null, 'unset', '00', i32(1), ''].flatMap((value) => ['>', '=', '<='].map((o) => q(`SELECT k FROM one WHERE token(k) ${o} ?`, [value]))),
  ...[i32(1), null, 'unset', ''].map((value) => q('SELECT k FROM one WHERE token(k) > token(?)', [value])),
  ...[i32(1), null, 'unset', '', '00'].map((value) => q('SELECT k FROM one WHERE k = ?', [value])),
  ...[list(i32(1), i32(2)), list(i32(2), i32(1), i32(1)), list(), list(null), list(i32(1), ''), null, 'unset', i32(1)].map((value) => q('SELECT k FROM one WHERE k IN ?', [value])),
  ...['', null, 'unset', long].map((value) => q('SELECT k FROM kt WHERE k = ?', [value])), q('SELECT k FROM kt WHERE k IN ?', [list('', txt('a'))]), q('SELECT k FROM kt WHERE k IN (?, ?)', [long, txt('a')]), q('SELECT v FROM kb WHERE k = ? AND c = ?', ['01', long]), q('SELECT v FROM kb WHERE k = ? AND c = ?', ['01', '']), q('SELECT v FROM kb WHERE k = ? AND c > ?', ['01', long]), q('SELECT v FROM kb WHERE k = ? AND c > ?', ['01', null]), q('SELECT v FROM kb WHERE k = ? AND c > ?', ['01', 'unset']),
  ...[txt('a'), null, 'unset'].flatMap((value) => [q('SELECT c FROM r WHERE m CONTAINS KEY ?' + AF, [value]), q('SELECT c FROM r WHERE m[?] = 1' + AF, [value])]),
  ...[i32(1), null, 'unset'].flatMap((value) => [q('SELECT c FROM r WHERE m CONTAINS ?' + AF, [value]), q("SELECT c FROM r WHERE m['a'] = ?" + AF, [value]), q('SELECT c FROM r WHERE st CONTAINS ?' + AF, [value])]),
  q('SELECT * FROM one WHERE k = :k AND v = :k' + AF, [i32(1), i32(1)]), q('SELECT * FROM one WHERE k = :k AND v = :v' + AF, [i32(1), i32(1)]), q('SELECT * FROM one WHERE k = ? + 1', [i32(1)]), q('SELECT * FROM one WHERE k = (int)?', [i32(1)]), q('SELECT * FROM one WHERE k = abs((int)?)', [i32(-1)]), q('SELECT * FROM one WHERE k = abs(?)', [i32(-1)]), q('SELECT c FROM cnt WHERE n = ?' + AF, [i64(11)]), q('SELECT c FROM cnt WHERE n > ?' + AF, [null]),
  q('SELECT k FROM one LIMIT ?', [i32(2)]), q('SELECT k FROM one PER PARTITION LIMIT ?', [null]), q('SELECT k FROM one PER PARTITION LIMIT ? LIMIT ?', [i32(1), 'unset']), q('SELECT k FROM one PER PARTITION LIMIT ? LIMIT ?', ['unset', i32(-1)]), q('SELECT DISTINCT k FROM one LIMIT ?', [i32(2)]),
]

export const cases = [
  ...Object.entries(columns).flatMap(ofColumn),
  ...collections.map((relation) => q(`SELECT a, b, c, d FROM r WHERE ${relation}${AF}`)),
  ...collections.filter((_, i) => i % 4 === 0).map((relation) => q(`SELECT a, b, c, d FROM r WHERE ${KEY}${relation}`)),
  ...keys.map((query) => q(query, query.includes('?') ? [i32(1)] : undefined)),
  ...tokens.flatMap((relation, i) => [q(`SELECT a, b, c FROM r WHERE ${relation}`), ...(i % 3 === 0 ? [q(`SELECT a, b, c FROM r WHERE ${relation}${AF}`)] : [])]),
  ...multi.map((relation) => q(`SELECT a, b, c FROM ord WHERE k = 1 AND ${relation}`)),
  ...multi.filter((relation) => !/ORDER|LIMIT/.test(relation)).flatMap((relation, i) => (i % 2 === 0 ? [q(`SELECT a, b, c FROM ord WHERE ${relation}${AF}`)] : [q(`SELECT a, b, c FROM ord WHERE k = 1 AND ${relation}${AF}`)])),
  ...orders.map((query) => q(query)),
  ...orders.filter((_, i) => i % 4 === 0).map((query) => q(query, undefined, { pageSize: 2, paged: true })),
  ...bound,
]
