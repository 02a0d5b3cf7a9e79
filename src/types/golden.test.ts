import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  decode,
  encode,
  fromJson,
  type JsonValue,
  native,
  parseCqlTypeName,
  parseJson,
  setType,
  toJson,
  userType,
} from './index.ts'

/** What Cassandra 5.0.6 answered: rows in hex, and the same rows by SELECT JSON. */
interface Rows {
  readonly columns: readonly { readonly name: string }[]
  readonly rows: readonly (readonly (string | null)[])[]
  readonly json: readonly string[]
}

const golden = new URL('../../test/golden/', import.meta.url)

function load(path: string): Rows {
  return JSON.parse(readFileSync(new URL(path, golden), 'utf8')) as Rows
}

const userTypes = new Map([
  ['ck_udt', userType('fx', 'ck_udt', ['a', 'b'], [native.int, native.text], true)],
  [
    'address',
    userType(
      'fx',
      'address',
      ['street', 'no', 'tags'],
      [native.text, native.int, setType(native.text, false)],
      true,
    ),
  ],
])

const CLUSTERING_TYPES: Readonly<Record<string, string>> = {
  frozen_ck_udt: 'frozen<ck_udt>',
  frozen_list_int: 'frozen<list<int>>',
  frozen_map_text_int: 'frozen<map<text, int>>',
  frozen_set_text: 'frozen<set<text>>',
  tuple_int_text: 'frozen<tuple<int, text>>',
  vector_float_2: 'vector<float, 2>',
}

const TABLES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  native_types: {
    id: 'int',
    a: 'ascii',
    b: 'bigint',
    c: 'blob',
    d: 'boolean',
    e: 'date',
    f: 'decimal',
    g: 'double',
    h: 'duration',
    i: 'float',
    j: 'inet',
    k: 'int',
    l: 'smallint',
    m: 'text',
    n: 'time',
    o: 'timestamp',
    p: 'timeuuid',
    q: 'tinyint',
    r: 'uuid',
    s: 'varchar',
    t: 'varint',
    v: 'vector<float, 3>',
  },
  collections: {
    id: 'int',
    l: 'list<int>',
    s: 'set<text>',
    m: 'map<text, int>',
    fl: 'frozen<list<int>>',
    fs: 'frozen<set<text>>',
    fm: 'frozen<map<text, int>>',
    nested: 'map<int, frozen<list<frozen<set<int>>>>>',
    u: 'address',
    fu: 'frozen<address>',
    lu: 'list<frozen<address>>',
    t: 'tuple<int, text, frozen<list<int>>>',
    vi: 'vector<int, 4>',
    vt: 'vector<text, 2>',
    mt: 'map<frozen<tuple<int, text>>, timeuuid>',
    st: 'set<time>',
  },
}

function bytesOf(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, 'hex'))
}

describe('clustering order', () => {
  for (const file of readdirSync(new URL('order/', golden))) {
    const name = file.replace(/^order_|\.json$/g, '')
    test(name, () => {
      const type = parseCqlTypeName(CLUSTERING_TYPES[name] ?? name, userTypes)
      const { rows, json } = load(`order/${file}`)
      for (const [i, row] of rows.entries()) {
        const value = bytesOf(row[1] ?? '')
        type.validate(value)
        expect(
          `{"p": 1, "c": ${toJson(type, value)}, "v": ${toJson(native.int, bytesOf(row[2] ?? ''))}}`,
        ).toBe(json[i])
        for (const [j, other] of rows.entries()) {
          const bytes = bytesOf(`ff${other[1] ?? ''}ff`)
          const order = Math.sign(type.compare(value, 0, value.length, bytes, 1, bytes.length - 2))
          expect(order, `${row[1]} ${other[1]}`).toBe(Math.sign(i - j))
        }
      }
    })
  }
})

describe('rows as the server shows them', () => {
  for (const [table, columnTypes] of Object.entries(TABLES)) {
    const { columns, rows, json } = load(`types/${table}.json`)
    const types = columns.map(({ name }) => parseCqlTypeName(columnTypes[name], userTypes, 'fx'))
    test(`${table} as JSON`, () => {
      for (const [i, row] of rows.entries()) {
        const fields = row.map(
          (hex, j) => `"${columns[j].name}": ${toJson(types[j], hex === null ? null : bytesOf(hex))}`,
        )
        expect(`{${fields.join(', ')}}`).toBe(json[i])
      }
    })
    test(`${table} validated, decoded and encoded`, () => {
      for (const row of rows) {
        for (const [j, hex] of row.entries()) {
          if (hex === null) continue
          const value = bytesOf(hex)
          types[j].validate(value)
          const again = encode(types[j], decode(types[j], value))
          if (value.length > 0) expect(Buffer.from(again ?? '').toString('hex'), columns[j].name).toBe(hex)
        }
      }
    })
    test(`${table} from JSON`, () => {
      for (const [i, row] of rows.entries()) {
        const parsed = parseJson(json[i]) as ReadonlyMap<string, JsonValue>
        for (const [j, hex] of row.entries()) {
          const value = parsed.get(columns[j].name) ?? null
          // JSON has no NaN and no infinity, and Jackson reads decimals as doubles.
          if (hex === null || value === null || ['f', 'v'].includes(columns[j].name)) continue
          const read = Buffer.from(fromJson(types[j], value)).toString('hex')
          expect(toJson(types[j], bytesOf(read)), columns[j].name).toBe(toJson(types[j], bytesOf(hex)))
        }
      }
    })
  }
})
