import { expect, test } from 'vitest'
import {
  freeze,
  native,
  parseClassName,
  parseCqlTypeName,
  reversed,
  sameType,
  typeOption,
  userType,
} from './index.ts'

const P = 'org.apache.cassandra.db.marshal.'

const address = userType(
  'fx',
  'address',
  ['street', 'tags'],
  [native.text, parseCqlTypeName('set<text>', new Map())],
  true,
)
const userTypes = new Map([['address', address]])

test.each([
  ['int', `${P}Int32Type`],
  ['varchar', `${P}UTF8Type`],
  ['list<int>', `${P}ListType(${P}Int32Type)`],
  ['frozen<list<int>>', `${P}FrozenType(${P}ListType(${P}Int32Type))`],
  [
    'map<text, frozen<list<frozen<set<int>>>>>',
    `${P}MapType(${P}UTF8Type,${P}FrozenType(${P}ListType(${P}SetType(${P}Int32Type))))`,
  ],
  ['tuple<int, list<text>>', `${P}TupleType(${P}Int32Type,${P}ListType(${P}UTF8Type))`],
  ['vector<float, 3>', `${P}VectorType(${P}FloatType , 3)`],
  ['address', `${P}UserType(fx,61646472657373,737472656574:${P}UTF8Type,74616773:${P}SetType(${P}UTF8Type))`],
])('class name of %s', (cql, className) => {
  const type = parseCqlTypeName(cql, userTypes, 'fx')
  expect(type.className).toBe(className)
  expect(sameType(parseClassName(className), type)).toBe(true)
  expect(parseCqlTypeName(type.cqlName, userTypes, 'fx').className).toBe(className)
})

test('class names short, reversed, composite and old', () => {
  expect(parseClassName('Int32Type')).toBe(native.int)
  expect(parseClassName('')).toBe(native.blob)
  expect(parseClassName('ReversedType(Int32Type)').className).toBe(reversed(native.int).className)
  expect(parseClassName('Int32Type(reversed=true)').kind).toBe('reversed')
  const composite = `${P}CompositeType(${P}Int32Type,${P}UTF8Type)`
  expect(parseClassName(composite).className).toBe(composite)
  expect(parseClassName(composite).cqlName).toBe(`'${composite}'`)
  const dynamic = `${P}DynamicCompositeType(a=>${P}BytesType,b=>${P}LongType)`
  expect(parseClassName(dynamic).className).toBe(dynamic)
  const order = `${P}PartitionerDefinedOrder(org.apache.cassandra.dht.Murmur3Partitioner)`
  expect(parseClassName(order).className).toBe(order)
  for (const name of [
    'DateType',
    'LegacyTimeUUIDType',
    'LexicalUUIDType',
    'EmptyType',
    'IntegerType',
    'BytesType',
  ]) {
    expect(parseClassName(name).className).toBe(P + name)
  }
  expect(() => parseClassName('NoSuchType')).toThrow(`Unable to find abstract-type class '${P}NoSuchType'`)
  expect(() => parseClassName('ListType(Int32Type,Int32Type)')).toThrow(
    `Invalid definition for comparator ${P}ListType.`,
  )
})

test('what CQL does not allow', () => {
  const parse = (text: string) => () => parseCqlTypeName(text, userTypes, 'fx')
  expect(parse('list<list<int>>')).toThrow(
    'Non-frozen collections are not allowed inside collections: list<list<int>>',
  )
  expect(parse('list<address>')).toThrow('Non-frozen UDTs are not allowed inside collections: list<address>')
  expect(parse('set<duration>')).toThrow('Durations are not allowed inside sets: set<duration>')
  expect(parse('map<duration, int>')).toThrow('Durations are not allowed as map keys: map<duration, int>')
  expect(parse('frozen<int>')).toThrow(
    'frozen<> is only allowed on collections, tuples, and user-defined types (got int)',
  )
  expect(parse('nothere')).toThrow('Unknown type fx.nothere')
  expect(parse('vector<int, 0>')).toThrow('vectors may only have positive dimensions; given 0')
})

test('freezing', () => {
  const type = parseCqlTypeName('map<int, frozen<address>>', userTypes, 'fx')
  expect(freeze(type).cqlName).toBe('frozen<map<int, frozen<address>>>')
  expect(freeze(address).cqlName).toBe('frozen<address>')
  expect(freeze(native.int)).toBe(native.int)
})

test('wire options by protocol version', () => {
  expect(typeOption(native.duration, 5)).toEqual({ id: 0x15 })
  expect(typeOption(native.duration, 4)).toEqual({ id: 0, className: `${P}DurationType` })
  expect(typeOption(native.date, 3)).toEqual({ id: 0, className: `${P}SimpleDateType` })
  expect(typeOption(reversed(native.text), 4)).toEqual({ id: 0x0d })
  expect(typeOption(parseClassName('DateType'), 4)).toEqual({ id: 0x0b })
  expect(typeOption(parseCqlTypeName('vector<float, 2>', userTypes), 5)).toEqual({
    id: 0,
    className: `${P}VectorType(${P}FloatType , 2)`,
  })
  expect(typeOption(parseCqlTypeName('map<int, frozen<address>>', userTypes, 'fx'), 4)).toEqual({
    id: 0x21,
    keys: { id: 0x09 },
    values: {
      id: 0x30,
      keyspace: 'fx',
      name: 'address',
      fields: [
        { name: 'street', type: { id: 0x0d } },
        { name: 'tags', type: { id: 0x22, elements: { id: 0x0d } } },
      ],
    },
  })
})
