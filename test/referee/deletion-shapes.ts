import { FLUSH, type Shape } from './shape.ts'

/** Rows and all that deletes them: static rows, TTLs, deletions of partitions, rows, cells, complex columns, ranges. */

const YEARS = 10 * 365 * 86_400

/** Ranges of every kind of bound. */
function ranges(order: string): readonly string[] {
  const writes: string[] = []
  for (let k = 0; k < 4; k++) {
    for (let a = 0; a < 6; a++) {
      for (const b of ["''", "'x'", "'y'", "'z'"])
        writes.push(`INSERT INTO $t (k, a, b, v) VALUES (${k}, ${a}, ${b}, ${a})`)
    }
  }
  const where = [
    'a > 1 AND a < 3',
    'a >= 1 AND a <= 3',
    'a = 1',
    "a = 2 AND b > 'x'",
    "a = 2 AND b >= 'x' AND b < 'z'",
    "a = 3 AND b <= 'x'",
    "a = 3 AND b = 'y'",
    'a > 4',
    'a <= 0',
    ...(order === 'mixed'
      ? []
      : ["(a, b) > (1, 'x') AND (a, b) <= (2, 'y')", "(a, b) >= (3, 'y') AND a < 5"]),
  ]
  where.forEach((condition, i) => {
    if (i === 4) writes.push(FLUSH)
    writes.push(`DELETE FROM $t WHERE k = ${i % 2} AND ${condition}`)
  })
  // Adjacent, and of different times: boundaries.
  writes.push(
    'DELETE FROM $t WHERE k = 2 AND a >= 0 AND a < 2',
    'DELETE FROM $t WHERE k = 2 AND a >= 2 AND a < 4',
    'DELETE FROM $t USING TIMESTAMP 5 WHERE k = 2 AND a >= 4 AND a < 5',
    "DELETE FROM $t WHERE k = 2 AND a = 4 AND b > 'x'",
    FLUSH,
    'DELETE FROM $t WHERE k = 2 AND a > 1 AND a <= 3',
    "INSERT INTO $t (k, a, b, v) VALUES (2, 2, 'x', 100)",
    'DELETE FROM $t USING TIMESTAMP 6 WHERE k = 3 AND a > 1 AND a <= 3',
    'DELETE FROM $t WHERE k = 4 AND a = 1',
    "INSERT INTO $t (k, a, b, v) VALUES (4, 1, 'x', 7) USING TIMESTAMP 7",
    "INSERT INTO $t (k, a, b, v) VALUES (4, 2, 'x', 7) USING TIMESTAMP -9",
  )
  return writes
}

const RANGES = ['asc', 'desc', 'mixed'].map((order): Shape => {
  const [a, b] = { asc: ['ASC', 'ASC'], desc: ['DESC', 'DESC'], mixed: ['DESC', 'ASC'] }[order]!
  return {
    name: `ranges_${order}`,
    schema: [
      `CREATE TABLE $t (k int, a int, b text, v int, PRIMARY KEY (k, a, b)) WITH CLUSTERING ORDER BY (a ${a}, b ${b}) AND gc_grace_seconds = ${order === 'asc' ? 864_000 : 0}`,
    ],
    writes: ranges(order),
    absent: ['k = 99'],
  }
})

const OTHERS: readonly Shape[] = [
  {
    name: 'deletions',
    schema: [
      'CREATE TABLE $t (k text, c int, s int static, sm map<text, int> static, v int, w text, m map<text, int>, st set<int>, PRIMARY KEY (k, c))',
    ],
    writes: [
      ...['a', 'b', 'c', 'd', 'e'].flatMap((k) => [
        `INSERT INTO $t (k, s, sm) VALUES ('${k}', 1, {'x': 1, 'y': 2})`,
        ...[1, 2, 3].map(
          (c) =>
            `INSERT INTO $t (k, c, v, w, m, st) VALUES ('${k}', ${c}, ${c}, 'w', {'p': 1, 'q': 2}, {1, 2})`,
        ),
      ]),
      FLUSH,
      "DELETE FROM $t WHERE k = 'a'",
      "DELETE FROM $t WHERE k = 'b' AND c = 1",
      "DELETE v FROM $t WHERE k = 'b' AND c = 2",
      "DELETE m FROM $t WHERE k = 'b' AND c = 2",
      "DELETE m['p'], st[1] FROM $t WHERE k = 'b' AND c = 3",
      "DELETE s FROM $t WHERE k = 'b'",
      "DELETE sm FROM $t WHERE k = 'c'",
      "DELETE sm['x'] FROM $t WHERE k = 'd'",
      "UPDATE $t SET m = {'new': 3}, v = null WHERE k = 'c' AND c = 1",
      "UPDATE $t SET v = 5 WHERE k = 'c' AND c = 9",
      "DELETE FROM $t USING TIMESTAMP 3 WHERE k = 'e'",
      "DELETE FROM $t USING TIMESTAMP 4 WHERE k = 'e' AND c = 2",
      FLUSH,
      "INSERT INTO $t (k, c) VALUES ('a', 7)",
      "INSERT INTO $t (k, s) VALUES ('f', 7)",
      "DELETE FROM $t WHERE k = 'g'",
      "DELETE FROM $t WHERE k = 'h' AND c = 5",
      "DELETE s FROM $t WHERE k = 'i'",
    ],
    absent: ["k = 'zz'"],
  },
  {
    name: 'ttls',
    schema: [
      'CREATE TABLE $t (k int, c int, s text static, v int, w text, m map<int, int>, f frozen<list<int>>, PRIMARY KEY (k, c)) WITH gc_grace_seconds = 0',
    ],
    writes: [
      `INSERT INTO $t (k, c, v, w, m, f) VALUES (1, 1, 1, 'w', {1: 1}, [1]) USING TTL ${YEARS}`,
      `UPDATE $t USING TTL ${YEARS} SET v = 2, m = m + {5: 5} WHERE k = 1 AND c = 2`,
      'INSERT INTO $t (k, c, v) VALUES (1, 3, 3) USING TTL 10',
      'INSERT INTO $t (k, c, v) VALUES (1, 4, 4)',
      "UPDATE $t USING TTL 20 SET w = 'gone' WHERE k = 1 AND c = 4",
      `UPDATE $t USING TTL ${YEARS} SET s = 's' WHERE k = 1`,
      FLUSH,
      'INSERT INTO $t (k, c, v) VALUES (2, 1, 1) USING TTL 1',
      "UPDATE $t USING TTL 5 SET s = 's' WHERE k = 2",
      'UPDATE $t USING TTL 5 SET m[1] = 9 WHERE k = 1 AND c = 1',
      'INSERT INTO $t (k, c, v) VALUES (1, 2, 7)',
      `INSERT INTO $t (k, c, v) VALUES (3, 1, 1) USING TTL ${YEARS}`,
      'DELETE v FROM $t WHERE k = 3 AND c = 1',
    ],
    absent: ['k = 99'],
  },
  {
    name: 'default_ttl',
    schema: [`CREATE TABLE $t (k int PRIMARY KEY, v int) WITH default_time_to_live = ${YEARS}`],
    writes: [
      'INSERT INTO $t (k, v) VALUES (1, 1)',
      'INSERT INTO $t (k, v) VALUES (2, 2) USING TTL 0',
      'INSERT INTO $t (k, v) VALUES (3, 3) USING TTL 3',
      'UPDATE $t SET v = 4 WHERE k = 4',
    ],
    absent: ['k = 99'],
  },
  {
    name: 'timestamps',
    schema: ['CREATE TABLE $t (k int, c int, v int, w int, PRIMARY KEY (k, c))'],
    writes: [
      'INSERT INTO $t (k, c, v, w) VALUES (1, 1, 1, 1) USING TIMESTAMP -9223372036854775807',
      'UPDATE $t USING TIMESTAMP -1 SET v = 2 WHERE k = 1 AND c = 2',
      'UPDATE $t USING TIMESTAMP 0 SET w = 2 WHERE k = 1 AND c = 2',
      'UPDATE $t USING TIMESTAMP 9223372036854775807 SET v = 3 WHERE k = 1 AND c = 3',
      'INSERT INTO $t (k, c, v) VALUES (2, 1, 1) USING TIMESTAMP 4294967295',
      'UPDATE $t USING TIMESTAMP 4294967296 SET w = 1 WHERE k = 2 AND c = 1',
      FLUSH,
      'DELETE FROM $t USING TIMESTAMP -2 WHERE k = 1 AND c >= 1 AND c < 3',
      'DELETE FROM $t USING TIMESTAMP 4294967295 WHERE k = 2',
    ],
    absent: ['k = 99'],
  },
  {
    name: 'conflicts',
    schema: ['CREATE TABLE $t (k int PRIMARY KEY, v int, w text, m map<int, int>)'],
    writes: [
      "INSERT INTO $t (k, v, w) VALUES (1, 1, 'b') USING TIMESTAMP 10",
      'INSERT INTO $t (k, v) VALUES (2, 2) USING TIMESTAMP 10',
      `INSERT INTO $t (k, v) VALUES (3, 3) USING TIMESTAMP 10 AND TTL ${YEARS}`,
      'UPDATE $t USING TIMESTAMP 10 SET m = {1: 1} WHERE k = 1',
      FLUSH,
      "INSERT INTO $t (k, v, w) VALUES (1, 0, 'c') USING TIMESTAMP 10",
      'DELETE v FROM $t USING TIMESTAMP 10 WHERE k = 2',
      `INSERT INTO $t (k, v) VALUES (3, 4) USING TIMESTAMP 10 AND TTL ${YEARS - 1}`,
      'UPDATE $t USING TIMESTAMP 10 SET m = {2: 2} WHERE k = 1',
      FLUSH,
      'INSERT INTO $t (k, v) VALUES (3, 5) USING TIMESTAMP 10',
      'UPDATE $t USING TIMESTAMP 9 SET m[3] = 3 WHERE k = 1',
      'DELETE FROM $t USING TIMESTAMP 10 WHERE k = 2',
    ],
    absent: ['k = 99'],
  },
  {
    name: 'statics',
    schema: [
      'CREATE TABLE $t (k int, c int, s int static, t text static, l frozen<list<int>> static, v int, PRIMARY KEY (k, c))',
    ],
    writes: [
      'INSERT INTO $t (k, s) VALUES (1, 1)',
      'INSERT INTO $t (k, c, v) VALUES (2, 2, 2)',
      "INSERT INTO $t (k, c, v, s, t, l) VALUES (3, 3, 3, 3, 't', [1])",
      'INSERT INTO $t (k, c) VALUES (4, 4)',
      'INSERT INTO $t (k, s, t) VALUES (5, 5, null)',
      FLUSH,
      "INSERT INTO $t (k, t) VALUES (1, 'later')",
      'INSERT INTO $t (k, s) VALUES (2, 22)',
      'DELETE FROM $t WHERE k = 3 AND c = 3',
      'DELETE s, t, l FROM $t WHERE k = 3',
      'DELETE FROM $t WHERE k = 5',
    ],
    absent: ['k = 99'],
  },
  {
    name: 'statics_alone',
    schema: ['CREATE TABLE $t (k int, c int, s int static, v int, PRIMARY KEY (k, c))'],
    writes: [1, 2, 3, 4].map((k) => `INSERT INTO $t (k, s) VALUES (${k}, ${k})`),
    absent: ['k = 99'],
  },
  {
    name: 'partition_deletions',
    schema: ['CREATE TABLE $t (k int PRIMARY KEY, v int)'],
    writes: [1, 2, 3].map((k) => `DELETE FROM $t WHERE k = ${k}`),
    absent: ['k = 99'],
  },
]

export const DELETION_SHAPES: readonly Shape[] = [...RANGES, ...OTHERS]
