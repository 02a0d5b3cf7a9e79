import { FLUSH, type Shape } from './shape.ts'

/** Every CQL type: as partition key, as clustering in both directions, as static and regular column, in collections. */

/** Literals in no order; the last one is never written as a partition key. */
export const LITERALS: Readonly<Record<string, readonly string[]>> = {
  ascii: ["'a'", "''", "'zz'", "'A'", "'absent'"],
  bigint: ['0', '-1', '9223372036854775807', '-9223372036854775808', '77'],
  blob: ['0x00', '0x', '0xff00', '0x80', '0x7777'],
  boolean: ['true', 'false'],
  date: ["'1970-01-01'", '0', '4294967295', "'2026-11-21'", "'1999-01-01'"],
  decimal: ['0', '-1.50', '1.5', '1e30', '-7.7'],
  double: ['0.0', '-0.0', 'NaN', '-Infinity', '1.5e300'],
  float: ['0.0', '-1.5', 'NaN', 'Infinity', '7.7'],
  inet: ["'127.0.0.1'", "'::1'", "'255.255.255.255'", "'2001:db8::7'", "'10.7.7.7'"],
  int: ['0', '-1', '2147483647', '-2147483648', '77'],
  smallint: ['0', '-1', '32767', '-32768', '77'],
  text: ["'a'", "''", "'ü𝄞'", "'zz'", "'absent'"],
  time: ["'00:00:00'", "'23:59:59.999999999'", "'12:00:00'", "'07:07:07'"],
  timestamp: ['0', '-1', '253402300799999', "'2026-11-21T10:00:00Z'", '77'],
  timeuuid: [
    '00000000-0000-1000-8080-808080808080',
    '13814000-1dd2-11b2-8080-808080808080',
    '13814000-1dd2-11b2-0000-000000000000',
    '13814000-1dd2-11ff-8080-808080808080',
  ],
  tinyint: ['0', '-1', '127', '-128', '77'],
  uuid: [
    '00000000-0000-1000-8080-808080808080',
    'ffffffff-ffff-4fff-bfff-ffffffffffff',
    '10000000-0000-4000-8000-000000000001',
    '77777777-7777-4777-8777-777777777777',
  ],
  varint: ['0', '-1', '170141183460469231731687303715884105728', '-32769', '77'],
  'vector<float, 3>': ['[0.0, 1.0, -1.0]', '[1.5, 2.5, 3.5]', '[-1.0, 0.0, 0.0]', '[7.0, 7.0, 7.0]'],
  'vector<text, 2>': ["['a', '']", "['b', 'ccc']", "['', '']", "['7', '7']"],
  'tuple<int, text>': ["(1, 'a')", '(1, null)', "(-1, '')", "(7, 'x')"],
  'frozen<list<int>>': ['[1, 2]', '[1]', '[-1, 2, 3]', '[7]'],
  'frozen<set<text>>': ["{'a'}", "{'a', 'b'}", "{''}", "{'7'}"],
  'frozen<map<text, int>>': ["{'a': 1}", "{'a': 2}", "{'': 1, 'b': 3}", "{'7': 7}"],
  'frozen<$ks.ut>': ["{a: 1, b: 'x'}", '{a: 1}', "{b: 'y', c: [1, 2]}", '{a: 7}'],
  'frozen<map<frozen<list<int>>, frozen<tuple<int, frozen<set<text>>>>>>': [
    "{[1, 2]: (1, {'a'})}",
    '{[]: (2, null)}',
    "{[3]: (3, {'b', 'c'}), [1]: (1, {})}",
    '{[7]: (7, null)}',
  ],
}

const DURATIONS = ['1mo2d3h', '-1y', '0s', '89h4m48s']
const UDT = 'CREATE TYPE $ks.ut (a int, b text, c frozen<list<int>>)'

/** What can be no key, and what can: `text` may be of no bytes in a clustering, never as a whole partition key. */
function keysOf(type: string): readonly string[] {
  return LITERALS[type]!.filter((literal) => literal !== "''" && literal !== '0x')
}

function nameOf(type: string): string {
  return type
    .replace('$ks.', '')
    .replaceAll(/[^a-z0-9]+/g, '_')
    .replace(/_$/, '')
    .slice(0, 40)
}

function keyShape(type: string): Shape {
  const keys = keysOf(type)
  const values = LITERALS[type]!
  const writes: string[] = []
  for (const [i, key] of keys.slice(0, Math.max(2, keys.length - 1)).entries()) {
    if (i % 2 === 0) writes.push(`INSERT INTO $t (k, s) VALUES (${key}, ${values[i % values.length]!})`)
    for (const c of values) {
      for (const r of values)
        writes.push(`INSERT INTO $t (k, c, r, v) VALUES (${key}, ${c}, ${r}, ${values.at(-1)!})`)
    }
    writes.push(`DELETE FROM $t WHERE k = ${key} AND c = ${values[1]!} AND r > ${values[0]!}`)
    writes.push(`DELETE FROM $t WHERE k = ${key} AND c = ${values[0]!} AND r <= ${values[1]!}`)
    if (i === 0) writes.push(FLUSH)
  }
  return {
    name: `t_${nameOf(type)}`,
    schema: [
      ...(type.includes('.ut') ? [UDT] : []),
      `CREATE TABLE $t (k ${type}, c ${type}, r ${type}, s ${type} static, v ${type}, PRIMARY KEY (k, c, r)) WITH CLUSTERING ORDER BY (c ASC, r DESC)`,
    ],
    writes,
    absent: keys.length > 2 ? [`k = ${keys.at(-1)!}`] : [],
  }
}

/** Maps, sets and lists of every type that is not frozen, in one row of more than 64 columns. */
function collections(): Shape {
  const columns: string[] = ['k int PRIMARY KEY']
  const writes: string[] = []
  const types = Object.keys(LITERALS)
  for (const type of types) {
    const name = nameOf(type)
    const [a, b, c = a] = LITERALS[type]!.filter((literal) => literal !== 'NaN') as [string, string, string?]
    columns.push(`s_${name} set<${type}>`, `m_${name} map<${type}, ${type}>`)
    writes.push(`UPDATE $t SET s_${name} = {${a}, ${b}}, m_${name} = {${a}: ${b}, ${b}: ${a}} WHERE k = 1`)
    writes.push(`UPDATE $t SET s_${name} = s_${name} - {${b}}, m_${name}[${a}] = ${c} WHERE k = 1`)
    writes.push(`UPDATE $t SET s_${name} = s_${name} + {${c}}, m_${name}[${b}] = null WHERE k = 2`)
  }
  return {
    name: 'collections',
    schema: [
      'CREATE TYPE $ks.uc (a int, b text, c frozen<list<int>>)',
      `CREATE TABLE $t (${columns.join(', ').replaceAll('$ks.ut', '$ks.uc')})`,
    ],
    writes: [...writes, FLUSH, ...writes.filter((_, i) => i % 3 === 1)],
    absent: ['k = 3'],
  }
}

function lists(): Shape {
  const types = [...Object.keys(LITERALS).filter((type) => !type.includes('$ks')), 'duration']
  const columns = types.map((type) => `l_${nameOf(type)} list<${type}>`)
  const literals = (type: string) => (type === 'duration' ? DURATIONS : LITERALS[type]!)
  const set = types.map((type) => `l_${nameOf(type)} = [${literals(type).join(', ')}]`)
  const add = types.map((type) => `l_${nameOf(type)} = l_${nameOf(type)} + [${literals(type)[0]!}]`)
  const first = types.map((type) => `l_${nameOf(type)} = [${literals(type)[1]!}] + l_${nameOf(type)}`)
  return {
    name: 'lists',
    schema: [`CREATE TABLE $t (k int PRIMARY KEY, ${columns.join(', ')})`],
    writes: [
      `UPDATE $t SET ${set.join(', ')} WHERE k = 1`,
      `UPDATE $t SET ${set.slice(0, 3).join(', ')} WHERE k = 2`,
      FLUSH,
      `UPDATE $t SET ${add.join(', ')} WHERE k = 1`,
      `UPDATE $t SET ${first.slice(0, 9).join(', ')} WHERE k = 1`,
      `DELETE ${columns[0]!.split(' ')[0]!} FROM $t WHERE k = 2`,
    ],
    unequal: 'the cells of lists have the time at which they were written in their paths',
  }
}

const OTHERS: readonly Shape[] = [
  {
    name: 'udt',
    schema: [
      'CREATE TYPE $ks.inner_t (x int, y frozen<set<text>>)',
      'CREATE TYPE $ks.outer_t (a int, i frozen<inner_t>, m frozen<map<int, frozen<inner_t>>>)',
      'CREATE TABLE $t (k int, c frozen<inner_t>, u outer_t, f frozen<outer_t>, s outer_t static, t tuple<int, frozen<inner_t>>, PRIMARY KEY (k, c))',
    ],
    writes: [
      "INSERT INTO $t (k, c, u, f, t) VALUES (1, {x: 1, y: {'a'}}, {a: 1, i: {x: 2}, m: {1: {x: 3}}}, {a: 2}, (1, {x: 9}))",
      "INSERT INTO $t (k, c, u) VALUES (1, {x: 1}, {i: {y: {'z'}}})",
      'UPDATE $t SET u.a = 7 WHERE k = 1 AND c = {x: 1}',
      'UPDATE $t SET s = {a: 5} WHERE k = 1',
      FLUSH,
      'UPDATE $t SET u.i = null, s.m = {4: {x: 4}} WHERE k = 1 AND c = {x: 1}',
      'DELETE u FROM $t WHERE k = 1 AND c = {x: 2}',
      'UPDATE $t SET u = {a: 8} WHERE k = 2 AND c = {x: 2}',
    ],
    absent: ['k = 3'],
  },
  {
    name: 'duration',
    schema: [
      'CREATE TABLE $t (k int PRIMARY KEY, d duration, l list<duration>, m map<text, duration>, t tuple<duration, int>)',
    ],
    writes: DURATIONS.map(
      (d, i) => `INSERT INTO $t (k, d, m, t) VALUES (${i}, ${d}, {'a': ${d}, 'b': 1d}, (${d}, ${i}))`,
    ),
    absent: ['k = 99'],
  },
  {
    name: 'counters',
    schema: [
      'CREATE TABLE $t (k text, c int, n counter, m counter, s counter static, PRIMARY KEY (k, c)) WITH CLUSTERING ORDER BY (c DESC)',
    ],
    writes: [
      "UPDATE $t SET n = n + 1, m = m - 5 WHERE k = 'a' AND c = 1",
      "UPDATE $t SET n = n + 1 WHERE k = 'a' AND c = 1",
      "UPDATE $t SET s = s + 9223372036854775807 WHERE k = 'a'",
      "UPDATE $t SET s = s + 1 WHERE k = 'b'",
      FLUSH,
      "UPDATE $t SET n = n + 40 WHERE k = 'a' AND c = 1",
      "UPDATE $t SET n = n + 40 WHERE k = 'a' AND c = 2",
      "DELETE m FROM $t WHERE k = 'a' AND c = 1",
      "DELETE FROM $t WHERE k = 'b'",
      "UPDATE $t SET n = n + 7 WHERE k = 'c' AND c = 2",
      FLUSH,
      "DELETE FROM $t WHERE k = 'c' AND c = 2",
      "UPDATE $t SET n = n - 3, s = s - 2 WHERE k = 'd' AND c = 2",
    ],
    absent: ["k = 'zz'"],
    unequal: 'counter shards have ids of nodes',
  },
  {
    name: 'empty_values',
    schema: [
      'CREATE TABLE $t (k text, c blob, i int, b bigint, u uuid, t timestamp, n inet, d double, e decimal, v varint, x text, y ascii, z blob, PRIMARY KEY (k, c)) WITH CLUSTERING ORDER BY (c DESC)',
    ],
    writes: [
      "INSERT INTO $t (k, c, x, y, z) VALUES ('a', 0x, '', '', 0x)",
      "INSERT INTO $t (k, c, i, b, u, t, n, d, e, v) VALUES ('a', 0x00, blob_as_int(0x), blob_as_bigint(0x), blob_as_uuid(0x), blob_as_timestamp(0x), blob_as_inet(0x), blob_as_double(0x), blob_as_decimal(0x), blob_as_varint(0x))",
      "INSERT INTO $t (k, c, i) VALUES ('a', 0x01, null)",
      FLUSH,
      "DELETE FROM $t WHERE k = 'a' AND c > 0x",
      "INSERT INTO $t (k, c, i) VALUES ('b', 0x, 1)",
    ],
    absent: ["k = 'c'"],
  },
  {
    name: 'empty_boolean',
    schema: ['CREATE TABLE $t (k int PRIMARY KEY, o boolean)'],
    writes: ['INSERT INTO $t (k, o) VALUES (1, blob_as_boolean(0x))'],
    absent: ['k = 99'],
    undumpable: 'a NullPointerException in BooleanType.toJSONString',
  },
  {
    name: 'empty_clusterings',
    schema: ['CREATE TABLE $t (k int, a text, b int, c blob, v int, PRIMARY KEY (k, a, b, c))'],
    writes: ["''", "'a'", "'b'"].flatMap((a) =>
      ['blob_as_int(0x)', '0', '-1'].flatMap((b) =>
        ['0x', '0x00'].map((c, i) => `INSERT INTO $t (k, a, b, c, v) VALUES (1, ${a}, ${b}, ${c}, ${i})`),
      ),
    ),
  },
]

export const TYPE_SHAPES: readonly Shape[] = [
  ...Object.keys(LITERALS).map(keyShape),
  collections(),
  lists(),
  ...OTHERS,
]
