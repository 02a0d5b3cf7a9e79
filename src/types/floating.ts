/** Floats and doubles as Java reads and writes them (`Double.valueOf`, `Double.toString`, and those of Float). */

const JAVA_NUMBER = /^[+-]?(?:NaN|Infinity|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[fFdD]?)$/

/** Parses what `Double.valueOf(String)` takes, but for hexadecimal floats; undefined for anything else. */
export function parseDouble(text: string): number | undefined {
  const trimmed = text.trim()
  if (!JAVA_NUMBER.test(trimmed)) return undefined
  return Number(trimmed.endsWith('NaN') ? 'NaN' : trimmed.replace(/(?<=[\d.])[fFdD]$/, ''))
}

/** Nearest float to a decimal text (`Float.parseFloat`), without rounding twice. */
export function parseFloat32(text: string): number | undefined {
  const double = parseDouble(text)
  if (double === undefined) return undefined
  const float = Math.fround(double)
  if (!Number.isFinite(double) || float === double) return float
  // Twice rounding errs only when the double lies half way between two floats, and the text does not.
  const other = double > float ? nextFloat(float, 1) : nextFloat(float, -1)
  if (!Number.isFinite(other) || double - float !== other - double) return float
  const order = compareDecimalTexts(text.trim(), double)
  if (order === 0) return float
  const [low, high] = float < other ? [float, other] : [other, float]
  return order < 0 ? low : high
}

const scratch = new DataView(new ArrayBuffer(8))

/** The neighbour of a float above (1) or below (-1). */
function nextFloat(value: number, direction: 1 | -1): number {
  if (value === 0) return direction * 2 ** -149
  scratch.setFloat32(0, value)
  scratch.setInt32(0, scratch.getInt32(0) + (value > 0 === direction > 0 ? 1 : -1))
  return scratch.getFloat32(0)
}

/** Sign of the exact value of a decimal text minus a double. */
function compareDecimalTexts(text: string, double: number): number {
  const [left, leftScale] = exactDecimal(text.replace(/[fFdD]$/, ''))
  // A double half way between floats has at most 25 significant bits, so that these digits are exact.
  const [right, rightScale] = exactDecimal(double.toExponential(100).replace(/\.?0+e/, 'e'))
  const scale = Math.max(leftScale, rightScale)
  if (scale - Math.min(leftScale, rightScale) > 5000) return 0
  const difference = left * 10n ** BigInt(scale - leftScale) - right * 10n ** BigInt(scale - rightScale)
  return difference < 0n ? -1 : difference > 0n ? 1 : 0
}

function exactDecimal(text: string): [bigint, number] {
  const [mantissa, exponent = '0'] = text.toLowerCase().split('e')
  const [whole, fraction = ''] = mantissa.split('.')
  const negative = whole.startsWith('-')
  const magnitude = BigInt(whole.replace(/^[+-]/, '') + fraction || '0')
  return [negative ? -magnitude : magnitude, fraction.length - Number(exponent)]
}

/** `Double.toString` of the Java versions that Cassandra 5.0 runs on, which is not always the shortest text. */
export function doubleText(value: number): string {
  scratch.setFloat64(0, value)
  const bits = scratch.getBigUint64(0)
  const exponent = Number((bits >> 52n) & 0x7ffn)
  return specialText(value) ?? digitsText(value < 0, bits & 0xfffffffffffffn, exponent, 53, 1023)
}

/** `Float.toString` of a number that is a float. */
export function floatText(value: number): string {
  scratch.setFloat32(0, value)
  const bits = scratch.getUint32(0)
  return specialText(value) ?? digitsText(value < 0, BigInt(bits & 0x7fffff), (bits >>> 23) & 0xff, 24, 127)
}

function specialText(value: number): string | undefined {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? 'Infinity' : '-Infinity'
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0'
  return undefined
}

/** Significant digits, and where the point stands from the left of them. */
interface Digits {
  readonly digits: string
  readonly point: number
}

function digitsText(
  negative: boolean,
  fraction: bigint,
  exponent: number,
  precision: number,
  bias: number,
): string {
  const normal = exponent !== 0
  const mantissa = normal ? fraction | (1n << BigInt(precision - 1)) : fraction
  const bitCount = mantissa.toString(2).length
  const binaryExponent = (normal ? exponent : 1) - bias - (precision - bitCount)
  const { digits, point } = decimalDigits(mantissa, bitCount, binaryExponent)
  const sign = negative ? '-' : ''
  if (point > 0 && point < 8) {
    const padded = digits.padEnd(point + 1, '0')
    return `${sign}${padded.slice(0, point)}.${padded.slice(point)}`
  }
  if (point <= 0 && point > -3) return `${sign}0.${'0'.repeat(-point)}${digits}`
  return `${sign}${digits[0]}.${digits.slice(1) || '0'}E${point - 1}`
}

/**
 * Digits of mantissa * 2^(exponent - significantBits + 1), whose leading bit weighs 2^exponent: large integers as they
 * are but for the digits that the precision does not cover, others by Steele and White's generation, which stops
 * within half a unit of the last place (`FloatingDecimal.BinaryToASCIIBuffer.dtoa` of Java 17).
 */
function decimalDigits(mantissa: bigint, significantBits: number, exponent: number): Digits {
  let odd = mantissa
  let bits = significantBits
  while ((odd & 1n) === 0n) {
    odd >>= 1n
    bits--
  }
  const fractionBits = Math.max(0, bits - exponent - 1)
  if (exponent >= 0 && exponent <= 62 && fractionBits === 0) {
    return integerDigits(odd << BigInt(exponent - bits + 1), exponent, significantBits)
  }
  let decimalExponent = estimateDecimalExponent(mantissa, significantBits, exponent)
  const fives = Math.max(0, -decimalExponent)
  let numeratorTwos = fives + fractionBits + exponent
  const denominatorFives = Math.max(0, decimalExponent)
  let denominatorTwos = denominatorFives + fractionBits
  let errorTwos = numeratorTwos - significantBits
  numeratorTwos -= bits - 1
  const common = Math.min(numeratorTwos, denominatorTwos)
  numeratorTwos -= common
  denominatorTwos -= common
  // Below a power of two the neighbours are twice as near.
  errorTwos -= common + (bits === 1 ? 1 : 0)
  if (errorTwos < 0) {
    numeratorTwos -= errorTwos
    denominatorTwos -= errorTwos
    errorTwos = 0
  }
  const denominator = (5n ** BigInt(denominatorFives)) << BigInt(denominatorTwos)
  const tens = denominator * 10n
  let rest = (odd * 5n ** BigInt(fives)) << BigInt(numeratorTwos)
  let error = (5n ** BigInt(fives)) << BigInt(errorTwos)
  // Java computes with longs if the numbers fit, and there a tie counts as not yet high.
  const inLongs =
    bits + numeratorTwos + bitsOfFives(fives) < 64 &&
    denominatorTwos + 1 + bitsOfFives(denominatorFives + 1) < 64
  const digits: number[] = []
  let low = false
  let high = false
  const step = (): number => {
    const digit = Number(rest / denominator)
    rest = 10n * (rest % denominator)
    error *= 10n
    low = rest < error
    high = inLongs ? rest + error > tens : rest + error >= tens
    return digit
  }
  const first = step()
  if (first === 0 && !high) decimalExponent--
  else digits.push(first)
  // With an exponent there is always a digit behind the point.
  if (decimalExponent < -3 || decimalExponent >= 8) low = high = false
  while (!low && !high) digits.push(step())
  const difference = 2n * rest - tens
  const up = high && (!low || difference > 0n || (difference === 0n && (digits[digits.length - 1] & 1) !== 0))
  const text = digits.join('')
  if (!up) return { digits: text, point: decimalExponent + 1 }
  const rounded = (BigInt(text) + 1n).toString().padStart(text.length, '0')
  if (rounded.length > text.length)
    return { digits: rounded.slice(0, text.length), point: decimalExponent + 2 }
  return { digits: rounded, point: decimalExponent + 1 }
}

/** `FDBigInteger`'s table N_5_BITS: bits of a power of five, three a power beyond the table. */
function bitsOfFives(power: number): number {
  return power === 0 ? 0 : power < 28 ? (5n ** BigInt(power)).toString(2).length : power * 3
}

function estimateDecimalExponent(mantissa: bigint, significantBits: number, exponent: number): number {
  const fraction = Number(mantissa) / 2 ** (significantBits - 1)
  return Math.floor((fraction - 1.5) * 0.289529654 + 0.176091259 + exponent * 0.301029995663981)
}

function integerDigits(integer: bigint, exponent: number, significantBits: number): Digits {
  const excess = exponent > significantBits ? exponent - significantBits - 1 : 0
  const dropped = excess > 1 ? Math.floor(excess * Math.log10(2)) : 0
  const power = 10n ** BigInt(dropped)
  const kept = integer / power + (dropped > 0 && integer % power >= power / 2n ? 1n : 0n)
  const text = kept.toString()
  return { digits: text.replace(/0+$/, ''), point: text.length + dropped }
}
