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

/** `Double.toString`. */
export function doubleText(value: number): string {
  return javaText(value, (digits) => (digits === undefined ? value.toExponential() : roundTrip(value, digits, Number)))
}

/** `Float.toString` of a number that is a float. */
export function floatText(value: number): string {
  const parse = (text: string) => Math.fround(Number(text))
  return javaText(value, (digits) => {
    if (digits !== undefined) return roundTrip(value, digits, parse)
    for (let count = 0; count < 9; count++) {
      const text = roundTrip(value, count, parse)
      if (text !== undefined) return text
    }
    return value.toExponential()
  })
}

/** The value with `digits` after the point when that reads back as the value. */
function roundTrip(value: number, digits: number, parse: (text: string) => number): string | undefined {
  const text = value.toExponential(digits)
  return parse(text) === value ? text : undefined
}

/**
 * Java writes the shortest digits that read back as the value, but at least two: of those with two it takes the
 * nearest (4.9E-324). Plain between 10^-3 and 10^7, otherwise with an exponent.
 */
function javaText(value: number, exponential: (digits?: number) => string | undefined): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? 'Infinity' : '-Infinity'
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0'
  let text = exponential() ?? value.toExponential()
  if (!text.includes('.')) text = exponential(1) ?? text
  const [, sign, first, rest = '', exponentText] = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(text) ?? []
  const exponent = Number(exponentText)
  if (exponent < -3 || exponent >= 7) return `${sign}${first}.${rest === '' ? '0' : rest}E${exponent}`
  const digits = first + rest.replace(/0+$/, '')
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`
  const padded = digits.padEnd(exponent + 2, '0')
  return `${sign}${padded.slice(0, exponent + 1)}.${padded.slice(exponent + 1)}`
}
