import { FLUSH, type Shape } from './shape.ts'

/** Tables of every make: keys, many columns, sizes, compressors, Bloom filters, COMPACT STORAGE, ALTER. */

const LETTERS = 'abcdefghijklmnopqrstuvwxyz'

/** A text of so many letters that hardly repeats itself. */
function noise(length: number, seed: number): string {
  let state = seed | 1
  let text = ''
  for (let i = 0; i < length; i++) {
    state = Math.imul(state, 1_103_515_245) + 12_345
    text += LETTERS[(state >>> 16) % 26]!
  }
  return text
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i)
}

/** Rows that have few, half, most, or all of the columns. */
function columns(count: number): Shape {
  const names = range(count).map((i) => `c${i}`)
  const writes: string[] = []
  const insert = (k: number, chosen: readonly string[]): void => {
    const columns = ['k', 'c', ...chosen].join(', ')
    writes.push(`INSERT INTO $t (${columns}) VALUES (${k}, ${[k, ...chosen.map((_, i) => i)].join(', ')})`)
  }
  ;[0, 1, 2, count >> 1, (count >> 1) + 1, count - 2, count - 1, count].forEach((n, k) => {
    insert(k, names.slice(0, n))
    insert(k + 100, names.slice(count - n))
  })
  insert(
    200,
    names.filter((_, i) => i % 2 === 0),
  )
  writes.push(
    'UPDATE $t SET s3 = 1, s70 = 2 WHERE k = 200',
    FLUSH,
    `UPDATE $t SET ${names.at(-1)!} = 5 WHERE k = 1 AND c = 1`,
  )
  return {
    name: `columns_${count}`,
    schema: [
      `CREATE TABLE $t (k int, c int, ${names.map((name) => `${name} int`).join(', ')}, ${range(count)
        .map((i) => `s${i} int static`)
        .join(', ')}, s3_more int static, ${count < 71 ? 's70 int static, ' : ''}PRIMARY KEY (k, c))`,
    ],
    writes,
    absent: ['k = 999'],
  }
}

const COMPRESSIONS: Readonly<Record<string, string>> = {
  lz4_4: "{'class': 'LZ4Compressor', 'chunk_length_in_kb': 4}",
  lz4_64: "{'class': 'LZ4Compressor', 'chunk_length_in_kb': 64}",
  lz4_high: "{'class': 'LZ4Compressor', 'lz4_compressor_type': 'high', 'lz4_high_compressor_level': 12}",
  lz4_ratio: "{'class': 'LZ4Compressor', 'chunk_length_in_kb': 4, 'min_compress_ratio': 1.5}",
  snappy: "{'class': 'SnappyCompressor', 'chunk_length_in_kb': 16}",
  snappy_ratio: "{'class': 'SnappyCompressor', 'chunk_length_in_kb': 8, 'min_compress_ratio': 4}",
  deflate: "{'class': 'DeflateCompressor', 'chunk_length_in_kb': 32}",
  zstd: "{'class': 'ZstdCompressor', 'chunk_length_in_kb': 16}",
  zstd_9: "{'class': 'ZstdCompressor', 'chunk_length_in_kb': 4, 'compression_level': 9}",
  zstd_ratio: "{'class': 'ZstdCompressor', 'chunk_length_in_kb': 4, 'min_compress_ratio': 1.2}",
  noop: "{'class': 'NoopCompressor', 'chunk_length_in_kb': 4}",
  none: "{'enabled': 'false'}",
}

function compressed(name: string): Shape {
  // Chunks of letters alone, of the same again and again, and of both.
  const writes = range(60).map((i) => {
    const v =
      i % 3 === 0 ? noise(900, i) : i % 3 === 1 ? 'same '.repeat(200) : noise(100, i) + 'x'.repeat(700)
    return `INSERT INTO $t (k, c, v) VALUES (${i % 4}, ${i}, '${v}')`
  })
  return {
    name: `c_${name}`,
    schema: [
      `CREATE TABLE $t (k int, c int, v text, PRIMARY KEY (k, c)) WITH compression = ${COMPRESSIONS[name]!}`,
    ],
    writes: [...writes.slice(0, 40), FLUSH, ...writes.slice(40)],
    absent: ['k = 99'],
  }
}

function filtered(chance: string): Shape {
  return {
    name: `bloom_${chance.replace('.', '_')}`,
    schema: [`CREATE TABLE $t (k bigint PRIMARY KEY, v int) WITH bloom_filter_fp_chance = ${chance}`],
    writes: range(300).map((i) => `INSERT INTO $t (k, v) VALUES (${i * 7919}, ${i})`),
    absent: range(20).map((i) => `k = ${i * 7919 + 1}`),
  }
}

/** One partition of many index blocks; rows of more than one block; tombstones across blocks. */
function wide(name: string, order: string, columnCount: number): Shape {
  const writes: string[] = []
  const clustering = columnCount === 2
  const insert = (a: number, v: string): void => {
    const b = clustering ? `, 'b${a % 7}'` : ''
    writes.push(`INSERT INTO $t (k, a${clustering ? ', b' : ''}, v) VALUES ('wide', ${a}${b}, '${v}')`)
  }
  writes.push("INSERT INTO $t (k, s) VALUES ('wide', 'static')")
  for (const i of range(1200)) insert(i, noise(400, i))
  insert(300, noise(70_000, 1))
  insert(301, noise(140_000, 2))
  insert(5000, noise(70_000, 3))
  writes.push(
    "DELETE FROM $t WHERE k = 'wide' AND a > 100 AND a < 250",
    "DELETE FROM $t WHERE k = 'wide' AND a >= 290 AND a <= 299",
    "DELETE FROM $t WHERE k = 'wide' AND a >= 6000",
    FLUSH,
  )
  for (const i of range(300)) insert(i * 5, noise(300, i))
  for (const i of range(200))
    writes.push(`DELETE FROM $t WHERE k = 'wide' AND a >= ${i * 10} AND a < ${i * 10 + 3}`)
  writes.push("INSERT INTO $t (k, s) VALUES ('small', 'static')", "DELETE FROM $t WHERE k = 'gone'")
  return {
    name,
    schema: [
      `CREATE TABLE $t (k text, a int, ${clustering ? 'b text, ' : ''}s text static, v text, PRIMARY KEY (k, a${clustering ? ', b' : ''})) WITH CLUSTERING ORDER BY (a ${order}${clustering ? ', b ASC' : ''})`,
    ],
    writes,
    absent: ["k = 'absent'"],
  }
}

const MAKES: readonly Shape[] = [
  {
    name: 'composite',
    schema: ['CREATE TABLE $t (a int, b text, c blob, r int, v int, PRIMARY KEY ((a, b, c), r))'],
    writes: range(12).map(
      (i) =>
        `INSERT INTO $t (a, b, c, r, v) VALUES (${i % 3}, '${'x'.repeat(i % 4)}', 0x${'00'.repeat(i % 2)}, ${i}, ${i})`,
    ),
    absent: ["a = 9 AND b = '' AND c = 0x", "a = 0 AND b = '' AND c = 0x77"],
  },
  {
    name: 'long_keys',
    schema: ['CREATE TABLE $t (k text, c text, v text, PRIMARY KEY (k, c))'],
    writes: [1, 100, 5000, 60_000].flatMap((length) => [
      `INSERT INTO $t (k, c, v) VALUES ('${noise(length, length)}', '${noise(length, 7)}', 'v')`,
      `INSERT INTO $t (k, c, v) VALUES ('${noise(length, length)}', '', 'w')`,
    ]),
    absent: [`k = '${noise(60_000, 3)}'`, "k = 'x'"],
  },
  {
    name: 'keys_alone',
    schema: ['CREATE TABLE $t (k int, c int, PRIMARY KEY (k, c))'],
    writes: [
      ...range(20).map((i) => `INSERT INTO $t (k, c) VALUES (${i % 5}, ${i})`),
      'DELETE FROM $t WHERE k = 1 AND c = 6',
    ],
    absent: ['k = 99'],
  },
  {
    name: 'key_alone',
    schema: ['CREATE TABLE $t (k int PRIMARY KEY)'],
    writes: range(5).map((i) => `INSERT INTO $t (k) VALUES (${i})`),
    absent: ['k = 99'],
  },
  {
    name: 'one_partition',
    schema: ['CREATE TABLE $t (k int PRIMARY KEY, v int)'],
    writes: ['INSERT INTO $t (k, v) VALUES (1, 1)'],
    absent: ['k = 2'],
  },
  { name: 'nothing', schema: ['CREATE TABLE $t (k int PRIMARY KEY, v int)'], writes: [], absent: ['k = 2'] },
  {
    name: 'many',
    schema: ['CREATE TABLE $t (k int PRIMARY KEY, v int)'],
    writes: range(100_000).flatMap((i) => [
      ...(i === 60_000 ? [FLUSH] : []),
      `INSERT INTO $t (k, v) VALUES (${i}, ${i % 100})`,
    ]),
    absent: range(20).map((i) => `k = ${200_000 + i}`),
  },
  {
    name: 'intervals',
    schema: [
      'CREATE TABLE $t (k int PRIMARY KEY, v text) WITH min_index_interval = 8 AND max_index_interval = 16',
    ],
    writes: range(500).map((i) => `INSERT INTO $t (k, v) VALUES (${i}, 'v${i}')`),
    absent: ['k = 1000'],
  },
  {
    name: 'dropped',
    schema: [
      'CREATE TABLE $t (k int, c int, v int, w text, m map<int, int>, s int static, PRIMARY KEY (k, c))',
    ],
    writes: [
      "INSERT INTO $t (k, c, v, w, m, s) VALUES (1, 1, 1, 'w', {1: 1}, 1) USING TIMESTAMP 1000",
      "INSERT INTO $t (k, c, v, w) VALUES (1, 2, 2, 'x') USING TIMESTAMP 1000",
      FLUSH,
      'ALTER TABLE $t DROP v USING TIMESTAMP 2000',
      'ALTER TABLE $t DROP m USING TIMESTAMP 2000',
      'ALTER TABLE $t DROP s USING TIMESTAMP 2000',
      "INSERT INTO $t (k, c, w) VALUES (1, 3, 'y') USING TIMESTAMP 3000",
      FLUSH,
      'ALTER TABLE $t ADD v int',
      'ALTER TABLE $t ADD s int static',
      'INSERT INTO $t (k, c, v, s) VALUES (1, 4, 4, 4) USING TIMESTAMP 4000',
      'INSERT INTO $t (k, c, v) VALUES (1, 5, 5) USING TIMESTAMP 1500',
      FLUSH,
      'ALTER TABLE $t ADD a_new set<text>',
      "UPDATE $t USING TIMESTAMP 5000 SET a_new = {'n'} WHERE k = 1 AND c = 1",
      'ALTER TABLE $t RENAME c TO renamed',
    ],
    absent: ['k = 99'],
    unequal: 'the table changes between its SSTables',
  },
  {
    name: 'altered_type',
    schema: [
      'CREATE TYPE $ks.grown (a int)',
      'CREATE TABLE $t (k int PRIMARY KEY, u grown, f frozen<grown>, l list<frozen<grown>>)',
    ],
    writes: [
      'INSERT INTO $t (k, u, f, l) VALUES (1, {a: 1}, {a: 1}, [{a: 1}])',
      FLUSH,
      'ALTER TYPE $ks.grown ADD b text',
      "INSERT INTO $t (k, u, f, l) VALUES (2, {a: 2, b: 'b'}, {a: 2, b: 'b'}, [{b: 'c'}])",
      "UPDATE $t SET u.b = 'later' WHERE k = 1",
      FLUSH,
      'ALTER TYPE $ks.grown RENAME a TO z',
      'INSERT INTO $t (k, u, f) VALUES (3, {z: 3}, {z: 3})',
    ],
    absent: ['k = 99'],
    unequal: 'the type changes between the SSTables',
  },
  {
    name: 'compact_static',
    schema: ['CREATE TABLE $t (k text PRIMARY KEY, v int, w text) WITH COMPACT STORAGE'],
    writes: [
      "INSERT INTO $t (k, v, w) VALUES ('a', 1, 'x')",
      "INSERT INTO $t (k, v) VALUES ('b', 2)",
      FLUSH,
      "DELETE v FROM $t WHERE k = 'a'",
      "DELETE FROM $t WHERE k = 'b'",
      "UPDATE $t SET w = 'y' WHERE k = 'c'",
    ],
    absent: ["k = 'zz'"],
  },
  {
    name: 'compact_dense',
    schema: ['CREATE TABLE $t (k text, c int, v int, PRIMARY KEY (k, c)) WITH COMPACT STORAGE'],
    writes: [
      ...range(9).map((i) => `INSERT INTO $t (k, c, v) VALUES ('${LETTERS[i % 3]!}', ${i}, ${i})`),
      FLUSH,
      "DELETE FROM $t WHERE k = 'a' AND c = 3",
      "DELETE v FROM $t WHERE k = 'b' AND c = 1",
      "DELETE FROM $t WHERE k = 'c' AND c > 2 AND c < 6",
    ],
    absent: ["k = 'zz'"],
  },
  {
    name: 'compact_dense_two',
    schema: [
      'CREATE TABLE $t (k text, c text, d text, v int, PRIMARY KEY (k, c, d)) WITH COMPACT STORAGE AND CLUSTERING ORDER BY (c DESC, d ASC)',
    ],
    writes: [
      ...range(12).map(
        (i) =>
          `INSERT INTO $t (k, c, d, v) VALUES ('${LETTERS[i % 2]!}', '${'x'.repeat(i % 3)}', '${i}', ${i})`,
      ),
      "INSERT INTO $t (k, c, v) VALUES ('a', 'q', 77)",
      "INSERT INTO $t (k, c, v) VALUES ('b', '', 78)",
      FLUSH,
      "DELETE FROM $t WHERE k = 'a' AND c = 'x'",
      "INSERT INTO $t (k, c, v) VALUES ('b', 'x', 79)",
    ],
    undumpable: 'a NullPointerException for the clusterings that have no second component',
    absent: ["k = 'zz'"],
  },
  {
    name: 'compact_no_value',
    schema: ['CREATE TABLE $t (k text, c int, PRIMARY KEY (k, c)) WITH COMPACT STORAGE'],
    writes: [
      ...range(4).map((i) => `INSERT INTO $t (k, c) VALUES ('a', ${i})`),
      "DELETE FROM $t WHERE k = 'a' AND c = 2",
    ],
    absent: ["k = 'zz'"],
  },
  {
    name: 'compact_counter',
    schema: ['CREATE TABLE $t (k text, c int, n counter, PRIMARY KEY (k, c)) WITH COMPACT STORAGE'],
    writes: [
      "UPDATE $t SET n = n + 5 WHERE k = 'a' AND c = 1",
      FLUSH,
      "UPDATE $t SET n = n - 7 WHERE k = 'a' AND c = 1",
    ],
    absent: ["k = 'zz'"],
    unequal: 'counter shards have ids of nodes',
  },
]

export const TABLE_SHAPES: readonly Shape[] = [
  columns(63),
  columns(64),
  columns(65),
  columns(130),
  ...Object.keys(COMPRESSIONS).map(compressed),
  ...['1.0', '0.1', '0.01', '0.0001'].map(filtered),
  wide('wide', 'ASC', 1),
  wide('wide_desc', 'DESC', 1),
  wide('wide_two', 'DESC', 2),
  ...MAKES,
]
