/**
 * exp, log and log10 of doubles, rounded correctly. Java's own are within half a unit of the last digit and a little
 * more, so that these agree with them but for one exp in five hundred; JavaScript's are further off.
 */

/** Binary digits after the point of the fixed-point numbers that the functions compute with. */
const DIGITS = 192
const UNIT = 1n << BigInt(DIGITS)

function multiply(a: bigint, b: bigint): bigint {
  return (a * b) >> BigInt(DIGITS)
}

function divide(a: bigint, b: bigint): bigint {
  return (a << BigInt(DIGITS)) / b
}

/** The logarithm of (1 + x) / (1 - x), halved: x + x^3/3 + x^5/5 ... */
function inverseTangent(x: bigint): bigint {
  const square = multiply(x, x)
  let power = x
  let sum = 0n
  for (let i = 1n; power !== 0n; i += 2n) {
    sum += power / i
    power = multiply(power, square)
  }
  return sum
}

const LOG_2 = 2n * inverseTangent(UNIT / 3n)
const LOG_10 = 3n * LOG_2 + 2n * inverseTangent(UNIT / 9n)

const view = new DataView(new ArrayBuffer(8))

/** A positive double as mantissa * 2^exponent. */
function partsOf(value: number): { readonly mantissa: bigint; readonly exponent: number } {
  view.setFloat64(0, value)
  const bits = view.getBigUint64(0)
  const biased = Number((bits >> 52n) & 0x7ffn)
  const fraction = bits & 0xfffffffffffffn
  return biased === 0
    ? { mantissa: fraction, exponent: -1074 }
    : { mantissa: fraction | (1n << 52n), exponent: biased - 1075 }
}

function shift(value: bigint, places: number): bigint {
  return places >= 0 ? value << BigInt(places) : value >> BigInt(-places)
}

/** A double in fixed point. */
function fixed(value: number): bigint {
  const { mantissa, exponent } = partsOf(Math.abs(value))
  const magnitude = shift(mantissa, exponent + DIGITS)
  return value < 0 ? -magnitude : magnitude
}

/** The double nearest to value * 2^exponent; ties, which don't occur but among the exact, go to the even one. */
function toDouble(value: bigint, exponent: number): number {
  const negative = value < 0n
  const size = negative ? -value : value
  if (size === 0n) return 0
  // The last digit of a double weighs at least 2^-1074, which leaves those next to zero fewer digits.
  const drop = Math.max(0, size.toString(2).length - 53, -1074 - exponent)
  const half = drop === 0 ? 0n : 1n << BigInt(drop - 1)
  let kept = size >> BigInt(drop)
  const rest = size - (kept << BigInt(drop))
  if (rest > half || (drop > 0 && rest === half && (kept & 1n) === 1n)) kept++
  const power = exponent + drop
  // In two steps, since a power of two alone may be out of range.
  const result = power < -1000 ? Number(kept) * 2 ** (power + 600) * 2 ** -600 : Number(kept) * 2 ** power
  return negative ? -result : result
}

/** e^x as value * 2^exponent, the value in fixed point between a half and two. */
function exponential(x: bigint): { readonly value: bigint; readonly exponent: number } {
  const halvings = 8n
  const exponent = (x + LOG_2 / 2n) / LOG_2 - (x + LOG_2 / 2n < 0n ? 1n : 0n)
  const rest = (x - exponent * LOG_2) >> halvings
  let sum = UNIT
  let term = UNIT
  for (let i = 1n; term !== 0n && term !== -1n; i++) {
    term = multiply(term, rest) / i
    sum += term
  }
  for (let i = 0n; i < halvings; i++) sum = multiply(sum, sum)
  return { value: sum, exponent: Number(exponent) }
}

/** `Math.exp`. */
export function exp(x: number): number {
  if (Number.isNaN(x)) return Number.NaN
  if (x === 0) return 1
  if (x > 710) return Number.POSITIVE_INFINITY
  if (x < -746) return 0
  const { value, exponent } = exponential(fixed(x))
  return toDouble(value, exponent - DIGITS)
}

/** The logarithm of a positive, finite double in fixed point. */
function logarithm(x: number): bigint {
  const { mantissa, exponent } = partsOf(x)
  const bits = mantissa.toString(2).length
  // Between one and two, and then by one step of Newton's from the double's logarithm.
  const scaled = mantissa << BigInt(DIGITS - bits + 1)
  const twos = exponent + bits - 1
  let near = fixed(Math.log(Number(mantissa) / 2 ** (bits - 1)))
  for (let i = 0; i < 2; i++) {
    const { value, exponent: power } = exponential(near)
    const raised = shift(value, power)
    near += divide(2n * (scaled - raised), scaled + raised)
  }
  return near + BigInt(twos) * LOG_2
}

/** `Math.log` where it isn't a number of its own. */
function specialLogarithm(x: number): number | undefined {
  if (Number.isNaN(x) || x < 0) return Number.NaN
  if (x === 0) return Number.NEGATIVE_INFINITY
  return x === Number.POSITIVE_INFINITY ? x : undefined
}

/** `Math.log`. */
export function log(x: number): number {
  return specialLogarithm(x) ?? toDouble(logarithm(x), -DIGITS)
}

/** `Math.log10`. */
export function log10(x: number): number {
  return specialLogarithm(x) ?? toDouble(divide(logarithm(x), LOG_10), -DIGITS)
}
