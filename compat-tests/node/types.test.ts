/** Every type, written prepared and read back, and written as a literal and read back. */

import cassandra, { types } from 'cassandra-driver'
import { describe, expect, test } from 'vitest'
import { plain, useSession } from '../harness.ts'

const {
  BigDecimal,
  Duration,
  InetAddress,
  Integer,
  LocalDate,
  LocalTime,
  Long,
  TimeUuid,
  Tuple,
  Uuid,
  Vector,
} = types

const scalars = [
  ['ascii', 't_ascii'],
  ['text', 't_text'],
  ['varchar', 't_varchar'],
  ['blob', 't_blob'],
  ['boolean', 't_boolean'],
  ['tinyint', 't_tinyint'],
  ['smallint', 't_smallint'],
  ['int', 't_int'],
  ['bigint', 't_bigint'],
  ['varint', 't_varint'],
  ['float', 't_float'],
  ['double', 't_double'],
  ['decimal', 't_decimal'],
  ['uuid', 't_uuid'],
  ['timeuuid', 't_timeuuid'],
  ['inet', 't_inet'],
  ['date', 't_date'],
  ['time', 't_time'],
  ['timestamp', 't_timestamp'],
  ['duration', 't_duration'],
] as const

const db = useSession('types', [
  `CREATE TABLE scalars (k text PRIMARY KEY, ${scalars.map(([type, name]) => `${name} ${type}`).join(', ')})`,
  `CREATE TABLE collections (k int PRIMARY KEY, l list<int>, s set<text>, m map<text, bigint>,
     fl frozen<list<text>>, fs frozen<set<int>>, fm frozen<map<int, text>>,
     nested map<text, frozen<list<frozen<set<int>>>>>, deep frozen<list<map<text, tuple<int, text>>>>)`,
  'CREATE TYPE address (street text, zip int, phones frozen<set<text>>)',
  'CREATE TYPE person (name text, home frozen<address>)',
  `CREATE TABLE users (k int PRIMARY KEY, a address, fa frozen<address>, p frozen<person>,
     list list<frozen<address>>, by_name map<text, frozen<person>>)`,
  'CREATE TABLE tuples (k int PRIMARY KEY, t tuple<int, text, bigint>, n frozen<tuple<int, frozen<list<tuple<text, boolean>>>>>)',
  'CREATE TABLE vectors (k int PRIMARY KEY, f vector<float, 3>, i vector<int, 2>, t vector<text, 2>)',
  `CREATE TABLE classes (k 'org.apache.cassandra.db.marshal.Int32Type' PRIMARY KEY,
     b 'org.apache.cassandra.db.marshal.BytesType', l 'org.apache.cassandra.db.marshal.LongType',
     u 'org.apache.cassandra.db.marshal.UTF8Type')`,
])

/** column, value given to the driver, what is read back, the same as a literal */
const cases: readonly (readonly [string, unknown, unknown, string])[] = [
  ['t_ascii', 'plain', 'plain', "'plain'"],
  ['t_ascii', '', '', "''"],
  ['t_text', 'ação 🙂 漢字', 'ação 🙂 漢字', "'ação 🙂 漢字'"],
  ['t_text', "it's", "it's", "'it''s'"],
  ['t_text', 'dollars', 'dollars', '$$dollars$$'],
  ['t_text', '', '', "''"],
  ['t_varchar', 'x'.repeat(70_000), 'x'.repeat(70_000), `'${'x'.repeat(70_000)}'`],
  ['t_blob', Buffer.from('00ff80', 'hex'), '0x00ff80', '0x00ff80'],
  ['t_blob', Buffer.alloc(0), '0x', '0x'],
  ['t_boolean', true, true, 'true'],
  ['t_boolean', false, false, 'FALSE'],
  ['t_tinyint', 127, 127, '127'],
  ['t_tinyint', -128, -128, '-128'],
  ['t_smallint', 32767, 32767, '32767'],
  ['t_smallint', -32768, -32768, '-32768'],
  ['t_int', 2147483647, 2147483647, '2147483647'],
  ['t_int', -2147483648, -2147483648, '-2147483648'],
  ['t_int', 0, 0, '0'],
  ['t_bigint', Long.MAX_VALUE, '9223372036854775807', '9223372036854775807'],
  ['t_bigint', Long.MIN_VALUE, '-9223372036854775808', '-9223372036854775808'],
  ['t_bigint', Long.fromString('9007199254740993'), '9007199254740993', '9007199254740993'],
  ['t_bigint', Long.fromInt(-1), '-1', '-1'],
  ['t_bigint', Long.ZERO, '0', '0'],
  ['t_varint', Integer.fromString('0'), '0', '0'],
  ['t_varint', Integer.fromString('-128'), '-128', '-128'],
  ['t_varint', Integer.fromString('128'), '128', '128'],
  [
    't_varint',
    Integer.fromString('123456789012345678901234567890'),
    '123456789012345678901234567890',
    '123456789012345678901234567890',
  ],
  ['t_varint', Integer.fromString('-9223372036854775809'), '-9223372036854775809', '-9223372036854775809'],
  ['t_float', 1.5, 1.5, '1.5'],
  ['t_float', Number.NaN, Number.NaN, 'NaN'],
  ['t_float', -Infinity, -Infinity, '-Infinity'],
  ['t_float', 16777217, 16777216, '16777217'],
  ['t_double', 0.1, 0.1, '0.1'],
  ['t_double', -0, -0, '-0.0'],
  ['t_double', Number.MAX_VALUE, Number.MAX_VALUE, '1.7976931348623157e308'],
  ['t_double', 5e-324, 5e-324, '4.9E-324'],
  ['t_double', Infinity, Infinity, 'Infinity'],
  ['t_double', 3, 3, '3'],
  ['t_decimal', BigDecimal.fromString('5100.50'), '5100.50', '5100.50'],
  [
    't_decimal',
    BigDecimal.fromString('-0.000000000000000001'),
    '-0.000000000000000001',
    '-0.000000000000000001',
  ],
  ['t_decimal', BigDecimal.fromString('100'), '100', '100'],
  [
    't_uuid',
    Uuid.fromString('0b9e2ee5-8f45-4a3f-9d3d-3f5c2c3c7a11'),
    '0b9e2ee5-8f45-4a3f-9d3d-3f5c2c3c7a11',
    '0b9e2ee5-8f45-4a3f-9d3d-3f5c2c3c7a11',
  ],
  [
    't_uuid',
    Uuid.fromString('50554d6e-29bb-11e5-b345-feff819cdc9f'),
    '50554d6e-29bb-11e5-b345-feff819cdc9f',
    '50554D6E-29BB-11E5-B345-FEFF819CDC9F',
  ],
  [
    't_timeuuid',
    TimeUuid.fromString('50554d6e-29bb-11e5-b345-feff819cdc9f'),
    '50554d6e-29bb-11e5-b345-feff819cdc9f',
    '50554d6e-29bb-11e5-b345-feff819cdc9f',
  ],
  ['t_inet', InetAddress.fromString('127.0.0.1'), '127.0.0.1', "'127.0.0.1'"],
  [
    't_inet',
    InetAddress.fromString('2001:db8::ff00:42:8329'),
    '2001:db8::ff00:42:8329',
    "'2001:db8::ff00:42:8329'",
  ],
  ['t_inet', InetAddress.fromString('::1'), '::1', "'::1'"],
  ['t_date', LocalDate.fromString('2024-02-29'), '2024-02-29', "'2024-02-29'"],
  ['t_date', LocalDate.fromString('1969-12-31'), '1969-12-31', "'1969-12-31'"],
  ['t_date', LocalDate.fromString('1970-01-01'), '1970-01-01', '2147483648'],
  ['t_time', LocalTime.fromString('00:00:00'), '00:00:00', "'00:00:00'"],
  ['t_time', LocalTime.fromString('23:59:59.999999999'), '23:59:59.999999999', "'23:59:59.999999999'"],
  ['t_time', LocalTime.fromString('08:12:54.1234'), '08:12:54.1234', '29574123400000'],
  [
    't_timestamp',
    new Date('2024-05-06T07:08:09.123Z'),
    '2024-05-06T07:08:09.123Z',
    "'2024-05-06T07:08:09.123Z'",
  ],
  [
    't_timestamp',
    new Date('2024-05-06T07:08:09.000Z'),
    '2024-05-06T07:08:09.000Z',
    "'2024-05-06 09:08:09+0200'",
  ],
  ['t_timestamp', new Date(0), '1970-01-01T00:00:00.000Z', '0'],
  ['t_timestamp', new Date(-1), '1969-12-31T23:59:59.999Z', '-1'],
  ['t_timestamp', new Date('2011-02-03T00:00:00.000Z'), '2011-02-03T00:00:00.000Z', "'2011-02-03+0000'"],
  [
    't_duration',
    Duration.fromString('1y2mo3d4h5m6s7ms8us9ns'),
    '1y2mo3d4h5m6s7ms8us9ns',
    '1y2mo3d4h5m6s7ms8us9ns',
  ],
  ['t_duration', Duration.fromString('-2d12h'), '-2d12h', '-2d12h'],
  ['t_duration', new Duration(0, 14, Long.ZERO), '14d', 'P2W'],
  ['t_duration', new Duration(14, 3, Long.fromString('43200000000000')), '1y2mo3d12h', 'P1Y2M3DT12H'],
]

describe('scalars', () => {
  test.each(
    cases.map(
      ([column, given, expected, literal], n) =>
        [n, column, String(expected).slice(0, 40), given, expected, literal] as const,
    ),
  )('%i: %s %s', async (n, column, _label, given, expected, literal) => {
    await db.run(`INSERT INTO scalars (k, ${column}) VALUES (?, ?)`, [`prepared ${n}`, given])
    await db.run(`INSERT INTO scalars (k, ${column}) VALUES ('literal ${n}', ${literal})`)
    // The bytes must agree too, not only what the driver makes of them.
    for (const how of ['prepared', 'literal']) {
      const [[value]] = await db.rows(`SELECT ${column} FROM scalars WHERE k = ?`, [`${how} ${n}`])
      expect(value, how).toStrictEqual(expected)
    }
  })

  test('BigInt and Long give the same 64 bits', async () => {
    const client = new cassandra.Client({
      ...db.options(),
      encoding: { useBigIntAsLong: true, useBigIntAsVarint: true },
    })
    for (const value of [2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n, -1n, 0n, 0x0123456789abcdefn]) {
      await client.execute(
        'INSERT INTO scalars (k, t_bigint, t_varint) VALUES (?, ?, ?)',
        ['bigint', value, value * 3n],
        { prepare: true },
      )
      const row = (await client.execute("SELECT t_bigint, t_varint FROM scalars WHERE k = 'bigint'")).first()
      expect(row.t_bigint).toBe(value)
      expect(row.t_varint).toBe(value * 3n)
    }
    await client.shutdown()
  })

  test('null, unset and absent columns', async () => {
    const all = scalars.map(([, name]) => name)
    const marks = all.map(() => '?').join(', ')
    await db.run("INSERT INTO scalars (k, t_text, t_int, t_bigint) VALUES ('n', 'before', 1, 2)")
    await db.run(`INSERT INTO scalars (k, ${all.join(', ')}) VALUES (?, ${marks})`, [
      'n',
      ...all.map(() => types.unset),
    ])
    expect(await db.rows("SELECT t_text, t_int, t_bigint FROM scalars WHERE k = 'n'")).toEqual([
      ['before', 1, '2'],
    ])
    await db.run(`INSERT INTO scalars (k, ${all.join(', ')}) VALUES (?, ${marks})`, [
      'n',
      ...all.map(() => null),
    ])
    expect(await db.rows(`SELECT k, ${all.join(', ')} FROM scalars WHERE k = 'n'`)).toEqual([
      ['n', ...all.map(() => null)],
    ])
    await db.run("INSERT INTO scalars (k, t_text) VALUES ('n', null)")
    expect(await db.rows("SELECT t_text FROM scalars WHERE k = 'n'")).toEqual([[null]])
  })

  test('a result says the type of each column', async () => {
    const result = await db.run(`SELECT ${scalars.map(([, name]) => name).join(', ')} FROM scalars LIMIT 1`)
    const codes = types.dataTypes as unknown as Record<string, number>
    // text is varchar on the wire, and before v5 a duration is a class name
    expect(result.columns.map((column) => column.type.code)).toEqual(
      scalars.map(([type]) => codes[type === 'text' ? 'varchar' : type === 'duration' ? 'custom' : type]),
    )
  })

  test.each(
    scalars.filter(([type]) => type !== 'duration'),
  )('%s as partition key and clustering column', async (type, name) => {
    await db.run(
      `CREATE TABLE key_${name} (p ${type}, c ${type}, v int, PRIMARY KEY (p, c)) WITH CLUSTERING ORDER BY (c DESC)`,
    )
    const values = cases.filter(
      ([column, given]) => column === name && (given as { length?: number }).length !== 70_000,
    )
    for (const [n, [, given]] of values.entries()) {
      const partitionIsEmpty = given === '' || (Buffer.isBuffer(given) && given.length === 0)
      if (partitionIsEmpty) {
        expect(await db.error(`INSERT INTO key_${name} (p, c, v) VALUES (?, ?, ?)`, [given, given, n])).toBe(
          '0x2200 Key may not be empty',
        )
        continue
      }
      await db.run(`INSERT INTO key_${name} (p, c, v) VALUES (?, ?, ?)`, [given, given, n])
      expect(await db.rows(`SELECT v FROM key_${name} WHERE p = ? AND c = ?`, [given, given])).toEqual([[n]])
      expect(
        await db.rows(`SELECT v FROM key_${name} WHERE p = ? AND c <= ? AND c >= ?`, [given, given, given]),
      ).toEqual([[n]])
      expect(await db.rows(`SELECT v FROM key_${name} WHERE p = ? AND c < ?`, [given, given])).toEqual([])
    }
  })

  test('clustering order is by value, not by text', async () => {
    await db.run('CREATE TABLE ordered (p int, c varint, PRIMARY KEY (p, c))')
    const numbers = ['-129', '-128', '-1', '0', '1', '127', '128', '255', '256', '99999999999999999999']
    for (const number of [...numbers].reverse())
      await db.run(`INSERT INTO ordered (p, c) VALUES (1, ${number})`)
    expect((await db.rows('SELECT c FROM ordered WHERE p = 1')).flat()).toEqual(numbers)
    await db.run('CREATE TABLE ordered_decimal (p int, c decimal, PRIMARY KEY (p, c))')
    const decimals = ['-10.5', '-10', '-0.1', '0', '0.001', '1', '1.5', '10', '1000']
    for (const number of [...decimals].reverse())
      await db.run(`INSERT INTO ordered_decimal (p, c) VALUES (1, ${number})`)
    expect((await db.rows('SELECT c FROM ordered_decimal WHERE p = 1')).flat().map(Number)).toEqual(
      decimals.map(Number),
    )
    await db.run('CREATE TABLE ordered_timeuuid (p int, c timeuuid, PRIMARY KEY (p, c))')
    const ids = [3, 1, 2].map((n) => TimeUuid.fromDate(new Date(1e12 + n * 1e9)))
    for (const id of ids) await db.run('INSERT INTO ordered_timeuuid (p, c) VALUES (1, ?)', [id])
    expect((await db.rows('SELECT c FROM ordered_timeuuid WHERE p = 1')).flat()).toEqual(
      [ids[1], ids[2], ids[0]].map(String),
    )
  })
})

describe('collections', () => {
  test('list, set and map, prepared', async () => {
    await db.run('INSERT INTO collections (k, l, s, m) VALUES (?, ?, ?, ?)', [
      1,
      [3, 1, 3],
      ['b', 'a', 'ç'],
      { b: Long.MAX_VALUE, a: Long.fromInt(1) },
    ])
    expect(await db.rows('SELECT l, s, m FROM collections WHERE k = ?', [1])).toEqual([
      [[3, 1, 3], ['a', 'b', 'ç'], { a: '1', b: '9223372036854775807' }],
    ])
  })

  test('list, set and map, literal', async () => {
    await db.run(
      "INSERT INTO collections (k, l, s, m) VALUES (2, [3, 1, 3], {'b', 'a', 'b'}, {'b': 2, 'a': 1})",
    )
    expect(await db.rows('SELECT l, s, m FROM collections WHERE k = 2')).toEqual([
      [[3, 1, 3], ['a', 'b'], { a: '1', b: '2' }],
    ])
  })

  test('frozen and nested', async () => {
    await db.run('INSERT INTO collections (k, fl, fs, fm, nested, deep) VALUES (?, ?, ?, ?, ?, ?)', [
      3,
      ['x', '', 'y'],
      [5, -1, 3],
      { 2: 'two', 1: 'one' },
      { a: [[3, 1], [2]], b: [[0]] },
      [{ k: new Tuple(1, 'one') }, {}],
    ])
    const expected = [
      ['x', '', 'y'],
      [-1, 3, 5],
      { 1: 'one', 2: 'two' },
      { a: [[1, 3], [2]], b: [[0]] },
      [{ k: [1, 'one'] }, {}],
    ]
    expect(await db.rows('SELECT fl, fs, fm, nested, deep FROM collections WHERE k = 3')).toEqual([expected])
    await db.run(`INSERT INTO collections (k, fl, fs, fm, nested, deep) VALUES
      (4, ['x', '', 'y'], {5, -1, 3}, {2: 'two', 1: 'one'}, {'a': [{3, 1}, {2}], 'b': [{0}]}, [{'k': (1, 'one')}, {}])`)
    expect(await db.rows('SELECT fl, fs, fm, nested, deep FROM collections WHERE k = 4')).toEqual([expected])
  })

  // The driver shows an empty frozen list or set as null too; the map tells them apart.
  test('an empty collection is null, an empty frozen one is not', async () => {
    await db.run('INSERT INTO collections (k, l, s, m, fl, fs, fm) VALUES (?, ?, ?, ?, ?, ?, ?)', [
      5,
      [],
      [],
      {},
      [],
      [],
      {},
    ])
    expect(await db.rows('SELECT l, s, m, fl, fs, fm FROM collections WHERE k = 5')).toEqual([
      [null, null, null, null, null, {}],
    ])
  })

  test('elements are added, set and taken away', async () => {
    await db.run("INSERT INTO collections (k, l, s, m) VALUES (6, [1, 2], {'a'}, {'a': 1})")
    await db.run("UPDATE collections SET l = l + [3], s = s + {'b'}, m = m + {'b': 2} WHERE k = 6")
    await db.run('UPDATE collections SET l = ? + l WHERE k = 6', [[0, 9]])
    await db.run("UPDATE collections SET l[1] = 10, m['c'] = 3 WHERE k = 6")
    expect(await db.rows('SELECT l, s, m FROM collections WHERE k = 6')).toEqual([
      [[0, 10, 1, 2, 3], ['a', 'b'], { a: '1', b: '2', c: '3' }],
    ])
    await db.run(
      "UPDATE collections SET l = l - [1, 10], s = s - {'a', 'zz'}, m = m - {'a', 'b'} WHERE k = 6",
    )
    await db.run('DELETE l[0] FROM collections WHERE k = 6')
    expect(await db.rows('SELECT l, s, m FROM collections WHERE k = 6')).toEqual([
      [[2, 3], ['b'], { c: '3' }],
    ])
    await db.run("DELETE m['c'], s['b'] FROM collections WHERE k = 6")
    expect(await db.rows('SELECT l, s, m FROM collections WHERE k = 6')).toEqual([[[2, 3], null, null]])
    await db.run("UPDATE collections SET l = [7], s = {'z'}, m = {'y': 8} WHERE k = 6")
    expect(await db.rows('SELECT l, s, m FROM collections WHERE k = 6')).toEqual([[[7], ['z'], { y: '8' }]])
    await db.run('UPDATE collections SET m[?] = ? WHERE k = 6', ['p', Long.fromInt(5)])
    await db.run('UPDATE collections SET l[?] = ? WHERE k = 6', [0, 70])
    expect(await db.rows('SELECT l, m FROM collections WHERE k = 6')).toEqual([[[70], { p: '5', y: '8' }]])
  })

  test('elements and slices are selected', async () => {
    await db.run("INSERT INTO collections (k, s, m) VALUES (7, {'a', 'b', 'c'}, {'a': 1, 'b': 2, 'c': 3})")
    expect(await db.rows("SELECT m['b'], s['c'], s['zz'], m['zz'] FROM collections WHERE k = 7")).toEqual([
      ['2', 'c', null, null],
    ])
    expect(await db.rows("SELECT m['b'..], s['a'..'b'] FROM collections WHERE k = 7")).toEqual([
      [{ b: '2', c: '3' }, ['a', 'b']],
    ])
  })

  test('a large collection', async () => {
    const many = Array.from({ length: 5000 }, (_, n) => n)
    await db.run('INSERT INTO collections (k, l, fs) VALUES (?, ?, ?)', [8, many, many])
    expect(await db.rows('SELECT l, fs FROM collections WHERE k = 8')).toEqual([[many, many]])
  })
})

describe('user-defined types', () => {
  const address = { street: 'Rua A', zip: 12345, phones: ['1', '2'] }

  test('frozen, unfrozen and nested, prepared', async () => {
    await db.run('INSERT INTO users (k, a, fa, p, list, by_name) VALUES (?, ?, ?, ?, ?, ?)', [
      1,
      address,
      address,
      { name: 'Ana', home: address },
      [address],
      { ana: { name: 'Ana', home: address } },
    ])
    expect(await db.rows('SELECT a, fa, p, list, by_name FROM users WHERE k = 1')).toEqual([
      [address, address, { name: 'Ana', home: address }, [address], { ana: { name: 'Ana', home: address } }],
    ])
  })

  test('literal, with fields left out', async () => {
    await db.run(
      "INSERT INTO users (k, a, fa, p) VALUES (2, {zip: 1}, {street: 'B', phones: {'9'}}, {name: 'N', home: {zip: 3}})",
    )
    expect(await db.rows('SELECT a, fa, p FROM users WHERE k = 2')).toEqual([
      [
        { street: null, zip: 1, phones: null },
        { street: 'B', zip: null, phones: ['9'] },
        { name: 'N', home: { street: null, zip: 3, phones: null } },
      ],
    ])
  })

  test('fields of an unfrozen one are set, selected and deleted one by one', async () => {
    await db.run("INSERT INTO users (k, a) VALUES (3, {street: 'C', zip: 7})")
    await db.run("UPDATE users SET a.zip = 8, a.phones = {'x'} WHERE k = 3")
    expect(await db.rows('SELECT a, a.street, a.zip FROM users WHERE k = 3')).toEqual([
      [{ street: 'C', zip: 8, phones: ['x'] }, 'C', 8],
    ])
    await db.run('DELETE a.street FROM users WHERE k = 3')
    expect(await db.rows('SELECT a FROM users WHERE k = 3')).toEqual([
      [{ street: null, zip: 8, phones: ['x'] }],
    ])
    await db.run('UPDATE users SET a = null WHERE k = 3')
    expect(await db.rows('SELECT a FROM users WHERE k = 3')).toEqual([[null]])
  })

  test('a field added by ALTER TYPE is null in what was written before', async () => {
    await db.run('CREATE TYPE growing (a int)')
    await db.run('CREATE TABLE grown (k int PRIMARY KEY, g frozen<growing>, u growing)')
    await db.run('INSERT INTO grown (k, g, u) VALUES (1, {a: 1}, {a: 1})')
    await db.run('ALTER TYPE growing ADD b text')
    await db.run("INSERT INTO grown (k, g, u) VALUES (2, {a: 2, b: 'b'}, {a: 2, b: 'b'})")
    await db.run('ALTER TYPE growing RENAME a TO first')
    const rows = (await db.run('SELECT g, u FROM grown WHERE k IN (1, 2)')).rows.map((row) =>
      row.values().map(plain),
    )
    expect(rows).toEqual([
      [
        // The stored frozen value has one field: the driver leaves out what is not there.
        { first: 1 },
        { first: 1, b: null },
      ],
      [
        { first: 2, b: 'b' },
        { first: 2, b: 'b' },
      ],
    ])
  })
})

describe('tuples and vectors', () => {
  test('tuples, whole and partly null', async () => {
    await db.run('INSERT INTO tuples (k, t, n) VALUES (?, ?, ?)', [
      1,
      new Tuple(1, 'one', Long.MIN_VALUE),
      new Tuple(2, [new Tuple('a', true), new Tuple('b', false)]),
    ])
    await db.run("INSERT INTO tuples (k, t, n) VALUES (2, (1, null, 3), (2, [('a', true)]))")
    await db.run("INSERT INTO tuples (k, t) VALUES (3, (1, 'short'))")
    expect(await db.rows('SELECT t, n FROM tuples WHERE k IN (1, 2, 3)')).toEqual([
      [
        [1, 'one', '-9223372036854775808'],
        [
          2,
          [
            ['a', true],
            ['b', false],
          ],
        ],
      ],
      [
        [1, null, '3'],
        [2, [['a', true]]],
      ],
      [[1, 'short', null], null],
    ])
  })

  test('vectors of fixed and variable length elements', async () => {
    await db.run('INSERT INTO vectors (k, f, i, t) VALUES (?, ?, ?, ?)', [
      1,
      new Vector(new Float32Array([0.5, -1.25, 3])),
      new Vector([1, 2], 'int'),
      new Vector(['a', 'longer text'], 'text'),
    ])
    await db.run("INSERT INTO vectors (k, f, i, t) VALUES (2, [0.5, -1.25, 3], [1, 2], ['a', 'longer text'])")
    expect(await db.rows('SELECT f, i, t FROM vectors WHERE k IN (1, 2)')).toEqual([
      [
        [0.5, -1.25, 3],
        [1, 2],
        ['a', 'longer text'],
      ],
      [
        [0.5, -1.25, 3],
        [1, 2],
        ['a', 'longer text'],
      ],
    ])
    expect(await db.error('INSERT INTO vectors (k, f) VALUES (3, [1.0, 2.0])')).toMatch(
      /^0x2200 Invalid vector literal/,
    )
  })
})

describe('types by class name', () => {
  test('a column declared with a class name in quotes works as its type', async () => {
    await db.run("INSERT INTO classes (k, b, l, u) VALUES (1, 0xcafe, 9223372036854775807, 'text')")
    await db.run('INSERT INTO classes (k, b, l, u) VALUES (?, ?, ?, ?)', [
      2,
      Buffer.from([1]),
      Long.MIN_VALUE,
      'dois',
    ])
    expect(await db.rows('SELECT b, l, u FROM classes WHERE k IN (1, 2)')).toEqual([
      ['0xcafe', '9223372036854775807', 'text'],
      ['0x01', '-9223372036854775808', 'dois'],
    ])
  })
})
