import { int32Bytes, int64Bytes } from '../../common/bytes.ts'
import { ServerError } from '../../common/errors.ts'
import { bigIntBytes, readBigInt } from '../../common/varint.ts'
import {
  type Decimal,
  decimalBytes,
  decimalText,
  doubleText,
  native,
  parseDecimal,
  parseFloat32,
  readDecimal,
} from '../../types/index.ts'
import { ArithmeticError, integerPart } from './big-decimal.ts'

/**
 * Numbers of CQL's types as Java's: integers of any width as bigint, float and double as number, decimals with their
 * scale. The conversions are those of `java.lang.Number`.
 */

export type NumberKind =
  | 'tinyint'
  | 'smallint'
  | 'int'
  | 'bigint'
  | 'counter'
  | 'float'
  | 'double'
  | 'decimal'
  | 'varint'

export type JavaNumber = bigint | number | Decimal

/** All types that are numbers (`NumberType`). */
export const NUMBER_KINDS: readonly NumberKind[] = [
  'tinyint',
  'smallint',
  'int',
  'bigint',
  'float',
  'double',
  'decimal',
  'varint',
  'counter',
]

const INTEGER_BITS = { tinyint: 8, smallint: 16, int: 32, bigint: 64, counter: 64 } as const

export type IntegerKind = keyof typeof INTEGER_BITS

/** Bits of an integer type; undefined for the others. */
export function integerBits(kind: NumberKind): 8 | 16 | 32 | 64 | undefined {
  return INTEGER_BITS[kind as IntegerKind]
}

export function isNumberKind(kind: string): kind is NumberKind {
  return NUMBER_KINDS.includes(kind as NumberKind)
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
}

/** A serialized number that is not empty. */
export function readNumber(kind: NumberKind, bytes: Uint8Array): JavaNumber {
  switch (kind) {
    case 'float':
      return viewOf(bytes).getFloat32(0)
    case 'double':
      return viewOf(bytes).getFloat64(0)
    case 'decimal':
      return readDecimal(bytes, 0, bytes.length)
    default:
      return readBigInt(bytes, 0, bytes.length)
  }
}

/** A number with the representation of its type, serialized; integers lose the bits that have no place. */
export function numberBytes(kind: NumberKind, value: JavaNumber): Uint8Array {
  switch (kind) {
    case 'float': {
      const bytes = new Uint8Array(4)
      viewOf(bytes).setFloat32(0, value as number)
      return bytes
    }
    case 'double': {
      const bytes = new Uint8Array(8)
      viewOf(bytes).setFloat64(0, value as number)
      return bytes
    }
    case 'decimal':
      return decimalBytes(value as Decimal)
    case 'varint':
      return bigIntBytes(value as bigint)
    case 'int':
      return int32Bytes(Number(BigInt.asIntN(32, value as bigint)))
    case 'bigint':
    case 'counter':
      return int64Bytes(value as bigint)
    case 'smallint': {
      const low = Number(BigInt.asUintN(16, value as bigint))
      return new Uint8Array([low >> 8, low & 0xff])
    }
    case 'tinyint':
      return new Uint8Array([Number(BigInt.asUintN(8, value as bigint))])
  }
}

/** An integer of so many bits: integers and decimals lose the high ones, floats stop at the greatest. */
export function toInteger(value: JavaNumber, bits: 8 | 16 | 32 | 64): bigint {
  if (typeof value === 'bigint') return BigInt.asIntN(bits, value)
  if (typeof value === 'number') return BigInt.asIntN(bits, saturated(value, bits === 64 ? 64 : 32))
  // Multiples of ten to the 64th have no low bits.
  return value.scale <= -64 ? 0n : BigInt.asIntN(bits, integerPart(value))
}

/** A floating point number to an integer, as Java casts it. */
export function saturated(value: number, bits: 32 | 64): bigint {
  if (Number.isNaN(value)) return 0n
  const limit = 2 ** (bits - 1)
  if (value >= limit) return (1n << BigInt(bits - 1)) - 1n
  return value < -limit ? -(1n << BigInt(bits - 1)) : BigInt(Math.trunc(value))
}

export function toDouble(value: JavaNumber): number {
  return typeof value === 'object' ? Number(decimalText(value)) : Number(value)
}

/** The nearest float, rounded once. */
export function toFloat(value: JavaNumber): number {
  if (typeof value === 'number') return Math.fround(value)
  return parseFloat32(typeof value === 'bigint' ? value.toString() : decimalText(value))!
}

/** A double as a decimal, by its text (`BigDecimal.valueOf`). */
export function decimalOfDouble(value: number): Decimal {
  return decimalOfText(doubleText(value))
}

/** The decimal that a number's text shows (`new BigDecimal(String)`). */
export function decimalOfText(text: string): Decimal {
  const decimal = parseDecimal(text)
  if (decimal !== undefined) return decimal
  throw new NumberFormatError(
    `Character ${text.replace('-', '')[0]} is neither a decimal digit number, decimal point, nor "e" notation exponential mark.`,
  )
}

/** What Java cannot take for a number. */
export class NumberFormatError extends ArithmeticError {
  override get javaClass(): string {
    return 'NumberFormatException'
  }
}

/** Computes what, where Java throws, fails the request as an error of the server. */
export function orServerError<T>(compute: () => T): T {
  try {
    return compute()
  } catch (error) {
    if (!(error instanceof ArithmeticError)) throw error
    throw new ServerError(`java.lang.${error.javaClass}: ${error.message}`)
  }
}

/** `DecimalType.toBigDecimal`: but for varints, integers too go through a double. */
export function toDecimal(kind: NumberKind, value: JavaNumber): Decimal {
  if (typeof value === 'object') return value
  if (kind === 'varint') return { unscaled: value as bigint, scale: 0 }
  const double = Number(value)
  if (Number.isNaN(double)) throw new NumberFormatError('A NaN cannot be converted into a decimal')
  if (!Number.isFinite(double)) {
    throw new NumberFormatError('An infinite number cannot be converted into a decimal')
  }
  return decimalOfDouble(double)
}

/** `IntegerType.toBigInteger`: what is not a varint is a long first. */
export function toVarint(kind: NumberKind, value: JavaNumber): bigint {
  return kind === 'varint' ? (value as bigint) : toInteger(value, 64)
}

/** A number as an operation on numbers of a type takes it. */
export function convertOperand(from: NumberKind, to: NumberKind, value: JavaNumber): JavaNumber {
  switch (to) {
    case 'float':
      return toFloat(value)
    case 'double':
      return toDouble(value)
    case 'decimal':
      return toDecimal(from, value)
    case 'varint':
      return toVarint(from, value)
    default:
      return toInteger(value, INTEGER_BITS[to])
  }
}

/** The CQL type of a kind of numbers. */
export function numberType(kind: NumberKind): (typeof native)[NumberKind] {
  return native[kind]
}
