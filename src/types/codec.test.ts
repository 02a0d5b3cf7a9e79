import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type CqlType,
  compareDecimals,
  decode,
  doubleText,
  encode,
  floatText,
  fromJson,
  fromString,
  native,
  packMapSorted,
  packSet,
  packTuple,
  packVector,
  parseCqlTypeName,
  parseDecimal,
  parseJson,
  parseRawType,
  reversed,
  toCqlLiteral,
  toJson,
  toText,
  unpackMap,
  unpackSet,
  unpackTuple,
  unpackVector,
} from './index.ts'

const int32 = fc.integer({ min: -0x80000000, max: 0x7fffffff })
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })

/** Values of a type, and how JavaScript orders them, if it does. */
const codecs: readonly [CqlType, fc.Arbitrary<unknown>, ((a: never, b: never) => number)?][] = [
  [native.int, int32, (a, b) => a - b],
  [native.smallint, fc.integer({ min: -32768, max: 32767 }), (a, b) => a - b],
  [native.tinyint, fc.integer({ min: -128, max: 127 }), (a, b) => a - b],
  [native.bigint, int64, bigOrder],
  [native.varint, fc.bigInt({ min: -(2n ** 200n), max: 2n ** 200n }), bigOrder],
  [native.timestamp, fc.integer({ min: -62135596800000, max: 253402300799999 }), (a, b) => a - b],
  [native.double, fc.double({ noNaN: true }), floatOrder],
  [native.float, fc.float({ noNaN: true }), floatOrder],
  [native.boolean, fc.boolean(), (a, b) => Number(a) - Number(b)],
  [native.text, fc.string({ unit: 'grapheme' }), (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))],
  [
    native.ascii,
    fc.string({ unit: 'binary-ascii' }),
    (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)),
  ],
  [native.blob, fc.uint8Array(), (a, b) => Buffer.compare(a, b)],
  [native.uuid, fc.uuid()],
  [native.timeuuid, fc.uuid({ version: 1 })],
  [native.inet, fc.ipV4()],
  [
    native.decimal,
    fc.record({ unscaled: fc.bigInt(), scale: fc.integer({ min: -50, max: 50 }) }),
    compareDecimals,
  ],
  [
    native.time,
    fc
      .bigInt({ min: 0n, max: 86_399_999_999_999n })
      .map((nanos) => toText(native.time, encode(native.bigint, nanos))),
  ],
  [native.date, int32.map((days) => toText(native.date, encode(native.int, days)))],
  [
    native.duration,
    fc.record({ months: fc.nat(), days: fc.nat(), nanoseconds: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }) }),
  ],
]

function bigOrder(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function floatOrder(a: number, b: number): number {
  if (a === 0 && b === 0) return Number(Object.is(b, -0)) - Number(Object.is(a, -0))
  return a < b ? -1 : a > b ? 1 : 0
}

function bytes(type: CqlType, value: unknown): Uint8Array {
  return encode(type, value) ?? new Uint8Array()
}

describe.each(codecs.map(([type, values, order]) => ({ type, values, order })))('$type.cqlName', ({
  type,
  values,
  order,
}) => {
  test('comes back from bytes, valid', () => {
    fc.assert(
      fc.property(values, (value) => {
        const encoded = bytes(type, value)
        type.validate(encoded)
        expect(decode(type, encoded)).toEqual(value)
      }),
    )
  })

  test('comes back from its text and its JSON', () => {
    fc.assert(
      fc.property(values, (value) => {
        const encoded = bytes(type, value)
        expect([...fromString(type, toText(type, encoded))]).toEqual([...encoded])
        const json = toJson(type, encoded)
        // Jackson reads numbers with a point or an exponent as doubles, and an int is no timestamp.
        if (type.kind === 'decimal' || json === 'null') return
        expect([...fromJson(type, parseJson(json))]).toEqual([...encoded])
      }),
    )
  })

  test('has a total order, reversed when reversed, also inside bigger buffers', () => {
    fc.assert(
      fc.property(values, values, (left, right) => {
        const a = bytes(type, left)
        const b = Buffer.concat([Buffer.from([7]), bytes(type, right), Buffer.from([9])])
        const sign = Math.sign(type.compare(a, 0, a.length, b, 1, b.length - 2))
        expect(Math.sign(type.compare(b, 1, b.length - 2, a, 0, a.length)) + sign).toBe(0)
        expect(Math.sign(reversed(type).compare(a, 0, a.length, b, 1, b.length - 2)) + sign).toBe(0)
        if (order !== undefined) expect(sign + 0).toBe(Math.sign(order(left as never, right as never)) + 0)
        expect(type.compare(a, 0, a.length, a, 0, a.length) + 0).toBe(0)
        if (type.emptyAllowed && a.length > 0) expect(type.compare(a, 0, 0, a, 0, a.length)).toBeLessThan(0)
      }),
    )
  })
})

test('sets and maps are packed in order, without duplicates', () => {
  const set = parseCqlTypeName('set<int>', new Map())
  const map = parseCqlTypeName('map<int, int>', new Map())
  if (set.kind !== 'set' || map.kind !== 'map') throw new Error()
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -9, max: 9 })), (values) => {
      const elements = unpackSet(
        packSet(
          set,
          values.map((value) => bytes(native.int, value)),
        ),
      )
      expect(elements.map((element) => decode(native.int, element))).toEqual(
        [...new Set(values)].sort((a, b) => a - b),
      )
      const entries = values.map((value, i): [Uint8Array, Uint8Array] => [
        bytes(native.int, value),
        bytes(native.int, i),
      ])
      const read = unpackMap(packMapSorted(map, entries)).map(([key, value]) => [
        decode(native.int, key),
        decode(native.int, value),
      ])
      expect(read).toEqual([...new Map(values.map((value, i) => [value, i]))].sort((a, b) => a[0] - b[0]))
    }),
  )
})

test('tuples and vectors come back', () => {
  const tuple = parseCqlTypeName('tuple<int, text>', new Map())
  const vector = parseCqlTypeName('vector<text, 3>', new Map())
  if (tuple.kind !== 'tuple' || vector.kind !== 'vector') throw new Error()
  const nullable = fc.option(fc.uint8Array())
  fc.assert(
    fc.property(nullable, nullable, (a, b) => {
      expect(unpackTuple(tuple, packTuple([a, b]))).toEqual([a, b])
    }),
  )
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 300 }), { minLength: 3, maxLength: 3 }), (texts) => {
      const packed = packVector(
        vector,
        texts.map((text) => bytes(native.text, text)),
      )
      vector.validate(packed)
      expect(unpackVector(vector, packed).map((element) => decode(native.text, element))).toEqual(texts)
    }),
  )
})

test('validation never throws anything but a MarshalError', () => {
  const names = [
    'list<text>',
    'map<int, text>',
    'set<uuid>',
    'tuple<int, text>',
    'vector<int, 2>',
    'vector<text, 2>',
  ]
  const types = [...codecs.map(([type]) => type), ...names.map((name) => parseCqlTypeName(name, new Map()))]
  fc.assert(
    fc.property(fc.constantFrom(...types), fc.uint8Array({ maxLength: 40 }), (type, value) => {
      try {
        type.validate(value)
      } catch (error) {
        expect((error as Error).constructor.name).toBe('MarshalError')
      }
    }),
    { numRuns: 5000 },
  )
})

test.each([
  ['text', "it's", "'it''s'"],
  ['int', '5', '5'],
  ['boolean', 'true', 'true'],
  ['timestamp', '0', "'1970-01-01T00:00:00.000Z'"],
  ['date', '1970-01-02', "'1970-01-02'"],
  ['inet', '::1', "'0:0:0:0:0:0:0:1'"],
  ['duration', '1y2d', '1y2d'],
  ['double', '1', '1.0'],
])('CQL literal of %s %s', (name, text, literal) => {
  const type = parseCqlTypeName(name, new Map())
  expect(toCqlLiteral(type, fromString(type, text))).toBe(literal)
})

test('CQL literals of collections', () => {
  const literal = (name: string, value: unknown) => {
    const type = parseCqlTypeName(name, new Map())
    return toCqlLiteral(type, encode(type, value))
  }
  expect(literal('list<int>', [1, 2])).toBe('[1, 2]')
  expect(literal('set<text>', ['b', 'a'])).toBe("{'a', 'b'}")
  expect(literal('map<int, text>', new Map([[1, 'x']]))).toBe("{1: 'x'}")
  expect(literal('tuple<int, text>', [1, null])).toBe('(1, null)')
  expect(literal('vector<float, 2>', [1, 2.5])).toBe('[1.0, 2.5]')
  expect(literal('int', null)).toBe('null')
  expect(toCqlLiteral(native.int, new Uint8Array())).toBe('null')
  expect(toCqlLiteral(native.blob, new Uint8Array([0]))).toBe('0x00')
})

test('texts of floats read back', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) =>
      Object.is(Number(doubleText(value)), value),
    ),
  )
  fc.assert(
    fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (value) =>
      Object.is(Math.fround(Number(floatText(value))), value),
    ),
  )
  expect(doubleText(Number.MIN_VALUE)).toBe('4.9E-324')
  // Java before 19 does not find the shortest text here.
  expect(doubleText(2e23)).toBe('1.9999999999999998E23')
  expect(doubleText(1e7)).toBe('1.0E7')
  expect(doubleText(0.001)).toBe('0.001')
  expect(floatText(Math.fround(1.1))).toBe('1.1')
})

test('decimals keep their scale', () => {
  for (const text of ['1.10', '0E-10', '1E+3', '-0.001', '123456.7890', '1E-7', '0.000001']) {
    expect(toText(native.decimal, encode(native.decimal, parseDecimal(text)))).toBe(text)
  }
})

test('raw types keep names', () => {
  expect(parseRawType('frozen<"My Type">')).toEqual({ kind: 'udt', name: 'My Type', frozen: true })
})
