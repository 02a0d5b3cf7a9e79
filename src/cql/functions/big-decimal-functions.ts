import { type Decimal, decimalText, doubleText, parseDecimal } from '../../types/index.ts'
import {
  ArithmeticError,
  add,
  addRounded,
  type Context,
  decimal,
  divideRoundedTo,
  magnitude,
  multiply,
  multiplyRounded,
  ONE,
  powerOfTen,
  precision,
  round,
  setScale,
  subtract,
  ZERO,
} from './big-decimal.ts'

/**
 * Exponentials and logarithms of decimals, computed by the same steps as the library that Cassandra uses
 * (`BigDecimalMath` of big-math), so that the last digits and the trailing zeros agree.
 */

const TWO = decimal(2n)
const TEN = decimal(10n)

function widened(context: Context, digits: number): Context {
  return { precision: context.precision + digits, rounding: context.rounding }
}

/** A power of an integer exponent, by squaring. */
function power(base: Decimal, exponent: number, context: Context): Decimal {
  const inner = widened(context, 10)
  if (exponent < 0) {
    return round(divideRoundedTo(ONE, power(base, -exponent, inner), inner), context)
  }
  let result = ONE
  let square = base
  let rest = exponent
  while (rest > 0) {
    if (rest % 2 === 1) {
      result = multiplyRounded(result, square, inner)
      rest--
    }
    if (rest > 0) square = multiplyRounded(square, square, inner)
    rest = Math.floor(rest / 2)
  }
  return round(result, context)
}

/** The sum of x^i / i! until a term is below the last digit. */
function exponentialSeries(x: Decimal, context: Context): Decimal {
  const acceptable = context.precision + 1
  let sum = ZERO
  let term = ONE
  let denominator = 1n
  for (let i = 1n; ; i++) {
    const step = divideRoundedTo(term, decimal(denominator), context)
    sum = add(sum, step)
    // |step| <= 10^-acceptable
    if (isAtMost(step, acceptable)) return round(sum, context)
    term = multiplyRounded(term, x, context)
    denominator *= i
  }
}

/** Whether the magnitude of a number is at most ten to the power of minus `digits`. */
function isAtMost({ unscaled, scale }: Decimal, digits: number): boolean {
  const raise = scale - digits
  const size = magnitude(unscaled)
  return raise >= 0 ? size <= powerOfTen(raise) : size === 0n
}

function exponentialTaylor(x: Decimal, context: Context): Decimal {
  const inner = widened(context, 6)
  const series = exponentialSeries(divideRoundedTo(x, decimal(256n), inner), inner)
  return round(power(series, 256, inner), context)
}

/** e to the power of a number. Throws an ArithmeticError when its integer part is not a 32-bit integer. */
export function exponential(x: Decimal, context: Context): Decimal {
  if (x.unscaled === 0n) return ONE
  const integral = setScale(x, 0, 'down')
  if (integral.unscaled === 0n) return exponentialTaylor(x, context)
  const inner = widened(context, 10)
  const fraction = subtract(x, integral)
  const base = exponentialTaylor(add(ONE, divideRoundedTo(fraction, integral, inner)), inner)
  if (BigInt.asIntN(32, integral.unscaled) !== integral.unscaled) throw new ArithmeticError('Overflow')
  return round(power(base, Number(integral.unscaled), inner), context)
}

const GREATEST_DOUBLE = parseDecimal('1.7976931348623157E308')!

/** By Newton's method from the double's logarithm, each round with three times the digits. */
function logarithmByNewton(x: Decimal, context: Context): Decimal {
  const wanted = context.precision + 20
  const acceptable = context.precision + 1
  const double = Number(decimalText(x))
  const isDouble = double > 0 && subtract(GREATEST_DOUBLE, x).unscaled >= 0n
  let result = isDouble ? parseDecimal(doubleText(Math.log(double)))! : divideRoundedTo(x, TWO, context)
  let digits = isDouble ? 15 : 1
  let correction: Decimal
  do {
    digits = Math.min(digits * 3, wanted)
    const inner = { precision: digits, rounding: context.rounding }
    const raised = exponential(result, inner)
    correction = divideRoundedTo(multiply(TWO, subtract(x, raised)), add(x, raised), inner)
    result = add(result, correction)
  } while (digits < wanted || !isAtMost(correction, acceptable))
  return result
}

const constants = new Map<bigint, { readonly value: Decimal; readonly digits: number }>()

/** The logarithm of 2, 3 or 10 in so many digits. */
function logarithmOf(integer: bigint, context: Context): Decimal {
  const known = constants.get(integer)
  if (known !== undefined && known.digits >= context.precision) return round(known.value, context)
  // More digits than are wanted, since the next to ask may want more.
  const value = logarithmByNewton(decimal(integer), widened(context, 20))
  constants.set(integer, { value, digits: context.precision })
  return round(value, context)
}

/** Factors of two and three that bring a number near to one, by ranges of it. */
const FACTORS: readonly (readonly [below: number, twos: number, threes: number])[] = [
  [0.115, 0, -2],
  [0.14, -3, 0],
  [0.2, -1, -1],
  [0.3, -2, 0],
  [0.42, 0, -1],
  [0.7, -1, 0],
  [1.4, 0, 0],
  [2.5, 1, 0],
  [3.5, 0, 1],
  [5, 2, 0],
  [7, 1, 1],
  [8.5, 3, 0],
  [10, 0, 2],
]

function factorsNear(value: number): readonly [twos: number, threes: number] {
  if (value < 0.01) return [0, 0]
  let twos = 0
  if (value < 0.1) {
    for (let rest = value; rest < 0.6; rest *= 2) twos--
    return [twos, 0]
  }
  const row = FACTORS.find(([below]) => value < below)
  if (row !== undefined) return [row[1], row[2]]
  for (let rest = value; rest > 1.4; rest /= 2) twos++
  return [twos, 0]
}

function logarithmByFactors(x: Decimal, context: Context): Decimal {
  const inner = widened(context, 4)
  const constant = { precision: context.precision * 2, rounding: context.rounding }
  const [twos, threes] = factorsNear(Number(decimalText(x)))
  if (twos === 0 && threes === 0) return logarithmByNewton(x, context)
  let near = x
  let known = ZERO
  for (const [base, count] of [
    [2n, twos],
    [3n, threes],
  ] as const) {
    if (count === 0) continue
    const times = decimal(BigInt(Math.abs(count)))
    const factor = decimal(base ** BigInt(Math.abs(count)))
    near = count > 0 ? divideRoundedTo(near, factor, inner) : multiplyRounded(near, factor, inner)
    const part = multiplyRounded(logarithmOf(base, constant), times, inner)
    known = count > 0 ? add(known, part) : subtract(known, part)
  }
  return addRounded(known, logarithmByNewton(near, inner), inner)
}

/** The natural logarithm of a positive number. */
export function logarithm(x: Decimal, context: Context): Decimal {
  const toOne = subtract(x, ONE).unscaled
  if (toOne === 0n) return ZERO
  const toTen = subtract(x, TEN).unscaled
  if (toTen === 0n) return round(logarithmOf(10n, context), context)
  if (toTen < 0n) return round(logarithmByFactors(x, context), context)
  const exponent = precision(x) - x.scale - 1
  const inner = widened(context, 4)
  const mantissa = { unscaled: x.unscaled, scale: x.scale + exponent }
  const tens = multiplyRounded(
    decimal(BigInt(exponent)),
    logarithmOf(10n, { precision: context.precision * 2, rounding: context.rounding }),
    inner,
  )
  return round(add(logarithmByFactors(mantissa, inner), tens), context)
}

/** The logarithm to the base of ten of a positive number. */
export function logarithmToTen(x: Decimal, context: Context): Decimal {
  const inner = widened(context, 2)
  return round(divideRoundedTo(logarithm(x, inner), logarithmOf(10n, inner), inner), context)
}
