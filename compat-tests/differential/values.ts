import { unsignedVintBytes, unsignedVintSize, writeUnsignedVint } from '../../src/common/varint.ts'
import type { Random } from '../../test/crash/random.ts'
import type { GeneratedType } from './types.ts'

/** A value as a literal and as the bytes of a bound value. */
export interface Value {
  readonly text: string
  readonly bytes: Buffer
}

type Item = readonly [text: string, hex: string]

const quoted = (text: string): Item => [`'${text.replaceAll("'", "''")}'`, Buffer.from(text).toString('hex')]
const same = (text: string): Item => [text, text.replaceAll('-', '')]

function integer(size: number, ...values: (number | bigint)[]): Item[] {
  return values.map((value) => {
    const hex = BigInt.asUintN(8 * size, BigInt(value)).toString(16)
    return [String(value), hex.padStart(2 * size, '0')]
  })
}

function varintHex(value: bigint): string {
  let size = 1
  while (BigInt.asIntN(8 * size, value) !== value) size++
  return BigInt.asUintN(8 * size, value)
    .toString(16)
    .padStart(2 * size, '0')
}

function decimal(unscaled: bigint, scale: number, text: string): Item {
  return [text, (scale >>> 0).toString(16).padStart(8, '0') + varintHex(unscaled)]
}

function floating(size: 4 | 8, value: number): Item {
  const bytes = Buffer.alloc(size)
  if (size === 4) bytes.writeFloatBE(value)
  else bytes.writeDoubleBE(value)
  return [Object.is(value, -0) ? '-0.0' : String(value), bytes.toString('hex')]
}

function duration(text: string, months: number, days: number, nanos: bigint): Item {
  const zigzag = (value: bigint): Uint8Array => unsignedVintBytes((value << 1n) ^ (value >> 63n))
  return [text, Buffer.concat([zigzag(BigInt(months)), zigzag(BigInt(days)), zigzag(nanos)]).toString('hex')]
}

const TEXTS = [quoted(''), quoted('a'), quoted('b'), quoted('ab'), quoted("it's"), quoted('B')]
const UUIDS = [
  same('00000000-0000-4000-8000-000000000000'),
  same('ffffffff-ffff-4fff-bfff-ffffffffffff'),
  same('123e4567-e89b-42d3-a456-426614174000'),
]
const TIMEUUIDS = [
  same('50554d6e-29bb-11e5-b345-feff819cdc9f'),
  same('50554d6e-29bb-11e5-b345-feff819cdc00'),
  same('3fcaa620-f1c1-11e6-bc64-92361f002671'),
  same('00000000-0000-1000-8080-808080808080'),
]

/** A handful of values of each native type: few, so that keys and cells meet, with the ends of its range among them. */
const POOLS: Readonly<Record<string, readonly Item[]>> = {
  ascii: TEXTS,
  text: [...TEXTS, quoted('é'), quoted('日本')],
  varchar: [...TEXTS, quoted('ü')],
  blob: [
    ['0x', ''],
    ['0x00', '00'],
    ['0xff', 'ff'],
    ['0x0001', '0001'],
    ['0xCAFE', 'cafe'],
  ],
  boolean: [
    ['true', '01'],
    ['false', '00'],
  ],
  tinyint: integer(1, 0, 1, 2, -1, 127, -128),
  smallint: integer(2, 0, 1, 2, -1, 32767, -32768),
  int: integer(4, 0, 1, 2, 3, -1, 2147483647, -2147483648),
  bigint: integer(8, 0, 1, 2, -1, 9223372036854775807n, -9223372036854775808n),
  varint: [0n, 1n, -1n, 128n, -129n, 10n ** 20n].map((value) => [String(value), varintHex(value)]),
  decimal: [
    decimal(0n, 0, '0'),
    decimal(15n, 1, '1.5'),
    decimal(-1n, 0, '-1'),
    decimal(1n, 3, '0.001'),
    decimal(123456789012345678901n, 10, '12345678901.2345678901'),
  ],
  float: [floating(4, 0), floating(4, 1.5), floating(4, -1.5), floating(4, NaN), floating(4, Infinity)],
  double: [floating(8, 0), floating(8, -0), floating(8, 2.5), floating(8, NaN), floating(8, -Infinity)],
  date: [
    ["'1970-01-01'", '80000000'],
    ["'1969-12-31'", '7fffffff'],
    ["'2024-02-29'", '80004d46'],
    ['2147483650', '80000002'],
  ],
  time: [
    ["'00:00:00'", '0000000000000000'],
    ["'23:59:59.999999999'", '00004e94914effff'],
    ["'00:00:00.000000001'", '0000000000000001'],
  ],
  timestamp: [
    ['0', '0000000000000000'],
    ["'1970-01-01T00:00:00.001Z'", '0000000000000001'],
    ["'1969-12-31 23:59:59.999+0000'", 'ffffffffffffffff'],
    ['1700000000000', '0000018bcfe56800'],
  ],
  uuid: UUIDS,
  timeuuid: TIMEUUIDS,
  inet: [
    ["'127.0.0.1'", '7f000001'],
    ["'10.0.0.200'", '0a0000c8'],
    ["'::1'", '00000000000000000000000000000001'],
    ["'fe80::1:2'", 'fe800000000000000000000000010002'],
  ],
  duration: [
    duration('1h', 0, 0, 3_600_000_000_000n),
    duration('2mo3d', 2, 3, 0n),
    duration('-1d', 0, -1, 0n),
    duration('P1Y2M', 14, 0, 0n),
  ],
  counter: integer(8, 0, 1, 2, -1, 5),
}

/** The lengths of types of one length, whose elements stand in a vector without lengths. */
const FIXED: Readonly<Record<string, number>> = {
  boolean: 1,
  float: 4,
  int: 4,
  bigint: 8,
  counter: 8,
  double: 8,
  timestamp: 8,
  uuid: 16,
  timeuuid: 16,
}

const item = ([text, hex]: Item): Value => ({ text, bytes: Buffer.from(hex, 'hex') })

function lengthed(value: Value | null): Buffer {
  const length = Buffer.alloc(4)
  length.writeInt32BE(value === null ? -1 : value.bytes.length)
  return value === null ? length : Buffer.concat([length, value.bytes])
}

function counted(count: number, values: readonly (Value | null)[]): Buffer {
  const head = Buffer.alloc(4)
  head.writeInt32BE(count)
  return Buffer.concat([head, ...values.map(lengthed)])
}

/** Whether values of the type have one length. */
function fixedLength(type: GeneratedType): boolean {
  if (type.kind === 'vector') return fixedLength(type.element)
  return type.kind === 'native' && FIXED[type.name] !== undefined
}

function vectorBytes(element: GeneratedType, values: readonly Value[]): Buffer {
  if (fixedLength(element)) return Buffer.concat(values.map((value) => value.bytes))
  return Buffer.concat(
    values.flatMap(({ bytes }) => {
      const length = Buffer.alloc(unsignedVintSize(bytes.length))
      writeUnsignedVint(length, 0, bytes.length)
      return [length, bytes]
    }),
  )
}

/** Whether equal values may have texts that differ. */
function hasCollection(type: GeneratedType): boolean {
  if (type.kind === 'tuple') return type.elements.some(hasCollection)
  return type.kind !== 'native' && (type.kind !== 'vector' || hasCollection(type.element))
}

const textOf = (value: Value | null): string => value?.text ?? 'null'

export function randomValue(random: Random, type: GeneratedType): Value {
  const some = (of: GeneratedType): Value[] =>
    Array.from({ length: random.below(4) }, () => randomValue(random, of))
  const orNull = (of: GeneratedType): Value | null => (random.chance(0.15) ? null : randomValue(random, of))
  switch (type.kind) {
    case 'native':
      return item(random.pick(POOLS[type.name]))
    case 'list': {
      const values = some(type.element)
      return { text: `[${values.map(textOf).join(', ')}]`, bytes: counted(values.length, values) }
    }
    case 'set': {
      const values = some(type.element)
      return { text: `{${values.map(textOf).join(', ')}}`, bytes: counted(values.length, values) }
    }
    case 'map': {
      // Which value of a key stays that a literal names twice is left to a hash.
      const keys = new Map(some(type.key).map((key) => [key.text, key]))
      const pairs = [...keys.values()]
        .slice(0, hasCollection(type.key) ? 1 : undefined)
        .map((key) => [key, randomValue(random, type.value)])
      return {
        text: `{${pairs.map(([key, value]) => `${key.text}: ${value.text}`).join(', ')}}`,
        bytes: counted(pairs.length, pairs.flat()),
      }
    }
    case 'tuple': {
      const values = type.elements.map(orNull)
      return { text: `(${values.map(textOf).join(', ')})`, bytes: Buffer.concat(values.map(lengthed)) }
    }
    case 'vector': {
      const values = Array.from({ length: type.dimension }, () => randomValue(random, type.element))
      return { text: `[${values.map(textOf).join(', ')}]`, bytes: vectorBytes(type.element, values) }
    }
    case 'udt': {
      const { fields } = type.type
      const values = fields.map((field) => orNull(field.type))
      const texts = fields.map((field, i) => `${field.name}: ${textOf(values[i])}`)
      return {
        text: `{${texts.filter((_, i) => values[i] !== null || random.chance(0.5)).join(', ')}}`,
        bytes: Buffer.concat(values.map(lengthed)),
      }
    }
  }
}
