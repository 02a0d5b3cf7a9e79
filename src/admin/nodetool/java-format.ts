/** Texts as Java makes them. */

/** `%.3f`: rounded half up on the shortest decimal digits; NaN and Infinity by their names. */
export function fixed(value: number, digits: number): string {
  if (!Number.isFinite(value)) return String(value)
  const [mantissa = '', exponent = '0'] = Math.abs(value).toExponential().split('e')
  const digitsText = mantissa.replace('.', '')
  // value = 0.digitsText * 10^(point)
  const point = Number(exponent) + 1
  const kept = point + digits
  const padded = digitsText.padEnd(Math.max(kept, digitsText.length), '0')
  let scaled = kept <= 0 ? 0n : BigInt(padded.slice(0, kept) || '0')
  const next = kept < 0 ? '0' : (padded[kept] ?? '0')
  if (next >= '5') scaled += 1n
  const text = String(scaled).padStart(digits + 1, '0')
  const sign = value < 0 && scaled > 0n ? '-' : ''
  return digits === 0 ? sign + text : `${sign}${text.slice(0, -digits)}.${text.slice(-digits)}`
}

/** `DecimalFormat`: at most so many digits behind the point, half to the even one; `min` of them at least. */
export function decimal(value: number, max: number, min: number = 0): string {
  if (!Number.isFinite(value)) return 'NaN'
  let text = value.toFixed(max)
  // Only what lies exactly in the middle goes to the even one; its digits come to an end.
  const exact = value.toFixed(max + 40)
  if (/^50*$/.test(exact.slice(-40))) {
    const below = exact.slice(0, max === 0 ? -41 : -40)
    if (Number(below.at(-1)) % 2 === 0) text = below
  }
  if (max === 0) return text
  const [whole, rest = ''] = text.split('.')
  let end = rest.length
  while (end > min && rest[end - 1] === '0') end--
  return end === 0 ? whole! : `${whole}.${rest.slice(0, end)}`
}

const UNITS = ['KiB', 'MiB', 'GiB', 'TiB']

/** `FileUtils.stringifyFileSize`. */
export function fileSizeText(bytes: number): string {
  for (let unit = UNITS.length; unit > 0; unit--) {
    const size = 1024 ** unit
    if (bytes >= size) return `${decimal(bytes / size, 2)} ${UNITS[unit - 1]}`
  }
  return `${decimal(bytes, 2)} bytes`
}
