/**
 * Rows with a column of every type, as lines of CSV in exactly the form in which COPY TO prints them, so that what
 * comes out can be compared with what went in. What cqlsh itself does not carry through is left out here: it doubles
 * backslashes, prints control characters as escapes, and can't tell an empty text from a null without NULL.
 */

/** Columns of the table, the key first; the others in the order of their names, as COPY gives them. */
export const COLUMNS = {
  p: 'int',
  q: 'text',
  c: 'timeuuid',
  a_ascii: 'ascii',
  a_bigint: 'bigint',
  a_blob: 'blob',
  a_boolean: 'boolean',
  a_date: 'date',
  a_decimal: 'decimal',
  a_double: 'double',
  a_duration: 'duration',
  a_float: 'float',
  a_inet: 'inet',
  a_int: 'int',
  a_smallint: 'smallint',
  a_text: 'text',
  a_time: 'time',
  a_timestamp: 'timestamp',
  a_timeuuid: 'timeuuid',
  a_tinyint: 'tinyint',
  a_uuid: 'uuid',
  a_varchar: 'varchar',
  a_varint: 'varint',
  b_list: 'list<text>',
  b_list_frozen: 'frozen<list<list<int>>>',
  b_map: 'map<text, int>',
  b_map_blob: 'map<int, blob>',
  b_map_nested: 'map<int, frozen<list<text>>>',
  b_set: 'set<int>',
  b_set_text: 'set<text>',
  b_set_tuple: 'set<frozen<tuple<int, text>>>',
  b_tuple: 'tuple<int, text, double>',
  b_udt: 'item',
  b_udt_frozen: 'frozen<item>',
  b_udt_list: 'list<frozen<item>>',
  b_vector: 'vector<float, 3>',
  b_vector_int: 'vector<int, 2>',
  s_static: 'text static',
} as const

export type Column = keyof typeof COLUMNS

export const COLUMN_NAMES = Object.keys(COLUMNS) as Column[]

export const DEFINITIONS = [
  'CREATE TYPE item (id int, label text, tags frozen<set<text>>)',
  `CREATE TABLE every (${COLUMN_NAMES.map((name) => `${name} ${COLUMNS[name]}`).join(', ')},
    PRIMARY KEY ((p, q), c)) WITH CLUSTERING ORDER BY (c DESC)`,
]

const WORDS = [
  'plain',
  'two words',
  "it's",
  'a "quoted" word',
  'comma, comma',
  'semi;colon|pipe',
  'straße',
  'Ελλάδα',
  '日本語',
  '🎉 party',
  '{braces}',
  '[brackets]',
  '(parens)',
  'colon: here',
  '0x00',
  '%d %s',
  '-- no comment',
  '/* nor this */',
  '$$',
  'NULL',
]

/** Inside collections texts stand in quotes; outside, cqlsh takes quotes and spaces off the ends. */
const INNER_WORDS = [...WORDS, '', '  spaces  ', "''", "'quoted'", ', ', ': ', '} ]']

/** A generator of numbers below `limit`, the same for the same seed (mulberry32). */
export function seeded(seed: number): (limit: number) => number {
  let state = seed
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4294967296) * limit)
  }
}

type Random = (limit: number) => number

function pick<T>(random: Random, values: readonly T[]): T {
  return values[random(values.length)]!
}

function pad(value: number, length: number): string {
  return String(value).padStart(length, '0')
}

function hex(random: Random, bytes: number): string {
  return Array.from({ length: bytes }, () => random(256).toString(16).padStart(2, '0')).join('')
}

function uuid(random: Random, version: 1 | 4): string {
  const digits = hex(random, 16)
  const variant = '89ab'[random(4)]
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-${version}${digits.slice(13, 16)}-${variant}${digits.slice(17, 20)}-${digits.slice(20)}`
}

function text(random: Random): string {
  return pick(random, WORDS) + (random(3) === 0 ? ` ${pick(random, WORDS)} ${random(1000)}` : '')
}

function innerText(random: Random): string {
  return pick(random, INNER_WORDS) + (random(3) === 0 ? String(random(1000)) : '')
}

/** A number that cqlsh prints whole: a few digits and a binary fraction. */
function fraction(random: Random): string {
  return String((random(20001) - 10000) / pick(random, [1, 2, 4, 8]))
}

function date(random: Random): string {
  return `${1970 + random(130)}-${pad(1 + random(12), 2)}-${pad(1 + random(28), 2)}`
}

function time(random: Random): string {
  return [24, 60, 60].map((limit) => pad(random(limit), 2)).join(':')
}

function duration(random: Random): string {
  const units = ['y', 'mo', 'd', 'h', 'm', 's', 'ms', 'us', 'ns']
  const limits = [100, 12, 400, 1000, 60, 60, 1000, 1000, 1000]
  const parts = units.map((unit, i) => (random(3) === 0 ? `${1 + random(limits[i]! - 1)}${unit}` : ''))
  return (random(5) === 0 ? '-' : '') + (parts.join('') || '1d')
}

function inet(random: Random): string {
  if (random(2) === 0) return Array.from({ length: 4 }, () => random(256)).join('.')
  return `2001:db8:${(1 + random(0xfffe)).toString(16)}:1:2:3:4:${(1 + random(0xfffe)).toString(16)}`
}

/** As a text inside a collection is printed. */
function quoted(value: string): string {
  return `'${value.replaceAll("'", "''")}'`
}

function many<T>(random: Random, make: () => T, most = 4): T[] {
  return Array.from({ length: 1 + random(most) }, make)
}

function distinct<T>(values: readonly T[], compare: (a: T, b: T) => number): T[] {
  return [...new Set(values)].sort(compare)
}

/** Texts in the order of their bytes. */
function texts(random: Random): string[] {
  return distinct(
    many(random, () => innerText(random)),
    (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)),
  )
}

function integers(random: Random): number[] {
  return distinct(
    many(random, () => random(2000) - 1000),
    (a, b) => a - b,
  )
}

function item(random: Random): string {
  return `{id: ${random(1000)}, label: ${quoted(innerText(random))}, tags: {${texts(random).map(quoted).join(', ')}}}`
}

const list = (values: readonly unknown[]): string => `[${values.join(', ')}]`
const set = (values: readonly unknown[]): string => `{${values.join(', ')}}`

/** What makes a value of each type of `COLUMNS`, as COPY TO prints it. */
const MAKERS: Readonly<Record<string, (random: Random) => string>> = {
  ascii: (random) => pick(random, ['ascii', 'with "quotes"', "it's, well", '~!@#$%^&*()_+', 'x'.repeat(100)]),
  bigint: (random) => pick(random, ['-9223372036854775808', '9223372036854775807', '0', String(random(1e9))]),
  blob: (random) => `0x${hex(random, random(20))}`,
  boolean: (random) => pick(random, ['True', 'False']),
  date,
  decimal: (random) => `${random(1e6)}.${pad(random(1e4), 4)}`,
  double: fraction,
  duration,
  float: fraction,
  inet,
  int: (random) => pick(random, ['-2147483648', '2147483647', String(random(1e6))]),
  smallint: (random) => String(random(65536) - 32768),
  text,
  time: (random) => `${time(random)}.${pad(random(1e9), 9)}`,
  // cqlsh multiplies seconds as a double: only these fractions come through whole.
  timestamp: (random) => `${date(random)} ${time(random)}.${pad(random(8) * 125, 3)}+0000`,
  timeuuid: (random) => uuid(random, 1),
  tinyint: (random) => String(random(256) - 128),
  uuid: (random) => uuid(random, 4),
  varchar: text,
  varint: (random) => `${random(2) === 0 ? '-' : ''}${1 + random(1e9)}${'0123456789'.repeat(random(5))}`,
  'list<text>': (random) => list(many(random, () => quoted(innerText(random)))),
  'frozen<list<list<int>>>': (random) => list(many(random, () => list(many(random, () => random(1000))))),
  'map<text, int>': (random) => set(texts(random).map((key) => `${quoted(key)}: ${random(1000)}`)),
  'map<int, blob>': (random) => set(integers(random).map((key) => `${key}: 0x${hex(random, 1 + random(8))}`)),
  'map<int, frozen<list<text>>>': (random) =>
    set(integers(random).map((key) => `${key}: ${list(many(random, () => quoted(innerText(random))))}`)),
  'set<int>': (random) => set(integers(random)),
  'set<text>': (random) => set(texts(random).map(quoted)),
  'set<frozen<tuple<int, text>>>': (random) =>
    set(integers(random).map((value) => `(${value}, ${quoted(innerText(random))})`)),
  'tuple<int, text, double>': (random) =>
    `(${random(1000)}, ${quoted(innerText(random))}, ${fraction(random)})`,
  item,
  'frozen<item>': item,
  'list<frozen<item>>': (random) => list(many(random, () => item(random), 2)),
  'vector<float, 3>': (random) => list([fraction(random), fraction(random), fraction(random)]),
  'vector<int, 2>': (random) => list([random(1000), -random(1000)]),
}

/** How the lines are written: what stands between fields and what for a null. */
export interface Dialect {
  readonly delimiter: string
  readonly nullText: string
}

/** A field as Python's csv module writes it with `\` as the escape character. */
export function field(value: string, { delimiter }: Dialect): string {
  const escaped = value.replaceAll('"', '\\"')
  return value.includes(delimiter) || /[\r\n]/.test(value) ? `"${escaped}"` : escaped
}

/**
 * So many rows as lines without their ends, in the columns that are asked for. A quarter of the values are null; a
 * partition has a handful of rows and one value of its static column.
 */
export function csvLines(count: number, columns: readonly Column[], dialect: Dialect): string[] {
  const random = seeded(1)
  const { nullText } = dialect
  const lines: string[] = []
  let partition = { p: '', q: '', s_static: '', left: 0 }
  for (let i = 0; i < count; i++) {
    if (partition.left-- === 0) {
      partition = {
        p: String(i),
        q: `${pick(random, WORDS)} ${i}`,
        s_static: random(4) === 0 ? nullText : text(random),
        left: random(5),
      }
    }
    const { p, q, s_static } = partition
    const values = columns.map((column) => {
      if (column === 'p') return p
      if (column === 'q') return q
      if (column === 's_static') return s_static
      // Every row has a place of its own in its partition.
      if (column === 'c') return `${pad(i, 8)}-0000-1000-8000-000000000000`
      return random(4) === 0 ? nullText : MAKERS[COLUMNS[column]]!(random)
    })
    lines.push(values.map((value) => field(value, dialect)).join(dialect.delimiter))
  }
  return lines
}

/** Rows of `counts`: key, two counters of which the second may be null. */
export function counterLines(count: number): string[] {
  const random = seeded(2)
  return Array.from(
    { length: count },
    (_, i) =>
      `${i % 1000},${pick(random, WORDS.slice(0, 4)).replaceAll('"', '\\"')} ${i},${random(1e9) - 5e8},${1 + random(1e6)}`,
  )
}
