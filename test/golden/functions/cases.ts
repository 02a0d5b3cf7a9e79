import { fromString, mapType, native, nativeByName, packList, packMapSorted, packSet, packVector, setType, vectorType } from '../../../src/types/index.ts'
import type { CqlType } from '../../../src/types/type.ts'

/** What is evaluated of functions and operators: statements, with the values that each is executed with. */

export interface Group {
  readonly cql: string
  /** Values of the markers, one list an execution; a statement without markers has one empty list. */
  readonly executions: readonly (readonly (Uint8Array | null)[])[]
}

export const KEYSPACE = 'function_golden'

const NATIVES = [
  'ascii', 'bigint', 'blob', 'boolean', 'date', 'decimal', 'double', 'duration', 'float', 'inet', 'int', 'smallint',
  'text', 'time', 'timestamp', 'timeuuid', 'tinyint', 'uuid', 'varint',
] as const

/** Texts of values by type: the ends of ranges, zeros of both signs, what is no number, and some between. */
const TEXTS: Readonly<Record<string, readonly string[]>> = {
  tinyint: ['0', '1', '-1', '127', '-128', '7'],
  smallint: ['0', '1', '-1', '32767', '-32768', '300'],
  int: ['0', '1', '-1', '2147483647', '-2147483648', '1000'],
  bigint: ['0', '1', '-1', '9223372036854775807', '-9223372036854775808', '9007199254740993'],
  varint: ['0', '1', '-1', '123456789012345678901234567890', '-99999999999999999999', '255'],
  float: ['0.0', '-0.0', '1.5', '-2.5', '3.4028235E38', '1.4E-45', 'NaN', 'Infinity', '-Infinity', '0.1', '16777216', '-7.3'],
  double: ['0.0', '-0.0', '1.5', '-2.5', '1.7976931348623157E308', '4.9E-324', 'NaN', 'Infinity', '-Infinity', '0.1', '9007199254740993', '-1.0E10'],
  decimal: ['0', '1.50', '-2.5', '1E+10', '1E-10', '123456789.123456789', '0.00', '-0.1', '1E-40', '99999999999999999999.99999', '7.00', '-3'],
  text: ['', 'a', 'héllo', '日本', '😀x', "it's", '12', 'a much longer text of forty characters.....'],
  ascii: ['', 'a', 'hello', "it's", '12'],
  boolean: ['true', 'false'],
  date: ['1970-01-01', '2020-02-29', '1969-12-31', '0', '4294967295', '1582-10-15', '1500-03-01'],
  time: ['00:00:00', '12:34:56.789012345', '23:59:59.999999999'],
  timestamp: ['0', '-1', '1582979696789', '-86400001', '-86399999', '-86400000', '253402300799999', '-62135596800001', '-12219292800001', '-12219292800000'],
  timeuuid: ['50554d6e-29bb-11e5-b345-feff819cdc9f', '00000000-0000-1000-8080-808080808080', 'ffffffff-ffff-1fff-bfff-ffffffffffff'],
  uuid: ['123e4567-e89b-12d3-a456-426614174000', '00000000-0000-0000-0000-000000000000'],
  inet: ['127.0.0.1', '::1', '2001:db8::ff00:42:8329'],
  duration: ['1h', '2d', '1mo', '1y2mo3d4h5m6s', '15m', '1ms', '1us', '-1h', '1mo3d', '2mo1h30m', '0s', '100y', '-1mo2d', '36h'],
  blob: ['', '00', 'deadbeef', '00000001', '0000000000000001'],
}

const NUMBERS = ['tinyint', 'smallint', 'int', 'bigint', 'float', 'double', 'decimal', 'varint'] as const

/** Fewer values, for functions of two types. */
const FEW: Readonly<Record<string, readonly string[]>> = {
  tinyint: ['0', '-128', '7'],
  smallint: ['0', '-32768', '300'],
  int: ['0', '-2147483648', '1000'],
  bigint: ['0', '-9223372036854775808', '9007199254740993'],
  varint: ['0', '123456789012345678901234567890', '-7'],
  float: ['0.0', '-2.5', '0.1', 'NaN', 'Infinity'],
  double: ['-0.0', '-2.5', '0.1', 'NaN', '-Infinity'],
  decimal: ['0.00', '-2.50', '123456789.123456789', '1E-40'],
}

function typeOf(name: string): CqlType {
  return nativeByName(name)!
}

function values(type: string, texts: readonly string[] = TEXTS[type]!): (Uint8Array | null)[] {
  return texts.map((text) => fromString(typeOf(type), text))
}

/** All values of a type, null, and the empty one where the type has it. */
function all(type: string): (Uint8Array | null)[] {
  const empty = typeOf(type).emptyAllowed && type !== 'text' && type !== 'ascii' && type !== 'blob' ? [new Uint8Array(0)] : []
  return [...values(type), null, ...empty]
}

function hinted(type: string): string {
  return `(${type})?`
}

function select(expression: string, ...executions: (Uint8Array | null)[][]): Group {
  return { cql: `SELECT ${expression} FROM one`, executions }
}

/** A function of one argument, with all values of its type. */
function unary(template: string, type: string, given: readonly (Uint8Array | null)[] = all(type)): Group {
  return select(template.replace('$', hinted(type)), ...given.map((value) => [value]))
}

function pairs<A>(left: readonly A[], right: readonly A[]): A[][] {
  return left.flatMap((a) => right.map((b) => [a, b]))
}

function binary(operator: string, left: string, right: string, given: (Uint8Array | null)[][]): Group {
  return select(`${hinted(left)} ${operator} ${hinted(right)}`, ...given)
}

const OPERATORS = ['+', '-', '*', '/', '%'] as const

function operatorGroups(): Group[] {
  const groups: Group[] = []
  for (const left of NUMBERS) {
    for (const right of NUMBERS) {
      const given = left === right ? pairs(all(left), all(right)) : pairs(values(left, FEW[left]), values(right, FEW[right]))
      for (const operator of OPERATORS) groups.push(binary(operator, left, right, given))
    }
    groups.push(unary('-($)', left))
  }
  const durations = [...values('duration'), null]
  for (const operator of OPERATORS) {
    groups.push(binary(operator, 'timestamp', 'duration', pairs(all('timestamp'), durations)))
    groups.push(binary(operator, 'date', 'duration', pairs(all('date'), durations)))
    groups.push(binary(operator, 'int', 'duration', pairs(all('int'), durations)), binary(operator, 'bigint', 'duration', pairs(all('bigint'), durations)))
    for (const [a, b] of pairs(['text', 'ascii'], ['text', 'ascii'])) {
      groups.push(binary(operator, a!, b!, pairs(all(a!), all(b!))))
    }
    for (const [a, b] of [['time', 'duration'], ['timeuuid', 'duration'], ['duration', 'date'], ['duration', 'duration'], ['date', 'date'], ['int', 'text'], ['blob', 'blob'], ['boolean', 'boolean'], ['int', 'duration']]) {
      groups.push(binary(operator, a!, b!, [[values(a!)[0]!, values(b!)[0]!]]))
    }
  }
  return groups
}

/** Numbers spread over the ranges, the same at each run. */
function spread(count: number, scale: (x: number) => number): string[] {
  let state = 12345
  return Array.from({ length: count }, () => {
    state = (state * 1103515245 + 12345) % 2147483648
    return String(scale(state / 2147483648))
  })
}

function mathGroups(): Group[] {
  const groups: Group[] = []
  for (const name of ['abs', 'exp', 'log', 'log10', 'round']) {
    for (const type of NUMBERS) groups.push(unary(`${name}($)`, type))
    groups.push(unary(`${name}($)`, 'text', [null]), unary(`${name}($)`, 'duration', [null]))
  }
  const magnitudes = spread(40, (x) => (x + 0.01) * 10 ** Math.floor(x * 37 - 18))
  for (const name of ['log', 'log10']) {
    groups.push(unary(`${name}($)`, 'double', values('double', [...magnitudes, '10', '1000', '1E15', '1E-5', '2', '8'])))
    groups.push(unary(`${name}($)`, 'float', values('float', magnitudes)))
  }
  const exponents = spread(60, (x) => (x - 0.5) * 80)
  groups.push(unary('exp($)', 'double', values('double', [...exponents, '709.5', '710', '-745', '-750', '1'])))
  groups.push(unary('exp($)', 'float', values('float', [...exponents, '88.7', '89', '-103'])))
  const small = ['1', '2', '3', '-1', '5', '10', '20', '-5']
  for (const type of ['tinyint', 'smallint', 'int', 'bigint', 'varint']) {
    for (const name of ['exp', 'log', 'log10']) groups.push(unary(`${name}($)`, type, values(type, [...small, '100'])))
  }
  const decimals = ['1', '2', '10', '100', '0.5', '-3.7', '12.345', '1E-20', '700', '0.0001', '10.0', '1E+5', '3.14159265358979323846264338327950288419716939937510', '0.99999999', '7', '1.00', '0.12', '0.18', '0.25', '0.35', '0.05', '0.003', '4.5', '6', '8', '9.5', '123456789.987654321', '1000000000000000000000']
  for (const name of ['exp', 'log', 'log10']) groups.push(unary(`${name}($)`, 'decimal', values('decimal', decimals)))
  const halves = ['0.5', '-0.5', '1.5', '2.5', '-1.5', '0.49999999999999994', '2147483647.5', '9.3E18', '-9.3E18', '1E20', '0.4']
  for (const type of ['float', 'double', 'decimal']) groups.push(unary('round($)', type, values(type, halves)))
  groups.push(unary('exp($)', 'decimal', values('decimal', ['99999999999', '3000', '-3000'])))
  return groups
}

function castGroups(): Group[] {
  const targets = [...NATIVES, 'counter', 'varchar']
  const groups = NATIVES.flatMap((from) => targets.map((to) => unary(`cast($ as ${to})`, from)))
  const floats = ['1.0E7', '9999999', '1.0E-3', '9.999E-4', '123456.7', '3.0E10', '2.0E-45', '8589934592', '-129.7', '40000.5', '3000000000']
  for (const type of ['float', 'double', 'decimal']) {
    for (const to of ['text', 'decimal', 'tinyint', 'smallint', 'int', 'bigint', 'varint', 'float', 'double']) {
      groups.push(unary(`cast($ as ${to})`, type, values(type, floats)))
    }
  }
  groups.push(unary('"castAsText"($)', 'int'), unary('"castAsInt"($)', 'double'), unary('castastext($)', 'int'))
  return groups
}

function blobGroups(): Group[] {
  const types = [...NATIVES.filter((type) => type !== 'blob'), 'varchar']
  const groups: Group[] = []
  for (const type of types) {
    const valueType = type === 'varchar' ? 'text' : type
    for (const name of [`${type}_as_blob`, `${type}AsBlob`]) groups.push(unary(`${name}($)`, valueType))
    // Bytes that end too soon are an internal error for durations alone.
    const broken = values('blob').filter((value) => type !== 'duration' || value!.length !== 4)
    const bytes = [...all(valueType), ...broken, new Uint8Array([0xff]), new Uint8Array(17)]
    for (const name of [`blob_as_${type}`, `blobAs${type}`]) groups.push(unary(`${name}($)`, 'blob', bytes))
  }
  return [...groups, unary('counter_as_blob($)', 'bigint'), unary('blob_as_counter($)', 'blob', values('blob')), unary('blob_as_empty($)', 'blob', values('blob'))]
}

function timeGroups(): Group[] {
  const groups: Group[] = []
  for (const name of ['to_date', 'toDate', 'to_timestamp', 'toTimestamp', 'to_unix_timestamp', 'toUnixTimestamp', 'dateOf', 'unixTimestampOf']) {
    for (const type of ['timeuuid', 'timestamp', 'date', 'time', 'bigint', 'int']) groups.push(unary(`${name}($)`, type))
  }
  for (const name of ['min_timeuuid', 'max_timeuuid', 'minTimeuuid', 'maxTimeuuid']) {
    for (const type of ['timestamp', 'date', 'timeuuid']) groups.push(unary(`${name}($)`, type))
  }
  const durations = [...values('duration'), null]
  for (const type of ['timestamp', 'date', 'timeuuid', 'time', 'int', 'bigint']) {
    groups.push(select(`floor(${hinted(type)}, (duration)?)`, ...pairs(all(type), durations)))
    const start = type === 'timeuuid' ? 'timestamp' : type
    const starts = [...values(start).slice(0, 3), null]
    const given = pairs(pairs(values(type), values('duration').slice(0, 7)), starts.map((value) => [value]))
    groups.push(select(`floor(${hinted(type)}, (duration)?, ${hinted(start)})`, ...given.map((parts) => parts.flat())))
  }
  const startless = values('timestamp', ['1582979696789', '-1582979696789', '4102444800000'])
  const before = values('timestamp', ['-2208988800000', '951782400000', '-99999999999999'])
  groups.push(select('floor((timestamp)?, (duration)?, (timestamp)?)', ...pairs(pairs(startless, values('duration', ['1mo', '5mo', '1mo1d', '7mo36h', '1y', '3w'])), before.map((value) => [value])).map((parts) => parts.flat())))
  return groups
}

const LIST_TYPES = ['int', 'tinyint', 'bigint', 'float', 'double', 'decimal', 'varint', 'text', 'timeuuid', 'date'] as const

function collectionGroups(): Group[] {
  const groups: Group[] = []
  const functions = ['collection_count', 'collection_min', 'collection_max', 'collection_sum', 'collection_avg', 'map_keys', 'map_values', 'to_json', 'mask_default', 'mask_null']
  for (const element of LIST_TYPES) {
    const given = values(element).filter((value) => value!.length > 0) as Uint8Array[]
    const lists = [given, given.slice(0, 2), given.slice(2, 5), given.slice(0, 1), [], [...given, ...given]]
    const set = setType(typeOf(element), true)
    for (const name of functions) {
      groups.push(unary(`${name}($)`, `list<${element}>`, [...lists.map((list) => packList(list)), null]))
      groups.push(unary(`${name}($)`, `set<${element}>`, [...lists.map((list) => packSet(set, list)), null]))
    }
  }
  const map = mapType(native.text, native.int, true)
  const entries = values('text', ['b', 'a', 'c']).map((key, i) => [key!, values('int')[i + 2]!] as const)
  for (const name of functions) {
    groups.push(unary(`${name}($)`, 'map<text, int>', [packMapSorted(map, entries), packMapSorted(map, []), null]))
    groups.push(unary(`${name}($)`, 'int', [null]), unary(`${name}($)`, 'tuple<int, text>', [null]), unary(`${name}($)`, 'u', [null]))
    groups.push(unary(`${name}($)`, 'frozen<list<frozen<set<int>>>>', [packList([packSet(setType(native.int, false), values('int').slice(0, 3) as Uint8Array[])])]))
    groups.push(unary(`${name}($)`, 'vector<float, 2>', [packVector(vectorType(native.float, 2), values('float', ['1', '2']))]))
  }
  const numbers = packList(values('int'))
  groups.push(select('collection_sum((list<int>)?) + collection_count((list<int>)?)', [numbers, numbers]))
  return groups
}

function vectorGroups(): Group[] {
  const groups: Group[] = []
  for (const dimension of [1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 40, 64, 65, 100]) {
    const type = vectorType(native.float, dimension)
    const numbers = spread(dimension * 4, (x) => Math.fround((x - 0.3) * 10 ** Math.floor(x * 5)))
    const vectors = [0, 1, 2, 3].map((i) => packVector(type, values('float', numbers.slice(i * dimension, (i + 1) * dimension))))
    const zero = packVector(type, values('float', new Array<string>(dimension).fill('0')))
    const given: (Uint8Array | null)[][] = [...pairs(vectors, vectors), [zero, vectors[0]!], [vectors[0]!, zero], [zero, zero], [null, zero]]
    for (const name of ['similarity_cosine', 'similarity_euclidean', 'similarity_dot_product']) {
      groups.push(select(`${name}((vector<float, ${dimension}>)?, (vector<float, ${dimension}>)?)`, ...given))
    }
  }
  const odd = values('float', ['3.4E38', 'NaN', 'Infinity'])
  for (const name of ['similarity_cosine', 'similarity_euclidean', 'similarity_dot_product']) {
    groups.push(select(`${name}((vector<float, 1>)?, (vector<float, 1>)?)`, ...pairs(odd, odd)))
    groups.push(select(`${name}([1.5, 2], [3, 4.25])`, []), select(`${name}((vector<float, 2>)?, [1, 2])`, [packVector(vectorType(native.float, 2), values('float', ['1', '2']))]))
    groups.push(select(`${name}([1, 2], [1, 2, 3])`, []), select(`${name}((vector<int, 2>)[1, 2], [1, 2])`, []), select(`${name}((list<text>)['a'], [1])`, []), select(`${name}((list<float>)[1], [1])`, []), select(`${name}([1])`, []), select(`${name}(1, 2)`, []))
  }
  return groups
}

function maskGroups(): Group[] {
  const groups: Group[] = []
  for (const type of NATIVES) {
    for (const name of ['mask_default', 'mask_null', 'mask_hash']) groups.push(unary(`${name}($)`, type, all(type).slice(0, 3)))
    groups.push(select(`mask_replace(${hinted(type)}, ${hinted(type)})`, [values(type)[0]!, values(type).at(-1)!], [null, values(type)[0]!], [values(type)[0]!, null]))
  }
  const texts = ['', 'a', 'secret', 'héllo😀', 'a much longer text']
  for (const name of ['mask_inner', 'mask_outer']) {
    for (const [begin, end] of [['1', '2'], ['0', '0'], ['-1', '3'], ['2', '-1'], ['100', '1'], ['null', '1'], ['1', 'null']]) {
      groups.push(unary(`${name}($, ${begin}, ${end})`, 'text', values('text', texts)), unary(`${name}($, ${begin}, ${end}, '#')`, 'ascii', values('ascii', ['abcdef', ''])))
    }
    groups.push(unary(`${name}($, 1, 1, 'xy')`, 'text'), unary(`${name}($, 1, 1, '')`, 'text'), unary(`${name}($, 1, 1, null)`, 'text'), unary(`${name}($, 1)`, 'text', [null]), unary(`${name}($, 1, 2)`, 'int', [null]))
  }
  for (const algorithm of ['MD5', 'SHA-1', 'sha-256', 'SHA-512', 'SHA-224', 'SHA3-256', 'SHA-512/256', 'nope', '']) {
    groups.push(unary(`mask_hash($, '${algorithm}')`, 'text', values('text', ['', 'abc'])), unary(`mask_hash($, '${algorithm}')`, 'int', [null]))
  }
  groups.push(unary('mask_hash($, null)', 'int'), select('mask_replace((int)?, (text)?)', [null, null]), select('mask_default()', []), select('mask_null(1)', []), select('mask_hash(1, 2, 3)', []))
  return groups
}

/** Aggregates of the columns of `numbers`, of the rows of one partition each. */
function aggregateGroups(): Group[] {
  const groups: Group[] = []
  for (const [type] of columns()) {
    for (const name of ['count', 'sum', 'avg', 'min', 'max']) {
      groups.push({ cql: `SELECT ${name}(${columnOf(type)}) FROM rows WHERE k = ?`, executions: [0, 1, 2, 3, 4].map((k) => values('int', [String(k)])) })
    }
  }
  groups.push({ cql: 'SELECT count(*), count(1) FROM rows WHERE k = ?', executions: [0, 1, 2, 9].map((k) => values('int', [String(k)])) })
  for (const name of ['count', 'sum', 'avg', 'min', 'max']) {
    groups.push({ cql: `SELECT ${name}(n) FROM counters WHERE k = ?`, executions: [0, 1, 2].map((k) => values('int', [String(k)])) })
  }
  return groups
}

function columnOf(type: string): string {
  return `c_${type}`
}

function columns(): [string, readonly (Uint8Array | null)[]][] {
  return NATIVES.map((type) => [type, values(type)])
}

/** Tables and rows: `rows` has in partition 0 every value, in 1 the positive third, in 2 the odd ones, in 3 one, in 4 nulls. */
export function setup(): Group[] {
  const statements: Group[] = [
    `CREATE TYPE u (a int, b text)`,
    'CREATE TABLE one (k int PRIMARY KEY)',
    'INSERT INTO one (k) VALUES (1)',
    `CREATE TABLE rows (k int, c int, ${columns().map(([type]) => `${columnOf(type)} ${type}`).join(', ')}, PRIMARY KEY (k, c))`,
    'CREATE TABLE counters (k int, c int, n counter, PRIMARY KEY (k, c))',
    `CREATE TABLE terms (k int PRIMARY KEY, ${columns().map(([type]) => `${columnOf(type)} ${type}`).join(', ')}, fl frozen<list<int>>, l list<int>, fs frozen<set<text>>, m map<text, int>, tu tuple<int, text>, ud u, fu frozen<u>, v vector<float, 2>)`,
    'UPDATE counters SET n = n + 9223372036854775807 WHERE k = 0 AND c = 0',
    'UPDATE counters SET n = n + 5 WHERE k = 0 AND c = 1',
    'UPDATE counters SET n = n - 7 WHERE k = 1 AND c = 0',
    'UPDATE counters SET n = n + 4 WHERE k = 1 AND c = 1',
  ].map((cql) => ({ cql, executions: [[]] }))
  const takes: readonly ((index: number) => boolean)[] = [() => true, (i) => i % 3 === 1, (i) => i % 2 === 1, (i) => i === 2]
  const inserts = columns().map(([type, given]) => ({
    cql: `INSERT INTO rows (k, c, ${columnOf(type)}) VALUES (?, ?, ?)`,
    executions: takes.flatMap((takes, k) => given.flatMap((value, c) => (takes(c) ? [[...values('int', [String(k), String(c)]), value]] : []))),
  }))
  return [...statements, ...inserts, { cql: 'INSERT INTO rows (k, c) VALUES (4, 1)', executions: [[]] }, { cql: 'INSERT INTO rows (k, c) VALUES (4, 2)', executions: [[]] }]
}

/** All evaluations in selected columns. */
export function selections(): Group[] {
  return [
    ...operatorGroups(),
    ...mathGroups(),
    ...castGroups(),
    ...blobGroups(),
    ...timeGroups(),
    ...collectionGroups(),
    ...vectorGroups(),
    ...maskGroups(),
    ...aggregateGroups(),
    ...NATIVES.map((type) => unary('to_json($)', type)),
  ]
}
