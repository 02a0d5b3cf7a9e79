import type { Decimal } from '../../types/index.ts'
import { ArithmeticError, type Context, integerPart, magnitude, precision, setScale } from './big-decimal.ts'
import { exponential, logarithm, logarithmToTen } from './big-decimal-functions.ts'
import { nullIfEmpty, scalar, unlessNull } from './definition.ts'
import { exp, log, log10 } from './exact-math.ts'
import type { ScalarFunction } from './function.ts'
import {
  integerBits,
  type JavaNumber,
  NUMBER_KINDS,
  type NumberKind,
  numberBytes,
  numberType,
  orServerError,
  readNumber,
  saturated,
} from './numbers.ts'

/** abs, exp, log, log10 and round of every type of numbers (`MathFcts`, and what `NumberType`s do). */

type Operation = (kind: NumberKind, value: JavaNumber) => JavaNumber

/** Digits of a decimal's exponential or logarithm. */
function contextFor(value: Decimal): Context {
  return { precision: Math.min(Math.max(32, precision(value)), 10_000), rounding: 'halfEven' }
}

/** A transcendental function: of decimals in their digits, of all others in doubles. */
function transcendental(
  ofDouble: (value: number) => number,
  ofDecimal: (value: Decimal) => Decimal,
): Operation {
  return (kind, value) => {
    switch (kind) {
      case 'float':
      case 'double':
        return ofDouble(value as number)
      case 'decimal':
        return ofDecimal(value as Decimal)
      case 'varint':
        return integerPart(ofDecimal({ unscaled: value as bigint, scale: 0 }))
      default:
        return saturated(ofDouble(Number(value)), integerBits(kind) === 64 ? 64 : 32)
    }
  }
}

function positive(name: string, logarithmOf: (value: Decimal, context: Context) => Decimal) {
  return (value: Decimal): Decimal => {
    if (value.unscaled <= 0n) throw new ArithmeticError(`${name} of number zero or less`)
    return logarithmOf(value, contextFor(value))
  }
}

const abs: Operation = (_, value) => {
  if (typeof value === 'bigint') return magnitude(value)
  if (typeof value === 'number') return Math.abs(value)
  return { unscaled: magnitude(value.unscaled), scale: value.scale }
}

/** To the nearest integer, halves up; floats that are no integers of 32 bits, and doubles of 64, stop at the greatest. */
const round: Operation = (kind, value) => {
  if (typeof value === 'bigint') return value
  if (typeof value === 'object') return setScale(value, 0, 'halfUp')
  return Number(saturated(Math.round(value), kind === 'float' ? 32 : 64))
}

const OPERATIONS: Readonly<Record<string, Operation>> = {
  abs,
  exp: transcendental(exp, (value) => exponential(value, contextFor(value))),
  log: transcendental(log, positive('Natural log', logarithm)),
  log10: transcendental(log10, positive('Log10', logarithmToTen)),
  round,
}

export function mathFunctions(): ScalarFunction[] {
  return NUMBER_KINDS.flatMap((kind) =>
    Object.entries(OPERATIONS).map(([name, operation]) => {
      const type = numberType(kind)
      const execute = unlessNull((bytes) =>
        orServerError(() => numberBytes(kind, operation(kind, readNumber(kind, bytes)))),
      )
      return scalar(name, [type], type, nullIfEmpty(execute))
    }),
  )
}
