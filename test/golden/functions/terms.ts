import { fromString, native, nativeByName, packList } from '../../../src/types/index.ts'
import type { Group } from './cases.ts'

/** Functions, operators, CAST and hints in terms: what is inserted is looked at, and what is refused stays refused. */

/** Columns of the table `terms`, and expressions for each. */
const INSERTED: Readonly<Record<string, readonly string[]>> = {
  c_int: ['1 + 2', '7 / 2', '7 % -2', '-7 / 2', '-(5)', '- 5', '(1 + 2) * 3', '2 * (3 + 4) - 1', '1 / 0', '1 % 0', '2147483647 + 1', '-(-2147483648)', '1 + null', "1 + 'a'", '1.5 + 1', '1 + 1.5', '(int)5', '(bigint)5', '(text)5', "(int)'a'", '(tinyint)5 + 1', '(bigint)5 + 1', '(int)1 + (smallint)2', 'abs(-3)', 'abs(2 + 1)', 'abs((int)-3)', 'round(2.5)', 'exp(1)', 'collection_count([1, 2])', 'collection_count({1, 2})', 'collection_count((list<int>)[1, 2])', "collection_count({'a': 1})", 'collection_max((list<int>)[1, 5, 2])', 'collection_max({1, 5, 2})', 'collection_sum({1, 5, 2})', 'cast(1.5 as int)', 'cast((double)1.5 as int)', "cast('5' as int)", 'cast(1 as int)', 'blob_as_int(0x00000005)', 'blobAsInt(0x0005)', 'blob_as_int(int_as_blob(7))', 'blob_as_int(intAsBlob(7))', 'blob_as_int(null)', 'from_json(\'12\')', 'fromJson(\'12\')', "from_json('null')", "from_json('x')", "from_json('\"a\"')", 'from_json(5)', "from_json((text)'12')", 'from_json(null)', 'system.abs(-3)', 'nothere.abs(-3)', 'nope(1)', 'system.nope(1)', 'count(1)', 'max(1)', 'min((int)3)', 'sum(1)', 'count(*)', 'abs()', 'abs(1, 2)', "abs('a')", 'abs([1])', 'abs({1})', 'token(1)', 'similarity_cosine([1, 2], [1, 2])', '"_add"(1, 2)', 'system."_add"(1, 2)', 'mask_replace(1, 2)', 'mask_default(5)', 'mask_null(5)', 'now()', 'uuid()', 'writetime(1)', 'current_timestamp()', 'to_date(now())', 'log10(1000)', 'abs(null)', 'abs((int)null)', '(int)null + 1', '1 + 2 + 3', '10 - 3 - 2', '2 + 3 * 4', '100 / 7 / 2', '17 % 5 * 2', '(1)', '((1))', '((int)(1 + 1))', '+5', '1+-1', '1 - -1', '1--1', '-abs(-3)', '-1 + 2', "-'a'", '-true', '{1} + 2', "cast(null as int)", "cast((text)null as int)", 'blob_as_int((blob)null)', '1 + ', 'abs(1 + )'],
  c_bigint: ['1 + 2', '(int)1 + (int)2', '(int)2147483647 + (bigint)1', '9223372036854775807 + 1', '5 / 2', '(float)1.5 + 1', 'to_unix_timestamp(min_timeuuid(5000))', 'toUnixTimestamp((timestamp)7)', "to_unix_timestamp((date)'1970-01-02')", "to_unix_timestamp('1970-01-02')", 'abs(-9223372036854775808)', 'blob_as_bigint(0x0000000000000007)', 'cast((int)5 as bigint)', '(int)5', '(timestamp)5', 'cast((varint)123456789012345678901234567890 as bigint)', '5 % 3', 'token(5)', '(tinyint)127 + (tinyint)1'],
  c_tinyint: ['127 + 1', '1 + 1', '(int)1 + 1', '(tinyint)5', '(tinyint)100 + (tinyint)100', '-128 / -1', 'cast((int)300 as tinyint)', 'abs(-128)', '0x05'],
  c_smallint: ['32767 + 1', '(tinyint)1 + (smallint)2', '(tinyint)1 + 5', '300 * 300', 'cast(70000.5 as smallint)'],
  c_varint: ['1 + 2', '99999999999999999999 * 99999999999999999999', '(int)1 + 2', '(int)5', '(bigint)5', '5 / 0', '-99999999999999999999 / 7', '-99999999999999999999 % 7', '1 + 1.5', 'exp(10)', 'log(0)', 'cast((decimal)1.9 as varint)', 'cast((decimal)12345678901234567890123.9 as varint)'],
  c_float: ['1 + 2', '1.5 + 2', '1.0 / 3', '1 / 0', '0.0 / 0', '(int)16777217 + 0.0', '(float)1 + (bigint)2', '1.0 % 0.3', 'log(10.0)', 'exp(1.0)', 'round(2.5)', 'NaN + 1', '-Infinity', '-(Infinity)', 'similarity_cosine([1, 2], [3, 4])', 'similarity_cosine((vector<float, 2>)[1, 2], [3, 4])', 'similarity_dot_product((vector<float, 2>)[1, 2], (vector<float, 2>)[3, 4])', 'similarity_euclidean([1.0, 2.0], [1.0, 2.5])', 'cast(1.5 as float)', 'cast((decimal)0.1 as float)'],
  c_double: ['1 + 2', '1.5 + 2', '1.0 / 3', '(float)1.1 + (float)2.2', '(float)1.1 + (double)2.2', '(bigint)1 / (float)3', '1E308 * 10', '5 / 2', '(int)5 / (int)2', 'cast((float)0.1 as double)', '1 / 0', '-0.0', '-(0.0)', '10 / 4.0'],
  c_decimal: ['1 + 2', '1.50 + 2', '1.0 / 3', '1 / 0', '10 / 4', '2.50 * 2.0', '1E10 % 7', '(int)1 + (decimal)2.5', '(bigint)9007199254740993 + (decimal)0', '(varint)9007199254740993 + (decimal)0', '(float)0.1 + (decimal)1', 'NaN + 1.0', '(double)NaN + (decimal)1', 'log(10.0)', 'exp((decimal)1)', 'round((decimal)2.50)', 'cast(1.5 as decimal)', 'cast((double)1.5 as decimal)', '-(1.50)', 'abs((decimal)-1.50)'],
  c_text: ["'a' + 'b'", "'a' + 1", "'é' + 'b'", "(ascii)'a' + (text)'b'", "(text)'a' + null", "'a' - 'b'", 'to_json(5)', 'toJson(1.5)', "to_json('a\"b')", 'to_json([1, 2])', 'to_json((list<int>)[1, 2])', "to_json({'b', 'a'})", "to_json({'k': 1})", 'to_json((1, 2))', 'to_json(null)', 'to_json((int)null)', 'to_json(now)', "to_json((u){a: 1, b: 'x'})", "to_json({a: 1, b: 'x'})", 'cast(5 as text)', 'cast((int)5 as text)', 'cast(true as text)', 'cast(1.50 as text)', "cast('2020-01-01' as text)", "cast((date)'2020-01-01' as text)", "cast((ascii)'x' as text)", "cast('x' as text)", 'cast((timestamp)0 as text)', 'cast(123e4567-e89b-12d3-a456-426614174000 as text)', 'blob_as_text(0x616263)', 'blob_as_varchar(0xff)', "mask_inner('secret', 1, 1)", "mask_outer('secret', 1, 1, '#')", "mask_default('x')", "(ascii)'x'", '(varchar)\'x\'', "('a')", "from_json('\"q\"')", "'a' + 'b' + 'c'", "cast(1 + 2 as text)", "'a' * 2", "-'a'"],
  c_ascii: ["'a' + 'b'", "'a' + 'é'", "(text)'x'", "cast(5.5 as ascii)", "cast((double)5.5 as ascii)", 'blob_as_ascii(0x61)', 'blob_as_ascii(0xc3a9)', "(ascii)'a' + (text)'b'"],
  c_blob: ['int_as_blob(5)', 'int_as_blob((int)5)', 'intAsBlob(5)', "text_as_blob('a')", "varchar_as_blob('a')", "ascii_as_blob('é')", 'bigint_as_blob(5)', 'uuid_as_blob(123e4567-e89b-12d3-a456-426614174000)', 'timeuuid_as_blob(50554d6e-29bb-11e5-b345-feff819cdc9f)', 'boolean_as_blob(true)', 'decimal_as_blob(1.50)', 'duration_as_blob(1h)', "mask_hash('abc')", "mask_hash('abc', 'MD5')", "mask_hash('abc', 'nope')", 'int_as_blob(1 + 1)', "int_as_blob('a')", 'int_as_blob(0x05)', 'counter_as_blob(5)', 'blob_as_blob(0x05)', '(int)5', "'a' + 'b'", 'int_as_blob(null)', "inet_as_blob('127.0.0.1')", 'float_as_blob(1.5)', 'tinyint_as_blob(0x05)', '(text)\'a\'', '5'],
  c_timestamp: ["'2020-01-31' + 1mo", "(timestamp)'2020-01-31' + 1mo", "(timestamp)'2020-01-31' - 1mo", "'2020-01-31 12:00:00' - 36h", '0 + 1d', '(timestamp)0 + 1us', '(timestamp)0 + 1ms', 'to_timestamp(50554d6e-29bb-11e5-b345-feff819cdc9f)', "to_timestamp((date)'2020-01-01')", "to_timestamp('2020-01-01')", "floor((timestamp)'2020-02-15', 1mo)", "floor('2020-02-15', 1mo)", "floor('2020-02-15', 1mo, '2020-01-10')", "floor((timestamp)'2020-02-15', 1us)", "floor((timestamp)'2020-02-15', 36h, (timestamp)'2020-01-01')", "floor((timestamp)'2019-01-01', 1d, (timestamp)'2020-01-01')", 'cast(50554d6e-29bb-11e5-b345-feff819cdc9f as timestamp)', "cast((date)'2020-01-01' as timestamp)", '(bigint)5', '5 + 5', '(bigint)5 + 5', "'2020-01-01' + '2020-01-02'", '1d + 1d'],
  c_date: ["'2020-01-31' + 1mo", "(date)'2020-01-31' + 1mo", "(date)'2020-03-31' - 1mo", "(date)'2020-01-31' + 36h", "(date)'2020-01-31' + 2d", 'to_date(50554d6e-29bb-11e5-b345-feff819cdc9f)', "to_date((timestamp)'2020-01-01 23:00:00')", "to_date('2020-01-01')", 'to_date(5)', "floor((date)'2020-02-15', 1mo)", "floor('2020-02-15', 2d)", "floor((date)'2020-02-15', 5h)", 'cast((timestamp)5 as date)', 'toDate(5)', '(int)5'],
  c_time: ["floor((time)'12:34:56', 1h)", "floor('12:34:56', 5m)", "floor('12:34:56', 25h)", "'12:00:00' + 1h", "(time)'12:00:00'", '(bigint)5'],
  c_timeuuid: ["min_timeuuid('2020-01-01')", 'max_timeuuid(0)', 'minTimeuuid(0)', 'blob_as_timeuuid(0x50554d6e29bb11e5b345feff819cdc9f)', 'blob_as_timeuuid(0x00000000000040008000000000000000)', 'uuid()', 'mask_default(50554d6e-29bb-11e5-b345-feff819cdc9f)', 'mask_replace(50554d6e-29bb-11e5-b345-feff819cdc9f, 50554d6f-29bb-11e5-b345-feff819cdc9f)', 'to_timestamp(now())', '(timeuuid)50554d6e-29bb-11e5-b345-feff819cdc9f', '(uuid)50554d6e-29bb-11e5-b345-feff819cdc9f'],
  c_uuid: ['min_timeuuid(5)', 'blob_as_uuid(0x00000000000040008000000000000000)', '(timeuuid)50554d6e-29bb-11e5-b345-feff819cdc9f', 'mask_default(123e4567-e89b-12d3-a456-426614174000)'],
  c_boolean: ['true', '(boolean)true', 'blob_as_boolean(0x01)', 'blob_as_boolean(0x0001)', 'true + false', '-true', "from_json('true')", '1'],
  c_inet: ["(inet)'127.0.0.1'", 'blob_as_inet(0x7f000001)', 'blob_as_inet(0x7f)', "mask_default((inet)'1.2.3.4')"],
  c_duration: ['1h + 1h', '-1h', '-(1h)', 'blob_as_duration(0x000000)', '(duration)1h', '5'],
  fl: ['map_values({\'a\': 1})', "map_values((map<text, int>){'b': 2, 'a': 1})", "from_json('[1, 2]')", '(list<int>)[1, 2]', '(frozen<list<int>>)[1, 2]', '[1 + 1, abs(-2)]', '[(int)1, (bigint)2]', "[1, 'a']", '[1, null]', 'mask_default((list<int>)[1])', '[[1]]', '[1, [2]]'],
  l: ["map_values((map<text, int>){'b': 2})", "from_json('[1, 2]')", '(list<int>)[1, 2]', '(frozen<list<int>>)[1, 2]', '[1 + 1]', '[now()]'],
  fs: ["map_keys({'b': 1, 'a': 2})", "map_keys((map<text, int>){'b': 1, 'a': 2})", "{'a' + 'b'}", '{to_json(5)}', "from_json('[\"b\", \"a\"]')", "(set<text>){'x'}", '{}', "{'a', null}"],
  m: ["{'a' + 'b': 1 + 1}", "from_json('{\"a\": 1}')", "(map<text, int>){'a': 1}", '{}', "{'a': 'b'}", '{1: 1}', "{'a': null}"],
  tu: ["(1 + 1, 'a' + 'b')", '(1)', "(tuple<int, text>)(1, 'a')", "from_json('[1, \"a\"]')", "(1, 'a', 2)", "(abs(-1), null)"],
  ud: ["{a: 1 + 1, b: 'x' + 'y'}", "from_json('{\"a\": 1}')", '{a: abs(-1)}', "(u){a: 1}", "{c: 1}", "(frozen<u>){a: 1}"],
  fu: ["{a: 1 + 1, b: 'x' + 'y'}", "from_json('{\"a\": 1, \"b\": \"z\"}')", "(u){a: 1}", "(frozen<u>){a: 1}"],
  v: ['[1 + 1, 2]', '[1.5, abs(-2.5)]', '(vector<float, 2>)[1, 2]', "from_json('[1, 2]')", '[1]', '[1, null]', '(list<float>)[1, 2]', 'mask_default((vector<float, 2>)[1, 2])'],
}

/** With bind markers: the column, the expression and the values of the markers by their types. */
const BOUND: readonly (readonly [string, string, ...(string | null)[]])[] = [
  ['c_int', '? + 1', 'int:5'],
  ['c_int', '1 + ?', 'int:5'],
  ['c_int', '? + ?', 'int:5', 'int:6'],
  ['c_int', '(int)? + ?', 'int:5', 'int:6'],
  ['c_int', '(int)? + 1', 'int:5'],
  ['c_int', '(int)? + (int)?', 'int:5', 'int:6'],
  ['c_int', '-?', 'int:5'],
  ['c_int', '-(int)?', 'int:5'],
  ['c_int', '(int)?', 'int:5'],
  ['c_int', '(text)?', 'text:a'],
  ['c_int', 'abs(?)', 'int:-5'],
  ['c_int', 'abs((int)?)', 'int:-5'],
  ['c_int', 'abs((int)?)', null],
  ['c_int', 'blob_as_int(?)', 'blob:00000009'],
  ['c_int', 'blob_as_int(?)', 'blob:09'],
  ['c_int', 'cast(? as int)', 'double:1.5'],
  ['c_int', 'cast((double)? as int)', 'double:1.5'],
  ['c_int', 'from_json(?)', 'text:12'],
  ['c_int', 'fromJson(:json)', 'text:12'],
  ['c_int', 'collection_count(?)', 'int:1'],
  ['c_int', 'collection_count((list<int>)?)', 'list'],
  ['c_int', 'mask_replace(?, ?)', 'int:1', 'int:2'],
  ['c_int', 'mask_default(?)', 'int:1'],
  ['c_int', '(?)', 'int:1'],
  ['c_int', '(1 + (int)?) * 2', 'int:4'],
  ['c_varint', '(int)?', 'varint:5'],
  ['c_varint', '(int)? + ?', 'int:5', 'int:6'],
  ['c_bigint', '? + (bigint)?', 'bigint:5', 'bigint:6'],
  ['c_bigint', 'to_unix_timestamp(?)', 'timestamp:6'],
  ['c_bigint', 'to_unix_timestamp((timestamp)?)', 'timestamp:6'],
  ['c_bigint', 'token(?)', 'int:6'],
  ['c_blob', 'int_as_blob(?)', 'int:6'],
  ['c_blob', 'text_as_blob(?)', 'text:a'],
  ['c_blob', 'timeuuid_as_blob(?)', 'timeuuid:50554d6e-29bb-11e5-b345-feff819cdc9f'],
  ['c_text', 'to_json(?)', 'int:6'],
  ['c_text', 'to_json((int)?)', 'int:6'],
  ['c_text', "? + 'a'", 'text:x'],
  ['c_text', "(text)? + 'a'", 'text:x'],
  ['c_text', 'mask_inner(?, ?, ?)', 'text:secret', 'int:1', 'int:1'],
  ['c_text', 'cast(? as text)', 'int:5'],
  ['c_text', 'cast((int)? as text)', 'int:5'],
  ['c_timestamp', '? + ?', 'timestamp:0', 'duration:1h'],
  ['c_timestamp', '(timestamp)? + ?', 'timestamp:0', 'duration:1h'],
  ['c_timestamp', 'floor(?, ?)', 'timestamp:5', 'duration:1h'],
  ['c_timestamp', 'floor((timestamp)?, ?)', 'timestamp:5', 'duration:1h'],
  ['c_date', 'to_date(?)', 'timeuuid:50554d6e-29bb-11e5-b345-feff819cdc9f'],
  ['c_float', 'similarity_cosine(?, ?)', 'int:1', 'int:1'],
  ['c_float', 'similarity_cosine((vector<float, 2>)?, ?)', 'vector', 'vector'],
  ['fl', '[?]', 'int:1'],
  ['fl', '[(int)? + 1]', 'int:1'],
  ['fs', '{?}', 'text:a'],
  ['m', "{'a': ?}", 'int:1'],
  ['tu', '(? + 1, ?)', 'int:1', 'text:a'],
  ['tu', '((int)? + 1, ?)', 'int:1', 'text:a'],
  ['ud', '{a: ?}', 'int:1'],
  ['v', '[?, 2]', 'float:1.5'],
]

function boundValue(notation: string | null): Uint8Array | null {
  if (notation === null) return null
  if (notation === 'list') return packList([fromString(native.int, '1'), fromString(native.int, '2')])
  if (notation === 'vector') return new Uint8Array([0x3f, 0x80, 0, 0, 0x40, 0, 0, 0])
  const [type, ...text] = notation.split(':')
  return fromString(nativeByName(type!)!, text.join(':'))
}

/** Statements with functions elsewhere than among the values of an INSERT. */
const STATEMENTS: readonly string[] = [
  'INSERT INTO terms (k, c_int) VALUES (1, 5)',
  'INSERT INTO terms (k, c_int) VALUES (1 + 1, 6)',
  'INSERT INTO terms (k, c_int) VALUES (abs(-3), 7)',
  'SELECT k, c_int FROM terms WHERE k = 1 + 1',
  'SELECT k, c_int FROM terms WHERE k = abs(-3)',
  'SELECT k, c_int FROM terms WHERE k IN (1 + 0, 3, abs(-2))',
  'SELECT k, c_int FROM terms WHERE k = 1 / 0',
  'SELECT k FROM terms WHERE k = 5 - null',
  "SELECT k FROM terms WHERE k = 'a' + 'b'",
  'SELECT k FROM terms WHERE k = cast((double)2.7 as int)',
  'SELECT k FROM terms WHERE k = cast(1.7 as int)',
  'SELECT k FROM terms WHERE token(k) = token(1 + 1)',
  'INSERT INTO one (k) VALUES (2)',
  'INSERT INTO one (k) VALUES (1 + 2)',
  'SELECT k FROM one WHERE token(k) > token(1) AND token(k) <= token(3)',
  'SELECT k FROM terms WHERE token(k) = system.token(2)',
  'SELECT k FROM one WHERE token(k) > -9223372036854775807 - 1',
  'SELECT k FROM terms WHERE token(k) = token()',
  'SELECT k FROM terms WHERE token(k) = token(1, 2)',
  "SELECT k FROM terms WHERE token(k) = token('a')",
  'SELECT k FROM terms WHERE token(k) = abs(5)',
  "SELECT k FROM terms WHERE token(k) = cast((int)5 as bigint)",
  "SELECT k FROM terms WHERE token(k) = to_json(5)",
  'SELECT k FROM terms WHERE k = (int)2',
  'SELECT k FROM terms WHERE k = (bigint)2',
  'SELECT k FROM terms WHERE k = (tinyint)2',
  'SELECT k FROM terms WHERE k = (2)',
  'SELECT k FROM terms WHERE c_int = 3 + 3 ALLOW FILTERING',
  'SELECT k FROM terms WHERE c_int > 10 - 4 ALLOW FILTERING',
  'SELECT k FROM terms WHERE c_int = max(5) ALLOW FILTERING',
  'SELECT k FROM terms WHERE c_int = nope(5) ALLOW FILTERING',
  'SELECT k FROM terms WHERE k = count(*)',
  'UPDATE terms SET c_int = 1 + 10 WHERE k = 1',
  'SELECT c_int FROM terms WHERE k = 1',
  'UPDATE terms SET c_int = c_int + 1 WHERE k = 1',
  'UPDATE terms SET c_int = abs(c_int) WHERE k = 1',
  'UPDATE terms SET c_int = -c_int WHERE k = 1',
  'UPDATE terms SET l = [1 + 1] + l WHERE k = 1',
  'UPDATE terms SET l = l + [abs(-9)] WHERE k = 1',
  'UPDATE terms SET l[1 - 1] = 2 * 4 WHERE k = 1',
  "UPDATE terms SET m['a' + 'b'] = 1 + 1 WHERE k = 1",
  "UPDATE terms SET m = m + {'c': 2 + 1} WHERE k = 1",
  "UPDATE terms SET m = m - {'c' + ''} WHERE k = 1",
  "UPDATE terms SET ud.a = 4 + 4 WHERE k = 1",
  'SELECT l, m, ud FROM terms WHERE k = 1',
  'UPDATE counters SET n = n + (1 + 1) WHERE k = 7 AND c = 1',
  'UPDATE counters SET n = n + abs(-5) WHERE k = 7 AND c = 1',
  'UPDATE counters SET n = n - 2 * 2 WHERE k = 7 AND c = 1',
  'UPDATE counters SET n = n + cast((double)2.5 as bigint) WHERE k = 7 AND c = 1',
  'SELECT n FROM counters WHERE k = 7',
  'UPDATE terms SET c_int = 1 WHERE k = 1 IF c_int = 10 + 1',
  'UPDATE terms SET c_int = 2 WHERE k = 1 IF c_int IN (1 + 0, 5)',
  'UPDATE terms SET c_int = 3 WHERE k = 1 IF c_int = 1 / 0',
  'UPDATE terms SET c_int = 3 WHERE k = 1 IF c_int = nope()',
  "UPDATE terms SET c_int = 3 WHERE k = 1 IF m['a' + 'b'] = 2",
  'DELETE FROM terms WHERE k = 1 + 2',
  'SELECT k FROM terms WHERE k IN (1, 2, 3)',
  "DELETE m['a' + 'b'] FROM terms WHERE k = 1",
  'SELECT m FROM terms WHERE k = 1',
  'SELECT k FROM terms LIMIT 1 + 1',
  'SELECT k FROM terms LIMIT abs(1)',
  'INSERT INTO terms (k, c_int) VALUES (1, 1) USING TTL 1 + 1',
  'INSERT INTO terms (k, c_int) VALUES (1, 1) USING TIMESTAMP abs(1)',
  'INSERT INTO rows (k, c, c_timeuuid) VALUES (20, 1, min_timeuuid(1000))',
  'SELECT k FROM rows WHERE k = 20 AND c = 2 - 1',
  'SELECT k FROM rows WHERE k = 20 AND c > 1 - 1 AND c < abs(-2)',
  'SELECT k FROM rows WHERE k = 20 AND (c) = (2 - 1)',
  'SELECT k FROM rows WHERE k = 20 AND (c) IN ((2 - 1), (5))',
  'SELECT k FROM rows WHERE k = 20 AND c_timeuuid < max_timeuuid(1000) ALLOW FILTERING',
  "SELECT k FROM rows WHERE k = 20 AND c_timeuuid > max_timeuuid('1970-01-01 00:00:02') ALLOW FILTERING",
]

/** All evaluations in terms. */
export function terms(): Group[] {
  const groups: Group[] = []
  let k = 1000
  const insert = (column: string, expression: string, given: readonly (string | null)[]): void => {
    k++
    groups.push({ cql: `INSERT INTO terms (k, ${column}) VALUES (${k}, ${expression})`, executions: [given.map(boundValue)] })
    groups.push({ cql: `SELECT ${column} FROM terms WHERE k = ${k}`, executions: [[]] })
  }
  const random = /\b(now|uuid|current_timestamp)\(\)/
  for (const [column, expressions] of Object.entries(INSERTED)) {
    // What is random is refused, or looked at elsewhere.
    for (const expression of expressions.filter((text) => !random.test(text) || column === 'c_int')) insert(column, expression, [])
  }
  for (const [column, expression, ...given] of BOUND) insert(column, expression, given)
  for (const cql of STATEMENTS) groups.push({ cql, executions: [[]] })
  return groups
}
