import { concatBytes } from '../../common/bytes.ts'
import { type CqlType, type Decimal, decimalBytes, decode, encode, readDecimal } from '../../types/index.ts'

const NUMBERS: ReadonlySet<string> = new Set([
  'tinyint',
  'smallint',
  'int',
  'bigint',
  'counter',
  'varint',
  'float',
  'double',
  'decimal',
])

/** `NumberType`. */
export function isNumber(type: CqlType): boolean {
  return NUMBERS.has(type.kind)
}

/** `StringType`. */
export function isText(type: CqlType): boolean {
  return type.kind === 'text' || type.kind === 'ascii'
}

const WIDTHS: Readonly<Record<string, number>> = { tinyint: 8, smallint: 16, int: 32, bigint: 64 }

/** Sum of two numbers of a type, integers wrapping as Java's do, or two texts joined (`NumberType.add`). */
export function plus(type: CqlType, a: Uint8Array, b: Uint8Array): Uint8Array {
  if (isText(type)) return concatBytes([a, b])
  // An empty value is no number; Cassandra fails with a NullPointerException here.
  if (a.length === 0 || b.length === 0) return a.length === 0 ? b : a
  if (type.kind === 'decimal')
    return decimalBytes(addDecimals(readDecimal(a, 0, a.length), readDecimal(b, 0, b.length)))
  const x = decode(type, a)
  const y = decode(type, b)
  if (typeof x === 'bigint' && typeof y === 'bigint') {
    const width = WIDTHS[type.kind]
    return encode(type, width === undefined ? x + y : BigInt.asIntN(width, x + y)) ?? a
  }
  const sum = Number(x) + Number(y)
  const width = WIDTHS[type.kind]
  return encode(type, width === undefined ? sum : Number(BigInt.asIntN(width, BigInt(sum)))) ?? a
}

function addDecimals(a: Decimal, b: Decimal): Decimal {
  const scale = Math.max(a.scale, b.scale)
  const at = (value: Decimal) => value.unscaled * 10n ** BigInt(scale - value.scale)
  return { unscaled: at(a) + at(b), scale }
}
