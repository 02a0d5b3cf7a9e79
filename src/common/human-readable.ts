/** Numbers and sizes as people write them. */

const SIZE = /^(NaN|[+-]?Infinity|[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(?:\*2\^([+-]?\d+))?\s*/
const PREFIXES = 'qryzafpnum KMGTPEZYRQ'

/** `FBUtilities.parseHumanReadable(text, null, "B")`: `100MiB`, `1.5 GB`, `2*2^20B`. */
export function parseHumanReadable(text: string): number | { readonly problem: string } {
  if (!text.endsWith('B')) return { problem: `${text} does not end in unit B` }
  const end = text.length - 1
  const match = SIZE.exec(text.slice(0, end))
  if (match === null) return { problem: 'null' }
  let value = Number(match[1])
  if (match[2] !== undefined) value *= 2 ** Number(match[2])
  let at = match[0].length
  const prefix = at < end ? PREFIXES.indexOf(text[at]) : -1
  if (prefix >= 0) {
    const power = prefix - PREFIXES.indexOf(' ')
    at++
    if (at < end && text[at] === 'i') {
      at++
      value *= 2 ** (power * 10)
    } else value *= Math.exp(Math.log(1000) * power)
  }
  if (at === end) return value
  return { problem: `Unexpected characters between pos ${at} and ${end} in ${text}` }
}

/** `FBUtilities.prettyPrintMemory`. */
export function memoryText(size: number): string {
  const prefix = Math.floor(Math.floor(Math.log2(Math.abs(size))) / 10)
  if (size === 0 || prefix === 0) return `${size}B`
  return `${(size / 2 ** (prefix * 10)).toFixed(3)}${PREFIXES[PREFIXES.indexOf(' ') + prefix]}iB`
}

/** The text with the digits of other scripts as ours, which `Integer.parseInt` reads too. */
export function asciiDigits(text: string): string {
  return text.replace(/(?![0-9])\p{Nd}/gu, (digit) => {
    // The ten digits of a script stand together, zero first.
    let value = 0
    while (value < 9 && /\p{Nd}/u.test(String.fromCodePoint(digit.codePointAt(0)! - value - 1))) value++
    return String(value)
  })
}
