/**
 * What the nodes are started with, by cassandra.yaml's names: `cassandra start --set NAME=VALUE` for the one whose
 * answers are recorded, `settings` for the one that is tested.
 */
export const SETTINGS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  plain: { tombstone_warn_threshold: '0', tombstone_failure_threshold: '20' },
  enabled: {
    read_thresholds_enabled: 'true',
    tombstone_warn_threshold: '0',
    tombstone_failure_threshold: '20',
    coordinator_read_size_warn_threshold: '30B',
    coordinator_read_size_fail_threshold: '4KiB',
    local_read_size_warn_threshold: '90B',
    local_read_size_fail_threshold: '32KiB',
  },
}

const map = (count: number): string => Array.from({ length: count }, (_, i) => `${i}:'a'`).join(',')
const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

/** Rows of every make; a partition each of `w`. */
const ROWS: readonly string[] = [
  'INSERT INTO w (k, c) VALUES (K, 1)',
  "INSERT INTO w (k, s) VALUES (K, 'sss')",
  "INSERT INTO w (k, c, s) VALUES (K, 1, 'sss')",
  "INSERT INTO w (k, c, v) VALUES (K, 1, 'abc') USING TTL 100000",
  "UPDATE w SET v = '' WHERE k = K AND c = 1",
  "UPDATE w SET m = {1:'a'} WHERE k = K AND c = 1",
  "UPDATE w SET m = m + {1:'a',2:'bb'} WHERE k = K AND c = 1",
  'UPDATE w SET st = st + {1,2,3} WHERE k = K AND c = 1',
  'UPDATE w SET l = l + [1] WHERE k = K AND c = 1',
  'DELETE FROM w WHERE k = K AND c = 1',
  'DELETE FROM w WHERE k = K',
  'DELETE m[1] FROM w WHERE k = K AND c = 1',
  'DELETE m FROM w WHERE k = K AND c = 1',
  'DELETE FROM w WHERE k = K AND c > 1 AND c < 5',
  'DELETE FROM w WHERE k = K AND c > 1',
  'DELETE FROM w WHERE k = K AND c <= 1',
  ...[31, 32, 40, 63, 64, 100].map((count) => `UPDATE w SET m = m + {${map(count)}} WHERE k = K AND c = 1`),
]

/** Range tombstones, and the rows among them; what of them is read. */
const RANGES: readonly (readonly [written: readonly string[], read: readonly string[]])[] = [
  [
    ['DELETE FROM w WHERE k = K AND c >= 10 AND c < 20'],
    [
      '',
      'AND c = 15',
      'AND c = 9',
      'AND c IN (12, 15)',
      'AND c > 12 AND c < 15',
      'AND c >= 20',
      'AND c >= 19',
      'AND c > 5 AND c < 12',
      'AND c < 10',
      'AND c <= 10',
      'AND c > 3 AND c < 5',
      'ORDER BY c DESC',
    ],
  ],
  [
    [
      'DELETE FROM w WHERE k = K AND c >= 10 AND c < 20',
      'DELETE FROM w WHERE k = K AND c >= 20 AND c < 30',
    ],
    ['', 'ORDER BY c DESC', 'AND c > 15 AND c < 25', 'AND c > 15 AND c < 25 ORDER BY c DESC'],
  ],
  [
    ['DELETE FROM w WHERE k = K AND c >= 10 AND c <= 20', 'DELETE FROM w WHERE k = K AND c > 15 AND c < 30'],
    ['', 'ORDER BY c DESC'],
  ],
  [
    [
      'DELETE FROM w WHERE k = K AND c >= 10 AND c < 20',
      'INSERT INTO w (k, c) VALUES (K, 15)',
      'INSERT INTO w (k, c) VALUES (K, 25)',
      'DELETE FROM w WHERE k = K AND c > 30',
    ],
    [
      '',
      'AND c = 15',
      'AND c = 16',
      'AND c <= 15',
      'AND c < 16',
      'LIMIT 1',
      'LIMIT 2',
      'AND c IN (15, 16, 25)',
      'ORDER BY c DESC',
      'ORDER BY c DESC LIMIT 1',
    ],
  ],
  [['DELETE FROM w WHERE k = K AND c >= 10 AND c < 20', 'DELETE FROM w WHERE k = K'], ['', 'AND c = 12']],
  [
    range(15).map((i) => `DELETE FROM w WHERE k = K AND c >= ${i * 10} AND c < ${i * 10 + 5}`),
    ['', 'AND c < 73', 'AND c < 93', 'AND c < 101', 'AND c >= 100'],
  ],
  [
    ["INSERT INTO w (k, s) VALUES (K, 'static')", 'DELETE FROM w WHERE k = K AND c >= 10 AND c < 20'],
    ['', 'AND c > 12'],
  ],
]

/** A statement, and rows a page; 0 for all at once. */
export type Case = readonly [statement: string, pageSize: number]

/** Statements whose answers do not matter. */
export const SETUP: readonly string[] = [
  'CREATE TABLE w (k int, c int, s text static, v text, m map<int, text>, st set<int>, l list<int>, PRIMARY KEY (k, c))',
  'CREATE TABLE p (k text, k2 int, a int, PRIMARY KEY ((k, k2)))',
  'CREATE TABLE n (k text PRIMARY KEY, a int, b int, d blob)',
  'CREATE TABLE ct (k int PRIMARY KEY, a counter)',
  'CREATE TABLE t (k int, c int, v text, PRIMARY KEY (k, c))',
  'CREATE TABLE d (k int, c int, a int, b int, PRIMARY KEY (k, c))',
  'CREATE TABLE d1 (k int PRIMARY KEY, a int)',
  ...ROWS.map((row, i) => row.replaceAll('K', String(i))),
  ...RANGES.flatMap(([written], i) => written.map((row) => row.replaceAll('K', String(100 + i)))),
  "INSERT INTO p (k, k2, a) VALUES ('kkkk', 1, 1)",
  "INSERT INTO n (k) VALUES ('a')",
  "INSERT INTO n (k, a, b, d) VALUES ('b', 1, 2, 0x)",
  "UPDATE n SET a = null WHERE k = 'c'",
  "DELETE FROM n WHERE k = 'd'",
  'UPDATE ct SET a = a + 1 WHERE k = 1',
  ...range(9).map((i) => `INSERT INTO t (k, c, v) VALUES (${i % 3}, ${i}, 'abc')`),
  ...range(60).map((i) => `INSERT INTO t (k, c, v) VALUES (50, ${i}, '${'x'.repeat(100)}')`),
  ...range(9).map((i) => `INSERT INTO d (k, c, a) VALUES (${i % 3}, ${i}, null)`),
  ...range(5).map((i) => `INSERT INTO d1 (k, a) VALUES (${i}, null)`),
]

const PAGED: readonly string[] = [
  'SELECT * FROM d',
  'SELECT * FROM d WHERE k = 1',
  'SELECT * FROM d WHERE k IN (0, 1, 2)',
  'SELECT * FROM d WHERE k = 1 ORDER BY c DESC',
  'SELECT * FROM d WHERE token(k) > -4069959284402364209',
  'SELECT * FROM d LIMIT 5',
  'SELECT * FROM d PER PARTITION LIMIT 2',
  'SELECT DISTINCT k FROM d',
  'SELECT * FROM d1',
  'SELECT * FROM d1 WHERE k IN (0, 1, 2, 3)',
  'SELECT count(*) FROM d',
  'SELECT count(*) FROM d1',
  'SELECT count(*) FROM d WHERE k = 1',
  'SELECT count(*) FROM d WHERE k IN (0, 1)',
  'SELECT k, c, count(*) FROM d GROUP BY k, c',
  'SELECT k, count(*) FROM d GROUP BY k',
  'SELECT k, c, count(*) FROM d WHERE k = 1 GROUP BY k, c',
  'SELECT k, c, count(*) FROM d GROUP BY k, c PER PARTITION LIMIT 2',
  'SELECT k, c, count(*) FROM d GROUP BY k, c LIMIT 5',
  'SELECT k, c, count(*) FROM d WHERE k IN (0, 1, 2) GROUP BY k, c',
]

export const CASES: readonly Case[] = [
  ...ROWS.map((_, i): Case => [`SELECT * FROM w WHERE k = ${i}`, 0]),
  ...RANGES.flatMap(([, read], i) =>
    read.map((where): Case => [`SELECT * FROM w WHERE k = ${100 + i} ${where}`.trim(), 0]),
  ),
  ['SELECT * FROM w WHERE k = 103', 1],
  ['SELECT DISTINCT k, s FROM w WHERE k = 103', 0],
  ['SELECT count(*) FROM w WHERE k = 103', 0],
  ['SELECT count(*) FROM w WHERE k = 103', 1],
  ['SELECT c, count(*) FROM w WHERE k = 103 GROUP BY c', 0],
  ["SELECT * FROM p WHERE k = 'kkkk' AND k2 = 1", 0],
  ...['a', 'b', 'c', 'd'].map((key): Case => [`SELECT * FROM n WHERE k = '${key}'`, 0]),
  ['SELECT * FROM n', 0],
  ['SELECT * FROM ct', 0],
  ...[2, 3].flatMap((size) => PAGED.map((statement): Case => [statement, size])),
  ...PAGED.map((statement): Case => [statement, 0]),
  ...[
    'token(k) > 5',
    'token(k) >= -3248873570005575792 AND token(k) <= 0',
    'token(k) < 10',
    'token(k) > -9223372036854775808',
    'token(k) = -3485513579396041028',
    'k IN (2, 0, 1)',
    'k = 1 AND c = 4',
    'k = 99',
    'k = 50',
    'k = 50 AND c < 25',
    'k = 50 AND c < 39',
    'k = 50 AND c < 40',
    'k IN (1, 50)',
  ].map((where): Case => [`SELECT * FROM t WHERE ${where}`, 0]),
  ['SELECT v FROM t WHERE k = 50 AND c < 41', 0],
  ['SELECT v FROM t WHERE k = 50 AND c < 42', 0],
  ['SELECT v FROM t WHERE k = 50', 30],
  ['SELECT c, max(v) FROM t WHERE k = 50 AND c < 40 GROUP BY c', 0],
  ['SELECT c, max(v) FROM t WHERE k = 50 AND c < 41 GROUP BY c', 0],
  ['SELECT max(v) FROM t WHERE k = 50', 0],
  ['SELECT JSON * FROM t WHERE k = 1', 0],
  ['SELECT JSON v FROM t WHERE k = 50', 0],
  ['SELECT v FROM t WHERE k IN (0, 1) ORDER BY c DESC', 0],
  ['SELECT v FROM t WHERE k IN (0, 50) ORDER BY c DESC', 0],
  ['SELECT k, v FROM t', 0],
  ['SELECT cluster_name FROM system.local', 0],
]
