import type { Decimal } from '../../types/index.ts'

/** Arithmetic of decimals with the scales, digits and roundings of `java.math.BigDecimal`. */

/** How digits that have no place are dropped; ties go away from zero or to the even digit. */
export type Rounding = 'halfUp' | 'halfEven' | 'down'

/** Digits that a result is rounded to, and how (`MathContext`). */
export interface Context {
  readonly precision: number
  readonly rounding: Rounding
}

export const ZERO: Decimal = { unscaled: 0n, scale: 0 }
export const ONE: Decimal = { unscaled: 1n, scale: 0 }

/** What Java's numbers refuse to compute. */
export class ArithmeticError extends Error {
  /** The exception that Java throws, of `java.lang`. */
  get javaClass(): string {
    return 'ArithmeticException'
  }
}

const MAX_SCALE = 0x7fffffff
const MIN_SCALE = -0x80000000

const POWERS: bigint[] = [1n]
for (let i = 1; i <= 64; i++) POWERS.push(POWERS[i - 1]! * 10n)

/** Digits of the greatest powers of ten that are computed. Java's end at 646 million, which takes minutes to reach. */
const MAX_DIGITS = 5_000_000

export function powerOfTen(exponent: number): bigint {
  const known = POWERS[exponent]
  if (known !== undefined) return known
  if (exponent > MAX_DIGITS) throw new ArithmeticError('BigInteger would overflow supported range')
  return 10n ** BigInt(exponent)
}

export function magnitude(value: bigint): bigint {
  return value < 0n ? -value : value
}

export function decimal(unscaled: bigint, scale = 0): Decimal {
  return { unscaled, scale }
}

/** Digits of the unscaled integer; one for zero (`BigDecimal.precision`). */
export function precision({ unscaled }: Decimal): number {
  return magnitude(unscaled).toString().length
}

/** A scale that a decimal can have, or Java's complaint. */
function checkedScale(scale: number): number {
  if (scale > MAX_SCALE) throw new ArithmeticError('Underflow')
  if (scale < MIN_SCALE) throw new ArithmeticError('Overflow')
  return scale
}

function divideRounded(dividend: bigint, divisor: bigint, rounding: Rounding): bigint {
  const quotient = dividend / divisor
  const rest = dividend % divisor
  if (rest === 0n || rounding === 'down') return quotient
  const doubled = magnitude(rest) * 2n
  const limit = magnitude(divisor)
  const up = doubled > limit || (doubled === limit && (rounding === 'halfUp' || (quotient & 1n) !== 0n))
  if (!up) return quotient
  return dividend < 0n !== divisor < 0n ? quotient - 1n : quotient + 1n
}

/** Not more digits than the context has (`BigDecimal.round`). */
export function round(value: Decimal, context: Context): Decimal {
  let result = value
  // Rounding up all nines gives one digit more, and is done again.
  for (;;) {
    const drop = precision(result) - context.precision
    if (drop <= 0) return result
    result = {
      unscaled: divideRounded(result.unscaled, powerOfTen(drop), context.rounding),
      scale: checkedScale(result.scale - drop),
    }
  }
}

/** The same number with another scale, rounded where that drops digits (`BigDecimal.setScale`). */
export function setScale(value: Decimal, scale: number, rounding: Rounding): Decimal {
  const raise = scale - value.scale
  if (raise === 0) return value
  if (raise > 0) {
    if (value.unscaled === 0n) return { unscaled: 0n, scale }
    return { unscaled: value.unscaled * powerOfTen(raise), scale }
  }
  // Fewer digits than are dropped leave nothing, or a one that the first of them rounds up to.
  if (-raise > precision(value)) return { unscaled: 0n, scale }
  return { unscaled: divideRounded(value.unscaled, powerOfTen(-raise), rounding), scale }
}

/** `BigDecimal.add`: exact. */
export function add(a: Decimal, b: Decimal): Decimal {
  if (a.scale === b.scale) return { unscaled: a.unscaled + b.unscaled, scale: a.scale }
  const scale = Math.max(a.scale, b.scale)
  return {
    unscaled: a.unscaled * powerOfTen(scale - a.scale) + b.unscaled * powerOfTen(scale - b.scale),
    scale,
  }
}

export function negate({ unscaled, scale }: Decimal): Decimal {
  return { unscaled: -unscaled, scale }
}

export function subtract(a: Decimal, b: Decimal): Decimal {
  return add(a, negate(b))
}

/** `BigDecimal.add(BigDecimal, MathContext)`. */
export function addRounded(a: Decimal, b: Decimal, context: Context): Decimal {
  if (a.unscaled === 0n || b.unscaled === 0n) return addZero(a, b, context)
  const [large, small] = a.scale < b.scale ? [a, b] : [b, a]
  const padding = small.scale - large.scale
  if (padding === 0) return round(add(a, b), context)
  // A number far below the last digit of the other only tells on which side of it the sum lies.
  const estimated = large.scale - precision(large) + context.precision
  const smallHigh = small.scale - precision(small) + 1
  if (smallHigh > large.scale + 2 && smallHigh > estimated + 2) {
    const sticky = { unscaled: small.unscaled < 0n ? -1n : 1n, scale: Math.max(large.scale, estimated) + 3 }
    return round(add(large, sticky), context)
  }
  return round(add(a, b), context)
}

/** A sum with zero: the other one, with the scale of an exact sum as far as the digits reach. */
function addZero(a: Decimal, b: Decimal, context: Context): Decimal {
  const preferred = Math.max(a.scale, b.scale)
  if (a.unscaled === 0n && b.unscaled === 0n) return { unscaled: 0n, scale: preferred }
  const result = round(a.unscaled === 0n ? b : a, context)
  if (result.scale === preferred) return result
  if (result.scale > preferred) return stripZerosTo(result, preferred)
  const room = context.precision - precision(result)
  return setScale(result, Math.min(preferred, result.scale + room), 'down')
}

export function multiply(a: Decimal, b: Decimal): Decimal {
  const unscaled = a.unscaled * b.unscaled
  const scale = a.scale + b.scale
  // A zero takes the nearest scale there is.
  if (unscaled === 0n) return { unscaled, scale: Math.min(Math.max(scale, MIN_SCALE), MAX_SCALE) }
  return { unscaled, scale: checkedScale(scale) }
}

export function multiplyRounded(a: Decimal, b: Decimal, context: Context): Decimal {
  return round(multiply(a, b), context)
}

/** Trailing zeros removed down to a scale (`BigDecimal.stripZerosToMatchScale`). */
function stripZerosTo(value: Decimal, preferred: number): Decimal {
  let { unscaled, scale } = value
  while (scale > preferred && magnitude(unscaled) >= 10n && unscaled % 10n === 0n) {
    unscaled /= 10n
    scale--
  }
  return { unscaled, scale }
}

/** `BigDecimal.stripTrailingZeros`. */
export function stripTrailingZeros(value: Decimal): Decimal {
  return value.unscaled === 0n ? ZERO : stripZerosTo(value, MIN_SCALE)
}

function checkDivisor(dividend: Decimal, divisor: Decimal): void {
  if (divisor.unscaled !== 0n) return
  throw new ArithmeticError(dividend.unscaled === 0n ? 'Division undefined' : 'Division by zero')
}

/** `BigDecimal.divide(BigDecimal, int, RoundingMode)`. */
export function divideToScale(a: Decimal, b: Decimal, scale: number, rounding: Rounding): Decimal {
  const raise = scale + b.scale - a.scale
  if (b.unscaled === 0n) {
    // Java divides as longs where the dividend with its added zeros is one.
    const isLong = raise < 19 && BigInt.asIntN(64, a.unscaled) === a.unscaled
    const fits = isLong && (raise <= 0 || magnitude(a.unscaled) * powerOfTen(raise) < 1n << 63n)
    throw new ArithmeticError(fits ? '/ by zero' : 'BigInteger divide by zero')
  }
  const dividend = raise > 0 ? a.unscaled * powerOfTen(raise) : a.unscaled
  const divisor = raise < 0 ? b.unscaled * powerOfTen(-raise) : b.unscaled
  return { unscaled: divideRounded(dividend, divisor, rounding), scale }
}

/** `BigDecimal.divide(BigDecimal, MathContext)`: an exact quotient gets the scale nearest to that of the operands. */
export function divideRoundedTo(a: Decimal, b: Decimal, context: Context): Decimal {
  checkDivisor(a, b)
  const preferred = a.scale - b.scale
  if (a.unscaled === 0n) return { unscaled: 0n, scale: Math.min(Math.max(preferred, MIN_SCALE), MAX_SCALE) }
  const aDigits = precision(a)
  const bDigits = precision(b)
  // As many digits as are wanted: one more when the leading ones don't make the quotient start with a one.
  const aligned = Math.max(aDigits, bDigits)
  const left = magnitude(a.unscaled) * powerOfTen(aligned - aDigits)
  const right = magnitude(b.unscaled) * powerOfTen(aligned - bDigits)
  const shift = aDigits - bDigits + (left > right ? 1 : 0)
  const scale = checkedScale(preferred + context.precision - shift)
  const raise = scale + b.scale - a.scale
  const dividend = raise > 0 ? a.unscaled * powerOfTen(raise) : a.unscaled
  const divisor = raise < 0 ? b.unscaled * powerOfTen(-raise) : b.unscaled
  const quotient = round({ unscaled: divideRounded(dividend, divisor, context.rounding), scale }, context)
  return dividend % divisor === 0n ? stripZerosTo(quotient, preferred) : quotient
}

/** `BigDecimal.remainder`: what is left of the quotient's integer part. */
export function remainder(a: Decimal, b: Decimal): Decimal {
  checkDivisor(a, b)
  if (precision(a) - a.scale < precision(b) - b.scale) return remainderOf(a, b, 0n)
  const scale = Math.max(a.scale, b.scale)
  const left = a.unscaled * powerOfTen(scale - a.scale)
  const right = b.unscaled * powerOfTen(scale - b.scale)
  return remainderOf(a, b, left / right)
}

/** The dividend less so many divisors, with the scale that Java gets on that way (`divideToIntegralValue`). */
function remainderOf(a: Decimal, b: Decimal, quotient: bigint): Decimal {
  const preferred = a.scale - b.scale
  const whole =
    quotient === 0n
      ? { unscaled: 0n, scale: preferred }
      : preferred >= 0
        ? { unscaled: quotient * powerOfTen(preferred), scale: preferred }
        : stripZerosTo({ unscaled: quotient, scale: 0 }, preferred)
  return subtract(a, multiply(whole, b))
}

/** The integer part (`BigDecimal.toBigInteger`). */
export function integerPart(value: Decimal): bigint {
  return setScale(value, 0, 'down').unscaled
}
